"""A pytest plugin for one night: shows the progress of trainings, ends the night and prints the results."""

from __future__ import annotations

import warnings
from collections.abc import Generator
from typing import TYPE_CHECKING

import pytest

from benchmarks.baselines.baseline import BaselineError
from benchmarks.inputs.earlier import recorded_run
from benchmarks.inputs.loaded_inputs import LoadedInputs, load_inputs
from benchmarks.night.exit_status import NOT_JUDGED, status_of
from benchmarks.night.night import Night
from benchmarks.night.reports import properties_of, write_reports
from benchmarks.night.summary import sections
from benchmarks.night.training import train_and_file, why_impossible
from benchmarks.night.update import Update, update_baselines
from benchmarks.records.selection import Selection
from benchmarks.records.trainings import Outcome, Training
from benchmarks.session.items import SESSION, SETTINGS, experiment_of, is_answer, seed_of
from benchmarks.session.options import check_benchmark_plugin
from benchmarks.session.selection import left_out
from cifar_models.datasets import DatasetError
from cifar_models.models.pretrained import WeightsError
from cifar_models.results.environment import describe_environment
from cifar_models.results.source_code import describe_code
from cifar_models.training.devices import hide_gpus
from cifar_models.training.live_line import LiveLine
from cifar_models.training.progress import Report

if TYPE_CHECKING:
    from _pytest.terminal import TerminalReporter

_LIVE: pytest.StashKey[LiveLine] = pytest.StashKey()


def start_night(
    config: pytest.Config,
    selection: Selection,
    *,
    names: list[str],
    all_shards: Selection = Selection(),  # noqa: B008 - frozen
    keeps_records: bool = True,
) -> NightSession:
    """Load the inputs of a night, open its folder, and register its hooks.

    Args:
        config: the configuration of the session.
        selection: the trainings and verdicts to do.
        names: the experiments that need their weights loaded.
        all_shards: the trainings and verdicts of all shards; empty for a whole night.
        keeps_records: whether to write records; False on a worker of pytest-xdist.

    Raises:
        pytest.UsageError: data or baselines cannot be used, GPUs cannot be hidden, the folder cannot be written, or
            an option of pytest-benchmark skips a part of the night.
    """
    check_benchmark_plugin(config)
    settings = config.stash[SETTINGS]
    describe_code()  # the code of the night is that of its start: files can change while it trains
    if not settings.gpu:
        try:
            hide_gpus()
        except RuntimeError as error:
            raise pytest.UsageError(
                f"GPU: found it already in use ({error}), expected to hide it; train on it with --gpu"
            ) from None
    try:
        inputs = load_inputs(settings, names)
    except (BaselineError, DatasetError) as error:
        raise pytest.UsageError(str(error)) from None
    night = Night(inputs, selection, all_shards)
    if keeps_records:
        try:
            night.open_folder()
        except OSError as error:
            raise pytest.UsageError(f"--run-dir: found {error}, expected a folder that can be written") from None
    session = config.stash[SESSION] = NightSession(config, night, inputs)
    config.pluginmanager.register(session)
    config.pluginmanager.register(_OtherPluginsAtTheEnd())
    return session


