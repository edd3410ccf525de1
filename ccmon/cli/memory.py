"""``ccmon memory``: what sessions find out again and again, and what knowing it would save."""

import re
from collections.abc import Sequence

from ccmon.cli.arguments import Parser, add_config_dirs, add_project
from ccmon.cli.homes import nothing_in
from ccmon.cli.past import Past, opened, progress
from ccmon.errors import CcmonError

_MOST_DAYS = 36_500


def run(argv: Sequence[str]) -> int:
    """Print the candidates; returns the exit code."""
    given = _parser().read(argv)
    with opened(given.config_dirs) as past:
        _study(past, given.days, given.project)
        from ccmon.report.memory import print_memory

        memory = past.archive.memory(days=given.days, project=given.project)
        if not memory.sessions and _has_no_transcript(past):
            raise nothing_in(past.homes)
        print_memory(memory, as_json=given.json, ascii_only=past.settings.ascii)
    return 0


def _study(past: Past, days: int, project: str | None) -> None:
    """Read what there is, then each session of those days as closely as on its own screen."""
    with progress(past.settings) as bar:
        while past.archive.step():
            bar.show("reading", past.archive.scanning)
        while past.archive.study(days=days, project=project):
            bar.show("studying", past.archive.studying)


def _has_no_transcript(past: Past) -> bool:
    from ccmon.transcripts.locate import discover

    return not discover(past.homes)


def _parser() -> Parser:
    parser = Parser(
        "ccmon memory",
        "Files, commands and searches that three sessions or more of a project found out again,"
        " what that costs, and what it would cost to carry the same as memory. All of it is"
        " estimated.",
        "exit codes: 0 fine, 2 wrong use, 3 nothing to read, 130 interrupted",
    )
    add = parser.add_argument
    add("--days", metavar="N", type=_days, default=30, help="sessions of so many days (default 30)")
    add("--json", action="store_true", help="a JSON document instead of text")
    scope = parser.add_argument_group("what to look at")
    add_project(parser, scope, "sessions of one project")
    add_config_dirs(parser, scope)
    return parser


def _days(text: str) -> int:
    days = int(text) if re.fullmatch(r"\d{1,5}", text, re.ASCII) else 0
    if not 0 < days <= _MOST_DAYS:
        raise CcmonError(f"--days: not a number of days: {text}", "write 30")
    return days
