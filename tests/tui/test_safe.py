"""Whatever a transcript says, the terminal gets harmless text of the promised width."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from ccmon.tui.safe import clean, clip, facts, fit, fitting, left, line, right, spread


@pytest.mark.parametrize(
    ("hostile", "harmless"),
    [
        ("plain text", "plain text"),
        ("[bold red]not markup[/]", "[bold red]not markup[/]"),
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b[2J\x1b[1;1Hgone", "gone"),
        ("\x9b31mred", "red"),
        ("\x1b]0;new title\x07after", "after"),
        ("\x1b]8;;https://evil.example\x1b\\click\x1b]8;;\x1b\\", "click"),
        ("\x1b]52;c;cm0gLXJm\x07copied", "copied"),
        ("\x1bPq#0;2;0;0;0\x1b\\sixel", "sixel"),
        ("\x1b]0;never ends", ""),
        ("\x1bc reset", " reset"),
        ("a\r\nb\tc\x0bd", "a b c d"),
        ("one\u2028two\x85three", "one two three"),
        ("bell\x07 null\x00 delete\x7f", "bell null delete"),
        ("\u202egnp.exe", "gnp.exe"),
        ("zero\u200bwidth\ufeff", "zerowidth"),
        ("soft\xadhyphen", "softhyphen"),
        ("heart\u2764\ufe0f", "heart\u2764"),
        ("lone \ud800 surrogate", "lone  surrogate"),
        ("tag\U000e0041", "tag"),
        ("naïve 日本語 ☃", "naïve 日本語 ☃"),
    ],
)
def test_clean_takes_out_what_a_terminal_would_obey(hostile: str, harmless: str) -> None:
    assert clean(hostile) == harmless


@given(st.text(st.characters(codec=None)))
def test_clean_text_has_no_control_character_and_can_be_encoded(text: str) -> None:
    cleaned = clean(text)
    categories = {unicodedata.category(character) for character in cleaned}
    assert not categories & {"Cc", "Cs", "Zl", "Zp"}
    assert clean(cleaned) == cleaned
    assert cleaned.encode().decode() == cleaned


@given(st.text(), st.integers(0, 40))
def test_clip_never_exceeds_its_cells(text: str, cells: int) -> None:
    text = clean(text)
    clipped = clip(text, cells)
    assert cell_len(clipped) <= cells
    if cell_len(text) <= cells and cells:
        assert clipped == text


def test_clip_marks_what_it_cut() -> None:
    assert clip("src/checkout/flow.ts", 10) == "src/check…"
    assert clip("日本語", 4) == "日…"


@pytest.mark.parametrize("cells", [0, 1, 5, 9])
@pytest.mark.parametrize("text", ["", "abc", "日本語", "longer than nine"])
def test_columns_have_exactly_their_width(text: str, cells: int) -> None:
    assert cell_len(left(text, cells)) == cells
    assert cell_len(right(text, cells)) == cells


def test_line_takes_markup_for_text() -> None:
    content = line("[red]", ("[/oops]", "$label"), " [@click=app.quit]x")
    assert content.plain == "[red][/oops] [@click=app.quit]x"


def test_spread_leaves_the_right_part_out_rather_than_letting_them_touch() -> None:
    start, end = line("re-read"), line("$0.90")
    assert spread(14, start, end).plain == "re-read  $0.90"
    assert spread(13, start, end).plain == "re-read      "
    assert spread(13, start, end, line("90c")).plain == "re-read   90c"


def test_fit_and_fitting_choose_the_wording_that_has_room() -> None:
    assert fit(line("abc"), 5).plain == "abc  "
    assert fit(line("abcdef"), 4).plain == "abc…"
    assert fitting(8, line("too long for it"), line("fits")).plain == "fits"


def test_facts_drop_whole_facts_never_parts_of_a_number() -> None:
    groups = (["carried ", "$7.59"], ["compact ", "$0.517"], ["15x"])
    assert facts(40, *groups).plain == "carried $7.59   compact $0.517   15x"
    assert facts(35, *groups).plain == "carried $7.59   compact $0.517"
    assert facts(20, *groups).plain == "carried $7.59"
