"""The pytest plugin, the only file that knows pytest's hooks: options, fixtures, header, terminal summary.

Declaring options does no work. TensorFlow is imported when benchmark items were collected, never before.
"""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable, Generator, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from benchmarks.night.reports import REPORTED, properties_of, write_reports
from benchmarks.night.workers import Controller, Worker, is_controller, is_worker
from cifar_models.storage.files import user_path
from cifar_models.training.keras_settings import KerasSettingsError, choose_backend

if TYPE_CHECKING:
    from _pytest.terminal import TerminalReporter

    from benchmarks.baselines.baselines import Baselines
    from benchmarks.night.night import Night
    from cifar_models.experiments import Experiment
    from cifar_models.training.live_line import LiveLine
    from cifar_models.training.progress import Progress

NIGHT: pytest.StashKey[Night] = pytest.StashKey()
FAILED_OTHERWISE: pytest.StashKey[bool] = pytest.StashKey()
UPDATE: pytest.StashKey[tuple[Baselines, dict[str, str]] | str] = pytest.StashKey()
LIVE: pytest.StashKey[LiveLine] = pytest.StashKey()
WORKER = "benchmark worker"
EXPERIMENT, SEED = "experiment_name", "seed"
"""Arguments that make a test a training of each experiment and seed, or without the seed a verdict of each."""


def pytest_addoption(parser: pytest.Parser) -> None:
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
        help="what to train on: the CIFAR-10 files, or the package's own images (default: cifar10)",
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
        help="run the whole of each model in every step, frozen part included, rather than that part once a session: "
        "the same numbers within float tolerance, for comparison",
    )
    group.addoption(
        "--seeds",
        type=int,
        default=3,
        metavar="N",
        help="train each experiment with seeds 0 to N-1 (default: 3)",
    )
    group.addoption(
        "--max-seeds",
        type=int,
        metavar="M",
        help="train up to M seeds of an experiment whose verdict is undecided (default: as many as --seeds)",
    )
    group.addoption(
        "--false-alarm-rate",
        type=float,
        default=0.01,
        metavar="RATE",
        help="chance that a night without any change fails, over all its checks (default: 0.01)",
    )
    group.addoption(
        "--update-baselines",
        action="store_true",
        help="write what was measured into the baselines file, judge nothing, exit with 125; needs --reason",
    )
    group.addoption("--reason", metavar="TEXT", help="why the baselines change, kept with them")
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


def pytest_configure(config: pytest.Config) -> None:
    """Refuse option values that no night can run with.

    Raises:
        pytest.UsageError: which option, what was found, what was expected.
    """
    try:
        choose_backend()  # before test modules are collected, many of which import Keras
    except KerasSettingsError as error:
        raise pytest.UsageError(str(error)) from None
    if is_worker(config):
        config.pluginmanager.register(Worker(config), WORKER)
    elif is_controller(config):
        config.pluginmanager.register(Controller(config))
    seeds, reason = config.getoption("seeds"), config.getoption("reason")
    updating = config.getoption("update_baselines")
    if seeds < 1:
        raise pytest.UsageError(f"--seeds: found {seeds}, expected 1 or more")
    if updating and not (reason or "").strip():
        raise pytest.UsageError("--update-baselines: found no --reason, expected why the baselines change")
    if updating and seeds < 3:
        raise pytest.UsageError(
            f"--update-baselines: found --seeds {seeds}, expected 3 or more: their spread is the tolerance"
        )
    max_seeds, rate = config.getoption("max_seeds"), config.getoption("false_alarm_rate")
    if max_seeds is not None and max_seeds < seeds:
        raise pytest.UsageError(f"--max-seeds: found {max_seeds}, expected {seeds} or more, as --seeds says")
    if max_seeds is not None and updating:
        raise pytest.UsageError("--max-seeds: found with --update-baselines, which judges nothing; use --seeds alone")
    if not 0 < rate < 0.5:
        raise pytest.UsageError(f"--false-alarm-rate: found {rate}, expected a number above 0 and below 0.5")
    if reason is not None and not updating:
        raise pytest.UsageError("--reason: found without --update-baselines, which it is for")
    for option in ("data_dir", "weights_dir", "run_dir", "report_dir", "baselines"):
        path = config.getoption(option)
        name = f"--{option.replace('_', '-')}"
        if path is None:
            continue
        if config.inipath is None:
            raise pytest.UsageError(
                f"{name}: pytest found no configuration, for it took {path} for the path of a test and looked there; "
                f"write {name}={path}, with an equals sign"
            )
        if option in ("data_dir", "weights_dir") and not path.is_dir():
            raise pytest.UsageError(f"{name}: found no folder {path}, expected one")
        if option in ("run_dir", "report_dir") and path.exists() and not path.is_dir():
            raise pytest.UsageError(f"{name}: found a file {path}, expected a folder")


