"""Figures and texts as machines get them: in JSON documents, in tables of rows.

Money is USD rounded to 6 places, ratios to 4, unknown is null.
"""

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from ccmon.measures import Split, Usage

Json = dict[str, Any]

_SURROGATES = re.compile("[\ud800-\udfff]")
_UNSAFE_ON_TERMINALS = re.compile(
    "[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]"
)  # JSON allows them raw, terminals obey them


def encoded(document: Mapping[str, Any]) -> bytes:
    """The document as UTF-8 JSON on one line.

    Control and bidirectional characters are escaped, so the bytes are as harmless on a terminal
    as in a pipe.
    """
    data = msgspec.json.encode(document)
    if not data.isascii() or b"\x7f" in data:
        data = _UNSAFE_ON_TERMINALS.sub(_escape, data.decode()).encode()
    return data + b"\n"


def usage_counts(usage: Usage) -> Json:
    """The six counts under the names that the API gives them."""
    return msgspec.structs.asdict(usage)


def spend_split(split: Split | None) -> Json:
    """Money by part."""
    if split is None:
        return dict.fromkeys(("carry_usd", "rewrite_usd", "fresh_usd", "output_usd"))
    return {
        "carry_usd": money(split.carry),
        "rewrite_usd": money(split.rewrite),
        "fresh_usd": money(split.fresh),
        "output_usd": money(split.output),
    }


def money(usd: float | None) -> float | None:
    """US dollars to a millionth."""
    return rounded(usd, 6)


def ratio(value: float | None) -> float | None:
    """A share to four places."""
    return rounded(value, 4)


def rounded(value: float | None, places: int) -> float | None:
    """The value to so many places, never -0.0."""
    # Adding zero turns -0.0, a rounded tiny negative, into 0.0.
    return None if value is None else round(value, places) + 0.0


def whole(value: float | None) -> int | None:
    """The nearest whole number."""
    return None if value is None else round(value)


def text(value: str | None) -> str | None:
    """Lone surrogates cannot be written as UTF-8; U+FFFD stands for them."""
    if value is None or value.isascii():
        return value
    return _SURROGATES.sub("\ufffd", value)


def _escape(match: re.Match[str]) -> str:
    return f"\\u{ord(match[0]):04x}"
