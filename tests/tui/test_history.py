"""The History screen: what it shows at every size, how it is grouped, where it leads."""

from __future__ import annotations

import pytest
from msgspec.structs import replace
from textual.pilot import Pilot

from ccmon.settings import Settings
from ccmon.tui.app import CcmonApp
from ccmon.tui.screens.history import HistoryScreen
from ccmon.tui.screens.sessions import SessionsScreen
from tests.sample_past import BACKFILL, COUPON, UPGRADE, WORK
from tests.tui.archive import SNAPSHOT, FakePast, groupings, until
from tests.tui.board import board, session
from tests.tui.reading import HOSTILE, seen
from tests.tui.stage import FakeMonitor, check_golden, running, screen_lines, settled
from tests.tui.test_overview import assert_frames_close

SIZES = [(60, 20), (80, 24), (100, 30), (160, 45)]


def on_history(app: CcmonApp) -> HistoryScreen:
    assert isinstance(app.screen, HistoryScreen)
    return app.screen


async def open_history(app: CcmonApp, pilot: Pilot[None], *keys: str) -> list[str]:
    await pilot.press("5", "h")
    await answered(app, pilot)
    for key in keys:
        await pilot.press(key)
        await answered(app, pilot)
    return screen_lines(app)


async def answered(app: CcmonApp, pilot: Pilot[None]) -> None:
    """Wait until all is read and what the screen asks is answered."""
    await settled(app, pilot)
    screen = app.screen
    if isinstance(screen, HistoryScreen):
        await until(
            pilot, lambda: not app.past.reading and app.past.history(screen.wanted) is not None
        )
    await settled(app, pilot)


def names(app: CcmonApp) -> list[str]:
    return [group.name for group in on_history(app).table.groups]


@pytest.mark.parametrize("size", SIZES, ids=lambda size: "x".join(map(str, size)))
async def test_the_sample_past_is_drawn_as_agreed(size: tuple[int, int]) -> None:
    async with running(SNAPSHOT, size, past=FakePast) as (app, pilot):
        lines = await open_history(app, pilot, "d", "d")
        check_golden(f"history-{size[0]}x{size[1]}", lines)
        assert {len(row) for row in lines} == {size[0]}


async def test_sessions_of_a_day_are_drawn_as_agreed() -> None:
    async with running(SNAPSHOT, (100, 30), past=FakePast) as (app, pilot):
        lines = await open_history(app, pilot, "b", "b", "enter")
        check_golden("history-sessions-100x30", lines)


@pytest.mark.parametrize("size", [(83, 24), (101, 31), (149, 50), (30, 3), (40, 8), (60, 12)])
async def test_every_row_fills_the_width_at_any_size(size: tuple[int, int]) -> None:
    async with running(SNAPSHOT, size, past=FakePast) as (app, pilot):
        lines = await open_history(app, pilot, "b")
    assert {len(row) for row in lines} == {size[0]}
    if size[0] >= 80:
        assert_frames_close(lines)


async def test_ascii_leaves_no_other_character() -> None:
    settings = Settings(ascii=True)
    async with running(SNAPSHOT, (160, 45), settings=settings, past=FakePast) as (app, pilot):
        lines = await open_history(app, pilot)
    assert all(row.isascii() for row in lines)
    assert "re-read" in "\n".join(lines)


async def test_without_an_archive_it_says_so() -> None:
    async with running(SNAPSHOT) as (app, pilot):
        await pilot.press("5", "h")
        assert "The history is not available here." in await seen(app, pilot, "not available")
        await pilot.press("enter", "b", "d", "j", "t", "escape")
        await settled(app, pilot)
        assert isinstance(app.screen, SessionsScreen)


async def test_an_archive_that_cannot_be_opened_says_why() -> None:
    def fails() -> FakePast:
        raise OSError("no such folder [/oops]")

    async with running(SNAPSHOT, past=fails) as (app, pilot):
        await pilot.press("5", "h")
        assert "no such folder [/oops]" in await seen(app, pilot, "no such folder")


async def test_nothing_is_opened_before_a_screen_asks() -> None:
    opened: list[FakePast] = []

    def opening() -> FakePast:
        opened.append(FakePast())
        return opened[0]

    async with running(SNAPSHOT, past=opening) as (app, pilot):
        await pilot.press("2", "3", "4", "1")
        await settled(app, pilot)
        assert opened == []
        await pilot.press("5")
        await until(pilot, lambda: opened and not app.past.reading)
        steps = opened[0].revision
        assert steps == len(WORK) - 1
        await pilot.press("1")
        await settled(app, pilot)
        assert opened[0].looks == 1


async def test_the_table_fills_while_the_archive_is_read() -> None:
    past = FakePast(held=True)
    async with running(SNAPSHOT, past=lambda: past) as (app, pilot):
        await pilot.press("5", "h", "d", "d")
        text = await seen(app, pilot, "reading 1 of 13 transcripts")
        assert "1.0 MB of 13.0 MB" in text
        assert names(app) == ["2026-10-19"]
        past.held = False
        await seen(app, pilot, "2026-11-24")
        await until(pilot, lambda: not app.past.reading)
        await settled(app, pilot)
        assert "reading" not in "\n".join(screen_lines(app))


async def test_days_stand_newest_first_and_the_others_dearest_first() -> None:
    async with running(SNAPSHOT, past=FakePast) as (app, pilot):
        await open_history(app, pilot, "d", "d")
        assert names(app)[0] == "2026-11-24"
        assert names(app)[-1] == "2026-10-19"
        found = [on_history(app).wanted.by]
        for _ in range(5):
            await pilot.press("b")
            await answered(app, pilot)
            found.append(on_history(app).wanted.by)
        assert tuple(found) == groupings()
        await pilot.press("b", "b", "b", "b")
        await answered(app, pilot)
        assert names(app)[0] == "shop-api"


