"""Graphs over the requests of a session, and the time axis below them.

One function says in which column a request stands; buckets, marks and clicks all use it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from ccmon import format as fmt
from ccmon.requests import Compaction, Request
from ccmon.tui.safe import Part
from ccmon.tui.theme import AREA_STEPS

_EIGHTHS = " ▁▂▃▄▅▆▇█"


def column_of(index: int, count: int, width: int) -> int:
    """The column where request ``index`` (from 0) of ``count`` begins."""
    return index * width // count


def requests_in(column: int, count: int, width: int) -> range:
    """The requests (from 0) that a column shows: those that begin there, else the one before."""
    first, after = -(-column * count // width), -(-(column + 1) * count // width)
    return range(min(first, after - 1), after)


@dataclass(frozen=True, slots=True)
class Trend:
    """Requests put into columns: mean context, dearest request, whether one of them busts.

    ``peak_cost`` is None where no request has a price.
    """

    context: tuple[float, ...]
    cost: tuple[float, ...]
    bust: tuple[bool, ...]
    peak_cost: float | None

    @classmethod
    def of(cls, requests: Sequence[Request], width: int) -> Trend:
        """Fill ``width`` columns; with fewer requests than columns each takes several."""
        count = len(requests)
        if not count or width <= 0:
            return cls((), (), (), None)
        context, cost, bust = [], [], []
        for column in range(width):
            shown = requests_in(column, count, width)
            bucket = requests[shown.start : shown.stop]
            begins = column_of(shown.start, count, width) == column
            context.append(sum(request.context for request in bucket) / len(bucket))
            cost.append(max(request.cost or 0.0 for request in bucket))
            bust.append(begins and any(request.bust for request in bucket))
        return cls(tuple(context), tuple(cost), tuple(bust), max(cost) or None)


def area(values: Sequence[float], rows: int, *, top: float | None = None) -> list[list[Part]]:
    """An area graph from baseline 0, top row first; every column shows at least one eighth.

    One row: the shade follows the exact value, so that the steps read as a slope. Several: it
    follows the height.
    """
    peak = top or max(values, default=0.0) or 1.0
    levels = [max(1, min(8 * rows, round(value / peak * 8 * rows))) for value in values]
    lines: list[list[Part]] = []
    for row in range(rows - 1, -1, -1):
        cells = []
        for value, level in zip(values, levels, strict=True):
            share = value / peak if rows == 1 else row / (rows - 1)
            shade = 1 + round(min(1.0, share) * (AREA_STEPS - 1))
            cells.append((_EIGHTHS[max(0, min(8, level - 8 * row))], f"$area-{shade}"))
        lines.append(_runs(cells))
    return lines


def cost_bars(trend: Trend, rows: int) -> list[list[Part]]:
    """What requests cost: busts to scale in amber, ordinary ones kept low, top row first."""
    cap = 2 if rows == 1 else 3
    peak = trend.peak_cost or 1.0
    lines: list[list[Part]] = []
    for row in range(rows - 1, -1, -1):
        cells = []
        for cost, bust in zip(trend.cost, trend.bust, strict=True):
            level = max(1, round(cost / peak * 8 * rows))
            level = level if bust else min(cap, level)
            style = "$warning-fill" if bust else "$accent-mid"
            cells.append((_EIGHTHS[max(0, min(8, level - 8 * row))], style))
        lines.append(_runs(cells))
    return lines


def _runs(cells: Sequence[tuple[str, str]]) -> list[Part]:
    """Neighbours of one style as one part."""
    return [
        ("".join(glyph for glyph, _ in run), style)
        for style, run in ((key, list(group)) for key, group in groupby(cells, lambda c: c[1]))
    ]


def axis(
    requests: Sequence[Request], compactions: Sequence[Compaction], width: int, rule: str
) -> list[Part]:
    """The time axis as part of a bottom edge: ``09:02 ── 10:07 ▾ compact ── 12:21 ! ── 14:04``.

    A mark stands exactly in its column, its time to the left. Labels that would touch are left
    out, marks never. ``rule`` is the style of the line between. ``width`` cells in all.
    """
    count = len(requests)
    if not count or width < 5:
        return [("─" * max(0, width), rule)]
    marks: dict[int, tuple[str, str]] = {}
    first, last = _minute(requests[0].at), _minute(requests[-1].at)
    labels = [(width - len(last), last), (0, first)]
    for compaction in compactions:
        index = compaction.before_request - 1
        if index < count:
            column = column_of(index, count, width)
            marks[column] = ("▾", "$accent")
            time = _minute(requests[index].at)
            labels += [(column - 1 - len(time), time), (column + 2, "compact")]
    for index, request in enumerate(requests):
        if request.bust:
            column = column_of(index, count, width)
            marks[column] = ("!", "$warning bold")
            time = _minute(request.at)
            labels.append((column - 1 - len(time), time))
    return _drawn(labels, marks, width, rule)


def _minute(at: float | None) -> str:
    return fmt.clock(at, seconds=False)


def _drawn(
    labels: Sequence[tuple[int, str]], marks: dict[int, tuple[str, str]], width: int, rule: str
) -> list[Part]:
    """Marks, then each label that keeps one blank from everything that stands already."""
    cells: list[tuple[str, str]] = [("─", rule)] * width
    occupied = set(marks)
    for start, text in labels:
        end = start + len(text)
        if start < 0 or end > width or occupied & set(range(start - 1, end + 1)):
            continue
        cells[start:end] = [(glyph, "$label") for glyph in text]
        occupied |= set(range(start, end))
    for cell in range(width):
        if cell not in occupied and {cell - 1, cell + 1} & occupied:
            cells[cell] = (" ", rule)
    for column, mark in marks.items():
        cells[column] = mark
    return _runs(cells)
