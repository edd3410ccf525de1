"""A widget that is nothing but lines of content."""

from collections.abc import Sequence

from textual.content import Content
from textual.geometry import Region, Size
from textual.strip import Strip
from textual.widget import Widget

from ccmon.tui.widgets.strips import StripMaker


class Lines(Widget):
    """Shows lines as they are, one a row, and repaints only rows that differ."""

    DEFAULT_CSS = """
    Lines {
        height: auto;
        width: 1fr;
    }
    """
    ALLOW_SELECT = False

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self.lines: tuple[Content, ...] = ()
        self._maker = StripMaker(self)
        self._strips: dict[int, Strip] = {}

    def set_lines(self, lines: Sequence[Content]) -> bool:
        """Show these lines; True when that changed anything."""
        if len(lines) != len(self.lines):
            self.lines = tuple(lines)
            self._strips.clear()
            self.refresh(layout=True)
            return True
        changed = [
            row
            for row, (new, old) in enumerate(zip(lines, self.lines, strict=True))
            if not new.is_same(old)
        ]
        if not changed:
            return False
        self.lines = tuple(lines)
        for row in changed:
            self._strips.pop(row, None)
        self.refresh(*(Region(0, row, self.size.width, 1) for row in changed))
        return True

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """A row for each line."""
        return len(self.lines)

    def render_line(self, y: int) -> Strip:
        """Row ``y``, drawn once until it changes."""
        width = self.size.width
        if y >= len(self.lines):
            return Strip.blank(width, self.visual_style.rich_style)
        strip = self._strips.get(y)
        if strip is None or strip.cell_length != width:
            strip = self._strips[y] = self._maker.strip(self.lines[y], width)
        return strip

    def notify_style_update(self) -> None:
        """Another theme: nothing drawn before is right."""
        self._strips.clear()
        self._maker.forget()
        super().notify_style_update()
