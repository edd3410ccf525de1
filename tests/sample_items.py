"""What is in the context of the invented session: the design's sums, and items to go with them."""

from __future__ import annotations

from random import Random

from ccmon.measures import Span
from ccmon.requests import Kind, Method
from ccmon.snapshot import Composition, Flag, Inventory, Item

LAST = 283
RESET = 71
READ, WRITE = 0.2e-6, 8e-6

_SUMS: tuple[tuple[Kind, str | None, int, int, int, float, Method], ...] = (
    ("tool_result", "Read", 32, 86_549, 10_536_307, 3.749678, "split"),
    ("tool_result", "Bash", 69, 76_473, 9_356_711, 3.28257, "split"),
    ("overhead", None, 1, 29_900, 8_461_700, 2.27123, "exact"),
    ("text", None, 181, 60_058, 7_455_374, 2.624948, "split"),
    ("thinking", None, 115, 52_818, 6_014_752, 2.157183, "exact"),
    ("tool_use", None, 172, 38_398, 4_591_697, 1.63999, "split"),
    ("attachment", None, 76, 18_706, 3_276_318, 1.049796, "estimated"),
    ("tool_result", "Grep", 26, 10_915, 1_017_125, 0.374939, "split"),
    ("summary", None, 1, 4_630, 986_190, 0.30558, "split"),
    ("tool_result", "Edit", 67, 6_754, 725_881, 0.269767, "split"),
    ("unattributed", None, 19, 4_093, 594_762, 0.214061, "exact"),
    ("prompt", None, 17, 4_025, 550_382, 0.191018, "split"),
    ("loaded_tools", None, 1, 2_890, 228_310, 0.068212, "exact"),
    ("tool_result", "Agent", 1, 1_180, 193_520, 0.066324, "split"),
)

_NAMED: dict[tuple[Kind, str | None], tuple[tuple[str, int, int, Flag | None, int | None], ...]] = {
    ("tool_result", "Read"): (
        ("src/generated/schema.ts", 85, 7_904, "cold", 109),
        ("package-lock.json", 93, 3_310, "unused", None),
        ("src/cart.ts 1-400", 87, 2_812, "superseded", 130),
        ("src/checkout/flow.ts 1-1,912", 281, 12_827, None, 282),
    ),
    ("tool_result", "Bash"): tuple(
        ("npm test", 90 + 11 * i, 912 + (i == 0), None if i == 16 else "superseded", None)
        for i in range(17)
    ),
}
"""Label, entered, tokens, flag, last named."""


def sample_inventory() -> Inventory:
    """The inventory of the session of 283 requests."""
    sums = tuple(Composition(*each) for each in _SUMS)
    items = tuple(item for each in sums for item in _items(each))
    return Inventory(sums, lambda: items)


def _items(sums: Composition) -> list[Item]:
    """Items of one kind that add up to what it holds now; invented where the design names none."""
    random = Random(f"{sums.kind} {sums.tool}")
    named = _NAMED.get((sums.kind, sums.tool), ())
    left = sums.items - len(named)
    rest = sums.tokens - sum(tokens for _, _, tokens, _, _ in named)
    weights = [random.lognormvariate(0, 0.8) for _ in range(left)]
    sizes = [int(rest * weight / sum(weights)) for weight in weights]
    if sizes:
        sizes[0] += rest - sum(sizes)
    found = [_item(sums, *each) for each in named]
    for number, size in enumerate(sizes):
        entered = RESET + 1 + random.randrange(LAST - RESET - 2)
        if sums.kind in ("overhead", "summary"):
            entered = RESET
        found.append(_item(sums, _label(sums, number, entered), entered, size, None, None))
    return found


def _label(sums: Composition, number: int, entered: int) -> str:
    if sums.kind == "overhead":
        return "system, tools, CLAUDE.md"
    if sums.kind == "tool_result":
        return {"Read": f"src/part{number}.ts", "Bash": f"rg --files src/{number}"}.get(
            sums.tool or "", f"{sums.tool} {number}"
        )
    return {
        "summary": "of the compaction",
        "text": f"of #{entered}",
        "thinking": f"of #{entered}",
        "prompt": "fix the coupon total",
        "attachment": "total_tokens_reminder",
        "loaded_tools": "by ToolSearch",
        "tool_use": "src/cart.ts",
    }.get(sums.kind, "")


def _item(
    sums: Composition, label: str, entered: int, tokens: int, flag: Flag | None, named: int | None
) -> Item:
    carried = LAST - entered + 1
    since = LAST - named if named is not None and flag else 0
    tool = sums.tool if sums.kind == "tool_result" else "Edit" if sums.kind == "tool_use" else None
    return Item(
        kind=sums.kind,
        tool=tool,
        label=label,
        entered=entered,
        tokens=tokens,
        carried=carried,
        bill_tokens=tokens * carried,
        cost=tokens * (WRITE + READ * (carried - 1)),
        method=sums.method,
        spans=(Span("/home/ada/.claude/projects/shop-api/4c1f9a20.jsonl", entered * 4096, 2048),),
        flag="fixed" if sums.kind == "overhead" else flag,
        named=named,
        useless_tokens=tokens * since,
        useless_cost=tokens * since * READ if flag else None,
    )
