"""The option that stores golden trajectories again; such a session compares nothing and never passes."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING

import pytest
from _pytest.terminal import TerminalReporter

if TYPE_CHECKING:
    # They load scikit-learn, and pytest-xdist's controller does without.
    from tests.golden.trajectory import Trajectories, Trajectory

FOUND: pytest.StashKey[dict[str, Trajectory]] = pytest.StashKey()
BEFORE: pytest.StashKey[Trajectories] = pytest.StashKey()
WRITTEN: pytest.StashKey[str] = pytest.StashKey()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the option."""
    parser.getgroup("cifar").addoption(
        "--update-golden",
        metavar="REASON",
        help="store the golden trajectories of the selected tests again, for this reason; compare nothing, exit with 1",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Check the option before anything is computed.

    Raises:
        pytest.UsageError: the reason is empty, pytest-xdist distributes the tests, or the stored file cannot be read.
    """
    reason = config.getoption("update_golden")
    if reason is not None and not reason.strip():
        raise pytest.UsageError("--update-golden: found no reason, expected why the trajectories change")
    if reason is not None and config.getoption("dist", "no") != "no":
        raise pytest.UsageError("--update-golden: found workers of pytest-xdist, expected one process; leave out -n")
    if reason is not None:
        from tests.golden.trajectory import STORED, read_trajectories

        try:
            config.stash[BEFORE] = read_trajectories() if STORED.exists() else {}
        except (OSError, ValueError) as error:
            raise pytest.UsageError(f"--update-golden: {error}") from None
    config.stash[FOUND] = {}


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Write the computed trajectories if the option was given."""
    config = session.config
    reason, found = config.getoption("update_golden"), config.stash.get(FOUND, {})
    if reason is None:
        return
    from cifar_models.results.environment import describe_environment
    from tests.golden.trajectory import Stored, write_trajectories

    if found:
        stored = config.stash[BEFORE]
        day, packages = datetime.datetime.now(tz=datetime.UTC).date().isoformat(), describe_environment().packages
        lines = []
        for name, trajectory in found.items():
            former = stored[name].trajectory if name in stored else None
            before = f"{former.losses[0]:.6g} to {former.losses[-1]:.6g}" if former else "nothing"
            lines.append(f"{name}: losses {trajectory.losses[0]:.6g} to {trajectory.losses[-1]:.6g}, before {before}")
            stored[name] = Stored(trajectory, day, reason.strip(), packages)
        write_trajectories(stored)
        config.stash[WRITTEN] = "\n".join(lines)
    session.exitstatus = session.exitstatus or pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: TerminalReporter, config: pytest.Config) -> None:
    """Print what was written."""
    if config.getoption("update_golden") is not None:
        terminalreporter.write_sep("=", "golden trajectories")
        terminalreporter.write_line(config.stash.get(WRITTEN, "nothing was computed, and nothing was written"))
