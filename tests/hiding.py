"""What tests of hidden requests share: a written request, and what stays hidden beside it."""

from __future__ import annotations

from ccmon.entries import AnyEntry
from ccmon.snapshot import Hidden
from tests.builders import usage
from tests.unit.test_summary import summed

WRITTEN = usage(0, 0, 100_000, 0, 10)
"""A request that wrote everything it read, and 10 tokens of output."""


def hidden_in(*entries: AnyEntry) -> Hidden:
    found = summed(entries).session.hidden
    assert found is not None
    return found


def cost_of(*entries: AnyEntry) -> float:
    cost = summed(entries).session.cost
    assert cost is not None
    return cost
