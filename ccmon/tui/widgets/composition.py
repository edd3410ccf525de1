"""Context by source: what fills the context now, and what carrying it has cost so far."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from textual.content import Content

from ccmon import format as fmt
from ccmon.snapshot import Item, Session
from ccmon.tui.safe import Part, clean, clip, left, line, right
from ccmon.tui.sources import Key, Source, sources, total
from ccmon.tui.widgets.bars import share_bar
from ccmon.tui.widgets.item_tree import Branch, Heap, grow, split_lines
from ccmon.tui.widgets.panel import Frame, title
from ccmon.words import only_subagents

Items = Callable[[], tuple[Item, ...]]

_NAME = 18
"""Wide enough for the title ``now`` to stand after that of the panel."""
_TOKENS = 6
_BILL = 7
_SHARE = 6
_MONEY = 8
"""Cells of columns; the last three have a blank before the figure."""
_LEAST_BAR = 2
_QUIET = ("attachments", "other results", "summary", "unattributed")
"""Sources that nobody can do much about, or that are small: one step quieter."""


@dataclass(frozen=True, slots=True)
class _Grid:
    """Columns of the panel, and their ends for the titles in its edge."""

    name: int
    bar: int
    money: bool
    lower_bound: bool
    of_spend: bool

    @classmethod
    def fitting(cls, width: int, *, money: bool, lower_bound: bool, of_spend: bool) -> _Grid:
        """As wide a bar as there is room for."""
        fixed = _TOKENS + 1 + 1 + _BILL + _SHARE + (_MONEY if money else 0)
        name = max(8, min(_NAME + max(0, (width - 60) // 4), width - fixed - _LEAST_BAR))
        bar = width - fixed - name
        return cls(name, max(0, bar), money, lower_bound, of_spend)

    @property
    def columns(self) -> list[tuple[int, str]]:
        now = self.name + _TOKENS
        bill = now + 1 + self.bar + 1 + _BILL
        end = bill + (_MONEY if self.money else 0) + _SHARE
        if self.money:
            text = "≥$, % of it" if self.lower_bound else "$, % of it"
            return [(now, "now"), (bill, "session bill"), (end, text)]
        # The figures of both stand under one title: there is no room for two.
        text = "bill, % of spend" if self.of_spend else "session bill, %"
        short = "bill, % spend" if self.of_spend else "session bill %"
        return [(now, "now"), (end, text if self.bar > len(text) - _BILL - _SHARE else short)]


def composition_frame(
    session: Session,
    width: int,
    height: int,
    *,
    flat: bool,
    items: Items | None = None,
    unit: str = "usd",
) -> Frame:
    """A row for each source by its bill; the smallest share a row where there is no room.

    Shares are of all bills together, which is everything ever read. With ``items``, which makes
    what is in the context, it is the wide form: spare rows show the largest of the items under
    their source, and money has a column and is what shares are of, but with the unit ``tokens``.
    With the unit ``share`` they are of all that the session has cost.
    """
    name = title("Context by source")
    if session.inventory is None:
        lacking = "no request in the main thread" if only_subagents(session) else "not known yet"
        return Frame(name, [line((lacking, "$label"))] if height else [])
    inventory = session.inventory
    composition = inventory.composition
    found = sources(composition)
    shown = found if len(found) <= height else found[: max(0, height - 1)]
    of_spend = unit == "share"
    whole = _Whole.of(found, session.cost if of_spend else None)
    grid = _Grid.fitting(
        width, money=items is not None and unit == "usd",
        lower_bound=inventory.cost_is_lower_bound, of_spend=of_spend,
    )  # fmt: skip
    spare = height - len(found)
    held = items() if items is not None and spare > 0 else ()
    under = _largest(grow(held, composition), spare)
    rows = []
    for source in shown:
        rows.append(_row(source, grid, whole, flat=flat))
        rows += (_item_row(heap, grid, whole, flat=flat) for heap in under.get(source.key, ()))
    if shown is not found and height:
        rows.append(_rest(found[len(shown) :], grid, whole, flat=flat))
    return Frame(name, rows, columns=grid.columns)


def _largest(branches: Sequence[Branch], count: int) -> dict[Key, list[Heap]]:
    """The dearest results of tools, by their source."""
    results = [(branch.key, heap) for branch in branches if branch.key[0] == "tool"
               for heap in branch.heaps]  # fmt: skip
    results.sort(key=lambda pair: -pair[1].bill)
    under: dict[Key, list[Heap]] = {}
    for key, heap in results[:count]:
        under.setdefault(key, []).append(heap)
    return under


@dataclass(frozen=True, slots=True)
class _Whole:
    """What shares and bars are measured against."""

    bill: int
    cost: float | None
    peak: int

    @classmethod
    def of(cls, found: Sequence[Source], spend: float | None) -> _Whole:
        return cls(
            sum(source.bill for source in found),
            spend if spend is not None else total(source.cost for source in found),
            max((source.tokens for source in found), default=0),
        )

    def share(self, source: Source, *, money: bool) -> float | None:
        """Of all bills, or of all the money."""
        if money and self.cost and source.cost is not None:
            return source.cost / self.cost
        return source.bill / self.bill if self.bill else None


def _row(source: Source, grid: _Grid, whole: _Whole, *, flat: bool) -> Content:
    quiet = source.name in _QUIET
    held = source.tokens / whole.peak if whole.peak > 0 else None
    parts: list[Part] = [
        (left(clean(source.name), grid.name), "$label" if quiet else "$foreground"),
        (right(fmt.tokens(source.tokens), _TOKENS), "$foreground"), " ",
        *share_bar(held, grid.bar, "$accent-mid", flat=flat, track=False), " ",
        (right(fmt.tokens(source.bill), _BILL), "$label"),
    ]  # fmt: skip
    if grid.money:
        parts.append((right(_figure(source.cost), _MONEY), "$bright"))
    share = fmt.rate(whole.share(source, money=grid.money or grid.of_spend))
    share = share if len(share) < _SHARE else share.replace(".0%", "%")
    parts.append((right(share, _SHARE), "$foreground"))
    return line(*parts)


def _figure(cost: float | None) -> str:
    """Money in the cells of its column: of less than nothing a cent is as fine as it gets."""
    text = fmt.money(cost, short=True)
    return text if len(text) < _MONEY else "-<$0.01"


def _item_row(heap: Heap, grid: _Grid, whole: _Whole, *, flat: bool) -> Content:
    """An item under its source, by the last part of its path."""
    text = clean(split_lines(heap.name)[0])
    if " " not in text:
        text = text.rsplit("/", 1)[-1]
    many = f" x{len(heap.items):,}" if len(heap.items) > 1 else ""
    text = f"  {clip(text, grid.name - 3 - len(many))}{many}"
    held = heap.tokens / whole.peak if whole.peak > 0 else None
    return line(
        (left(text, grid.name), "$label"), (right(fmt.tokens(heap.tokens), _TOKENS), "$label"), " ",
        *share_bar(held, grid.bar, "$share-output", flat=flat, track=False), " ",
        (right(fmt.tokens(heap.bill), _BILL), "$label"),
        (right(_figure(heap.cost), _MONEY) if grid.money else "", "$label"),
        " " * _SHARE,
    )  # fmt: skip


def _rest(rest: Sequence[Source], grid: _Grid, whole: _Whole, *, flat: bool) -> Content:
    """The sources that have no row of their own, as one."""
    together = Source(
        key=("rest", ""),
        name=f"{len(rest)} more",
        short="",
        members=(),
        items=sum(source.items for source in rest),
        tokens=sum(source.tokens for source in rest),
        bill=sum(source.bill for source in rest),
        cost=total(source.cost for source in rest),
    )
    return _row(together, grid, whole, flat=flat)
