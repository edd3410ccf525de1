"""The JSON document of ``ccmon --once --json``, schema_version 1 (screens.md, section 5).

Keys stand in the order of the schema, money is USD rounded to 6 places, ratios to 4, times are
ISO 8601 in UTC, unknown is null. Additive changes keep the version; a removal, a rename or a
change of meaning raises it.
"""

from ccmon import __version__, snapshot
from ccmon.format import iso
from ccmon.report.figures import (
    Json,
    encoded,
    money,
    ratio,
    rounded,
    spend_split,
    text,
    usage_counts,
    whole,
)
from ccmon.requests import Bust, Compaction, Request, Why

SCHEMA_VERSION = 1

_UNEXPLAINED = Why("unknown", "unknown")


def render_json(
    shown: snapshot.Snapshot, *, requests: bool = False, items: bool = False, now: float
) -> bytes:
    """The document as UTF-8 JSON on one line, harmless on a terminal."""
    return encoded(document(shown, requests=requests, items=items, now=now))


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
        "config_dirs": [text(place.path) for place in shown.places if place.found],
        "pricing": {"table_date": shown.price_table_date, "currency": "USD", "kind": "list"},
        "totals": {
            "sessions": totals.sessions,
            "active_sessions": totals.active_sessions,
            "requests": totals.requests,
            "usage": usage_counts(totals.usage),
            "cost_usd": money(totals.cost),
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
        "spend_split": session.spend and spend_split(session.spend.session),
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
        "session_id": text(session.session_id),
        "title": text(session.title),
        "project": text(session.project),
        "cwd": text(session.cwd),
        "model": text(session.model),
        "version": text(session.version),
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
        "usage": usage_counts(session.usage),
        "cost_usd": money(session.cost),
        "cost_is_lower_bound": session.cost_is_lower_bound,
        "cost_is_estimated": session.cost_is_estimated,
        "lower_bound_reasons": list(session.lower_bound_reasons),
        "unpriced_requests": session.unpriced_requests,
        "output_lower_bound_requests": session.output_lower_bound_requests,
        "hidden": hidden
        and {
            "requests": hidden.requests,
            "cost_usd": money(hidden.cost),
            "method": hidden.method,
        },
    }


def _context(context: snapshot.Context) -> Json:
    return {
        "tokens": context.tokens,
        "compacted_to": context.compacted_to,
        "window": context.window,
        "window_source": context.window_source,
        "fill": ratio(context.fill),
        "growth_per_request": whole(context.growth_per_request),
        "requests_per_turn": rounded(context.requests_per_turn, 1),
        "crossing_point": whole(context.crossing_point),
    }


def _next_request(forecast: snapshot.NextRequest) -> Json:
    return {
        "warm_usd": money(forecast.warm),
        "cold_usd": money(forecast.cold),
        "is_estimated": forecast.estimated,
    }


def _cache(cache: snapshot.Cache, now: float) -> Json:
    return {
        "state": cache.state_at(now),
        "ttl": cache.ttl,
        "expires_at": iso(cache.expires_at),
        "hit_rate": ratio(cache.hit_rate),
        "hit_rate_last20": ratio(cache.hit_rate_last20),
        "write_factor": ratio(cache.write_factor),
        "avoidable_usd": money(cache.avoidable),
        "alert": cache.alert.state,
        "alert_share": ratio(cache.alert.share),
        "ttl_5m_usd": money(cache.ttl_check.cost_5m),
        "ttl_1h_usd": money(cache.ttl_check.cost_1h),
        "ttl_is_estimated": cache.ttl_is_estimated,
    }


def _reread(reread: snapshot.Reread) -> Json:
    return {
        "share": ratio(reread.share),
        "unique_tokens": reread.unique_tokens,
        "amplification": ratio(reread.amplification),
        "effective_multiple": ratio(reread.effective_multiple),
    }


