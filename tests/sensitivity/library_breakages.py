"""What can break in the libraries below a training, one patch from outside each, and the checks that must notice it."""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

_TRAINING = "tests/cifar_models/training"
_SEEDS = f"{_TRAINING}/test_train.py::TestSeeds"
_PROTOCOL = f"{_TRAINING}/test_train.py::TestTheProtocol"
_LIBRARIES = f"{_TRAINING}/test_libraries.py"
_MODELS = "tests/cifar_models/models"
_EVALUATION = "tests/cifar_models/results/test_evaluation.py"


@dataclass(frozen=True)
class Breakage:
    """One thing that breaks in a library.

    Attributes:
        name: what, in words.
        target: the attribute that is replaced, by its full name.
        broken: takes the attribute as it is and returns what stands there instead.
        unit: the test of every commit that must fail, as a node id; with parameters where it is one of them.
        says: what that test's message must contain: the layer and the quantity, where it is a golden trajectory.
        night: what a night's verdict on ``simple_cnn`` or ``improved_cnn`` must say; empty where none need see it.
    """

    name: str
    target: str
    broken: Callable[[Any], Any]
    unit: str
    says: str = ""
    night: str = ""

    def apply(self, patch: pytest.MonkeyPatch) -> None:
        """Replace the attribute, until ``patch`` is undone.

        Raises:
            AttributeError, ImportError: the library has no such attribute.
        """
        owner, name = self.owner()
        patch.setattr(owner, name, self.broken(getattr(owner, name)))

    def owner(self) -> tuple[Any, str]:
        """Return the module or class that has the attribute, and the attribute's name."""
        *path, name = self.target.split(".")
        owner = importlib.import_module(path[0])
        for position, part in enumerate(path[1:], 2):
            if not hasattr(owner, part):
                importlib.import_module(".".join(path[:position]))
            owner = getattr(owner, part)
        return owner, name


def _golden(experiment: str) -> str:
    return f"tests/golden/test_golden.py::test_the_first_steps_are_those_stored[{experiment}]"


def _with(**changes: Any) -> Callable[[Any], Any]:
    """Return what calls a function with some of its keyword arguments replaced."""
    return lambda original: lambda *arguments, **options: original(*arguments, **options | changes)


