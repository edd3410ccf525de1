"""``ccmon history``: sums over all sessions by day, week, month, project, model or session."""

import re
from collections.abc import Sequence
from typing import get_args

from ccmon.cli.arguments import Parser, choice
from ccmon.cli.past import add_span, asked_of, nothing_found, opened, read_through
from ccmon.errors import CcmonError

_BY_TIME = ("day", "week", "month")


def run(argv: Sequence[str]) -> int:
    """Print the history, or forget what is gone from disk; returns the exit code."""
    given = _parser().read(argv)
    if given.json and given.csv:
        raise CcmonError("--json and --csv exclude each other", "leave one of them out")
    asked = asked_of(given)
    if given.top is not None and given.by in _BY_TIME:
        hint = f"ccmon history --by session --top {given.top}"
        raise CcmonError(f"--top has the dearest first, --by {given.by} has the oldest", hint)
    if given.forget and (asked.is_part or given.json or given.csv or given.top):
        what = "--forget drops all that is no longer on disk and prints one line"
        raise CcmonError(what, "ccmon history --forget")
    with opened(asked.config_dirs) as past:
        read_through(past)
        from ccmon.report.history import print_forgotten, print_history
        from ccmon.report.output import say

        if given.forget:
            everything = asked.query("session")
            before = past.archive.history(everything)
            dropped = past.archive.forget()
            print_forgotten(dropped, before, past.archive.history(everything))
            return 0
        history = past.archive.history(asked.query(given.by))
        form = "json" if given.json else "csv" if given.csv else "text"
        print_history(history, form=form, ascii_only=past.settings.ascii, top=given.top)
        if history.warning and form == "csv":
            # The other forms have a place for it.
            say(history.warning)
        if not history.totals.requests:
            raise nothing_found(history, asked, past.homes)
    return 0


def _parser() -> Parser:
    from ccmon.past import By

    parser = Parser(
        "ccmon history",
        "Sums over every session whose transcript is on disk, or was when ccmon last looked:"
        " requests, tokens, cost, what re-reading, rewriting, new content and output took of it,"
        " and what cache busts cost.",
        "exit codes: 0 fine, 2 wrong use, 3 nothing to read, 130 interrupted",
    )
    by = choice("--by", get_args(By))
    parser.add_argument(
        "--by", metavar="|".join(get_args(By)), default="day", type=by, help="a line for each"
    )
    parser.add_argument(
        "--top", metavar="N", type=_top, help="the N dearest projects, models or sessions alone"
    )
    parser.add_argument("--json", action="store_true", help="a JSON document instead of text")
    parser.add_argument("--csv", action="store_true", help="a row for each line, without totals")
    add_span(parser)
    keep = parser.add_argument_group("what is kept")
    keep.add_argument(
        "--forget", action="store_true", help="drop the sums of what is no longer on disk"
    )
    return parser


def _top(text: str) -> int:
    number = int(text) if re.fullmatch(r"\d{1,9}", text, re.ASCII) else 0
    if not number:
        raise CcmonError(f"--top: not a number of lines: {text}", "write 10")
    return number
