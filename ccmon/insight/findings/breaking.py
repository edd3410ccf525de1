"""Findings about a cache that broke: F4, F14."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import chain, islice

from ccmon import format, words
from ccmon.insight.findings.case import Case
from ccmon.ledger.account import TINY_CONTEXT
from ccmon.requests import MAIN, Bust, Cause, Request, Why
from ccmon.snapshot import Finding, Severity

WORTH_TELLING = 0.10
"""Least avoidable cost of a bust that is a finding, in USD."""
BEYOND_CONTROL: frozenset[Cause] = frozenset(
    {"server_forgot", "long_pause", "thinking_stripped", "unknown"}
)
"""Causes that nobody on this side can do much about."""
RECENT_BUSTS = 50
"""Requests of a thread over which what busts cost foretells what they will; older ones are past."""
REPEATED = 3
REPEATED_WITHIN = 50
"""So many busts without a known cause within so many requests are more than bad luck."""
RECENT = 20
OPENING = 5
"""The first requests of a session cannot hit."""
LOW_HIT_RATE = 0.85
SINGLE_CAUSE = 0.5
"""A cause behind so much of what was rewritten explains it alone."""


def broken(case: Case) -> Iterator[Finding]:
    """F4: what each cause has cost, in the main thread and in all sub-agents together.

    It is expected to cost as much again as it did in the last fifty requests of its thread. What
    is older stays as it was told, marked as past.

    Silent for what expired (F3 warns before), for what cost little, and for what was too small
    to be explained.
    """
    threads: dict[str, list[Bust]] = {}
    for bust in case.session.busts:
        threads.setdefault(bust.thread, []).append(bust)
    agents = list(chain.from_iterable(busts for name, busts in threads.items() if name != MAIN))
    stuck, others = _stuck_runs(threads.get(MAIN, ()))
    inner, inner_others = _stuck_runs(agents)
    yield from (_stuck(case, run) for run in stuck)
    if inner:
        yield _stuck(case, [bust for run in inner for bust in run])
    for busts in (others, inner_others):
        causes: dict[str, list[Bust]] = {}
        for bust in busts:
            if _tells(bust):
                causes.setdefault(words.wording(bust.why).subject, []).append(bust)
        yield from (_of_cause(case, group) for group in causes.values())


def _tells(bust: Bust) -> bool:
    return (
        bust.why is not None
        and bust.why.cause != "idle_past_ttl"
        and (bust.avoidable or 0.0) >= WORTH_TELLING
    )


def _stuck_runs(busts: Sequence[Bust]) -> tuple[list[list[Bust]], list[Bust]]:
    """Busts thread by thread: the runs in which the cache was stuck, and all others.

    A bust with a cause of its own, or one that found nothing, is no part of such a run.
    """
    runs: list[list[Bust]] = []
    for bust in busts:
        if runs and _goes_on(runs[-1][-1], bust):
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


def _goes_on(before: Bust, bust: Bust) -> bool:
    return (
        (before.thread, before.request + 1) == (bust.thread, bust.request)
        and _may_be_stuck(before)
        and _may_be_stuck(bust)
    )


def _may_be_stuck(bust: Bust) -> bool:
    return bust.cache_read > 0 and (bust.why is None or bust.why.confidence == "unknown")


def _stuck(case: Case, busts: Sequence[Bust]) -> Finding:
    read = format.tokens(_newest(busts).cache_read)
    return _finding(
        case,
        busts,
        subject="stuck cache",
        severity="warn",
        action=words.STUCK_REMEDY,
        basis=f"about {read} read each time while the context grew; no evidence of a cause",
    )


def _of_cause(case: Case, busts: Sequence[Bust]) -> Finding:
    why = _newest(busts).why or Why("unknown", "unknown")
    repeated = why.confidence == "unknown" and _keeps_coming(busts)
    return _finding(
        case,
        busts,
        subject=words.wording(why).subject,
        severity="warn" if repeated or _can_be_helped(why) else "info",
        action=words.REPEATED_REMEDY if repeated else words.remedy(why),
        basis=f"{words.cause(why)}; {words.evidence(why)}",
    )


def _finding(
    case: Case,
    busts: Sequence[Bust],
    *,
    subject: str,
    severity: Severity,
    action: str,
    basis: str,
) -> Finding:
    newest, saving = _newest(busts), _avoidable(busts)
    rewritten = sum(bust.rewritten for bust in busts)
    threads = {bust.thread for bust in busts}
    recent = [bust for bust in busts if _requests_since(case, bust) < RECENT_BUSTS]
    evidence: tuple[tuple[str, str | int | float | None], ...] = (
        ("cause", newest.why.cause if newest.why is not None else "unknown"),
    )
    if len(busts) > 1:
        evidence += (("busts", len(busts)), ("rewritten", rewritten))
    if len(threads) > 1:
        evidence += (("subagents", len(threads)),)
    evidence += (("at", format.iso(newest.at)), ("requests_ago", _requests_since(case, newest)))
    return Finding(
        id="F4",
        key=f"F4:{newest.thread}:{newest.message_id or newest.request}",
        severity=severity,
        title=f"{subject} rewrote {format.tokens(rewritten)}{_where(case, busts)}",
        action=action,
        basis=basis,
        value=_avoidable(recent) / RECENT_BUSTS * case.ahead,
        saving=saving,
        thread=newest.thread,
        request=newest.request,
        evidence=evidence,
        past=not recent,
    )


def _requests_since(case: Case, bust: Bust) -> int:
    """How many requests its thread has made since."""
    rows = case.session.requests
    if bust.thread != MAIN:
        agents = (each for each in case.session.subagents if each.agent_id == bust.thread)
        rows = next((agent.requests for agent in agents), ())
    return max(0, len(rows) - bust.request)


def _can_be_helped(why: Why) -> bool:
    """The server's word that something changed is a lead, also where nothing else is known."""
    return why.cause not in BEYOND_CONTROL or (
        why.cause == "unknown" and why.confidence == "server"
    )