def pytest_sessionstart(session: pytest.Session) -> None:
    """Refuse ``--gpu`` where there is none, before anything is collected or loaded.

    Raises:
        pytest.UsageError: TensorFlow sees no GPU, or has used it already.
    """
    if session.config.getoption("gpu"):
        fix_keras()  # TensorFlow imports Keras
        from cifar_models.training.devices import use_gpus

        try:
            use_gpus()
        except RuntimeError as error:
            raise pytest.UsageError(f"--gpu: {error}; or leave --gpu out to train on the CPU") from None


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Make one training of each experiment and seed, and one verdict of each experiment, in the table's order."""
    if EXPERIMENT not in metafunc.fixturenames:
        return
    names = experiment_names(metafunc.config)
    if SEED in metafunc.fixturenames:
        seeds = range(metafunc.config.getoption("seeds"))
        pairs = [pytest.param(name, seed, id=f"{name}-seed{seed}") for name in names for seed in seeds]
        metafunc.parametrize((EXPERIMENT, SEED), pairs)
    else:
        metafunc.parametrize(EXPERIMENT, names)


def baselines_file(config: pytest.Config) -> Path:
    """Return the file that this session judges by: the option's, or else the ini value's."""
    path: Path = config.getoption("baselines") or config.rootpath / user_path(config.getini("baselines"))
    return path


def experiment_names(config: pytest.Config) -> list[str]:
    """Return the experiments of the table, in its order, by the names of the variants that the options ask for."""
    from cifar_models.experiments import EXPERIMENTS, variant_name

    options = {"mixed_precision": "mixed_float16", "xla": "xla"}
    variants = [variant for option, variant in options.items() if config.getoption(option)]
    return [variant_name(name, variants) for name in EXPERIMENTS]


def pytest_itemcollected(item: pytest.Item) -> None:
    """Make every property test a unit test too."""
    if item.get_closest_marker("property"):
        item.add_marker("unit")


