"""Builders of snapshots: the session that screens.md draws, and variations of it."""

from datetime import datetime
from typing import Any

from msgspec import structs

from ccmon.measures import Split, Usage
from ccmon.requests import MAIN, Bust, Compaction, Request, Why
from ccmon.snapshot import (
    Cache,
    CacheAlert,
    Context,
    Drag,
    Finding,
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
    Subagent,
    Totals,
    TtlCheck,
)
from tests.sample_items import sample_inventory

OPUS, SONNET = "claude-opus-5-5", "claude-sonnet-5-5"


def at(time_of_day: str) -> float:
    """Epoch seconds of a time on the day the session is drawn."""
    return datetime.fromisoformat(f"2026-11-23T{time_of_day}+00:00").timestamp()


NOW = at("14:06:22")


def usage(read: int = 0, write_1h: int = 0, output: int = 0, *, write_5m: int = 0) -> Usage:
    """Token counts of one request with 2 uncached tokens."""
    return Usage(2, write_5m + write_1h, write_5m, write_1h, read, output)


def request(n: int = 1, tokens: Usage | None = None, **changes: object) -> Request:
    """A request that read 197,695 tokens, wrote 14,903 and answered with 388."""
    tokens = tokens or usage(197_695, 14_903, 388)
    split = Split(0.039539, 0.0, 0.119232, 0.00776)
    facts: dict[str, Any] = {
        "n": n,
        "thread": MAIN,
        "message_id": f"msg_{n:03}",
        "request_id": f"req_{n:03}",
        "at": at("14:03:35"),
        "started_at": at("14:03:11"),
        "model": OPUS,
        "effort": "xhigh",
        "version": "2.1.330",
        "stop_reason": "tool_use",
        "usage": tokens,
        "thinking_tokens": None,
        "web_searches": 0,
        "context": tokens.prompt_tokens,
        "cached": tokens.cache_read_input_tokens,
        "growth": 14_903,
        "new": 14_903,
        "reread": 197_697,
        "expected_read": 197_695,
        "rewritten": 0,
        "bust": False,
        "price": None,
        "cost": split.total,
        "extra_cost": 0.0,
        "split": split,
        "avoidable": None,
        "output_is_lower_bound": False,
        "estimated": False,
        "turn": 1,
        "starts_turn": False,
        "segment": 1,
        "starts_segment": False,
        "idle": 24.0,
        "verb": "Bash",
        "label": "npm test -- cart",
        "thinks": False,
        "prompt": None,
        "entered": (),
        "spans": (),
    }
    return structs.replace(Request(**facts), **changes)


def subagent(**changes: object) -> Subagent:
    """The Explore agent of 14 requests."""
    facts: dict[str, Any] = {
        "agent_id": "a7e03c",
        "type": "Explore",
        "description": "find the coupon code",
        "parent_agent_id": None,
        "model": SONNET,
        "active": False,
        "usage": Usage(28, 27_089, 27_089, 0, 275_362, 4_943),
        "cost": 0.144745,
        "cost_is_lower_bound": False,
        "context_tokens": 33_491,
        "requests": tuple(
            request(n, thread="a7e03c", model=SONNET, at=at("09:40:00") + n) for n in range(1, 15)
        ),
    }
    return structs.replace(Subagent(**facts), **changes)


def bust(
    number: int,
    time_of_day: str,
    expected: int,
    read: int,
    avoidable: float,
    why: Why | None = None,
) -> Bust:
    """A bust of the main thread that rewrote all it did not find."""
    return Bust(number, MAIN, at(time_of_day), expected, read, expected - read, avoidable, why)


def finding(key: str = "F4", **changes: object) -> Finding:
    """That ToolSearch rewrote the prefix before request 205."""
    facts: dict[str, Any] = {
        "id": key,
        "key": key,
        "severity": "warn",
        "title": "ToolSearch rewrote 265.2k tokens",
        "action": "Load tools early in a session, or update Claude Code.",
        "basis": "server: tools_changed",
        "value": 2.0687,
        "saving": 2.0687,
        "request": 205,
        "evidence": (("cause", "tools_loaded"),),
    }
    return structs.replace(Finding(**facts), **changes)


