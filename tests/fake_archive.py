"""An archive for tests of the command line: it knows a sample, and keeps what it was asked."""

from collections.abc import Iterator
from pathlib import Path

from ccmon.past import History, Kept, Memory, PastRequest, Query, Scanning
from tests.sample_past import sample_history, sample_memory, sample_requests


class FakeArchive:
    """Knows the sample from the second step on, and keeps what it was asked."""

    shown: History = sample_history()
    remembered: Memory = sample_memory()
    rows: tuple[PastRequest, ...] = tuple(sample_requests())
    dropped: Kept = Kept()
    left: History | None = None
    failure: BaseException | None = None
    made: list["FakeArchive"]

    def __init__(
        self, homes: object, settings: object, folder: Path | None, *, whole: bool = True
    ) -> None:
        self.folder = folder
        self.whole = whole
        self.asked: list[object] = []
        self.steps = self.studies = 0
        self.closed = False
        self.scanning = self.studying = Scanning(2, 1, 100, 50)
        self.made.append(self)

    def step(self) -> bool:
        self.steps += 1
        if self.failure is not None:
            raise self.failure
        return self.steps < 2

    def history(self, query: Query) -> History:
        self.asked.append(query)
        return self.shown

    def requests(self, query: Query) -> Iterator[PastRequest]:
        self.asked.append(query)
        return iter(self.rows)

    def forget(self) -> Kept:
        self.shown = self.left or self.shown
        return self.dropped

    def study(self, *, days: int, project: str | None) -> bool:
        self.studies += 1
        return self.studies < 2

    def memory(self, *, days: int, project: str | None) -> Memory:
        self.asked.append((days, project))
        return self.remembered

    def close(self) -> None:
        self.closed = True
