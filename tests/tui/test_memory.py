"""The Memory screen: candidates at every size, why each pays or not, progress, empty states."""

from __future__ import annotations

import pytest
from msgspec.structs import replace
from textual.pilot import Pilot

from ccmon.settings import Settings
from ccmon.tui.app import CcmonApp
from ccmon.tui.screens.memory import MemoryScreen
from ccmon.tui.screens.sessions import SessionsScreen
from tests.sample_past import CANDIDATES
from tests.tui.archive import SNAPSHOT, FakePast, until
from tests.tui.reading import HOSTILE, seen
from tests.tui.stage import FakeMonitor, check_golden, running, screen_lines, settled
from tests.tui.test_history import SIZES
from tests.tui.test_overview import assert_frames_close


def on_memory(app: CcmonApp) -> MemoryScreen:
    assert isinstance(app.screen, MemoryScreen)
    return app.screen


def keys_of(app: CcmonApp) -> list[str]:
    return [candidate.key for candidate in on_memory(app).table.candidates]


async def open_memory(app: CcmonApp, pilot: Pilot[None], *keys: str) -> list[str]:
    await pilot.press("5", "m")
    screen = on_memory(app)
    await until(pilot, lambda: not app.past.reading and app.past.memory(screen.wanted) is not None)
    await pilot.press(*keys)
    await settled(app, pilot)
    return screen_lines(app)


@pytest.mark.parametrize("size", SIZES, ids=lambda size: "x".join(map(str, size)))
async def test_the_sample_memory_is_drawn_as_agreed(size: tuple[int, int]) -> None:
    async with running(SNAPSHOT, size, past=FakePast) as (app, pilot):
        lines = await open_memory(app, pilot)
        check_golden(f"memory-{size[0]}x{size[1]}", lines)
        assert {len(row) for row in lines} == {size[0]}


@pytest.mark.parametrize("size", [(83, 24), (101, 31), (149, 50), (30, 3), (40, 8), (60, 12)])
async def test_every_row_fills_the_width_at_any_size(size: tuple[int, int]) -> None:
    async with running(SNAPSHOT, size, past=FakePast) as (app, pilot):
        lines = await open_memory(app, pilot, "j")
    assert {len(row) for row in lines} == {size[0]}
    if size[0] >= 80:
        assert_frames_close(lines)


async def test_the_findings_of_live_sessions_are_told_once() -> None:
    async with running(SNAPSHOT, (100, 30), past=FakePast) as (app, pilot):
        await open_memory(app, pilot)
        app.refresh_screen()
        await settled(app, pilot)
        assert isinstance(app.monitor, FakeMonitor)
        assert app.monitor.known == [CANDIDATES]


async def test_ascii_leaves_no_other_character() -> None:
    settings = Settings(ascii=True)
    async with running(SNAPSHOT, (160, 45), settings=settings, past=FakePast) as (app, pilot):
        lines = await open_memory(app, pilot)
    assert all(row.isascii() for row in lines)


async def test_the_panel_says_why_a_candidate_pays_or_not() -> None:
    async with running(SNAPSHOT, past=FakePast) as (app, pilot):
        text = "\n".join(await open_memory(app, pilot))
        assert "put it into CLAUDE.md: saves 3.9x its cost" in text
        assert "found out 11 times in 9 sessions   stable   9.0k tokens each session" in text
        assert "saves ~$0.144   costs ~$0.037   net ~$0.107 a session   memory ~2.0k tokens" in text
        assert "28 sessions of 4 projects in 30 days; tokens and money are estimates" in text
        await pilot.press("j", "j", "j")
        await settled(app, pilot)
        assert "leave it: saves 1.3x its cost" in "\n".join(screen_lines(app))
        await pilot.press("G")
        await settled(app, pilot)
        assert "no advice: the price of its model is not known" in "\n".join(screen_lines(app))


async def test_only_what_pays_on_demand() -> None:
    async with running(SNAPSHOT, past=FakePast) as (app, pilot):
        await open_memory(app, pilot, "a")
        assert keys_of(app) == ["docs/ARCHITECTURE.md", "src/checkout/flow.ts", "jobs/README.md"]
        await pilot.press("a")
        assert len(keys_of(app)) == len(CANDIDATES)


async def test_where_nothing_pays_it_says_so() -> None:
    past = FakePast(candidates=CANDIDATES[3:])
    async with running(SNAPSHOT, past=lambda: past) as (app, pilot):
        text = "\n".join(await open_memory(app, pilot, "a"))
    assert "nothing of it pays; a shows all" in text


