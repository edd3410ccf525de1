"""Any text -> what may reach the terminal: no control characters, no markup, clipped by cells.

Transcript text is hostile. ``clean`` takes out what a terminal would obey or what changes the
order or width of other text; ``Content`` built by ``line`` never parses markup.
"""

import re
from collections.abc import Sequence

from rich.cells import cell_len, set_cell_size
from textual.content import Content

ELLIPSIS = "…"

_SEQUENCES = re.compile(
    r"(?:\x1b\]|\x9d)[^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c|$)"  # OSC: titles, links, clipboard
    r"|(?:\x1b[PX^_]|[\x90\x98\x9e\x9f])[^\x1b\x9c]*(?:\x1b\\|\x9c|$)"  # DCS, SOS, PM, APC
    r"|(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]?"  # CSI
    r"|\x1b[ -/]*[0-~]?",  # other escapes
    re.DOTALL,
)
_BLANKS = re.compile(r"[\t\n\x0b\x0c\r\x1c-\x1f\x85\u2028\u2029]+")
_FORBIDDEN = re.compile(
    "["
    "\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f"  # C0, DEL, C1
    "\xad\u061c\u180e"  # soft hyphen, Arabic letter mark, Mongolian vowel separator
    "\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff"  # zero width, bidi
    "\ufe00-\ufe0f\U000e0000-\U000e01ef"  # variation selectors, tags
    "\ufff9-\ufffb\ud800-\udfff"  # interlinear marks, lone surrogates
    "]"
)


def clean(text: str) -> str:
    """One line of harmless text: escapes removed, line breaks and tabs to one blank."""
    if text.isascii() and text.isprintable():
        return text
    return _FORBIDDEN.sub("", _BLANKS.sub(" ", _SEQUENCES.sub("", text)))


def clip(text: str, cells: int) -> str:
    """At most ``cells`` wide; what is cut ends with ``…``. Nothing fits in no cells."""
    if cells <= 0:
        return ""
    if cell_len(text) <= cells:
        return text
    # set_cell_size puts a blank where half of a wide character would stand.
    return set_cell_size(text, cells - 1).rstrip(" ") + ELLIPSIS


def clip_start(text: str, cells: int) -> str:
    """At most ``cells`` wide; what is cut begins with ``…``: the end of a path tells most."""
    if cells <= 0:
        return ""
    if cell_len(text) <= cells:
        return text
    kept = ""
    for character in reversed(text):
        if cell_len(character + kept) > cells - 1:
            break
        kept = character + kept
    return ELLIPSIS + kept


def clip_middle(text: str, cells: int) -> str:
    """At most ``cells`` wide; what is cut has ``…`` inside: names often differ at their ends."""
    if cell_len(text) <= cells or cells < 6:
        return clip(text, cells)
    end = clip_start(text, cells // 2 + 1)
    return clip(text, cells - cell_len(end) + 1).removesuffix(ELLIPSIS) + end


def left(text: str, cells: int) -> str:
    """Exactly ``cells`` wide, text at the left, clipped or filled with blanks."""
    return _fill(clip(text, cells), cells, at_left=True)


def right(text: str, cells: int) -> str:
    """Exactly ``cells`` wide, text at the right, clipped or filled with blanks."""
    return _fill(clip(text, cells), cells, at_left=False)


def _fill(text: str, cells: int, *, at_left: bool) -> str:
    blanks = " " * max(0, cells - cell_len(text))
    return text + blanks if at_left else blanks + text


Part = str | tuple[str, str] | Content
"""A piece of a line: safe text, safe text with a style, or content made of such."""


def line(*parts: Part) -> Content:
    """Put safe parts in a row. Styles name theme variables: ``("66%", "$warning bold")``."""
    return Content.assemble(*parts)


def spread(width: int, start: Content, *ends: Content | None, gap: int = 2) -> Content:
    """Exactly ``width`` cells: ``start`` at the left, one of ``ends`` at the right.

    It is the first of them that leaves ``gap`` blanks, or none; ``start`` alone is cut with ``…``.
    """
    for end in ends:
        if end is not None and start.cell_length + gap + end.cell_length <= width:
            return line(start, " " * (width - start.cell_length - end.cell_length), end)
    return fit(start, width)


def fit(content: Content, width: int) -> Content:
    """Exactly ``width`` cells: cut with ``…`` or filled with blanks at the right."""
    if content.cell_length > width:
        content = content.truncate(width, ellipsis=True)
    return content.pad_right(max(0, width - content.cell_length))


def fitting(width: int, *choices: Content) -> Content:
    """The first of several wordings, longest first, that fits; else the last one, cut."""
    for content in choices:
        if content.cell_length <= width:
            return content
    return fit(choices[-1], width)


def facts(width: int, *groups: Sequence[Part], gap: str = "   ") -> Content:
    """Facts in a row, as many as fit; each is a group of parts that stays together."""
    kept = [line(*group) for group in groups]
    while len(kept) > 1 and sum(len(gap) + c.cell_length for c in kept) - len(gap) > width:
        kept.pop()
    return fitting(width, Content(gap).join(kept))
