"""The warning line: the highest state, in words that fit."""

import msgspec
import pytest

from ccmon.requests import Bust, Why
from ccmon.snapshot import AlertState, CacheAlert, DragState, Session, Snapshot
from tests import sample
from tests.sample_rows import at
from tests.tui.stage import running, screen_lines, settled

IDLE = Why("idle_past_ttl", "timestamps", None, "", 360.0, 300.0)
TOOLS = Why("tool_list_changed", "server", "tools_changed", "MCP server gone")


def alarmed(
    alert: AlertState, drag: DragState = "off", whys: tuple[Why | None, ...] = (TOOLS, IDLE)
) -> Session:
    """The sample in these states, its busts happening for these reasons."""
    session = sample.sample_session()
    assert session.cache is not None
    assert session.drag is not None
    busts = tuple(
        Bust(200 + n, "main", at("13:02:00") + n, 182_500, 0, 182_500, 1.4, why)
        for n, why in enumerate(whys)
    )
    of_agent = Bust(3, "a7e03c", at("13:30:00"), 9_000, 0, 9_000, 0.02, Why("resume", "inferred"))
    share = 0.41 if alert == "severe" else 0.22
    state = CacheAlert(alert, share, len(busts), 365_000, 201)
    return msgspec.structs.replace(
        session,
        busts=(*busts, of_agent),
        cache=msgspec.structs.replace(session.cache, alert=state),
        drag=msgspec.structs.replace(session.drag, state=drag),
    )


async def warning_of(session: Session, width: int = 100) -> str:
    async with running(sample.snapshot_of(session), (width, 30)) as (app, _):
        return screen_lines(app)[1]


async def test_a_high_cache_says_how_often_how_much_and_why_last() -> None:
    words, finding = (await warning_of(alarmed("high"))).rsplit(maxsplit=1)
    assert words.rstrip() == (
        " !  CACHE HIGH  2 busts in 50 requests rewrote 365k, 22% of spend; last: idle 6m > 5m TTL"
    )
    assert finding == "F4"


async def test_a_cause_that_came_again_and_again_is_counted() -> None:
    severe = await warning_of(alarmed("severe", whys=(TOOLS, IDLE, TOOLS, TOOLS)))
    assert severe.startswith(" !! CACHE SEVERE  4 busts in 50 requests")
    assert "41% of spend; MCP server gone x3" in severe


@pytest.mark.parametrize("width", [80, 90, 100, 160])
async def test_facts_that_do_not_fit_are_left_out_never_cut(width: int) -> None:
    row = await warning_of(alarmed("severe", whys=(TOOLS, IDLE, TOOLS, TOOLS)), width)
    assert len(row) == width
    assert "4 busts in 50 requests" in row
    assert "41% of spend" in row
    assert "…" not in row


async def test_busts_that_nobody_explains_name_no_cause() -> None:
    row = await warning_of(alarmed("high", whys=(None, None)))
    assert row.rstrip().endswith("F4")
    assert "22% of spend   " in row


@pytest.mark.parametrize(
    ("alert", "drag", "shown"),
    [
        ("off", "off", ""),
        ("high", "off", "!  CACHE HIGH"),
        ("high", "high", "!! DRAG HIGH"),
        ("severe", "off", "!! CACHE SEVERE"),
        ("severe", "high", "!! CACHE SEVERE"),
        ("severe", "dominates", "!! DRAG DOMINATES"),
        ("off", "dominates", "!! DRAG DOMINATES"),
    ],
)
async def test_the_highest_state_is_shown(alert: AlertState, drag: DragState, shown: str) -> None:
    row = (await warning_of(alarmed(alert, drag))).strip()
    assert row.startswith(shown)
    assert bool(row) is bool(shown)


async def test_the_cache_panel_carries_the_state_where_there_is_no_line() -> None:
    snapshot = sample.snapshot_of(alarmed("severe"))
    async with running(snapshot, (100, 20)) as (app, _):
        assert not any("CACHE SEVERE" in row for row in screen_lines(app))
        assert any(" SEVERE  ─╮" in row for row in screen_lines(app))
    async with running(snapshot, (60, 20)) as (app, _):
        assert " SEVERE  3 busts $4.13" in screen_lines(app)[3]


async def test_a_session_that_has_ended_warns_of_nothing() -> None:
    ended = msgspec.structs.replace(alarmed("severe", "dominates"), status="ended", active=False)
    for size in ((100, 30), (80, 24)):
        async with running(sample.snapshot_of(ended), size) as (app, pilot):
            assert "DOMINATES  " not in screen_lines(app)[1]
            await pilot.press("5")
            await settled(app, pilot)
            assert not any(row.startswith(" !") for row in screen_lines(app))


@pytest.mark.parametrize("keys", [["5"], ["5", "h"], ["5", "m"]])
@pytest.mark.parametrize("width", [80, 100, 160])
async def test_where_there_is_more_than_one_session_it_says_whose_state_it_is(
    keys: list[str], width: int
) -> None:
    async with running(sample.sample_snapshot(), (width, 30)) as (app, pilot):
        await pilot.press(*keys)
        await settled(app, pilot)
        row = screen_lines(app)[1]
    assert row.startswith(" !! DRAG HIGH  shop-api  re-reading 66% of recent spend")
    assert len(row) == width


def unread(snapshot: Snapshot, files: int, lines: int) -> Snapshot:
    """The snapshot after reading has failed so often."""
    health = msgspec.structs.replace(snapshot.health, unreadable_files=files, malformed_lines=lines)
    return msgspec.structs.replace(snapshot, health=health)


@pytest.mark.parametrize(
    ("files", "lines", "said"),
    [
        (2, 3, "2 transcripts unreadable (permission), 3 malformed lines skipped"),
        (1, 0, "1 transcript unreadable (permission)"),
        (0, 1, "1 malformed line skipped"),
    ],
)
async def test_what_was_not_read_is_said_where_no_state_is(
    files: int, lines: int, said: str
) -> None:
    for size in ((100, 30), (80, 24)):
        async with running(unread(sample.calm_snapshot(), files, lines), size) as (app, _):
            row = screen_lines(app)[1]
        assert row == f" ~  {said}".ljust(size[0] - 7) + "health "
    async with running(unread(sample.sample_snapshot(), files, lines)) as (app, _):
        assert "DRAG HIGH" in screen_lines(app)[1]
