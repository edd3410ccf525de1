"""The panel of the Context screen: how sizes are known, what the figures count, how it ends."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from ccmon.requests import Method
from ccmon.snapshot import Inventory, Item
from ccmon.tui.widgets.item_panel import item_frame
from ccmon.tui.widgets.item_tree import Row, grow
from tests import sample
from tests.sample_items import sample_inventory
from tests.tui.stage import running
from tests.tui.test_context import open_context, with_items, with_session


async def panel_of(*items: Item) -> str:
    """The panel of the first source, all of which it speaks of."""
    async with running(with_items(*items), (120, 30)) as (app, pilot):
        return "\n".join((await open_context(app, pilot, "g"))[-6:])


def read(tokens: int, method: Method) -> Item:
    return Item(
        "tool_result", "Read", f"f{tokens}.py", 282, tokens, 1, tokens, 0.05, method, ()
    )  # fmt: skip


async def test_the_panel_says_how_much_of_a_mixture_is_known_less_well() -> None:
    panel = await panel_of(read(3_000, "exact"), read(2_000, "exact"), read(200, "estimated"))
    assert "5,200 tokens (200 estimated) in 3 items" in panel
    assert "carried by 1 request on average" in panel
    panel = await panel_of(read(3_000, "split"), read(2_000, "split"))
    assert "5,000 tokens (split) in 2 items" in panel


def test_who_carried_it_is_told_from_100_columns_on() -> None:
    items = [read(12_000 + n, "split") for n in range(60)] + [read(2_010, "estimated")]
    items = [replace(item, carried=212, bill_tokens=212 * item.tokens) for item in items]
    (branch,) = grow(items, sample_inventory().composition)
    for width in range(96, 130):
        said = item_frame(Row(branch), (), width).rows[0].plain
        assert "723,780 tokens (2.0k estimated) in 61 items   bill 153.4M" in said
        assert "carried by 212" in said


async def test_what_would_have_been_saved_says_of_how_many_results() -> None:
    panel = await panel_of(read(3_000, "split"), read(2_000, "split"), read(6_000, "split"))
    assert "would have saved ~$0.068 on 2 results from 2.6k on" in panel


async def test_what_is_of_no_more_use_has_its_price_in_re_reading_alone() -> None:
    useless = replace(
        read(3_000, "split"), flag="superseded", useless_tokens=4_000, useless_cost=0.001
    )
    panel = await panel_of(useless, read(2_000, "split"))
    assert "1 of no more use: since then 4.0k tokens, $0.0010 in re-reading alone" in panel


@pytest.mark.parametrize(
    ("active", "said"), [(True, "leaves when the sub-agent is done"), (False, "gone with the sub")]
)
async def test_the_context_of_a_sub_agent_is_left_by_no_command(*, active: bool, said: str) -> None:
    snapshot = sample.sample_snapshot()
    inventory = Inventory(sample_inventory().composition[:1], lambda: (read(3_000, "exact"),))
    agent = replace(snapshot.sessions[0].subagents[0], inventory=inventory, active=active)
    async with running(with_session(subagents=(agent,)), (100, 30)) as (app, pilot):
        text = "\n".join(await open_context(app, pilot, "a"))
    assert said in text
    assert "/compact" not in text.split("╭─")[-1]
