"""Next request and Cache: the last bust in words, what is in flight, what is hidden."""

import msgspec
import pytest

from ccmon.requests import Attempt, Bust, Why
from ccmon.snapshot import AttemptCounts, Hidden, Session
from ccmon.tui.widgets.totals import totals_rows, unseen_row
from ccmon.tui.widgets.vitals import cache_frame, next_frame
from tests import sample
from tests.sample_rows import WHYS, at
from tests.tui.stage import running, screen_lines


def bust(why: Why | None, thread: str = "main") -> Bust:
    return Bust(205, thread, at("13:02:03"), 265_218, 0, 265_218, 2.0687, why)


def with_busts(*busts: Bust) -> Session:
    return msgspec.structs.replace(sample.sample_session(), busts=busts)


def last_row(session: Session, width: int) -> str:
    return cache_frame(session, width, sample.NOW, flat=False).rows[-1].plain


@pytest.mark.parametrize(
    ("why", "width", "words"),
    [
        (WHYS[205], 66, "last 13:02  ToolSearch loaded tools  server: tools_changed"),
        (WHYS[205], 52, "last 13:02  ToolSearch loaded tools  server"),
        (WHYS[205], 46, "13:02  ToolSearch loaded tools  server"),
        (WHYS[205], 36, "13:02  ToolSearch  server"),
        (WHYS[205], 26, "13:02  ToolSearch"),
        (WHYS[150], 46, "13:02  idle 1h04m > 1h TTL  timestamps"),
        (WHYS[44], 46, "last 13:02  model switch  exact"),
        (Why("unknown", "unknown"), 46, "last 13:02  cause unknown  no evidence"),
        (None, 46, "last 13:02  #205 rewrote 265.2k"),
    ],
)
def test_the_last_bust_is_told_with_cause_certainty_and_price(
    why: Why | None, width: int, words: str
) -> None:
    row = last_row(with_busts(bust(WHYS[44]), bust(why)), width)
    assert len(row) == width
    assert row.startswith(f"{words}  ")
    assert row.endswith("$2.07")


def test_a_sub_agents_bust_is_not_the_last_of_the_main_thread() -> None:
    session = with_busts(bust(WHYS[150]), bust(WHYS[205], "a7e03c"))
    assert "idle 1h04m" in last_row(session, 46)


def test_a_hostile_detail_stays_text() -> None:
    why = Why("tool_list_changed", "inferred", detail="\x1b[31m[b]gone\u202e")
    assert last_row(with_busts(bust(why)), 46).startswith("last 13:02  [b]gone  inferred  ")


async def test_a_request_in_flight_is_announced_where_the_next_one_is_priced() -> None:
    sent = Attempt("main", at("14:06:10"), "in_flight", "")
    session = msgspec.structs.replace(sample.sample_session(), attempts=(sent,))
    for width, words in ((46, "in flight since 14:06:10"), (36, "in flight")):
        value = next_frame(session, width, sample.NOW).value
        assert value is not None
        assert value.plain == words
    async with running(sample.snapshot_of(session), (100, 30)) as (app, _):
        assert "Next request ────── in flight since 14:06:10 ─╮" in screen_lines(app)[2]
    async with running(sample.snapshot_of(session), (60, 20)) as (app, _):
        assert "30x    in flight  " in screen_lines(app)[2]
    assert next_frame(sample.sample_session(), 46, sample.NOW).value is None


def test_what_no_line_shows_stands_below_the_totals() -> None:
    session = msgspec.structs.replace(sample.sample_session(), attempt_counts=AttemptCounts(lost=1))
    *_, row = totals_rows(session, 70)
    assert row.plain == "~$0.12 hidden in 1 request (1 lost)"
    exact = msgspec.structs.replace(
        session, hidden=Hidden(2, 0.3, "exact"), attempt_counts=AttemptCounts()
    )
    unseen = unseen_row(exact, 46)
    assert unseen is not None
    assert unseen.plain == "$0.30 hidden in 2 requests"
    whole = msgspec.structs.replace(
        session, hidden=Hidden(0, 0.0, "exact"), attempt_counts=AttemptCounts()
    )
    assert unseen_row(whole, 46) is None
    assert len(totals_rows(whole, 46)) == 2


def test_what_compacting_would_not_remove_is_not_told() -> None:
    session = sample.sample_session()
    assert session.drag is not None
    for removes, told in ((0.66, True), (0.004, False)):
        drag = msgspec.structs.replace(session.drag, removes=removes)
        frame = next_frame(msgspec.structs.replace(session, drag=drag), 46, sample.NOW)
        assert any("compacting removes" in row.plain for row in frame.rows) is told
