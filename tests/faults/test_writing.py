"""However lines are written, nothing of them is lost and nothing counts twice."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.archives import archive_of, caught_up, rows_of
from tests.driver import Followed, as_told, followed, fresh
from tests.faults.conftest import LINES
from tests.homes import CORPUS, FIRST, NOW, SECOND, ConfigHome, messages, read, response

MB = 1 << 20


def odd(message_id: str) -> bytes:
    """A line with characters of several bytes, which a cut may fall into."""
    return response(message_id).replace(b'"done"', '"größer 日本 🦑\u2028"'.encode())


def cuts(line: bytes) -> list[int]:
    """Every place where a line can be torn; some of the longer stretches that are alike."""
    return [*range(60), *range(60, len(line) - 40, 7), *range(len(line) - 40, len(line))]


def test_a_line_torn_at_any_byte_counts_once_it_is_whole(home: ConfigHome) -> None:
    monitor = home.monitor()
    path = home.transcript()
    before = len(messages(read(monitor)))
    for number, cut in enumerate(cuts(odd("torn_000")), 1):
        line = odd(f"torn_{number:03}")
        with path.open("ab", buffering=0) as file:
            file.write(line[:cut])
            monitor.touch([str(path)])
            torn = read(monitor)
            file.write(line[cut:])
        monitor.touch([str(path)])
        whole = read(monitor)
        is_whole_but_for_newline = cut == len(line) - 1
        assert torn.totals.requests == before + number - 1 + is_whole_but_for_newline
        assert (torn.health.malformed_lines, torn.health.unreadable_files) == (0, 0)
        assert whole.totals.requests == before + number
    assert as_told(monitor.snapshot()) == fresh(home.path, NOW)


def test_a_line_whose_writer_was_killed_at_any_byte_costs_no_other(tmp_path: Path) -> None:
    """But for one that looks like a value inside the torn one: rather lose one than invent one."""
    line = odd("killed")
    for cut in cuts(line)[::3] + cuts(line)[-3:]:
        looks_inside = cut and line[cut - 1 : cut] in (b":", b",", b"[")
        home = ConfigHome(tmp_path / str(cut))
        path = home.write(response("msg_1"), line[:cut], mtime=NOW)
        monitor = home.monitor()
        read(monitor)
        with path.open("ab") as file:
            file.write(response("msg_2") + response("msg_3"))
        monitor.touch([str(path)])
        shown = read(monitor)
        found = messages(shown)
        whole = [1, 3] if looks_inside else [1, 2, 3]
        assert [one for one in found if one != "killed"] == [f"msg_{number}" for number in whole]
        assert ("killed" in found) == (cut >= len(line) - 1)
        health = shown.health
        assert health.malformed_lines + health.salvaged_records >= (0 < cut < len(line))
        assert as_told(shown) == fresh(home.path, NOW)
        assert len(rows_of(caught_up(archive_of(home.path)))) == len(found)


def test_a_line_that_comes_byte_by_byte(home: ConfigHome, running: Followed) -> None:
    with home.transcript().open("ab", buffering=0) as file:
        for number in range(3):
            for byte in odd(f"slow_{number}"):
                file.write(bytes([byte]))
                time.sleep(0.0002)
    running.until("bytes", requests=LINES + 3, malformed_lines=0)


def test_a_line_of_a_killed_writer_is_told(home: ConfigHome, running: Followed) -> None:
    with home.transcript().open("ab") as file:
        file.write(response("msg_8")[:333])
        file.flush()
        running.until("a torn line is no line", malformed_lines=0, requests=LINES)
        file.write(b"\n" + b"\0" * 4096 + response("msg_9"))
    running.until("the torn line", requests=LINES + 1, malformed_lines=1)


def test_corpora_written_by_many_at_once(tmp_path: Path) -> None:
    """Four writers, each with sessions of its own, in batches cut anywhere."""
    home = tmp_path / "config"
    (home / "projects").mkdir(parents=True)
    with followed(home, tmp_path) as running:
        writers = [
            subprocess.Popen([sys.executable, "-c", WRITER, str(CORPUS / name), str(home), name])
            for name in ("resume", "subagents", "errors", "parallel")
        ]
        assert [writer.wait(60) for writer in writers] == [0] * 4
        assert running.agreed(unreadable_files=0, malformed_lines=0)["totals"]["requests"] > 30


WRITER = """
import random, sys, time
from pathlib import Path
source, home, dice = Path(sys.argv[1]), Path(sys.argv[2]), random.Random(sys.argv[3])
left = {p: p.read_bytes() for p in sorted(source.glob("projects/**/*")) if p.is_file()}
while left:
    path = dice.choice(list(left))
    end = dice.choice([dice.randrange(1, 3000), left[path].find(b"\\n", 20000) + 1 or 60000])
    copy = home / path.relative_to(source)
    copy.parent.mkdir(parents=True, exist_ok=True)
    with copy.open("ab", buffering=0) as file:
        file.write(left[path][:end])
    left[path] = left[path][end:]
    if not left[path]:
        del left[path]
    time.sleep(dice.random() * 0.004)
"""
"""Writes the transcripts of a corpus as several clients would: a part of one, a part of another."""


def test_two_writers_of_one_session(home: ConfigHome, running: Followed) -> None:
    """A session open in two terminals: batches of whole lines, each appended in one write."""
    dice = random.Random(6)
    path = home.transcript()
    writers = [os.open(path, os.O_WRONLY | os.O_APPEND) for _ in range(2)]
    for number in range(80):
        batch = [response(f"both_{number}_{each}") for each in range(dice.randrange(1, 9))]
        os.write(dice.choice(writers), b"".join(batch))
        time.sleep(0.002)
    for writer in writers:
        os.close(writer)
    assert running.agreed(malformed_lines=0)["totals"]["requests"] > 200


@pytest.mark.parametrize("rate", [50 * MB])
def test_a_file_that_grows_faster_than_it_is_read(tmp_path: Path, rate: int) -> None:
    """Results of tools in between, as in real transcripts; the screens stay answered meanwhile."""
    home = ConfigHome(tmp_path / "config")
    path = home.write(response("msg_0"))
    filler = b'{"type":"user","message":{"role":"user","content":"%s"}}\n' % (b"x" * 60_000)
    seconds = 1.0
    with followed(home.path, tmp_path) as running:
        running.until("the first reading", requests=1, watches="events")
        start, written, number = time.monotonic(), 0, 0
        with path.open("ab", buffering=0) as file:
            while (passed := time.monotonic() - start) < seconds:
                if written > passed * rate:
                    time.sleep(0.001)
                    continue
                number += 1
                written += file.write(filler * 8 + response(f"fast_{number}"))
        running.until("all of it", requests=1 + number, bytes=path.stat().st_size)
        figures = running.ask("figures")
    assert written > 0.5 * rate * seconds
    assert figures["longest"] < 1.0
    assert figures["peak"] < 160 * MB


def test_a_writer_that_stops_and_goes_on(home: ConfigHome, running: Followed) -> None:
    """The machine is suspended: nothing runs for a while, and files have changed afterwards."""
    running.process.send_signal(signal.SIGSTOP)
    home.write(response("msg_8"), mtime=NOW + 60)
    home.write(response("msg_9", session=SECOND), session=SECOND, mtime=NOW + 60)
    home.transcript(FIRST, project="-moved").write_bytes(home.transcript().read_bytes())
    running.process.send_signal(signal.SIGCONT)
    running.until("what was written meanwhile", requests=LINES + 2, files=3)
