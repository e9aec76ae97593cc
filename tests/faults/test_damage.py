"""What is damaged or not what it was: named, never judged, and never taken for something else."""

from __future__ import annotations

import pickle
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks.baselines.baselines_file import read_baselines
from benchmarks.records.night_folder import nights, read_night
from cifar_models.results.run_files import read_run
from tests.factories import cifar10_batches, write_weights
from tests.faults.nights import NAMES, TRAININGS, House

pytestmark = pytest.mark.faults

UPDATE = ("--update-baselines", "--reason=because")
Damage = Callable[[str], str]


def _of_another_version(text: str) -> str:
    return re.sub(r'"(format|schema)": \d+', r'"\1": 99', text)


@pytest.mark.parametrize(
    "damages",
    [
        (lambda text: text[:500], _of_another_version),
        (lambda _: "", lambda text: text[:-3]),
        (lambda text: "\0" * len(text), lambda text: text.replace("0", "NaN")),
    ],
    ids=["cut short, of another version", "empty, cut at its end", "zeros, no numbers"],
)
def test_records_that_are_damaged(interrupted: House, damages: tuple[Damage, Damage]) -> None:
    records = [interrupted.night / f"simple_cnn.synthetic.seed{seed}.json" for seed in (0, 1)]
    for record, damage in zip(records, damages, strict=True):
        record.write_text(damage(record.read_text(encoding="utf-8")), encoding="utf-8")
    ended = interrupted.resume(anew=TRAININGS)
    notes = [line for line in ended.lines if line.startswith("ignored, and trained again: ")]
    assert [note.split(": ")[1] for note in notes] == [str(record) for record in records]


def test_a_record_under_another_s_name(interrupted: House) -> None:
    shutil.copy(*(interrupted.night / f"simple_cnn.synthetic.seed{seed}.json" for seed in (1, 0)))
    interrupted.resume(anew=["simple_cnn 0", *TRAININGS[2:]])


def test_a_night_s_own_record_cut_short(interrupted: House) -> None:
    night = interrupted.night
    (night / "night.json").write_bytes((night / "night.json").read_bytes()[:50])
    ended = interrupted.run("--resume")
    assert ended.status == 0, ended.output
    assert ended.trained == TRAININGS
    assert any(line.startswith(f"ignored: {night}/night.json: ") for line in ended.lines)
    assert len(list(night.glob("*.seed*.json"))) == 2, "its runs are left as they are"


@pytest.mark.parametrize("options", [(), UPDATE], ids=["judged", "updated"])
@pytest.mark.parametrize(
    "damage",
    [lambda text: text[:5000], lambda _: "", _of_another_version],
    ids=["cut short", "empty", "of another version"],
)
def test_baselines_that_are_damaged(house: House, damage: Damage, options: tuple[str, ...]) -> None:
    damaged = damage(house.baselines.read_text(encoding="utf-8"))
    house.baselines.write_text(damaged, encoding="utf-8")
    ended = house.run(*options)
    assert ended.status == pytest.ExitCode.USAGE_ERROR, ended.output
    (line,) = [line for line in ended.lines if line.startswith("ERROR")]
    assert line.startswith(f"ERROR: {house.baselines}: ")
    assert line.endswith("restore it from version control or correct it by hand")
    assert ended.trained == []
    assert not house.run_dir.exists()
    assert house.baselines.read_text(encoding="utf-8") == damaged


def test_baselines_that_are_cut_short_during_their_update(house: House) -> None:
    whole = house.baselines.read_bytes()
    session = house.start(*UPDATE, trainings={"improved_cnn 2": "pause"}).paused("improved_cnn 2")
    house.baselines.write_bytes(whole[:5000])
    ended = session.go("improved_cnn 2").wait()
    assert ended.status == 125, ended.output
    (line,) = [line for line in ended.lines if "could not write" in line]
    assert line.startswith(f"{house.baselines}: this run judged nothing and could not write: {house.baselines}: ")
    assert "fix this, then repeat the command with --resume, which reuses tonight's runs" in ended.lines
    assert house.baselines.read_bytes() == whole[:5000]
    assert not (house.path / "baseline_runs").exists()
    house.baselines.write_bytes(whole)
    again = house.run("--resume", *UPDATE)
    assert again.trained == []
    for name in NAMES:
        assert read_baselines(house.baselines)[name]["synthetic"]["measured"].reason == "because"


