"""The filter language of the request list."""

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccmon.entries import AnyEntry, Block
from ccmon.requests import Request
from ccmon.tui.query import parse
from tests import sample
from tests.builders import OPUS_5, START, assistant, main_rows, prompt, usage


def requests() -> list[Request]:
    read = Block("tool_use", 50, "Read", "t1", "src/cart.ts 1-40")
    bash = Block("tool_use", 50, "Bash", "t2", "npm test -- cart")
    entries: list[AnyEntry] = [
        prompt("fix the Coupon total", at=START),
        assistant("msg_1", usage(2, 0, 0, 60_000, 900), at=START, blocks=[read]),
        assistant("msg_2", usage(2, 60_002, 0, 9_000, 40), at=START + 60, blocks=[bash], stop=None),
        assistant("msg_3", usage(2, 5_000, 0, 66_000, 70), at=START + 7_200, model=OPUS_5),
    ]
    return main_rows(entries)


def found(text: str) -> list[int]:
    query = parse(text)
    assert query.errors == ()
    return [row.n for row in requests() if query.matches(row)]


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("", [1, 2, 3]),
        ("coupon", [1]),
        ("CART", [1, 2]),
        ("cart npm", [2]),
        ("!cart", [3]),
        ("tool:read", [1]),
        ("tool:Bash path:cart", [2]),
        ("path:src/cart", [1]),
        ("model:opus-5-5", [1, 2]),
        ("ctx>69k", [2, 3]),
        ("ctx>=69004", [2, 3]),
        ("ctx<70k new>5k", [1, 2]),
        ("out>0.05k !out>500", [3]),
        ("cost>$0.4", [1, 3]),
        ("rew>0", [3]),
        ("read<50%", [1, 3]),
        ("#2", [2]),
        ("#2..3", [2, 3]),
        ("bust", [3]),
        ("prompt", [1]),
        ("!prompt", [2, 3]),
        ("lower", [2]),
    ],
)
def test_terms_hold_together(text: str, numbers: list[int]) -> None:
    assert found(text) == numbers


def test_a_span_of_time_is_local_and_may_run_over_midnight() -> None:
    first = requests()[0]
    assert first.at is not None
    moment = datetime.fromtimestamp(first.at).astimezone()
    minute = f"{moment:%H:%M}"
    assert parse(f"{minute}..{minute}").matches(first)
    other = f"{(moment.hour + 3) % 24:02d}:00..{(moment.hour + 22) % 24:02d}:59"
    assert not parse(other).matches(first)
    assert parse("00:00..24:00").matches(first)


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("idle", [150]),
        ("tools_loaded", [205]),
        ("tools_changed", [205]),
        ("toolsearch bust", [205]),
        ("TaskCreate bust", [205]),
        ("sonnet-5-5", [44]),
        ("bust !idle", [44, 205]),
    ],
)
def test_words_find_the_causes_of_busts(text: str, numbers: list[int]) -> None:
    query = parse(text)
    assert [row.n for row in sample.main_requests() if query.matches(row)] == numbers


@pytest.mark.parametrize(
    "term",
    [
        "ctx>",
        "ctx>many",
        "tokens>5k",
        "cost>$",
        "#x",
        "#1..",
        "25:00..26:00",
        "9:99..10:00",
        "tool:",
        "!",
    ],
)
def test_a_term_that_makes_no_sense_is_kept_aside(term: str) -> None:
    query = parse(f"cart {term}")
    assert query.errors == (term,)
    assert [row.n for row in requests() if query.matches(row)] == [1, 2]


def test_an_agent_term_chooses_threads() -> None:
    assert parse("agent:all").agents == "all"
    assert parse("agent:Explore cart").agents == "explore"
    assert parse("agent:").errors == ("agent:",)
    assert parse("cart").agents is None


@given(st.text())
def test_any_text_parses(text: str) -> None:
    query = parse(text)
    assert set(query.errors) <= set(text.split())
    for row in requests()[:1]:
        query.matches(row)
