"""Judges speeds against their baselines, and reads and writes these baselines.

A speed is a ratio: the number of images processed in the time of one reference workload in the same process, so that a
slower machine slows both. Ratios are compared on a logarithmic scale.
"""

from __future__ import annotations

import datetime
import json
import math
from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import geometric_mean

from benchmarks.statistics.expect import expect
from benchmarks.statistics.prediction import prediction_half_width
from cifar_models.storage.files import write_whole
from cifar_models.storage.strict_json import parse_record, read_as, to_json

FIGURES = ("step", "inference", "prefix", "training")
FILE = "throughput_baselines.json"
"""Name of the baselines file, beside ``baselines.json``."""
SCHEMA = 1

CONFIDENCE = 0.999
"""For the tolerance of one figure; a night checks about twenty."""
SMALLEST_TOLERANCE = 1.25
LEAST_REPETITIONS = 5
TOLERANCE_RULE = (
    f"the {CONFIDENCE:.1%} prediction interval of the logarithms of these ratios, at least {SMALLEST_TOLERANCE}"
)


@dataclass(frozen=True)
class Speed:
    """The baseline of one figure of one experiment.

    Attributes:
        ratios: images per reference workload, one for each repetition in its own process; above 0.
        tolerance: factor by which today's ratio may be below or above their geometric mean; above 1.
        tolerance_reason: how the tolerance was computed.
        recorded: date, as YYYY-MM-DD.
        reason: why the baseline was set.
    """

    ratios: list[float]
    tolerance: float
    tolerance_reason: str
    recorded: str
    reason: str

    @property
    def mean(self) -> float:
        """The ratios' geometric mean."""
        return geometric_mean(self.ratios)


Throughput = dict[str, dict[str, dict[str, Speed]]]
"""Baselines by device, experiment and figure. A device is a GPU's name, or ``PROCESSOR`` and a processor's name."""


@dataclass(frozen=True)
class _File:
    speeds: Throughput


PROCESSOR = "CPU "
"""Prefix of processors' names."""


def speeds_on(throughput: Throughput, device: str, experiment: str, figure: str) -> list[Speed]:
    """Return the baselines of a figure: the device's own, or those of all processors for a processor without one.

    The reference workload corrects for a processor's speed, but not for kernels that exist for only some processors.
    """
    devices = [device]
    if device not in throughput and device.startswith(PROCESSOR):
        devices = [name for name in throughput if name.startswith(PROCESSOR)]
    found = [throughput.get(name, {}).get(experiment, {}).get(figure) for name in devices]
    return [speed for speed in found if speed]


def nearest_speed(ratio: float, speeds: Collection[Speed]) -> Speed:
    """Return the baseline for which the ratio has the widest margin to failing, or fails by the least."""
    return min(speeds, key=lambda speed: abs(math.log(ratio / speed.mean)) - math.log(speed.tolerance))


def judge_speed(ratio: float, baseline: Speed) -> str:
    """Return ``pass``, ``slower`` or ``faster``.

    Raises:
        ValueError: the ratio is not finite or not above 0.
    """
    expect(0 < ratio < math.inf, "ratio", ratio, "a finite number above 0")
    if abs(math.log(ratio / baseline.mean)) <= math.log(baseline.tolerance) + 1e-12:
        return "pass"
    return "slower" if ratio < baseline.mean else "faster"


def explain(experiment: str, figure: str, ratio: float, baseline: Speed) -> str:
    """Return the message for a ratio that does not pass: what was found, what was expected and what to do."""
    word = judge_speed(ratio, baseline)
    cause = {"slower": "Find out what takes the time", "faster": "Check that it still does all its work"}[word]
    return (
        f"{experiment}: {figure} is {word}\n"
        f"  {ratio:.4g} images per reference workload are {ratio / baseline.mean:.2f} times the baseline's "
        f"{baseline.mean:.4g} (geometric mean of {len(baseline.ratios)} repetitions, {min(baseline.ratios):.4g} to "
        f"{max(baseline.ratios):.4g});\n"
        f"  a factor of {baseline.tolerance:.2f} either way is allowed: {baseline.tolerance_reason}.\n"
        f"  {cause}. If the change is intended, record the baseline again; see docs/how-to/check-speed.md."
    )


