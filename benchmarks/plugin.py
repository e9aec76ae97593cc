"""The pytest plugin, the only file that knows pytest's hooks: options, fixtures, header, terminal summary.

Declaring options does no work. TensorFlow is imported when benchmark items were collected, never before.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from _pytest.terminal import TerminalReporter

    from benchmarks.baselines import Baselines
    from benchmarks.live import LiveLine
    from benchmarks.night import Night
    from cifar_models.experiments import Experiment
    from cifar_models.progress import Progress
    from cifar_models.run import Run

NIGHT: pytest.StashKey[Night] = pytest.StashKey()
UPDATE: pytest.StashKey[tuple[Baselines, dict[str, str]] | str] = pytest.StashKey()
LIVE: pytest.StashKey[LiveLine] = pytest.StashKey()
TRAINING_ITEM = "experiment_name"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the benchmark's options, in one group."""
    group = parser.getgroup("cifar", "CIFAR-10 benchmark (with -m benchmark)")
    group.addoption("--gpu", action="store_true", help="train on the GPU; without it GPUs are hidden")
    group.addoption(
        "--dataset",
        choices=("cifar10", "synthetic"),
        default="cifar10",
        help="what to train on: the CIFAR-10 files, or the package's own images (default: cifar10)",
    )
    group.addoption(
        "--data-dir",
        type=Path,
        metavar="DIR",
        help="folder with cifar-10-python.tar.gz or cifar-10-batches-py/ (default: Keras's cache, then its download)",
    )
    group.addoption(
        "--weights-dir",
        type=Path,
        metavar="DIR",
        help="folder with Keras's ImageNet weight files (default: Keras's cache, then its download)",
    )
    group.addoption(
        "--seeds",
        type=int,
        default=1,
        metavar="N",
        help="train each experiment with seeds 0 to N-1 (default: 1)",
    )
    group.addoption(
        "--update-baselines",
        action="store_true",
        help="write what was measured into the baselines file, judge nothing, exit with 1; needs --reason",
    )
    group.addoption("--reason", metavar="TEXT", help="why the baselines change, kept with them")
    group.addoption(
        "--run-dir",
        type=Path,
        metavar="DIR",
        help="folder to keep each finished training's record in, one JSON file a run (default: not kept)",
    )
    group.addoption(
        "--baselines",
        type=Path,
        metavar="FILE",
        help="the baselines file (default: the ini value 'baselines', baselines.json beside the ini file)",
    )
    parser.addini("baselines", "the baselines file, relative to the ini file", type="string", default="baselines.json")


def pytest_configure(config: pytest.Config) -> None:
    """Refuse option values that no night can run with.

    Raises:
        pytest.UsageError: which option, what was found, what was expected.
    """
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
    if reason is not None and not updating:
        raise pytest.UsageError("--reason: found without --update-baselines, which it is for")
    for option in ("data_dir", "weights_dir", "run_dir", "baselines"):
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
        if option == "run_dir" and path.exists() and not path.is_dir():
            raise pytest.UsageError(f"{name}: found a file {path}, expected a folder")


