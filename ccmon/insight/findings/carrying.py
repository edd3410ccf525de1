"""Findings about what the context carries: F1, F8."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from itertools import takewhile

from ccmon import format
from ccmon.insight.findings.case import Case
from ccmon.requests import MAIN
from ccmon.snapshot import Finding

LARGE_OPENING = 45_000
"""First context in tokens that is large for anybody."""


def compaction_overdue(case: Case) -> Iterator[Finding]:
    """F1: carrying has cost more than compacting would.

    Silent until a turn has ended since the state was entered, soon after a compaction, and where
    the prompts ahead would not pay it back.
    """
    session, last = case.session, case.last
    drag = session.drag
    if drag is None or drag.state == "off" or last is None or not session.active:
        return
    cold = case.phase == "cold"
    cost = drag.compact_cold if cold else drag.compact
    saving = drag.saving_per_request
    if drag.o is None or drag.carried is None or cost is None or not saving or saving < 0:
        return
    payback = cost / saving
    if payback >= case.ahead or case.just_compacted or not _had_a_break(case):
        return
    opened = bisect_left(session.requests, last.segment, key=lambda row: row.segment)
    requests = format.plural(max(1, round(payback)), "request")
    yield Finding(
        id="F1",
        key=f"F1:{session.requests[opened].n}",
        severity="high",
        title=f"compact is {format.multiple(drag.o)} overdue",
        action=f"Run /compact with a focus {_when(case)}, or /clear when the task is done.",
        basis=f"carried {format.money(drag.carried)} above {format.tokens(drag.base_tokens)};"
        f" compacting costs {format.money(cost)}{' cold' if cold else ''}, pays back in {requests}",
        value=max(0.0, saving * case.ahead - cost),
        saving_per_request=saving,
        evidence=(("o", drag.o), ("payback_requests", payback)),
    )


def _had_a_break(case: Case) -> bool:
    """Whether there has been an end of turn since the state was entered, or is one now.

    What dominates was high before: then one in the whole segment will do.
    """
    if case.resting:
        return True
    rows, drag = case.session.requests, case.session.drag
    since = drag.since_request if drag is not None and drag.state == "high" else None
    recent = takewhile(
        lambda row: row.n >= (since or 1) and row.segment == rows[-1].segment, reversed(rows)
    )
    return any(row.stop_reason == "end_turn" for row in recent)


def _when(case: Case) -> str:
    return "at this break" if case.resting else "at the next break"


def large_opening(case: Case) -> Iterator[Finding]:
    """F8: the session began with a large context, larger than the user's sessions do.

    Silent for a session that goes on from another, and with fewer than five sessions before it.
    """
    usual, price = case.peers.usual_opening, case.price
    if case.opening is None or usual is None or price is None or case.opening <= LARGE_OPENING:
        return
    excess = case.opening - usual
    if excess <= 0:
        return
    per_request = price.read * excess
    yield Finding(
        id="F8",
        key="F8",
        severity="info",
        title=f"session began with {format.tokens(case.opening)} tokens",
        action="Trim MCP servers, agents, skills and CLAUDE.md: every request carries them again.",
        basis=f"sessions of the last 30 days begin with {format.tokens(usual)} (median)",
        value=per_request * case.ahead,
        saving=per_request * len(case.session.requests),
        thread=MAIN,
        request=1,
        evidence=(("opening", case.opening), ("usual", usual)),
    )