async def test_the_span_leaves_out_what_is_older() -> None:
    async with running(SNAPSHOT, past=FakePast) as (app, pilot):
        await open_history(app, pilot)
        assert names(app)[-1] == "2026-10-31"
        lines = await open_history(app, pilot, "d", "d", "d")
        assert "last 7 days" in lines[0]
        assert names(app)[-1] == "2026-11-22"


@pytest.mark.parametrize(
    ("keys", "group", "sessions"),
    [
        ([], "2026-11-24", ["Fix the coupon total"]),
        (["b"], "2026-W48", ["Fix the coupon total", "Cover the empty cart with tests"]),
        (["b", "b", "b"], "shop-api", ["Fix the coupon total", "Cover the empty cart with tests"]),
        (["b", "b", "b", "b", "G"], "claude-haiku-4-5", ["Backfill the orders of 2025"]),
    ],
)
async def test_enter_leads_to_the_sessions_of_a_group_and_esc_back(
    keys: list[str], group: str, sessions: list[str]
) -> None:
    async with running(SNAPSHOT, past=FakePast) as (app, pilot):
        await open_history(app, pilot, *keys)
        wanted = next(
            index for index, each in enumerate(on_history(app).table.groups) if each.key == group
        )
        await pilot.press("g", *["j"] * wanted, "enter")
        await answered(app, pilot)
        assert names(app) == sessions
        assert "› History ›" in screen_lines(app)[0]
        await pilot.press("escape")
        await answered(app, pilot)
        selected = on_history(app).table.selected
        assert selected is not None
        assert selected.key == group
        await pilot.press("escape")
        await settled(app, pilot)
        assert isinstance(app.screen, SessionsScreen)


async def test_enter_on_a_session_opens_it_in_the_full_app() -> None:
    async with running(SNAPSHOT, past=FakePast, toasts=True) as (app, pilot):
        await open_history(app, pilot, "d", "d", "b", "b", "b", "b", "b")
        titles = names(app)
        await pilot.press("g", *["j"] * titles.index(BACKFILL.title), "enter")
        assert "reading its transcript" in await seen(app, pilot, "reading its transcript")
        monitor = app.monitor
        assert isinstance(monitor, FakeMonitor)
        assert monitor.opened == [BACKFILL.session_id]
        opened = session(BACKFILL.session_id, project="data-pipeline", status="ended", active=False)
        monitor.put(board(*SNAPSHOT.sessions, opened))
        await until(pilot, lambda: app.current_mode == "overview")
        assert app.session is opened


async def test_who_has_gone_elsewhere_is_left_there() -> None:
    async with running(SNAPSHOT, past=FakePast) as (app, pilot):
        await open_history(app, pilot, "enter", "enter")
        await pilot.press("4")
        monitor = app.monitor
        assert isinstance(monitor, FakeMonitor)
        arrived = board(*SNAPSHOT.sessions[1:], session(COUPON.session_id))
        monitor.put(arrived)
        await until(pilot, lambda: app.snapshot is arrived)
        assert app.current_mode != "history"


async def test_a_session_that_is_no_longer_on_disk_says_so() -> None:
    async with running(SNAPSHOT, past=FakePast, toasts=True) as (app, pilot):
        await open_history(app, pilot, "d", "d", "b", "b", "b", "b", "b")
        await pilot.press("g", *["j"] * names(app).index(UPGRADE.title))
        await settled(app, pilot)
        text = "\n".join(screen_lines(app))
        assert "no longer on disk: 137 requests of 1 session" in text
        await pilot.press("enter")
        await seen(app, pilot, "its transcript is no longer on disk")
        assert isinstance(app.monitor, FakeMonitor)
        assert app.monitor.opened == []


async def test_a_warning_of_the_index_is_shown() -> None:
    past = FakePast(warning="The index is not kept: [/oops] disk full")
    async with running(SNAPSHOT, past=lambda: past) as (app, pilot):
        assert "[/oops] disk full" in "\n".join(await open_history(app, pilot))


async def test_the_board_tells_what_all_sessions_cost_today() -> None:
    async with running(SNAPSHOT, past=FakePast) as (app, pilot):
        await pilot.press("5")
        assert "≥$23.15" in await seen(app, pilot, "today, all sessions")


async def test_units_turn_money_into_shares_and_bars_into_tokens() -> None:
    async with running(SNAPSHOT, past=FakePast) as (app, pilot):
        await open_history(app, pilot, "t", "t")
        text = "\n".join(screen_lines(app))
    assert "of all" in text
    assert "49.1%" in text


async def test_a_click_selects_and_a_second_one_opens() -> None:
    async with running(SNAPSHOT, past=FakePast) as (app, pilot):
        await open_history(app, pilot)
        await pilot.click("#groups", offset=(5, 3))
        selected = on_history(app).table.selected
        assert selected is not None
        assert selected.key == "2026-11-22"
        await pilot.click("#groups", offset=(5, 3))
        await answered(app, pilot)
        assert names(app) == ["Search box of the docs"]


async def test_hostile_names_are_harmless() -> None:
    worst = replace(COUPON, title=HOSTILE, project=HOSTILE)
    past = FakePast([replace(cell, session=worst, model=HOSTILE) for cell in WORK])
    async with running(SNAPSHOT, (160, 45), past=lambda: past) as (app, pilot):
        text = "\n".join(await open_history(app, pilot, "b", "b", "b", "enter"))
        text += "\n".join(await open_history(app, pilot, "b", "b"))
    assert "[bold red]x[/oops]" in text
    assert "\x1b" not in text
    assert "\u202e" not in text
