"""Declares the benchmark's pytest options, checks their values, and reads them into ``Settings``."""

from __future__ import annotations

import datetime
import re
import shlex
from pathlib import Path

import pytest

from benchmarks.baselines.baseline import LEAST_RUNS, SOURCES
from benchmarks.inputs.settings import SHARDS, Settings
from benchmarks.records.night_folder import is_running, newest_first
from benchmarks.records.selection import REPEATED_SEED
from benchmarks.statistics import FALSE_ALARM_RATE
from benchmarks.statistics.seeds import BLOCK, first_seed_of
from cifar_models.command_line.arguments import add_data_options
from cifar_models.storage.files import user_path

PATHS = ("data_dir", "weights_dir", "run_dir", "report_dir", "baselines")
"""Options with a path as value."""


def add_options(parser: pytest.Parser) -> None:
    """Declare the benchmark's options, in one group."""
    group = parser.getgroup("cifar", "CIFAR-10 benchmark (with -m benchmark)")
    add_data_options(group.addoption)
    group.addoption(
        "--all-experiments",
        action="store_true",
        help="train all experiments of the table, also those that a night leaves out by default",
    )
    group.addoption(
        "--mixed-precision",
        action="store_true",
        help="train in Keras's mixed_float16, with baselines of its own",
    )
    group.addoption("--xla", action="store_true", help="compile the training steps with XLA, with baselines of its own")
    group.addoption(
        "--held-out",
        action="store_true",
        help="stop early by held-out training images, with baselines of its own",
    )
    group.addoption(
        "--no-feature-cache",
        action="store_true",
        help="run the frozen part of a model in every step, instead of once a session; the numbers are equal within "
        "float tolerance",
    )
    group.addoption(
        "--seeds",
        type=int,
        metavar="N",
        help="train each experiment with N seeds (default: 2 to 12, fewer for experiments that train longer; then up "
        "to three times as many while a verdict is undecided)",
    )
    group.addoption(
        "--first-seed",
        metavar="S",
        help="train the seeds from S on; S can also be a day in UTC, as YYYY-MM-DD, to repeat its night (default: "
        "today, with seeds that no baseline has; 0 with --update-baselines)",
    )
    group.addoption(
        "--shard",
        metavar="K/N",
        help="train part K of N of the selected trainings and judge nothing; python -m benchmarks judge judges all "
        "parts",
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
        help="fail if a run differs in any digit from the recorded run with the same seed and conditions",
    )
    group.addoption(
        "--max-seeds",
        type=int,
        metavar="M",
        help="train up to M seeds of an experiment with an undecided verdict; needs --seeds (default: as many as "
        "--seeds)",
    )
    group.addoption(
        "--false-alarm-rate",
        type=float,
        default=FALSE_ALARM_RATE,
        metavar="RATE",
        help="probability that a night without any change does not pass, over all checks (default: %(default)s)",
    )
    group.addoption(
        "--update-baselines",
        action="store_true",
        help="write the measured baselines into the baselines file, judge nothing, exit with 125; needs --reason",
    )
    group.addoption("--reason", metavar="TEXT", help="why the baselines change; stored with them")
    group.addoption(
        "--reuse-runs",
        action="store_true",
        help="train the first seed; if it repeats the recorded run to the last digit, use the recorded runs and train "
        "only missing seeds; needs --update-baselines",
    )
    group.addoption(
        "--run-dir",
        type=user_path,
        metavar="DIR",
        help="folder in which each night gets a folder with a record of each finished training (default: the ini "
        "value 'run_dir', runs/ beside the ini file)",
    )
    group.addoption(
        "--report-dir",
        type=user_path,
        metavar="DIR",
        help="folder for the night's page, report.html, and PNG files (default: the night's folder in --run-dir)",
    )
    group.addoption(
        "--resume",
        action="store_true",
        help="continue the newest interrupted night of --run-dir: keep its runs with the same data, code and "
        "environment, train the others",
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
    """Return the settings that the options select.

    Raises:
        pytest.UsageError: an option has an invalid value, or two options exclude each other.
    """
    _check_numbers(config)
    _check_paths(config)
    option, shard = config.getoption, _shard(config)
    first_seed, whole_night = _first_seed(config)
    return Settings(
        baselines_path=baselines_file(config),
        run_dir=_run_dir(config),
        report_dir=option("report_dir"),
        dataset=option("dataset"),
        data_dir=option("data_dir"),
        weights_dir=option("weights_dir"),
        gpu=option("gpu"),
        feature_cache=not option("no_feature_cache"),
        seeds=option("seeds"),
        max_seeds=option("max_seeds"),
        first_seed=first_seed,
        repeats=whole_night and not option("update_baselines"),
        against=option("against"),
        exact=option("exact"),
        false_alarm_rate=option("false_alarm_rate"),
        reason=option("reason"),
        reuse_runs=option("reuse_runs"),
        resume=option("resume"),
        shard=shard,
        options=_options_to_repeat(config),
    )


def baselines_file(config: pytest.Config) -> Path:
    """Return the baselines file of the option, otherwise of the ini value."""
    path: Path | None = config.getoption("baselines")
    return path or project_folder(config) / user_path(config.getini("baselines"))


def check_benchmark_plugin(config: pytest.Config) -> None:
    """Check that no option of pytest-benchmark skips a part of the night.

    Raises:
        pytest.UsageError: an option skips a part.
    """
    for option, left_out in (("benchmark_only", "verdicts"), ("benchmark_skip", "trainings")):
        if config.getoption(option):
            name = f"--{option.replace('_', '-')}"
            raise pytest.UsageError(
                f"{name}: found with benchmark items, expected none, because it skips {left_out}; leave it out, and "
                f"select tests with -m and -k"
            )


def project_folder(config: pytest.Config) -> Path:
    """Return the folder of the ini file, which does not depend on ``--rootdir``."""
    return config.inipath.parent if config.inipath else config.rootpath


def _check_numbers(config: pytest.Config) -> None:
    seeds, reason = config.getoption("seeds"), config.getoption("reason")
    updating = config.getoption("update_baselines")
    if seeds is not None and not 1 <= seeds <= BLOCK:
        raise pytest.UsageError(f"--seeds: found {seeds}, expected {'1 or more' if seeds < 1 else f'at most {BLOCK}'}")
    if config.getoption("exact") and updating:
        raise pytest.UsageError("--exact: found with --update-baselines, which judges nothing; leave it out")
    if config.getoption("against") == "published" and updating:
        raise pytest.UsageError("--against: found with --update-baselines, which judges nothing; leave it out")
    if updating and not (reason or "").strip():
        raise pytest.UsageError("--update-baselines: found no --reason, expected why the baselines change")
    if updating and (seeds or 0) < LEAST_RUNS:
        found = "no --seeds" if seeds is None else f"--seeds {seeds}"
        raise pytest.UsageError(
            f"--update-baselines: found {found}, expected {LEAST_RUNS} or more; the tolerance is computed from them"
        )
    max_seeds, rate = config.getoption("max_seeds"), config.getoption("false_alarm_rate")
    if max_seeds is not None and seeds is None:
        raise pytest.UsageError(f"--max-seeds: found {max_seeds} without --seeds, expected both")
    if max_seeds is not None and max_seeds > BLOCK:
        raise pytest.UsageError(
            f"--max-seeds: found {max_seeds}, expected at most {BLOCK}: others belong to the next day's night"
        )
    if max_seeds is not None and max_seeds < seeds:
        raise pytest.UsageError(f"--max-seeds: found {max_seeds}, expected {seeds} or more, as --seeds says")
    if max_seeds is not None and updating:
        raise pytest.UsageError("--max-seeds: found with --update-baselines, which judges nothing; use --seeds alone")
    if not 0 < rate < 0.5:
        raise pytest.UsageError(f"--false-alarm-rate: found {rate}, expected a number above 0 and below 0.5")
    if config.getoption("reuse_runs") and not updating:
        raise pytest.UsageError("--reuse-runs: found without --update-baselines, expected both")
    if reason is not None and not updating:
        raise pytest.UsageError("--reason: found without --update-baselines, expected both")


def _shard(config: pytest.Config) -> tuple[int, int] | None:
    """Return the number of the shard and the number of shards; None for a whole night."""
    text = config.getoption("shard")
    if text is None:
        return None
    found = re.fullmatch(r"(\d+)/(\d+)", text)
    number, count = map(int, found.groups()) if found else (0, 0)
    if not 1 <= number <= count:
        raise pytest.UsageError(f"--shard: found {text!r}, expected a part K/N with K from 1 to N, such as 3/8")
    for option, why in (
        ("report_dir", "which writes no page; give it to python -m benchmarks judge"),
        ("reuse_runs", "expected one of the two, because another shard may train the first seed; leave one out"),
    ):
        if config.getoption(option):
            raise pytest.UsageError(f"--{option.replace('_', '-')}: found with --shard, {why}")
    return number, count


def _run_dir(config: pytest.Config) -> Path:
    folder: Path = config.getoption("run_dir") or project_folder(config) / user_path(config.getini("run_dir"))
    return folder / SHARDS if config.getoption("shard") else folder


def _first_seed(config: pytest.Config) -> tuple[int, bool]:
    """Return the first seed, and whether a day's night starts with it.

    Without ``--first-seed`` it is 0 for new baselines, with ``--resume`` that of the interrupted night, and otherwise
    that of today.
    """
    text = config.getoption("first_seed")
    if text is not None:
        first, of_a_day = _parse_first_seed(text)
        if first != REPEATED_SEED and config.getoption("update_baselines"):
            raise pytest.UsageError(
                f"--first-seed: found {text!r} with --update-baselines, expected none: a baseline has the seeds from "
                f"{REPEATED_SEED} on, and nights repeat the first one"
            )
        return first, of_a_day
    if config.getoption("update_baselines"):
        return 0, False
    if config.getoption("resume"):
        part, dataset = _shard(config), config.getoption("dataset")
        for path, night in newest_first(_run_dir(config)):
            same = night.ended is None and night.dataset.removesuffix("-unofficial") == dataset
            if same and part == (night.part and night.part[:2]) and not is_running(path):
                return night.first_seed
    return first_seed_of(datetime.datetime.now(tz=datetime.UTC).date()), True


def _parse_first_seed(text: str) -> tuple[int, bool]:
    if text.isdecimal() and int(text) < 2**32 - BLOCK:
        return int(text), False
    try:
        if re.fullmatch(r"\d{4}-\d\d-\d\d", text):
            return first_seed_of(datetime.date.fromisoformat(text)), True
    except ValueError as error:
        raise pytest.UsageError(f"--first-seed: {error}") from None
    raise pytest.UsageError(f"--first-seed: found {text}, expected 0 to {2**32 - BLOCK - 1}, or a day as YYYY-MM-DD")


def _check_paths(config: pytest.Config) -> None:
    for option in PATHS:
        path = config.getoption(option)
        name = f"--{option.replace('_', '-')}"
        if path is None:
            continue
        if config.inipath is None:
            raise pytest.UsageError(
                f"{name}: found no ini file, because pytest took {path} for the path of a test; write {name}={path}, "
                f"with an equals sign"
            )
        if option in ("data_dir", "weights_dir") and not path.is_dir():
            raise pytest.UsageError(f"{name}: found no folder {path}, expected one")
        if option in ("run_dir", "report_dir") and path.exists() and not path.is_dir():
            raise pytest.UsageError(f"{name}: found a file {path}, expected a folder")


def _options_to_repeat(config: pytest.Config) -> str:
    """Return the options that a command to repeat a training needs, quoted for a shell."""
    words = [f"--dataset {config.getoption('dataset')}"]
    words += [f"--{name}" for name in ("gpu", "held-out", "mixed-precision", "xla") if config.getoption(f"--{name}")]
    for option in ("data_dir", "weights_dir", "baselines"):
        if path := config.getoption(option):
            words.append(shlex.quote(f"--{option.replace('_', '-')}={path}"))
    return " ".join(words)
