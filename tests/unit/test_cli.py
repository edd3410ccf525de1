"""The command line: what it accepts, how it refuses, which exit code it ends with."""

import logging
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import get_args, get_type_hints

import pytest
from msgspec import structs

from ccmon import __version__, cli, settings
from ccmon.cli import live
from ccmon.errors import CcmonError
from ccmon.snapshot import AlertState, CacheAlert, DragState, Session, Snapshot
from tests.golden.shown import (
    CACHE,
    empty_session,
    finding,
    session,
    snapshot,
    unpriced_session,
    with_health,
)

Capture = pytest.CaptureFixture[str]


class FakeMonitor:
    """Knows one snapshot from the start; ``made`` keeps how each was asked for."""

    shown: Snapshot = snapshot(session())
    made: list[tuple[object, ...]]
    steps = 0

    def __init__(self, *given: object, **named: object) -> None:
        self.made.append(given)

    def step(self, budget: float = 0.05) -> bool:
        FakeMonitor.steps += 1
        return False

    def snapshot(self, now: float | None = None) -> Snapshot:
        return self.shown


@pytest.fixture
def monitor(monkeypatch: pytest.MonkeyPatch) -> type[FakeMonitor]:
    monkeypatch.setattr(FakeMonitor, "made", [], raising=False)
    monkeypatch.setattr("ccmon.monitor.Monitor", FakeMonitor)
    return FakeMonitor


def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        ("--jsn", "unknown option: --jsn; did you mean --json?"),
        ("--onse --json", "unknown option: --onse; did you mean --once?"),
        ("--confg-dir=/tmp", "unknown option: --confg-dir; did you mean --config-dir?"),
        ("--zzz", "unknown option: --zzz; see ccmon --help"),
        ("-x", "unknown option: -x; see ccmon --help"),
        ("--sess 4c1f", "unknown option: --sess; did you mean --session?"),
        ("shop-api", "unexpected argument: shop-api; see ccmon --help"),
        ("--once=yes", "--once: ignored explicit argument 'yes'; see ccmon --help"),
        ("--session", "--session: expected one argument; see ccmon --help"),
        ("--config-dir", "--config-dir: expected at least one argument; see ccmon --help"),
        ("--json", "--json needs --once; ccmon --once --json"),
        ("--requests", "--requests needs --once; ccmon --once --requests"),
        ("--items", "--items needs --once; ccmon --once --items"),
        ("--all", "--all needs --once; ccmon --once --all"),
        ("--since 7d", "--since needs --once; ccmon --once --since 24h"),
        ("--fail-on high", "--fail-on needs --once; ccmon --once --fail-on warn"),
        ("--once --items", "--items needs --json; ccmon --once --json --items"),
        (
            "--once --session 4c --project shop",
            "--session and --project exclude each other; leave one of them out",
        ),
        ("--demo --project shop", "--demo shows its own session; leave out what to show"),
        ("--once --since 24", "--since: not a span of time: 24; write 90m, 24h or 7d"),
        ("--once --since 0h", "--since: not a span of time: 0h; write 90m, 24h or 7d"),
        ("--once --since -1h", "--since: expected one argument; see ccmon --help"),
        ("--once --since 1w", "--since: not a span of time: 1w; write 90m, 24h or 7d"),
        (
            "--once --since 999999999d",
            "--since: not a span of time: 999999999d; write 90m, 24h or 7d",
        ),
        ("--once --since ٣h", "--since: not a span of time: ٣h; write 90m, 24h or 7d"),
        ("--once --fail-on bad", "--fail-on: no such value: bad; one of info, warn, high"),
        ("--theme pink", "--theme: no such value: pink; one of auto, dark, light, ansi"),
    ],
)
def test_wrong_use_is_one_line_with_a_hint_and_exit_2(
    arguments: str, line: str, capsys: Capture
) -> None:
    assert cli.main(arguments.split()) == 2
    captured = capsys.readouterr()
    assert captured.err == f"ccmon: {line}\n"
    assert captured.out == ""


