"""What lies below the config homes, by name and stamp, and what of it has changed."""

import os
import time
from collections.abc import Callable, Container, Iterable, Sequence

from msgspec import Struct

Stamp = tuple[int, int]
"""Modification time in nanoseconds, and size in bytes."""

_DEPTH = 20

_SETTLED_NS = 2_000_000_000
_UNSETTLED: Stamp = (0, 0)
"""Stamp of a folder that has just changed: it may change again within the same tick."""


class Survey(Struct):
    """Files and folders with their stamps, as last seen."""

    files: dict[str, Stamp] = {}
    folders: dict[str, Stamp] = {}


def is_wanted(path: str) -> bool:
    """Whether a file is one that ccmon reads: transcript, agent description, registry."""
    if path.endswith((".jsonl", ".meta.json")):
        return True
    folder, _, name = path.rpartition("/")
    return name.endswith(".json") and name[:-5].isdecimal() and folder.endswith("/sessions")


def survey(roots: Iterable[str], stopped: Callable[[], bool] = bool) -> Survey:
    """Looks through whole folders; ends early, with what it has, when told to stop."""
    found = Survey({}, {})
    for root in roots:
        _look(root, found, stopped, _DEPTH)
    return found


def renewed(known: Survey, roots: Iterable[str], stopped: Callable[[], bool] = bool) -> Survey:
    """The same folders as they are now. Only folders that have changed are listed again."""
    found = Survey({}, {})
    changed = [root for root in roots if root not in known.folders]
    for folder, stamp in known.folders.items():
        if (now := stamp_of(folder)) == stamp:
            found.folders[folder] = stamp
        elif now:
            changed.append(folder)
    for path in known.files:
        if stopped():
            break
        if now := stamp_of(path):
            found.files[path] = now
    for folder in changed:
        _look(folder, found, stopped, _DEPTH, known.folders)
    return found


def _look(
    folder: str,
    found: Survey,
    stopped: Callable[[], bool],
    depth: int,
    known: Container[str] = (),
) -> None:
    """Adds a folder and what is below it, but for the folders below that are known."""
    if stopped() or not depth or (stamp := stamp_of(folder)) is None:
        return
    try:
        with os.scandir(folder) as listed:
            entries = list(listed)
    except OSError:
        # Perhaps only for now: to be listed again.
        found.folders[folder] = _UNSETTLED
        return
    is_settled = time.time_ns() - stamp[0] > _SETTLED_NS
    found.folders[folder] = stamp if is_settled else _UNSETTLED
    for entry in entries:
        try:
            if entry.is_dir(follow_symlinks=depth >= _DEPTH):
                if entry.path not in known:
                    _look(entry.path, found, stopped, depth - 1, known)
            elif is_wanted(entry.path):
                info = entry.stat()
                found.files[entry.path] = (info.st_mtime_ns, info.st_size)
        except OSError:
            continue


def stamp_of(path: str) -> Stamp | None:
    """The stamp of a file or folder, None if there is none."""
    try:
        info = os.stat(path)  # noqa: PTH116  Path.stat takes twice as long; this is for thousands
    except OSError:
        return None
    return info.st_mtime_ns, info.st_size


def newest(stamps: dict[str, Stamp], count: int) -> Sequence[str]:
    """The paths changed last, at most ``count``."""
    if len(stamps) <= count:
        return list(stamps)
    return sorted(stamps, key=lambda path: stamps[path], reverse=True)[:count]
