"""The invented session of the design as snapshots: high, calm, dominating, empty, loading.

Sums are the design's figures; request rows agree with its tables where it shows any and are
invented in between. The clock stands at ``NOW``.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import msgspec

from ccmon.measures import Split, Usage
from ccmon.requests import Bust, Compaction, Entered, Request
from ccmon.snapshot import (
    Cache,
    CacheAlert,
    Context,
    Drag,
    Health,
    Hidden,
    ModelTotals,
    NextRequest,
    Place,
    Progress,
    Reread,
    Session,
    Snapshot,
    Spend,
    Status,
    Subagent,
    Totals,
    TtlCheck,
)
from tests.sample_findings import FINDINGS
from tests.sample_items import sample_inventory
from tests.sample_rows import WHYS, Row, at, requests_of, rows_between, with_entered

NOW = at("14:06:22")
CALM_NOW = at("09:48:11")
DOMINATING_NOW = at("14:48:09")
SESSION_ID = "4c1f9a20-6f0e-4b7d-9a51-2f6f3c1d8e77"

_ANCHORS = (
    Row(1, "09:02:10", 30_700, 645, None, "Read", "README.md", "session start"),
    Row(43, "09:33:20", 99_942, 512, 120, "Bash", "npm test -- cart"),
    Row(44, "09:34:01", 102_310, 688, 240, "Edit", "src/cart.ts", None, 0),
    Row(70, "10:05:11", 143_796, 731, None, "Edit", "src/cart.ts"),
    Row(71, "10:07:47", 46_300, 1_033, 208, "first", "after /compact", None, 17_900),
    Row(149, "11:16:40", 181_336, 377, None, "Read", "src/checkout/flow.ts"),
    Row(150, "12:21:04", 182_636, 688, 407, "Grep", "coupon", "go on", 17_100),
    Row(204, "13:01:29", 265_218, 890, 131, "ToolSearch", "TaskCreate"),
    Row(205, "13:02:03", 269_018, 688, 214, "TaskCreate", "cover the empty cart", None, 0),
    Row(270, "13:58:31", 361_660, 602, None, "Bash", "npm test -- cart"),
    Row(271, "13:58:58", 362_400, 355, None, "Read", "src/coupon.ts", "fix the coupon total"),
    Row(272, "13:59:31", 364_580, 640, 411, "Read", "src/coupon.ts"),
    Row(273, "14:00:02", 366_180, 488, 302, "Bash", "npm test -- cart"),
    Row(274, "14:00:35", 370_480, 1_217, 591, "Edit", "src/cart.ts"),
    Row(275, "14:00:55", 371_840, 776, 716, "Write", "src/cart.ts"),
    Row(276, "14:01:23", 372_757, 691, None, "Edit", "src/checkout/flow.ts"),
    Row(277, "14:01:55", 373_570, 276, 216, "Read", "test/cart.test.ts"),
    Row(278, "14:02:24", 376_291, 579, 519, "Grep", "coupon"),
    Row(279, "14:02:45", 377_165, 519, 459, "Bash", "rg --files"),
    Row(280, "14:03:11", 379_165, 1_204, 911, "Grep", "applyCoupon"),
    Row(281, "14:03:35", 394_068, 388, None, "Bash", "npm test -- cart"),
    Row(282, "14:03:46", 396_335, 903, 640, "Edit", "src/cart.ts"),
    Row(283, "14:04:02", 397_389, 412, 180, "Edit", "src/cart.ts"),
)
_CALM_END = Row(58, "09:47:40", 118_000, 540, None, "Edit", "src/cart.ts")
_DOMINATING_END = Row(392, "14:46:31", 560_900, 377, None, "Edit", "src/cart.ts")
_MODELS = ((1, "claude-sonnet-5-5"), (44, "claude-opus-5-5"))

_BUSTS = (
    Bust(44, "main", at("09:34:01"), 99_942, 0, 99_942, 0.779548, WHYS[44]),
    Bust(150, "main", at("12:21:04"), 181_336, 17_100, 164_236, 1.281041, WHYS[150]),
    Bust(205, "main", at("13:02:03"), 265_218, 0, 265_218, 2.0687, WHYS[205]),
)
_ALERT = CacheAlert("off", 0.0, 0, 0, None)
_COMPACTION = Compaction(
    71, at("10:07:20"), "manual", 144_139, 4_630, 143_796, 46_300, 0.121428, "estimated"
)


@cache
def main_requests() -> tuple[Request, ...]:
    """The 283 requests of the main thread."""
    rows = list(rows_between(_ANCHORS, seed=283))
    requests = list(requests_of(rows, models=_MODELS, compacted_before=71))
    requests[280] = with_entered(
        requests[280],
        Entered(
            "output",
            "output",
            "of #280",
            4_300,
            1_204,
            (),
            "exact",
            (
                Entered("thinking", "thinking", "of #280", 3_100, 911, ()),
                Entered("text", "text", "of #280", 420, 131, (), "split"),
                Entered("tool_use", "Grep", "applyCoupon", 310, 162, (), "split"),
            ),
        ),
        Entered("tool_result", "Grep", "applyCoupon", 3_410, 842, (), "split"),
        Entered("tool_result", "Read", "src/checkout/flow.ts 1-1,912", 58_470, 12_827, (), "split"),
        Entered("attachment", "total_tokens_reminder", "", 110, 30, (), "estimated"),
    )
    return tuple(requests)


@cache
def _subagent() -> Subagent:
    rows = rows_between((Row(1, "10:31:02", 9_800, 310), Row(14, "10:34:40", 33_491, 353)), seed=14)
    requests = requests_of(
        list(rows), thread="a7e03c", models=((1, "claude-sonnet-5-5"),), ttl_5m=True
    )
    usage = Usage(28, 27_089, 27_089, 0, 275_362, 4_943)
    return Subagent(
        "a7e03c", "Explore", "find the checkout flow", None, "claude-sonnet-5-5", False,
        usage, 0.144745, False, 33_491, requests,
    )  # fmt: skip


@cache
def sample_session() -> Session:
    """The session of the design: drag high, three busts, one compaction, one sub-agent."""
    return Session(
        session_id=SESSION_ID,
        title="Fix the coupon total",
        project="shop-api",
        cwd="/home/ada/shop-api",
        model="claude-opus-5-5",
        effort="xhigh",
        version="2.1.330",
        active=True,
        status="busy",
        waiting_for=None,
        started_at=at("09:02:10"),
        last_request_at=at("14:04:02"),
        last_line_at=at("14:04:40"),
        turns=23,
        request_count=297,
        usage=Usage(594, 1_062_366, 27_089, 1_035_277, 53_228_548, 208_271),
        cost=22.15661,
        cost_is_lower_bound=True,
        cost_is_estimated=False,
        lower_bound_reasons=("compaction",),
        unpriced_requests=0,
        output_lower_bound_requests=0,
        hidden=Hidden(1, 0.121428, "estimated"),
        context=Context(397_389, None, 1_000_000, "table", 0.3974, 1656.0, 12.3, 137_457.0),
        next_request=NextRequest(0.106969, 3.206603, 0.079478, 0.027491, 3.099642),
        cache=Cache(
            True, "1h", at("15:04:02"), 0.9808, 0.9943, 2.6052, 3, 4.129289, 1_035_277,
            _ALERT, TtlCheck(9.876146, 5.743916, 8, 1),
        ),
        reread=Reread(0.9906, 541_185, 53_988_000, 99.7608, 2.9489),
        spend=Spend(
            Split(0.8984, 0.0, 0.2826, 0.1804),
            Split(9.40, 3.44, 3.04, 3.03),
            Split(10.339892, 4.235168, 3.78555, 3.796),
        ),
        drag=Drag(
            "high", 0.6615, 14.6825, 46_300, 7.589074, 0.516878, 3.616512, 0.070218, 7.36,
            0.66, 177,
        ),
        busts=_BUSTS,
        compactions=(_COMPACTION,),
        subagents=(_subagent(),),
        requests=main_requests(),
        findings=FINDINGS,
        inventory=sample_inventory(),
    )  # fmt: skip


@cache
def calm_session() -> Session:
    """The same session in its first hour: drag off, one bust, no compaction yet."""
    anchors = (*_ANCHORS[:3], _CALM_END)
    return msgspec.structs.replace(
        sample_session(),
        last_request_at=at("09:47:40"),
        last_line_at=at("09:47:55"),
        turns=5,
        request_count=58,
        usage=Usage(116, 119_000, 0, 119_000, 4_180_000, 41_000),
        cost=3.71,
        cost_is_lower_bound=False,
        lower_bound_reasons=(),
        hidden=None,
        context=Context(118_000, None, 1_000_000, "table", 0.118, 1800.0, 11.0, 137_457.0),
        next_request=NextRequest(0.051, 0.97, 0.024, 0.027),
        cache=Cache(
            True, "1h", at("10:47:40"), 0.939, 0.987, 2.1, 1, 0.779548, 119_000,
            CacheAlert("off", 0.04, 1, 99_942, None), TtlCheck(None, None, 1, 0),
        ),
        reread=Reread(0.972, 119_000, 4_299_000, 35.0, 1.9),
        spend=Spend(
            Split(0.28, 0.0, 0.22, 0.11), Split(1.21, 0.8, 0.9, 0.8), Split(1.21, 0.8, 0.9, 0.8)
        ),
        drag=Drag(
            "off", 0.21, 0.48, 30_700, 0.22, 0.461, 0.95, None, None, 0.31, None
        ),
        busts=_BUSTS[:1],
        compactions=(),
        subagents=(),
        requests=requests_of(list(rows_between(anchors, seed=58)), models=_MODELS),
        findings=FINDINGS[2:],
        inventory=None,
    )  # fmt: skip


@cache
def dominating_session() -> Session:
    """The session 42 minutes later: re-reading dominates."""
    anchors = (*_ANCHORS, _DOMINATING_END)
    requests = requests_of(
        list(rows_between(anchors, seed=283)), models=_MODELS, compacted_before=71
    )
    return msgspec.structs.replace(
        sample_session(),
        last_request_at=at("14:46:31"),
        last_line_at=at("14:47:02"),
        request_count=406,
        usage=Usage(812, 1_231_000, 27_089, 1_203_911, 105_268_000, 233_900),
        cost=34.42,
        context=Context(560_900, None, 1_000_000, "table", 0.5609, 1500.0, 12.3, 137_457.0),
        next_request=NextRequest(0.129, 4.50, 0.112, 0.017),
        cache=Cache(
            True, "1h", at("15:46:31"), 0.990, 0.997, 1.9, 3, 4.129289, 1_203_911,
            _ALERT, TtlCheck(10.84, 6.21, 9, 1),
        ),
        reread=Reread(0.994, 729_000, 106_500_000, 146.0, 3.6),
        spend=Spend(
            Split(1.34, 0.0, 0.14, 0.06),
            Split(20.9, 3.44, 4.6, 3.1),
            Split(21.8, 4.24, 4.58, 3.8),
        ),
        drag=Drag(
            "dominates", 0.87, 31.0, 46_300, 17.05, 0.55, 4.95, 0.103, 5.3, 0.80, 330
        ),
        requests=requests,
        findings=(
            msgspec.structs.replace(
                FINDINGS[0],
                title="compact is 31x overdue",
                basis="carried $17.05 above 46.3k; compacting costs $0.55, pays back in 5 requests",
                value=1.9838,
                saving_per_request=0.103,
                evidence=(("o", 31.0), ("payback_requests", 5.3)),
            ),
            *FINDINGS[1:],
        ),
    )  # fmt: skip


@dataclass(frozen=True)
class _Other:
    session_id: str
    project: str
    title: str
    model: str
    status: Status
    last: str
    requests: int
    context: int
    cost: float
    cold: str | None = None
    waiting_for: str | None = None


_OTHERS = (
    _Other("b81d02ee", "docs-site", "Rewrite the install page", "claude-sonnet-5-5", "waiting",
           "14:04:34", 41, 88_300, 1.08, "14:09:34", "permission prompt"),
    _Other("0f77c1d4", "billing", "Invoice rounding", "claude-fable-5-2", "idle",
           "12:01:10", 96, 212_000, 6.41),
    _Other("91ac5b07", "infra", "Rotate the runners", "claude-opus-5-5", "idle",
           "11:20:44", 22, 61_400, 0.71),
    _Other("d4e8120b", "mobile", "Crash on resume", "claude-sonnet-5-5", "idle",
           "10:52:19", 18, 48_900, 0.38),
    _Other("5b30f9c6", "shop-web", "Image sizes", "claude-sonnet-5-5", "idle",
           "10:11:31", 12, 40_200, 0.29),
    _Other("ee1764ad", "search", "Index settings", "claude-sonnet-5-5", "idle",
           "09:48:02", 9, 36_800, 0.21),
    _Other("37c2d85e", "notes", "Draft the release notes", "claude-sonnet-5-5", "idle",
           "09:30:57", 7, 33_300, 0.16),
)  # fmt: skip


def _other_session(other: _Other) -> Session:
    anchors = (
        Row(1, "09:12:00", 24_000, 420, None, "Read", "README.md", other.title),
        Row(other.requests, other.last, other.context, 380, None, "Edit", "notes.md"),
    )
    requests = requests_of(
        list(rows_between(anchors, seed=other.requests)), models=((1, other.model),)
    )
    carry = other.cost * 0.4
    split = Split(carry, 0.0, other.cost * 0.35, other.cost * 0.25)
    warm = sum(request.cost or 0.0 for request in requests[-3:]) / 3
    price = requests[-1].price
    cold = other.context * price.write_1h if price else None
    usage = Usage()
    for request in requests:
        usage += request.usage
    return Session(
        session_id=f"{other.session_id}-0000-4000-8000-000000000000",
        title=other.title,
        project=other.project,
        cwd=f"/home/ada/{other.project}",
        model=other.model,
        effort=None,
        version="2.1.330",
        active=True,
        status=other.status,
        waiting_for=other.waiting_for,
        started_at=at("09:12:00"),
        last_request_at=at(other.last),
        last_line_at=at(other.last),
        turns=3,
        request_count=len(requests),
        usage=usage,
        cost=other.cost,
        cost_is_lower_bound=False,
        cost_is_estimated=False,
        lower_bound_reasons=(),
        unpriced_requests=0,
        output_lower_bound_requests=0,
        hidden=None,
        context=Context(
            other.context, None, 1_000_000, "table", other.context / 1e6, 1200.0, 8.0, 137_457.0
        ),
        next_request=NextRequest(warm, cold, warm * 0.6, warm * 0.4),
        cache=Cache(
            True,
            "5m" if other.cold else "1h",
            at(other.cold) if other.cold else at(other.last) + 3600.0,
            0.97,
            0.99,
            1.1,
            0,
            None,
        ),
        reread=Reread(0.95, other.context, usage.prompt_tokens, 12.0, 1.4),
        spend=Spend(split, split, split),
        drag=Drag("off", 0.3, 0.2, 46_300, 0.05, 0.31, 0.9, None, None, 0.4, None),
        busts=(),
        compactions=(),
        subagents=(),
        requests=requests,
    )


def snapshot_of(
    *sessions: Session,
    now: float = NOW,
    progress: Progress | None = None,
    places: tuple[Place, ...] = (Place("~/.claude/projects", "default", True),),
) -> Snapshot:
    """A snapshot of these sessions with the sums that belong to them."""
    usage, requests = Usage(), 0
    costs = [session.cost for session in sessions if session.cost is not None]
    cost = sum(costs) if costs else None
    for session in sessions:
        usage += session.usage
        requests += session.request_count
    lower = any(session.cost_is_lower_bound for session in sessions)
    active = sum(session.active for session in sessions)
    return Snapshot(
        generated_at=now,
        places=places,
        price_table_date="2026-11-20",
        totals=Totals(
            len(sessions), active, requests, usage, cost, lower, 0
        ),
        sessions=sessions,
        by_model=(ModelTotals("claude-opus-5-5", requests, usage, cost, lower),),
        health=Health(9, 6_183_402, 0, 0, 0, 1, 0, 0, "events"),
        progress=progress or Progress(9, 9, 6_183_402, 6_183_402),
    )  # fmt: skip


@cache
def sample_snapshot() -> Snapshot:
    """Eight sessions; the selected one is the design's, drag high."""
    return snapshot_of(sample_session(), *map(_other_session, _OTHERS))


@cache
def calm_snapshot() -> Snapshot:
    """Drag off, at 09:48."""
    return snapshot_of(calm_session(), *map(_other_session, _OTHERS[1:]), now=CALM_NOW)


@cache
def dominating_snapshot() -> Snapshot:
    """Re-reading dominates, at 14:48."""
    return snapshot_of(dominating_session(), *map(_other_session, _OTHERS), now=DOMINATING_NOW)


def empty_snapshot() -> Snapshot:
    """Nothing found anywhere."""
    return snapshot_of(
        places=(
            Place("~/.claude/projects", "default", False),
            Place("$CLAUDE_CONFIG_DIR", "environment", False),
        ),
        progress=Progress(0, 0, 0, 0),
    )


def loading_snapshot() -> Snapshot:
    """The first reading, before any session is known."""
    return snapshot_of(progress=Progress(41, 163, 212_000_000, 840_000_000))