class NightSession:
    """The pytest hooks of a night.

    Attributes:
        night: the night, which all benchmark items share.
        inputs: the inputs of the night.
        failed_otherwise: whether a test failed for another reason than a result of the night.
    """

    def __init__(self, config: pytest.Config, night: Night, inputs: LoadedInputs) -> None:
        self._config = config
        self.night, self.inputs = night, inputs
        self.failed_otherwise = False
        self._update: Update | str | None = None
        self._said: list[str] = []
        self._printed = False

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Note a file that a worker of pytest-xdist could not collect; other sessions collect before the night."""
        self.failed_otherwise |= report.failed

    # --- trainings ---

    def pytest_report_collectionfinish(self) -> list[str]:
        """Print data, device, packages and weights before the first training."""
        night, environment = self.night, describe_environment()
        dataset = self.inputs.dataset
        packages = ", ".join(f"{name} {version}" for name, version in environment.packages.items())
        counts = f"{len(dataset.train_images):,} train and {len(dataset.evaluation_images):,} evaluation images"
        lines = [
            f"data: {dataset.name}, {counts}, {dataset.fingerprint}",
            f"device: {environment.machine}",
            f"packages: {packages}",
        ]
        for backbone, weights in self.inputs.weights.items():
            if isinstance(weights, WeightsError):
                lines.append(f"weights of {backbone}: NOT AVAILABLE, its experiments fail ({weights})")
            else:
                lines.append(f"weights of {backbone}: {weights.description}, {weights.fingerprint}")
        if night.settings.shard:
            number, count = night.settings.shard
            lines.append(f"shard: {number} of {count}; this session judges nothing")
        if night.folder is not None:
            taken = f", resumed with {len(night.resumed)} of its runs" if night.settings.resume else ""
            lines.append(f"runs: {night.folder.path}{taken}")
        if names := left_out(self._config):
            lines.append(f"not part of this night: {', '.join(names)} (-k NAME trains one, --all-experiments all)")
        return lines + night.notes

    def require_possible(self, name: str, seed: int | None) -> None:
        """Fail an item before the training if its experiment cannot be trained and judged.

        The first item of an experiment shows the whole error, the others refer to it.
        """
        reason = why_impossible(self.inputs, name)
        if reason is None:
            self._require_recorded(name, seed)
            return
        outcome, text = reason
        shown_before = name in self.night.trained
        if seed is not None:
            self.night.file(Training(name, seed, outcome))
        pytest.fail(f"{name}: {outcome}, see above" if shown_before else text, pytrace=False)

    def _require_recorded(self, name: str, seed: int | None) -> None:
        """Skip a training that is only for the exact lane, if there is no recorded run to repeat."""
        night = self.night
        if (
            seed is None
            or night.settings.is_evidence(seed)
            or night.settings.exact  # then the next night has something to repeat
            or recorded_run(night.inputs, name, seed, tonight=night.folder)
        ):
            return
        night.file(Training(name, seed, Outcome.NOTHING_TO_REPEAT))
        pytest.skip(
            f"{name} seed {seed}: found no recorded run with this data, weights, protocol, versions, processor and "
            f"threads"
        )

    def train(self, item: pytest.Item, name: str, seed: int) -> str:
        """Train with progress on the terminal; return why no run can be judged, or an empty string."""
        return train_and_file(self.night, self.inputs, name, seed, self._show(item, f"{name} seed {seed}"))

    def _show(self, item: pytest.Item, title: str) -> Report | None:
        """Return a function that shows a training's progress despite pytest's capture; None without a reporter."""
        reporter: TerminalReporter | None = self._config.pluginmanager.getplugin("terminalreporter")
        capture = self._config.pluginmanager.getplugin("capturemanager")
        if reporter is None or capture is None:
            return None

        def write(text: str) -> None:
            with capture.global_and_fixture_disabled():
                reporter.write(text, flush=True)

        if _LIVE not in item.stash:
            # The cursor is behind the test's name, so the progress starts on a new line.
            item.stash[_LIVE] = LiveLine(write, terminal=bool(reporter.isatty), before="\n")
        line = item.stash[_LIVE]
        return lambda state: line.show(title, state)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Note failures that are no results of the night; file a training that ended without an outcome."""
        name, seed = experiment_of(item), seed_of(item)
        if name is not None and call.when == "call":
            item.user_properties += properties_of(self.night, name, seed)
        report = yield
        if report.failed and not is_answer(item, call):
            self.failed_otherwise = True
        if call.when != "call":
            return report
        if line := item.stash.get(_LIVE, None):
            line.clear()  # because pytest writes the outcome to the same line
        if name is not None and seed is not None and call.excinfo and not self.night.training(name, seed):
            self.night.file(Training(name, seed, Outcome.FAILED, detail=call.excinfo.typename))
        return report

    # --- end of the session ---

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> Generator[None, object, object]:
        """End the night before other plugins run, and print it even if one of them fails."""
        self._end(session)
        try:
            return (yield)
        except Exception as error:  # noqa: BLE001 - pytest prints no summary if another plugin fails
            self._said.append(f"another plugin failed after the night: {type(error).__name__}: {error}")
            session.exitstatus = session.exitstatus or NOT_JUDGED
            reporter = self._config.pluginmanager.getplugin("terminalreporter")
            if reporter is not None and not self._printed:
                self._config.hook.pytest_terminal_summary(
                    terminalreporter=reporter, exitstatus=session.exitstatus, config=self._config
                )
                reporter.summary_stats()
            return None

    def _end(self, session: pytest.Session) -> None:
        """Write the baselines, the night's record and the reports, and set the exit status."""
        night = self.night
        ended = session.exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED)
        interrupted = not ended or bool(session.shouldstop or session.shouldfail)
        if night.settings.updates and not night.settings.shard:
            try:
                self._update = update_baselines(night)
            except (OSError, ValueError) as error:  # so that the night's tables are still printed
                self._update = str(error)
                interrupted = True
        night.close_folder(interrupted=interrupted)
        if ended:
            session.exitstatus = status_of(night, failed_otherwise=self.failed_otherwise)
        if session.exitstatus != pytest.ExitCode.INTERRUPTED and not night.settings.shard:
            lines, status = write_reports(night)
            self._said += lines
            session.exitstatus = session.exitstatus or status

    @pytest.hookimpl(wrapper=True, trylast=True)  # after pytest's failures and errors
    def pytest_terminal_summary(self, terminalreporter: TerminalReporter) -> Generator[None, None, None]:
        """Print the night before other plugins print their summaries, and even if one of them fails."""
        self.print(terminalreporter)
        try:
            return (yield)
        except Exception as error:  # noqa: BLE001 - of another plugin
            terminalreporter.write_line(f"another plugin failed after the night: {type(error).__name__}: {error}")

    def print(self, reporter: TerminalReporter) -> None:
        """Print the night's sections, unless they are printed already."""
        if self._printed or not self.night.trainings:
            return
        self._printed = True
        for title, blocks in sections(self.night, said=self._said, update=self._update):
            reporter.write_sep("=", title)
            for block in blocks:
                reporter.write_line(block)


class _OtherPluginsAtTheEnd:
    """Prevents that a warning of one plugin, such as a cache that cannot be written, stops the other plugins."""

    @pytest.hookimpl(wrapper=True, trylast=True)  # inside pytest's own wrapper, which turns warnings into errors
    def pytest_sessionfinish(self) -> Generator[None, object, object]:
        """Show warnings instead of raising them."""
        with warnings.catch_warnings():
            warnings.simplefilter("default")
            return (yield)
