"""The JSON document of ``ccmon --once --json``, schema_version 1 (screens.md, section 5).

Keys stand in the order of the schema, money is USD rounded to 6 places, ratios to 4, times are
ISO 8601 in UTC, unknown is null. Additive changes keep the version; a removal, a rename or a
change of meaning raises it.
"""

import re
from typing import Any

import msgspec

from ccmon import __version__, snapshot
from ccmon.format import iso
from ccmon.measures import Split, Usage
from ccmon.requests import Bust, Compaction, Request, Why

SCHEMA_VERSION = 1

_SURROGATES = re.compile("[\ud800-\udfff]")
_UNSAFE_ON_TERMINALS = re.compile(
    "[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]"
)  # JSON allows them raw, terminals obey them

Json = dict[str, Any]

_UNEXPLAINED = Why("unknown", "unknown")


def render_json(
    shown: snapshot.Snapshot, *, requests: bool = False, items: bool = False, now: float
) -> bytes:
    """The document as UTF-8 JSON on one line.

    Control and bidirectional characters are escaped, so the bytes are as harmless on a terminal
    as in a pipe.
    """
    whole = document(shown, requests=requests, items=items, now=now)
    text = msgspec.json.encode(whole).decode()
    return _UNSAFE_ON_TERMINALS.sub(_escape, text).encode() + b"\n"


def document(
    shown: snapshot.Snapshot, *, requests: bool = False, items: bool = False, now: float
) -> Json:
    """The snapshot as plain dicts and lists; ``requests`` adds ``request_list`` per session.

    ``items`` tells the composition of every session's context, else only active ones' is told.
    ``now`` (epoch seconds) decides whether a cache is still warm.
    """
    totals = shown.totals
    return {
        "schema_version": SCHEMA_VERSION,
        "ccmon_version": __version__,
        "generated_at": iso(shown.generated_at),
        "config_dirs": [_text(place.path) for place in shown.places if place.found],
        "pricing": {"table_date": shown.price_table_date, "currency": "USD", "kind": "list"},
        "totals": {
            "sessions": totals.sessions,
            "active_sessions": totals.active_sessions,
            "requests": totals.requests,
            "usage": _usage(totals.usage),
            "cost_usd": _money(totals.cost),
            "cost_is_lower_bound": totals.cost_is_lower_bound,
            "unpriced_requests": totals.unpriced_requests,
        },
        "sessions": [
            _session(session, now, requests=requests, items=items or session.active)
            for session in shown.sessions
        ],
        "by_model": [_model(model) for model in shown.by_model],
        "health": _health(shown.health),
    }


def _session(session: snapshot.Session, now: float, *, requests: bool, items: bool) -> Json:
    parts = {
        **_identity(session),
        **_sums(session),
        "context": session.context and _context(session.context),
        "next_request": session.next_request and _next_request(session.next_request),
        "cache": session.cache and _cache(session.cache, now),
        "reread": session.reread and _reread(session.reread),
        "spend_split": session.spend and _split(session.spend.session),
        "drag": session.drag and _drag(session.drag),
        "composition": _composition(session.inventory) if items else None,
        "busts": [_bust(bust) for bust in session.busts],
        "compactions": [_compaction(compaction) for compaction in session.compactions],
        "subagents": [_subagent(agent, now) for agent in session.subagents],
        "findings": [_finding(finding) for finding in session.findings],
        "attempts": _attempts(session),
        "reported": session.reported and _reported(session.reported),
    }
    if requests:
        parts["request_list"] = [_request(request) for request in _oldest_first(session)]
    return parts


def _identity(session: snapshot.Session) -> Json:
    return {
        "session_id": _text(session.session_id),
        "title": _text(session.title),
        "project": _text(session.project),
        "cwd": _text(session.cwd),
        "model": _text(session.model),
        "version": _text(session.version),
        "active": session.active,
        "status": session.status,
        "started_at": iso(session.started_at),
        "last_request_at": iso(session.last_request_at),
        "turns": session.turns,
        "requests": session.request_count,
    }


def _sums(session: snapshot.Session) -> Json:
    hidden = session.hidden
    return {
        "usage": _usage(session.usage),
        "cost_usd": _money(session.cost),
        "cost_is_lower_bound": session.cost_is_lower_bound,
        "cost_is_estimated": session.cost_is_estimated,
        "lower_bound_reasons": list(session.lower_bound_reasons),
        "unpriced_requests": session.unpriced_requests,
        "output_lower_bound_requests": session.output_lower_bound_requests,
        "hidden": hidden
        and {
            "requests": hidden.requests,
            "cost_usd": _money(hidden.cost),
            "method": hidden.method,
        },
    }


