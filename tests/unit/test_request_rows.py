"""The rows of the request list: their order, and keeping up cheaply."""

from collections.abc import Sequence

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from ccmon.requests import Compaction, Request
from ccmon.snapshot import Session
from ccmon.tui.query import Query, parse
from ccmon.tui.widgets.request_row import SORTS
from ccmon.tui.widgets.request_rows import Item, RequestRows
from tests.sample import sample_snapshot

SAMPLE = sample_snapshot().sessions[0]


def session(requests: Sequence[Request], compactions: Sequence[Compaction]) -> Session:
    return replace(SAMPLE, requests=tuple(requests), compactions=tuple(compactions))


def shown(rows: RequestRows) -> list[Item]:
    return [rows[index] for index in range(len(rows))]


def numbers(rows: RequestRows) -> list[int]:
    return [item.n for item in shown(rows) if isinstance(item, Request)]


def test_newest_first_with_the_compaction_below_the_request_after_it() -> None:
    rows = RequestRows()
    rows.update(SAMPLE)
    assert numbers(rows) == list(range(283, 0, -1))
    place = rows.index_of(("main", 71))
    assert place is not None
    assert isinstance(rows[place + 1], Compaction)
    following = rows[place + 2]
    assert isinstance(following, Request)
    assert following.n == 70


def test_every_request_is_found_where_it_stands() -> None:
    rows = RequestRows()
    rows.update(SAMPLE)
    for sort in SORTS:
        rows.arrange(sort=sort, descending=True)
        for n in (1, 70, 71, 283):
            index = rows.index_of(("main", n))
            assert index is not None
            assert rows.place_of(index) == ("main", n)
    assert rows.index_of(("main", 999)) is None


def test_a_filter_leaves_out_dividers_and_counts_only_what_matches() -> None:
    rows = RequestRows()
    rows.update(SAMPLE)
    rows.arrange(query=parse("bust"))
    assert numbers(rows) == [205, 150, 44]
    assert len(rows) == 3


def test_other_threads_appear_when_the_filter_names_them() -> None:
    rows = RequestRows()
    rows.update(SAMPLE)
    agent = SAMPLE.subagents[0]
    rows.arrange(query=parse("agent:all"))
    assert len(rows.requests) == len(SAMPLE.requests) + len(agent.requests)
    rows.arrange(query=parse(f"agent:{agent.agent_id[:3]}"))
    assert {row.thread for row in rows.requests} == {agent.agent_id}
    assert rows.index_of((agent.agent_id, 3)) is not None


@pytest.mark.parametrize("sort", [name for name in SORTS if name != "#"])
def test_sorting_puts_the_largest_first(sort: str) -> None:
    rows = RequestRows()
    rows.update(SAMPLE)
    rows.arrange(sort=sort, descending=True)
    first, last = rows.requests[0], rows.requests[-1]
    if sort == "ctx":
        assert first.context >= last.context
    rows.arrange(descending=False)
    assert rows.requests[0] is last


def test_an_append_touches_only_what_is_new() -> None:
    """No key is asked of, and no filter run on, a row that was there before."""
    rows = RequestRows()
    asked: list[int] = []

    def counting(row: Request) -> bool:
        asked.append(row.n)
        return True

    rows.update(session(SAMPLE.requests[:200], SAMPLE.compactions))
    rows.arrange(query=Query("counting", (counting,)))
    asked.clear()
    rows.update(session(SAMPLE.requests[:203], SAMPLE.compactions))
    assert asked == [201, 202, 203]
    assert len(rows) == 203


@settings(max_examples=60, deadline=None, phases=(Phase.explicit, Phase.reuse, Phase.generate))
@given(
    st.lists(st.tuples(st.integers(0, 283), st.integers(0, 6)), min_size=1, max_size=8),
    st.sampled_from(SORTS),
    st.booleans(),
    st.sampled_from(["", "bust", "ctx>100k", "agent:all", "!prompt tool:Read"]),
)
def test_keeping_up_ends_where_starting_over_ends(
    growth: list[tuple[int, int]], sort: str, descending: bool, text: str
) -> None:
    rows = RequestRows()
    rows.arrange(query=parse(text), sort=sort, descending=descending)
    for length, renewed in growth:
        requests = list(SAMPLE.requests[:length])
        for index in range(max(0, length - renewed), length):
            requests[index] = replace(requests[index])
        present = [item for item in SAMPLE.compactions if item.before_request <= length + 1]
        grown = session(requests, present)
        rows.update(grown)
        fresh = RequestRows()
        fresh.arrange(query=parse(text), sort=sort, descending=descending)
        fresh.update(grown)
        assert set(map(id, shown(rows))) == set(map(id, shown(fresh)))
        if sort == "#":
            assert [id(item) for item in shown(rows)] == [id(item) for item in shown(fresh)]
