"""The options of pytest that say what a night does: declared, checked, and read into its settings."""

from __future__ import annotations

import datetime
import shlex
from pathlib import Path

import pytest

from benchmarks.baselines.baseline import LEAST_RUNS, SOURCES
from benchmarks.night.settings import Settings
from benchmarks.records.night_folder import newest_first
from benchmarks.statistics import FALSE_ALARM_RATE
from benchmarks.statistics.seeds import BLOCK, first_seed_of
from cifar_models import experiments
from cifar_models.storage.files import user_path

PATHS = ("data_dir", "weights_dir", "run_dir", "report_dir", "baselines")
"""Options whose value is a path."""


def add_options(parser: pytest.Parser) -> None:
    """Declare the benchmark's options, in one group."""
    group = parser.getgroup("cifar", "CIFAR-10 benchmark (with -m benchmark)")
    group.addoption("--gpu", action="store_true", help="train on the GPU; without it GPUs are hidden")
    group.addoption(
        "--mixed-precision",
        action="store_true",
        help="train each experiment in Keras's mixed_float16, against a baseline of its own",
    )
    group.addoption(
        "--xla", action="store_true", help="train each experiment compiled by XLA, against a baseline of its own"
    )
    group.addoption(
        "--dataset",
        choices=("cifar10", "synthetic"),
        default="cifar10",
        help="what to train on: the CIFAR-10 files, or the package's own images (default: %(default)s)",
    )
    group.addoption(
        "--data-dir",
        type=user_path,
        metavar="DIR",
        help="folder with CIFAR-10: the Python or the binary version, packed or unpacked, or one .npz file "
        "(default: Keras's cache, then its download)",
    )
    group.addoption(
        "--weights-dir",
        type=user_path,
        metavar="DIR",
        help="folder with Keras's ImageNet weight files (default: Keras's cache, then its download)",
    )
    group.addoption(
        "--no-feature-cache",
        action="store_true",
        help="run the whole model in every step, instead of the frozen part once a session: the same numbers within "
        "float tolerance, for comparison",
    )
    group.addoption(
        "--seeds",
        type=int,
        metavar="N",
        help="train each experiment with N seeds (default: 2 to 6 on synthetic data, by what a seed costs; "
        "3 on others)",
    )
    group.addoption(
        "--first-seed",
        type=int,
        metavar="S",
        help="train seeds from S on, to repeat a night of another day (default: those of today's block, which no "
        "baseline has; 0 with --update-baselines)",
    )
    group.addoption(
        "--against",
        choices=SOURCES,
        default=SOURCES[0],
        help="judge by the measured baselines, or by the published numbers on the official CIFAR-10 images (default: "
        "%(default)s)",
    )
    group.addoption(
        "--exact",
        action="store_true",
        help="fail where a run differs in any digit from the recorded run of the same seed and conditions",
    )
    group.addoption(
        "--max-seeds",
        type=int,
        metavar="M",
        help="train up to M seeds of an experiment whose verdict is undecided (default: as many as --seeds, which it "
        "needs)",
    )
    group.addoption(
        "--false-alarm-rate",
        type=float,
        default=FALSE_ALARM_RATE,
        metavar="RATE",
        help="chance that a night without any change fails, over all its checks (default: %(default)s)",
    )
    group.addoption(
        "--update-baselines",
        action="store_true",
        help="write what was measured into the baselines file, judge nothing, exit with 125; needs --reason",
    )
    group.addoption("--reason", metavar="TEXT", help="why the baselines change, kept with them")
    group.addoption(
        "--reuse-runs",
        action="store_true",
        help="with --update-baselines: train the first seed; if it repeats the recorded run to the last digit, take "
        "the recorded runs of the other seeds and train only those that are missing",
    )
    group.addoption(
        "--run-dir",
        type=user_path,
        metavar="DIR",
        help="where each night keeps a folder with the record of each finished training (default: the ini value "
        "'run_dir', runs/ beside the ini file)",
    )
    group.addoption(
        "--report-dir",
        type=user_path,
        metavar="DIR",
        help="where to write the night's page, report.html, and PNG files (default: the night's folder in --run-dir)",
    )
    group.addoption(
        "--resume",
        action="store_true",
        help="go on with the newest interrupted night of --run-dir: take those of its runs that nothing tells apart "
        "from tonight's, train the others",
    )
    group.addoption(
        "--baselines",
        type=user_path,
        metavar="FILE",
        help="the baselines file (default: the ini value 'baselines', baselines.json beside the ini file)",
    )
    parser.addini("baselines", "the baselines file, relative to the ini file", type="string", default="baselines.json")
    parser.addini("run_dir", "the folder of nights, relative to the ini file", type="string", default="runs")


def read_settings(config: pytest.Config) -> Settings:
    """Return what the options say.

    Raises:
        pytest.UsageError: a value that no night can run with; says which, what was found, what was expected.
    """
    _check_numbers(config)
    _check_paths(config)
    option = config.getoption
    return Settings(
        baselines_path=baselines_file(config),
        run_dir=option("run_dir") or project_folder(config) / user_path(config.getini("run_dir")),
        report_dir=option("report_dir"),
        dataset=option("dataset"),
        data_dir=option("data_dir"),
        weights_dir=option("weights_dir"),
        gpu=option("gpu"),
        feature_cache=not option("no_feature_cache"),
        seeds=option("seeds"),
        max_seeds=option("max_seeds"),
        first_seed=_first_seed(config),
        repeats=option("first_seed") is None and not option("update_baselines"),
        against=option("against"),
        exact=option("exact"),
        false_alarm_rate=option("false_alarm_rate"),
        reason=option("reason"),
        reuse_runs=option("reuse_runs"),
        resume=option("resume"),
        options=_options_to_repeat(config),
    )


