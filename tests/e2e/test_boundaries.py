"""What ccmon leaves alone, seen by the system: every call of whole runs, traced by strace.

Below the config home it opens transcripts, agents' descriptions and the registry, to read; nothing
else there is touched. It writes its own cache, for the user alone, and what was asked for. No
socket leaves the process, and the only other process is the one that counts tokens.
"""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from ccmon.transcripts.survey import is_wanted
from tests.e2e.system_calls import Call, Trace, is_below, traced, tracer
from tests.e2e.terminal import ROOT, Terminal, terminal
from tests.homes import CORPUS, FIRST, NOW, SECOND, ConfigHome, response
from tests.sittings import Sitting, numbered

OFF_LIMITS = (
    ".claude.json",
    ".credentials.json",
    "CLAUDE.md",
    "daemon/roster.json",
    "file-history/a/b@v1",
    "history.jsonl",
    "ide/4242.lock",
    "projects/-home-dev-shop-api/memory/MEMORY.md",
    "projects/-home-dev-shop-api/sessions-index.json",
    f"projects/-home-dev-shop-api/{FIRST}/tool-results/toolu_1.txt",
    "sessions/4242.1f2e.key",
    "settings.json",
    "settings.local.json",
    "shell-snapshots/snapshot.sh",
    "todos/a.json",
)
SECRET = "must never be read"
COUNTING = "from ccmon.counting import serve"
DEVICES = "/dev/"
TEXT = numbered(*(f"line {number} of a file" for number in range(60)))

RUNS = {
    "once": ("--once", "--all"),
    "json": ("--once", "--json", "--requests", "--all"),
    "history": ("history", "--by", "session"),
    "forget": ("history", "--forget"),
    "export": ("export",),
    "memory": ("memory",),
}


class Stage:
    """A config home with what is off limits in it, and folders for all that may be written."""

    def __init__(self, path: Path) -> None:
        self.home = path / "home" / ".claude"
        self.cache = path / "home" / ".cache" / "ccmon"
        self.tree = path / "tree"
        self.out = path / "out"
        self.trace = path / "trace"
        self.tmp = path / "tmp"
        for folder in (self.home, self.tree, self.out, self.tmp, self.cache.parent):
            folder.mkdir(parents=True)
        for name in ("basic", "subagents", "errors"):
            shutil.copytree(CORPUS / name, self.home, dirs_exist_ok=True)
        for name in OFF_LIMITS:
            file = self.home / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(SECRET)
        (self.tree / "cart.py").write_text(SECRET)
        (self.tree / "CLAUDE.md").write_text(SECRET)
        self.sitting(SECOND).write(ConfigHome(self.home))
        self.transcript = self.sitting(FIRST).write(ConfigHome(self.home))
        for transcript in self.home.rglob("*.jsonl"):
            os.utime(transcript, (NOW, NOW))
        os.utime(self.transcript)
        self._register()

    def sitting(self, session: str) -> Sitting:
        """A session whose paths are those of files that are really there."""
        made = Sitting(session, cwd=str(self.tree), start=1_795_340_000.0)
        for number in range(3):
            made.read("cart.py", TEXT, 1_000, offset=1 + number).search("cart", TEXT, 800)
        return made.run(f"cat {self.tree}/cart.py", TEXT, 900).say()

    @property
    def environ(self) -> dict[str, str]:
        """A user of this home, with nothing else set."""
        return {
            "HOME": str(self.home.parent),
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(ROOT),
            "PYTHONDONTWRITEBYTECODE": "1",
            "TERM": "xterm-256color",
            "COLORTERM": "truecolor",
            "LANG": "C.UTF-8",
            "TMPDIR": str(self.tmp),
        }

    def _register(self) -> None:
        entry = {"pid": os.getpid(), "sessionId": FIRST, "status": "busy"}
        (self.home / "sessions" / f"{os.getpid()}.json").write_text(json.dumps(entry))


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return Stage(tmp_path)


@pytest.fixture
def under(stage: Stage) -> tuple[str, ...]:
    command = tracer(stage.trace)
    if isinstance(command, str):
        pytest.skip(command)
    return command


