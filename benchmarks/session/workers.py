"""The benchmark under pytest-xdist: the workers train, and the controller judges, prints and writes.

A worker sends a training to the controller in the test's report, so that workers on other hosts need no shared folder.
A worker knows only its own runs, so it leaves out the verdicts. The controller judges them after all trainings, and
reports them like tests.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator
from dataclasses import asdict, replace
from functools import partial
from typing import Any

import pytest

from benchmarks.night.reports import Properties, properties_of
from benchmarks.records.selection import Selection
from benchmarks.records.trainings import Outcome, Training, TrainingKey
from benchmarks.session.items import SESSION, SETTINGS, is_answer, training_id, training_in
from benchmarks.session.options import project_folder, read_settings
from benchmarks.session.selection import experiment_names
from benchmarks.session.worker_share import take_share
from cifar_models.results.environment import describe_environment
from cifar_models.results.run import Run

FILED, ANSWER, TO_JUDGE, INPUT = "benchmark_filed", "benchmark_answer", "benchmark_to_judge", "benchmark"
ALL_SHARDS = "benchmark_all_shards"

_Sent = tuple[str, int, str, str | None, str]
"""A training in a report: experiment, seed, outcome, the run as JSON, detail."""


def is_worker(config: pytest.Config) -> bool:
    """Return whether this process is a worker of pytest-xdist."""
    return hasattr(config, "workerinput")


def is_controller(config: pytest.Config) -> bool:
    """Return whether this process is the controller of pytest-xdist's workers."""
    return not is_worker(config) and config.getoption("dist", "no") != "no"


class Worker:
    """The hooks of a worker: it limits itself to its share of the machine, and sends its trainings."""

    NAME = "benchmark worker"

    def __init__(self, config: pytest.Config) -> None:
        self._input: dict[str, Any] = config.workerinput.get(INPUT, {})  # type: ignore[attr-defined]
        self._sent = 0
        # The worker's clock can show another day, and its disk can lack the night that is resumed.
        config.stash[SETTINGS] = replace(config.stash[SETTINGS], **self._input.get("seeds", {}))
        self._to_judge: dict[str, str] = {}
        self._all_shards = Selection()
        if share := self._input.get("share"):
            take_share(*share, use_gpu=config.getoption("gpu"))

    @property
    def has_night(self) -> bool:
        """Whether the controller has opened a night, which judges and records this worker's trainings."""
        return bool(self._input)

    def resumed(self) -> dict[TrainingKey, Run]:
        """Return the runs of an interrupted night that the controller uses instead of trainings."""
        runs = map(Run.from_json, self._input.get("resumed", ()))
        return {(run.experiment, run.seed): run for run in runs}

    def leave_verdicts(self, verdicts: dict[str, str]) -> None:
        """Store the node ids of the selected verdicts by experiment, for the controller."""
        self._to_judge = verdicts

    def leave_all_shards(self, selection: Selection) -> None:
        """Store the trainings and verdicts of all shards, for the controller."""
        self._all_shards = selection

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Add the trainings that were filed since the last report."""
        report = yield
        if session := item.config.stash.get(SESSION, None):
            filed = session.night.filed[self._sent :]
            self._sent += len(filed)
            setattr(report, FILED, [_to_send(training) for training in filed])
            setattr(report, ANSWER, is_answer(item, call))
        return report

    @pytest.hookimpl(tryfirst=True)  # before xdist sends the output
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Send the selected verdicts to the controller."""
        session.config.workeroutput[TO_JUDGE] = self._to_judge  # type: ignore[attr-defined]
        session.config.workeroutput[ALL_SHARDS] = asdict(self._all_shards)  # type: ignore[attr-defined]


