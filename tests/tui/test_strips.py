"""The short way of drawing draws what Textual's own way draws."""

import pytest
from rich.segment import Segment
from textual.content import Content

from ccmon import format as fmt
from ccmon.settings import Settings
from ccmon.tui.safe import line
from ccmon.tui.widgets.request_list import RequestList
from ccmon.tui.widgets.request_row import Shape, divider, request_row, titles
from ccmon.tui.widgets.strips import StripMaker
from tests.sample import sample_snapshot
from tests.tui.stage import running


def cells(segments: list[Segment]) -> list[tuple[str, str]]:
    """Every glyph with what a terminal is told to paint it in."""
    return [(glyph, str(style)) for text, style, _ in segments for glyph in text]


def contents(flat: bool) -> list[Content]:
    session = sample_snapshot().sessions[0]
    shape = Shape.fitting(100, flat=flat)
    rows = [session.requests[index] for index in (0, 43, 70, 149, 204, 280, 282)]
    return [
        titles(shape, "ctx", descending=True),
        divider(session.compactions[0], 100, flat=flat),
        line("plain ", ("styled", "$accent bold"), " wide 字 ", ("on ground", "$label on $cursor")),
        line(""),
        line("under ", ("and over", "$error bold"), " it").stylize("on $error-tint"),
        *(request_row(row, shape, cursor=False, clock=fmt.clock) for row in rows),
        *(request_row(row, shape, cursor=True, clock=fmt.clock) for row in rows),
    ]


@pytest.mark.parametrize("theme", ["dark", "light", "ansi"])
async def test_strips_are_those_of_the_long_way(theme: str) -> None:
    settings = Settings(theme=theme)  # type: ignore[arg-type]  # one of the literals
    async with running(sample_snapshot(), (100, 30), settings=settings) as (app, pilot):
        await pilot.press("2")
        widget = app.screen.query_one(RequestList)
        maker = StripMaker(widget)
        for content in contents(app.flat):
            long_way = cells(content.render_segments(widget.visual_style))
            short_way = cells(list(maker.strip(content, content.cell_length)))
            assert short_way == long_way, content.plain
            assert maker.strip(content, 120).cell_length == 120
            assert maker.strip(content, 7).cell_length == 7
