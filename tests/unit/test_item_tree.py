"""The tree of the Context screen: order, folds, alike items, the limit; the filter of items."""

from __future__ import annotations

import pytest

from ccmon.requests import Kind
from ccmon.snapshot import Flag, Item
from ccmon.tui.item_query import parse_items
from ccmon.tui.widgets.item_tree import (
    BRANCHES_LIMIT,
    FEW,
    ROWS_LIMIT,
    SORTS,
    Row,
    Sort,
    grow,
    ordered,
    rows_of,
    split_lines,
    together,
)
from tests.sample_items import sample_inventory


def item(
    label: str,
    tokens: int = 100,
    *,
    kind: Kind = "tool_result",
    tool: str | None = "Read",
    entered: int = 1,
    carried: int = 10,
    flag: Flag | None = None,
) -> Item:
    bill = tokens * carried
    return Item(
        kind, tool, label, entered, tokens, carried, bill, bill * 1e-6, "split", (), flag=flag
    )


def rows(items: list[Item], *folds: str, sort: Sort = "bill", by_file: bool = False) -> list[Row]:
    branches = grow(items, sample_inventory().composition, by_file=by_file)
    found = {branch.key: "all" for branch in branches if branch.whole.name in folds}
    return rows_of(ordered(branches, sort, descending=True), found)  # type: ignore[arg-type]


def names(found: list[Row]) -> list[str]:
    return [f"{row.more} smaller" if row.more else row.shown.name for row in found]


def test_every_item_of_the_sample_is_in_one_branch_with_its_bill() -> None:
    inventory = sample_inventory()
    items = inventory.items()
    branches = grow(items, inventory.composition)
    assert sum(len(branch.whole.items) for branch in branches) == len(items)
    assert sum(branch.whole.tokens for branch in branches) == 397_389
    for branch in branches:
        assert sum(heap.bill for heap in branch.heaps) == branch.whole.bill
        assert sum(len(heap.items) for heap in branch.heaps) == len(branch.whole.items)


@pytest.mark.parametrize("sort", SORTS)
def test_branches_and_their_items_stand_strictly_in_order(sort: Sort) -> None:
    items = [item("a", 10, carried=90), item("b", 50, carried=2), item("ls", 30, tool="Bash")]
    found = rows(items, "Read", "Bash", sort=sort)
    heads = [getattr(row.shown, sort) for row in found if row.heap is None]
    reads = [
        getattr(row.heap, sort)
        for row in found
        if row.heap is not None and row.branch.whole.name == "Read"
    ]
    assert heads == sorted(heads, reverse=True)
    assert reads == sorted(reads, reverse=True)


def test_alike_items_are_one_row() -> None:
    found = rows([item("npm test", tool="Bash", entered=n) for n in range(1, 18)], "Bash")
    assert names(found) == ["Bash", "npm test"]
    heap = found[1].shown
    assert (len(heap.items), heap.tokens, heap.newest.entered) == (17, 1_700, 17)


def test_a_branch_opens_to_a_few_rows_and_counts_the_rest() -> None:
    items = [item(f"f{n:02}", 1_000 - n) for n in range(20)]
    branches = grow(items, sample_inventory().composition)
    found = rows_of(branches, {branches[0].key: "few"})
    assert len(found) == 1 + FEW + 1
    assert names(found)[-1] == "14 smaller"
    assert names(rows_of(branches, {})) == ["Read"]


def test_the_row_of_the_smaller_ones_has_their_sums_and_a_place_of_its_own() -> None:
    branches = grow([item(f"f{n}", 10) for n in range(20)], sample_inventory().composition)
    head, *_, rest = rows_of(branches, {branches[0].key: "few"})
    assert (rest.more, rest.shown.tokens, rest.shown.bill) == (14, 140, 1_400)
    assert rest.shown.cost == pytest.approx(1_400e-6)
    assert rest.place != head.place
    assert rest.place == rows_of(branches, {branches[0].key: "few"}, 15)[-1].place


@pytest.mark.parametrize("room", range(5, 60))
def test_rows_in_sight_are_filled_before_anything_is_left_out(room: int) -> None:
    items = [item(f"f{n}", 1_000 - n) for n in range(20)]
    items += [item(f"c{n}", 10, tool="Bash") for n in range(12)]
    branches = ordered(grow(items, sample_inventory().composition), "bill", descending=True)
    found = rows_of(branches, {branch.key: "few" for branch in branches}, room)
    least, most = 2 * (1 + FEW + 1), 2 + 20 + 12
    assert len(found) == min(most, max(least, room))
    assert sum(len(row.shown.items) for row in found if row.heap is not None) == 32


