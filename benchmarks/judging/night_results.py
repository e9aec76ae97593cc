"""Combines a night's record with its runs and baselines into results by experiment, for all views."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.baselines.baseline import Baseline, Baselines
from benchmarks.baselines.lookup import preferred_baseline
from benchmarks.records.exact import Exact
from benchmarks.records.night_folder import BaselineMark, NightRecord, read_night, read_night_runs, runs_behind
from benchmarks.statistics.cusum import DriftVerdict
from benchmarks.statistics.verdict import Verdict
from benchmarks.statistics.word import Word
from cifar_models.results.run import Run


@dataclass(frozen=True)
class ExperimentResult:
    """The results of one experiment in a night.

    Attributes:
        runs: the night's runs, by seed.
        verdicts: one for each metric; none if not judged.
        problem: why the experiment was not judged; empty if it was.
        mark: mark of the baseline; None if not judged.
        baseline: the baseline, also if not judged; None if not available.
        recorded: runs of the baseline; none unless all are available.
        exact: comparison of each run that repeats a recorded run.
        must_be_identical: whether a difference in ``exact`` fails the experiment.
        drifts: drifts of the experiment.
    """

    experiment: str
    runs: Sequence[Run]
    verdicts: Sequence[Verdict]
    problem: str
    mark: BaselineMark | None
    baseline: Baseline | None
    recorded: Sequence[Run]
    exact: Sequence[Exact] = ()
    must_be_identical: bool = False
    drifts: Sequence[DriftVerdict] = ()

    @property
    def word(self) -> Word:
        """The most urgent word of the verdicts, the drifts and the exact lane."""
        words = [*(verdict.word for verdict in self.verdicts), *(drift.word for drift in self.drifts)]
        return Word.most_urgent([*words, Word.NOT_IDENTICAL] if self.must_be_identical and self.differing else words)

    @property
    def differing(self) -> list[Exact]:
        """The comparisons with recorded runs that are not identical."""
        return [exact for exact in self.exact if not exact.identical]

    @property
    def failed(self) -> list[Verdict]:
        """The verdicts that do not pass."""
        return [verdict for verdict in self.verdicts if verdict.word != Word.PASS]

    def verdict(self, metric: str) -> Verdict | None:
        """Return the verdict of a metric; None if there is none."""
        return next((verdict for verdict in self.verdicts if verdict.metric == metric), None)


@dataclass(frozen=True)
class NightResults:
    """The results of a night.

    Attributes:
        folder: the night's folder; None if there is none.
        night: the night's record.
        experiments: the most urgent first; with the same word, those with a run that is not identical first.
        notes: sentences on problems.
    """

    folder: Path | None
    night: NightRecord
    experiments: Sequence[ExperimentResult]
    notes: Sequence[str]

    @property
    def word(self) -> Word:
        """The most urgent word of the experiments."""
        return Word.most_urgent(result.word for result in self.experiments)


def read_night_results(folder: Path, baselines: Baselines, records: Path) -> NightResults:
    """Read the results of a night from its folder; the other arguments are as in ``night_results``.

    Raises:
        NightError: the folder cannot be read as a night.
    """
    night = read_night(folder)
    runs, errors = read_night_runs(folder)
    notes = [] if night.ended else ["The night was interrupted, or has not ended yet."]
    if night.shard:
        notes.append(f"This is {night.shard} of a night. A shard is not judged: python -m benchmarks judge judges all.")
    notes += [f"A run's record cannot be used: {error}" for error in errors]
    return night_results(night, runs, baselines, records, folder=folder, notes=notes)


def night_results(
    night: NightRecord,
    runs: Sequence[Run],
    baselines: Baselines,
    records: Path,
    *,
    folder: Path | None = None,
    notes: Iterable[str] = (),
) -> NightResults:
    """Combine a night's record with its runs and their baselines.

    Args:
        night: the night's record.
        runs: the night's runs, sorted by experiment and seed.
        baselines: the current baselines. A baseline that has changed since the night is left out with a note.
        records: folder with the records of the baselines' runs, such as ``night_folder.RECORDS``.
        folder: the night's folder; None if there is none.
        notes: notes that come before those on baselines.
    """
    notes = list(notes)
    results = []
    names = [verdict.experiment for verdict in night.verdicts] + [*night.problems] + [run.experiment for run in runs]
    for name in dict.fromkeys(names):
        mark = night.baselines.get(name)
        baseline = preferred_baseline(baselines, name, night.dataset, mark.source if mark else "measured")
        if mark and (baseline is None or mark != BaselineMark.of(baseline)):
            baseline = None
            notes.append(
                f"{name} was compared with the baseline of {mark.recorded} ({mark.reason}), which is no longer in the "
                f"baselines file, so it is not shown."
            )
        verdicts = [verdict for verdict in night.verdicts if verdict.experiment == name]
        results.append(
            ExperimentResult(
                experiment=name,
                runs=[run for run in runs if run.experiment == name],
                verdicts=verdicts,
                problem="" if verdicts else night.problems.get(name, "the night reached no verdict"),
                mark=mark,
                baseline=baseline,
                recorded=runs_behind(baseline, records, name, night.dataset) if baseline else [],
                exact=[exact for exact in night.exact if exact.experiment == name],
                must_be_identical=bool(night.must_be_identical),
                drifts=[drift for drift in night.drifts if drift.experiment == name],
            )
        )
    urgency = list(Word)
    results.sort(key=lambda result: (urgency.index(result.word), not result.differing))
    return NightResults(folder, night, results, notes)
