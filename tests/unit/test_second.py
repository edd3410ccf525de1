"""The second process that reads transcripts, and what becomes of files that it does not read."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from pathlib import Path

import msgspec
import pytest

from ccmon.history import intake, second
from ccmon.history.archive import Archive
from ccmon.history.second import SecondReader
from ccmon.history.seen import Seen
from ccmon.past import Query
from ccmon.transcripts.locate import Transcript
from tests.archives import Row, archive_of, caught_up, rows_of
from tests.engines import scanned, transcripts
from tests.homes import CORPUS, ConfigHome, response

HOME = CORPUS / "resume"
PATIENCE = 20.0


def read(reader: SecondReader[int], count: int) -> dict[int, Seen | None]:
    """What comes back of so many files."""
    found: dict[int, Seen | None] = {}
    deadline = time.monotonic() + PATIENCE
    while len(found) < count and time.monotonic() < deadline:
        found.update(reader.take(0.1))
    return found


@pytest.fixture
def files() -> list[Transcript]:
    return transcripts(HOME)


@pytest.fixture
def expected(files: list[Transcript]) -> list[Row]:
    """The rows of the home, as this process reads it alone."""
    return rows_of(caught_up(archive_of(HOME)))


@pytest.fixture
def shared(monkeypatch: pytest.MonkeyPatch) -> None:
    """However little there is to read, the second process helps."""
    monkeypatch.setattr(intake, "SHARED_FROM", 0)
    monkeypatch.setattr(second, "processors", lambda: 2)


def totals_of(home: Path) -> object:
    return msgspec.to_builtins(caught_up(archive_of(home)).history(Query()).totals)


def process_of(archive: Archive) -> subprocess.Popen[bytes]:
    """The second process, once the archive has one."""
    while archive.step(0.0):
        taking_in = archive._intake
        if taking_in is not None and taking_in._second is not None and taking_in._second._process:
            return taking_in._second._process
    raise AssertionError("no second process")


def test_it_reads_what_is_read_here(files: list[Transcript]) -> None:
    reader: SecondReader[int] = SecondReader()
    for number, each in enumerate(files):
        reader.give(number, each)
    found = read(reader, len(files))
    assert [found[number] for number in range(len(files))] == [scanned(each) for each in files]
    assert not reader.busy
    assert reader.works
    reader.close()


def test_a_file_that_it_cannot_read_comes_back(tmp_path: Path, files: list[Transcript]) -> None:
    gone = Transcript(str(tmp_path / "gone.jsonl"), str(tmp_path), "p", "gone", None, 1, 0.0)
    reader: SecondReader[int] = SecondReader()
    reader.give(0, gone)
    reader.give(1, files[0])
    assert read(reader, 2) == {0: None, 1: scanned(files[0])}
    reader.close()


@pytest.mark.usefixtures("shared")
def test_an_archive_that_is_helped_says_the_same(expected: list[Row]) -> None:
    archive = archive_of(HOME)
    process = process_of(archive)
    assert rows_of(caught_up(archive)) == expected
    assert process.poll() is not None
    scanning = archive.scanning
    assert (scanning.files_done, scanning.bytes_done) == (scanning.files, scanning.bytes)


@pytest.mark.usefixtures("shared")
def test_one_that_is_killed_costs_nothing(expected: list[Row]) -> None:
    archive = archive_of(HOME)
    process_of(archive).kill()
    assert rows_of(caught_up(archive)) == expected


@pytest.mark.usefixtures("shared")
@pytest.mark.parametrize("command", ["true", "/nowhere/python", "cat"])
def test_one_that_cannot_work_costs_nothing(
    command: str, expected: list[Row], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(second, "_PATIENCE", 0.2)
    fake = tmp_path / "python"
    fake.write_text(f"#!/bin/sh\nexec {command}\n")
    fake.chmod(0o700)
    monkeypatch.setattr(sys, "executable", str(fake))
    assert rows_of(caught_up(archive_of(HOME))) == expected


@pytest.mark.usefixtures("shared")
def test_one_that_hangs_is_not_waited_for_for_ever(
    expected: list[Row], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(second, "_PATIENCE", 0.05)
    fake = tmp_path / "python"
    fake.write_text("#!/bin/sh\nexec sleep 1000\n")
    fake.chmod(0o700)
    monkeypatch.setattr(sys, "executable", str(fake))
    archive = archive_of(HOME)
    process = process_of(archive)
    assert rows_of(caught_up(archive)) == expected
    assert process.poll() is not None


@pytest.mark.usefixtures("shared")
def test_it_ends_with_the_archive() -> None:
    archive = archive_of(HOME)
    process = process_of(archive)
    archive.close()
    assert process.poll() is not None


def test_it_ends_when_nobody_listens() -> None:
    reader: SecondReader[int] = SecondReader()
    process = reader._process
    assert process is not None
    assert process.stdin is not None
    process.stdin.close()
    assert process.wait(PATIENCE) == 0
    reader.close()


@pytest.mark.parametrize(("there", "helped"), [(1, False), (2, True)])
def test_there_is_none_on_one_processor(
    there: int, helped: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intake, "SHARED_FROM", 0)
    monkeypatch.setattr(second, "processors", lambda: there)
    started: list[object] = []
    start = SecondReader._start

    def watched(reader: SecondReader[object]) -> None:
        started.append(reader)
        start(reader)

    monkeypatch.setattr(SecondReader, "_start", watched)
    caught_up(archive_of(HOME))
    assert bool(started) == helped


def test_a_few_files_are_read_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(second, "processors", lambda: 2)
    monkeypatch.setattr(SecondReader, "_start", lambda self: pytest.fail("a process"))
    caught_up(archive_of(HOME))


def test_sums_do_not_depend_on_who_has_read_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = ConfigHome(tmp_path / "home")
    for number in range(40):
        session = f"session-{number:02}"
        home.write(
            *(response(f"msg_{number}_{n}", 7**n + number, session=session) for n in range(5)),
            session=session,
        )
    in_turn = intake._in_turn
    expected = totals_of(home.path)
    for seed in range(5):
        dice = random.Random(seed)
        monkeypatch.setattr(
            intake, "_in_turn", lambda wanted, dice=dice: dice.sample(in_turn(wanted), len(wanted))
        )
        assert totals_of(home.path) == expected


def test_processors_are_those_that_may_be_used() -> None:
    if hasattr(os, "sched_getaffinity"):
        assert second.processors() == len(os.sched_getaffinity(0))