def _context(context: snapshot.Context) -> Json:
    return {
        "tokens": context.tokens,
        "compacted_to": context.compacted_to,
        "window": context.window,
        "window_source": context.window_source,
        "fill": _ratio(context.fill),
        "growth_per_request": _whole(context.growth_per_request),
        "requests_per_turn": _rounded(context.requests_per_turn, 1),
        "crossing_point": _whole(context.crossing_point),
    }


def _next_request(forecast: snapshot.NextRequest) -> Json:
    return {
        "warm_usd": _money(forecast.warm),
        "cold_usd": _money(forecast.cold),
        "is_estimated": forecast.estimated,
    }


def _cache(cache: snapshot.Cache, now: float) -> Json:
    return {
        "state": cache.state_at(now),
        "ttl": cache.ttl,
        "expires_at": iso(cache.expires_at),
        "hit_rate": _ratio(cache.hit_rate),
        "hit_rate_last20": _ratio(cache.hit_rate_last20),
        "write_factor": _ratio(cache.write_factor),
        "avoidable_usd": _money(cache.avoidable),
        "alert": cache.alert.state,
        "alert_share": _ratio(cache.alert.share),
        "ttl_5m_usd": _money(cache.ttl_check.cost_5m),
        "ttl_1h_usd": _money(cache.ttl_check.cost_1h),
        "ttl_is_estimated": cache.ttl_is_estimated,
    }


def _reread(reread: snapshot.Reread) -> Json:
    return {
        "share": _ratio(reread.share),
        "unique_tokens": reread.unique_tokens,
        "amplification": _ratio(reread.amplification),
        "effective_multiple": _ratio(reread.effective_multiple),
    }


def _split(split: Split | None) -> Json:
    if split is None:
        return dict.fromkeys(("carry_usd", "rewrite_usd", "fresh_usd", "output_usd"))
    return {
        "carry_usd": _money(split.carry),
        "rewrite_usd": _money(split.rewrite),
        "fresh_usd": _money(split.fresh),
        "output_usd": _money(split.output),
    }


def _drag(drag: snapshot.Drag) -> Json:
    return {
        "state": drag.state,
        "d": _ratio(drag.d),
        "o": _ratio(drag.o),
        "base_tokens": drag.base_tokens,
        "carried_usd": _money(drag.carried),
        "compact_usd": _money(drag.compact),
        "compact_cold_usd": _money(drag.compact_cold),
        "saving_per_request_usd": _money(drag.saving_per_request),
        "payback_requests": _rounded(drag.payback_requests, 2),
    }


def _composition(inventory: snapshot.Inventory | None) -> list[Json] | None:
    """What is in the context, the largest bill first; None where no request is known."""
    if inventory is None:
        return None
    return [
        {
            "kind": each.kind,
            "tool": _text(each.tool),
            "items": each.items,
            "tokens": each.tokens,
            "bill_tokens": each.bill_tokens,
            "cost_usd": _money(each.cost),
            "method": each.method,
        }
        for each in inventory.composition
    ]


def _bust(bust: Bust) -> Json:
    why = bust.why or _UNEXPLAINED
    return {
        "request": bust.request,
        "thread": _text(bust.thread),
        "at": iso(bust.at),
        "expected_read": bust.expected_read,
        "cache_read_input_tokens": bust.cache_read,
        "rewritten": bust.rewritten,
        "avoidable_usd": _money(bust.avoidable),
        "cause": why.cause,
        "confidence": why.confidence,
        "server_reason": _text(why.server_reason),
        "broke_at": _text(why.broke_at),
    }


def _compaction(compaction: Compaction) -> Json:
    return {
        "before_request": compaction.before_request,
        "at": iso(compaction.at),
        "trigger": _text(compaction.trigger),
        "pre_tokens": compaction.pre_tokens,
        "context_before": compaction.context_before,
        "context_after": compaction.context_after,
        "cost_usd": _money(compaction.cost),
        "method": compaction.method,
    }


def _subagent(agent: snapshot.Subagent, now: float) -> Json:
    return {
        "agent_id": _text(agent.agent_id),
        "type": _text(agent.type),
        "parent_agent_id": _text(agent.parent_agent_id),
        "model": _text(agent.model),
        "active": agent.active,
        "requests": len(agent.requests),
        "usage": _usage(agent.usage),
        "cost_usd": _money(agent.cost),
        "cost_is_lower_bound": agent.cost_is_lower_bound,
        "context_tokens": agent.context_tokens,
        "cache": agent.cache and _cache(agent.cache, now),
        "next_request": agent.next_request and _next_request(agent.next_request),
    }