@pytest.mark.parametrize("option", ["--session", "--project", "--config-dir", "--debug"])
def test_an_empty_name_is_refused(option: str, capsys: Capture) -> None:
    assert cli.main(["--once", option, " "]) == 2
    assert capsys.readouterr().err == f"ccmon: {option}: is empty; see ccmon --help\n"


def test_an_argument_cannot_command_the_terminal(capsys: Capture) -> None:
    assert cli.main(["--once", "\x1b[2J\udcffx\ny"]) == 2
    assert "unexpected argument: \ufffdx y;" in capsys.readouterr().err


def test_all_options_are_understood() -> None:
    line = (
        "--once --json --requests --items --all --since 90m --fail-on warn --session 4c1f"
        " --config-dir /a /b --config-dir /c --theme ansi --ascii --debug /tmp/log"
    )
    assert structs.asdict(live.parse(line.split())) == {
        "session": "4c1f",
        "project": None,
        "config_dirs": ("/a", "/b", "/c"),
        "once": True,
        "json": True,
        "requests": True,
        "items": True,
        "everything": True,
        "since": 5_400.0,
        "fail_on": "warn",
        "demo": False,
        "theme": "ansi",
        "ascii": True,
        "debug": "/tmp/log",
    }


@pytest.mark.parametrize(("text", "seconds"), [("1m", 60.0), ("24h", 86_400.0), ("7d", 604_800.0)])
def test_a_span_of_time_is_minutes_hours_or_days(text: str, seconds: float) -> None:
    assert live.parse(["--once", "--since", text]).since == seconds


def test_the_themes_are_those_of_the_settings() -> None:
    hints = get_type_hints(settings.Settings)
    assert get_args(hints["theme"]) == live.THEMES


@pytest.mark.parametrize(
    ("option", "text"), [("--version", f"ccmon {__version__}\n"), ("--help", "usage: ccmon")]
)
def test_help_and_version_go_to_stdout(option: str, text: str, capsys: Capture) -> None:
    with pytest.raises(SystemExit, match=r"^0$"):
        cli.main([option])
    assert capsys.readouterr().out.startswith(text)


def test_without_a_terminal_it_prints_once_and_says_so(capsys: Capture) -> None:
    assert cli.main(["--demo"]) == 0
    printed = capsys.readouterr()
    assert printed.out.startswith("shop-api  4c1f9a20")
    assert printed.err == (
        "ccmon: no terminal for the screens, so this is printed once, as with --once\n"
    )


def test_a_config_folder_that_is_not_there_is_named(tmp_path: Path, capsys: Capture) -> None:
    gone = tmp_path / "gone"
    assert cli.main(["--once", "--config-dir", str(tmp_path), str(gone)]) == 2
    assert f"--config-dir: no such folder: {gone};" in capsys.readouterr().err


