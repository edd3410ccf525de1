"""The context of every request of the main thread, and where the cache broke: a graph to click."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

from textual.content import Content

from ccmon import format as fmt
from ccmon.requests import MAIN, Bust, Request
from ccmon.snapshot import Session
from ccmon.tui.safe import Part, line
from ccmon.tui.widgets.panel import SIDES, Frame, Panel, boxed, ruled, title
from ccmon.tui.widgets.trend import (
    Cell,
    area_cells,
    axis,
    column_of,
    mean_contexts,
    request_at,
    runs,
)

_SCALE_ROWS = 4
"""Rows of a graph from which on it has a scale."""
_BOXES_FROM = 80
_COLUMN = "$warning-mid"
_EMPTY: Cell = (" ", "")
Grid = list[list[Cell]]
Place = tuple[str, int]
"""Thread and number of a request."""


def place_of(bust: Bust) -> Place:
    """Where a bust happened."""
    return bust.thread, bust.request


@dataclass(frozen=True, slots=True)
class Plot:
    """The area graph without words: ``grid`` rows from the top, ``top`` tokens high.

    ``busts`` are the dearest bust of each column that has one.
    """

    grid: Grid
    top: float
    busts: dict[int, Bust]

    @classmethod
    def of(cls, requests: Sequence[Request], busts: Sequence[Bust], width: int, rows: int) -> Plot:
        """Draw ``requests`` of one thread; every column of a bust has room for a mark above it."""
        if not requests or width <= 0 or rows <= 0:
            return cls([[_EMPTY] * max(0, width) for _ in range(rows)], 0.0, {})
        means = mean_contexts(requests, width)
        marked: dict[int, Bust] = {}
        for bust in busts:
            if 0 < bust.request <= len(requests):
                column = column_of(bust.request - 1, len(requests), width)
                if column not in marked or bust.rewritten > marked[column].rewritten:
                    marked[column] = bust
        highest = max((means[column] for column in marked), default=0.0)
        top = _rounded_up(max(max(means), highest * rows / max(1, rows - 1)))
        grid = area_cells(means, rows, top=top)
        for cells in grid:
            for column in marked:
                glyph = cells[column][0]
                cells[column] = (glyph, _COLUMN) if glyph != " " else _EMPTY
        return cls(grid, top, marked)

    def drawn(self, selected: Place | None) -> list[list[Part]]:
        """The rows with marks, labels and scale; the ``selected`` bust gets its label first."""
        return [runs(cells) for cells in self.labelled(selected)[0]]

    def labelled(self, selected: Place | None) -> tuple[Grid, bool]:
        """The cells of the rows as ``drawn``, and whether they say how high the graph is."""
        grid = [list(cells) for cells in self.grid]
        for column in self.busts:
            row = _first_filled(grid, column) - 1
            if row >= 0:
                grid[row][column] = ("!", "$warning bold")
        chosen = {column for column, bust in self.busts.items() if place_of(bust) == selected}
        for column in sorted(
            self.busts, key=lambda each: (each not in chosen, -self.busts[each].rewritten)
        ):
            _label(grid, column, self.busts[column], "$bright" if column in chosen else "$label")
        return grid, self._write_scale(grid)

    def _write_scale(self, grid: Grid) -> bool:
        """Write top and middle at the left, else at the right; False where data leave no room."""
        if not self.top or len(grid) < _SCALE_ROWS:
            return False
        figures = [(share, _scale(self.top * share)) for share in (1.0, 0.5)]
        for at_left in (True, False):
            written = [
                _write(
                    grid,
                    len(grid) - ceil(share * len(grid)),
                    0 if at_left else len(grid[0]) - len(text),
                    [(text, "$faint")],
                )
                for share, text in figures
            ]
            if any(written):
                return True
        return False


def _rounded_up(tokens: float) -> float:
    """The next number with two digits, the second one even, so that half of it is round too."""
    step = 2 * 10 ** (len(str(int(tokens))) - 2) if tokens >= 10 else 10
    return float(-(-tokens // step) * step)


def _scale(tokens: float) -> str:
    return fmt.tokens(tokens).replace(".0", "")


def _first_filled(grid: Grid, column: int) -> int:
    return next((row for row, cells in enumerate(grid) if cells[column][0] != " "), len(grid))


def _label(grid: Grid, column: int, bust: Bust, style: str) -> None:
    """``#205 265k`` left of the mark of a bust, else right of it, where nothing else stands."""
    rewrote = fmt.tokens_short(bust.rewritten)
    words = [(f"#{bust.request}", style), (" ", ""), (rewrote, "$foreground")]
    width = sum(len(text) for text, _ in words)
    row = _first_filled(grid, column)
    if grid[row][column][0] == "!":
        any(_write(grid, row, start, words) for start in (column - 1 - width, column + 2))


