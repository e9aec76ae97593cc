"""The benchmark under pytest-xdist: workers train and report, the controller alone judges, prints and writes.

A finished training travels to the controller within its test's report, so that workers on other hosts need no folder in
common with it. The verdicts' items are left out on the workers, each of which knows its own runs only; when all is
trained, the controller judges and reports them itself.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator
from dataclasses import asdict, replace
from typing import Any

import pytest

from benchmarks.night.items import SESSION, SETTINGS, is_answer, training_id, training_in
from benchmarks.night.options import project_folder, read_settings
from benchmarks.night.reports import Properties, properties_of
from benchmarks.night.selection import experiment_names
from benchmarks.night.worker_share import take_share
from benchmarks.records.selection import Selection
from benchmarks.records.trainings import Outcome, Training, TrainingKey
from cifar_models.results.environment import describe_environment
from cifar_models.results.run import Run

FILED, ANSWER, TO_JUDGE, INPUT = "benchmark_filed", "benchmark_answer", "benchmark_to_judge", "benchmark"
ALL_SHARDS = "benchmark_all_shards"

_Sent = tuple[str, int, str, str | None, str]
"""A training as it travels: experiment, seed, outcome, the run as JSON, detail."""


def is_worker(config: pytest.Config) -> bool:
    """Return whether this process trains for a controller."""
    return hasattr(config, "workerinput")


def is_controller(config: pytest.Config) -> bool:
    """Return whether this process has others train for it."""
    return not is_worker(config) and config.getoption("dist", "no") != "no"


class Worker:
    """What a worker does beside its trainings: takes its share of the machine, and hands over what came of them."""

    NAME = "benchmark worker"

    def __init__(self, config: pytest.Config) -> None:
        self._input: dict[str, Any] = config.workerinput.get(INPUT, {})  # type: ignore[attr-defined]
        self._sent = 0
        if "first_seed" in self._input:  # a clock of its own may have another day
            config.stash[SETTINGS] = replace(config.stash[SETTINGS], first_seed=self._input["first_seed"])
        self._to_judge: dict[str, str] = {}
        self._all_shards = Selection()
        if share := self._input.get("share"):
            take_share(*share, use_gpu=config.getoption("gpu"))

    def resumed(self) -> dict[TrainingKey, Run]:
        """Return the runs that stand for trainings of tonight, as the controller found them."""
        runs = map(Run.from_json, self._input.get("resumed", ()))
        return {(run.experiment, run.seed): run for run in runs}

    def leave_verdicts(self, verdicts: dict[str, str]) -> None:
        """Keep what verdicts were selected, by experiment and node id, for the controller."""
        self._to_judge = verdicts

    def leave_all_shards(self, selection: Selection) -> None:
        """Keep what the night is to do that this session trains a shard of, for the controller."""
        self._all_shards = selection

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Put into the report what was filed since the last one."""
        report = yield
        if session := item.config.stash.get(SESSION, None):
            filed = session.night.filed[self._sent :]
            self._sent += len(filed)
            setattr(report, FILED, [_to_send(training) for training in filed])
            setattr(report, ANSWER, is_answer(item, call))
        return report

    @pytest.hookimpl(tryfirst=True)  # before xdist sends it
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Tell the controller which verdicts were selected."""
        session.config.workeroutput[TO_JUDGE] = self._to_judge  # type: ignore[attr-defined]
        session.config.workeroutput[ALL_SHARDS] = asdict(self._all_shards)  # type: ignore[attr-defined]


class Controller:
    """What the controller does beside distributing: opens the night, files what arrives, judges, reports verdicts."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._workers: Counter[str] = Counter()
        self._started: list[Any] = []
        self._told = False
        self._to_judge: dict[str, str] = {}
        self._all_shards = Selection()

    @pytest.hookimpl(optionalhook=True, tryfirst=True)
    def pytest_xdist_setupnodes(self, config: pytest.Config, specs: list[Any]) -> None:
        """Open the night before any worker starts, if the session's marks select it.

        Raises:
            pytest.UsageError: data or baselines that cannot be used.
        """
        self._workers = Counter(map(_host, specs))
        if _selects_benchmark(config):
            from benchmarks.night.session import start_night  # loads TensorFlow

            # Weights are wanted here to compare the runs of an interrupted night with; else once it is known whose.
            names = experiment_names(config) if config.stash[SETTINGS].resume else []
            start_night(config, Selection(), names=names)

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Tell a worker its share of its machine, and which trainings an interrupted night has done."""
        session = self._config.stash.get(SESSION, None)
        if session is None:
            return
        spec = node.gateway.spec
        # xdist makes a worker that replaces a dead one by the same object, and it has the same share.
        if not any(other is spec for other in self._started):
            self._started.append(spec)
        neighbours = [other for other in self._started if _host(other) == _host(spec)]
        index = next(number for number, other in enumerate(neighbours) if other is spec)
        node.workerinput[INPUT] = {
            "share": (index, self._workers[_host(spec)]),
            "first_seed": session.night.settings.first_seed,
            "resumed": [run.to_json() for run in session.night.resumed.values()],
        }

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, ids: list[str]) -> None:
        """Learn which trainings were selected, so that a night that is killed can be resumed with all of them."""
        if session := self._config.stash.get(SESSION, None):
            selection = session.night.selection
            for name, seed in filter(None, map(training_in, ids)):
                selection |= Selection({name: [seed]}, [name] if session.night.settings.judges else [])
            if selection != session.night.selection:
                session.night.select(selection)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """File what a worker has trained; a run that contradicts another one fails its test."""
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
        """Say of the training that a worker died in that it gave no run; another worker goes on with the rest."""
        if training := training_in(crashitem):
            name, seed = training
            report.longrepr = (
                f"{name} seed {seed}: its worker died, killed or out of memory; the others go on without it: see what "
                f"ended it, and --resume trains it"
            )
            setattr(report, FILED, [_to_send(Training(name, seed, Outcome.WORKER_DIED))])
            setattr(report, ANSWER, True)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """Learn which verdicts were selected; a worker that died told nothing, and another one has."""
        output = getattr(node, "workeroutput", {})
        self._told |= TO_JUDGE in output
        self._to_judge |= output.get(TO_JUDGE, {})
        self._all_shards |= Selection(**output.get(ALL_SHARDS, {}))

    @pytest.hookimpl(wrapper=True)
    def pytest_runtestloop(self, session: pytest.Session) -> Generator[None, bool, bool]:
        """When all is trained, judge and report the verdicts as if they were items of this process."""
        try:
            result = yield
        finally:
            if SESSION in self._config.stash:
                self._put_in_order()
        if SESSION in self._config.stash:
            self._judge(session)
        return result

    def _put_in_order(self) -> None:
        """Put the trainings into the order of one process, and say which verdicts were selected."""
        night = self._config.stash[SESSION].night
        night.put_in_order(experiment_names(self._config))
        if self._told:  # where all workers died, nobody says what was selected, and every training was to be judged
            night.select(replace(night.selection, verdicts=list(self._to_judge)), self._all_shards)

    def _judge(self, session: pytest.Session) -> None:
        from benchmarks.night.night import judge_to_the_end  # load TensorFlow
        from benchmarks.night.training import train_and_file

        night, inputs = self._config.stash[SESSION].night, self._config.stash[SESSION].inputs
        if not night.trainings and not self._to_judge:
            return
        # A worker reads data, weights and code itself, on its own host or after another worker has died: they may not
        # be what the night began with. Another processor is allowed, as it is to another night; another version is not.
        inputs.load_weights({*night.trained, *night.selection.verdicts})
        packages = describe_environment().packages
        night.exclude(lambda run: inputs.difference(run, replace(run.environment, packages=packages)))
        if not night.settings.judges:
            return
        judge_to_the_end(night, lambda name, seed: train_and_file(night, inputs, name, seed))
        for name, node_id in self._to_judge.items():
            _report_verdict(session, node_id, night.answer(name), properties_of(night, name, None))


def _to_send(training: Training) -> _Sent:
    run = training.run.to_json() if training.run else None
    return training.experiment, training.seed, training.outcome.value, run, training.detail


def _received(sent: _Sent) -> Training:
    name, seed, outcome, run, detail = sent
    return Training(name, seed, Outcome(outcome), Run.from_json(run) if run else None, detail)


def _report_verdict(session: pytest.Session, node_id: str, failure: str, properties: Properties) -> None:
    """Report a verdict to all that listen: the terminal, JUnit's file, pytest's count of failures."""
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
    """Return whether the paths, marks and keywords of the command line select a training or a verdict."""
    from _pytest.mark import KeywordMatcher
    from _pytest.mark.expression import Expression

    def is_benchmark(name: str, /, **_: str | int | bool | None) -> bool:
        return name == "benchmark"

    file = project_folder(config) / "benchmarks" / "test_training.py"
    paths = [config.invocation_params.dir / argument.partition("::")[0] for argument in config.args]
    marks, keywords = config.getoption("markexpr"), config.getoption("keyword")
    names, settings = experiment_names(config), read_settings(config)
    items = [f"test_verdict[{name}]" for name in names]
    items += [f"test_trains[{training_id(name, seed)}]" for name in names for seed in settings.trainings_of(name)]
    return (
        not config.getoption("collectonly")
        and any(path.resolve() in (file, *file.parents) for path in paths)
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
    """Return what tells a worker's machine apart; nothing for this one."""
    return str(spec.ssh or spec.socket or "")
