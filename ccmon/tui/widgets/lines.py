"""A widget that is nothing but lines of content."""

from collections.abc import Sequence

from textual.content import Content
from textual.widget import Widget


class Lines(Widget):
    """Shows lines as they are, one a row, and repaints only when they differ."""

    DEFAULT_CSS = """
    Lines {
        height: auto;
        width: 1fr;
        text-wrap: nowrap;
        text-overflow: clip;
    }
    """

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self.lines: tuple[Content, ...] = ()

    def set_lines(self, lines: Sequence[Content]) -> bool:
        """Show these lines; True when that changed anything."""
        if len(lines) == len(self.lines) and all(
            new.is_same(old) for new, old in zip(lines, self.lines, strict=True)
        ):
            return False
        grown = len(lines) != len(self.lines)
        self.lines = tuple(lines)
        self.refresh(layout=grown)
        return True

    def render(self) -> Content:
        """All lines."""
        return Content("\n").join(self.lines)
