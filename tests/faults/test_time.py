"""Clocks are set, machines sleep, processes die and others get their numbers."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from tests.driver import Followed, followed
from tests.faults.conftest import LINES
from tests.homes import NOW, SECOND, ConfigHome, response
from tests.watched import register

DAY = 86_400.0


def started(pid: int) -> str:
    """When a process was started, as the client notes it."""
    text = Path(f"/proc/{pid}/stat").read_text()
    return text[text.rfind(")") + 1 :].split()[19]


def client() -> subprocess.Popen[bytes]:
    """Something that runs until it is killed."""
    return subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)


def test_a_clock_that_is_set(home: ConfigHome, running: Followed) -> None:
    """However far and either way: what comes is read, and who dies is noticed."""
    for number, step in enumerate((DAY, -400 * DAY, -3_600, 800 * DAY), 1):
        with client() as process:
            path = register(home, process.pid, status="busy", procStart=started(process.pid))
            running.until("a client", statuses=["busy"])
            running.ask("clock", step)
            home.write(response(f"new_{number}"), mtime=NOW + number)
            running.until("a line", requests=LINES + number)
            process.kill()
            process.wait()
            running.until("its end", statuses=["ended"])
            running.agreed(f"a step of {step}")
            path.unlink()


def test_a_machine_that_sleeps(home: ConfigHome, running: Followed) -> None:
    """Nothing runs meanwhile, and the wall clock jumps beside the monotonic one."""
    with client() as process:
        register(home, process.pid, status="idle", procStart=started(process.pid))
        running.until("a client", statuses=["idle"])
        running.process.send_signal(signal.SIGSTOP)
        home.write(response("msg_8"), mtime=NOW + 60)
        home.write(response("msg_9", session=SECOND), session=SECOND, project="-new")
        process.kill()
        process.wait()
        running.process.send_signal(signal.SIGCONT)
        running.ask("clock", 8 * 3600)
        running.until("the morning", requests=LINES + 2, statuses=["ended", "ended"])


def test_a_number_that_another_process_has_now(home: ConfigHome, running: Followed) -> None:
    """A killed client leaves its entry, and the system gives its number away again."""
    with client() as process:
        pid, start = process.pid, started(process.pid)
        register(home, pid, status="busy", procStart=start)
        running.until("the client", statuses=["busy"], active_sessions=1)
        # It is another one when it has started at another time.
        register(home, pid, status="busy", procStart=str(int(start) - 1))
        running.until("another process", statuses=["ended"], active_sessions=0)
        register(home, os.getpid(), status="waiting", procStart=started(os.getpid()))
        running.until("the session resumed", statuses=["waiting"], active_sessions=1)
        process.kill()


def test_an_entry_torn_or_locked(home: ConfigHome, running: Followed) -> None:
    """The registry is rewritten in place: what is half a file keeps the last state."""
    own = os.getpid()
    path = register(home, own, status="busy", procStart=started(own))
    running.until("the client", statuses=["busy"])
    text = path.read_text()
    for cut in range(0, len(text), 9):
        path.write_text(text[:cut])
        time.sleep(0.005)
    assert running.ask("state")["statuses"] == ["busy"]
    path.write_text(text.replace("busy", "idle"))
    running.until("the next state", statuses=["idle"])
    path.unlink()
    path.mkdir()
    running.until("no entry", statuses=["ended"])


def test_files_of_another_time(tmp_path: Path) -> None:
    """Of the day the epoch began, and of the next century: a copy, or a clock that was wrong."""
    home = ConfigHome(tmp_path / "config")
    home.write(response("msg_1"), mtime=0)
    home.write(response("msg_2", session=SECOND), session=SECOND, mtime=4_000_000_000)
    with followed(home.path, tmp_path) as running:
        running.until("both", requests=2, watches="events")
        home.write(response("msg_3"), mtime=0)
        running.until("a line of the past", requests=3)
        home.write(response("msg_4", session=SECOND), session=SECOND, mtime=4_000_000_000)
        running.until("a line of the future", requests=4)
