"""``compare`` takes runs together that are of one kind, and shows the others side by side."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from cifar_models.figures import dots, style
from cifar_models.figures.style import Panel
from cifar_models.results.run import Fingerprints, Run
from cifar_models.results.run_files import write_run
from tests.cifar_models.command_line.conftest import Command
from tests.factories import FINGERPRINTS, make_run

pytestmark = pytest.mark.integration


@pytest.fixture(autouse=True)
def fast(monkeypatch: pytest.MonkeyPatch) -> None:
    """Do not render figures, which takes longer than everything else here."""
    monkeypatch.setattr(style, "to_png", lambda _: b"png")


def _rows(output: str) -> dict[str, list[str]]:
    """Return the cells of each line of the table, by the first of them."""
    lines = output.partition("\n\n")[0].splitlines()
    rows = [[cell for cell in line.split("  ") if cell] for line in lines[2:]]
    return {cells[0]: [cell.strip() for cell in cells[1:]] for cells in rows}


def test_the_seeds_of_an_experiment_are_one_line(command: Command, tmp_path: Path) -> None:
    for seed, accuracy in enumerate((0.5, 0.75)):
        write_run(tmp_path, make_run("a", seed, accuracy=accuracy, gap=0.25, epochs=4))
    write_run(tmp_path, make_run("b", accuracy=0.25, gap=-0.5, weights="random", f1={"cat": 0.5, "dog": 0.25}))
    ended = command("compare", tmp_path, "--output", tmp_path / "figures")
    assert (ended.status, ended.error) == (0, "")
    # The best epoch is the first with the curve's highest value, 0.5; a gap below 0 is validation's alone, at the end.
    assert _rows(ended.output) == {
        "a": ["synthetic", "0, 1", "0.6250 ± 0.1768", "0.2500 ± 0.0000", "0.7000 ± 0.0000", "1.0", "4.0", "90", "none"],
        "b": ["synthetic", "0", "0.2500", "-0.5000", "0.3750", "1.0", "2.0", "90", "random"],
    }
    names = ("learning_curves", "accuracy", "confusion_matrix", "class_f1")
    assert {path.name for path in (tmp_path / "figures").iterdir()} == {f"comparison.{name}.png" for name in names}
    assert f"wrote {tmp_path / 'figures' / 'comparison.accuracy.png'}\n" in ended.output


def test_the_optimism_is_the_distance_to_the_runs_with_held_out_images_of_the_same_kind(
    command: Command, tmp_path: Path
) -> None:
    def write(name: str, seed: int, accuracy: float, **changed: Any) -> None:
        write_run(tmp_path, dataclasses.replace(make_run(name, seed, accuracy=accuracy), **changed))

    held_out = {"protocol": {"epochs": 10, "validation": "held_out"}}
    for seed, (published, honest) in enumerate(((0.75, 0.5), (0.5, 0.5))):
        write("a", seed, published)
        write("a+held_out", seed, honest, **held_out)
    write("b", 0, 0.75)
    write("a+64px+held_out", 0, 0.125, protocol=held_out["protocol"] | {"input_size": 64})
    write("a+held_out", 7, 0.125, **held_out, fingerprints=Fingerprints("sha256:other", None, FINGERPRINTS.protocol))
    rows = _rows(command("compare", tmp_path, "--output", tmp_path / "figures").output)
    assert rows["a"][2:5] == ["0.6250 ± 0.1768", "+0.1250", "0.1000 ± 0.0000"]
    assert not [cell for name, row in rows.items() for cell in row if name != "a" and cell.startswith("+")]


def test_the_optimism_of_a_folder_is_that_of_its_own_runs(command: Command, tmp_path: Path) -> None:
    protocol = {"epochs": 10, "validation": "held_out"}
    for folder, honest in (("before", 0.5), ("after", 0.25), ("elsewhere", None)):
        write_run(tmp_path / folder, make_run("a", accuracy=0.75))
        if honest is not None:
            run = dataclasses.replace(make_run("a+held_out", accuracy=honest), protocol=protocol)
            write_run(tmp_path / folder, run)
    folders = [tmp_path / folder for folder in ("before", "after", "elsewhere")]
    rows = _rows(command("compare", *folders, "--output", tmp_path / "figures").output)
    found = {Path(name).name: row[3] for name, row in rows.items() if "held_out" not in name}
    assert found == {"before": "+0.2500", "after": "+0.5000", "elsewhere": "+0.3750"}


@pytest.mark.parametrize(
    ("change", "labels"),
    [
        ({"dataset": "cifar10"}, ["a on cifar10", "a on synthetic"]),
        (
            {"fingerprints": Fingerprints("sha256:0123456789", None, FINGERPRINTS.protocol)},
            ["a data data", "a data 01234567"],
        ),
        (
            {"fingerprints": dataclasses.replace(FINGERPRINTS, weights="sha256:0123456789")},
            ["a weights none", "a weights 01234567"],
        ),
        (
            {"fingerprints": dataclasses.replace(FINGERPRINTS, protocol="sha256:0123456789")},
            ["a protocol protocol", "a protocol 01234567"],
        ),
    ],
)
def test_runs_that_must_not_be_averaged_are_told_apart(
    command: Command, tmp_path: Path, change: dict[str, object], labels: list[str]
) -> None:
    write_run(tmp_path, make_run("a", 0))
    write_run(tmp_path, dataclasses.replace(make_run("a", 1), **change))  # type: ignore[arg-type]
    write_run(tmp_path, make_run("b", 0))
    assert list(_rows(command("compare", tmp_path, "--output", tmp_path).output)) == [*labels, "b"]


def test_two_folders_are_before_and_after(command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[tuple[list[Run], list[Run]]] = []
    class_f1 = dots.class_f1

    def watched(runs: list[Run], before: list[Run]) -> Panel:
        drawn.append((runs, before))
        return class_f1(runs, before)

    monkeypatch.setattr(dots, "class_f1", watched)
    monkeypatch.chdir(tmp_path)
    before, after = make_run("a", accuracy=0.5), make_run("a", accuracy=0.25)
    files = [write_run(Path("before"), before), write_run(Path("after"), after)]
    assert list(_rows(command("compare", *files).output)) == ["a in before", "a in after"]
    assert drawn == [([after], [before])]


def test_of_more_than_two_no_one_is_the_baseline(command: Command, tmp_path: Path) -> None:
    for name in "abc":
        write_run(tmp_path, make_run(name))
    assert command("compare", tmp_path, "--output", tmp_path / "figures").status == 0
    assert {path.name for path in (tmp_path / "figures").iterdir()} == {
        "comparison.learning_curves.png",
        "comparison.accuracy.png",
    }


def test_a_record_that_is_named_twice_counts_once(command: Command, tmp_path: Path) -> None:
    path = write_run(tmp_path, make_run("a"))
    assert _rows(command("compare", path, tmp_path, "--output", tmp_path).output)["a"][1] == "0"


def test_what_else_is_in_a_folder_is_passed_over(command: Command, tmp_path: Path) -> None:
    write_run(tmp_path, make_run("a"))
    (tmp_path / "night.json").write_text("{}", encoding="utf-8")
    assert command("compare", tmp_path, "--output", tmp_path).status == 0


def _one_confusion_row(run: Run) -> Run:
    return dataclasses.replace(run, evaluation=dataclasses.replace(run.evaluation, confusion=[[1, 2]]))


@pytest.mark.parametrize("content", ["", "{", "[]", '{"format": 0}', make_run("a").to_json()[:-20]])
def test_a_damaged_record_is_one_line_that_names_it(command: Command, tmp_path: Path, content: str) -> None:
    good, damaged = write_run(tmp_path, make_run("a")), tmp_path / "a.synthetic.seed1.json"
    damaged.write_text(content, encoding="utf-8")
    ended = command("compare", good, damaged, "--output", tmp_path)
    assert (ended.status, ended.output) == (2, "")
    assert ended.error.startswith(f"python -m cifar_models: {damaged}: ")
    assert ended.error.count("\n") == 1


def test_a_record_of_impossible_numbers_is_one_line_too(command: Command, tmp_path: Path) -> None:
    path = write_run(tmp_path, _one_confusion_row(make_run("a")))
    ended = command("compare", path, "--output", tmp_path)
    assert ended.status == 2
    assert ended.error.startswith("python -m cifar_models: the runs cannot be compared: figure: found a confusion")


def test_a_missing_record_and_an_empty_folder_are_errors(command: Command, tmp_path: Path) -> None:
    assert "nothing.json: " in command("compare", tmp_path / "nothing.json").error
    ended = command("compare", tmp_path)
    assert (ended.status, ended.error) == (
        2,
        f"python -m cifar_models: {tmp_path}: found no record in the folder, expected one such as "
        f"simple_cnn.cifar10.seed0.json\n",
    )


def test_former_figures_are_replaced_only_when_told(command: Command, tmp_path: Path) -> None:
    write_run(tmp_path, make_run("a"))
    assert command("compare", tmp_path, "--output", tmp_path).status == 0
    ended = command("compare", tmp_path, "--output", tmp_path)
    assert ended.status == 2
    assert "found comparison.learning_curves.png, comparison.confusion_matrix.png" in ended.error
    assert command("compare", tmp_path, "--output", tmp_path, "--overwrite").status == 0
