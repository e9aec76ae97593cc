"""Keeps a comparison in a folder, in the format of a night and its baselines.

A's runs are the baselines, and B's runs are the night. So commands that read a night also read a comparison, such as
``python -m benchmarks page``.
"""

from __future__ import annotations

import datetime
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Self

from benchmarks.baselines.baseline import Baselines
from benchmarks.baselines.baselines_file import write_baselines
from benchmarks.baselines.measure import measured_baseline
from benchmarks.comparison.comparison import Comparison
from benchmarks.judging.night_results import NightResults, night_results
from benchmarks.records.night_folder import RECORDS, BaselineMark, NightFolder, NightRecord, new_folder

NIGHT = "night"


class ComparisonFolder:
    """A new folder for one comparison, named after its start time.

    Args:
        parent: the folder of comparisons; created if it does not exist.

    Attributes:
        path: the folder.
        a: the folder for the records of A's runs.
        b: the folder for the records of B's runs.

    Raises:
        OSError: the folder cannot be created.
    """

    def __init__(self, parent: Path) -> None:
        self._started = _now()
        self.path = new_folder(parent, self._started)
        self.a, self.b = self.path / RECORDS, self.path / NIGHT
        self.a.mkdir()
        self.b.mkdir()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Remove the folder if it contains no record."""
        with suppress(OSError):  # rmdir fails for a folder that is not empty
            for path in (self.a, self.b, self.path):
                path.rmdir()

    @property
    def baselines(self) -> Path:
        """The file with A's runs as baselines."""
        return self.path / "baselines.json"

    def results(self, comparison: Comparison, *, data: str) -> tuple[NightResults, Baselines]:
        """Return the results of a comparison, and A's runs as baselines.

        Args:
            comparison: a comparison that has ended.
            data: the fingerprint of the data set.
        """
        dataset = comparison.settings.dataset
        judged = [name for name in comparison.verdicts if not comparison.identical(name)]
        baselines: Baselines = {}
        for name in judged:
            used = max(verdict.runs for verdict in comparison.verdicts[name])
            runs = [pair.a for pair in comparison.pairs[name][:used]]
            entry = measured_baseline(runs, reason="side A of a comparison", day=self._started.date())
            baselines[name] = {dataset: {"measured": entry}}
        record = NightRecord(
            dataset=dataset,
            data=data,
            started=self._started.isoformat(timespec="seconds"),
            ended=_now().isoformat(timespec="seconds"),
            false_alarm_rate=comparison.settings.false_alarm_rate,
            verdicts=[verdict for some in comparison.verdicts.values() for verdict in some],
            problems=comparison.problems,
            baselines={name: BaselineMark.of(baselines[name][dataset]["measured"]) for name in judged},
        )
        runs = [pair.b for pairs in comparison.pairs.values() for pair in pairs]
        notes = [comparison.stopped] if comparison.stopped else []
        notes += [
            f"{name}: both sides are identical, to the last digit, with {len(pairs)} seeds."
            for name, pairs in comparison.pairs.items()
            if name in comparison.verdicts and name not in judged
        ]
        return night_results(record, runs, baselines, self.a, folder=self.b, notes=notes), baselines

    def write(self, comparison: Comparison, results: NightResults, baselines: Baselines) -> None:
        """Write the results of a comparison next to the records of its runs.

        Raises:
            OSError: the folder cannot be written.
        """
        self.b.mkdir(parents=True, exist_ok=True)
        write_baselines(self.baselines, baselines)
        exact = [pair.exact for pairs in comparison.pairs.values() for pair in pairs if pair.exact.identical]
        if folder := NightFolder.take(self.b):
            folder.write_record(replace(results.night, exact=exact))
            folder.close()


def _now() -> datetime.datetime:
    return datetime.datetime.now(tz=datetime.UTC)
