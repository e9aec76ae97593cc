"""Two commands in turn, and the ratio of each pair."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

PLAIN, SUITE = "benchmarks.ratios.plain", "benchmarks.ratios.suite"


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
        A ratio for each time that the sides print and for the peak of their resident memory.

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
    """Run one side and return its times in seconds and the peak of its resident memory in MB.

    Raises:
        RuntimeError: it ended in an error; the message has its last words.
    """
    command = [sys.executable, "-m", module, *arguments]
    with tempfile.TemporaryFile("w+") as output, tempfile.TemporaryFile("w+") as errors:
        process = subprocess.Popen(command, stdout=output, stderr=errors)  # noqa: S603 - our own modules
        _, status, usage = os.wait4(process.pid, 0)  # which alone tells this child's memory from another's
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        errors.seek(0)
        if process.returncode:
            raise RuntimeError(f"{shlex.join(command)} ended with {process.returncode}: {errors.read()[-2000:]}")
        times: dict[str, float] = json.loads(output.read().splitlines()[-1])
    unit = 1024**2 if sys.platform == "darwin" else 1024
    return times | {"peak memory": usage.ru_maxrss / unit}
