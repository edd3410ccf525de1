"""Is rewriting dominating? A state with hysteresis, from the cost of the last fifty requests.

Source: accounting.md section 11. One bust is an event; several of them within fifty requests that
take a share of what those cost are a state.
"""

from __future__ import annotations

from collections import deque
from copy import copy

from ccmon.measures import ALERT_SPAN
from ccmon.requests import Request
from ccmon.snapshot import AlertState, CacheAlert

SEEN = 20
"""Requests before a share says anything."""
BUSTS = 2
ENTER_HIGH = 0.15
ENTER_SEVERE = 0.30
FALLS_SEVERE = 0.25
LEAVE = 0.10


class AlertMachine:
    """The cache state; feed it the share and the number of busts after each request."""

    def __init__(self) -> None:
        self.state: AlertState = "off"

    def push(self, share: float | None, busts: int) -> AlertState:
        """The state after a request; ``share`` is None while it says nothing."""
        if share is None or share < LEAVE:
            self.state = "off"
        elif share >= ENTER_SEVERE and busts >= BUSTS:
            self.state = "severe"
        elif self.state == "severe":
            self.state = "severe" if share >= FALLS_SEVERE else "high"
        elif share >= ENTER_HIGH and busts >= BUSTS:
            self.state = "high"
        return self.state


class AlertFold:
    """The cache state of one thread up to a request: a left fold over its rows."""

    def __init__(self) -> None:
        self.since: int | None = None
        self._machine = AlertMachine()
        self._costs: deque[float] = deque(maxlen=ALERT_SPAN)
        self._rewrites: deque[float] = deque(maxlen=ALERT_SPAN)
        self._rewritten: deque[int] = deque(maxlen=ALERT_SPAN)

    def copy(self) -> AlertFold:
        """A fold that goes on from here without touching this one."""
        twin = copy(self)
        twin._machine, twin._costs = copy(self._machine), copy(self._costs)
        twin._rewrites, twin._rewritten = copy(self._rewrites), copy(self._rewritten)
        return twin

    def push(self, row: Request) -> None:
        """Take in the next request; one without a price stands in the window and costs nothing."""
        self._costs.append(row.cost or 0.0)
        self._rewrites.append(row.split.rewrite if row.split is not None else 0.0)
        self._rewritten.append(row.rewritten)
        before = self._machine.state
        state = self._machine.push(self._share(), self._busts())
        if state != before:
            self.since = row.n if state != "off" else None

    def alert(self) -> CacheAlert:
        """The state as it is shown."""
        return CacheAlert(
            state=self._machine.state,
            share=self._share(),
            busts=self._busts(),
            rewritten=sum(self._rewritten),
            since_request=self.since,
        )

    def _share(self) -> float | None:
        cost = sum(self._costs)
        return sum(self._rewrites) / cost if len(self._costs) >= SEEN and cost else None

    def _busts(self) -> int:
        return len(self._rewritten) - self._rewritten.count(0)