def _finding(finding: snapshot.Finding) -> Json:
    return {
        "id": finding.id,
        "severity": finding.severity,
        "request": finding.request,
        "title": _text(finding.title),
        "saving_usd": _money(finding.saving),
        "saving_per_request_usd": _money(finding.saving_per_request),
        "evidence": {_text(name): _measured(name, value) for name, value in finding.evidence},
        "action": _text(finding.action),
        "basis": _text(finding.basis),
        "thread": _text(finding.thread),
    }


def _measured(name: str, value: str | int | float | None) -> str | int | float | None:
    """A piece of evidence, rounded by what its name says it is."""
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, int):
        return value
    if name.endswith("_usd"):
        return _money(value)
    return _rounded(value, 2) if name.endswith("_requests") else _ratio(value)


def _attempts(session: snapshot.Session) -> Json:
    counts = session.attempt_counts
    sent = [each.at for each in session.attempts if each.state == "in_flight" and each.at]
    return {
        "in_flight": counts.in_flight,
        "refused": counts.refused,
        "lost": counts.lost,
        "in_flight_since": iso(min(sent, default=None)),
    }


def _reported(reported: snapshot.Reported) -> Json:
    return {
        "at": iso(reported.at),
        "window": reported.window,
        "ttl": reported.ttl,
        "expires_at": iso(reported.expires_at),
        "cost_usd": _money(reported.cost),
        "limits": [
            {
                "name": limit.name,
                "used": _ratio(limit.used),
                "resets_at": iso(limit.resets_at),
            }
            for limit in reported.limits
        ],
    }


def _request(request: Request) -> Json:
    return {
        "n": request.n,
        "thread": _text(request.thread),
        "message_id": _text(request.message_id),
        "request_id": _text(request.request_id),
        "at": iso(request.at),
        "model": _text(request.model),
        "stop_reason": _text(request.stop_reason),
        "usage": _usage(request.usage),
        "thinking_tokens": request.thinking_tokens,
        "context": request.context,
        "growth": request.growth,
        "new": request.new,
        "reread": request.reread,
        "expected_read": request.expected_read,
        "rewritten": request.rewritten,
        "cost_usd": _money(request.cost),
        "output_is_lower_bound": request.output_is_lower_bound,
        "spend_split": request.split and _split(request.split),
        "label": _text(f"{request.verb} {request.label}".strip()),
    }


def _oldest_first(session: snapshot.Session) -> list[Request]:
    """Main and sub-agent requests by time; within a thread the chain rules, not the clock."""
    dated: list[tuple[float, Request]] = []
    for thread in (session.requests, *(agent.requests for agent in session.subagents)):
        moment = 0.0
        for request in thread:
            moment = max(moment, request.at or 0.0)
            dated.append((moment, request))
    return [request for _, request in sorted(dated, key=_moment)]


def _moment(dated: tuple[float, Request]) -> float:
    return dated[0]


def _model(model: snapshot.ModelTotals) -> Json:
    return {
        "model": _text(model.model),
        "requests": model.requests,
        "usage": _usage(model.usage),
        "cost_usd": _money(model.cost),
        "cost_is_lower_bound": model.cost_is_lower_bound,
    }


def _health(health: snapshot.Health) -> Json:
    return {
        "files": health.files,
        "bytes": health.bytes,
        "unreadable_files": health.unreadable_files,
        "malformed_lines": health.malformed_lines,
        "skipped": {
            "synthetic": health.synthetic,
            "copies": health.copies,
            "unknown_types": health.unknown_types,
        },
        "estimator": health.estimator,
        "cost_state_conflicts": health.cost_state_conflicts,
    }


def _usage(usage: Usage) -> Json:
    return msgspec.structs.asdict(usage)


def _money(usd: float | None) -> float | None:
    return _rounded(usd, 6)


def _ratio(value: float | None) -> float | None:
    return _rounded(value, 4)


def _rounded(value: float | None, places: int) -> float | None:
    # Adding zero turns -0.0, a rounded tiny negative, into 0.0.
    return None if value is None else round(value, places) + 0.0


def _whole(value: float | None) -> int | None:
    return None if value is None else round(value)


def _text(value: str | None) -> str | None:
    """Lone surrogates cannot be written as UTF-8; U+FFFD stands for them."""
    return None if value is None else _SURROGATES.sub("\ufffd", value)


def _escape(match: re.Match[str]) -> str:
    return f"\\u{ord(match[0]):04x}"
