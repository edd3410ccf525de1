"""One row for each request (``ccmon export``), for databases: JSON Lines, CSV or Parquet.

The columns are the same in every format, flat, and named as in the JSON document of
``ccmon --once --requests`` where that has them; the README says what each one means. Rows are
written as they come, so a history of any length fits into memory.
"""

from __future__ import annotations

import contextlib
import os
import stat
import sys
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from itertools import chain, islice
from pathlib import Path
from typing import BinaryIO, Literal

from ccmon.errors import CcmonError
from ccmon.past import PastRequest
from ccmon.report.figures import encoded, money, spend_split, text, usage_counts
from ccmon.report.output import whole_output
from ccmon.report.past_rows import Value, csv_lines

Form = Literal["jsonl", "csv", "parquet"]

Kind = Literal["text", "count", "truth", "usd", "time"]

COLUMNS: dict[str, Kind] = {
    "message_id": "text",
    "request_id": "text",
    "session_id": "text",
    "project": "text",
    "cwd": "text",
    "thread": "text",
    "n": "count",
    "at": "time",
    "model": "text",
    "version": "text",
    "stop_reason": "text",
    "input_tokens": "count",
    "cache_creation_input_tokens": "count",
    "cache_creation_5m_input_tokens": "count",
    "cache_creation_1h_input_tokens": "count",
    "cache_read_input_tokens": "count",
    "output_tokens": "count",
    "context": "count",
    "rewritten": "count",
    "bust": "truth",
    "cost_usd": "usd",
    "carry_usd": "usd",
    "rewrite_usd": "usd",
    "fresh_usd": "usd",
    "output_usd": "usd",
    "avoidable_usd": "usd",
    "output_is_lower_bound": "truth",
    "cost_is_estimated": "truth",
    "on_disk": "truth",
}
"""The columns in their order, and what kind of value each holds."""

Row = dict[str, Value]


def row_of(request: PastRequest) -> Row:
    """A request under the names of ``COLUMNS``; ``at`` is ISO 8601 in UTC to the millisecond."""
    return {
        "message_id": text(request.message_id),
        "request_id": text(request.request_id),
        "session_id": text(request.session_id),
        "project": text(request.project),
        "cwd": text(request.cwd),
        "thread": text(request.thread),
        "n": request.n,
        "at": _iso(request.at),
        "model": text(request.model),
        "version": text(request.version),
        "stop_reason": text(request.stop_reason),
        **usage_counts(request.usage),
        "context": request.context,
        "rewritten": request.rewritten,
        "bust": request.bust,
        "cost_usd": money(request.cost),
        **spend_split(request.split),
        "avoidable_usd": money(request.avoidable),
        "output_is_lower_bound": request.output_is_lower_bound,
        "cost_is_estimated": request.estimated,
        "on_disk": request.on_disk,
    }


def export(requests: Iterable[PastRequest], form: Form, file: Path | None = None) -> int:
    """Write the requests to ``file``, else to stdout; returns how many there were.

    A file appears under its name only when all of it is written, and where there is no request what
    was there stays. Raises CcmonError when it cannot be written, and BrokenPipeError when the
    reader of stdout has gone.
    """
    rows = map(row_of, requests)
    first = list(islice(rows, 1))
    if file is not None and not first:
        return 0
    counted = _Counted(chain(first, rows))
    write = _writer(form)
    if file is None:
        with whole_output():
            sys.stdout.flush()
            write(counted, sys.stdout.buffer)
            sys.stdout.buffer.flush()
        return counted.rows
    with _whole_file(file) as out:
        write(counted, out)
    return counted.rows


class _Counted:
    """Rows as they come, and how many came."""

    def __init__(self, rows: Iterable[Row]) -> None:
        self._rows = rows
        self.rows = 0

    def __iter__(self) -> Iterator[Row]:
        for row in self._rows:
            self.rows += 1
            yield row


def _writer(form: Form) -> Callable[[Iterable[Row], BinaryIO], None]:
    if form == "parquet":
        from ccmon.report.parquet import write_parquet

        return write_parquet
    return _write_jsonl if form == "jsonl" else _write_csv


def _write_jsonl(rows: Iterable[Row], out: BinaryIO) -> None:
    for row in rows:
        out.write(encoded(row))


def _write_csv(rows: Iterable[Row], out: BinaryIO) -> None:
    for line in csv_lines(COLUMNS, (row.values() for row in rows)):
        out.write(line.encode())


@contextlib.contextmanager
def _whole_file(file: Path) -> Iterator[BinaryIO]:
    """A file that takes the place of ``file`` when all went well, and is gone when it did not."""
    target = Path(os.path.realpath(file))
    new = target.with_name(f".{target.name}.{os.getpid()}.new")
    try:
        if file.exists() and not file.is_file():
            raise CcmonError(f"--output: {file} is no file", "name a file, or leave it out")
        with new.open("xb") as out:
            if target.exists():
                os.fchmod(out.fileno(), stat.S_IMODE(target.stat().st_mode))
            yield out
            out.flush()
            os.fsync(out.fileno())
        new.replace(target)
    except OSError as error:
        reason = error.strerror or str(error)
        raise CcmonError(f"--output: cannot write {file}: {reason}", "name another") from error
    finally:
        with contextlib.suppress(OSError):
            new.unlink()


def _iso(at: float | None) -> str | None:
    if at is None:
        return None
    try:
        moment = datetime.fromtimestamp(round(at, 3), UTC)
    except (OverflowError, ValueError, OSError):
        return None
    return moment.isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"
