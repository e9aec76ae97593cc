"""baselines.json: what today's runs are held against. Read and checked whole, changed only on purpose."""

from __future__ import annotations

import datetime
import math
import statistics
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from filelock import Timeout
from scipy.special import stdtrit

from benchmarks.baselines.shared_lock import refused_lock, shared_lock
from benchmarks.statistics.exchange import nats_per_point
from benchmarks.throughput.speeds import FILE
from cifar_models.datasets.cifar10 import OFFICIAL_FINGERPRINT
from cifar_models.results.environment import Environment
from cifar_models.results.evaluation import SMALLEST_PROBABILITY
from cifar_models.results.run import Fingerprints, Run
from cifar_models.storage.files import link_target, remove_leftovers, write_whole
from cifar_models.storage.strict_json import added_later, parse_json, read_as, to_json

SCHEMA = 2
METRICS = ("accuracy", "loss", "gap")
"""What is judged of a run; a baseline measured before runs recorded their loss has none."""
RANGES = {"accuracy": (0.0, 1.0), "loss": (0.0, -math.log(SMALLEST_PROBABILITY)), "gap": (-1.0, 1.0)}
"""The lowest and highest value of each metric."""
SOURCES = ("measured", "published")
FORMER_NAMES = {
    "cifar-10-python.tar.gz sha256:6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce": (
        OFFICIAL_FINGERPRINT
    ),
    "md5:6d6bbae143d832006294945121d1f1fc": "sha256:99b32de5670d4dc26dfb8560020372e61b0970293beb1d396cccd5840a15f19e",
    "md5:4d473c1dd8becc155b73f8504c6f6626": "sha256:555c3c47742ed776907583dadd9d0f358b00041cdc5412f285bcde1f0c2b90fb",
}
"""Checksums of published files, which entries once had, and the fingerprints of what these files hold."""
LEAST_RUNS = 3
"""Runs below which a spread is not worth the name, and no baseline is measured."""
SUGGESTED_RUNS = 30
"""Five runs a night see a drop of 3.0 standard deviations against 30 baseline runs, of 3.7 against ten."""

SMALLEST_CHANGE = {"accuracy": 0.005, "gap": 0.01, "f1": 0.01}
"""Changes that nobody would act on: the tolerances of measured baselines, whose own spread does the rest. That of the
loss is what the accuracy's is in nats; the F1's is of the distance between patterns over classes."""

LEAST_NATS_PER_POINT = 0.02
"""What stands for the slope of loss against accuracy where the curves do not tell it: less than any that they told."""
CONFIDENCE = 0.99
LOCK_SECONDS = 60.0
"""How long an update waits for another one, which holds the file while it writes and not while it trains."""
LARGEST_TOLERANCE = 1.0  # what no accuracy can miss is no check


class BaselineError(ValueError):
    """Baselines that cannot be used, or none to compare with: what was found, expected, and what to do."""


@dataclass(frozen=True)
class Metric:
    """One metric of a baseline.

    Attributes:
        values: one for each seed: an accuracy in [0, 1], a gap in [-1, 1], a loss in nats, 0 or more.
        tolerance: a difference that passes whatever the spread, either way; absolute, above 0. For a published value,
            which has no spread, all that is allowed.
        tolerance_reason: where that number comes from.
    """

    values: list[float]
    tolerance: float
    tolerance_reason: str

    @property
    def mean(self) -> float:
        """The values' mean."""
        return statistics.fmean(self.values)


@dataclass(frozen=True)
class ClassMetric:
    """The F1 of each class.

    Attributes:
        values: by class, one for each seed, in [0, 1].
        tolerance: as a ``Metric``'s, for the distance between patterns over classes.
        tolerance_reason: where that number comes from.
    """

    values: dict[str, list[float]]
    tolerance: float
    tolerance_reason: str


@dataclass(frozen=True)
class Baseline:
    """The runs of one experiment on one data set that later runs are held against.

    Attributes:
        source: ``measured`` by this suite, or ``published`` in the report that it reproduces.
        fingerprints: what a run must agree with before it is compared.
        weights: what the models started from, in words.
        metrics: by name, of ``METRICS``; accuracy always.
        f1: of each class; None if published.
        seeds: one for each value; none if published.
        epochs: how many each run trained; none if published.
        seconds: what each run's training took; none if published.
        feature_seconds: what the frozen part's features took, which all runs of a session share; 0 without such a part,
            None if published.
        environment: of the measured runs; None if published.
        recorded: the day, as YYYY-MM-DD.
        reason: why it was set.
        nats_per_point: what a percentage point of accuracy is in loss, along the runs' curves; None if not known.
    """

    source: str
    fingerprints: Fingerprints
    weights: str
    metrics: dict[str, Metric]
    f1: ClassMetric | None
    seeds: list[int]
    epochs: list[int]
    seconds: list[float]
    feature_seconds: float | None
    environment: Environment | None
    recorded: str
    reason: str
    nats_per_point: float | None = added_later()


