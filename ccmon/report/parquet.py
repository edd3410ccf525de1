"""Rows as Parquet, through pyarrow: the optional extra ``ccmon-tui[parquet]``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import islice
from typing import Any, BinaryIO

from ccmon.errors import CcmonError
from ccmon.report.export import COLUMNS, Row

_ROWS = 50_000
"""Rows of one group: enough to compress well, few enough to hold."""


def require_pyarrow() -> None:
    """Raise CcmonError when pyarrow is not there."""
    try:
        import pyarrow.parquet  # noqa: F401  only to see whether it can be
    except ImportError as error:
        hint = "pip install 'ccmon-tui[parquet]', in a checkout pip install '.[parquet]'"
        raise CcmonError("--format parquet needs pyarrow", hint) from error


def write_parquet(rows: Iterable[Row], out: BinaryIO) -> None:
    """Write the rows as one Parquet file, group by group; ``at`` is a timestamp in UTC."""
    require_pyarrow()
    import pyarrow
    from pyarrow import parquet

    schema = _schema()
    with parquet.ParquetWriter(pyarrow.PythonFile(out, mode="w"), schema) as writer:
        for group in _groups(iter(rows)):
            writer.write_table(pyarrow.Table.from_pylist(group, schema))


def _groups(rows: Iterator[Row]) -> Iterator[list[dict[str, Any]]]:
    while group := [{**row, "at": _moment(row["at"])} for row in islice(rows, _ROWS)]:
        yield group


def _moment(at: object) -> datetime | None:
    return datetime.fromisoformat(at) if isinstance(at, str) else None


def _schema() -> Any:  # noqa: ANN401  pyarrow has no types
    import pyarrow

    types = {
        "text": pyarrow.string(),
        "count": pyarrow.int64(),
        "truth": pyarrow.bool_(),
        "usd": pyarrow.float64(),
        "time": pyarrow.timestamp("ms", tz="UTC"),
    }
    return pyarrow.schema([(name, types[kind]) for name, kind in COLUMNS.items()])
