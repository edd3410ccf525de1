"""``ccmon`` without a command: the screens, or with ``--once`` the same as text or JSON."""

import contextlib
import os
import re
import sys
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TextIO

from msgspec import Struct
from msgspec.structs import replace

from ccmon import __version__
from ccmon.cli.arguments import Parser, add_config_dirs, add_project, choice
from ccmon.cli.homes import (
    EXIT_NOTHING,
    NO_TRANSCRIPTS,
    chosen_homes,
    nothing_in,
    refuse_to_write,
)
from ccmon.cli.past import archive_of
from ccmon.cli.process import collect_garbage, is_terminal
from ccmon.errors import CcmonError
from ccmon.format import plural

if TYPE_CHECKING:
    from logging import FileHandler

    from ccmon.monitor import Monitor
    from ccmon.past import Candidate
    from ccmon.settings import Settings
    from ccmon.snapshot import Snapshot
    from ccmon.transcripts.locate import Home

Severity = Literal["info", "warn", "high"]

SEVERITIES: tuple[Severity, ...] = ("info", "warn", "high")
"""From harmless to urgent."""
THEMES = ("auto", "dark", "light", "ansi")

EXIT_FOUND = 1

_UNIT_SECONDS = {"m": 60.0, "h": 3600.0, "d": 86_400.0}
_LONGEST_SINCE = 100 * 365 * 86_400.0


class Options(Struct, frozen=True, kw_only=True):
    """What the user asked for. ``since`` is in seconds back from now."""

    session: str | None = None
    project: str | None = None
    config_dirs: tuple[str, ...] = ()
    once: bool = False
    json: bool = False
    requests: bool = False
    items: bool = False
    everything: bool = False
    since: float | None = None
    fail_on: Severity | None = None
    demo: bool = False
    theme: str | None = None
    ascii: bool = False
    debug: str | None = None


def parse(argv: Sequence[str]) -> Options:
    """Arguments to Options. Raises CcmonError (exit code 2) for any wrong use.

    ``--help`` and ``--version`` print and raise SystemExit, as argparse does.
    """
    given = _parser().read(argv)
    options = Options(**{**vars(given), "config_dirs": tuple(given.config_dirs)})
    _check_combinations(options)
    return options


def _parser() -> Parser:
    parser = Parser(
        "ccmon",
        "A live monitor of Claude Code sessions: what each request reads, costs"
        " and carries. Reads transcripts, changes nothing.",
        "commands, each with a --help of its own: ccmon history (sums by day, project, model),"
        " ccmon export (a row for each request), ccmon memory (what sessions find out again and"
        " again), ccmon statusline (one line for Claude Code's status line);"
        " exit codes: 0 fine, 1 something at or above --fail-on, 2 wrong use,"
        " 3 nothing to read, 130 interrupted",
    )
    add = parser.add_argument
    add("--version", action="version", version=f"ccmon {__version__}")

    scope = parser.add_argument_group("what to show")
    add = scope.add_argument
    session_id = parser.named("--session")
    add("--session", metavar="ID", type=session_id, help="one session, by id or its start")
    add_project(parser, scope, "sessions of one project")
    add_config_dirs(parser, scope)
    add("--demo", action="store_true", help="play a recorded session")

    once = parser.add_argument_group("print and exit", "all but --once itself need --once")
    add = once.add_argument
    add("--once", action="store_true", help="print text instead of opening the screens")
    add("--json", action="store_true", help="a JSON document instead of text")
    add("--requests", action="store_true", help="list every request")
    add(
        "--items",
        action="store_true",
        help="with --json: what is in the context of every session, not of active ones alone",
    )
    add("--all", dest="everything", action="store_true", help="every transcript there is")
    add("--since", metavar="24h", type=_span, help="sessions written to in the last 90m, 24h, 7d")
    add(
        "--fail-on",
        metavar="|".join(SEVERITIES),
        type=choice("--fail-on", SEVERITIES),
        help="exit with 1 when a finding, drag or the cache's state is at least this severe",
    )

    look = parser.add_argument_group("look and trouble")
    add = look.add_argument
    add("--theme", metavar="|".join(THEMES), type=choice("--theme", THEMES), help="colours")
    add("--ascii", action="store_true", help="no glyphs beyond ASCII")
    add("--debug", metavar="FILE", type=parser.named("--debug"), help="write a log to FILE")
    return parser


def _span(text: str) -> float:
    match = re.fullmatch(r"(\d{1,9})([mhd])", text, re.ASCII)
    seconds = float(match[1]) * _UNIT_SECONDS[match[2]] if match else 0.0
    if not 0 < seconds <= _LONGEST_SINCE:
        raise CcmonError(f"--since: not a span of time: {text}", "write 90m, 24h or 7d")
    return seconds


def _check_combinations(options: Options) -> None:
    if not options.once:
        for example in _only_with_once(options):
            raise CcmonError(f"{example.split()[0]} needs --once", f"ccmon --once {example}")
    if options.items and not options.json:
        raise CcmonError("--items needs --json", "ccmon --once --json --items")
    if options.session and options.project:
        raise CcmonError("--session and --project exclude each other", "leave one of them out")
    if options.demo and (options.session or options.project or options.config_dirs):
        raise CcmonError("--demo shows its own session", "leave out what to show")


def _only_with_once(options: Options) -> list[str]:
    given = {
        "--json": options.json,
        "--requests": options.requests,
        "--items": options.items,
        "--all": options.everything,
        "--since 24h": options.since,
        "--fail-on warn": options.fail_on,
    }
    return [example for example, value in given.items() if value]


