"""What sessions find out again and again, as text and as a document (``ccmon memory``).

All money in it is an estimate, and says so.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain

from ccmon import __version__, format, words
from ccmon.format import iso
from ccmon.past import Candidate, Memory
from ccmon.report import safe
from ccmon.report.figures import Json, encoded, money, text
from ccmon.report.output import whole_output
from ccmon.report.page import stdout_page
from ccmon.report.table import NICE, Column, render, wrapped
from ccmon.report.text import BOLD, DIM, YELLOW, Page

SCHEMA_VERSION = 1
"""Additive changes keep it; a removal, a rename or a change of meaning raises it."""

_WIDEST = 120
_NAME_CELLS = 28
_PROJECT_CELLS = 20
_INDENT = " " * 4


def print_memory(memory: Memory, *, as_json: bool = False, ascii_only: bool = False) -> None:
    """Print it as text or as a JSON document.

    Raises BrokenPipeError when the reader has gone and CcmonError when stdout cannot be written.
    """
    with whole_output():
        if as_json:
            sys.stdout.flush()
            sys.stdout.buffer.write(memory_json(memory))
        else:
            sys.stdout.write(render_memory(memory, stdout_page(ascii_only, widest=_WIDEST)))


def render_memory(memory: Memory, page: Page) -> str:
    """The candidates, dearest first: two lines for each, figures above and advice below."""
    lines = list(_candidates(memory, page)) if memory.candidates else []
    if not lines:
        lines.extend(wrapped(words.nothing_repeated(memory), page))
    if memory.warning:
        lines.extend(wrapped(safe.plain(memory.warning), page, YELLOW))
    return "\n".join(lines) + "\n"


def _candidates(memory: Memory, page: Page) -> Iterator[str]:
    found = memory.candidates
    per_session = (
        [each.session_saving for each in found],
        [each.memory_cost for each in found],
        [each.net for each in found],
    )
    places = format.money_column(chain(*per_session))
    saves, costs, nets = (_estimates(column, places) for column in per_session)
    paid = [each.cost for each in found]
    table = render(
        Column("found out again", tuple(map(_name, enumerate(found, 1)))),
        [
            Column("sessions", tuple(f"{each.sessions:,}" for each in found)),
            Column("reads", tuple(f"{each.reads:,}" for each in found), NICE),
            Column("tokens", tuple(format.tokens(each.tokens) for each in found), 1),
            Column("paid", _estimates(paid, format.money_column(paid)), NICE),
            Column("saves", saves, NICE + 1),
            Column("costs", costs, NICE + 1),
            Column("net", nets),
        ],
        page,
        name_cells=_NAME_CELLS,
        last_is_sum=False,
    )
    title, *rows = table.lines
    yield title
    for row, candidate in zip(rows, found, strict=True):
        yield row
        style = BOLD if candidate.recommended else DIM
        yield from wrapped(_verdict(candidate, found), page, style, indent=_INDENT)
    yield ""
    sessions, projects = format.plural(memory.sessions, "session"), memory.projects
    days = format.plural(memory.days, "day")
    counted = f"{sessions} of {format.plural(projects, 'project')} in {days}"
    yield from wrapped(f"{counted}; tokens and money are estimates", page)
    yield from wrapped(words.per_session(table.titles), page, DIM)


def _name(numbered: tuple[int, Candidate]) -> str:
    number, candidate = numbered
    return f"{number:>3} {safe.plain(words.candidate_name(candidate))}"


def _verdict(candidate: Candidate, found: Sequence[Candidate]) -> str:
    name = safe.plain(words.project_name(candidate, found))
    project = safe.clip(name, _PROJECT_CELLS) or format.UNKNOWN
    return f"{project}, {words.stability(candidate)}: {words.advice(candidate)}"


def _estimates(column: Iterable[float | None], places: int) -> tuple[str, ...]:
    return tuple(format.money_to(usd, places, estimated=True) for usd in column)


def memory_json(memory: Memory) -> bytes:
    """All of it as UTF-8 JSON on one line, harmless on a terminal."""
    return encoded(memory_document(memory))


def memory_document(memory: Memory) -> Json:
    """All of it as plain dicts and lists."""
    return {
        "schema_version": SCHEMA_VERSION,
        "ccmon_version": __version__,
        "generated_at": iso(memory.generated_at),
        "days": memory.days,
        "sessions": memory.sessions,
        "projects": memory.projects,
        "method": "estimated",
        "candidates": [_candidate(candidate) for candidate in memory.candidates],
        "warning": text(memory.warning) or None,
    }


def _candidate(candidate: Candidate) -> Json:
    return {
        "project": text(candidate.project),
        "project_root": text(candidate.root) or None,
        "kind": candidate.kind,
        "key": text(candidate.key),
        "sessions": candidate.sessions,
        "reads": candidate.reads,
        "contents": candidate.contents,
        "stable": candidate.is_stable,
        "tokens": candidate.tokens,
        "cost_usd": money(candidate.cost),
        "saving_usd": money(candidate.saving),
        "session_saving_usd": money(candidate.session_saving),
        "memory_tokens": candidate.memory_tokens,
        "memory_cost_usd": money(candidate.memory_cost),
        "net_session_saving_usd": money(candidate.net),
        "belongs": candidate.belongs,
        "recommended": candidate.recommended,
        "last_at": iso(candidate.last_at),
    }
