"""The app: what it selects, freezes, counts and survives."""

import asyncio
from typing import cast

import msgspec
import pytest
from textual.pilot import Pilot

from ccmon.settings import Settings
from ccmon.snapshot import Session, Snapshot, Spend
from ccmon.tui.app import CcmonApp
from ccmon.tui.theme import ANSI, DARK, LIGHT
from ccmon.tui.widgets.footer import Footer
from ccmon.tui.widgets.header import Header
from ccmon.tui.widgets.panel import Panel
from tests import sample
from tests.sample_rows import at
from tests.tui.stage import FakeMonitor, running, screen_lines, settled, shown

WIDE = (160, 45)


async def publish(app: CcmonApp, pilot: Pilot[None], snapshot: Snapshot) -> None:
    """The engine has this to show; wait until the app knows it."""
    cast(FakeMonitor, app.monitor).put(snapshot)
    async with asyncio.timeout(5):
        while app._newest is not snapshot:
            await pilot.pause()
    await settled(app, pilot)


def header(app: CcmonApp) -> str:
    return screen_lines(app)[0]


def bare_session(**changes: object) -> Session:
    """A session of which nothing but its name is known."""
    return msgspec.structs.replace(
        sample.sample_session(),
        **{
            "title": None, "cwd": None, "model": None, "effort": None, "version": None,
            "started_at": None, "last_request_at": None, "cost": None, "context": None,
            "next_request": None, "cache": None, "reread": None, "spend": None, "drag": None,
            "hidden": None, "busts": (), "compactions": (), "subagents": (), "requests": (),
            "request_count": 0, "status": "unknown", "findings": (), "inventory": None,
        } | changes,
    )  # fmt: skip


async def test_it_paints_before_anything_is_read() -> None:
    app = CcmonApp(
        lambda: FakeMonitor(sample.sample_snapshot()), Settings(), clock=lambda: sample.NOW
    )
    seen: list[Snapshot | None] = []
    app.call_after_refresh(lambda: seen.append(app.snapshot))
    async with app.run_test(size=(100, 30)) as pilot:
        await shown(app, pilot)
    assert seen == [None]


async def test_the_screen_changes_by_itself_when_a_session_appears_and_when_it_goes() -> None:
    async with running(sample.empty_snapshot()) as (app, pilot):
        assert app.current_mode == "empty"
        await publish(app, pilot, sample.sample_snapshot())
        assert app.current_mode == "overview"
        assert "shop-api" in header(app)
        empty = sample.empty_snapshot()
        await publish(app, pilot, empty)
        assert app.current_mode == "empty"
        assert "No Claude Code transcripts found yet." in "\n".join(screen_lines(app))


async def test_number_keys_lead_nowhere_while_there_is_no_session() -> None:
    async with running(sample.empty_snapshot()) as (app, pilot):
        await pilot.press("1", "2", "[", "]", "t", "p", "p")
        assert app.current_mode == "empty"


async def test_the_selected_session_stays_selected_when_another_becomes_newer() -> None:
    snapshot = sample.sample_snapshot()
    first, second, *rest = snapshot.sessions
    async with running(snapshot) as (app, pilot):
        await publish(app, pilot, sample.snapshot_of(second, first, *rest))
        assert app.session is not None
        assert app.session.project == "shop-api"


async def test_a_beginning_of_the_session_id_selects_it() -> None:
    async with running(sample.sample_snapshot(), session_id="0f77") as (app, _):
        assert "billing" in header(app)


async def test_brackets_go_round_the_sessions() -> None:
    async with running(sample.sample_snapshot()) as (app, pilot):
        await pilot.press("]")
        assert "docs-site" in header(app)
        await pilot.press("[", "[")
        assert "notes" in header(app)


async def test_pause_freezes_the_screen_and_counts_what_comes_in() -> None:
    async with running(sample.sample_snapshot()) as (app, pilot):
        await pilot.press("p")
        before = screen_lines(app)
        newer = sample.snapshot_of(
            sample.dominating_session(), *sample.sample_snapshot().sessions[1:]
        )
        await publish(app, pilot, newer)
        assert "PAUSED +109" in header(app)
        assert screen_lines(app)[1:] == before[1:]
        await pilot.press("p")
        await settled(app, pilot)
        assert "PAUSED" not in header(app)
        assert "DRAG DOMINATES" in screen_lines(app)[1]


