"""Shows the results of a comparison, as text for the terminal and as Markdown for a pull request."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from benchmarks.comparison.comparison import Pair
from benchmarks.comparison.differences import WhatDiffers
from benchmarks.judging.night_results import NightResults
from benchmarks.report.markdown import as_markdown, markdown
from benchmarks.report.terminal import verdicts_table
from benchmarks.report.wording import answer, reasons
from benchmarks.sides.two_sides import Party
from benchmarks.statistics.word import Word
from cifar_models.command_line.output import table
from cifar_models.results.words import count

SIDES = "A is the baseline, B is today."
NOTHING = "Both sides have the same code, protocols and packages."


def trainings_text(pairs: Mapping[str, Sequence[Pair]]) -> str:
    """Return a table with a line for each seed: accuracies, seconds, and the first epoch at which the curves differ."""
    headers = ("experiment", "seed", "accuracy of A", "accuracy of B", "seconds of A", "seconds of B", "digits")
    rows = [
        [
            name,
            str(pair.a.seed),
            *(f"{run.accuracy:.4f}" for run in (pair.a, pair.b)),
            *(f"{run.timings.total:.1f}" for run in (pair.a, pair.b)),
            "identical" if pair.exact.identical else f"differ {pair.exact.since} ({pair.exact.what})",
        ]
        for name, some in pairs.items()
        for pair in some
    ]
    return table(rows, headers) if rows else "no seed was trained on both sides"


def differences_text(what: WhatDiffers) -> str:
    """Return a table of what differs between the sides, and the packages that only one side has."""
    parts = [table(what.rows, ("what", "A", "B"))] if what.rows else []
    return "\n".join([*parts, *_only(what)]) or NOTHING


def results_text(results: NightResults) -> str:
    """Return the table of verdicts, why experiments do not pass, and the overall answer in the last line."""
    verdicts = {one.experiment: one.verdicts for one in results.experiments if one.verdicts}
    lines = [SIDES, verdicts_table(verdicts, {}), ""] if verdicts else []
    lines += [f"{one.experiment}: not judged: {one.problem}" for one in results.experiments if one.problem]
    for one in results.experiments:
        if one.word not in (Word.PASS, Word.NOT_JUDGED):
            lines += [f"{one.experiment}: {one.word}", *(f"  {reason}" for reason in reasons(one)), ""]
    return "\n".join([*lines, *results.notes, answer(results.experiments)])


def summary(results: NightResults, parties: Iterable[Party], what: WhatDiffers) -> str:
    """Return the results as Markdown that is short enough for a comment on a pull request."""
    sides = "; ".join(map(str, parties))
    text = markdown(results, f"{SIDES} {sides}. Trained in turn with the same seeds on {results.night.dataset} images.")
    rows = [f"- {as_markdown(f'{name}: {a} to {b}')}" for name, a, b in what.rows]
    rows += [f"- {as_markdown(line)}" for line in _only(what)]
    return f"{text}\n{count(rows, 'difference')} between the sides\n\n" + "\n".join(rows or [f"- {NOTHING}"]) + "\n"


def _only(what: WhatDiffers) -> list[str]:
    return [
        f"{count(packages, 'package')} only in {letter}: {', '.join(packages)}"
        for letter, packages in (("A", what.only_a), ("B", what.only_b))
        if packages
    ]
