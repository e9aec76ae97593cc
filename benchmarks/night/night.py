"""The state of a night: its trainings, its verdicts, and the folder with their records."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import cached_property

from benchmarks.inputs.earlier import earlier_nights, exact_lane, with_tonight
from benchmarks.inputs.inputs import Inputs
from benchmarks.inputs.resume import runs_to_take
from benchmarks.judging.drifts import judge_history
from benchmarks.judging.judge import judge
from benchmarks.judging.night_results import NightResults, night_results
from benchmarks.records.exact import Exact
from benchmarks.records.history import NightOfExperiment
from benchmarks.records.night_folder import BaselineMark, NightFolder, NightRecord, damaged_nights, read_night
from benchmarks.records.selection import Selection, WithoutRun
from benchmarks.records.trainings import Outcome, Training, TrainingKey, settle
from benchmarks.report.wording import failure_message
from benchmarks.statistics.cusum import DriftVerdict
from benchmarks.statistics.verdict import Verdict
from cifar_models.results.environment import describe_environment
from cifar_models.results.run import Fingerprints, Run
from cifar_models.results.run_files import write_run

NOT_REACHED = "the session ended early"
"""Why an experiment was not judged if nothing else explains it."""
IN_SHARDS = "a shard judges nothing"
"""Why an experiment was not judged if this session trains a shard."""


class Night:
    """The state of a night, which all benchmark items of a session share.

    Args:
        inputs: the data, weights and baselines.
        selection: the trainings and verdicts to do. Under pytest-xdist the controller adds those of the workers later.
        all_shards: the trainings and verdicts of all shards; empty for a whole night.

    Attributes:
        settings: the settings of the inputs.
        folder: the folder for the records; None to write none.
        resumed: runs of an interrupted night to use instead of trainings.
        notes: a sentence for each record of the interrupted night that is not used.
        started: start of the night in UTC, as in its record.
        exact: comparison of each run with the recorded run that it repeats; empty until the night is judged.
        drifts: drifts over this night and earlier ones; empty until the night is judged.
        losses: a sentence for each file that could not be written, with what to do.
        filed: all filed trainings in order, including both of two with the same experiment and seed.
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
        self._promised = Selection()  # of the interrupted night that this one continues
        self._verdicts: dict[str, list[Verdict]] | None = None  # of the last look
        self._of_judged: dict[TrainingKey, Training] = {}  # the trainings of the last look
        self._unkept: list[Run] = []
        self._interrupted = False

    # --- folder ---

    def open_folder(self) -> None:
        """Create the night's folder, or with ``--resume`` open that of an interrupted night on the same data and seeds.

        Raises:
            OSError: the folder cannot be created or written.
        """
        run_dir = self.settings.run_dir
        if self.settings.resume:
            self.notes += [f"ignored: {error}" for error in damaged_nights(run_dir)]
            self.folder = NightFolder.resume(run_dir, self._record(), self.settings.first_seed)
            if self.folder is not None:
                record = read_night(self.folder.path)
                self.started, self._promised = record.started, record.selection
                environment = describe_environment()
                self.resumed, notes = runs_to_take(
                    self.folder.path, lambda run: self.inputs.difference(run, environment)
                )
                self.notes += notes
                if self.selection | self._promised != self._promised:
                    self.folder.write_record(self._record())
                return
            self.notes.append(f"{run_dir}: found no interrupted night on this data with these seeds, started a new one")
        self.folder = NightFolder.start(run_dir, self._record())

    def select(self, selection: Selection, all_shards: Selection | None = None) -> None:
        """Set the trainings and verdicts to do, and record them, so that a night that is killed can be resumed."""
        self.selection = selection
        self.all_shards = all_shards or self.all_shards
        self._write_record(ended=None)

    def close_folder(self, *, interrupted: bool) -> None:
        """Write the night's record and release the folder. An unfinished night can be resumed.

        A record that cannot be written is added to ``losses``.

        Args:
            interrupted: whether the session ended early, or could not write the baselines.
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
            again = "run with --resume, which keeps the runs and judges them again"
            if self.settings.joined:
                again = "remove the folder and judge the shards again"
            loss = f"{self.folder.path}: the night's record could not be written ({error}); fix this, then {again}"
            self.losses += [loss] * (loss not in self.losses)

    def _write_unkept(self) -> list[str]:
        """Write the runs' records that are missing; return a sentence for each that still cannot be written."""
        losses = []
        for run in list(self._unkept):
            assert self.folder is not None  # noqa: S101 - runs are added only with a folder
            try:
                write_run(self.folder.path, run)
            except OSError as error:
                losses.append(
                    f"{run.experiment} seed {run.seed}: trained, but its record could not be written ({error}); fix "
                    f"this, then run with --resume, which trains it again and keeps the other runs"
                )
            else:
                self._unkept.remove(run)
        return losses

    # --- trainings ---

    @property
    def trainings(self) -> Sequence[Training]:
        """The trainings that have ended, one for each experiment and seed, in the order in which they ended first."""
        return tuple(self._trainings.values())

    def file(self, training: Training) -> str:
        """Add a training that has ended, and write the record of its run.

        If the experiment and seed were trained before, ``settle`` decides which training is kept.

        Returns:
            See ``contradiction``.
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
        """Return an error message if a training was done twice with different results; empty otherwise."""
        training = self.training(name, seed)
        if training is None or training.outcome != Outcome.DIFFERENT:
            return ""
        return (
            f"{name} seed {seed}: found two different results of one training, expected the same to the last digit: "
            f"{training.detail}; find the cause, then run with --resume to train it again"
        )

    def _set_apart(self, runs: Sequence[Run]) -> None:
        for number, run in enumerate(runs, start=1):
            if self.folder is not None and run not in self._unkept:
                try:
                    self.folder.set_apart(run, number)
                except OSError as error:
                    self.losses.append(f"{run.experiment} seed {run.seed}: its record could not be renamed ({error})")
        self._unkept = [run for run in self._unkept if run not in runs]

    def exclude(self, reason: Callable[[Run], str]) -> None:
        """Leave out runs with data, weights, code or packages other than the night's, but none that an update reuses.

        Args:
            reason: returns the difference between a run and the night; empty if none.
        """
        for key, training in self._trainings.items():
            if training.run and training.outcome != Outcome.REUSED and (why := reason(training.run)):
                self._trainings[key] = Training(*key, Outcome.OTHER_CODE, detail=why)

    def put_in_order(self, names: Iterable[str]) -> None:
        """Sort the trainings by the order of these experiments, then by seed."""
        order = {name: position for position, name in enumerate(names)}
        self._trainings = dict(sorted(self._trainings.items(), key=lambda item: (order[item[0][0]], item[0][1])))

    def training(self, name: str, seed: int) -> Training | None:
        """Return a training; None if it has not ended."""
        return self._trainings.get((name, seed))

    def runs_of(self, name: str) -> list[Run]:
        """Return tonight's runs of an experiment, by seed."""
        runs = [training.run for training in self._of(name) if training.run is not None]
        return sorted(runs, key=lambda run: run.seed)

    def _evidence(self, name: str) -> list[Run]:
        """Return tonight's runs of an experiment by seed, without the one that is only for the exact lane."""
        return [run for run in self.runs_of(name) if self.settings.is_evidence(run.seed)]

    def _of(self, name: str) -> list[Training]:
        return [training for training in self._trainings.values() if training.experiment == name]

    @property
    def trained(self) -> list[str]:
        """The experiments with trainings, in the order of their first training."""
        return list(dict.fromkeys(training.experiment for training in self._trainings.values()))

    # --- verdicts ---

    @property
    def verdicts(self) -> Mapping[str, list[Verdict]]:
        """The verdicts by experiment; empty until ``judged``."""
        return self._verdicts if self._verdicts is not None and self.judged else {}

    @property
    def judged(self) -> bool:
        """Whether all trainings are judged, and no verdict needs further seeds."""
        return self._verdicts is not None and self._of_judged == self._trainings and not self.seeds_wanted()

    def judge(self) -> None:
        """Judge the trainings so far. An experiment with a ``problem`` is left out."""
        runs = {name: self._evidence(name) for name in self.trained if not self.problem(name)}
        self._verdicts, self.drifts, self._of_judged = {}, [], dict(self._trainings)
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
            history = with_tonight(self._earlier, self.inputs, self.started, runs, self._verdicts)
            self.drifts = judge_history(history, baselines)

    @cached_property
    def _earlier(self) -> dict[str, list[NightOfExperiment]]:
        return earlier_nights(self.inputs, self.started)  # which take long to read, and are the same at each look

    @property
    def unjudged(self) -> list[str]:
        """The experiments that were trained, or selected in a night that was judged, and have no verdict."""
        selected = self.selection.verdicts if self._verdicts is not None else []
        return [name for name in dict.fromkeys([*self.trained, *selected]) if name not in self.verdicts]

    @property
    def not_repeated(self) -> list[str]:
        """The experiments without a run that repeats a recorded one, if ``--exact`` requires it."""
        repeated = {exact.experiment for exact in self.exact}
        return [name for name in self.trained if name not in repeated] if self.settings.exact else []

    def seeds_wanted(self) -> list[TrainingKey]:
        """Return the trainings that undecided verdicts need before the night is judged again."""
        return [
            (name, seed)
            for name, some in (self._verdicts or {}).items()
            for position in range(max(verdict.seeds_wanted or 0 for verdict in some))
            for seed in [self.settings.first_seed + position]
            if (name, seed) not in self._trainings
        ]

    def problem(self, name: str) -> str:
        """Return why an experiment cannot be judged; empty if it can."""
        trainings = [training for training in self._of(name) if self.settings.is_evidence(training.seed)]
        if self._interrupted:
            return NOT_REACHED
        if self.settings.shard:
            return IN_SHARDS
        if name not in self.selection.verdicts:
            return "its verdict was not selected"
        if not trainings:
            return NOT_REACHED if self.selection.trainings.get(name) else "its trainings were not selected"
        required = [one for one in self._of(name) if one.outcome != Outcome.NOTHING_TO_REPEAT]
        if without := [f"seed {one.seed}: {one.description}" for one in required if one.run is None]:
            return f"not every training gave a run ({', '.join(without)})"
        if len(trainings) < (expected := len(self.settings.seeds_of(name))):
            return f"found {len(trainings)} of its {expected} trainings selected, expected all"
        try:
            self.inputs.baseline_for(name)
        except ValueError as error:  # whoever trained the runs can have had another baselines file
            return str(error)
        return ""

    def answer(self, name: str) -> str:
        """Return the failure message of an experiment: what failed or why it was not judged, and what to do.

        Empty if it passes.

        Raises:
            KeyError: the night is not judged yet.
        """
        problem = self.problem(name)
        if not problem and name not in self.verdicts:
            raise KeyError(name)
        result = next(one for one in self.results().experiments if one.experiment == name)
        result = replace(result, problem=problem)  # the short text: the training's own message has the details
        return failure_message(result, update_command=self.settings.update_command(name))

    # --- results ---

    @property
    def unfinished(self) -> bool:
        """Whether ``--resume`` can add a training or a verdict."""
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
        """Return the results so far."""
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
            with suppress(ValueError, KeyError):  # the weights are not available or not loaded yet
                found[name] = self.inputs.fingerprints_for(name)
        return found

    def _why_not_judged(self, name: str) -> str:
        """Return why an experiment was not judged, with the whole error if it has no baseline or no weights."""
        if name in {*self.selection.verdicts, *self.all_shards.verdicts}:
            try:
                self.inputs.baseline_for(name)
            except ValueError as error:
                return str(error)
        return self.problem(name) or NOT_REACHED


def judge_to_the_end(night: Night, train: Callable[[str, int], object]) -> None:
    """Judge a night, unless it is judged already, and train further seeds while verdicts need them.

    Args:
        night: the night; all selected trainings have ended.
        train: trains the experiment with this name and seed, and files the training.
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