async def test_a_tick_moves_the_clock_and_only_in_the_last_ten_minutes_the_countdown() -> None:
    now = [sample.NOW]
    async with running(sample.snapshot_of(sample.sample_session()), clock=lambda: now[0]) as (
        app,
        pilot,
    ):
        before = screen_lines(app)
        now[0] += 1
        app._tick()
        await settled(app, pilot)
        assert "14:06:23" in header(app)
        assert screen_lines(app)[1:] == before[1:]
        now[0] = at("14:58:00")
        app._tick()
        await settled(app, pilot)
        assert "6:02 │" in screen_lines(app)[8]
        now[0] += 1
        app._tick()
        await settled(app, pilot)
        assert "6:01 │" in screen_lines(app)[8]


async def test_the_cache_goes_cold_by_itself_and_the_cold_price_becomes_the_next() -> None:
    now = [sample.NOW]
    async with running(sample.sample_snapshot(), clock=lambda: now[0]) as (app, pilot):
        now[0] = at("15:04:03")
        app._tick()
        await settled(app, pilot)
        text = "\n".join(screen_lines(app))
        assert "COLD 1h  since 15:04:02" in text
        assert "the cache has expired  30x" in text


async def test_what_does_not_differ_is_not_painted_again() -> None:
    async with running(sample.sample_snapshot(), WIDE) as (app, pilot):
        panels = list(app.screen.query(Panel))
        before = [panel.lines for panel in panels]
        copy = msgspec.structs.replace(sample.sample_snapshot())
        await publish(app, pilot, copy)
        assert all(panel.lines is old for panel, old in zip(panels, before, strict=True))


@pytest.mark.parametrize("theme", [LIGHT, ANSI, "dracula", "ansi-dark", DARK])
async def test_themes_change_while_it_runs(theme: str) -> None:
    async with running(sample.sample_snapshot(), WIDE) as (app, pilot):
        app.theme = theme
        await settled(app, pilot)
        text = "\n".join(screen_lines(app))
        assert "!! DRAG HIGH" in text
        assert ("░" in text) == app.flat


