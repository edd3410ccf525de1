"""The sources of a context: kinds of items, grouped as people think of them.

A tool whose results take a good part of the bill is a source of its own; the rest of the results
stand together, and so do prompts with what the model answered.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ccmon.requests import Kind
from ccmon.snapshot import Composition

Key = tuple[str, str]
"""Tells a source apart: what it holds, and the tool where it is one."""

_OWN_SHARE = 0.05
_OWN_MOST = 4
_OTHER: Key = ("results", "")
_OF_KIND: dict[Kind, tuple[str, str, str]] = {
    "overhead": ("overhead", "overhead", "fixed"),
    "prompt": ("words", "text, prompts", "text"),
    "text": ("words", "text, prompts", "text"),
    "thinking": ("thinking", "thinking", "think"),
    "tool_use": ("inputs", "tool input", "input"),
    "attachment": ("attachments", "attachments", "attach"),
    "image": ("images", "images", "images"),
    "summary": ("summary", "summary", "summary"),
    "unattributed": ("unattributed", "unattributed", "?"),
}
"""Key, name and short name of what is no result; definitions of loaded tools count as one."""


@dataclass(frozen=True, slots=True)
class Source:
    """What one source holds now, and what all it ever held was billed; ``cost`` None: unpriced.

    ``members`` names what stands together in it, the dearest first.
    """

    key: Key
    name: str
    short: str
    members: tuple[str, ...]
    items: int
    tokens: int
    bill: int
    cost: float | None


def own_tools(composition: Iterable[Composition]) -> frozenset[str]:
    """The tools whose results are a source of their own."""
    sums = tuple(composition)
    whole = sum(each.bill_tokens for each in sums)
    found = [
        each.tool
        for each in sorted(sums, key=lambda each: -each.bill_tokens)
        if each.kind == "tool_result" and each.tool and each.bill_tokens >= _OWN_SHARE * whole
    ]
    return frozenset(found[:_OWN_MOST])


def source_of(kind: Kind, tool: str | None, own: frozenset[str]) -> Key:
    """The source that an item belongs to; ``own`` are the tools with one of their own."""
    if kind == "tool_result" and tool in own:
        return "tool", tool or ""
    return (_OF_KIND[kind][0], "") if kind in _OF_KIND else _OTHER


def name_of(key: Key, members: Sequence[str]) -> str:
    """How a source is called; other results by their tool where there is but one."""
    if key == _OTHER:
        return members[0] if len(members) == 1 else "other results"
    return key[1] or next(name for own, name, _ in _OF_KIND.values() if own == key[0])


def member_name(kind: Kind, tool: str | None) -> str:
    """How a part of a source is called in a list of them."""
    if kind == "tool_result":
        return tool or "results"
    return "loaded tools" if kind == "loaded_tools" else kind


def sources(composition: Iterable[Composition]) -> list[Source]:
    """All sources, by their bill."""
    sums = sorted(composition, key=lambda each: -each.bill_tokens)
    own = own_tools(sums)
    groups: dict[Key, list[Composition]] = {}
    for each in sums:
        groups.setdefault(source_of(each.kind, each.tool, own), []).append(each)
    found = [_source(key, members) for key, members in groups.items()]
    return sorted(found, key=lambda source: -source.bill)


def _source(key: Key, parts: Sequence[Composition]) -> Source:
    members = tuple(member_name(part.kind, part.tool) for part in parts)
    name = name_of(key, members)
    shorts = (short for own, _, short in _OF_KIND.values() if own == key[0])
    return Source(
        key=key,
        name=name,
        short=next(shorts, "other" if name == "other results" else name),
        members=members,
        items=sum(part.items for part in parts),
        tokens=sum(part.tokens for part in parts),
        bill=sum(part.bill_tokens for part in parts),
        cost=total(part.cost for part in parts),
    )


def total(costs: Iterable[float | None]) -> float | None:
    """The sum of what has a price; None when nothing has."""
    known = [cost for cost in costs if cost is not None]
    return sum(known) if known else None
