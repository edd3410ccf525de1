"""A table of rows below one line of titles, with a cursor that stays in sight."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from textual.message import Message
from textual.scroll_view import ScrollView

from ccmon.tui.widgets.strips import StripMaker

if TYPE_CHECKING:
    from ccmon.tui.app import CcmonApp

HEADER = 1


class CursorTable(ScrollView, can_focus=True, inherit_bindings=False):
    """What such tables share; a table says what its rows are and where the cursor belongs."""

    DEFAULT_CSS = """
    CursorTable {
        height: 1fr;
        width: 1fr;
        overflow-x: hidden;
        overflow-y: auto;
        scrollbar-size: 0 0;
    }
    """

    class Moved(Message):
        """The cursor is on another row; each table has its own."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.descending = True
        self._cursor = 0
        self._maker = StripMaker(self)

    @property
    def ccmon(self) -> CcmonApp:
        """The app, typed."""
        return cast("CcmonApp", self.app)

    @property
    def count(self) -> int:
        """How many rows there are."""
        raise NotImplementedError  # each table knows its own

    def move(self, delta: int) -> None:
        """Move the cursor by so many rows."""
        if self.count:
            self._go(max(0, min(self.count - 1, self._cursor + delta)))

    def move_page(self, pages: float) -> None:
        """Move by a part of what is in sight."""
        rows = max(1, round(self._in_sight * abs(pages)))
        self.move(rows if pages > 0 else -rows)

    def move_to_end(self, *, last: bool) -> None:
        """Go to the first or the last row."""
        self.move(self.count if last else -self.count)

    def notify_style_update(self) -> None:
        """Another theme: no style found before is right."""
        self._maker.forget()
        super().notify_style_update()

    def on_resize(self) -> None:
        """Keep the cursor in sight."""
        self._reveal()

    @property
    def _in_sight(self) -> int:
        return max(1, self.size.height - HEADER)

    def _settle(self, index: int) -> None:
        """The cursor is on this row from now on, also when the rows are arranged anew."""
        raise NotImplementedError  # each table has its own way to know a row again

    def _go(self, index: int) -> None:
        self._cursor = index
        self._settle(index)
        self._reveal()
        self.refresh()
        self.post_message(self.Moved())

    def _target(self, top: int, rows: int) -> int:
        """The first row to show, by as little scrolling as the cursor needs."""
        return min(max(top, self._cursor - rows + 1), self._cursor)

    def _reveal(self) -> None:
        # Where it really stands: another height moves what is in sight, but not Textual's target.
        top = self.scroll_offset.y
        target = self._target(top, self._in_sight)
        if target != top or round(self.scroll_target_y) != target:
            self.scroll_to(y=target, animate=False, force=True, immediate=True)
