"""One side of a comparison: a process that trains with the code of a checkout in an environment.

It lives as long as the comparison, so that the features of a frozen part and traced models are made once for all seeds.
"""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

from benchmarks.comparison.checkouts import clean_environment
from cifar_models.results.run import Run, RunError
from cifar_models.results.run_files import read_run
from cifar_models.training.progress import FeatureProgress, Progress, Report

DRIVER = Path(__file__).with_name("driver.py")
_SECONDS_TO_END = 10.0


class SideError(RuntimeError):
    """A side that cannot train, or no longer; one sentence with the last line that it wrote."""


class MachineError(SideError):
    """A side that the machine keeps from training: it was killed, or its record cannot be written."""


class TrainingEnded(RuntimeError):
    """A training that gave no run, while its side can train on.

    Attributes:
        outcome: ``diverged``, ``memory`` for too little of it, or ``failed``.
    """

    def __init__(self, message: str, *, outcome: str) -> None:
        super().__init__(message)
        self.outcome = outcome


@dataclass(frozen=True)
class Ready:
    """What a side says of itself before it trains.

    Attributes:
        experiments: the fingerprint of each one's protocol, by name, in the table's order.
        dataset: the data set's name.
        data: its fingerprint.
        classes: the names of its classes, by label.
        python: the interpreter's version.
        packages: version by normalized name, of all that is installed.
    """

    experiments: dict[str, str]
    dataset: str
    data: str
    classes: list[str]
    python: str
    packages: dict[str, str]


@dataclass(frozen=True, kw_only=True)
class Job:
    """What all trainings of a comparison have in common; paths are absolute."""

    dataset: str
    data_dir: Path | None = None
    weights_dir: Path | None = None
    gpu: bool = False


class Side:
    """A side whose process runs.

    Attributes:
        name: for messages.
        ready: what it says of itself.
    """

    def __init__(self, name: str, process: subprocess.Popen[str], log: Any) -> None:
        self.name = name
        self._process, self._log = process, log
        self.ready = self._start()

    def _start(self) -> Ready:
        answer = self._answer("before its first training")
        if "ready" not in answer:
            raise SideError(f"{self.name} cannot train: {answer.get('failed')}")
        return Ready(**answer["ready"])

    def train(self, experiment: str, seed: int, show: Report | None = None, *, first_steps: bool = False) -> Run:
        """Train an experiment with a seed, and return the run that the side has recorded.

        Args:
            experiment: its name.
            seed: of the training.
            show: called with the progress.
            first_steps: train only two epochs of a few images, which takes seconds.

        Raises:
            TrainingEnded: it diverged, ran out of memory or failed; others may still go well.
            SideError: the process has ended, or its record cannot be read.
        """
        what = f"{experiment} seed {seed}"
        job = {"experiment": experiment, "seed": seed, "first_steps": first_steps}
        with suppress(OSError):  # of a process that has ended, which the answer shows
            self._process.stdin.write(json.dumps(job) + "\n")  # type: ignore[union-attr]
            self._process.stdin.flush()  # type: ignore[union-attr]
        while "progress" in (answer := self._answer(f"in {what}")):
            if show is not None:
                with suppress(TypeError):  # of a version with other fields
                    values = answer["progress"]
                    show(FeatureProgress(**values) if "all_images" in values else Progress(**values))
        if "unwritten" in answer:
            raise MachineError(f"{self.name}, {what}: trained, but its record cannot be kept: {answer['unwritten']}")
        if "record" not in answer:
            ((outcome, reason),) = answer.items()
            raise TrainingEnded(f"{self.name}, {what}: {reason}", outcome=outcome)
        try:
            return read_run(Path(answer["record"]))
        except RunError as error:
            raise SideError(f"{self.name} has written a record that this version cannot read: {error}") from None

    def _answer(self, when: str) -> dict[str, Any]:
        line = self._process.stdout.readline()  # type: ignore[union-attr]
        if not line.endswith("\n"):
            why = self._why_it_ended()
            kind = MachineError if self._process.returncode in (-signal.SIGKILL, -signal.SIGTERM) else SideError
            raise kind(f"{self.name} ended {when}: {why}")
        return dict(json.loads(line))

    def _why_it_ended(self) -> str:
        status = self._process.wait()
        self._log.seek(0)
        lines = self._log.read().decode(errors="replace").strip().splitlines()
        last = f"; its last line: {lines[-1].strip()}" if lines else ""
        if status >= 0:
            return f"status {status}{last}"
        killed = f"killed by {signal.Signals(-status).name}"
        return f"{killed}{', as by a system without free memory' if status == -signal.SIGKILL else ''}{last}"


@contextmanager
def running_side(name: str, *, python: Path, checkout: Path, records: Path, job: Job) -> Iterator[Side]:
    """Start a side's process, and end it in the end.

    Args:
        name: for messages, such as ``A, main (0123abc)``.
        python: the interpreter.
        checkout: the folder with the package, which comes first on its path.
        records: the folder that its runs are recorded in.
        job: what all trainings have in common.

    Raises:
        SideError: it cannot train: a package that cannot be imported or is too old, data that are not available.
    """
    settings = {
        "dataset": job.dataset,
        "data_dir": str(job.data_dir) if job.data_dir else None,
        "weights_dir": str(job.weights_dir) if job.weights_dir else None,
        "gpu": job.gpu,
        "records": str(records.resolve()),
    }
    # -P leaves this folder out of the path. The former PYTHONPATH may lead to the current checkout.
    variables = clean_environment() | {"PYTHONPATH": str(checkout), "PYTHONDONTWRITEBYTECODE": "1"}
    with TemporaryFile() as log:
        process = subprocess.Popen(  # noqa: S603 - our own words
            [python, "-P", "-u", DRIVER, json.dumps(settings)],
            cwd=checkout,
            env=variables,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            encoding="utf-8",
            start_new_session=True,  # so that Ctrl-C reaches this process alone, which ends the other
        )
        try:
            yield Side(name, process, log)
        finally:
            _end(process)


def _end(process: subprocess.Popen[str]) -> None:
    """End a process, whatever it does at the moment."""
    process.terminate()
    try:
        process.wait(_SECONDS_TO_END)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    for stream in (process.stdin, process.stdout):
        with suppress(OSError):
            stream.close()  # type: ignore[union-attr]
