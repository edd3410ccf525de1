"""What requests are measured in: tokens, prices, money by part, places in a file.

Money is USD at list price, tokens are integers.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

Ttl = Literal["5m", "1h"]
"""The tiers of the prompt cache."""

TTL_SECONDS: dict[Ttl, float] = {"5m": 300.0, "1h": 3600.0}

COMPARABLE_PAUSES = 3
"""Pauses between the lifetimes of both tiers from which on they are compared: section 7."""
ALERT_SPAN = 50
"""Requests over which the state of the cache is judged: accounting, section 11."""


class Usage(Struct, frozen=True, gc=False):
    """Token counts of one request, or the sum of many. 5m + 1h = cache creation."""

    input_tokens: int = 0
    cache_creation_input_tokens: int = 0
    cache_creation_5m_input_tokens: int = 0
    cache_creation_1h_input_tokens: int = 0
    cache_read_input_tokens: int = 0
    output_tokens: int = 0

    @property
    def prompt_tokens(self) -> int:
        """Everything the model read: input + cache read + cache creation."""
        return self.input_tokens + self.cache_read_input_tokens + self.cache_creation_input_tokens

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            self.input_tokens + other.input_tokens,
            self.cache_creation_input_tokens + other.cache_creation_input_tokens,
            self.cache_creation_5m_input_tokens + other.cache_creation_5m_input_tokens,
            self.cache_creation_1h_input_tokens + other.cache_creation_1h_input_tokens,
            self.cache_read_input_tokens + other.cache_read_input_tokens,
            self.output_tokens + other.output_tokens,
        )


class Picture(Struct, frozen=True, gc=False):
    """A picture in a context, in pixels; 0 where its data does not tell."""

    width: int = 0
    height: int = 0


class Price(Struct, frozen=True, gc=False):
    """Price row in force for one request, USD per token (web search per request).

    ``model`` is the id of the table row that matched; ``estimated`` marks rows
    that no source confirms (for example fast mode of an older model).
    """

    model: str
    input: float
    write_5m: float
    write_1h: float
    read: float
    output: float
    web_search: float = 0.0
    estimated: bool = False


class Split(Struct, frozen=True, gc=False):
    """Cost in four parts that add up to it: re-read, rewrite, new, output."""

    carry: float = 0.0
    rewrite: float = 0.0
    fresh: float = 0.0
    output: float = 0.0

    @property
    def total(self) -> float:
        """The whole cost."""
        return self.carry + self.rewrite + self.fresh + self.output

    def __add__(self, other: Split) -> Split:
        return Split(
            self.carry + other.carry,
            self.rewrite + other.rewrite,
            self.fresh + other.fresh,
            self.output + other.output,
        )


class Asked(Struct, frozen=True, gc=False):
    """What a call asked for, to tell whether a later one asks for the same again.

    ``key`` is a digest of the command, of all arguments of a search, or of the file; ``first`` and
    ``last`` are the lines of the file, ``last`` None for all that follow. ``file`` is its base
    name, empty where it would not be recognised in a text.
    """

    key: int
    first: int = 1
    last: int | None = None
    file: str = ""

    def covers(self, other: Asked) -> bool:
        """Whether the answer to this one holds what the answer to the other one held."""
        return (
            self.key == other.key
            and self.first <= other.first
            and (self.last is None or (other.last is not None and other.last <= self.last))
        )


class Span(Struct, frozen=True, gc=False):
    """Where a line stands on disk: byte offset and length (without newline)."""

    path: str
    offset: int
    length: int
