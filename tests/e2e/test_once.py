"""``ccmon --once`` as people and scripts run it: a process, its streams, its exit code."""

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

CORPUS = Path(__file__).parents[1] / "corpus"

Outcome = subprocess.CompletedProcess[bytes]


def ccmon(*arguments: str, **environment: str) -> Outcome:
    return subprocess.run(
        [sys.executable, "-m", "ccmon", *arguments],
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=60,
        check=False,
    )


@pytest.fixture
def home(config_home: Path) -> Path:
    """A config home with the two sessions of a resumed conversation and one more."""
    shutil.copytree(CORPUS / "resume", config_home, dirs_exist_ok=True)
    return config_home


def files_of(home: Path) -> dict[str, tuple[int, int, bytes]]:
    return {
        str(path): (path.stat().st_mtime_ns, path.stat().st_mode, path.read_bytes())
        for path in home.rglob("*")
        if path.is_file()
    }


def test_text_goes_to_stdout_and_nothing_to_stderr(home: Path) -> None:
    outcome = ccmon("--once", "--all")
    lines = outcome.stdout.decode().splitlines()
    assert (outcome.returncode, outcome.stderr) == (0, b"")
    assert max(map(len, lines)) <= 80
    assert lines[-1].startswith("3 sessions")
    assert b"\x1b" not in outcome.stdout


def test_the_latest_session_is_shown_when_none_is_active(home: Path) -> None:
    assert ccmon("--once").stdout.decode().splitlines()[-1].startswith("1 session ")


def test_json_is_one_document(home: Path) -> None:
    outcome = ccmon("--once", "--all", "--json", "--requests")
    document = json.loads(outcome.stdout)
    assert (outcome.returncode, outcome.stderr) == (0, b"")
    assert outcome.stdout.count(b"\n") == 1
    assert document["config_dirs"] == [str(home)]
    assert sum(len(session["request_list"]) for session in document["sessions"]) == 12


def test_a_session_is_found_by_the_start_of_its_id(home: Path) -> None:
    document = json.loads(ccmon("--once", "--json", "--session", "b4bf").stdout)
    assert [session["session_id"][:4] for session in document["sessions"]] == ["b4bf"]


def test_a_name_that_fits_nothing_exits_3(home: Path) -> None:
    for arguments in (("--session", "zz"), ("--project", "zz")):
        outcome = ccmon("--once", *arguments)
        assert (outcome.returncode, outcome.stdout) == (3, b"")
        assert outcome.stderr.count(b"\n") == 1
        assert b"zz" in outcome.stderr


def test_nothing_is_written_under_the_config_home(home: Path, tmp_path: Path) -> None:
    before = files_of(home)
    ccmon("--once", "--all", "--json", "--debug", str(tmp_path / "log"))
    assert files_of(home) == before
    assert (tmp_path / "log").stat().st_size > 0


def test_an_empty_home_exits_3_and_its_document_is_still_valid(config_home: Path) -> None:
    outcome = ccmon("--once", "--json")
    document = json.loads(outcome.stdout)
    assert outcome.returncode == 3
    assert document["sessions"] == []
    assert document["totals"]["cost_usd"] is None
    assert outcome.stderr.startswith(b"ccmon: no Claude Code transcripts in ")


def test_a_span_without_sessions_says_so(home: Path) -> None:
    for file in home.rglob("*.jsonl"):
        os.utime(file, (1e9, 1e9))
    outcome = ccmon("--once", "--since", "1h")
    assert outcome.returncode == 3
    assert b"no session was written to in that span; widen --since" in outcome.stderr


def test_the_demo_is_shown_without_any_transcript_and_leaves_nothing(
    config_home: Path, tmp_path: Path
) -> None:
    outcome = ccmon("--demo", "--once", "--all", "--json", TMPDIR=str(tmp_path))
    document = json.loads(outcome.stdout)
    assert (outcome.returncode, outcome.stderr) == (0, b"")
    assert document["totals"]["requests"] > 0
    assert list(tmp_path.iterdir()) == list(config_home.iterdir()) == []


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252"])
def test_a_poor_encoding_of_stdout_is_no_obstacle(config_home: Path, encoding: str) -> None:
    shutil.copytree(CORPUS / "tui", config_home, dirs_exist_ok=True)
    outcome = ccmon("--once", "--all", "--requests", PYTHONIOENCODING=encoding)
    assert outcome.returncode == 0
    assert ">=$" in outcome.stdout.decode(encoding)
    text = ccmon("--once", "--all", "--json", PYTHONIOENCODING=encoding).stdout
    assert json.loads(text.decode("utf-8"))["sessions"]


def test_hostile_transcripts_reach_no_terminal(config_home: Path) -> None:
    shutil.copytree(CORPUS / "synthetic" / "hostile_text", config_home, dirs_exist_ok=True)
    for arguments in (("--requests",), ("--json", "--requests")):
        text = ccmon("--once", "--all", *arguments).stdout.decode()
        assert all(character.isprintable() for character in text.replace("\n", ""))


def test_a_reader_that_goes_away_is_no_error(home: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    process = subprocess.run(
        [sys.executable, "-m", "ccmon", "--once", "--all", "--requests"],
        stdout=writing,
        stderr=subprocess.PIPE,
        timeout=60,
        check=False,
    )
    os.close(writing)
    assert (process.returncode, process.stderr) == (0, b"")


def test_an_interrupt_exits_130_without_a_traceback(config_home: Path) -> None:
    transcript = config_home / "projects" / "-shop" / "4c1f9a20-6f0e-4b7d-9a51-2f6f3c1d8e77.jsonl"
    transcript.parent.mkdir(parents=True)
    transcript.write_text('{"type":"user"}\n')
    log = config_home.parent / "log"
    interrupt = f"""
import os, signal, sys
from ccmon.cli import main
from ccmon.monitor import Monitor
Monitor.step = lambda self, budget=0.05: os.kill(os.getpid(), {int(signal.SIGINT)}) or True
sys.exit(main(["--once", "--debug", {str(log)!r}]))
"""
    process = subprocess.run(
        [sys.executable, "-c", interrupt], capture_output=True, timeout=60, check=False
    )
    assert (process.returncode, process.stdout, process.stderr) == (130, b"", b"")


@pytest.mark.parametrize(
    "arguments", [("--help",), ("--version",), ("--nonsense",), ("--once", "--all", "--requests")]
)
def test_nothing_printed_needs_textual(home: Path, arguments: tuple[str, ...]) -> None:
    listing = f"""
import contextlib, sys
from ccmon.cli import main
with contextlib.suppress(SystemExit):
    main({list(arguments)!r})
heavy = {{"textual", "rich", "watchfiles", "asyncio"}} & sys.modules.keys()
sys.stderr.write("heavy: " + " ".join(sorted(heavy)))
"""
    process = subprocess.run(
        [sys.executable, "-c", listing], capture_output=True, timeout=60, check=True
    )
    assert process.stderr.decode().rpartition("heavy: ")[2] == ""