def baselines_file(config: pytest.Config) -> Path:
    """Return the file that this session judges by: the option's, otherwise the ini value's."""
    path: Path | None = config.getoption("baselines")
    return path or project_folder(config) / user_path(config.getini("baselines"))


def experiment_names(config: pytest.Config) -> list[str]:
    """Return the experiments of the table, in its order, by the names of the variants that the options ask for."""
    options = {"mixed_precision": "mixed_float16", "xla": "xla"}
    variants = [variant for option, variant in options.items() if config.getoption(option)]
    return [experiments.variant_name(name, variants) for name in experiments.EXPERIMENTS]


def check_benchmark_plugin(config: pytest.Config) -> None:
    """Refuse pytest-benchmark's options that leave out a part of a night.

    Raises:
        pytest.UsageError: one of them is there.
    """
    for option, left_out in (("benchmark_only", "verdicts"), ("benchmark_skip", "trainings")):
        if config.getoption(option):
            name = f"--{option.replace('_', '-')}"
            raise pytest.UsageError(
                f"{name}: found with a night selected, whose {left_out} it skips; leave it out and select what to "
                f"run with -m and -k"
            )


def project_folder(config: pytest.Config) -> Path:
    """Return the folder of the ini file, which ``--rootdir`` does not change."""
    return config.inipath.parent if config.inipath else config.rootpath


def _check_numbers(config: pytest.Config) -> None:
    seeds, reason = config.getoption("seeds"), config.getoption("reason")
    updating = config.getoption("update_baselines")
    if seeds is not None and not 1 <= seeds <= BLOCK:
        raise pytest.UsageError(f"--seeds: found {seeds}, expected {'1 or more' if seeds < 1 else f'at most {BLOCK}'}")
    first = config.getoption("first_seed")
    if first is not None and not 0 <= first < 2**32 - BLOCK:
        raise pytest.UsageError(f"--first-seed: found {first}, expected 0 to {2**32 - BLOCK - 1}")
    if config.getoption("exact") and updating:
        raise pytest.UsageError("--exact: found with --update-baselines, which judges nothing; leave it out")
    if config.getoption("against") == "published" and updating:
        raise pytest.UsageError("--against: found with --update-baselines, which judges nothing; leave it out")
    if updating and not (reason or "").strip():
        raise pytest.UsageError("--update-baselines: found no --reason, expected why the baselines change")
    if updating and (seeds or 0) < LEAST_RUNS:
        found = "no --seeds" if seeds is None else f"--seeds {seeds}"
        raise pytest.UsageError(
            f"--update-baselines: found {found}, expected {LEAST_RUNS} or more: their spread is the tolerance"
        )
    max_seeds, rate = config.getoption("max_seeds"), config.getoption("false_alarm_rate")
    if max_seeds is not None and seeds is None:
        raise pytest.UsageError(f"--max-seeds: found {max_seeds} without --seeds, expected both")
    if max_seeds is not None and max_seeds < seeds:
        raise pytest.UsageError(f"--max-seeds: found {max_seeds}, expected {seeds} or more, as --seeds says")
    if max_seeds is not None and updating:
        raise pytest.UsageError("--max-seeds: found with --update-baselines, which judges nothing; use --seeds alone")
    if not 0 < rate < 0.5:
        raise pytest.UsageError(f"--false-alarm-rate: found {rate}, expected a number above 0 and below 0.5")
    if config.getoption("reuse_runs") and not updating:
        raise pytest.UsageError("--reuse-runs: found without --update-baselines, which it is for")
    if reason is not None and not updating:
        raise pytest.UsageError("--reason: found without --update-baselines, which it is for")


def _first_seed(config: pytest.Config) -> int:
    """Return the option's; else 0 to measure baselines, the interrupted night's to go on with, or today's block's."""
    if (first := config.getoption("first_seed")) is not None:
        return int(first)
    if config.getoption("update_baselines"):
        return 0
    day = datetime.datetime.now(tz=datetime.UTC).date()
    if config.getoption("resume"):
        run_dir = config.getoption("run_dir") or project_folder(config) / config.getini("run_dir")
        dataset = config.getoption("dataset")
        interrupted = [night for _, night in newest_first(run_dir) if not night.ended and night.dataset == dataset]
        day = datetime.datetime.fromisoformat(interrupted[0].started).date() if interrupted else day
    return first_seed_of(day)


def _check_paths(config: pytest.Config) -> None:
    for option in PATHS:
        path = config.getoption(option)
        name = f"--{option.replace('_', '-')}"
        if path is None:
            continue
        if config.inipath is None:
            raise pytest.UsageError(
                f"{name}: pytest found no configuration, because it took {path} for a test's path and looked there; "
                f"write {name}={path}, with an equals sign"
            )
        if option in ("data_dir", "weights_dir") and not path.is_dir():
            raise pytest.UsageError(f"{name}: found no folder {path}, expected one")
        if option in ("run_dir", "report_dir") and path.exists() and not path.is_dir():
            raise pytest.UsageError(f"{name}: found a file {path}, expected a folder")


def _options_to_repeat(config: pytest.Config) -> str:
    """Return the options of this session that decide what is trained on what, as one would type them."""
    words = [f"--dataset {config.getoption('dataset')}"]
    words += [f"--{name}" for name in ("gpu", "mixed-precision", "xla") if config.getoption(f"--{name}")]
    for option in ("data_dir", "weights_dir", "baselines"):
        if path := config.getoption(option):
            words.append(shlex.quote(f"--{option.replace('_', '-')}={path}"))
    return " ".join(words)
