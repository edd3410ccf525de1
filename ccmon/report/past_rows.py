"""The history for machines: a JSON document (schema_version 1) and rows of CSV.

Additive changes keep the version; a removal, a rename or a change of meaning raises it. CSV is as
RFC 4180 has it, UTF-8, with a title row. Text in it is one line of printable characters, and what
a spreadsheet would run as a formula gets an apostrophe in front.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

from ccmon import __version__
from ccmon.format import iso
from ccmon.past import Group, History, Kept, Query, Sums
from ccmon.report import safe
from ccmon.report.figures import Json, encoded, money, ratio, spend_split, text, usage_counts

SCHEMA_VERSION = 1

_FORMULAS = ("=", "+", "-", "@", "\t", "\r")

Value = str | int | float | bool | None


def history_json(history: History, top: int | None = None) -> bytes:
    """The history as UTF-8 JSON on one line, harmless on a terminal."""
    return encoded(history_document(history, top))


def history_document(history: History, top: int | None = None) -> Json:
    """The history as plain dicts and lists, with the first ``top`` groups; None: with all."""
    groups = history.groups[:top]
    return {
        "schema_version": SCHEMA_VERSION,
        "ccmon_version": __version__,
        "generated_at": iso(history.generated_at),
        "query": _query(history.query),
        "timezone": text(history.timezone),
        "pricing": {"table_date": history.price_table_date, "currency": "USD", "kind": "list"},
        "totals": _sums(history.totals),
        "groups": [_group(group) for group in groups],
        "groups_left_out": len(history.groups) - len(groups),
        "kept": _kept(history.kept),
        "asked": _asked(history),
        "warning": text(history.warning) or None,
    }


def _query(query: Query) -> Json:
    return {
        "by": query.by,
        "since": query.since and query.since.isoformat(),
        "until": query.until and query.until.isoformat(),
        "timezone": text(query.timezone),
        "project": text(query.project),
    }


def _group(group: Group) -> Json:
    return {
        "key": text(group.key),
        "name": text(group.name),
        "project": text(group.project) or None,
        "project_root": text(group.root) or None,
        "models": [text(model) for model in group.models],
        "subagents": group.subagents,
        "first_at": iso(group.first_at),
        "last_at": iso(group.last_at),
        "on_disk": ratio(group.on_disk),
        **_sums(group.sums),
    }


def _sums(sums: Sums) -> Json:
    return {
        "requests": sums.requests,
        "sessions": sums.sessions,
        "usage": usage_counts(sums.usage),
        "hit_rate": ratio(sums.hit_rate),
        "cost_usd": money(sums.cost),
        "cost_is_lower_bound": sums.cost_is_lower_bound,
        "cost_is_estimated": sums.estimated,
        "unpriced_requests": sums.unpriced,
        "spend_split": spend_split(sums.split if sums.cost is not None else None),
        "busts": sums.busts,
        "rewritten": sums.rewritten,
        "avoidable_usd": money(sums.avoidable if sums.cost is not None else None),
    }


def _kept(kept: Kept) -> Json:
    return {
        "files": kept.files,
        "bytes": kept.bytes,
        "gone_files": kept.gone_files,
        "gone_sessions": kept.gone_sessions,
        "gone_requests": kept.gone_requests,
        "unreadable_files": kept.unreadable_files,
        "malformed_lines": kept.malformed_lines,
    }


def _asked(history: History) -> Json | None:
    """As ``kept``, of the part that was asked for; nobody knows whose an unreadable file is."""
    return None if history.asked is None else {**_kept(history.asked), "unreadable_files": None}


def history_csv(history: History, top: int | None = None) -> bytes:
    """One row for each of the first ``top`` groups, None: of all; no totals.

    Its columns are those of the document, flat.
    """
    rows = [_flat(history.query.by, group) for group in history.groups[:top]]
    titles = _flat("", Group("", "", Sums()))
    return "".join(csv_lines(titles, (row.values() for row in rows))).encode("utf-8", "replace")


def _flat(by: str, group: Group) -> dict[str, Value]:
    row: dict[str, Value] = {"by": by}
    for name, value in _group(group).items():
        if name in ("usage", "spend_split"):
            row.update(value)
        else:
            row[name] = " ".join(value) if isinstance(value, list) else value
    return row


def csv_lines(titles: Iterable[str], rows: Iterable[Iterable[Value]]) -> Iterable[str]:
    """The lines of a table, title row first, each with its line end."""
    line = io.StringIO()
    writer = csv.writer(line)
    writer.writerow(titles)
    yield line.getvalue()
    for values in rows:
        line.seek(0)
        line.truncate()
        writer.writerow(cells(values))
        yield line.getvalue()


def cells(values: Iterable[Value]) -> Sequence[Value]:
    """Values for a row of CSV: text made harmless, truth in the words of JSON, None empty."""
    return [_cell(value) for value in values]


def _cell(value: Value) -> Value:
    if isinstance(value, bool):
        return "true" if value else "false"
    if not isinstance(value, str):
        return value
    shown = safe.plain(value)
    return f"'{shown}" if shown.startswith(_FORMULAS) else shown
