"""What can break in the libraries below a training, one patch from outside each, and the checks that must notice it."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from tests.sensitivity import ways_to_break as ways
from tests.sensitivity.breakage import Breakage

_TRAINING = "tests/cifar_models/training"
_SEEDS = f"{_TRAINING}/test_train.py::TestSeeds"
_PROTOCOL = f"{_TRAINING}/test_train.py::TestTheProtocol"
_LIBRARIES = f"{_TRAINING}/test_libraries.py"
_MODELS = "tests/cifar_models/models"
_EVALUATION = "tests/cifar_models/results/test_evaluation.py"


def _golden(experiment: str) -> str:
    return f"tests/golden/test_golden.py::test_the_first_steps_are_those_stored[{experiment}]"


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
        ways.dropout_without_scaling,
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
        ways.change_meanwhile("momentum", lambda momentum: 1 - momentum),
        _golden("improved_cnn"),
        says="the moving mean of batch_normalization differs at step 0",
    ),
    Breakage(
        "epsilon of batch normalization ten times as large",
        "keras.layers.BatchNormalization.call",
        ways.change_meanwhile("epsilon", lambda epsilon: 10 * epsilon),
        _golden("improved_cnn"),
        says="the loss of the model differs at step 0",
    ),
    Breakage(
        "frozen batch normalization in training mode",
        "keras.layers.BatchNormalization.call",
        ways.change_meanwhile("_trainable", lambda _: True),
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
        ways.convolve_shifted,
        _golden("simple_cnn"),
        says="the loss of the model differs at step 0",
    ),
    Breakage(
        "convolutions in bfloat16",
        "tensorflow.nn.convolution",
        ways.in_bfloat16,
        _golden("simple_cnn"),
        says="the validation loss of the model differs at step 0",
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
    Breakage(
        "resizing to the nearest pixel",
        "keras.src.backend.image.resize",
        ways.with_arguments(interpolation="nearest"),
        _golden("vgg16_matched"),
        says="the loss of the model differs at step 0",
    ),
    Breakage(
        "random flips that flip nothing",
        "keras.layers.RandomFlip.transform_images",
        lambda _: lambda self, images, *_, **__: images,  # noqa: ARG005
        _golden("reference_cnn"),
        says="the loss of the model differs at step 0",
    ),
    Breakage(
        "random shifts that shift nothing",
        "keras.layers.RandomTranslation.transform_images",
        lambda _: lambda self, images, *_, **__: images,  # noqa: ARG005
        _golden("reference_cnn"),
        says="the loss of the model differs at step 0",
    ),
    # Initialisation and random numbers.
    Breakage(
        "Glorot's uniform distribution a tenth too wide",
        "keras.initializers.GlorotUniform.__call__",
        ways.change_result(lambda drawn: 1.1 * drawn),
        _golden("simple_cnn"),
        says="the initial weights differ",
    ),
    Breakage(
        "set_random_seed sets nothing",
        "keras.utils.set_random_seed",
        ways.do_nothing,
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
        ways.smooth_labels,
        _golden("simple_cnn"),
        says="the gradient of conv2d differs at step 0",
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
        ways.change_result(lambda penalty: 10 * penalty),
        _golden("improved_cnn"),
        says="the loss of the model differs at step 0",
    ),
    Breakage(
        "L2 without a gradient",
        "keras.regularizers.L2.__call__",
        ways.change_result(tf.stop_gradient),
        _golden("improved_cnn"),
        says="the cosine of gradient and weights of conv2d differs at step 0",
    ),
    Breakage(
        "ReLU lets every gradient through",
        "tensorflow.nn.relu",
        ways.leaky_gradient,
        _golden("simple_cnn"),
        says="the gradient of conv2d differs at step 0",
    ),
    Breakage(
        "the first kernel has no gradient",
        "tensorflow.GradientTape.gradient",
        ways.no_first_gradient,
        _golden("simple_cnn"),
        says="conv2d/kernel did not move",
    ),
    # The optimizer.
    Breakage(
        "Adam at a quarter of the rate",
        "keras.optimizers.Adam.update_step",
        ways.quarter_of_the_rate,
        _golden("simple_cnn"),
        says="the update of conv2d differs at step 0",
        night="simple_cnn on synthetic: accuracy is a regression",
    ),
    Breakage(
        "Adam without bias correction",
        "keras.optimizers.Adam.update_step",
        ways.update_without_bias_correction,
        _golden("simple_cnn"),
        says="the update of conv2d differs at step 0",
    ),
    Breakage(
        "Adam forgets its momentum",
        "keras.optimizers.Adam.update_step",
        ways.without_momentum,
        _golden("simple_cnn"),
        says="the update of conv2d differs at step 1",
    ),
    Breakage(
        "Adam's second moment decays at 0.9",
        "keras.optimizers.Adam.update_step",
        ways.change_meanwhile("beta_2", lambda _: 0.9),
        _golden("simple_cnn"),
        says="the second moment's norm over the first's of all layers differs at step 0",
    ),
    Breakage(
        "the optimizer counts no step",
        "keras.optimizers.Adam.apply",
        ways.count_no_step,
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
    Breakage(
        "SGD without momentum",
        "keras.optimizers.SGD.update_step",
        ways.change_meanwhile("momentum", lambda _: 0.0),
        _golden("reference_cnn"),
        says="the update of",
    ),
    Breakage(
        "weight decay that decays nothing",
        "keras.optimizers.Optimizer._apply_weight_decay",
        ways.do_nothing,
        _golden("reference_cnn"),
        says="the update of",
    ),
    Breakage(
        "the moving average of the weights never taken over",
        "keras.optimizers.Optimizer._overwrite_model_variables_with_average_value",
        ways.do_nothing,
        _golden("reference_cnn"),
        says="the update of",
    ),
    # Fitting, evaluation and prediction.
    Breakage(
        "the best weights not restored by EarlyStopping",
        "keras.callbacks.EarlyStopping.on_train_end",
        ways.do_nothing,
        f"{_LIBRARIES}::test_the_best_epochs_weights_are_restored_moving_averages_included",
    ),
    Breakage(
        "EarlyStopping restores no moving averages",
        "keras.callbacks.EarlyStopping.on_train_end",
        ways.restore_what_trains,
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
        ways.change_meanwhile("patience", lambda patience: patience - 1),
        f"{_PROTOCOL}::test_it_stops_after_as_many_epochs_without_a_new_best_as_patience_says",
    ),
    Breakage(
        "metrics run on from epoch to epoch",
        "keras.Model.reset_metrics",
        ways.do_nothing,
        f"{_LIBRARIES}::test_validation_is_that_of_all_evaluation_images_in_inference_mode",
    ),
    Breakage(
        "evaluation in training mode",
        "keras.Model.test_step",
        ways.evaluate_in_training_mode,
        _golden("improved_cnn"),
        says="the validation loss of the model differs at step 0",
    ),
    Breakage(
        "a smaller last batch weighs as much as the others",
        "keras.metrics.Mean.update_state",
        ways.with_arguments(sample_weight=None),
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
        ways.predict_in_training_mode,
        f"{_LIBRARIES}::test_predictions_are_the_probabilities_of_the_restored_weights",
    ),
    Breakage(
        "predictions in reverse order",
        "keras.Model.predict",
        ways.change_result(lambda probabilities: probabilities[::-1]),
        f"{_LIBRARIES}::test_predictions_are_the_probabilities_of_the_restored_weights",
        night="simple_cnn on synthetic: accuracy is a regression",
    ),
    # Data.
    Breakage(
        "a permutation that permutes nothing",
        "numpy.random.default_rng",
        ways.permute_by(lambda _, count: np.arange(count)),
        f"{_SEEDS}::test_every_epoch_sees_every_training_image_in_an_order_of_its_own",
    ),
    Breakage(
        "a permutation with repetitions",
        "numpy.random.default_rng",
        ways.permute_by(lambda generator, count: generator.integers(count, size=count)),
        f"{_SEEDS}::test_every_epoch_sees_every_training_image_in_an_order_of_its_own",
    ),
    Breakage(
        "one-hot labels of the next class",
        "numpy.eye",
        ways.change_result(lambda rows: np.roll(rows, 1, axis=1)),
        f"{_SEEDS}::test_the_order_follows_from_the_seed",
        night="simple_cnn on synthetic: accuracy is a regression",
    ),
    Breakage(
        "division in half precision",
        "numpy.divide",
        ways.change_result(lambda values: np.asarray(values).astype(np.float16).astype(np.float32)),
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
        ways.other_layers(Conv2D=ways.with_arguments(activation=None)),
        _golden("vgg16_frozen"),
        says="the loss of the model differs at step 0",
    ),
    Breakage(
        "ResNet50 without its shortcuts",
        "keras.src.applications.resnet.layers",
        ways.other_layers(
            Add=lambda layer: lambda **options: lambda tensors: layer(**options)([tensors[1], tensors[1]])
        ),
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
        ways.keep_biases,
        f"{_TRAINING}/test_train.py::TestWeights::test_the_model_starts_from_the_weights_given",
    ),
    Breakage(
        "load_weights loads nothing",
        "keras.Model.load_weights",
        ways.do_nothing,
        f"{_MODELS}/test_pretrained.py::TestWhereTheyComeFrom::test_from_the_folder_given",
    ),
    Breakage(
        "h5py reads in half precision",
        "h5py.Dataset.__array__",
        ways.change_result(lambda values: values.astype(np.float16).astype(values.dtype)),
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
        ways.do_nothing,
        f"{_TRAINING}/test_train.py::TestPrecision::test_layers_compute_in_it_and_the_loss_is_scaled",
    ),
    # scikit-learn.
    Breakage(
        "F1 as the plain mean of precision and recall",
        "sklearn.metrics.precision_recall_fscore_support",
        ways.f1_as_a_plain_mean,
        f"{_EVALUATION}::test_f1_is_the_harmonic_mean_of_unequal_precision_and_recall",
    ),
    Breakage(
        "the confusion matrix transposed",
        "sklearn.metrics.confusion_matrix",
        ways.change_result(np.transpose),
        f"{_EVALUATION}::test_rows_and_columns_of_the_confusion_are_not_swapped",
    ),
    Breakage(
        "accuracy in percent",
        "sklearn.metrics.accuracy_score",
        ways.change_result(lambda accuracy: 100 * accuracy),
        f"{_EVALUATION}::TestAHandWorkedExample::test_accuracy_is_the_share_of_images_named_right",
    ),
)
