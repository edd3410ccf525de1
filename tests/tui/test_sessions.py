"""The Sessions screen: what it shows at every size, its order, its tree, where it leads."""

from __future__ import annotations

import asyncio

import pytest
from msgspec.structs import replace
from textual.pilot import Pilot

from ccmon.settings import Settings
from ccmon.snapshot import Snapshot
from ccmon.tui.app import CcmonApp
from ccmon.tui.screens.request import RequestScreen
from ccmon.tui.screens.requests import RequestsScreen
from ccmon.tui.screens.sessions import SessionsScreen
from tests import sample
from tests.tui.board import agent, board, every_state, session, warm_until
from tests.tui.reading import HOSTILE, seen
from tests.tui.stage import FakeMonitor, check_golden, running, screen_lines, settled
from tests.tui.test_overview import assert_frames_close

SIZES = [(60, 20), (80, 24), (100, 30), (160, 45)]


def on_board(app: CcmonApp) -> SessionsScreen:
    assert isinstance(app.screen, SessionsScreen)
    return app.screen


async def open_board(app: CcmonApp, pilot: Pilot[None], *keys: str) -> list[str]:
    await pilot.press("5", *keys)
    await settled(app, pilot)
    return screen_lines(app)


def names(app: CcmonApp) -> list[str]:
    rows = on_board(app).table.rows
    return [row.agent.agent_id if row.agent else row.session.project for row in rows]


def selected(app: CcmonApp) -> str:
    row = on_board(app).table.selected
    assert row is not None
    return row.agent.agent_id if row.agent else row.session.project


async def put(app: CcmonApp, pilot: Pilot[None], snapshot: Snapshot) -> None:
    """Let the files say this, and wait until it is shown."""
    assert isinstance(app.monitor, FakeMonitor)
    app.monitor.put(snapshot)
    async with asyncio.timeout(5):
        while app.snapshot is not snapshot:
            await pilot.pause()
    await settled(app, pilot)


@pytest.mark.parametrize("size", SIZES, ids=lambda size: "x".join(map(str, size)))
async def test_the_sample_board_is_drawn_as_agreed(size: tuple[int, int]) -> None:
    async with running(every_state(), size) as (app, pilot):
        lines = await open_board(app, pilot)
        check_golden(f"sessions-{size[0]}x{size[1]}", lines)
        assert {len(row) for row in lines} == {size[0]}


@pytest.mark.parametrize("size", [(83, 24), (101, 31), (119, 40), (149, 50), (200, 60)])
async def test_frames_close_at_any_size(size: tuple[int, int]) -> None:
    async with running(every_state(), size) as (app, pilot):
        lines = await open_board(app, pilot)
    assert {len(row) for row in lines} == {size[0]}
    assert_frames_close(lines)


@pytest.mark.parametrize("width", [60, 72, 80, 96, 120])
async def test_no_figure_is_cut_where_names_have_to_be(width: int) -> None:
    long = replace(sample.dominating_session(), project="a-name-of-a-project-" * 3, cost=12_345.67)
    async with running(board(long), (width, 24)) as (app, pilot):
        text = "\n".join(await open_board(app, pilot))
    for figure in ("560.9k", "≥$12,345.67", "…"):
        assert figure in text


@pytest.mark.parametrize("size", [(30, 3), (40, 8), (60, 12), (100, 14)])
async def test_small_screens_keep_the_rows(size: tuple[int, int]) -> None:
    async with running(every_state(), size) as (app, pilot):
        lines = await open_board(app, pilot)
    assert {len(row) for row in lines} == {size[0]}
    assert "397.4k" in "\n".join(lines) or size[1] == 3


async def test_ascii_leaves_no_other_character() -> None:
    settings = Settings(ascii=True)
    async with running(every_state(), (160, 45), settings=settings) as (app, pilot):
        lines = await open_board(app, pilot)
    assert all(row.isascii() for row in lines)


async def test_what_goes_on_comes_first_and_next_to_go_cold_leads() -> None:
    snapshot = board(
        session("ended", status="ended", active=False),
        session("idle"),
        warm_until("14:50:00", session("later", status="busy")),
        warm_until("13:00:00", session("cold", status="unknown")),
        warm_until("14:10:00", session("soon", status="waiting")),
    )
    async with running(snapshot) as (app, pilot):
        lines = await open_board(app, pilot)
        assert names(app) == ["soon", "later", "cold", "idle", "ended"]
    assert "quiet 1m" in "\n".join(lines)


