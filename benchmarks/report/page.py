"""Makes the page of a night: one HTML file without external references."""

from __future__ import annotations

from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined

from benchmarks.baselines.baseline import Baselines
from benchmarks.judging.night_results import read_night_results
from benchmarks.records.history import read_history
from benchmarks.report.content import PageContent, page_content
from benchmarks.report.published_section import comparable_runs, published_panels, published_section
from benchmarks.report.wording import SYMBOLS
from cifar_models.figures import style
from cifar_models.storage.files import write_whole

PAGE = "report.html"


def write_page(night: Path, baselines: Baselines, records: Path, folder: Path) -> Path:
    """Write a night's page and, as PNG files, the figures of the published comparison; return the page's path.

    Args:
        night: the night's folder; its history is read from the folders beside it.
        baselines: the night's baselines.
        records: the folder with the records of the baselines' runs.
        folder: the folder to write into, created if necessary.

    Raises:
        NightError: the night's folder is not a night's.
        OSError: the folder cannot be created or written.
    """
    results = read_night_results(night, baselines, records)
    history = read_history(night.resolve().parent, results.night.dataset, until=results.night.started)
    runs = comparable_runs(results, baselines, records)
    panels = published_panels(runs)
    page = render(page_content(results, history, published_section(runs, [*panels.values()])))
    folder.mkdir(parents=True, exist_ok=True)
    for name, panel in panels.items():
        write_whole(folder / f"published-{name}.png", style.to_png([panel]))
    path = folder / PAGE
    write_whole(path, page)
    return path


def render(page: PageContent) -> str:
    """Return the page as HTML, with all content escaped."""
    environment = Environment(
        loader=PackageLoader("benchmarks.report", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["slug"] = lambda word: word.replace(" ", "-")
    return environment.get_template("page.html.jinja").render(page=page, symbols=SYMBOLS)
