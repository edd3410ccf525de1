"""Findings about pauses and who works during them: F2, F3, F5, F15."""

from __future__ import annotations

from collections.abc import Iterator

from ccmon import format
from ccmon.insight.findings.case import Case
from ccmon.measures import COMPARABLE_PAUSES, Ttl
from ccmon.requests import MAIN
from ccmon.snapshot import Finding
from ccmon.words import TTL_SETTINGS

WORTH_KEEPING = 60_000
"""Context in tokens above which letting it go cold is spoken of."""
WORTH_STARTING_ANEW = 0.10
"""Least saving of a new session that is spoken of, in USD."""
TIER_SHARE = 0.10
TIER_USD = 1.0
"""The other tier is cheaper when it saves more than both."""
UNPROMPTED = 5
UNPROMPTED_TURNS = 3
"""Requests without a prompt, and turns that no person began, that make a loop."""


def going_cold(case: Case) -> Iterator[Finding]:
    """F2: the cache of a large context is about to end while the session waits for its user.

    Without a price the saving is not known; what to do is the same.
    """
    last, price, cache, tokens = case.last, case.price, case.session.cache, case.tokens
    if case.phase != "ending" or not case.resting or last is None or cache is None:
        return
    if tokens <= WORTH_KEEPING:
        return
    saving = (case.write(price) - price.read) * tokens if price is not None else None
    at = format.clock(cache.expires_at)
    yield Finding(
        id="F2",
        key=f"F2:{last.n}",
        severity="warn",
        title=f"cache goes cold at {at}",
        action=f"Send the next prompt before {at}, or run /compact before you leave.",
        basis=f"a {cache.ttl} cache of {format.tokens(tokens)} tokens, from the start of the"
        " last request",
        value=saving or 0.0,
        saving=saving,
        request=last.n,
        evidence=(("context", tokens), ("expires_at", format.iso(cache.expires_at))),
    )


def gone_cold(case: Case) -> Iterator[Finding]:
    """F3: the next prompt of a waiting session writes a large context again.

    Silent where a new session would begin nearly as large. Without a price it is told in tokens.
    """
    first, last, price, session = case.first, case.last, case.price, case.session
    tokens = case.tokens
    if case.phase != "cold" or not case.resting or first is None or last is None:
        return
    excess = tokens - first.context
    saving = case.write(price) * excess if price is not None else None
    too_little = saving is not None and saving < WORTH_STARTING_ANEW
    if tokens <= WORTH_KEEPING or excess <= 0 or too_little:
        return
    cold = session.next_request.cold if session.next_request is not None else None
    costs, begins = f"writes {format.tokens(tokens)}", format.tokens(first.context)
    if cold is not None and price is not None:
        costs = f"costs {format.money(cold)}"
        begins = format.money(case.write(price) * first.context)
    at = format.moment(session.cache.expires_at if session.cache else None, case.now)
    yield Finding(
        id="F3",
        key=f"F3:{last.n}",
        severity="warn",
        title=f"cold: next prompt {costs}",
        action=f"Start a new session for new work, about {begins} to begin; go on here, or from a"
        " summary, only if what this one knows still matters.",
        basis=f"the cache expired at {at}; the next request writes {format.tokens(tokens)}"
        f" again, a new session began with {format.tokens(first.context)}",
        value=saving or 0.0,
        saving=saving,
        evidence=(("context", tokens), ("first_context", first.context)),
    )


def other_tier(case: Case) -> Iterator[Finding]:
    """F5: over the last five sessions the other lifetime of the cache would have cost less.

    Of those, the ones count that use the same lifetime as this. Silent with fewer than three
    pauses that tell the two apart.
    """
    cache = case.session.cache
    if cache is None or cache.ttl is None:
        return
    peers = [each for each in case.peers.tiers if each.used == cache.ttl]
    pauses = sum(each.between for each in peers)
    if pauses < COMPARABLE_PAUSES:
        return
    costs: dict[Ttl, float] = {
        "5m": sum(each.cost_5m for each in peers),
        "1h": sum(each.cost_1h for each in peers),
    }
    other: Ttl = "5m" if cache.ttl == "1h" else "1h"
    saving = costs[cache.ttl] - costs[other]
    if saving <= TIER_USD or saving <= TIER_SHARE * costs[cache.ttl]:
        return
    sessions = format.plural(len(peers), "session")
    yield Finding(
        id="F5",
        key=f"F5:{other}",
        severity="info",
        title=f"{other} cache would have saved {format.money(saving)}",
        action=f"Start Claude Code with {TTL_SETTINGS[other]}: it fits your pauses better.",
        basis=f"{sessions}, {pauses} pauses of 5 to 60 min: {cache.ttl} writes"
        f" {format.money(costs[cache.ttl])}, {other} writes {format.money(costs[other])};"
        " usage credits always have 5m",
        value=saving / len(peers) * min(1.0, 2 / max(1, case.session.turns)),
        saving=saving,
        evidence=(
            ("ttl_5m_usd", costs["5m"]), ("ttl_1h_usd", costs["1h"]), ("pauses", pauses),
        ),
    )  # fmt: skip


def unprompted(case: Case) -> Iterator[Finding]:
    """F15: a schedule, a goal or messages keep a waiting session at work.

    Silent for a notification or two: that is how background work reports.
    """
    following = case.session.next_request
    turns, requests = _since_a_person_asked(case)
    if not case.resting or turns < UNPROMPTED_TURNS or requests < UNPROMPTED:
        return
    if case.last is None or following is None:
        return
    price = following.cold if case.phase == "cold" else following.warm
    yield Finding(
        id="F15",
        key="F15",
        severity="warn",
        title=f"{requests} requests without a prompt",
        action="Stop the loop, or make its interval longer: each tick reads the whole context.",
        basis=f"{turns} turns that a schedule, a goal or a message began since the last prompt",
        value=(price or 0.0) * case.ahead,
        saving_per_request=price,
        thread=MAIN,
        request=case.last.n,
        evidence=(("requests", requests), ("context", case.last.context)),
    )


def _since_a_person_asked(case: Case) -> tuple[int, int]:
    """Turns that a machine began since the last prompt of a person, and their requests.

    What comes in while the model is at work belongs to the turn it comes into.
    """
    rows = case.session.requests
    turns = requests = pending = 0
    for index in range(len(rows) - 1, -1, -1):
        row = rows[index]
        if row.starts_turn:
            break
        pending += 1
        if row.machine_prompt and (not index or rows[index - 1].stop_reason != "tool_use"):
            turns, requests, pending = turns + 1, requests + pending, 0
    return turns, requests
