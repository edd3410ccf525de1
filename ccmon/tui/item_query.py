"""The filter language of the Context screen: what is in the context.

Terms stand side by side and all have to hold; ``!`` before one turns it round.

- words: looked for without regard to case in tool, argument and kind
- ``tool:Read path:cart kind:thinking``
- ``tokens>5k bill>1M cost>0.1 age>100``
- ``#85`` ``#85..120``: entered with one of these requests
- ``cold unused superseded``
"""

from __future__ import annotations

from collections.abc import Callable

from ccmon.snapshot import Item
from ccmon.tui.terms import Filter, Language, numbered

Test = Callable[[Item], bool]
ItemQuery = Filter[Item]


def _numbered(term: str) -> tuple[Test | None] | None:
    if not term.startswith("#"):
        return None
    span = numbered(term)
    return (None,) if span is None else (lambda item: item.entered in span,)


def _word(item: Item, word: str) -> bool:
    return (
        word in item.label.casefold()
        or word in (item.tool or "").casefold()
        or word in item.kind.replace("_", " ")
    )


ITEMS: Language[Item] = Language(
    fields={
        "tokens": lambda item: item.tokens,
        "bill": lambda item: item.bill_tokens,
        "cost": lambda item: item.cost,
        "age": lambda item: item.carried,
    },
    flags={
        "cold": lambda item: item.flag in ("cold", "unused"),
        "unused": lambda item: item.flag == "unused",
        "superseded": lambda item: item.flag == "superseded",
    },
    keys={
        "tool": lambda item, value: value in (item.tool or "").casefold(),
        "path": lambda item, value: value in item.label.casefold(),
        "kind": lambda item, value: value.replace("_", " ") in item.kind.replace("_", " "),
    },
    word=_word,
    other=_numbered,
)


def parse_items(text: str) -> ItemQuery:
    """The query of a filter line. Terms that do not parse are kept aside as errors."""
    return ITEMS.parse(text)