OVERDUE = finding(
    "F1",
    severity="high",
    title="compact is 15x overdue",
    action="Run /compact with a focus at this break, or /clear when the task is done.",
    basis="carried $7.59 above 46.3k; compacting costs $0.517, pays back in 7 requests",
    value=1.210485,
    saving=None,
    saving_per_request=0.070218,
    request=None,
    evidence=(("o", 14.68249), ("payback_requests", 7.361)),
)
SWITCHED = finding(
    title="model switch rewrote 99.9k tokens",
    action="Switch models at the start of a session or right after /compact.",
    basis="exact",
    value=0.779548,
    saving=0.779548,
    request=44,
    evidence=(("cause", "model_switch"),),
)
CACHE = Cache(
    caching=True,
    ttl="1h",
    expires_at=at("15:04:02"),
    hit_rate=0.98083,
    hit_rate_last20=0.99427,
    write_factor=2.60521,
    busts=3,
    avoidable=4.129289,
    written=1_035_277,
    alert=CacheAlert("off", 0.0),
    ttl_check=TtlCheck(9.876146, 5.743916, 8, 1),
)


def session(**changes: object) -> Session:
    """The session of screens.md: 283 main requests and an agent of 14."""
    agent = subagent()
    facts: dict[str, Any] = {
        "session_id": "4c1f9a20-6f0e-4b7d-9a51-2f6f3c1d8e77",
        "title": "Fix the coupon total",
        "project": "shop-api",
        "cwd": "/home/ada/shop-api",
        "model": OPUS,
        "effort": "xhigh",
        "version": "2.1.330",
        "active": True,
        "status": "busy",
        "waiting_for": None,
        "started_at": at("09:02:10"),
        "last_request_at": at("14:04:02"),
        "last_line_at": at("14:06:20"),
        "turns": 23,
        "request_count": 297,
        "usage": Usage(594, 1_062_366, 27_089, 1_035_277, 53_228_548, 208_271),
        "cost": 22.15661,
        "cost_is_lower_bound": True,
        "cost_is_estimated": False,
        "lower_bound_reasons": ("compaction",),
        "unpriced_requests": 0,
        "output_lower_bound_requests": 0,
        "hidden": Hidden(1, 0.121428, "estimated"),
        "context": Context(397_389, None, 1_000_000, "table", 0.397389, 1655.7, 12.304, 137_457.4),
        "next_request": NextRequest(0.106969, 3.206603, 0.079478, 0.027491),
        "cache": CACHE,
        "reread": Reread(0.99059, 541_185, 53_989_058, 99.76081, 2.94891),
        "spend": Spend(
            Split(0.9, 0.0, 0.28, 0.18),
            Split(9.4, 3.44, 3.04, 3.03),
            Split(10.339892, 4.235168, 3.78555, 3.796),
        ),
        "drag": Drag(
            state="high",
            d=0.66151,
            o=14.68249,
            base_tokens=46_300,
            carried=7.589074,
            compact=0.516878,
            compact_cold=3.616512,
            saving_per_request=0.070218,
            payback_requests=7.361,
            removes=0.656,
            since_request=177,
        ),
        "busts": (
            bust(
                44, "09:34:01", 99_942, 0, 0.779548, Why("model_switch", "exact", "model_changed")
            ),
            bust(
                150,
                "12:21:04",
                181_336,
                17_100,
                1.281041,
                Why("idle_past_ttl", "timestamps", idle=3_840.0, ttl=3_600.0, reach="system kept"),
            ),
            bust(
                205, "13:02:03", 265_218, 0, 2.0687, Why("tools_loaded", "server", "tools_changed")
            ),
        ),
        "compactions": (
            Compaction(
                before_request=71,
                at=at("10:07:20"),
                trigger="manual",
                pre_tokens=144_139,
                summary_tokens=4_630,
                context_before=143_796,
                context_after=46_300,
                cost=0.121428,
                method="estimated",
            ),
        ),
        "subagents": (agent,),
        "requests": tuple(request(n, at=at("09:02:10") + 60 * n) for n in range(1, 284)),
        "findings": (OVERDUE, finding(), SWITCHED),
        "inventory": sample_inventory(),
    }
    return structs.replace(Session(**facts), **changes)


