"""From a night's folder to the page: one HTML file that needs nothing but itself."""

from __future__ import annotations

from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined

from benchmarks.baselines.baselines import Baselines
from benchmarks.records.history import read_history
from benchmarks.records.night_results import read_night_results
from benchmarks.report.content import VERDICT_HEADERS, PageContent, page_content
from benchmarks.report.published_comparison import comparable_runs, pictures, published_comparison
from benchmarks.report.wording import SYMBOLS
from cifar_models.figures import drawings as figures
from cifar_models.storage.files import write_whole

PAGE = "report.html"


def write_report(night: Path, baselines: Baselines, records: Path, folder: Path) -> Path:
    """Write a night's page, and the published comparison's figures beside it as PNG files.

    Args:
        night: its folder, in the folder of nights that its history is read from.
        baselines: that the night was held against.
        records: the folder with the records of the baselines' own runs.
        folder: to write into; it is made if need be.

    Returns:
        The page's path.

    Raises:
        NightError: the night's folder holds no night.
        OSError: the folder cannot be made or written.
    """
    results = read_night_results(night, baselines, records)
    history = read_history(night.resolve().parent, results.night.dataset, until=results.night.started)
    comparable = comparable_runs(results, baselines, records)
    page = render(page_content(results, history, published_comparison(comparable)))
    folder.mkdir(parents=True, exist_ok=True)
    for name, picture in pictures(comparable).items():
        write_whole(folder / f"published-{name}.png", figures.to_png(picture.figure))
    path = folder / PAGE
    write_whole(path, page)
    return path


def render(page: PageContent) -> str:
    """Return the page as HTML; whatever the content says is text, never markup."""
    environment = Environment(
        loader=PackageLoader("benchmarks.report", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["slug"] = lambda word: word.replace(" ", "-")
    template = environment.get_template("page.html.jinja")
    return template.render(page=page, symbols=SYMBOLS, verdict_headers=VERDICT_HEADERS)
