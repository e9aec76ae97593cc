"""Train one model.

Train an experiment once. Print its classification report and what its curves show about overfitting. Write the run's
record, which `compare` and the benchmark can read, and figures.

Examples:
  python -m cifar_models train simple_cnn --dataset synthetic
      a first model, without a download
  python -m cifar_models train vgg16_frozen --data-dir cifar --weights-dir weights --seed 1
      with data and weights from two folders
  python -m cifar_models train improved_cnn --gpu --save-model --output models
      on the GPU; the model is saved for `predict`
"""

from __future__ import annotations

import argparse
import dataclasses
import sys
from functools import partial
from typing import TYPE_CHECKING, Any

from cifar_models.command_line.arguments import (
    add_data_options,
    add_experiment,
    experiment_of,
    prepare_keras,
    require_tensorflow,
)
from cifar_models.command_line.errors import CommandError, user_errors
from cifar_models.command_line.output import add_output_options, prepare_folder, say, write_figures, writing
from cifar_models.datasets import DatasetError, load_dataset
from cifar_models.experiments import HELD_OUT, ProtocolError
from cifar_models.results.evaluation import describe_evaluation
from cifar_models.results.overfitting import describe_overfitting
from cifar_models.results.run_files import record_name, write_run
from cifar_models.training.live_line import LiveLine

if TYPE_CHECKING:
    import keras

    from cifar_models.datasets import Dataset
    from cifar_models.experiments import Experiment
    from cifar_models.models.pretrained import BackboneWeights
    from cifar_models.results.run import Run


TRAINED = "trained, but not every file could be written: "


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add_experiment(parser)
    add_data_options(parser.add_argument)
    parser.add_argument(
        "--seed",
        type=_seed,
        default=0,
        help="seed of initialisation, dropout and the order of the images (default: %(default)s)",
    )
    parser.add_argument(
        "--save-model",
        action="store_true",
        help="also write the trained model as a .keras file, which takes pixels from 0 to 255",
    )
    add_output_options(parser)


def run(arguments: argparse.Namespace) -> None:
    """Train, print the results, and write the files.

    Raises:
        CommandError: the experiment is unknown, its model cannot take the input size, data, weights or a GPU are not
            available, the images do not fit the protocol, files cannot be written or already exist, or the training
            diverged.
    """
    experiment = experiment_of(arguments)
    # Imported first, so that a missing matplotlib is reported before the training.
    from cifar_models.figures.confusion import confusion_matrix
    from cifar_models.figures.dots import class_f1
    from cifar_models.figures.learning_curves import learning_curves

    require_tensorflow()  # before a download, which imports Keras
    with user_errors(DatasetError):
        dataset = load_dataset(arguments.dataset, arguments.data_dir)
    name = record_name(experiment.name, dataset.name, arguments.seed).removesuffix(".json")
    endings = ["json", "learning_curves.png", "confusion_matrix.png", "class_f1.png"]
    endings += ["keras"] if arguments.save_model else []
    prepare_folder(arguments.output, [f"{name}.{ending}" for ending in endings], overwrite=arguments.overwrite)
    prepare_keras(gpu=arguments.gpu)
    from cifar_models.models.pretrained import WeightsError
    from cifar_models.training import train as training
    from cifar_models.training.watch import TrainingDiverged

    with user_errors(WeightsError):
        weights = training.default_weights(experiment, dataset, arguments.weights_dir)
    _print_inputs(experiment, dataset, weights)

    built: list[keras.Model] = []

    def build(**options: Any) -> keras.Model:
        built.append(experiment.build(**options))
        return built[-1]

    line = LiveLine(partial(say, end=""), terminal=sys.stdout.isatty())
    title = f"{experiment.name} seed {arguments.seed}"
    try:
        trained = training.train(
            dataclasses.replace(experiment, build=build),
            dataset,
            arguments.seed,
            weights=weights,
            progress=partial(line.show, title),
        )
    except (DatasetError, ProtocolError) as error:  # raised before the training starts
        raise CommandError(error) from None
    except TrainingDiverged as error:
        raise CommandError(f"{title}: {error}", status=1) from None
    finally:
        line.clear()
    try:
        with writing(TRAINED):  # before results are printed, in case nobody reads them any more
            record = write_run(arguments.output, trained)
    finally:
        _print_results(trained)
    say(f"wrote {record}")

    figures = {
        f"{name}.learning_curves.png": learning_curves({title: [trained]}),
        f"{name}.confusion_matrix.png": confusion_matrix([trained]),
        f"{name}.class_f1.png": [class_f1([trained])],
    }
    write_figures(arguments.output, figures, TRAINED)
    if arguments.save_model:
        from cifar_models.models.saved_model import Classifier, on_pixels, save_classifier

        path = arguments.output / f"{name}.keras"
        normalize = training.fit_normalization(experiment.protocol, dataset)
        with writing(TRAINED):
            save_classifier(path, Classifier(on_pixels(built[-1], normalize), dataset.class_names))
        say(f"wrote {path}, which `python -m cifar_models predict {path} IMAGE` reads")


def _seed(text: str) -> int:
    if not text.isdecimal() or int(text) >= 2**32:
        raise argparse.ArgumentTypeError(f"found {text!r}, expected a whole number from 0 to {2**32 - 1}")
    return int(text)


def _print_inputs(experiment: Experiment, dataset: Dataset, weights: BackboneWeights | None) -> None:
    from cifar_models.results.environment import describe_environment

    environment = describe_environment()
    say(f"model: {experiment.name}, {experiment.description}")
    held_out = " (a tenth of them held out)" if experiment.protocol.validation == HELD_OUT else ""
    say(
        f"data: {dataset.name}, {len(dataset.train_images):,} train{held_out} and {len(dataset.evaluation_images):,} "
        f"evaluation images, {dataset.fingerprint}"
    )
    say(f"device: {environment.machine}")
    if weights is not None:
        say(f"weights of {weights.backbone}: {weights.description}, {weights.fingerprint}")
    say()


def _print_results(trained: Run) -> None:
    held_out = f"{trained.held_out.accuracy:.4f} on the held-out images, " if trained.held_out else ""
    say(
        f"{trained.experiment} seed {trained.seed}: accuracy {trained.accuracy:.4f} on the evaluation images, "
        f"{held_out}{trained.timings.total:.0f} s"
    )
    say(f"\n{describe_evaluation(trained.evaluation)}\n\n{describe_overfitting(trained)}\n")
