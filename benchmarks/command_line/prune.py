"""Removes old nights from a folder of nights; nothing else ever does.

    python -m benchmarks.prune --keep 90

says which nights would go, and removes none of them until ``--remove`` is added. The newest nights stay, by the time at
which they started, and so does every night that is running, and every folder whose record cannot be read.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

from benchmarks.records.night_folder import NightFolder, damaged_nights, newest_first, remove_half_removed
from cifar_models.results.run_files import record_name
from cifar_models.storage.files import user_path


def prune(run_dir: Path, *, keep: int, remove: bool) -> Iterator[str]:
    """Remove all but the newest nights; yield a line for each that goes or is left for another reason than its age.

    Args:
        run_dir: the folder of nights.
        keep: how many nights stay, 1 or more.
        remove: False to say what would go, and remove nothing.

    Raises:
        OSError: a night cannot be removed; those named before it are gone.
    """
    if remove:
        remove_half_removed(run_dir)
    for error in damaged_nights(run_dir):
        yield f"left alone: {error}"
    every_night = newest_first(run_dir)
    gone = 0
    for path, record in reversed(every_night[keep:]):
        folder = NightFolder.take(path)
        if folder is None:
            yield f"left alone: {path}: it is running"
            continue
        runs = len(list(path.glob(record_name("*", "*", "*"))))
        if remove:
            folder.remove()
        else:
            folder.close()
        gone += 1
        unfinished = "" if record.ended else ", interrupted"
        yield f"{'removed' if remove else 'would be removed'}: {path} ({record.dataset}, {runs} runs{unfinished})"
    ending = "" if remove or not gone else "; add --remove to remove them"
    yield f"{gone} of {len(every_night)} nights {'removed' if remove else 'would be removed'}{ending}"


def main() -> None:
    """Prune, and say so."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--keep", type=int, required=True, metavar="N", help="how many of the newest nights stay")
    parser.add_argument(
        "--run-dir",
        type=user_path,
        default=Path("runs"),
        metavar="DIR",
        help="the folder of nights (default: %(default)s)",
    )
    parser.add_argument("--remove", action="store_true", help="remove them; without it they are only named")
    arguments = parser.parse_args()
    if arguments.keep < 1:
        parser.error(f"--keep: found {arguments.keep}, expected 1 or more")
    if not arguments.run_dir.is_dir():
        parser.error(f"--run-dir: found no folder {arguments.run_dir}, expected one of nights")
    try:
        for line in prune(arguments.run_dir, keep=arguments.keep, remove=arguments.remove):
            sys.stdout.write(f"{line}\n")
    except OSError as error:
        sys.exit(f"{parser.prog}: {error}; expected nights that can be removed")


if __name__ == "__main__":
    main()
