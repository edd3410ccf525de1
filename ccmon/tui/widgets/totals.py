"""What a session comes to, and what of it no line of the transcript shows."""

from __future__ import annotations

from collections.abc import Sequence

from textual.content import Content

from ccmon import format as fmt
from ccmon import words
from ccmon.snapshot import Session
from ccmon.tui.safe import Part, facts, line, spread
from ccmon.tui.widgets.header import session_cost


def totals_rows(session: Session, width: int) -> list[Content]:
    """Money, counts, and what no line of the transcript shows where there is such."""
    usage, reread = session.usage, session.reread
    money: list[Sequence[Part]] = [[(session_cost(session), "$bright")]]
    if session.cost is not None and session.request_count:
        money.append([fmt.money(session.cost / session.request_count), ("/request", "$label")])
    counts: list[Sequence[Part]] = [
        [f"{session.request_count:,}", (" req", "$label")],
        [fmt.tokens(usage.prompt_tokens), (" in", "$label")],
        [fmt.tokens(usage.output_tokens), (" out", "$label")],
    ]
    price = amplified = None
    if reread is not None and reread.effective_multiple is not None:
        price = line(("price ", "$label"), f"x{reread.effective_multiple:.1f}")
    if reread is not None and reread.amplification is not None:
        amplified = line(("amp ", "$label"), fmt.multiple(reread.amplification))
    rows = [
        spread(width, facts(width, *money), price),
        spread(width, facts(width, *counts), amplified),
    ]
    unseen = unseen_row(session, width)
    return [*rows, unseen] if unseen is not None else rows


def unseen_row(session: Session, width: int) -> Content | None:
    """What is billed, or may be, without a line in the transcript."""
    said = words.unseen(session.hidden, session.attempt_counts.lost)
    return facts(width, [(said, "$label")]) if said else None


def totals_line(session: Session, width: int) -> Content:
    """``≥$22.16   297 req   54.3M in   208k out   …   amp 100x``, what fits."""
    usage, reread = session.usage, session.reread
    groups: list[Sequence[Part]] = [
        [(session_cost(session), "$bright")],
        [f"{session.request_count:,}", (" req", "$label")],
        [fmt.tokens_short(usage.prompt_tokens), (" in", "$label")],
        [fmt.tokens_short(usage.output_tokens), (" out", "$label")],
    ]
    end = None
    if reread is not None and reread.amplification is not None:
        end = line(("amp ", "$label"), fmt.multiple(reread.amplification))
    return spread(width, facts(width, *groups), end)
