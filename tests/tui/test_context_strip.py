"""The whole context in one row: every colour depth names its parts."""

from __future__ import annotations

import pytest

from ccmon.settings import Settings
from ccmon.tui.ascii import to_ascii
from ccmon.tui.sources import sources
from ccmon.tui.widgets.context_strip import strip_line
from tests import sample
from tests.sample_items import sample_inventory
from tests.tui.stage import running, screen_lines, settled

SOURCES = sources(sample_inventory().composition)


@pytest.mark.parametrize("flat", [False, True])
@pytest.mark.parametrize("width", [38, 58, 98, 158])
def test_it_says_what_it_measures_and_fills_its_width(width: int, *, flat: bool) -> None:
    text = strip_line(SOURCES, width, flat=flat).plain
    assert text.startswith("now ")
    assert len(text) == width


def test_without_colours_the_parts_are_named_too() -> None:
    text = to_ascii(strip_line(SOURCES, 98, flat=True).plain)
    assert text.startswith("now Read 22% ####")
    assert " Bash 19% ###" in text
    assert " text 16% ###" in text


def test_parts_are_as_wide_with_colours_as_without() -> None:
    coloured = strip_line(SOURCES, 98, flat=False).plain
    flat = strip_line(SOURCES, 98, flat=True).plain
    assert coloured.index(" Bash") == flat.index("Bash")


async def test_ascii_shows_names_and_shares_on_the_screen() -> None:
    settings = Settings(ascii=True)
    async with running(sample.sample_snapshot(), (100, 30), settings=settings) as (app, pilot):
        await pilot.press("3")
        await settled(app, pilot)
        assert "now Read 22% ###" in "\n".join(screen_lines(app))
