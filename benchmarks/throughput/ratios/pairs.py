"""Two commands in turn, and the ratio of each pair."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

PLAIN, SUITE = "benchmarks.throughput.ratios.plain", "benchmarks.throughput.ratios.suite"


@dataclass(frozen=True)
class Ratio:
    """One figure of two sides, over several pairs.

    Attributes:
        figure: what was measured, with its unit.
        plain: the plain script's values, one a pair.
        suite: the suite's.
    """

    figure: str
    plain: Sequence[float]
    suite: Sequence[float]

    @property
    def ratios(self) -> list[float]:
        """Plain through suite, pair by pair: above 1 where the suite takes less."""
        return [plain / suite for plain, suite in zip(self.plain, self.suite, strict=True)]

    @property
    def row(self) -> list[str]:
        """The figure, both medians, the median ratio and its range, for a table."""
        ratios = self.ratios
        return [
            self.figure,
            f"{median(self.plain):.2f}",
            f"{median(self.suite):.2f}",
            f"{median(ratios):.2f}",
            f"{min(ratios):.2f} to {max(ratios):.2f}",
            str(len(ratios)),
        ]


def measure_pairs(plain: Sequence[str], suite: Sequence[str], count: int) -> list[Ratio]:
    """Run both sides in turn, the first of a pair being the second of the next.

    Args:
        plain: the plain side's arguments.
        suite: the suite's.
        count: pairs, 1 or more.

    Returns:
        A ratio for each figure that the sides print.

    Raises:
        RuntimeError: a side ended in an error; the message has its last words.
    """
    sides = {PLAIN: plain, SUITE: suite}
    values: dict[str, list[dict[str, float]]] = {PLAIN: [], SUITE: []}
    for position in range(count):
        for module in (PLAIN, SUITE)[:: 1 if position % 2 == 0 else -1]:
            values[module].append(run_side(module, sides[module]))
    figures = values[PLAIN][0]
    return [
        Ratio(figure, *([side[figure] for side in values[module]] for module in (PLAIN, SUITE))) for figure in figures
    ]


def run_side(module: str, arguments: Sequence[str]) -> dict[str, float]:
    """Run one side and return the figures that it prints as its last line.

    Raises:
        RuntimeError: it ended in an error; the message has its last words.
    """
    command = [sys.executable, "-m", module, *arguments]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own modules
    if ended.returncode:
        raise RuntimeError(f"{shlex.join(command)} ended with {ended.returncode}: {ended.stderr[-2000:]}")
    figures: dict[str, float] = json.loads(ended.stdout.splitlines()[-1])
    return figures