async def test_the_cursor_begins_on_the_session_shown_elsewhere_and_stays_on_its_own() -> None:
    sessions = [
        warm_until("14:20:00", session("a", status="busy")),
        warm_until("14:30:00", session("b", status="busy")),
        warm_until("14:40:00", session("c", status="busy")),
    ]
    async with running(board(*sessions), session_id="b") as (app, pilot):
        await open_board(app, pilot)
        assert selected(app) == "b"
        await pilot.press("j")
        assert selected(app) == "c"
        moved = [warm_until("14:08:00", sessions[2]), *sessions[:2]]
        await put(app, pilot, board(*moved, session("new")))
        await seen(app, pilot, "Sessions 4")
        assert names(app) == ["c", "a", "b", "new"]
        assert selected(app) == "c"
        await put(app, pilot, board(*sessions[:2]))
        await seen(app, pilot, "Sessions 2")
        assert selected(app) in ("a", "b")


async def test_sub_agents_at_work_stand_as_a_tree_below_their_session() -> None:
    async with running(every_state()) as (app, pilot):
        lines = await open_board(app, pilot)
        assert names(app)[:4] == ["docs-site", "shop-api", "b1", "b2"]
        assert "shop-api +2" in "\n".join(lines)
        await pilot.press("space")
        await settled(app, pilot)
        assert names(app)[1:6] == ["shop-api", "a7e03c", "b1", "b2", "b3"]
        assert any("├╴type-b1" in row for row in screen_lines(app))
        assert any("  ╰╴type-b2" in row for row in screen_lines(app))
        await pilot.press("j", "j", "space")
        assert names(app)[1:3] == ["shop-api", "infra"]
        assert selected(app) == "shop-api"
        await pilot.press("space")
        assert "b3" in names(app)


async def test_sub_agents_that_claim_each_other_are_shown_once() -> None:
    ring = (agent("x", parent="y", active=True), agent("y", parent="x", active=True))
    async with running(board(session("a", status="busy", subagents=ring))) as (app, pilot):
        await open_board(app, pilot, "space")
        assert sorted(names(app)) == ["a"]
        await pilot.press("space")
        assert sorted(names(app)) == ["a", "x", "y"]


async def test_enter_opens_a_session_and_the_requests_of_a_sub_agent() -> None:
    async with running(sample.sample_snapshot()) as (app, pilot):
        await open_board(app, pilot, "g", "enter")
        await settled(app, pilot)
        assert app.current_mode == "overview"
        assert app.session is not None
        assert app.session.project == "docs-site"
        await open_board(app, pilot, "j", "j", "enter")
        await settled(app, pilot)
        assert isinstance(app.screen, RequestsScreen)
        assert app.session.project == "shop-api"
        assert "agent:a7e03c" in "\n".join(screen_lines(app))


async def test_brackets_go_through_the_sessions_in_the_order_shown() -> None:
    async with running(sample.sample_snapshot()) as (app, pilot):
        await open_board(app, pilot)
        await pilot.press("right_square_bracket")
        assert (selected(app), app.session and app.session.project) == ("billing", "billing")
        await pilot.press("left_square_bracket", "left_square_bracket", "left_square_bracket")
        assert selected(app) == "notes"


async def test_active_alone_leaves_out_what_has_ended() -> None:
    async with running(every_state()) as (app, pilot):
        text = "\n".join(await open_board(app, pilot, "a"))
        assert "ended" not in text
        assert "Sessions 6 of 8" in text
        assert "active only" in text
        await pilot.press("a")
        await settled(app, pilot)
        assert "Sessions 8" in "\n".join(screen_lines(app))


async def test_with_none_active_it_says_so() -> None:
    gone = session("a", status="ended", active=False)
    async with running(board(gone)) as (app, pilot):
        text = "\n".join(await open_board(app, pilot, "a"))
        assert "no session is active; a shows all" in text
        await pilot.press("enter", "space", "s", "r", "j", "right_square_bracket")
        await settled(app, pilot)
        on_board(app)