def test_a_record_cut_short_while_its_night_goes_on(house: House) -> None:
    session = house.start(page=True, trainings={"simple_cnn 2": "pause"}).paused("simple_cnn 2")
    record = house.night / "simple_cnn.synthetic.seed0.json"
    record.write_bytes(record.read_bytes()[:500])
    ended = session.go("simple_cnn 2").wait()
    assert ended.status == 0, ended.output
    # It was judged on what it holds in memory, and the page names what it cannot read.
    assert ended.words == {"pass"}
    assert f"record cannot be used: {record}: " in (house.night / "report.html").read_text(encoding="utf-8")


def test_the_clock_set_back(interrupted: House) -> None:
    day = 86_400
    # A whole night, by a clock that is a day behind the interrupted one.
    ended = interrupted.run(clock=day)
    assert ended.status == 0, ended.output
    (earlier, _), (killed, _) = nights(interrupted.run_dir)
    assert interrupted.kept(earlier) == TRAININGS
    assert interrupted.kept(killed) == TRAININGS[:2]
    # The interrupted one goes on two days before it began.
    again = interrupted.run("--resume", clock=2 * day)
    assert again.status == 0, again.output
    assert again.trained == TRAININGS[2:]
    record = read_night(killed)
    assert record.ended is not None
    assert record.ended < record.started
    assert interrupted.kept(killed) == TRAININGS


def _write_cifar10(folder: Path, seed: int) -> None:
    folder.mkdir(exist_ok=True)
    for name, batch in cifar10_batches(seed).items():
        (folder / name).write_bytes(pickle.dumps(batch, protocol=2))


@pytest.fixture
def house_of_files(house: House) -> House:
    """A house whose nights read their data from files, with separate baselines."""
    data = house.path / "cifar-10-batches-py"
    _write_cifar10(data, seed=1)
    house.selection = ("--dataset=cifar10", f"--data-dir={data}", "-k", "simple_cnn", "--seeds=3", "--first-seed=0")
    ended = house.run(*UPDATE)
    assert ended.status == 125, ended.output
    return house


def test_data_that_change_during_a_night(house_of_files: House) -> None:
    house, data = house_of_files, house_of_files.path / "cifar-10-batches-py"
    house.run_dir = house.path / "other runs"
    session = house.start(trainings={"simple_cnn 1": "pause"}).paused("simple_cnn 1")
    _write_cifar10(data, seed=2)
    # The night holds its data in memory: it is judged on what it began with, and its records say what that was.
    ended = session.go("simple_cnn 1").wait()
    assert ended.status == 0, ended.output
    assert len({read_run(file).fingerprints.data for file in house.night.glob("*.seed*.json")}) == 1


def test_data_that_change_before_a_night_is_resumed(house_of_files: House) -> None:
    house, data = house_of_files, house_of_files.path / "cifar-10-batches-py"
    house.run_dir = house.path / "other runs"
    house.start(trainings={"simple_cnn 1": "pause"}).paused("simple_cnn 1").kill().wait()
    night = house.night
    _write_cifar10(data, seed=2)
    ended = house.run("--resume")
    assert ended.status == 125, ended.output
    assert ended.trained == [], "no baseline is of these data"
    note = f"{house.run_dir}: found no interrupted night on this data with these seeds, started a new one"
    assert note in ended.lines
    assert "the data fingerprint differs, so the run cannot be compared" in ended.output
    # Put right, the night goes on where it was.
    _write_cifar10(data, seed=1)
    again = house.run("--resume")
    assert again.status == 0, again.output
    assert again.trained == ["simple_cnn 1", "simple_cnn 2"]
    assert house.kept(night) == TRAININGS[:3]


def _write_vgg16(folder: Path) -> None:
    """Write newly drawn weights under the name of the published ones."""
    from cifar_models.models.builders import build_backbone

    write_weights(folder / "vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5", build_backbone("vgg16"))


def test_weights_that_change_before_a_night_is_resumed(house: House) -> None:
    data, weights = house.path / "cifar-10-batches-py", house.path / "weights"
    _write_cifar10(data, seed=1)
    _write_vgg16(weights)
    files = (f"--data-dir={data}", f"--weights-dir={weights}")
    house.selection = ("--dataset=cifar10", *files, "-k", "vgg16_frozen", "--seeds=3", "--first-seed=0")
    assert house.run(*UPDATE).status == 125
    house.run_dir = house.path / "other runs"
    house.start(trainings={"vgg16_frozen 1": "pause"}).paused("vgg16_frozen 1").kill().wait()
    _write_vgg16(weights)
    ended = house.run("--resume")
    assert ended.status == 125, ended.output
    assert ended.trained == []
    assert "trained again: vgg16_frozen seed 0: its weights fingerprint differs" in ended.lines
    assert "the weights fingerprint differs, so the run cannot be compared" in ended.output
