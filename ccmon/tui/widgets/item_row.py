"""One row of the Context screen as content: which columns fit, how wide, in which colours."""

from __future__ import annotations

from dataclasses import dataclass

from textual.content import Content

from ccmon import format as fmt
from ccmon.snapshot import Item
from ccmon.tui.safe import Part, clean, clip, clip_start, fit, left, line, right
from ccmon.tui.widgets.bars import share_bar
from ccmon.tui.widgets.columns import make_room
from ccmon.tui.widgets.item_tree import Heap, Row, Sort, split_lines
from ccmon.tui.widgets.request_row import EDGE

_NAME_FROM = 20
"""Cells that the name keeps; columns go until it has them."""
_INDENT = 4
_START = 2
"""Cells before the name of a branch: the cursor's mark, the fold."""
_COST = 6
_NAME_MOST = 84
"""Wider names would leave the figures far from what they belong to."""
_LEAST_NAME = 6
_FLAGS = 15
_FLAGS_SHORT = 11


@dataclass(frozen=True, slots=True)
class Column:
    """A column: ``drop`` says how early it goes when there is little room (0: never)."""

    name: str
    width: int
    gap: int = 1
    drop: int = 0
    sort: Sort | None = None


@dataclass(frozen=True, slots=True)
class Shape:
    """How the table is drawn for a width; ``requests`` of the thread fill a bar."""

    width: int
    name: int
    columns: tuple[Column, ...]
    requests: int
    unit: str
    flat: bool
    cost: float | None

    @classmethod
    def fitting(
        cls, width: int, *, requests: int, unit: str, flat: bool, cost: float | None
    ) -> Shape:
        """The columns that fit."""
        digits = len(str(requests))
        bar = 8 + max(0, min(24, (width - 100) // 3))
        columns = [
            Column("since", max(5, digits + 1), drop=3),
            Column("age", max(4, digits), drop=2, sort="age"),
            Column("tokens", 7, sort="tokens"),
            Column("carried", bar, drop=1),
            Column("bill", 7, sort="bill"),
            Column("cost", _COST),
            Column("flags", _FLAGS if width >= 80 else _FLAGS_SHORT, gap=2, drop=4),
        ]
        name = make_room(columns, width - _START - EDGE, _NAME_FROM)
        return cls(width, min(_NAME_MOST, name), tuple(columns), requests, unit, flat, cost)

    def title(self, column: Column) -> str:
        """What stands above it."""
        if column.name == "cost":
            return "%" if self.unit == "share" else "$"
        return column.name

    def sort_at(self, x: int) -> Sort | None:
        """The order that a click on cell ``x`` of the title row asks for."""
        end = _START + self.name
        for column in self.columns:
            end += column.gap + column.width
            if x <= end:
                return column.sort
        return None


def titles(shape: Shape, sort: Sort, *, descending: bool) -> Content:
    """The row of column titles; the sorted one bright, with its direction after it."""
    arrow = "▾" if descending else "▴"
    parts: list[Part] = [" ", (left("item", shape.name + _START - 1), "$label")]
    before: Sort | None = None
    for column in shape.columns:
        mark = arrow if before == sort and before is not None else " "
        parts.append((mark + " " * (column.gap - 1), "$bright bold"))
        text = shape.title(column)
        at_left = column.name in ("carried", "flags")
        cell = left(text, column.width) if at_left else right(text, column.width)
        parts.append((cell, "$bright bold" if column.sort == sort else "$label"))
        before = column.sort
    return fit(line(*parts), shape.width)


def item_row(row: Row, shape: Shape, *, cursor: bool) -> Content:
    """One row, exactly ``shape.width`` cells."""
    parts: list[Part] = [("▌" if cursor else " ", "$accent"), _named(row, shape, cursor=cursor)]
    for column in shape.columns:
        parts += [" " * column.gap, *_cell(row, shape, column)]
    content = fit(line(*parts), shape.width)
    if not cursor:
        return content
    return content.stylize("bold") if shape.flat else content.stylize_before("on $cursor")


def _named(row: Row, shape: Shape, *, cursor: bool) -> Content:
    room = shape.name + _START - 1
    if row.more:
        return line((left(f"{' ' * _INDENT}{row.more:,} smaller", room), "$label"))
    note_stays = False
    if row.heap is None:
        fold = " " if row.branch.leaf else "▾" if row.open else "▸"
        head = f"{fold} "
        name, note = clean(row.branch.whole.name), clean(row.branch.note)
    else:
        head = " " * _INDENT
        name, note = split_lines(clean(row.heap.name))
        note_stays = bool(note)
        if (count := len(row.heap.items)) > 1:
            note = f"{note}  x{count:,}".strip()
    lead: list[Part] = [(head, "$label")]
    if name.startswith("» "):
        lead.append(("» ", "$accent"))
        name = name[2:]
    start = line(*lead)
    tail = f"  {note}" if note else ""
    left_for_name = room - start.cell_length - len(tail)
    if note_stays and left_for_name >= _LEAST_NAME:
        # Other lines of the same file are another item: they tell these rows apart.
        name = clip_start(name, left_for_name)
    elif left_for_name < min(12, len(name)):
        tail, left_for_name = "", room - start.cell_length
    shown = clip(name, left_for_name)
    style = "$bright" if cursor else "$foreground"
    return fit(line(start, (shown, style), (tail, "$label")), room)


def _cell(row: Row, shape: Shape, column: Column) -> list[Part]:
    heap, width = row.shown, column.width
    alone = heap.items[0] if len(heap.items) == 1 else None
    if column.name == "since":
        return [(right(f"#{alone.entered}" if alone else "", width), "$label")]
    if column.name == "age":
        return [(right(_age(heap, alone, shape), width), "$label")]
    if column.name == "tokens":
        return [(right(_tokens(heap, alone), width), "$foreground")]
    if column.name == "bill":
        return [(right(fmt.tokens(heap.bill), width), "$foreground")]
    if column.name == "cost":
        return [(right(_cost(heap, shape), width), "$bright")]
    if column.name == "carried":
        if row.heap is None and alone is None:
            return [" " * width]
        share = heap.age / shape.requests if shape.requests else None
        return share_bar(share, width, "$accent-mid", flat=shape.flat)
    text, style = _flags(heap, row)
    return [(left(text, width), style)]


def _age(heap: Heap, alone: Item | None, shape: Shape) -> str:
    """Requests that carried it, the mean of several; nothing where no mean can be told."""
    if alone is not None:
        return f"{alone.carried}"
    mean = round(heap.age)
    return f"{mean}" if heap.items and 0 < mean <= shape.requests else ""


def _tokens(heap: Heap, alone: Item | None) -> str:
    rough = alone is not None and alone.method == "estimated" and alone.kind != "overhead"
    return f"~{fmt.tokens(heap.tokens)}" if rough else fmt.tokens(heap.tokens)


def _cost(heap: Heap, shape: Shape) -> str:
    if heap.cost is None:
        return fmt.UNKNOWN
    if shape.unit == "share":
        return fmt.rate(heap.cost / shape.cost) if shape.cost else fmt.UNKNOWN
    size = fmt.amount(abs(heap.cost), short=True)
    if heap.cost >= 0 or size == fmt.amount(0):
        return size
    return f"-{size}" if len(size) < _COST else "-<0.01"


def _flags(heap: Heap, row: Row) -> tuple[str, str]:
    """What is known of the use of a row's items: ``cold 174``, ``superseded x16``.

    The number says how many requests have read one since it was last named.
    """
    if row.heap is None and len(heap.items) > 1:
        exact = all(item.method == "exact" for item in heap.items)
        return ("exact" if exact else ""), "$label"
    flags = [item.flag for item in heap.items if item.flag]
    if not flags:
        return "", "$label"
    if flags[0] == "fixed":
        return "fixed", "$label"
    flag = "superseded" if "superseded" in flags else flags[0]
    count = flags.count(flag)
    if len(heap.items) > 1:
        return f"{flag} x{count:,}", "$warning"
    item = heap.items[0]
    if flag == "cold" and item.tokens:
        return f"cold {item.useless_tokens // item.tokens:,}", "$warning"
    return flag, "$warning"