def _write(grid: Grid, row: int, start: int, words: Sequence[Cell]) -> bool:
    """Write into blank cells that keep one blank to everything else; False where there are none."""
    text = [(character, style) for part, style in words for character in part]
    end = start + len(text)
    cells = grid[row]
    if start < 0 or end > len(cells):
        return False
    if any(glyph != " " for glyph, _ in cells[max(0, start - 1) : end + 1]):
        return False
    cells[start:end] = text
    return True


class Timeline(Panel):
    """The graph in its frame. Its ``plot``, which takes long, is made once for session and size."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._requests: Sequence[Request] = ()
        self._plotted: tuple[Session, int, int] | None = None
        self.plot = Plot([], 0.0, {})
        self._axis: Sequence[Part] = ()
        self._boxes = True

    def show(self, session: Session, selected: Place | None, *, width: int, height: int) -> None:
        """Draw the main thread of a session in so many cells; below 80 columns under a rule."""
        self._boxes = width >= _BOXES_FROM
        columns = width - (SIDES if self._boxes else 2)
        rows = height - (2 if self._boxes else 1)
        self._requests = session.requests
        if self._plotted is None or self._plotted != (session, columns, rows):
            self._plotted = (session, columns, rows)
            busts = [bust for bust in session.busts if bust.thread == MAIN]
            self.plot = Plot.of(session.requests, busts, columns, rows)
            self._axis = axis(
                session.requests, session.compactions, columns, "$border", words=False
            )
        grid, scaled = self.plot.labelled(selected)
        top = f", up to {_scale(self.plot.top)}" if self.plot.top and not scaled else ""
        frame = Frame(
            title("Context", f"per request{top}"),
            [line(*runs(cells)) for cells in grid],
            value=_legend(session, short=not self._boxes),
            axis=self._axis if session.requests else (),
        )
        draw = boxed if self._boxes else ruled
        self.set_lines(draw(frame, width, height))

    def request_at(self, event: Panel.Clicked) -> Request | None:
        """The request of the column that was clicked; None beside the graph."""
        width = len(self.plot.grid[0]) if self.plot.grid else 0
        column = event.column + (0 if self._boxes else 1)
        if event.row < 0 or not 0 <= column < width or not self._requests:
            return None
        return request_at(column, self._requests, width)


def _legend(session: Session, *, short: bool) -> Content | None:
    """What the colours and marks of the graph mean, as far as they are in it."""
    gap = "  " if short else "   "
    cached = session.cache is None or session.cache.caching
    word = " in cache" if cached else " not cached"
    parts: list[Part] = [("█", "$accent-fill"), (word, "$label")]
    if any(bust.thread == MAIN for bust in session.busts):
        parts += [gap, ("█", _COLUMN), (" ", ""), ("!", "$warning bold"), (" rewritten", "$label")]
    if session.compactions and not short:
        parts += [gap, ("▾", "$accent"), (" compaction", "$label")]
    return line(*parts) if session.requests else None
