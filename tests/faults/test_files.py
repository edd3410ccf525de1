"""Whatever happens to files, the totals are those of a fresh read, and what happened is told."""

from __future__ import annotations

import errno
import os
import shutil
import stat
from collections.abc import Callable
from pathlib import Path

from tests.driver import Followed, followed
from tests.faults.conftest import LINES
from tests.homes import CORPUS, FIRST, NOW, SECOND, ConfigHome, response

THIRD = "cccccccc-3333-4333-8333-333333333333"


def truncated(path: Path) -> int:
    os.truncate(path, path.stat().st_size // 2)
    return 1


def emptied(path: Path) -> int:
    path.write_bytes(b"")
    return 0


def written_anew(path: Path) -> int:
    path.write_bytes(response("new_1") * 20 + response("new_2"))
    return 2


def replaced(path: Path) -> int:
    """With as many bytes, as an editor does it."""
    data = (
        path.read_bytes()
        .replace(b"msg_", b"new_")
        .replace(b'output_tokens": 10', b'output_tokens": 99')
    )
    other = path.with_suffix(".tmp")
    other.write_bytes(data)
    other.replace(path)
    return LINES


def overwritten(path: Path) -> int:
    """With as many bytes, in its middle and in place."""
    at = path.read_bytes().index(b'"output_tokens": 20')
    with path.open("r+b") as file:
        file.seek(at)
        file.write(b'"output_tokens": 99')
    return LINES


def rotated(path: Path) -> int:
    path.rename(path.with_suffix(".jsonl.1"))
    path.write_bytes(response("new_1"))
    return 1


def deleted(path: Path) -> int:
    path.unlink()
    return 0


def recreated(path: Path) -> int:
    """The same inode often comes again at once, with the same beginning."""
    data = path.read_bytes()
    path.unlink()
    path.write_bytes(data.replace(b"msg_3", b"new_3") + response("new_4"))
    return LINES + 1


def renamed(path: Path) -> int:
    """As another session."""
    path.rename(path.with_stem(SECOND))
    return LINES


def moved(path: Path) -> int:
    """The client moves the folder when the user moves the project (``/cd``), and writes on."""
    folder = path.parent.rename(path.parent.with_name("-home-dev-elsewhere"))
    with (folder / path.name).open("ab") as file:
        file.write(response("new_4"))
    return LINES + 1


def moved_and_back(path: Path) -> int:
    away = path.parent.rename(path.parent.with_name("-home-dev-elsewhere"))
    away.rename(path.parent)
    with path.open("ab") as file:
        file.write(response("new_4"))
    return LINES + 1


def moved_out(path: Path) -> int:
    path.parent.rename(path.parent.parent.parent / "backup")
    return 0


def folder_deleted(path: Path) -> int:
    shutil.rmtree(path.parent)
    return 0


def folder_and_file_change_places(path: Path) -> int:
    shutil.rmtree(path.parent)
    path.parent.write_bytes(b"")
    path.parent.unlink()
    path.parent.mkdir()
    path.write_bytes(response("new_1"))
    return 1


def copied(path: Path) -> int:
    """Nothing of a copy counts again."""
    other = path.parent.with_name("-copy")
    shutil.copytree(path.parent, other)
    os.link(path, other / f"{SECOND}.jsonl")
    return LINES


def became_a_link(path: Path) -> int:
    """Somebody keeps transcripts elsewhere."""
    elsewhere = path.parent.parent.parent / "elsewhere.txt"
    path.rename(elsewhere)
    path.symlink_to(elsewhere)
    with elsewhere.open("ab") as file:
        file.write(response("new_4"))
    return LINES + 1


FAULTS: list[Callable[[Path], int]] = [
    truncated, emptied, written_anew, replaced, overwritten, rotated, deleted, recreated, renamed,
    moved, moved_and_back, moved_out, folder_deleted, folder_and_file_change_places, copied,
    became_a_link,
]  # fmt: skip


def test_every_fault_of_a_file(home: ConfigHome, running: Followed, tmp_path: Path) -> None:
    """One after another befalls a session, which then begins anew under another name."""
    for number, fault in enumerate(FAULTS, 1):
        shutil.rmtree(home.path / "projects" / "-home-dev-shop-api", ignore_errors=True)
        for rest in (home.path / "projects").iterdir():
            shutil.rmtree(rest)
        path = home.write(
            *(response(f"msg_{each}", 10 * each, session=FIRST) for each in range(1, LINES + 1)),
            mtime=NOW + number,
        )
        running.begin_history(tmp_path / f"history{number}")
        running.until(f"before {fault.__name__}", requests=LINES, files=1)
        requests = fault(path)
        running.until(fault.__name__, requests=requests)
        running.agreed(fault.__name__, unreadable_files=0, malformed_lines=0)


def pipe(path: Path) -> None:
    os.mkfifo(path)


def socket(path: Path) -> None:
    os.mknod(path, stat.S_IFSOCK | 0o600)


def folder(path: Path) -> None:
    path.mkdir()


def dangling(path: Path) -> None:
    path.symlink_to("nowhere.jsonl")


def loop(path: Path) -> None:
    path.symlink_to(path.name)


NO_FILES = (pipe, socket, folder, dangling, loop)


def test_what_is_no_file_under_the_name_of_one(home: ConfigHome, running: Followed) -> None:
    """It is not waited for, it is told, and the others count; a transcript may turn into it."""
    for number, make in enumerate(NO_FILES, 1):
        session = f"{number:08x}-1111-4111-8111-111111111111"
        followed_one = home.write(response(f"then_{number}", session=session), session=session)
        running.until(make.__name__, requests=LINES + 1)
        followed_one.unlink()
        make(followed_one)
        running.until(make.__name__, requests=LINES, unreadable_files=2 * number - 1)
        make(home.transcript(f"new-{make.__name__}"))
        running.until(make.__name__, requests=LINES, unreadable_files=2 * number)
    home.write(response("msg_9"))
    running.until("the others", requests=LINES + 1)


def test_pipes_where_small_files_are_expected(home: ConfigHome, running: Followed) -> None:
    """In the registry and beside an agent: nobody waits for what will never be written."""
    agents = home.transcript().with_suffix("") / "subagents"
    agents.mkdir(parents=True)
    os.mkfifo(agents / "agent-a1.meta.json")
    (agents / "agent-a1.jsonl").write_bytes(response("agent_1", session=FIRST))
    (home.path / "sessions").mkdir()
    os.mkfifo(home.path / "sessions" / "12.json")
    home.write(response("msg_9"))
    running.until("the lines", requests=LINES + 2)


def test_links_that_lead_back(home: ConfigHome, running: Followed) -> None:
    """Folders inside themselves, and one session by several ways."""
    projects = home.path / "projects"
    (projects / "-up").symlink_to(projects)
    (projects / "-self").symlink_to("-self")
    agents = home.transcript().with_suffix("") / "subagents"
    agents.mkdir(parents=True)
    (agents / "again").symlink_to(agents)
    (projects / "-twin").symlink_to("-home-dev-shop-api")
    home.write(response("msg_9"))
    running.until("a line", requests=LINES + 1)


def test_names_that_are_no_text(home: ConfigHome, running: Followed) -> None:
    folder = os.fsencode(home.path / "projects") + b"/-caf\xe9\n\x1b[31m"
    os.mkdir(folder)  # noqa: PTH102 - a path of bytes
    for number in (1, 2):
        with open(folder + b"/s\xff.jsonl", "ab") as file:  # noqa: PTH123 - a path of bytes
            file.write(response(f"odd_{number}", session=SECOND))
        running.until("its lines", requests=LINES + number)


def test_a_file_that_may_not_be_read(home: ConfigHome, running: Followed) -> None:
    """What was read of it stays, and the rest comes when it may be read again."""
    path = home.transcript()
    running.ask("break", str(path), errno.EACCES)
    home.write(response("msg_4"))
    running.until("a refusal", requests=LINES, unreadable_files=1)
    running.ask("mend")
    running.until("read again", requests=LINES + 1, unreadable_files=0)


def test_a_folder_that_may_not_be_listed(tmp_path: Path) -> None:
    home = ConfigHome(tmp_path / "config")
    home.write(response("msg_1"))
    home.write(response("msg_2", session=SECOND), session=SECOND, project="-shut")
    with followed(home.path, tmp_path) as running:
        running.until("both", requests=2, watches="events")
        running.ask("break", str(home.path / "projects" / "-shut"), errno.EACCES)
        home.write(response("msg_3", session=THIRD), session=THIRD)
        running.until("a refusal", unreadable_files=2, requests=3)
        running.ask("mend")
        home.write(response("msg_4", session=THIRD), session=THIRD)
        home.write(response("msg_5", session=SECOND), session=SECOND, project="-new")
        running.until("looked again", unreadable_files=0, requests=5)


def test_a_disk_that_fails_for_a_while(home: ConfigHome, running: Followed) -> None:
    """Nothing is lost of what was read before, and no event tells when it works again."""
    running.ask("break", str(home.path), errno.EIO)
    home.write(response("msg_4"))
    home.write(response("msg_5", session=SECOND), session=SECOND)
    running.until("the failure", requests=LINES, unreadable_files=2)
    running.ask("mend")
    running.until("it works again", requests=LINES + 2, unreadable_files=0)


def test_the_retention_of_the_client_deletes_what_is_old(tmp_path: Path) -> None:
    home = tmp_path / "config"
    for name in ("resume", "subagents", "errors"):
        shutil.copytree(CORPUS / name / "projects", home / "projects", dirs_exist_ok=True)
    files = sorted(home.rglob("*.jsonl"))
    with followed(home, tmp_path) as running:
        running.until("all", files=len(files), watches="events")
        for path in files[::2]:
            path.unlink()
        running.until("half", files=len(files) - len(files[::2]))
