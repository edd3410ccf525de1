"""The Monitor when clocks are set, disks fail and homes come and go."""

from __future__ import annotations

import logging
import os
from pathlib import Path

import pytest

from ccmon.monitor import CLOSED_SECONDS, OUTSIDE_SECONDS, REGISTRY_SECONDS, Scope
from ccmon.settings import Settings
from tests.homes import SECOND, ConfigHome, messages, read, response
from tests.watched import Watched

DAY = 86_400.0


@pytest.fixture
def home(tmp_path: Path) -> ConfigHome:
    return ConfigHome(tmp_path / "config")


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """Errors by the ends of the paths that cannot be opened or listed."""
    broken: dict[str, int] = {}
    open_file, scan = os.open, os.scandir

    def check(path: object) -> None:
        for end, number in broken.items():
            if str(path).endswith(end):
                raise OSError(number, os.strerror(number))

    def opened(path: str, flags: int, mode: int = 0o777) -> int:
        check(path)
        return open_file(path, flags, mode)

    def scanned(path: str) -> object:
        check(path)
        return scan(path)

    monkeypatch.setattr(os, "open", opened)
    monkeypatch.setattr(os, "scandir", scanned)
    return broken


def test_a_clock_that_was_set_back_delays_nothing(home: ConfigHome) -> None:
    home.write(response("msg_1"))
    watched = Watched(home, Scope(everything=True))
    home.write(response("msg_2", session=SECOND), session=SECOND)
    assert watched.after(-DAY)
    assert sorted(messages(watched.snapshot)) == ["msg_1", "msg_2"]


def test_a_session_is_active_again_when_the_clock_is_set_back(home: ConfigHome) -> None:
    home.write(response("msg_1"))
    watched = Watched(home, Scope(everything=True), Settings(active_minutes=30))
    watched.after(DAY)
    assert not watched.active()
    watched.after(-DAY)
    assert watched.active()


def test_a_disk_that_works_again_is_noticed_without_any_event(
    home: ConfigHome, disk: dict[str, int]
) -> None:
    path = home.write(response("msg_1"))
    watched = Watched(home, Scope(everything=True))
    disk[path.name] = 5
    home.write(response("msg_2"))
    watched.monitor.touch([str(path)])
    watched.after(0)
    assert watched.snapshot.health.unreadable_files == 1
    assert messages(watched.snapshot) == ["msg_1"]
    disk.clear()
    watched.after(REGISTRY_SECONDS)
    assert watched.snapshot.health.unreadable_files == 0
    assert messages(watched.snapshot) == ["msg_1", "msg_2"]


def test_a_folder_that_can_be_listed_again_is_noticed_without_any_event(
    home: ConfigHome, disk: dict[str, int]
) -> None:
    path = home.write(response("msg_1"))
    disk[path.parent.name] = 13
    watched = Watched(home, Scope(everything=True))
    assert (watched.snapshot.health.unreadable_files, watched.shown()) == (1, [])
    disk.clear()
    watched.after(CLOSED_SECONDS)
    assert (watched.snapshot.health.unreadable_files, len(watched.shown())) == (0, 1)


def test_a_transcript_that_became_a_pipe_is_told_once_and_counts_no_more(home: ConfigHome) -> None:
    path = home.write(response("msg_1"))
    watched = Watched(home, Scope(everything=True))
    path.unlink()
    os.mkfifo(path)
    watched.monitor.touch([str(path)])
    watched.after(0)
    watched.after(OUTSIDE_SECONDS)
    assert (messages(watched.snapshot), watched.snapshot.health.unreadable_files) == ([], 1)


def test_whether_a_home_is_there_is_told_as_it_is_now(home: ConfigHome) -> None:
    monitor = home.monitor()
    assert not read(monitor).places[0].found
    path = home.write(response("msg_1"))
    monitor.touch([str(path)])
    assert read(monitor).places[0].found


def test_a_failure_is_logged_and_never_printed(
    home: ConfigHome, disk: dict[str, int], capfd: pytest.CaptureFixture[str]
) -> None:
    """A path may hold anything: nothing of it may reach the terminal."""
    path = home.write(response("msg_1"), session="\x1b]0;title\x07")
    disk[path.name] = 13
    logger = logging.getLogger("ccmon")
    root = logging.getLogger()
    kept, root.handlers = root.handlers, []
    try:
        assert read(home.monitor()).health.unreadable_files == 1
    finally:
        root.handlers = kept
    assert logger.handlers
    assert capfd.readouterr() == ("", "")
