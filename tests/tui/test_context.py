"""The Context screen: what it shows at every size, how it folds, where it leads."""

from __future__ import annotations

import asyncio
import csv
from pathlib import Path
from threading import Event

import pytest
from msgspec.structs import replace
from textual.pilot import Pilot

from ccmon import format as fmt
from ccmon.measures import Span
from ccmon.monitor import TextBlock
from ccmon.settings import Settings
from ccmon.snapshot import Inventory, Item, Snapshot
from ccmon.tui.app import CcmonApp
from ccmon.tui.screens.context import AT_ONCE, ContextScreen
from ccmon.tui.screens.request import RequestScreen
from ccmon.tui.screens.text import TextScreen
from tests import sample
from tests.sample_items import sample_inventory
from tests.tui.reading import HOSTILE, gone, says, seen
from tests.tui.stage import FakeMonitor, check_golden, running, screen_lines, settled
from tests.tui.test_overview import assert_frames_close

SIZES = [(60, 20), (80, 24), (100, 30), (160, 45)]


def with_session(**changes: object) -> Snapshot:
    snapshot = sample.sample_snapshot()
    session = replace(snapshot.sessions[0], **changes)
    return replace(snapshot, sessions=(session, *snapshot.sessions[1:]))


def with_items(*items: Item) -> Snapshot:
    return with_session(inventory=Inventory(sample_inventory().composition, lambda: items))


def on_context(app: CcmonApp) -> ContextScreen:
    assert isinstance(app.screen, ContextScreen)
    return app.screen


async def open_context(app: CcmonApp, pilot: Pilot[None], *keys: str) -> list[str]:
    await pilot.press("3", *keys)
    await settled(app, pilot)
    return screen_lines(app)


def selected(app: CcmonApp) -> str:
    row = on_context(app).table.selected
    assert row is not None
    return f"{row.more} smaller" if row.more else row.shown.name


@pytest.mark.parametrize("size", SIZES, ids=lambda size: "x".join(map(str, size)))
async def test_the_sample_session_is_drawn_as_agreed(size: tuple[int, int]) -> None:
    async with running(sample.sample_snapshot(), size) as (app, pilot):
        lines = await open_context(app, pilot)
        check_golden(f"context-{size[0]}x{size[1]}", lines)
        assert {len(row) for row in lines} == {size[0]}


@pytest.mark.parametrize("size", [(83, 24), (101, 31), (149, 50), (150, 36), (200, 60)])
async def test_frames_close_at_any_size(size: tuple[int, int]) -> None:
    async with running(sample.sample_snapshot(), size) as (app, pilot):
        lines = await open_context(app, pilot)
    assert {len(row) for row in lines} == {size[0]}
    assert_frames_close(lines)


@pytest.mark.parametrize("size", [(30, 3), (40, 8), (60, 12), (79, 40), (100, 12), (100, 16)])
async def test_small_screens_keep_the_largest_item(size: tuple[int, int]) -> None:
    async with running(sample.sample_snapshot(), size) as (app, pilot):
        lines = await open_context(app, pilot)
    assert {len(row) for row in lines} == {size[0]}
    assert "15.5k" in "\n".join(lines) or size[1] == 3


async def test_ascii_leaves_no_other_character_and_moves_no_column() -> None:
    async with running(sample.sample_snapshot(), (160, 45), settings=Settings(ascii=True)) as (
        app,
        pilot,
    ):
        lines = await open_context(app, pilot)
    assert all(row.isascii() for row in lines)
    assert {len(row) for row in lines} == {160}


async def test_a_source_folds_and_opens_and_its_rest_is_shown_on_demand() -> None:
    async with running(sample.sample_snapshot(), (100, 30)) as (app, pilot):
        await open_context(app, pilot)
        assert selected(app) == "npm test"
        await pilot.press("space")
        await settled(app, pilot)
        assert selected(app) == "Bash"
        assert "npm test" not in "\n".join(screen_lines(app)[5:22])
        await pilot.press("j", "space", "j")
        await settled(app, pilot)
        assert selected(app) == "src/generated/schema.ts"
        await pilot.press(*"jjjjjj")
        assert selected(app) == "26 smaller"
        await pilot.press("space")
        await settled(app, pilot)
        assert len(on_context(app).table.rows) == 10 + 32


