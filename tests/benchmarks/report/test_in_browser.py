"""The page as a reader meets it: in a browser, on a phone and a wide screen, by day and by night."""

from __future__ import annotations

import dataclasses
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

from benchmarks.records.night_folder import NightFolder, read_night
from benchmarks.report.page import write_page
from cifar_models.figures.style import TYPE_SIZE
from tests.benchmarks.report.nights import HOSTILE, Project

pytestmark = pytest.mark.browser

CHROMIUM, DRIVER = shutil.which("chromium") or shutil.which("google-chrome"), shutil.which("chromedriver")
WIDTHS, SCHEMES = (400, 1400), ("light", "dark")
ENOUGH_CONTRAST = 4.5
"""Of text on its ground: WCAG 2.2, success criterion 1.4.3."""


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    if not CHROMIUM or not DRIVER:
        pytest.skip("found no chromium and chromedriver; install Debian's packages chromium and chromium-driver")
    webdriver = pytest.importorskip("selenium.webdriver", reason="found no selenium; install the extra 'browser'")
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(DRIVER))
    yield driver
    driver.quit()


@pytest.fixture(scope="module")
def passing(project: Project) -> Path:
    """Return the page of an earlier night on which all experiments that were judged pass."""
    (night,) = project.night.parent.glob("2025-01-30*")
    (night / "hostile.synthetic.seed0.json").unlink()
    record = read_night(night)
    NightFolder(night, FileLock(night / ".lock")).write_record(dataclasses.replace(record, problems={}))
    return write_page(night, project.baselines, project.records, night)


@pytest.fixture
def page(browser: Any, path: Path) -> Any:
    browser.get(path.as_uri())
    return browser


def _show(page: Any, *, width: int = 1400, scheme: str = "light", medium: str = "") -> None:
    screen = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
    page.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", screen)
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": medium, "features": features})


def _open_all(page: Any) -> None:
    page.execute_script("for (const details of document.querySelectorAll('details')) details.open = true")


def test_it_makes_no_request_and_logs_no_complaint(page: Any, path: Path) -> None:
    _open_all(page)
    messages = [json.loads(entry["message"])["message"] for entry in page.get_log("performance")]
    asked = [sent["params"]["request"]["url"] for sent in messages if sent["method"] == "Network.requestWillBeSent"]
    assert path.as_uri() in asked
    assert all(url == path.as_uri() or url.startswith("data:") for url in asked)
    assert page.get_log("browser") == []


def test_all_of_it_is_seen(page: Any) -> None:
    _show(page)
    headings = page.execute_script(
        "return [...document.querySelectorAll('h1, h2, h3')].filter(e => e.checkVisibility()).map(e => e.innerText)"
    )
    assert headings[0].endswith("the other passes.")
    assert headings[1:] == [
        "Experiments",
        "simple_cnn ▼ regression",
        f"{HOSTILE} ○ not judged",
        "vgg16_frozen ✓ pass",
        "Published comparison",
        "This night",
    ]


def _seen(page: Any, selector: str) -> list[bool]:
    script = "return [...document.querySelectorAll(arguments[0])].map(e => e.checkVisibility())"
    return list(page.execute_script(script, selector))


def test_a_row_that_passes_opens_on_demand_and_by_its_link(page: Any, path: Path) -> None:
    _show(page)
    assert _seen(page, ".body") == [True, True, False]
    page.execute_script("document.querySelector('.pass > summary').click()")
    assert _seen(page, ".body") == [True, True, True]
    page.get("about:blank")
    page.get(f"{path.as_uri()}#experiment-vgg16_frozen")
    assert _seen(page, ".body") == [True, True, True]


def test_printing_opens_everything(page: Any) -> None:
    _show(page, medium="print")
    assert all(_seen(page, "details > *"))
    assert all(_seen(page, ".figures img"))
    _show(page)
    assert not all(_seen(page, "details > *"))


def test_a_night_that_passes_is_short(browser: Any, passing: Path) -> None:
    _show(browser)
    browser.get(passing.as_uri())
    assert browser.execute_script("return document.querySelectorAll('.experiment').length") == 2
    # Each further experiment is one more row.
    row = browser.execute_script("return document.querySelector('.experiment').getBoundingClientRect().height")
    assert row <= 80
    assert browser.execute_script("return document.documentElement.scrollHeight") + 3 * row < 2000


