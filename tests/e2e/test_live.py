"""The app in a real terminal, beside files that grow."""

import os
import pty
import shutil
import signal
import subprocess
import sys
import termios
import time
from pathlib import Path

import pytest

from tests.e2e.terminal import Terminal, terminal
from tests.homes import CORPUS, FIRST, SECOND, ConfigHome, response


@pytest.fixture
def home(tmp_path: Path) -> ConfigHome:
    return ConfigHome(tmp_path / "config")


def environ(home: ConfigHome) -> dict[str, str]:
    return {
        **os.environ,
        "CLAUDE_CONFIG_DIR": str(home.path),
        "TERM": "xterm-256color",
        "COLORTERM": "truecolor",
    }


def now_written(path: Path) -> Path:
    os.utime(path)
    return path


def leave(screen: Terminal) -> None:
    screen.press("q")
    assert screen.wait_for_exit() == 0


def test_a_new_request_shows_and_quitting_leaves_the_terminal_clean(home: ConfigHome) -> None:
    path = now_written(home.write(response("msg_1", read=150_000)))
    with terminal([], environ(home)) as screen:
        screen.wait_for("150.0k")
        with path.open("ab") as file:
            file.write(response("msg_2", read=161_500))
        screen.wait_for("161.5k")
        leave(screen)
        assert termios.tcgetattr(screen._fd) == screen.attributes
    tail = screen.output[-400:]
    for restored in (b"\x1b[?1049l", b"\x1b[?25h", b"\x1b[?1000l", b"\x1b[?2004l"):
        assert restored in tail
    assert b"Traceback" not in screen.output


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_being_told_to_end_leaves_the_terminal_clean(
    home: ConfigHome, number: signal.Signals
) -> None:
    now_written(home.write(response("msg_1", read=150_000)))
    with terminal([], environ(home)) as screen:
        screen.wait_for("150.0k")
        os.kill(screen.pid, number)
        assert screen.wait_for_exit() == 128 + number
    tail = screen.output[-400:]
    for restored in (b"\x1b[?1049l", b"\x1b[?25h", b"\x1b[?1000l"):
        assert restored in tail


def test_being_stopped_and_continued_leaves_the_terminal_clean(home: ConfigHome) -> None:
    now_written(home.write(response("msg_1", read=150_000)))
    with terminal([], environ(home)) as screen:
        screen.wait_for("150.0k")
        threads = Path(f"/proc/{screen.pid}/task")
        before = len(list(threads.iterdir())) if threads.exists() else 0
        for begun in range(2, 5):
            os.kill(screen.pid, signal.SIGSTOP)
            os.kill(screen.pid, signal.SIGCONT)
            # The mouse comes last of what it switches on again.
            end = time.monotonic() + 20
            while screen.output.count(b"\x1b[?1000h") < begun:
                assert time.monotonic() < end
                assert screen.pump(1.0)
        # Keys that are typed while it takes the terminal back are dropped.
        end = time.monotonic() + 20
        while "Requests 1" not in "\n".join(screen.lines):
            assert time.monotonic() < end
            screen.press("2")
            assert screen.pump(0.5)
        if before:
            assert len(list(threads.iterdir())) <= before + 1
        leave(screen)
        assert termios.tcgetattr(screen._fd) == screen.attributes


def test_a_terminal_that_goes_away_unannounced_ends_it(home: ConfigHome) -> None:
    """A process that leads its session, but has no controlling terminal, is sent no SIGHUP."""
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "ccmon"]
    with subprocess.Popen(
        command, stdin=theirs, stdout=theirs, stderr=theirs, env=environ(home),
        start_new_session=True,
    ) as process:  # fmt: skip
        os.close(theirs)
        seen = b""
        while "─".encode() not in seen:
            seen += os.read(ours, 65_536)
        os.close(ours)
        try:
            assert process.wait(20) == 128 + signal.SIGHUP
        finally:
            process.kill()


def test_the_screens_are_drawn_where_the_terminal_is(home: ConfigHome, tmp_path: Path) -> None:
    now_written(home.write(response("msg_1", read=150_000)))
    errors = tmp_path / "errors"
    with terminal([], environ(home), errors=errors) as screen:
        screen.wait_for("150.0k")
        leave(screen)
    assert errors.read_bytes() == b""