class Controller:
    """The hooks of the controller: it opens the night, files the workers' trainings, judges, and reports verdicts."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._workers: Counter[str] = Counter()
        self._started: list[Any] = []
        self._told = False
        self._to_judge: dict[str, str] = {}
        self._all_shards = Selection()

    @pytest.hookimpl(optionalhook=True, tryfirst=True)
    def pytest_xdist_setupnodes(self, config: pytest.Config, specs: list[Any]) -> None:
        """Open the night before any worker starts, if the command line selects benchmark items.

        Raises:
            pytest.UsageError: see ``start_night``.
        """
        self._workers = Counter(map(_host, specs))
        if _selects_benchmark(config):
            from benchmarks.session.night_session import start_night  # loads TensorFlow

            # Only --resume needs weights now, for their fingerprints; otherwise _judge loads those that were used.
            names = experiment_names(config) if config.stash[SETTINGS].resume else []
            start_night(config, Selection(), names=names)

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Send a worker its share of the machine, the first seed, and the runs of an interrupted night."""
        session = self._config.stash.get(SESSION, None)
        if session is None:
            return
        spec = node.gateway.spec
        # The replacement of a dead worker has the same spec object, so it gets the same share.
        if not any(other is spec for other in self._started):
            self._started.append(spec)
        neighbours = [other for other in self._started if _host(other) == _host(spec)]
        index = next(number for number, other in enumerate(neighbours) if other is spec)
        node.workerinput[INPUT] = {
            "share": (index, self._workers[_host(spec)]),
            "seeds": {name: getattr(session.night.settings, name) for name in ("first_seed", "repeats")},
            "resumed": [run.to_json() for run in session.night.resumed.values()],
        }

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, ids: list[str]) -> None:
        """Record the selected trainings, so that a night that is killed can be resumed with all of them."""
        if session := self._config.stash.get(SESSION, None):
            selection = session.night.selection
            for name, seed in filter(None, map(training_in, ids)):
                selection |= Selection({name: [seed]}, [name] if session.night.settings.judges else [])
            if selection != session.night.selection:
                session.night.select(selection)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """File the trainings of a worker; a test fails if its run contradicts another one."""
        session = self._config.stash.get(SESSION, None)
        if session is None:
            return
        if report.failed and not getattr(report, ANSWER, False):
            session.failed_otherwise = True
        for sent in getattr(report, FILED, []):
            if contradiction := session.night.file(_received(sent)):
                report.outcome, report.longrepr = "failed", contradiction

    @pytest.hookimpl(optionalhook=True)
    def pytest_handlecrashitem(self, crashitem: str, report: pytest.TestReport) -> None:
        """Fail the training in which a worker died. Another worker continues with the other trainings."""
        if training := training_in(crashitem):
            name, seed = training
            report.longrepr = (
                f"{name} seed {seed}: its worker died, killed or out of memory; the other workers continue; find the "
                f"cause, then run with --resume to train it"
            )
            setattr(report, FILED, [_to_send(Training(name, seed, Outcome.WORKER_DIED))])
            setattr(report, ANSWER, True)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """Store the selected verdicts. A worker that died sends none, but all workers select the same."""
        output = getattr(node, "workeroutput", {})
        self._told |= TO_JUDGE in output
        self._to_judge |= output.get(TO_JUDGE, {})
        self._all_shards |= Selection(**output.get(ALL_SHARDS, {}))

    @pytest.hookimpl(wrapper=True)
    def pytest_runtestloop(self, session: pytest.Session) -> Generator[None, bool, bool]:
        """Judge after all trainings, and report the verdicts as if they were items of this process."""
        try:
            result = yield
        finally:
            if SESSION in self._config.stash:
                self._put_in_order()
        if SESSION in self._config.stash:
            self._judge(session)
        return result

    def _put_in_order(self) -> None:
        """Sort the trainings as in a single process, and set the selected verdicts."""
        night = self._config.stash[SESSION].night
        night.put_in_order(experiment_names(self._config))
        if self._told:  # if all workers died, the verdicts are those of all trainings, as set during collection
            night.select(replace(night.selection, verdicts=list(self._to_judge)), self._all_shards)

    def _judge(self, session: pytest.Session) -> None:
        from benchmarks.night.night import judge_to_the_end
        from benchmarks.night.training import train_further  # loads TensorFlow

        night, inputs = self._config.stash[SESSION].night, self._config.stash[SESSION].inputs
        if not night.trainings and not self._to_judge:
            return
        # A worker on another host, or one that starts later, may read other data, weights or code than the night's.
        # Its processor may differ, as between two nights, but not its package versions.
        inputs.load_weights({*night.trained, *night.selection.verdicts})
        packages = describe_environment().packages
        night.exclude(lambda run: inputs.difference(run, replace(run.environment, packages=packages)))
        if not night.settings.judges:
            return
        judge_to_the_end(night, partial(train_further, night, inputs))
        for name, node_id in self._to_judge.items():
            _report_verdict(session, node_id, night.answer(name), properties_of(night, name, None))


def _to_send(training: Training) -> _Sent:
    run = training.run.to_json() if training.run else None
    return training.experiment, training.seed, training.outcome.value, run, training.detail


def _received(sent: _Sent) -> Training:
    name, seed, outcome, run, detail = sent
    return Training(name, seed, Outcome(outcome), Run.from_json(run) if run else None, detail)


def _report_verdict(session: pytest.Session, node_id: str, failure: str, properties: Properties) -> None:
    """Report a verdict to all plugins, such as the terminal, the JUnit file and pytest's count of failures."""
    path, _, name = node_id.partition("::")
    for when in ("call", "teardown"):
        failed = bool(failure) and when == "call"
        report = pytest.TestReport(
            nodeid=node_id,
            location=(path, None, name),
            keywords={name: 1},
            outcome="failed" if failed else "passed",
            longrepr=failure if failed else None,
            when=when,
            user_properties=properties,
        )
        setattr(report, ANSWER, True)
        session.config.hook.pytest_runtest_logreport(report=report)


def _selects_benchmark(config: pytest.Config) -> bool:
    """Return whether the paths, marks and keywords of the command line select benchmark items."""
    from _pytest.mark import KeywordMatcher
    from _pytest.mark.expression import Expression

    def is_benchmark(name: str, /, **_: str | int | bool | None) -> bool:
        return name == "benchmark"

    file = (project_folder(config) / "benchmarks" / "test_training.py").resolve()
    paths = [config.invocation_params.dir / argument.partition("::")[0] for argument in config.args]
    named = config.getoption("pyargs") or any(path.resolve() in (file, *file.parents) for path in paths)
    marks, keywords = config.getoption("markexpr"), config.getoption("keyword")
    names, settings = experiment_names(config), read_settings(config)
    items = [f"test_verdict[{name}]" for name in names]
    items += [f"test_trains[{training_id(name, seed)}]" for name in names for seed in settings.trainings_of(name)]
    return (
        not config.getoption("collectonly")
        and named
        and (not marks or Expression.compile(marks).evaluate(is_benchmark))
        and (
            not keywords
            or any(
                Expression.compile(keywords).evaluate(KeywordMatcher({*file.parts[-2:], "benchmark", item}))
                for item in items
            )
        )
    )


def _host(spec: Any) -> str:
    """Return the address of a worker's machine; empty for this machine."""
    return str(spec.ssh or spec.socket or "")