async def test_where_nothing_came_back_it_says_what_was_looked_at() -> None:
    past = FakePast(candidates=())
    async with running(SNAPSHOT, past=lambda: past) as (app, pilot):
        text = "\n".join(await open_memory(app, pilot))
    assert "Nothing came back in three sessions or more" in text


async def test_without_an_archive_it_says_so() -> None:
    async with running(SNAPSHOT) as (app, pilot):
        await pilot.press("5", "m")
        assert "The history is not available here." in await seen(app, pilot, "not available")
        await pilot.press("enter", "a", "d", "j", "escape")
        await settled(app, pilot)
        assert isinstance(app.screen, SessionsScreen)


async def test_it_tells_how_far_reading_and_studying_have_come() -> None:
    past = FakePast(held=True)
    async with running(SNAPSHOT, past=lambda: past) as (app, pilot):
        await pilot.press("5", "m")
        await seen(app, pilot, "reading 1 of 13 transcripts")
        while past.step():
            past.held = False
        past.held = True
        text = await seen(app, pilot, "studying 1 of 6 sessions")
        assert "docs/ARCHITECTURE.md" in text
        past.held = False
        await seen(app, pilot, "NOTES.md")


async def test_the_cursor_stays_on_its_candidate_while_others_come() -> None:
    past = FakePast(candidates=CANDIDATES[1:])
    async with running(SNAPSHOT, past=lambda: past) as (app, pilot):
        await open_memory(app, pilot, "j")
        past._candidates = CANDIDATES
        past._studied = len(CANDIDATES)
        past.revision += 1
        await pilot.press("h", "m")
        await seen(app, pilot, "docs/ARCHITECTURE.md")
        selected = on_memory(app).table.selected
        assert selected is not None
        assert selected.key == "jobs/README.md"


async def test_projects_of_one_name_are_told_apart_by_the_folder_above() -> None:
    twice = tuple(
        replace(CANDIDATES[0], project="api", root=f"/work/{parent}/api", key="README.md")
        for parent in ("acme", "zeta")
    )
    past = FakePast(candidates=(*twice, CANDIDATES[1]))
    async with running(SNAPSHOT, (160, 45), past=lambda: past) as (app, pilot):
        text = "\n".join(await open_memory(app, pilot, "j"))
        assert all(name in text for name in ("  acme/api  ", "  zeta/api  ", "  shop-api  "))
        assert "README.md file of zeta/api" in text
        app.refresh_screen()
        await settled(app, pilot)
        assert "README.md file of zeta/api" in "\n".join(screen_lines(app))


async def test_it_says_in_which_order_they_stand_and_what_is_only_a_part() -> None:
    past = FakePast(held=True)
    async with running(SNAPSHOT, past=lambda: past) as (app, pilot):
        await pilot.press("5", "m")
        text = await seen(app, pilot, "Memory 1 candidate so far")
        assert "order most to save" in text
        assert "28 sessions of 4 projects in 30 days so far" in text
        past.held = False
        await seen(app, pilot, "NOTES.md")
        await until(pilot, lambda: not app.past.reading)
        await settled(app, pilot)
        assert "so far" not in "\n".join(screen_lines(app))


async def test_the_span_is_asked_for() -> None:
    async with running(SNAPSHOT, past=FakePast) as (app, pilot):
        await open_memory(app, pilot, "d")
        await seen(app, pilot, "28 sessions of 4 projects in 90 days")


async def test_h_leads_to_the_history_and_m_back() -> None:
    async with running(SNAPSHOT, past=FakePast) as (app, pilot):
        await open_memory(app, pilot, "h")
        assert app.current_mode == "history"
        await pilot.press("m")
        await settled(app, pilot)
        on_memory(app)


async def test_a_click_selects() -> None:
    async with running(SNAPSHOT, past=FakePast) as (app, pilot):
        await open_memory(app, pilot)
        await pilot.click("#candidates", offset=(5, 3))
        selected = on_memory(app).table.selected
        assert selected is not None
        assert selected.key == "jobs/README.md"


async def test_hostile_names_are_harmless() -> None:
    worst = tuple(replace(each, key=HOSTILE, project=HOSTILE) for each in CANDIDATES[:1])
    async with running(SNAPSHOT, (160, 45), past=lambda: FakePast(candidates=worst)) as (
        app,
        pilot,
    ):
        text = "\n".join(await open_memory(app, pilot))
    assert "[bold red]x[/oops]" in text
    assert "\x1b" not in text
    assert "\u202e" not in text
