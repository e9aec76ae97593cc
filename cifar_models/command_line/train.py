"""``train``: one training, what came of it, and its files."""

from __future__ import annotations

import argparse
import dataclasses
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cifar_models.command_line.arguments import add_experiment, experiment_of, prepare_keras
from cifar_models.command_line.errors import CommandError
from cifar_models.command_line.output import add_output_options, prepare_folder, say, write_figures
from cifar_models.datasets import DATASETS, DatasetError, load_dataset
from cifar_models.experiments import HELD_OUT, ProtocolError
from cifar_models.results.evaluation import describe_evaluation
from cifar_models.results.overfitting import describe_overfitting
from cifar_models.results.run_files import record_name, write_run
from cifar_models.storage.files import user_path
from cifar_models.training.live_line import LiveLine

if TYPE_CHECKING:
    import keras

    from cifar_models.datasets import Dataset
    from cifar_models.experiments import Experiment
    from cifar_models.models.pretrained import BackboneWeights
    from cifar_models.results.run import Run

EXAMPLES = """\
examples:
  python -m cifar_models train simple_cnn --dataset synthetic
      a first model, without any download
  python -m cifar_models train vgg16_frozen --data-dir cifar --weights-dir weights --seed 1
      on the files of two folders
  python -m cifar_models train improved_cnn --gpu --save-model --output models
      on the GPU, keeping the model for `predict`
"""


def add_to(commands: Any) -> None:
    """Declare the command."""
    parser = commands.add_parser(
        "train",
        help="train one model and see what came of it",
        description="Train an experiment once. Prints its classification report and what its curves say about "
        "overfitting; writes the run's record, which `compare` and the benchmark read, and figures.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_experiment(parser)
    parser.add_argument(
        "--dataset",
        choices=DATASETS,
        default=DATASETS[0],
        help="what to train on: the CIFAR-10 files, or the package's own images (default: %(default)s)",
    )
    parser.add_argument(
        "--data-dir",
        type=user_path,
        metavar="DIR",
        help="folder with CIFAR-10: the Python or the binary version, packed or unpacked, or one .npz file "
        "(default: Keras's cache, then its download)",
    )
    parser.add_argument(
        "--weights-dir",
        type=user_path,
        metavar="DIR",
        help="folder with Keras's ImageNet weight files (default: Keras's cache, then its download)",
    )
    parser.add_argument(
        "--seed",
        type=_seed,
        default=0,
        help="of initialisation, dropout and the order of the images (default: %(default)s)",
    )
    parser.add_argument("--gpu", action="store_true", help="train on the GPU; without it GPUs are hidden")
    parser.add_argument(
        "--save-model",
        action="store_true",
        help="write the trained model as a .keras file too, which takes pixels from 0 to 255",
    )
    add_output_options(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    """Train, report, write.

    Raises:
        CommandError: an unknown experiment, an input size that its model cannot take, data, weights or a GPU that are
            not available, files that cannot be written or exist already, or a training that diverged.
    """
    experiment = experiment_of(arguments)
    # Now, so that a missing matplotlib is known before the training.
    from cifar_models.figures.confusion import confusion_matrix
    from cifar_models.figures.dots import class_f1
    from cifar_models.figures.learning_curves import learning_curves

    dataset = _load(arguments)
    name = record_name(experiment.name, dataset.name, arguments.seed).removesuffix(".json")
    files = {what: f"{name}.{what}" for what in ("json", "learning_curves.png", "confusion_matrix.png", "class_f1.png")}
    if arguments.save_model:
        files["keras"] = f"{name}.keras"
    prepare_folder(arguments.output, files.values(), overwrite=arguments.overwrite)
    prepare_keras(gpu=arguments.gpu)
    from cifar_models.training import train as training
    from cifar_models.training.watch import TrainingDiverged

    weights = _weights(experiment, dataset, arguments.weights_dir)
    _say_what_is_trained(experiment, dataset, weights)

    built: list[keras.Model] = []

    def build(**options: Any) -> keras.Model:
        built.append(experiment.build(**options))
        return built[-1]

    line = LiveLine(_write, terminal=sys.stdout.isatty())
    title = f"{experiment.name} seed {arguments.seed}"
    try:
        trained = training.train(
            dataclasses.replace(experiment, build=build),
            dataset,
            arguments.seed,
            weights=weights,
            progress=lambda state: line.show(title, state),
        )
    except ProtocolError as error:
        raise CommandError(error) from None
    except TrainingDiverged as error:
        raise CommandError(f"{title}: {error}", status=1) from None
    finally:
        line.clear()
    _say_what_came_of_it(trained)

    say()
    figures = {
        files["learning_curves.png"]: learning_curves({title: [trained]}),
        files["confusion_matrix.png"]: confusion_matrix([trained]),
        files["class_f1.png"]: [class_f1([trained])],
    }
    try:
        say(f"wrote {write_run(arguments.output, trained)}")
        write_figures(arguments.output, figures)
        if arguments.save_model:
            _save(arguments.output / files["keras"], built[-1], experiment, dataset)
    except OSError as error:
        raise CommandError(f"--output: trained, but not every file could be written: {error}") from None


def _seed(text: str) -> int:
    try:
        seed = int(text)
    except ValueError:
        seed = -1
    if not 0 <= seed < 2**32:
        raise argparse.ArgumentTypeError(f"found {text!r}, expected a whole number from 0 to {2**32 - 1}")
    return seed


def _load(arguments: argparse.Namespace) -> Dataset:
    try:
        return load_dataset(arguments.dataset, arguments.data_dir)
    except DatasetError as error:
        raise CommandError(error) from None


def _weights(experiment: Experiment, dataset: Dataset, folder: Path | None) -> BackboneWeights | None:
    from cifar_models.models.pretrained import WeightsError
    from cifar_models.training.train import default_weights

    try:
        return default_weights(experiment, dataset, folder)
    except WeightsError as error:
        raise CommandError(error) from None


def _say_what_is_trained(experiment: Experiment, dataset: Dataset, weights: BackboneWeights | None) -> None:
    from cifar_models.results.environment import describe_environment

    environment = describe_environment()
    say(f"model: {experiment.name}, {experiment.description}")
    held_out = " (a tenth of them held out)" if experiment.protocol.validation == HELD_OUT else ""
    say(
        f"data: {dataset.name}, {len(dataset.train_images):,} train{held_out} and {len(dataset.evaluation_images):,} "
        f"evaluation images, {dataset.fingerprint}"
    )
    say(f"device: {environment.device} on {environment.processor}")
    if weights is not None:
        say(f"weights of {weights.backbone}: {weights.description}, {weights.fingerprint}")
    say()


def _say_what_came_of_it(trained: Run) -> None:
    held_out = f"{trained.held_out.accuracy:.4f} on the held-out images, " if trained.held_out else ""
    say(
        f"{trained.experiment} seed {trained.seed}: accuracy {trained.accuracy:.4f} on the evaluation images, "
        f"{held_out}{trained.timings.total:.0f} s"
    )
    say()
    say(describe_evaluation(trained.evaluation))
    say()
    say(describe_overfitting(trained))


def _save(path: Path, model: keras.Model, experiment: Experiment, dataset: Dataset) -> None:
    from cifar_models.models.saved_model import Classifier, on_pixels, save_classifier
    from cifar_models.training.train import fit_normalization

    normalize = fit_normalization(experiment.protocol, dataset)
    save_classifier(path, Classifier(on_pixels(model, normalize), dataset.class_names))
    say(f"wrote {path}, which `python -m cifar_models predict {path} IMAGE` reads")


def _write(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()
