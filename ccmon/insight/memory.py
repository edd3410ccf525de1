"""What sessions of a project find out again and again, and whether a memory of it would pay.

Pure: what single sessions found goes in, candidates come out. Source: accounting.md section 14.

What a memory holds is no copy. Text that stands as it is costs as much to carry as it did to read,
from the first request on and in every session, so it never pays. Assumed is, as in the published
example, a summary of two tokens for nine (2,000 for a read of 9,000); of what keeps changing a map
that says what lives where, one token for twenty, with which a session still reads a part of it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from ccmon.insight.keys import is_memory, is_outside
from ccmon.past import Belongs, Candidate

LEAST_SESSIONS = 3
LEAST_TOKENS = 2_000
"""A candidate was found in so many sessions, with so many tokens in each of them."""
PAYS = 2.0
"""A memory is recommended if it saves more than this many times what it costs."""
SUMMARY_SHARE = 2 / 9
MAP_SHARE = 1 / 20
"""Tokens of memory for one token found, see above."""
STILL_READ = 1_300
"""Tokens of a file that are read even with a map of it: 200 lines, section 12, F6."""
SMALL = 2_000
"""Tokens of memory up to which every session may carry it."""
MOST = 0.5
"""Share of a project's sessions from which on what they find is for every session."""
DESCRIPTION = 100
"""Tokens of a skill that every session carries, for the model to know of it."""

FindKind = Literal["file", "command", "search"]


class Piece(Struct, frozen=True, array_like=True, gc=False):
    """A part of what was found that sessions can compare, with a digest of what it said.

    A block of lines of a file, or the answer to a question asked in exactly the same words; their
    number says which. One that said something else later in its session has no ``tokens`` again.
    """

    number: int
    tokens: int
    digest: int


class Find(Struct, frozen=True, array_like=True, gc=False):
    """What one session found: a file, a command's output or the result of a search.

    ``tokens`` is the union of what its ``reads`` brought. ``life`` is how many requests carried a
    token of it, the first included (mean); ``bill`` (tokens) and ``cost`` (USD) what that came to.
    ``worth`` is what finding it out cost at the prices in force: p_w t + p_read t life.
    ``changed``: the session has edited the file, so it had to read it whatever it knew.
    """

    kind: FindKind
    key: str
    tokens: int
    reads: int
    pieces: tuple[Piece, ...] = ()
    life: float = 1.0
    bill: int = 0
    cost: float | None = None
    worth: float | None = None
    changed: bool = False

    def within(self, numbers: set[int]) -> int:
        """Tokens of the pieces with these numbers."""
        tokens = sum(piece.tokens for piece in self.pieces if piece.number in numbers)
        return min(self.tokens, tokens)

    def narrowed(self, numbers: set[int]) -> Find:
        """As if only the pieces with these numbers had been found."""
        tokens = self.within(numbers)
        share = tokens / self.tokens if self.tokens else 0.0
        return replace(
            self,
            tokens=tokens,
            pieces=tuple(piece for piece in self.pieces if piece.number in numbers),
            bill=round(self.bill * share),
            cost=None if self.cost is None else self.cost * share,
            worth=None if self.worth is None else self.worth * share,
        )


class Study(Struct, frozen=True, array_like=True, gc=False):
    """All that one session found, and what a token of memory would have cost it.

    ``root`` is the folder of the project, ``project`` what that is called. ``write`` and ``read``
    are the mean prices in USD per token of its ``threads`` and ``requests``.
    """

    session_id: str
    root: str
    project: str
    at: float | None
    requests: int
    threads: int
    write: float | None
    read: float | None
    finds: tuple[Find, ...] = ()

    def carry(self, tokens: float) -> float | None:
        """What carrying so many tokens costs from the first request of each thread on."""
        if self.write is None or self.read is None:
            return None
        return carried(tokens, self.write * self.threads, self.read, self.requests)

    def carry_on(self, tokens: float, requests: float) -> float | None:
        """What carrying so many tokens costs one thread for so many requests."""
        if self.write is None or self.read is None:
            return None
        return carried(tokens, self.write, self.read, requests)