Baselines = dict[str, dict[str, dict[str, Baseline]]]
"""Baselines by experiment, data set and source."""


def read_baselines(path: Path) -> Baselines:
    """Read and check a baselines file.

    Raises:
        BaselineError: missing, no JSON, another schema, a NaN, a key missing or unknown, or a value that
            makes no sense.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise BaselineError(
            f"{path}: found no such file, expected the baselines; restore it from version control, or write "
            f"a new one with --update-baselines --seeds {SUGGESTED_RUNS} --reason '...'"
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise BaselineError(
            f"{path}: found nothing that can be read as text ({error}), expected a file in UTF-8; restore it "
            f"from version control"
        ) from None
    try:
        content = parse_json(text)
        # The schema comes first: another one may have other keys. (True == 1, hence the type.)
        schema = content.get("schema") if isinstance(content, dict) else None
        if type(schema) is not int or schema != SCHEMA:
            raise ValueError(f"schema: found {schema!r}, expected {SCHEMA}")
        if "throughput" in content:
            raise ValueError(
                f"found speeds under 'throughput', expected them under 'speeds' in {FILE} beside this file"
            )
        if unknown := sorted(content.keys() - {"schema", "baselines"}):
            raise ValueError(f"found the unknown key {unknown[0]!r}, expected 'schema' and 'baselines'")
        if "baselines" not in content:
            raise ValueError("found no key 'baselines', expected 'schema' and 'baselines'")
        kind = dict[str, dict[str, dict[str, Baseline]]]
        baselines: Baselines = read_as(kind, content["baselines"], "baselines")
        _check_all(baselines)
    except ValueError as error:
        raise BaselineError(f"{path}: {error}; restore it from version control or correct it by hand") from None
    return baselines


def write_baselines(path: Path, baselines: Baselines) -> None:
    """Write a baselines file whole or not at all.

    Raises:
        OSError: the folder cannot be written; the old file is as it was.
        ValueError: an entry that ``read_baselines`` refuses; the old file is as it was.
    """
    _check_all(baselines)
    content = {
        name: {
            dataset: {source: asdict(entry) for source, entry in sources.items()} for dataset, sources in rest.items()
        }
        for name, rest in baselines.items()
    }
    write_whole(path, to_json({"schema": SCHEMA, "baselines": content}))


@contextmanager
def updating(path: Path) -> Iterator[None]:
    """Hold off every other update of a baselines file meanwhile, and remove what a killed one has left.

    The lock is a file beside it, ``.baselines.json.lock``, which stays there and which git ignores.

    Raises:
        BaselineError: another update did not end within ``LOCK_SECONDS``, or another user's lock file cannot be opened.
        OSError: the folder cannot be written.
    """
    path = link_target(path)  # so that links to one file have one lock
    lock_file = path.with_name(f".{path.name}.lock")
    lock = shared_lock(lock_file)
    try:
        lock.acquire(timeout=LOCK_SECONDS)
    except PermissionError:
        if not lock_file.exists():
            raise
        raise BaselineError(f"{path}: {refused_lock(lock_file)}") from None
    except Timeout:
        raise BaselineError(
            f"{path}: found another update at work on it for {LOCK_SECONDS:g} seconds (it holds {lock_file}), "
            f"expected it to end; see what that process waits for"
        ) from None
    try:
        remove_leftovers(path)
        yield
    finally:
        lock.release()


def measured_baseline(runs: Iterable[Run], *, reason: str, day: datetime.date) -> Baseline:
    """Make a baseline of one experiment's runs on one data set.

    Its tolerances are ``SMALLEST_CHANGE``. Where early stopping ended runs at different epochs, their gaps may lie in
    clusters that no standard deviation describes: the gap's tolerance is then at least as wide as the clusters' means
    are apart.

    Raises:
        ValueError: fewer than ``LEAST_RUNS`` runs, runs that differ in fingerprints, a seed twice, no reason,
            a metric that is no finite number, or runs so far apart that they would let anything pass.
    """
    runs = sorted(runs, key=lambda run: run.seed)
    if len(runs) < LEAST_RUNS:
        raise ValueError(f"runs: found {len(runs)}, expected {LEAST_RUNS} or more, for their spread is what is allowed")
    if len({(run.experiment, run.dataset, run.fingerprints) for run in runs}) > 1:
        raise ValueError("runs: found several experiments, data sets or fingerprints, expected one of each")
    if len({run.seed for run in runs}) < len(runs):
        raise ValueError("runs: found a seed twice, expected each seed once")
    if not reason.strip():
        raise ValueError("reason: found none, expected why the baseline changes")
    epochs = [run.epochs for run in runs]
    nats = nats_per_point([run.curves.val_accuracy for run in runs], [run.curves.val_loss for run in runs])
    return Baseline(
        source="measured",
        fingerprints=runs[0].fingerprints,
        weights=runs[0].weights,
        metrics={
            name: _measured_metric(name, [getattr(run, name) for run in runs], epochs, nats)
            for name in METRICS
            # The validation loss, which an old record has instead, may hold penalties.
            if name != "loss" or all(run.evaluation.loss is not None for run in runs)
        },
        f1=_measured_f1(runs),
        seeds=[run.seed for run in runs],
        epochs=epochs,
        seconds=[round(run.timings.training, 1) for run in runs],
        feature_seconds=round(max(run.timings.features for run in runs), 1),
        environment=runs[0].environment,
        recorded=day.isoformat(),
        reason=reason.strip(),
        nats_per_point=None if nats is None else round(nats, 6),
    )


def preferred_baseline(baselines: Baselines, experiment: str, dataset: str) -> Baseline | None:
    """Return an experiment's baseline on a data set: the measured one, or else the published one, or else None."""
    sources = baselines.get(experiment, {}).get(dataset, {})
    return sources.get("measured") or sources.get("published")


