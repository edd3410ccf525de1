"""What is in the context of a thread, as a face shows it. Source: accounting.md section 9."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ccmon.insight.using import Result
from ccmon.ledger.contents import Bill, Contents, Group, Held
from ccmon.requests import Method
from ccmon.snapshot import Composition, Inventory, Item

LEAST_COST = 5e-7
"""USD; less is what rounding left."""


def inventory(
    contents: Contents,
    results: Callable[[], Sequence[Result]],
    *,
    priced: bool,
    unpriced: int = 0,
) -> Inventory | None:
    """The sums now, and the items on demand; None while nothing is known to be there.

    ``contents`` must not be pushed to afterwards; ``results`` says what its tool results are still
    good for. Without any price there is no money; of ``unpriced`` requests there is none either.
    """
    if not contents.requests:
        return None
    sums = [_sum(group, bill, contents, priced=priced) for group, bill in contents.bills.items()]
    shown = [each for each in sums if each.items or each.bill_tokens or _was_paid(each)]
    shown.sort(key=lambda each: (-each.bill_tokens, each.kind, each.tool or ""))
    return Inventory(
        tuple(shown),
        lambda: _items(contents, results(), priced=priced),
        cost_is_lower_bound=priced and unpriced > 0,
    )


def _was_paid(sums: Composition) -> bool:
    """Calls beside the message cost money and hold no tokens."""
    return abs(sums.cost or 0.0) >= LEAST_COST


def _sum(group: Group, bill: Bill, contents: Contents, *, priced: bool) -> Composition:
    kind, tool = group
    return Composition(
        kind=kind,
        tool=tool or None,
        items=bill.items,
        tokens=bill.tokens,
        bill_tokens=bill.tokens_billed(contents.requests),
        cost=bill.cost_billed(contents.rate) if priced else None,
        method=_method(bill),
    )


def _method(bill: Bill) -> Method:
    if bill.estimated:
        return "estimated"
    return "split" if bill.split else "exact"


def _items(contents: Contents, results: Sequence[Result], *, priced: bool) -> tuple[Item, ...]:
    uses = {id(result.what): result for result in results}
    return tuple(_item(held, uses.get(id(held.what)), priced) for held in contents.held())


def _item(held: Held, use: Result | None, priced: bool) -> Item:
    kind = held.what.kind
    assert kind != "output"
    flag = use.flag if use is not None else None
    return Item(
        kind=kind,
        tool=held.what.name if kind in ("tool_result", "tool_use") else None,
        label=held.what.label or held.what.name,
        entered=held.entered,
        tokens=held.tokens,
        carried=held.carried,
        bill_tokens=held.bill,
        cost=held.cost if priced else None,
        method=held.what.method,
        spans=held.what.spans,
        flag="fixed" if kind == "overhead" else flag,
        named=use.named if use is not None else None,
        useless_tokens=use.useless_tokens if use is not None else 0,
        useless_cost=use.useless_cost if use is not None and flag and priced else None,
    )
