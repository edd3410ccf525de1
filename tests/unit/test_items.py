"""What is in the context and what carrying it has cost: vectors, invariants, planted content."""

from collections.abc import Sequence

import pytest
from msgspec.structs import replace

from ccmon.entries import AnyEntry, AssistantEntry, Block, ToolResult, UserEntry
from ccmon.ledger.contents import Contents, Held, group_of
from ccmon.ledger.tariff import Tariff
from ccmon.measures import Picture
from ccmon.requests import MAIN, Entered, Kind, Request
from tests.builders import (
    OTHER,
    SESSION,
    START,
    Row,
    assistant,
    boundary,
    folds_of,
    ledger_of,
    prompt,
    rows_of,
    session_of,
    summary,
    usage,
)

READ = Block("tool_use", 120, "Read", "toolu_1", "src/big.py")


def items_of(entries: Sequence[AnyEntry]) -> tuple[Contents, list[Request]]:
    """The items after the last request; the sums are checked after every single one."""
    thread = session_of(entries).threads[MAIN]
    contents, contexts, money = Contents(), 0, 0.0
    for row in thread.rows:
        contents.push(row)
        contexts += row.context
        assert row.split is not None
        money += row.split.total - row.split.output
        bills = contents.bills.values()
        assert sum(bill.tokens_billed(contents.requests) for bill in bills) == contexts
        assert sum(bill.cost_billed(contents.rate) for bill in bills) == pytest.approx(
            money, abs=1e-9
        )
        assert sum(bill.tokens for bill in bills) == contents.tokens
    return contents, thread.rows


def bill(contents: Contents, kind: Kind, name: str = "") -> tuple[int, float]:
    one = contents.bills[kind, name]
    return one.tokens_billed(contents.requests), one.cost_billed(contents.rate)


def the_result(contents: Contents, label: str) -> Held:
    held = [one for one in contents.held() if one.what.kind == "tool_result"]
    (found,) = [one for one in held if one.what.label == label]
    return found


def test_v20_a_bust_bills_what_was_rewritten() -> None:
    counts: list[Row] = [(0, 0, 0, 20_000, 0), (0, 20_000, 0, 1_000, 0)]
    counts += [(0, 21_000, 0, 3_000, 0), (0, 18_000, 0, 6_000, 0)]
    rows = session_of(rows_of(counts)).threads[MAIN].rows
    entering: list[tuple[Kind, int]] = [("overhead", 20_000), ("prompt", 1_000), ("text", 3_000)]
    items = [(Entered(kind, kind, "", 9, tokens, ()),) for kind, tokens in entering]
    contents = Contents()
    for row, entered in zip(rows, [*items, ()], strict=True):
        contents.push(replace(row, entered=entered))
    found = [(held.bill, held.cost) for held in contents.held()]
    assert [tokens for tokens, _ in found] == [80_000, 3_000, 6_000]
    assert [cost for _, cost in found] == pytest.approx([0.1876, 0.0162, 0.048])
    assert rows[-1].rewritten == 6_000


def answered(
    number: int, read: int, written: int, output: int = 100, blocks: Sequence[Block] = ()
) -> AssistantEntry:
    line = usage(r=read, w1=written, o=output)
    return assistant(f"msg_{number}", line, at=START + 60 * number, blocks=blocks)


def result(number: int, size: int, call: str = "toolu_1") -> UserEntry:
    at = START + 60 * number - 20
    return UserEntry(timestamp=at, session_id=SESSION, results=(ToolResult(call, size),))


def carried(requests: int, *, read_at: int = 2) -> list[AnyEntry]:
    """A file of 50,000 tokens read early and carried to the end."""
    entries: list[AnyEntry] = [answered(1, 0, 20_000, blocks=[READ]), result(2, 110_000)]
    context = 70_100
    entries.append(answered(2, 20_000, 50_100, output=0))
    for number in range(3, requests + 1):
        entries.append(answered(number, context, 500, output=0))
        context += 500
    return entries


