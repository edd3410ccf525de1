"""Tables as CSV; text that a spreadsheet would run is made harmless."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

from ccmon import format as fmt
from ccmon import words
from ccmon.requests import Bust, Request
from ccmon.snapshot import Item
from ccmon.tui.safe import clean

Value = str | int | float | bool | None


def requests_csv(requests: Iterable[Request]) -> str:
    """Requests with a title row."""
    titles = (
        "n", "thread", "at", "message_id", "model", "context", "growth", "new", "reread",
        "expected_read", "rewritten", "input_tokens", "cache_read_input_tokens",
        "cache_creation_5m_input_tokens", "cache_creation_1h_input_tokens", "output_tokens",
        "output_is_lower_bound", "cost_usd", "carry_usd", "rewrite_usd", "fresh_usd",
        "output_usd", "label",
    )  # fmt: skip
    return _table(titles, map(_request_values, requests))


def _request_values(row: Request) -> Sequence[Value]:
    usage, split = row.usage, row.split
    parts = (split.carry, split.rewrite, split.fresh, split.output) if split else (None,) * 4
    return (
        row.n, harmless(row.thread), fmt.iso(row.at), harmless(row.message_id),
        harmless(row.model or ""), row.context, row.growth, row.new, row.reread,
        row.expected_read, row.rewritten, usage.input_tokens, usage.cache_read_input_tokens,
        usage.cache_creation_5m_input_tokens, usage.cache_creation_1h_input_tokens,
        usage.output_tokens, row.output_is_lower_bound, _usd(row.cost), *map(_usd, parts),
        harmless(f"{row.verb} {row.label}".strip()),
    )  # fmt: skip


def busts_csv(busts: Iterable[Bust]) -> str:
    """Busts with a title row; ``cause`` is the name that the JSON gives it."""
    titles = (
        "request", "thread", "at", "expected_read", "cache_read_input_tokens", "rewritten",
        "avoidable_usd", "cause", "confidence", "server_reason", "idle_seconds", "ttl_seconds",
        "reach", "broke_at", "words",
    )  # fmt: skip
    return _table(titles, map(_bust_values, busts))


def _bust_values(bust: Bust) -> Sequence[Value]:
    why = bust.why
    values: tuple[Value, ...] = (
        bust.request, harmless(bust.thread), fmt.iso(bust.at), bust.expected_read,
        bust.cache_read, bust.rewritten, _usd(bust.avoidable),
    )  # fmt: skip
    if why is None:
        return (*values, "unknown", "unknown", *(None,) * 5, words.cause(why))
    return (
        *values, why.cause, why.confidence, harmless(why.server_reason or ""), why.idle, why.ttl,
        why.reach, harmless(why.broke_at or ""), harmless(words.cause(why)),
    )  # fmt: skip


def items_csv(items: Iterable[Item]) -> str:
    """What is in the context, with a title row."""
    titles = (
        "kind", "tool", "label", "entered", "carried", "tokens", "method", "bill_tokens",
        "cost_usd", "flag", "last_named", "useless_tokens", "useless_reread_usd",
    )  # fmt: skip
    return _table(titles, map(_item_values, items))


def _item_values(item: Item) -> Sequence[Value]:
    return (
        item.kind, harmless(item.tool or ""), harmless(item.label), item.entered, item.carried,
        item.tokens, item.method, item.bill_tokens, _usd(item.cost), item.flag, item.named,
        item.useless_tokens, _usd(item.useless_cost),
    )  # fmt: skip


def _table(titles: Sequence[str], rows: Iterable[Sequence[Value]]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(titles)
    writer.writerows(rows)
    return out.getvalue()


def harmless(text: str) -> str:
    """Text for a cell: one line, and no formula."""
    text = clean(text)
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t") else text


def _usd(amount: float | None) -> float | None:
    return None if amount is None else round(amount, 6)
