"""A session that was shown is deleted: the app says so and leaves what was opened of it."""

from typing import cast

import pytest
from textual.pilot import Pilot

from ccmon.snapshot import Session, Snapshot
from ccmon.tui.app import CcmonApp
from ccmon.tui.screens.overview import OverviewScreen
from tests import sample
from tests.tui.reading import seen
from tests.tui.stage import FakeMonitor, running, screen_lines, settled

SHOWN, *OTHERS = sample.sample_snapshot().sessions


async def publish(app: CcmonApp, pilot: Pilot[None], *sessions: Session) -> Snapshot:
    snapshot = sample.snapshot_of(*sessions) if sessions else sample.empty_snapshot()
    cast(FakeMonitor, app.monitor).put(snapshot)
    while app.snapshot is not snapshot:
        await pilot.pause()
    await settled(app, pilot)
    return snapshot


async def test_another_session_takes_the_place_of_one_that_is_gone_which_is_said() -> None:
    async with running(sample.sample_snapshot(), toasts=True) as (app, pilot):
        await publish(app, pilot, *OTHERS)
        text = await seen(app, pilot, "is gone")
        assert "shop-api" in text
        assert app.session is OTHERS[0]
        await publish(app, pilot, SHOWN, *OTHERS)
        assert app.session is OTHERS[0]


async def test_a_session_of_which_nothing_is_shown_may_go_without_a_word() -> None:
    async with running(sample.sample_snapshot(), toasts=True) as (app, pilot):
        await publish(app, pilot, SHOWN, *OTHERS[1:])
        assert len(app._notifications) == 0


@pytest.mark.parametrize(
    "keys",
    [("2", "enter"), ("2", "enter", "v"), ("3",), ("3", "enter"), ("4",), ("4", "enter")],
)
async def test_what_was_opened_of_it_is_left(keys: tuple[str, ...]) -> None:
    async with running(sample.sample_snapshot()) as (app, pilot):
        for key in keys:
            await pilot.press(key)
            await settled(app, pilot)
        await publish(app, pilot, *OTHERS)
        assert app.current_mode == ("requests" if keys[0] == "2" else "overview")
        assert len(app.screen_stack) == 1
        await pilot.press("2")
        await settled(app, pilot)
        assert app.current_mode == "requests"
        assert len(app.screen_stack) == 1
        assert "has no request" not in "\n".join(screen_lines(app))


async def test_what_was_opened_is_left_also_where_no_session_remains() -> None:
    async with running(sample.sample_snapshot()) as (app, pilot):
        for key in ("2", "enter"):
            await pilot.press(key)
            await settled(app, pilot)
        await publish(app, pilot)
        assert app.current_mode == "empty"
        await publish(app, pilot, *OTHERS)
        while not isinstance(app.screen, OverviewScreen):
            await pilot.pause()
        assert app.session is OTHERS[0]
