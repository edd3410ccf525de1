"""An archive for the stage: it reads in steps and answers with the invented past."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date

from msgspec.structs import replace
from textual.pilot import Pilot

from ccmon.past import By, Candidate, History, Memory, Query, Scanning, Sums
from tests.sample import calm_snapshot
from tests.sample_past import CANDIDATES, NOW, WORK, Cell, sample_history, sample_memory

SNAPSHOT = replace(calm_snapshot(), generated_at=NOW)
"""A calm board at the moment of the invented past."""


class FakePast:
    """Answers by the cells read so far; ``steps`` more of them with each step.

    ``held`` keeps it from reading on.
    """

    def __init__(
        self,
        cells: Sequence[Cell] = WORK,
        candidates: Sequence[Candidate] = CANDIDATES,
        *,
        held: bool = False,
        warning: str = "",
    ) -> None:
        self.revision = 0
        self.held = held
        self.looks = 0
        self.queries: list[Query] = []
        self.closed = False
        self.stopped = False
        self._cells = cells
        self._candidates = candidates
        self._warning = warning
        self._read = 1
        self._studied = 1

    @property
    def scanning(self) -> Scanning:
        """As many files as there are cells."""
        every = len(self._cells)
        return Scanning(every, min(self._read, every), every * 1_000_000, self._read * 1_000_000)

    @property
    def studying(self) -> Scanning:
        """As many sessions as there are candidates, once all is read."""
        if self._read < len(self._cells):
            return Scanning()
        every = len(self._candidates)
        return Scanning(every, min(self._studied, every))

    def look_again(self) -> None:
        """Count it."""
        self.looks += 1

    def step(self, budget: float = 0.05) -> bool:
        """Read one more cell, unless held."""
        if not self.held and self._read < len(self._cells):
            self._read += 1
            self.revision += 1
        return self._read < len(self._cells)

    def history(self, query: Query) -> History:
        """The groups of what was read, in the days and the project asked for."""
        self.queries.append(query)
        cells = [cell for cell in self._cells[: self._read] if _is_in(cell, query)]
        history = sample_history(query.by, cells)
        if not cells:
            history = replace(history, totals=Sums())
        return replace(history, query=query, warning=self._warning)

    def study(self, budget: float = 0.05, *, days: int = 30, project: str | None = None) -> bool:
        """Study one more session, unless held."""
        if not self.held and self._studied < len(self._candidates):
            self._studied += 1
        return self._studied < len(self._candidates)

    def memory(self, *, days: int = 30, project: str | None = None) -> Memory:
        """The candidates found so far."""
        memory = sample_memory(self._candidates[: self._studied])
        return replace(memory, days=days, warning=self._warning)

    def stop(self) -> None:
        """Remember it."""
        self.stopped = True

    def close(self) -> None:
        """Remember it."""
        self.closed = True


def _is_in(cell: Cell, query: Query) -> bool:
    since, until = query.since or date.min, query.until or date.max
    if cell.day is None:
        return query.since is None and query.until is None
    in_project = query.project is None or query.project == cell.session.project
    return in_project and since <= cell.day <= until


def groupings() -> tuple[By, ...]:
    """All there are."""
    return ("day", "week", "month", "project", "model", "session")


async def until(pilot: Pilot[None], condition: Callable[[], object]) -> None:
    """Wait for what the archive's thread has to do first; fails after five seconds."""
    for _ in range(500):
        if condition():
            return
        await pilot.pause(0.01)
    raise AssertionError("it did not come to that")