def run(options: Options) -> int:
    """Show what was asked for; returns the exit code."""
    if not options.once and not (is_terminal(sys.stdin) and is_terminal(sys.stdout)):
        _say("no terminal for the screens, so this is printed once, as with --once")
        options = replace(options, once=True)
    from ccmon.settings import load_settings

    plain = options.ascii or not (options.once or _speaks_unicode(sys.stdout))
    chosen = {"theme": options.theme, "ascii": plain or None}
    settings = load_settings(os.environ, overrides=chosen)
    with _homes(options) as homes, _log(options.debug, homes):
        opening = partial(_monitor, options, settings, homes)
        if options.once:
            return _once(options, settings, opening(), homes)
        if options.session or options.project:
            # A name that matches nothing is said here, not behind a screen.
            monitor = opening()
            monitor.step()
            opening = partial(lambda opened: opened, monitor)
        from ccmon.tui.app import CcmonApp

        collect_garbage()
        past = partial(archive_of, homes, settings, keep=not options.demo, whole=False)
        app = CcmonApp(opening, settings=settings, session_id=options.session, past=past)
        app.run()
        return app.return_code or 0


def _speaks_unicode(stream: TextIO) -> bool:
    """The screens' glyphs reach a terminal only in UTF-8."""
    return (stream.encoding or "").lower().replace("-", "") == "utf8"


@contextlib.contextmanager
def _homes(options: Options) -> "Iterator[tuple[Home, ...]]":
    """The config homes to read; for ``--demo`` a scratch one for as long as it is needed."""
    if options.demo:
        from ccmon import demo
        from ccmon.transcripts.locate import Home

        with demo.start(live=not options.once) as scratch:
            yield (Home(str(scratch), "--demo", True),)
        return
    yield chosen_homes(options.config_dirs)


def _monitor(options: Options, settings: "Settings", homes: "tuple[Home, ...]") -> "Monitor":
    from ccmon.monitor import Monitor, Scope
    from ccmon.reported import reports_folder

    scope = Scope(
        session=options.session,
        project=options.project,
        everything=options.everything,
        since=options.since,
        live=not options.once,
    )
    reports = None if options.demo else reports_folder(os.environ)
    counting = options.items or not options.once
    monitor = Monitor(homes, settings, scope, reports=reports, counting=counting)
    if not options.demo and (candidates := _remembered(homes, settings)):
        monitor.know(candidates)
    return monitor


def _remembered(homes: "tuple[Home, ...]", settings: "Settings") -> "tuple[Candidate, ...]":
    """What sessions find out again and again, as far as looking at the past has told before."""
    from ccmon.history import INDEX_FILE
    from ccmon.reported import reports_folder

    if not (reports_folder(os.environ).parent / INDEX_FILE).is_file():
        return ()
    with contextlib.closing(archive_of(homes, settings)) as archive:
        return archive.remembered()


def _once(
    options: Options, settings: "Settings", monitor: "Monitor", homes: "tuple[Home, ...]"
) -> int:
    from ccmon.report.once import print_snapshot

    collect_garbage()
    while monitor.step():
        pass
    shown = monitor.snapshot()
    print_snapshot(
        shown,
        as_json=options.json,
        requests=options.requests,
        items=options.items or options.session is not None,
        ascii_only=settings.ascii,
    )
    if not shown.sessions:
        raise _nothing_to_read(shown, options, homes)
    worst = worst_severity(shown)
    if options.fail_on is None or worst is None:
        return 0
    severe = SEVERITIES.index(worst) >= SEVERITIES.index(options.fail_on)
    return EXIT_FOUND if severe else 0


def worst_severity(shown: "Snapshot") -> Severity | None:
    """The gravest thing the snapshot has to say, None when all is well.

    Besides the findings, but for what is past: re-reading that is high or dominates is ``high``;
    rewriting that is high is ``warn``, severe ``high``.
    """
    found: set[Severity] = set()
    for session in shown.sessions:
        found.update(finding.severity for finding in session.findings if not finding.past)
        if session.drag and session.drag.state != "off":
            found.add("high")
        alert = session.cache.alert.state if session.cache else "off"
        if alert != "off":
            found.add("high" if alert == "severe" else "warn")
    return max(found, key=SEVERITIES.index, default=None)


def _nothing_to_read(shown: "Snapshot", options: Options, homes: "tuple[Home, ...]") -> CcmonError:
    from ccmon.transcripts.locate import discover

    if shown.health.unreadable_files:
        what = plural(shown.health.unreadable_files, "path")
        return CcmonError(f"{what} cannot be read", "look at their permissions", EXIT_NOTHING)
    if options.since is not None and discover(homes):
        what = "no session was written to in that span"
        return CcmonError(what, "widen --since, or leave it out", EXIT_NOTHING)
    what = "nothing in the transcripts" if shown.health.files else NO_TRANSCRIPTS
    return nothing_in(homes, what)


@contextlib.contextmanager
def _log(debug: str | None, homes: "tuple[Home, ...]") -> Iterator[None]:
    """Everything that ccmon logs goes to the file ``debug``; without one, nowhere."""
    if debug is None:
        yield
        return
    import logging

    handler = _log_file(debug, homes)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logger = logging.getLogger("ccmon")
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    logger.info("ccmon %s reads %s", __version__, ", ".join(home.path for home in homes))
    try:
        yield
    finally:
        logger.removeHandler(handler)
        handler.close()


def _log_file(debug: str, homes: "tuple[Home, ...]") -> "FileHandler":
    from logging import FileHandler

    refuse_to_write("--debug", debug, homes)
    try:
        return FileHandler(Path(debug).expanduser(), encoding="utf-8", errors="backslashreplace")
    except OSError as error:
        reason = error.strerror or str(error)
        raise CcmonError(f"--debug: cannot write {debug}: {reason}", "name another file") from error


def _say(text: str) -> None:
    from ccmon.report.output import say

    say(text)