def test_nothing_to_read_says_where_it_looked(
    tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = tmp_path / "gone"
    monkeypatch.setenv("CLAUDE_CONFIG_DIR", f"{tmp_path},{gone}")
    assert cli.main(["--once"]) == 3
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err == (
        f"ccmon: no Claude Code transcripts in {tmp_path}/projects,"
        f" {gone}/projects (not there); start a session with `claude`,"
        " or name a folder: ccmon --config-dir DIR\n"
    )


def test_unreadable_transcripts_are_the_reason_when_nothing_is_shown(
    monitor: type[FakeMonitor], monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.setattr(monitor, "shown", with_health(snapshot(), unreadable_files=2))
    assert cli.main(["--once"]) == 3
    assert capsys.readouterr() == (
        "",
        "ccmon: 2 paths cannot be read; look at their permissions\n",
    )


def test_a_scope_reaches_the_monitor(monitor: type[FakeMonitor], config_home: Path) -> None:
    from ccmon.monitor import Scope

    assert cli.main(["--once", "--all", "--project", "shop", "--since", "24h"]) == 0
    ((homes, chosen, scope),) = monitor.made
    assert isinstance(homes, Sequence)
    assert [home.path for home in homes] == [str(config_home)]
    assert isinstance(chosen, settings.Settings)
    assert scope == Scope(None, "shop", True, 86_400.0, live=False)


def test_flags_win_over_the_environment(
    monitor: type[FakeMonitor], monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.setenv("CCMON_THEME", "light")
    monkeypatch.setenv("CCMON_ASCII", "true")
    assert cli.main(["--once", "--theme", "dark"]) == 0
    ((_, chosen, _),) = monitor.made
    assert isinstance(chosen, settings.Settings)
    assert (chosen.theme, chosen.ascii) == ("dark", True)
    assert capsys.readouterr().out.isascii()


def test_a_wrong_setting_is_wrong_use(monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    monkeypatch.setenv("CCMON_THEEM", "light")
    assert cli.main(["--once"]) == 2
    assert "did you mean theme?" in capsys.readouterr().err


def calm(**changes: object) -> Session:
    """A session with nothing to say but what the changes say."""
    drag = session().drag
    assert drag is not None
    return session(**{"drag": structs.replace(drag, state="off"), "findings": (), **changes})


@pytest.mark.parametrize("severity", ["info", "warn", "high"])
def test_the_worst_finding_of_any_session_decides(severity: live.Severity) -> None:
    mild = finding("F16", severity="info")
    shown = snapshot(calm(findings=(mild,)), calm(findings=(finding(severity=severity), mild)))
    assert live.worst_severity(shown) == severity


def test_what_is_past_is_no_reason_to_fail() -> None:
    past = finding(severity="warn", past=True)
    assert live.worst_severity(snapshot(calm(findings=(past,)))) is None


@pytest.mark.parametrize(("alert", "worst"), [("off", None), ("high", "warn"), ("severe", "high")])
def test_rewriting_that_leads_is_a_reason_to_fail(alert: AlertState, worst: str | None) -> None:
    cache = structs.replace(CACHE, alert=CacheAlert(alert, 0.2, 2, 100, 7))
    assert live.worst_severity(snapshot(calm(cache=cache))) == worst
    assert live.worst_severity(snapshot(unpriced_session(), empty_session())) is None


@pytest.mark.parametrize(("threshold", "code"), [("info", 1), ("warn", 1), ("high", 0)])
@pytest.mark.usefixtures("capsys")
def test_a_finding_fails_from_its_severity_on(
    threshold: str, code: int, monitor: type[FakeMonitor], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(monitor, "shown", snapshot(calm(findings=(finding(severity="warn"),))))
    assert cli.main(["--once", "--fail-on", threshold]) == code


@pytest.mark.parametrize("state", ["off", "high", "dominates"])
@pytest.mark.parametrize("threshold", ["info", "warn", "high"])
@pytest.mark.usefixtures("capsys")
def test_dragging_sessions_fail_on_every_severity(
    state: DragState,
    threshold: str,
    monitor: type[FakeMonitor],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    drag = session().drag
    assert drag is not None
    dragging = calm(drag=structs.replace(drag, state=state))
    monkeypatch.setattr(monitor, "shown", snapshot(unpriced_session(), dragging))
    assert cli.main(["--once", "--fail-on", threshold]) == (0 if state == "off" else 1)
    assert cli.main(["--once"]) == 0


@pytest.mark.parametrize(
    ("failure", "code"),
    [(KeyboardInterrupt(), 130), (BrokenPipeError(), 0), (CcmonError("no", "why", 3), 3)],
)
def test_a_failure_while_reading_ends_with_its_code(
    failure: BaseException,
    code: int,
    monitor: type[FakeMonitor],
    monkeypatch: pytest.MonkeyPatch,
    capsys: Capture,
) -> None:
    def fail(self: FakeMonitor, budget: float = 0.05) -> bool:
        raise failure

    monkeypatch.setattr(monitor, "step", fail)
    assert cli.main(["--once"]) == code
    assert capsys.readouterr() == ("", "ccmon: no; why\n" if code == 3 else "")


def test_a_name_that_matches_nothing_is_said_before_the_screens_open(
    monitor: type[FakeMonitor], monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    def fail(self: FakeMonitor, budget: float = 0.05) -> bool:
        raise CcmonError("no session", "look", 3)

    monkeypatch.setattr(monitor, "step", fail)
    terminal(monkeypatch)
    assert cli.main(["--session", "zz"]) == 3
    assert capsys.readouterr().err == "ccmon: no session; look\n"


def test_a_log_is_written_where_debug_says(
    monitor: type[FakeMonitor], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def step(self: FakeMonitor, budget: float = 0.05) -> bool:
        logging.getLogger("ccmon.monitor").warning("bad line \ud800")
        return False

    monkeypatch.setattr(monitor, "step", step)
    file = tmp_path / "debug.log"
    assert cli.main(["--once", "--debug", str(file)]) == 0
    assert "WARNING ccmon.monitor: bad line \\ud800" in file.read_text()
    left = logging.getLogger("ccmon").handlers
    assert all(isinstance(handler, logging.NullHandler) for handler in left)


@pytest.mark.parametrize(
    ("file", "complaint"),
    [
        ("{home}/.claude/debug.log", "is in a Claude config folder"),
        ("{home}/other/../.claude/debug.log", "is in a Claude config folder"),
        ("{home}/link/debug.log", "is in a Claude config folder"),
        ("~/.config/claude/debug.log", "is in a Claude config folder"),
        ("{home}/no/such/folder.log", "No such file or directory"),
        ("{home}", "Is a directory"),
    ],
)
def test_a_log_that_may_not_be_written_there_is_refused(
    file: str, complaint: str, scratch_home: Path, capsys: Capture
) -> None:
    (scratch_home / "other").mkdir()
    (scratch_home / ".config" / "claude").mkdir(parents=True)
    (scratch_home / "link").symlink_to(scratch_home / ".claude")
    before = sorted(scratch_home.rglob("*"))
    assert cli.main(["--once", "--debug", file.format(home=scratch_home)]) == 2
    assert complaint in capsys.readouterr().err
    assert sorted(scratch_home.rglob("*")) == before


@pytest.mark.usefixtures("monitor")
def test_an_output_that_cannot_be_written_is_an_error_not_a_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    with Path("/dev/full").open("w") as full:
        monkeypatch.setattr(sys, "stdout", full)
        assert cli.main(["--once"]) == 2
        monkeypatch.undo()
    assert "cannot write the output: No space left on device" in capsys.readouterr().err


@pytest.mark.usefixtures("monitor")
def test_a_closed_output_is_an_error_not_a_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    assert cli.main(["--once"]) == 2
    assert "stdout is closed" in capsys.readouterr().err


@pytest.mark.usefixtures("monitor")
@pytest.mark.parametrize(
    ("environment", "colored"),
    [({}, True), ({"NO_COLOR": "1"}, False), ({"NO_COLOR": ""}, True), ({"TERM": "dumb"}, False)],
)
def test_a_terminal_gets_colour_unless_it_declines(
    environment: dict[str, str],
    colored: bool,
    monkeypatch: pytest.MonkeyPatch,
    capsys: Capture,
) -> None:
    terminal(monkeypatch)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert cli.main(["--once"]) == 0
    assert ("\x1b[" in capsys.readouterr().out) is colored


@pytest.mark.usefixtures("monitor")
def test_requests_fill_a_wide_terminal(monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    terminal(monkeypatch)
    monkeypatch.setenv("COLUMNS", "120")
    assert cli.main(["--once", "--requests"]) == 0
    assert "Bash npm test -- cart\n" in capsys.readouterr().out