def empty_session(**changes: object) -> Session:
    """A session of which no request is known."""
    nothing: dict[str, object] = {
        "session_id": "0f77c1d4-0000-4000-8000-000000000000",
        "title": None,
        "project": "billing",
        "cwd": None,
        "model": None,
        "version": None,
        "active": False,
        "status": "ended",
        "started_at": None,
        "last_request_at": None,
        "last_line_at": None,
        "turns": 0,
        "request_count": 0,
        "usage": Usage(),
        "cost": None,
        "cost_is_lower_bound": False,
        "lower_bound_reasons": (),
        "hidden": None,
        "context": None,
        "next_request": None,
        "cache": None,
        "reread": None,
        "spend": None,
        "drag": None,
        "busts": (),
        "compactions": (),
        "subagents": (),
        "requests": (),
        "findings": (),
        "inventory": None,
    }
    return structs.replace(session(**nothing), **changes)


def unpriced_session(**changes: object) -> Session:
    """A session of one request on a model without price and window, without caching."""
    nothing: dict[str, object] = {
        "session_id": "b81d02ee-0000-4000-8000-000000000000",
        "project": "docs-site",
        "model": "someone-else-7b",
        "version": None,
        "active": False,
        "status": "idle",
        "turns": 1,
        "request_count": 1,
        "usage": Usage(1_200, 0, 0, 0, 0, 40),
        "cost": None,
        "cost_is_lower_bound": False,
        "lower_bound_reasons": (),
        "unpriced_requests": 1,
        "hidden": None,
        "context": Context(1_200, None, None, "unknown", None, None, 1.0, None),
        "next_request": NextRequest(None, None, None, None),
        "cache": Cache(False, None, None, None, None, None, 0, None),
        "reread": Reread(0.0, 1_200, 1_200, 1.0, None),
        "spend": Spend(None, None, None),
        "drag": Drag("off", *(None,) * 10),
        "busts": (),
        "compactions": (),
        "subagents": (),
        "findings": (),
        "inventory": None,
        "requests": (
            request(
                model="someone-else-7b",
                cost=None,
                split=None,
                tokens=Usage(1_200, output_tokens=40),
            ),
        ),
    }
    return structs.replace(session(**nothing), **changes)


def snapshot(*sessions: Session) -> Snapshot:
    """A snapshot whose totals are the sums of its sessions, one model each."""
    costs = [one.cost for one in sessions if one.cost is not None]
    total = Totals(
        sessions=len(sessions),
        active_sessions=sum(one.active for one in sessions),
        requests=sum(one.request_count for one in sessions),
        usage=sum((one.usage for one in sessions), Usage()),
        cost=sum(costs) if costs else None,
        cost_is_lower_bound=any(one.cost_is_lower_bound for one in sessions),
        unpriced_requests=sum(one.unpriced_requests for one in sessions),
    )
    models = tuple(
        ModelTotals(one.model, one.request_count, one.usage, one.cost, one.cost_is_lower_bound)
        for one in sessions
        if one.request_count
    )
    return Snapshot(
        generated_at=NOW,
        places=(
            Place("/home/ada/.claude", "~/.claude", True),
            Place("/home/ada/.config/claude", "~/.config/claude", False),
        ),
        price_table_date="2026-11-20",
        totals=total,
        sessions=sessions,
        by_model=models,
        health=Health(2, 6_183_402, 0, 0, 0, 1, 0, 0, "off"),
        progress=Progress(2, 2, 6_183_402, 6_183_402),
    )


def with_health(shown: Snapshot, **counts: int | str) -> Snapshot:
    """The same snapshot, with other health figures."""
    return structs.replace(shown, health=structs.replace(shown.health, **counts))