async def test_sorting_goes_through_the_columns_and_turns_round() -> None:
    async with running(sample.sample_snapshot()) as (app, pilot):
        await open_board(app, pilot, "s")
        assert "spend▾" in "\n".join(screen_lines(app))
        assert [name for name in names(app) if name != "a7e03c"][:3] == [
            "shop-api", "billing", "docs-site",
        ]  # fmt: skip
        assert selected(app) == "shop-api"
        await pilot.press("r")
        await settled(app, pilot)
        assert "spend▴" in "\n".join(screen_lines(app))
        assert names(app)[0] == "notes"
        await pilot.press("s", "s", "s", "s")
        await settled(app, pilot)
        assert names(app)[:3] == ["billing", "docs-site", "infra"]
        await pilot.press("s")
        assert on_board(app).table.sort == "active"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("billing", ["billing"]),
        ("waiting", ["docs-site"]),
        ("high", ["shop-api", "a7e03c"]),
        ("ctx>200k", ["shop-api", "a7e03c", "billing"]),
        ("cost>1 !model:opus", ["docs-site", "billing"]),
        ("id:0f77", ["billing"]),
        ("title:coupon", ["shop-api", "a7e03c"]),
        ("agent:explore", ["shop-api", "a7e03c"]),
        ("fill>30 findings>2", ["shop-api", "a7e03c"]),
    ],
)
async def test_a_filter_finds_by_every_term(text: str, found: list[str]) -> None:
    async with running(sample.sample_snapshot()) as (app, pilot):
        await open_board(app, pilot)
        on_board(app).apply_filter(text)
        assert names(app) == found


async def test_typing_filters_says_what_it_does_not_understand_and_esc_clears() -> None:
    async with running(sample.sample_snapshot()) as (app, pilot):
        await open_board(app, pilot, "slash", *"ctx>lots", "enter")
        assert "ctx>lots?  not understood" in "\n".join(screen_lines(app))
        on_board(app).apply_filter("nowhere")
        await settled(app, pilot)
        assert "none of 8 sessions is nowhere" in "\n".join(screen_lines(app))
        await pilot.press("escape")
        assert len(names(app)) == 9
        await pilot.press("escape")
        await settled(app, pilot)
        assert app.current_mode == "overview"


async def test_the_panel_tells_of_the_session_under_the_cursor() -> None:
    async with running(sample.sample_snapshot()) as (app, pilot):
        text = "\n".join(await open_board(app, pilot, "g"))
        assert "waits for  permission prompt" in text
        assert "cache cold in 3:12, then +$0.33 for one request" in text
        await pilot.press("G")
        await settled(app, pilot)
        text = "\n".join(screen_lines(app))
        assert "Draft the release notes" in text
        assert "next cold: docs-site in 3:12, then +$0.33 for one request" in text
        await pilot.press("g", "j", "j")
        await settled(app, pilot)
        assert "find the checkout flow" in "\n".join(screen_lines(app))


async def test_the_countdown_moves_with_the_clock_alone() -> None:
    now = [sample.NOW]
    async with running(sample.sample_snapshot(), clock=lambda: now[0]) as (app, pilot):
        await open_board(app, pilot)
        now[0] += 2
        app._tick()
        await settled(app, pilot)
        assert "3:10" in "\n".join(screen_lines(app))
        now[0] += 190
        app._tick()
        await settled(app, pilot)
        assert "cold 0s" in "\n".join(screen_lines(app))


async def test_units_turn_the_spend_into_tokens_and_shares() -> None:
    async with running(sample.sample_snapshot()) as (app, pilot):
        text = "\n".join(await open_board(app, pilot, "t"))
        assert "54.5M" in text
        await pilot.press("t")
        await settled(app, pilot)
        assert "70.6%" in "\n".join(screen_lines(app))


async def test_a_click_selects_a_second_one_opens_a_title_sorts() -> None:
    async with running(sample.sample_snapshot()) as (app, pilot):
        await open_board(app, pilot)
        await pilot.click("#sessions", offset=(16, 4))
        assert selected(app) == "billing"
        await pilot.click("#sessions", offset=(60, 0))
        assert on_board(app).table.sort == "active"
        await pilot.click("#sessions", offset=(86, 0))
        assert on_board(app).table.sort == "spend"
        await pilot.click("#sessions", offset=(86, 0))
        assert on_board(app).table.reverse
        await pilot.click("#sessions", offset=(86, 0))
        assert names(app)[0] == "shop-api"
        await pilot.click("#sessions", offset=(16, 3))
        await settled(app, pilot)
        await pilot.click("#sessions", offset=(16, 3))
        await settled(app, pilot)
        assert app.current_mode == "overview"
        assert app.session is not None
        assert app.session.project == "billing"


