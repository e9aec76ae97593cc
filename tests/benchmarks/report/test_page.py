"""The page as text: it is complete, has no external references, and escapes every name."""

from __future__ import annotations

import re
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path
from unittest.mock import Mock

import pytest

from benchmarks.report import published_section
from benchmarks.report.page import write_page
from benchmarks.statistics.word import Word
from cifar_models.figures import dots
from cifar_models.figures import style as figures
from tests.benchmarks.report.nights import HOSTILE, Project
from tests.cifar_models.command_line.conftest import Command
from tests.factories import make_baseline

pytestmark = pytest.mark.integration


class Reader(HTMLParser):
    """Elements with their attributes, and all text outside the style."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self._open: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        if "style" not in self._open:
            self.text += f" {data}"

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


@pytest.fixture(scope="module")
def page(path: Path) -> Reader:
    return Reader(path.read_text(encoding="utf-8"))


@pytest.fixture
def undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave the drawing out, which is nearly all of a page's time and always the same (see the figures' own tests)."""
    monkeypatch.setattr(figures, "to_svg", lambda panels: (["<svg/>"] * len(panels), {}))
    monkeypatch.setattr(figures, "to_png", lambda _: b"PNG")


def _without_drawings(path: Path) -> str:
    text = re.sub(r"<li><img[^>]*>[^<]*</li>\n", "", path.read_text(encoding="utf-8"))
    return re.sub(r'src="data:[^"]*"', "", text)


def _ids(page: Reader) -> list[str]:
    return [str(attributes["id"]) for _, attributes in page.elements if "id" in attributes]


def test_the_answer_comes_first(page: Reader) -> None:
    assert [tag for tag, _ in page.elements if tag in ("h1", "h2")] == ["h1", "h2", "h2", "h2"]
    assert (
        "2 of 3 experiments need a look: simple_cnn is a regression (accuracy 0.6000, 0.1000 below its baseline); "
        f"{HOSTILE} was not judged; the other passes."
    ) in page.text


def test_every_section_and_experiment_has_a_permalink_and_every_link_an_end(page: Reader) -> None:
    ids = _ids(page)
    assert {"experiments", "published", "night"} <= set(ids)
    assert {"experiment-simple_cnn", "experiment-vgg16_frozen", "experiment--script-alert-1-script-"} <= set(ids)
    assert max(Counter(ids).values()) == 1
    assert {str(link["href"]) for link in page.all("a")} <= {f"#{each}" for each in ids}
    labels = {str(attributes["aria-labelledby"]) for _, attributes in page.elements if "aria-labelledby" in attributes}
    assert labels <= set(ids)


def test_it_asks_nobody_for_anything(path: Path, page: Reader) -> None:
    addresses = [
        str(attributes[name])
        for _, attributes in page.elements
        for name in ("src", "href", "srcset")
        if name in attributes
    ]
    assert all(address.startswith(("#", "data:")) for address in addresses)
    assert not re.search(
        r"url\(|@import|https?://(?!www\.w3\.org)", re.sub(r'"data:[^"]*"', "", path.read_text("utf-8"))
    )
    (policy,) = [meta for meta in page.all("meta") if meta.get("http-equiv") == "Content-Security-Policy"]
    assert policy["content"] == "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
    assert not page.all("script")


def test_whatever_the_records_say_is_text(page: Reader) -> None:
    assert HOSTILE in page.text
    assert "it diverged </p><img src=x onerror=alert(1)>" in page.text
    assert "the first & <only>" in page.text
    assert all("onerror" not in attributes for _, attributes in page.elements)


def test_every_figure_has_a_text_for_those_who_cannot_see_it_and_symbols_stand_beside_theirs(page: Reader) -> None:
    figures = [image for image in page.all("img") if image["width"] == "413"]
    symbols = [image for image in page.all("img") if image["width"] == "35"]
    assert len(figures) + len(symbols) == len(page.all("img"))
    assert all(len(str(image["alt"])) > 40 for image in figures)
    assert {image["alt"] for image in symbols} == {""}
    assert len(symbols) > 20


def test_every_table_has_a_caption_and_its_headers_say_what_they_head(page: Reader) -> None:
    assert len(page.all("table")) == len(page.all("caption"))
    assert {str(header.get("scope")) for header in page.all("th")} == {"col", "row"}


@pytest.mark.parametrize(
    "words",
    [
        "0.1000 below the baseline 0.7000 (mean of 3 runs, 0.7000 to 0.7000): regression. The allowance is 0.0400",
        "Largest changes of F1: cat 0.6000 to 0.6000, dog 0.8000 to 0.8000.",
        "The mean curves lie outside the range of the baseline's runs since epoch 1 in",
        "device CPU a GPU",
        "Not judged: it diverged",
        "Compared with the measured baseline of 3 runs, set 2025-01-31: the first",
        "peak memory of the process (GB) 1.07 1.07",
        "From the night of 29 January 2025 on, the baseline measured on 2024-12-24: set in a hurry",
        "From the night of 30 January 2025 on, the baseline measured on 2025-01-31: the first & <only>",
        "Mean accuracy of the last 2 nights: 0.6500, 0.0500 below the baseline.",
        "simple_cnn 0.6763 not measured not measured not measured 0.169",
        "git commit 0123abc 0123abc same",
    ],
)
def test_it_says(page: Reader, words: str) -> None:
    assert words in " ".join(page.text.split())


