"""The table of the Context screen: a tree of sources and items with a cursor."""

from __future__ import annotations

from collections.abc import Sequence

from textual.content import Content
from textual.message import Message
from textual.strip import Strip

from ccmon.requests import Request
from ccmon.snapshot import Item
from ccmon.tui.sources import Key
from ccmon.tui.widgets.cursor_table import HEADER, CursorTable
from ccmon.tui.widgets.item_row import Shape, item_row, titles
from ccmon.tui.widgets.item_tree import Branch, Fold, Row, Sort, ordered, rows_of, together

_FOOT_FROM = 10
"""Rows of the table from which on there is one for the sums of all."""


class ItemTable(CursorTable):
    """Branches that fold, sorted by bill at first.

    The cursor stays on its row when the context grows. Until it is moved the largest branch is
    open, and the cursor on its largest item.
    """

    class Moved(CursorTable.Moved):
        """The cursor is on another row."""

    class Opened(Message):
        """The request that an item entered with is to be opened."""

        def __init__(self, item: Item) -> None:
            super().__init__()
            self.item = item

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.sort: Sort = "bill"
        self.rows: list[Row] = []
        self._branches: tuple[Branch, ...] = ()
        self._requests: Sequence[Request] = ()
        self._cost: float | None = None
        self._folds: dict[Key, Fold] | None = None
        self._unfolded = False
        self._place: tuple[Key, str] | None = None
        self._total = together(())

    @property
    def count(self) -> int:
        """How many rows there are."""
        return len(self.rows)

    @property
    def selected(self) -> Row | None:
        """The row under the cursor."""
        return self.rows[self._cursor] if self._cursor < len(self.rows) else None

    @property
    def items(self) -> list[Item]:
        """All items of all branches, in the order shown."""
        return [item for branch in self._branches for heap in branch.heaps for item in heap.items]

    def show(
        self,
        branches: tuple[Branch, ...],
        requests: Sequence[Request],
        cost: float | None,
        *,
        unfolded: bool,
        words: str,
    ) -> None:
        """Show these branches of a thread.

        ``cost`` is what shares are of; ``unfolded`` opens every branch, as a filter does;
        ``words`` are shown where there is none.
        """
        self._requests, self._cost = requests, cost
        self._unfolded, self._words = unfolded, words
        self._branches = ordered(branches, self.sort, descending=self.descending)
        self._arrange()

    def forget(self) -> None:
        """Another context is going to be shown: begin as at the start."""
        self._folds, self._place = None, None
        self.scroll_to(y=0, animate=False)

    def sort_by(self, sort: Sort, *, descending: bool) -> None:
        """Another order; the cursor stays on its row."""
        self._keep_place()
        self._open_folds()
        self.sort, self.descending = sort, descending
        self._branches = ordered(self._branches, sort, descending=descending)
        self._arrange()
        self.post_message(self.Moved())

    def fold(self) -> None:
        """Open or close the branch under the cursor; on the last row of one, show all of it."""
        row = self.selected
        if row is None or row.branch.leaf or self._unfolded:
            return
        folds = self._open_folds()
        if row.more:
            folds[row.branch.key] = "all"
            shown = sum(each.branch is row.branch for each in self.rows) - 2
            self._place = row.branch.key, row.branch.heaps[shown].name
        elif folds.pop(row.branch.key, None) is None:
            folds[row.branch.key] = "few"
        else:
            self._place = row.branch.key, ""
        self._arrange()
        self.post_message(self.Moved())

    def open(self) -> None:
        """Ask for the request of an item; a row that stands for others is opened itself."""
        row = self.selected
        if row is None:
            return
        if row.more or (row.heap is None and not row.branch.leaf):
            self.fold()
        else:
            self.post_message(self.Opened(row.shown.newest))

    def render_line(self, y: int) -> Strip:
        """Row ``y`` of the widget; below the rows in sight there may be one for their sums."""
        if self.rows and self._foot and y == HEADER + min(len(self.rows), self._in_sight):
            total = item_row(self._total, self._shape(), cursor=False)
            return self._maker.strip(total, self.size.width)
        return super().render_line(y)

    def on_resize(self) -> None:
        """More rows may fit."""
        self._arrange()

    @property
    def _foot(self) -> int:
        """Rows of the sums: one where there is more than one thing to sum up, and room."""
        return int(self.size.height >= _FOOT_FROM and len(self._branches) > 1)

    @property
    def _in_sight(self) -> int:
        return max(1, super()._in_sight - self._foot)

    def _titles(self) -> Content:
        return titles(self._shape(), self.sort, descending=self.descending)

    def _click_title(self, x: int) -> None:
        sort = self._shape().sort_at(x)
        if sort is not None:
            self.sort_by(sort, descending=not self.descending if sort == self.sort else True)

    def _row(self, index: int, *, cursor: bool) -> Content:
        return item_row(self.rows[index], self._shape(), cursor=cursor)

    def _row_at(self, y: int) -> int | None:
        return super()._row_at(y) if y < HEADER + self._in_sight else None

    def _shape(self) -> Shape:
        app = self.ccmon
        return Shape.fitting(
            self.size.width, requests=len(self._requests), unit=app.unit, flat=app.flat,
            cost=self._cost,
        )  # fmt: skip

    def _open_folds(self) -> dict[Key, Fold]:
        """The open branches, once the user has had a say in it."""
        if self._folds is None:
            self._folds = self._first_folds()
        return self._folds

    def _first_folds(self) -> dict[Key, Fold]:
        return {branch.key: "few" for branch in self._branches[:1] if not branch.leaf}

    def _arrange(self) -> None:
        folds = self._folds if self._folds is not None else self._first_folds()
        if self._unfolded:
            folds = {branch.key: "all" for branch in self._branches}
        self.rows = rows_of(self._branches, folds, self._in_sight)
        self._total = together(self._branches)
        self._cursor = self._found()
        self._arranged(self._foot)

    def _found(self) -> int:
        """The row that the cursor was on; else its branch, else the largest item."""
        if self._place is None:
            return 1 if len(self.rows) > 1 and self.rows[0].open else 0
        places = [row.place for row in self.rows]
        for place in (self._place, (self._place[0], "")):
            if place in places:
                return places.index(place)
        return 0

    def _keep_place(self) -> None:
        row = self.selected
        if self._place is None and row is not None:
            self._place = row.place

    def _settle(self, index: int) -> None:
        self._place = self.rows[index].place

    def _target(self, top: int, rows: int) -> int:
        if self._place is None and self._cursor < rows:
            return 0
        return super()._target(top, rows)
