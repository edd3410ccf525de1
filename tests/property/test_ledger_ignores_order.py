"""The accounts depend on what the files hold, not on how and when they were read."""

import msgspec
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from ccmon.entries import AnyEntry
from ccmon.insight.summary import Facts, Summaries, Summed
from ccmon.ledger.prices import PriceTable
from ccmon.ledger.session import Ledger
from ccmon.ledger.stream import Source
from ccmon.measures import Span
from tests.builders import (
    START,
    assistant,
    boundary,
    failed,
    interrupt,
    prompt,
    sent,
    tokens,
    totals,
    usage,
)

FACTS = Facts("shop-api", "busy", True, None, {}, frozenset())
SESSIONS = ["s-one", "s-two", "s-three"]

PLENTY = settings(
    max_examples=80, deadline=None, phases=(Phase.explicit, Phase.reuse, Phase.generate)
)

counts = st.integers(0, 60_000)
moments = st.one_of(st.none(), st.integers(0, 900).map(lambda second: START + second))


TRACES = ("sent", "sent", "failed", "interrupt", "totals")
attempt_ids = st.integers(1, 5).map(lambda number: f"attempt_{number}")


@st.composite
def traces(draw: st.DrawFn, kind: str, session: str) -> AnyEntry:
    """A line that tells of requests which no line shows."""
    if kind == "sent":
        return sent(draw(attempt_ids), at=draw(moments), session=draw(st.sampled_from(SESSIONS)))
    if kind == "failed":
        return failed("529 Overloaded", refused=draw(st.booleans()))
    if kind == "interrupt":
        return interrupt(at=draw(moments))
    line = tokens(draw(st.integers(0, 50)), draw(counts), draw(counts), 0, draw(counts))
    return totals(draw(st.integers(0, 2)), draw(st.sampled_from([None, line])), session=session)


@st.composite
def lines(draw: st.DrawFn, session: str) -> AnyEntry:
    kind = draw(st.sampled_from(["response"] * 6 + ["prompt", "boundary", *TRACES]))
    if kind == "prompt":
        return prompt(at=draw(moments))
    if kind == "boundary":
        return boundary(draw(counts), at=draw(moments))
    if kind in TRACES:
        return draw(traces(kind, session))
    number = draw(st.integers(1, 9))
    response = assistant(
        f"msg_{number}",
        usage(number, draw(counts), draw(counts), 0, draw(st.sampled_from([1, 1, 8, 300]))),
        at=draw(moments),
        stop=draw(st.sampled_from([None, "end_turn"])),
        session=draw(st.sampled_from([session, session, session, *SESSIONS])),
        payer=draw(st.sampled_from([None, None, *SESSIONS])),
        uuid=f"u{draw(st.integers(0, 30))}",
        parent=f"u{draw(st.integers(0, 30))}",
    )
    return replace(response, attempt_id=draw(st.none() | attempt_ids))


@st.composite
def folders(draw: st.DrawFn) -> dict[Source, list[AnyEntry]]:
    files: dict[Source, list[AnyEntry]] = {}
    for session in SESSIONS:
        own = Source(f"/p/{session}.jsonl", session)
        agent = Source(f"/p/{session}/subagents/agent-a.jsonl", session, "a")
        files[own] = draw(st.lists(lines(session), max_size=8))
        files[agent] = draw(st.lists(lines(session), max_size=3))
    return files


def stamped(ledger: Ledger, source: Source, entries: list[AnyEntry]) -> None:
    for number, entry in enumerate(entries):
        ledger.apply(source, Span(source.path, number, 1), entry)


def hidden(made: Summed) -> object:
    session = made.session
    told = (session.hidden, session.attempts, session.lower_bound_reasons, made.conflict)
    return msgspec.to_builtins(told)


def accounts(ledger: Ledger) -> dict[str, object]:
    """Every request of every thread, and what is hidden beside them."""
    ledger.settle()
    summaries = Summaries(ledger.prices)
    return {
        session_id: (
            {
                agent: [msgspec.to_builtins(row) for row in thread.rows]
                for agent, thread in session.threads.items()
                if thread.rows
            },
            hidden(summaries.summarise(session, FACTS)),
        )
        for session_id, session in ledger.sessions.items()
        if any(thread.rows for thread in session.threads.values())
    }


def read_at_once(files: dict[Source, list[AnyEntry]]) -> dict[str, object]:
    ledger = Ledger(PriceTable.load())
    for source, entries in files.items():
        stamped(ledger, source, entries)
    return accounts(ledger)


@PLENTY
@given(folders(), st.data())
def test_any_interleaving_of_files_and_settlings_gives_the_same_accounts(
    files: dict[Source, list[AnyEntry]], data: st.DataObject
) -> None:
    ledger = Ledger(PriceTable.load())
    left = dict.fromkeys(files, 0)
    while left:
        source = data.draw(st.sampled_from(sorted(left, key=lambda item: item.path)))
        entries = files[source]
        if left[source] >= len(entries):
            del left[source]
            continue
        number = left[source]
        ledger.apply(source, Span(source.path, number, 1), entries[number])
        left[source] += 1
        if data.draw(st.booleans()):
            ledger.settle()
    assert accounts(ledger) == read_at_once(files)


@PLENTY
@given(folders(), st.data())
def test_forgetting_and_reading_a_file_again_changes_nothing(
    files: dict[Source, list[AnyEntry]], data: st.DataObject
) -> None:
    ledger = Ledger(PriceTable.load())
    for source, entries in files.items():
        stamped(ledger, source, entries)
    ledger.settle()
    again = data.draw(st.sampled_from(sorted(files, key=lambda item: item.path)))
    ledger.forget(again.path)
    without = {source: entries for source, entries in files.items() if source != again}
    assert accounts(ledger) == read_at_once(without)
    stamped(ledger, again, files[again])
    assert accounts(ledger) == read_at_once(files)
