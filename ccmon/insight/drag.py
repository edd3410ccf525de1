"""Is re-reading dominating? A state with hysteresis, from ratios of money.

Source: accounting.md section 11. D compares carrying with doing, O what carrying has cost with what
compacting would cost; both follow the prices by themselves.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from copy import copy

from msgspec import Struct

from ccmon.insight.compaction import CompactionPlan, Habits, plan_compaction
from ccmon.ledger.usage import tier_of
from ccmon.measures import Split, Ttl
from ccmon.requests import Compaction, Request
from ccmon.snapshot import DragState

WINDOW = 12
STREAK = 3
ENTER_O = 1.5
ENTER_D = 0.75
ENTER_D_OVERDUE = 0.50
OVERDUE_O = 4.0
DOMINATES_D = 0.85
FALLS_D = 0.75
LEAVE_D = 0.45
LEAVE_O = 0.5


class Ratios(Struct, frozen=True, gc=False):
    """Drag after one request; both None before the segment's second request or without price."""

    d: float | None
    o: float | None


class StateMachine:
    """The drag state; feed it the ratios of each request."""

    def __init__(self) -> None:
        self.state: DragState = "off"
        self._streak = 0

    def reset(self) -> None:
        """A compaction or a clear: whatever was carried is gone."""
        self.state = "off"
        self._streak = 0

    def push(self, ratios: Ratios) -> DragState:
        """The state after a request with these ratios."""
        d, o = ratios.d, ratios.o
        if d is None or o is None:
            self.reset()
        elif self.state == "off":
            over = o >= ENTER_O and (d >= ENTER_D or (d >= ENTER_D_OVERDUE and o >= OVERDUE_O))
            self._streak = self._streak + 1 if over else 0
            if self._streak >= STREAK:
                self.state = "high"
        elif d < LEAVE_D or o < LEAVE_O:
            self.reset()
        elif self.state == "high":
            if d >= DOMINATES_D and o >= OVERDUE_O:
                self.state = "dominates"
        elif d < FALLS_D:
            self.state = "high"
        return self.state


class DragFold:
    """Drag of one thread up to a request: a left fold over its rows.

    ``requests`` counts those of the segment.
    """

    def __init__(self) -> None:
        self.habits = Habits()
        self.base = 0
        self.carried = 0.0
        self.ratios = Ratios(None, None)
        self.plan: CompactionPlan | None = None
        self.since: int | None = None
        self.state: DragState = "off"
        self._machine = StateMachine()
        self._window: deque[Split] = deque(maxlen=WINDOW)
        self.requests = 0
        self._priced = True
        self._tier: Ttl | None = None

    def copy(self) -> DragFold:
        """A fold that goes on from here without touching this one."""
        twin = copy(self)
        twin._machine, twin._window = copy(self._machine), copy(self._window)
        return twin

    def push(self, row: Request, compactions: Mapping[int, Compaction]) -> None:
        """Take in the next request; ``compactions`` by the number of the request after each."""
        self._tier = tier_of(row.usage) or self._tier
        if row.starts_segment:
            self._open_segment(row, compactions.get(row.n))
        self.requests += 1
        self._carry(row)
        state = self._machine.push(self.ratios)
        if state != self.state:
            self.state = state
            self.since = row.n if state != "off" else None

    def _open_segment(self, row: Request, compaction: Compaction | None) -> None:
        if compaction is not None:
            self.habits = self.habits.after(compaction, row)
        self.base = max(row.context, self.habits.context)
        self.carried = 0.0
        self.requests = 0
        self._priced = True
        self._window.clear()
        self._machine.reset()

    def _carry(self, row: Request) -> None:
        if row.price is None or row.split is None:
            self._priced = False
            self.plan = None
            self.ratios = Ratios(None, None)
            return
        self._window.append(row.split)
        self.carried += row.price.read * max(0, row.context - self.base)
        self.plan = plan_compaction(row.context, row.price, self._tier, self.habits)
        if self.requests < 2 or not self._priced:
            self.ratios = Ratios(None, None)
            return
        spent = sum(self._window, Split())
        doing = spent.carry + spent.fresh + spent.output
        self.ratios = Ratios(
            spent.carry / doing if doing else None,
            self.carried / self.plan.cost if self.plan.cost else None,
        )