def test_the_total_sums_up_what_is_shown() -> None:
    items = [item("a", 10), item("b", 20, tool="Bash")]
    whole = together(grow(items, sample_inventory().composition))
    assert (whole.shown.tokens, whole.shown.bill, whole.branch.note) == (30, 300, "2 items")


def test_tools_that_were_loaded_are_called_so() -> None:
    loaded = item("by ToolSearch", kind="loaded_tools", tool=None)
    (branch,) = grow([loaded], sample_inventory().composition)
    assert branch.heaps[0].name == "tools loaded by ToolSearch"


def test_one_row_more_than_a_few_is_shown_rather_than_counted() -> None:
    branches = grow([item(f"f{n}") for n in range(FEW + 1)], sample_inventory().composition)
    assert len(rows_of(branches, {branches[0].key: "few"})) == 1 + FEW + 1


def test_never_more_rows_than_the_limit_and_what_is_left_out_is_counted() -> None:
    items = [item(f"f{n}", 10_000 - n) for n in range(3_000)]
    items += [item(f"c{n}", 5, tool="Bash") for n in range(50)]
    found = rows(items, "Read", "Bash")
    assert len(found) <= ROWS_LIMIT + 2
    assert sum(len(row.shown.items) for row in found if row.heap is not None) == 3_050
    assert sum(row.more for row in found) > 2_000


def test_very_many_files_end_in_one_row_for_all_smaller_ones() -> None:
    items = [item(f"src/f{n}.py", 10_000 - n) for n in range(3_000)]
    found = rows(items, by_file=True)
    assert len(found) == BRANCHES_LIMIT + 1
    assert names(found)[-1] == "2,800 smaller"
    assert sum(row.shown.tokens for row in found) == sum(each.tokens for each in items)


def test_by_file_reads_and_edits_of_one_file_stand_together() -> None:
    items = [
        item("src/a.py 1-40", 300),
        item("src/a.py", 100, kind="tool_use", tool="Edit"),
        item("src/b.py", 50),
        item("npm test", 70, tool="Bash"),
    ]
    found = rows(items, "src/a.py", by_file=True)
    assert names(found) == [
        "src/a.py", "Read result 1-40", "Edit input", "Bash", "src/b.py",
    ]  # fmt: skip
    assert found[-1].branch.leaf
    assert found[-1].branch.note == "Read result"


def test_the_lines_of_a_read_are_no_part_of_its_path() -> None:
    assert split_lines("src/a.py 1-1,912") == ("src/a.py", "1-1,912")
    assert split_lines("src/a.py 20-") == ("src/a.py", "20-")
    assert split_lines("npm test -- a-b") == ("npm test -- a-b", "")


ITEMS = [
    item("src/Cart.ts 1-400", 2_000, entered=87, carried=197, flag="superseded"),
    item("src/schema.ts", 8_000, entered=85, carried=199, flag="cold"),
    item("lock.json", 3_000, entered=93, carried=191, flag="unused"),
    item("npm test", 900, tool="Bash", entered=120, carried=3),
    item("of #3", 500, kind="thinking", tool=None, entered=4, carried=280),
]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", [0, 1, 2, 3, 4]),
        ("cart", [0]),
        ("TOOL:read !cart", [1, 2]),
        ("path:src", [0, 1]),
        ("thinking", [4]),
        ("tokens>2.5k", [1, 2]),
        ("bill>1M", [1]),
        ("cost<=0.0027", [3]),
        ("age>=280", [4]),
        ("#85..93", [0, 1, 2]),
        ("cold", [1, 2]),
        ("unused", [2]),
        ("superseded", [0]),
        ("tool result tokens<1k", [3]),
        ("kind:thinking", [4]),
        ("kind:tool_result !cold !unused", [0, 3]),
    ],
)
def test_the_filter_finds(text: str, found: list[int]) -> None:
    query = parse_items(text)
    assert query.errors == ()
    assert [index for index, each in enumerate(ITEMS) if query.matches(each)] == found


@pytest.mark.parametrize(
    "term", ["tokens>many", "#x", "tool:", "!", "bill>", "ctx>100", "what<=2k"]
)
def test_terms_that_make_no_sense_are_set_aside(term: str) -> None:
    query = parse_items(f"cart {term}")
    assert query.errors == (term,)
    assert [each for each in ITEMS if query.matches(each)] == ITEMS[:1]
