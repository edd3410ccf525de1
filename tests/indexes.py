"""Indexes of a corpus: what is right of them, and what they warn of."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from ccmon.history import scan
from ccmon.history.archive import Archive
from ccmon.history.seen import Seen
from ccmon.past import Query
from tests.archives import Row, caught_up, read_once, rows_of
from tests.homes import CORPUS

HOME = CORPUS / "resume"
"""Sessions that copy from each other: what is accounted wrongly shows at once."""
OTHER = CORPUS / "subagents"


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def nothing_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(seen: Seen, limit: int = 0) -> bool:
        raise AssertionError(f"{seen.path} was read again")

    monkeypatch.setattr(scan, "read_on", refuse)


def settled(cache: Path, expected: list[Row], monkeypatch: pytest.MonkeyPatch) -> str:
    """Everything is right, and is kept for the next run; what the first one warns of."""
    first, rows = read_once(HOME, folder=cache)
    assert rows == expected
    nothing_is_read(monkeypatch)
    again, rows = read_once(HOME, folder=cache)
    assert (rows, again.warning) == (expected, "")
    return first.warning


def warned(archive: Archive, expected: list[Row]) -> str:
    """The warning of an archive whose totals are right all the same."""
    assert rows_of(caught_up(archive)) == expected
    warning = archive.history(Query()).warning
    archive.close()
    return warning
