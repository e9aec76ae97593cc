"""Is the suite as fast as its baseline says? Figures, their baselines, and the verdict.

Every figure is a number of images in the time that the reference workload takes in the same process: a slower machine
slows both. It is judged on a logarithmic scale, on which half and twice the speed are equally far.
"""

from __future__ import annotations

import datetime
import json
import math
from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from scipy.special import stdtrit

from cifar_models.storage.files import write_whole
from cifar_models.storage.strict_json import parse_record, read_as, to_json

FIGURES = ("step", "inference", "prefix", "training")
FILE = "throughput_baselines.json"
"""The baselines' file, beside ``baselines.json``."""
SCHEMA = 1

CONFIDENCE = 0.999
"""Of one figure's tolerance: a night looks at some twenty."""
SMALLEST_TOLERANCE = 1.25
LEAST_REPETITIONS = 5
TOLERANCE_RULE = (
    f"the {CONFIDENCE:.1%} prediction interval of the logarithms of these ratios, at least {SMALLEST_TOLERANCE}"
)


@dataclass(frozen=True)
class Speed:
    """How fast one figure of one experiment was.

    Attributes:
        ratios: images in the time of one reference workload, one a repetition in a process of its own; above 0.
        tolerance: the factor that today's ratio may be below or above their geometric mean; above 1.
        tolerance_reason: where that number comes from.
        recorded: the day, as YYYY-MM-DD.
        reason: why it was set.
    """

    ratios: list[float]
    tolerance: float
    tolerance_reason: str
    recorded: str
    reason: str

    @property
    def mean(self) -> float:
        """The ratios' geometric mean."""
        return math.exp(_mean_and_deviation(self.ratios)[0])


Throughput = dict[str, dict[str, dict[str, Speed]]]
"""Baselines by device, experiment and figure. A device is a GPU's name, or ``PROCESSOR`` and that of a processor."""


@dataclass(frozen=True)
class _File:
    speeds: Throughput


PROCESSOR = "CPU "
"""What the names of processors begin with."""


def speeds_on(throughput: Throughput, device: str, experiment: str, figure: str) -> list[Speed]:
    """Return what a figure on a device is held against: the device's own baseline, or those of all other processors.

    The reference workload makes up for a processor's speed, but not for a kernel that a library has for one make alone.
    So a processor with a baseline is held against that; another one must be as fast as one that has been measured.
    """
    own = throughput.get(device)
    alike = [own] if own else [other for name, other in throughput.items() if _is_processor(name, device)]
    return [figures[experiment][figure] for figures in alike if figure in figures.get(experiment, {})]


def _is_processor(*devices: str) -> bool:
    return all(device.startswith(PROCESSOR) for device in devices)


def nearest_speed(ratio: float, speeds: Collection[Speed]) -> Speed:
    """Return the baseline that passes a ratio by most or fails it by least."""
    return min(speeds, key=lambda speed: abs(math.log(ratio / speed.mean)) - math.log(speed.tolerance))


def judge_speed(ratio: float, baseline: Speed) -> str:
    """Return ``pass``, ``slower`` or ``faster``.

    Raises:
        ValueError: a ratio that is not finite or not above 0, which must never pass for one.
    """
    if not (math.isfinite(ratio) and ratio > 0):
        raise ValueError(f"ratio: found {ratio}, expected a finite number above 0")
    if abs(math.log(ratio / baseline.mean)) <= math.log(baseline.tolerance) + 1e-12:
        return "pass"
    return "slower" if ratio < baseline.mean else "faster"


def explain(experiment: str, figure: str, ratio: float, baseline: Speed) -> str:
    """Return a verdict that is no pass as a sentence to act on."""
    word = judge_speed(ratio, baseline)
    remedy = "If that was meant, record the baseline again as docs/how-to/check-speed.md says"
    cause = {"slower": "Find what costs the time", "faster": "Look whether it still does all its work"}[word]
    return (
        f"{experiment}: {figure} is {word}\n"
        f"  {ratio:.4g} images a reference workload are {ratio / baseline.mean:.2f} times the baseline's "
        f"{baseline.mean:.4g} (geometric mean of {len(baseline.ratios)} repetitions, {min(baseline.ratios):.4g} to "
        f"{max(baseline.ratios):.4g});\n"
        f"  allowed is a factor of {baseline.tolerance:.2f} either way: {baseline.tolerance_reason}.\n"
        f"  {cause}. {remedy}."
    )


