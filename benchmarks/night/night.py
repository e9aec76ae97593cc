"""One session's benchmark: what it has trained, what it has found, and the folder that keeps both."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace

from benchmarks.night.earlier import exact_lane, history_up_to
from benchmarks.night.inputs import Inputs
from benchmarks.night.resume import runs_to_take
from benchmarks.records.drifts import judge_history
from benchmarks.records.exact import Exact
from benchmarks.records.judge import judge
from benchmarks.records.night_folder import BaselineMark, NightFolder, NightRecord, damaged_nights
from benchmarks.records.night_results import NightResults, night_results
from benchmarks.records.selection import Selection, WithoutRun
from benchmarks.records.trainings import Outcome, Training, TrainingKey, settle
from benchmarks.report.wording import failure_message
from benchmarks.statistics.cusum import DriftVerdict
from benchmarks.statistics.verdict import Verdict
from cifar_models.results.environment import describe_environment
from cifar_models.results.run import Fingerprints, Run
from cifar_models.results.run_files import write_run

NOT_REACHED = "the session ended before"
"""Why an experiment was not judged that lacks nothing."""
IN_SHARDS = "a shard judges nothing"
"""Why an experiment was not judged of which this night trains a part."""


class Night:
    """What one session's benchmark items share. Others change it by its methods alone.

    Args:
        inputs: what it trains on and is held against.
        selection: what it is to do; under pytest-xdist, what is known of that before the workers collect.
        all_shards: what the night is to do that this one is a shard of; empty of a whole night.

    Attributes:
        settings: the inputs'.
        folder: where its runs are recorded; None to record none.
        resumed: runs of an interrupted night that stand for trainings of tonight.
        notes: what became of other records of that night, a sentence each.
        started: when it did, as its record has it.
        exact: tonight's runs against the recorded ones that they repeat, when it was judged.
        drifts: of this night and those before it, when it was judged.
        losses: what could not be written to the end and what to do, a sentence each.
        filed: what was filed, in that order; of two trainings of one experiment and seed both.
    """

    def __init__(self, inputs: Inputs, selection: Selection, all_shards: Selection = Selection()) -> None:  # noqa: B008 - frozen
        self.inputs, self.settings = inputs, inputs.settings
        self.selection, self.all_shards = selection, all_shards
        self.folder: NightFolder | None = None
        self.resumed: Mapping[TrainingKey, Run] = {}
        self.notes: list[str] = []
        self.started = _now()
        self.exact: list[Exact] = []
        self.drifts: list[DriftVerdict] = []
        self.losses: list[str] = []
        self.filed: list[Training] = []
        self._trainings: dict[TrainingKey, Training] = {}
        self._promised = Selection()  # by the interrupted night that this one goes on with
        self._verdicts: dict[str, list[Verdict]] | None = None  # at the last look, and
        self._of_judged: dict[TrainingKey, Training] = {}  # the trainings that it was a look at
        self._unkept: list[Run] = []
        self._interrupted = False

    # --- its folder ---

    def open_folder(self) -> None:
        """Start tonight's folder of runs, or go on with that of the newest interrupted night on the same data.

        Raises:
            OSError: the folder cannot be made or written.
        """
        run_dir = self.settings.run_dir
        if self.settings.resume:
            self.notes += [f"ignored: {error}" for error in damaged_nights(run_dir)]
            self.folder = NightFolder.resume(run_dir, self._record())
            if self.folder is not None:
                record = self.folder.read_record()
                self.started, self._promised = record.started, record.selection
                environment = describe_environment()
                resumed, notes = runs_to_take(self.folder.path, lambda run: self.inputs.difference(run, environment))
                self.resume(resumed)
                self.notes += notes
                if self.selection | self._promised != self._promised:
                    self.folder.write_record(self._record())
                return
            self.notes.append(f"{run_dir}: found no interrupted night on these data to resume, started a new one")
        self.folder = NightFolder.start(run_dir, self._record())

    def resume(self, runs: Mapping[TrainingKey, Run]) -> None:
        """Have runs of an interrupted night stand for trainings of tonight."""
        self.resumed = runs

    def select(self, selection: Selection, all_shards: Selection | None = None) -> None:
        """Say what the night is to do, once the workers know it; a killed night's record has it too."""
        self.selection = selection
        self.all_shards = all_shards or self.all_shards
        self._write_record(ended=None)

    def close_folder(self, *, interrupted: bool) -> None:
        """Record what the night came to; one that is unfinished can be resumed. What cannot be written is a loss.

        Args:
            interrupted: the session ended before its time, or could not write what it was to write.
        """
        self._interrupted |= interrupted
        if self.folder is None:
            return
        self.losses += self._write_unkept()
        self._write_record(ended=None if self.unfinished else _now())
        self.folder.close()

    def _write_record(self, *, ended: str | None) -> None:
        if self.folder is None:
            return
        try:
            self.folder.write_record(self._record(ended=ended))
        except OSError as error:
            again = "and --resume takes its runs and judges them again"
            if self.settings.joined:
                again = "remove the folder, and judge the shards again"
            loss = f"what the night came to could not be recorded ({error}): put that right, {again}"
            self.losses += [loss] * (loss not in self.losses)

    def _write_unkept(self) -> list[str]:
        """Write the records that can be written now; return a sentence for each that still cannot be."""
        losses = []
        for run in list(self._unkept):
            assert self.folder is not None  # noqa: S101 - or nothing waits for it
            try:
                write_run(self.folder.path, run)
            except OSError as error:
                losses.append(
                    f"{run.experiment} seed {run.seed}: trained, and its record could not be kept ({error}): put that "
                    f"right, and --resume trains it anew and takes the runs that were kept"
                )
            else:
                self._unkept.remove(run)
        return losses

    # --- its trainings ---

    @property
    def trainings(self) -> Sequence[Training]:
        """What became of each training, in the order of their first end: one for each experiment and seed."""
        return tuple(self._trainings.values())

    def file(self, training: Training) -> str:
        """File what became of a training, and keep its record.

        Of an experiment and seed that were trained before, see ``settle``.

        Returns:
            As ``contradiction``.
        """
        self.filed.append(training)
        former = self._trainings.get(training.key)
        settled = self._trainings[training.key] = settle(former, training) if former else training
        if settled.outcome == Outcome.DIFFERENT and former and former.outcome != Outcome.DIFFERENT:
            self._set_apart([one.run for one in (former, training) if one.run])
        if settled.outcome == Outcome.TRAINED and settled is training and training.run and self.folder:
            self._unkept.append(training.run)
            self._write_unkept()
        return self.contradiction(*training.key)

    def contradiction(self, name: str, seed: int) -> str:
        """Return why neither of two results of one training can be believed; nothing if there is no contradiction."""
        training = self.training(name, seed)
        if training is None or training.outcome != Outcome.DIFFERENT:
            return ""
        return (
            f"{name} seed {seed}: found two different results of one training, expected the same to the last digit: "
            f"{training.detail}; find what makes it vary, and --resume trains it anew"
        )

    def _set_apart(self, runs: Sequence[Run]) -> None:
        for number, run in enumerate(runs, start=1):
            if self.folder is not None and run not in self._unkept:
                try:
                    self.folder.set_apart(run, number)
                except OSError as error:
                    self.losses.append(f"{run.experiment} seed {run.seed}: its record could not be set apart ({error})")
        self._unkept = [run for run in self._unkept if run not in runs]

    def exclude(self, reason: Callable[[Run], str]) -> None:
        """Leave out runs that are not this night's.

        Args:
            reason: why a run is not; nothing if it is.
        """
        for key, training in self._trainings.items():
            if training.run and (why := reason(training.run)):
                self._trainings[key] = Training(*key, Outcome.OTHER_CODE, detail=why)

    def put_in_order(self, names: Iterable[str]) -> None:
        """Put the trainings into the order of experiments and seeds."""
        order = {name: position for position, name in enumerate(names)}
        self._trainings = dict(sorted(self._trainings.items(), key=lambda item: (order[item[0][0]], item[0][1])))

    def training(self, name: str, seed: int) -> Training | None:
        """Return what became of a training; None if it has not ended."""
        return self._trainings.get((name, seed))

    def runs_of(self, name: str) -> list[Run]:
        """Return tonight's runs of an experiment, by seed."""
        runs = [training.run for training in self._of(name) if training.run is not None]
        return sorted(runs, key=lambda run: run.seed)

    def _evidence(self, name: str) -> list[Run]:
        """Return tonight's runs of an experiment that the statistics count, by seed."""
        return [run for run in self.runs_of(name) if self.settings.is_evidence(run.seed)]

    def _of(self, name: str) -> list[Training]:
        return [training for training in self._trainings.values() if training.experiment == name]

    @property
    def trained(self) -> list[str]:
        """The experiments with trainings, in the order of the first of them."""
        return list(dict.fromkeys(training.experiment for training in self._trainings.values()))

    # --- its verdicts ---

    @property
    def verdicts(self) -> Mapping[str, list[Verdict]]:
        """The verdicts of each experiment that was judged; none until the night is judged to the end."""
        return self._verdicts if self._verdicts is not None and self.judged else {}

    @property
    def judged(self) -> bool:
        """Whether all that has been trained was judged, and no verdict wants further seeds."""
        return self._verdicts is not None and self._of_judged == self._trainings and not self.seeds_wanted()

    def judge(self) -> None:
        """Judge all that has been trained so far; an experiment of which a seed gave no run is left out."""
        runs = {name: self._evidence(name) for name in self.trained if not self.problem(name)}
        self._verdicts, self._of_judged = {}, dict(self._trainings)
        runs_tonight = [run for name in self.trained for run in self.runs_of(name)]
        self.exact = exact_lane(self.inputs, runs_tonight, tonight=self.folder)
        if runs:
            baselines = {name: self.inputs.baseline_for(name) for name in runs}
            self._verdicts = judge(
                runs,
                baselines,
                false_alarm_rate=self.settings.false_alarm_rate,
                looks={name: self.settings.looks_of(name) for name in runs},
            )
            self.drifts = judge_history(history_up_to(self.inputs, self.started, runs), baselines)

    @property
    def unjudged(self) -> list[str]:
        """The experiments without a verdict, of those trained and, once the night was judged, of those selected."""
        selected = self.selection.verdicts if self._verdicts is not None else []
        return [name for name in dict.fromkeys([*self.trained, *selected]) if name not in self.verdicts]

    def seeds_wanted(self) -> list[TrainingKey]:
        """Return the trainings that undecided verdicts want before the night is judged again."""
        return [
            (name, seed)
            for name, some in (self._verdicts or {}).items()
            for position in range(max(verdict.seeds_wanted or 0 for verdict in some))
            for seed in [self.settings.first_seed + position]
            if (name, seed) not in self._trainings
        ]

    def problem(self, name: str) -> str:
        """Return why an experiment cannot be judged; nothing if it can."""
        trainings = [training for training in self._of(name) if self.settings.is_evidence(training.seed)]
        if self._interrupted:
            return NOT_REACHED
        if self.settings.shard:
            return IN_SHARDS
        if name not in self.selection.verdicts:
            return "its verdict was not selected"
        if not trainings:
            return NOT_REACHED if self.selection.trainings.get(name) else "none of its trainings was selected"
        required = [one for one in self._of(name) if one.outcome != Outcome.NOTHING_TO_REPEAT]
        if without := [f"seed {one.seed}: {one.description}" for one in required if one.run is None]:
            return f"not every training gave a run ({', '.join(without)})"
        if len(trainings) < (expected := len(self.settings.seeds_of(name))):
            return f"found {len(trainings)} of its {expected} trainings, expected all to be selected"
        return ""

    def answer(self, name: str) -> str:
        """Return why an experiment fails tonight and what to do: what failed, or why it was not judged; else nothing.

        Raises:
            KeyError: the night was not judged yet.
        """
        problem = self.problem(name)
        if not problem and name not in self.verdicts:
            raise KeyError(name)
        result = next(one for one in self.results().experiments if one.experiment == name)
        result = replace(result, problem=problem)  # briefly: each training says itself why it gave no run
        return failure_message(result, update_command=self.settings.update_command(name))

    # --- all of it ---

    @property
    def unfinished(self) -> bool:
        """Whether there is something for ``--resume`` to go on with: a training or a verdict that may yet come."""
        outcomes = {key: training.outcome for key, training in self._trainings.items()}
        outcomes |= {key: Outcome.RESUMED for key in self.resumed if key not in outcomes}
        promised = self.selection | self._promised
        wanted = {*promised.keys, *outcomes}
        if self._interrupted or self._unkept or not all(key in outcomes and outcomes[key].final for key in wanted):
            return True
        return any(self._has_runs_of_all(name) and name not in self.verdicts for name in self._promised.verdicts)

    def _has_runs_of_all(self, name: str) -> bool:
        runs = {training.seed for training in self._of(name) if training.run} | {
            seed for experiment, seed in self.resumed if experiment == name
        }
        return runs >= set(self._promised.trainings.get(name, ())) != set()

    def results(self) -> NightResults:
        """Return what the night came to so far."""
        runs = [run for name in self.trained for run in self.runs_of(name)]
        folder = self.folder.path if self.folder else None
        return night_results(self._record(), runs, self.inputs.baselines, self.settings.records, folder=folder)

    def _record(self, *, ended: str | None = None) -> NightRecord:
        return NightRecord(
            dataset=self.inputs.dataset.name,
            data=self.inputs.dataset.fingerprint,
            started=self.started,
            ended=ended,
            false_alarm_rate=self.settings.false_alarm_rate,
            verdicts=[verdict for some in self.verdicts.values() for verdict in some],
            problems={name: self._why_not_judged(name) for name in self.unjudged},
            baselines={name: BaselineMark.of(self.inputs.baseline_for(name)) for name in self.verdicts},
            exact=list(self.exact),
            drifts=list(self.drifts),
            selection=self.selection | self._promised,
            must_be_identical=self.settings.exact,
            shard=self.settings.as_shard(
                night=self.all_shards,
                fingerprints=self._fingerprints(),
                without_run=WithoutRun.among(self.trainings),
            ),
        )

    def _fingerprints(self) -> dict[str, Fingerprints]:
        found = {}
        for name in self.selection.trainings:
            with suppress(ValueError, KeyError):  # weights that are not available, or not loaded yet
                found[name] = self.inputs.fingerprints_for(name)
        return found

    def _why_not_judged(self, name: str) -> str:
        """Return what was said once where it happened, rather than what a line of the table has room for."""
        if name in {*self.selection.verdicts, *self.all_shards.verdicts}:
            try:
                self.inputs.baseline_for(name)
            except ValueError as error:  # no baseline, or no weights
                return str(error)
        return self.problem(name) or NOT_REACHED


def judge_to_the_end(night: Night, train: Callable[[str, int], object]) -> None:
    """Judge a night, and train further seeds as long as a verdict is undecided; once a night.

    Args:
        night: all that was selected is trained.
        train: trains an experiment of that name with that seed and files what becomes of it.
    """
    if night.judged:
        return
    night.judge()
    while wanted := night.seeds_wanted():
        for name, seed in wanted:
            train(name, seed)
        night.judge()


def _now() -> str:
    return datetime.datetime.now(tz=datetime.UTC).isoformat(timespec="seconds")
