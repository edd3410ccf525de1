"""The text viewer: what stands in the transcript, read again from disk."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.visual import Visual

from ccmon import format as fmt
from ccmon.snapshot import Snapshot
from ccmon.tui.commands import Place, bindings
from ccmon.tui.safe import Part, clean, clip, fit, line
from ccmon.tui.screens.base import MonitorScreen
from ccmon.tui.widgets.passages import Passage, Row, read_rows

ROWS_LIMIT = 20_000
"""Rows shown at most; a screenful takes a few dozen."""
_TITLE = 40


class TextView(ScrollView, can_focus=True, inherit_bindings=False):
    """Rows of text, of which only those on the screen are drawn."""

    DEFAULT_CSS = """
    TextView {
        height: 1fr;
        overflow-x: hidden;
        scrollbar-size-vertical: 1;
        scrollbar-gutter: stable;
    }
    """

    def __init__(self) -> None:
        super().__init__()
        self.rows: Sequence[Row] = ()

    @property
    def text_width(self) -> int:
        """Cells of a row, numbers included."""
        return self.scrollable_content_region.width - 2

    def show(self, rows: Sequence[Row]) -> None:
        """Show these rows; the reader stays at the same row."""
        self.rows = rows
        self.virtual_size = Size(self.scrollable_content_region.width, len(rows))
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """Row ``y`` of what is in sight."""
        index, width = y + self.scroll_offset.y, self.size.width
        if not 0 <= index < len(self.rows):
            return Strip.blank(width, self.rich_style)
        content = fit(line(" ", self.rows[index].content()), width)
        (strip,) = Visual.to_strips(self, content, width, 1, self.visual_style)
        return strip

    def move(self, rows: int) -> None:
        """Scroll by rows, at once."""
        self.scroll_to(y=self.scroll_offset.y + rows, animate=False)

    def move_page(self, share: float) -> None:
        """Scroll by a share of what is in sight."""
        self.move(round(share * self.size.height))


class TextScreen(MonitorScreen):
    """The text of ``passages``, under the name ``title``: where it belongs, such as ``#281``.

    Text is read off the event loop, for one width at a time; nothing but the rows is kept.
    """

    PLACE: ClassVar[Place] = "text"
    AUTO_FOCUS = "TextView"
    LEAVES = True
    BINDINGS = bindings("text")

    def __init__(self, title: str, passages: Sequence[Passage]) -> None:
        super().__init__()
        self._name = clip(clean(title), _TITLE)
        self._passages = tuple(passages)
        self._width = 0

    def compose_body(self) -> ComposeResult:
        """Nothing but the text."""
        yield TextView()

    @property
    def view(self) -> TextView:
        """The text."""
        return self.query_one(TextView)

    def crumbs(self) -> tuple[str, ...]:
        """Project and what is shown."""
        project = clean(self.session.project) if self.session is not None else ""
        return tuple(filter(None, (clip(project, _TITLE), self._name, "text")))

    def settings_line(self) -> tuple[Part, ...]:
        """How much there is."""
        count, _, noun = fmt.plural(len(self.view.rows), "row").partition(" ")
        return (count, (f" {noun}", "$label")) if self.view.rows else ()

    def show_snapshot(self, snapshot: Snapshot) -> None:
        """What is written does not change; it is read once for each width."""
        if (width := self.view.text_width) > 0 and width != self._width:
            self._width = width
            self.run_worker(self._read(width), group="text", exclusive=True)

    async def _read(self, width: int) -> None:
        view = self.view
        rows = await asyncio.to_thread(
            read_rows, self.ccmon.monitor.read_text, self._passages, width, ROWS_LIMIT
        )
        # The screen may have been left meanwhile.
        if view.is_attached:
            view.show(rows)
            self.refresh_snapshot()

    def action_cursor_down(self) -> None:
        """One row down."""
        self.view.move(1)

    def action_cursor_up(self) -> None:
        """One row up."""
        self.view.move(-1)

    def action_half_down(self) -> None:
        """Half of what is in sight down."""
        self.view.move_page(0.5)

    def action_half_up(self) -> None:
        """Half of what is in sight up."""
        self.view.move_page(-0.5)

    def action_first(self) -> None:
        """To the first row."""
        self.view.scroll_home(animate=False)

    def action_last(self) -> None:
        """To the last row."""
        self.view.scroll_end(animate=False, immediate=True)

    def action_back(self) -> None:
        """To where this was opened."""
        self.dismiss()
