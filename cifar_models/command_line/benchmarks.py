"""``cifar-benchmarks``: runs ``python -m benchmarks`` of the checkout from which the package is installed.

Only ``cifar_models`` is installed, because another project may have a package called ``benchmarks``.
"""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

CHECKOUT = Path(__file__).parents[2]


def main() -> None:
    """Run the program in the checkout; exit with 2 if the package is installed without a checkout."""
    if not (CHECKOUT / "benchmarks" / "command_line" / "main.py").is_file():
        sys.stderr.write(
            f"cifar-benchmarks: found no checkout at {CHECKOUT}, expected an editable installation: pip install -e "
            f"CHECKOUT\n"
        )
        sys.exit(2)
    sys.path.insert(0, str(CHECKOUT))
    runpy.run_module("benchmarks", run_name="__main__", alter_sys=True)
