"""The table of the Memory screen: what sessions find out again and again, with a cursor."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from textual.content import Content

from ccmon import format as fmt
from ccmon import words
from ccmon.past import Candidate
from ccmon.tui.safe import Part, clean, clip, clip_start, fit, left, line, right
from ccmon.tui.widgets.columns import Column, make_room, widest
from ccmon.tui.widgets.cursor_table import CursorTable
from ccmon.tui.widgets.request_row import EDGE

_START = 3
_NAME_FROM = 20
_NAME_TO = 60
_PROJECT = 14

Project = tuple[str, str]
"""Folder and name of a project."""
Place = tuple[Project, str, str]


@dataclass(frozen=True, slots=True)
class Shape:
    """How the table is drawn for a width and these candidates.

    ``projects`` are the names of projects by their folders, ``places`` the decimals of the money.
    """

    width: int
    name: int
    columns: tuple[Column, ...]
    projects: Mapping[Project, str]
    places: int
    flat: bool

    @classmethod
    def fitting(
        cls,
        width: int,
        candidates: Sequence[Candidate],
        names: Mapping[Project, str],
        *,
        flat: bool,
    ) -> Shape:
        """The columns that fit; no figure is ever cut, so the widest one decides."""
        projects = min(_PROJECT, widest(names.values(), 7))
        places = fmt.money_column(each.net for each in candidates)
        columns = [
            Column("kind", 7, drop=2, at_left=True),
            Column("project", projects, drop=1, at_left=True),
            Column("sessions", 8),
            Column("reads", 5, drop=3),
            Column("texts", widest((words.stability(each) for each in candidates), 6), drop=4),
            Column("tokens", 6, drop=6),
            Column("net", widest((_net(each, places) for each in candidates), 6)),
            Column("belongs in", 10, drop=5, at_left=True),
        ]
        room = make_room(columns, width - _START - EDGE, _NAME_FROM)
        name = min(_NAME_TO, room)
        return cls(width, name, tuple(columns), names, places, flat)


def projects_of(candidates: Sequence[Candidate]) -> dict[Project, str]:
    """What each project is called; with the folders above it where names are the same."""
    firsts = {_project(each): each for each in reversed(candidates)}
    return {
        project: clean(words.project_name(each, candidates)) for project, each in firsts.items()
    }


def _project(candidate: Candidate) -> Project:
    return candidate.root, candidate.project


def titles(shape: Shape) -> Content:
    """The row of column titles."""
    parts: list[Part] = [" " * _START, (left("found out again", shape.name), "$label")]
    for column in shape.columns:
        cell = (left if column.at_left else right)(column.name, column.width)
        parts += ["  ", (cell, "$label")]
    return fit(line(*parts), shape.width)


def candidate_row(candidate: Candidate, shape: Shape, *, cursor: bool) -> Content:
    """One row, exactly ``shape.width`` cells; ``●`` marks what pays."""
    pays = candidate.recommended
    parts: list[Part] = [
        ("▌" if cursor else " ", "$accent"),
        ("● " if pays else "○ ", "$accent" if pays else "$label"),
        (left(clip(_key(candidate), shape.name), shape.name),
         "$bright" if pays or cursor else "$foreground"),
    ]  # fmt: skip
    for column in shape.columns:
        text, style = _cell(candidate, shape, column)
        parts += ["  ", ((left if column.at_left else right)(text, column.width), style)]
    content = fit(line(*parts), shape.width)
    if not cursor:
        return content
    return content.stylize("bold") if shape.flat else content.stylize_before("on $cursor")


def _key(candidate: Candidate) -> str:
    return clean(words.candidate_name(candidate))


def _cell(candidate: Candidate, shape: Shape, column: Column) -> tuple[str, str]:
    plain = "$foreground" if candidate.recommended else "$label"
    if column.name == "kind":
        return candidate.kind, "$label"
    if column.name == "project":
        return clip_start(shape.projects[_project(candidate)], column.width), "$label"
    if column.name == "sessions":
        return f"{candidate.sessions:,}", plain
    if column.name == "reads":
        return f"{candidate.reads:,}", "$label"
    if column.name == "texts":
        return words.stability(candidate), "$label"
    if column.name == "tokens":
        return fmt.tokens(candidate.tokens), plain
    if column.name == "net":
        return _net(candidate, shape.places), "$bright" if candidate.recommended else "$label"
    return (candidate.belongs if candidate.recommended else fmt.NONE), plain


def _net(candidate: Candidate, places: int) -> str:
    return fmt.money_to(candidate.net, places, estimated=True)


class CandidateTable(CursorTable):
    """Candidates in the order given; the cursor stays on its own while others come in."""

    class Moved(CursorTable.Moved):
        """The cursor is on another candidate."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.candidates: list[Candidate] = []
        self._projects: dict[Project, str] = {}
        self._place: Place | None = None
        self._shape: Shape | None = None

    @property
    def count(self) -> int:
        """How many rows there are."""
        return len(self.candidates)

    @property
    def selected(self) -> Candidate | None:
        """The candidate under the cursor."""
        return self.candidates[self._cursor] if self._cursor < len(self.candidates) else None

    def show(self, candidates: list[Candidate], nothing: str) -> None:
        """Show these; ``nothing`` is said where there is none."""
        self.candidates, self._words = candidates, nothing
        self._projects, self._shape = projects_of(candidates), None
        places = [_place(each) for each in candidates]
        self._cursor = places.index(self._place) if self._place in places else 0
        self._arranged()

    def project_of(self, candidate: Candidate) -> str:
        """The name of its project, as the table has it."""
        return self._projects[_project(candidate)]

    def open(self) -> None:
        """There is nothing behind a candidate: the panel says all."""

    def _titles(self) -> Content:
        return titles(self._fitted())

    def _row(self, index: int, *, cursor: bool) -> Content:
        return candidate_row(self.candidates[index], self._fitted(), cursor=cursor)

    def _fitted(self) -> Shape:
        """The shape, found once until the width or what is shown has changed."""
        width, flat = self.size.width, self.ccmon.flat
        if self._shape is None or (self._shape.width, self._shape.flat) != (width, flat):
            self._shape = Shape.fitting(width, self.candidates, self._projects, flat=flat)
        return self._shape

    def _settle(self, index: int) -> None:
        self._place = _place(self.candidates[index])


def _place(candidate: Candidate) -> Place:
    return _project(candidate), candidate.kind, candidate.key