def _keeps_coming(busts: Sequence[Bust]) -> bool:
    """Whether several of them befell one thread within a few requests."""
    return any(
        last.thread == first.thread and last.request - first.request < REPEATED_WITHIN
        for first, last in zip(busts, busts[REPEATED - 1 :], strict=False)
    )


def _newest(busts: Sequence[Bust]) -> Bust:
    """The last one by time; of several at once, or without a time, the last one given."""
    return max(enumerate(busts), key=lambda each: (each[1].at or 0.0, each[0]))[1]


def _avoidable(busts: Sequence[Bust]) -> float:
    return sum(bust.avoidable or 0.0 for bust in busts)


def _where(case: Case, busts: Sequence[Bust]) -> str:
    """The rest of a title: `` tokens``, `` in 3 busts``, `` in sub-agent Explore``."""
    threads = {bust.thread for bust in busts}
    times = f" in {len(busts)} busts" if len(busts) > 1 else ""
    if threads == {MAIN}:
        return times or " tokens"
    if len(threads) > 1:
        return f" in {len(threads)} sub-agents"
    (thread,) = threads
    kinds = (agent.type for agent in case.session.subagents if agent.agent_id == thread)
    return f"{times or ' tokens'} in sub-agent {next(kinds, None) or thread}"


def low_hit_rate(case: Case) -> Iterator[Finding]:
    """F14: much of the last twenty requests was not read from the cache, for no single reason.

    Silent for the first requests, and where one cause or mere growth explains it.
    It is told in tokens; what it cost is not known where no request has a price, and is left to the
    findings that tell of single causes, where there are.
    """
    rows = _recent(case)
    if len(rows) < RECENT or case.session.cache is None or not case.session.cache.caching:
        return
    contexts, read = sum(row.context for row in rows), sum(row.cached for row in rows)
    rewritten = sum(row.rewritten for row in rows)
    hit = read / contexts
    if hit >= LOW_HIT_RATE or (read + rewritten) / contexts < LOW_HIT_RATE or _explained(rows):
        return
    told = {bust.request for bust in case.session.busts if bust.thread == MAIN and _tells(bust)}
    saving = sum(row.avoidable or 0.0 for row in rows if row.n not in told) or None
    yield Finding(
        id="F14",
        key=f"F14:{rows[0].segment}",
        severity="warn",
        title=f"hit rate {format.percent(hit)} in {RECENT} requests",
        action="Update Claude Code or start a new session; with a proxy in between, look there.",
        basis=f"rewrote {format.tokens(rewritten)} in the last {RECENT} requests, and no single"
        " cause explains it",
        value=(saving or 0.0) / RECENT * case.ahead,
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
