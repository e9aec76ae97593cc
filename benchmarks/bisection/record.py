"""A search on disk: what is searched, and every step so far. Its file is written after each step."""

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
    """A record that is none of a search; the message names the file."""


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
        """Return a short name with the beginning of the title."""
        return f"{self.name[:10]} {shorten(self.title, 60, placeholder='...')}" if self.title else self.name


@dataclass(frozen=True)
class Settings:
    """What fixes the numbers of a search. The same settings continue the same search.

    Attributes:
        package: whose versions are searched; None for commits.
        candidates: in order, GOOD first and BAD last.
        code: the commit that is trained with each version; None for commits.
        experiments: which are trained.
        dataset: the data set's name.
        data_dir: where its files are; None for Keras's cache or download.
        weights_dir: where ImageNet weights are; None likewise.
        gpu: whether to train on the GPU.
        environment: what is asked of the environment, and what the present one has.
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
        """Of the search, within the folder of nights."""
        return f"bisect-{fingerprint_json(asdict(self)).removeprefix('sha256:')[:12]}"


@dataclass
class Step:
    """One thing that was done with one candidate.

    Attributes:
        candidate: its number, 0 for GOOD.
        kind: a whole training, the first steps of one, or an attempt that shows that it cannot be tested.
        experiment: the experiment's name; None for a candidate that cannot even be started.
        seed: of the training; None if there is none.
        identity: the fingerprint of the numbers that it came to; None for a training that gave none.
        data: the fingerprint of the data set that it was trained on; None likewise.
        accuracy: of the run, in [0, 1]; None if it diverged or no whole training ended.
        loss: of the run, in nats; None likewise.
        diverged: whether its loss turned NaN or infinite.
        reason: why the candidate cannot be tested, or the training diverged.
        seconds: that it took.
        bad: the probability that the candidate is bad, after this step; None for GOOD and BAD.
        confirmation: the number of the confirmation that it belongs to, from 1; None for none.
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
    """A pair of neighbours that is trained again with seeds that nothing was trained with before.

    Attributes:
        good: the number of the last good candidate.
        bad: that of the first bad one.
        first_seed: the first of its seeds.
    """

    good: int
    bad: int
    first_seed: int


@dataclass
class Bisection:
    """A search.

    Attributes:
        settings: what is searched.
        steps: in order.
        confirmations: in order.
        packages: for versions, by candidate's name, the version by package of its environment.
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
    """Return the fingerprint of the numbers that a run came to."""
    return fingerprint_json({"curves": asdict(run.curves), "accuracy": run.accuracy, "loss": run.loss})


def write_record(folder: Path, bisection: Bisection) -> None:
    """Write a search's record whole or not at all.

    Raises:
        OSError: the folder cannot be written.
    """
    write_whole(folder / RECORD, to_json({"format": FORMAT, **asdict(bisection)}))


def read_or_start(folder: Path, settings: Settings) -> Bisection:
    """Return the search of a folder, or a new one.

    Raises:
        RecordError: a record that is damaged, of another format or of another search.
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
        raise RecordError(f"{path}: {error}; remove {folder} to search anew") from None
    return bisection
