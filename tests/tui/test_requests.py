"""The Requests screen: what it shows, how it moves, what it keeps."""

from __future__ import annotations

import asyncio
import csv
from pathlib import Path

import pytest
from msgspec.structs import replace
from textual import events
from textual.pilot import Pilot
from textual.widget import Widget

from ccmon.requests import MAIN, Request
from ccmon.snapshot import Session, Snapshot
from ccmon.tui.app import CcmonApp
from ccmon.tui.export import requests_csv
from ccmon.tui.screens.filtering import FilterInput
from ccmon.tui.screens.help import HelpScreen
from ccmon.tui.screens.request import RequestScreen
from ccmon.tui.screens.requests import RequestsScreen
from ccmon.tui.widgets import request_list
from ccmon.tui.widgets.header import Header
from ccmon.tui.widgets.request_row import request_row
from tests.sample import sample_snapshot
from tests.tui.stage import FakeMonitor, check_golden, running, screen_lines, settled

SIZES = [(60, 20), (80, 24), (100, 30), (160, 45)]


def with_requests(snapshot: Snapshot, requests: tuple[Request, ...]) -> Snapshot:
    session = replace(snapshot.sessions[0], requests=requests)
    return replace(snapshot, sessions=(session, *snapshot.sessions[1:]))


def grown(snapshot: Snapshot, more: int) -> Snapshot:
    """The first session with so many more requests."""
    last = snapshot.sessions[0].requests[-1]
    new = tuple(
        replace(last, n=last.n + number, message_id=f"msg_more_{number}")
        for number in range(1, more + 1)
    )
    return with_requests(snapshot, snapshot.sessions[0].requests + new)


def on_requests(app: CcmonApp) -> RequestsScreen:
    assert isinstance(app.screen, RequestsScreen)
    return app.screen


async def open_list(app: CcmonApp, pilot: Pilot[None], *keys: str) -> list[str]:
    await pilot.press("2", *keys)
    await settled(app, pilot)
    return screen_lines(app)


async def put(app: CcmonApp, pilot: Pilot[None], snapshot: Snapshot) -> None:
    assert isinstance(app.monitor, FakeMonitor)
    app.monitor.put(snapshot)
    while app.snapshot is not snapshot:
        await pilot.pause()
    await settled(app, pilot)


@pytest.mark.parametrize("size", SIZES, ids=lambda size: "x".join(map(str, size)))
async def test_the_sample_session_is_listed_as_agreed(size: tuple[int, int]) -> None:
    async with running(sample_snapshot(), size) as (app, pilot):
        lines = await open_list(app, pilot)
        check_golden(f"requests-{size[0]}x{size[1]}", lines)
        assert {len(row) for row in lines} == {size[0]}


async def test_busts_and_the_compaction_are_marked() -> None:
    async with running(sample_snapshot(), (100, 30)) as (app, pilot):
        lines = await open_list(app, pilot, "n", "n", "n", "ctrl+u")
        check_golden("requests-busts-100x30", lines)
        text = "\n".join(lines)
        assert "! " in text
        assert "BUST model switch" in text
    async with running(sample_snapshot(), (100, 30)) as (app, pilot):
        lines = await open_list(app, pilot, "slash", *"#65..75", "enter", "escape", "escape")
        await pilot.press("2")
        on_requests(app).request_list.move_to(("main", 68))
        await settled(app, pilot)
        text = "\n".join(screen_lines(app))
        assert "▾ compaction manual   143.8k -> 46.3k   saved 97.5k   ~$0.12 not in" in text
        assert text.index(" 71  10:07:47") < text.index("compaction") < text.index("  70  ")


async def test_the_cursor_stays_on_its_request_when_rows_come_in() -> None:
    snapshot = sample_snapshot()
    async with running(snapshot, (100, 30)) as (app, pilot):
        await open_list(app, pilot, "j", "j")
        listed = on_requests(app).request_list
        row = next(line for line in screen_lines(app) if line.startswith("▌"))
        at = screen_lines(app).index(row)
        await put(app, pilot, grown(snapshot, 3))
        assert listed.selected is not None
        assert listed.selected.n == 281
        assert screen_lines(app)[at] == row
        assert "follow off +3" in screen_lines(app)[0]


async def test_follow_shows_the_newest_and_any_move_lets_go() -> None:
    snapshot = sample_snapshot()
    async with running(snapshot, (100, 30)) as (app, pilot):
        await open_list(app, pilot)
        listed = on_requests(app).request_list
        await put(app, pilot, grown(snapshot, 2))
        assert listed.selected is not None
        assert (listed.selected.n, listed.follow) == (285, True)
        await pilot.press("k", "j")
        assert not listed.follow
        await pilot.press("f")
        await settled(app, pilot)
        assert (listed.selected.n, listed.follow, listed.unseen) == (285, True, 0)


