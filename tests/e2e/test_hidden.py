"""What is visible and what is hidden add up to what the server billed."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from ccmon.ledger.prices import PriceTable
from ccmon.measures import Usage
from ccmon.snapshot import Session, Snapshot
from tests.homes import CORPUS, ConfigHome, read

Json = dict[str, Any]

EXACT = ("long", "compact_auto", "synthetic/cost_state")
"""Everything hidden is inside the client's own totals."""
WITH_LOST_ATTEMPTS = ("dropped", "errors")
LOWEST, HIGHEST = 0.89, 1.07
"""An estimate from ``preTokens`` lies between these shares of the real prompt."""


def shown(home: Path) -> Snapshot:
    return read(ConfigHome(home).monitor())


def without_totals(name: str, target: Path) -> Path:
    """The same transcripts as a client wrote them that left no totals."""
    for source in (CORPUS / name).glob("projects/*/*.jsonl"):
        copy = target / source.relative_to(CORPUS / name)
        copy.parent.mkdir(parents=True, exist_ok=True)
        lines = source.read_bytes().splitlines(keepends=True)
        copy.write_bytes(b"".join(line for line in lines if b'"type":"cost-state"' not in line))
    return target


def hidden_usage(sessions: tuple[Session, ...]) -> Usage:
    found = [session.hidden.usage for session in sessions if session.hidden is not None]
    return sum((usage for usage in found if usage is not None), Usage())


def whole(snapshot: Snapshot) -> Usage:
    return snapshot.totals.usage + hidden_usage(snapshot.sessions)


def whole_cost(snapshot: Snapshot) -> float:
    hidden = [session.hidden.cost for session in snapshot.sessions if session.hidden is not None]
    return (snapshot.totals.cost or 0.0) + sum(cost for cost in hidden if cost is not None)


def billed(name: str) -> Usage:
    expected: Json = json.loads((CORPUS / name / "expected.json").read_bytes())
    counts = expected.get("ledger", expected)["usage"]
    return Usage(
        counts["input_tokens"],
        counts["cache_creation_input_tokens"],
        counts["cache_creation_5m_input_tokens"],
        counts["cache_creation_1h_input_tokens"],
        counts["cache_read_input_tokens"],
        counts["output_tokens"],
    )


def prompts(usage: Usage) -> tuple[int, int, int]:
    return (
        usage.input_tokens,
        usage.cache_creation_input_tokens,
        usage.cache_read_input_tokens,
    )


def ledger_cost(name: str) -> float:
    """The server's own ledger, request by request, at list price."""
    table, total = PriceTable.load(), 0.0
    for line in (CORPUS / name / "ledger.jsonl").read_bytes().splitlines():
        record = json.loads(line)
        if not record["billed"]:
            continue
        used, split = record["usage"], record["usage"]["cache_creation"]
        read, written = used["cache_read_input_tokens"], used["cache_creation_input_tokens"]
        prompt = used["input_tokens"] + read + written
        price = table.price(record["model"], record["ts"], prompt_tokens=prompt)
        assert price is not None
        total += (
            used["input_tokens"] * price.input
            + split["ephemeral_5m_input_tokens"] * price.write_5m
            + split["ephemeral_1h_input_tokens"] * price.write_1h
            + read * price.read
            + used["output_tokens"] * price.output
        )
    return total


@pytest.mark.parametrize("name", EXACT)
def test_the_clients_totals_give_the_hidden_part_to_the_token(name: str) -> None:
    snapshot = shown(CORPUS / name)
    assert whole(snapshot) == billed(name)
    found = [session.hidden for session in snapshot.sessions if session.hidden is not None]
    assert [hidden.method for hidden in found] == ["exact"] * len(found)


@pytest.mark.parametrize("name", ["long", "compact_auto"])
def test_the_cost_is_that_of_the_servers_ledger(name: str) -> None:
    assert whole_cost(shown(CORPUS / name)) == pytest.approx(ledger_cost(name), abs=1e-9)


def test_a_cost_without_anything_hidden_is_no_lower_bound() -> None:
    (session,) = shown(CORPUS / "long").sessions
    assert session.hidden is None
    assert not session.cost_is_lower_bound


@pytest.mark.parametrize("name", WITH_LOST_ATTEMPTS)
@pytest.mark.parametrize("totals", [True, False])
def test_the_prompts_of_lost_attempts_are_exact(name: str, totals: bool, tmp_path: Path) -> None:
    snapshot = shown(CORPUS / name if totals else without_totals(name, tmp_path))
    assert prompts(whole(snapshot)) == prompts(billed(name))
    expected = json.loads((CORPUS / name / "expected.json").read_bytes())
    hidden = [session.hidden for session in snapshot.sessions if session.hidden is not None]
    assert sum(each.requests for each in hidden) == expected["hidden_requests"]
    states = [attempt.state for session in snapshot.sessions for attempt in session.attempts]
    assert states.count("lost") == expected["hidden_requests"]
    assert states.count("refused") == expected["ledger"]["refused_requests"]


def test_the_clients_totals_hold_one_of_three_lost_attempts_which_is_not_added_again() -> None:
    (session,) = shown(CORPUS / "dropped").sessions
    assert session.hidden is not None
    lost = [attempt.usage for attempt in session.attempts if attempt.usage is not None]
    assert len(lost) == 3
    assert prompts(session.hidden.usage or Usage()) == prompts(sum(lost, Usage()))
    # The client counted some output of that one; the prompts alone are known of the others.
    assert session.hidden.usage is not None
    assert session.hidden.usage.output_tokens == 9


def test_a_compaction_inside_the_clients_totals_is_exact_but_for_an_interrupted_output() -> None:
    snapshot = shown(CORPUS / "tui")
    assert prompts(whole(snapshot)) == prompts(billed("tui"))
    reasons = {session.lower_bound_reasons for session in snapshot.sessions}
    assert reasons == {("compaction", "output"), ()}
    methods = [session.hidden.method for session in snapshot.sessions if session.hidden]
    # The client's totals guess the rest of the answer that was interrupted.
    assert methods == ["estimated"]


@pytest.mark.parametrize("name", ["compact_auto", "tui"])
def test_without_totals_compactions_are_estimated(name: str, tmp_path: Path) -> None:
    snapshot = shown(without_totals(name, tmp_path))
    expected = json.loads((CORPUS / name / "expected.json").read_bytes())
    real = expected["ledger"]["hidden_usage"]
    real_prompt = (
        real["input_tokens"] + real["cache_creation_input_tokens"] + real["cache_read_input_tokens"]
    )
    estimate = hidden_usage(snapshot.sessions).prompt_tokens / real_prompt
    assert LOWEST <= estimate <= HIGHEST
    hidden = [session.hidden for session in snapshot.sessions if session.hidden is not None]
    assert [each.method for each in hidden] == ["estimated"]
    assert hidden[0].requests == expected["hidden_requests"]


def test_totals_that_a_fork_carried_on_hide_nothing() -> None:
    snapshot = shown(CORPUS / "resume")
    assert [session.hidden for session in snapshot.sessions] == [None] * 3
    assert [session.lower_bound_reasons for session in snapshot.sessions] == [()] * 3
    assert snapshot.health.cost_state_conflicts == 0


def test_a_fork_whose_original_is_gone_hides_nothing_either(tmp_path: Path) -> None:
    shutil.copytree(CORPUS / "resume" / "projects", tmp_path / "projects")
    (original,) = tmp_path.glob("projects/*/e73d0ead-*.jsonl")
    original.unlink()
    snapshot = shown(tmp_path)
    assert all(session.hidden is None for session in snapshot.sessions)
