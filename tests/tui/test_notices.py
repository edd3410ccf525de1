"""Notices: told once, one at a time, as toasts; louder only when that is wanted."""

from collections.abc import Callable
from typing import cast

import msgspec
import pytest
from textual.pilot import Pilot

from ccmon.settings import Settings
from ccmon.snapshot import Notice, Severity, Snapshot
from ccmon.tui import notices
from ccmon.tui.app import CcmonApp
from tests import sample
from tests.tui.reading import seen
from tests.tui.stage import FakeMonitor, check_golden, running, screen_lines, settled

TEXT = "re-reading 66% of spend; compact $0.52, 15x overdue, pays back in 7 requests"


def notice(serial: int, title: str = "DRAG HIGH", **changes: object) -> Notice:
    """A notice about the session of the sample."""
    made = Notice(serial, "high", sample.SESSION_ID, title, TEXT, "F1")
    return msgspec.structs.replace(made, **changes)


def telling(*told: Notice) -> Snapshot:
    return msgspec.structs.replace(sample.sample_snapshot(), notices=told)


async def publish(app: CcmonApp, pilot: Pilot[None], snapshot: Snapshot) -> None:
    cast(FakeMonitor, app.monitor).put(snapshot)
    while app.snapshot is not snapshot:
        await pilot.pause()
    await settled(app, pilot)


def screen(app: CcmonApp) -> str:
    return "\n".join(screen_lines(app))


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What goes to the terminal beside the drawing: bells and escape sequences."""
    out: list[str] = []
    monkeypatch.setattr(CcmonApp, "bell", lambda _self: out.append("\a"))
    monkeypatch.setattr(CcmonApp, "tell_desktop", lambda _self, text: out.append(text))
    return out


async def test_a_new_notice_is_a_toast_and_what_stood_at_the_start_is_not() -> None:
    async with running(telling(notice(1, "OLD NEWS")), toasts=True) as (app, pilot):
        assert "OLD NEWS" not in screen(app)
        await publish(app, pilot, telling(notice(1, "OLD NEWS"), notice(2)))
        text = await seen(app, pilot, "DRAG HIGH · shop-api ")
        check_golden("toast-100x30", screen_lines(app))
        assert "OLD NEWS" not in text
        assert "!! DRAG HIGH · shop-api                    F1" in text
        assert "re-reading 66% of spend; compact $0.52, 15x" in text


@pytest.mark.parametrize(
    ("finding", "severity", "mark"),
    [("F1", "info", "!!"), ("F4", "high", "!"), ("F9", "info", "i")],
)
async def test_a_toast_has_the_mark_of_its_finding_where_there_is_one(
    finding: str, severity: Severity, mark: str
) -> None:
    async with running(telling(), toasts=True) as (app, pilot):
        told = notice(1, "TOLD", finding=finding, severity=severity)
        await publish(app, pilot, telling(told))
        assert f" {mark} TOLD · shop-api" in await seen(app, pilot, "TOLD")


async def test_a_notice_is_told_once() -> None:
    async with running(telling(), toasts=True) as (app, pilot):
        await publish(app, pilot, telling(notice(1)))
        app.clear_notifications()
        await publish(app, pilot, telling(notice(1)))
        assert len(app._notifications) == 0


async def test_several_notices_come_one_after_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    waiting: list[Callable[[], None]] = []
    async with running(telling(), toasts=True) as (app, pilot):
        monkeypatch.setattr(app, "set_timer", lambda _delay, callback: waiting.append(callback))
        await publish(app, pilot, telling(notice(1, "FIRST"), notice(2, "SECOND")))
        assert "SECOND" not in await seen(app, pilot, "FIRST")
        waiting.pop()()
        assert "FIRST" not in await seen(app, pilot, "SECOND")


async def test_a_notice_of_another_session_names_its_project() -> None:
    other = sample.sample_snapshot().sessions[1]
    async with running(telling(), toasts=True) as (app, pilot):
        told = telling(notice(1, "CACHE BUST", session_id=other.session_id, finding="F4"))
        await publish(app, pilot, told)
        await seen(app, pilot, "!! CACHE BUST · docs-site")


async def test_bell_and_desktop_stay_silent_unless_configured(written: list[str]) -> None:
    async with running(telling(), toasts=True) as (app, pilot):
        await publish(app, pilot, telling(notice(1)))
        await seen(app, pilot, "DRAG HIGH · shop-api ")
    assert written == []


async def test_bell_and_desktop_repeat_a_notice_when_configured(written: list[str]) -> None:
    settings = Settings(bell=True, desktop=True)
    async with running(telling(), settings=settings, toasts=True) as (app, pilot):
        await publish(app, pilot, telling(notice(1)))
    assert written == ["\a", f"shop-api !! DRAG HIGH: {TEXT}"]


async def test_text_of_a_notice_is_neither_markup_nor_escape(written: list[str]) -> None:
    hostile = notice(1, "[red]X\x1b[2J", text="[/oops] \x07\x1b]0;owned\x07go\u202eon")
    async with running(telling(), settings=Settings(desktop=True), toasts=True) as (app, pilot):
        await publish(app, pilot, telling(hostile))
        assert "[/oops] goon" in await seen(app, pilot, "[red]X")
    assert written == ["shop-api !! [red]X: [/oops] goon"]


async def test_a_desktop_notification_is_one_short_escape_sequence(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    out: list[str] = []
    async with running(telling(), settings=Settings(desktop=True), toasts=True) as (app, pilot):
        monkeypatch.setattr(CcmonApp, "is_headless", False)
        monkeypatch.setattr(app._driver, "write", out.append)
        await publish(app, pilot, telling(notice(1, text="x" * 900)))
    told = [text for text in out if text.startswith("\x1b]9;")]
    assert len(told) == 1
    assert told[0].endswith("…\x07")
    assert len(told[0]) <= notices.DESKTOP_CELLS + len("\x1b]9;\x07")
