"""The accounts of what was scanned: known figures, and always those of the full ledger."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from ccmon.measures import Usage
from tests.engines import Figures, accounted, in_full, scanned, transcripts
from tests.lines import SESSION, Record, assistant, line, record, user

UNPLACED: Record = {"uuid": None, "parentUuid": None, "sessionId": None}
"""What the file that a record is written into decides."""
OTHER = "bbbbbbbb-2222-4222-8222-222222222222"


class Sessions:
    """A config home to write sessions into, and what is accounted for in it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def write(self, *records: Record, session: str = SESSION, agent: str | None = None) -> None:
        """A session's file, or that of one of its agents; each line follows the one before."""
        folder = self.path / "projects" / "-home-dev-shop"
        path = folder / f"{session}.jsonl"
        if agent is not None:
            path = folder / session / "subagents" / f"agent-{agent}.jsonl"
        path.parent.mkdir(parents=True, exist_ok=True)
        before, lines = None, []
        for number, value in enumerate(records):
            uuid = value.get("uuid") or f"{session}-{agent}-{number}"
            parent = value.get("parentUuid") or before
            named = value.get("sessionId") or session
            chained = {**value, "uuid": uuid, "parentUuid": parent, "sessionId": named}
            before = uuid
            lines.append(line(chained) + b"\n")
        path.write_bytes(b"".join(lines))

    def accounts(self) -> Figures:
        """Every request, as both engines account for it."""
        files = transcripts(self.path)
        found = accounted([scanned(transcript) for transcript in files])
        assert found == in_full(files)[1]
        return found

    def column(self, name: str, session: str = SESSION, thread: str = "main") -> list[object]:
        """One figure of the requests of a thread, in their order."""
        rows = sorted(self.accounts().items())
        return [row[name] for key, row in rows if key[:2] == (session, thread)]


@pytest.fixture
def sessions(tmp_path: Path) -> Sessions:
    return Sessions(tmp_path)


def response(
    message_id: str,
    read: int = 0,
    written: int = 0,
    output: int = 10,
    *,
    message: Record | None = None,
    fields: Mapping[str, object] | None = None,
    **more: object,
) -> Record:
    """A response that reads and writes the cache; ``fields`` are those of its line."""
    usage: Record = {
        "input_tokens": 2,
        "cache_read_input_tokens": read,
        "cache_creation_input_tokens": written,
        "cache_creation": {"ephemeral_1h_input_tokens": written},
        "output_tokens": output,
        **more,
    }
    whole: Record = {"id": message_id, "usage": usage, **(message or {})}
    return assistant(message=whole, **{**UNPLACED, **(fields or {})})


def asked(text: str = "Go on", parent: str | None = None) -> Record:
    return user(text, **{**UNPLACED, "parentUuid": parent})


def boundary() -> Record:
    return record("system", subtype="compact_boundary", **UNPLACED)


def test_what_the_cache_lost_is_paid_again(sessions: Sessions) -> None:
    sessions.write(
        response("m1", 17_000, 13_000),
        response("m2", 30_000, 1_500),
        response("m3", 17_000, 16_000),
    )
    assert sessions.column("rewritten") == [0, 0, 14_500]
    assert sessions.column("bust") == [False, False, True]
    # claude-opus-5-5: a 1h write costs 8, a read 0.20 per million tokens.
    assert sessions.column("avoidable")[2] == pytest.approx(14_500 * 7.8e-6)


def test_a_rewind_lost_nothing(sessions: Sessions) -> None:
    sessions.write(
        asked(),
        response("m1", 0, 30_000),
        asked(),
        response("m2", 30_000, 9_000),
        asked("Rather", parent=f"{SESSION}-None-1"),
        response("m3", 30_000, 500),
    )
    assert sessions.column("rewritten") == [0, 0, 0]


def test_the_same_without_going_back_is_a_loss(sessions: Sessions) -> None:
    sessions.write(
        asked(),
        response("m1", 0, 30_000),
        asked(),
        response("m2", 30_000, 9_000),
        asked("Rather"),
        response("m3", 30_000, 500),
    )
    assert sessions.column("rewritten") == [0, 0, 502]


