"""How many tokens a text has, by the public tokenizer that comes nearest: cl100k, offline.

It is never used as a size by itself: the weights of accounting.md section 9 make sizes of its
counts, and exact growth corrects those. Loading takes about 0.2 s and 45 MB, so it happens with the
first text that is counted, in the thread that counts.
"""

from __future__ import annotations

import threading
import zlib
from collections.abc import Iterator
from importlib.resources import files
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tiktoken import Encoding

RANKS = "cl100k.z"
"""Package data: the tokens of cl100k in the order of their ranks, see ``unpacked``."""
PIECE = 64 * 1024
"""Characters handed over at once: the time for the worst text grows faster than its length."""
MOST = 1024 * 1024
"""Characters of one text that are counted; the rest is taken to be like them."""
PATTERN = (
    r"""'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}+| ?[^\s\p{L}\p{N}]++[\r\n]*+"""
    r"""|\s++$|\s*[\r\n]|\s+(?!\S)|\s"""
)
"""How cl100k cuts a text into words before it merges bytes."""


class Tokenizer:
    """Counts tokens; ``None`` for a text means that the tokenizer is not to be had."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._encoding: Encoding | None = None
        self._missing = False

    def count(self, text: str) -> int | None:
        """Tokens of a text, at most a megabyte of it counted and the rest in proportion.

        Special tokens of the model count as the text they are written as.
        """
        encoding = self._loaded()
        if encoding is None:
            return None
        counted = text[:MOST]
        try:
            total = sum(len(encoding.encode_ordinary(piece)) for piece in _pieces(counted))
        except BaseException as error:
            # A panic of the Rust code is no Exception, and is none of ours to die of.
            if isinstance(error, KeyboardInterrupt | SystemExit | GeneratorExit):
                raise
            return None
        return total if len(text) <= MOST else round(total * len(text) / MOST)

    def _loaded(self) -> Encoding | None:
        with self._lock:
            if self._encoding is None and not self._missing:
                self._encoding = _load()
                self._missing = self._encoding is None
            return self._encoding


def _pieces(text: str) -> Iterator[str]:
    for start in range(0, len(text), PIECE):
        yield text[start : start + PIECE]


def unpacked(data: bytes) -> list[bytes]:
    """The tokens in the order of their ranks.

    The data is a zlib stream: four bytes with the number of tokens, one byte for the length of
    each, then all of them one after the other.
    """
    blob = zlib.decompress(data)
    number = int.from_bytes(blob[:4], "big")
    tokens, at = [], 4 + number
    for length in blob[4 : 4 + number]:
        tokens.append(blob[at : at + length])
        at += length
    return tokens


def packed(tokens: list[bytes]) -> bytes:
    """The opposite of ``unpacked``; a token has at most 255 bytes."""
    lengths = bytes(len(token) for token in tokens)
    return zlib.compress(len(tokens).to_bytes(4, "big") + lengths + b"".join(tokens), 9)


def _load() -> Encoding | None:
    """The tokenizer built from package data: no code that could reach a network is run."""
    try:
        from tiktoken import Encoding

        tokens = unpacked(files("ccmon.ledger").joinpath(RANKS).read_bytes())
    except (ImportError, OSError, zlib.error):
        return None
    ranks = {token: rank for rank, token in enumerate(tokens)}
    return Encoding("cl100k", pat_str=PATTERN, mergeable_ranks=ranks, special_tokens={})