def pytest_sessionstart(session: pytest.Session) -> None:
    """Refuse ``--gpu`` where there is none, before anything is collected or loaded.

    Raises:
        pytest.UsageError: TensorFlow sees no GPU.
    """
    if session.config.getoption("gpu"):
        from cifar_models.devices import use_gpus

        try:
            use_gpus()
        except RuntimeError as error:
            raise pytest.UsageError(f"--gpu: {error}; or leave --gpu out to train on the CPU") from None


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Make one item of each experiment and seed, in the table's order."""
    if TRAINING_ITEM in metafunc.fixturenames:
        from cifar_models.experiments import EXPERIMENTS

        seeds = range(metafunc.config.getoption("seeds"))
        pairs = [pytest.param(name, seed, id=f"{name}-seed{seed}") for name in EXPERIMENTS for seed in seeds]
        metafunc.parametrize((TRAINING_ITEM, "seed"), pairs)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Make every property test a unit test too."""
    for item in items:
        if item.get_closest_marker("property"):
            item.add_marker("unit")


@pytest.hookimpl(tryfirst=True)  # before pytest's own, which prints what this one loads
def pytest_collection_finish(session: pytest.Session) -> None:
    """Load what the selected benchmark items train on, once and before the first of them.

    Raises:
        pytest.UsageError: data or baselines that cannot be used, or GPUs that can no longer be hidden.
    """
    names = {training[0] for item in session.items if (training := _training_of(item))}
    if not names or session.config.getoption("collectonly"):
        return
    from benchmarks.baselines import BaselineError
    from benchmarks.night import Night, load_weights, read_or_start_baselines
    from cifar_models.datasets import DatasetError, load_dataset
    from cifar_models.devices import hide_gpus
    from cifar_models.experiments import EXPERIMENTS

    option = session.config.getoption
    if not option("gpu"):
        try:
            hide_gpus()
        except RuntimeError as error:
            raise pytest.UsageError(f"the GPUs cannot be hidden ({error}); use them with --gpu") from None
    path = option("baselines") or session.config.rootpath / session.config.getini("baselines")
    try:
        baselines = read_or_start_baselines(path, updating=option("update_baselines"))
        dataset = load_dataset(option("dataset"), option("data_dir"))
    except (BaselineError, DatasetError) as error:
        raise pytest.UsageError(str(error)) from None
    if unknown := sorted(baselines.keys() - EXPERIMENTS.keys()):
        raise pytest.UsageError(
            f"{path}: found baselines of {unknown[0]!r}, expected experiments of the table "
            f"({', '.join(EXPERIMENTS)}); remove that entry or bring its experiment back"
        )
    weights = load_weights([EXPERIMENTS[name] for name in names], dataset, option("weights_dir"))
    session.config.stash[NIGHT] = Night(dataset, weights, baselines, path, _options_to_repeat(session.config))


def pytest_report_collectionfinish(config: pytest.Config) -> list[str]:
    """Name data, weights, device and their fingerprints, before the first training."""
    night = config.stash.get(NIGHT, None)
    if night is None:
        return []
    from cifar_models.environment import describe_environment
    from cifar_models.pretrained import WeightsError

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
    return lines


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
def judge(request: pytest.FixtureRequest, night: Night, experiment: Experiment, seed: int) -> Callable[[Run], None]:
    """Holds a run against its baseline, files the row for the summary, and fails the test unless all passes.

    What cannot be judged is an error before the training, not a comparison after it. A night that updates
    baselines only files the row.
    """
    from benchmarks.baselines import BaselineError
    from benchmarks.judge import judge as judge_run
    from benchmarks.report import Row
    from benchmarks.runs import write_run
    from cifar_models.pretrained import WeightsError

    baseline, problem = None, None
    try:
        night.weights_for(experiment)
        if not request.config.getoption("update_baselines"):
            baseline = night.baseline_for(experiment)
    except (BaselineError, WeightsError) as error:
        reason = "no weights" if isinstance(error, WeightsError) else "no baseline"
        night.rows.append(Row(experiment.name, seed, reason))
        problem = str(error)
    if problem is not None:  # out here, where pytest does not report the one exception as the other's cause
        pytest.fail(problem, pytrace=False)

    def judge_and_file(run: Run) -> None:
        command = night.update_command(experiment)
        judgements = judge_run(run, baseline, update_command=command) if baseline else []
        failures = [judgement for judgement in judgements if judgement.verdict != "pass"]
        words = ", ".join(f"{judgement.metric} {judgement.verdict}" for judgement in failures)
        night.rows.append(Row(experiment.name, seed, words or ("pass" if baseline else "recorded"), run, judgements))
        if folder := request.config.getoption("run_dir"):
            write_run(folder, run)
        if failures:
            pytest.fail("\n".join(judgement.sentence for judgement in failures), pytrace=False)

    return judge_and_file


@pytest.fixture
def progress(request: pytest.FixtureRequest, experiment: Experiment, seed: int) -> Callable[[Progress], None] | None:
    """Shows the training's progress, past pytest's capture; None where pytest itself reports nothing."""
    from benchmarks.live import LiveLine

    reporter: TerminalReporter | None = request.config.pluginmanager.getplugin("terminalreporter")
    capture = request.config.pluginmanager.getplugin("capturemanager")
    if reporter is None or capture is None:
        return None

    def write(text: str) -> None:
        with capture.global_and_fixture_disabled():
            reporter.write(text, flush=True)

    line = request.node.stash[LIVE] = LiveLine(write, terminal=bool(reporter.isatty))
    title = f"{experiment.name} seed {seed}"
    return lambda state: line.show(title, state)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    """File a row for a training that ended in no run, so that the summary shows it."""
    report = yield
    if call.when != "call":
        return report
    if line := item.stash.get(LIVE, None):
        line.clear()  # now, as pytest is about to write the outcome to where the line is
    night, training = item.config.stash.get(NIGHT, None), _training_of(item)
    if night is not None and training is not None and call.excinfo is not None:
        from benchmarks.report import Row

        name, seed = training
        if not any((row.experiment, row.seed) == (name, seed) for row in night.rows):
            night.rows.append(Row(name, seed, call.excinfo.typename))
    return report


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Write the baselines if that was asked for; such a session has judged nothing and is never green."""
    night = session.config.stash.get(NIGHT, None)
    if night is None or not session.config.getoption("update_baselines"):
        return
    option = session.config.getoption
    try:
        update = night.update_baselines(seeds=option("seeds"), reason=option("reason"))
    except (OSError, ValueError) as error:  # the night's table is still worth seeing
        session.config.stash[UPDATE] = str(error)
    else:
        session.config.stash[UPDATE] = update
    if session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: TerminalReporter, config: pytest.Config) -> None:
    """Print the night's table, the published comparison, and what became of baselines.json."""
    night = config.stash.get(NIGHT, None)
    if night is None or not night.rows:
        return
    from benchmarks.report import changes_table, published_table, summary_table

    weights = {row.run.weights for row in night.rows if row.run} - {"none"}
    backbones = f"; backbones from {', '.join(sorted(weights))}" if weights else ""
    terminalreporter.write_sep("=", f"benchmark on {night.dataset.name}{backbones}")
    terminalreporter.write_line(summary_table(night.rows))
    if published := published_table(night.baselines, night.rows):
        terminalreporter.write_sep("=", "published comparison")
        terminalreporter.write_line(published)
    update = config.stash.get(UPDATE, None)
    if update is None:
        return
    terminalreporter.write_sep("=", "baselines")
    if isinstance(update, str):
        terminalreporter.write_line(f"{night.baselines_path}: this run judged nothing and could not write: {update}")
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
    if config.getoption("gpu"):
        words.append("--gpu")
    for option in ("data_dir", "weights_dir", "baselines"):
        if path := config.getoption(option):
            words.append(shlex.quote(f"--{option.replace('_', '-')}={path}"))
    return " ".join(words)


def _training_of(item: pytest.Item) -> tuple[str, int] | None:
    """Return the experiment's name and the seed of a benchmark item, None of any other."""
    if not isinstance(item, pytest.Function) or TRAINING_ITEM not in item.fixturenames:
        return None
    name, seed = item.callspec.params[TRAINING_ITEM], item.callspec.params["seed"]
    assert isinstance(name, str)  # noqa: S101 - as pytest_generate_tests made them
    assert isinstance(seed, int)  # noqa: S101
    return name, seed
