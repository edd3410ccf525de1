"""What a face shows of the past: sums over many sessions, and what they found out again and again.

Money is USD at list price, tokens are integers, times are epoch seconds (UTC). None means "not
known", never 0. Made by ``history.archive``; every face of the history prints from these.
"""

from __future__ import annotations

from datetime import date
from typing import Literal

from msgspec import Struct

from ccmon.measures import Split, Usage

By = Literal["day", "week", "month", "project", "model", "session"]
"""What the history can be grouped by. Weeks are ISO weeks, they begin on Monday."""


class Query(Struct, frozen=True):
    """What to sum up.

    ``since`` and ``until`` are days in ``timezone`` (an IANA name; None: the machine's own), both
    included. ``project`` is a project's name, or the end of its folder (``acme/api``), without
    regard to case: the name alone means all projects that are called so.
    """

    by: By = "day"
    since: date | None = None
    until: date | None = None
    timezone: str | None = None
    project: str | None = None

    @property
    def is_part(self) -> bool:
        """Whether something is left out."""
        return (self.since, self.until, self.project) != (None, None, None)


class Sums(Struct, frozen=True, eq=False):
    """Sums over requests, each counted once over all files.

    ``cost`` is None when none of them has a price; ``unpriced`` counts those without.
    ``cost_is_lower_bound`` when some output was cut, a request has no price, or a compaction came
    before one (its own request leaves no line), ``estimated`` when some cost rests on a guess.
    ``split`` adds up to ``cost``. ``rewritten`` tokens were paid again after ``busts``;
    ``avoidable`` is what these cost beyond reading the same from the cache.
    """

    requests: int = 0
    sessions: int = 0
    usage: Usage = Usage()
    cost: float | None = None
    cost_is_lower_bound: bool = False
    estimated: bool = False
    unpriced: int = 0
    split: Split = Split()
    busts: int = 0
    rewritten: int = 0
    avoidable: float = 0.0

    @property
    def hit_rate(self) -> float | None:
        """Share of all that was read that came from the cache; None when nothing was read."""
        read = self.usage.prompt_tokens
        return self.usage.cache_read_input_tokens / read if read else None


class Group(Struct, frozen=True, eq=False):
    """One row of the history.

    ``key`` is a day (2026-11-24), a week (2026-W48), a month (2026-11), a project, a model as
    written (empty: none named), or a session id. ``name`` is what people call it: a session's
    title, else the key. A project is told from others of its name by the folders above
    (``acme/api``); ``root`` is its whole folder, told for projects and sessions. ``project``,
    ``models`` and ``subagents`` are told for sessions only.
    ``on_disk`` is the part of the requests whose transcript is still there, 0 to 1.
    """

    key: str
    name: str
    sums: Sums
    first_at: float | None = None
    last_at: float | None = None
    project: str = ""
    models: tuple[str, ...] = ()
    subagents: int = 0
    on_disk: float = 1.0
    root: str = ""


class Kept(Struct, frozen=True):
    """How far the history reaches, and which part of it is no longer on disk.

    Clients delete transcripts after thirty days; what was indexed before stays in the sums.
    ``gone_sessions`` have lost at least one file. ``unreadable_files`` counts the folders that may
    not be looked into as well.
    """

    files: int = 0
    bytes: int = 0
    gone_files: int = 0
    gone_sessions: int = 0
    gone_requests: int = 0
    unreadable_files: int = 0
    malformed_lines: int = 0


class Scanning(Struct, frozen=True):
    """How far the index has come: files and bytes that have to be read, and how many were."""

    files: int = 0
    files_done: int = 0
    bytes: int = 0
    bytes_done: int = 0


class History(Struct, frozen=True, eq=False):
    """The history at one moment. Days, weeks and months: oldest first; the others: dearest first.

    Requests without a time are in ``totals`` and in the groups by project, model and session; by
    day, week and month they form a group with an empty key, unless days were asked for.
    ``timezone`` is the name that the days were cut by. ``kept`` is all that the index holds of the
    homes, ``asked`` the sessions with requests in the part that was asked for (its unreadable
    files are not known), None when that is everything. ``warning`` says why the index could not be
    kept or what of it is lost, empty when neither.
    """

    generated_at: float
    query: Query
    timezone: str
    groups: tuple[Group, ...]
    totals: Sums
    kept: Kept
    price_table_date: str
    warning: str = ""
    asked: Kept | None = None


class PastRequest(Struct, frozen=True, eq=False, gc=False):
    """One request of the history, for exports; definitions as in ``requests.Request``.

    ``thread`` is ``main`` or an agent id, ``n`` counts from 1 within it. ``project`` is as
    ``Group`` names it.
    """

    message_id: str
    request_id: str | None
    session_id: str
    project: str
    cwd: str | None
    thread: str
    n: int
    at: float | None
    model: str | None
    version: str | None
    stop_reason: str | None
    usage: Usage
    context: int
    rewritten: int
    bust: bool
    cost: float | None
    split: Split | None
    avoidable: float | None
    output_is_lower_bound: bool
    estimated: bool
    on_disk: bool


Belongs = Literal["CLAUDE.md", "rule", "skill", "map", "nothing"]
"""Where what is found out again belongs: project instructions, a rule with paths, a skill, a map
(what lives where, not the text), or nowhere."""


class Candidate(Struct, frozen=True, eq=False):
    """Something that several sessions of a project found out again: accounting, section 14.

    ``root`` is the folder of the project: several may have one name. ``key`` is a path relative to
    it, a normalised command or a search pattern.
    ``tokens`` is the mean over ``sessions`` of what one brought into its context; ``contents``
    counts the distinct contents among ``reads``. ``cost`` is what all those sessions paid for it,
    ``saving`` what all but the first need not have paid, per session ``session_saving``.
    ``memory_tokens`` is the size of the memory that would replace it and ``memory_cost`` what
    carrying that costs per session. All money is an estimate; None: no price.
    ``recommended`` only if the saving per session is more than twice that cost.
    """

    project: str
    kind: Literal["file", "command", "search"]
    key: str
    sessions: int
    reads: int
    contents: int
    tokens: int
    cost: float | None
    saving: float | None
    session_saving: float | None
    memory_tokens: int
    memory_cost: float | None
    belongs: Belongs
    recommended: bool
    last_at: float | None
    root: str = ""

    @property
    def net(self) -> float | None:
        """USD that a memory of it saves per session beyond what it costs there."""
        if self.session_saving is None or self.memory_cost is None:
            return None
        return self.session_saving - self.memory_cost

    @property
    def is_stable(self) -> bool:
        """Whether it said the same every time."""
        return self.contents == 1


class Memory(Struct, frozen=True, eq=False):
    """What is found out again, dearest first; ``sessions`` in ``days`` up to ``generated_at``."""

    generated_at: float
    days: int
    sessions: int
    projects: int
    candidates: tuple[Candidate, ...]
    warning: str = ""
