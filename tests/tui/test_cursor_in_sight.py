"""The cursor of a list stays on the screen, whatever the size of the terminal becomes."""

from __future__ import annotations

import pytest

from tests import sample
from tests.tui.stage import running, screen_lines, settled

RESIZES = [
    ((100, 14), (100, 30)),
    ((59, 19), (40, 10)),
    ((100, 14), (200, 12)),
    ((100, 30), (100, 12)),
    ((160, 45), (80, 24)),
]


@pytest.mark.parametrize("screen", ["2", "3"])
@pytest.mark.parametrize(("before", "after"), RESIZES)
async def test_a_cursor_at_the_end_is_seen_after_a_resize_and_a_move(
    screen: str, before: tuple[int, int], after: tuple[int, int]
) -> None:
    async with running(sample.sample_snapshot(), before) as (app, pilot):
        await pilot.press(screen, "G", "space", "G", "space", "G")
        await settled(app, pilot)
        await pilot.resize_terminal(*after)
        await settled(app, pilot)
        assert "▌" in "\n".join(screen_lines(app))
        await pilot.press("k")
        await settled(app, pilot)
        assert "▌" in "\n".join(screen_lines(app))
