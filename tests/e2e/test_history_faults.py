"""Processes that are killed, run into each other or out of space: the totals stay right."""

from __future__ import annotations

import json
import os
import resource
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from ccmon.history import INDEX_FILE
from tests.archives import Row, archive_of, caught_up, read_once, rows_of
from tests.homes import CORPUS

PARTS = ("resume", "subagents", "parallel", "errors", "basic-2.1.51", "dropped")

STEPS = """
import sys
from pathlib import Path
from ccmon.history import families, intake
from ccmon.history.archive import Archive
from ccmon.settings import Settings
from ccmon.transcripts.locate import config_homes

intake.KEPT_AFTER, intake.READ_AT_ONCE, families.TOGETHER = 20_000, 5_000, 1
home, folder = map(Path, sys.argv[1:])
archive = Archive(config_homes([str(home)], {}, home), Settings(), folder)
while archive.step(0.0):
    print("step", flush=True)
archive.close()
print("done", flush=True)
"""
"""Reads a home in many small steps, and tells of each."""

Json = dict[str, Any]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Several corpora in one home."""
    for name in PARTS:
        for source in (CORPUS / name / "projects").iterdir():
            shutil.copytree(source, tmp_path / "home" / "projects" / f"{name}-{source.name}")
    return tmp_path / "home"


@pytest.fixture
def expected(home: Path) -> list[Row]:
    return rows_of(caught_up(archive_of(home)))


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


def stepping(home: Path, cache: Path) -> subprocess.Popen[str]:
    """A process that reads the home step by step."""
    return subprocess.Popen(
        [sys.executable, "-c", STEPS, str(home), str(cache)], stdout=subprocess.PIPE, text=True
    )


def after(process: subprocess.Popen[str], steps: int) -> bool:
    """Whether the process is still at work after so many steps."""
    assert process.stdout is not None
    return all(process.stdout.readline() == "step\n" for _ in range(steps))


def command(home: Path, cache: Path, *more: str) -> list[str]:
    arguments = ["history", "--json", "--config-dir", str(home), *more]
    return [sys.executable, "-m", "ccmon", *arguments]


def environment(cache: Path) -> dict[str, str]:
    return {**os.environ, "CCMON_CACHE": str(cache)}


def finished(processes: Sequence[subprocess.Popen[bytes]]) -> list[Json]:
    """What the processes print."""
    printed = [process.communicate(timeout=60) for process in processes]
    assert [process.returncode for process in processes] == [0] * len(processes), printed
    return [json.loads(out) for out, _ in printed]


def test_a_process_that_is_killed_leaves_nothing_wrong(
    home: Path, cache: Path, expected: list[Row]
) -> None:
    killed = 0
    for steps in (1, 4, 9, 16, 25, 36, 49, 64, 81):
        with stepping(home, cache) as process:
            killed += after(process, steps)
            process.kill()
        # Every other time the next process goes on from there, and is killed as well.
        if steps % 2:
            assert read_once(home, folder=cache)[1] == expected
            (cache / INDEX_FILE).unlink()
    assert killed > 3
    history, rows = read_once(home, folder=cache)
    assert (rows, history.warning) == (expected, "")


def test_a_process_is_killed_while_a_session_grows(home: Path, cache: Path) -> None:
    transcripts = sorted((home / "projects").glob("**/*.jsonl"))
    whole = {path: path.read_bytes() for path in transcripts}
    for part in (1, 2, 3, 4):
        for path, data in whole.items():
            with path.open("r+b") as file:
                file.truncate(0)
                file.write(data[: len(data) * part // 4])
        with stepping(home, cache) as process:
            after(process, 7 * part)
            process.kill()
    assert read_once(home, folder=cache)[1] == rows_of(caught_up(archive_of(home)))


def test_processes_that_read_at_once_agree(home: Path, cache: Path, expected: list[Row]) -> None:
    with (
        stepping(home, cache) as one,
        stepping(home, cache) as other,
        stepping(home, cache) as more,
    ):
        for process in (one, other, more):
            out, _ = process.communicate(timeout=60)
            assert out.endswith("done\n")
    assert read_once(home, folder=cache)[1] == expected


def test_two_commands_at_once_print_the_same_totals(
    home: Path, cache: Path, expected: list[Row]
) -> None:
    running = [
        subprocess.Popen(
            command(home, cache), env=environment(cache), stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        for _ in range(2)
    ]  # fmt: skip
    for document in finished(running):
        assert document["totals"]["requests"] == len(expected)


def test_a_disk_without_room_is_told_and_the_totals_are_right(
    home: Path, cache: Path, expected: list[Row]
) -> None:
    """The system lets the process write no file that is larger than one page of the index."""
    done = subprocess.run(
        command(home, cache),
        env=environment(cache),
        capture_output=True,
        timeout=60,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096)),
        check=False,
    )
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert document["totals"]["requests"] == len(expected)
    assert document["warning"].startswith(f"The history is not kept in {cache}: ")


def test_an_interrupted_process_leaves_nothing_wrong(
    home: Path, cache: Path, expected: list[Row]
) -> None:
    with stepping(home, cache) as process:
        assert after(process, 12)
        process.send_signal(signal.SIGINT)
    assert read_once(home, folder=cache)[1] == expected
