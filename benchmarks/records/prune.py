"""Removes old nights from a folder of nights.

The newest nights are kept, and so are nights that are running and folders without a readable record.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from benchmarks.records.night_folder import NightFolder, damaged_nights, newest_first, remove_half_removed
from cifar_models.results.run_files import record_name


def prune(run_dir: Path, *, keep: int, remove: bool) -> Iterator[str]:
    """Remove all but the newest nights; yield a line for each other night, and a summary.

    Args:
        run_dir: the folder of nights.
        keep: number of nights to keep, 1 or more.
        remove: whether to remove the nights; False only lists them.

    Raises:
        OSError: a night cannot be removed; the nights of earlier lines are removed.
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
