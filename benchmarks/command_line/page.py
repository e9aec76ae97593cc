"""Makes a kept night's page again: ``python -m benchmarks.page NIGHT_FOLDER``."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from benchmarks.baselines.baselines import BaselineError, read_baselines
from benchmarks.records.night_folder import RECORDS, NightError
from benchmarks.report.page import PAGE, write_report
from cifar_models.storage.files import user_path


def main() -> None:
    """Write the page of the night that the command line names, and say where it is."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.page", description="Make the page of a kept night.")
    parser.add_argument("night", type=user_path, metavar="NIGHT_FOLDER", help="such as runs/2026-01-31T02-00-00Z")
    parser.add_argument("--baselines", type=user_path, default=Path("baselines.json"), metavar="FILE")
    parser.add_argument(
        "--report-dir",
        type=user_path,
        metavar="DIR",
        help=f"where to write {PAGE} and PNG files (default: NIGHT_FOLDER)",
    )
    arguments = parser.parse_args()
    try:
        path = write_report(
            arguments.night,
            read_baselines(arguments.baselines),
            arguments.baselines.parent / RECORDS,
            arguments.report_dir or arguments.night,
        )
    except (BaselineError, NightError, OSError) as error:
        parser.exit(1, f"{parser.prog}: {error}\n")
    sys.stdout.write(f"report: {path}\n")


if __name__ == "__main__":
    main()
