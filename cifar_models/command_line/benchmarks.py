"""``cifar-benchmarks``: ``python -m benchmarks`` of the checkout that the package is installed from.

The package alone is installed: another project may have a ``benchmarks`` of its own.
"""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

CHECKOUT = Path(__file__).parents[2]


def main() -> None:
    """Run the command line of the checkout; exit with 2 where the package is installed without one."""
    if not (CHECKOUT / "benchmarks" / "command_line" / "main.py").is_file():
        sys.exit(_fail(f"found no checkout at {CHECKOUT}, expected an editable installation: pip install -e CHECKOUT"))
    sys.path.insert(0, str(CHECKOUT))
    runpy.run_module("benchmarks", run_name="__main__", alter_sys=True)


def _fail(message: str) -> int:
    sys.stderr.write(f"cifar-benchmarks: {message}\n")
    return 2