async def test_what_is_not_shown_is_summed_up_and_opens_at_its_first_row() -> None:
    async with running(sample.sample_snapshot(), (100, 30)) as (app, pilot):
        lines = await open_context(app, pilot)
        (rest,) = (row for row in lines if "47 smaller" in row)
        assert rest.split()[-3:] == ["━━━━━━━━", "4.8M", "1.32"]
        await pilot.press(*"jjjjjj")
        assert selected(app) == "47 smaller"
        await pilot.press("enter")
        await settled(app, pilot)
        assert "smaller" not in "\n".join(screen_lines(app)[:20])
        table = on_context(app).table
        assert table.rows.index(table.selected) == 7  # type: ignore[arg-type]  # one is selected


async def test_no_row_stays_free_while_items_are_left_out() -> None:
    async with running(sample.sample_snapshot(), (160, 45)) as (app, pilot):
        lines = await open_context(app, pilot)
    assert "" not in [row.strip() for row in lines[5:]]


async def test_the_last_row_sums_up_what_is_there() -> None:
    async with running(sample.sample_snapshot(), (100, 30)) as (app, pilot):
        lines = await open_context(app, pilot)
        (whole,) = (row for row in lines if "total" in row)
        assert whole.split() == ["total", "778", "items", "397.4k", "45.5M", "12.21"]
        text = "\n".join(await _typed(app, pilot, "superseded"))
        assert "total  17 items" in text


async def test_groups_that_are_ordered_by_age_show_it() -> None:
    async with running(sample.sample_snapshot(), (100, 30)) as (app, pilot):
        lines = await open_context(app, pilot, "s", "s")
    ages = [int(row.split(".")[0].split()[-2]) for row in lines if row[1:2] in "▸▾"]
    assert len(ages) > 5
    assert ages == sorted(ages, reverse=True)


async def test_parts_of_one_file_are_told_apart_also_where_it_is_narrow() -> None:
    parts = [
        Item("tool_result", "Read", f"src/lib/checkout/money.ts {part}", 90, tokens, 3, tokens * 3,
             0.01, "exact", ())
        for part, tokens in (("1-40", 3_000), ("41-80", 2_000))
    ]  # fmt: skip
    async with running(with_items(*parts), (60, 20)) as (app, pilot):
        text = "\n".join(await open_context(app, pilot))
    assert "money.ts  1-40 " in text
    assert "money.ts  41-80 " in text


@pytest.mark.parametrize(("cost", "shown"), [(-0.00012, "-<0.01"), (-0.5, "-0.50"), (-0.0, "0.00")])
async def test_what_was_shrunk_has_a_figure_that_fits(cost: float, shown: str) -> None:
    shrunk = Item("unattributed", None, "", 90, -80, 6, -480, cost, "exact", ())
    async with running(with_items(shrunk), (61, 24)) as (app, pilot):
        text = "\n".join(await open_context(app, pilot))
    assert f" {shown} " in text
    assert "0.0…" not in text


async def test_names_do_not_part_from_their_figures_on_a_very_wide_screen() -> None:
    async with running(sample.sample_snapshot(), (300, 40)) as (app, pilot):
        (titles,) = (row for row in await open_context(app, pilot) if " item " in row)
    assert titles.index("since") < 100


async def test_enter_opens_the_request_an_item_entered_with_and_esc_leads_back() -> None:
    async with running(sample.sample_snapshot(), (100, 30)) as (app, pilot):
        await open_context(app, pilot, "j", "enter")
        assert isinstance(app.screen, RequestScreen)
        assert app.screen.request is sample.main_requests()[140]
        await pilot.press("escape")
        await settled(app, pilot)
        assert selected(app) == "rg --files src/5"
        await pilot.press("escape")
        await settled(app, pilot)
        assert app.current_mode == "overview"


async def test_enter_on_a_source_opens_it() -> None:
    async with running(sample.sample_snapshot(), (100, 30)) as (app, pilot):
        await open_context(app, pilot, "g", "enter")
        assert selected(app) == "Bash"
        assert len(on_context(app).table.rows) == 10