async def test_no_color_leaves_words_and_no_colour(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with running(sample.sample_snapshot()) as (app, _):
        assert app.theme == ANSI
        for strip in app.screen._compositor.render_strips(app.size):
            for segment in strip:
                style = segment.style
                assert style is None or style.color is None or style.color.is_default
                assert style is None or style.bgcolor is None or style.bgcolor.is_default
        assert "!! DRAG HIGH" in "\n".join(screen_lines(app))


async def test_hostile_names_reach_the_screen_as_harmless_text() -> None:
    hostile = "\x1b[31m[/oops]\x1b]0;t\x07 \u202e$x\n[@click=app.quit]"
    session = msgspec.structs.replace(
        sample.sample_session(),
        project=hostile, model=hostile, version=hostile, effort=hostile, session_id=hostile,
    )  # fmt: skip
    async with running(sample.snapshot_of(session), WIDE) as (app, _):
        lines = screen_lines(app)
    assert "[/oops]" in lines[0]
    assert all(row.isprintable() for row in lines)


@pytest.mark.parametrize("size", [(30, 5), (60, 20), (100, 30), WIDE])
async def test_a_session_of_which_nothing_is_known_shows_no_zero_money(
    size: tuple[int, int],
) -> None:
    async with running(sample.snapshot_of(bare_session()), size) as (app, _):
        text = "\n".join(screen_lines(app))
    assert "$0" not in text


async def test_an_unpriced_session_shows_question_marks_for_money() -> None:
    requests = tuple(
        msgspec.structs.replace(request, cost=None, split=None, price=None)
        for request in sample.main_requests()[:40]
    )
    session = msgspec.structs.replace(
        bare_session(),
        model="claude-unheard-of", requests=requests, request_count=40,
        context=sample.calm_session().context, cache=sample.calm_session().cache,
        spend=Spend(None, None, None),
    )  # fmt: skip
    async with running(sample.snapshot_of(session), WIDE) as (app, _):
        text = "\n".join(screen_lines(app))
    assert "?" in text
    assert "$0.00" not in text


async def test_a_click_on_a_session_selects_it() -> None:
    async with running(sample.sample_snapshot(), WIDE) as (app, pilot):
        strip = app.screen.query_one("#sessions", Panel)
        row = next(y for y, line in enumerate(strip.lines) if "docs-site" in line.plain)
        await pilot.click("#sessions", offset=(20, row))
        await settled(app, pilot)
        assert "docs-site" in header(app)


async def test_a_click_on_a_pair_of_the_footer_does_what_the_key_does() -> None:
    async with running(sample.sample_snapshot()) as (app, pilot):
        footer = app.screen.query_one(Footer).lines[0].plain
        await pilot.click(Footer, offset=(footer.index("$|tok"), 0))
        assert app.unit == "tokens"


async def test_the_clock_of_the_header_is_the_apps() -> None:
    async with running(sample.sample_snapshot()) as (app, _):
        assert app.screen.query_one(Header).lines[0].plain.endswith("14:06:22  ? ")


@pytest.mark.parametrize("before", ["1", "2", "enter"])
@pytest.mark.parametrize("key", ["q", "ctrl+c", "ctrl+q"])
async def test_quit_keys_quit_from_any_screen(before: str, key: str) -> None:
    async with running(sample.sample_snapshot()) as (app, pilot):
        await pilot.press(before)
        await settled(app, pilot)
        await pilot.press(key)
        assert app._exit


@pytest.mark.parametrize(
    ("keys", "n"),
    [
        (["down", "down"], 281),
        (["j", "j", "k"], 282),
        (["end"], 1),
        (["G", "g"], 283),
        (["down", "home"], 283),
        (["ctrl+d", "ctrl+u"], 283),
    ],
)
async def test_keys_move_the_cursor_of_the_list_on_the_overview(keys: list[str], n: int) -> None:
    async with running(sample.sample_snapshot(), (100, 45)) as (app, pilot):
        await pilot.press(*keys)
        await settled(app, pilot)
        (row,) = (row for row in screen_lines(app) if "▌" in row)
        assert row.split()[1] == str(n)


async def test_a_tab_switches_by_key_and_by_click() -> None:
    async with running(sample.sample_snapshot()) as (app, pilot):
        await pilot.click(Footer, offset=(16, 0))
        await settled(app, pilot)
        assert app.current_mode == "requests"
        assert "Requests 283" in header(app)
        await pilot.press("1")
        await settled(app, pilot)
        assert app.current_mode == "overview"


async def test_a_hidden_screen_does_no_work_and_catches_up_when_shown_again() -> None:
    async with running(sample.sample_snapshot()) as (app, pilot):
        context = app.screen.query_one("#context", Panel)
        before = context.lines
        await pilot.press("2")
        await publish(app, pilot, sample.dominating_snapshot())
        assert context.lines is before
        await pilot.press("1")
        await settled(app, pilot)
        assert "560.9k" in context.lines[1].plain


async def test_n_on_the_overview_shows_the_newest_bust_in_the_list() -> None:
    async with running(sample.sample_snapshot()) as (app, pilot):
        await pilot.press("n")
        await settled(app, pilot)
        assert app.current_mode == "requests"
        (row,) = (row for row in screen_lines(app) if "▌" in row)
        assert row.split()[1] == "205"


async def test_a_click_on_a_bust_in_the_graph_opens_its_request() -> None:
    async with running(sample.sample_snapshot()) as (app, pilot):
        drag = app.screen.query_one("#drag", Panel)
        column = drag.lines[3].plain.index("13:02 !") + len("13:02 ")
        await pilot.click("#drag", offset=(column, 2))
        await settled(app, pilot)
        assert "#205" in header(app)


async def test_escape_never_quits() -> None:
    async with running(sample.sample_snapshot()) as (app, pilot):
        await pilot.press("escape", "escape", "2", "escape", "escape")
        await settled(app, pilot)
        assert app.current_mode == "overview"
