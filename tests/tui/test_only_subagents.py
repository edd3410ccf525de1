"""A session whose main thread has no request, and one whose model has no price."""

import msgspec
import pytest

from ccmon.snapshot import Session
from ccmon.tui.widgets.drag import drag_frame
from ccmon.tui.widgets.narrow import drag_row
from tests import sample
from tests.tui.stage import running, screen_lines, settled

SAID = "no request in the main thread; 14 in 1 subagent, "


def only_subagents() -> Session:
    return msgspec.structs.replace(
        sample.sample_session(), requests=(), busts=(), compactions=(), findings=(), cache=None,
        context=None, next_request=None, reread=None, spend=None, drag=None,
    )  # fmt: skip


def unpriced() -> Session:
    """The newest request is of a model that has no price."""
    session = sample.sample_session()
    assert session.drag is not None
    last = msgspec.structs.replace(session.requests[-1], model="acme-9", price=None)
    return msgspec.structs.replace(
        session,
        requests=(*session.requests[:-1], last),
        drag=msgspec.structs.replace(session.drag, state="off", d=None, o=None),
    )


@pytest.mark.parametrize("size", [(60, 20), (100, 30), (160, 45)])
async def test_sub_agents_that_worked_alone_are_told_of(size: tuple[int, int]) -> None:
    async with running(sample.snapshot_of(only_subagents()), size) as (app, pilot):
        overview = "\n".join(screen_lines(app))
        await pilot.press("2")
        await settled(app, pilot)
        requests = "\n".join(screen_lines(app))
        await pilot.press("4")
        await settled(app, pilot)
        cache = " ".join("\n".join(screen_lines(app)).split())
    assert "no request yet" not in overview + requests + cache
    assert SAID + "≥$22.16" in requests
    assert "no request in the main thread" in cache
    assert SAID + "≥$22.16" in overview


def test_drag_without_a_price_says_so() -> None:
    frame = drag_frame(unpriced(), 76, 6, flat=False, wide=False)
    assert frame.rows[0].plain == "no price known for acme-9"
    assert drag_row(unpriced(), 58).plain == "no price known for acme-9"


@pytest.mark.parametrize("size", [(60, 20), (100, 30)])
async def test_what_will_never_be_known_is_not_promised(size: tuple[int, int]) -> None:
    bare = msgspec.structs.replace(only_subagents(), inventory=None)
    async with running(sample.snapshot_of(bare), size) as (app, pilot):
        overview = "\n".join(screen_lines(app))
        await pilot.press("3")
        await settled(app, pilot)
        context = "\n".join(screen_lines(app))
    assert "yet" not in context
    assert "not known yet" not in overview
    assert "no request in the main thread; 14 in 1 subagent" in context
    assert size[0] < 80 or "a shows the context of a subagent" in context
