"""Findings about what the context still holds: F7, F9, F10."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ccmon import format
from ccmon.insight.findings.case import WORTH_TELLING, Case
from ccmon.insight.using import COLD_AFTER, Result
from ccmon.ledger.weights import keeps_thinking
from ccmon.measures import Price
from ccmon.requests import MAIN
from ccmon.snapshot import Finding

LARGE_CONTEXT = 80_000
COLD_SHARE = 0.15
"""Cold results are spoken of above this share of a context above that size."""
THINKING_SHARE = 0.25
THINKING = 10_000
"""Thinking is spoken of above this share of the context, and from so many tokens on."""
OFTEN = 3
SUPERSEDED = 5_000
COMMANDS = 3
"""So many commands are spoken of that ran more often, with more tokens of each superseded."""


def cold_results(case: Case) -> Iterator[Finding]:
    """F7: much of the context are files that nobody has named for a while.

    Silent for small contexts, soon after a compaction, and once the session is over.
    """
    last, price = case.last, case.price
    if last is None or price is None or last.context <= LARGE_CONTEXT or _too_late(case):
        return
    cold = [result for result in case.held if result.flag in ("cold", "unused")]
    tokens = sum(result.tokens for result in cold)
    if tokens <= COLD_SHARE * last.context:
        return
    share = min(1.0, tokens / last.context)
    largest = max(cold, key=lambda result: result.tokens)
    per_request = price.read * tokens
    wasted = format.money(sum(result.useless_cost for result in cold), short=True)
    yield Finding(
        id="F7",
        key=f"F7:{last.segment}",
        severity="info",
        title=f"{format.percent(share)} of the context has gone cold",
        action="Run /compact at the next break; next time let a sub-agent look such things up.",
        basis=f"{format.plural(len(cold), 'file')}, {format.tokens(tokens)}, not named for"
        f" {COLD_AFTER} requests or more: {wasted} since; the largest {largest.what.label}",
        value=per_request * case.ahead,
        saving_per_request=per_request,
        thread=MAIN,
        request=largest.entered,
        evidence=(("tokens", tokens), ("share", share), ("results", len(cold))),
    )


def much_thinking(case: Case) -> Iterator[Finding]:
    """F9: a large part of the context is earlier thinking.

    Silent while that is little in tokens, for models that drop it at the next prompt, soon after a
    compaction, and once the session is over.
    """
    last, price, inventory = case.last, case.price, case.session.inventory
    if last is None or price is None or inventory is None:
        return
    if not case.holds or not keeps_thinking(last.model) or _too_late(case):
        return
    thinking = next((each for each in inventory.composition if each.kind == "thinking"), None)
    if thinking is None or thinking.tokens < THINKING:
        return
    share = min(1.0, thinking.tokens / last.context)
    if share <= THINKING_SHARE:
        return
    per_request = price.read * thinking.tokens
    yield Finding(
        id="F9",
        key=f"F9:{last.segment}",
        severity="info",
        title=f"thinking is {format.percent(share)} of the context",
        action="Use a lower effort for routine work, from the next session on: changing it in this"
        " one may rebuild the cache.",
        basis=f"{format.tokens(thinking.tokens)} in {format.plural(thinking.items, 'block')}, read"
        " again by every request",
        value=per_request * case.ahead,
        saving_per_request=per_request,
        thread=MAIN,
        evidence=(("tokens", thinking.tokens), ("share", share)),
    )


def _too_late(case: Case) -> bool:
    """Whether the context is just new, or will not be read again."""
    return not case.session.active or case.just_compacted


def repeated_command(case: Case) -> Iterator[Finding]:
    """F10: a command ran again and again, and the context still holds all it said before.

    Silent for a few runs (those that failed or were denied do not count), where what they said is
    little, and for all but the dearest commands.
    """
    price = case.price
    if price is None:
        return
    runs: dict[int, list[Result]] = {}
    for result in case.held:
        what = result.what
        if what.name == "Bash" and what.asked is not None and not what.is_error:
            runs.setdefault(what.asked.key, []).append(result)
    often = [_repetition(run, price, case.ahead) for run in runs.values() if len(run) > OFTEN]
    found = [finding for finding in often if finding is not None]
    yield from sorted(found, key=lambda finding: -(finding.saving or 0.0))[:COMMANDS]


def _repetition(run: Sequence[Result], price: Price, ahead: float) -> Finding | None:
    superseded = [result for result in run if result.flag == "superseded"]
    tokens = sum(result.tokens for result in superseded)
    saving, what = sum(result.useless_cost for result in superseded), run[-1].what
    if tokens <= SUPERSEDED or saving < WORTH_TELLING or what.asked is None:
        return None
    return Finding(
        id="F10",
        key=f"F10:{what.asked.key:016x}",
        severity="info",
        title=f"{what.label} x{len(run)}, {len(superseded)} superseded",
        action="Make it quieter: fewer lines, tail, stop at the first failure.",
        basis=f"{format.tokens(tokens)} of earlier output is still read by every request",
        value=price.read * tokens * ahead,
        saving=saving,
        thread=MAIN,
        request=run[-1].entered,
        evidence=(("runs", len(run)), ("superseded", len(superseded)), ("tokens", tokens)),
    )
