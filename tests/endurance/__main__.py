"""Hours of use, as figures: ``python -m tests.endurance --minutes 120``.

Two apps run side by side, each in a terminal of its own beside four clients: one at the rate at
which people work, one at ten times that. Screens are switched all the time, among them Sessions,
History and Memory, lists are sorted and opened, texts read back, the terminal resized, the screens
frozen and the process stopped. Sessions end and others take their place, contexts are compacted,
sub-agents come and go.

Printed are memory with the slope of a line through its samples after the first quarter, file
descriptors, threads, processor time, and the time from an append to its figure in the terminal.
The exit code is 1 when an app ended, told less than there was, or would grow by 20 MB or more in a
day of people's work. The faster run decides that: in it requests weigh more than key presses do.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from tests.endurance.figures import Run
from tests.endurance.trial import trial

SPEEDS = (1.0, 10.0)
DWELL = 2.0
SAMPLES = 240
MOST_A_DAY = 20_000_000
"""Bytes that a day may add."""


def main() -> int:
    """Run and print; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.endurance", description=__doc__)
    parser.add_argument("--minutes", type=float, default=120.0)
    seconds = 60.0 * parser.parse_args().minutes
    scratch = Path(tempfile.mkdtemp(prefix="ccmon-endurance-"))
    every = max(1.0, seconds / SAMPLES)
    runs = trial(scratch, seconds, speeds=SPEEDS, dwell=DWELL, every=every)
    for speed, run in runs.items():
        sys.stdout.write(f"\n## {speed:g} times the real rate\n\n")
        for name, figure in run.told():
            sys.stdout.write(f"{name:22} {figure}\n")
        if run.stale:
            sys.stdout.write(f"\n{run.screen}\n")
        if run.traceback:
            sys.stdout.write(f"\nTraceback{run.traceback}\n")
    broken = any(map(is_broken, runs.values()))
    return int(broken or runs[max(SPEEDS)].per_day >= MOST_A_DAY)


def is_broken(run: Run) -> bool:
    """Whether the app ended early, failed, or did not show what there was."""
    return bool(run.exit_code or run.traceback or run.stale or not run.samples)


if __name__ == "__main__":
    raise SystemExit(main())
