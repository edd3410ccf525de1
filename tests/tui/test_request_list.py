"""The request list: what a row says, which rows there are, and that a new one costs little."""

from dataclasses import replace
from functools import cache

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from textual.content import Content

from ccmon import format as fmt
from ccmon.requests import MAIN, Compaction, Request
from ccmon.snapshot import Session
from ccmon.tui.query import Query, parse
from ccmon.tui.widgets.request_row import SORTS, Shape, divider, request_row, titles
from ccmon.tui.widgets.request_rows import RequestRows
from tests import sample

MANY = 50_000


def shape(width: int = 100, *, unit: str = "usd") -> Shape:
    fitted = Shape.fitting(width, flat=False)
    return replace(fitted, unit=unit, spend=22.16)


def row_of(request: Request, width: int = 100, *, cursor: bool = False, unit: str = "usd") -> str:
    drawn = request_row(request, shape(width, unit=unit), cursor=cursor, clock=fmt.clock)
    assert drawn.cell_length == width
    return drawn.plain


def styles_of(content: Content, text: str) -> set[str]:
    """The styles that lie on the first occurrence of ``text``."""
    start = content.plain.index(text)
    return {str(span.style) for span in content.spans if span.start <= start < span.end}


def numbered(n: int) -> Request:
    return sample.main_requests()[n - 1]


def test_a_row_shows_number_time_context_growth_reading_output_price_and_next_step() -> None:
    assert row_of(numbered(281)).rstrip() == (
        "  281  14:03:35  394.1k  +14.9k   96%       -    388     -  0.203  0.076  "
        "Bash npm test -- cart"
    )


def test_a_bust_is_marked_and_says_why() -> None:
    text = row_of(numbered(150))
    assert text.startswith("! 150")
    assert " 9%  164.2k " in text
    assert text.rstrip().endswith("BUST idle 1h04m > 1h TTL")


@pytest.mark.parametrize(
    ("width", "words"),
    [(120, "ToolSearch loaded tools"), (100, "ToolSearch"), (45, "ToolSearch")],
)
def test_a_cause_that_does_not_fit_gives_way_to_a_word(width: int, words: str) -> None:
    assert row_of(numbered(205), width).rstrip().endswith(f"BUST {words}")


def test_a_bust_that_nobody_explains_says_what_was_found_of_what_had_been_left() -> None:
    request = msgspec.structs.replace(numbered(150), why=None)
    assert row_of(request).rstrip().endswith("BUST got 17.1k of 181.3k")


def test_the_cursor_takes_the_mark_and_a_bust_keeps_its_word() -> None:
    text = row_of(numbered(150), cursor=True)
    assert text.startswith("▌ 150")
    assert "BUST" in text


def test_a_prompt_shows_its_text() -> None:
    assert row_of(numbered(271)).rstrip().endswith("» fix the coupon total")


@pytest.mark.parametrize(
    ("text", "amber"),
    [
        ("150", False),
        ("9%", True),
        ("164.2k", True),
        ("688", False),
        ("407", False),
        ("1.341", True),
        ("0.003", False),
        ("BUST", True),
        ("idle", False),
    ],
)
def test_what_a_bust_cost_is_amber_and_the_rest_is_not(text: str, amber: bool) -> None:
    drawn = request_row(numbered(150), shape(), cursor=False, clock=fmt.clock)
    assert any("$warning bold" in style for style in styles_of(drawn, text)) is amber


def test_faint_text_stays_off_coloured_grounds() -> None:
    for request, cursor in ((numbered(150), False), (numbered(281), True)):
        drawn = request_row(request, shape(), cursor=cursor, clock=fmt.clock)
        assert not any("$faint" in str(span.style) for span in drawn.spans)


@pytest.mark.parametrize("output", [0, 7, 999, 1_204, 99_999, 128_000, 9_999_999])
@pytest.mark.parametrize("bound", [False, True])
def test_no_count_is_ever_cut(output: int, bound: bool) -> None:
    usage = msgspec.structs.replace(numbered(281).usage, output_tokens=output)
    request = msgspec.structs.replace(
        numbered(281), usage=usage, thinking_tokens=output, output_is_lower_bound=bound
    )
    text = row_of(request)
    assert "…" not in text
    assert ("≥" in text) is bound


@pytest.mark.parametrize("growth", [874, 14_903, 143_796, -97_500, -143_796, 1_000_000])
def test_no_growth_is_ever_cut(growth: int) -> None:
    assert "…" not in row_of(msgspec.structs.replace(numbered(281), growth=growth))


@pytest.mark.parametrize("cost", [0.0, 0.0049, 0.203, 12.345, 99.9996, 123.456, 98_765.4])
@pytest.mark.parametrize("estimated", [False, True])
def test_no_price_is_ever_cut(cost: float, estimated: bool) -> None:
    request = msgspec.structs.replace(numbered(281), cost=cost, estimated=estimated)
    assert "…" not in row_of(request)


