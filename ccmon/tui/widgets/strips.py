"""Content to strips by the short way.

Textual's own way wraps, justifies, selects and links; a row of a list that is one line of known
width needs none of it, and rows are what the app draws most.
"""

from rich.segment import Segment
from rich.style import Style as RichStyle
from textual.content import Content
from textual.strip import Strip
from textual.style import Style
from textual.widget import Widget


class StripMaker:
    """Draws one-line contents of a widget; ``forget`` when its styles have changed."""

    def __init__(self, widget: Widget) -> None:
        self._widget = widget
        self._styles: dict[str | Style, RichStyle] = {}

    def forget(self) -> None:
        """Another theme or another ground: nothing resolved before is right."""
        self._styles.clear()

    def strip(self, content: Content, width: int) -> Strip:
        """The content in ``width`` cells: cut, or filled with the widget's ground."""
        plain, at = content.plain, 0
        segments: list[Segment] = []
        for start, end, style in sorted(content.spans, key=lambda span: span.start):
            if start > at:
                segments.append(Segment(plain[at:start], self._resolved("")))
            segments.append(Segment(plain[max(at, start) : end], self._resolved(style)))
            at = max(at, end)
        if at < len(plain):
            segments.append(Segment(plain[at:], self._resolved("")))
        return Strip(segments).adjust_cell_length(width, self._resolved(""))

    def _resolved(self, style: str | Style) -> RichStyle:
        found = self._styles.get(style)
        if found is None:
            parsed = self._widget.app.stylesheet.parse_style(style)
            found = self._styles[style] = (self._widget.visual_style + parsed).rich_style
        return found