def measured_speed(ratios: Sequence[float], *, reason: str, day: datetime.date) -> Speed:
    """Make a baseline from repetitions, with the tolerance of ``TOLERANCE_RULE``.

    Raises:
        ValueError: fewer than ``LEAST_REPETITIONS``, a ratio that is not finite or not above 0, or no reason.
    """
    n = len(ratios)
    enough = f"{LEAST_REPETITIONS} or more, because their spread sets the tolerance"
    expect(n >= LEAST_REPETITIONS, "ratios", n, enough)
    expect(all(0 < ratio < math.inf for ratio in ratios), "ratios", list(ratios), "finite numbers above 0")
    expect(bool(reason.strip()), "reason", reason, "why the baseline changes")
    width = prediction_half_width([math.log(ratio) for ratio in ratios], CONFIDENCE)
    tolerance = max(SMALLEST_TOLERANCE, math.exp(width))
    return Speed(
        ratios=[float(f"{ratio:.4g}") for ratio in ratios],
        tolerance=round(tolerance, 3),
        tolerance_reason=TOLERANCE_RULE,
        recorded=day.isoformat(),
        reason=reason.strip(),
    )


def read_throughput(path: Path) -> Throughput:
    """Read and check the baselines of speeds.

    Raises:
        ValueError: the file is missing or not JSON, has another schema, or a key or value is wrong.
    """
    try:
        _, record = parse_record(path.read_text(encoding="utf-8"), "schema", [SCHEMA])
        content: _File = read_as(_File, record, FILE)
        _check_all(content.speeds)
    except (OSError, ValueError) as error:
        raise ValueError(f"{path}: {error}; restore it from version control or correct it by hand") from None
    return content.speeds


def write_throughput(path: Path, throughput: Throughput) -> None:
    """Write the baselines of speeds.

    Raises:
        OSError: the folder cannot be written.
        ValueError: ``read_throughput`` would refuse a speed.
    """
    _check_all(throughput)
    write_whole(path, to_json({"schema": SCHEMA, **asdict(_File(throughput))}))


def _check_all(throughput: Throughput) -> None:
    for device, experiments in throughput.items():
        for experiment, figures in experiments.items():
            for figure, speed in figures.items():
                where = f"speeds.{device}.{experiment}.{figure}"
                expect(figure in FIGURES, f"{where}, figure", figure, f"one of {', '.join(FIGURES)}")
                enough = len(speed.ratios) >= LEAST_REPETITIONS and min(speed.ratios) > 0
                expect(enough, f"{where}.ratios", speed.ratios, f"{LEAST_REPETITIONS} or more, each above 0")
                expect(speed.tolerance > 1, f"{where}.tolerance", speed.tolerance, "a factor above 1")
                expect(bool(speed.reason.strip()), f"{where}.reason", speed.reason, "why it was set")


def read_saved(files: Iterable[Path]) -> dict[tuple[str, str, str], list[float]]:
    """Return the ratios in files that pytest-benchmark saved, one a repetition, by device, experiment and figure.

    Raises:
        OSError: a file cannot be read.
        ValueError: a file has no figure of ``test_throughput.py``.
    """
    ratios: dict[tuple[str, str, str], list[float]] = {}
    for file in files:
        try:
            infos = [each["extra_info"] for each in json.loads(file.read_text(encoding="utf-8"))["benchmarks"]]
            measured = [
                ((str(info["device"]), str(info["experiment"]), str(info["figure"])), float(info["ratio"]))
                for info in infos
                if "ratio" in info
            ]
        except (KeyError, TypeError, ValueError):
            measured = []
        if not measured:
            raise ValueError(
                f"{file}: found no figure of test_throughput.py, expected a result that pytest-benchmark saved"
            )
        for key, ratio in measured:
            ratios.setdefault(key, []).append(ratio)
    return ratios


def record_speeds(
    throughput: Throughput, saved: dict[tuple[str, str, str], list[float]], *, reason: str, day: datetime.date
) -> list[str]:
    """Add speeds to the baselines, or replace them; return a line with the old and the new value of each.

    Raises:
        ValueError: as ``measured_speed``.
    """
    lines = []
    for (device, experiment, figure), ratios in saved.items():
        figures = throughput.setdefault(device, {}).setdefault(experiment, {})
        before, speed = figures.get(figure), measured_speed(ratios, reason=reason, day=day)
        figures[figure] = speed
        old = f"{before.mean:.4g} within {before.tolerance:.2f}" if before else "none"
        lines.append(f"{device} {experiment} {figure}: {old} -> {speed.mean:.4g} within {speed.tolerance:.2f}")
    return lines