@pytest.hookimpl(trylast=True)  # after what selects items or puts them into another order
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Judge last, when all has been trained, and not at all in a session that records baselines."""
    verdicts = [item for item in items if _experiment_of(item) and _seed_of(item) is None]
    if not verdicts:
        return
    items[:] = [item for item in items if item not in verdicts]
    if config.getoption("update_baselines"):
        config.hook.pytest_deselected(items=verdicts)
    elif worker := config.pluginmanager.getplugin(WORKER):
        worker.leave_verdicts({_experiment_of(item): item.nodeid for item in verdicts})
    else:
        items += verdicts


@pytest.hookimpl(tryfirst=True)  # before pytest's own, which prints what this one loads
def pytest_collection_finish(session: pytest.Session) -> None:
    """Load what the selected benchmark items train on, once and before the first of them.

    Raises:
        pytest.UsageError: data or baselines that cannot be used, or GPUs that can no longer be hidden.
    """
    names = {name for item in session.items if (name := _experiment_of(item))}
    if names or "keras" in sys.modules:  # which tests have imported
        fix_keras()
    if not names or session.config.getoption("collectonly"):
        return
    to_judge = [name for item in session.items if (name := _experiment_of(item)) and _seed_of(item) is None]
    session.config.stash[NIGHT] = start_night(session.config, names=names, to_judge=to_judge)


def fix_keras() -> None:
    """Fix Keras's settings for all that this session builds and trains.

    Raises:
        pytest.UsageError: Keras is set up in a way that no training can run with.
    """
    from cifar_models.training.keras_settings import fix_keras_settings

    try:
        fix_keras_settings()
    except KerasSettingsError as error:
        raise pytest.UsageError(str(error)) from None


def start_night(config: pytest.Config, *, names: Iterable[str], to_judge: Iterable[str]) -> Night:
    """Load what a night trains on, and open its folder.

    Args:
        config: pytest's.
        names: the experiments whose weights to load.
        to_judge: the experiments whose verdicts were selected.

    Raises:
        pytest.UsageError: data or baselines that cannot be used, or GPUs that can no longer be hidden.
    """
    from benchmarks.baselines.baselines import BaselineError
    from benchmarks.night.night import Night, load_weights, read_or_start_baselines
    from cifar_models.datasets import DatasetError, load_dataset
    from cifar_models.experiments import find_experiment
    from cifar_models.results.run import Run
    from cifar_models.training.devices import hide_gpus

    option = config.getoption
    if not option("gpu"):
        try:
            hide_gpus()
        except RuntimeError as error:
            raise pytest.UsageError(f"the GPUs cannot be hidden ({error}); use them with --gpu") from None
    path = baselines_file(config)
    try:
        baselines = read_or_start_baselines(path, to_update=option("update_baselines"))
        dataset = load_dataset(option("dataset"), option("data_dir"))
    except (BaselineError, DatasetError) as error:
        raise pytest.UsageError(str(error)) from None
    for name in sorted(baselines):
        try:
            find_experiment(name)
        except ValueError as error:
            raise pytest.UsageError(
                f"{path}: baselines of an unknown {error}; remove that entry or bring its experiment back"
            ) from None
    selected = [find_experiment(name) for name in names]
    night = Night(
        dataset,
        load_weights(selected, dataset, option("weights_dir")),
        baselines,
        path,
        options=_options_to_repeat(config),
        seeds=option("seeds"),
        max_seeds=option("max_seeds") or option("seeds"),
        false_alarm_rate=option("false_alarm_rate"),
        to_judge=frozenset(to_judge),
        feature_cache=not option("no_feature_cache"),
    )
    if worker := config.pluginmanager.getplugin(WORKER):  # whose runs the controller keeps
        runs = map(Run.from_json, worker.resumed.values())
        night.resumed = {(run.experiment, run.seed): run for run in runs}
        return night
    run_dir = option("run_dir") or config.rootpath / user_path(config.getini("run_dir"))
    try:
        night.open_folder(run_dir, resume=option("resume"))
    except OSError as error:
        raise pytest.UsageError(f"--run-dir: {error}; expected a folder that tonight's runs can be kept in") from None
    return night


def pytest_report_collectionfinish(config: pytest.Config) -> list[str]:
    """Name data, weights, device and their fingerprints, before the first training."""
    night = config.stash.get(NIGHT, None)
    if night is None:
        return []
    from cifar_models.models.pretrained import WeightsError
    from cifar_models.results.environment import describe_environment

    option = config.getoption
    environment = describe_environment()
    packages = ", ".join(f"{name} {version}" for name, version in environment.packages.items())
    dataset = night.dataset
    counts = f"{len(dataset.train_images):,} train and {len(dataset.evaluation_images):,} evaluation images"
    lines = [
        f"data: {dataset.name}, {counts}, {dataset.fingerprint}",
        f"device: {environment.device} on {environment.processor}",
        f"packages: {packages}",
    ]
    for backbone, weights in night.weights.items():
        if isinstance(weights, WeightsError):
            lines.append(f"weights of {backbone}: NOT TO BE HAD, its experiments end in an error ({weights})")
        else:
            lines.append(f"weights of {backbone}: {weights.description}, {weights.fingerprint}")
    if night.folder is not None:
        taken = f", resumed with {len(night.resumed)} of its runs" if option("resume") else ""
        lines.append(f"runs: {night.folder.path}{taken}")
    return lines + night.notes


@pytest.fixture
def night(request: pytest.FixtureRequest) -> Night:
    """What all benchmark items of this session share."""
    return request.config.stash[NIGHT]


@pytest.fixture
def experiment(experiment_name: str) -> Experiment:
    """The row of the table that this item trains."""
    from cifar_models.experiments import find_experiment

    return find_experiment(experiment_name)


@pytest.fixture
def train(request: pytest.FixtureRequest, night: Night, experiment: Experiment) -> Callable[[str, int], str]:
    """Trains an experiment with a seed, files the row for the summary, and returns why there is no run, if so.

    An experiment that cannot be judged is an error before the training, not a comparison after it.
    """
    from benchmarks.baselines.baselines import BaselineError
    from benchmarks.night.night import NO_BASELINE, NO_WEIGHTS
    from benchmarks.report.terminal import Row
    from cifar_models.models.pretrained import WeightsError

    option, seed = request.config.getoption, _seed_of(request.node)
    problem = None
    try:
        night.weights_for(experiment)
        if not option("update_baselines"):
            night.baseline_for(experiment)
    except (BaselineError, WeightsError) as error:
        said_before = any(row.experiment == experiment.name for row in night.rows)
        outcome = NO_WEIGHTS if isinstance(error, WeightsError) else NO_BASELINE
        if seed is not None:
            night.rows.append(Row(experiment.name, seed, outcome))
        problem = f"{experiment.name}: {outcome}, as said above" if said_before else str(error)
    if problem is not None:  # out here, where pytest does not report the one exception as the other's cause
        pytest.fail(problem, pytrace=False)

    return lambda name, seed: train_and_file(night, name, seed, progress=_progress(request, f"{name} seed {seed}"))


def train_and_file(night: Night, name: str, seed: int, *, progress: Callable[[Progress], None] | None) -> str:
    """Train an experiment with a seed, file the row, keep the record, and return why there is no run, if so."""
    from benchmarks.night.night import DIVERGED
    from benchmarks.report.terminal import Row
    from cifar_models.experiments import find_experiment
    from cifar_models.training import train as training
    from cifar_models.training.features import SESSION_FEATURES
    from cifar_models.training.watch import TrainingDiverged

    if (name, seed) in night.resumed:
        night.rows.append(Row(name, seed, "taken from the interrupted night", night.resumed[name, seed]))
        return ""
    row = find_experiment(name)
    try:
        weights = night.weights_for(row)
        run = training.train(
            row,
            night.dataset,
            seed,
            weights=weights,
            progress=progress,
            features=SESSION_FEATURES if night.feature_cache else None,
        )
    except TrainingDiverged as error:
        night.rows.append(Row(name, seed, DIVERGED))
        return f"{name} seed {seed}: {error}"
    except training.OUT_OF_MEMORY as error:
        night.rows.append(Row(name, seed, "out of memory"))
        reason, *_ = str(error).splitlines() or [type(error).__name__]
        return (
            f"{name} seed {seed}: out of memory ({reason}): free some or train fewer at a time, and --resume trains it"
        )
    night.rows.append(Row(name, seed, "trained", run))
    night.keep(run)
    return ""


def _progress(request: pytest.FixtureRequest, title: str) -> Callable[[Progress], None] | None:
    """Return what shows a training's progress, past pytest's capture; None where pytest itself reports nothing."""
    from cifar_models.training.live_line import LiveLine

    reporter: TerminalReporter | None = request.config.pluginmanager.getplugin("terminalreporter")
    capture = request.config.pluginmanager.getplugin("capturemanager")
    if reporter is None or capture is None:
        return None

    def write(text: str) -> None:
        with capture.global_and_fixture_disabled():
            reporter.write(text, flush=True)

    stash = request.node.stash
    if LIVE not in stash:
        # pytest has written the test's name to the line that it is on.
        stash[LIVE] = LiveLine(write, terminal=bool(reporter.isatty), before="\n")
    line = stash[LIVE]
    return lambda state: line.show(title, state)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Tell failures that are the benchmark's answers from others; file a row for a training that ended in no run."""
    night, name, seed = item.config.stash.get(NIGHT, None), _experiment_of(item), _seed_of(item)
    if night is not None and name is not None and call.when == "call":
        item.user_properties += properties_of(night, name, seed)
    report = yield
    if report.failed and not is_answer(item, call):
        item.config.stash[FAILED_OTHERWISE] = True
    if call.when != "call":
        return report
    if line := item.stash.get(LIVE, None):
        line.clear()  # now, as pytest is about to write the outcome to where the line is
    if night is not None and name is not None and seed is not None and call.excinfo is not None:
        from benchmarks.report.terminal import Row

        if not any((row.experiment, row.seed) == (name, seed) for row in night.rows):
            night.rows.append(Row(name, seed, call.excinfo.typename))
    return report


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Write the baselines if that was asked for, record what the night came to, and say it by the exit status."""
    night = session.config.stash.get(NIGHT, None)
    if night is None:
        return
    from benchmarks.night.exit_status import exit_status
    from benchmarks.night.night import DIVERGED

    option = session.config.getoption
    ended = session.exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED)
    night.interrupted = not ended or bool(session.shouldstop or session.shouldfail)
    if option("update_baselines"):
        try:
            update = night.update_baselines(seeds=option("seeds"), reason=option("reason"))
        except (OSError, ValueError) as error:  # the night's table is still worth seeing
            session.config.stash[UPDATE] = str(error)
            night.interrupted = True
        else:
            session.config.stash[UPDATE] = update
    night.close_folder()
    if ended:
        verdicts = night.verdicts or {}
        selected = night.to_judge | {row.experiment for row in night.rows}
        session.exitstatus = exit_status(
            (verdict.word for some in verdicts.values() for verdict in some),
            failed_otherwise=session.config.stash.get(FAILED_OTHERWISE, False)
            or any(row.outcome == DIVERGED for row in night.rows),
            not_judged=bool(selected - verdicts.keys() or night.losses),
        )
    write_reports(session, night)


def pytest_terminal_summary(terminalreporter: TerminalReporter, config: pytest.Config) -> None:
    """Print the night's tables, the published comparison, and what became of baselines.json."""
    night = config.stash.get(NIGHT, None)
    if night is None or not night.rows:
        return
    from benchmarks.night.night import NOT_REACHED
    from benchmarks.report.terminal import changes_table, published_table, trainings_table, verdicts_table

    weights = {row.run.weights for row in night.rows if row.run} - {"none"}
    backbones = f"; backbones from {', '.join(sorted(weights))}" if weights else ""
    terminalreporter.write_sep("=", f"trainings on {night.dataset.name}{backbones}")
    terminalreporter.write_line(trainings_table(night.rows))
    if published := published_table(night.baselines, night.rows):
        terminalreporter.write_sep("=", "published comparison")
        terminalreporter.write_line(published)
    if not config.getoption("update_baselines"):
        verdicts = night.verdicts or {}
        names = dict.fromkeys(row.experiment for row in night.rows)
        problems = {name: night.problem(name) or NOT_REACHED for name in names if name not in verdicts}
        terminalreporter.write_sep("=", f"verdicts, false-alarm rate {night.false_alarm_rate:g} a night")
        terminalreporter.write_line(verdicts_table(verdicts, problems))
    if night.folder is not None:
        terminalreporter.write_sep("=", "records")
        unfinished = ": unfinished, --resume goes on with it" if night.unfinished else ""
        for line in (f"{night.folder.path}{unfinished}", *night.losses, *config.stash.get(REPORTED, [])):
            terminalreporter.write_line(line)
    update = config.stash.get(UPDATE, None)
    if update is None:
        return
    terminalreporter.write_sep("=", "baselines")
    if isinstance(update, str):
        terminalreporter.write_line(f"{night.baselines_path}: this run judged nothing and could not write: {update}")
        terminalreporter.write_line("put that right and repeat the command with --resume, which takes tonight's runs")
        return
    after, left_out = update
    if left_out.keys() >= {row.experiment for row in night.rows}:
        terminalreporter.write_line(f"{night.baselines_path}: this run judged nothing and wrote nothing")
    else:
        terminalreporter.write_line(f"{night.baselines_path}: this run judged nothing, it wrote")
        terminalreporter.write_line(changes_table(night.baselines, after))
    for name, why in left_out.items():
        terminalreporter.write_line(f"left as it was: {name}, for {why}")


