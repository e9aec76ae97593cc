"""Nights in processes of their own, with the real plugin and the project's own configuration."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.records.night_folder import NIGHT_RECORD, nights, read_night
from cifar_models.results.run_files import read_run
from tests.faults.processes import Process

ROOT = Path(__file__).parents[2]
NAMES = ("simple_cnn", "improved_cnn")
SEEDS = 3
TRAININGS = [f"{name} {seed}" for name in NAMES for seed in range(SEEDS)]
PATIENCE = 300.0  # seconds, until a process that does not end is a failure


@dataclass
class Ended:
    """A session that ended.

    Attributes:
        status: its exit status; below 0 the signal that killed it.
        output: all that it wrote.
        trained: the trainings that it began, such as ``simple_cnn 0``.
    """

    status: int
    output: str
    trained: list[str]

    @property
    def lines(self) -> list[str]:
        return self.output.splitlines()

    def table(self, title: str) -> dict[tuple[str, str], list[str]]:
        """Return the lines of a table by their first two cells, each split at its wide gaps; the last cell always."""
        start = next(number for number, line in enumerate(self.lines) if f"= {title}" in line)
        end = next(number for number, line in enumerate(self.lines) if number > start and line.startswith("="))
        rows = [re.split(r"\s{2,}", line) for line in self.lines[start + 3 : end]]
        return {(row[0], row[1]): row[2:] or row[1:] for row in rows}

    @property
    def outcomes(self) -> dict[str, str]:
        """The outcome of each training, by its name."""
        return {f"{name} {seed}": cells[-1] for (name, seed), cells in self.table("trainings on").items()}

    @property
    def words(self) -> set[str]:
        """The words of all verdicts."""
        return {cells[-1] for cells in self.table("verdicts,").values()}

    @property
    def verdicts(self) -> list[str]:
        """The lines of the table of verdicts."""
        return [" ".join((*key, *cells)) for key, cells in self.table("verdicts,").items()]


@dataclass
class House:
    """A place for nights: their folder, a baselines file of its own, and what is trained on.

    Attributes:
        path: an empty folder.
        selection: the options that say what is trained on what.
    """

    path: Path
    selection: Sequence[str] = ("--dataset=synthetic", "-k", " or ".join(NAMES), f"--seeds={SEEDS}", "--first-seed=0")

    def __post_init__(self) -> None:
        self.run_dir = self.path / "runs"
        self.baselines = self.path / "baselines.json"
        self.sessions: list[Session] = []
        if not self.baselines.exists():
            shutil.copy(ROOT / "baselines.json", self.baselines)

    def start(self, *options: str, prepare: Callable[[], object] | None = None, **faults: Any) -> Session:
        """Start a night; ``faults`` are those of the stub, ``prepare`` is called in its process before all else."""
        signals = self.path / f"signals{len(self.sessions)}"
        signals.mkdir()
        arguments = [
            "benchmarks/test_training.py",
            *("-p", "tests.faults.stub", "-p", "no:cacheprovider", "-m", "benchmark"),
            *self.selection,
            f"--run-dir={self.run_dir}",
            f"--baselines={self.baselines}",
            *options,
        ]
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
        environment |= {
            "FAULTS": json.dumps({"signals": str(signals), **faults}),
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
            "TF_CPP_MIN_LOG_LEVEL": "3",
            "COLUMNS": "200",
        }
        process = Process(arguments, cwd=ROOT, environment=environment, prepare=prepare)
        self.sessions.append(Session(process, signals))
        return self.sessions[-1]

    def run(self, *options: str, prepare: Callable[[], object] | None = None, **faults: Any) -> Ended:
        """Run a night to its end."""
        return self.start(*options, prepare=prepare, **faults).wait()

    def resume(self, *options: str, anew: Sequence[str]) -> Ended:
        """Go on with an interrupted night, which must train no more than these, pass and be complete."""
        ended = self.run("--resume", *options)
        assert ended.trained == list(anew), ended.output
        assert ended.status == 0, ended.output
        assert ended.words == {"pass"}, ended.output
        assert self.kept() == TRAININGS
        assert read_night(self.night).ended is not None
        return ended

    def end_all(self) -> None:
        """Kill what still runs."""
        for session in self.sessions:
            session.kill_all(signal.SIGKILL)

    @property
    def night(self) -> Path:
        """The folder of the only night."""
        ((path, _),) = nights(self.run_dir)
        return path

    def kept(self, night: Path | None = None) -> list[str]:
        """Return the trainings whose records are kept; every file of a night must be whole, or a leftover by its name.

        Args:
            night: a night's folder; None for the only one's.
        """
        kept = []
        for file in sorted((night or self.night).iterdir()):
            if file.name == NIGHT_RECORD:
                read_night(file.parent)
            elif file.suffix == ".json":
                run = read_run(file)
                kept.append(f"{run.experiment} {run.seed}")
            else:
                assert re.fullmatch(
                    r"\.lock|\.[\w.-]+\.(json|html|png)\.\w+\.tmp|report\.html|published-[\w-]+\.png", file.name
                ), file
        return sorted(kept, key=TRAININGS.index)


@dataclass
class Session:
    """A session that runs."""

    process: Process
    signals: Path

    def paused(self, name: str) -> Session:
        """Wait until a training is in the middle of an epoch, or a rename is to come."""
        self.until((self.signals / f"paused {name}").exists)
        return self

    def until(self, happened: Callable[[], object]) -> None:
        """Wait for something that the session is to do before it ends."""
        deadline = time.monotonic() + PATIENCE
        while not happened():
            if not self.process.runs or time.monotonic() > deadline:
                self.kill_all(signal.SIGKILL)
                raise AssertionError(self.wait().output)
            time.sleep(0.02)

    def go(self, name: str) -> Session:
        """Let what pauses go on."""
        (self.signals / f"go {name}").touch()
        return self

    def kill(self, number: signal.Signals = signal.SIGKILL) -> Session:
        """Send a signal to the session's process alone."""
        self.process.send_signal(number)
        return self

    def kill_all(self, number: signal.Signals) -> Session:
        """Send a signal to the session's process and its workers, as a terminal does."""
        self.process.send_signal(number, to_all=True)
        return self

    def wait(self) -> Ended:
        """Wait for the end."""
        status, output = self.process.wait(PATIENCE)
        assert status is not None, f"it did not end: {output}"
        began = self.signals / "trained"
        trained = began.read_text(encoding="utf-8").splitlines() if began.exists() else []
        return Ended(status, output, trained)