async def test_whoever_scrolled_away_with_the_wheel_is_not_taken_back() -> None:
    snapshot = sample_snapshot()
    async with running(snapshot, (100, 30)) as (app, pilot):
        await open_list(app, pilot)
        listed = on_requests(app).request_list
        await wheel(pilot, listed, events.MouseScrollUp)
        assert listed.follow
        await wheel(pilot, listed, events.MouseScrollDown)
        await settled(app, pilot)
        before = screen_lines(app)
        assert "follow off" in before[0]
        await put(app, pilot, grown(snapshot, 3))
        after = screen_lines(app)
        assert after[3:20] == before[3:20]
        assert "follow off +3" in after[0]


async def wheel(
    pilot: Pilot[None], over: Widget, turn: type[events.MouseScrollUp | events.MouseScrollDown]
) -> None:
    """Turn the wheel; the pilot can click but not scroll."""
    for _ in range(3):
        over.post_message(turn(over, 9, 9, 0, 1, 0, False, False, False))
        await pilot.pause()


async def test_moving_stops_at_the_ends_and_passes_over_a_compaction() -> None:
    async with running(sample_snapshot(), (100, 30)) as (app, pilot):
        await open_list(app, pilot, "G")
        listed = on_requests(app).request_list
        assert listed.selected is not None
        assert listed.selected.n == 1
        await pilot.press("j", "g", "k")
        assert listed.selected.n == 283
        listed.move_to(("main", 71))
        await pilot.press("j")
        assert listed.selected.n == 70


async def test_the_preview_counts_growth_or_all_of_a_context_that_began() -> None:
    async with running(sample_snapshot(), (100, 30)) as (app, pilot):
        await open_list(app, pilot)
        for n, said in ((281, "entered  +14.9k tokens"), (71, "entered  46.3k tokens")):
            assert on_requests(app).request_list.move_to((MAIN, n))
            await settled(app, pilot)
            assert any(said in row for row in screen_lines(app))


async def test_sorting_goes_through_the_columns_and_back() -> None:
    async with running(sample_snapshot(), (100, 30)) as (app, pilot):
        await open_list(app, pilot, "s")
        listed = on_requests(app).request_list
        assert listed.rows.sort == "ctx"
        assert "sort ctx ▾" in screen_lines(app)[0]
        await pilot.press("r")
        await settled(app, pilot)
        assert listed.rows.requests[0].context < listed.rows.requests[-1].context
        assert "sort ctx ▴" in screen_lines(app)[0]


async def test_a_filter_is_typed_kept_and_cleared_step_by_step() -> None:
    async with running(sample_snapshot(), (100, 30)) as (app, pilot):
        await open_list(app, pilot, "slash", *"bust", "enter")
        screen = on_requests(app)
        assert [row.n for row in screen.request_list.rows.requests] == [205, 150, 44]
        assert "Requests 3 of 283" in screen_lines(app)[0]
        assert "sort # ▾   follow ON" in screen_lines(app)[0]
        assert screen_lines(app)[-2].startswith(" bust")
        await pilot.press("escape")
        await settled(app, pilot)
        assert len(screen.request_list.rows.requests) == 283
        await pilot.press("escape")
        await settled(app, pilot)
        assert app.current_mode == "overview"


def send(app: CcmonApp, keys: str) -> None:
    """Keys as a terminal sends them that were pressed in one go."""
    names = {"/": "slash", "\x7f": "backspace", "\r": "enter"}
    for key in keys:
        app.post_message(events.Key(names.get(key, key), key))


async def test_fast_typing_in_the_filter_leaves_the_cursor_at_its_end() -> None:
    async with running(sample_snapshot(), (100, 30)) as (app, pilot):
        await open_list(app, pilot, "slash")
        field = on_requests(app).query_one(FilterInput)
        send(app, "abcdef")
        await settled(app, pilot)
        assert (field.value, field.cursor_position) == ("abcdef", 6)
        send(app, "\x7f")
        await settled(app, pilot)
        assert field.value == on_requests(app).request_list.rows.query.text == "abcde"


async def test_keys_sent_together_with_the_slash_belong_to_the_filter() -> None:
    async with running(sample_snapshot(), (100, 30)) as (app, pilot):
        await open_list(app, pilot)
        send(app, "/bust\x7f\r")
        await settled(app, pilot)
        assert on_requests(app).query_one(FilterInput).value == "bus"
        assert on_requests(app).request_list.rows.query.text == "bus"
        assert app.focused is on_requests(app).request_list


async def test_the_slash_selects_a_filter_so_that_typing_replaces_it() -> None:
    async with running(sample_snapshot(), (100, 30)) as (app, pilot):
        await open_list(app, pilot, "b")
        send(app, "/cart")
        await settled(app, pilot)
        assert on_requests(app).query_one(FilterInput).value == "cart"


