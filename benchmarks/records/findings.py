"""What a night found, read back from its folder: what its reports are made of, tonight or any day later."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.baselines.baselines import Baseline, Baselines, preferred_baseline
from benchmarks.records.night_folder import (
    BaselineMark,
    NightRecord,
    VerdictRecord,
    read_night,
    read_night_runs,
    runs_behind,
)
from cifar_models.results.run import Run

WORDS = ("regression", "stale", "undecided", "not judged", "pass")
"""What an experiment can come to, the most urgent first."""


@dataclass(frozen=True)
class Finding:
    """What a night found of one experiment.

    Attributes:
        experiment: its name.
        runs: the night's, by seed.
        verdicts: of accuracy, gap and each class's F1; none if not judged.
        problem: why it was not judged; empty if it was.
        mark: of the baseline that it was judged against; None if not judged.
        baseline: that it was judged against, or would have been; None if it is not at hand.
        recorded: the baseline's own runs; none unless all are at hand.
    """

    experiment: str
    runs: Sequence[Run]
    verdicts: Sequence[VerdictRecord]
    problem: str
    mark: BaselineMark | None
    baseline: Baseline | None
    recorded: Sequence[Run]

    @property
    def word(self) -> str:
        """The most urgent of the verdicts, one of ``WORDS``."""
        words = {verdict.word for verdict in self.verdicts} or {"not judged"}
        return next(word for word in WORDS if word in words)

    @property
    def failed(self) -> list[VerdictRecord]:
        """The verdicts that are no passes."""
        return [verdict for verdict in self.verdicts if verdict.word != "pass"]

    def verdict(self, metric: str) -> VerdictRecord | None:
        """Return the verdict of a metric; None if there is none."""
        return next((verdict for verdict in self.verdicts if verdict.metric == metric), None)


@dataclass(frozen=True)
class Findings:
    """All that a night found.

    Attributes:
        folder: the night's.
        night: its record.
        experiments: the most urgent first, else in the order of the night.
        notes: what a reader must know before believing the rest, a sentence each.
    """

    folder: Path
    night: NightRecord
    experiments: Sequence[Finding]
    notes: Sequence[str]


def read_findings(folder: Path, baselines: Baselines, records: Path) -> Findings:
    """Read what a night found.

    Args:
        folder: the night's.
        baselines: as the night read them, or as they are now: of one that was changed since, a note says so, and its
            runs do not stand for those that the night was held against.
        records: the folder with the records of the baselines' own runs, such as ``runs.RECORDS``.

    Raises:
        NightError: the folder holds no night.
    """
    night = read_night(folder)
    runs, errors = read_night_runs(folder)
    notes = [] if night.ended else ["The night was interrupted, or has not ended yet."]
    notes += [f"A run's record is left out: {error}" for error in errors]
    findings = []
    names = [verdict.experiment for verdict in night.verdicts] + [*night.problems] + [run.experiment for run in runs]
    for name in dict.fromkeys(names):
        mark = night.baselines.get(name)
        baseline = preferred_baseline(baselines, name, night.dataset)
        if mark and (baseline is None or mark != BaselineMark.of(baseline)):
            baseline = None
            notes.append(
                f"{name} was held against the baseline of {mark.recorded} ({mark.reason}), which is no longer the "
                f"one at hand: it is not drawn."
            )
        verdicts = [verdict for verdict in night.verdicts if verdict.experiment == name]
        findings.append(
            Finding(
                experiment=name,
                runs=[run for run in runs if run.experiment == name],
                verdicts=verdicts,
                problem="" if verdicts else night.problems.get(name, "the night came to no verdict"),
                mark=mark,
                baseline=baseline,
                recorded=runs_behind(baseline, records, name, night.dataset) if baseline else [],
            )
        )
    findings.sort(key=lambda finding: WORDS.index(finding.word))
    return Findings(folder, night, findings, notes)
