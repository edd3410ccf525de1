"""From what a text looks like to how many tokens the model reads it as.

The model's own tokenizer is not public; these weights turn counts of a public one, or characters,
into its counts. They only share out an exact sum or stand for a size that is not known yet. Source:
accounting.md section 9.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from functools import lru_cache

from msgspec import Struct

from ccmon.requests import Method

_NEWER = re.compile(r"claude-(opus-(4-[7-9]|[5-9])|sonnet-[5-9]|haiku-[5-9]|fable|mythos)")
_KEEPS_THINKING = re.compile(r"claude-(opus-(4-[5-9]|[5-9])|sonnet-(4-[6-9]|[5-9])|fable|mythos)")

SMALL = 100
"""Tokens of the public tokenizer from which on a result counts as a large one."""
SIGNATURE_TOKENS = 0.282
SIGNATURE_FIXED = 105
"""A thinking block is so many tokens for each character of its signature, less these."""
TOKENS_PER_BYTE = 0.306
"""Of the public tokenizer, in code and prose: the weights' own ratio without a tokenizer."""
EXCESS_FACTOR = 1.33
EXCESS_TOKENS = 150
"""Growth beyond both came from something that no line shows."""
MOST_OF_PREDICTED = 1.1
"""What an item is given then, in parts of its prediction."""


class Family(Struct, frozen=True, gc=False):
    """The weights of one generation of tokenizers."""

    large: tuple[float, int]
    small: tuple[float, int]
    character: float
    text: float
    call: float
    call_fixed: int
    argument: int
    image_side: int
    image_most: int


NEWER = Family((1.59, 13), (1.6, 14), 0.486, 1.56, 1.47, 30, 17, 2_576, 4_784)
OLDER = Family((1.14, 23), (1.2, 12), 0.389, 1.13, 1.10, 20, 12, 1_568, 1_568)
TEXT_FIXED = 7
USUAL_IMAGE = (1_280, 800)
IMAGE_CELL = 28
"""An image costs one token for each square of so many pixels."""


@lru_cache(maxsize=64)
def family(model: str | None) -> Family:
    """The weights for a model; those of the newer ones where it is not known."""
    return OLDER if model and model.startswith("claude-") and not _NEWER.match(model) else NEWER


def keeps_thinking(model: str | None) -> bool:
    """Whether a model keeps thinking in the context past the next prompt."""
    return not model or not model.startswith("claude-") or bool(_KEEPS_THINKING.match(model))


def content_tokens(kind: Family, size: int, counted: int | None = None) -> int:
    """Tool results, prompts, attachments: from counted tokens, else from bytes of JSON.

    Bytes stand for characters: more of them where a text is not ASCII, as there are more tokens.
    """
    if counted is None:
        return round(kind.character * size)
    factor, fixed = kind.large if counted >= SMALL else kind.small
    return round(factor * counted + fixed)


def text_tokens(kind: Family, size: int) -> float:
    """Weight of a text block of an answer with so many bytes of text."""
    return kind.text * TOKENS_PER_BYTE * size + TEXT_FIXED


def call_tokens(kind: Family, size: int, arguments: int) -> float:
    """Weight of a tool call with so many bytes of input in so many arguments."""
    fixed = kind.call_fixed + kind.argument * arguments + TEXT_FIXED
    return kind.call * TOKENS_PER_BYTE * size + fixed


def thinking_tokens(signature: int) -> int:
    """Size of a thinking block whose signature has so many characters."""
    return max(0, round(SIGNATURE_TOKENS * signature - SIGNATURE_FIXED))


def image_tokens(kind: Family, width: int, height: int) -> int:
    """Size of an image, scaled down first where its long side is too long.

    One whose sides are not known (0) is taken to be a usual screen shot.
    """
    if not (width and height):
        width, height = USUAL_IMAGE
    scale = min(1.0, kind.image_side / max(width, height, 1))
    across, down = -(-round(width * scale) // IMAGE_CELL), -(-round(height * scale) // IMAGE_CELL)
    return min(kind.image_most, across * down)


def portions(total: int, weights: Sequence[float]) -> list[int]:
    """Split an integer by weight into integers that add up to it (largest remainders)."""
    whole = sum(weights)
    if not weights:
        return []
    if whole <= 0:
        weights, whole = [1.0] * len(weights), float(len(weights))
    exact = [total * weight / whole for weight in weights]
    parts = [int(part) for part in exact]
    order = sorted(range(len(parts)), key=lambda index: parts[index] - exact[index])
    for index in order[: total - sum(parts)]:
        parts[index] += 1
    return parts


def is_excess(growth: float, predicted: float) -> bool:
    """Whether so much came that it was more than what is known to have come."""
    return growth > EXCESS_FACTOR * predicted + EXCESS_TOKENS


class Shares(Struct, frozen=True, gc=False):
    """Growth shared out: what each item got, the rest, and how sure the items' figures are."""

    tokens: list[int]
    unattributed: int
    method: Method = "split"


def share(growth: int, predicted: Sequence[int]) -> Shares:
    """Share out the growth that came from outside over what came, by what each is worth.

    Growth of nothing or less is explained by no item, and neither is growth far beyond the
    prediction: then something came that no line shows. One item alone gets all of it, exactly.
    """
    whole = sum(predicted)
    if not predicted or growth <= 0:
        return Shares([0] * len(predicted), growth)
    if is_excess(growth, whole):
        given = [round(MOST_OF_PREDICTED * tokens) for tokens in predicted]
        return Shares(given, growth - sum(given), "estimated")
    if len(predicted) == 1:
        return Shares([growth], 0, "exact")
    if whole <= 0:
        return Shares([0] * len(predicted), growth)
    return Shares(portions(growth, predicted), 0)


class Calibration(Struct, frozen=True, gc=False):
    """How far off a thread's predictions are, learnt as it goes: for totals and trends only."""

    weight: float = 0.0
    logs: float = 0.0

    def after(self, growth: int, predicted: int) -> Calibration:
        """With one more exact growth and what was predicted for it."""
        if growth < 100 or predicted <= 0:
            return self
        trust = min(1.0, growth / 500)
        ratio = min(2.5, max(0.4, growth / predicted))
        return Calibration(0.98 * self.weight + trust, 0.98 * self.logs + trust * math.log(ratio))

    @property
    def factor(self) -> float:
        """What a prediction is to be multiplied with."""
        return math.exp(self.logs / (self.weight + 4))
