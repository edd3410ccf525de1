"""The drill-down: one request, fully accounted, found again in every snapshot."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual.content import Content
from textual.pilot import Pilot

from ccmon.measures import Span, Usage
from ccmon.monitor import TextBlock
from ccmon.requests import Entered, Request
from ccmon.snapshot import Snapshot
from ccmon.tui.app import CcmonApp
from ccmon.tui.carried import carried, kept_by
from ccmon.tui.screens.request import Needs, RequestScreen, places
from ccmon.tui.widgets.entered_panel import entered_frame
from ccmon.tui.widgets.preview import entered_total
from ccmon.tui.widgets.request_panels import (
    future_frame,
    money_frame,
    thread_of,
    usage_frame,
)
from tests import sample
from tests.tui.reading import HOSTILE, SOURCE, gone, says, seen
from tests.tui.stage import FakeMonitor, check_golden, running, screen_lines, settled

BLOCKS = (
    TextBlock("text", "assistant", "The checkout reads the cart first."),
    TextBlock("tool_use", "Bash", "command: npm test -- cart"),
    TextBlock("tool_result", "result", SOURCE),
)


async def opened(
    app: CcmonApp, pilot: Pilot[None], n: int, thread: str = sample.main_requests()[0].thread
) -> RequestScreen:
    app.open_request(thread, n)
    await seen(app, pilot, f"#{n}")
    screen = app.screen
    assert isinstance(screen, RequestScreen)
    return screen


def number(n: int) -> Request:
    return sample.main_requests()[n - 1]


def with_request(request: Request) -> Snapshot:
    """The sample with one request of the main thread replaced."""
    session = sample.sample_session()
    requests = tuple(request if each.n == request.n else each for each in session.requests)
    return sample.snapshot_of(msgspec.structs.replace(session, requests=requests))


@pytest.mark.parametrize("size", ["60x20", "100x30", "160x45"])
async def test_looks_as_designed(size: str) -> None:
    width, height = map(int, size.split("x"))
    async with running(sample.sample_snapshot(), (width, height)) as (app, pilot):
        says(app, *BLOCKS)
        await opened(app, pilot, 281)
        if height > 20:
            await seen(app, pilot, "import { Cart }")
        await settled(app, pilot)
        check_golden(f"request-{size}", screen_lines(app))


def test_usage_adds_up_to_the_cost() -> None:
    rows = [row.plain for row in usage_frame(number(281), 52).rows]
    assert [row.split() for row in rows] == [
        ["input_tokens", "2", "×", "$4.00/M", "$0.0000"],
        ["cache_read", "379,165", "×", "0.20", "$0.0758"],
        ["cache_creation_1h", "14,901", "×", "8.00", "$0.1192"],
        ["output_tokens", "388", "×", "20.00", "$0.0078"],
        ["context", "394,068", "+14,903", "total", "$0.2028"],
    ]
    assert {len(row) for row in rows} == {52}


def test_usage_marks_a_lower_bound_an_estimate_and_a_missing_price() -> None:
    known = number(281)
    bound = msgspec.structs.replace(known, output_is_lower_bound=True)
    guess = msgspec.structs.replace(known, estimated=True)
    unpriced = msgspec.structs.replace(known, price=None, cost=None, split=None)
    assert "≥388" in usage_frame(bound, 52).rows[3].plain
    assert usage_frame(bound, 52).rows[-1].plain.endswith("≥$0.2028")
    assert usage_frame(guess, 52).rows[-1].plain.endswith("~$0.2028")
    assert usage_frame(guess, 52).title.plain == "Usage estimated"
    assert all(row.plain.endswith("?") for row in usage_frame(unpriced, 52).rows)


def test_usage_has_a_row_for_what_the_counts_leave_out_and_none_for_what_is_zero() -> None:
    usage = Usage(output_tokens=5)
    odd = msgspec.structs.replace(number(281), usage=usage, extra_cost=0.0312)
    names = [row.plain.split("  ")[0] for row in usage_frame(odd, 60).rows]
    assert names == ["output_tokens", "advisor, compaction, web search", "context 394,068"]


def test_the_money_panel_says_that_the_cache_held() -> None:
    frame = money_frame(number(281), sample.sample_session(), 40, "usd", flat=True)
    assert frame.rows[0].plain.split() == ["re-read", "━━━━━━──────────", "37%", "$0.076"]
    assert frame.rows[-1].plain == "cache OK, expected read = got   idle 24s"


def test_the_money_panel_explains_a_bust() -> None:
    rows = money_frame(number(205), sample.sample_session(), 40, "usd", flat=True).rows
    assert [row.plain.rstrip() for row in rows[4:]] == [
        "BUST ToolSearch loaded tools  lost $2.07",
        "expected 265,218, got 0         idle 34s",
        "rests on server: tools_changed",
        "ToolSearch changed the tool list, so the",
        "prefix was written again.",
        "Load tools early in a session, or update",
        "Claude Code.",
    ]


def test_the_money_panel_counts_tokens_once() -> None:
    rows = money_frame(number(205), sample.sample_session(), 40, "tokens", flat=True).rows
    figures = [int(row.plain.split()[-1].replace(",", "")) for row in rows[:4]]
    assert figures == [0, 265_218, 3_800, 688]
    assert sum(figures[:3]) == number(205).context


def test_what_entered_adds_up_to_the_growth() -> None:
    frame = entered_frame(number(281), 96, flat=True)
    assert frame.value is not None
    assert frame.value.plain == "14,903 tokens"
    end = frame.rows[0].plain.index("1,204") + len("1,204")
    tokens = [row.plain[:end].split()[-1] for row in frame.rows]
    assert tokens == ["1,204", "842", "12,827", "~30", "0"]
    assert frame.rows[-1].plain.startswith("unattributed")
    assert {row.cell_length for row in frame.rows} == {96}


def test_every_thing_says_how_its_tokens_are_known_and_an_answer_its_parts() -> None:
    rows = [row.plain for row in entered_frame(number(281), 96, flat=True).rows]
    assert "exact     thinking 911  text 131  Grep input 162" in rows[0]
    assert "split" in rows[1]
    assert "lines 1-1,912" in rows[2]
    assert "estimated" in rows[3]
    assert rows[4].rstrip().endswith("split = one exact sum, divided by weight")


def test_narrow_the_parts_of_an_answer_have_rows_of_their_own() -> None:
    rows = [row.plain.split() for row in entered_frame(number(281), 58, flat=True).rows]
    assert rows[1] == ["thinking", "911", "exact"]
    assert rows[3] == ["Grep", "input", "162", "split"]


def test_each_thing_says_what_carrying_it_costs_with_a_prompt() -> None:
    session = sample.sample_session()
    bill = carried(session, session.requests, number(281))
    rows = [row.plain for row in entered_frame(number(281), 96, flat=True, bill=bill).rows]
    assert "$0.032/prompt" in rows[2]


def test_what_nothing_explains_is_a_row_also_where_it_is_negative() -> None:
    items = (
        Entered("output", "output", "of #280", 4_300, 1_204, ()),
        Entered("unattributed", "unattributed", "", 0, 13_699, ()),
    )
    rows = entered_frame(msgspec.structs.replace(number(281), entered=items), 96, flat=True).rows
    assert rows[1].plain.split()[:2] == ["unattributed", "13,699"]
    left = msgspec.structs.replace(number(281), entered=items[:1], growth=900)
    assert entered_frame(left, 96, flat=True).rows[1].plain.split()[:2] == ["unattributed", "-304"]


def test_what_left_is_a_row_and_what_is_missing_to_it_no_exact_sum() -> None:
    items = (
        Entered("output", "output", "of #280", 4_300, 1_204, ()),
        Entered("unattributed", "cleared", "older results", 0, -90_000, (), "estimated"),
        Entered("unattributed", "unattributed", "", 0, 300, (), "estimated"),
    )
    left = msgspec.structs.replace(number(281), entered=items, growth=-88_496)
    rows = [row.plain.split() for row in entered_frame(left, 96, flat=True).rows]
    assert rows[1] == ["cleared", "older", "results", "~-90,000", "estimated"]
    assert (rows[2][:2], rows[2][-1]) == (["unattributed", "~300"], "estimated")


def test_what_entered_has_bytes_where_arithmetic_gives_no_tokens() -> None:
    items = (
        Entered("output", "output", "of #280", 4_300, 1_204, ()),
        Entered("tool_result", "Read", "a.ts", 9_000, None, ()),
        Entered("tool_result", "Grep", "cart", 700, None, ()),
    )
    rows = entered_frame(msgspec.structs.replace(number(281), entered=items), 96, flat=True).rows
    assert rows[0].plain.split()[3:] == ["1,204", "╸", "exact", "4.3", "kB"]
    assert rows[1].plain.split() == ["Read", "a.ts", "-", "9.0", "kB"]
    assert rows[2].plain.split() == ["Grep", "cart", "-", "700", "Bytes"]
    assert rows[3].plain.split()[:6] == ["the", "rest", "of", "the", "growth", "13,699"]
    assert rows[3].plain.rstrip().endswith("exact sum")


def test_the_first_request_of_a_context_accounts_for_all_of_it() -> None:
    frame = entered_frame(number(1), 96, flat=True)
    assert frame.title.plain == "Entered with this request = context, exact"


def future_of(request: Request) -> Sequence[Content]:
    session = sample.sample_session()
    return future_frame(request, carried(session, session.requests, request), 96).rows


def test_the_future_is_the_price_of_carrying_what_is_new() -> None:
    rows = future_of(number(281))
    assert rows[0].plain.startswith(
        "re-reading by #282 and #283: $0.0060 for 14.9k   per prompt of 12"
    )
    assert rows[1].plain.endswith("/compact, /clear or a rewind to before #281")
    (now, _) = future_of(number(283))
    assert now.plain.startswith("carried by no later request yet   per prompt of 12 requests: ")


def test_a_prompt_of_one_request_is_singular() -> None:
    session = sample.sample_session()
    assert session.context is not None
    context = msgspec.structs.replace(session.context, requests_per_turn=1.2)
    session = msgspec.structs.replace(session, context=context)
    bill = carried(session, session.requests, number(281))
    assert "per prompt of 1 request: " in future_frame(number(281), bill, 96).rows[0].plain


def test_the_future_of_a_compacted_context_is_over() -> None:
    rows = future_of(number(70))
    assert rows[-1].plain == "left the context at #71, which began a new context"
    assert "per prompt" not in rows[0].plain


@given(
    st.integers(10, 220),
    st.integers(1, 60),
    st.builds(Needs, *[st.integers(1, 40) for _ in range(4)]),
)
def test_panes_never_overlap_and_leave_no_gap(width: int, height: int, needs: Needs) -> None:
    regions = list(places(width, height, needs).values())
    assert len(regions) == 5
    cells = sum(region.area for region in regions)
    bottom = max(region.bottom for region in regions)
    assert bottom >= height
    if width >= 80:
        assert cells == width * bottom
    assert not any(
        one.overlaps(other) for i, one in enumerate(regions) for other in regions[i + 1 :]
    )


async def test_j_and_k_go_along_the_thread_and_stop_at_its_ends() -> None:
    async with running(sample.sample_snapshot()) as (app, pilot):
        screen = await opened(app, pilot, 282)
        await pilot.press("k")
        assert screen.request is number(283)
        await pilot.press("k")
        assert screen.request is number(283)
        await pilot.press("j", "j")
        assert screen.request is number(281)
        assert "#281" in (await seen(app, pilot, "379,165")).splitlines()[0]
    async with running(sample.sample_snapshot()) as (app, pilot):
        screen = await opened(app, pilot, 1)
        await pilot.press("j")
        assert screen.request is number(1)


async def test_a_sub_agents_request_is_found_in_its_own_thread() -> None:
    agent = sample.sample_session().subagents[0]
    async with running(sample.sample_snapshot()) as (app, pilot):
        screen = await opened(app, pilot, 14, agent.agent_id)
        assert screen.request is agent.requests[13]
        await pilot.press("k")
        assert screen.request is agent.requests[13]
        header = (await seen(app, pilot, "Explore")).splitlines()[0]
        assert "shop-api › Explore › #14" in header
        assert thread_of(app.session, "nobody") == ()


async def test_a_growing_session_is_followed_without_losing_the_request() -> None:
    async with running(sample.sample_snapshot()) as (app, pilot):
        await opened(app, pilot, 281)
        assert isinstance(app.monitor, FakeMonitor)
        app.monitor.put(with_request(msgspec.structs.replace(number(281), cost=0.5)))
        await seen(app, pilot, "$0.5000")


async def test_another_session_without_such_a_request_says_so() -> None:
    async with running(sample.sample_snapshot()) as (app, pilot):
        await opened(app, pilot, 281)
        await pilot.press("right_square_bracket")
        await seen(app, pilot, "no request #281 here")
        await pilot.press("j", "u", "v", "y", "Y", "left_square_bracket")
        await seen(app, pilot, "379,165")


async def test_u_goes_to_the_request_that_began_the_turn() -> None:
    async with running(sample.sample_snapshot()) as (app, pilot):
        screen = await opened(app, pilot, 281)
        await pilot.press("u")
        assert screen.request is not None
        assert screen.request.starts_turn
        assert screen.request.turn == number(281).turn


async def test_tab_moves_the_focus_and_the_focused_pane_scrolls() -> None:
    async with running(sample.sample_snapshot()) as (app, pilot):
        says(app, TextBlock("text", "assistant", "\n".join(f"line {n}" for n in range(1, 90))))
        screen = await opened(app, pilot, 281)
        await seen(app, pilot, "line 3")
        await pilot.press("tab", "tab")
        assert screen.focused is not None
        assert screen.focused.id == "text"
        await pilot.press("G")
        assert "line 89" in await seen(app, pilot, "line 89")
        await pilot.press("g")
        await seen(app, pilot, "line 1 ")
        await pilot.press("shift+tab")
        assert screen.focused.id == "future"


async def test_everything_can_be_reached_on_a_small_screen() -> None:
    async with running(sample.sample_snapshot(), (60, 20)) as (app, pilot):
        says(app, *BLOCKS)
        await opened(app, pilot, 281)
        await pilot.press("tab", "tab")
        await seen(app, pilot, "The checkout reads")
        await pilot.press("shift+tab", "shift+tab", "shift+tab", "shift+tab")
        await seen(app, pilot, "input_tokens")


async def test_y_copies_the_id_and_shift_y_the_request() -> None:
    async with running(sample.sample_snapshot()) as (app, pilot):
        await opened(app, pilot, 281)
        await pilot.press("y")
        assert app.clipboard == "msg_main0281"
        await pilot.press("Y")
        copied = msgspec.json.decode(app.clipboard)
        assert copied["n"] == 281
        assert copied["usage"]["cache_read_input_tokens"] == 379_165


async def test_v_opens_all_that_the_text_pane_begins_and_escape_returns() -> None:
    answer, result = Span("a.jsonl", 0, 9), Span("a.jsonl", 10, 9)
    item = Entered("tool_result", "Read", "a.ts", 900, None, (result,))
    request = msgspec.structs.replace(number(281), spans=(answer,), entered=(item,))
    async with running(with_request(request)) as (app, pilot):
        asked = says(app, *BLOCKS)
        screen = await opened(app, pilot, 281)
        await seen(app, pilot, "The checkout reads")
        assert asked == [answer, result]
        asked.clear()
        await pilot.press("v")
        await seen(app, pilot, "› text")
        assert asked == [answer, result]
        await pilot.press("escape")
        assert app.screen is screen
        await pilot.press("escape")
        assert screen not in app.screen_stack


async def test_the_answer_is_told_from_the_answer_before() -> None:
    before, answer = Span("a.jsonl", 0, 9), Span("a.jsonl", 10, 9)
    item = Entered("output", "output", "of #280", 900, 1_204, (before,))
    request = msgspec.structs.replace(number(281), spans=(answer,), entered=(item,))
    async with running(with_request(request), (100, 45)) as (app, pilot):
        says(app, BLOCKS[0])
        await opened(app, pilot, 281)
        shown = await seen(app, pilot, "answer of #280")
        assert shown.index("answer of #281") < shown.index("answer of #280")


async def test_a_vanished_transcript_is_told_in_the_panel() -> None:
    async with running(sample.sample_snapshot()) as (app, pilot):
        gone(app, "/t/4c1f.jsonl is gone", "restart to forget it")
        await opened(app, pilot, 281)
        shown = await seen(app, pilot, "4c1f.jsonl is gone")
        assert "restart to forget it" in shown
        assert "379,165" in shown


async def test_hostile_text_stays_text() -> None:
    item = Entered("tool_result", HOSTILE, HOSTILE, 900, None, ())
    request = msgspec.structs.replace(
        number(281), entered=(item,), message_id=HOSTILE, model=HOSTILE, effort=HOSTILE
    )
    async with running(with_request(request)) as (app, pilot):
        says(app, TextBlock("tool_use", HOSTILE, HOSTILE))
        await opened(app, pilot, 281)
        shown = await seen(app, pilot, "[bold red]x[/oops]gnp.exe")
        assert not set(shown) & set("\x1b\x9b\x07\r\u202e\u200b")
        await pilot.press("y", "v")
        shown = await seen(app, pilot, "[bold red]x[/oops]gnp.exe")
        assert not set(shown) & set("\x1b\x9b\x07\r\u202e\u200b")


def rewound() -> tuple[list[Request], Request]:
    """Two turns, back to the first one, and the request that went on from there."""
    thread = list(sample.main_requests()[:4])
    items = (
        Entered("output", "output", "of #2", 0, 50, (), "exact"),
        Entered("prompt", "prompt", "two again", 0, 15, (), "exact"),
    )
    context = thread[1].context + 65
    thread[3] = msgspec.structs.replace(
        thread[3], entered=items, context=context, new=7, resumes=2, segment=9,
        starts_segment=True,
    )  # fmt: skip
    return thread, thread[3]


def test_what_a_rewind_kept_is_no_news_and_the_sum_is_the_context() -> None:
    thread, request = rewound()
    frame = entered_frame(request, 96, flat=True, kept=kept_by(thread, request))
    rows = [row.plain.split() for row in frame.rows]
    assert rows[0][:4] == ["kept", "from", "#1-#2", f"{thread[1].context:,}"]
    assert rows[-1][:2] == ["unattributed", "0"]
    assert [row[3] for row in rows[1:-1]] == ["50", "15"]


def test_what_entered_after_a_rewind_is_what_will_be_carried() -> None:
    thread, request = rewound()
    session = msgspec.structs.replace(sample.sample_session(), requests=tuple(thread))
    assert entered_total(session, request)[0][0] == "+65"
    assert carried(sample.sample_session(), thread, request).tokens == 65


def test_the_bill_of_the_future_says_that_it_is_for_reading_alone() -> None:
    session, thread = sample.sample_session(), sample.main_requests()
    bill = carried(session, thread, number(85))
    wide, narrow = (future_frame(number(85), bill, width).rows[0].plain for width in (120, 60))
    assert "carried by 198 requests so far" in wide
    assert "in re-reading alone" in wide
    assert narrow.startswith("re-reading by 198 requests so far: $")


def test_what_has_left_is_not_spoken_of_as_if_it_went_on() -> None:
    bill = carried(sample.sample_session(), sample.main_requests(), number(5))
    text = " ".join(row.plain for row in future_frame(number(5), bill, 96).rows)
    assert "so far" not in text
    assert "left the context at #71" in text


@pytest.mark.parametrize(
    ("active", "said"), [(True, "when the sub-agent is done"), (False, "gone with the sub-agent")]
)
def test_the_context_of_a_sub_agent_ends_with_it(*, active: bool, said: str) -> None:
    session = sample.sample_session()
    agent = msgspec.structs.replace(session.subagents[0], active=active)
    request = agent.requests[2]
    bill = carried(session, agent.requests, request)
    text = " ".join(row.plain for row in future_frame(request, bill, 96, agent).rows)
    assert said in text
    assert "/compact" not in text
