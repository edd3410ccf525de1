"""Why the cache broke: every row of the table, its confidence, and what is never blamed."""

from collections.abc import Sequence
from typing import Any, Literal

import pytest
from msgspec.structs import replace

from ccmon.entries import AnyEntry, AssistantEntry, AttachmentEntry, Block, FallbackEntry, UserEntry
from ccmon.ledger.prices import PriceTable
from ccmon.ledger.session import Ledger
from ccmon.requests import MAIN, Request, Why
from tests.builders import (
    OPUS_5,
    SESSION,
    START,
    assistant,
    feed,
    main_rows,
    prompt,
    rows_of,
    usage,
)

Change = Literal["tools", "resume"]
LEFT = 60_000
"""What the request before left in the cache."""


def answer(**changes: object) -> AssistantEntry:
    """The response before: it wrote everything to the 1h tier."""
    entry = assistant("msg_before", usage(w1=LEFT), at=START + 1)
    return replace(entry, **{"effort": "high", **changes})


def miss(read: int = 0, idle: float = 30.0, **changes: object) -> AssistantEntry:
    """The response that found only ``read``."""
    line = usage(r=read, w1=LEFT + 1_000 - read)
    entry = assistant("msg_miss", line, at=START + idle + 1)
    return replace(entry, **{"effort": "high", **changes})


def why_of(
    before: AssistantEntry,
    after: AssistantEntry,
    *between: AnyEntry,
    idle: float = 30.0,
    asked: bool = True,
) -> Why | None:
    """The cause of a bust, the second prompt ``idle`` seconds after the first."""
    second = prompt(at=START + idle)
    if not asked:
        second = replace(second, prompt=None, has_image=False)
    row = main_rows([prompt(at=START), before, *between, second, after])[-1]
    assert row.bust
    return row.why


def change(what: Change, detail: str = "") -> AttachmentEntry:
    return AttachmentEntry(
        timestamp=START + 2, session_id=SESSION, kind=what, change=what, detail=detail
    )


def fallback(detail: str) -> FallbackEntry:
    return FallbackEntry(timestamp=START + 2, session_id=SESSION, detail=detail)


def thinking(entry: AssistantEntry) -> AssistantEntry:
    return replace(entry, blocks=(Block("thinking", 100), *entry.blocks))


ADDED = change("tools", "MCP +x")
SEARCHED = (Block("tool_use", 90, "ToolSearch", "toolu_1", "select:TaskCreate"),)


