"""The summary of a night as sections of text, which both pytest and commands print."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from benchmarks.night.night import NOT_REACHED, Night
from benchmarks.night.update import Update
from benchmarks.report.terminal import changes_table, exact_table, published_table, trainings_table, verdicts_table
from benchmarks.report.wording import answer, not_trained

Section = tuple[str, Sequence[str]]
"""A title, and the blocks of text below it."""


def sections(night: Night, *, said: Sequence[str] = (), update: Update | str | None = None) -> Iterator[Section]:
    """Yield the trainings, the published comparison, the results, the path of the records, and the new baselines.

    Args:
        night: a night that has ended.
        said: lines on reports and other files, shown with the path of the records.
        update: the update of the baselines file, or the error if it failed; None if the night does not update it.
    """
    settings = night.settings
    weights = {training.run.weights for training in night.trainings if training.run} - {"none"}
    backbones = f"; backbones from {', '.join(sorted(weights))}" if weights else ""
    yield f"trainings on {night.inputs.dataset.name}{backbones}", [trainings_table(night.trainings)]
    if published := published_table(night.inputs.baselines, night.trainings):
        yield "published comparison", [published]
    if settings.shard:
        yield "NOT JUDGED: this is a shard", _of_shard(night)
    elif not settings.updates:
        problems = {name: night.problem(name) or NOT_REACHED for name in night.unjudged}
        if night.exact:
            yield "exact lane: the same seeds, recorded and tonight", [exact_table(night.exact)]
        if night.not_repeated:
            yield "NOT REPEATED", [_of_not_repeated(night.not_repeated)]
        experiments = night.results().experiments
        yield "the night", [answer(experiments), *filter(None, [not_trained(experiments)])]
        rate = f"false-alarm rate {settings.false_alarm_rate:g} a night"
        yield f"verdicts, {rate}", [verdicts_table(night.verdicts, problems)]
    if night.folder is not None:
        unfinished = ": unfinished, --resume continues it" if night.unfinished and not settings.joined else ""
        yield "records", [f"{night.folder.path}{unfinished}", *night.losses, *said]
    if update is not None:
        yield "baselines", _of_baselines(night, update)


def _of_not_repeated(names: Sequence[str]) -> str:
    return (
        f"--exact: found no recorded run of {', '.join(names)} with this data, weights, protocol, versions, processor "
        f"and threads, expected one; the next night repeats the runs of this one"
    )


def _of_shard(night: Night) -> list[str]:
    number, count = night.settings.shard or (1, 1)
    runs = sum(training.run is not None for training in night.trainings)
    return [
        f"shard {number} of {count}: {runs} runs of the night's {len(night.all_shards.keys)} trainings",
        f"this session judged nothing: python -m benchmarks judge DIR... judges the folders of all {count} shards",
    ]


def _of_baselines(night: Night, update: Update | str) -> list[str]:
    file = night.settings.baselines_path
    if isinstance(update, str):
        resume = "repeat the command with --resume, which reuses tonight's runs"
        return [
            f"{file}: this run judged nothing and could not write: {update}",
            f"fix this, then {'judge the shards again' if night.settings.joined else resume}",
        ]
    lines = [f"{file}: this run judged nothing and wrote nothing"]
    if not update.left_out.keys() >= set(night.trained):
        lines = [f"{file}: this run judged nothing and wrote", changes_table(night.inputs.baselines, update.after)]
    return lines + [f"not changed: {name}: {why}" for name, why in update.left_out.items()]