def _drag(drag: snapshot.Drag) -> Json:
    return {
        "state": drag.state,
        "d": ratio(drag.d),
        "o": ratio(drag.o),
        "base_tokens": drag.base_tokens,
        "carried_usd": money(drag.carried),
        "compact_usd": money(drag.compact),
        "compact_cold_usd": money(drag.compact_cold),
        "saving_per_request_usd": money(drag.saving_per_request),
        "payback_requests": rounded(drag.payback_requests, 2),
    }


def _composition(inventory: snapshot.Inventory | None) -> list[Json] | None:
    """What is in the context, the largest bill first; None where no request is known."""
    if inventory is None:
        return None
    return [
        {
            "kind": each.kind,
            "tool": text(each.tool),
            "items": each.items,
            "tokens": each.tokens,
            "bill_tokens": each.bill_tokens,
            "cost_usd": money(each.cost),
            "method": each.method,
        }
        for each in inventory.composition
    ]


def _bust(bust: Bust) -> Json:
    why = bust.why or _UNEXPLAINED
    return {
        "request": bust.request,
        "thread": text(bust.thread),
        "at": iso(bust.at),
        "expected_read": bust.expected_read,
        "cache_read_input_tokens": bust.cache_read,
        "rewritten": bust.rewritten,
        "avoidable_usd": money(bust.avoidable),
        "cause": why.cause,
        "confidence": why.confidence,
        "server_reason": text(why.server_reason),
        "broke_at": text(why.broke_at),
    }


def _compaction(compaction: Compaction) -> Json:
    return {
        "before_request": compaction.before_request,
        "at": iso(compaction.at),
        "trigger": text(compaction.trigger),
        "pre_tokens": compaction.pre_tokens,
        "context_before": compaction.context_before,
        "context_after": compaction.context_after,
        "cost_usd": money(compaction.cost),
        "method": compaction.method,
    }


def _subagent(agent: snapshot.Subagent, now: float) -> Json:
    return {
        "agent_id": text(agent.agent_id),
        "type": text(agent.type),
        "parent_agent_id": text(agent.parent_agent_id),
        "model": text(agent.model),
        "active": agent.active,
        "requests": len(agent.requests),
        "usage": usage_counts(agent.usage),
        "cost_usd": money(agent.cost),
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
        "title": text(finding.title),
        "saving_usd": money(finding.saving),
        "saving_per_request_usd": money(finding.saving_per_request),
        "evidence": {text(name): _measured(name, value) for name, value in finding.evidence},
        "action": text(finding.action),
        "basis": text(finding.basis),
        "thread": text(finding.thread),
    }


def _measured(name: str, value: str | int | float | None) -> str | int | float | None:
    """A piece of evidence, rounded by what its name says it is."""
    if isinstance(value, str):
        return text(value)
    if isinstance(value, int):
        return value
    if name.endswith("_usd"):
        return money(value)
    return rounded(value, 2) if name.endswith("_requests") else ratio(value)


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
        "cost_usd": money(reported.cost),
        "limits": [
            {
                "name": limit.name,
                "used": ratio(limit.used),
                "resets_at": iso(limit.resets_at),
            }
            for limit in reported.limits
        ],
    }


def _request(request: Request) -> Json:
    return {
        "n": request.n,
        "thread": text(request.thread),
        "message_id": text(request.message_id),
        "request_id": text(request.request_id),
        "at": iso(request.at),
        "model": text(request.model),
        "stop_reason": text(request.stop_reason),
        "usage": usage_counts(request.usage),
        "thinking_tokens": request.thinking_tokens,
        "context": request.context,
        "growth": request.growth,
        "new": request.new,
        "reread": request.reread,
        "expected_read": request.expected_read,
        "rewritten": request.rewritten,
        "cost_usd": money(request.cost),
        "output_is_lower_bound": request.output_is_lower_bound,
        "spend_split": request.split and spend_split(request.split),
        "label": text(f"{request.verb} {request.label}".strip()),
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
        "model": text(model.model),
        "requests": model.requests,
        "usage": usage_counts(model.usage),
        "cost_usd": money(model.cost),
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
