"""``ccmon history``, ``export`` and ``memory`` as people and scripts run them: a process each."""

import csv
import io
import json
import os
import pty
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from ccmon.cli import main
from ccmon.format import money, plural
from tests.homes import CORPUS
from tests.known import FOLDERS, Json, name_of, within

FACES = [("history",), ("history", "--by", "session"), ("history", "--json"), ("history", "--csv"),
         ("export",), ("export", "--format", "csv"), ("memory",), ("memory", "--json")]  # fmt: skip

Outcome = subprocess.CompletedProcess[bytes]


@pytest.fixture(params=FOLDERS, ids=name_of)
def folder(request: pytest.FixtureRequest) -> Path:
    found: Path = request.param
    return found


@pytest.fixture
def home(config_home: Path) -> Path:
    """A config home with the two sessions of a resumed conversation and one more."""
    shutil.copytree(CORPUS / "resume", config_home, dirs_exist_ok=True)
    return config_home


def ccmon(*arguments: str, **environment: str) -> Outcome:
    return subprocess.run(
        [sys.executable, "-m", "ccmon", *arguments],
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=60,
        check=False,
    )


def printed(capfdbinary: pytest.CaptureFixture[bytes], *arguments: str) -> bytes:
    """What ``main`` prints; 3 is right where there is no request."""
    code = main(arguments)
    captured = capfdbinary.readouterr()
    assert code == (3 if captured.err else 0)
    return captured.out


def document_of(home: Path, capfdbinary: pytest.CaptureFixture[bytes], *arguments: str) -> Json:
    document: Json = json.loads(printed(capfdbinary, *arguments, "--config-dir", str(home)))
    return document