def _options_to_repeat(config: pytest.Config) -> str:
    """Return the options of this session that decide what is trained on what, as one would type them."""
    words = [f"--dataset {config.getoption('dataset')}"]
    words += [f"--{name}" for name in ("gpu", "mixed-precision", "xla") if config.getoption(f"--{name}")]
    for option in ("data_dir", "weights_dir", "baselines"):
        if path := config.getoption(option):
            words.append(shlex.quote(f"--{option.replace('_', '-')}={path}"))
    return " ".join(words)


def is_answer(item: pytest.Item, call: pytest.CallInfo[None]) -> bool:
    """Return whether a failure says what a night came to: a verdict, or why there is none."""
    failed = call.excinfo is not None and call.excinfo.errisinstance(pytest.fail.Exception)
    return failed and _experiment_of(item) is not None


def _experiment_of(item: pytest.Item) -> str | None:
    """Return the experiment's name of a training or a verdict, None of any other item."""
    if not isinstance(item, pytest.Function) or EXPERIMENT not in item.fixturenames:
        return None
    name = item.callspec.params[EXPERIMENT]
    assert isinstance(name, str)  # noqa: S101 - as pytest_generate_tests made it
    return name


def _seed_of(item: pytest.Item) -> int | None:
    """Return the seed of a training, None of any other item."""
    if _experiment_of(item) is None or not isinstance(item, pytest.Function) or SEED not in item.fixturenames:
        return None
    seed = item.callspec.params[SEED]
    assert isinstance(seed, int)  # noqa: S101 - as pytest_generate_tests made it
    return seed
