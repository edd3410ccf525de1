"""The Monitor picks up what the status line was told, and what wins over what."""

import os
from pathlib import Path

import pytest

from ccmon.monitor import Monitor, Scope
from ccmon.reported import keep
from ccmon.settings import Settings
from ccmon.snapshot import Limit, Reported, Session
from ccmon.transcripts.locate import config_homes
from tests.homes import FIRST, NOW, ConfigHome, read, response

ANSWERED = 1_795_348_800.0
"""When the responses of these tests came."""


@pytest.fixture
def home(config_home: Path) -> ConfigHome:
    home = ConfigHome(config_home)
    home.write(response("msg_1", read=50_000), response("msg_2", read=60_000))
    return home


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "cache" / "statusline"


def monitor(home: ConfigHome, folder: Path, settings: Settings | None = None) -> Monitor:
    homes = config_homes([str(home.path)], {}, home.path)
    scope = Scope(everything=True)
    return Monitor(homes, settings or Settings(), scope, clock=lambda: NOW, reports=folder)


def shown(home: ConfigHome, folder: Path, settings: Settings | None = None) -> Session:
    (session,) = read(monitor(home, folder, settings)).sessions
    return session


def test_the_exact_window_comes_from_the_client(home: ConfigHome, folder: Path) -> None:
    keep(folder, FIRST, Reported(NOW, window=500_000))
    context = shown(home, folder).context
    assert context is not None
    assert (context.window, context.window_source) == (500_000, "statusline")
    assert context.fill == context.tokens / 500_000


def test_the_users_own_window_still_wins(home: ConfigHome, folder: Path) -> None:
    keep(folder, FIRST, Reported(NOW, window=500_000))
    settings = Settings(windows={"claude-opus-5-5": 300_000})
    context = shown(home, folder, settings).context
    assert context is not None
    assert (context.window, context.window_source) == (300_000, "config")


def test_a_window_smaller_than_what_was_read_is_an_old_one(home: ConfigHome, folder: Path) -> None:
    keep(folder, FIRST, Reported(NOW, window=59_999))
    context = shown(home, folder).context
    assert context is not None
    assert context.window_source == "table"


@pytest.mark.parametrize(("told_at", "expires_at"), [(ANSWERED, NOW + 5.0), (ANSWERED - 1.0, None)])
def test_the_clients_deadline_counts_when_it_is_newer_than_the_last_request(
    home: ConfigHome, folder: Path, told_at: float, expires_at: float | None
) -> None:
    keep(folder, FIRST, Reported(told_at, ttl="5m", expires_at=NOW + 5.0))
    cache = shown(home, folder).cache
    assert cache is not None
    assert cache.expires_at == expires_at
    assert cache.ttl == ("5m" if expires_at else None)


def test_a_deadline_kept_from_before_the_last_request_is_over(
    home: ConfigHome, folder: Path
) -> None:
    keep(folder, FIRST, Reported(ANSWERED - 1.0, ttl="5m", expires_at=NOW + 5.0))
    keep(folder, FIRST, Reported(NOW, cost=1.0))
    session = shown(home, folder)
    assert session.cache is not None
    assert session.cache.expires_at is None
    assert session.reported is not None
    assert session.reported.cost == 1.0


def test_all_of_the_report_is_passed_on(home: ConfigHome, folder: Path) -> None:
    report = Reported(NOW, cost=22.281, limits=(Limit("5h", 0.42, None),))
    keep(folder, FIRST, report)
    assert shown(home, folder).reported == report


def test_without_a_report_the_transcript_alone_speaks(home: ConfigHome, folder: Path) -> None:
    session = shown(home, folder)
    assert session.reported is None
    assert session.context is not None
    assert session.context.window_source == "table"


def test_a_new_report_alone_makes_something_new_to_show(home: ConfigHome, folder: Path) -> None:
    clock = [NOW]
    homes = config_homes([str(home.path)], {}, home.path)
    scope = Scope(everything=True)
    watching = Monitor(homes, Settings(), scope, clock=lambda: clock[0], reports=folder)
    read(watching)
    before = watching.revision
    keep(folder, FIRST, Reported(NOW, window=500_000))
    clock[0] += 2.0
    watching.step()
    assert watching.revision > before
    (session,) = watching.snapshot().sessions
    assert session.context is not None
    assert session.context.window == 500_000
    before = watching.revision
    clock[0] += 2.0
    watching.step()
    assert watching.revision == before


def test_looking_for_reports_makes_no_folder(home: ConfigHome, folder: Path) -> None:
    shown(home, folder)
    assert not os.path.lexists(folder.parent)
