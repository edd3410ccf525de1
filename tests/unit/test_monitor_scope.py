"""Sessions beside the scope: opened by name, and followed when their process goes on."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from ccmon.monitor import REGISTRY_SECONDS, Scope
from tests.homes import FIRST, NOW, SECOND, ConfigHome, response
from tests.unit.test_monitor import Watched, register


@pytest.fixture
def home(tmp_path: Path) -> ConfigHome:
    return ConfigHome(tmp_path / "config")


@pytest.fixture
def client() -> Iterator[subprocess.Popen[bytes]]:
    """A process that does nothing until it is killed."""
    with subprocess.Popen(["sleep", "60"]) as process:
        yield process
        process.kill()


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