def test_a_terminal_without_unicode_gets_ascii(home: ConfigHome) -> None:
    now_written(home.write(response("msg_1", read=150_000)))
    plain = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    with terminal([], {**environ(home), **plain}) as screen:
        screen.wait_for("150.0k")
        assert "\\u25" not in "\n".join(screen.lines)
        leave(screen)
    assert screen.output.isascii()


def test_a_line_that_comes_in_two_parts_shows_once_it_is_whole(home: ConfigHome) -> None:
    path = now_written(home.write(response("msg_1", read=150_000)))
    line = response("msg_2", read=161_500)
    with terminal([], environ(home)) as screen:
        screen.wait_for("150.0k")
        with path.open("ab", buffering=0) as file:
            file.write(line[:200])
            screen.pump(0.3)
            assert "161.5k" not in "\n".join(screen.lines)
            file.write(line[200:])
        screen.wait_for("161.5k")
        leave(screen)


def test_a_home_that_appears_later_is_noticed(home: ConfigHome) -> None:
    with terminal(["--config-dir", str(home.path.parent)], environ(home)) as screen:
        screen.wait_for("No Claude Code transcripts")
        ConfigHome(home.path.parent).write(response("msg_1", read=123_400))
        now_written(ConfigHome(home.path.parent).transcript())
        screen.wait_for("123.4k")
        leave(screen)


def test_a_new_session_and_a_replaced_file_are_followed(home: ConfigHome) -> None:
    path = now_written(home.write(response("msg_1", read=150_000)))
    with terminal([], environ(home), columns=160, rows=45) as screen:
        screen.wait_for("150.0k")
        now_written(home.write(response("msg_2", session=SECOND, read=88_800), session=SECOND))
        screen.wait_for(SECOND[:8])
        fresh = path.with_suffix(".new")
        fresh.write_bytes(response("msg_9", read=99_900))
        fresh.replace(path)
        screen.wait_for("99.9k")
        path.unlink()
        screen.wait_for("88.8k")
        leave(screen)


def test_polling_takes_over_where_there_are_no_events(home: ConfigHome) -> None:
    path = now_written(home.write(response("msg_1", read=150_000)))
    with terminal([], {**environ(home), "CCMON_POLL": "1"}) as screen:
        screen.wait_for("150.0k")
        with path.open("ab") as file:
            file.write(response("msg_2", read=161_500))
        screen.wait_for("161.5k")
        leave(screen)


@pytest.mark.parametrize("size", [(60, 20), (80, 24), (160, 45), (30, 5)])
def test_every_size_starts_and_ends(home: ConfigHome, size: tuple[int, int]) -> None:
    now_written(home.write(response("msg_1", read=150_000)))
    with terminal([], environ(home), columns=size[0], rows=size[1]) as screen:
        screen.wait_for("150k" if size[0] < 80 else "150.0k")
        leave(screen)


def test_hostile_transcripts_reach_the_terminal_harmlessly(home: ConfigHome) -> None:
    shutil.copytree(CORPUS / "synthetic" / "hostile_text" / "projects", home.path / "projects")
    for path in home.path.rglob("*.jsonl"):
        now_written(path)
    with terminal([], environ(home), columns=160, rows=45) as screen:
        screen.wait_for("Requests")
        screen.press("2")
        screen.wait_for("sort #")
        leave(screen)
    assert b"Traceback" not in screen.output
    assert "\u202e".encode() not in screen.output
    # Only the app's own title and clipboard sequences may be there; the transcript has OSC 0.
    assert b"\x1b]0;" not in screen.output


def test_the_demo_plays_and_tidies_up(tmp_path: Path) -> None:
    scratch = tmp_path / "tmp"
    scratch.mkdir()
    with terminal(["--demo"], {**environ(ConfigHome(tmp_path)), "TMPDIR": str(scratch)}) as screen:
        screen.wait_for("shop-api")
        leave(screen)
    assert list(scratch.iterdir()) == []


def test_a_named_session_that_is_not_there_is_told_before_the_screen_opens(
    home: ConfigHome,
) -> None:
    home.write(response("msg_1"), session=FIRST)
    with terminal(["--session", "ffff"], environ(home)) as screen:
        assert screen.wait_for_exit() == 3
    assert b"no session" in screen.output
    assert b"\x1b[?1049h" not in screen.output