def test_a_verdict_is_said_by_word_and_symbol_wherever_it_has_a_colour(page: Reader) -> None:
    assert re.search(r"▼\s+regression", page.text)
    assert re.search(r"✓\s+pass", page.text)
    badges = {str(span.get("class")) for span in page.all("span") if "badge" in str(span.get("class"))}
    assert badges == {"badge regression", "badge pass", "badge not-judged"}
    style = (Path(write_page.__code__.co_filename).parent / "style.css").read_text(encoding="utf-8")
    assert all(f".{word.replace(' ', '-')} {{ --tone:" in style for word in Word)


def test_the_published_comparison_lies_beside_it_as_png_files(path: Path) -> None:
    assert {file.name for file in path.parent.glob("*.png")} == {
        "published-accuracy.png",
        "published-curves.png",
    }
    assert all(file.read_bytes().startswith(b"\x89PNG") for file in path.parent.glob("*.png"))


@pytest.mark.usefixtures("undrawn")
def test_the_published_figures_are_made_once_for_the_page_and_the_files(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = Mock(wraps=dots.comparison)
    monkeypatch.setattr(published_section, "comparison", made)
    write_page(project.night, project.baselines, project.records, tmp_path)
    assert made.call_count == 1


@pytest.mark.usefixtures("undrawn")
def test_the_command_makes_the_same_page_again_into_a_folder_that_it_makes(
    project: Project, path: Path, tmp_path: Path, command: Command
) -> None:
    folder = tmp_path / "new" / "folder"
    options = [f"--baselines={project.baselines_path}", f"--report-dir={folder}"]
    assert command("page", project.night, *options).output == f"report: {folder / 'report.html'}\n"
    assert _without_drawings(folder / "report.html") == _without_drawings(path)


def test_a_folder_that_is_no_night_is_one_line(project: Project, tmp_path: Path, command: Command) -> None:
    ended = command("page", tmp_path, f"--baselines={project.baselines_path}")
    assert ended.status == 2
    assert ended.error.startswith(f"python -m benchmarks: {tmp_path / 'night.json'}: ")


def test_each_judged_metric_has_a_strip_of_what_its_verdict_allows(page: Reader) -> None:
    texts = [str(strip["aria-label"]) for strip in page.all("svg")]
    assert texts == [
        f"{metric} {mean}, {where} the allowed {'0.7400 or less' if metric == 'classes' else '0.6600 to 0.7400'}"
        for metric, mean, where in (
            ("accuracy", "0.6000", "below"),
            ("gap", "0.7000", "inside"),
            ("classes", "0.6000", "inside"),  # smaller is better, and this check is one-sided
            *[(metric, "0.7000", "inside") for metric in ("accuracy", "gap", "classes")],
        )
    ]


def test_what_failed_or_was_not_judged_is_open_and_first_and_what_passed_is_closed(page: Reader) -> None:
    rows = [each for each in page.all("details") if "experiment" in str(each.get("class"))]
    assert [(str(row["class"]), "open" in row) for row in rows] == [
        ("experiment regression", True),
        ("experiment not-judged", True),
        ("experiment pass", False),
    ]


def test_no_figure_is_drawn_twice_and_all_have_one_size(page: Reader) -> None:
    figures = [image for image in page.all("img") if image["alt"]]
    assert len({image["src"] for image in figures[:8]}) == 8  # of the first experiment
    assert {(image["width"], image["height"]) for image in figures} == {("413", "307")}


def test_only_what_does_not_pass_has_something_that_happened(page: Reader) -> None:
    assert page.text.count("What happened") == 2  # what is not judged has a reason too
    # What is not judged is compared as well: the reason may lie in what differs.
    assert page.text.count("What differs from the baseline's runs") == 1


@pytest.mark.usefixtures("undrawn")
def test_without_the_baseline_at_hand_the_page_says_so_and_draws_today_alone(project: Project, tmp_path: Path) -> None:
    other = {name: {"synthetic": {"measured": make_baseline(reason="of tomorrow")}} for name in project.baselines}
    page = Reader(write_page(project.night, other, project.records, tmp_path).read_text(encoding="utf-8"))
    text = " ".join(page.text.split())
    assert "simple_cnn was compared with the baseline of 2025-01-31 (the first & <only>), which is no longer" in text
    assert "The records of the baseline's runs are not available" in text
    assert "epochs 4.0 not available" in text
    assert "0.1000 below the baseline 0.7000 (mean of 3 runs, 0.7000 to 0.7000): regression" in text
