"""Judges all shards as one night, which is kept like any other night."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.inputs.inputs import read_or_start_baselines
from benchmarks.inputs.settings import Settings, keyword_for
from benchmarks.night.exit_status import NOT_JUDGED, status_of
from benchmarks.night.night import Night, judge_to_the_end
from benchmarks.night.reports import write_reports
from benchmarks.night.update import Update, update_baselines
from benchmarks.records.night_folder import nights
from benchmarks.records.selection import SHARED_SETTINGS
from benchmarks.records.trainings import Outcome, Training
from benchmarks.shards.junit import junit
from benchmarks.shards.kept_shards import KeptShard, ShardError
from benchmarks.shards.recorded_inputs import RecordedData, RecordedInputs
from benchmarks.statistics.seeds import day_of
from cifar_models import experiments
from cifar_models.results.run_files import write_run
from cifar_models.results.source_code import Code
from cifar_models.storage.files import write_whole


@dataclass
class Judgement:
    """The result of a night that was trained in shards.

    Attributes:
        night: the night with the runs of all shards.
        status: the exit status of the night.
        update: the changes of the baselines file, or why it was not changed; None if the night was judged.
        said: messages about other files, one sentence each.
    """

    night: Night
    status: int = NOT_JUDGED
    update: Update | str | None = None
    said: list[str] = field(default_factory=list)


def join(shards: Sequence[KeptShard], *, baselines_path: Path, run_dir: Path, report_dir: Path | None = None) -> Night:
    """Return the night with the trainings of all shards, not yet judged.

    Args:
        shards: all shards of one night.
        baselines_path: the baselines file to compare with, or to write.
        run_dir: the folder of nights, in which the night gets a folder.
        report_dir: the folder for the page; None for the night's folder.

    Raises:
        BaselineError: the baselines cannot be used.
        ShardError: a run does not belong to the others, or the night was judged before.
        OSError: the night's folder cannot be written; it is removed.
    """
    first = shards[0]
    told, record = first.shard, first.record
    settings = Settings(
        baselines_path=baselines_path,
        run_dir=run_dir,
        report_dir=report_dir,
        dataset=record.dataset,
        exact=bool(record.must_be_identical),
        false_alarm_rate=record.false_alarm_rate,
        joined=True,
        **{name: getattr(told, name) for name in SHARED_SETTINGS},
    )
    code = next((one.run.code for one in all_of(shards) if one.run and one.run.code), Code(commit=None, source=""))
    inputs = RecordedInputs(
        settings,
        RecordedData(record.dataset, record.data),
        read_or_start_baselines(baselines_path, to_update=settings.updates),
        fingerprints={name: found for one in reversed(shards) for name, found in one.shard.fingerprints.items()},
        problems={name: why for one in shards for name, why in one.record.problems.items()},
        code=code,
    )
    _require_alike(shards, inputs)
    night = Night(inputs, told.night)
    night.started = min(one.record.started for one in shards)
    for training in sorted(all_of(shards), key=lambda one: (_position(one.experiment), one.key)):
        night.file(training)
    _require_not_judged(night)
    night.open_folder()
    assert night.folder is not None  # noqa: S101 - it has just been opened
    try:
        for training in night.trainings:
            if training.run:
                write_run(night.folder.path, training.run)
    except OSError:
        night.folder.remove()
        raise
    return night


def judge(night: Night, *, junit_file: Path | None = None) -> Judgement:
    """Judge a night of shards, or write the baselines that it measured, and record the result.

    Args:
        night: the result of ``join``.
        junit_file: the JUnit file to write; None for none.
    """
    judgement = Judgement(night)
    if night.settings.updates:
        try:
            judgement.update = update_baselines(night)
        except (OSError, ValueError) as error:
            judgement.update = str(error)
    else:
        judge_to_the_end(night, lambda name, seed: night.file(Training(name, seed, Outcome.IN_NO_SHARD)))
    night.close_folder(interrupted=isinstance(judgement.update, str))
    judgement.said, status = write_reports(night)
    judgement.status = status_of(night) or status
    if junit_file:
        try:
            write_whole(junit_file, junit(night))
        except OSError as error:
            judgement.said.append(f"--junitxml: found {error}, expected a file that can be written")
            judgement.status = judgement.status or NOT_JUDGED
    return judgement


def further_seeds(night: Night) -> list[str]:
    """Return which seeds undecided verdicts want, and how to train them, one line each; empty if they want none."""
    wanted = [f"{one.experiment} seed {one.seed}" for one in night.trainings if one.outcome == Outcome.IN_NO_SHARD]
    if not wanted:
        return []
    settings = night.settings
    first_seed = day_of(settings.first_seed) if settings.repeats else settings.first_seed
    paths = {"--baselines": settings.baselines_path, "--run-dir": settings.run_dir}
    command = " ".join(
        [
            f"pytest -m benchmark {settings.options} -k {keyword_for(night.selection.verdicts)}",
            f"--seeds {settings.seeds} --max-seeds {settings.max_seeds} --first-seed {first_seed}",
            f"--against {settings.against} --false-alarm-rate {settings.false_alarm_rate}",
            *(["--exact"] if settings.exact else []),
            *(shlex.quote(f"{option}={path}") for option, path in paths.items()),
            "--resume",
        ]
    )
    return [
        f"undecided verdicts want {', '.join(wanted)}; judge does not train",
        f"run this on a machine like those of the shards, to train them and judge the night again: {command}",
    ]


def machines(shards: Sequence[KeptShard]) -> list[str]:
    """Return a line for each kind of machine, with the numbers of the shards that it trained."""
    kinds: dict[str, list[int]] = {}
    for one in shards:
        kinds_of_shard = {training.run.environment.machine for training in one.trainings if training.run}
        for kind in sorted(kinds_of_shard):
            kinds.setdefault(kind, []).append(one.shard.number)
    return [f"{kind}: shard {', '.join(map(str, numbers))}" for kind, numbers in kinds.items()]


def all_of(shards: Iterable[KeptShard]) -> list[Training]:
    """Return the trainings of all shards."""
    return [training for one in shards for training in one.trainings]


def _position(experiment: str) -> int:
    """Return the position of an experiment in the table; one that is not in it comes last."""
    name, *_ = experiment.split("+")
    return [*experiments.EXPERIMENTS, name].index(name)


def _require_alike(shards: Sequence[KeptShard], inputs: RecordedInputs) -> None:
    """Raise an error for runs that a night on one machine cannot have, and for baselines from several machines."""
    reference = next((training.run for training in all_of(shards) if training.run), None)
    for one in shards:
        if lacking := sorted(
            {training.run.experiment for training in one.trainings if training.run} - {*inputs.fingerprints}
        ):
            raise ShardError(
                f"{one}: found runs of {', '.join(lacking)} without the fingerprints of their data and weights, "
                f"expected both, because the session was killed; run the shard again with --resume"
            )
        for name, found in one.shard.fingerprints.items():
            if part := found.differing_part(inputs.fingerprints[name]):
                expected = getattr(inputs.fingerprints[name], part)
                raise ShardError(
                    f"{one}: found the {part} fingerprint {getattr(found, part)} of {name}, expected {expected} as in "
                    f"another shard; train all shards on the same data, weights and code"
                )
        for training in one.trainings:
            if training.run and reference and (why := inputs.difference(training.run, reference.environment)):
                raise ShardError(
                    f"{one}: {training.experiment} seed {training.seed} does not belong to {shards[0]}: {why}; train "
                    f"all shards with the same code, versions, data and weights"
                )
    if inputs.settings.updates and len(kinds := machines(shards)) > 1:
        raise ShardError(
            f"shards: found several kinds of machine ({'; '.join(kinds)}), expected one, because a baseline describes "
            f"one machine; train all shards on the same kind"
        )


def _require_not_judged(night: Night) -> None:
    """Raise an error if the folder of nights has this night: its runs would be compared with themselves."""
    dataset = night.inputs.dataset.name
    for path, record in nights(night.settings.run_dir):
        if (record.started, record.dataset) == (night.started, dataset) and record.shard is None:
            raise ShardError(
                f"{path}: found the same night, judged or started before, expected none; remove the folder to judge "
                f"the night again, or give another --run-dir"
            )
