"""Real disks that fill, and real folders that cannot be written, by mounting, which only root may do."""

from __future__ import annotations

import ctypes
import resource
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

_CAPABILITY_VERSION = 0x20080522  # as in linux/capability.h


def _mount(*arguments: str) -> None:
    subprocess.run(["mount", *arguments], check=True)  # noqa: S603, S607 - our own words


class Disk:
    """A small disk, mounted on a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def resize(self, size: str) -> None:
        _mount("-o", f"remount,size={size}", str(self.folder))

    def make_read_only(self) -> None:
        _mount("-o", "remount,ro", str(self.folder))


@contextmanager
def disk(folder: Path, size: str) -> Iterator[Disk]:
    """Mount an empty disk of that size, such as ``64k``, on a folder."""
    folder.mkdir(exist_ok=True)
    try:
        _mount("-t", "tmpfs", "-o", f"size={size}", "none", str(folder))
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"no disk can be mounted here, which takes root's rights: {error}")
    try:
        yield Disk(folder)
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)  # noqa: S603, S607 - our own words


def limit_file_size() -> None:
    """Let this process write no file of more than two kibibytes, as a quota does."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (2048, 2048))


def give_up_root() -> None:
    """Take all capabilities from this process, so that a folder's permissions hold for root too; see capset(2)."""
    header, none = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION, 0), (ctypes.c_uint32 * 6)()
    if ctypes.CDLL(None, use_errno=True).capset(header, none):
        raise OSError(ctypes.get_errno(), "capset")
