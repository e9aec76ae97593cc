"""A night in eight shards and in one process: the same verdicts, words and exit status on the same runs."""

from __future__ import annotations

import dataclasses
import re
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from benchmarks.command_line.main import main
from benchmarks.judging.night_results import read_night_results
from benchmarks.night.exit_status import NOT_JUDGED, PASSED, REGRESSION, STALE
from benchmarks.records.night_folder import NightRecord, nights, read_night
from benchmarks.shards import judging  # noqa: F401 - pytester forgets all modules that a session loads
from cifar_models.models.pretrained import WeightsError
from cifar_models.results.environment import describe_environment
from cifar_models.results.run import Run
from cifar_models.results.run_files import write_run
from cifar_models.results.source_code import describe_code
from cifar_models.training import train as training
from cifar_models.training.watch import TrainingDiverged
from tests.benchmarks.sessions import SYNTHETIC, TABLE, Bench, fingerprints_of
from tests.factories import ENVIRONMENT, make_baseline

pytestmark = pytest.mark.integration

SHARDS = 8
SEEDS = ("--seeds", "5", "--first-seed", "0", "--false-alarm-rate", "0.05")


def _passes(bench: Bench) -> None:
    bench.record()


def _regression(bench: Bench) -> None:
    bench.record()
    bench.accuracy["simple_cnn"] = 0.5


def _stale(bench: Bench) -> None:
    bench.record()
    bench.accuracy["improved_cnn"] = 0.9


def _diverged(bench: Bench) -> None:
    bench.record()
    bench.failures["simple_cnn", 2] = TrainingDiverged("the loss is nan")


def _all_diverged(bench: Bench) -> None:
    bench.record()
    bench.failures |= {("simple_cnn", seed): TrainingDiverged("the loss is nan") for seed in range(5)}


def _failed(bench: Bench) -> None:
    bench.record()
    bench.failures["simple_cnn", 0] = ZeroDivisionError("an error of the code")


def _out_of_memory(bench: Bench) -> None:
    bench.record()
    bench.failures["vgg16_frozen", 4] = MemoryError()


def _no_baseline(bench: Bench) -> None:
    bench.record(("simple_cnn", "improved_cnn"))


def _other_protocol(bench: Bench) -> None:
    other = dataclasses.replace(fingerprints_of("improved_cnn"), protocol="sha256:other")
    bench.record(improved_cnn=make_baseline(fingerprints=other))


SCENES: dict[Callable[[Bench], None], int] = {
    _passes: PASSED,
    _regression: REGRESSION,
    _stale: STALE,
    _diverged: REGRESSION,
    _all_diverged: REGRESSION,
    _failed: REGRESSION,
    _out_of_memory: NOT_JUDGED,
    _no_baseline: NOT_JUDGED,
    _other_protocol: NOT_JUDGED,
}


