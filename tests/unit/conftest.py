"""What the tests of the Monitor share."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator

import pytest

from ccmon.transcripts.select import Choice, Selection


@pytest.fixture
def client() -> Iterator[subprocess.Popen[bytes]]:
    """A process that does nothing until it is killed."""
    with subprocess.Popen(["sleep", "60"]) as process:
        yield process
        process.kill()


@pytest.fixture
def scans(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """When the files there are were looked at."""
    times: list[float] = []
    choose = Selection.choose

    def counted(self: Selection, now: float, live: dict[str, object]) -> Choice:
        times.append(now)
        return choose(self, now, live)  # type: ignore[arg-type]  # handed through as it came

    monkeypatch.setattr(Selection, "choose", counted)
    return times
