"""Monitor, archive and app together: an old session is opened from the history."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from ccmon.history.archive import Archive
from ccmon.monitor import Monitor, Scope
from ccmon.settings import Settings
from ccmon.transcripts.locate import Home
from ccmon.tui.app import CcmonApp
from ccmon.tui.screens.history import HistoryScreen
from tests.homes import FIRST, NOW, SECOND, ConfigHome, response
from tests.tui.archive import until
from tests.tui.stage import settled, shown

LONG_AGO = NOW - 4_000_000


async def test_an_old_session_is_opened_from_the_history(tmp_path: Path) -> None:
    home = ConfigHome(tmp_path / "config")
    home.write(response("msg_1"), mtime=LONG_AGO)
    home.write(response("msg_2", session=SECOND), session=SECOND)
    homes = [Home(str(home.path), "--config-dir", True)]
    settings = Settings()
    app = CcmonApp(
        lambda: Monitor(homes, settings, Scope(live=True), clock=lambda: NOW),
        settings,
        past=partial(Archive, homes, settings, tmp_path / "cache", clock=lambda: NOW),
        clock=lambda: NOW,
    )
    async with app.run_test(size=(100, 30)) as pilot:
        await shown(app, pilot)
        assert app.snapshot is not None
        assert [each.session_id for each in app.snapshot.sessions] == [SECOND]
        await pilot.press("5", "h", "d", "d", "b", "b", "b", "b", "b")
        await settled(app, pilot)
        screen = app.screen
        assert isinstance(screen, HistoryScreen)
        await until(pilot, lambda: len(screen.table.groups) == 2 and not app.past.reading)
        keys = [group.key for group in screen.table.groups]
        await pilot.press("g", *["j"] * keys.index(FIRST), "enter")
        await until(pilot, lambda: app.current_mode == "overview")
        assert app.session is not None
        assert app.session.session_id == FIRST
        assert app.session.request_count == 1