def test_a_file_read_early_is_billed_for_every_request_that_carried_it() -> None:
    contents, rows = items_of(carried(200))
    held = the_result(contents, "src/big.py")
    assert (held.tokens, held.carried) == (50_000, 199)
    assert held.bill == 50_000 * 199
    # Written once at $8, read 198 times at $0.20 a million.
    assert held.cost == pytest.approx(50_000 * (8e-6 + 198 * 0.2e-6))
    assert held.what.method == "exact"
    top = max(contents.held(), key=lambda item: item.bill)
    assert top.what.label == held.what.label
    assert len(rows) == 200


def test_a_bust_is_billed_to_what_was_written_again() -> None:
    entries = carried(10)
    context = 70_100 + 500 * 8
    entries.append(answered(11, 0, context + 500, output=0))
    contents, rows = items_of(entries)
    assert rows[-1].bust
    assert the_result(contents, "src/big.py").cost == pytest.approx(
        50_000 * (2 * 8e-6 + 8 * 0.2e-6)
    )


def test_after_a_compaction_the_bill_stays_and_grows_no_more() -> None:
    entries = carried(10)
    entries += [boundary(pre=74_000), answered(11, 18_000, 12_000), answered(12, 30_000, 600)]
    contents, _ = items_of(entries)
    assert all(held.what.label != "src/big.py" for held in contents.held())
    tokens, cost = bill(contents, "tool_result", "Read")
    assert tokens == 50_000 * 9
    assert cost == pytest.approx(50_000 * (8e-6 + 8 * 0.2e-6))


def test_a_rewind_takes_back_what_came_after_its_parent() -> None:
    first = replace(answered(1, 0, 20_000, output=50), uuid="u1")
    second = replace(answered(2, 20_000, 1_000, output=50), uuid="u2", parent_uuid="u1")
    third = replace(answered(3, 21_000, 4_000, output=50), uuid="u3", parent_uuid="u2")
    again = replace(answered(4, 20_000, 3_000, output=50), uuid="u4", parent_uuid="u1")
    contents, rows = items_of([first, second, third, again])
    assert rows[-1].starts_segment
    held = contents.held()
    assert [item.entered for item in held] == [1, 4]
    assert [item.tokens for item in held] == [20_000, 3_000]


def test_what_an_abandoned_branch_held_is_unattributed_when_it_goes_on_from_there() -> None:
    first = replace(answered(1, 0, 20_000, output=0), uuid="u1")
    second = replace(answered(2, 20_000, 1_000, output=0), uuid="u2", parent_uuid="u1")
    rewound = replace(answered(3, 20_000, 4_000, output=0), uuid="u3", parent_uuid="u1")
    again = replace(answered(4, 20_000, 1_500, output=0), uuid="u4", parent_uuid="u2")
    contents, _ = items_of([first, second, rewound, again])
    held = [(item.entered, item.tokens, item.what.label) for item in contents.held()]
    assert held[1:] == [(4, 1_000, "of a branch left before"), (4, 500, "")]


def test_going_on_from_a_title_is_no_rewind() -> None:
    first = replace(answered(1, 0, 20_000, output=0), uuid="u1")
    title = assistant("msg_title", usage(i=300), at=START + 90, uuid="u2", parent="u1")
    then = replace(answered(3, 20_000, 600, output=0), uuid="u3", parent_uuid="u2")
    contents, rows = items_of([first, title, then])
    assert not rows[-1].starts_segment
    assert contents.tokens == 20_600


def test_a_title_in_between_is_billed_to_nothing_in_the_context() -> None:
    title = assistant("msg_title", usage(i=300, o=8), at=START + 90)
    contents, _ = items_of([answered(1, 0, 20_000), title, answered(2, 20_000, 600)])
    assert contents.tokens == 20_600
    assert bill(contents, "unattributed")[0] >= 300


def test_what_leaves_without_a_record_is_negative_and_unattributed() -> None:
    said = answered(1, 0, 20_000, output=300, blocks=[Block("text", 900)])
    contents, rows = items_of([said, answered(2, 20_000, 0)])
    assert rows[-1].growth == 0
    sizes = {held.what.kind: held.tokens for held in contents.held()}
    assert (sizes["text"], sizes["unattributed"]) == (300, -300)