def test_the_totals_are_known(folder: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    expected = json.loads((folder / "expected.json").read_bytes())
    accepted = expected.get("accepted_range", {})
    for by in ("session", "model"):
        document = document_of(folder, capfdbinary, "history", "--json", "--by", by)
        within(document["totals"], expected, accepted)
        groups = {group["key"]: group for group in document["groups"]}
        assert groups.keys() == expected[f"by_{by}"].keys()
        if len(groups) == 1 or not accepted:
            for key, sums in expected[f"by_{by}"].items():
                within(groups[key], sums, accepted)


def test_what_is_known_of_live_sessions_is_known_of_past_ones(
    folder: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    past = document_of(folder, capfdbinary, "history", "--json", "--by", "session")
    live = document_of(folder, capfdbinary, "--once", "--all", "--json")
    for name in ("requests", "usage", "unpriced_requests"):
        assert past["totals"][name] == live["totals"][name], name
    assert past["totals"]["cost_usd"] == pytest.approx(live["totals"]["cost_usd"], abs=2e-6)
    sessions = {one["session_id"]: one for one in live["sessions"] if one["requests"]}
    assert {group["key"] for group in past["groups"]} == sessions.keys()
    for group in past["groups"]:
        session = sessions[group["key"]]
        for name in ("project", "requests", "usage", "cost_is_estimated"):
            assert group[name] == session[name], name
        # Added in another order: the last of six digits may differ.
        assert group["cost_usd"] == pytest.approx(session["cost_usd"], abs=2e-6)
        assert group["spend_split"] == pytest.approx(session["spend_split"], abs=2e-6)
        # Of what is billed and stands in no line the past knows compactions that requests follow.
        bounds = {"output", "unpriced"} & set(session["lower_bound_reasons"])
        last = session["requests"] - sum(agent["requests"] for agent in session["subagents"])
        followed = any(each["before_request"] <= last for each in session["compactions"])
        assert group["cost_is_lower_bound"] is (bool(bounds) or followed)
        assert group["busts"] == len(session["busts"])
        assert group["rewritten"] == sum(bust["rewritten"] for bust in session["busts"])
        assert group["subagents"] == len(session["subagents"])


def test_each_request_is_exported_once_as_it_is_known_live(
    folder: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    data = printed(capfdbinary, "export", "--config-dir", str(folder))
    rows = {
        (row["session_id"], row["thread"], row["n"]): row
        for row in map(json.loads, data.splitlines())
    }
    live = document_of(folder, capfdbinary, "--once", "--all", "--json", "--requests")
    requests = {
        (session["session_id"], request["thread"], request["n"]): request
        for session in live["sessions"]
        for request in session["request_list"]
    }
    assert len(data.splitlines()) == len(rows)
    assert rows.keys() == requests.keys()
    assert len({row["message_id"] for row in rows.values()}) == len(rows)
    for key, request in requests.items():
        row = rows[key]
        for name in ("message_id", "request_id", "model", "stop_reason", "context", "rewritten",
                     "cost_usd", "output_is_lower_bound"):  # fmt: skip
            assert row[name] == request[name], (key, name)
        assert {name: row[name] for name in request["usage"]} == request["usage"]
        if request["spend_split"]:
            assert {name: row[name] for name in request["spend_split"]} == request["spend_split"]
        assert (row["at"] or "")[:19] == (request["at"] or "")[:19]


def test_every_grouping_adds_up(folder: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    for by in ("week", "project"):
        document = document_of(folder, capfdbinary, "history", "--json", "--by", by)
        totals, groups = document["totals"], document["groups"]
        assert sum(group["requests"] for group in groups) == totals["requests"]
        assert sum(group["busts"] for group in groups) == totals["busts"]
        for count, total in totals["usage"].items():
            assert sum(group["usage"][count] for group in groups) == total
        costs = [group["cost_usd"] for group in groups if group["cost_usd"] is not None]
        assert sum(costs) == pytest.approx(totals["cost_usd"] or 0.0, abs=1e-6 * (len(costs) + 1))


def test_a_second_run_says_the_same(home: Path) -> None:
    first, second = ccmon("history", "--json"), ccmon("history", "--json")
    documents = [json.loads(outcome.stdout) for outcome in (first, second)]
    for document in documents:
        del document["generated_at"]
    assert documents[0] == documents[1]


def test_text_goes_to_stdout_and_nothing_to_stderr(home: Path) -> None:
    for arguments in FACES:
        outcome = ccmon(*arguments)
        assert (outcome.returncode, outcome.stderr) == (0, b"")
        assert b"\x1b" not in outcome.stdout
        if arguments[-1] in ("history", "session", "memory"):
            assert max(map(len, outcome.stdout.decode().splitlines())) <= 80


def test_days_are_those_of_the_time_zone(home: Path) -> None:
    days = {}
    for zone in ("UTC", "Pacific/Kiritimati"):
        document = json.loads(ccmon("history", "--json", "--timezone", zone).stdout)
        assert document["timezone"] == zone
        days[zone] = [group["key"] for group in document["groups"]]
    assert days["UTC"] != days["Pacific/Kiritimati"]


def test_an_unknown_project_exits_3_and_names_the_known(home: Path) -> None:
    for command in ("history", "export", "memory"):
        outcome = ccmon(command, "--project", "zz")
        assert (outcome.returncode, outcome.stdout) == (3, b"")
        assert outcome.stderr.count(b"\n") == 1
        assert b"zz" in outcome.stderr


def test_an_empty_home_exits_3(config_home: Path) -> None:
    for command in ("history", "export", "memory"):
        outcome = ccmon(command)
        assert (outcome.returncode, outcome.stdout) == (3, b"")
        assert outcome.stderr.startswith(b"ccmon: no Claude Code transcripts in ")


def test_what_is_gone_is_kept_until_it_is_forgotten(home: Path) -> None:
    whole = json.loads(ccmon("history", "--json").stdout)["totals"]
    for file in sorted(home.glob("projects/*/*.jsonl"))[:1]:
        file.unlink()
    kept = json.loads(ccmon("history", "--json").stdout)
    assert kept["totals"] == whole
    assert kept["kept"]["gone_files"] == 1
    assert b"no longer on disk" in ccmon("history").stdout
    told = ccmon("history", "--forget").stdout.decode()
    left = json.loads(ccmon("history", "--json").stdout)
    lost = whole["cost_usd"] - left["totals"]["cost_usd"]
    assert lost > 0
    assert told.startswith("Forgot ")
    assert f"{money(lost, short=True)}: 1 file no longer on disk." in told
    assert left["totals"]["requests"] < whole["requests"]
    assert left["kept"]["gone_files"] == 0
    assert ccmon("history", "--forget").stdout.startswith(b"Nothing to forget")


def test_a_part_of_the_past_says_what_of_it_is_gone(home: Path) -> None:
    (project,) = json.loads(ccmon("history", "--json", "--by", "project").stdout)["groups"]
    min(home.glob("projects/*/*.jsonl")).unlink()
    gone = json.loads(ccmon("history", "--json").stdout)["kept"]["gone_requests"]
    assert gone
    name = project["name"]
    for options in (("--since", "2020-01-01"), ("--project", name, "--by", "model")):
        shown = ccmon("history", *options).stdout.decode()
        assert f"no longer on disk: {plural(gone, 'request')} of 1 session" in shown
        assert "--forget" not in shown
    nothing = ccmon("history", "--until", "2020-01-01")
    assert (nothing.returncode, nothing.stdout) == (3, b"")


def test_an_export_never_takes_the_place_of_the_index(home: Path, tmp_path: Path) -> None:
    index = tmp_path / "cache" / "history.sqlite"
    assert ccmon("history", CCMON_CACHE=str(index.parent)).returncode == 0
    line = ("export", "--format", "csv", "--output", str(index))
    outcome = ccmon(*line, CCMON_CACHE=str(index.parent))
    assert (outcome.returncode, outcome.stdout) == (2, b"")
    assert b"is a file of ccmon itself" in outcome.stderr
    assert index.read_bytes().startswith(b"SQLite format 3")


@pytest.mark.parametrize("name", ["-", "/dev/stdout"])
def test_an_export_to_a_named_stdout_reaches_a_pipe(
    name: str, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
    monkeypatch.chdir(tmp_path)
    outcome = ccmon("export", "--output", name)
    assert (outcome.returncode, len(outcome.stdout.splitlines())) == (0, 12)
    assert list(tmp_path.iterdir()) == []


def test_an_export_is_a_whole_file_or_none(home: Path, tmp_path: Path) -> None:
    file = tmp_path / "rows.csv"
    outcome = ccmon("export", "--output", str(file))
    assert (outcome.returncode, outcome.stdout, outcome.stderr) == (0, b"", b"")
    rows = list(csv.DictReader(io.StringIO(file.read_bytes().decode(), newline="")))
    assert len(rows) == 12
    before = file.read_bytes()
    outcome = ccmon("export", "--until", "2020-01-01", "--output", str(file))
    assert (outcome.returncode, file.read_bytes()) == (3, before)
    outcome = ccmon("export", "--output", str(home / "rows.csv"))
    assert outcome.returncode == 2
    assert b"is in a Claude config folder" in outcome.stderr
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize("arguments", FACES, ids=" ".join)
def test_a_reader_that_goes_away_is_no_error(arguments: tuple[str, ...], home: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    process = subprocess.run(
        [sys.executable, "-m", "ccmon", *arguments],
        stdout=writing,
        stderr=subprocess.PIPE,
        timeout=60,
        check=False,
    )
    os.close(writing)
    assert (process.returncode, process.stderr) == (0, b"")


@pytest.mark.parametrize("command", ["history", "export", "memory"])
def test_an_interrupt_exits_130_and_the_next_run_is_right(command: str, home: Path) -> None:
    interrupt = f"""
import os, sys
from ccmon.cli import main
from ccmon.history.archive import Archive
step = Archive.step
def interrupted(self, budget=0.05):
    step(self, 1e-6)
    os.kill(os.getpid(), {int(signal.SIGINT)})
    return True
Archive.step = interrupted
sys.exit(main([{command!r}]))
"""
    process = subprocess.run(
        [sys.executable, "-c", interrupt], capture_output=True, timeout=60, check=False
    )
    assert (process.returncode, process.stdout, process.stderr) == (130, b"", b"")
    assert json.loads(ccmon("history", "--json").stdout)["totals"]["requests"] == 12


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252"])
def test_a_poor_encoding_of_stdout_is_no_obstacle(config_home: Path, encoding: str) -> None:
    shutil.copytree(CORPUS / "tui", config_home, dirs_exist_ok=True)
    for arguments in FACES:
        outcome = ccmon(*arguments, PYTHONIOENCODING=encoding)
        assert outcome.returncode == 0, outcome.stderr
        assert outcome.stdout
    document = json.loads(ccmon("history", "--json", PYTHONIOENCODING=encoding).stdout)
    assert document["totals"]["requests"] > 0


def test_hostile_transcripts_reach_no_terminal(config_home: Path) -> None:
    shutil.copytree(CORPUS / "synthetic" / "hostile_text", config_home, dirs_exist_ok=True)
    for arguments in FACES:
        text = ccmon(*arguments).stdout.decode()
        assert all(
            character.isprintable() for character in text.replace("\r\n", "\n") if character != "\n"
        )


def test_a_long_scan_draws_a_bar_and_erases_it(home: Path) -> None:
    slow = """
import sys, time
from ccmon.cli import main
from ccmon.history.archive import Archive
step, began = Archive.step, time.monotonic()
Archive.step = lambda self, budget=0.05: step(self, budget) or time.monotonic() < began + 0.8
sys.exit(main(["history", "--json"]))
"""
    terminal, theirs = pty.openpty()
    process = subprocess.run(
        [sys.executable, "-c", slow], stdout=subprocess.PIPE, stderr=theirs, timeout=60, check=True
    )
    drawn = os.read(terminal, 65_536).decode()
    os.close(theirs)
    os.close(terminal)
    assert json.loads(process.stdout)["totals"]["requests"] == 12
    assert drawn.startswith("\r\x1b[Kreading")
    assert drawn.endswith("\r\x1b[K")