def find_baseline(
    baselines: Baselines,
    *,
    experiment: str,
    dataset: str,
    fingerprints: Fingerprints,
    update_command: str,
) -> Baseline:
    """Return the baseline that a run may be compared with: the measured one, or else the published one.

    Args:
        baselines: as read.
        experiment: the experiment's name.
        dataset: the data set's name.
        fingerprints: of the run's data, weights and protocol.
        update_command: what to run to set a baseline, for the message.

    Raises:
        BaselineError: there is none, or its fingerprints differ; says which, and how to set a baseline.
    """
    remedy = f"to set a baseline: {update_command}"
    baseline = preferred_baseline(baselines, experiment, dataset)
    if baseline is None:
        raise BaselineError(f"{experiment} on {dataset}: found no baseline, expected one to compare with; {remedy}")
    for part, expected in asdict(baseline.fingerprints).items():
        found = getattr(fingerprints, part)
        if found != expected:
            raise BaselineError(
                f"{experiment} on {dataset}: the {part} fingerprint differs, so there is nothing to compare: "
                f"found {found}, expected {expected} as in the {baseline.source} baseline. If the {part} "
                f"changed by mistake, undo that; if it was meant, {remedy}"
            )
    return baseline


def prediction_half_width(values: Sequence[float]) -> float:
    """Return how far from the values' mean one further run lies at most, with probability ``CONFIDENCE``.

    The half width of Student's prediction interval, t s sqrt(1 + 1/n) with n - 1 degrees of freedom and ``ddof=1``
    (Hahn and Meeker 1991, section 4.7), for runs that vary normally; in the values' own unit.

    Raises:
        statistics.StatisticsError: fewer than two values.
    """
    n = len(values)
    quantile = float(stdtrit(n - 1, 1 - (1 - CONFIDENCE) / 2))
    return quantile * statistics.stdev(values) * math.sqrt(1 + 1 / n)


def _measured_metric(name: str, values: list[float], epochs: list[int], nats: float | None) -> Metric:
    if not all(math.isfinite(value) for value in values):
        raise ValueError(f"{name}: found {values}, expected finite numbers")
    if not prediction_half_width(values) < LARGEST_TOLERANCE:
        shown = ", ".join(f"{value:.4f}" for value in values)
        raise ValueError(
            f"{name}: found {shown}, expected runs close enough to each other to tell one more apart from any number"
        )
    tolerance, reason = SMALLEST_CHANGE.get(name, 0.0), "the smallest change worth acting on"
    if name == "loss":
        tolerance = SMALLEST_CHANGE["accuracy"] * 100 * (nats or LEAST_NATS_PER_POINT)
        reason = "what the smallest change of accuracy worth acting on is in loss, along the runs' curves"
    if name == "gap":
        means = [
            statistics.fmean(value for value, ended in zip(values, epochs, strict=True) if ended == epoch)
            for epoch in set(epochs)
        ]
        if (apart := max(means) - min(means)) > tolerance:
            tolerance, reason = apart, "how far apart early stopping has put these runs, by the epochs it ended them at"
    return Metric([round(value, 6) for value in values], round(tolerance, 4), reason)


