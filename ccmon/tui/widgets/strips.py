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
        segments = self._segments(content)
        if segments is None:
            segments = content.render_segments(self._widget.visual_style)
        return Strip(segments).adjust_cell_length(width, self._resolved(""))

    def _segments(self, content: Content) -> list[Segment] | None:
        """A segment for each span and each gap; None where spans overlap and styles add up."""
        plain, at = content.plain, 0
        segments: list[Segment] = []
        for start, end, style in content.spans:
            if start < at:
                return None
            if start > at:
                segments.append(Segment(plain[at:start], self._resolved("")))
            segments.append(Segment(plain[start:end], self._resolved(style)))
            at = end
        if at < len(plain):
            segments.append(Segment(plain[at:], self._resolved("")))
        return segments

    def _resolved(self, style: str | Style) -> RichStyle:
        found = self._styles.get(style)
        if found is None:
            parsed = self._widget.app.stylesheet.parse_style(style)
            found = self._styles[style] = (self._widget.visual_style + parsed).rich_style
        return found
