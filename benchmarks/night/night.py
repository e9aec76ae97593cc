"""One session's benchmark: what it trains on, what it has found, and what it leaves in baselines.json."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.baselines.baselines import (
    SUGGESTED_RUNS,
    Baseline,
    BaselineError,
    Baselines,
    find_baseline,
    measured_baseline,
    read_baselines,
    updating,
    write_baselines,
)
from benchmarks.night.resume import RunKey, difference_from, runs_to_take
from benchmarks.records.judge import explain, judge
from benchmarks.records.night_folder import (
    RECORDS,
    BaselineMark,
    NightFolder,
    NightRecord,
    VerdictRecord,
    damaged_nights,
    runs_behind,
)
from benchmarks.report.terminal import Row
from benchmarks.statistics.sequential import looks_between
from benchmarks.statistics.verdict import Verdict
from cifar_models.datasets import Dataset
from cifar_models.experiments import Experiment, find_experiment
from cifar_models.models.pretrained import BackboneWeights, WeightsError
from cifar_models.results.environment import Environment, describe_environment
from cifar_models.results.run import Run
from cifar_models.results.run_files import record_name, write_run
from cifar_models.results.source_code import describe_code
from cifar_models.storage.files import remove_leftovers
from cifar_models.training.train import default_weights, fingerprints_of

NOT_REACHED = "the session ended before"
"""Why an experiment was not judged that lacks nothing."""
DIVERGED, NO_BASELINE, NO_WEIGHTS = "diverged", "no baseline", "no weights"
"""What keeps a training from giving a run whenever it is tried; anything else may not do so the next time."""


@dataclass
class Night:
    """What one session's benchmark items share.

    Attributes:
        dataset: that all train on.
        weights: by backbone, or the error that says why there are none.
        baselines: as read at the start; empty if there was no file and the night is to write one.
        baselines_path: the file.
        options: those of the command line that a command to repeat a training needs.
        seeds: with how many seeds each experiment is trained, from 0 on.
        max_seeds: with how many at most while its verdict is undecided.
        false_alarm_rate: chance that a night without any change has anything but passes.
        to_judge: the experiments whose verdicts were selected.
        feature_cache: whether a frozen part's output is computed once and kept for the session.
        folder: where its runs are recorded; None to record none.
        resumed: runs of an interrupted night that stand for trainings of tonight.
        notes: what became of other records of that night, a sentence each.
        started: when it did, as its record has it.
        interrupted: the session ended before its time, or could not write what it was to write.
        unkept: runs whose records could not be written yet.
        losses: what could not be written to the end and what to do, a sentence each.
        rows: one for each training that has ended, in order.
        verdicts: by experiment, of those that could be judged; None until they are.
    """

    dataset: Dataset
    weights: dict[str, BackboneWeights | WeightsError]
    baselines: Baselines
    baselines_path: Path
    options: str = ""
    seeds: int = 1
    max_seeds: int = 1
    false_alarm_rate: float = 0.01
    to_judge: frozenset[str] = frozenset()
    feature_cache: bool = True
    folder: NightFolder | None = None
    resumed: dict[RunKey, Run] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    started: str = ""
    interrupted: bool = False
    unkept: list[Run] = field(default_factory=list)
    losses: list[str] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    verdicts: dict[str, list[Verdict]] | None = None

    def weights_for(self, experiment: Experiment) -> BackboneWeights | None:
        """Return what the experiment starts from, None if from none.

        Raises:
            WeightsError: its pretrained weights are not to be had.
        """
        backbone = experiment.protocol.backbone
        if backbone is None:
            return None
        weights = self.weights[backbone]
        if isinstance(weights, WeightsError):
            raise weights
        return weights

    def baseline_for(self, experiment: Experiment) -> Baseline:
        """Return what the experiment's runs are held against tonight.

        Raises:
            BaselineError: there is none, or fingerprints differ.
            WeightsError: its pretrained weights are not to be had.
        """
        weights = self.weights_for(experiment)
        return find_baseline(
            self.baselines,
            experiment=experiment.name,
            dataset=self.dataset.name,
            fingerprints=fingerprints_of(experiment.protocol, self.dataset, weights),
            update_command=self.update_command(experiment),
        )

    def open_folder(self, run_dir: Path, *, resume: bool) -> None:
        """Start tonight's folder of runs, or go on with that of the newest interrupted night on the same data.

        Raises:
            OSError: the folder cannot be made or written.
        """
        if resume:
            self.notes = [f"ignored: {error}" for error in damaged_nights(run_dir)]
            self.folder = NightFolder.resume(run_dir, dataset=self.dataset.name, data=self.dataset.fingerprint)
            if self.folder is not None:
                self.started = self.folder.read_record().started
                environment = describe_environment()
                self.resumed, notes = runs_to_take(self.folder.path, lambda run: self.difference(run, environment))
                self.notes += notes
                return
            self.notes.append(f"{run_dir}: found no interrupted night on these data to resume, started a new one")
        self.started = _now()
        self.folder = NightFolder.start(run_dir, self._record())

    def keep(self, run: Run) -> None:
        """Write the record of a run, and of those before it that could not be written; what cannot waits for later."""
        if self.folder is not None:
            self.unkept.append(run)
            self._write_unkept()

    def _write_unkept(self) -> list[str]:
        """Write what can be written now; return a sentence for each run whose record still cannot be."""
        losses = []
        for run in list(self.unkept):
            assert self.folder is not None  # noqa: S101 - or nothing waits for it
            try:
                write_run(self.folder.path, run)
            except OSError as error:
                losses.append(
                    f"{run.experiment} seed {run.seed}: trained, and its record could not be kept ({error}): put that "
                    f"right, and --resume trains it anew and takes the runs that were kept"
                )
            else:
                self.unkept.remove(run)
        return losses

    @property
    def unfinished(self) -> bool:
        """Whether there is something for ``--resume`` to go on with: a training that gave no run and may yet."""
        final = (DIVERGED, NO_BASELINE, NO_WEIGHTS)
        return (
            self.interrupted
            or bool(self.unkept)
            or any(row.run is None and row.outcome not in final for row in self.rows)
        )

    def close_folder(self) -> None:
        """Record what the night came to; one that is unfinished can be resumed. What cannot be written is a loss."""
        if self.folder is None:
            return
        try:
            self.losses += self._write_unkept()
            self.folder.write_record(self._record(ended=None if self.unfinished else _now()))
        except OSError as error:
            self.losses.append(
                f"what the night came to could not be recorded ({error}): put that right, and --resume takes its runs "
                f"and judges them again"
            )
        finally:
            self.folder.close()

    def difference(self, run: Run, environment: Environment) -> str:
        """Return what tells a run apart from a training of tonight in an environment; nothing if nothing does."""
        try:
            experiment = find_experiment(run.experiment)
            weights = self.weights_for(experiment)
        except WeightsError:
            return "the weights that it started from are not to be had"
        except (ValueError, KeyError):
            return "nothing selected tonight trains it"
        return difference_from(
            run,
            fingerprints=fingerprints_of(experiment.protocol, self.dataset, weights),
            code=describe_code(),
            environment=environment,
        )

    def _record(self, *, ended: str | None = None) -> NightRecord:
        verdicts = self.verdicts or {}
        names = dict.fromkeys(row.experiment for row in self.rows)
        marks = {name: self.baseline_for(find_experiment(name)) for name in verdicts}
        return NightRecord(
            dataset=self.dataset.name,
            data=self.dataset.fingerprint,
            started=self.started,
            ended=ended,
            false_alarm_rate=self.false_alarm_rate,
            verdicts=[
                VerdictRecord(
                    experiment=name,
                    metric=verdict.check.metric,
                    word=verdict.word,
                    baseline=verdict.baseline,
                    today=verdict.today,
                    allowance=verdict.allowance,
                    rule=verdict.rule,
                    smallest_drop=verdict.smallest_drop,
                    runs=verdict.runs,
                )
                for name, some in verdicts.items()
                for verdict in some
            ],
            problems={name: self._why_not_judged(name) for name in names if name not in verdicts},
            baselines={name: BaselineMark.of(entry) for name, entry in marks.items()},
        )

    def runs_of(self, name: str) -> list[Run]:
        """Return tonight's runs of an experiment, in the order of training."""
        return [row.run for row in self.rows if row.experiment == name and row.run is not None]

    def judge(self, train: Callable[[str, int], object]) -> dict[str, list[Verdict]]:
        """Judge all that has been trained, training further seeds as long as a verdict is undecided; once a night.

        An experiment of which a seed gave no run is left out.

        Args:
            train: trains an experiment of that name with that seed and files the row.
        """
        looks = looks_between(self.seeds, self.max_seeds)
        while self.verdicts is None:
            runs = {
                row.experiment: self.runs_of(row.experiment) for row in self.rows if not self.problem(row.experiment)
            }
            if not runs:
                self.verdicts = {}
                break
            baselines = {name: self.baseline_for(find_experiment(name)) for name in runs}
            verdicts = judge(runs, baselines, false_alarm_rate=self.false_alarm_rate, looks=looks)
            wanted = {
                name: range(len(runs[name]), max(verdict.seeds_wanted or 0 for verdict in some))
                for name, some in verdicts.items()
            }
            if not any(wanted.values()):
                self.verdicts = verdicts
            for name, further in wanted.items():
                for seed in further:
                    train(name, seed)
        return self.verdicts

    def problem(self, name: str) -> str:
        """Return why an experiment cannot be judged; nothing if it can."""
        if self.interrupted:
            return NOT_REACHED
        rows = [row for row in self.rows if row.experiment == name]
        if name not in self.to_judge:
            return "its verdict was not selected"
        if not rows:
            return "none of its trainings was selected"
        if without := [f"seed {row.seed}: {row.outcome}" for row in rows if row.run is None]:
            return f"not every training gave a run ({', '.join(without)})"
        if len(rows) < self.seeds:
            return f"found {len(rows)} of its {self.seeds} trainings, expected all to be selected"
        return ""

    def _why_not_judged(self, name: str) -> str:
        """Return what was said once where it happened, rather than what a line of the table has room for."""
        if name in self.to_judge:
            try:
                self.baseline_for(find_experiment(name))
            except (BaselineError, WeightsError) as error:
                return str(error)
        return self.problem(name) or NOT_REACHED

    def answer(self, name: str) -> str:
        """Return why an experiment fails tonight and what to do: what failed, or why it was not judged; else nothing.

        Raises:
            KeyError: the night was not judged yet.
        """
        if problem := self.problem(name):
            return f"{name}: not judged, {problem}"
        experiment = find_experiment(name)
        return explain(
            (self.verdicts or {})[name],
            self.runs_of(name),
            self.baseline_for(experiment),
            recorded=self.recorded_runs(experiment),
            false_alarm_rate=self.false_alarm_rate,
            update_command=self.update_command(experiment),
        )

    def recorded_runs(self, experiment: Experiment) -> list[Run]:
        """Return the runs that the experiment's baseline was measured by; none unless all are at hand."""
        folder = self.baselines_path.parent / RECORDS
        return runs_behind(self.baseline_for(experiment), folder, experiment.name, self.dataset.name)

    def update_command(self, experiment: Experiment) -> str:
        """Return the command that measures the experiment's baseline anew, with this session's options."""
        return (
            f"pytest -m benchmark {self.options} -k {experiment.name} --seeds {SUGGESTED_RUNS} "
            f"--update-baselines --reason 'why it changed'"
        )

    def update_baselines(self, *, seeds: int, reason: str) -> tuple[Baselines, dict[str, str]]:
        """Write the measured baselines of experiments whose seeds all ran, and the records of their runs.

        Other entries and records stay as they are, those that another update writes at the same time included.

        Returns:
            The file's new content, and why an experiment was left out, by its name.

        Raises:
            BaselineError: the file has become unreadable since the night began, or another update does not end.
            OSError: it cannot be written; the old file is as it was.
        """
        measured: dict[str, Baseline] = {}
        left_out: dict[str, str] = {}
        for name in sorted({row.experiment for row in self.rows}):
            runs = self.runs_of(name)
            if len(runs) < seeds:
                left_out[name] = "not every seed gave a run"
                continue
            try:
                measured[name] = measured_baseline(runs, reason=reason, day=datetime.date.today())
            except ValueError as error:
                left_out[name] = str(error)
        with updating(self.baselines_path):
            after = read_baselines(self.baselines_path) if self.baselines_path.exists() else {}
            for name, entry in measured.items():
                after.setdefault(name, {}).setdefault(self.dataset.name, {})["measured"] = entry
            if measured:
                self._write_records([run for name in measured for run in self.runs_of(name)])
                write_baselines(self.baselines_path, after)
        return after, left_out

    def _write_records(self, runs: Iterable[Run]) -> None:
        """Write these runs' records beside baselines.json, and remove those of their experiments' other seeds."""
        folder = self.baselines_path.parent / RECORDS
        remove_leftovers(folder / "*")
        written = {write_run(folder, run) for run in runs}
        for name in {run.experiment for run in runs}:
            for former in set(folder.glob(record_name(name, self.dataset.name, "*"))) - written:
                former.unlink()


