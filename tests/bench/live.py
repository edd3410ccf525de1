"""What the app costs in a real terminal, beside a session that grows.

``python -m tests.bench.live [CONFIG_DIR]`` copies the transcripts of a config home (default: the
recording of the demo) into a scratch one, runs ccmon on it in a pseudo-terminal and prints medians:

- first paint and first numbers after process start, beside a bare ``import textual.app`` of the
  same minute, because these times mean little without it on a shared machine;
- from the append of a response to its figure in the output of the terminal;
- from ``q`` to the end of the process;
- processor time and memory while nothing happens and at 50 responses a second.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from ccmon import demo
from tests.e2e.terminal import Terminal, terminal

STARTS = 7
APPENDS = 40
IDLE_SECONDS = 20
STORM_SECONDS = 15
STORM_RATE = 50
TICKS = os.sysconf("SC_CLK_TCK")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.live", description=__doc__)
    parser.add_argument("config_dir", nargs="?", type=Path)
    given = parser.parse_args().config_dir
    with tempfile.TemporaryDirectory() as scratch:
        home = Path(scratch) / "config"
        if given is None:
            demo.play(home, live=False, now=time.time(), stop=threading.Event())
        else:
            shutil.copytree(given / "projects", home / "projects")
        transcript = max(home.rglob("*.jsonl"), key=lambda path: path.stat().st_size)
        os.utime(transcript)
        environ = {
            "HOME": scratch,
            "PATH": os.environ["PATH"],
            "CLAUDE_CONFIG_DIR": str(home),
            "TERM": "xterm-256color",
            "COLORTERM": "truecolor",
        }
        starts(environ)
        latency(environ, transcript)
        cost(environ, transcript)


def say(name: str, text: str) -> None:
    """One line of the result."""
    sys.stdout.write(f"{name:24} {text}\n")
    sys.stdout.flush()


def until(screen: Terminal, glyphs: bytes, start: float) -> float:
    """Seconds from ``start`` until the terminal has been told these glyphs."""
    seen = len(screen.output)
    while glyphs not in screen.output[max(0, seen - len(glyphs)) :]:
        if not screen.pump(0.002):
            raise SystemExit("ccmon ended")
    return time.monotonic() - start


def rest(screen: Terminal, seconds: float) -> None:
    """Let the program go on, reading what it writes."""
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        screen.pump(left)


def starts(environ: dict[str, str]) -> None:
    """First paint, first numbers, quitting; alternating with the bare import."""
    bare, paint, numbers, ends = [], [], [], []
    for _ in range(STARTS):
        start = time.monotonic()
        subprocess.run([sys.executable, "-c", "import textual.app"], check=True)
        bare.append(time.monotonic() - start)
        start = time.monotonic()
        with terminal([], environ) as screen:
            paint.append(until(screen, "─".encode(), start))
            numbers.append(
                time.monotonic() - start
                if b"Next request" in screen.output
                else until(screen, b"Next request", start)
            )
            rest(screen, 1.0)
            start = time.monotonic()
            screen.press("q")
            screen.wait_for_exit()
            ends.append(time.monotonic() - start)
    median = statistics.median
    say("bare import of textual", f"{median(bare):.3f} s")
    say("first paint", f"{median(paint):.3f} s, {median(paint) / median(bare):.2f} x the import")
    say("first numbers", f"{median(numbers):.3f} s")
    say("quit", f"{median(ends):.3f} s")


def latency(environ: dict[str, str], transcript: Path) -> None:
    """From an append to the figure in the terminal's output."""
    times = []
    with terminal([], environ) as screen:
        until(screen, b"Next request", time.monotonic())
        rest(screen, 2.0)
        for number in range(APPENDS):
            thousands = 301 + number * 2
            start = time.monotonic()
            append(transcript, f"msg_latency_{number}", thousands * 1_000)
            times.append(until(screen, f"{thousands}.0k".encode(), start) * 1_000)
            rest(screen, random.uniform(0.3, 0.7))
    times.sort()
    p95 = times[int(0.95 * len(times)) - 1]
    say("append to terminal", f"median {statistics.median(times):.0f} ms, p95 {p95:.0f} ms")


def cost(environ: dict[str, str], transcript: Path) -> None:
    """Processor time and memory, idle and in a storm, on both screens."""
    with terminal([], environ) as screen:
        until(screen, b"Next request", time.monotonic())
        rest(screen, 3.0)
        before = processor_seconds(screen)
        rest(screen, IDLE_SECONDS)
        share = (processor_seconds(screen) - before) / IDLE_SECONDS
        say("idle", f"{share:.2%} of a core, {memory(screen)}")
        for name, key in (("Overview", "1"), ("Requests", "2")):
            screen.press(key)
            rest(screen, 1.0)
            before, start = processor_seconds(screen), time.monotonic()
            for number in range(STORM_SECONDS * STORM_RATE):
                append(transcript, f"msg_{name}_{number}", 400_000 + number)
                rest(screen, max(0.0, start + number / STORM_RATE - time.monotonic()))
            share = (processor_seconds(screen) - before) / (time.monotonic() - start)
            say(f"{STORM_RATE}/s on {name}", f"{share:.1%} of a core, {memory(screen)}")


def append(transcript: Path, message_id: str, context: int) -> None:
    """A response that read so many tokens from the cache."""
    usage = {"input_tokens": 0, "cache_read_input_tokens": context, "output_tokens": 50}
    record = {
        "type": "assistant",
        "uuid": message_id,
        "sessionId": transcript.stem,
        "version": "2.1.330",
        "timestamp": time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime()),
        "message": {
            "id": message_id,
            "model": "claude-opus-5-5",
            "content": [{"type": "text", "text": "."}],
            "stop_reason": "end_turn",
            "usage": {**usage, "cache_creation_input_tokens": 0},
        },
    }
    with transcript.open("ab", buffering=0) as file:
        file.write(json.dumps(record).encode() + b"\n")


def processor_seconds(screen: Terminal) -> float:
    """User and system time of the process so far."""
    fields = Path(f"/proc/{screen.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def memory(screen: Terminal) -> str:
    """Resident memory of the process."""
    for line in Path(f"/proc/{screen.pid}/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return f"{int(line.split()[1]) / 1000:.0f} MB"
    return "?"


if __name__ == "__main__":
    main()
