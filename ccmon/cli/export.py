"""``ccmon export``: one row for each request, for a database."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ccmon.cli.arguments import Parser, choice
from ccmon.cli.homes import refuse_to_write
from ccmon.cli.past import add_span, asked_of, nothing_found, opened, read_through
from ccmon.cli.process import is_terminal
from ccmon.errors import CcmonError

if TYPE_CHECKING:
    from ccmon.report.export import Form

FORMS = ("jsonl", "csv", "parquet")
_ENDINGS: "dict[str, Form]" = {
    "": "jsonl",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "jsonl",
    ".csv": "csv",
    ".parquet": "parquet",
}
"""What a file is to hold by the end of its name."""
_STDOUT = ("-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1")


def run(argv: Sequence[str]) -> int:
    """Write the rows; returns the exit code."""
    given = _parser().read(argv)
    named = None if given.output in _STDOUT else given.output
    form = _form(given.format, named)
    asked = asked_of(given)
    if form == "parquet":
        _check_parquet(named)
    with opened(asked.config_dirs) as past:
        file = None
        if named is not None:
            refuse_to_write("--output", named, past.homes)
            file = Path(named).expanduser()
        read_through(past)
        from ccmon.report.export import export

        query = asked.query()
        if not export(past.archive.requests(query), form, file):
            raise nothing_found(past.archive.history(query), asked, past.homes)
    return 0


def _parser() -> Parser:
    parser = Parser(
        "ccmon export",
        "Writes one row for each request of every session, oldest first, for DuckDB, ClickHouse,"
        " BigQuery or Spark. The columns are the same in every format.",
        "exit codes: 0 fine, 2 wrong use, 3 nothing to write, 130 interrupted",
    )
    add = parser.add_argument
    add(
        "--format",
        metavar="|".join(FORMS),
        type=choice("--format", FORMS),
        help="how (default: as --output ends, else jsonl); parquet: pip install"
        " 'ccmon-tui[parquet]', in a checkout '.[parquet]'",
    )
    output = parser.named("--output")
    add(
        "--output",
        metavar="FILE",
        type=output,
        help="where to, in place of what was there; -: stdout",
    )
    add_span(parser)
    return parser


def _form(named: "Form | None", output: str | None) -> "Form":
    """The format that was named, else that of the file's name. Raises CcmonError for neither."""
    if named is not None:
        return named
    ending = Path(output or "").suffix
    form = _ENDINGS.get(ending.lower())
    if form is None:
        what = f"--output: no format is known by the ending {ending}"
        raise CcmonError(what, "end it in .jsonl, .csv or .parquet, or add --format")
    return form


def _check_parquet(output: str | None) -> None:
    """Say what would fail before hours of transcripts are read."""
    from ccmon.report.parquet import require_pyarrow

    if output is None and is_terminal(sys.stdout):
        raise CcmonError("--format parquet does not suit a terminal", "add --output FILE")
    require_pyarrow()
