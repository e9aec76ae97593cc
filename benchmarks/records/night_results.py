"""What a night came to, experiment by experiment: its record together with runs and baselines, for every view of it."""

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
    """What a night came to for one experiment.

    Attributes:
        experiment: its name.
        runs: the night's, by seed.
        verdicts: of each metric that is judged; none if not judged.
        problem: why it was not judged; empty if it was.
        mark: of the baseline that it was judged against; None if not judged.
        baseline: that it was judged against, or would have been; None if it is not available.
        recorded: the baseline's own runs; none unless all are available.
        exact: each run of the night that repeats a recorded one, against it.
        must_be_identical: whether a difference between these fails the experiment.
        drifts: of its metrics, over this night and those before it.
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
        """The runs that are not identical to the recorded ones that they repeat."""
        return [exact for exact in self.exact if not exact.identical]

    @property
    def failed(self) -> list[Verdict]:
        """The verdicts that are no passes."""
        return [verdict for verdict in self.verdicts if verdict.word != Word.PASS]

    def verdict(self, metric: str) -> Verdict | None:
        """Return the verdict of a metric; None if there is none."""
        return next((verdict for verdict in self.verdicts if verdict.metric == metric), None)


@dataclass(frozen=True)
class NightResults:
    """What a night came to.

    Attributes:
        folder: the night's; None if it keeps none.
        night: its record.
        experiments: the most urgent first; of equals those with a run that is not identical, else in the night's order.
        notes: what a reader must know before believing the rest, a sentence each.
    """

    folder: Path | None
    night: NightRecord
    experiments: Sequence[ExperimentResult]
    notes: Sequence[str]

    @property
    def word(self) -> Word:
        """The most urgent of the experiments' words."""
        return Word.most_urgent(result.word for result in self.experiments)


def read_night_results(folder: Path, baselines: Baselines, records: Path) -> NightResults:
    """Read what a night came to.

    Args:
        folder: the night's.
        baselines: as ``night_results`` takes them.
        records: likewise.

    Raises:
        NightError: the folder holds no night.
    """
    night = read_night(folder)
    runs, errors = read_night_runs(folder)
    notes = [] if night.ended else ["The night was interrupted, or has not ended yet."]
    notes += [f"A run's record is left out: {error}" for error in errors]
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
    """Put a night's record, its runs and their baselines together.

    Args:
        night: the record.
        runs: the night's, by experiment and seed.
        baselines: as the night read them, or as they are now: if an experiment's baseline has changed since, a note
            says so, and its runs do not stand for those that the night was held against.
        records: the folder with the records of the baselines' own runs, such as ``night_folder.RECORDS``.
        folder: the night's.
        notes: that come before those on baselines.
    """
    notes = list(notes)
    results = []
    names = [verdict.experiment for verdict in night.verdicts] + [*night.problems] + [run.experiment for run in runs]
    for name in dict.fromkeys(names):
        mark = night.baselines.get(name)
        baseline = preferred_baseline(baselines, name, night.dataset, mark.source if mark else "measured")
        if mark and (baseline is None or not mark.same_as(BaselineMark.of(baseline))):
            baseline = None
            notes.append(
                f"{name} was held against the baseline of {mark.recorded} ({mark.reason}), which is no longer the "
                f"one in the baselines file: it is not drawn."
            )
        verdicts = [verdict for verdict in night.verdicts if verdict.experiment == name]
        results.append(
            ExperimentResult(
                experiment=name,
                runs=[run for run in runs if run.experiment == name],
                verdicts=verdicts,
                problem="" if verdicts else night.problems.get(name, "the night came to no verdict"),
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
