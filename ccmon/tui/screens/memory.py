"""The Memory screen: what sessions find out again and again, and what a memory of it would save."""

from __future__ import annotations

from typing import ClassVar

from ccmon import format as fmt
from ccmon import words
from ccmon.past import Memory
from ccmon.tui.commands import Place, bindings
from ccmon.tui.looking_back import MemoryQuery
from ccmon.tui.safe import Part, line
from ccmon.tui.screens.past import PastScreen
from ccmon.tui.widgets.candidate_table import CandidateTable
from ccmon.tui.widgets.past_panels import MEMORY_ROWS, candidate_frame

_DAYS = (30, 90, 7)


class MemoryScreen(PastScreen):
    """Candidates, dearest first, and why the one under the cursor pays or not."""

    PLACE: ClassVar[Place] = "memory"
    AUTO_FOCUS = "#candidates"
    BINDINGS = bindings("memory")
    ROWS = MEMORY_ROWS

    def __init__(self) -> None:
        super().__init__()
        self._days = _DAYS[0]
        self._paying_only = False
        self._told: Memory | None = None

    def make_table(self) -> CandidateTable:
        """The candidates."""
        return CandidateTable(id="candidates")

    @property
    def table(self) -> CandidateTable:
        """The candidates."""
        return self.query_one(CandidateTable)

    @property
    def moved(self) -> CandidateTable:
        """The candidates."""
        return self.table

    @property
    def wanted(self) -> MemoryQuery:
        """Which days."""
        return MemoryQuery(self._days)

    def crumbs(self) -> tuple[str, ...]:
        """How many candidates there are."""
        count = self.table.count
        counted = f" {fmt.plural(count, 'candidate')}{self.so_far}" if count else ""
        return (f"Memory{counted}",)

    def settings_line(self) -> tuple[Part, ...]:
        """What is shown in which order, and the span."""
        span = line(("last ", "$label"), f"{self._days} days")
        only = line("what pays", "   ", span) if self._paying_only else span
        order = line(("order ", "$label"), "most to save", "   ")
        return self.fitted(line(order, only), only, span)

    def show_past(self) -> None:
        """Candidates, the one under the cursor, and how far sessions are studied."""
        memory = self.past.memory(self.wanted)
        self._tell(memory)
        if self.past.studying.files:
            self.draw_progress("studying", self.past.studying, "sessions")
        else:
            self.draw_progress("reading", self.past.scanning, "transcripts")
        candidates = list(memory.candidates) if memory is not None else []
        if self._paying_only:
            candidates = [each for each in candidates if each.recommended]
        self.table.show(candidates, self._nothing(memory))
        self._draw_detail()

    def _tell(self, memory: Memory | None) -> None:
        """Let the findings of live sessions know, once all of the usual span was studied."""
        usual = self._days == _DAYS[0] and not self.past.reading
        if memory is not None and usual and memory is not self._told:
            self._told = memory
            self.ccmon.monitor.know(memory.candidates)

    def _nothing(self, memory: Memory | None) -> str:
        if reason := self.unavailable():
            return reason
        if memory is None or self.past.reading:
            return "studying …"
        if memory.candidates:
            return "nothing of it pays; a shows all"
        return words.nothing_repeated(memory)

    def _draw_detail(self) -> None:
        memory, candidate = self.past.memory(self.wanted), self.table.selected
        if memory is None:
            self.draw_detail(None)
            self.draw_foot(None, "")
            return
        counted = _counted(memory) + self.so_far
        frame = None
        if candidate is not None:
            project = self.table.project_of(candidate)
            frame = candidate_frame(candidate, project, counted, self.inner, self.ccmon.now())
        self.draw_detail(frame)
        advice = line(words.advice(candidate)) if candidate is not None else line(counted)
        self.draw_foot(advice, memory.warning)

    def on_candidate_table_moved(self) -> None:
        """Explain the candidate that the cursor is on."""
        self._draw_detail()

    def action_paying_only(self) -> None:
        """What pays, or all again."""
        self._paying_only = not self._paying_only
        self.refresh_snapshot()

    def action_span(self) -> None:
        """Another span of days."""
        self._days = _DAYS[(_DAYS.index(self._days) + 1) % len(_DAYS)]
        self.refresh_snapshot()

    def action_back(self) -> None:
        """Back to the sessions; never quits."""
        self.call_later(self.ccmon.action_tab, "sessions")


def _counted(memory: Memory) -> str:
    sessions = fmt.plural(memory.sessions, "session")
    projects = fmt.plural(memory.projects, "project")
    return f"{sessions} of {projects} in {fmt.plural(memory.days, 'day')}"