async def test_sorting_goes_through_the_columns_and_back() -> None:
    async with running(sample.sample_snapshot(), (100, 30)) as (app, pilot):
        await open_context(app, pilot, "s")
        assert "tokens▾" in "\n".join(screen_lines(app))
        assert selected(app) == "npm test"
        assert on_context(app).table.rows[0].shown.name == "Read"
        await pilot.press("r")
        await settled(app, pilot)
        assert "tokens▴" in "\n".join(screen_lines(app))
        assert on_context(app).table.rows[0].shown.name == "unattributed"
        await pilot.press("s", "s")
        assert (on_context(app).table.sort, on_context(app).table.descending) == ("bill", True)


async def test_cold_and_superseded_alone_are_filters() -> None:
    async with running(sample.sample_snapshot(), (100, 30)) as (app, pilot):
        text = "\n".join(await open_context(app, pilot, "c"))
        assert "cold 174" in text
        assert "unused" in text
        assert "superseded" not in text
        await pilot.press("d")
        await settled(app, pilot)
        assert {row.shown.name for row in on_context(app).table.rows} == {
            "Bash", "npm test", "Read", "src/cart.ts 1-400",
        }  # fmt: skip
        await pilot.press("escape")
        await settled(app, pilot)
        assert len(on_context(app).table.rows) > 10


async def test_typing_filters_and_says_what_it_does_not_understand() -> None:
    async with running(sample.sample_snapshot(), (100, 30)) as (app, pilot):
        await open_context(app, pilot, "slash", *"schema", "enter")
        assert selected(app) == "src/generated/schema.ts"
        text = "\n".join(await _typed(app, pilot, "tokens>lots"))
        assert "tokens>lots?  not understood" in text
        text = "\n".join(await _typed(app, pilot, "nowhere"))
        assert "is nowhere" in text


async def _typed(app: CcmonApp, pilot: Pilot[None], text: str) -> list[str]:
    on_context(app).apply_filter(text)
    await settled(app, pilot)
    return screen_lines(app)


async def test_by_file_all_of_one_file_is_together() -> None:
    async with running(sample.sample_snapshot(), (100, 30)) as (app, pilot):
        lines = await open_context(app, pilot, "w")
        assert any("src/cart.ts  173 items" in row for row in lines)
        assert "by file" in lines[0]
        await pilot.press("w")
        await settled(app, pilot)
        assert "by file" not in screen_lines(app)[0]


async def test_the_panel_says_where_it_came_from_and_what_would_have_been_cheaper() -> None:
    async with running(sample.sample_snapshot(), (100, 30)) as (app, pilot):
        await open_context(app, pilot)
        text = "\n".join(await _typed(app, pilot, "schema.ts"))
    assert "7,904 tokens (split)   bill 1.6M tokens, $0.376   carried by 199 requests" in text
    assert 'read at #85 by "also cover the em…", last named at #109' in text
    assert "re-read since then: 1.4M tokens, $0.275" in text
    assert "next time Read with offset/limit 200 lines, or a subagent" in text
    assert "would have saved ~$0.314 of its bill" in text


async def test_the_header_names_the_filter_in_force() -> None:
    async with running(sample.sample_snapshot(), (100, 30)) as (app, pilot):
        assert "filter" not in (await open_context(app, pilot))[0]
        await pilot.press("c")
        await settled(app, pilot)
        assert "filter cold   " in screen_lines(app)[0]


async def test_the_header_after_a_rewind_does_not_begin_where_the_rows_do_not() -> None:
    requests = list(sample.main_requests())
    requests[-1] = replace(requests[-1], segment=requests[-1].segment + 1, resumes=85)
    async with running(with_session(requests=tuple(requests)), (100, 30)) as (app, pilot):
        header = (await open_context(app, pilot))[0]
    assert "rewound to #85   sort" in header
    assert "segment since" not in header


async def test_answers_to_keys_stand_in_the_last_row_and_the_keys_come_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    async with running(sample.sample_snapshot(), (60, 20), toasts=True) as (app, pilot):
        before = await open_context(app, pilot)
        await pilot.press("e")
        await settled(app, pilot)
        after = screen_lines(app)
        assert after[:-1] == before[:-1]
        assert after[-1].rstrip().endswith("ccmon-4c1f9a20-context.csv")
        await pilot.resize_terminal(61, 20)
        await settled(app, pilot)
        assert "space fold" in screen_lines(app)[-1]


