"""What lies below the config homes, by name and stamp, and what of it has changed."""

import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from msgspec import Struct

Stamp = tuple[int, int]
"""Modification time in nanoseconds, and size in bytes."""

_DEPTH = 20


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


def _look(folder: str, found: Survey, stopped: Callable[[], bool], depth: int) -> None:
    if stopped() or not depth or (stamp := stamp_of(folder)) is None:
        return
    try:
        with os.scandir(folder) as listed:
            entries = list(listed)
    except OSError:
        return
    found.folders[folder] = stamp
    for entry in entries:
        try:
            if entry.is_dir(follow_symlinks=depth >= _DEPTH):
                _look(entry.path, found, stopped, depth - 1)
            elif is_wanted(entry.path):
                info = entry.stat()
                found.files[entry.path] = (info.st_mtime_ns, info.st_size)
        except OSError:
            continue


def stamp_of(path: str) -> Stamp | None:
    """The stamp of a file or folder, None if there is none."""
    try:
        info = Path(path).stat()
    except OSError:
        return None
    return info.st_mtime_ns, info.st_size


def newest(stamps: dict[str, Stamp], count: int) -> Sequence[str]:
    """The paths changed last, at most ``count``."""
    if len(stamps) <= count:
        return list(stamps)
    return sorted(stamps, key=lambda path: stamps[path], reverse=True)[:count]