def ccmon(
    stage: Stage, under: tuple[str, ...], *arguments: str, stdin: bytes = b""
) -> tuple[subprocess.CompletedProcess[bytes], Trace]:
    command = [sys.executable, "-m", "ccmon", *arguments]
    done, trace = traced(
        command, stage.trace, under=under, stdin=stdin, environ=stage.environ, cwd=stage.out
    )
    assert done.returncode == 0, done.stderr
    return done, trace


def is_forbidden(call: Call, stage: Stage) -> bool:
    """Whether it opens something of the home that is none of ccmon's business."""
    if not call.opens:
        return False
    opened = [path for path in call.paths if is_below(path, stage.home)]
    is_listing = "O_DIRECTORY" in call.arguments
    places = (stage.home / "projects", stage.home / "sessions")
    return any(not (is_below(path, *places) and (is_listing or is_wanted(path))) for path in opened)


def keeps_to_itself(trace: Trace, stage: Stage, *, writes: tuple[Path, ...] = ()) -> None:
    """Assert every boundary but for child processes; ``writes`` were asked for."""
    assert len(trace.calls) > 300, "the trace is not of a whole run"
    ours = (stage.cache, *writes)
    assert [call for call in trace.below(stage.home) if call.changes] == []
    assert [call for call in trace.below(stage.home) if is_forbidden(call, stage)] == []
    assert trace.below(stage.tree) == []
    assert trace.reached == []
    changed = [call for call in trace.calls if call.changes]
    paths = {path for call in changed for path in call.paths if not path.startswith(DEVICES)}
    elsewhere = {path for path in paths if not is_below(path, *ours)}
    assert elsewhere <= {str(stage.cache.parent)}, "it may only make the folder of all caches"
    made = (call for call in trace.too_open if call.paths[0].startswith(str(stage.cache)))
    assert list(made) == []
    for path in [stage.cache, *stage.cache.rglob("*")] if stage.cache.exists() else []:
        mode = stat.S_IMODE(path.stat().st_mode)
        assert mode == (0o700 if path.is_dir() else 0o600), path


@pytest.mark.parametrize("name", RUNS)
def test_a_command_keeps_to_itself(stage: Stage, under: tuple[str, ...], name: str) -> None:
    done, trace = ccmon(stage, under, *RUNS[name])
    assert done.stdout
    assert SECRET.encode() not in done.stdout
    keeps_to_itself(trace, stage)
    assert (trace.children, len(trace.commands)) == (0, 1)
    assert trace.below(stage.home / "projects"), "it read nothing"


def test_counting_is_the_only_other_process(stage: Stage, under: tuple[str, ...]) -> None:
    _, trace = ccmon(stage, under, "--once", "--json", "--items", "--session", FIRST)
    keeps_to_itself(trace, stage)
    assert trace.children == 1
    _, counting = trace.commands
    assert COUNTING in counting


def test_the_status_line_keeps_to_itself(stage: Stage, under: tuple[str, ...]) -> None:
    told = {
        "session_id": FIRST,
        "transcript_path": str(stage.transcript),
        "cwd": str(stage.tree),
        "workspace": {"project_dir": str(stage.tree)},
        "cost": {"total_cost_usd": 1.25},
    }
    done, trace = ccmon(stage, under, "statusline", stdin=json.dumps(told).encode())
    assert b"$1.25" in done.stdout
    keeps_to_itself(trace, stage)
    assert (trace.children, len(trace.commands)) == (0, 1)
    assert (stage.cache / "statusline" / f"{FIRST}.json").is_file()


@pytest.mark.parametrize("form", ["jsonl", "csv"])
def test_an_export_is_all_that_it_writes(stage: Stage, under: tuple[str, ...], form: str) -> None:
    file = stage.out / f"all.{form}"
    _, trace = ccmon(stage, under, "export", "--format", form, "--output", str(file))
    assert file.is_file()
    keeps_to_itself(trace, stage, writes=(stage.out,))
    assert (trace.children, [each.name for each in stage.out.iterdir()]) == (0, [file.name])


def test_the_demo_stays_in_its_scratch_folder(stage: Stage, under: tuple[str, ...]) -> None:
    done, trace = ccmon(stage, under, "--demo", "--once")
    assert b"shop-api" in done.stdout
    keeps_to_itself(trace, stage, writes=(stage.tmp,))
    assert (trace.children, trace.below(stage.home)) == (0, [])
    assert list(stage.tmp.iterdir()) == []


