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

Cell = tuple[str, str]
"""One character and its style."""

_EIGHTHS = " ▁▂▃▄▅▆▇█"
_BUST: Cell = ("!", "$warning bold")


def column_of(index: int, count: int, width: int) -> int:
    """The column where request ``index`` (from 0) of ``count`` begins."""
    return index * width // count


def requests_in(column: int, count: int, width: int) -> range:
    """The requests (from 0) that a column shows: those that begin there, else the one before."""
    first, after = -(-column * count // width), -(-(column + 1) * count // width)
    return range(min(first, after - 1), after)


def request_at(column: int, requests: Sequence[Request], width: int) -> Request:
    """The request that a click on a column means: the first bust that it shows, else the first."""
    shown = requests_in(column, len(requests), width)
    bucket = requests[shown.start : shown.stop]
    return next((request for request in bucket if request.bust), bucket[0])


def mean_contexts(requests: Sequence[Request], width: int) -> list[float]:
    """The mean context of the requests of each column; nothing without requests or columns."""
    contexts = [request.context for request in requests]
    means = []
    for column in range(width if contexts else 0):
        shown = requests_in(column, len(contexts), width)
        means.append(sum(contexts[shown.start : shown.stop]) / len(shown))
    return means


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
        cost, bust = [], []
        for column in range(width):
            shown = requests_in(column, count, width)
            bucket = requests[shown.start : shown.stop]
            begins = column_of(shown.start, count, width) == column
            cost.append(max(request.cost or 0.0 for request in bucket))
            bust.append(begins and any(request.bust for request in bucket))
        context = mean_contexts(requests, width)
        return cls(tuple(context), tuple(cost), tuple(bust), max(cost) or None)


def area(values: Sequence[float], rows: int, *, top: float | None = None) -> list[list[Part]]:
    """An area graph from baseline 0, top row first; every column shows at least one eighth.

    One row: the shade follows the exact value, so that the steps read as a slope. Several: it
    follows the height.
    """
    return [runs(cells) for cells in area_cells(values, rows, top=top)]


def area_cells(values: Sequence[float], rows: int, *, top: float | None = None) -> list[list[Cell]]:
    """The cells of an area graph, for whoever draws upon it."""
    peak = top or max(values, default=0.0) or 1.0
    levels = [max(1, min(8 * rows, round(value / peak * 8 * rows))) for value in values]
    lines: list[list[Cell]] = []
    for row in range(rows - 1, -1, -1):
        cells: list[Cell] = []
        for value, level in zip(values, levels, strict=True):
            share = value / peak if rows == 1 else row / (rows - 1)
            shade = 1 + round(min(1.0, share) * (AREA_STEPS - 1))
            cells.append((_EIGHTHS[max(0, min(8, level - 8 * row))], f"$area-{shade}"))
        lines.append(cells)
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
        lines.append(runs(cells))
    return lines


def runs(cells: Sequence[Cell]) -> list[Part]:
    """Neighbours of one style as one part."""
    return [
        ("".join(glyph for glyph, _ in run), style)
        for style, run in ((key, list(group)) for key, group in groupby(cells, lambda c: c[1]))
    ]


def axis(
    requests: Sequence[Request],
    compactions: Sequence[Compaction],
    width: int,
    rule: str,
    *,
    words: bool = True,
) -> list[Part]:
    """The time axis as part of a bottom edge: ``09:02 ── 10:07 ▾ compact ── 12:21 ! ── 14:04``.

    A mark stands exactly in its column, its time to the left. Labels that would touch are left
    out, marks never. ``rule`` is the style of the line between. ``width`` cells in all. Without
    ``words`` a compaction is its mark alone.
    """
    count = len(requests)
    if not count or width < 5:
        return [("─" * max(0, width), rule)]
    marks: dict[int, Cell] = {}
    first, last = _minute(requests[0].at), _minute(requests[-1].at)
    labels = [(width - len(last), last), (0, first)]
    for compaction in compactions:
        index = compaction.before_request - 1
        if index < count:
            column = column_of(index, count, width)
            marks[column] = ("▾", "$accent")
            time = _minute(requests[index].at)
            labels.append((column - 1 - len(time), time))
            if words:
                labels.append((column + 2, "compact"))
    for index, request in enumerate(requests):
        if request.bust:
            column = column_of(index, count, width)
            if marks.get(column) == _BUST:
                continue
            marks[column] = _BUST
            time = _minute(request.at)
            labels.append((column - 1 - len(time), time))
    return _drawn(labels, marks, width, rule)


def _minute(at: float | None) -> str:
    return fmt.clock(at, seconds=False)


def _drawn(
    labels: Sequence[tuple[int, str]], marks: dict[int, Cell], width: int, rule: str
) -> list[Part]:
    """Marks, then each label that keeps one blank from everything that stands already."""
    cells: list[Cell] = [("─", rule)] * width
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
    return runs(cells)
