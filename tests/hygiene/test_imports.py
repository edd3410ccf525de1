"""What a run loads: headless paths stay light, and no path loads network code.

import-linter reads the sources; this looks at what is really in ``sys.modules``
of a fresh process when it ends.
"""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = {"textual", "rich", "watchfiles", "asyncio", "tiktoken", "sqlite3"}
NETWORK = {"socket", "ssl", "http.client", "urllib.request", "requests", "httpx"}
READING = (
    "ccmon.transcripts",
    "ccmon.ledger",
    "ccmon.monitor",
    "ccmon.history",
    "ccmon.report",
    "pyarrow",
)
CORPUS = Path(__file__).parent.parent / "corpus" / "basic"

_RUN = """
import contextlib, json, os, sys
from ccmon.cli import main
out, sys.stdout = sys.stdout, open(os.devnull, "w")
code = 0
try:
    code = main(sys.argv[1:])
except SystemExit as end:
    code = end.code or 0
out.write(json.dumps([code, sorted(sys.modules)]))
"""
_PROCESS = """
import json, os, sys
from ccmon.__main__ import run
out, sys.stdout = sys.stdout, open(os.devnull, "w")
def end(code):
    out.write(json.dumps([code, sorted(name for name, module in sys.modules.items() if module)]))
    out.flush()
    leave(code)
leave, os._exit = os._exit, end
run()
"""
_IMPORT = """
import importlib, json, sys
importlib.import_module(sys.argv[1])
sys.stdout.write(json.dumps([0, sorted(sys.modules)]))
"""


def loaded(script: str, *arguments: str, stdin: str = "") -> set[str]:
    done = subprocess.run(
        [sys.executable, "-c", script, *arguments],
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    code, modules = json.loads(done.stdout)
    assert code == 0, done.stderr
    return set(modules)


@pytest.mark.parametrize(
    "arguments",
    [
        ("--help",),
        ("--version",),
        ("history", "--help"),
        ("export", "--help"),
        ("memory", "--help"),
        ("statusline", "--help"),
    ],
)
def test_help_and_version_load_nothing_that_reads(arguments: tuple[str, ...]) -> None:
    modules = loaded(_RUN, *arguments)
    assert not modules & (HEAVY | NETWORK)
    assert not [name for name in modules if name.startswith(READING)]


@pytest.mark.parametrize(
    "arguments",
    [
        ("--once", "--all"),
        ("--once", "--json", "--requests", "--all"),
        # Counting tokens is left to a process of its own.
        ("--once", "--json", "--items", "--session", "ebde3e0d"),
    ],
)
def test_printing_never_loads_the_screens_or_the_watcher(arguments: tuple[str, ...]) -> None:
    modules = loaded(_RUN, *arguments, "--config-dir", str(CORPUS))
    assert not modules & (HEAVY | NETWORK)
    assert "ccmon.monitor" in modules
    assert not [name for name in modules if name.startswith("ccmon.tui")]


@pytest.mark.parametrize(
    "arguments",
    [
        ("history",),
        ("history", "--by", "session", "--json", "--timezone", "Europe/Berlin"),
        ("history", "--csv"),
        ("history", "--forget"),
        ("export", "--format", "csv"),
        ("memory",),
        ("memory", "--json"),
    ],
    ids=" ".join,
)
def test_the_past_never_loads_the_screens_or_the_watcher(arguments: tuple[str, ...]) -> None:
    modules = loaded(_RUN, *arguments, "--config-dir", str(CORPUS))
    # The index is the one thing that needs a database.
    assert not modules & ((HEAVY - {"sqlite3"}) | NETWORK | {"pyarrow"})
    assert "ccmon.history.archive" in modules
    assert not [name for name in modules if name.startswith(("ccmon.tui", "ccmon.monitor"))]


def test_the_status_line_loads_no_more_than_it_needs(config_home: Path) -> None:
    """Each of these takes a part of the tenth of a second it has."""
    (config_home / "projects" / "shop").mkdir(parents=True)
    file = shutil.copy(next(CORPUS.rglob("*.jsonl")), config_home / "projects" / "shop")
    told = json.dumps({"session_id": "x", "transcript_path": str(file)})
    modules = loaded(_PROCESS, "statusline", stdin=told)
    assert not modules & (HEAVY | NETWORK)
    assert not modules & {"argparse", "difflib", "typing_extensions", "tomllib", "logging"}
    assert not [name for name in modules if name.startswith(("ccmon.tui", "ccmon.monitor"))]
    assert "ccmon.ledger.session" in modules


def test_the_demo_prints_without_the_screens() -> None:
    modules = loaded(_RUN, "--demo", "--once")
    assert not modules & (HEAVY | NETWORK)
    assert "ccmon.demo" in modules


@pytest.mark.parametrize(
    ("module", "strangers"),
    [
        ("ccmon", ("ccmon.", "msgspec")),
        ("ccmon.errors", ("ccmon.cli", "ccmon.snapshot", "msgspec")),
        ("ccmon.snapshot", ("ccmon.ledger", "ccmon.transcripts", "ccmon.insight", "ccmon.monitor")),
        ("ccmon.ledger.session", ("ccmon.transcripts", "ccmon.insight", "ccmon.monitor")),
        ("ccmon.transcripts.decode", ("ccmon.ledger", "ccmon.insight", "ccmon.monitor")),
        ("ccmon.insight.summary", ("ccmon.monitor", "ccmon.report", "ccmon.tui")),
        ("ccmon.monitor", ("ccmon.tui", "ccmon.report", "ccmon.cli", "watchfiles", "asyncio")),
        ("ccmon.report.once", ("ccmon.tui", "ccmon.cli", "ccmon.monitor")),
        ("ccmon.demo", ("ccmon.tui", "ccmon.monitor", "ccmon.transcripts", "msgspec")),
        # The engine is opened after the first paint, so the app must not load it before.
        ("ccmon.tui.app", ("ccmon.cli", "ccmon.report", "ccmon.demo", "ccmon.monitor")),
        ("ccmon.tui.app", ("ccmon.ledger", "ccmon.transcripts", "watchfiles")),
    ],
)
def test_a_layer_loads_nothing_from_above_or_beside(
    module: str, strangers: tuple[str, ...]
) -> None:
    modules = loaded(_IMPORT, module)
    assert module in modules
    packages = tuple(f"{stranger.rstrip('.')}." for stranger in strangers)
    assert not [name for name in modules if name in strangers or name.startswith(packages)]