async def test_the_unit_key_turns_money_into_shares() -> None:
    async with running(sample.sample_snapshot(), (100, 30)) as (app, pilot):
        await open_context(app, pilot, "t", "t")
        text = "\n".join(screen_lines(app))
    assert "10.4%" in text


async def test_a_click_selects_a_second_one_opens_a_title_sorts() -> None:
    async with running(sample.sample_snapshot(), (100, 30)) as (app, pilot):
        await open_context(app, pilot)
        await pilot.click("#items", offset=(10, 3))
        assert selected(app) == "rg --files src/5"
        await pilot.click("#items", offset=(54, 0))
        assert on_context(app).table.sort == "tokens"
        await pilot.click("#items", offset=(54, 0))
        assert not on_context(app).table.descending
        await settled(app, pilot)
        await pilot.press("s", "s")
        assert selected(app) == "rg --files src/5"
        await pilot.click("#items", offset=(10, 3))
        await settled(app, pilot)
        assert isinstance(app.screen, RequestScreen)


async def test_the_text_of_an_item_is_read_from_the_transcript() -> None:
    async with running(sample.sample_snapshot(), (100, 30)) as (app, pilot):
        asked = says(app, TextBlock("tool_result", "result", "12 passed"))
        await open_context(app, pilot, "v")
        assert isinstance(app.screen, TextScreen)
        await seen(app, pilot, "12 passed")
        assert asked[0] == Span(asked[0].path, 266 * 4096, 2048)
        assert len(asked) == 17


async def test_a_transcript_that_is_gone_says_so() -> None:
    async with running(sample.sample_snapshot(), (100, 30)) as (app, pilot):
        gone(app, "4c1f9a20.jsonl is gone", "nothing else was kept")
        await open_context(app, pilot, "v")
        text = await seen(app, pilot, "4c1f9a20.jsonl is gone")
        assert "nothing else was kept" in text


async def test_what_no_line_shows_has_no_text() -> None:
    bare = Item("unattributed", None, "", 90, 400, 3, 1_200, 0.01, "exact", ())
    async with running(with_items(bare), (100, 30), toasts=True) as (app, pilot):
        await open_context(app, pilot, "v")
        on_context(app)
        assert "no line of the transcript shows it" in screen_lines(app)[-1]


async def test_the_context_of_a_sub_agent_is_its_own() -> None:
    snapshot = sample.sample_snapshot()
    item = Item("tool_result", "Read", "agent.md", 3, 500, 12, 6_000, 0.02, "exact", ())
    inventory = Inventory(sample_inventory().composition[:1], lambda: (item,))
    agents = (replace(snapshot.sessions[0].subagents[0], inventory=inventory),)
    async with running(with_session(subagents=agents), (100, 30)) as (app, pilot):
        lines = await open_context(app, pilot, "a")
        assert "shop-api › Explore › Context 33.5k" in lines[0]
        assert selected(app) == "agent.md"
        await pilot.press("enter")
        await settled(app, pilot)
        assert isinstance(app.screen, RequestScreen)
        assert app.screen.thread == "a7e03c"
        await pilot.press("escape", "a")
        await settled(app, pilot)
        assert selected(app) == "npm test"


async def test_a_session_of_which_nothing_is_known_says_so() -> None:
    async with running(with_session(inventory=None), (100, 30)) as (app, pilot):
        assert "nothing is known of this context yet" in "\n".join(await open_context(app, pilot))
        await pilot.press("enter", "space", "v", "e", "j", "c", "a", "a")
        await settled(app, pilot)
        on_context(app)


async def test_the_cursor_stays_on_its_row_when_the_context_grows() -> None:
    async with running(sample.sample_snapshot(), (100, 30)) as (app, pilot):
        await open_context(app, pilot, "j", "j")
        before = selected(app)
        fresh = Item("tool_result", "Bash", "new", 283, 9_000, 900, 8_100_000, 9.0, "exact", ())
        items = (fresh, *sample_inventory().items())
        assert isinstance(app.monitor, FakeMonitor)
        app.monitor.put(with_items(*items))
        await seen(app, pilot, "8.1M")
        assert selected(app) == before