def test_a_price_that_rests_on_a_cut_off_answer_is_a_lower_bound() -> None:
    request = msgspec.structs.replace(numbered(281), output_is_lower_bound=True, estimated=True)
    assert " ≥0.203 " in row_of(request)
    assert " ~0.203 " in row_of(msgspec.structs.replace(numbered(281), estimated=True))


def test_an_unknown_price_is_a_question_mark_and_never_nothing() -> None:
    request = msgspec.structs.replace(numbered(281), price=None, cost=None, split=None)
    cells = row_of(request).split()
    assert cells[8:10] == ["?", "?"]


def test_the_unit_turns_price_and_carry_into_tokens_and_shares() -> None:
    assert row_of(numbered(281), unit="tokens").split()[8:10] == ["394.5k", "379.2k"]
    assert row_of(numbered(281), unit="share").split()[8:10] == ["0.9%", "0.3%"]


@pytest.mark.parametrize(
    ("width", "columns"),
    [
        (100, "# time ctx new read% rewrote out think cost carry"),
        (80, "# time ctx new read% rewrote out cost"),
        (60, "# time ctx new cost"),
        (40, "# ctx cost"),
    ],
)
def test_columns_go_in_the_agreed_order_when_there_is_little_room(width: int, columns: str) -> None:
    assert " ".join(column.name for column in shape(width).columns) == columns


@pytest.mark.parametrize("unit", ["usd", "tokens", "share"])
def test_titles_end_where_their_numbers_end(unit: str) -> None:
    for width in range(24, 200):
        fitted = shape(width, unit=unit)
        heads = titles(fitted, "#", descending=True).plain
        row = row_of(numbered(281), width, unit=unit)
        at = 2
        for column in fitted.columns:
            at += column.gap + column.width
            if column.name != "time":
                assert " " not in (heads[at - 1], row[at - 1]), (width, column.name)


def test_the_sorted_column_is_bright_and_says_the_direction() -> None:
    drawn = titles(shape(), "ctx", descending=False)
    assert "ctx▴" in drawn.plain
    assert styles_of(drawn, "ctx") == {"$bright bold"}
    assert "#▾" in titles(shape(), "#", descending=True).plain


@pytest.mark.parametrize("width", [100, 80, 60, 40, 20])
def test_a_compaction_is_a_dashed_rule_with_as_much_as_fits(width: int) -> None:
    (compaction,) = sample.sample_session().compactions
    drawn = divider(compaction, width, flat=False)
    assert drawn.cell_length == width
    assert "compaction" in drawn.plain
    if width == 100:
        assert "143.8k -> 46.3k   saved 97.5k   ~$0.12 not in the transcript" in drawn.plain


HOSTILE = "[/oops]\x1b[31mred\x1b]0;title\x07 \u202eevil\u200b\n\tnext"


def test_hostile_text_is_shown_as_harmless_text() -> None:
    for changes in (
        {"label": HOSTILE, "verb": HOSTILE},
        {"starts_turn": True, "prompt": HOSTILE},
    ):
        text = row_of(msgspec.structs.replace(numbered(281), **changes), 160)
        assert "[/oops]red evil next" in text
        assert text.isprintable()


def test_the_number_column_has_room_for_every_number_and_the_mark_of_a_sub_agent() -> None:
    agent = sample.sample_session().subagents[0]
    busy = msgspec.structs.replace(agent, requests=many_requests()[:1_234])
    session = msgspec.structs.replace(sample.sample_session(), subagents=(busy,))
    for text, expected in (("", 3), ("agent:all", 5), ("agent:main", 3)):
        rows = RequestRows()
        rows.arrange(query=parse(text))
        rows.update(session)
        assert rows.digits == expected


def test_wide_characters_keep_the_row_as_wide_as_the_list() -> None:
    for verb, label in (("Read", "漢字" * 40), ("漢字", "coupon"), ("漢字" * 40, "漢字")):
        row_of(msgspec.structs.replace(numbered(281), verb=verb, label=label), 80)


def test_thinking_is_mentioned_where_it_costs_no_argument() -> None:
    request = msgspec.structs.replace(numbered(277), thinks=True)
    assert row_of(request, 120).rstrip().endswith("Read test/cart.test.ts, think")
    assert row_of(request, 100).rstrip().endswith("Read test/cart.test.ts")


def listed(rows: RequestRows) -> list[str]:
    """What the rows are, in the order of display: thread and number, or a compaction."""
    shown = []
    for index in range(len(rows)):
        item = rows[index]
        if isinstance(item, Compaction):
            shown.append(f"compaction before {item.before_request}")
        else:
            shown.append(f"{item.thread} {item.n}")
    return shown