def test_the_screens_keep_to_themselves(
    stage: Stage, under: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(stage.out)
    with terminal([], stage.environ, under=under) as screen:
        screen.wait_for("Next request", 60)
        walk(screen, stage)
        screen.press("q")
        assert screen.wait_for_exit() == 0
    assert SECRET.encode() not in screen.output
    trace = Trace(stage.trace.read_text(errors="replace"))
    keeps_to_itself(trace, stage, writes=(stage.out,))
    assert trace.children == 1
    assert [COUNTING in command for command in trace.commands] == [False, True]
    assert len(list(stage.out.iterdir())) == 1


def walk(screen: Terminal, stage: Stage) -> None:
    """Every screen; a text is read back, an id copied, a list exported, and a session grows."""
    for keys, shown in (
        ("2", "sort "),
        ("G\r", "Where the money went"),
        ("v", "ctrl+d/ctrl+u"),
        ("\x1b", "Where the money went"),
        ("y", "copied"),
        ("\x1b", "sort "),
        ("e", ".csv"),
        ("3", "segment"),
        ("4", "hit "),
        ("5", "last 24h"),
        ("h", "by day"),
        ("m", "Memory"),
    ):
        screen.press(keys)
        screen.wait_for(shown, 30)
    screen.press("1")
    with stage.transcript.open("ab") as file:
        file.write(response("msg_new", read=77_700))
    screen.wait_for("77.7k", 30)


TRESPASSES: dict[str, tuple[str, Callable[[Trace, Stage], object]]] = {
    "writing": (
        "open(home + '/new.jsonl', 'w')",
        lambda trace, stage: [call for call in trace.below(stage.home) if call.changes],
    ),
    "locking": (
        "import fcntl; fcntl.flock(open(home + '/projects/a.jsonl'), fcntl.LOCK_SH)",
        lambda trace, stage: [call for call in trace.below(stage.home) if call.changes],
    ),
    "through a descriptor": (
        "os.chmod(os.open(home + '/settings.json', os.O_RDONLY), 0o600)",
        lambda trace, stage: [call for call in trace.below(stage.home) if call.changes],
    ),
    "relative": (
        "os.mkdir('x', dir_fd=os.open(home, os.O_RDONLY))",
        lambda trace, stage: [call for call in trace.below(stage.home) if call.changes],
    ),
    "settings": (
        "open(home + '/settings.json')",
        lambda trace, stage: [c for c in trace.below(stage.home) if is_forbidden(c, stage)],
    ),
    "settings behind a link": (
        "open(home + '/projects/link.jsonl')",
        lambda trace, stage: [c for c in trace.below(stage.home) if is_forbidden(c, stage)],
    ),
    "a key": (
        "open(home + '/sessions/4242.1f2e.key')",
        lambda trace, stage: [c for c in trace.below(stage.home) if is_forbidden(c, stage)],
    ),
    "a path of a transcript": (
        "os.path.exists(home + '/../../tree/cart.py')",
        lambda trace, stage: trace.below(stage.tree),
    ),
    "a socket": (
        "import socket; socket.socket(socket.AF_INET, socket.SOCK_DGRAM)",
        lambda trace, stage: trace.reached,
    ),
    "a child": ("os.system('true')", lambda trace, stage: trace.children),
    "a program": ("os.execv('/bin/true', ['true'])", lambda trace, stage: trace.commands[1:]),
    "a file for all": (
        "os.close(os.open('open', os.O_CREAT | os.O_WRONLY, 0o644))",
        lambda trace, stage: trace.too_open,
    ),
    "a folder for all": ("os.mkdir('open')", lambda trace, stage: trace.too_open),
}


@pytest.mark.parametrize("name", TRESPASSES)
def test_the_trace_would_show_a_trespass(stage: Stage, under: tuple[str, ...], name: str) -> None:
    (stage.home / "projects" / "a.jsonl").touch()
    (stage.home / "projects" / "link.jsonl").symlink_to(stage.home / "settings.json")
    code, seen = TRESPASSES[name]
    begun = f"import os; home = {str(stage.home)!r}; "
    for script, is_seen in ((begun, False), (begun + code, True)):
        command = [sys.executable, "-I", "-S", "-c", script]
        _, trace = traced(command, stage.trace, under=under, cwd=stage.out)
        assert bool(seen(trace, stage)) is is_seen