async def test_items_are_made_once_for_each_snapshot_and_only_while_they_are_seen() -> None:
    made: list[int] = []

    def make() -> tuple[Item, ...]:
        made.append(1)
        return sample_inventory().items()

    inventory = Inventory(sample_inventory().composition, make)
    async with running(with_session(inventory=inventory), (100, 30)) as (app, pilot):
        assert made == []
        await open_context(app, pilot, "j", "s", "c", "c", "w", "t")
        assert made == [1]


async def test_very_many_items_are_made_beside_the_screen() -> None:
    many = tuple(
        Item("tool_result", "Read", f"f{n}.py", 90, 10, 5, 50, 0.01, "split", ())
        for n in range(AT_ONCE + 1)
    )
    sums = replace(sample_inventory().composition[0], items=len(many))
    snapshot = with_session(inventory=Inventory((sums,), lambda: many))
    async with running(snapshot, (100, 30)) as (app, pilot):
        await open_context(app, pilot)
        text = await seen(app, pilot, "3,001 results")
        assert "2,985 smaller" in text


async def test_what_was_made_beside_the_screen_in_vain_is_made_again() -> None:
    begun, go_on = Event(), Event()

    def make() -> tuple[Item, ...]:
        begun.set()
        go_on.wait(5)
        return ()

    many = replace(sample_inventory().composition[0], items=AT_ONCE + 1)
    stuck, fine = Inventory((many,), make), Inventory((many,), sample_inventory().items)
    async with running(with_session(inventory=stuck), (100, 30)) as (app, pilot):
        await open_context(app, pilot)
        assert await asyncio.to_thread(begun.wait, 5)
        app.workers.cancel_node(app.screen)
        go_on.set()
        await pilot.pause()
        assert isinstance(app.monitor, FakeMonitor)
        app.monitor.put(with_session(inventory=fine))
        await seen(app, pilot, "npm test")


async def test_a_request_that_did_not_read_the_context_does_not_name_its_size() -> None:
    requests = sample.sample_snapshot().sessions[0].requests
    aside = replace(requests[-1], n=len(requests) + 1, context=300)
    async with running(with_session(requests=(*requests, aside)), (100, 30)) as (app, pilot):
        lines = await open_context(app, pilot)
        assert f"Context {fmt.tokens(requests[-1].context)}" in lines[0]


async def test_cold_counts_the_requests_that_read_it() -> None:
    # Named by #300; of the requests since, one hundred have read the context.
    item = Item(
        "tool_result", "Read", "a.ts", 290, 400, 110, 44_000, 0.1, "exact", (),
        flag="cold", named=300, useless_tokens=40_000, useless_cost=0.08,
    )  # fmt: skip
    async with running(with_items(item), (100, 30)) as (app, pilot):
        assert "cold 100" in "\n".join(await open_context(app, pilot))


async def test_money_that_misses_unpriced_requests_is_a_lower_bound() -> None:
    item = Item("tool_result", "Read", "a.ts", 90, 400, 3, 1_200, 0.5, "exact", ())
    for lower_bound, money in ((False, "tokens, $0.500"), (True, "tokens, ≥$0.500")):
        inventory = Inventory(sample_inventory().composition, lambda: (item,), lower_bound)
        async with running(with_session(inventory=inventory), (100, 30)) as (app, pilot):
            assert money in "\n".join(await open_context(app, pilot))


async def test_hostile_names_are_harmless() -> None:
    item = Item("tool_result", "Read", HOSTILE, 90, 400, 3, 1_200, 0.01, "exact", ())
    async with running(with_items(item), (100, 30)) as (app, pilot):
        text = "\n".join(await open_context(app, pilot))
    assert "[bold red]x[/oops]gnp.exe" in text
    assert "\x1b" not in text
    assert "\u202e" not in text


async def test_export_writes_the_items_in_the_order_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    async with running(sample.sample_snapshot(), (100, 30)) as (app, pilot):
        await open_context(app, pilot)
        await _typed(app, pilot, "superseded")
        await pilot.press("e")
        await settled(app, pilot)
    rows = list(csv.DictReader((tmp_path / "ccmon-4c1f9a20-context.csv").read_text().splitlines()))
    assert len(rows) == 17
    assert rows[0]["label"] == "npm test"
    assert "useless_reread_usd" in rows[0]
    assert rows[-1]["label"] == "src/cart.ts 1-400"
    assert rows[-1]["bill_tokens"] == str(2_812 * 197)
