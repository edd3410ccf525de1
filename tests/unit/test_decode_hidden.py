"""What a line tells of requests that no line shows: transcripts.md sections 4 and 9."""

from datetime import UTC, datetime

import pytest

from ccmon.entries import (
    AttemptEntry,
    ChainEntry,
    CostEntry,
    ErrorEntry,
    ModelBill,
    Tokens,
)
from ccmon.transcripts.decode import Decoded, decode
from tests.lines import SESSION, Record, assistant, line, record

MODEL_SUMS: Record = {
    "inputTokens": 7,
    "outputTokens": 5,
    "thinkingTokens": 1,
    "cacheReadInputTokens": 4,
    "cacheCreationInputTokens": 3,
    "webSearchRequests": 2,
    "costUSD": 0.25,
}


def totals(**fields: object) -> CostEntry:
    value = {"type": "cost-state", "sessionId": SESSION, "totalCostUSD": 0.5, **fields}
    (entry,) = decode(line(value)).entries
    assert isinstance(entry, CostEntry)
    return entry


def test_an_attempt_says_who_sent_it_when_and_to_which_model() -> None:
    value = {
        "type": "api-request",
        "sessionId": SESSION,
        "agentId": "a1",
        "id": "attempt",
        "timestamp": "2026-11-20T09:00:00.000Z",
        "params": {"model": "claude-opus-5-5", "betas": []},
        "tail": [{"hash": "x", "type": "assistant"}],
    }
    expected = AttemptEntry(
        timestamp=datetime(2026, 11, 20, 9, tzinfo=UTC).timestamp(),
        session_id=SESSION,
        agent_id="a1",
        attempt_id="attempt",
        model="claude-opus-5-5",
    )
    assert decode(line(value)).entries == (expected,)


def test_an_attempt_without_a_name_is_nothing() -> None:
    assert decode(line({"type": "api-request", "id": None})) == Decoded()


def test_a_response_says_which_attempt_it_answers() -> None:
    (entry,) = decode(line(assistant(requestRef="attempt"))).entries
    assert getattr(entry, "attempt_id", None) == "attempt"


@pytest.mark.parametrize(
    ("error", "reason", "refused"),
    [
        (
            {"status": 529, "formatted": "529 Overloaded", "message": "529 {}"},
            "529 Overloaded",
            True,
        ),
        ({"status": 500, "message": "500 {}"}, "500 {}", True),
        ({"status": 429}, "429", True),
        ({"formatted": "Connection dropped", "connection": {}}, "Connection dropped", False),
        ({"status": "odd", "formatted": "x" * 999}, "x" * 199 + "…", False),
        ("text", "API error", False),
        (None, "API error", False),
    ],
)
def test_an_api_error_says_why_and_whether_the_server_spoke(
    error: object, reason: str, refused: bool
) -> None:
    value = record("system", subtype="api_error", error=error, retryAttempt=1)
    (entry,) = decode(line(value)).entries
    assert isinstance(entry, ErrorEntry)
    assert (entry.reason, entry.refused, entry.uuid) == (reason, refused, "u1")


def test_a_message_of_the_client_may_be_an_error() -> None:
    own: Record = {"model": "<synthetic>"}
    value = assistant(message=own, isApiErrorMessage=True, error="invalid", apiErrorStatus=400)
    found = decode(line(value))
    (entry,) = found.entries
    assert isinstance(entry, ErrorEntry)
    assert (entry.reason, entry.refused, found.synthetic) == ("400 invalid", True, 1)
    (entry,) = decode(line(assistant(message=own))).entries
    assert isinstance(entry, ChainEntry)


def test_totals_are_read_by_model() -> None:
    split = {
        "cacheCreationEphemeral5mInputTokens": 1,
        "cacheCreationEphemeral1hInputTokens": 2,
    }
    entry = totals(
        modelUsage={"claude-opus-5-5[1m]": {**MODEL_SUMS, **split}}, hasUnknownModelCost=True
    )
    bill = ModelBill("claude-opus-5-5[1m]", Tokens(7, 3, 1, 2, 4, 5), 2, 0.25)
    assert entry == CostEntry(SESSION, 0.5, True, (bill,))


def test_totals_need_not_split_the_writes() -> None:
    (bill,) = totals(modelUsage={"m": MODEL_SUMS}).models
    assert bill.tokens == Tokens(7, 3, 0, 0, 4, 5, split_known=False)


@pytest.mark.parametrize("usage", [None, [], "odd", {"m": {**MODEL_SUMS, "inputTokens": -1}}])
def test_odd_usage_leaves_the_money(usage: object) -> None:
    assert totals(modelUsage=usage) == CostEntry(SESSION, 0.5)


@pytest.mark.parametrize("cost", [None, -1, "1", 1e300])
def test_totals_without_a_sum_of_money_are_none(cost: object) -> None:
    value = {"type": "cost-state", "sessionId": SESSION, "totalCostUSD": cost}
    assert decode(line(value)) == Decoded()
