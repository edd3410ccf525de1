"""The Cache screen: what it shows at every size, how it moves, where it leads."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from msgspec.structs import replace
from textual.pilot import Pilot

from ccmon.requests import Bust, Why
from ccmon.settings import Settings
from ccmon.snapshot import Snapshot
from ccmon.tui.app import CcmonApp
from ccmon.tui.screens.cache import CacheScreen
from ccmon.tui.screens.request import RequestScreen
from ccmon.tui.widgets.pane import Pane
from tests import sample
from tests.sample_rows import at
from tests.tui.reading import HOSTILE
from tests.tui.stage import FakeMonitor, check_golden, running, screen_lines, settled
from tests.tui.test_overview import assert_frames_close

SIZES = [(60, 20), (80, 24), (100, 30), (160, 45)]
DEADLINE = at("15:04:02")
OF_AGENT = Bust(
    12, "a7e03c", at("10:34:00"), 30_000, 9_000, 21_000, 0.05,
    Why("idle_past_ttl", "timestamps", None, "", 400.0, 300.0, "partial"),
)  # fmt: skip


def with_session(**changes: object) -> Snapshot:
    snapshot = sample.sample_snapshot()
    session = replace(snapshot.sessions[0], **changes)
    return replace(snapshot, sessions=(session, *snapshot.sessions[1:]))


def without_busts() -> Snapshot:
    requests = tuple(replace(each, bust=False) for each in sample.main_requests())
    return with_session(busts=(), requests=requests)


def on_cache(app: CcmonApp) -> CacheScreen:
    assert isinstance(app.screen, CacheScreen)
    return app.screen


async def open_cache(app: CcmonApp, pilot: Pilot[None], *keys: str) -> list[str]:
    await pilot.press("4", *keys)
    await settled(app, pilot)
    return screen_lines(app)


def selected(app: CcmonApp) -> int:
    bust = on_cache(app).table.selected
    assert bust is not None
    return bust.request


@pytest.mark.parametrize("size", SIZES, ids=lambda size: "x".join(map(str, size)))
async def test_the_sample_session_is_drawn_as_agreed(size: tuple[int, int]) -> None:
    async with running(sample.sample_snapshot(), size) as (app, pilot):
        lines = await open_cache(app, pilot)
        check_golden(f"cache-{size[0]}x{size[1]}", lines)
        assert {len(row) for row in lines} == {size[0]}


async def test_a_session_without_busts_says_so_calmly() -> None:
    async with running(without_busts(), (100, 30)) as (app, pilot):
        lines = await open_cache(app, pilot)
        check_golden("cache-calm-100x30", lines)
        text = "\n".join(lines)
        assert "no bust: no request lost more than 5% of what was cached" in text
        assert "!" not in "\n".join(lines[2:])
        await pilot.press("n", "enter", "j", "e", "s")
        await settled(app, pilot)
        on_cache(app)


async def test_a_session_without_requests_has_nothing_to_show() -> None:
    snapshot = with_session(
        requests=(), busts=(), compactions=(), cache=None, context=None, next_request=None,
        reread=None, spend=None, drag=None, subagents=(),
    )  # fmt: skip
    async with running(snapshot, (100, 30)) as (app, pilot):
        assert "\n".join(await open_cache(app, pilot)).count("no request yet") == 3


@pytest.mark.parametrize("size", [(80, 20), (83, 24), (101, 31), (149, 50), (150, 36), (200, 60)])
async def test_frames_close_at_any_size(size: tuple[int, int]) -> None:
    for snapshot in (sample.sample_snapshot(), without_busts()):
        async with running(snapshot, size) as (app, pilot):
            lines = await open_cache(app, pilot)
        assert {len(row) for row in lines} == {size[0]}
        assert_frames_close(lines)


@pytest.mark.parametrize("size", [(30, 3), (40, 8), (60, 12), (79, 40), (100, 12), (100, 16)])
async def test_small_screens_keep_the_deadline(size: tuple[int, int]) -> None:
    async with running(sample.sample_snapshot(), size) as (app, pilot):
        lines = await open_cache(app, pilot)
    assert {len(row) for row in lines} == {size[0]}
    assert "57:40" in "\n".join(lines)


async def test_resizing_redraws_for_the_new_size() -> None:
    async with running(sample.sample_snapshot(), (100, 30)) as (app, pilot):
        before = await open_cache(app, pilot)
        for size in ((60, 20), (160, 45), (100, 30)):
            await pilot.resize_terminal(*size)
            await settled(app, pilot)
        assert screen_lines(app) == before


async def test_ascii_leaves_no_other_character_and_moves_no_column() -> None:
    async with running(sample.sample_snapshot(), (160, 45), settings=Settings(ascii=True)) as (
        app,
        pilot,
    ):
        lines = await open_cache(app, pilot)
    assert all(row.isascii() for row in lines)
    assert {len(row) for row in lines} == {160}


async def test_bust_keys_move_the_cursor_and_explain() -> None:
    async with running(sample.sample_snapshot(), (100, 30)) as (app, pilot):
        await open_cache(app, pilot)
        assert selected(app) == 205
        for key, n, words in (
            ("n", 150, "The pause was longer than the cache lives"),
            ("n", 44, "each model has a cache of its own"),
            ("n", 44, "each model"),
            ("N", 150, "The pause"),
            ("g", 205, "ToolSearch changed the tool list"),
            ("j", 150, "The pause"),
            ("G", 44, "each model"),
            ("k", 150, "The pause"),
        ):
            await pilot.press(key)
            await settled(app, pilot)
            assert selected(app) == n
            assert words in "\n".join(screen_lines(app))


async def test_enter_opens_the_request_and_esc_leads_back() -> None:
    async with running(sample.sample_snapshot(), (100, 30)) as (app, pilot):
        await open_cache(app, pilot, "n", "enter")
        assert isinstance(app.screen, RequestScreen)
        assert app.screen.request is sample.main_requests()[149]
        await pilot.press("j", "escape")
        await settled(app, pilot)
        assert selected(app) == 150
        await pilot.press("escape")
        await settled(app, pilot)
        assert app.current_mode == "overview"


async def test_a_click_on_the_graph_opens_the_request_of_its_column() -> None:
    async with running(sample.sample_snapshot(), (100, 30)) as (app, pilot):
        lines = await open_cache(app, pilot)
        (row,) = [row for row in lines if "#150 164k !" in row]
        await pilot.click("#timeline", offset=(row.index("!"), 6))
        await settled(app, pilot)
        assert isinstance(app.screen, RequestScreen)
        assert app.screen.request is sample.main_requests()[149]


async def test_a_click_on_a_narrow_graph_opens_the_same_column() -> None:
    async with running(sample.sample_snapshot(), (60, 20)) as (app, pilot):
        lines = await open_cache(app, pilot)
        (row,) = [row for row in lines if "#205 265k !" in row]
        await pilot.click("#timeline", offset=(row.index("!"), 4))
        await settled(app, pilot)
        assert isinstance(app.screen, RequestScreen)
        assert app.screen.request is sample.main_requests()[204]


async def test_a_click_selects_a_second_one_opens_a_title_sorts() -> None:
    async with running(sample.sample_snapshot(), (100, 30)) as (app, pilot):
        await open_cache(app, pilot)
        await pilot.click("#busts", offset=(20, 3))
        await settled(app, pilot)
        assert selected(app) == 44
        await pilot.click("#busts", offset=(44, 0))
        await settled(app, pilot)
        assert on_cache(app).table.sort == "wasted"
        assert "wasted▾" in "\n".join(screen_lines(app))
        assert selected(app) == 44
        await pilot.click("#busts", offset=(20, 3))
        await settled(app, pilot)
        assert isinstance(app.screen, RequestScreen)


async def test_sorting_goes_through_the_columns_and_back() -> None:
    async with running(sample.sample_snapshot(), (100, 30)) as (app, pilot):
        await open_cache(app, pilot, "s", "s")
        table = on_cache(app).table
        assert table.sort == "got"
        assert [bust.request for bust in table.busts] == [150, 205, 44]
        await pilot.press("r")
        assert [bust.request for bust in table.busts] == [205, 44, 150]
        await pilot.press("s", "s", "s")
        assert table.sort == "time"
        assert [bust.request for bust in table.busts] == [205, 150, 44]


async def test_the_bust_of_a_sub_agent_names_its_thread_and_opens_there() -> None:
    snapshot = with_session(busts=(*sample.sample_session().busts, OF_AGENT))
    async with running(snapshot, (100, 30)) as (app, pilot):
        lines = await open_cache(app, pilot, "n", "n")
        assert "3 busts + 1 in agents" in lines[0]
        text = "\n".join(lines)
        assert "▌ ·12   10:34     30.0k    9.0k    21.0k    $0.05  Explore idle 6m > 5m TTL" in text
        assert "#12 " not in "\n".join(lines[2:15])
        await pilot.press("enter")
        await settled(app, pilot)
        assert isinstance(app.screen, RequestScreen)
        assert (app.screen.thread, app.screen.request) == (
            "a7e03c",
            sample.sample_session().subagents[0].requests[11],
        )


async def test_a_new_bust_is_seen_at_once_unless_the_cursor_was_moved() -> None:
    snapshot = with_session(busts=sample.sample_session().busts[:2])
    async with running(snapshot, (100, 30)) as (app, pilot):
        await open_cache(app, pilot)
        assert selected(app) == 150
        assert isinstance(app.monitor, FakeMonitor)
        await put(app, pilot, sample.sample_snapshot())
        assert selected(app) == 205
        await pilot.press("n", "n")
        await put(app, pilot, with_session(busts=(*sample.sample_session().busts, OF_AGENT)))
        assert selected(app) == 44


async def put(app: CcmonApp, pilot: Pilot[None], snapshot: Snapshot) -> None:
    assert isinstance(app.monitor, FakeMonitor)
    app.monitor.put(snapshot)
    while app.snapshot is not snapshot:
        await pilot.pause()
    await settled(app, pilot)


async def test_the_countdown_runs_by_the_clock_and_ends_in_cold() -> None:
    now = DEADLINE - 602.0
    async with running(sample.sample_snapshot(), (100, 30), clock=lambda: now) as (app, pilot):

        async def seen_at(moment: float) -> str:
            nonlocal now
            now = moment
            on_cache(app).tick(now)
            await settled(app, pilot)
            return "\n".join(screen_lines(app))

        assert "WARM 1h  10:02" in "\n".join(await open_cache(app, pilot))
        assert "WARM 1h  9:59" in await seen_at(DEADLINE - 599)
        assert "WARM 1h  9:58" in await seen_at(DEADLINE - 598)
        assert "WARM 1h  0:00" in await seen_at(DEADLINE - 0.5)
        cold = await seen_at(DEADLINE)
        assert "The cache is cold" in cold
        assert "WARM" not in cold


async def test_a_paused_screen_stands_still() -> None:
    now = DEADLINE - 60.0
    async with running(sample.sample_snapshot(), (100, 30), clock=lambda: now) as (app, pilot):
        await open_cache(app, pilot, "p")
        now = DEADLINE + 60
        on_cache(app).tick(now)
        await settled(app, pilot)
        assert "WARM 1h  1:00" in "\n".join(screen_lines(app))


async def test_panes_take_the_keys_in_turn_and_scroll() -> None:
    async with running(sample.sample_snapshot(), (60, 20)) as (app, pilot):
        await open_cache(app, pilot)
        screen = on_cache(app)
        order = []
        for _ in range(3):
            assert screen.focused is not None
            order.append(screen.focused.id)
            await pilot.press("tab")
        assert order == ["busts", "pause", "bust"]
        await pilot.press("shift+tab", "j")
        await settled(app, pilot)
        assert screen.query_one("#bust", Pane).top == 1
        assert "all of it was lost" in "\n".join(screen_lines(app))
        await pilot.press("n")
        await settled(app, pilot)
        assert selected(app) == 150


async def test_the_unit_changes_what_a_bust_wasted() -> None:
    async with running(sample.sample_snapshot(), (100, 30)) as (app, pilot):
        assert "$2.07 wasted" in "\n".join(await open_cache(app, pilot))
        await pilot.press("t")
        await settled(app, pilot)
        assert "100%  ToolSearch" in "\n".join(screen_lines(app))
        await pilot.press("t")
        await settled(app, pilot)
        assert "9.3%  ToolSearch" in "\n".join(screen_lines(app))


async def test_another_session_begins_with_its_newest_bust() -> None:
    async with running(sample.sample_snapshot(), (100, 30)) as (app, pilot):
        await open_cache(app, pilot, "n", "right_square_bracket")
        assert "no busts" in screen_lines(app)[0]
        await pilot.press("left_square_bracket")
        await settled(app, pilot)
        assert selected(app) == 205


async def test_busts_are_exported_in_the_order_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    unexplained = replace(OF_AGENT, request=3, thread="=HYPERLINK()", why=None)
    snapshot = with_session(busts=(*sample.sample_session().busts, unexplained))
    async with running(snapshot, (100, 30)) as (app, pilot):
        await open_cache(app, pilot, "e")
    with (tmp_path / "ccmon-4c1f9a20-busts.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["request"] for row in rows] == ["205", "150", "3", "44"]
    assert rows[0]["cause"] == "tools_loaded"
    assert rows[0]["server_reason"] == "tools_changed"
    assert rows[1]["words"] == "idle 1h04m > 1h TTL"
    assert (rows[2]["cause"], rows[2]["thread"]) == ("unknown", "'=HYPERLINK()")


async def test_hostile_text_is_shown_as_harmless_text() -> None:
    why = Why("tool_list_changed", "server", HOSTILE, HOSTILE, 3.0, 300.0, "partial", HOSTILE)
    busts = (replace(OF_AGENT, why=why, thread=HOSTILE), replace(OF_AGENT, why=why))
    agents = (replace(sample.sample_session().subagents[0], type=HOSTILE),)
    snapshot = with_session(busts=busts, subagents=agents, project=HOSTILE)
    for size in SIZES:
        async with running(snapshot, size) as (app, pilot):
            lines = await open_cache(app, pilot)
            text = "".join(lines)
            assert {len(row) for row in lines} == {size[0]}
            assert text.isprintable()
            assert "[bold red]" in text


async def test_many_busts_scroll_with_the_cursor() -> None:
    requests = sample.main_requests()
    busts = tuple(Bust(each.n, "main", each.at, 9, 0, 9, 0.1) for each in requests[40:100])
    async with running(with_session(busts=busts), (100, 30)) as (app, pilot):
        await open_cache(app, pilot, "G")
        assert selected(app) == 41
        assert any(row.startswith("▌  41") for row in screen_lines(app))
        await pilot.press("ctrl+u", "g")
        await settled(app, pilot)
        assert any(row.startswith("▌ 100") for row in screen_lines(app))


@pytest.mark.parametrize("size", SIZES, ids=lambda size: "x".join(map(str, size)))
async def test_a_long_cause_keeps_away_from_the_evidence(size: tuple[int, int]) -> None:
    why = Why("tool_list_changed", "server", "tools_changed", "x" * 300)
    hostile = Bust(205, "main", at("13:02:03"), 265_218, 0, 265_218, 2.07, why)
    async with running(with_session(busts=(hostile,)), size) as (app, pilot):
        (row,) = (row for row in await open_cache(app, pilot) if row.startswith("▌"))
    assert "tool list" in row
    assert "xx" not in row
    if size[0] >= 100:
        assert "  server: tools_changed" in row


@pytest.mark.parametrize("size", SIZES, ids=lambda size: "x".join(map(str, size)))
async def test_names_that_only_machines_use_stand_in_the_evidence_alone(
    size: tuple[int, int],
) -> None:
    whys = [Why("unknown", "server", "messages_changed"), Why("idle_past_ttl", "timestamps")]
    busts = tuple(
        Bust(200 + n, "main", at("13:02:03") + n, 90_000, 0, 90_000, 0.7, why)
        for n, why in enumerate(whys)
    )
    async with running(with_session(busts=busts), size) as (app, pilot):
        text = "\n".join(await open_cache(app, pilot))
        await pilot.press("j")
        await settled(app, pilot)
        text += "\n".join(screen_lines(app))
    assert "idle_past_ttl" not in text
    assert text.count("messages_changed") == text.count("server: messages_changed")
    assert "#200 changed messages" in text or size[1] < 30


async def test_the_age_of_a_cold_cache_moves_each_second_while_it_is_told_in_seconds() -> None:
    now = DEADLINE + 30.0
    async with running(sample.sample_snapshot(), (100, 30), clock=lambda: now) as (app, pilot):
        for where, before, after in (("1", "30s │", "31s │"), ("4", "COLD 31s", "COLD 32s")):
            await pilot.press(where)
            await settled(app, pilot)
            assert before in "\n".join(screen_lines(app))
            now += 1.0
            app._tick()
            await settled(app, pilot)
            assert after in "\n".join(screen_lines(app))
