"""Transcript text made harmless for a terminal.

Everything in a transcript is hostile: a title may hold escape sequences that repaint the screen, a
path may hold bidirectional overrides that show another path. What leaves this module is one line
of printable characters that a terminal only draws.
"""

import re
import unicodedata

REPLACEMENT = "\ufffd"
"""Stands for a character that cannot be shown: lone surrogates, unassigned code points."""

_ESCAPE_SEQUENCES = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"  # control sequences: colours, cursor, screen
    r"|(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)"  # titles, links
    r"|\x1b[ -/]*[0-~]"
)
_MARKS_PER_LETTER = 2
_PLAIN_GLYPHS = str.maketrans({"≥": ">=", "…": "~", "·": "-", "─": "-", REPLACEMENT: "?"})


def plain(text: str) -> str:
    """``text`` as one line of printable characters, without escape sequences.

    White space of any kind becomes single blanks; control, format and bidirectional characters
    go; surrogates and unassigned code points become U+FFFD; combining marks do not pile up.
    """
    if text.isascii() and text.isprintable():
        return " ".join(text.split())
    shown: list[str] = []
    marks = 0
    for character in _ESCAPE_SEQUENCES.sub("", text):
        category = unicodedata.category(character)
        marks = marks + 1 if category in ("Mn", "Me") else 0
        if marks:
            if marks <= _MARKS_PER_LETTER and not _selects_variation(character):
                shown.append(character)
        elif character.isprintable():
            shown.append(character)
        elif character.isspace():
            shown.append(" ")
        elif category not in ("Cc", "Cf"):
            shown.append(REPLACEMENT)
    return " ".join("".join(shown).split())


def _selects_variation(character: str) -> bool:
    """Variation selectors change a glyph's width differently in each terminal."""
    return "\ufe00" <= character <= "\ufe0f" or "\U000e0100" <= character <= "\U000e01ef"


def width(text: str) -> int:
    """How many terminal cells ``text`` takes; ``text`` comes from :func:`plain`."""
    if text.isascii():
        return len(text)
    return sum(_cells(character) for character in text)


def _cells(character: str) -> int:
    if unicodedata.category(character) in ("Mn", "Me"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in ("W", "F") else 1


def clip(text: str, cells: int, *, ellipsis: str = "…") -> str:
    """``text`` in at most ``cells`` terminal cells; ``ellipsis`` shows that something is gone."""
    if width(text) <= cells:
        return text
    room = cells - width(ellipsis)
    if room < 0:
        return ""
    kept: list[str] = []
    for character in text:
        room -= _cells(character)
        if room < 0:
            break
        kept.append(character)
    return "".join(kept).rstrip() + ellipsis


def encodable(text: str, encoding: str) -> str:
    """``text`` in characters that ``encoding`` can carry: ``≥`` becomes ``>=``, unknown ``?``.

    An unknown encoding counts as ASCII.
    """
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return text.translate(_PLAIN_GLYPHS).encode(encoding, "replace").decode(encoding, "replace")
    except LookupError:
        return encodable(text, "ascii")
    return text
