"""The JSON document keeps schema_version 1: keys, their order, what may be null, what adds up."""

import json
from collections.abc import Iterator
from typing import Any, get_args

import pytest
from msgspec import structs

from ccmon.measures import Split, Usage
from ccmon.report.document import document, render_json
from ccmon.requests import MAIN, Attempt, Kind, Why
from ccmon.snapshot import (
    AttemptCounts,
    Cache,
    CacheAlert,
    Limit,
    NextRequest,
    Reported,
    Session,
    Snapshot,
)
from tests.golden.shown import (
    CACHE,
    NOW,
    at,
    bust,
    empty_session,
    request,
    session,
    snapshot,
    subagent,
    unpriced_session,
    with_health,
)

USAGE = (
    "input_tokens cache_creation_input_tokens cache_creation_5m_input_tokens"
    " cache_creation_1h_input_tokens cache_read_input_tokens output_tokens"
)
SCHEMA = {
    "top": "schema_version ccmon_version generated_at config_dirs pricing totals sessions by_model"
    " health",
    "pricing": "table_date currency kind",
    "totals": "sessions active_sessions requests usage cost_usd? cost_is_lower_bound"
    " unpriced_requests",
    "session": "session_id title? project cwd? model? version? active status started_at?"
    " last_request_at? turns requests usage cost_usd? cost_is_lower_bound cost_is_estimated"
    " lower_bound_reasons unpriced_requests output_lower_bound_requests hidden? context?"
    " next_request? cache? reread? spend_split? drag? composition? busts compactions subagents"
    " findings attempts reported?",
    "usage": USAGE,
    "hidden": "requests cost_usd? method",
    "context": "tokens compacted_to? window? window_source fill? growth_per_request?"
    " requests_per_turn? crossing_point?",
    "next_request": "warm_usd? cold_usd? is_estimated",
    "cache": "state ttl? expires_at? hit_rate? hit_rate_last20? write_factor? avoidable_usd? alert"
    " alert_share? ttl_5m_usd? ttl_1h_usd? ttl_is_estimated",
    "reread": "share? unique_tokens amplification? effective_multiple?",
    "spend_split": "carry_usd? rewrite_usd? fresh_usd? output_usd?",
    "drag": "state d? o? base_tokens? carried_usd? compact_usd? compact_cold_usd?"
    " saving_per_request_usd? payback_requests?",
    "composition": "kind tool? items tokens bill_tokens cost_usd? method",
    "busts": "request thread at? expected_read cache_read_input_tokens rewritten avoidable_usd?"
    " cause confidence server_reason? broke_at?",
    "compactions": "before_request at? trigger pre_tokens? context_before context_after cost_usd?"
    " method",
    "subagents": "agent_id type? parent_agent_id? model? active requests usage cost_usd?"
    " cost_is_lower_bound context_tokens? cache? next_request?",
    "findings": "id severity request? title saving_usd? saving_per_request_usd? evidence action"
    " basis thread",
    "attempts": "in_flight refused lost in_flight_since?",
    "reported": "at window? ttl? expires_at? cost_usd? limits",
    "limits": "name used resets_at?",
    "by_model": "model? requests usage cost_usd? cost_is_lower_bound",
    "health": "files bytes unreadable_files malformed_lines skipped estimator cost_state_conflicts",
    "skipped": "synthetic copies unknown_types",
    "request_list": "n thread message_id request_id? at? model? stop_reason? usage thinking_tokens?"
    " context growth new reread expected_read rewritten cost_usd? output_is_lower_bound"
    " spend_split? label",
}
"""Keys of each object in their order; ``?`` marks those that may be null (screens.md)."""

ENUMS: dict[str, set[object]] = {
    "status": {"busy", "idle", "waiting", "ended", "unknown"},
    "window_source": {"table", "observed", "config", "statusline", "unknown"},
    "method": {"exact", "split", "estimated"},
    "alert": {"off", "high", "severe"},
    "ttl": {"5m", "1h", None},
    "severity": {"info", "warn", "high"},
    "confidence": {"server", "exact", "timestamps", "inferred", "unknown"},
    "estimator": {"cl100k", "characters"},
    "kind": set(get_args(Kind)) | {"list"},
}
STATES = {
    "cache": {"warm", "cold", "off", "unknown"},
    "drag": {"off", "high", "dominates"},
}