def _measured_f1(runs: Sequence[Run]) -> ClassMetric:
    return ClassMetric(
        values={
            name: [round(run.evaluation.classes[name].f1, 6) for run in runs] for name in runs[0].evaluation.classes
        },
        tolerance=SMALLEST_CHANGE["f1"],
        tolerance_reason="the smallest change worth acting on",
    )


def _by_fingerprint(baseline: Baseline) -> Baseline:
    """Return a baseline whose data and weights are named by fingerprint, not by the checksum of a published file."""
    former = baseline.fingerprints
    weights = FORMER_NAMES.get(former.weights, former.weights) if former.weights else None
    fingerprints = replace(former, data=FORMER_NAMES.get(former.data, former.data), weights=weights)
    return replace(baseline, fingerprints=fingerprints)


def _check_all(baselines: Baselines) -> None:
    for experiment, datasets in baselines.items():
        for dataset, sources in datasets.items():
            for source, baseline in sources.items():
                _check(baseline, source, f"baselines.{experiment}.{dataset}.{source}")
                sources[source] = _by_fingerprint(baseline)


def _check(baseline: Baseline, source: str, where: str) -> None:
    """Refuse what has the right types and still is no baseline."""

    def expect(condition: bool, part: str, found: Any, rule: str) -> None:
        if not condition:
            raise ValueError(f"{where}.{part}: found {found!r}, expected {rule}")

    expect(source in SOURCES, "source", source, f"one of {SOURCES}")
    expect(baseline.source == source, "source", baseline.source, f"{source!r}, as the key says")
    expect(bool(baseline.reason.strip()), "reason", baseline.reason, "why it was set")
    expect("accuracy" in baseline.metrics, "metrics", sorted(baseline.metrics), "an accuracy")
    measured = source == "measured"
    runs = len(baseline.seeds)
    count = f"{LEAST_RUNS} or more if measured, else none"
    expect(runs >= LEAST_RUNS if measured else runs == 0, "seeds", runs, count)
    expect(len(set(baseline.seeds)) == runs, "seeds", baseline.seeds, "each seed once")
    expect(len(baseline.epochs) == runs, "epochs", len(baseline.epochs), f"{runs}, one a seed")
    expect(len(baseline.seconds) == runs, "seconds", len(baseline.seconds), f"{runs}, one a seed")
    one = "one if measured, else none"
    expect((baseline.environment is not None) == measured, "environment", baseline.environment, one)
    expect((baseline.feature_seconds is not None) == measured, "feature_seconds", baseline.feature_seconds, one)
    expect(bool(baseline.f1 and baseline.f1.values) == measured, "f1", baseline.f1, one)
    names = sorted(baseline.metrics)
    expect(not measured or {*names, "loss"} == {*METRICS}, "metrics", names, f"{METRICS}, all if measured")
    nats = baseline.nats_per_point
    expect(nats is None or nats > 0, "nats_per_point", nats, "above 0")
    needed = runs if measured else 1

    def expect_values(place: str, values: list[float], tolerance: float, low: float, high: float = 1.0) -> None:
        expect(len(values) == needed, f"{place}.values", len(values), f"{needed}, one a seed or one if published")
        expect(all(low <= value <= high for value in values), f"{place}.values", values, f"{low} to {high:g}")
        rule = f"above 0 and below {LARGEST_TOLERANCE}"
        expect(0 < tolerance < LARGEST_TOLERANCE, f"{place}.tolerance", tolerance, rule)

    for name, metric in baseline.metrics.items():
        expect(name in METRICS, "metrics", name, f"one of {METRICS}")
        low, high = RANGES[name]
        expect_values(f"metrics.{name}", metric.values, metric.tolerance, low, high)
    if baseline.f1 is not None:
        for name, values in baseline.f1.values.items():
            expect_values(f"f1.{name}", values, baseline.f1.tolerance, 0.0)
