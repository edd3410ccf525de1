"""Builders of sessions as findings and notices look at them, each ordinary but for a fact."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from ccmon.entries import AnyEntry
from ccmon.insight.findings import Case, find
from ccmon.insight.peers import Peers
from ccmon.insight.summary import Facts, Summaries, Summed
from ccmon.ledger.prices import PriceTable
from ccmon.ledger.session import Ledger
from ccmon.measures import Ttl
from ccmon.requests import MAIN, Bust, Cause, Confidence, Why
from ccmon.snapshot import Finding, Session, Status
from tests.builders import OPUS_5_5, SESSION, START, assistant, feed, prompt, usage
from tests.working import Work

APART = 60.0
"""Seconds between two requests, and from the last one to now."""


def facts_of(status: Status = "idle") -> Facts:
    """An active session in that state."""
    return Facts("shop-api", status, status != "ended", None, {}, frozenset())


def summed_of(
    main: Sequence[AnyEntry], *, status: Status = "idle", session: str = SESSION
) -> Summed:
    """A session that has read these lines."""
    ledger = Ledger(PriceTable.load())
    feed(ledger, main, path=f"/p/{session}.jsonl", session=session)
    ledger.settle()
    return Summaries(ledger.prices).summarise(ledger.sessions[session], facts_of(status))


def growing(
    *contexts: int,
    model: str = OPUS_5_5,
    stop: str = "end_turn",
    ttl: Ttl = "1h",
    start: float = START,
) -> list[AnyEntry]:
    """A thread whose requests read what was there and write the rest; a prompt before each."""
    entries: list[AnyEntry] = []
    before = 0
    for number, context in enumerate(contexts, 1):
        at = start + number * APART
        read, new = min(before, context), max(0, context - before)
        counts = (0, read, new, 0) if ttl == "5m" else (0, read, 0, new)
        entries += [
            prompt(at=at),
            assistant(f"msg_{number}", usage(*counts, 100), at=at + 5, model=model, stop=stop),
        ]
        before = context
    return entries


def steady(count: int, context: int = 50_000, step: int = 1_000) -> tuple[int, ...]:
    """So many contexts that grow by a step."""
    return tuple(context + step * number for number in range(count))


def session_like(
    *contexts: int, status: Status = "idle", model: str = OPUS_5_5, stop: str = "end_turn"
) -> Session:
    """A session of one growing thread."""
    return summed_of(growing(*contexts, model=model, stop=stop), status=status).session


def case_of(
    session: Session, *, now: float | None = None, peers: Peers | None = None,
    opening: int | None = None,
) -> Case:  # fmt: skip
    """That session a minute after its last request, while the cache is fresh."""
    last = session.requests[-1] if session.requests else None
    started = (last.started_at or last.at or START) if last is not None else START
    return Case(session, started + APART if now is None else now, peers or Peers(), opening)


def case_like(work: Work, *, status: Status = "idle") -> Case:
    """The session of that work, a minute after its last request."""
    summed = summed_of(work.entries, status=status)
    return replace(case_of(summed.session), results=summed.results)


def found(case: Case, identity: str) -> list[Finding]:
    """The findings of that id."""
    return [finding for finding in find(case) if finding.id == identity]


def only(case: Case, identity: str) -> Finding:
    """The one finding of that id."""
    (finding,) = found(case, identity)
    return finding


def why(cause: Cause = "tools_loaded", confidence: Confidence = "inferred", **more: object) -> Why:
    """A cause."""
    return replace(Why(cause, confidence), **more)


def bust(
    request: int, reason: Why | None, *, avoidable: float | None = 0.5, rewritten: int = 60_000,
    thread: str = MAIN,
) -> Bust:  # fmt: skip
    """A bust with a cause."""
    expected = rewritten + 10_000
    return Bust(request, thread, START, expected, 10_000, rewritten, avoidable, reason)


def with_busts(*busts: Bust, count: int = 10) -> Session:
    """A session that these befell."""
    return replace(session_like(*steady(count)), busts=busts)