def _result(change: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Return what changes a function's result."""
    return lambda original: lambda *arguments, **options: change(original(*arguments, **options))


def _nothing(_: Any) -> Any:
    return lambda *_, **__: None


def _meanwhile(attribute: str, change: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Return what changes an attribute of the object while one of its methods runs."""

    def broken(original: Any) -> Any:
        @functools.wraps(original)  # Keras reads the names of a layer's arguments
        def method(self: Any, *arguments: Any, **options: Any) -> Any:
            value = getattr(self, attribute)
            object.__setattr__(self, attribute, change(value))
            try:
                return original(self, *arguments, **options)
            finally:
                object.__setattr__(self, attribute, value)

        return method

    return broken


def _dropout_without_scaling(original: Any) -> Any:
    def call(self: Any, inputs: Any, training: bool = False) -> Any:
        outputs = original(self, inputs, training=training)
        return outputs * (1 - self.rate) if training else outputs

    return call


def _convolve_shifted(original: Any) -> Any:
    def convolution(images: Any, kernel: Any, strides: Any, padding: str, **options: Any) -> Any:
        if padding == "SAME":  # all of the padding above and on the left
            images = tf.pad(images, [[0, 0], *([size - 1, 0] for size in kernel.shape[:2]), [0, 0]])
        return original(images, kernel, strides, "VALID", **options)

    return convolution


def _in_bfloat16(original: Any) -> Any:
    def convolution(images: Any, kernel: Any, *arguments: Any, **options: Any) -> Any:
        rounded = (tf.cast(tf.cast(each, tf.bfloat16), tf.float32) for each in (images, kernel))
        return original(*rounded, *arguments, **options)

    return convolution


def _leaky_gradient(original: Any) -> Any:
    return lambda x: x + tf.stop_gradient(original(x) - x)


def _update_without_bias_correction(_: Any) -> Any:
    def update_step(self: Any, gradient: Any, variable: Any, learning_rate: Any) -> None:
        position = self._get_variable_index(variable)
        first, second = self._momentums[position], self._velocities[position]
        self.assign_add(first, (gradient - first) * (1 - self.beta_1))
        self.assign_add(second, (tf.square(gradient) - second) * (1 - self.beta_2))
        self.assign_sub(variable, learning_rate * first / (tf.sqrt(second) + self.epsilon))

    return update_step


def _quarter_of_the_rate(original: Any) -> Any:
    return lambda self, gradient, variable, rate: original(self, gradient, variable, rate / 4)


def _without_momentum(original: Any) -> Any:
    def update_step(self: Any, gradient: Any, variable: Any, learning_rate: Any) -> None:
        first = self._momentums[self._get_variable_index(variable)]
        first.assign(tf.zeros_like(first))
        original(self, gradient, variable, learning_rate)

    return update_step


def _count_no_step(original: Any) -> Any:
    def apply(self: Any, *arguments: Any, **options: Any) -> None:
        original(self, *arguments, **options)
        self.iterations.assign_sub(1)

    return apply


def _no_first_gradient(original: Any) -> Any:
    def gradient(self: Any, target: Any, sources: Any, *arguments: Any, **options: Any) -> Any:
        first, *others = original(self, target, sources, *arguments, **options)
        return [tf.zeros_like(first), *others]

    return gradient


def _smooth_labels(original: Any) -> Any:
    return lambda labels, *arguments, **options: original(0.9 * labels + 0.01, *arguments, **options)


def _evaluate_in_training_mode(_: Any) -> Any:
    def test_step(self: Any, data: Any) -> Any:
        inputs, labels, _ = keras.utils.unpack_x_y_sample_weight(data)
        outputs = self(inputs, training=True)
        loss = self._compute_loss(x=inputs, y=labels, y_pred=outputs, training=False)
        self._loss_tracker.update_state(loss, sample_weight=tf.shape(outputs)[0])
        return self.compute_metrics(inputs, labels, outputs)

    return test_step


def _predict_in_training_mode(_: Any) -> Any:
    return lambda self, data: self(keras.utils.unpack_x_y_sample_weight(data)[0], training=True)


def _restore_what_trains(_: Any) -> Any:
    def on_train_end(self: Any, logs: Any = None) -> None:  # noqa: ARG001
        for weight, best in zip(self.model.weights, self.best_weights, strict=True):
            if weight.trainable:
                weight.assign(best)

    return on_train_end


def _permute(permutation: Callable[[np.random.Generator, int], Any]) -> Callable[[Any], Any]:
    """Return a ``default_rng`` whose generators permute in another way."""

    class Broken(np.random.Generator):
        def permutation(self, x: Any, axis: int = 0) -> Any:  # noqa: ARG002
            return permutation(self, x)

    return lambda original: lambda seed=None: Broken(original(seed).bit_generator)


def _other_layers(**changes: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Return a namespace of layers some of which are built otherwise."""
    return lambda layers: SimpleNamespace(
        **vars(layers) | {name: change(getattr(layers, name)) for name, change in changes.items()}
    )


def _keep_biases(original: Any) -> Any:
    return lambda self, weights: original(self, [*weights[:1], *(each.numpy() for each in self.weights[1:])])


def _f1_as_a_plain_mean(original: Any) -> Any:
    def scores(*arguments: Any, **options: Any) -> Any:
        precision, recall, _, support = original(*arguments, **options)
        return precision, recall, (precision + recall) / 2, support

    return scores


BREAKAGES = (
    # Layers.
    Breakage(
        "dropout does nothing",
        "keras.layers.Dropout.call",
        lambda _: lambda self, inputs, training=False: inputs,  # noqa: ARG005
        _golden("improved_cnn"),
        says="the dropped share of dropout differs at step 0",
        night="improved_cnn on synthetic: gap is a regression",
    ),
    Breakage(
        "dropout does not scale what it keeps",
        "keras.layers.Dropout.call",
        _dropout_without_scaling,
        _golden("improved_cnn"),
        says="the mean of ones after dropout of dropout differs at step 0",
    ),
    Breakage(
        "batch normalization in inference mode while training",
        "keras.layers.BatchNormalization.call",
        lambda original: lambda self, inputs, training=None, mask=None: original(self, inputs, False, mask),  # noqa: ARG005
        _golden("improved_cnn"),
        says="batch_normalization/moving_mean did not move",
        night="improved_cnn on synthetic: accuracy is a regression",
    ),
    Breakage(
        "momentum of batch normalization the wrong way around",
        "keras.layers.BatchNormalization.call",
        _meanwhile("momentum", lambda momentum: 1 - momentum),
        _golden("improved_cnn"),
        says="the moving mean of batch_normalization differs at step 0",
    ),
    Breakage(
        "epsilon of batch normalization ten times as large",
        "keras.layers.BatchNormalization.call",
        _meanwhile("epsilon", lambda epsilon: 10 * epsilon),
        _golden("improved_cnn"),
        says="the loss of the model differs at step 0",
    ),
    Breakage(
        "frozen batch normalization in training mode",
        "keras.layers.BatchNormalization.call",
        _meanwhile("_trainable", lambda _: True),
        f"{_MODELS}/test_freezing.py::TestFreezing::test_a_frozen_batch_normalization_runs_in_inference_mode",
    ),
    Breakage(
        "max pooling averages",
        "tensorflow.nn.max_pool",
        lambda _: lambda *arguments, **options: tf.nn.avg_pool(*arguments, **options),
        _golden("simple_cnn"),
        says="the loss of the model differs at step 0",
    ),
    Breakage(
        "padding all on one side",
        "tensorflow.nn.convolution",
        _convolve_shifted,
        _golden("simple_cnn"),
        says="the loss of the model differs at step 0",
    ),
    Breakage(
        "convolutions in bfloat16",
        "tensorflow.nn.convolution",
        _in_bfloat16,
        _golden("simple_cnn"),
        says="the gradient of conv2d differs at step 0",
    ),
    Breakage(
        "flattening in another order",
        "keras.layers.Flatten.call",
        lambda original: lambda self, inputs: original(self, tf.transpose(inputs, [0, 2, 1, 3])),
        _golden("simple_cnn"),
        says="the loss of the model differs at step 0",
    ),
    Breakage(
        "ReLU leaks a hundredth",
        "tensorflow.nn.relu",
        lambda original: lambda x: original(x) - 0.01 * original(-x),
        _golden("simple_cnn"),
        says="the gradient of conv2d differs at step 0",
    ),
    Breakage(
        "softmax at twice the temperature",
        "tensorflow.nn.softmax",
        lambda original: lambda x, *arguments, **options: original(x / 2, *arguments, **options),
        f"{_LIBRARIES}::test_predictions_are_the_probabilities_of_the_restored_weights",
    ),
    # Initialisation and random numbers.
    Breakage(
        "Glorot's uniform distribution a tenth too wide",
        "keras.initializers.GlorotUniform.__call__",
        _result(lambda drawn: 1.1 * drawn),
        _golden("simple_cnn"),
        says="the initial weights are others",
    ),
    Breakage(
        "set_random_seed sets nothing",
        "keras.utils.set_random_seed",
        _nothing,
        f"{_SEEDS}::test_the_same_seed_gives_the_same_run",
    ),
    Breakage(
        "the same random numbers in every step",
        "keras.random.SeedGenerator.next",
        lambda _: lambda self, ordered=True: tf.identity(self.state.value),  # noqa: ARG005
        _golden("improved_cnn"),
        says="the dropped share of dropout differs at step 0",
    ),
    # The loss and its gradient.
    Breakage(
        "smoothed labels in the cross-entropy",
        "tensorflow.nn.softmax_cross_entropy_with_logits",
        _smooth_labels,
        _golden("simple_cnn"),
        says="the loss of the model differs at step 0",
    ),
    Breakage(
        "the loss summed over a batch",
        "keras.src.losses.loss.reduce_values",
        lambda original: lambda values, *_, **__: original(values, reduction="sum"),
        _golden("simple_cnn"),
        says="the loss of the model differs at step 0",
    ),
    Breakage(
        "L2 ten times as strong",
        "keras.regularizers.L2.__call__",
        _result(lambda penalty: 10 * penalty),
        _golden("improved_cnn"),
        says="the loss of the model differs at step 0",
    ),
    Breakage(
        "L2 without a gradient",
        "keras.regularizers.L2.__call__",
        _result(tf.stop_gradient),
        _golden("improved_cnn"),
        says="the cosine of gradient and weights of conv2d differs at step 0",
    ),
    Breakage(
        "ReLU lets every gradient through",
        "tensorflow.nn.relu",
        _leaky_gradient,
        _golden("simple_cnn"),
        says="the gradient of conv2d differs at step 0",
    ),
    Breakage(
        "the first kernel has no gradient",
        "tensorflow.GradientTape.gradient",
        _no_first_gradient,
        _golden("simple_cnn"),
        says="conv2d/kernel did not move",
    ),
    # The optimizer.
    Breakage(
        "Adam at a quarter of the rate",
        "keras.optimizers.Adam.update_step",
        _quarter_of_the_rate,
        _golden("simple_cnn"),
        says="the update of conv2d differs at step 0",
        night="simple_cnn on synthetic: accuracy is a regression",
    ),
    Breakage(
        "Adam without bias correction",
        "keras.optimizers.Adam.update_step",
        _update_without_bias_correction,
        _golden("simple_cnn"),
        says="the update of conv2d differs at step 0",
    ),
    Breakage(
        "Adam forgets its momentum",
        "keras.optimizers.Adam.update_step",
        _without_momentum,
        _golden("simple_cnn"),
        says="the update of conv2d differs at step 1",
    ),
    Breakage(
        "Adam's second moment decays at 0.9",
        "keras.optimizers.Adam.update_step",
        _meanwhile("beta_2", lambda _: 0.9),
        _golden("simple_cnn"),
        says="the second moment's norm over the first's of all layers differs at step 0",
    ),
    Breakage(
        "the optimizer counts no step",
        "keras.optimizers.Adam.apply",
        _count_no_step,
        _golden("improved_cnn"),
        says="the learning rate of the model differs at step 1",
    ),
    Breakage(
        "a cosine schedule that falls in a line",
        "keras.optimizers.schedules.CosineDecay.__call__",
        lambda _: lambda self, step: self.initial_learning_rate * (1 - tf.cast(step, tf.float32) / self.decay_steps),
        f"{_TRAINING}/test_train.py::TestTheLearningRate::"
        "test_a_cosine_falls_from_it_to_0_at_the_last_step_of_the_last_epoch",
    ),
    # Fitting, evaluation and prediction.
    Breakage(
        "the best weights not restored by EarlyStopping",
        "keras.callbacks.EarlyStopping.on_train_end",
        _nothing,
        f"{_LIBRARIES}::test_the_best_epochs_weights_are_restored_moving_averages_included",
    ),
    Breakage(
        "EarlyStopping restores no moving averages",
        "keras.callbacks.EarlyStopping.on_train_end",
        _restore_what_trains,
        f"{_LIBRARIES}::test_the_best_epochs_weights_are_restored_moving_averages_included",
    ),
    Breakage(
        "EarlyStopping takes the lowest accuracy for the best",
        "keras.callbacks.EarlyStopping._is_improvement",
        lambda _: lambda self, value, best: best is None or value < best,  # noqa: ARG005
        f"{_LIBRARIES}::TestEarlyStopping::test_the_smallest_gain_is_a_new_best",
    ),
    Breakage(
        "EarlyStopping stops an epoch early",
        "keras.callbacks.EarlyStopping.on_epoch_end",
        _meanwhile("patience", lambda patience: patience - 1),
        f"{_PROTOCOL}::test_it_stops_after_as_many_epochs_without_a_new_best_as_patience_says",
    ),
    Breakage(
        "metrics run on from epoch to epoch",
        "keras.Model.reset_metrics",
        _nothing,
        f"{_LIBRARIES}::test_validation_is_that_of_all_evaluation_images_in_inference_mode",
    ),
    Breakage(
        "evaluation in training mode",
        "keras.Model.test_step",
        _evaluate_in_training_mode,
        _golden("improved_cnn"),
        says="the validation loss of the model differs at step 0",
    ),
    Breakage(
        "a smaller last batch weighs as much as the others",
        "keras.metrics.Mean.update_state",
        _with(sample_weight=None),
        f"{_LIBRARIES}::test_validation_is_that_of_all_evaluation_images_in_inference_mode",
    ),
    Breakage(
        "accuracy counts the second guess too",
        "keras.src.metrics.accuracy_metrics.categorical_accuracy",
        lambda _: (
            lambda labels, outputs: tf.cast(
                tf.math.in_top_k(tf.argmax(labels, axis=-1), tf.convert_to_tensor(outputs), 2), tf.float32
            )
        ),
        f"{_LIBRARIES}::test_validation_is_that_of_all_evaluation_images_in_inference_mode",
    ),
    Breakage(
        "prediction in training mode",
        "keras.Model.predict_step",
        _predict_in_training_mode,
        f"{_LIBRARIES}::test_predictions_are_the_probabilities_of_the_restored_weights",
    ),
    Breakage(
        "predictions in reverse order",
        "keras.Model.predict",
        _result(lambda probabilities: probabilities[::-1]),
        f"{_LIBRARIES}::test_predictions_are_the_probabilities_of_the_restored_weights",
        night="simple_cnn on synthetic: accuracy is a regression",
    ),
    # Data.
    Breakage(
        "a permutation that permutes nothing",
        "numpy.random.default_rng",
        _permute(lambda _, count: np.arange(count)),
        f"{_SEEDS}::test_every_epoch_sees_every_training_image_in_an_order_of_its_own",
    ),
    Breakage(
        "a permutation with repetitions",
        "numpy.random.default_rng",
        _permute(lambda generator, count: generator.integers(count, size=count)),
        f"{_SEEDS}::test_every_epoch_sees_every_training_image_in_an_order_of_its_own",
    ),
    Breakage(
        "one-hot labels of the next class",
        "numpy.eye",
        _result(lambda rows: np.roll(rows, 1, axis=1)),
        f"{_SEEDS}::test_the_order_follows_from_the_seed",
        night="simple_cnn on synthetic: accuracy is a regression",
    ),
    Breakage(
        "division in half precision",
        "numpy.divide",
        _result(lambda values: np.asarray(values).astype(np.float16).astype(np.float32)),
        "tests/cifar_models/datasets/test_normalization.py::TestUnitScale::"
        "test_every_level_is_the_float32_nearest_to_its_255th",
    ),
    Breakage(
        "tf.data hands out three batches at most",
        "tensorflow.data.Dataset.prefetch",
        lambda original: lambda self, size: original(self.take(3), size),
        f"{_PROTOCOL}::test_batches_are_of_the_size_it_says_and_the_last_one_smaller",
    ),
    Breakage(
        "tf.data counts backwards",
        "tensorflow.data.Dataset.range",
        lambda original: lambda count: original(count - 1, -1, -1),
        f"{_SEEDS}::test_every_epoch_sees_every_training_image_in_an_order_of_its_own",
    ),
    # Backbones and weights.
    Breakage(
        "VGG16 without its ReLUs",
        "keras.src.applications.vgg16.layers",
        _other_layers(Conv2D=_with(activation=None)),
        _golden("vgg16_frozen"),
        says="the loss of the model differs at step 0",
    ),
    Breakage(
        "ResNet50 without its shortcuts",
        "keras.src.applications.resnet.layers",
        _other_layers(Add=lambda layer: lambda **options: lambda tensors: layer(**options)([tensors[1], tensors[1]])),
        _golden("resnet50_frozen"),
        says="the loss of the model differs at step 0",
    ),
    Breakage(
        "trainable cannot be set",
        "keras.layers.Layer.trainable",
        lambda original: property(original.fget, lambda *_: None),
        f"{_MODELS}/test_builders.py::test_of_a_frozen_backbone_only_the_dense_layer_trains",
    ),
    Breakage(
        "set_weights leaves biases as they are",
        "keras.layers.Layer.set_weights",
        _keep_biases,
        f"{_TRAINING}/test_train.py::TestWeights::test_the_model_starts_from_the_weights_given",
    ),
    Breakage(
        "load_weights loads nothing",
        "keras.Model.load_weights",
        _nothing,
        f"{_MODELS}/test_pretrained.py::TestWhereTheyComeFrom::test_from_the_folder_given",
    ),
    Breakage(
        "h5py reads in half precision",
        "h5py.Dataset.__array__",
        _result(lambda values: values.astype(np.float16).astype(values.dtype)),
        f"{_MODELS}/test_pretrained.py::TestWhereTheyComeFrom::test_from_the_folder_given",
    ),
    Breakage(
        "a saved model without its moving averages",
        "keras.layers.BatchNormalization.load_own_variables",
        lambda _: (
            lambda self, store: [
                weight.assign(store[str(number)]) for number, weight in enumerate(self.weights) if weight.trainable
            ]
        ),
        f"{_MODELS}/test_saved_model.py::test_moving_averages_are_saved_and_loaded",
    ),
    Breakage(
        "the dtype policy cannot be set",
        "keras.config.set_dtype_policy",
        _nothing,
        f"{_TRAINING}/test_train.py::TestPrecision::test_layers_compute_in_it_and_the_loss_is_scaled",
    ),
    # scikit-learn.
    Breakage(
        "F1 as the plain mean of precision and recall",
        "sklearn.metrics.precision_recall_fscore_support",
        _f1_as_a_plain_mean,
        f"{_EVALUATION}::test_f1_is_the_harmonic_mean_of_unequal_precision_and_recall",
    ),
    Breakage(
        "the confusion matrix transposed",
        "sklearn.metrics.confusion_matrix",
        _result(np.transpose),
        f"{_EVALUATION}::test_rows_and_columns_of_the_confusion_are_not_swapped",
    ),
    Breakage(
        "accuracy in percent",
        "sklearn.metrics.accuracy_score",
        _result(lambda accuracy: 100 * accuracy),
        f"{_EVALUATION}::TestAHandWorkedExample::test_accuracy_is_the_share_of_images_named_right",
    ),
)
