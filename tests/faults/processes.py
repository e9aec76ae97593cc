"""Processes that start quickly: forked off one that has imported what takes long, and has done nothing else."""

from __future__ import annotations

import gc
import multiprocessing
import os
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path

_SLOW_IMPORTS = ("pytest", "tensorflow", "keras", "sklearn.metrics", "scipy.stats", "filelock")


class Process:
    """pytest in a process, a session and a process group of its own.

    Args:
        arguments: pytest's.
        cwd: the folder that it runs in, and imports from.
        environment: all its variables.
        prepare: a module's function to call in the new process before all else.
    """

    def __init__(
        self,
        arguments: Sequence[str],
        *,
        cwd: Path,
        environment: Mapping[str, str],
        prepare: Callable[[], object] | None,
    ) -> None:
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(list(_SLOW_IMPORTS))
        # Not into a file, whose size a fault may limit.
        self._output, output = context.Pipe(duplex=False)
        self._process = context.Process(target=_run, args=(arguments, cwd, dict(environment), prepare, output))
        self._process.start()
        output.close()

    @property
    def runs(self) -> bool:
        return self._process.is_alive()

    def send_signal(self, number: signal.Signals, *, to_all: bool = False) -> None:
        """Send a signal to the process alone, or to its whole group; to what has ended, nothing is sent."""
        assert self._process.pid is not None
        with suppress(ProcessLookupError):
            (os.killpg if to_all else os.kill)(self._process.pid, number)

    def wait(self, seconds: float) -> tuple[int | None, str]:
        """Return the exit status, below 0 the signal that killed it and None while it runs, and all output."""
        deadline = time.monotonic() + seconds
        output = b""
        while self._output.poll(max(0.0, deadline - time.monotonic())):
            if not (some := os.read(self._output.fileno(), 2**16)):
                break
            output += some
        self._process.join(max(0.0, deadline - time.monotonic()))
        return self._process.exitcode, output.decode()


def react_to_interrupts() -> None:
    """Undo what a shell does to processes that it starts in the background: they and their children ignore Ctrl-C."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


def _run(
    arguments: Sequence[str],
    cwd: Path,
    environment: dict[str, str],
    prepare: Callable[[], object] | None,
    output: Connection,
) -> None:
    os.setsid()
    react_to_interrupts()
    for stream in (1, 2):
        os.dup2(output.fileno(), stream)
    output.close()
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(environment)
    sys.path.insert(0, str(cwd))  # as python -m does
    if prepare is not None:
        prepare()
    import pytest

    gc.freeze()  # pytest collects garbage as it ends, and walks over all that TensorFlow has imported
    sys.exit(int(pytest.main(list(arguments))))