async def test_a_paste_between_keys_stands_where_it_was_pasted() -> None:
    async with running(sample_snapshot(), (100, 30)) as (app, pilot):
        await open_list(app, pilot, "slash")
        field = on_requests(app).query_one(FilterInput)
        send(app, "ab")
        app.post_message(events.Paste("tool:Read"))
        send(app, "yz\x7f")
        await settled(app, pilot)
        assert (field.value, field.cursor_position) == ("abtool:Ready", 12)


async def test_leaving_the_drill_down_puts_the_cursor_on_the_request_last_shown() -> None:
    async with running(sample_snapshot(), (100, 30)) as (app, pilot):
        await open_list(app, pilot, "enter")
        await settled(app, pilot)
        await pilot.press("j", "j", "escape")
        await settled(app, pilot)
        listed = on_requests(app).request_list
        assert listed.selected is not None
        assert (listed.selected.n, listed.follow) == (281, False)


@pytest.mark.parametrize("keys", [(), ("j", "k")])
async def test_the_list_goes_on_following_when_the_drill_down_did_not_move(
    keys: tuple[str, ...],
) -> None:
    snapshot = sample_snapshot()
    async with running(snapshot, (100, 30)) as (app, pilot):
        await open_list(app, pilot, "enter")
        await settled(app, pilot)
        await pilot.press(*keys)
        await put(app, pilot, grown(snapshot, 2))
        await pilot.press("escape")
        await settled(app, pilot)
        listed = on_requests(app).request_list
        assert listed.selected is not None
        assert (listed.selected.n, listed.follow) == (285, True)


async def test_the_count_is_of_the_threads_that_are_looked_at() -> None:
    async with running(sample_snapshot(), (100, 30)) as (app, pilot):
        assert "Requests 283 " in (await open_list(app, pilot))[0]
        for text, count in (("agent:all", "297 of 297"), ("agent:explore #3..5", "3 of 14")):
            on_requests(app).apply_filter(text)
            await settled(app, pilot)
            assert f"Requests {count} " in screen_lines(app)[0]


async def test_a_filter_that_lets_nothing_through_says_so() -> None:
    async with running(sample_snapshot(), (100, 30)) as (app, pilot):
        lines = await open_list(app, pilot, "slash", *"nowhere")
        assert "Requests 0 of 283" in lines[0]
        assert lines[3].strip() == "no request matches"
        assert lines[4].strip() == ""


async def test_a_term_that_makes_no_sense_is_shown_and_the_rest_holds() -> None:
    async with running(sample_snapshot(), (100, 30)) as (app, pilot):
        lines = await open_list(app, pilot, "slash", *"bust ctx>")
        assert any("ctx>?  not understood" in row for row in lines)
        assert len(on_requests(app).request_list.rows.requests) == 3


async def test_busts_only_and_prompts_only_are_filters_that_toggle() -> None:
    async with running(sample_snapshot(), (100, 30)) as (app, pilot):
        await open_list(app, pilot, "b")
        rows = on_requests(app).request_list.rows
        assert len(rows.requests) == 3
        await pilot.press("o")
        await settled(app, pilot)
        assert all(row.starts_turn for row in rows.requests)
        await pilot.press("o")
        await settled(app, pilot)
        assert len(rows.requests) == 283


async def test_the_unit_changes_both_money_columns() -> None:
    async with running(sample_snapshot(), (100, 30)) as (app, pilot):
        lines = await open_list(app, pilot, "t")
        assert "tokens" in lines[2]
        await pilot.press("t")
        await settled(app, pilot)
        assert "%req" in screen_lines(app)[2]


async def test_another_session_starts_at_its_newest_request() -> None:
    async with running(sample_snapshot(), (100, 30)) as (app, pilot):
        await open_list(app, pilot, "j", "j", "right_square_bracket")
        listed = on_requests(app).request_list
        assert app.session is not None
        assert listed.follow
        if app.session.requests:
            assert listed.selected is app.session.requests[-1]


async def test_a_click_moves_a_second_one_opens_a_title_sorts() -> None:
    async with running(sample_snapshot(), (100, 30)) as (app, pilot):
        await open_list(app, pilot)
        listed = on_requests(app).request_list
        await pilot.click("#requests", offset=(20, 4))
        assert listed.selected is not None
        assert listed.selected.n == 280
        await pilot.click("#requests", offset=(18, 0))
        await settled(app, pilot)
        assert listed.rows.sort == "ctx"