def test_a_first_request_a_compaction_and_a_rewind_are_no_busts() -> None:
    (first,) = main_rows([prompt(at=START), answer()])
    shrunk = assistant("msg_2", usage(w1=LEFT * 6 // 10), at=START + 60)
    rows = main_rows([prompt(at=START), answer(), prompt(at=START + 50), shrunk])
    assert (first.bust, first.why) == (False, None)
    assert (rows[-1].bust, rows[-1].why) == (False, None)


@pytest.mark.parametrize(
    ("reason", "changes", "between", "cause", "confidence", "detail"),
    [
        ("model_changed", {"model": OPUS_5}, (), "model_switch", "exact", "opus-5-5 -> opus-5"),
        ("model_changed", {}, (), "model_switch", "server", ""),
        ("tools_changed", {}, (), "tool_list_changed", "server", ""),
        ("tools_changed", {}, (ADDED,), "tool_list_changed", "server", "MCP +x"),
        ("system_changed", {"version": "2.2"}, (), "client_changed", "exact", "2.1.330 -> 2.2"),
        ("system_changed", {}, (change("resume"),), "resume", "server", ""),
        ("system_changed", {}, (ADDED,), "tool_list_changed", "server", "MCP +x"),
        ("system_changed", {}, (), "unknown", "server", ""),
        ("messages_changed", {"thinking_dropped": True}, (), "thinking_dropped", "exact", ""),
        ("messages_changed", {}, (), "unknown", "server", ""),
        ("previous_message_not_found", {}, (), "server_forgot", "server", ""),
    ],
)  # fmt: skip
def test_the_servers_verdict_gives_the_class_and_the_transcript_the_words(
    reason: str,
    changes: dict[str, Any],
    between: Sequence[AnyEntry],
    cause: str,
    confidence: str,
    detail: str,
) -> None:
    why = why_of(answer(), miss(miss_reason=reason, **changes), *between)
    assert why is not None
    assert (why.cause, why.confidence, why.server_reason) == (cause, confidence, reason)
    assert why.detail == detail


def test_a_forgotten_message_after_the_ttl_is_an_expiry() -> None:
    found = miss(idle=3_700.0, miss_reason="previous_message_not_found")
    why = why_of(answer(), found, idle=3_700.0)
    assert why is not None
    assert (why.cause, why.confidence) == ("idle_past_ttl", "server")


@pytest.mark.parametrize("reason", ["unavailable", "a_reason_of_tomorrow", None])
def test_a_verdict_that_says_nothing_is_no_evidence(reason: str | None) -> None:
    why = why_of(answer(), miss(miss_reason=reason))
    assert why is not None
    assert (why.cause, why.confidence) == ("unknown", "unknown")
    assert why.server_reason == reason


def test_v15_tools_loaded_win_over_a_long_pause() -> None:
    found = miss(idle=4_000.0, miss_reason="tools_changed")
    why = why_of(answer(blocks=SEARCHED), found, idle=4_000.0)
    assert why is not None
    assert (why.cause, why.confidence) == ("tools_loaded", "server")
    assert why.detail == "select:TaskCreate"


@pytest.mark.parametrize(
    ("idle", "cause", "confidence"),
    [(3_596.0, "idle_past_ttl", "timestamps"), (3_594.0, "long_pause", "inferred")],
)
def test_v15_the_ttl_counts_from_five_seconds_before_its_end(
    idle: float, cause: str, confidence: str
) -> None:
    why = why_of(answer(), miss(idle=idle), idle=idle)
    assert why is not None
    assert (why.cause, why.confidence, why.idle, why.ttl) == (cause, confidence, idle, 3_600.0)


def test_the_ttl_is_the_tier_of_the_last_write() -> None:
    before = assistant("msg_before", usage(w5=LEFT), at=START + 1)
    why = why_of(replace(before, effort="high"), miss(idle=296.0), idle=296.0)
    assert why is not None
    assert (why.cause, why.confidence, why.ttl) == ("idle_past_ttl", "timestamps", 300.0)


def test_an_expiry_is_only_inferred_where_no_write_says_its_tier() -> None:
    line = usage(w5=LEFT)
    unsplit = replace(line.tokens, cache_creation_5m=0, split_known=False)
    before = assistant("msg_before", replace(line, tokens=unsplit), at=START + 1)
    why = why_of(replace(before, effort="high"), miss(idle=400.0), idle=400.0)
    assert why is not None
    assert (why.cause, why.confidence, why.ttl) == ("idle_past_ttl", "inferred", 300.0)


def resumed() -> tuple[AnyEntry, ...]:
    return (change("resume"),)


@pytest.mark.parametrize(
    ("before", "after", "between", "cause", "confidence", "detail"),
    [
        (answer(blocks=SEARCHED), miss(), (), "tools_loaded", "inferred", "select:TaskCreate"),
        (answer(), miss(model=OPUS_5), (), "model_switch", "exact", "opus-5-5 -> opus-5"),
        (answer(), miss(), (fallback("opus-5-5 -> opus-5"),), "model_switch", "exact",
         "opus-5-5 -> opus-5"),
        (answer(), miss(version="2.1.9"), (), "client_changed", "exact", "2.1.330 -> 2.1.9"),
        (answer(), miss(), resumed(), "resume", "inferred", ""),
        (answer(), miss(), (prompt("one more"),), "resume", "inferred", ""),
        (answer(), miss(effort="low"), (), "effort_or_speed", "inferred", "effort high -> low"),
        (answer(), miss(), (change("tools", "agents +x"),), "tool_list_changed", "inferred",
         "agents +x"),
        (answer(), miss(thinking_dropped=True), (), "thinking_dropped", "exact", ""),
        (answer(), miss(), (), "unknown", "unknown", ""),
    ],
)  # fmt: skip
def test_without_a_verdict_the_first_sign_wins(
    before: AssistantEntry,
    after: AssistantEntry,
    between: Sequence[AnyEntry],
    cause: str,
    confidence: str,
    detail: str,
) -> None:
    why = why_of(before, after, *between)
    assert why is not None
    assert (why.cause, why.confidence, why.detail) == (cause, confidence, detail)


def test_another_speed_is_a_cause() -> None:
    before = assistant("msg_before", usage(w1=LEFT, speed="standard"), at=START + 1)
    after = assistant("msg_miss", usage(w1=LEFT + 1_000, speed="fast"), at=START + 31)
    why = why_of(before, after)
    assert why is not None
    assert (why.cause, why.detail) == ("effort_or_speed", "speed standard -> fast")


def test_an_image_is_a_cause() -> None:
    shown = UserEntry(timestamp=START + 20, session_id=SESSION, has_image=True)
    why = why_of(answer(), miss(), shown)
    assert why is not None
    assert (why.cause, why.confidence) == ("image_or_setting", "inferred")


@pytest.mark.parametrize(
    ("model", "asked", "cause"),
    [
        ("claude-haiku-4-5", True, "thinking_stripped"),
        ("claude-sonnet-4-5-20250929", True, "thinking_stripped"),
        ("claude-sonnet-4-6", True, "unknown"),
        ("claude-opus-4-5", True, "unknown"),
        ("us.anthropic.claude-opus-5-5-v1:0", True, "unknown"),
        ("anthropic/claude-haiku-4-5", True, "thinking_stripped"),
        ("someone-else-7b", True, "unknown"),
        ("claude-haiku-4-5", False, "unknown"),
    ],
)
def test_old_models_strip_thinking_at_a_prompt(model: str, asked: bool, cause: str) -> None:
    before = thinking(answer(model=model))
    why = why_of(before, thinking(miss(model=model)), asked=asked)
    assert why is not None
    assert why.cause == cause


def test_thinking_that_was_always_on_and_stops_is_a_changed_setting() -> None:
    rows = rows_of([(0, 0, 0, LEFT, 1), *[(0, LEFT, 0, 0, 1)] * 5])
    lines = [thinking(entry) for entry in rows if isinstance(entry, AssistantEntry)]
    stopped = rows_of([(0, 0, 0, LEFT + 1_000, 1)] * 7)[-1]
    why = main_rows([*lines, stopped])[-1].why
    assert why is not None
    assert (why.cause, why.detail) == ("effort_or_speed", "thinking off")


def test_thinking_now_and_then_is_no_change() -> None:
    why = why_of(answer(), thinking(miss()))
    assert why is not None
    assert why.cause == "unknown"


@pytest.mark.parametrize(("deficit", "explained"), [(3_999, False), (4_000, True)])
def test_small_deficits_are_explained_only_by_the_server(deficit: int, explained: bool) -> None:
    read = LEFT - deficit
    assert (why_of(answer(), miss(read)) is not None) is explained
    assert why_of(answer(), miss(read, miss_reason="tools_changed")) is not None


def test_titles_and_other_asides_do_not_come_between() -> None:
    title = assistant("msg_title", usage(i=300, o=8), at=START + 5, model="claude-haiku-4-5")
    why = why_of(answer(blocks=SEARCHED), miss(), title)
    assert why is not None
    assert why.cause == "tools_loaded"


def test_a_request_tells_the_verdict_where_it_is_no_bust() -> None:
    line = usage(r=LEFT, w1=500)
    hit = replace(assistant("msg_2", line, at=START + 31), miss_reason="unavailable")
    row = main_rows([prompt(at=START), answer(), prompt(at=START + 30), hit])[-1]
    assert (row.bust, row.why, row.miss_reason) == (False, None, "unavailable")


def test_a_session_that_goes_on_in_another_file_was_resumed() -> None:
    ledger = Ledger(PriceTable.load())
    feed(ledger, [prompt(at=START), answer()])
    feed(ledger, [prompt(at=START + 30), miss()], path=f"/q/{SESSION}.jsonl")
    ledger.settle()
    row: Request = ledger.sessions[SESSION].threads[MAIN].rows[-1]
    assert row.why is not None
    assert (row.why.cause, row.why.confidence) == ("resume", "inferred")


def test_input_that_no_line_counts_as_does_not_make_a_pause_short() -> None:
    found = replace(miss(), timestamp=START + 9_005)
    row = main_rows([prompt(at=START), answer(), found])[-1]
    assert row.idle == 9_005
    assert row.started_at == START + 9_005
    assert row.why is not None
    assert row.why.cause == "idle_past_ttl"
