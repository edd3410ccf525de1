"""The History screen: what it shows at every size, how it is grouped, where it leads."""

from __future__ import annotations

import pytest
from msgspec.structs import replace
from textual.pilot import Pilot

from ccmon.errors import CcmonError
from ccmon.past import History, Kept, Query
from ccmon.settings import Settings
from ccmon.tui.app import CcmonApp
from ccmon.tui.looking_back import LOOK_SECONDS
from ccmon.tui.screens.history import HistoryScreen
from ccmon.tui.screens.sessions import SessionsScreen
from ccmon.tui.widgets.panel import Panel
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
    async with running(SNAPSHOT, past=FakePast) as (app, pilot):
        await open_history(app, pilot, "d", "d", "b", "b", "b", "b", "b")
        titles = names(app)
        await pilot.press("g", *["j"] * titles.index(BACKFILL.title), "enter")
        assert screen_lines(app)[-1].startswith(" reading its transcript …")
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
    async with running(SNAPSHOT, past=FakePast) as (app, pilot):
        await open_history(app, pilot, "d", "d", "b", "b", "b", "b", "b")
        await pilot.press("g", *["j"] * names(app).index(UPGRADE.title))
        await settled(app, pilot)
        text = "\n".join(screen_lines(app))
        assert "no longer on disk: 137 requests of 1 session" in text
        await pilot.press("enter")
        await seen(app, pilot, "its transcript is no longer on disk")
        assert screen_lines(app)[-1].startswith(" its transcript is no longer on disk")
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


async def test_a_day_without_a_request_has_cost_nothing() -> None:
    past = FakePast([cell for cell in WORK if cell.session is not COUPON])
    async with running(SNAPSHOT, past=lambda: past) as (app, pilot):
        await pilot.press("5")
        text = await seen(app, pilot, "today, all sessions")
    assert "today, all sessions $0.00 list" in text


async def test_units_turn_money_into_tokens_and_shares_in_table_and_panel() -> None:
    async with running(SNAPSHOT, past=FakePast) as (app, pilot):
        lines = await open_history(app, pilot, "t")
        title, text = next(row for row in lines if row.startswith("  day")), "\n".join(lines)
        assert title.index(" in ") < title.index(" out ") < title.index("spent on")
        assert title.index(" in ") < title.index(" cost ")
        assert " 54.3M in ─╮" in text
        assert "━ re-read 98% 53.2M   ━ rewrite 1% 529.4k" in text
        assert "≥$23.15   297 requests   54.3M in   208k out" in text
        await pilot.press("t")
        await settled(app, pilot)
        text = "\n".join(screen_lines(app))
        assert "of all" in text
        assert " 49.1% of all ─╮" in text


@pytest.mark.parametrize(
    ("keys", "since", "first"),
    [
        (["b"], "since 2026-10-26", "2026-W44"),
        (["b", "b"], "since 2026-10-01", "2026-10"),
        (["b", "b", "d", "d", "d"], "since 2026-11-01", "2026-11"),
    ],
)
async def test_weeks_and_months_are_whole_and_it_says_since_when(
    keys: list[str], since: str, first: str
) -> None:
    async with running(SNAPSHOT, past=FakePast) as (app, pilot):
        lines = await open_history(app, pilot, *keys)
        assert since in lines[0]
        oldest = on_history(app).table.groups[-1]
        assert oldest.key == first
        whole = FakePast()
        while whole.step():
            pass
        by = on_history(app).wanted.by
        (same,) = (each for each in whole.history(Query(by=by)).groups if each.key == first)
        assert oldest.sums.requests == same.sums.requests
        await pilot.press("G", "enter")
        await answered(app, pilot)
        assert since not in screen_lines(app)[0]


async def test_the_colours_of_the_bar_are_named_below_it() -> None:
    async with running(SNAPSHOT, past=FakePast) as (app, pilot):
        await open_history(app, pilot)
        row = app.screen.query_one("#detail", Panel).lines[1]
    styles = {str(span.style) for span in row.spans if row.plain[span.start] == "━"}
    assert styles == {"$accent-fill", "$warning-fill", "$share-new", "$share-output"}


async def test_a_part_is_not_told_as_the_whole() -> None:
    past = FakePast(held=True)
    async with running(SNAPSHOT, past=lambda: past) as (app, pilot):
        await pilot.press("5", "h", "d", "d")
        text = await seen(app, pilot, "History 1 day so far")
        assert "so far $3.78 list" in text
        past.held = False
        await answered(app, pilot)
        text = "\n".join(screen_lines(app))
        assert "so far" not in text
        assert "all ≥$53.64 list" in text


async def test_what_is_gone_is_told_of_the_days_that_are_shown() -> None:
    past = FakePast()
    history = past.history

    def asked(query: Query) -> History:
        return replace(history(query), asked=Kept(gone_requests=2, gone_sessions=1, gone_files=1))

    past.history = asked  # type: ignore[method-assign]  # part of the past
    async with running(SNAPSHOT, past=lambda: past) as (app, pilot):
        text = "\n".join(await open_history(app, pilot))
    assert "no longer on disk: 2 requests of 1 session" in text


async def test_esc_on_a_session_of_the_past_leads_back_to_the_history() -> None:
    async with running(SNAPSHOT, past=FakePast) as (app, pilot):
        await open_history(app, pilot, "d", "d", "b", "b", "b", "b", "b")
        await pilot.press("g", *["j"] * names(app).index(BACKFILL.title), "enter")
        monitor = app.monitor
        assert isinstance(monitor, FakeMonitor)
        opened = session(BACKFILL.session_id, project="data-pipeline", status="ended", active=False)
        monitor.put(board(*SNAPSHOT.sessions, opened))
        await seen(app, pilot, "esc leads back to the history")
        assert app.current_mode == "overview"
        await pilot.press("2", "escape", "escape")
        await settled(app, pilot)
        selected = on_history(app).table.selected
        assert selected is not None
        assert selected.key == BACKFILL.session_id
        await pilot.press("escape", "1", "escape")
        await settled(app, pilot)
        assert app.current_mode == "overview"


async def test_it_looks_again_by_itself_while_it_is_looked_at() -> None:
    past = FakePast(WORK[:-2])
    async with running(SNAPSHOT, past=lambda: past) as (app, pilot):
        await open_history(app, pilot)
        assert names(app)[0] == "2026-11-23"
        past._cells = WORK
        app._tick()
        await settled(app, pilot)
        assert past.looks == 1
        app.past._looked -= LOOK_SECONDS
        app._tick()
        await seen(app, pilot, "2026-11-24")
        assert past.looks == 2


async def test_a_project_that_is_gone_says_so_and_the_rest_is_still_there() -> None:
    past = FakePast()
    history = past.history

    def refuses(query: Query) -> History:
        if query.project is not None:
            raise CcmonError(f"no project {query.project!r} in the history")
        return history(query)

    past.history = refuses  # type: ignore[method-assign]  # it was forgotten meanwhile
    async with running(SNAPSHOT, past=lambda: past) as (app, pilot):
        await open_history(app, pilot, "b", "b", "b")
        await pilot.press("enter")
        await seen(app, pilot, "no project 'shop-api' in the history")
        await pilot.press("escape")
        await seen(app, pilot, "docs-site")


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
