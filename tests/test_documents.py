"""README.md, docs/ and baselines.json say what is true: links, paths, options, commands, tables and examples."""

from __future__ import annotations

import argparse
import configparser
import re
import shlex
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from benchmarks.baselines.baseline import SUGGESTED_RUNS
from benchmarks.baselines.baselines_file import read_baselines
from benchmarks.baselines.lookup import preferred_baseline
from benchmarks.baselines.published_entries import PUBLISHED
from benchmarks.command_line.main import PROGRAM as BENCHMARKS
from benchmarks.command_line.readme import generated
from benchmarks.documents.documents import BEGIN, documents, refresh
from benchmarks.night import exit_status
from benchmarks.records.night_folder import RECORDS, BaselineMark, read_night
from benchmarks.session.options import add_options
from cifar_models.command_line.main import PROGRAM as CIFAR_MODELS
from cifar_models.experiments import EXPERIMENTS, find_experiment, trained_by_nights
from cifar_models.results.run import Run
from tests.golden.plugin import pytest_addoption as add_golden_options

pytestmark = pytest.mark.unit

ROOT = Path(__file__).parent.parent
PAGES = {path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8") for path in documents(ROOT)}
TEXT = "\n".join(PAGES.values())
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PARSERS: dict[str, argparse.ArgumentParser] = {
    "python -m cifar_models": CIFAR_MODELS.parser(),
    "python -m benchmarks": BENCHMARKS.parser(),
}
_FENCE = re.compile(r"^ *```(\w*)\n(.*?)^ *```$", flags=re.MULTILINE | re.DOTALL)


class TestTheReadme:
    def test_it_is_a_screen_and_a_half(self) -> None:
        assert len(PAGES["README.md"].splitlines()) <= 120

    def test_it_links_to_every_kind_of_page(self) -> None:
        assert set(re.findall(r"\(docs/README.md#([a-z-]+)\)", PAGES["README.md"])) == {
            "how-to-guides",
            "reference",
            "explanation",
        }


def test_the_index_lists_every_page_in_docs() -> None:
    listed = set(re.findall(r"\]\(([^)]+)\)", PAGES["docs/README.md"]))
    assert {f"docs/{page}" for page in listed} == {name for name in PAGES if name.startswith("docs/")} - {
        "docs/README.md"
    }


@pytest.mark.parametrize("page", PAGES)
def test_every_link_resolves(page: str) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", _FENCE.sub("", PAGES[page])):
        if target.startswith(("http://", "https://")):
            continue
        name, _, anchor = target.partition("#")
        path = (ROOT / page).parent / name if name else ROOT / page
        assert path.exists(), f"{page}: the link to {target} leads nowhere"
        if anchor:
            assert anchor in _anchors(path.read_text(encoding="utf-8")), f"{page}: {target} is no heading"


def _anchors(text: str) -> set[str]:
    """Return what GitHub names the headings of a page."""
    headings = re.findall(r"^#+ (.*)$", _FENCE.sub("", text), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES)
def test_every_path_of_the_repository_exists(page: str) -> None:
    paths = re.findall(r"(?<![\w/.-])(?:cifar_models|benchmarks|tests|docs|\.github)/[\w./+-]*", PAGES[page])
    missing = [path for path in paths if not (ROOT / path.rstrip(".")).exists()]
    assert not missing


@pytest.fixture(scope="module")
def parts() -> dict[str, Callable[[], str]]:
    return generated(ROOT, ROOT / "baselines.json")[0]


@pytest.mark.parametrize("page", ["the-published-table.md", "why-transfer-learning-lost.md"])
def test_accuracies_in_a_text_are_those_of_its_tables(page: str) -> None:
    text = PAGES[f"docs/explanation/{page}"]
    generated = re.findall(r"<!-- \S+ written by .*?<!-- end of \S+ -->", text, flags=re.DOTALL)
    by_hand = text
    for part in generated:
        by_hand = by_hand.replace(part, "")
    number = re.compile(r"\b0\.\d{4}\b")
    assert set(number.findall(by_hand)) <= set(number.findall("".join(generated)))


class TestGeneratedParts:
    @pytest.mark.parametrize("page", PAGES)
    def test_they_are_up_to_date(self, page: str, parts: dict[str, Callable[[], str]]) -> None:
        assert refresh(PAGES[page], parts) == PAGES[page], "run: python -m benchmarks readme"

    def test_every_one_is_in_a_document(self, parts: dict[str, Callable[[], str]]) -> None:
        assert [name for name in parts if BEGIN.format(name) not in TEXT] == []

    @pytest.mark.parametrize("night", ["green-night", "red-night"])
    def test_the_example_nights_were_judged_by_the_baselines_as_they_are(self, night: str) -> None:
        record = read_night(ROOT / "docs" / "examples" / night)
        baselines = read_baselines(ROOT / "baselines.json")
        for name, mark in record.baselines.items():
            baseline = preferred_baseline(baselines, name, record.dataset)
            assert baseline is not None, name
            assert mark == BaselineMark.of(baseline), f"{name}: record {night} again, see CONTRIBUTING.md"

    def test_the_green_night_passes_and_the_red_one_does_not(self) -> None:
        green, red = (read_night(ROOT / "docs" / "examples" / name) for name in ("green-night", "red-night"))
        assert {verdict.experiment for verdict in green.verdicts} == {*trained_by_nights("synthetic")}
        assert {str(verdict.word) for verdict in green.verdicts} == {"pass"}
        assert {verdict.experiment for verdict in red.verdicts} == {"simple_cnn"}
        assert "regression" in {str(verdict.word) for verdict in red.verdicts}


def test_the_tutorial_edits_a_line_that_the_code_has() -> None:
    ((_, diff),) = [block for block in _FENCE.findall(PAGES["docs/tutorial.md"]) if block[0] == "diff"]
    name, old, new = (line[1:] for line in diff.splitlines())
    code = (ROOT / name.removeprefix("-- ")).read_text(encoding="utf-8")
    assert code.count(f"{old}\n") == 1
    compile(code.replace(old, new), name, "exec")


class _Declared:
    """Takes the place of pytest's parser, and of its groups."""

    def __init__(self) -> None:
        self.options: dict[str, object] = {}
        self.ini: dict[str, object] = {}

    def getgroup(self, *_: str) -> _Declared:
        return self

    def addoption(self, name: str, **attributes: object) -> None:
        self.options[name] = attributes.get("default")

    def addini(self, name: str, *_: str, default: object, **__: object) -> None:
        self.ini[name] = default


@pytest.fixture(scope="module")
def declared() -> _Declared:
    parser = _Declared()
    add_options(parser)  # type: ignore[arg-type]
    add_golden_options(parser)  # type: ignore[arg-type]
    return parser


def _rows(page: str, heading: str = "") -> dict[str, list[str]]:
    """Return the rows of a page's tables, or of those below a heading: the cells by the first one's code."""
    text = PAGES[page]
    if heading:
        text = re.split(r"^#+ ", text.partition(f"# {heading}\n")[2], maxsplit=1, flags=re.MULTILINE)[0]
    rows = [re.split(r"(?<!\\)\|", line)[1:-1] for line in text.splitlines() if line.startswith("| ")]
    cells = [[cell.strip().strip("`") for cell in row] for row in rows]
    return {row[0]: row[1:] for row in cells if row[0] and not re.fullmatch("-+", row[0])}


class TestTheOptionsOfPytest:
    def test_every_one_is_listed_and_no_other(self, declared: _Declared) -> None:
        listed = [re.split("[ =]", name)[0] for name in _rows("docs/reference/options.md") if name.startswith("--")]
        assert sorted(listed) == sorted(declared.options)

    def test_defaults_are_those_of_the_code(self, declared: _Declared) -> None:
        rows = _rows("docs/reference/options.md")
        for name, (_, default) in ((name, cells) for name, cells in rows.items() if name.startswith("--")):
            found = declared.options[re.split("[ =]", name)[0]]
            assert found is None or default == str(found), name

    def test_the_values_of_the_ini_file_are_those_of_the_code(self, declared: _Declared) -> None:
        rows = _rows("docs/reference/options.md", "Values of the ini file")
        assert {name: cells[1] for name, cells in rows.items() if name != "name"} == declared.ini

    def test_the_markers_are_those_of_the_project(self) -> None:
        markers = {text.partition(":")[0] for text in PROJECT["tool"]["pytest"]["ini_options"]["markers"]}
        assert _rows("docs/reference/options.md", "pytest's own options").keys() - {"marker"} == markers


def _subcommands(program: str) -> dict[str, argparse.ArgumentParser]:
    (action,) = (one for one in PARSERS[program]._actions if isinstance(one, argparse._SubParsersAction))
    return dict(action.choices)


class TestTheReference:
    @pytest.mark.parametrize("program", PARSERS)
    def test_every_command_is_listed_with_all_its_options(self, program: str) -> None:
        subcommands = _subcommands(program)
        section = PAGES["docs/reference/commands.md"].partition(f"\n## `{program}`\n")[2].partition("\n## ")[0]
        headings = re.findall(r"^### `(.*)`$", section, flags=re.MULTILINE)
        assert [heading.split()[0] for heading in headings] == [*subcommands]
        for heading in headings:
            actions = subcommands[heading.split()[0]]._actions
            options = {one.option_strings[-1]: one for one in actions if one.option_strings}
            rows = {name.split()[0]: cells for name, cells in _rows_below(section, heading).items()}
            assert rows.keys() == options.keys() - {"--help"}, f"{program} {heading}"
            for name, (text, default) in rows.items():
                assert options[name].required == text.endswith("required"), f"{program} {heading} {name}"
                if options[name].default not in (None, False, []):
                    assert default == str(options[name].default), f"{program} {heading} {name}"

    def test_the_exit_statuses_are_those_of_the_code(self) -> None:
        own = {value for name, value in vars(exit_status).items() if name.isupper() and isinstance(value, int)}
        assert {
            int(row) for row in _rows("docs/reference/exit-statuses.md", "`pytest -m benchmark`") if row.isdigit()
        } == own

    def test_every_experiment_is_named(self) -> None:
        assert _rows("docs/explanation/where-the-numbers-come-from.md", "The experiments").keys() - {"experiment"} == (
            EXPERIMENTS.keys()
        )

    def test_every_tox_environment_is_listed(self) -> None:
        listed = {name.removeprefix("tox -e ") for name in _rows("CONTRIBUTING.md") if name.startswith("tox ")}
        assert listed == _tox_environments()


def _rows_below(section: str, heading: str) -> dict[str, list[str]]:
    text = section.partition(f"### `{heading}`\n")[2].partition("\n### ")[0]
    rows = [re.split(r"(?<!\\)\|", line)[1:-1] for line in text.splitlines() if line.startswith("| `")]
    return {row[0].strip().strip("`"): [cell.strip().strip("`") for cell in row[1:]] for row in rows}


def _tox_environments() -> set[str]:
    tox = configparser.RawConfigParser()
    tox.read(ROOT / "tox.ini", encoding="utf-8")
    return {section.removeprefix("testenv:") for section in tox.sections() if section.startswith("testenv:")}


def _uses(start: str) -> Iterator[tuple[str, str, bool]]:
    """Yield page, text and whether it stands in a block of each use of a command, without what a shell takes off."""
    for page, text in PAGES.items():
        blocks = [content.replace("\\\n", " ") for language, content in _FENCE.findall(text) if not language]
        lines = [(line, True) for block in blocks for line in block.splitlines()]
        lines += [(line, False) for line in re.findall(r"`([^`\n]+)`", _FENCE.sub("", text))]
        for line, in_block in lines:
            for part in re.split(r"&&|;|\bdo\b|sh -c\s+'", line.split(" #")[0]):
                command = part.strip().removeprefix("$ ").removeprefix(".venv/bin/")
                if command == start or command.startswith(f"{start} "):
                    yield page, command, in_block


class TestCommandsShown:
    @pytest.mark.parametrize("program", PARSERS)
    def test_each_one_in_a_block_is_one_that_the_program_takes(self, program: str) -> None:
        commands = [command for _, command, in_block in _uses(program) if in_block]
        assert commands
        for command in commands:
            PARSERS[program].parse_args(shlex.split(command.removeprefix(program)))

    @pytest.mark.parametrize("program", PARSERS)
    def test_each_one_that_is_named_exists(self, program: str) -> None:
        names = {command.removeprefix(program).split()[0] for _, command, _ in _uses(program) if command != program}
        assert names <= _subcommands(program).keys()

    def test_each_environment_of_tox_exists(self) -> None:
        named = {name for _, command, _ in _uses("tox") if " -e " in command for name in command.split()[2].split(",")}
        assert named
        assert named <= _tox_environments()

    def test_each_marker_and_option_of_pytest_exists(self, declared: _Declared) -> None:
        markers = {text.partition(":")[0] for text in PROJECT["tool"]["pytest"]["ini_options"]["markers"]}
        others = {"--benchmark-autosave", "--junitxml", "--benchmark-json"}
        for page, command, _ in _uses("pytest"):
            found = set(re.findall(r"(?<= )-m (\w+)", command))
            assert found <= markers, f"{page}: {command}"
            options = set(re.findall(r"(?<= )--[a-z-]+", command))
            assert options <= declared.options.keys() | others, f"{page}: {command}"

    def test_baselines_are_measured_with_as_many_seeds_as_the_suite_suggests(self) -> None:
        counts = [re.search(r"--seeds (\d+)", command) for _, command, _ in _uses("pytest") if "--reason" in command]
        assert counts
        assert {count and int(count[1]) for count in counts} == {SUGGESTED_RUNS}

    def test_each_extra_exists(self) -> None:
        extras = {name for some in re.findall(r"'\.\[([\w,-]+)\]'", TEXT) for name in some.split(",")}
        assert extras
        assert extras <= PROJECT["project"]["optional-dependencies"].keys()

    def test_each_console_script_exists(self) -> None:
        scripts = set(re.findall(r"`(cifar-[a-z]+)`", TEXT))
        assert scripts == PROJECT["project"].get("scripts", {}).keys()


def test_what_nights_train_has_a_synthetic_baseline_and_every_published_one_its_numbers() -> None:
    baselines = read_baselines(ROOT / "baselines.json")
    assert {name.partition("+")[0] for name in baselines} <= EXPERIMENTS.keys()
    for name in trained_by_nights("synthetic"):
        assert len(baselines[name]["synthetic"]["measured"].seeds) >= 5, name
    for name in PUBLISHED:
        assert baselines[name]["cifar10"]["published"].metrics["accuracy"].tolerance > 0, name


def test_every_baseline_is_for_the_protocol_of_its_experiment() -> None:
    for name, datasets in read_baselines(ROOT / "baselines.json").items():
        for dataset, sources in datasets.items():
            for source, baseline in sources.items():
                protocol = find_experiment(name).protocol.fingerprint
                assert baseline.fingerprints.protocol == protocol, f"{name}, {dataset}, {source}: measure it anew"


def test_every_measured_baseline_is_what_its_recorded_runs_came_to() -> None:
    records = {file.name for file in (ROOT / RECORDS).iterdir()}
    for name, datasets in read_baselines(ROOT / "baselines.json").items():
        for dataset, sources in datasets.items():
            if "measured" not in sources:
                continue
            baseline = sources["measured"]
            files = [f"{name}.{dataset}.seed{seed}.json" for seed in baseline.seeds]
            assert records.issuperset(files), f"measure {name} on {dataset} anew with --update-baselines"
            runs = [Run.from_json((ROOT / RECORDS / file).read_text(encoding="utf-8")) for file in files]
            assert {run.fingerprints for run in runs} == {baseline.fingerprints}, f"{name}, {dataset}"
            assert all(run.protocol == find_experiment(name).protocol.values for run in runs), f"{name}, {dataset}"
            for metric, recorded in baseline.metrics.items():
                values = [round(getattr(run, metric), 6) for run in runs]
                assert values == recorded.values, f"{name}, {dataset}: measure anew with --update-baselines"
            records.difference_update(files)
    assert not records, "records of runs that no baseline was measured by"


def test_a_mark_without_an_end_or_of_an_unknown_part_is_an_error() -> None:
    for text in (f"{BEGIN.format('plan')}no end", f"{BEGIN.format('other')}<!-- end of other -->\n"):
        with pytest.raises(ValueError, match="expected the name of a part"):
            refresh(text, {"plan": lambda: "a plan"})