def test_a_compaction_lost_nothing(sessions: Sessions) -> None:
    sessions.write(response("m1", 0, 90_000), boundary(), response("m2", 17_000, 60_000))
    assert sessions.column("rewritten") == [0, 0]


def test_a_short_request_aside_is_not_what_the_next_one_compares_with(sessions: Sessions) -> None:
    sessions.write(
        response("m1", 0, 30_000),
        boundary(),
        response("m2", 0, 300),
        response("m3", 0, 29_000),
        response("m4", 0, 29_500),
    )
    assert sessions.column("rewritten") == [0, 0, 0, 29_000]


def test_a_copied_response_counts_once_for_the_session_that_paid(sessions: Sessions) -> None:
    sessions.write(response("m1", 0, 500, 10), response("m2", 500, 20, 10))
    copied = {"requestSessionId": SESSION}
    sessions.write(
        response("m1", 0, 500, 10, fields=copied),
        response("m2", 500, 20, 900, fields=copied),
        response("m3", 520, 30),
        session=OTHER,
    )
    assert sessions.column("message_id") == ["m1", "m2"]
    assert sessions.column("usage")[1] == Usage(2, 20, 0, 20, 500, 900)
    assert sessions.column("message_id", OTHER) == ["m3"]


def test_a_fork_without_marks_pays_for_its_own_only(sessions: Sessions) -> None:
    early, late = "2026-11-20T09:00:00.000Z", "2026-11-20T10:00:00.000Z"
    sessions.write(
        response("m1", fields={"timestamp": early}), response("m2", fields={"timestamp": late})
    )
    sessions.write(
        asked() | {"timestamp": late},
        response("m1", fields={"timestamp": early}),
        response("m3", fields={"timestamp": late}),
        session=OTHER,
    )
    assert sessions.column("message_id") == ["m1", "m2"]
    assert sessions.column("message_id", OTHER) == ["m3"]


@pytest.mark.parametrize("has_file", [True, False])
def test_a_guess_holds_for_a_session_that_has_a_file(sessions: Sessions, has_file: bool) -> None:
    sessions.write(response("m1", fields={"sessionId": OTHER}))
    if has_file:
        sessions.write(response("m2"), session=OTHER)
    assert sessions.column("message_id") == ([] if has_file else ["m1"])


def test_agents_have_threads_of_their_own(sessions: Sessions) -> None:
    sessions.write(response("m1", 0, 30_000), response("m2", 30_000, 10))
    sessions.write(response("a1", 0, 5_000), agent="abc")
    assert sessions.column("message_id", thread="abc") == ["a1"]
    assert sessions.column("rewritten") == [0, 0]


def test_a_model_without_a_price_costs_nobody_knows_what(sessions: Sessions) -> None:
    sessions.write(response("m1", 10, message={"model": "claude-unheard-of"}))
    (row,) = sessions.accounts().values()
    assert (row["cost"], row["split"], row["avoidable"]) == (None, None, None)


def test_calls_beside_the_message_cost_their_own_price(sessions: Sessions) -> None:
    advised = [
        {"type": "message", "input_tokens": 2, "output_tokens": 10},
        {"type": "advisor_message", "model": "claude-opus-5", "output_tokens": 1_000_000},
    ]
    sessions.write(response("m1", iterations=advised))
    # claude-opus-5 writes a million tokens for 25 USD.
    assert sessions.column("cost") == [pytest.approx(25 + 2 * 4e-6 + 10 * 20e-6)]


def test_writes_of_an_unknown_tier_take_the_one_before_and_are_a_guess(sessions: Sessions) -> None:
    sessions.write(response("m1", 0, 5_000), response("m2", 5_000, 700, cache_creation=None))
    assert sessions.column("estimated") == [False, True]
    # A 1h write of claude-opus-5-5 costs 8 per million tokens, one of 5m costs 5.
    assert sessions.column("cost")[1] == pytest.approx((2 * 4 + 5_000 * 0.2 + 700 * 8 + 200) / 1e6)


def test_output_that_was_cut_is_a_lower_bound(sessions: Sessions) -> None:
    sessions.write(
        response("m1"),
        response("m2", message={"stop_reason": None}),
        response("m3"),
        asked("Your response above was cut off mid-stream.") | {"isMeta": True},
    )
    assert sessions.column("output_is_lower_bound") == [False, True, True]
