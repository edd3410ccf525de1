"""What one read brought: lines of a file by their numbers, in parts that sessions can compare."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from hashlib import blake2b

from msgspec import Struct

from ccmon.insight.looking import View
from ccmon.insight.memory import Piece

BLOCK = 20
"""Lines that are compared as one: only a read of all of them can tell what they say."""
READ_LIMIT = 2_000
"""Lines that a Read brings where it does not ask for a number of them."""
LONGEST_OUTPUT = 29_000
"""Characters of a command's output from which on the client leaves out a part of it."""

_NUMBERED = re.compile(r" *(\d{1,9})[\t→]")
_LINE = re.compile(r" *(\d{1,9})(?:[\t→](.*))?$")
_LEFT_OUT = re.compile(r"\[\d+ (?:lines|characters) truncated\]|<persisted-output>")


class Brought(Struct, frozen=True, gc=False):
    """Lines from ``first`` on; ``ends`` says that the file has no more."""

    first: int = 1
    lines: Sequence[str] = ()
    ends: bool = False


class Lines:
    """The lines of one file that a session has seen."""

    def __init__(self) -> None:
        self._seen: set[int] = set()

    def take(self, brought: Brought) -> float:
        """Take lines in; the share of their text in lines that were not seen before."""
        whole = new = 0
        for number, line in enumerate(brought.lines, brought.first):
            weight = len(line) + 1
            whole += weight
            if number not in self._seen:
                new += weight
        self._seen.update(range(brought.first, brought.first + len(brought.lines)))
        return new / whole if whole else 0.0


def is_numbered(text: str) -> bool:
    """Whether a text is lines of a file, as a Read brings them."""
    return bool(_NUMBERED.match(text))


def read_lines(text: str, offset: int | None, limit: int | None) -> Brought:
    """What a Read has brought. Clients number lines each in its way; what they say is the same."""
    rows = text.split("\n")
    start = _NUMBERED.match(text)
    first, lines = max(1, offset or 1), rows
    if start is not None:
        first, lines = int(start[1]), []
        for number, row in enumerate(rows, first):
            line = _LINE.match(row)
            if line is None or int(line[1]) != number:
                break
            lines.append(line[2] or "")
    ends = len(lines) == len(rows) and len(lines) < (READ_LIMIT if limit is None else limit)
    return _brought(first, lines, ends=ends)


def shown_lines(text: str, view: View) -> Brought:
    """What a command has shown of a file; nothing where it is not known which lines these are."""
    if not view.known or len(text) >= LONGEST_OUTPUT or _LEFT_OUT.search(text):
        return Brought()
    if is_numbered(text):
        return read_lines(text, view.first, None)
    lines = text.rstrip("\n").split("\n")
    if view.last is not None and len(lines) > view.last - view.first + 1:
        return Brought()
    return _brought(view.first, lines, ends=view.last is None)


def pieces(brought: Brought, tokens: int) -> Iterator[Piece]:
    """The blocks that were read as a whole; ``tokens`` are those of all lines."""
    lines, ends = brought.lines, [0]
    for line in lines:
        ends.append(ends[-1] + len(line) + 1)
    number = -(-(brought.first - 1) // BLOCK)
    start = number * BLOCK + 1 - brought.first
    while start < len(lines) and (brought.ends or start + BLOCK <= len(lines)):
        end = min(start + BLOCK, len(lines))
        size = tokens * ends[end] // ends[-1] - tokens * ends[start] // ends[-1]
        yield Piece(number, size, digest("\n".join(lines[start:end])))
        number, start = number + 1, end


def digest(text: str) -> int:
    """Eight bytes that stand for a text."""
    data = text.encode("utf-8", "surrogatepass")
    return int.from_bytes(blake2b(data, digest_size=8).digest())


def _brought(first: int, lines: list[str], *, ends: bool) -> Brought:
    """What a file ends with is not shown the same everywhere: empty lines there are left out."""
    if ends:
        while lines and not lines[-1].strip():
            lines.pop()
    return Brought(first, lines, ends) if any(lines) else Brought()
