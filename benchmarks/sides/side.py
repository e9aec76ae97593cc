"""One side of a comparison: a process that trains with a checkout's code in an environment.

The process lives as long as the comparison, so that frozen features are computed and models are traced once for all
seeds.
"""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

from benchmarks.sides.checkouts import clean_environment
from cifar_models.results.run import Run, RunError
from cifar_models.results.run_files import read_run
from cifar_models.training.progress import FeatureProgress, Progress, Report

DRIVER = Path(__file__).with_name("driver.py")
Show = Callable[[str, Progress | FeatureProgress], None]
"""Shows the progress of a training, given its title."""
_SECONDS_TO_END = 10.0


class SideError(RuntimeError):
    """A side cannot train, or has ended; the message is one line."""


class MachineError(SideError):
    """A side has a problem that is not in its code: its process was killed, or a record cannot be written."""


class TrainingEnded(RuntimeError):
    """A training gave no run, but its side can train others.

    Attributes:
        outcome: ``diverged``, ``memory`` for too little memory, or ``failed``.
    """

    def __init__(self, message: str, *, outcome: str) -> None:
        super().__init__(message)
        self.outcome = outcome


@dataclass(frozen=True)
class Ready:
    """A side's description of itself.

    Attributes:
        experiments: fingerprints of the protocols by experiment, in the order of the table.
        dataset: the data set's name.
        data: the data set's fingerprint.
        classes: the names of the classes, by label.
        python: the interpreter's version.
        packages: the versions of all installed packages, by normalized name.
    """

    experiments: dict[str, str]
    dataset: str
    data: str
    classes: list[str]
    python: str
    packages: dict[str, str]


@dataclass(frozen=True, kw_only=True)
class Job:
    """The settings that all trainings of a comparison share; folders are absolute paths."""

    dataset: str
    data_dir: str | None = None
    weights_dir: str | None = None
    gpu: bool = False


class Side:
    """A side with a running process.

    Attributes:
        name: the name in messages.
        ready: its description of itself.
    """

    def __init__(self, name: str, process: subprocess.Popen[str], log: Any) -> None:
        self.name = name
        self._process, self._log = process, log
        answer = self._answer("before its first training")
        if "ready" not in answer:
            raise SideError(f"{self.name} cannot train: {answer.get('failed')}")
        self.ready = Ready(**answer["ready"])

    def train(self, experiment: str, seed: int, show: Report | None = None, *, first_steps: bool = False) -> Run:
        """Train an experiment with a seed, and return the recorded run.

        Args:
            experiment: the experiment's name.
            seed: the training's seed.
            show: called with the progress.
            first_steps: whether to train only two epochs of a few images, which takes seconds.

        Raises:
            TrainingEnded: the training diverged, ran out of memory or failed.
            MachineError: the process was killed, or the record cannot be written.
            SideError: the process has ended, or the record cannot be read.
        """
        what = f"{experiment} seed {seed}"
        job = {"experiment": experiment, "seed": seed, "first_steps": first_steps}
        with suppress(OSError):  # if the process has ended, _answer reports why
            self._process.stdin.write(json.dumps(job) + "\n")  # type: ignore[union-attr]
            self._process.stdin.flush()  # type: ignore[union-attr]
        while "progress" in (answer := self._answer(f"in {what}")):
            if show is not None and (state := _progress_of(answer["progress"])):
                show(state)
        if "unwritten" in answer:
            raise MachineError(f"{self.name}, {what}: trained, but its record cannot be kept: {answer['unwritten']}")
        if "record" not in answer:
            ((outcome, reason),) = answer.items()
            raise TrainingEnded(f"{self.name}, {what}: {reason}", outcome=outcome)
        try:
            return read_run(Path(answer["record"]))
        except RunError as error:
            raise SideError(f"{self.name} wrote a record that this version cannot read: {error}") from None

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
        return f"{killed}{', perhaps for lack of memory' if status == -signal.SIGKILL else ''}{last}"


def _progress_of(values: dict[str, Any]) -> Progress | FeatureProgress | None:
    """Return the progress that a side reports; None if its version has other fields."""
    with suppress(TypeError):
        return FeatureProgress(**values) if "all_images" in values else Progress(**values)
    return None


@contextmanager
def running_side(name: str, *, python: Path, checkout: Path, records: Path, job: Job) -> Iterator[Side]:
    """Start a side's process, and end it afterwards.

    Args:
        name: the name in messages, such as ``A (main, 0123abc)``.
        python: the interpreter.
        checkout: the folder with the package; it comes first on the process's path.
        records: the folder for the records of the runs.
        job: the settings of all trainings.

    Raises:
        SideError: Python cannot be started, the package cannot be imported or is too old, or the data are not
            available.
    """
    settings = asdict(job) | {"records": str(records.resolve())}
    # -P keeps this file's folder off the path. The current PYTHONPATH may contain the current checkout.
    variables = clean_environment() | {"PYTHONPATH": str(checkout), "PYTHONDONTWRITEBYTECODE": "1"}
    with TemporaryFile() as log:
        try:
            process = subprocess.Popen(  # noqa: S603 - fixed arguments
                [python, "-P", "-u", DRIVER, json.dumps(settings)],
                cwd=checkout,
                env=variables,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                encoding="utf-8",
                start_new_session=True,  # Ctrl-C reaches only this process, which ends the other
            )
        except OSError as error:
            raise MachineError(f"{name}: found {error}, expected a Python that starts") from None
        try:
            yield Side(name, process, log)
        finally:
            _end(process)


def _end(process: subprocess.Popen[str]) -> None:
    """Terminate a process; kill it if it does not end in time."""
    process.terminate()
    try:
        process.wait(_SECONDS_TO_END)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    for stream in (process.stdin, process.stdout):
        with suppress(OSError):
            stream.close()  # type: ignore[union-attr]
