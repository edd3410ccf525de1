"""How large things are and how sure that is: what leaves, what is hidden, what came beside."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from ccmon.entries import AnyEntry, AssistantEntry, Block, ToolResult, UserEntry
from ccmon.ledger.contents import Contents
from ccmon.measures import Asked, Picture
from ccmon.requests import MAIN, Kind
from tests.builders import (
    OPUS_5_5,
    SESSION,
    START,
    assistant,
    boundary,
    folds_of,
    ledger_of,
    prompt,
    session_of,
    summary,
    usage,
)
from tests.unit.test_items import READ, answered, carried, items_of, result

DROPS = "claude-sonnet-4-5"
"""A model that drops thinking at the next prompt."""


def thought(
    number: int, read: int, written: int, output: int, thinking: int, *, stop: str = "end_turn"
) -> AssistantEntry:
    """An answer with so much thinking, counted, and a text."""
    line = replace(usage(r=read, w1=written, o=output), thinking_tokens=thinking)
    blocks = [Block("thinking", 4 * thinking), Block("text", 3 * (output - thinking))]
    at = START + 60 * number
    return assistant(f"msg_{number}", line, at=at, model=DROPS, stop=stop, blocks=blocks)


def held_of(contents: Contents, kind: Kind) -> list[tuple[int, str]]:
    return [(one.tokens, one.what.method) for one in contents.held() if one.what.kind == kind]


class TestThinkingThatIsDropped:
    def test_it_leaves_with_the_next_prompt(self) -> None:
        entries: list[AnyEntry] = [thought(1, 0, 20_000, 9_000, 8_500)]
        context = 20_000
        for number in range(2, 7):
            entries.append(prompt("x" * 40, at=START + 60 * number - 20))
            entries.append(thought(number, context, 520, 9_000, 8_500))
            context += 520
        contents, rows = items_of(entries)
        assert held_of(contents, "thinking") == []
        assert [tokens for tokens, _ in held_of(contents, "text")] == [500] * 5
        assert held_of(contents, "prompt") == [(20, "split")] * 5
        assert held_of(contents, "unattributed") == []
        assert [row.context for row in rows][-1] == contents.tokens

    def test_it_stays_as_long_as_tools_are_called(self) -> None:
        first = thought(1, 0, 20_000, 1_000, 900)
        entries: list[AnyEntry] = [first, result(2, 4_000), thought(2, 20_000, 3_000, 800, 600)]
        contents, _ = items_of(entries)
        assert held_of(contents, "thinking") == [(900, "exact")]
        asked = prompt("x" * 80, at=START + 170)
        contents, _ = items_of([*entries, asked, answered_by(DROPS, 3, 22_100, 240)])
        assert held_of(contents, "thinking") == []
        assert held_of(contents, "prompt") == [(40, "split")]
        assert held_of(contents, "unattributed") == []

    def test_a_prompt_beside_it_is_as_large_as_what_came_without_the_answer(self) -> None:
        entries: list[AnyEntry] = [
            thought(1, 0, 20_000, 400, 300),
            prompt("x" * 1_400, at=START + 90),
        ]
        contents, _ = items_of([*entries, answered_by(DROPS, 2, 20_000, 700)])
        assert held_of(contents, "prompt") == [(600, "split")]

    def test_a_picture_alone_is_a_prompt_as_well(self) -> None:
        shown = replace(prompt("look", at=START + 90), size=90, pictures=(Picture(560, 560),))
        entries: list[AnyEntry] = [thought(1, 0, 20_000, 400, 300), shown]
        contents, _ = items_of([*entries, answered_by(DROPS, 2, 20_000, 500)])
        assert held_of(contents, "thinking") == []
        assert held_of(contents, "image") == [(400, "split")]

    def test_such_a_prompt_teaches_nothing(self) -> None:
        entries: list[AnyEntry] = [
            thought(1, 0, 20_000, 400, 300),
            prompt("x" * 1_400, at=START + 90),
        ]
        thread = session_of([*entries, answered_by(DROPS, 2, 20_000, 700)]).threads[MAIN]
        assert thread.carried.calibration.factor == 1.0
        plain: list[AnyEntry] = [answered_by(DROPS, 1, 0, 20_000), *entries[1:]]
        thread = session_of([*plain, answered_by(DROPS, 2, 20_000, 700)]).threads[MAIN]
        assert thread.carried.calibration.factor > 1.0

    def test_another_model_keeps_it(self) -> None:
        entries: list[AnyEntry] = [
            thought(1, 0, 20_000, 400, 300),
            prompt("x" * 1_400, at=START + 90),
        ]
        contents, _ = items_of([*entries, answered_by(OPUS_5_5, 2, 20_000, 1_000)])
        assert held_of(contents, "thinking") == [(300, "exact")]
        assert held_of(contents, "prompt") == [(600, "exact")]


def answered_by(model: str, number: int, read: int, written: int) -> AssistantEntry:
    line = usage(r=read, w1=written)
    return assistant(f"msg_{number}", line, at=START + 60 * number, model=model)


def reading(files: int, tokens: int) -> tuple[list[AnyEntry], int]:
    """Files of so many tokens, read one after the other, and the context then."""
    entries: list[AnyEntry] = []
    context = 20_000
    entries.append(answered(1, 0, context, output=0, blocks=[file_read(1)]))
    for number in range(2, files + 2):
        entries.append(result(number, 2 * tokens, f"toolu_{number - 1}"))
        line = answered(number, context, tokens, output=0, blocks=[file_read(number)])
        entries.append(line)
        context += tokens
    return entries, context


def file_read(number: int) -> Block:
    asked = Asked(number, file=f"f{number}.py")
    return Block("tool_use", 120, "Read", f"toolu_{number}", f"f{number}.py", asked)


class TestResultsClearedWithoutARecord:
    def test_the_oldest_leave(self) -> None:
        entries, context = reading(6, 30_000)
        assert context == 200_000
        contents, rows = items_of([*entries, answered(9, 20_000, 85_000, output=0)])
        held = [one.what.label for one in contents.held() if one.what.kind == "tool_result"]
        assert held == ["f4.py", "f5.py", "f6.py"]
        assert held_of(contents, "unattributed") == [(-5_000, "estimated")]
        left = rows[-1].entered[-1]
        assert (left.name, left.tokens, left.method) == ("cleared", -95_000, "estimated")

    def test_they_are_of_no_use_any_more_either(self) -> None:
        entries, _ = reading(6, 30_000)
        uses = folds_of([*entries, answered(9, 20_000, 85_000, output=0)]).uses
        assert [use.what.label for use in uses.results()] == ["f4.py", "f5.py", "f6.py"]

    def test_what_came_with_it_is_as_large_as_predicted(self) -> None:
        entries, _ = reading(6, 30_000)
        asked = prompt("x" * 1_000, at=START + 530)
        contents, _ = items_of([*entries, asked, answered(9, 20_000, 85_486, output=0)])
        assert held_of(contents, "prompt") == [(486, "estimated")]
        assert held_of(contents, "unattributed") == [(-5_000, "estimated")]

    @pytest.mark.parametrize(("context", "kept"), [(190_000, 6), (189_000, 6), (185_000, 5)])
    def test_a_small_loss_is_no_clearing(self, context: int, kept: int) -> None:
        entries, _ = reading(6, 30_000)
        line = answered(9, 20_000, context - 20_000, output=0)
        contents, _ = items_of([*entries, line])
        assert len(held_of(contents, "tool_result")) == kept

    def test_a_model_that_counts_fewer_tokens_clears_nothing(self) -> None:
        entries, _ = reading(2, 30_000)
        contents, _ = items_of([*entries, answered_by("claude-haiku-4-5", 9, 0, 60_000)])
        assert len(held_of(contents, "tool_result")) == 2
        assert held_of(contents, "unattributed") == [(-20_000, "exact")]

    def test_an_answer_that_did_not_stay_clears_nothing(self) -> None:
        entries, context = reading(2, 30_000)
        said = replace(entries[-1], usage=usage(r=50_000, w1=30_000, o=20_000), blocks=())
        contents, _ = items_of([*entries[:-1], said, answered(9, context, 100, output=0)])
        assert len(held_of(contents, "tool_result")) == 2


class TestHowSureASizeIs:
    def test_what_is_missing_to_a_prediction_is_no_surer_than_that(self) -> None:
        entries: list[AnyEntry] = [
            *carried(4),
            boundary(pre=71_000),
            summary(3_000),
            answered(9, 18_000, 12_000),
        ]
        contents, _ = items_of(entries)
        assert [method for _, method in held_of(contents, "unattributed")] == ["estimated"]

    def test_far_more_than_two_results_explain(self) -> None:
        results = (ToolResult("toolu_1", 400), ToolResult("toolu_2", 400))
        line = UserEntry(timestamp=START + 100, session_id=SESSION, results=results)
        contents, _ = items_of([answered(1, 0, 20_000, output=0), line, answered(2, 20_000, 9_000)])
        assert held_of(contents, "tool_result") == [(213, "estimated")] * 2
        assert held_of(contents, "unattributed") == [(8_574, "estimated")]

    def test_a_short_prompt_alone_does_not_explain_much(self) -> None:
        asked = prompt("ok", at=START + 90)
        contents, _ = items_of(
            [answered(1, 0, 20_000, output=0), asked, answered(2, 20_000, 9_000)]
        )
        assert held_of(contents, "prompt") == [(1, "estimated")]
        assert held_of(contents, "unattributed") == [(8_999, "estimated")]

    def test_a_dense_result_alone_is_a_share(self) -> None:
        line = result(2, 400)
        contents, _ = items_of([answered(1, 0, 20_000, output=0), line, answered(2, 20_000, 600)])
        assert held_of(contents, "tool_result") == [(600, "split")]

    def test_a_client_that_hides_attachments_makes_nothing_exact(self) -> None:
        line = replace(answered(2, 20_000, 1_000), version="2.1.96")
        entries: list[AnyEntry] = [answered(1, 0, 20_000, output=0), result(2, 2_000)]
        contents, _ = items_of([*entries, line])
        assert held_of(contents, "tool_result") == [(1_000, "split")]
        contents, _ = items_of([*entries, replace(line, version="2.1.97")])
        assert held_of(contents, "tool_result") == [(1_000, "exact")]

    def test_a_group_remembers_what_left(self) -> None:
        calls = [Block("tool_use", 120, "Read", f"toolu_{n}", f"{n}.py") for n in (1, 2)]
        results = (ToolResult("toolu_1", 2_000), ToolResult("toolu_2", 2_000))
        line = UserEntry(timestamp=START + 100, session_id=SESSION, results=results)
        first, second = answered(1, 0, 20_000, output=0, blocks=calls), answered(2, 20_000, 2_000)
        entries: list[AnyEntry] = [
            first,
            line,
            second,
            boundary(pre=22_000),
            answered(3, 15_000, 8_000),
        ]
        contents, _ = items_of(entries)
        bill = contents.bills["tool_result", "Read"]
        assert (bill.items, bill.split, bill.estimated) == (0, 2, 0)

    def test_thinking_that_was_counted_is_no_text(self) -> None:
        line = replace(usage(w1=20_000, o=5_000), thinking_tokens=4_800)
        first = assistant("msg_1", line, at=START + 60, blocks=[Block("text", 600)])
        contents, _ = items_of([first, answered(2, 20_000, 5_000)])
        assert held_of(contents, "thinking") == [(4_800, "exact")]
        assert held_of(contents, "text") == [(200, "exact")]

    def test_a_short_text_alone_may_be_less_than_all_of_a_long_answer(self) -> None:
        first = answered(1, 0, 20_000, output=5_000, blocks=[Block("text", 60)])
        contents, _ = items_of([first, answered(2, 20_000, 5_000)])
        assert held_of(contents, "text") == [(5_000, "split")]


def test_what_a_person_said_to_a_result_is_an_item() -> None:
    denied = ToolResult("toolu_1", 100, is_error=True)
    line = UserEntry(timestamp=START + 90, session_id=SESSION, results=(denied,), size=4_500)
    entries: list[AnyEntry] = [
        answered(1, 0, 20_000, output=0, blocks=[READ]),
        line,
        answered(2, 20_000, 2_000),
    ]
    contents, _ = items_of(entries)
    (answer,), (said,) = held_of(contents, "tool_result"), held_of(contents, "attachment")
    assert (answer[0] + said[0], said[1]) == (2_000, "split")
    assert said[0] == pytest.approx(2_000 * 4_400 / 4_500, abs=1)


class TestWhatCameWithARequestBesideTheContext:
    def test_a_prompt_enters_with_the_request_that_read_it(self) -> None:
        title = assistant("msg_title", usage(i=300, o=8), at=START + 95, blocks=[Block("text", 90)])
        asked = prompt("x" * 4_000, at=START + 90)
        contents, rows = items_of([answered(1, 0, 20_000, output=0), asked, title,
                                   answered(3, 20_000, 2_000)])  # fmt: skip
        (held,) = [one for one in contents.held() if one.what.kind == "prompt"]
        assert (held.tokens, held.entered, held.what.method) == (2_000, 3, "exact")
        assert rows[1].entered == ()

    def test_so_it_does_after_a_thread_that_began_with_a_title(self) -> None:
        asked, title = prompt("x" * 4_000), assistant("msg_title", usage(i=300, o=8), at=START + 5)
        contents, _ = items_of([asked, title, answered(3, 0, 22_000)])
        assert held_of(contents, "prompt") == [(1_944, "estimated")]
        assert held_of(contents, "overhead") == [(20_056, "estimated")]

    def test_a_title_says_nothing_of_what_a_thread_begins_with(self) -> None:
        asked, title = prompt("hi"), assistant("msg_title", usage(i=300, o=8), at=START + 5)
        contents, _ = items_of([asked, title, answered(3, 0, 22_000)])
        assert held_of(contents, "overhead") == [(21_999, "estimated")]
        assert held_of(contents, "unattributed") == []

    def test_an_answer_without_usage_enters_with_its_results(self) -> None:
        second = Block("tool_use", 120, "Read", "toolu_2", "src/other.py")
        silent = assistant("msg_silent", None, at=START + 110, blocks=[second])
        first = answered(1, 0, 20_000, output=50, blocks=[READ])
        entries: list[AnyEntry] = [first, result(2, 9_000), silent]
        entries += [result(3, 9_000, "toolu_2"), answered(3, 20_000, 8_100)]
        contents, _ = items_of(entries)
        held = [(one.what.kind, one.what.label) for one in contents.held()[1:]]
        assert held == [
            ("tool_use", "src/big.py"),
            ("tool_result", "src/big.py"),
            ("tool_use", "src/other.py"),
            ("tool_result", "src/other.py"),
        ]
        assert held_of(contents, "tool_result")[0][0] == pytest.approx(4_000, rel=0.01)

    def test_it_is_counted_where_its_lines_stand(self) -> None:
        title = assistant("msg_title", usage(i=300, o=8), at=START + 95)
        results = (ToolResult("toolu_1", 4_000), ToolResult("toolu_2", 4_000))
        line = UserEntry(timestamp=START + 90, session_id=SESSION, results=results)
        ledger = ledger_of([answered(1, 0, 20_000, output=0), line, title,
                            answered(3, 20_000, 1_298)])  # fmt: skip
        session = ledger.sessions[SESSION]
        asked = {each.message_id: each for each in session.uncounted()}
        (span,) = {span for item in asked["msg_title"].entered for span in item.spans}
        ledger.count(asked["msg_title"], span, [200, 600])
        ledger.settle()
        sizes = [item.tokens for item in session.threads[MAIN].rows[-1].entered[1:]]
        assert sizes == [331, 967]
