"""The table of the History screen: groups with a cursor."""

from __future__ import annotations

from textual.content import Content
from textual.message import Message

from ccmon.past import By, Group, Sums
from ccmon.tui.widgets.cursor_table import CursorTable
from ccmon.tui.widgets.group_row import Shape, group_row, titles


class GroupTable(CursorTable):
    """Groups in the order given; the cursor stays on its group while others come in."""

    class Moved(CursorTable.Moved):
        """The cursor is on another group."""

    class Opened(Message):
        """A group is to be opened."""

        def __init__(self, group: Group) -> None:
            super().__init__()
            self.group = group

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.groups: list[Group] = []
        self._totals = Sums()
        self._by: By = "day"
        self._key: str | None = None
        self._shape: Shape | None = None

    @property
    def count(self) -> int:
        """How many rows there are."""
        return len(self.groups)

    @property
    def selected(self) -> Group | None:
        """The group under the cursor."""
        return self.groups[self._cursor] if self._cursor < len(self.groups) else None

    def show(self, groups: list[Group], totals: Sums, by: By, words: str) -> None:
        """Show these groups; ``words`` where there is none."""
        self.groups, self._totals, self._by, self._words = groups, totals, by, words
        self._shape = None
        keys = [group.key for group in groups]
        known = self._key is not None and self._key in keys
        self._cursor = keys.index(self._key) if self._key is not None and known else 0
        self._arranged()

    def place(self, key: str | None) -> None:
        """Have the cursor on this group from the next ``show`` on; None: on the first."""
        self._key = key

    def open(self) -> None:
        """Ask for the group under the cursor."""
        if self.selected is not None:
            self.post_message(self.Opened(self.selected))

    def _titles(self) -> Content:
        return titles(self._fitted())

    def _row(self, index: int, *, cursor: bool) -> Content:
        return group_row(self.groups[index], self._fitted(), cursor=cursor)

    def _fitted(self) -> Shape:
        app, width = self.ccmon, self.size.width
        shape = self._shape
        if shape is None or (shape.width, shape.unit, shape.flat) != (width, app.unit, app.flat):
            shape = self._shape = Shape.fitting(
                width, self.groups, self._totals, by=self._by, unit=app.unit, flat=app.flat
            )
        return shape

    def _settle(self, index: int) -> None:
        self._key = self.groups[index].key