def test_thinking_is_as_large_as_it_was_counted() -> None:
    line = replace(usage(w1=20_000, o=1_000), thinking_tokens=700)
    thinking, text = Block("thinking", 2_500), Block("text", 900)
    entries = [
        assistant("msg_1", line, at=START + 60, blocks=[thinking, text]),
        answered(2, 20_000, 1_400),
    ]
    contents, _ = items_of(entries)
    sizes = {held.what.kind: held.tokens for held in contents.held()}
    assert (sizes["thinking"], sizes["text"], sizes["unattributed"]) == (700, 300, 400)


def test_folding_on_from_a_copy_changes_nothing_in_the_first() -> None:
    rows = session_of(carried(6)).threads[MAIN].rows
    contents = Contents()
    for row in rows[:4]:
        contents.push(row)
    before = [(held.tokens, held.bill, held.cost) for held in contents.held()]
    twin = contents.copy()
    for row in rows[4:]:
        twin.push(row)
    assert [(held.tokens, held.bill, held.cost) for held in contents.held()] == before
    whole, _ = items_of(carried(6))
    assert [(held.bill, held.cost) for held in twin.held()] == [
        (held.bill, held.cost) for held in whole.held()
    ]


def test_groups_are_kinds_and_tools() -> None:
    assert group_of(Entered("tool_result", "Bash", "ls", 9, 1, ())) == ("tool_result", "Bash")
    assert group_of(Entered("attachment", "diagnostics", "", 9, 1, ())) == ("attachment", "")


def test_a_fork_begins_with_a_conversation_that_is_accounted_elsewhere() -> None:
    copied: list[AnyEntry] = [
        replace(answered(1, 0, 20_000, blocks=[READ]), session_id=OTHER, request_session_id=OTHER),
        result(2, 110_000),
        replace(answered(2, 20_000, 50_100), session_id=OTHER, request_session_id=OTHER),
    ]
    ledger = ledger_of([*copied, prompt("and now?", at=START + 150), answered(3, 70_100, 200)])
    (row,) = ledger.sessions[SESSION].threads[MAIN].rows
    overhead, rest, asked = row.entered
    assert (overhead.kind, overhead.tokens) == ("overhead", 20_000)
    assert (rest.kind, rest.label) == ("unattributed", "conversation copied by the fork")
    assert (rest.tokens or 0) + (asked.tokens or 0) == 50_300
    assert asked.kind == "prompt"


def test_a_picture_weighs_what_its_sides_say_not_its_data() -> None:
    call = Block("tool_use", 120, "Read", "toolu_1", "screen.png")
    shot = ToolResult("toolu_1", 150, pictures=(Picture(1_000, 800),))
    text = ToolResult("toolu_2", 3_000)
    line = UserEntry(timestamp=START + 100, session_id=SESSION, results=(shot, text))
    contents, _ = items_of(
        [answered(1, 0, 20_000, blocks=[call]), line, answered(2, 20_000, 2_700)]
    )
    sizes = {held.what.kind: held.tokens for held in contents.held()}
    assert sizes["image"] + sizes["tool_result"] == 2_600
    assert sizes["image"] == pytest.approx(1_117 / (1_117 + 1_458) * 2_600, abs=1)


def test_a_picture_beside_a_prompt_is_an_item_of_its_own() -> None:
    asked = replace(prompt("look", at=START + 30), size=190, pictures=(Picture(560, 560),))
    contents, _ = items_of([answered(1, 0, 20_000, output=0), asked, answered(2, 20_000, 600)])
    kinds = [held.what.kind for held in contents.held()]
    assert kinds[-2:] == ["prompt", "image"]
    alone = replace(asked, size=90)
    contents, _ = items_of([answered(1, 0, 20_000, output=0), alone, answered(2, 20_000, 600)])
    assert [(h.what.kind, h.tokens, h.what.method) for h in contents.held()][-1] == (
        ("image", 600, "exact")
    )


