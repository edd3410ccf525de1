"""The text of transcript lines as rows: headings, line numbers, long lines folded.

The text is hostile and may be large: every row is made harmless, and no more is read than will
be shown.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from rich.cells import cell_len, chop_cells
from textual.content import Content

from ccmon import format as fmt
from ccmon.errors import CcmonError
from ccmon.measures import Span
from ccmon.monitor import TextBlock
from ccmon.snapshot import Item
from ccmon.tui.safe import clean, clip, line

GUTTER = 6
"""Cells before the text of a row: line number and two blanks."""
_TAB = 4
_NARROWEST = 8
_ABOUT = 48
_NUMBERED = re.compile(r"\s*(\d{1,9})(?:→|\t)")
"""How Claude Code numbers the lines of a file that was read."""
_WRITTEN = ("text", "thinking", "tool_use")
"""Kinds of block that the model wrote."""

Reader = Callable[[Sequence[Span]], tuple[TextBlock, ...]]
"""Reads the text at spans again; raises CcmonError when it is gone."""


@dataclass(frozen=True, slots=True)
class Passage:
    """A place in a transcript; ``said`` tells apart what the model wrote there (``of #281``).

    ``about`` says of anything there what it is (``src/cart.ts, #87``).
    """

    span: Span
    said: str = ""
    about: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """One row of harmless text.

    ``number`` counts the lines of its block; None on the rest of a folded line. A ``note`` is
    ours, not the transcript's; a ``heading`` names the block below.
    """

    text: str
    number: int | None = None
    kind: str = "text"

    def content(self) -> Content:
        """The row with its number."""
        if self.kind == "heading":
            return line((self.text, "$title"))
        if self.kind == "note":
            return line(" " * GUTTER, (self.text, "$label"))
        number = "" if self.number is None else str(self.number)
        return line((number.rjust(GUTTER - 2), "$faint"), "  ", self.text)


def passages_of(items: Sequence[Item]) -> list[Passage]:
    """Where the text of items stands, the newest first; of several, each with what it is.

    Results that came in one line of the transcript are read once, so that has the names of all.
    """
    at: dict[Span, dict[str, None]] = {}
    for item in sorted(items, key=lambda item: -item.entered):
        label = clip(clean(item.label or item.tool or ""), _ABOUT)
        name = f"{label}, #{item.entered}" if label else f"#{item.entered}"
        for span in item.spans:
            at.setdefault(span, {})[name] = None
    if len(at) < 2:
        return [Passage(span) for span in at]
    return [Passage(span, about="  ".join(names)) for span, names in at.items()]


def read_rows(read: Reader, passages: Sequence[Passage], width: int, limit: int) -> list[Row]:
    """At most ``limit`` rows, ``width`` cells wide, of the text of ``passages``; never raises.

    A line that cannot be read any more ends them with a note that says why.
    """
    rows = list(islice(_rows(read, passages, width), limit + 1))
    if len(rows) > limit:
        rows[limit:] = [Row(f"cut after {limit:,} rows", kind="note")]
    return rows or [Row("nothing is written here", kind="note")]


def _rows(read: Reader, passages: Sequence[Passage], width: int) -> Iterator[Row]:
    # Several results of one answer stand in one line, which is shown once.
    first: dict[Span, Passage] = {}
    for passage in passages:
        first.setdefault(passage.span, passage)
    for passage in first.values():
        try:
            blocks = read((passage.span,))
        except CcmonError as error:
            room = max(_NARROWEST, width - GUTTER)
            for message in filter(None, (error.message, error.hint)):
                yield from (Row(part, kind="note") for part in fold(clean(message), room))
            return
        for block in blocks:
            yield from block_rows(block, width, passage.said, passage.about)


def block_rows(block: TextBlock, width: int, said: str = "", about: str = "") -> Iterator[Row]:
    """A heading, then the lines of one block; ``said`` is added to what the model wrote.

    Lines that bring a number of their own, as those of a file that was read, get none of ours.
    """
    lines = block.text.splitlines()
    numbered = block.kind == "tool_result" and _is_numbered(lines)
    count = f"  {fmt.plural(len(lines), 'line')}" if lines else ""
    name = f"{_name(block)} {said}" if said and block.kind in _WRITTEN else _name(block)
    whose = f"  {about}" if about else ""
    yield Row(f"{name}{whose}{count}", kind="heading")
    if not lines:
        yield Row("no text in the transcript", kind="note")
    for number, raw in enumerate(lines, 1):
        for part, text in enumerate(fold(harmless(raw), max(_NARROWEST, width - GUTTER))):
            yield Row(text, number if part == 0 and not numbered else None)


def _is_numbered(lines: Sequence[str]) -> bool:
    """Whether each line begins with its number: the first two tell."""
    found = [_NUMBERED.match(raw) for raw in lines[:2]]
    numbers = [int(match[1]) for match in found if match is not None]
    return bool(numbers) and numbers == [numbers[0] + n for n in range(len(found))]


def harmless(raw: str) -> str:
    """One line of a transcript: tabs to blanks, and nothing a terminal would obey."""
    return clean(raw.expandtabs(_TAB))


def fold(text: str, width: int) -> Iterator[str]:
    """The text in pieces of at most ``width`` cells, broken at a blank where one is near."""
    if not text:
        yield ""
    at = 0
    while at < len(text):
        piece = text[at : at + width]
        if cell_len(piece) > width:
            piece = chop_cells(piece, width)[0]
        if at + len(piece) < len(text) and (blank := piece.rfind(" ")) > width // 2:
            piece = piece[: blank + 1]
        yield piece
        at += len(piece)


def _name(block: TextBlock) -> str:
    title = clean(block.title)
    if block.kind == "tool_use":
        return f"{title} input"
    if block.kind == "tool_result":
        return "tool error" if title == "error" else "tool result"
    return {"text": "answer", "prompt": "prompt", "thinking": "thinking"}.get(block.kind, title)
