"""An environment that venv and pip really build, without a network."""

from __future__ import annotations

import subprocess
import zipfile
from pathlib import Path

import pytest

from benchmarks.sides.environments import BuildError
from tests.benchmarks.sides.test_environments import Builder, builder

pytestmark = pytest.mark.integration

__all__ = ["builder"]


def make_wheel(folder: Path, *, size: int = 0) -> Path:
    """Write a package that pip installs without a network, with so many bytes of content."""
    wheel = folder / "tiny-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as file:
        file.writestr("tiny.py", "VALUE = 7\n" + "#" * size)
        file.writestr("tiny-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: tiny\nVersion: 1.0\n")
        file.writestr("tiny-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        file.writestr("tiny-1.0.dist-info/RECORD", "")
    return wheel


def test_venv_and_pip_build_one_that_runs(builder: Builder, tmp_path: Path) -> None:
    (builder.programs / "uv").unlink()
    builder.depend()
    wheel = make_wheel(tmp_path)
    python = builder.build(str(wheel))
    ended = subprocess.run([python, "-c", "import tiny; print(tiny.VALUE)"], capture_output=True, text=True, check=True)  # noqa: S603
    assert ended.stdout == "7\n"
    with pytest.raises(BuildError, match=r"cannot be built: .*no-such-file"):
        builder.build(str(tmp_path / "no-such-file-1.0-py3-none-any.whl"))
    assert builder.kept == [python.parent.parent.name]