def measured_speed(ratios: Sequence[float], *, reason: str, day: datetime.date) -> Speed:
    """Make a baseline of repetitions; its tolerance follows ``TOLERANCE_RULE``.

    Raises:
        ValueError: fewer than ``LEAST_REPETITIONS``, a ratio that is not finite or not above 0, or no reason.
    """
    n = len(ratios)
    if n < LEAST_REPETITIONS:
        raise ValueError(f"ratios: found {n}, expected {LEAST_REPETITIONS} or more, for their spread is the tolerance")
    if not all(math.isfinite(ratio) and ratio > 0 for ratio in ratios):
        raise ValueError(f"ratios: found {list(ratios)}, expected finite numbers above 0")
    if not reason.strip():
        raise ValueError("reason: found none, expected why the baseline changes")
    deviation = _mean_and_deviation(ratios)[1]
    quantile = float(stdtrit(n - 1, 1 - (1 - CONFIDENCE) / 2))
    # Hahn and Meeker 1991, section 4.7, on logarithms.
    tolerance = max(SMALLEST_TOLERANCE, math.exp(quantile * deviation * math.sqrt(1 + 1 / n)))
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
        ValueError: a file that is missing or no JSON, another schema, a key missing or unknown, or a value that makes
            no sense; says where.
    """
    try:
        _, record = parse_record(path.read_text(encoding="utf-8"), "schema", [SCHEMA])
        content: _File = read_as(_File, record, FILE)
        _check_all(content.speeds)
    except (OSError, ValueError) as error:
        raise ValueError(f"{path}: {error}; restore it from version control or correct it by hand") from None
    return content.speeds


def write_throughput(path: Path, throughput: Throughput) -> None:
    """Write the baselines of speeds whole or not at all.

    Raises:
        OSError: the folder cannot be written.
        ValueError: a speed that ``read_throughput`` refuses.
    """
    _check_all(throughput)
    write_whole(path, to_json({"schema": SCHEMA, **asdict(_File(throughput))}))


def _check_all(throughput: Throughput) -> None:
    for device, experiments in throughput.items():
        for experiment, figures in experiments.items():
            for figure, speed in figures.items():
                _check(speed, figure, f"speeds.{device}.{experiment}.{figure}")


def _check(speed: Speed, figure: str, where: str) -> None:
    if figure not in FIGURES:
        raise ValueError(f"{where}: found the figure {figure!r}, expected one of {', '.join(FIGURES)}")
    if len(speed.ratios) < LEAST_REPETITIONS or min(speed.ratios) <= 0:
        raise ValueError(f"{where}.ratios: found {speed.ratios}, expected {LEAST_REPETITIONS} or more, each above 0")
    if not speed.tolerance > 1:
        raise ValueError(f"{where}.tolerance: found {speed.tolerance}, expected a factor above 1")
    if not speed.reason.strip():
        raise ValueError(f"{where}.reason: found {speed.reason!r}, expected why it was set")


def read_saved(files: Iterable[Path]) -> dict[tuple[str, str, str], list[float]]:
    """Collect the ratios of results that pytest-benchmark saved, by device, experiment and figure.

    Args:
        files: one a repetition.

    Raises:
        OSError: a file cannot be read.
        ValueError: a file without the figures of ``test_throughput.py``; says which.
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
    """Put speeds into the baselines and leave the others as they are; return a line for each, old and new.

    Raises:
        ValueError: repetitions that make no baseline.
    """
    lines = []
    for (device, experiment, figure), ratios in saved.items():
        figures = throughput.setdefault(device, {}).setdefault(experiment, {})
        before, speed = figures.get(figure), measured_speed(ratios, reason=reason, day=day)
        figures[figure] = speed
        old = f"{before.mean:.4g} within {before.tolerance:.2f}" if before else "none"
        lines.append(f"{device} {experiment} {figure}: {old} -> {speed.mean:.4g} within {speed.tolerance:.2f}")
    return lines


def _mean_and_deviation(ratios: Sequence[float]) -> tuple[float, float]:
    """Return mean and standard deviation (``ddof=1``) of the logarithms."""
    logarithms = [math.log(ratio) for ratio in ratios]
    mean = math.fsum(logarithms) / len(logarithms)
    variance = math.fsum((value - mean) ** 2 for value in logarithms) / (len(logarithms) - 1)
    return mean, math.sqrt(variance)
