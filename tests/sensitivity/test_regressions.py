"""The table of regressions fits the code, which is checked on every commit, so that a change of code updates it."""

from __future__ import annotations

import ast
import shutil
from pathlib import Path

import pytest

from tests.sensitivity.regressions import REGRESSIONS, Regression

pytestmark = pytest.mark.unit

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("regression", REGRESSIONS, ids=lambda regression: regression.name)
class TestEachRegression:
    def test_it_edits_one_place_and_what_comes_out_is_python(self, regression: Regression, tmp_path: Path) -> None:
        edited = tmp_path / regression.file
        edited.parent.mkdir(parents=True)
        shutil.copy(ROOT / regression.file, edited)
        regression.apply(tmp_path)
        assert ast.dump(ast.parse(edited.read_text())) != ast.dump(ast.parse((ROOT / regression.file).read_text()))

    def test_the_check_that_is_to_catch_it_exists(self, regression: Regression) -> None:
        file, *names = regression.unit.split("::")
        body = ast.parse((ROOT / file).read_text()).body
        for name in names:
            found = [node for node in body if isinstance(node, ast.ClassDef | ast.FunctionDef) and node.name == name]
            assert found, f"{file} has no {name}: name the test that catches {regression.name!r} now"
            body = found[0].body


def test_no_regression_is_listed_twice() -> None:
    assert len({regression.name for regression in REGRESSIONS}) == len(REGRESSIONS)
    assert len({(regression.file, regression.old, regression.new) for regression in REGRESSIONS}) == len(REGRESSIONS)


@pytest.mark.parametrize(("text", "count"), [("a = 1\n", 0), ("a = 2\na = 2\n", 2)])
def test_a_text_that_is_not_there_exactly_once_is_refused(tmp_path: Path, text: str, count: int) -> None:
    (tmp_path / "source.py").write_text(text)
    with pytest.raises(ValueError, match=f"a slip: found {count} places in source.py that read 'a = 2', expected one"):
        Regression("a slip", "source.py", "a = 2", "a = 3", "").apply(tmp_path)
    assert (tmp_path / "source.py").read_text() == text