def test_predictions_are_held_against_what_came() -> None:
    entries: list[AnyEntry] = [answered(1, 0, 20_000, output=0)]
    context = 20_000
    for number in range(2, 40):
        entries += [result(number, 4_000), answered(number, context, 1_000, output=0)]
        context += 1_000
    factor = session_of(entries).threads[MAIN].carried.calibration.factor
    assert factor == pytest.approx(1_000 / 1_944, rel=0.12)


def test_what_a_thread_learnt_corrects_the_context_after_a_compaction() -> None:
    entries: list[AnyEntry] = [answered(1, 0, 20_000, output=0)]
    for number in range(2, 40):
        line = answered(number, 19_000 + 1_000 * number, 1_000, output=0)
        entries += [result(number, 4_000), line]
    entries += [boundary(pre=60_000, at=START + 4_000), summary(10_000)]
    thread = session_of(entries).threads[MAIN]
    factor = thread.carried.calibration.factor
    assert factor < 0.6
    assert thread.compacted_to == round(4_860 * factor) + 18_000


def test_a_line_that_stands_twice_brings_nothing_more() -> None:
    said = replace(answered(1, 0, 20_000, blocks=[READ, Block("text", 90)]), uuid="a1")
    line = replace(result(2, 2_000), uuid="r1", parent_uuid="a1")
    asked = replace(prompt("first", at=START), uuid="p1")
    then = replace(answered(2, 20_000, 1_100), uuid="a2", parent_uuid="r1")
    once, _ = items_of([asked, said, line, then])
    twice, _ = items_of([asked, asked, said, said, line, line, said, then, line])
    assert sizes_of(twice) == sizes_of(once)
    assert len(sizes_of(once)) == 5


def sizes_of(contents: Contents) -> list[tuple[str, int, str, int]]:
    held = contents.held()
    return [(one.what.label, one.tokens, one.what.method, one.what.size) for one in held]


class TestGoingBackToBeforeACompaction:
    @staticmethod
    def entries() -> list[AnyEntry]:
        first = replace(answered(1, 0, 20_000, output=0, blocks=[READ]), uuid="u1")
        came = replace(result(2, 2_000), uuid="r1", parent_uuid="u1")
        second = replace(answered(2, 20_000, 1_000, output=0), uuid="u2", parent_uuid="r1")
        third = replace(answered(3, 15_000, 8_000, output=0), uuid="u3")
        again = replace(answered(4, 21_000, 500, output=0), uuid="u4", parent_uuid="u2")
        return [first, came, second, boundary(pre=21_000), third, again]

    def test_what_stood_there_is_back(self) -> None:
        contents, rows = items_of(self.entries())
        assert rows[-1].resumes == 2
        held = [(one.what.kind, one.entered, one.tokens, one.carried) for one in contents.held()]
        assert held == [
            ("overhead", 1, 20_000, 1),
            ("tool_result", 2, 1_000, 1),
            ("unattributed", 4, 500, 1),
        ]

    def test_so_are_the_results_that_may_be_of_use(self) -> None:
        uses = folds_of(self.entries()).uses
        assert [(use.what.label, use.entered) for use in uses.results()] == [("src/big.py", 2)]

    def test_and_from_there_to_after_it_again(self) -> None:
        last = replace(answered(5, 23_000, 600, output=0), uuid="u5", parent_uuid="u3")
        contents, rows = items_of([*self.entries(), last])
        assert rows[-1].resumes == 3
        held = [(one.what.kind, one.entered, one.tokens) for one in contents.held()]
        assert held[0] == ("overhead", 3, 20_000)
        assert sum(tokens for _, _, tokens in held) == 23_600


def test_a_request_that_read_nothing_from_the_cache_costs_no_walk_over_all_items(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    looked = 0
    beyond = Tariff.beyond

    def counted(tariff: Tariff, position: int) -> float:
        nonlocal looked
        looked += 1
        return beyond(tariff, position)

    monkeypatch.setattr(Tariff, "beyond", counted)
    for read in (0, 15_000):
        looked = 0
        rows = [(2, read, 0, 20_000 - read + 50 * n, 0) for n in range(300)]
        items_of(rows_of(rows))
        assert looked < 6 * 300
