"""Builders for what accounting eats: entries of a transcript, and ledgers fed with them."""

from collections.abc import Iterable, Sequence

from msgspec.structs import replace

from ccmon.entries import (
    AnyEntry,
    AssistantEntry,
    AttemptEntry,
    Block,
    CompactionEntry,
    CostEntry,
    ErrorEntry,
    Iteration,
    ModelBill,
    Tokens,
    ToolResult,
    UsageLine,
    UserEntry,
)
from ccmon.insight.drag import DragFold
from ccmon.insight.running import Folds, Running
from ccmon.ledger.prices import PriceTable
from ccmon.ledger.session import Ledger, SessionLedger
from ccmon.ledger.stats import ThreadStats
from ccmon.ledger.stream import Source
from ccmon.measures import Price, Span
from ccmon.requests import MAIN, Request

OPUS_5 = "claude-opus-5"
OPUS_5_5 = "claude-opus-5-5"
FABLE_5_2 = "claude-fable-5-2"
SESSION = "aaaaaaaa-1111-4111-8111-111111111111"
OTHER = "bbbbbbbb-2222-4222-8222-222222222222"
START = 1_795_340_000.0
"""2026-11-22, after every dated price step."""

Row = tuple[int, int, int, int, int]
"""Input, cache read, 5m write, 1h write, output."""


def tokens(i: int = 0, r: int = 0, w5: int = 0, w1: int = 0, o: int = 0) -> Tokens:
    """Counts with a known split."""
    return Tokens(i, w5 + w1, w5, w1, r, o)


def usage(
    i: int = 0,
    r: int = 0,
    w5: int = 0,
    w1: int = 0,
    o: int = 0,
    *,
    speed: str | None = None,
    geo: str | None = None,
    web: int = 0,
    iterations: Sequence[Iteration] = (),
) -> UsageLine:
    """A usage object with a known split."""
    return UsageLine(
        tokens(i, r, w5, w1, o),
        web_search_requests=web,
        speed=speed,
        inference_geo=geo,
        iterations=tuple(iterations),
    )


def assistant(
    message_id: str,
    line: UsageLine | None,
    *,
    at: float | None = START,
    model: str = OPUS_5_5,
    stop: str | None = "end_turn",
    uuid: str | None = None,
    parent: str | None = None,
    session: str = SESSION,
    payer: str | None = None,
    forked_from: str | None = None,
    blocks: Sequence[Block] = (),
    sidechain: bool = False,
    requested: str | None = None,
) -> AssistantEntry:
    """One line of a response."""
    return AssistantEntry(
        uuid=uuid,
        parent_uuid=parent,
        timestamp=at,
        session_id=session,
        is_sidechain=sidechain,
        message_id=message_id,
        model=model,
        stop_reason=stop,
        usage=line,
        blocks=tuple(blocks),
        request_session_id=payer,
        forked_from=forked_from,
        requested_model=requested,
        version="2.1.330",
        cwd="/home/dev/shop-api",
    )


def prompt(
    text: str = "go",
    *,
    at: float | None = START,
    uuid: str | None = None,
    parent: str | None = None,
) -> UserEntry:
    """Something a person asked."""
    return UserEntry(
        uuid=uuid,
        parent_uuid=parent,
        timestamp=at,
        session_id=SESSION,
        prompt="human",
        label=text,
        size=len(text),
    )


def boundary(
    pre: int | None = None, post: int | None = None, *, at: float | None = START
) -> CompactionEntry:
    """A compaction."""
    return CompactionEntry(
        timestamp=at, session_id=SESSION, trigger="manual", pre_tokens=pre, post_tokens=post
    )


def sent(attempt_id: str, *, at: float | None = START, session: str = SESSION) -> AttemptEntry:
    """A request goes out."""
    return AttemptEntry(timestamp=at, session_id=session, attempt_id=attempt_id, model=OPUS_5_5)


def answer(message_id: str, attempt_id: str, line: UsageLine | None = None) -> AssistantEntry:
    """The response to an attempt."""
    return replace(assistant(message_id, line or usage(0, 0, 9_000)), attempt_id=attempt_id)


def failed(reason: str, *, refused: bool = True) -> ErrorEntry:
    """The newest attempt came to nothing."""
    return ErrorEntry(timestamp=START, session_id=SESSION, reason=reason, refused=refused)


def interrupt(*, at: float | None = START, tool: bool = False) -> UserEntry:
    """The user stopped what went on: a request, or a ``tool`` as the line says."""
    return UserEntry(timestamp=at, session_id=SESSION, interrupted=True, stopped_tool=tool)


def agent_result(agent: str, *, at: float | None = START, receipt: bool = False) -> UserEntry:
    """The result of a sub-agent, or the ``receipt`` for one in the background."""
    return UserEntry(
        timestamp=at,
        session_id=SESSION,
        results=(ToolResult("call", 10, False),),
        result_agent_id=agent,
        result_is_receipt=receipt,
    )


def totals(
    cost: float = 0.0, line: Tokens | None = None, *, model: str = OPUS_5_5, session: str = SESSION
) -> CostEntry:
    """The client's own totals of the session; ``line`` is what it counted, if it says."""
    models = () if line is None else (ModelBill(model, line, cost=cost),)
    return CostEntry(session, cost, models=models)


def summary(size: int) -> UserEntry:
    """The summary that a compaction wrote, of so many bytes."""
    return UserEntry(timestamp=START, session_id=SESSION, size=size, is_compact_summary=True)


def price_of(model: str) -> Price:
    """The price of a model for an ordinary request on the day of the builders."""
    price = PriceTable.load().price(model, START, prompt_tokens=50_000)
    assert price is not None
    return price


def feed(
    ledger: Ledger,
    entries: Iterable[AnyEntry],
    *,
    path: str = f"/p/{SESSION}.jsonl",
    session: str | None = SESSION,
    agent: str | None = None,
    start: int = 0,
) -> None:
    """Hand entries to a ledger as the lines of one file, from line ``start`` on."""
    source = Source(path, session, agent)
    for number, entry in enumerate(entries, start):
        ledger.apply(source, Span(path, number * 100, 99), entry)


def ledger_of(entries: Iterable[AnyEntry]) -> Ledger:
    """A settled ledger that has read one session file."""
    ledger = Ledger(PriceTable.load())
    feed(ledger, entries)
    ledger.settle()
    return ledger


def session_of(entries: Iterable[AnyEntry]) -> SessionLedger:
    """The one session of those entries."""
    return ledger_of(entries).sessions[SESSION]


def rows_of(
    rows: Iterable[Row | CompactionEntry], model: str = OPUS_5_5, *, apart: float = 60.0
) -> list[AnyEntry]:
    """Lines of a thread of one-line responses, a minute apart."""
    entries: list[AnyEntry] = []
    for number, row in enumerate(rows, 1):
        if isinstance(row, CompactionEntry):
            entries.append(row)
        else:
            at = START + number * apart
            entries.append(assistant(f"msg_{number}", usage(*row), at=at, model=model))
    return entries


def main_rows(entries: Iterable[AnyEntry]) -> list[Request]:
    """The accounted requests of the main thread."""
    return session_of(entries).threads[MAIN].rows


def folded(entries: Iterable[AnyEntry]) -> tuple[ThreadStats, DragFold]:
    """Statistics and drag of the main thread."""
    folds = folds_of(entries)
    return folds.stats, folds.drag


def folds_of(entries: Iterable[AnyEntry]) -> Folds:
    """All folds of the main thread."""
    thread = session_of(entries).threads[MAIN]
    return Running().over(thread.rows, thread.compactions)
