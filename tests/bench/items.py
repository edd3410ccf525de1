"""What it costs to know what is in a context: ``python -m tests.bench.items``.

Writes a session of 1,000 requests and 20 MB, a fifth of them with several results at once, and
prints:

- the time a fresh process takes until everything is attributed, by characters and with the
  tokenizer, beside the longest time that no other thread of it could run (a key press waits so
  long) and its longest step;
- what one more request costs: reading, accounting and the snapshot;
- memory of the app in a pseudo-terminal, and of its counting process, for that session and for one
  of 10,000 requests;
- what a snapshot pays for a copy of 25,000 items.
"""

from __future__ import annotations

import json
import os
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from msgspec.structs import replace

from ccmon.ledger.contents import Contents
from ccmon.monitor import Monitor, Scope
from ccmon.requests import Entered
from ccmon.settings import Settings
from ccmon.transcripts.locate import config_homes
from tests.bench.live import memory, rest, say, until
from tests.builders import SESSION, main_rows, rows_of
from tests.e2e.terminal import terminal
from tests.lines import Record, assistant, call, line, result, usage, user

REQUESTS, BYTES = 1_000, 20_000_000
MANY = 10_000
ITEMS = 25_000
RUNS = 5
MORE = 20
TEXT = "self return value items total price cart index def for in if not None path error"


