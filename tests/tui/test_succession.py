"""What the screens do when work goes on elsewhere, and where there is no session at all."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from ccmon.tui.screens.empty import EmptyScreen
from ccmon.tui.screens.history import HistoryScreen
from ccmon.tui.screens.memory import MemoryScreen
from ccmon.tui.screens.overview import OverviewScreen
from ccmon.tui.screens.sessions import SessionsScreen
from tests import sample
from tests.tui.archive import SNAPSHOT, FakePast
from tests.tui.board import board, session
from tests.tui.reading import seen
from tests.tui.stage import running, screen_lines, settled
from tests.tui.test_sessions import put

ENDED = session("done", status="ended", active=False)
FRESH = session("fresh", status="busy", project="api")
EMPTY = replace(sample.empty_snapshot(), generated_at=SNAPSHOT.generated_at)


class TestWorkElsewhere:
    """The session shown has ended, and another one begins or goes on."""

    async def test_a_new_live_session_is_shown_where_none_was_chosen(self) -> None:
        async with running(board(ENDED)) as (app, pilot):
            await put(app, pilot, board(FRESH, ENDED))
            assert app.session is FRESH
            await seen(app, pilot, "done done has ended; showing api fresh")

    async def test_who_has_chosen_a_session_is_told_how_to_get_there(self) -> None:
        async with running(board(ENDED), session_id="done") as (app, pilot):
            await put(app, pilot, board(FRESH, ENDED))
            assert app.session is ENDED
            await seen(app, pilot, "api fresh is at work: ] goes there")
            await pilot.press("]")
            assert app.session is FRESH

    @pytest.mark.parametrize(
        ("others", "way"),
        [((session("a"),), "[ goes there"), ((session("a"), session("b")), "5 lists it")],
    )
    async def test_the_key_told_is_the_one_that_leads_there(
        self, others: tuple[object, ...], way: str
    ) -> None:
        rest = board(*others).sessions  # type: ignore[arg-type]  # sessions, parametrized
        idle = replace(FRESH, status="idle")
        order = (ENDED, *rest, idle) if way.startswith("[") else (ENDED, rest[0], idle, rest[1])
        async with running(board(*order), session_id="done") as (app, pilot):
            await put(app, pilot, board(*(FRESH if each is idle else each for each in order)))
            await seen(app, pilot, f"api fresh is at work: {way}")

    async def test_what_was_going_on_all_the_time_is_no_news(self) -> None:
        async with running(board(ENDED, FRESH), session_id="done") as (app, pilot):
            await put(app, pilot, board(ENDED, replace(FRESH, cost=9.9)))
            assert app.session is ENDED
            assert "is at work" not in "\n".join(screen_lines(app))

    async def test_a_session_that_goes_on_is_not_left(self) -> None:
        mine = session("mine", status="idle")
        async with running(board(mine)) as (app, pilot):
            await put(app, pilot, board(FRESH, mine))
            assert app.session is mine

    async def test_a_drill_down_is_not_taken_away(self) -> None:
        async with running(board(ENDED)) as (app, pilot):
            await pilot.press("2", "enter")
            await settled(app, pilot)
            await put(app, pilot, board(FRESH, ENDED))
            assert app.session is ENDED


class TestNoSession:
    """All transcripts of today are gone; the past is still there."""

    @pytest.mark.parametrize(
        ("key", "screen", "text"),
        [
            ("h", HistoryScreen, "2026-11-24"),
            ("m", MemoryScreen, "docs/ARCHITECTURE.md"),
            ("5", SessionsScreen, "no session in the last 24h"),
        ],
    )
    async def test_history_memory_and_sessions_can_be_reached(
        self, key: str, screen: type[object], text: str
    ) -> None:
        async with running(EMPTY, past=FakePast) as (app, pilot):
            assert f"{key} " in screen_lines(app)[-1]
            await pilot.press(key)
            await seen(app, pilot, text)
            assert isinstance(app.screen, screen)
            await pilot.press("t", "j", "]", "s", "enter", "1")
            await settled(app, pilot)
            assert isinstance(app.screen, EmptyScreen)

    async def test_esc_leads_back_step_by_step(self) -> None:
        async with running(EMPTY, past=FakePast) as (app, pilot):
            await pilot.press("h", "escape")
            await settled(app, pilot)
            assert isinstance(app.screen, SessionsScreen)
            await pilot.press("escape")
            await settled(app, pilot)
            assert isinstance(app.screen, EmptyScreen)

    async def test_an_open_history_stays_when_the_last_transcript_goes_and_when_one_comes(
        self,
    ) -> None:
        async with running(SNAPSHOT, past=FakePast) as (app, pilot):
            await pilot.press("5", "h")
            await seen(app, pilot, "2026-11-24")
            await put(app, pilot, EMPTY)
            assert isinstance(app.screen, HistoryScreen)
            await put(app, pilot, SNAPSHOT)
            assert isinstance(app.screen, HistoryScreen)
            await pilot.press("1")
            await settled(app, pilot)
            assert isinstance(app.screen, OverviewScreen)