def shown_by(
    *sessions: Session, requests: bool = False, items: bool = False, now: float = NOW
) -> dict[str, Any]:
    decoded: dict[str, Any] = json.loads(
        render_json(snapshot(*sessions), requests=requests, items=items, now=now)
    )
    return decoded


REPORTED = Reported(
    at=NOW,
    window=1_000_000,
    ttl="1h",
    expires_at=at("15:04:02"),
    cost=22.281,
    limits=(Limit("5h", 0.42, at("16:00:00")), Limit("7d", 0.18, None)),
)


def everything() -> Snapshot:
    agent = subagent(cache=CACHE, next_request=NextRequest(0.01, 0.14, 0.004, 0.006))
    shown = session(subagents=(agent,), reported=REPORTED)
    return snapshot(shown, unpriced_session(), empty_session())


def walk(name: str, value: object) -> Iterator[tuple[str, dict[str, Any]]]:
    """All objects of a document with the name they go by."""
    if isinstance(value, list):
        for element in value:
            yield from walk("session" if name == "sessions" else name, element)
    elif isinstance(value, dict):
        yield name, value
        for key, inner in value.items():
            yield from walk(key, inner)


@pytest.mark.parametrize("requests", [False, True])
def test_every_object_has_its_keys_in_order_and_only_the_listed_ones_are_null(
    requests: bool,
) -> None:
    seen = set()
    for name, found in walk("top", document(everything(), requests=requests, now=NOW)):
        if name == "evidence":
            continue
        keys = SCHEMA[name].split()
        if name == "session" and requests:
            keys.append("request_list")
        assert list(found) == [key.rstrip("?") for key in keys], name
        nulls = {key for key, value in found.items() if value is None}
        assert nulls <= {key.rstrip("?") for key in keys if key.endswith("?")}, name
        seen.add(name)
    assert seen == SCHEMA.keys() - ({"request_list"} if not requests else set())


def test_enums_hold_known_values() -> None:
    for name, found in walk("top", document(everything(), now=NOW)):
        for key, value in found.items():
            if not isinstance(value, dict | list):
                assert value in ENUMS.get(key, {value})
        if name in STATES:
            assert found["state"] in STATES[name]


def test_a_session_without_requests_has_null_for_whole_objects() -> None:
    (found,) = shown_by(empty_session())["sessions"]
    objects = ("context", "next_request", "cache", "reread", "spend_split", "drag", "hidden")
    assert [found[name] for name in objects] == [None] * len(objects)
    assert found["usage"] == dict.fromkeys(USAGE.split(), 0)


def test_an_unpriced_session_has_objects_full_of_nulls_and_never_a_zero_price() -> None:
    (found,) = shown_by(unpriced_session())["sessions"]
    assert found["cost_usd"] is None
    assert set(found["spend_split"].values()) == {None}
    assert found["next_request"] == {"warm_usd": None, "cold_usd": None, "is_estimated": False}
    assert found["cache"]["state"] == "off"
    assert found["cache"]["expires_at"] is None


def test_the_usage_of_all_models_is_the_usage_of_all_sessions() -> None:
    found = shown_by(session(), unpriced_session(), empty_session())
    for count in USAGE.split():
        total = found["totals"]["usage"][count]
        assert sum(model["usage"][count] for model in found["by_model"]) == total
        assert sum(one["usage"][count] for one in found["sessions"]) == total


def test_the_split_adds_up_to_the_cost_within_rounding() -> None:
    (found,) = shown_by(session())["sessions"]
    assert sum(found["spend_split"].values()) == pytest.approx(found["cost_usd"], abs=4e-6)


