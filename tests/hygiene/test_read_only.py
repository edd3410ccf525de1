"""ccmon changes nothing in a config home, opens no secrets there, and needs no network.

Three proofs, because file permissions stop nobody who runs as root:

- a listing of the whole home (type, mode, inode, size, times, content) is the
  same before and after a run;
- an audit hook inside the process sees no secret opened, nothing opened for
  writing below the home, and no address looked up or connected to;
- where user namespaces are allowed, the run works with the home mounted
  read-only and without any network interface.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

CORPUS = Path(__file__).parent.parent / "corpus"
SECRETS = ("settings.json", ".credentials.json", "sessions/4242.1f2e.key", "daemon/roster.json")
COUNTED = ("--once", "--json", "--items", "--session", "ebde3e0d")
RUNS = [
    ("--once", "--all"),
    ("--once", "--json", "--requests", "--all"),
    ("--once",),
    COUNTED,
    ("history", "--by", "session"),
    ("history", "--forget"),
    ("export", "--format", "csv"),
    ("memory",),
]

_AUDITED = """
import json, os, sys
home, seen = sys.argv[1], []
WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
CHANGES = {"os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.truncate", "os.chmod",
           "os.chown", "os.link", "os.symlink", "os.utime", "os.setxattr"}
SECRETS = (".key", "settings.json", ".credentials.json", "roster.json")
def watch(event, args):
    if event.startswith("socket."):
        seen.append([event, repr(args)])
    elif event == "open" and str(args[0]).startswith(home):
        if args[2] & WRITES or str(args[0]).endswith(SECRETS):
            seen.append([event, str(args[0])])
    elif event in CHANGES and any(str(each).startswith(home) for each in args):
        seen.append([event, repr(args)])
sys.addaudithook(watch)
from ccmon.cli import main
code = main([*sys.argv[2:], "--config-dir", home])
sys.stderr.write(json.dumps([code, seen]))
"""

_FENCED = """
set -e
mount --bind "$1" "$1"
mount -o remount,bind,ro "$1"
if touch "$1/probe" 2>/dev/null; then echo "the home can be written to" >&2; exit 90; fi
if [ "$(wc -l < /proc/net/dev)" -gt 3 ]; then echo "there is a network" >&2; exit 91; fi
shift
exec "$@"
"""


@pytest.fixture
def home(config_home: Path) -> Path:
    """A config home with transcripts of several clients and with secrets that are off limits."""
    for name in ("basic", "subagents", "errors", "tui", "basic-2.0.76"):
        shutil.copytree(CORPUS / name, config_home, dirs_exist_ok=True)
    for name in SECRETS:
        secret = config_home / name
        secret.parent.mkdir(parents=True, exist_ok=True)
        secret.write_text('{"token": "must never be read"}')
    return config_home


def listing(home: Path) -> dict[str, tuple[object, ...]]:
    """Everything that can be seen of the home from outside, read times apart."""
    seen: dict[str, tuple[object, ...]] = {}
    for path in [home, *home.rglob("*")]:
        about = path.lstat()
        content = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
        times = (about.st_mtime_ns, about.st_ctime_ns)
        seen[str(path)] = (about.st_mode, about.st_ino, about.st_size, *times, content)
    return seen


def ccmon(*arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "ccmon", *arguments], capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("arguments", RUNS, ids=" ".join)
def test_a_run_leaves_the_config_home_as_it_was(home: Path, arguments: tuple[str, ...]) -> None:
    before = listing(home)
    done = ccmon(*arguments, "--config-dir", str(home))
    assert done.returncode == 0, done.stderr
    assert done.stdout
    assert listing(home) == before


@pytest.mark.parametrize("arguments", RUNS, ids=" ".join)
def test_a_run_opens_no_secret_writes_nothing_and_connects_nowhere(
    home: Path, arguments: tuple[str, ...]
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _AUDITED, str(home), *arguments],
        capture_output=True,
        text=True,
        check=False,
    )
    code, seen = json.loads(done.stderr)
    assert (code, seen) == (0, [])


def test_the_audit_would_see_a_trespass(home: Path) -> None:
    script = _AUDITED.replace(
        "from ccmon.cli import main",
        "open(home + '/settings.json').close(); open(home + '/new', 'w').close()\n"
        "from ccmon.cli import main",
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(home), "--once"],
        capture_output=True,
        text=True,
        check=False,
    )
    _, seen = json.loads(done.stderr)
    assert seen == [["open", f"{home}/settings.json"], ["open", f"{home}/new"]]


def test_a_run_works_on_a_read_only_home_without_a_network(home: Path) -> None:
    plain = ccmon("--once", "--json", "--all", "--config-dir", str(home))
    fenced = _in_namespace(
        home,
        [sys.executable, "-m", "ccmon", "--once", "--json", "--all", "--config-dir", str(home)],
    )
    assert fenced.returncode == 0, fenced.stderr
    seen, expected = json.loads(fenced.stdout), json.loads(plain.stdout)
    assert seen["totals"] == expected["totals"]
    assert seen["totals"]["requests"] > 0


def test_the_demo_needs_no_network(home: Path) -> None:
    fenced = _in_namespace(home, [sys.executable, "-m", "ccmon", "--demo", "--once"])
    assert fenced.returncode == 0, fenced.stderr
    assert "shop-api" in fenced.stdout


def _in_namespace(home: Path, command: list[str]) -> "subprocess.CompletedProcess[str]":
    """Runs a command with ``home`` mounted read-only and without a network interface."""
    unshare = shutil.which("unshare")
    if unshare is None:
        pytest.skip("no unshare")
    fence = [unshare, "--map-root-user", "--net", "--mount", "sh", "-c", _FENCED, "sh", str(home)]
    probe = subprocess.run([*fence, "true"], capture_output=True, text=True, check=False)
    assert probe.returncode not in (90, 91), probe.stderr
    if probe.returncode:
        pytest.skip(f"no namespaces here: {probe.stderr.strip()}")
    return subprocess.run(
        [*fence, *command], capture_output=True, text=True, check=False, env=dict(os.environ)
    )