def carried(tokens: float, write: float, read: float, requests: float) -> float:
    """USD for tokens that are written once and carried by so many requests: p_w t + p_read t n."""
    return tokens * (write + read * requests)


def candidates(studies: Iterable[Study]) -> tuple[Candidate, ...]:
    """What at least three sessions of one project found, dearest first.

    ``studies`` are those of the span that is looked at, all sessions of every project: those that
    would not have needed a memory carry it as well.
    """
    projects: dict[str, list[Study]] = {}
    for study in studies:
        if study.requests:
            projects.setdefault(study.root, []).append(study)
    found = [each for sessions in projects.values() for each in _of_project(sessions)]
    return tuple(sorted(found, key=_order))


def _order(each: Candidate) -> tuple[float, int, str, str, str]:
    return (-(each.saving or 0.0), -each.tokens * each.sessions, each.project, each.kind, each.key)


Touched = dict[str, dict[int, float]]
"""By folder: the sessions (by place) that read a file below it, and how long they carried one."""


class _Project(Struct, frozen=True, eq=False):
    """All sessions of a project; ``carry`` is what a token costs that all of them carry (mean)."""

    studies: list[Study]
    touched: Touched
    carry: float | None


class _Repeated(Struct, frozen=True, eq=False):
    """One thing that several sessions found: means over these, and how many contents it had."""

    found: list[tuple[Study, Find]]
    project: _Project
    tokens: float
    worth: float | None
    contents: int

    @property
    def first(self) -> Find:
        return self.found[0][1]

    @property
    def share(self) -> float:
        return len(self.found) / len(self.project.studies)

    @property
    def spread(self) -> float:
        """How many sessions need it for each one that would carry it, all after the first."""
        return (len(self.found) - 1) / (len(self.project.studies) - 1)


class _Place(Struct, frozen=True):
    """Where a memory could live, its size, what it costs and spares per session."""

    belongs: Belongs
    tokens: int
    cost: float | None
    spared: float | None

    @property
    def pays(self) -> bool:
        return self.cost is not None and self.spared is not None and self.spared > PAYS * self.cost


def _of_project(studies: list[Study]) -> Iterator[Candidate]:
    project = _Project(studies, _touched(studies), mean(study.carry(1) for study in studies))
    found: dict[tuple[FindKind, str], list[tuple[Study, Find]]] = {}
    for study in studies:
        for find in study.finds:
            found.setdefault((find.kind, find.key), []).append((study, find))
    for each in found.values():
        if repeated := again([(study, find) for study, find in each if not find.changed]):
            tokens = sum(find.tokens for _, find in repeated) / len(repeated)
            worth = mean(find.worth for _, find in repeated)
            contents = texts(find for _, find in repeated)
            yield _candidate(_Repeated(repeated, project, tokens, worth, contents))


def again(found: list[tuple[Study, Find]]) -> list[tuple[Study, Find]]:
    """What of it was really found again: sessions with enough in pieces that others found as well.

    Of each only these pieces are left. Empty where there are too few sessions.
    """
    while len(found) >= LEAST_SESSIONS:
        seen = Counter(number for _, find in found for number in _numbers(find))
        shared = {number for number, sessions in seen.items() if sessions >= LEAST_SESSIONS}
        enough = [pair for pair in found if pair[1].within(shared) >= LEAST_TOKENS]
        if len(enough) == len(found):
            return [(study, find.narrowed(shared)) for study, find in found]
        found = enough
    return []


def texts(finds: Iterable[Find]) -> int:
    """How many different texts stood in one place, over all pieces of these finds."""
    said: dict[int, set[int]] = {}
    for find in finds:
        for piece in find.pieces:
            said.setdefault(piece.number, set()).add(piece.digest)
    return max(map(len, said.values()), default=0)


def _numbers(find: Find) -> set[int]:
    return {piece.number for piece in find.pieces}