def test_the_composition_stands_by_its_bill_and_adds_up_to_the_context() -> None:
    (found,) = shown_by(session())["sessions"]
    composition = found["composition"]
    bills = [each["bill_tokens"] for each in composition]
    assert bills == sorted(bills, reverse=True)
    assert sum(each["tokens"] for each in composition) == found["context"]["tokens"]
    assert composition[0] == {
        "kind": "tool_result",
        "tool": "Read",
        "items": 32,
        "tokens": 86549,
        "bill_tokens": 10536307,
        "cost_usd": 3.749678,
        "method": "split",
    }


def test_the_composition_is_told_of_active_sessions_and_of_others_when_asked() -> None:
    ended, empty = session(active=False), empty_session(active=True)
    (one, other) = shown_by(ended, empty)["sessions"]
    assert (one["composition"], other["composition"]) == (None, None)
    (one, other) = shown_by(ended, empty, items=True)["sessions"]
    assert len(one["composition"]) == 14
    assert other["composition"] is None


def test_the_estimator_in_use_is_named() -> None:
    counted = with_health(snapshot(session()), estimator="cl100k")
    assert document(counted, now=NOW)["health"]["estimator"] == "cl100k"
    assert shown_by()["health"]["estimator"] == "characters"


def test_a_bust_says_why_how_sure_that_is_and_what_the_server_said() -> None:
    (found,) = shown_by(session())["sessions"]
    whys = [
        (bust["cause"], bust["confidence"], bust["server_reason"], bust["broke_at"])
        for bust in found["busts"]
    ]
    assert whys == [
        ("model_switch", "exact", "model_changed", None),
        ("idle_past_ttl", "timestamps", None, None),
        ("tools_loaded", "server", "tools_changed", None),
    ]


def test_a_bust_without_an_explanation_is_unknown() -> None:
    unexplained = bust(7, "09:34:01", 3_900, 0, 0.01)
    why = Why("unknown", "unknown", broke_at="Read foo.py", reach="partial")
    partial = bust(9, "09:35:01", 99_000, 40_000, 0.4, why)
    (found,) = shown_by(session(busts=(unexplained, partial)))["sessions"]
    assert [(each["cause"], each["broke_at"]) for each in found["busts"]] == [
        ("unknown", None),
        ("unknown", "Read foo.py"),
    ]


def test_the_cache_object_carries_the_alert_and_the_check_of_both_tiers() -> None:
    cache = structs.replace(CACHE, alert=CacheAlert("severe", 0.41234, 4, 365_000, 177))
    (found,) = shown_by(session(cache=cache))["sessions"]
    assert (found["cache"]["alert"], found["cache"]["alert_share"]) == ("severe", 0.4123)
    assert (found["cache"]["ttl_5m_usd"], found["cache"]["ttl_1h_usd"]) == (9.876146, 5.743916)


def test_findings_stand_in_their_order_with_their_evidence_rounded() -> None:
    (found,) = shown_by(session())["sessions"]
    overdue, *others = found["findings"]
    assert list(overdue["evidence"].items()) == [("o", 14.6825), ("payback_requests", 7.36)]
    assert (overdue["saving_usd"], overdue["saving_per_request_usd"]) == (None, 0.070218)
    assert [(one["id"], one["request"], one["evidence"]) for one in others] == [
        ("F4", 205, {"cause": "tools_loaded"}),
        ("F4", 44, {"cause": "model_switch"}),
    ]


def test_attempts_are_counted_by_what_became_of_them() -> None:
    attempts = (
        Attempt(MAIN, at("14:06:00"), "refused", "529"),
        Attempt(MAIN, at("14:06:05"), "lost", "connection"),
        Attempt(MAIN, at("14:06:15"), "in_flight", ""),
        Attempt("a7e03c", at("14:06:10"), "in_flight", ""),
        Attempt("a7e03c", None, "in_flight", ""),
    )
    (found,) = shown_by(session(attempts=attempts, attempt_counts=AttemptCounts(3, 60, 1)))[
        "sessions"
    ]
    assert found["attempts"] == {
        "in_flight": 3,
        "refused": 60,
        "lost": 1,
        "in_flight_since": "2026-11-23T14:06:10Z",
    }