class Night:
    """One night in both ways, and what each has printed and written."""

    def __init__(self, bench: Bench, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self.bench, self.capsys, self.path = bench, capsys, bench.pytester.path
        monkeypatch.chdir(self.path)
        monkeypatch.setenv("COLUMNS", "200")

    def session(self, *options: str) -> pytest.RunResult:
        return self.bench.run("-m", "benchmark", "--dataset", "synthetic", *options)

    def alone(self, *options: str) -> tuple[int, str]:
        result = self.session("--run-dir=alone", "--junitxml=alone.xml", *options)
        return int(result.ret), "\n".join(result.outlines)

    def shard(self, number: int, *options: str, count: int = SHARDS) -> pytest.RunResult:
        return self.session(f"--shard={number}/{count}", "--run-dir=parts", *options)

    def judge(self, *options: str) -> tuple[int, str, str]:
        self.capsys.readouterr()
        status = main(["judge", "parts", "--run-dir=judged", *options])
        said = self.capsys.readouterr()
        return status, said.out, said.err


@pytest.fixture
def night(bench: Bench, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Night:
    return Night(bench, monkeypatch, capsys)


def _section(output: str, title: str) -> list[str]:
    """Return the lines of a section that both ways print, without the time that the night took."""
    found = re.search(rf"^=+ {title}[^\n]* =+\n(.*?)(?=^=|\Z)", output, re.MULTILINE | re.DOTALL)
    return found[1].splitlines() if found else []


def _record(run_dir: str) -> NightRecord:
    ((path, _),) = nights(Path(run_dir))
    record = read_night(path)
    return dataclasses.replace(record, started="", ended=record.ended and "")


def _junit(file: str) -> dict[str, tuple[dict[str, str], str, str]]:
    """Return the properties of each test by its name, how it ended, and why."""
    found = {}
    for case in ElementTree.parse(file).getroot().iter("testcase"):  # noqa: S314 - our own file
        assert case.get("classname") == "benchmarks.test_training"
        ends = [(child.tag, child.text or "") for child in case if child.tag in ("failure", "error", "skipped")]
        properties = {one.get("name", ""): one.get("value", "") for one in case.iter("property")}
        found[case.get("name", "")] = (properties, *(ends or [("", "")])[0])
    return found


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.__name__.strip("_"))
def test_they_agree(night: Night, scene: Callable[[Bench], None]) -> None:
    scene(night.bench)
    status, expected = night.alone(*SEEDS)
    assert status == SCENES[scene]
    trained = sorted(night.bench.trained)
    events = []
    for number in range(1, SHARDS + 1):
        shard = night.shard(number, *SEEDS)
        events += night.bench.trained
        assert any("NOT JUDGED: this is a shard" in line for line in shard.outlines) or not shard.parseoutcomes()
        assert not any("= verdicts" in line for line in shard.outlines)
    assert sorted(events) == trained, "together the shards train what one process does, once each"
    found_status, output, errors = night.judge("--junitxml=judged.xml")
    assert (found_status, errors) == (status, "")
    for title in ("trainings on", "the night", "verdicts,"):
        assert _section(output, title) == _section(expected, title) != [], title
    assert _record("judged") == _record("alone")
    alone, judged = _junit("alone.xml"), _junit("judged.xml")
    assert alone.keys() == judged.keys()
    for name, (properties, end, why) in alone.items():
        assert judged[name][:2] == (properties, end), name
        if name.startswith("test_verdict") and end == "failure":
            assert judged[name][2] == why.removeprefix("Failed: "), name


def test_the_exact_lane_compares_each_run_under_the_conditions_of_its_own_machine(
    night: Night, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = night.bench
    bench.record()
    train = bench.train

    def here(*arguments: Any, **options: Any) -> Run:
        return dataclasses.replace(train(*arguments, **options), environment=describe_environment())

    monkeypatch.setattr(training, "train", here)
    monkeypatch.setattr("benchmarks.inputs.settings.NOT_REPEATED", ())
    for name, accuracy in (("simple_cnn", 0.7), ("improved_cnn", 0.6999)):
        bench.accuracy[name] = accuracy
        run = here(TABLE[name], SYNTHETIC, 0, weights=None, progress=None, features=None)
        write_run(night.path / "baseline_runs", run)
        bench.accuracy[name] = 0.7
    options = ("--seeds", "2", "--first-seed", "2025-01-31", "--exact")
    status, expected = night.alone(*options)
    assert status == REGRESSION
    for number in range(1, 4):
        night.shard(number, *options, count=3)
    # Whoever judges has another processor: what counts is where each run was trained.
    monkeypatch.setattr("benchmarks.inputs.earlier.describe_environment", lambda: ENVIRONMENT)
    found, output, _ = night.judge()
    assert found == status
    assert len(_section(output, "exact lane")) == 4
    for title in ("exact lane", "trainings on", "the night", "verdicts,"):
        assert _section(output, title) == _section(expected, title), title


def test_weights_that_no_shard_has_are_said_as_one_process_says_it(
    night: Night, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none(backbone: str, **_: str) -> Any:
        raise WeightsError(f"{backbone}: found no weights")

    monkeypatch.setattr(training, "random_weights", none)
    night.bench.record()
    status, expected = night.alone(*SEEDS)
    assert status == NOT_JUDGED
    for number in range(1, SHARDS + 1):
        night.shard(number, *SEEDS)
    found, output, _ = night.judge()
    assert found == status
    for title in ("trainings on", "the night", "verdicts,"):
        assert _section(output, title) == _section(expected, title), title
    assert _record("judged") == _record("alone")


def test_baselines_are_written_by_whoever_judges(night: Night) -> None:
    options = ("--seeds", "5", "--update-baselines", "--reason", "because")
    status, _ = night.alone(*options, "--baselines=alone.json")
    assert status == NOT_JUDGED
    for number in range(1, SHARDS + 1):
        assert night.shard(number, *options).ret == PASSED
    assert not night.bench.baselines_path.exists()
    found, output, _ = night.judge()
    assert found == status
    assert _section(output, "baselines")[0] == "baselines.json: this run judged nothing and wrote"
    assert night.bench.baselines_path.read_text() == (night.path / "alone.json").read_text()
    alone, judged = ({path.name for path in (night.path / name).iterdir()} for name in ("alone_runs", "baseline_runs"))
    assert alone == judged
    assert len(judged) == 15


def test_a_verdict_that_wants_further_seeds_is_not_judged_and_the_night_can_be_resumed(
    night: Night, monkeypatch: pytest.MonkeyPatch
) -> None:
    spread = (-0.01, 0.0, 0.01, -0.005, 0.005)
    baseline = make_baseline(
        accuracy=[0.7 + step for step in spread],
        gap=(0.1,) * 5,
        tolerance=0.005,
        fingerprints=fingerprints_of("simple_cnn"),
    )
    bench = night.bench
    bench.record(simple_cnn=baseline)
    train = bench.train

    def varying(experiment: Any, dataset: Any, seed: int, **options: Any) -> Run:
        if experiment.name == "simple_cnn":
            bench.accuracy["simple_cnn"] = [0.65, 0.66, 0.67, 0.69, 0.70, 0.71][seed]
        run = train(experiment, dataset, seed, **options)
        return dataclasses.replace(run, environment=describe_environment(), code=describe_code())

    monkeypatch.setattr(training, "train", varying)
    options = ("--seeds", "3", "--max-seeds", "6", "--first-seed", "0")
    for number in (1, 2):
        night.shard(number, *options, count=2)
    status, output, _ = night.judge()
    assert status == NOT_JUDGED
    assert [line.split()[0] for line in _section(output, "verdicts,")[2:] if line.endswith("pass")] == [
        *["vgg16_frozen"] * 3,
        *["improved_cnn"] * 3,
    ]
    wanted, command = _section(output, "further seeds")
    assert wanted == (
        "undecided verdicts want simple_cnn seed 3, simple_cnn seed 4, simple_cnn seed 5; judge does not train"
    )
    words = shlex.split(command.partition("again: pytest ")[2])
    assert words == [
        *("-m", "benchmark", "--dataset", "synthetic", "-k", "simple_cnn or vgg16_frozen or improved_cnn", *options),
        *("--against", "measured", "--false-alarm-rate", "0.01", "--baselines=baselines.json", "--run-dir=judged"),
        "--resume",
    ]
    result = bench.run(*words)
    assert [event.split()[1:3] for event in bench.trained] == [["simple_cnn", seed] for seed in "345"]
    assert result.ret == night.alone(*options)[0] != NOT_JUDGED


@pytest.mark.parametrize(
    "options",
    [("-k", "simple_cnn"), ("-k", "simple_cnn or vgg16_frozen"), ("-k", "not improved_cnn and not verdict")],
    ids=" ".join,
)
def test_a_selection_is_shared_out(night: Night, options: tuple[str, ...]) -> None:
    night.bench.record()
    status, expected = night.alone(*SEEDS, *options)
    for number in (1, 2, 3):
        assert night.shard(number, *SEEDS, *options, count=3).ret == PASSED
    found, output, _ = night.judge()
    assert found == status
    assert _record("judged") == _record("alone")
    assert _section(output, "verdicts,") == _section(expected, "verdicts,")


def test_a_shard_says_before_and_after_that_it_judges_nothing_and_so_does_its_page(
    night: Night, monkeypatch: pytest.MonkeyPatch
) -> None:
    night.bench.record()
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(night.path / "summary.md"))
    result = night.shard(2, *SEEDS, count=3)
    result.stdout.fnmatch_lines(
        [
            "shard: 2 of 3; this session judges nothing",
            "*= NOT JUDGED: this is a shard =*",
            "shard 2 of 3: 5 runs of the night's 15 trainings",
        ]
    )
    assert night.bench.reports == [], "no page"
    assert not (night.path / "summary.md").exists()
    ((path, _),) = nights(Path("parts/shards"))
    (note,) = read_night_results(path, {}, Path("nowhere")).notes
    assert note == "This is shard 2 of 3 of a night. A shard is not judged: python -m benchmarks judge judges all."


def test_more_shards_than_trainings_are_refused(night: Night) -> None:
    night.bench.record()
    result = night.shard(1, "-k", "simple_cnn", *SEEDS, count=6)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert "ERROR: --shard: found 6 shards for 5 trainings, expected at most 5 shards" in result.errlines


def test_a_shard_exits_by_what_became_of_its_own_trainings(night: Night) -> None:
    night.bench.record()
    night.bench.accuracy["simple_cnn"] = 0.1
    assert night.shard(1, *SEEDS, count=1).ret == PASSED, "whoever judges decides"
    night.bench.failures["simple_cnn", 0] = MemoryError()
    assert night.shard(1, *SEEDS, count=1).ret == NOT_JUDGED
    night.bench.failures["simple_cnn", 0] = TrainingDiverged("the loss is nan")
    assert night.shard(1, *SEEDS, count=1).ret == REGRESSION


def test_shards_that_start_on_different_days_need_the_day_of_the_night(night: Night) -> None:
    night.bench.record()
    for number, day in ((1, "2026-01-31"), (2, "2026-02-01")):
        night.shard(number, "--seeds", "2", f"--first-seed={day}", count=2)
    status, output, error = night.judge()
    assert (status, output) == (2, "")
    assert "train all shards with the same --first-seed=YYYY-MM-DD, the day of the night" in error
    assert error.count("\n") == 1
    assert not Path("judged").exists()


def test_a_night_is_judged_once_in_a_folder_of_nights(night: Night) -> None:
    night.bench.record()
    night.shard(1, *SEEDS, count=1)
    assert night.judge()[0] == PASSED
    status, _, error = night.judge()
    assert status == 2
    assert "found the same night, judged or started before" in error
    assert len(list(Path("judged").iterdir())) == 1


def test_a_shard_is_no_earlier_night(night: Night) -> None:
    """A shard and its judgement may lie in one folder of nights: no run is compared with itself."""
    night.bench.record()
    night.shard(1, *SEEDS, count=1)
    assert night.judge("--run-dir=parts")[0] == PASSED
    assert [record.shard for _, record in nights(Path("parts"))] == [None]
    assert not _section(night.judge("--run-dir=elsewhere")[1], "exact lane")
