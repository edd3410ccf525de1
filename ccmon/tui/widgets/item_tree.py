"""What is in the context as a tree: sources, below them their items, alike ones in one row.

Pure: from items to rows, in the order asked for, never more than can be looked at.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Literal

from ccmon.format import plural
from ccmon.snapshot import Composition, Item
from ccmon.tui.sources import Key, member_name, name_of, own_tools, source_of, total

Sort = Literal["bill", "tokens", "age"]
Fold = Literal["few", "all"]
"""How much of an open branch is shown."""

SORTS: tuple[Sort, ...] = ("bill", "tokens", "age")
ROWS_LIMIT = 400
BRANCHES_LIMIT = 200
FEW = 6
"""Rows of a branch that is opened, where there is no room for more; the rest on demand."""
_REST = "\n"
"""Finds the row again that stands for the smaller ones; no name has a line break alone."""

_LEAVES = frozenset(("overhead", "summary", "file", "rest", "total"))
_LINES = re.compile(r" (\d[\d,]*-[\d,]*)$")
_FILE_TOOLS = frozenset(("Read", "Edit", "Write", "MultiEdit", "NotebookEdit"))
_NOUNS = {
    "tool": "result",
    "results": "result",
    "inputs": "call",
    "thinking": "block",
    "file": "item",
}


@dataclass(frozen=True, slots=True)
class Heap:
    """Items that are shown as one: alike ones, or all of a branch. ``cost`` None: unpriced."""

    name: str
    items: tuple[Item, ...]
    tokens: int
    bill: int
    cost: float | None

    @classmethod
    def of(cls, name: str, items: Sequence[Item]) -> Heap:
        """Items with their sums."""
        if len(items) == 1:
            (item,) = items
            return cls(name, (item,), item.tokens, item.bill_tokens, item.cost)
        return cls(
            name,
            tuple(items),
            sum([item.tokens for item in items]),
            sum([item.bill_tokens for item in items]),
            total([item.cost for item in items]),
        )

    @classmethod
    def together(cls, name: str, heaps: Sequence[Heap]) -> Heap:
        """Several heaps as one."""
        return cls(
            name,
            tuple(chain.from_iterable(heap.items for heap in heaps)),
            sum(heap.tokens for heap in heaps),
            sum(heap.bill for heap in heaps),
            total(heap.cost for heap in heaps),
        )

    @property
    def age(self) -> float:
        """Requests that carried it, the mean by tokens of several."""
        if len(self.items) == 1 or not self.tokens:
            return max((item.carried for item in self.items), default=0)
        return self.bill / self.tokens

    @property
    def newest(self) -> Item:
        """The one that entered last."""
        return max(self.items, key=lambda item: item.entered)


@dataclass(frozen=True, slots=True)
class Branch:
    """A source, or a file: ``whole`` are all its items, ``heaps`` its rows."""

    key: Key
    note: str
    whole: Heap
    heaps: tuple[Heap, ...]

    @property
    def leaf(self) -> bool:
        """Whether one row says all there is: the overhead, a summary, a file read once."""
        return len(self.heaps) == 1 and self.key[0] in _LEAVES


@dataclass(frozen=True, slots=True)
class Row:
    """One row: a branch, one of its heaps, or the ``more`` smaller items not shown, together."""

    branch: Branch
    heap: Heap | None = None
    more: int = 0
    open: bool = False

    @property
    def place(self) -> tuple[Key, str]:
        """Finds the row again in another tree."""
        name = "" if self.heap is None else self.heap.name
        return self.branch.key, _REST if self.more else name

    @property
    def shown(self) -> Heap:
        """What the row speaks of."""
        return self.branch.whole if self.heap is None else self.heap


def split_lines(label: str) -> tuple[str, str]:
    """A label without the lines at its end, and these: ``src/a.py 1-40``."""
    if " " not in label:
        return label, ""
    found = _LINES.search(label)
    return (label[: found.start()], found[1]) if found else (label, "")


def grow(
    items: Iterable[Item], composition: Sequence[Composition], *, by_file: bool = False
) -> tuple[Branch, ...]:
    """The branches for these items; with ``by_file`` all that belongs to one file is one."""
    own = own_tools(composition)
    held: dict[Key, dict[str, list[Item]]] = {}
    for item in items:
        path = file_of(item) if by_file else ""
        key = ("file", path) if path else source_of(item.kind, item.tool, own)
        held.setdefault(key, {}).setdefault(_name(key, item), []).append(item)
    return tuple(_branch(key, heaps) for key, heaps in held.items())


def file_of(item: Item) -> str:
    """The path that an item is about, where its tool is one that works on a file."""
    about_file = item.kind in ("tool_result", "tool_use") and item.tool in _FILE_TOOLS
    return split_lines(item.label)[0] if about_file else ""


def _branch(key: Key, alike: Mapping[str, Sequence[Item]]) -> Branch:
    heaps = tuple(Heap.of(name, items) for name, items in alike.items())
    weights: dict[str, int] = {}
    for heap in heaps if key[0] == "results" else ():
        member = member_name(heap.items[0].kind, heap.items[0].tool)
        weights[member] = weights.get(member, 0) + heap.bill
    members = sorted(weights, key=lambda member: -weights[member])
    name = key[1] if key[0] == "file" else name_of(key, members)
    whole = Heap.together(", ".join(members) if len(members) > 1 else name, heaps)
    return Branch(
        key, "" if len(members) > 1 else _note(key, heaps, len(whole.items)), whole, heaps
    )


def _note(key: Key, heaps: Sequence[Heap], count: int) -> str:
    if key[0] in ("overhead", "summary") and count == 1:
        return heaps[0].items[0].label
    if key[0] == "file" and len(heaps) == 1:
        return heaps[0].name + (f" x{count:,}" if count > 1 else "")
    if key[0] in ("words", "unattributed"):
        return ""
    noun = _NOUNS.get(key[0], "")
    return f"{count:,} {noun}{'s' if count != 1 else ''}" if noun else f"{count:,}"


def _name(key: Key, item: Item) -> str:
    """What tells an item apart within its branch; alike ones share it."""
    if key[0] == "file":
        lines = split_lines(item.label)[1]
        part = "input" if item.kind == "tool_use" else "result"
        return f"{item.tool} {part}" + (f" {lines}" if lines else "")
    if key[0] == "tool":
        return item.label or key[1]
    if item.kind in ("tool_result", "tool_use"):
        return f"{item.tool} {item.label}".rstrip()
    if item.kind == "prompt":
        return f"» {item.label}"
    if item.kind == "unattributed":
        return f"at #{item.entered}"
    if item.kind == "loaded_tools":
        return f"tools loaded {item.label}".rstrip()
    return f"text {item.label}" if item.kind == "text" else item.label or item.kind


_VALUES: dict[Sort, Callable[[Heap], float]] = {
    "bill": lambda heap: heap.bill,
    "tokens": lambda heap: heap.tokens,
    "age": lambda heap: heap.age,
}


def ordered(branches: Iterable[Branch], sort: Sort, *, descending: bool) -> tuple[Branch, ...]:
    """Branches, and the heaps of each, by one value."""
    value = _VALUES[sort]
    sign = -1 if descending else 1
    found = [
        replace(branch, heaps=tuple(sorted(branch.heaps, key=lambda heap: sign * value(heap))))
        for branch in branches
    ]
    return tuple(sorted(found, key=lambda branch: sign * value(branch.whole)))


def rows_of(branches: Iterable[Branch], folds: Mapping[Key, Fold], room: int = 0) -> list[Row]:
    """The rows of branches in their order; ``folds`` names the open ones.

    An open branch shows a few rows, more where ``room`` rows would not be filled otherwise. Past
    the limit of the whole table the smaller ones of a branch are one row, and so is what follows
    very many branches.
    """
    ordered_branches = _bounded(tuple(branches))
    left = ROWS_LIMIT - len(ordered_branches)
    spare = room - len(ordered_branches)
    spare -= sum(_few_rows(branch, folds) for branch in ordered_branches if not branch.leaf)
    rows: list[Row] = []
    for branch in ordered_branches:
        fold = None if branch.leaf else folds.get(branch.key)
        rows.append(Row(branch, open=fold is not None))
        if fold is None:
            continue
        most, count = FEW + max(0, spare), len(branch.heaps)
        if fold == "all" or count <= most + 1:
            most = count
        shown = branch.heaps[: max(0, min(left, most))]
        left -= len(shown)
        rows += (Row(branch, heap) for heap in shown)
        if hidden := branch.heaps[len(shown) :]:
            items = sum(len(heap.items) for heap in hidden)
            rest = Heap.together(f"{items:,} smaller", hidden)
            rows.append(Row(branch, rest, more=items))
        spare -= len(shown) + bool(hidden) - _few_rows(branch, folds)
    return rows


def _few_rows(branch: Branch, folds: Mapping[Key, Fold]) -> int:
    """Rows below a branch where no more than a few are shown of it."""
    fold, count = folds.get(branch.key), len(branch.heaps)
    if fold is None:
        return 0
    return count if fold == "all" else min(count, FEW + 1)


def together(branches: Sequence[Branch]) -> Row:
    """The row that sums them all up."""
    wholes = [branch.whole for branch in branches]
    heap = Heap(
        "total",
        (),
        sum(whole.tokens for whole in wholes),
        sum(whole.bill for whole in wholes),
        total(whole.cost for whole in wholes),
    )
    note = plural(sum(len(whole.items) for whole in wholes), "item")
    return Row(Branch(("total", ""), note, heap, (heap,)))


def _bounded(branches: tuple[Branch, ...]) -> tuple[Branch, ...]:
    rest = branches[BRANCHES_LIMIT:]
    if len(rest) < 2:
        return branches
    whole = Heap.together(f"{len(rest):,} smaller", [branch.whole for branch in rest])
    return (*branches[:BRANCHES_LIMIT], Branch(("rest", ""), "", whole, (whole,)))
