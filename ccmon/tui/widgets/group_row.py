"""One row of the History screen as content: which columns fit, how wide, in which colours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from textual.content import Content

from ccmon import format as fmt
from ccmon import words
from ccmon.measures import Split
from ccmon.past import By, Group, Sums
from ccmon.tui.safe import Part, clean, clip, clip_middle, fit, left, line, right
from ccmon.tui.widgets.bars import share_bar, stacked_bar
from ccmon.tui.widgets.columns import Column, make_room, widest
from ccmon.tui.widgets.request_row import EDGE

_START = 2
_NAME_FROM = 12
_TITLE_FROM = 28
"""Cells that the title of a session keeps."""
_NAME_TO = 40
_BAR_FROM = 8
_BAR_TO = 48
_SPLIT = 12


@dataclass(frozen=True, slots=True)
class Shape:
    """How the table is drawn for a width and these groups; ``most`` fills a bar.

    ``places`` are the decimals of the money.
    """

    width: int
    name: int
    columns: tuple[Column, ...]
    by: By
    places: int
    most: float
    total: float
    unit: str
    flat: bool

    @classmethod
    def fitting(
        cls, width: int, groups: Sequence[Group], totals: Sums, *, by: By, unit: str, flat: bool
    ) -> Shape:
        """The columns that fit; no figure is ever cut, so the widest one decides."""
        every = [group.sums for group in groups]
        most = max((_size(sums, unit) for sums in every), default=0.0)
        total = totals.cost or 0.0
        places = fmt.money_column(sums.cost for sums in every)
        costs = [_cost(sums, unit, total, places) for sums in every]
        cost, read = Column(_cost_title(unit), widest(costs, 6)), Column("in", 6)
        columns = [
            Column("bar", _BAR_FROM, drop=7, at_left=True),
            *((read, cost) if unit == "tokens" else (cost, read)),
            Column("out", 6, drop=2),
            Column("hit", 6, drop=6),
            Column("spent on", _SPLIT, drop=3, at_left=True),
            Column("busts", widest((f"{sums.busts:,}" for sums in every), 5), drop=4),
            Column("wasted", widest((_wasted(sums) for sums in every), 6), drop=5),
        ]
        if by == "session":
            columns.insert(0, Column("project", 14, drop=1, at_left=True))
        else:
            count = widest((f"{sums.sessions:,}" for sums in every), 8)
            columns.append(Column("sessions", count, drop=1))
        least = _TITLE_FROM if by == "session" else _NAME_FROM
        room = make_room(columns, width - _START - EDGE, least)
        names = widest((words.group_name(group, by) for group in groups), _NAME_FROM)
        name = min(room, _NAME_TO, names + 2)
        bar = min(_BAR_TO, _BAR_FROM + room - name)
        shaped = [
            Column(each.name, bar, each.gap, each.drop, each.at_left)
            if each.name == "bar"
            else each
            for each in columns
        ]
        return cls(width, name, tuple(shaped), by, places, most, total, unit, flat)


def titles(shape: Shape) -> Content:
    """The row of column titles."""
    parts: list[Part] = [" " * _START, (left(shape.by, shape.name), "$label")]
    for column in shape.columns:
        name = "" if column.name == "bar" else column.name
        cell = left(name, column.width) if column.at_left else right(name, column.width)
        parts += [" " * column.gap, (cell, "$label")]
    return fit(line(*parts), shape.width)


def group_row(group: Group, shape: Shape, *, cursor: bool) -> Content:
    """One row, exactly ``shape.width`` cells; ``⋮`` marks what is in part no longer on disk."""
    gone = "⋮" if group.on_disk < 1 else " "
    name = clip(clean(words.group_name(group, shape.by)), shape.name)
    parts: list[Part] = [("▌" if cursor else " ", "$accent"), (gone, "$faint")]
    parts.append((left(name, shape.name), "$bright" if cursor else "$foreground"))
    for column in shape.columns:
        parts += [" " * column.gap, *_cell(group, shape, column)]
    content = fit(line(*parts), shape.width)
    if not cursor:
        return content
    return content.stylize("bold") if shape.flat else content.stylize_before("on $cursor")


def split_parts(split: Split) -> list[tuple[float, str]]:
    """The four parts of what was paid, in the colours of their bars."""
    return [
        (split.carry, "$accent-fill"),
        (split.rewrite, "$warning-fill"),
        (split.fresh, "$share-new"),
        (split.output, "$share-output"),
    ]


def cost_of(sums: Sums) -> str:
    """What it has cost, and how far to trust it; no request has cost nothing."""
    return fmt.money(
        sums.cost if sums.requests else 0.0,
        lower_bound=sums.cost_is_lower_bound,
        estimated=sums.estimated,
        short=True,
    )


def wasted_of(sums: Sums) -> float | None:
    """USD that busts cost beyond a normal read; None where no request has a price."""
    return None if sums.cost is None else sums.avoidable


def _size(sums: Sums, unit: str) -> float:
    return float(sums.usage.prompt_tokens) if unit == "tokens" else sums.cost or 0.0


def _cost_title(unit: str) -> str:
    return "of all" if unit == "share" else "cost"


def _cost(sums: Sums, unit: str, total: float, places: int) -> str:
    if unit == "share":
        return fmt.UNKNOWN if sums.cost is None or not total else fmt.rate(sums.cost / total)
    return fmt.money_to(
        sums.cost, places, lower_bound=sums.cost_is_lower_bound, estimated=sums.estimated
    )


def _wasted(sums: Sums) -> str:
    return fmt.money_to(wasted_of(sums), 2) if sums.busts else fmt.NONE


def _cell(group: Group, shape: Shape, column: Column) -> list[Part]:
    sums, width = group.sums, column.width
    if column.name == "project":
        return [(left(clip_middle(clean(group.project), width), width), "$label")]
    if column.name == "bar":
        share = _size(sums, shape.unit) / shape.most if shape.most else None
        return share_bar(share, width, "$accent-mid", flat=shape.flat, track=False)
    if column.name == _cost_title(shape.unit):
        cost = _cost(sums, shape.unit, shape.total, shape.places)
        return [(right(cost, width), "$foreground" if shape.unit == "tokens" else "$bright")]
    if column.name == "in":
        style = "$bright" if shape.unit == "tokens" else "$foreground"
        return [(right(fmt.tokens(sums.usage.prompt_tokens), width), style)]
    if column.name == "out":
        return [(right(fmt.tokens_short(sums.usage.output_tokens), width), "$label")]
    if column.name == "hit":
        return [(right(fmt.rate(sums.hit_rate), width), "$label")]
    if column.name == "spent on":
        if not sums.cost:
            return [(left(fmt.NONE, width), "$label")]
        if shape.flat:
            reread = fmt.percent(sums.split.carry / sums.cost)
            return [(left(f"{reread} re-read", width), "$label")]
        return stacked_bar(split_parts(sums.split), width)
    if column.name == "busts":
        return [(right(f"{sums.busts:,}", width), "$foreground" if sums.busts else "$label")]
    if column.name == "wasted":
        return [(right(_wasted(sums), width), "$warning" if sums.busts else "$label")]
    return [(right(f"{sums.sessions:,}", width), "$label")]
