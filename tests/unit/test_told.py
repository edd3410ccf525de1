"""The status line's JSON: what is taken from it, and what a missing or odd field does."""

import json

import pytest

from ccmon.errors import CcmonError
from ccmon.report.told import Told, read_told
from ccmon.snapshot import Limit, Reported

NOW = 1_795_350_000.0
WHOLE = {
    "session_id": "4c1f9a20-6f0e-4b7d-9a51-2f6f3c1d8e77",
    "transcript_path": "/home/ada/.claude/projects/shop/4c1f9a20.jsonl",
    "model": {"id": "claude-opus-5-5", "display_name": "Opus"},
    "cost": {"total_cost_usd": 22.281, "total_duration_ms": 1},
    "context_window": {
        "context_window_size": 1_000_000,
        "total_input_tokens": 99,
        "current_usage": {
            "input_tokens": 2,
            "cache_creation_input_tokens": 7_387,
            "cache_read_input_tokens": 390_000,
            "output_tokens": 412,
        },
    },
    "prompt_cache": {"warm": True, "ttl": "1h", "expires_at": 1_795_353_000},
    "rate_limits": {
        "five_hour": {"used_percentage": 42, "resets_at": 1_795_360_000},
        "seven_day": {"used_percentage": 18.5},
    },
}


def told(**changes: object) -> Told:
    return read_told(json.dumps({**WHOLE, **changes}).encode(), NOW)


def test_everything_that_the_client_says() -> None:
    assert told() == Told(
        session_id="4c1f9a20-6f0e-4b7d-9a51-2f6f3c1d8e77",
        transcript="/home/ada/.claude/projects/shop/4c1f9a20.jsonl",
        model="claude-opus-5-5",
        context=397_389,
        reported=Reported(
            at=NOW,
            window=1_000_000,
            ttl="1h",
            expires_at=1_795_353_000.0,
            cost=22.281,
            limits=(Limit("5h", 0.42, 1_795_360_000.0), Limit("7d", 0.185, None)),
        ),
    )


def test_an_empty_object_says_nothing() -> None:
    assert read_told(b"{}", NOW) == Told(None, None, None, None, Reported(NOW))


@pytest.mark.parametrize("odd", [None, True, 7, -1.5, "", "x", [], [1], {}, {"x": {}}, 1e300])
@pytest.mark.parametrize("name", sorted(WHOLE))
def test_a_field_of_another_kind_takes_nothing_else_with_it(name: str, odd: object) -> None:
    found = told(**{name: odd})
    assert name == "cost" or found.reported.cost == 22.281
    assert name == "session_id" or found.session_id == WHOLE["session_id"]
    assert name == "prompt_cache" or found.reported.ttl == "1h"


@pytest.mark.parametrize("odd", [None, True, "7", -1, float("1e300"), [], {}, 10**30])
def test_a_number_that_is_none_counts_as_missing(odd: object) -> None:
    found = told(
        cost={"total_cost_usd": odd},
        context_window={"context_window_size": odd, "current_usage": {"input_tokens": odd}},
        prompt_cache={"ttl": odd, "expires_at": odd},
        rate_limits={"five_hour": {"used_percentage": odd}},
    )
    assert found.reported == Reported(NOW)
    assert found.context is None


def test_no_response_yet_is_no_context() -> None:
    assert told(context_window={"current_usage": None}).context is None
    assert told(context_window={"current_usage": {"input_tokens": 0}}).context is None


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        (1_795_353_000, 1_795_353_000.0),
        (1_795_353_000_000, 1_795_353_000.0),
        ("2026-11-22T13:10:00Z", 1_795_353_000.0),
        (NOW + 3_900.0, NOW + 3_900.0),
        (NOW + 3_901.0, None),
        (9_999_999_999, None),
        (1_577_836_799, None),
        (7, None),
        ("soon", None),
        (0, None),
    ],
)
def test_a_moment_is_seconds_milliseconds_or_iso(written: object, seconds: float | None) -> None:
    assert told(prompt_cache={"expires_at": written}).reported.expires_at == seconds


@pytest.mark.parametrize(
    ("written", "tier"),
    [("5m", "5m"), (300, "5m"), (300_000, "5m"), (3_600, "1h"), ("1h", "1h"), ("2h", None)],
)
def test_a_tier_is_named_or_measured(written: object, tier: str | None) -> None:
    assert told(prompt_cache={"ttl": written}).reported.ttl == tier


@pytest.mark.parametrize("data", [b"", b"x", b"[1]", b'"x"', b"\xff\xfe", b"[" * 100_000])
def test_what_is_no_object_is_refused_in_one_short_line(data: bytes) -> None:
    with pytest.raises(CcmonError, match=r"^statusline: stdin is ") as caught:
        read_told(data, NOW)
    assert len(caught.value.message) < 80
