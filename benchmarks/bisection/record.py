"""Reads and writes the record of a search: its settings and all steps so far."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path
from textwrap import shorten
from typing import Any, Literal

from cifar_models.results.run import Run
from cifar_models.storage.files import remove_leftovers, write_whole
from cifar_models.storage.fingerprint import fingerprint_json
from cifar_models.storage.strict_json import parse_json, read_as, to_json

FORMAT = 1
RECORD = "bisection.json"
REPORT = "report.md"

Kind = Literal["training", "first steps", "skipped"]


class RecordError(ValueError):
    """A record cannot be used; the message names its file."""


@dataclass(frozen=True)
class Candidate:
    """A commit, or a version of a package.

    Attributes:
        name: the full hash, or the version.
        title: the commit's subject; empty for a version.
    """

    name: str
    title: str = ""

    def __str__(self) -> str:
        return f"{self.name[:10]} {shorten(self.title, 60, placeholder='...')}" if self.title else self.name


@dataclass(frozen=True)
class Settings:
    """All settings that can change the numbers of a search. A command with the same settings continues the search.

    Attributes:
        package: the package whose versions are searched; None for commits.
        candidates: in order, GOOD first and BAD last.
        code: the commit that trains with each version; None for commits.
        experiments: the names of the experiments to train.
        dataset: the data set's name.
        data_dir: the folder with its files; None for Keras's cache or download.
        weights_dir: the folder with ImageNet weights; None for Keras's cache or download.
        gpu: whether to train on the GPU.
        environment: the wanted environment, and this machine's versions.
    """

    package: str | None
    candidates: list[Candidate]
    code: str | None
    experiments: list[str]
    dataset: str
    data_dir: str | None
    weights_dir: str | None
    gpu: bool
    environment: dict[str, Any]

    @property
    def folder_name(self) -> str:
        """The name of the search's folder."""
        return f"bisect-{fingerprint_json(asdict(self)).removeprefix('sha256:')[:12]}"


@dataclass
class Step:
    """One step with one candidate.

    Attributes:
        candidate: the candidate's number, 0 for GOOD.
        kind: a whole training, the first steps of one, or an attempt after which the candidate is skipped.
        experiment: the experiment's name.
        seed: the training's seed; None for a skipped candidate.
        identity: the fingerprint of the run's numbers; None without a run.
        data: the fingerprint of the data set; None without a run.
        accuracy: the run's accuracy, in [0, 1]; None unless a whole training gave a run.
        loss: the run's loss, in nats; None unless a whole training gave a run.
        diverged: whether the loss turned NaN or infinite.
        reason: why the candidate is skipped, or why the training gave no run.
        seconds: the duration of the step.
        bad: the probability that the candidate is bad, after this step; None for GOOD and BAD.
        confirmation: the number of the confirmation that the step belongs to, from 1; None if it belongs to none.
    """

    candidate: int
    kind: Kind
    experiment: str | None = None
    seed: int | None = None
    identity: str | None = None
    data: str | None = None
    accuracy: float | None = None
    loss: float | None = None
    diverged: bool = False
    reason: str | None = None
    seconds: float = 0.0
    bad: float | None = None
    confirmation: int | None = None


@dataclass(frozen=True)
class Confirmation:
    """A pair of neighbours that trains again with fresh seeds.

    Attributes:
        good: the number of the last good candidate.
        bad: the number of the first bad candidate.
        first_seed: the first fresh seed.
    """

    good: int
    bad: int
    first_seed: int


@dataclass
class Bisection:
    """A search.

    Attributes:
        settings: the settings.
        steps: all steps so far, in order.
        confirmations: all confirmations so far, in order.
        packages: the package versions of each environment that was built, by the candidate's name.
    """

    settings: Settings
    steps: list[Step] = field(default_factory=list)
    confirmations: list[Confirmation] = field(default_factory=list)
    packages: dict[str, dict[str, str]] = field(default_factory=dict)

    @property
    def last(self) -> int:
        """The number of BAD."""
        return len(self.settings.candidates) - 1


def identity_of(run: Run) -> str:
    """Return the fingerprint of a run's numbers."""
    return fingerprint_json({"curves": asdict(run.curves), "accuracy": run.accuracy, "loss": run.loss})


def write_record(folder: Path, bisection: Bisection) -> None:
    """Write the record of a search, whole or not at all.

    Raises:
        OSError: the folder cannot be written.
    """
    write_whole(folder / RECORD, to_json({"format": FORMAT, **asdict(bisection)}))


def read_or_start(folder: Path, settings: Settings) -> Bisection:
    """Return the search that a folder contains, or a new one.

    Raises:
        RecordError: the record is damaged, has another format, or belongs to another search.
        OSError: the folder cannot be read or written.
    """
    path = folder / RECORD
    remove_leftovers(path)
    if not path.exists():
        return Bisection(settings)
    try:
        record = parse_json(path.read_text(encoding="utf-8"))
        found = record.pop("format", None) if isinstance(record, dict) else None
        if found != FORMAT:
            raise ValueError(f"found format {found!r}, expected {FORMAT}")
        bisection: Bisection = read_as(Bisection, record, "bisection")
        if bisection.settings != settings:
            raise ValueError("found another search's settings, expected this one's")
    except ValueError as error:
        raise RecordError(f"{path}: {error}; remove {folder} to start again") from None
    return bisection