def _now() -> str:
    return datetime.datetime.now(tz=datetime.UTC).isoformat(timespec="seconds")


def load_weights(
    experiments: Iterable[Experiment], dataset: Dataset, weights_dir: Path | None
) -> dict[str, BackboneWeights | WeightsError]:
    """Load each backbone's weights once; one that is not to be had does not keep others from training.

    Args:
        experiments: those that will train.
        dataset: on synthetic data the backbones start from seeded random weights.
        weights_dir: where ImageNet weights are; None for Keras's cache or download.
    """
    weights: dict[str, BackboneWeights | WeightsError] = {}
    for experiment in sorted(experiments, key=lambda experiment: experiment.name):
        backbone = experiment.protocol.backbone
        if backbone is None or backbone in weights:
            continue
        try:
            loaded = default_weights(experiment, dataset, weights_dir)
        except WeightsError as error:
            weights[backbone] = error
        else:
            assert loaded is not None  # noqa: S101 - there is a backbone
            weights[backbone] = loaded
    return weights


def read_or_start_baselines(path: Path, *, to_update: bool) -> Baselines:
    """Read the baselines; a night that writes them may start without a file, and not where it could not write one.

    Raises:
        BaselineError: the file is missing and the night is to judge, it cannot be used, or the night is to update it
            and could not.
    """
    if not to_update:
        return read_baselines(path)
    if not path.parent.is_dir():
        raise BaselineError(f"{path}: found no folder {path.parent}, expected one to write the baselines into")
    try:
        with updating(path):
            return read_baselines(path) if path.exists() else {}
    except OSError as error:
        raise BaselineError(f"{path}: {error}; expected a folder that the baselines can be written into") from None
