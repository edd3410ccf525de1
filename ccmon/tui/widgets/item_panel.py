"""The panel of the selected row: where it came from, what it costs, what would be cheaper."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence

from textual.content import Content

from ccmon import format as fmt
from ccmon.requests import Kind, Request
from ccmon.snapshot import Item, Subagent
from ccmon.tui.safe import Part, clean, clip, facts, fitting, line
from ccmon.tui.sources import total
from ccmon.tui.widgets.item_tree import Heap, Row, split_lines
from ccmon.tui.widgets.panel import Frame

ROWS = 3
RANGE_LINES = 200
RANGE_TOKENS = 1_300
"""So many lines of a file, and what they weigh: what reading a part of it would have brought."""
_WORTH = 2
"""How many times as large a result has to be for a part of it to be worth naming."""

_CAME: dict[Kind, str] = {
    "overhead": "there from",
    "prompt": "typed at",
    "text": "written before",
    "thinking": "thought before",
    "tool_use": "called before",
    "attachment": "attached at",
    "image": "shown at",
    "loaded_tools": "loaded at",
    "summary": "written by the compaction before",
    "unattributed": "grew at",
}
_CAME_BY_TOOL = {"Read": "read at", "Bash": "run before", "Agent": "returned at"}

_CHEAPER_BY_TOOL = {
    "Read": f"Read with offset/limit {RANGE_LINES} lines, or a subagent",
    "Bash": "head, a filter or quieter flags",
    "Grep": "a narrower pattern or head_limit",
    "Glob": "a narrower pattern",
    "WebFetch": "a narrower question, or a subagent",
    "Agent": "a brief that asks for a shorter answer",
}
_CHEAPER: dict[Kind, str] = {
    "overhead": "fewer MCP servers, agents and skills, a shorter CLAUDE.md",
    "thinking": "lower effort for routine work, from the start of a session",
    "tool_use": "Edit in place of Write sends only what changes",
    "attachment": "fewer skills, hooks and open files",
    "image": "a smaller picture, or a part of it",
    "loaded_tools": "fewer MCP servers with fewer tools",
    "summary": "/compact with a focus writes a shorter one",
    "tool_result": "head, a filter, or a subagent",
}


def item_frame(
    row: Row,
    requests: Sequence[Request],
    width: int,
    *,
    lower_bound: bool = False,
    agent: Subagent | None = None,
) -> Frame:
    """Three lines on an item, or on all of a source; ``lower_bound`` is what its money is.

    ``agent`` is the sub-agent in whose context it is.
    """
    heap = row.shown
    subject = row.branch.whole.name if row.more else heap.name
    name = line((clip(clean(subject), max(8, width - 30)), "$title"))
    if row.more:
        name = line(name, (f" {heap.name}", "$label"))
    money = line((fmt.money(heap.cost, lower_bound=lower_bound), "$bright"))
    rows = [
        _sums(heap, width, lower_bound=lower_bound),
        _came(heap, requests, width),
        _cheaper(heap, width, agent),
    ]
    return Frame(name, rows, value=money, tone="border-focus")


def _sums(heap: Heap, width: int, *, lower_bound: bool) -> Content:
    """What it weighs and how that is known, who carried it, what that has cost."""
    count = len(heap.items)
    weight: list[Part] = [
        (fmt.exact(heap.tokens), "$bright"), (f" tokens ({_known(heap)})", "$label"),
    ]  # fmt: skip
    if count > 1:
        weight.append((f" in {count:,} items", "$label"))
    number, _, noun = fmt.plural(round(heap.age), "request").partition(" ")
    carriers: list[Part] = [("carried by ", "$label"), number if heap.age >= 0 else fmt.NONE]
    average: Part = (" on average" if count > 1 else "", "$label")
    by = line(*carriers, (f" {noun}", "$label"), average)
    tokens = line(("bill ", "$label"), (fmt.tokens(heap.bill), "$bright"))
    money = line((fmt.money(heap.cost, lower_bound=lower_bound), "$bright"))
    short: list[Part] = [tokens, (", ", "$label"), money]
    gap = Content("   ")
    return fitting(
        width,
        gap.join([line(*weight), line(tokens, (" tokens, ", "$label"), money), by]),
        gap.join([line(*weight), line(*short), by]),
        facts(width, weight, short, [*carriers, average]),
    )


def _known(heap: Heap) -> str:
    """How the size is known; of a mixture, how much of it is known least."""
    for method in ("estimated", "split"):
        tokens = sum(item.tokens for item in heap.items if item.method == method)
        if any(item.method == method for item in heap.items):
            alike = all(item.method == method for item in heap.items)
            return method if alike else f"{fmt.tokens(tokens)} {method}"
    return "exact"


def _came(heap: Heap, requests: Sequence[Request], width: int) -> Content:
    """The request it came with, the prompt behind that, and when it was last named."""
    if len(heap.items) > 1:
        return _came_several(heap, width)
    (item,) = heap.items
    start: list[Part] = [
        (f"{_verb(item)} ", "$label"), f"#{item.entered:,}",
    ]  # fmt: skip
    use = _use(item)
    room = width - line(*start, *use).cell_length
    prompt = clean(prompt_of(requests, item.entered))
    if prompt and item.kind not in ("prompt", "overhead", "summary") and room >= 16:
        start += [(" by ", "$label"), f'"{clip(prompt, room - 6)}"']
    return fitting(width, line(*start, *use), line(*start))


def _came_several(heap: Heap, width: int) -> Content:
    first = min(item.entered for item in heap.items)
    parts: list[Part] = [
        ("entered from ", "$label"), f"#{first:,}", (" to ", "$label"), f"#{heap.newest.entered:,}",
    ]  # fmt: skip
    groups: list[Sequence[Part]] = [parts]
    useless = [item for item in heap.items if item.flag in ("superseded", "cold", "unused")]
    if useless:
        tokens = sum(item.useless_tokens for item in useless)
        cost = total(item.useless_cost for item in useless)
        use: list[Part] = [f"{len(useless):,}", (" of no more use", "$label")]
        if tokens:
            use += [
                (": since then ", "$label"), (fmt.tokens(tokens), "$bright"),
                (" tokens, ", "$label"), (fmt.money(cost), "$bright"),
                (" in re-reading alone", "$label"),
            ]  # fmt: skip
        groups.append(use)
    return facts(width, *groups)


def _use(item: Item) -> list[Part]:
    """Since when it is of no use, and what it has cost since then."""
    if item.flag not in ("superseded", "cold", "unused"):
        if item.named is None or item.named <= item.entered:
            return []
        return [(", last named at ", "$label"), f"#{item.named:,}"]
    said: list[Part] = [(", never named since", "$label")]
    if item.flag == "superseded":
        said = [(", a later one holds the same", "$label")]
    elif item.named is not None:
        said = [(", last named at ", "$label"), f"#{item.named:,}"]
    if not item.useless_tokens:
        return said
    return [
        *said, ("; re-read since then: ", "$label"), (fmt.tokens(item.useless_tokens), "$bright"),
        (" tokens, ", "$label"), (fmt.money(item.useless_cost), "$bright"),
    ]  # fmt: skip


def _verb(item: Item) -> str:
    if item.kind == "tool_result":
        return _CAME_BY_TOOL.get(item.tool or "", "returned at")
    return _CAME[item.kind]


def prompt_of(requests: Sequence[Request], n: int) -> str:
    """The prompt that a request worked on; empty where none is known."""
    if not 0 < n <= len(requests):
        return ""
    first = bisect_left(requests, requests[n - 1].turn, key=lambda request: request.turn)
    return requests[first].prompt or ""


def _cheaper(heap: Heap, width: int, agent: Subagent | None) -> Content:
    """How to be rid of it, and how the same would have been had for less."""
    item = heap.newest
    if item.kind == "unattributed":
        return line((clip("nothing in the transcript explains it: counted, not hidden", width),
                     "$label"))  # fmt: skip
    dropping: list[Part] = [
        ("dropping it needs ", "$label"), "/compact", (" or ", "$label"), "/clear",
    ]  # fmt: skip
    if agent is not None:
        words = "leaves when the sub-agent is done" if agent.active else "gone with the sub-agent"
        dropping = [(words, "$label")]
    elif item.flag == "fixed":
        dropping = [("stays in every session of this setup", "$label")]
    instead = _instead(item)
    if not instead:
        return fitting(width, line(*dropping))
    advice: list[Part] = [("; next time ", "$label"), instead]
    saved = _saved(heap) if item.kind == "tool_result" else None
    more: list[Part] = []
    if saved is not None:
        more = [
            (", would have saved ", "$label"), (fmt.money(saved, estimated=True), "$bright"),
            (_of_what(heap), "$label"),
        ]  # fmt: skip
    short: list[Part] = [("next time ", "$label"), instead]
    whole, telling = line(*dropping, *advice, *more), line(*dropping, *advice)
    if agent is not None:
        return fitting(width, whole, telling, line(*dropping))
    return fitting(width, whole, line(*short, *more), telling, line(*short))


def _instead(item: Item) -> str:
    if item.tool == "Read" and split_lines(item.label)[1]:
        return "fewer lines of it, or a subagent"
    if item.kind == "tool_result":
        named = _CHEAPER_BY_TOOL.get(item.tool or "", _CHEAPER["tool_result"])
        return "" if item.tool in ("Edit", "Write", "TodoWrite") else named
    if item.kind == "tool_use" and item.tool != "Write":
        return ""
    return _CHEAPER.get(item.kind, "")


def _of_what(heap: Heap) -> str:
    if len(heap.items) == 1:
        return " of its bill"
    count = sum(_is_large(item) for item in heap.items)
    least = fmt.tokens(_WORTH * RANGE_TOKENS)
    return f" on {fmt.plural(count, 'result')} from {least} on"


def _is_large(item: Item) -> bool:
    """Whether a part of it would have been worth asking for, and its price is known."""
    return item.tokens >= _WORTH * RANGE_TOKENS and item.cost is not None


def _saved(heap: Heap) -> float | None:
    """What a part of each large result would have cost less; None where none is large."""
    spared = [
        item.cost * (1 - RANGE_TOKENS / item.tokens)
        for item in heap.items
        if item.cost is not None and _is_large(item)
    ]
    return sum(spared) if spared else None
