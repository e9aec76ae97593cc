"""What can go wrong in a training, one edit of the package each, and the checks that must notice it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

_TESTS = "tests/cifar_models"
_TRAINING = f"{_TESTS}/training/test_train.py"


@dataclass(frozen=True)
class Regression:
    """One thing that goes wrong.

    Attributes:
        name: what, in words.
        file: the source that is edited, relative to the repository.
        old: the text that is replaced; it occurs there exactly once.
        new: what stands there instead.
        unit: the test of every commit that must fail, as a node id without parameters.
        night: what the night's verdict on ``simple_cnn`` must say too; empty where a night need not see it.
    """

    name: str
    file: str
    old: str
    new: str
    unit: str
    night: str = ""

    def apply(self, root: Path) -> None:
        """Edit the source under ``root``.

        Raises:
            ValueError: the old text does not occur exactly once.
        """
        path = root / self.file
        text = path.read_text(encoding="utf-8")
        if (count := text.count(self.old)) != 1:
            raise ValueError(
                f"{self.name}: found {count} places in {self.file} that read {self.old!r}, expected one; the code has "
                f"moved on: bring this regression's text in {Path(__file__).name} up to date"
            )
        path.write_text(text.replace(self.old, self.new), encoding="utf-8")


REGRESSIONS = (
    # Pixels.
    Regression(
        "pixels not divided by 255",
        "cifar_models/datasets/normalization.py",
        "return np.divide(images, np.float32(255), dtype=np.float32)",
        "return images.astype(np.float32)",
        f"{_TESTS}/datasets/test_normalization.py::TestUnitScale::test_black_is_exactly_0_and_white_exactly_1",
    ),
    Regression(
        "pixels divided by 255 twice",
        "cifar_models/training/batches.py",
        "[prepare(array) for array in arrays]",
        "[prepare(array) / np.float32(255) for array in arrays]",
        f"{_TRAINING}::TestSeeds::test_an_epoch_is_keras_s_own_steps_on_its_batches",
        night="accuracy is a regression",
    ),
    Regression(
        "RGB for BGR where ImageNet's means are subtracted",
        "cifar_models/datasets/normalization.py",
        "np.subtract(images[..., ::-1], ",
        "np.subtract(images, ",
        f"{_TESTS}/datasets/test_normalization.py::TestImagenetCaffe::test_blue_comes_first_less_its_own_mean",
    ),
    Regression(
        "BGR for RGB in CIFAR-10's images",
        "cifar_models/datasets/batches.py",
        ".transpose(0, 2, 3, 1)",
        ".transpose(0, 2, 3, 1)[..., ::-1]",
        f"{_TESTS}/datasets/test_cifar10.py::test_the_unpacked_folder_is_read_from_the_folder_that_holds_it",
    ),
    Regression(
        "training images standardised with the evaluation images' statistics",
        "cifar_models/training/train.py",
        "FITS[protocol.normalization](dataset.train_images)",
        "FITS[protocol.normalization](dataset.evaluation_images)",
        f"{_TRAINING}::TestTheProtocol::test_the_normalization_is_fitted_on_the_training_images_alone",
    ),
    # Layers.
    Regression(
        "average pooling for max pooling",
        "cifar_models/models/builders.py",
        'layers.Activation("relu")(features)\n        features = layers.MaxPooling2D()',
        'layers.Activation("relu")(features)\n        features = layers.AveragePooling2D(2)',
        f"{_TESTS}/models/test_builders.py::test_simple_cnn_is_the_published_one_layer_for_layer",
    ),
    Regression(
        "padding valid for same",
        "cifar_models/models/builders.py",
        'layers.Conv2D(filters, 3, padding="same")',
        "layers.Conv2D(filters, 3)",
        f"{_TESTS}/models/test_builders.py::test_simple_cnn_is_the_published_one_layer_for_layer",
    ),
    Regression(
        "one layer's width halved",
        "cifar_models/models/builders.py",
        "layers.Dense(512, ",
        "layers.Dense(256, ",
        f"{_TESTS}/models/test_builders.py::test_the_published_parameters_are_met",
    ),
    Regression(
        "a ReLU left out",
        "cifar_models/models/builders.py",
        'layers.Dense(512, activation="relu")',
        "layers.Dense(512)",
        f"{_TESTS}/models/test_builders.py::test_simple_cnn_is_the_published_one_layer_for_layer",
    ),
    Regression(
        "softmax applied twice",
        "cifar_models/models/builders.py",
        'return layers.Dense(CLASS_COUNT, activation="softmax", name="probabilities", dtype="float32")(features)',
        'return layers.Softmax()(layers.Dense(CLASS_COUNT, activation="softmax", name="probabilities")(features))',
        f"{_TESTS}/models/test_builders.py::test_simple_cnn_is_the_published_one_layer_for_layer",
    ),
    Regression(
        "another weight initialiser",
        "cifar_models/models/builders.py",
        'layers.Conv2D(filters, 3, padding="same")',
        'layers.Conv2D(filters, 3, padding="same", kernel_initializer="he_normal")',
        f"{_TESTS}/models/test_builders.py::test_kernels_start_as_keras_draws_them_by_default",
        night="gap is a regression",
    ),
    Regression(
        "dropout rate 0",
        "cifar_models/models/builders.py",
        "layers.Dropout(0.3)",
        "layers.Dropout(0.0)",
        f"{_TESTS}/models/test_builders.py::test_improved_cnn_is_the_one_that_its_baselines_were_measured_with",
    ),
    Regression(
        "L2 left out",
        "cifar_models/models/builders.py",
        "layers.Dense(256, use_bias=False, kernel_regularizer=decay)",
        "layers.Dense(256, use_bias=False)",
        f"{_TESTS}/models/test_builders.py::test_improved_cnn_is_the_one_that_its_baselines_were_measured_with",
    ),
    Regression(
        "momentum of batch normalization 0.5",
        "cifar_models/models/builders.py",
        "BATCH_NORMALIZATION_MOMENTUM = 0.8",
        "BATCH_NORMALIZATION_MOMENTUM = 0.5",
        f"{_TESTS}/models/test_builders.py::test_improved_cnn_is_the_one_that_its_baselines_were_measured_with",
    ),
    # Steps.
    Regression(
        "learning rate times 3",
        "cifar_models/training/compiled.py",
        "return protocol.learning_rate\n",
        "return 3 * protocol.learning_rate\n",
        f"{_TRAINING}::TestTheLearningRate::test_it_is_constant_unless_the_protocol_says_otherwise",
    ),
    Regression(
        "learning rate divided by 10",
        "cifar_models/training/compiled.py",
        "return protocol.learning_rate\n",
        "return protocol.learning_rate / 10\n",
        f"{_TRAINING}::TestTheLearningRate::test_it_is_constant_unless_the_protocol_says_otherwise",
        night="accuracy is a regression",
    ),
    Regression(
        "SGD for Adam",
        "cifar_models/training/compiled.py",
        '"class_name": protocol.optimizer',
        '"class_name": "sgd"',
        f"{_TRAINING}::TestTheOptimizer::test_it_is_keras_s_own_and_only_what_the_protocol_says_is_set",
    ),
    Regression(
        "Adam's epsilon 1e-3",
        "cifar_models/training/compiled.py",
        '"config": {',
        '"config": {"epsilon": 1e-3, ',
        f"{_TRAINING}::TestTheOptimizer::test_it_is_keras_s_own_and_only_what_the_protocol_says_is_set",
    ),
    Regression(
        "batches of 256",
        "cifar_models/training/train.py",
        "inputs, dataset.train_labels, protocol.batch_size, ",
        "inputs, dataset.train_labels, 256, ",
        f"{_TRAINING}::TestTheProtocol::test_batches_are_of_the_size_it_says_and_the_last_one_smaller",
    ),
    # Freezing.
    Regression(
        "the frozen backbone left trainable",
        "cifar_models/models/builders.py",
        "    freeze(backbone)\n",
        "",
        f"{_TESTS}/models/test_builders.py::test_of_a_frozen_backbone_only_the_dense_layer_trains",
    ),
    Regression(
        "frozen batch normalization run in training mode",
        "cifar_models/models/freezing.py",
        "        layer.trainable = False\n",
        "        for weight in layer.weights:\n            weight.trainable = False\n",
        f"{_TESTS}/models/test_freezing.py::TestFreezing::test_a_frozen_batch_normalization_runs_in_inference_mode",
    ),
    Regression(
        "29 layers freed for 30",
        "cifar_models/models/builders.py",
        '"resnet50": 30',
        '"resnet50": 29',
        f"{_TESTS}/models/test_builders.py::test_fine_tuning_frees_exactly_the_last_30_of_175_layers",
    ),
    Regression(
        "31 layers freed for 30",
        "cifar_models/models/builders.py",
        '"resnet50": 30',
        '"resnet50": 31',
        f"{_TESTS}/models/test_builders.py::test_fine_tuning_frees_exactly_the_last_30_of_175_layers",
    ),
    # The end of a training, and what is reported of it.
    Regression(
        "early stopping off",
        "cifar_models/training/train.py",
        "patience=protocol.patience, ",
        "patience=protocol.epochs, ",
        f"{_TRAINING}::TestTheProtocol::test_it_stops_after_as_many_epochs_without_a_new_best_as_patience_says",
    ),
    Regression(
        "patience 0",
        "cifar_models/training/train.py",
        "patience=protocol.patience, ",
        "patience=0, ",
        f"{_TRAINING}::TestTheProtocol::test_it_stops_after_as_many_epochs_without_a_new_best_as_patience_says",
    ),
    Regression(
        "the best epoch's weights not restored",
        "cifar_models/training/train.py",
        "restore_best_weights=True",
        "restore_best_weights=False",
        f"{_TRAINING}::TestTheProtocol::test_accuracy_is_that_of_the_best_epoch_and_the_gap_that_of_the_last",
    ),
    Regression(
        "the best epoch's moving averages not restored with its weights",
        "cifar_models/training/train.py",
        "keras.callbacks.EarlyStopping(",
        "type('Restoring', (keras.callbacks.EarlyStopping,), {'on_train_end': lambda self, logs=None: "
        "[weight.assign(best) for weight, best in zip(self.model.weights, self.best_weights) if weight.trainable]})(",
        f"{_TESTS}/training/test_libraries.py::test_the_best_epochs_weights_are_restored_moving_averages_included",
    ),
    Regression(
        "early stopping with a min_delta of 0.005",
        "cifar_models/training/train.py",
        "patience=protocol.patience, ",
        "patience=protocol.patience, min_delta=0.005, ",
        f"{_TESTS}/training/test_libraries.py::TestEarlyStopping::test_the_smallest_gain_is_a_new_best",
    ),
    Regression(
        "the best epoch's gap for the last one's",
        "cifar_models/results/run.py",
        "return self.curves.accuracy[-1] - self.curves.val_accuracy[-1]",
        "best = self.best_epoch - 1\n        return self.curves.accuracy[best] - self.curves.val_accuracy[best]",
        f"{_TESTS}/results/test_run.py::test_the_gap_is_train_minus_validation_of_the_last_epoch",
    ),
    Regression(
        "the last epoch's accuracy for the best one's",
        "cifar_models/results/run.py",
        "return self.evaluation.accuracy",
        "return self.curves.val_accuracy[-1]",
        f"{_TRAINING}::TestTheProtocol::test_accuracy_is_that_of_the_best_epoch_and_the_gap_that_of_the_last",
    ),
    # Images and labels.
    Regression(
        "a tenth of the training labels shuffled",
        "cifar_models/training/train.py",
        "inputs, dataset.train_labels, ",
        "inputs, np.where(np.arange(len(dataset.train_labels)) % 10, dataset.train_labels, "
        "np.random.default_rng(0).permutation(dataset.train_labels)), ",
        f"{_TRAINING}::TestSeeds::test_an_epoch_is_keras_s_own_steps_on_its_batches",
        night="gap makes the baseline stale",
    ),
    Regression(
        "training images not shuffled",
        "cifar_models/training/batches.py",
        "order.permutation(len(chosen))",
        "np.arange(len(chosen))",
        f"{_TRAINING}::TestSeeds::test_every_epoch_sees_every_training_image_in_an_order_of_its_own",
    ),
    Regression(
        "evaluation images leaked into the training images",
        "cifar_models/training/train.py",
        "inputs, dataset.train_labels, protocol.batch_size, prepare, order=np.random.default_rng(seed), rows=rows",
        "[np.concatenate(pair) for pair in zip(inputs, evaluation_inputs)], "
        "np.concatenate([dataset.train_labels, dataset.evaluation_labels]), "
        "protocol.batch_size, prepare, order=np.random.default_rng(seed)",
        f"{_TRAINING}::TestTheProtocol::test_an_evaluation_image_is_for_validation_and_the_last_judgement_alone",
        night="accuracy makes the baseline stale",
    ),
    Regression(
        "validation on half of the evaluation images",
        "cifar_models/training/train.py",
        "validation_data=validation_batches,",
        "validation_data=form_batches(evaluation_inputs, "
        "dataset.evaluation_labels[: len(dataset.evaluation_labels) // 2], protocol.batch_size, prepare),",
        f"{_TRAINING}::TestTheProtocol::test_an_evaluation_image_is_for_validation_and_the_last_judgement_alone",
    ),
    Regression(
        "accuracy on half of the evaluation images",
        "cifar_models/results/evaluation.py",
        "accuracy_score(labels, predictions)",
        "accuracy_score(labels[::2], predictions[::2])",
        f"{_TESTS}/results/test_evaluation.py::TestAHandWorkedExample::test_accuracy_is_the_share_of_images_named_right",
    ),
    Regression(
        "held-out images trained on",
        "cifar_models/training/train.py",
        "return hold_out(labels) if protocol.validation == HELD_OUT else (np.arange(len(labels)), None)",
        "return (np.arange(len(labels)), hold_out(labels)[1] if protocol.validation == HELD_OUT else None)",
        f"{_TRAINING}::TestHeldOutImages::test_they_are_never_trained_on_and_the_evaluation_images_are_used_once",
    ),
    Regression(
        "the normalization fitted on the held-out images too",
        "cifar_models/training/train.py",
        "return FITS[protocol.normalization](dataset.train_images[rows])",
        "return FITS[protocol.normalization](dataset.train_images)",
        f"{_TRAINING}::TestHeldOutImages::test_the_normalization_is_not_fitted_on_them",
    ),
    Regression(
        "one class mapped to another",
        "cifar_models/training/batches.py",
        "one_hot[labels[batch]]",
        "one_hot[np.where(labels[batch] == 9, 1, labels[batch])]",
        f"{_TRAINING}::TestSeeds::test_the_order_follows_from_the_seed",
        night="classes is a regression",
    ),
)
