"""Text read back from transcripts: folded, numbered, bounded, harmless."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from ccmon.errors import CcmonError
from ccmon.measures import Span
from ccmon.monitor import TextBlock
from ccmon.snapshot import Item
from ccmon.tui.screens.text import TextScreen
from ccmon.tui.widgets.passages import (
    GUTTER,
    Passage,
    Row,
    block_rows,
    fold,
    harmless,
    passages_of,
    read_rows,
)
from tests import sample
from tests.tui.reading import HOSTILE, SOURCE, gone, says, seen
from tests.tui.stage import check_golden, running, screen_lines

SPANS = (Span("a.jsonl", 0, 10), Span("a.jsonl", 11, 10))
PASSAGES = tuple(map(Passage, SPANS))
BLOCKS = (
    TextBlock("thinking", "thinking", ""),
    TextBlock("text", "assistant", "The coupon is applied twice. " * 12),
    TextBlock("tool_result", "result", SOURCE),
)


def said(*blocks: TextBlock) -> list[Row]:
    return read_rows(lambda spans: blocks, PASSAGES[:1], 80, 1_000)


@given(st.text(), st.integers(8, 40))
def test_folding_loses_nothing_and_keeps_the_width(text: str, width: int) -> None:
    text = harmless(text)
    pieces = list(fold(text, width))
    assert "".join(pieces) == text
    assert all(cell_len(piece) <= width for piece in pieces)


@given(st.text(st.characters(max_codepoint=0x2100)))
def test_no_row_holds_a_character_that_a_terminal_obeys(text: str) -> None:
    rows = said(TextBlock("tool_use", text, text))
    assert all(
        ord(glyph) >= 32 and not 127 <= ord(glyph) < 160 for row in rows for glyph in row.text
    )


def test_long_lines_break_at_a_blank_and_keep_their_number() -> None:
    rows = list(block_rows(TextBlock("text", "assistant", "one two three four\nfive"), GUTTER + 10))
    assert rows[1:] == [Row("one two ", 1), Row("three four"), Row("five", 2)]


def test_tabs_become_blanks_so_that_indentation_stays() -> None:
    assert harmless("\tif (x)\ty") == "    if (x)  y"


def test_each_block_has_a_name_and_numbers_of_its_own() -> None:
    rows = said(
        TextBlock("tool_use", "Bash", "command: ls"),
        TextBlock("tool_result", "error", "no such file\nor folder"),
        TextBlock("prompt", "user", "go on"),
    )
    assert [row.text for row in rows if row.kind == "heading"] == [
        "Bash input  1 line",
        "tool error  2 lines",
        "prompt  1 line",
    ]
    assert [row.number for row in rows if row.kind == "text"] == [1, 1, 2, 1]


def test_a_block_without_text_says_so() -> None:
    assert said(TextBlock("thinking", "thinking", "")) == [
        Row("thinking", kind="heading"),
        Row("no text in the transcript", kind="note"),
    ]
    assert said() == [Row("nothing is written here", kind="note")]


def test_what_the_model_wrote_says_which_answer_it_is_of() -> None:
    blocks = (
        TextBlock("text", "assistant", "done"),
        TextBlock("tool_use", "Bash", "command: ls"),
        TextBlock("tool_result", "result", "a.ts"),
    )
    passages = (Passage(SPANS[0], "of #281"), Passage(SPANS[1], "of #280"))
    rows = read_rows(lambda spans: blocks, passages, 80, 99)
    assert [row.text for row in rows if row.kind == "heading"] == [
        "answer of #281  1 line", "Bash input of #281  1 line", "tool result  1 line",
        "answer of #280  1 line", "Bash input of #280  1 line", "tool result  1 line",
    ]  # fmt: skip


def test_a_line_with_several_results_is_read_once() -> None:
    asked: list[Span] = []

    def read(spans: Sequence[Span]) -> tuple[TextBlock, ...]:
        asked.extend(spans)
        return ()

    read_rows(read, (*PASSAGES, *PASSAGES), 80, 10)
    assert asked == list(SPANS)


def test_no_more_is_read_than_is_shown() -> None:
    asked: list[Span] = []

    def read(spans: Sequence[Span]) -> tuple[TextBlock, ...]:
        asked.extend(spans)
        return (TextBlock("text", "assistant", "x\n" * 50),)

    rows = read_rows(read, PASSAGES, 80, 20)
    assert len(rows) == 21
    assert rows[-1] == Row("cut after 20 rows", kind="note")
    assert asked == [SPANS[0]]


def test_what_could_be_read_stands_before_the_reason_why_the_rest_could_not() -> None:
    def read(spans: Sequence[Span]) -> tuple[TextBlock, ...]:
        if spans[0] is SPANS[1]:
            raise CcmonError("a.jsonl is gone\x1b[31m", "look again", 3)
        return (TextBlock("text", "assistant", "first"),)

    assert read_rows(read, PASSAGES, 80, 20)[1:] == [
        Row("first", 1),
        Row("a.jsonl is gone", kind="note"),
        Row("look again", kind="note"),
    ]


@pytest.mark.parametrize("size", ["60x20", "100x30", "160x45"])
async def test_looks_as_designed(size: str) -> None:
    width, height = map(int, size.split("x"))
    async with running(sample.sample_snapshot(), (width, height)) as (app, pilot):
        says(app, *BLOCKS)
        app.push_screen(TextScreen("#281", PASSAGES))
        await seen(app, pilot, "applyCoupon")
        check_golden(f"text-{size}", screen_lines(app))


async def test_keys_move_through_the_text_to_both_ends() -> None:
    async with running(sample.sample_snapshot()) as (app, pilot):
        says(app, TextBlock("text", "assistant", "\n".join(f"line {n}." for n in range(1, 500))))
        app.push_screen(TextScreen("#281", PASSAGES[:1]))
        assert "500 rows" in await seen(app, pilot, "line 1.")
        top = "answer  499 lines"
        steps = {"j": "line 27.", "k": top, "ctrl+d": "line 40.", "ctrl+u": top}
        steps |= {"G": "line 499.", "g": top, "end": "line 499.", "pageup": "line 459."}
        for key, text in steps.items():
            await pilot.press(key)
            await seen(app, pilot, text)


async def test_a_narrower_screen_folds_the_text_anew() -> None:
    async with running(sample.sample_snapshot()) as (app, pilot):
        says(app, TextBlock("text", "assistant", "word " * 17 + "end"))
        app.push_screen(TextScreen("#281", PASSAGES[:1]))
        await seen(app, pilot, "word word end")
        await pilot.resize_terminal(60, 20)
        await seen(app, pilot, "\n       word word word word word word word end")


async def test_a_vanished_transcript_is_told_calmly_and_escape_returns() -> None:
    async with running(sample.sample_snapshot()) as (app, pilot):
        below = app.screen
        gone(app, "/t/4c1f.jsonl is shorter than it was")
        app.push_screen(TextScreen("#281", PASSAGES))
        await seen(app, pilot, "4c1f.jsonl is shorter than it was")
        await pilot.press("escape")
        assert app.screen is below


async def test_a_text_that_comes_after_the_screen_was_left_is_nobodys() -> None:
    leave = threading.Event()

    def slow(spans: Sequence[Span]) -> tuple[TextBlock, ...]:
        assert leave.wait(10)
        return BLOCKS

    async with running(sample.sample_snapshot()) as (app, pilot):
        says(app, *BLOCKS)
        below, screen = app.screen, TextScreen("#281", PASSAGES)
        app.push_screen(screen)
        await seen(app, pilot, "applyCoupon")
        app.monitor.read_text = slow  # type: ignore[method-assign]  # one test, one text
        # A worker is cancelled with the screen, but for a moment when all is gone already.
        reading = asyncio.create_task(screen._read(80))
        await pilot.press("escape")
        leave.set()
        await reading
        assert app.screen is below


async def test_hostile_text_and_a_hostile_title_stay_text() -> None:
    async with running(sample.sample_snapshot()) as (app, pilot):
        says(app, TextBlock("other", HOSTILE, f"{HOSTILE}\n{HOSTILE}"))
        app.push_screen(TextScreen(HOSTILE, PASSAGES))
        shown = await seen(app, pilot, "[bold red]x[/oops]gnp.exe")
        assert not set(shown) & set("\x1b\x9b\x07\r\u202e\u200b")


def test_the_lines_of_a_file_that_was_read_keep_the_numbers_they_came_with() -> None:
    block = TextBlock("tool_result", "result", "   201→import x\n   202→\n   203→x()")
    rows = list(block_rows(block, 80))
    assert [row.number for row in rows[1:]] == [None, None, None]
    assert rows[1].text == "   201→import x"
    for text in ("12\tsrc/a.ts\n7\tsrc/b.ts", "201→x\nplain", "plain"):
        rows = list(block_rows(TextBlock("tool_result", "result", text), 80))
        assert rows[1].number == 1


def test_of_several_things_each_text_says_what_it_is() -> None:
    items = [
        Item("tool_result", "Read", "a.py", 3, 10, 1, 10, None, "exact", SPANS[:1]),
        Item("tool_result", "Read", "b.py", 9, 10, 1, 10, None, "exact", SPANS[1:]),
    ]
    passages = passages_of(items)
    assert [each.about for each in passages] == ["b.py, #9", "a.py, #3"]
    assert [each.about for each in passages_of(items[:1])] == [""]
    rows = read_rows(lambda spans: (TextBlock("tool_result", "", "x"),), passages, 80, 100)
    headings = [row.text for row in rows if row.kind == "heading"]
    assert headings == ["tool result  b.py, #9  1 line", "tool result  a.py, #3  1 line"]


def test_a_line_with_several_results_is_read_once_and_has_the_names_of_all() -> None:
    items = [
        Item("tool_result", "Read", name, 3, 10, 1, 10, None, "exact", (span,))
        for name, span in (("a.py", SPANS[0]), ("b.py", SPANS[0]), ("c.py", SPANS[1]))
    ]
    assert [each.about for each in passages_of(items)] == ["a.py, #3  b.py, #3", "c.py, #3"]
