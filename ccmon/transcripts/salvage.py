"""Saves whole records from a line that is not one record (transcripts.md, section 3).

Seen: two records without a newline between them, a record cut short with a
whole one behind it, runs of NUL bytes.
"""

from typing import Any

from ccmon.transcripts.records import LENIENT

_ATTEMPTS = 400
"""Places tried per line: a long line of rubbish must not take for ever."""

_INSIDE = (":", ",", "[")
"""What stands before a value inside a record, where no lost newline can be."""


def salvage(text: str) -> tuple[list[Any], int]:
    """The whole records of a bad line, and how many pieces of it are lost.

    A record inside a cut one (a quoted message, say) is never taken for a
    record of its own: rather lose one than invent one.
    """
    text = text.replace("\0", "").strip()
    records, at = _run(text, 0)
    if at == len(text):
        return records, 0 if records else 1
    for _ in range(_ATTEMPTS):
        at = text.find('{"', at + 1)
        if at < 0:
            break
        if text[at - 1] in _INSIDE:
            continue
        found, end = _run(text, at)
        if end == len(text):
            return records + found, 1
    return records, 1


def _run(text: str, at: int) -> tuple[list[Any], int]:
    """Objects one after another from a place on, and where they end."""
    records: list[Any] = []
    while at < len(text):
        try:
            value, end = LENIENT.raw_decode(text, at)
        except (ValueError, RecursionError):
            break
        if not isinstance(value, dict):
            break
        records.append(value)
        at = end
        while at < len(text) and text[at].isspace():
            at += 1
    return records, at
