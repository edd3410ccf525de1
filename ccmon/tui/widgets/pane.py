"""A frame that takes the focus and scrolls when it holds more rows than it has room for."""

from __future__ import annotations

from dataclasses import replace

from textual import events
from textual.content import Content

from ccmon.tui.safe import ELLIPSIS, fit, line
from ccmon.tui.widgets.panel import Frame, Panel, boxed, ruled

_WHEEL = 3


def _going_on(row: Content, width: int) -> Content:
    """The row with ``…`` at its end: more comes below."""
    return fit(line(row.rstrip(), f" {ELLIPSIS}"), width)


class Pane(Panel, can_focus=True):
    """Shows a frame in full or the part of it that was scrolled to.

    What does not fit is counted in the bottom edge. ``boxes`` is False on narrow screens, where
    a rule stands for the box and ``…`` for what does not fit.
    """

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._frame = Frame(Content(""))
        self._boxes = True
        self._top = 0

    @property
    def top(self) -> int:
        """The first row of the frame that is shown."""
        return self._top

    @property
    def room(self) -> int:
        """Rows that can be shown at once."""
        return max(0, self.size.height - (2 if self._boxes else 1))

    def show(self, frame: Frame, *, boxes: bool = True, top: int | None = None) -> None:
        """Show a frame; ``top`` scrolls it, else it stays where the reader is."""
        self._frame, self._boxes = frame, boxes
        if top is not None:
            self._top = top
        self._draw()

    def scroll_rows(self, delta: int) -> bool:
        """Move the part that is shown; False when it cannot move that way."""
        before = self._top
        self._top += delta
        self._draw()
        return self._top != before

    def on_resize(self) -> None:
        """Fill the new size."""
        self._draw()

    def on_focus(self) -> None:
        """Show where the keys go."""
        self._draw()

    def on_blur(self) -> None:
        """Step back."""
        self._draw()

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Scroll these rows; at their end what lies around them."""
        if self.scroll_rows(_WHEEL):
            event.stop()

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Scroll these rows; at their beginning what lies around them."""
        if self.scroll_rows(-_WHEEL):
            event.stop()

    def _draw(self) -> None:
        width, height = self.size
        if not width or not height:
            return
        room = self.room
        self._top = max(0, min(self._top, len(self._frame.rows) - room))
        rows = self._frame.rows[self._top : self._top + room]
        frame = replace(self._frame, rows=rows)
        if self.has_focus and frame.tone == "border":
            frame = replace(frame, tone="border-focus")
        below = len(self._frame.rows) - self._top - room
        if not self._boxes:
            if below > 0 and rows:
                frame = replace(frame, rows=[*rows[:-1], _going_on(rows[-1], width - 2)])
            self.set_lines(ruled(frame, width, height))
            return
        if below > 0:
            frame = replace(frame, axis=[(f"{below:,} more", "$label")])
        self.set_lines(boxed(frame, width, height))
