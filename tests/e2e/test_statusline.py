"""``ccmon statusline`` as Claude Code runs it: JSON on stdin, one line, one small file."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ccmon.monitor import Monitor, Scope
from ccmon.reported import reports_folder
from ccmon.settings import Settings
from ccmon.transcripts.locate import config_homes

CORPUS = Path(__file__).parent.parent / "corpus"


@pytest.fixture
def transcript(config_home: Path) -> Path:
    shutil.copytree(CORPUS / "basic", config_home, dirs_exist_ok=True)
    return next(config_home.glob("projects/*/*.jsonl"))


def told(transcript: Path, **changes: object) -> bytes:
    whole = {
        "session_id": transcript.stem,
        "transcript_path": str(transcript),
        "model": {"id": "claude-opus-5-5"},
        "cost": {"total_cost_usd": 1.25},
        "context_window": {"context_window_size": 500_000},
        "rate_limits": {"five_hour": {"used_percentage": 42}},
    }
    return json.dumps({**whole, **changes}).encode()


def statusline(
    stdin: bytes, *arguments: str, **environ: str
) -> "subprocess.CompletedProcess[bytes]":
    return subprocess.run(
        [sys.executable, "-m", "ccmon", "statusline", *arguments],
        input=stdin,
        capture_output=True,
        check=False,
        env={**os.environ, "PYTHONIOENCODING": "utf-8", **environ},
    )


def listing(folder: Path) -> dict[Path, tuple[int, str]]:
    return {
        path: (path.lstat().st_mtime_ns, hashlib.sha256(path.read_bytes()).hexdigest())
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_one_line_and_a_report_that_the_monitor_finds(transcript: Path, config_home: Path) -> None:
    before = listing(config_home)
    done = statusline(told(transcript))
    assert (done.returncode, done.stderr) == (0, b"")
    line = done.stdout.decode()
    assert line.count("\n") == 1
    assert "/500k " in line
    assert line.endswith(" · $1.25\n")
    assert listing(config_home) == before

    homes = config_homes([str(config_home)], {}, config_home)
    folder = reports_folder(os.environ)
    monitor = Monitor(homes, Settings(), Scope(everything=True), reports=folder)
    while monitor.step():
        pass
    (session,) = monitor.snapshot().sessions
    assert session.context is not None
    assert session.context.window_source == "statusline"
    assert session.reported is not None
    assert session.reported.cost == 1.25


def test_the_report_goes_where_the_environment_says(transcript: Path, tmp_path: Path) -> None:
    statusline(told(transcript), CCMON_CACHE=str(tmp_path / "own"))
    (report,) = (tmp_path / "own" / "statusline").iterdir()
    assert report.name == f"{transcript.stem}.json"


def test_a_report_that_cannot_be_kept_does_not_cost_the_line(
    transcript: Path, config_home: Path
) -> None:
    before = listing(config_home)
    done = statusline(told(transcript), CCMON_CACHE=str(config_home / "cache"))
    assert done.returncode == 0
    assert done.stdout.endswith(b"$1.25\n")
    assert done.stderr.startswith(b"ccmon: cannot keep the report")
    assert listing(config_home) == before


@pytest.mark.parametrize("content", ["theme = ", "theme = 'blue'", "[windows]\nx = 'y'"])
def test_a_broken_configuration_does_not_cost_the_line(
    transcript: Path, tmp_path: Path, content: str
) -> None:
    config = tmp_path / "config.toml"
    config.write_text(content)
    done = statusline(told(transcript), CCMON_CONFIG=str(config))
    assert done.returncode == 0
    assert done.stdout.endswith(" · $1.25\n".encode())
    assert done.stderr.startswith(f"ccmon: {config}".encode())
    assert done.stderr.count(b"\n") == 1


@pytest.mark.parametrize("stdin", [b"", b"nonsense", b"[]", b"\xff\x00", b"{" * 100_000])
def test_bad_input_is_one_short_line_on_stderr_and_nothing_on_stdout(stdin: bytes) -> None:
    done = statusline(stdin)
    assert (done.returncode, done.stdout) == (2, b"")
    assert done.stderr.startswith(b"ccmon: statusline: stdin is ")
    assert done.stderr.count(b"\n") == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"transcript_path": "/etc/passwd"},
        {"transcript_path": 7},
        {"session_id": "../../x"},
        {"session_id": None},
        {"model": "x", "cost": [], "context_window": 0, "rate_limits": "all"},
    ],
)
def test_odd_fields_still_give_a_line(transcript: Path, changes: dict[str, object]) -> None:
    done = statusline(told(transcript, **changes))
    assert done.returncode == 0
    assert done.stdout.count(b"\n") == 1
    assert b"Traceback" not in done.stderr


def test_a_terminal_without_unicode_gets_ascii(transcript: Path) -> None:
    done = statusline(told(transcript), PYTHONIOENCODING="ascii")
    assert done.stdout.isascii()
    assert b" - $1.25" in done.stdout


def test_help_is_all_that_can_be_asked_of_it() -> None:
    assert b"usage: ccmon statusline" in statusline(b"", "--help").stdout
    refused = statusline(b"", "--json")
    assert refused.returncode == 2
    assert b"see ccmon statusline --help" in refused.stderr
