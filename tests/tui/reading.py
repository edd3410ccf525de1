"""Transcript text for the stage, without files."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from textual.pilot import Pilot

from ccmon.errors import CcmonError
from ccmon.measures import Span
from ccmon.monitor import TextBlock
from ccmon.tui.app import CcmonApp
from tests.tui.stage import FakeMonitor, screen_lines, settled

SOURCE = """import { Cart } from "../cart";
import { applyCoupon, CouponError } from "../coupon";

export async function checkout(cart: Cart): Promise<Order> {
\tconst lines = cart.lines.filter((l) => l.quantity > 0);
\tif (lines.length === 0) throw new EmptyCartError(cart.id);
\treturn order(lines);
}
"""

HOSTILE = "\x1b]0;owned\x07[bold red]x[/oops]\x1b[2J\u202egnp.exe\u200b\r\x9b31m done"


def says(app: CcmonApp, *blocks: TextBlock) -> list[Span]:
    """Let every span hold these blocks; the list grows with each span that is read."""
    asked: list[Span] = []

    def read(spans: Sequence[Span]) -> tuple[TextBlock, ...]:
        asked.extend(spans)
        return blocks

    _replace(app, read)
    return asked


def gone(app: CcmonApp, message: str, hint: str = "") -> None:
    """Let every reading fail."""

    def read(spans: Sequence[Span]) -> tuple[TextBlock, ...]:
        raise CcmonError(message, hint, 3)

    _replace(app, read)


def _replace(app: CcmonApp, read: Callable[[Sequence[Span]], tuple[TextBlock, ...]]) -> None:
    assert isinstance(app.monitor, FakeMonitor)
    app.monitor.read_text = read  # type: ignore[assignment,method-assign]  # one test, one text


async def seen(app: CcmonApp, pilot: Pilot[None], text: str) -> str:
    """The screen as one string, once ``text`` stands on it; fails after five seconds."""
    try:
        async with asyncio.timeout(5):
            while text not in (shown := "\n".join(screen_lines(app))):
                await pilot.pause()
    except TimeoutError:
        raise AssertionError(f"{text!r} is not on the screen:\n{shown}") from None
    await settled(app, pilot)
    return shown
