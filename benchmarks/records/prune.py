"""Removes old nights from a folder of nights; nothing else ever does.

The newest nights stay, by the time at which they started. So does every night that is running, and every folder whose
record cannot be read.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from benchmarks.records.night_folder import NightFolder, damaged_nights, newest_first, remove_half_removed
from cifar_models.results.run_files import record_name


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
