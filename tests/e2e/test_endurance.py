"""The short form of ``python -m tests.endurance``: everything it does, in 20 seconds."""

from __future__ import annotations

from pathlib import Path

from tests.endurance.__main__ import is_broken
from tests.endurance.figures import fitted
from tests.endurance.trial import trial

SECONDS = 20.0
FAST = 30.0
MOST_MEMORY = 150_000_000
MOST_DESCRIPTORS = 32
MOST_THREADS = 32


def test_busy_screens_beside_busy_clients_lose_nothing_and_leak_nothing(tmp_path: Path) -> None:
    runs = trial(tmp_path / "trial", SECONDS, speeds=(FAST,), dwell=0.3, every=0.5, old=1)
    run = runs[FAST]
    assert not is_broken(run), run
    assert run.acts > 20
    assert run.samples[-1].requests > 20
    vitals = [sample.vitals for sample in run.samples]
    assert max(each.memory for each in vitals) < MOST_MEMORY
    assert max(each.descriptors for each in vitals) < MOST_DESCRIPTORS
    assert max(each.threads for each in vitals) < MOST_THREADS
    assert max(each.children for each in vitals) <= 1


def test_a_slope_is_told_with_its_error() -> None:
    assert fitted([(0.0, 1.0), (1.0, 3.0), (2.0, 5.0)]) == (2.0, 0.0)
    slope, error = fitted([(0.0, 1.0), (1.0, 4.0), (2.0, 4.0), (3.0, 7.0)])
    assert (round(slope, 6), round(error, 3)) == (1.8, 0.424)
    assert fitted([(0.0, 1.0), (1.0, 9.0)]) == (0.0, 0.0)
