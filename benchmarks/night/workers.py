"""The benchmark under pytest-xdist: workers train and report, the controller alone judges, prints and writes.

A finished training travels to the controller within its test's report, so that workers on other hosts need no folder in
common with it. The verdicts' items are left out on the workers, each of which knows its own runs only; when all is
trained, the controller judges and reports them itself.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Generator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from benchmarks.night.reports import Properties, properties_of
from benchmarks.night.worker_share import take_share

if TYPE_CHECKING:
    from benchmarks.night.night import Night

ROWS, ANSWER, TO_JUDGE, INPUT = "benchmark_rows", "benchmark_answer", "benchmark_to_judge", "benchmark"


def is_worker(config: pytest.Config) -> bool:
    """Return whether this process trains for a controller."""
    return hasattr(config, "workerinput")


def is_controller(config: pytest.Config) -> bool:
    """Return whether this process has others train for it."""
    return not is_worker(config) and config.getoption("dist", "no") != "no"


class Worker:
    """What a worker does beside its trainings: takes its share of the machine, and hands over what came of them."""

    def __init__(self, config: pytest.Config) -> None:
        self._input: dict[str, Any] = config.workerinput.get(INPUT, {})  # type: ignore[attr-defined]
        self._sent = 0
        self._to_judge: dict[str, str] = {}
        if share := self._input.get("share"):
            take_share(*share, use_gpu=config.getoption("gpu"))

    @property
    def resumed(self) -> dict[str, str]:
        """The records that stand for trainings of tonight, as the controller found them."""
        records: dict[str, str] = self._input.get("resumed", {})
        return records

    def leave_verdicts(self, verdicts: dict[str, str]) -> None:
        """Keep what verdicts were selected, by experiment and node id, for the controller."""
        self._to_judge = verdicts

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Put into the report what was trained since the last one."""
        from benchmarks.plugin import NIGHT, is_answer

        report = yield
        night = item.config.stash.get(NIGHT, None)
        if night is not None:
            rows = night.trainings[self._sent :]
            self._sent = len(night.trainings)
            sent = [
                (row.experiment, row.seed, row.outcome.value, row.run.to_json() if row.run else None, row.detail)
                for row in rows
            ]
            setattr(report, ROWS, sent)
            setattr(report, ANSWER, is_answer(item, call))
        return report

    @pytest.hookimpl(tryfirst=True)  # before xdist sends it
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Tell the controller which verdicts were selected."""
        session.config.workeroutput[TO_JUDGE] = self._to_judge  # type: ignore[attr-defined]


class Controller:
    """What the controller does beside distributing: opens the night, files what arrives, judges, reports verdicts."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._workers: Counter[str] = Counter()
        self._started: list[Any] = []
        self._told = False
        self._to_judge: dict[str, str] = {}

    @pytest.hookimpl(optionalhook=True, tryfirst=True)
    def pytest_xdist_setupnodes(self, config: pytest.Config, specs: list[Any]) -> None:
        """Open the night before any worker starts, if the session's marks select it.

        Raises:
            pytest.UsageError: data or baselines that cannot be used.
        """
        from benchmarks.plugin import NIGHT, experiment_names, start_night

        self._workers = Counter(map(_host, specs))
        if _selects_benchmark(config):
            # Weights are wanted here to compare the runs of an interrupted night with; else once it is known whose.
            names = experiment_names(config) if config.getoption("resume") else ()
            config.stash[NIGHT] = start_night(config, names=names, to_judge=())

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Tell a worker its share of its machine, and which trainings an interrupted night has done."""
        from benchmarks.plugin import NIGHT

        night = self._config.stash.get(NIGHT, None)
        if night is None:
            return
        spec = node.gateway.spec
        # xdist makes a worker that replaces a dead one by the same object, and it has the same share.
        if not any(other is spec for other in self._started):
            self._started.append(spec)
        neighbours = [other for other in self._started if _host(other) == _host(spec)]
        index = next(number for number, other in enumerate(neighbours) if other is spec)
        node.workerinput[INPUT] = {
            "share": (index, self._workers[_host(spec)]),
            "resumed": {f"{name} {seed}": run.to_json() for (name, seed), run in night.resumed.items()},
        }

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """File what a worker has trained; keep its record at once."""
        from benchmarks.plugin import FAILED_OTHERWISE, NIGHT
        from benchmarks.records.trainings import Outcome, Training
        from cifar_models.results.run import Run

        night = self._config.stash.get(NIGHT, None)
        if night is None:
            return
        if report.failed and not getattr(report, ANSWER, False):
            self._config.stash[FAILED_OTHERWISE] = True
        for name, seed, outcome, text, detail in getattr(report, ROWS, []):
            run = Run.from_json(text) if text else None
            night.trainings.append(Training(name, seed, Outcome(outcome), run, detail))
            if run is not None and (name, seed) not in night.resumed:
                night.keep(run)

    @pytest.hookimpl(optionalhook=True)
    def pytest_handlecrashitem(self, crashitem: str, report: pytest.TestReport) -> None:
        """Say of the training that a worker died in that it gave no run; another worker goes on with the rest."""
        from benchmarks.records.trainings import Outcome

        if training := re.search(r"\[([\w+]+)-seed(\d+)\]$", crashitem):
            name, seed = training.groups()
            report.longrepr = (
                f"{name} seed {seed}: its worker died, killed or out of memory; the others go on without it: see what "
                f"ended it, and --resume trains it"
            )
            setattr(report, ROWS, [(name, int(seed), Outcome.WORKER_DIED.value, None, "")])
            setattr(report, ANSWER, True)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """Learn which verdicts were selected; a worker that died told nothing, and another one has."""
        output = getattr(node, "workeroutput", {})
        self._told |= TO_JUDGE in output
        self._to_judge |= output.get(TO_JUDGE, {})

    @pytest.hookimpl(wrapper=True)
    def pytest_runtestloop(self, session: pytest.Session) -> Generator[None, bool, bool]:
        """When all is trained, judge and report the verdicts as if they were items of this process."""
        from benchmarks.plugin import NIGHT, train_and_file

        night = self._config.stash.get(NIGHT, None)
        try:
            result = yield
        finally:
            if night is not None:
                self.put_in_order(night)
        if night is None or not (night.trainings or self._to_judge):
            return result
        self.complete(night)
        if self._config.getoption("update_baselines"):
            return result
        night.judge(lambda name, seed: train_and_file(night, name, seed, progress=None))
        for name, node_id in self._to_judge.items():
            _report_verdict(session, node_id, night.answer(name), properties_of(night, name, None))
        return result

    def put_in_order(self, night: Night) -> None:
        """Put the rows into the order of one process, and say which verdicts were selected."""
        from benchmarks.plugin import experiment_names

        order = {name: position for position, name in enumerate(experiment_names(self._config))}
        night.trainings.sort(key=lambda row: (order[row.experiment], row.seed))
        # Where all workers died, nobody says what was selected, and every training was to be judged.
        night.to_judge = frozenset(self._to_judge if self._told else (row.experiment for row in night.trainings))

    def complete(self, night: Night) -> None:
        """Load the weights that the baselines are looked up with, and leave out runs that are not this night's.

        A worker reads data, weights and code itself, on its own host or after another worker has died: they may not be
        what the night began with.
        """
        from benchmarks.night.night import load_weights
        from benchmarks.records.trainings import Outcome, Training
        from cifar_models.experiments import find_experiment
        from cifar_models.results.environment import describe_environment

        names = {row.experiment for row in night.trainings} | night.to_judge
        weights_dir: Path | None = self._config.getoption("weights_dir")
        night.weights |= load_weights(map(find_experiment, names), night.dataset, weights_dir)
        packages = describe_environment().packages
        for position, row in enumerate(night.trainings):
            # Another processor is allowed, as it is to another night; another version is not.
            if row.run and (reason := night.difference(row.run, replace(row.run.environment, packages=packages))):
                night.trainings[position] = Training(row.experiment, row.seed, Outcome.OTHER_CODE, detail=reason)


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
    from _pytest.mark.expression import Expression

    def is_benchmark(name: str, /, **_: str | int | bool | None) -> bool:
        return name == "benchmark"

    marks = config.getoption("markexpr")
    return not config.getoption("collectonly") and (not marks or Expression.compile(marks).evaluate(is_benchmark))


def _host(spec: Any) -> str:
    """Return what tells a worker's machine apart; nothing for this one."""
    return str(spec.ssh or spec.socket or "")