async def test_three_hundred_sessions_scroll_with_their_cursor() -> None:
    many = [session(f"p{n:03d}", last_line_at=sample.NOW - n) for n in range(300)]
    async with running(board(*many)) as (app, pilot):
        await open_board(app, pilot, "G")
        assert selected(app) == "p299"
        assert any(row.startswith("▌") and "p299" in row for row in screen_lines(app))
        await put(
            app,
            pilot,
            board(*many[150:], *many[:150], session("fresh", last_line_at=sample.NOW + 1)),
        )
        await seen(app, pilot, "Sessions 301")
        assert selected(app) == "p299"


@pytest.mark.parametrize("size", SIZES, ids=lambda size: "x".join(map(str, size)))
async def test_columns_stay_where_they_are_when_names_and_figures_come_and_go(
    size: tuple[int, int],
) -> None:
    few = board(session("a", cost=0.5), session("b"))
    long = session("a-project-of-a-long-name", model="claude-a-model-of-a-long-name", cost=1_234.5)
    async with running(few, size) as (app, pilot):
        await open_board(app, pilot)
        await put(app, pilot, board(long, *few.sessions))
        before = _titles(app)
        for shown in (few, board(session("c", project="x")), board(long)):
            await put(app, pilot, shown)
            assert _titles(app) == before
    async with running(board(session("a")), size) as (app, pilot):
        await open_board(app, pilot)
        before = _titles(app)
        await put(app, pilot, board(session("a"), session("a-project-of-a-long-name")))
        assert _titles(app) == before


def _titles(app: CcmonApp) -> str:
    return next(row for row in screen_lines(app) if "status" in row)


async def test_names_that_differ_at_their_ends_can_be_told_apart_on_a_small_screen() -> None:
    agents = tuple(agent(f"g{n}") for n in range(3))
    twins = [session(f"checkout-service-{end}", subagents=agents) for end in ("web", "api")]
    async with running(board(*twins), (60, 20)) as (app, pilot):
        lines = await open_board(app, pilot)
    rows = "\n".join(lines)
    assert "web +3" in rows
    assert "api +3" in rows


@pytest.mark.parametrize("width", [60, 80])
async def test_small_screens_name_the_keys_of_history_and_memory(width: int) -> None:
    async with running(every_state(), (width, 24)) as (app, pilot):
        lines = await open_board(app, pilot)
    assert "h history" in lines[-1]
    assert "m memory" in lines[-1]


async def test_hostile_names_are_harmless() -> None:
    worst = session(
        HOSTILE, project=HOSTILE, title=HOSTILE, status="waiting", waiting_for=HOSTILE,
        subagents=(replace(agent("x", active=True), type=HOSTILE, description=HOSTILE),),
    )  # fmt: skip
    async with running(board(worst), (160, 45)) as (app, pilot):
        text = "\n".join(await open_board(app, pilot, "space", "j"))
    assert "[bold red]x[/oops]" in text
    assert "\x1b" not in text
    assert "\u202e" not in text


class TestClearing:
    """``/clear`` goes on in another session of the same process."""

    before = session("old", status="busy")
    left = replace(before, status="ended", active=False, went_on="new")
    after = session("new", status="busy")

    async def test_the_new_session_is_shown_once_it_is_there(self) -> None:
        async with running(board(self.before, session("other"))) as (app, pilot):
            await put(app, pilot, board(self.left, session("other")))
            assert app.session is not None
            assert app.session.project == "old"
            await put(app, pilot, board(self.after, self.left, session("other")))
            assert app.session.project == "new"

    async def test_who_looks_at_another_session_stays_there(self) -> None:
        async with running(board(self.before, session("other")), session_id="other") as (
            app,
            pilot,
        ):
            await put(app, pilot, board(self.after, self.left, session("other")))
            await pilot.press("5")
            await seen(app, pilot, "Sessions 3")
            assert app.session is not None
            assert app.session.project == "other"

    async def test_the_old_session_can_still_be_opened(self) -> None:
        snapshot = board(self.after, self.left)
        async with running(snapshot, session_id="new") as (app, pilot):
            await open_board(app, pilot, "G", "enter")
            await settled(app, pilot)
            assert app.session is not None
            assert app.session.project == "old"
            await put(app, pilot, board(self.after, self.left, session("more")))
            await open_board(app, pilot)
            await seen(app, pilot, "Sessions 3")
            assert app.session.project == "old"

    async def test_a_drill_down_is_not_taken_away(self) -> None:
        async with running(board(self.before)) as (app, pilot):
            await pilot.press("2", "enter")
            await settled(app, pilot)
            assert isinstance(app.screen, RequestScreen)
            await put(app, pilot, board(self.left, self.after))
            assert app.session is not None
            assert app.session.project == "old"
