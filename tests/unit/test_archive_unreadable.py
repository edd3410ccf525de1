"""What may not be read is counted, and all the rest is summed up."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ccmon.history import scan
from ccmon.history.scan import read_on
from ccmon.history.seen import Seen
from ccmon.past import Query
from tests.archives import archive_of, at, caught_up, read_once
from tests.homes import SECOND, ConfigHome


@pytest.fixture
def home(tmp_path: Path) -> ConfigHome:
    return ConfigHome(tmp_path / "home")


def test_a_file_that_may_not_be_read_is_counted_and_the_others_count(
    home: ConfigHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    home.write(at("2026-11-20T09:00:00Z", "m1"))
    home.write(at("2026-11-20T09:00:00Z", "m2", SECOND), session=SECOND)
    real = read_on

    def refuse(seen: Seen, limit: int = 0) -> bool:
        if SECOND in seen.path:
            raise PermissionError(13, "Permission denied", seen.path)
        return real(seen, limit)

    monkeypatch.setattr(scan, "read_on", refuse)
    history, rows = read_once(home.path)
    assert ([row[0] for row in rows], history.kept.unreadable_files) == (["m1"], 1)


def test_a_folder_that_may_not_be_entered_is_counted_and_the_others_count(
    home: ConfigHome, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home.write(at("2026-11-20T09:00:00Z", "m1"))
    shut = home.write(at("2026-11-20T09:00:00Z", "m2", SECOND), session=SECOND, project="-shut")
    real = os.scandir

    def refuse(folder: str) -> object:
        if folder == str(shut.parent):
            raise PermissionError(13, "Permission denied", folder)
        return real(folder)

    archive = archive_of(home.path, folder=tmp_path / "cache")
    with monkeypatch.context() as patched:
        patched.setattr(os, "scandir", refuse)
        history = caught_up(archive).history(Query())
    assert (history.totals.requests, history.kept.unreadable_files) == (1, 1)
    history = caught_up(archive).history(Query())
    assert (history.totals.requests, history.kept.unreadable_files) == (2, 0)
