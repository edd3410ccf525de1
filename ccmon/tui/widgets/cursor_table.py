"""A table of rows below one line of titles, with a cursor that stays in sight."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from textual import events
from textual.content import Content
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from ccmon.tui.safe import clip, line
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
        self._words = ""
        self._maker = StripMaker(self)

    @property
    def ccmon(self) -> CcmonApp:
        """The app, typed."""
        return cast("CcmonApp", self.app)

    @property
    def count(self) -> int:
        """How many rows there are."""
        raise NotImplementedError  # each table knows its own

    def open(self) -> None:
        """Ask for what the cursor is on."""
        raise NotImplementedError  # each table asks for something else

    def render_line(self, y: int) -> Strip:
        """Row ``y`` of the widget: titles, then rows; words where there are none."""
        width = self.size.width
        if not self.count:
            return self._maker.strip(self._nothing(width) if y == 0 else line(""), width)
        if y < HEADER:
            return self._maker.strip(self._titles(), width)
        index = self._row_at(y)
        row = line("") if index is None else self._row(index, cursor=index == self._cursor)
        return self._maker.strip(row, width)

    def on_click(self, event: events.Click) -> None:
        """A title sorts, a row takes the cursor, a second click opens it."""
        if not self.count:
            return
        if event.y < HEADER:
            self._click_title(event.x)
        elif (index := self._row_at(event.y)) is not None:
            if index == self._cursor:
                self.open()
            else:
                self._go(index)

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

    def _nothing(self, width: int) -> Content:
        """What stands there when there is no row."""
        return line((f"  {clip(self._words, width - 3)}", "$label"))

    def _titles(self) -> Content:
        """The line of titles."""
        raise NotImplementedError  # each table has its own columns

    def _click_title(self, x: int) -> None:
        """Somebody clicked at cell ``x`` of the titles: nothing, where there is but one order."""

    def _row(self, index: int, *, cursor: bool) -> Content:
        """A row as it is drawn."""
        raise NotImplementedError  # each table knows its own

    def _row_at(self, y: int) -> int | None:
        """Which row stands in line ``y`` of the widget; None: none."""
        index = self.scroll_offset.y + y - HEADER
        return index if y >= HEADER and index < self.count else None

    def _arranged(self, lines: int = 0) -> None:
        """Rows have changed: show them, with so many more lines below."""
        self.virtual_size = Size(self.size.width, self.count + HEADER + lines)
        self._reveal()
        self.refresh()

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
