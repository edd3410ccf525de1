"""Findings about a cache that broke: F4, F14."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice

from ccmon import format, words
from ccmon.insight.findings.case import Case
from ccmon.ledger.account import TINY_CONTEXT
from ccmon.requests import MAIN, Bust, Cause, Request, Why
from ccmon.snapshot import Finding

WORTH_TELLING = 0.10
"""Least avoidable cost of a bust that is a finding, in USD."""
BEYOND_CONTROL: frozenset[Cause] = frozenset(
    {"server_forgot", "long_pause", "thinking_stripped", "unknown"}
)
"""Causes that nobody on this side can do much about."""
STUCK_REMEDY = "Update Claude Code or start a new session: each request writes the same part again."
RECENT = 20
OPENING = 5
"""The first requests of a session cannot hit."""
LOW_HIT_RATE = 0.85
SINGLE_CAUSE = 0.5
"""A cause behind so much of what was rewritten explains it alone."""


def broken(case: Case) -> Iterator[Finding]:
    """F4: what each cause has cost in each thread.

    Silent for what expired (F3 warns before), for what cost little, and for what was too small
    to be explained.
    """
    threads: dict[str, list[Bust]] = {}
    for bust in case.session.busts:
        threads.setdefault(bust.thread, []).append(bust)
    for busts in threads.values():
        stuck, others = _stuck_runs(busts)
        yield from (_finding(case, run, stuck=True) for run in stuck)
        causes: dict[str, list[Bust]] = {}
        for bust in others:
            if _tells(bust):
                causes.setdefault(words.wording(bust.why).subject, []).append(bust)
        yield from (_finding(case, group, stuck=False) for group in causes.values())


def _tells(bust: Bust) -> bool:
    return (
        bust.why is not None
        and bust.why.cause != "idle_past_ttl"
        and (bust.avoidable or 0.0) >= WORTH_TELLING
    )


def _stuck_runs(busts: Sequence[Bust]) -> tuple[list[list[Bust]], list[Bust]]:
    """Busts of one thread: the runs in which the cache was stuck, and all others."""
    runs: list[list[Bust]] = []
    for bust in busts:
        if runs and bust.request == runs[-1][-1].request + 1:
            runs[-1].append(bust)
        else:
            runs.append([bust])
    stuck: list[list[Bust]] = []
    others: list[Bust] = []
    for run in runs:
        if not any(bust.why is not None and bust.why.stuck for bust in run):
            others += run
        elif _avoidable(run) >= WORTH_TELLING:
            stuck.append(run)
    return stuck, others


def _finding(case: Case, busts: Sequence[Bust], *, stuck: bool) -> Finding:
    newest = busts[-1]
    why = newest.why or Why("unknown", "unknown")
    subject = "stuck cache" if stuck else words.wording(why).subject
    saving = _avoidable(busts)
    rewritten = sum(bust.rewritten for bust in busts)
    times = f" in {len(busts)} busts" if len(busts) > 1 else " tokens"
    evidence: tuple[tuple[str, str | int | float | None], ...] = (("cause", why.cause),)
    if len(busts) > 1:
        evidence += (("busts", len(busts)), ("rewritten", rewritten))
    return Finding(
        id="F4",
        key=f"F4:{newest.thread}:{newest.request}",
        severity="warn" if stuck or _can_be_helped(why) else "info",
        title=f"{subject} rewrote {format.tokens(rewritten)}{times}",
        action=STUCK_REMEDY if stuck else words.remedy(why),
        basis=f"{_where(case, newest.thread)}{words.cause(why)}; {words.evidence(why)}",
        value=saving,
        saving=saving,
        thread=newest.thread,
        request=newest.request,
        evidence=evidence,
    )


def _can_be_helped(why: Why) -> bool:
    """The server's word that something changed is a lead, also where nothing else is known."""
    return why.cause not in BEYOND_CONTROL or (
        why.cause == "unknown" and why.confidence == "server"
    )


def _avoidable(busts: Sequence[Bust]) -> float:
    return sum(bust.avoidable or 0.0 for bust in busts)


def _where(case: Case, thread: str) -> str:
    if thread == MAIN:
        return ""
    kinds = (agent.type for agent in case.session.subagents if agent.agent_id == thread)
    return f"sub-agent {next(kinds, None) or thread}: "


def low_hit_rate(case: Case) -> Iterator[Finding]:
    """F14: much of the last twenty requests was not read from the cache, for no single reason.

    Silent for the first requests, and where one cause or mere growth explains it.
    """
    rows = _recent(case)
    if len(rows) < RECENT or case.session.cache is None or not case.session.cache.caching:
        return
    contexts, read = sum(row.context for row in rows), sum(row.cached for row in rows)
    rewritten = sum(row.rewritten for row in rows)
    hit = read / contexts
    if hit >= LOW_HIT_RATE or (read + rewritten) / contexts < LOW_HIT_RATE or _explained(rows):
        return
    saving = sum(row.avoidable or 0.0 for row in rows)
    yield Finding(
        id="F14",
        key=f"F14:{rows[0].segment}",
        severity="warn",
        title=f"hit rate {format.percent(hit)} in {RECENT} requests",
        action="Update Claude Code or start a new session; with a proxy in between, look there.",
        basis=f"rewrote {format.tokens(rewritten)} in the last {RECENT} requests, and no single"
        " cause explains it",
        value=saving / RECENT * case.ahead,
        saving=saving,
        request=rows[0].n,
        evidence=(("hit_rate", hit), ("rewritten", rewritten)),
    )


def _recent(case: Case) -> list[Request]:
    """The newest twenty requests that could have hit, newest first."""
    return list(
        islice(
            (
                row
                for row in reversed(case.session.requests)
                if row.n > OPENING and row.context >= TINY_CONTEXT and not row.starts_segment
            ),
            RECENT,
        )
    )


def _explained(rows: Sequence[Request]) -> bool:
    """Whether one known cause, or a stuck cache, stands behind most of what was rewritten."""
    by_cause: Counter[str] = Counter()
    for row in rows:
        if row.why is not None and row.why.stuck:
            return True
        if row.why is not None and row.why.cause != "unknown":
            by_cause[row.why.cause] += row.rewritten
    rewritten = sum(row.rewritten for row in rows)
    return any(count >= SINGLE_CAUSE * rewritten for count in by_cause.values())