def made(
    session: Session, text: str = "", sort: str = "#", *, descending: bool = True
) -> list[str]:
    rows = RequestRows()
    rows.arrange(query=parse(text), sort=sort, descending=descending)
    rows.update(session)
    return listed(rows)


def test_newest_first_and_a_compaction_below_the_first_request_after_it() -> None:
    shown = made(sample.sample_session())
    assert shown[:2] == ["main 283", "main 282"]
    at = shown.index("compaction before 71")
    assert shown[at - 1 : at + 2] == ["main 71", "compaction before 71", "main 70"]
    assert made(sample.sample_session(), descending=False) == shown[::-1]


def test_a_compaction_that_no_request_followed_yet_comes_first() -> None:
    (compaction,) = sample.sample_session().compactions
    newest = msgspec.structs.replace(compaction, before_request=284)
    session = msgspec.structs.replace(sample.sample_session(), compactions=(compaction, newest))
    assert made(session)[:2] == ["compaction before 284", "main 283"]


def test_a_filter_leaves_the_requests_it_names_and_no_compactions() -> None:
    assert made(sample.sample_session(), "bust") == ["main 205", "main 150", "main 44"]


def test_sub_agents_come_in_when_they_are_named_in_order_of_time() -> None:
    shown = made(sample.sample_session(), "agent:all")
    assert len(shown) == 297
    assert not any(row.startswith("compaction") for row in shown)
    first = shown.index("a7e03c 14")
    assert shown[first - 1].startswith("main")


@pytest.mark.parametrize("sort", SORTS)
def test_every_column_sorts_both_ways(sort: str) -> None:
    shown = made(sample.sample_session(), sort=sort)
    assert sorted(made(sample.sample_session(), sort=sort, descending=False)) == sorted(shown)
    if sort == "cost":
        assert shown[0] == "main 205"
    if sort == "ctx":
        assert shown[0] == "main 283"


@cache
def _pool() -> tuple[Request, ...]:
    """Requests to grow threads from; 64 of them, with busts and prompts among them."""
    return sample.main_requests()[:96]


GROWTHS = st.lists(
    st.tuples(st.integers(0, 96), st.integers(0, 3), st.lists(st.integers(1, 97), max_size=3)),
    min_size=1,
    max_size=8,
)


@settings(max_examples=80, deadline=None)
@given(
    GROWTHS,
    st.sampled_from(["", "bust", "ctx>60k", "tool:Read", "!prompt"]),
    st.sampled_from(["#", "ctx", "new", "cost"]),
    st.booleans(),
)
def test_rows_kept_up_to_date_are_the_rows_made_anew(
    growths: list[tuple[int, int, list[int]]], text: str, sort: str, descending: bool
) -> None:
    """Threads grow, shrink, and change at their end; compactions come and go."""
    rows = RequestRows()
    rows.arrange(query=parse(text), sort=sort, descending=descending)
    (pattern,) = sample.sample_session().compactions
    for length, changed, befores in growths:
        requests = list(_pool()[:length])
        for index in range(max(0, length - changed), length):
            requests[index] = msgspec.structs.replace(requests[index])
        compactions = tuple(
            msgspec.structs.replace(pattern, before_request=before)
            for before in sorted(set(befores))
            if before <= length + 1
        )
        session = msgspec.structs.replace(
            sample.sample_session(), requests=tuple(requests), compactions=compactions
        )
        rows.update(session)
        anew = RequestRows()
        anew.arrange(query=parse(text), sort=sort, descending=descending)
        anew.update(session)
        assert sorted(listed(rows)) == sorted(listed(anew))
        if sort == "#":
            assert listed(rows) == listed(anew)
            assert [id(row) for row in rows.requests] == [id(row) for row in anew.requests]


@cache
def many_requests() -> tuple[Request, ...]:
    pattern = sample.main_requests()[-12:]
    return tuple(
        msgspec.structs.replace(pattern[n % 12], n=n, context=100_000 + n)
        for n in range(1, MANY + 12)
    )


def session_of(count: int) -> Session:
    return msgspec.structs.replace(
        sample.sample_session(), requests=many_requests()[:count], busts=(), compactions=()
    )


def test_a_new_row_is_looked_at_alone_however_many_there_are() -> None:
    asked = []

    def count(request: Request) -> bool:
        asked.append(request.n)
        return True

    rows = RequestRows()
    rows.arrange(query=Query("all", tests=(count,)))
    rows.update(session_of(MANY))
    asked.clear()
    rows.update(session_of(MANY + 1))
    rows.update(session_of(MANY + 3))
    assert asked == [MANY + 1, MANY + 2, MANY + 3]
    assert rows.place_of(0) == (MAIN, MANY + 3)


def test_all_of_the_context_was_read_only_where_nothing_is_missing() -> None:
    request = numbered(283)
    for cached, share in ((request.context, " 100% "), (request.context - 1, " 99% ")):
        assert share in row_of(msgspec.structs.replace(request, cached=cached))