def main() -> None:
    """Measure and print; with arguments, be the fresh process that is measured."""
    if sys.argv[1:]:
        attribute(Path(sys.argv[1]), tokenizer=sys.argv[2] == "cl100k")
        return
    with tempfile.TemporaryDirectory() as scratch:
        home = Path(scratch) / "config"
        path = write(home, REQUESTS, BYTES // REQUESTS)
        size = path.stat().st_size
        say("session", f"{REQUESTS:,} requests, {size / 1e6:.1f} MB")
        for estimator in ("characters", "cl100k"):
            cold(home, estimator)
        one_more(home, path)
        held(scratch, home, f"app, {REQUESTS:,} requests")
        many = Path(scratch) / "many"
        write(many, MANY, 6_000)
        held(scratch, many, f"app, {MANY:,} requests")
    copies()


def write(home: Path, requests: int, size: int) -> Path:
    """A session of requests of so many bytes each."""
    path = home / "projects" / "-home-dev-shop" / f"{SESSION}.jsonl"
    path.parent.mkdir(parents=True)
    dice = random.Random(11)
    with path.open("wb") as file:
        context = 20_000
        for number in range(requests):
            lines, context = request(dice, number, context, size)
            file.writelines(lines)
    return path


def request(
    dice: random.Random, number: int, context: int, size: int, calls: int | None = None
) -> tuple[list[bytes], int]:
    """The lines of an answer and of the results of its calls, and the context after it."""
    calls = calls or dice.choice([1, 1, 1, 1, 2 + number % 2])
    blocks = [
        {**call("Read", file_path=f"/home/dev/shop/src/m{dice.randrange(300)}.py"), "id": f"t{n}"}
        for n in range(calls)
    ]
    texts = [text(dice, max(200, (size - 1_500) // (2 * calls))) for _ in range(calls)]
    written = sum(map(len, texts)) // 4 + 60
    counts = usage(
        input_tokens=2,
        output_tokens=60,
        cache_read_input_tokens=context,
        cache_creation_input_tokens=written,
    )
    message: Record = {"id": f"msg_{number}", "usage": counts}
    said = assistant(*blocks, message=message, uuid=f"u{number}", timestamp=stamp())
    lines = [said]
    for n, content in enumerate(texts):
        shown = {**result(content), "tool_use_id": f"t{n}"}
        file = {"filePath": "/home/dev/shop/src/m.py", "content": content}
        lines.append(
            user([shown], uuid=f"r{number}-{n}", timestamp=stamp(), toolUseResult={"file": file})
        )
    return [line(value) + b"\n" for value in lines], context + written


def text(dice: random.Random, size: int) -> str:
    """Something like source code, of so many characters."""
    words = dice.choices(TEXT.split(), k=size // 6)
    return "\n    ".join(" ".join(words[n : n + 9]) for n in range(0, len(words), 9))


def stamp() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime())


def watching(home: Path, *, tokenizer: bool) -> Monitor:
    homes = config_homes([str(home)], {}, home)
    scope = Scope(session=SESSION, everything=True)
    return Monitor(homes, Settings(tokenizer=tokenizer), scope, counting=True)


def attribute(home: Path, *, tokenizer: bool) -> None:
    """Read and count everything; print the longest step, the longest silence of other threads."""
    gaps, steps, stop = [0.0], [0.0], threading.Event()
    ticking = threading.Thread(target=tick, args=(gaps, stop))
    ticking.start()
    monitor = watching(home, tokenizer=tokenizer)
    more = True
    while more:
        start = time.perf_counter()
        more = monitor.step()
        steps.append(time.perf_counter() - start)
    shown = monitor.snapshot()
    stop.set()
    ticking.join()
    (session,) = shown.sessions
    told = {
        "step": max(steps),
        "gap": max(gaps),
        "estimator": shown.health.estimator,
        "counted": sum(
            item.counted is not None for row in session.requests for item in row.entered
        ),
    }
    sys.stdout.write(json.dumps(told))
    sys.stdout.flush()


def tick(gaps: list[float], stop: threading.Event) -> None:
    """Note how late another thread gets its turn."""
    while not stop.is_set():
        start = time.perf_counter()
        time.sleep(0.001)
        gaps.append(time.perf_counter() - start - 0.001)


def cold(home: Path, estimator: str) -> None:
    """Fresh processes until everything is attributed."""
    times, told = [], []
    before = processor_seconds_of_children()
    for _ in range(RUNS):
        start = time.perf_counter()
        command = [sys.executable, "-m", "tests.bench.items", str(home), estimator]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        times.append(time.perf_counter() - start)
        told.append(json.loads(done.stdout))
    assert {each["estimator"] for each in told} == {estimator}
    say(
        f"cold, {estimator}",
        f"{statistics.median(times):.2f} s with the start of Python and"
        f" {(processor_seconds_of_children() - before) / RUNS:.2f} s of processor time,"
        f" {told[0]['counted']} things counted,"
        f" longest step {worst(told, 'step'):.0f} ms, other threads wait {worst(told, 'gap'):.0f}"
        " ms at most",
    )


def processor_seconds_of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def worst(told: list[dict[str, float]], key: str) -> float:
    return statistics.median(each[key] for each in told) * 1_000


def one_more(home: Path, path: Path) -> None:
    """A request more, with two results: until its figures by characters, and until counted."""
    monitor = watching(home, tokenizer=True)
    drain(monitor)
    monitor.snapshot()
    dice, context = random.Random(5), 5_000_000
    shown, counted = [], []
    for number in range(REQUESTS, REQUESTS + MORE):
        lines, context = request(dice, number, context, 20_000, calls=2)
        with path.open("ab") as file:
            file.writelines(lines)
        start = time.perf_counter()
        monitor.touch([str(path)])
        monitor.step()
        monitor.snapshot()
        shown.append(time.perf_counter() - start)
        drain(monitor)
        monitor.snapshot()
        counted.append(time.perf_counter() - start)
    say(
        "one more request",
        f"{statistics.median(shown) * 1e3:.1f} ms to the snapshot, the next one with its tokens"
        f" counted after {statistics.median(counted) * 1e3:.1f} ms",
    )


def drain(monitor: Monitor) -> None:
    while monitor.step():
        pass


def held(scratch: str, home: Path, name: str) -> None:
    """Memory of the app with a session on the screen."""
    environ = {
        "HOME": scratch,
        "PATH": os.environ["PATH"],
        "CLAUDE_CONFIG_DIR": str(home),
        "TERM": "xterm-256color",
        "COLORTERM": "truecolor",
    }
    for file in home.rglob("*.jsonl"):
        os.utime(file)
    with terminal([], environ) as screen:
        until(screen, b"Next request", time.monotonic())
        rest(screen, 8.0)
        screen.press("3")
        rest(screen, 4.0)
        others = " + ".join(memory_of(pid) for pid in children(screen.pid))
        say(name, f"{memory(screen)}; counting: {others or 'ended'}")


def children(pid: int) -> Iterator[int]:
    for task in Path(f"/proc/{pid}/task").iterdir():
        yield from map(int, (task / "children").read_text().split())


def memory_of(pid: int) -> str:
    status = Path(f"/proc/{pid}/status").read_text()
    (size,) = [each.split()[1] for each in status.splitlines() if each.startswith("VmRSS")]
    return f"{int(size) / 1024:.0f} MB"


def copies() -> None:
    """A copy of the items, as every snapshot makes one."""
    contents = Contents()
    (row,) = main_rows(rows_of([(0, 0, 0, 20 * ITEMS, 0)]))
    item = Entered("tool_result", "Bash", "ls", 80, 20, ())
    contents.push(replace(row, entered=tuple(replace(item) for _ in range(ITEMS))))
    times = []
    for _ in range(50):
        start = time.perf_counter()
        contents.copy()
        times.append(time.perf_counter() - start)
    say(f"copy of {ITEMS:,} items", f"{statistics.median(times) * 1e3:.2f} ms")


if __name__ == "__main__":
    main()
