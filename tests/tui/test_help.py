"""Help says every key of the command table and every term of the screens."""

from __future__ import annotations

import re
from typing import get_args

import pytest
from textual.command import CommandPalette

from ccmon.tui.commands import COMMANDS, Place, at
from ccmon.tui.query import FIELDS, FLAGS, parse
from ccmon.tui.screens.help import ABOUT, FILTER, MEANINGS, HelpScreen, key_rows, term_rows
from tests import sample
from tests.tui.reading import seen
from tests.tui.stage import check_golden, running, screen_lines, settled

PLACES: tuple[Place, ...] = get_args(Place)


@pytest.mark.parametrize("width", [56, 76, 96])
@pytest.mark.parametrize("place", PLACES)
def test_every_command_is_listed_once_with_its_keys(place: Place, width: int) -> None:
    text = "\n".join(row.plain for row in key_rows(place, width))
    for command in COMMANDS:
        assert text.count(f"{command.shown.ljust(11)}{command.help}") == 1


def test_what_the_screen_below_can_do_comes_first() -> None:
    rows = [row.plain for row in key_rows("request", 56)]
    commands = at("request")
    assert rows[0] == "Here"
    assert rows[1 : len(commands) + 1] == [
        f"{command.shown.ljust(11)}{command.help}" for command in commands
    ]


def test_the_figures_of_the_screen_below_are_told_next() -> None:
    rows = [row.plain for row in key_rows("history", 96)]
    assert rows.index("What this screen shows") < rows.index("Screens")
    assert any(row.startswith("spent on") for row in rows)
    assert {term for terms in ABOUT.values() for term in terms} <= {term for term, _ in MEANINGS}


@pytest.mark.parametrize("width", [56, 76, 96])
@pytest.mark.parametrize("place", PLACES)
def test_no_row_is_wider_than_the_panel(place: Place, width: int) -> None:
    rows = [*key_rows(place, width), *term_rows("Filter", FILTER, width)]
    rows += term_rows("Numbers", MEANINGS, width)
    assert all(row.cell_length <= width for row in rows)


def test_every_mark_of_the_numbers_is_explained() -> None:
    terms = {term for term, _ in MEANINGS}
    assert terms >= {
        "context", "new", "column new", "$req, $carry", "30x", "amp 100x",
        "re-read", "rewrite", "output", "│", "drag", "bust", "≥", "~", "?"
    }  # fmt: skip
    text = " ".join(" ".join(row.plain for row in term_rows("Numbers", MEANINGS, 96)).split())
    assert all(meaning in text for term, meaning in MEANINGS if len(meaning) < 80)


def test_the_examples_of_the_filter_are_understood_as_they_stand() -> None:
    for terms, _ in FILTER:
        assert not parse(terms).errors
        assert not parse(terms.removeprefix("!")).errors
    words = {word for _, said in FILTER for word in re.findall(r"[a-z#][\w:.#]+\b", said)}
    assert words >= {*FIELDS, *FLAGS} - {"ctx", "bust"}


@pytest.mark.parametrize("size", ["60x20", "100x30", "160x45"])
async def test_looks_as_designed(size: str) -> None:
    width, height = map(int, size.split("x"))
    async with running(sample.sample_snapshot(), (width, height)) as (app, pilot):
        await pilot.press("question_mark")
        await seen(app, pilot, "esc closes")
        check_golden(f"help-{size}", screen_lines(app))


async def test_all_of_it_can_be_reached_on_a_small_screen() -> None:
    async with running(sample.sample_snapshot(), (60, 20)) as (app, pilot):
        await pilot.press("question_mark")
        await seen(app, pilot, "esc closes")
        await pilot.press("G")
        await seen(app, pilot, MEANINGS[-1][0])
        await pilot.press("g")
        await seen(app, pilot, "Here")
        await pilot.press("ctrl+d", "j", "k", "ctrl+u")
        await seen(app, pilot, "Here")


@pytest.mark.parametrize("key", ["escape", "question_mark"])
async def test_escape_and_question_mark_close_it(key: str) -> None:
    async with running(sample.sample_snapshot()) as (app, pilot):
        below = app.screen
        await pilot.press("question_mark")
        assert isinstance(app.screen, HelpScreen)
        await pilot.press(key)
        assert app.screen is below


async def test_the_keys_of_every_screen_work_over_it() -> None:
    async with running(sample.sample_snapshot()) as (app, pilot):
        await pilot.press("question_mark", "t", "2")
        await settled(app, pilot)
        assert app.unit == "tokens"
        assert (app.current_mode, len(app.screen_stack)) == ("requests", 1)
        await pilot.press("question_mark", "ctrl+p")
        await settled(app, pilot)
        assert isinstance(app.screen, CommandPalette)
        assert len(app.screen_stack) == 2
        await pilot.press("escape", "question_mark", "q")
        await pilot.pause()
        assert app.return_code == 0


async def test_it_can_begin_with_what_the_numbers_mean() -> None:
    async with running(sample.sample_snapshot(), (60, 20)) as (app, pilot):
        app.push_screen(HelpScreen("numbers"))
        shown = await seen(app, pilot, "What the numbers mean")
        assert shown.splitlines()[1].startswith("│ What the numbers mean")
        await pilot.resize_terminal(100, 30)
        await pilot.press("G")
        await seen(app, pilot, "nothing exact holds it in bounds.")
