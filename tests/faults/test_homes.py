"""Config homes come, go and are other ones than before; the system has limits."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from tests.driver import Followed, followed
from tests.faults.conftest import LINES
from tests.homes import NOW, SECOND, ConfigHome, response

MB = 1 << 20


def test_a_home_that_appears_disappears_and_comes_again(tmp_path: Path) -> None:
    home = ConfigHome(tmp_path / "later")
    with followed(home.path, tmp_path) as running:
        running.until("nothing there", sessions=0, watches="polling", unreadable_files=0)
        assert running.agreed()["config_dirs"] == []
        home.write(response("msg_1"))
        running.until("it appears", requests=1, watches="events")
        assert running.agreed()["config_dirs"] == [str(home.path)]
        home.path.rename(tmp_path / "away")
        running.until("it is away", requests=0, watches="polling")
        (tmp_path / "away").rename(home.path)
        home.write(response("msg_2"))
        running.until("it is back", requests=2, watches="events")
        shutil.rmtree(home.path / "projects")
        (home.path / "projects").write_bytes(b"")
        running.until("a file in its place", requests=0)
        (home.path / "projects").unlink()
        home.write(response("msg_3", 55), mtime=NOW + 9)
        running.until("a folder again", requests=1, watches="events")


def test_a_home_that_is_a_link_to_another_one_now(tmp_path: Path) -> None:
    one, other = ConfigHome(tmp_path / "one"), ConfigHome(tmp_path / "other")
    one.write(response("msg_1"))
    other.write(response("msg_2"), response("msg_3"), session=SECOND)
    home = tmp_path / "config"
    home.symlink_to(one.path)
    with followed(home, tmp_path) as running:
        running.until("the first", requests=1, watches="events")
        one.write(response("msg_4"))
        running.until("a line behind the link", requests=2)
        (tmp_path / "next").symlink_to(other.path)
        (tmp_path / "next").replace(home)
        running.until("the other", requests=2, bytes=2 * len(response("msg_2")))
        other.write(response("msg_5"), session=SECOND)
        running.until("a line of the other", requests=3)
        home.unlink()
        running.until("a link no more", requests=0)
        home.symlink_to("nowhere")
        running.agreed("a link that leads nowhere", unreadable_files=0)
        home.unlink()
        home.symlink_to(one.path)
        running.until("the first again", requests=2, watches="events")


@pytest.mark.parametrize("batches", [0, 2])
def test_no_more_watches_to_be_had(home: ConfigHome, tmp_path: Path, batches: int) -> None:
    """At the start, or when folders have come: then ccmon polls, and says so."""
    with followed(home.path, tmp_path, "--events", str(batches)) as running:
        running.until("the first reading", requests=LINES)
        for number in range(1, 4):
            home.write(
                response(f"new_{number}", session=SECOND), session=SECOND, project=f"-new{number}"
            )
            running.until("a new folder", requests=LINES + number)
        home.write(response("msg_9"))
        running.until("a line", requests=LINES + 4, watching="polling")


def test_thousands_of_files(tmp_path: Path, file_count: int) -> None:
    """Most are of other days; a new folder among them is noticed by its event."""
    home = ConfigHome(tmp_path / "config")
    line = response("msg_1")
    for number in range(file_count):
        folder = home.path / "projects" / f"-project-{number % 199}"
        if number < 199:
            folder.mkdir(parents=True)
        session = f"{number:08x}-1111-4111-8111-111111111111"
        (folder / f"{session}.jsonl").write_bytes(line.replace(b"msg_1", b"m_%d" % number))
    with followed(home.path, tmp_path, "--rescan", "60") as running:
        running.until("all", requests=file_count, loading=False, watches="events")
        home.write(response("msg_2", session=SECOND), session=SECOND, mtime=NOW)
        running.until("a new one", requests=file_count + 1)
        figures = running.ask("figures")
    assert figures["files"] < 40
    assert figures["peak"] < 100 * MB + file_count * 25_000


@pytest.fixture
def file_count() -> int:
    """How many; 20,000 take minutes."""
    return int(os.environ.get("FAULTS_FILES", "400"))


def test_no_more_files_may_be_open(home: ConfigHome, running: Followed) -> None:
    """What cannot be opened now is read once it can be."""
    running.ask("break", str(home.path), 24)
    home.write(response("msg_4"))
    running.until("nothing is lost", requests=LINES, unreadable_files=1)
    home.write(response("msg_5", session=SECOND), session=SECOND, project="-new")
    running.ask("mend")
    running.until("files again", requests=LINES + 2, unreadable_files=0)
