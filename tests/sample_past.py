"""An invented past as the faces show it: five weeks, four projects, seven sessions.

Everything is summed up from ``WORK``, one cell for each session, day and model, so that the groups
of every grouping add up to the same totals. The clock stands at ``NOW``.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from math import fsum

from msgspec import Struct

from ccmon.measures import Price, Split, Usage
from ccmon.past import By, Candidate, Group, History, Kept, Memory, PastRequest, Query, Sums

NOW = datetime(2026, 11, 24, 14, 6, 22, tzinfo=UTC).timestamp()

ZONE = "Europe/Berlin"
OPUS, SONNET, HAIKU, ACME = "claude-opus-5-5", "claude-sonnet-5-5", "claude-haiku-4-5", "acme-9"

_PRICES = {
    OPUS: Price(OPUS, 4e-6, 5e-6, 8e-6, 0.2e-6, 20e-6),
    SONNET: Price(SONNET, 3e-6, 3.75e-6, 6e-6, 0.3e-6, 15e-6),
    HAIKU: Price(HAIKU, 1e-6, 1.25e-6, 2e-6, 0.1e-6, 5e-6),
}


class PastSession(Struct, frozen=True):
    """Who did the work: what a session is called, where it ran, how many agents it sent out."""

    session_id: str
    title: str
    project: str
    subagents: int = 0
    on_disk: bool = True


class Cell(Struct, frozen=True):
    """What one session did on one day with one model. ``day`` None: its lines have no time."""

    session: PastSession
    day: date | None
    model: str
    requests: int
    usage: Usage
    busts: int = 0
    rewritten: int = 0
    cut: bool = False
    guessed: bool = False


COUPON = PastSession("4c1f9a20-6f0e-4b7d-9a51-2f6f3c1d8e77", "Fix the coupon total", "shop-api", 1)
EMPTY_CART = PastSession(
    "9b02d6e4-0c55-4f11-8a3e-71d0c2b4aa10", "Cover the empty cart with tests", "shop-api"
)
SEARCH = PastSession("e7713f08-9d1c-4a60-b1f7-5a90b7e3c244", "Search box of the docs", "docs-site")
BACKFILL = PastSession(
    "1fa84b3c-77e2-4c0d-9c1b-d3b7f0a6e591", "Backfill the orders of 2025", "data-pipeline", 4
)
NIGHTLY = PastSession(
    "c20de915-3b4f-4d8a-8f52-0e6a9cb1d7f3", "Why the nightly job is slow", "data-pipeline"
)
SPIKE = PastSession("70aa5d1e-e4f9-4b0b-a7ce-2c9f8e15b306", "", "acme-spike")
UPGRADE = PastSession(
    "b5e91c77-1d0a-4e93-b0a4-96f3d2c8405a", "Upgrade to Python 3.13", "shop-api", on_disk=False
)


def _usage(read: int, write: int, output: int, entered: int = 0, short: int = 0) -> Usage:
    """``write`` for an hour, ``short`` for five minutes."""
    return Usage(entered, write + short, short, write, read, output)


WORK = (
    Cell(UPGRADE, date(2026, 10, 19), OPUS, 96, _usage(6_480_200, 214_800, 38_410, 192)),
    Cell(UPGRADE, date(2026, 10, 20), OPUS, 41, _usage(3_912_700, 188_300, 19_022, 82), 1, 131_400),
    Cell(NIGHTLY, date(2026, 10, 31), SONNET, 58, _usage(3_020_144, 96_310, 27_905, 116)),
    Cell(NIGHTLY, date(2026, 11, 2), SONNET, 23, _usage(1_522_870, 102_040, 9_871, 46), 1, 66_020),
    Cell(SPIKE, date(2026, 11, 2), ACME, 12, _usage(180_000, 44_000, 6_200, 1_900)),
    Cell(BACKFILL, date(2026, 11, 12), OPUS, 164, _usage(18_204_410, 390_220, 88_104, 328)),
    Cell(BACKFILL, date(2026, 11, 12), HAIKU, 310, _usage(5_803_900, 0, 61_250, 620, 492_700)),
    Cell(BACKFILL, date(2026, 11, 13), OPUS, 88, _usage(14_011_020, 371_900, 40_377, 176), 2,
         268_140, cut=True),
    Cell(SEARCH, date(2026, 11, 22), SONNET, 47, _usage(2_240_519, 80_114, 21_046, 94)),
    Cell(SEARCH, None, SONNET, 2, _usage(61_300, 2_120, 388, 4)),
    Cell(EMPTY_CART, date(2026, 11, 23), OPUS, 71, _usage(5_104_820, 143_700, 31_266, 142),
         guessed=True),
    Cell(COUPON, date(2026, 11, 24), OPUS, 240, _usage(50_170_367, 952_435, 171_329, 480), 3,
         529_396, cut=True),
    Cell(COUPON, date(2026, 11, 24), SONNET, 57, _usage(3_058_181, 82_842, 36_942, 114, 27_089)),
)  # fmt: skip
"""All there is, oldest first."""


def sample_history(by: By = "day", cells: Sequence[Cell] = WORK) -> History:
    """That past, grouped."""
    keyed: dict[str, list[Cell]] = defaultdict(list)
    for cell in cells:
        if by != "day" or cell.day is not None:
            keyed[_key(cell, by)].append(cell)
    groups = [_group(key, mine, by) for key, mine in keyed.items()]
    if by in ("day", "week", "month"):
        groups.sort(key=lambda group: group.key)
    else:
        groups.sort(key=lambda group: -(group.sums.cost or 0.0))
    gone = [cell for cell in cells if not cell.session.on_disk]
    kept = Kept(
        files=12,
        bytes=41_206_118,
        gone_files=len({cell.session for cell in gone}),
        gone_sessions=len({cell.session for cell in gone}),
        gone_requests=sum(cell.requests for cell in gone),
        malformed_lines=1,
    )
    query = Query(by=by, timezone=ZONE)
    return History(NOW, query, ZONE, tuple(groups), sums_of(cells), kept, "2026-11-20")


def sums_of(cells: Iterable[Cell]) -> Sums:
    """The sums over these cells."""
    cells = list(cells)
    priced = [cell for cell in cells if cell.model in _PRICES]
    unpriced = sum(cell.requests for cell in cells) - sum(cell.requests for cell in priced)
    split = Split(
        fsum(_split(cell).carry for cell in priced),
        fsum(_split(cell).rewrite for cell in priced),
        fsum(_split(cell).fresh for cell in priced),
        fsum(_split(cell).output for cell in priced),
    )
    return Sums(
        requests=sum(cell.requests for cell in cells),
        sessions=len({cell.session for cell in cells}),
        usage=sum((cell.usage for cell in cells), Usage()),
        cost=split.total if priced else None,
        cost_is_lower_bound=unpriced > 0 or any(cell.cut for cell in cells),
        estimated=any(cell.guessed for cell in cells),
        unpriced=unpriced,
        split=split,
        busts=sum(cell.busts for cell in cells),
        rewritten=sum(cell.rewritten for cell in cells),
        avoidable=fsum(_avoidable(cell) for cell in priced),
    )


def _split(cell: Cell) -> Split:
    price, usage = _PRICES[cell.model], cell.usage
    written = (
        usage.cache_creation_5m_input_tokens * price.write_5m
        + usage.cache_creation_1h_input_tokens * price.write_1h
    )
    again = cell.rewritten * price.write_1h
    return Split(
        usage.cache_read_input_tokens * price.read,
        again,
        written - again + usage.input_tokens * price.input,
        usage.output_tokens * price.output,
    )


def _avoidable(cell: Cell) -> float:
    price = _PRICES[cell.model]
    return cell.rewritten * (price.write_1h - price.read)


def _key(cell: Cell, by: By) -> str:
    if by == "project":
        return cell.session.project
    if by == "model":
        return cell.model
    if by == "session":
        return cell.session.session_id
    if cell.day is None:
        return ""
    if by == "week":
        year, week, _ = cell.day.isocalendar()
        return f"{year}-W{week:02d}"
    return cell.day.isoformat() if by == "day" else f"{cell.day:%Y-%m}"


def _group(key: str, cells: Sequence[Cell], by: By) -> Group:
    sums = sums_of(cells)
    here = sum(cell.requests for cell in cells if cell.session.on_disk)
    moments = [_moment(cell.day) for cell in cells if cell.day is not None]
    session = cells[0].session if by == "session" else None
    return Group(
        key=key,
        name=(session.title if session else "") or key,
        sums=sums,
        first_at=min(moments, default=None),
        last_at=max(moments, default=None),
        project=session.project if session else "",
        models=tuple(dict.fromkeys(cell.model for cell in cells)) if session else (),
        subagents=session.subagents if session else 0,
        on_disk=here / sums.requests,
    )


def _moment(day: date) -> float:
    return datetime(day.year, day.month, day.day, 10, 30, tzinfo=UTC).timestamp()


def sample_requests() -> list[PastRequest]:
    """The first request of each cell, by time."""
    return [
        PastRequest(
            message_id=f"msg_{number:02d}",
            request_id=None if cell.day is None else f"req_{number:02d}",
            session_id=cell.session.session_id,
            project=cell.session.project,
            cwd=f"/home/ada/{cell.session.project}",
            thread="a7e03c" if cell.model == HAIKU else "main",
            n=number,
            at=None if cell.day is None else _moment(cell.day),
            model=cell.model,
            version="2.1.330",
            stop_reason=None if cell.cut else "end_turn",
            usage=cell.usage,
            context=cell.usage.prompt_tokens,
            rewritten=cell.rewritten,
            bust=cell.busts > 0,
            cost=_split(cell).total if cell.model in _PRICES else None,
            split=_split(cell) if cell.model in _PRICES else None,
            avoidable=_avoidable(cell) if cell.model in _PRICES else None,
            output_is_lower_bound=cell.cut,
            estimated=cell.guessed,
            on_disk=cell.session.on_disk,
        )
        for number, cell in enumerate(WORK, 1)
    ]


CANDIDATES = (
    Candidate("shop-api", "file", "docs/ARCHITECTURE.md", 9, 11, 1, 9_040, 1.482, 1.296, 0.144,
              2_000, 0.0372, "CLAUDE.md", True, NOW - 3_600),
    Candidate("shop-api", "file", "src/checkout/flow.ts", 7, 23, 7, 14_310, 1.604, 1.374, 0.196,
              1_100, 0.0213, "map", True, NOW - 7_200),
    Candidate("data-pipeline", "file", "jobs/README.md", 5, 5, 1, 6_020, 0.470, 0.376, 0.0752,
              1_800, 0.0330, "rule", True, NOW - 950_000),
    Candidate("data-pipeline", "command", "ls -R src", 4, 6, 2, 2_410, 0.118, 0.0885, 0.0221,
              900, 0.0164, "nothing", False, NOW - 951_000),
    Candidate("docs-site", "search", "sidebar", 3, 4, 3, 2_050, 0.066, 0.044, 0.0147, 700,
              0.0128, "nothing", False, NOW - 180_000),
    Candidate("acme-spike", "file", "NOTES.md", 3, 3, 1, 3_300, None, None, None, 1_400, None,
              "CLAUDE.md", False, None),
)  # fmt: skip
"""Things found out again and again, dearest first, each of another sort."""


def sample_memory(candidates: Sequence[Candidate] = CANDIDATES) -> Memory:
    """What a memory of those projects would save."""
    projects = len({candidate.project for candidate in candidates})
    return Memory(NOW, 30, 28, max(projects, 4), tuple(candidates))
