"""The whole context in one row: a segment for each source, as wide as its share."""

from __future__ import annotations

from collections.abc import Sequence

from textual.content import Content

from ccmon.tui.safe import Part, line
from ccmon.tui.sources import Source
from ccmon.tui.theme import STRIP_STEPS

_BLOCKS = ("█", "▓")
_MEASURE = "now "
"""What the shares are of, as the Overview heads the column of the same tokens."""


def strip_line(found: Sequence[Source], width: int, *, flat: bool) -> Content:
    """Segments by size with a blank between them; names where they fit.

    ``flat`` (16 colours, ASCII) tells neighbours apart by their glyph, which fills what the name
    leaves of a segment.
    """
    width -= len(_MEASURE)
    held = sorted((source for source in found if source.tokens > 0), key=lambda each: -each.tokens)
    whole = sum(source.tokens for source in held)
    cells = _cells([source.tokens / whole for source in held], width)
    parts: list[Part] = [(_MEASURE, "$label")]
    for rank, (source, count) in enumerate(zip(held, cells, strict=False)):
        if rank:
            parts.append(" ")
        if flat:
            name = _name(source, source.tokens / whole, count, blank="")
            name = f"{name} " if 0 < len(name) < count else name
            block = _BLOCKS[rank % 2] * (count - len(name))
            parts += [name, (block, "$accent-mid")]
            continue
        text = _name(source, source.tokens / whole, count).ljust(count)
        parts.append((text, f"$bright on $strip-{min(STRIP_STEPS, rank + 1)}"))
    return line(*parts)


def _cells(shares: Sequence[float], width: int) -> list[int]:
    """Cells of each segment; those too small for one are left out, from the smallest on."""
    while shares:
        room = width - len(shares) + 1
        exact = [share * room for share in shares]
        if exact[-1] >= 0.5 and room > 0:
            cells = [max(1, int(each)) for each in exact]
            order = sorted(range(len(cells)), key=lambda index: cells[index] - exact[index])
            for index in order[: max(0, room - sum(cells))]:
                cells[index] += 1
            cells[0] -= max(0, sum(cells) - room)
            return cells
        shares = shares[:-1]
    return []


def _name(source: Source, share: float, cells: int, *, blank: str = " ") -> str:
    """Name and share, the name alone, or nothing; ``blank`` stands before either."""
    choices = (f"{blank}{source.short} {share:.0%}", f"{blank}{source.short}")
    return next((text for text in choices if len(text) < cells), "")
