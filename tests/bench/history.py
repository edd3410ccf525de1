"""What the history of all transcripts costs: ``python -m tests.bench.history [MB …]``.

Writes config homes of 20, 200 and 1,000 MB, warms the page cache and runs in turns, whole processes
each: ``grep -c`` over the same files, ``ccmon history`` without an index, with one that knows
everything, and after 1 MB was appended; ``ccusage daily --offline`` too where it is installed.
Prints a Markdown table of medians, as multiples of ``grep`` in the same run.
"""

from __future__ import annotations

import os
import platform
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from msgspec import Struct

SIZES = (20, 200, 1_000)
ROUNDS = 5
APPENDED = 1_000_000


class Run(Struct, frozen=True):
    """One process: wall clock and processor seconds, and the most memory it held, in MB."""

    wall: float
    cpu: float
    memory: float


def main() -> None:
    """Measure each size and print the table."""
    sizes = [int(given) for given in sys.argv[1:]] or list(SIZES)
    sys.stdout.write(f"{machine()}\n\n{HEAD}\n")
    for size in sizes:
        with tempfile.TemporaryDirectory() as scratch:
            for row in measured(Path(scratch), size):
                sys.stdout.write(row + "\n")
                sys.stdout.flush()


HEAD = """| transcripts | what | seconds | x grep | processor s | MB |
|---|---|---|---|---|---|"""


def machine() -> str:
    """What was measured on."""
    info = Path("/proc/cpuinfo")
    models = [line for line in _lines(info) if line.startswith("model name")]
    model = models[0].partition(":")[2].strip() if models else platform.processor()
    return (
        f"{model or platform.machine()}, {os.cpu_count()} cores, {platform.system()},"
        f" Python {platform.python_version()}, files in the page cache"
    )


def measured(scratch: Path, size: int) -> list[str]:
    """The rows of one corpus."""
    home = scratch / "config"
    responses = int(_written(home, size))
    files = sorted(str(path) for path in home.rglob("*.jsonl"))
    environ = {
        "HOME": str(scratch),
        "PATH": os.environ["PATH"],
        "CLAUDE_CONFIG_DIR": str(home),
        "CCMON_CACHE": str(scratch / "cache"),
    }
    ccmon = [sys.executable, "-m", "ccmon", "history", "--json"]
    runs: dict[str, list[Run]] = {}
    started = time.monotonic()
    for number in range(ROUNDS):
        _take(runs, "grep", [*_grep(), '"usage"', *files], environ)
        shutil.rmtree(scratch / "cache", ignore_errors=True)
        _take(runs, "ccmon history, no index yet", ccmon, environ)
        _take(runs, "ccmon history, nothing new", ccmon, environ)
        _append(home, number)
        _take(runs, "ccmon history, 1 MB new", ccmon, environ)
        if shutil.which("ccusage"):
            _take(runs, "ccusage", ["ccusage", "daily", "--json", "--offline"], environ)
        if time.monotonic() - started > 300:
            break
    what = f"{size:,} MB, {responses:,} responses"
    base = _median(runs["grep"], lambda run: run.wall)
    return [_row(what, name, taken, base) for name, taken in runs.items()]


def _row(what: str, name: str, runs: Sequence[Run], base: float) -> str:
    wall = _median(runs, lambda run: run.wall)
    cpu, memory = _median(runs, lambda run: run.cpu), _median(runs, lambda run: run.memory)
    # A process is said to hold at least what the one that started it held.
    held = (
        f"{memory:.0f}"
        if memory > resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1_000
        else ""
    )
    return f"| {what} | {name} | {wall:.2f} | {wall / base:.1f} | {cpu:.2f} | {held} |"


def _median(runs: Sequence[Run], of: Callable[[Run], float]) -> float:
    return statistics.median(map(of, runs))


def _take(
    runs: dict[str, list[Run]], name: str, command: list[str], environ: dict[str, str]
) -> None:
    runs.setdefault(name, []).append(timed(command, environ))


def timed(command: list[str], environ: dict[str, str]) -> Run:
    """Run a whole process. Raises SystemExit when it fails."""
    start = time.perf_counter()
    with subprocess.Popen(command, env=environ, stdout=subprocess.DEVNULL) as process:
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    wall = time.perf_counter() - start
    if process.returncode:
        raise SystemExit(f"{' '.join(command[:4])} … ended with {process.returncode}")
    return Run(wall, used.ru_utime + used.ru_stime, used.ru_maxrss / 1_000)


def _grep() -> list[str]:
    """The fastest there is, on one core."""
    return ["rg", "-j1", "-c"] if shutil.which("rg") else ["grep", "-c"]


def _append(home: Path, number: int) -> None:
    """A session goes on: 1 MB more at the end of a file that is there."""
    extra = home.parent / f"extra-{number}"
    _written(extra, APPENDED // 1_000_000, 1_000 + number)
    grown = min(home.glob("projects/*/*.jsonl"))
    with grown.open("ab") as file:
        for path in sorted(extra.rglob("*.jsonl")):
            own = path.stem.encode()
            file.write(path.read_bytes().replace(own, grown.stem.encode()))
    shutil.rmtree(extra)


def _written(home: Path, *given: int) -> str:
    """Write a corpus in a process of its own: a child counts what its parent held as its memory."""
    command = [sys.executable, "-m", "tests.bench.corpus", str(home), *map(str, given)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text().splitlines()
    except OSError:
        return []


if __name__ == "__main__":
    main()
