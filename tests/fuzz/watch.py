"""What must never come of reading a file, whatever it holds: an end that does not come, and code that is run."""

from __future__ import annotations

import signal
import sys
from typing import Any

HANG = 60  # seconds, for what takes milliseconds
CODE = frozenset(
    {
        *("ctypes.dlopen", "pickle.find_class", "shutil.rmtree", "socket.connect", "subprocess.Popen"),
        *("os.exec", "os.fork", "os.forkpty", "os.mkdir", "os.posix_spawn", "os.spawn", "os.remove", "os.system"),
    }
)
"""Python's audit events of what a file's code would do, or be made of; not those of code that is the package's own."""


class Hang(BaseException):
    """Raised if a reading does not end; not an Exception, which the reading could take for a damaged file."""


class Watch:
    """Watches over what is read within a ``with``: it must end, and none of these events may occur."""

    def __init__(self, events: frozenset[str] = CODE) -> None:
        self._events, self._seen, self._on = events, list[str](), False
        sys.addaudithook(self._audit)  # for good: Python takes none back
        signal.signal(signal.SIGALRM, self._hang)

    def __enter__(self) -> None:
        self._seen.clear()
        signal.setitimer(signal.ITIMER_REAL, HANG)
        self._on = True

    def __exit__(self, *_: object) -> None:
        self._on = False
        signal.setitimer(signal.ITIMER_REAL, 0)
        assert not self._seen, f"reading a file ran code: {self._seen}"

    def _audit(self, event: str, arguments: tuple[Any, ...]) -> None:
        if self._on and event in self._events:
            self._seen.append(f"{event}{arguments}"[:300])
            raise RuntimeError(f"{event} is not to happen while a file is read")

    def _hang(self, *_: object) -> None:
        raise Hang
