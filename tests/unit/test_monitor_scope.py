"""Sessions that come into scope and leave it: by age, by name, by what their process does."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from ccmon.monitor import OUTSIDE_SECONDS, REGISTRY_SECONDS, SCAN_SECONDS, Scope
from tests.homes import FIRST, NOW, SECOND, ConfigHome, messages, response
from tests.watched import Watched, register


@pytest.fixture
def home(tmp_path: Path) -> ConfigHome:
    return ConfigHome(tmp_path / "config")


def test_an_old_session_that_is_opened_comes_into_scope_and_stays(home: ConfigHome) -> None:
    home.write(response("msg_1"), mtime=NOW - 4_000_000)
    home.write(response("msg_2", session=SECOND), session=SECOND)
    face = Watched(home, Scope(live=True))
    assert face.shown() == [SECOND]
    face.monitor.open(FIRST)
    assert face.after(0.1)
    assert sorted(face.shown()) == [FIRST, SECOND]
    face.after(1e6)
    assert sorted(face.shown()) == [FIRST, SECOND]


def test_opening_what_is_not_there_changes_nothing(home: ConfigHome) -> None:
    home.write(response("msg_1"))
    face = Watched(home, Scope(live=True))
    face.monitor.open(SECOND)
    assert not face.after(0.1)
    assert face.shown() == [FIRST]


def test_a_session_that_is_cleared_ends_and_tells_which_one_follows(
    home: ConfigHome, client: subprocess.Popen[bytes]
) -> None:
    home.write(response("msg_1"))
    register(home, client.pid, status="idle")
    face = Watched(home, Scope(live=True))
    assert face.snapshot.sessions[0].went_on is None
    register(home, client.pid, SECOND, status="idle")
    assert face.after(REGISTRY_SECONDS)
    (before,) = face.snapshot.sessions
    assert (before.status, before.active, before.went_on) == ("ended", False, SECOND)
    register(home, client.pid, status="idle")
    assert face.after(REGISTRY_SECONDS)
    assert (face.snapshot.sessions[0].status, face.snapshot.sessions[0].went_on) == ("idle", None)


def test_sessions_leave_a_live_monitor_when_they_fall_out_of_scope(home: ConfigHome) -> None:
    path = home.write(response("msg_1"), mtime=NOW - 80_000)
    home.write(response("msg_2", session=SECOND), session=SECOND)
    face = Watched(home, Scope(live=True))
    assert sorted(face.shown()) == [FIRST, SECOND]
    face.after(6_390)
    assert sorted(face.shown()) == [FIRST, SECOND]
    face.after(SCAN_SECONDS)
    assert face.shown() == [SECOND]
    assert face.snapshot.progress.files_total == 1
    assert face.snapshot.totals.requests == 1
    home.write(response("msg_3"), mtime=face.now)
    face.monitor.touch([str(path)])
    face.after(OUTSIDE_SECONDS)
    assert sorted(face.shown()) == [FIRST, SECOND]
    assert sorted(messages(face.snapshot)) == ["msg_1", "msg_2", "msg_3"]


def test_sessions_leave_a_monitor_of_the_last_minutes(home: ConfigHome) -> None:
    home.write(response("msg_1"))
    face = Watched(home, Scope(since=600, live=True))
    assert face.shown() == [FIRST]
    face.after(700)
    assert face.shown() == []


def test_the_latest_session_stays_however_old_it_grows(home: ConfigHome) -> None:
    home.write(response("msg_1"), mtime=NOW - 10)
    home.write(response("msg_2", session=SECOND), session=SECOND)
    face = Watched(home, Scope(live=True))
    face.after(1e6)
    assert face.shown() == [SECOND]


@pytest.mark.parametrize("scope", [Scope(session=FIRST, live=True), Scope(everything=True)])
def test_what_was_asked_for_by_name_stays(home: ConfigHome, scope: Scope) -> None:
    home.write(response("msg_1"))
    home.write(response("msg_2", session=SECOND), session=SECOND)
    face = Watched(home, scope)
    before = face.shown()
    face.after(1e6)
    assert FIRST in before
    assert face.shown() == before


def test_a_session_that_leaves_is_still_read_for_the_copies_of_others(home: ConfigHome) -> None:
    home.write(response("msg_1"), response("msg_2"), mtime=NOW - 80_000)
    stamp = b'{"type":"queue-operation","timestamp":"2026-11-22T13:00:00.000Z"}\n'
    home.write(stamp, response("msg_1", session=SECOND), session=SECOND)
    home.write(response("msg_3", session=SECOND), session=SECOND)
    face = Watched(home, Scope(live=True))
    face.after(6_400 + SCAN_SECONDS)
    assert face.shown() == [SECOND]
    assert messages(face.snapshot) == ["msg_3"]
    assert face.snapshot.progress.files_total == 2


def test_files_out_of_scope_do_not_make_it_look_at_everything_each_time(
    home: ConfigHome, scans: list[float]
) -> None:
    home.write(response("msg_1"))
    other = home.write(response("msg_2", session=SECOND), session=SECOND)
    face = Watched(home, Scope(session=FIRST))
    for _ in range(20):
        face.monitor.touch([str(other)])
        face.after(0.5)
    assert [time - NOW for time in scans] == [0.0, OUTSIDE_SECONDS, 2 * OUTSIDE_SECONDS]
    assert face.shown() == [FIRST]


def test_what_was_folded_of_a_session_that_left_is_let_go(home: ConfigHome) -> None:
    home.write(response("msg_1"), mtime=NOW - 80_000)
    home.write(response("msg_2", session=SECOND), session=SECOND)
    face = Watched(home, Scope(live=True))
    kept = face.monitor._summaries._running
    assert kept.keys() == {FIRST, SECOND}
    face.after(6_400 + SCAN_SECONDS)
    assert kept.keys() == {SECOND}
    assert face.monitor._ledger.sessions.keys() == {SECOND}