def test_what_the_client_reported_is_shown_as_it_came() -> None:
    (found, *_) = json.loads(render_json(everything(), now=NOW))["sessions"]
    assert found["reported"] == {
        "at": "2026-11-23T14:06:22Z",
        "window": 1_000_000,
        "ttl": "1h",
        "expires_at": "2026-11-23T15:04:02Z",
        "cost_usd": 22.281,
        "limits": [
            {"name": "5h", "used": 0.42, "resets_at": "2026-11-23T16:00:00Z"},
            {"name": "7d", "used": 0.18, "resets_at": None},
        ],
    }


@pytest.mark.parametrize(
    ("hours_later", "state"), [(0.0, "warm"), (0.9, "warm"), (1.0, "cold"), (48.0, "cold")]
)
def test_the_cache_grows_cold_with_the_clock(hours_later: float, state: str) -> None:
    (found,) = shown_by(session(), now=at("14:04:02") + hours_later * 3600)["sessions"]
    assert found["cache"]["state"] == state
    assert found["cache"]["expires_at"] == "2026-11-23T15:04:02Z"


def test_a_cache_without_a_deadline_is_unknown() -> None:
    cache = Cache(True, "5m", None, None, None, None, 0, None)
    (found,) = shown_by(session(cache=cache))["sessions"]
    assert found["cache"]["state"] == "unknown"


def test_only_config_folders_that_are_there_are_listed() -> None:
    assert shown_by()["config_dirs"] == ["/home/ada/.claude"]


def test_requests_are_listed_oldest_first_and_in_the_order_of_their_thread() -> None:
    backwards = (request(1, at=100.0), request(2, at=300.0), request(3, at=200.0))
    agent = subagent(
        requests=(request(1, thread="a7e03c", at=150.0), request(2, thread="a7e03c", at=None))
    )
    (found,) = shown_by(session(requests=backwards, subagents=(agent,)), requests=True)["sessions"]
    listed = [(one["thread"], one["n"]) for one in found["request_list"]]
    assert listed == [("main", 1), ("a7e03c", 1), ("a7e03c", 2), ("main", 2), ("main", 3)]


def test_a_request_is_labelled_by_its_next_step() -> None:
    requests = (request(1), request(2, verb="", label=""), request(3, verb="text", label=""))
    (found,) = shown_by(session(requests=requests, subagents=()), requests=True)["sessions"]
    labels = [one["label"] for one in found["request_list"]]
    assert labels == ["Bash npm test -- cart", "", "text"]


@pytest.mark.parametrize(
    ("usd", "written"), [(0.12345649, 0.123456), (1e-9, 0.0), (-1e-9, 0.0), (12, 12.0)]
)
def test_money_is_rounded_to_six_places_and_never_minus_zero(usd: float, written: float) -> None:
    shown = session(
        cost=usd, requests=(request(split=Split(usd, usd, usd, usd), cost=usd),), subagents=()
    )
    (found,) = shown_by(shown, requests=True)["sessions"]
    (listed,) = found["request_list"]
    for money in (found["cost_usd"], listed["cost_usd"], listed["spend_split"]["carry_usd"]):
        assert repr(money) == repr(written)


def test_times_that_no_calendar_has_are_null() -> None:
    (found,) = shown_by(session(started_at=1e300, last_request_at=-1e18))["sessions"]
    assert found["started_at"] is None
    assert found["last_request_at"] is None


def test_the_document_is_one_line_of_utf_8_that_a_terminal_survives() -> None:
    hostile = "\x1b]0;x\x07 \x9b2J \u202egpj \u2028 \ud83d 漢字 [/red]"
    agent = subagent(type=hostile, agent_id=hostile)
    data = render_json(
        snapshot(session(title=hostile, cwd=hostile, model=hostile, subagents=(agent,))), now=NOW
    )
    text = data.decode("utf-8")
    assert text.endswith("}\n")
    assert text[:-1].isprintable()
    (found,) = json.loads(text)["sessions"]
    assert found["title"] == hostile.replace("\ud83d", "\ufffd")


def test_counts_beyond_64_bits_are_written_in_full() -> None:
    (found,) = shown_by(session(usage=Usage(input_tokens=2**63)))["sessions"]
    assert found["usage"]["input_tokens"] == 2**63
