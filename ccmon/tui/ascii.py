"""``--ascii``: every glyph we draw with, replaced by one ASCII character of the same width."""

from functools import lru_cache

from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter

GLYPHS = str.maketrans(
    {
        **dict.fromkeys("╭╮╰╯┌┐└┘├┤┬┴┼╴", "+"),
        **dict.fromkeys("─╌", "-"),
        **dict.fromkeys("│▌▏", "|"),
        **dict.fromkeys("━█▓", "#"),
        **dict.fromkeys("╸▉▊▋▎▍", "#"),
        "░": ".",
        "▁": "_",
        **dict.fromkeys("▂▃", "."),
        **dict.fromkeys("▄▅", ":"),
        **dict.fromkeys("▆▇", "|"),
        "▸": ">",
        "▾": "v",
        "▴": "^",
        "●": "*",
        "◐": "o",
        "○": "o",
        "»": ">",
        "›": ">",
        "⋮": ":",
        "·": ".",
        "…": ".",
        "≥": ">",
        "×": "x",
        "↑": "^",
        "↓": "v",
    }
)
"""One character each, so that no column moves."""


@lru_cache(4096)
def to_ascii(text: str) -> str:
    """The text with our glyphs replaced; what others wrote stays as it is."""
    return text if text.isascii() else text.translate(GLYPHS)


class AsciiFilter(LineFilter):
    """Replaces glyphs in every line before it is written."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """The same segments, in ASCII."""
        return [Segment(to_ascii(text), style, control) for text, style, control in segments]