def _touched(studies: Sequence[Study]) -> Touched:
    touched: Touched = {}
    for place, study in enumerate(studies):
        for find in study.finds:
            folder = find.key if _is_in_a_subtree(find) else ""
            while folder := folder.rpartition("/")[0]:
                lives = touched.setdefault(folder, {})
                lives[place] = max(find.life, lives.get(place, 0.0))
    return touched


def _candidate(repeated: _Repeated) -> Candidate:
    places, worth = _places(repeated), repeated.worth
    place = next((each for each in places if each.pays), places[0])
    memorable = _is_memorable(repeated.first)
    unknown = place.cost is None or place.spared is None
    costs = [find.cost for _, find in repeated.found if find.cost is not None]
    times = [study.at for study, _ in repeated.found if study.at is not None]
    return Candidate(
        project=repeated.project.studies[-1].project,
        kind=repeated.first.kind,
        key=repeated.first.key,
        sessions=len(repeated.found),
        reads=sum(find.reads for _, find in repeated.found),
        contents=repeated.contents,
        tokens=round(repeated.tokens),
        cost=sum(costs) if costs else None,
        saving=None if worth is None else (len(repeated.found) - 1) * worth,
        session_saving=place.spared,
        memory_tokens=place.tokens,
        memory_cost=place.cost,
        belongs=place.belongs if memorable and (place.pays or unknown) else "nothing",
        recommended=memorable and place.pays,
        last_at=max(times, default=None),
        root=repeated.project.studies[-1].root,
    )


def _is_memorable(find: Find) -> bool:
    """Whether it is knowledge that could stand elsewhere, and does not yet."""
    return find.kind != "file" or not is_memory(find.key)


def _places(repeated: _Repeated) -> list[_Place]:
    """Where a memory could live, the most fitting first."""
    if repeated.contents != 1:
        size = round(repeated.tokens * MAP_SHARE)
        left = max(0.0, 1.0 - STILL_READ / repeated.tokens)
        return [_place("map", size, _everywhere(repeated, size), repeated, left)]
    size = round(repeated.tokens * SUMMARY_SHARE)
    described = _sum(_where_used(repeated, size), _everywhere(repeated, DESCRIPTION))
    places = [_place("skill", size, described, repeated)]
    if _is_in_a_subtree(repeated.first):
        rule = _place("rule", size, _where_touched(repeated, size), repeated)
        places.insert(0 if size <= SMALL else 1, rule)
    if size <= SMALL and repeated.share >= MOST:
        places.insert(0, _place("CLAUDE.md", size, _everywhere(repeated, size), repeated))
    return places


def _place(
    belongs: Belongs, size: int, cost: float | None, repeated: _Repeated, left: float = 1.0
) -> _Place:
    worth = repeated.worth
    spared = None if worth is None else worth * repeated.spread * left
    return _Place(belongs, size, cost, spared)


def _everywhere(repeated: _Repeated, size: int) -> float | None:
    """Mean cost of a memory that every request of every session carries."""
    carry = repeated.project.carry
    return None if carry is None else size * carry


def _where_used(repeated: _Repeated, size: int) -> float | None:
    """Mean cost over all sessions of a skill: loaded by those that need it, and carried on."""
    each = mean(study.carry_on(size, find.life) for study, find in repeated.found)
    return None if each is None else each * repeated.share


def _where_touched(repeated: _Repeated, size: int) -> float | None:
    """Mean cost over all sessions of a rule: loaded by those that read anything in its folder."""
    studies = repeated.project.studies
    lives = repeated.project.touched[repeated.first.key.rpartition("/")[0]]
    each = mean(studies[place].carry_on(size, life) for place, life in lives.items())
    return None if each is None else each * len(lives) / len(studies)


def _is_in_a_subtree(find: Find) -> bool:
    return find.kind == "file" and not is_outside(find.key) and "/" in find.key


def mean(values: Iterable[float | None]) -> float | None:
    """The mean of those that are known."""
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None


def _sum(one: float | None, other: float | None) -> float | None:
    return None if one is None or other is None else one + other
