"""Trains for one side of a comparison. The side's interpreter runs this file; no module imports it.

It uses the standard library and the package ``cifar_models`` of the current folder, which may be older or newer than
this file. So it uses only little of the package, and reports in one sentence what is missing.

The argument is a JSON object with ``dataset``, ``data_dir``, ``weights_dir``, ``gpu`` and ``records``, the folder for
the records. Answers go to standard output, one JSON object a line. The first answer is ``ready`` with a description of
the side, or ``failed`` with the reason why it cannot train. Jobs come from standard input, one a line, such as
``{"experiment": "simple_cnn", "seed": 0, "first_steps": false}``. The answers to a job are ``progress`` while it
trains, then ``record`` with the file of the run, or ``diverged``, ``memory``, ``failed`` or ``unwritten`` with the
reason. The process ends when standard input ends.
"""

from __future__ import annotations

import dataclasses
import inspect
import json
import os
import queue
import re
import sys
import threading
import time
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import Any

Answer = Callable[..., None]
_SECONDS_BETWEEN_PROGRESS = 0.5
_FIRST_IMAGES, _FIRST_EPOCHS = 256, 2
"""Size of a training's first steps: two batches an epoch, so that the second step shows what the first one learned."""


class Trainer:
    """The side's package, and what its trainings share: data, weights and caches.

    Raises:
        Exception: the package cannot be imported, or its data cannot be loaded.
    """

    def __init__(self, settings: dict[str, Any]) -> None:
        os.environ.setdefault("KERAS_BACKEND", "tensorflow")
        import cifar_models

        if (found := Path(str(cifar_models.__file__)).parents[1].resolve()) != Path.cwd().resolve():
            raise ImportError(f"cifar_models: found it in {found}, expected it in {Path.cwd()}")
        from cifar_models.training import devices

        devices.use_gpus() if settings["gpu"] else devices.hide_gpus()
        from cifar_models import datasets, experiments
        from cifar_models.results.run_files import write_run
        from cifar_models.training import train

        self._experiments, self._train, self._write = experiments, train, write_run
        self._settings = settings
        self._weights: dict[tuple[Any, Any], Any] = {}
        self.dataset = datasets.load_dataset(settings["dataset"], _path(settings["data_dir"]))

    def describe(self) -> dict[str, Any]:
        """Return a description of the side."""
        return {
            "experiments": {name: row.protocol.fingerprint for name, row in self._experiments.EXPERIMENTS.items()},
            "dataset": self.dataset.name,
            "data": self.dataset.fingerprint,
            "classes": list(self.dataset.class_names),
            "python": sys.version.split()[0],
            "packages": _packages(),
        }

    def train(self, job: dict[str, Any], answer: Answer) -> Any:
        """Train a job and return the run."""
        experiment, dataset = self._experiments.find_experiment(job["experiment"]), self.dataset
        if job.get("first_steps"):
            experiment, dataset = _first_steps(experiment, dataset)
        options: dict[str, Any] = {"weights": self._weights_of(experiment)}
        if "progress" in inspect.signature(self._train.train).parameters:
            options["progress"] = _progress(answer)
        return self._train.train(experiment, dataset, job["seed"], **options)

    def write(self, job: dict[str, Any], run: Any) -> str:
        """Write a run's record, and return the name of its file."""
        folder = Path(self._settings["records"])
        return str(self._write(folder / "first-steps" if job.get("first_steps") else folder, run))

    def _weights_of(self, experiment: Any) -> Any:
        protocol = experiment.protocol
        key = protocol.backbone, getattr(protocol, "normalization", None)  # random weights depend on it
        if key not in self._weights:
            folder = _path(self._settings["weights_dir"])
            self._weights[key] = self._train.default_weights(experiment, self.dataset, folder)
        return self._weights[key]


def _first_steps(experiment: Any, dataset: Any) -> tuple[Any, Any]:
    """Reduce an experiment and a data set to the first training steps."""
    parts = ("train_images", "train_labels", "evaluation_images", "evaluation_labels")
    few = {part: getattr(dataset, part)[:_FIRST_IMAGES] for part in parts}
    protocol = dataclasses.replace(experiment.protocol, epochs=_FIRST_EPOCHS)
    return dataclasses.replace(experiment, protocol=protocol), dataclasses.replace(dataset, **few)


def _progress(answer: Answer) -> Callable[[Any], None]:
    shown = 0.0

    def report(state: Any) -> None:
        nonlocal shown
        now = time.monotonic()
        if dataclasses.is_dataclass(state) and not isinstance(state, type):
            values = dataclasses.asdict(state)
            if values.get("validation_accuracy") is not None or now - shown >= _SECONDS_BETWEEN_PROGRESS:
                shown = now
                answer(progress=values)

    return report


def _path(text: str | None) -> Path | None:
    return Path(text) if text else None


def _packages() -> dict[str, str]:
    """Return the version of each installed package by normalized name; the first on the path counts."""
    found: dict[str, str] = {}
    for package in metadata.distributions():
        if name := package.metadata["Name"]:  # a package that is only partly removed has none
            found.setdefault(re.sub(r"[-_.]+", "-", name).lower(), package.version)
    found.pop("cifar-models", None)  # the checkout's is used, not the installed one
    return found


def _described(error: BaseException) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())


def _outcome(error: Exception) -> str:
    """Return the outcome of a training that raised an error; the names are the same in all versions of the package."""
    names = {kind.__name__ for kind in type(error).__mro__}
    if "TrainingDiverged" in names:
        return "diverged"
    return "memory" if names & {"MemoryError", "ResourceExhaustedError"} else "failed"


def _listen(jobs: queue.Queue[dict[str, Any]]) -> None:
    """Read jobs; at the end of the input, end this process at once, even during a training."""
    for line in sys.stdin:
        jobs.put(json.loads(line))
    os._exit(0)


def main() -> None:
    """Describe the side, then train each job."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what libraries print goes to standard error

    def answer(**content: Any) -> None:
        answers.write(json.dumps(content) + "\n")
        answers.flush()

    jobs: queue.Queue[dict[str, Any]] = queue.Queue()
    threading.Thread(target=_listen, args=(jobs,), daemon=True).start()
    try:
        trainer = Trainer(json.loads(sys.argv[1]))
        answer(ready=trainer.describe())
    except Exception as error:  # noqa: BLE001 - a commit's code may raise anything
        answer(failed=_described(error))
        return
    while True:
        job = jobs.get()
        try:
            run = trainer.train(job, answer)
        except Exception as error:  # noqa: BLE001 - as above
            answer(**{_outcome(error): _described(error)})
            continue
        try:
            answer(record=trainer.write(job, run))
        except OSError as error:
            answer(unwritten=_described(error))


if __name__ == "__main__":
    main()