async def test_fifty_thousand_rows_draw_only_what_is_in_sight(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    snapshot = sample_snapshot()
    requests = snapshot.sessions[0].requests
    many = tuple(
        replace(requests[number % len(requests)], n=number + 1) for number in range(50_000)
    )
    large = with_requests(snapshot, many)
    drawn: list[int] = []
    draw = request_row

    def counting(row: Request, *args: object, **kwargs: object) -> object:
        drawn.append(row.n)
        return draw(row, *args, **kwargs)  # type: ignore[arg-type]  # passes on what it was given

    monkeypatch.setattr(request_list, "request_row", counting)
    async with running(large, (100, 30)) as (app, pilot):
        await open_list(app, pilot)
        drawn.clear()
        await put(app, pilot, grown(large, 1))
        assert set(drawn) <= set(range(49_970, 50_002))
        assert len(drawn) <= 60
        await pilot.press("G")
        await settled(app, pilot)
        assert len(drawn) <= 160


async def test_hostile_text_is_shown_harmlessly() -> None:
    snapshot = sample_snapshot()
    rows = list(snapshot.sessions[0].requests)
    nasty = "[/oops] [red]x[/red] \x1b[31mred\x1b]0;title\x07 \u202egnp.exe\x00\r\n$label"
    rows[-1] = replace(rows[-1], verb="Bash", label=nasty, message_id=nasty)
    rows[-2] = replace(rows[-2], starts_turn=True, prompt=nasty)
    async with running(with_requests(snapshot, tuple(rows)), (160, 45)) as (app, pilot):
        lines = await open_list(app, pilot)
        text = "".join(lines)
        assert "[/oops] [red]x[/red] red" in text
        assert not any(glyph in text for glyph in "\x1b\x07\x00\r\n\u202e")
        assert {len(row) for row in lines} == {160}


async def test_nothing_is_written_when_there_is_nothing_to_export(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    async with running(sample_snapshot(), (100, 30)) as (app, pilot):
        await open_list(app, pilot)
        on_requests(app).apply_filter("nowhere")
        await pilot.press("e")
        await settled(app, pilot)
        assert screen_lines(app)[-1].strip() == "nothing to export"
    assert not list(tmp_path.iterdir())


def test_no_text_of_a_transcript_starts_a_formula_in_the_export() -> None:
    request = replace(
        sample_snapshot().sessions[0].requests[0],
        model="=HYPERLINK(1)", message_id="+1", thread="@x", verb="-v", label="\r=1",
    )  # fmt: skip
    (row,) = csv.DictReader(requests_csv([request]).splitlines())
    cells = [row[name] for name in ("model", "message_id", "thread", "label")]
    assert cells == ["'=HYPERLINK(1)", "'+1", "'@x", "'-v  =1"]


async def test_copying_tells_what_was_copied() -> None:
    async with running(sample_snapshot(), (100, 30)) as (app, pilot):
        await open_list(app, pilot, "y")
        selected = on_requests(app).request_list.selected
        assert selected is not None
        assert app.clipboard == selected.message_id
        await pilot.press("Y")
        assert f'"message_id":"{selected.message_id}"' in app.clipboard


def session_of(app: CcmonApp) -> Session:
    assert app.session is not None
    return app.session


async def test_up_leads_to_the_prompt_of_the_turn() -> None:
    async with running(sample_snapshot(), (100, 30)) as (app, pilot):
        await open_list(app, pilot, "u")
        selected = on_requests(app).request_list.selected
        assert selected is not None
        assert selected.starts_turn
        assert selected.turn == session_of(app).requests[-1].turn


async def test_up_finds_the_prompt_of_a_sub_agent_in_its_own_thread() -> None:
    async with running(sample_snapshot(), (100, 30)) as (app, pilot):
        await open_list(app, pilot)
        on_requests(app).apply_filter("agent:a7e03c")
        await pilot.press("u")
        selected = on_requests(app).request_list.selected
        assert selected is not None
        assert selected.thread == "a7e03c"
        rows = [row for row in session_of(app).subagents[0].requests if row.turn == selected.turn]
        assert selected.n == rows[0].n


async def test_the_clock_may_tick_while_a_screen_is_being_built() -> None:
    async with running(sample_snapshot(), (100, 30)) as (app, pilot):
        app.push_screen(RequestScreen(MAIN, 1))
        assert not app.screen.is_mounted
        app._tick()
        await settled(app, pilot)
        assert "#1" in screen_lines(app)[0]


async def test_help_over_a_screen_just_opened_leaves_its_header_whole() -> None:
    async with running(sample_snapshot(), (100, 30)) as (app, pilot):
        await open_list(app, pilot)
        for key in ("enter", "question_mark"):
            app.post_message(events.Key(key, None))
            await asyncio.sleep(0.005)
        while not isinstance(app.screen, HelpScreen):
            await pilot.pause()
        await settled(app, pilot)
        below = app.screen_stack[-2]
        assert isinstance(below, RequestScreen)
        (header,) = below.query_one(Header).lines
        assert "shop-api › #283" in header.plain
        assert header.cell_length == 100