def test_every_figure_is_drawn_and_has_a_text_in_its_place(page: Any) -> None:
    _open_all(page)
    images = page.execute_script(
        "return [...document.querySelectorAll('.figures img')]"
        ".map(e => [e.complete && e.naturalWidth > 0 && e.clientWidth > 100, e.alt.length])"
    )
    assert (
        len(images) == 2 * 9 + 8 + 2
    )  # two experiments, one whose classes have no published F1, the published numbers
    assert all(drawn and length > 40 for drawn, length in images)


@pytest.mark.parametrize("width", WIDTHS)
def test_figures_have_one_width_and_fill_the_page(page: Any, width: int) -> None:
    _show(page, width=width)
    _open_all(page)
    grids = page.execute_script("""
        return [...document.querySelectorAll('.figures')].map(grid => {
            const boxes = [...grid.querySelectorAll('img')].map(image => image.getBoundingClientRect());
            const frame = grid.getBoundingClientRect();
            return [
                Math.max(...boxes.map(box => box.width)) - Math.min(...boxes.map(box => box.width)),
                Math.max(...boxes.map(box => box.right)) - frame.left, frame.width, boxes.length];
        })""")
    for spread, right, frame, count in grids:
        assert spread < 1
        if count >= 3:
            assert right >= frame - 1


def test_a_name_is_text_and_runs_nothing(page: Any) -> None:
    assert page.execute_script("return document.scripts.length") == 0
    assert page.execute_script("return document.querySelectorAll('img[onerror], img[src=x]').length") == 0
    assert page.execute_script("return document.body.innerText.includes(arguments[0])", HOSTILE)


@pytest.mark.parametrize("width", WIDTHS)
def test_it_is_as_wide_as_the_screen_and_no_wider(page: Any, width: int) -> None:
    _show(page, width=width)
    _open_all(page)
    assert page.execute_script("return document.documentElement.scrollWidth") <= width
    # What is wider than the screen, such as a table, can be scrolled within its own frame.
    too_wide = """
        return [...document.querySelectorAll('main *, header *')].filter(element =>
            !element.closest('.scroll') && element.getBoundingClientRect().right > innerWidth + 1
        ).map(element => element.outerHTML.slice(0, 80))"""
    assert page.execute_script(too_wide) == []


@pytest.mark.parametrize("width", WIDTHS)
def test_its_letters_and_those_of_its_figures_are_large_enough_to_read(page: Any, width: int) -> None:
    _show(page, width=width)
    _open_all(page)
    smallest = """
        return Math.min(...[...document.querySelectorAll('main *, header *')].filter(
            element => element.checkVisibility() && element.innerText
        ).map(element => parseFloat(getComputedStyle(element).fontSize)))"""
    assert page.execute_script(smallest) >= 11
    scales = page.execute_script("return [...document.images].map(e => e.clientWidth / e.getAttribute('width'))")
    assert min(scales) * TYPE_SIZE / 72 * 96 >= 9


@pytest.mark.parametrize("scheme", SCHEMES)
def test_text_stands_out_from_its_ground(page: Any, scheme: str) -> None:
    _show(page, scheme=scheme)
    _open_all(page)
    contrasts = page.execute_script(_CONTRASTS)
    assert len(contrasts) > 100
    assert min(contrast for contrast, _ in contrasts) >= ENOUGH_CONTRAST, min(contrasts)


def test_by_night_the_page_is_dark_and_its_figures_are_turned_round(page: Any) -> None:
    ground = "return getComputedStyle(document.body).backgroundColor"
    ink = "return getComputedStyle(document.images[0]).filter"
    _show(page, scheme="light")
    assert page.execute_script(ground) == "rgb(255, 255, 255)"
    assert page.execute_script(ink) == "none"
    _show(page, scheme="dark")
    assert page.execute_script(ground) == "rgb(18, 22, 27)"
    assert "invert" in page.execute_script(ink)


_CONTRASTS = """
    // Relative luminance and contrast as WCAG 2.2 defines them.
    const channels = colour => colour.match(/[0-9.]+/g).map(Number);
    const luminance = colour => {
        const [red, green, blue] = channels(colour).slice(0, 3).map(value => value / 255).map(
            value => value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
    };
    const ground = element => {
        for (; element; element = element.parentElement) {
            const colour = getComputedStyle(element).backgroundColor;
            if ((channels(colour)[3] ?? 1) > 0) return colour;
        }
        return 'rgb(255, 255, 255)';
    };
    return [...document.querySelectorAll('body *')].filter(element =>
        element.checkVisibility() && [...element.childNodes].some(node => node.nodeType === 3 && node.data.trim())
    ).map(element => {
        const [one, other] = [luminance(getComputedStyle(element).color), luminance(ground(element))];
        return [(Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05), element.outerHTML.slice(0, 80)];
    })"""
