"""The option that stores trajectories again, tested by whole pytest sessions within this one."""

from __future__ import annotations

import dataclasses

import keras  # noqa: F401 - pytester forgets all modules that a session loads, and TensorFlow must not load twice
import pytest

from tests.golden import trajectory
from tests.golden.test_trajectory import STORED
from tests.golden.trajectory import Stored, read_trajectories, write_trajectories

pytestmark = pytest.mark.integration


def test_an_update_keeps_the_others_says_old_and_new_and_is_not_green(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = pytester.path / "stored.json"
    write_trajectories({name: Stored(STORED, "2025-01-31", f"why {name}", {}) for name in ("a", "b")}, path)
    monkeypatch.setattr(trajectory, "STORED", path)
    monkeypatch.setattr(trajectory, "read_trajectories", lambda: read_trajectories(path))
    monkeypatch.setattr(trajectory, "write_trajectories", lambda stored: write_trajectories(stored, path))
    new = dataclasses.replace(STORED, losses=[3.0, 2.0, 1.0])
    pytester.makeconftest('pytest_plugins = ["tests.golden.plugin"]')
    monkeypatch.setattr(trajectory, "STANDIN", new, raising=False)
    pytester.makepyfile(
        "from tests.golden import plugin, trajectory\n"
        "def test(request): request.config.stash[plugin.FOUND]['a'] = trajectory.STANDIN\n"
    )
    run = ("-p", "no:cacheprovider", "-W", "ignore:Module already imported:pytest.PytestAssertRewriteWarning")
    result = pytester.runpytest_inprocess(*run, "--update-golden", " ")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: --update-golden: found no reason, expected why *"])
    result = pytester.runpytest_inprocess(*run, "-p", "xdist", "-n", "1", "--update-golden", "a reason")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: --update-golden: found workers of pytest-xdist, expected one process; *"])
    written = path.read_text(encoding="utf-8")
    path.write_text('{"format": 1}', encoding="utf-8")
    result = pytester.runpytest_inprocess(*run, "--update-golden", "a reason")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: --update-golden: *stored.json: format: found 1, expected 3; delete it and *"])
    path.write_text(written, encoding="utf-8")
    result = pytester.runpytest_inprocess(*run, "--update-golden", "a reason")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["*= golden trajectories =*", "a: losses 3 to 1, before 2 to 1"])
    stored = read_trajectories(path)
    assert {name: (each.trajectory, each.reason) for name, each in stored.items()} == {
        "a": (new, "a reason"),
        "b": (STORED, "why b"),
    }
