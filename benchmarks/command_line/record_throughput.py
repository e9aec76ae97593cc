"""Makes baselines of speeds.

    python -m benchmarks.record_throughput --reason 'why it changed' .benchmarks/*/*.json

takes the results that pytest-benchmark has saved, one file a repetition.
"""

from __future__ import annotations

import argparse
import datetime
import json
import sys
from dataclasses import asdict
from pathlib import Path

from benchmarks.baselines.baselines import updating
from benchmarks.throughput.speeds import SECTION, measured_speed, read_saved, read_throughput
from cifar_models.storage.files import user_path, write_whole
from cifar_models.storage.strict_json import parse_json, to_json


def main() -> None:
    """Write the baselines that saved results give into baselines.json; leave the others as they are."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.record_throughput",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "results", nargs="+", type=user_path, help="files that pytest-benchmark saved, one a repetition"
    )
    parser.add_argument("--reason", required=True, help="why the baselines change, kept with them")
    parser.add_argument("--baselines", type=user_path, default=Path("baselines.json"), metavar="FILE")
    arguments = parser.parse_args()
    try:
        saved = read_saved(json.loads(path.read_text(encoding="utf-8")) for path in arguments.results)
        with updating(arguments.baselines):
            lines = _record(arguments.baselines, saved, arguments.reason)
    except (OSError, ValueError) as error:
        parser.error(str(error))
    sys.stdout.write("".join(f"{line}\n" for line in lines))


def _record(path: Path, saved: dict[tuple[str, str, str], list[float]], reason: str) -> list[str]:
    """Write the speeds; return a line for each, old and new."""
    content = parse_json(path.read_text(encoding="utf-8"))
    throughput = read_throughput(content.get(SECTION, {}))
    day = datetime.datetime.now(tz=datetime.UTC).date()
    lines = []
    for (device, experiment, figure), ratios in saved.items():
        figures = throughput.setdefault(device, {}).setdefault(experiment, {})
        before, speed = figures.get(figure), measured_speed(ratios, reason=reason, day=day)
        figures[figure] = speed
        old = f"{before.mean:.4g} within {before.tolerance:.2f}" if before else "none"
        lines.append(f"{device} {experiment} {figure}: {old} -> {speed.mean:.4g} within {speed.tolerance:.2f}")
    content[SECTION] = {
        device: {name: {figure: asdict(speed) for figure, speed in some.items()} for name, some in experiments.items()}
        for device, experiments in throughput.items()
    }
    write_whole(path, to_json(content))
    return lines


if __name__ == "__main__":
    main()
