"""The words of causes and of what the transcript does not show."""

from typing import get_args

import pytest
from msgspec.structs import replace

from ccmon import words
from ccmon.requests import Attempt, Cause, Why
from ccmon.snapshot import Hidden
from tests.cases import session_like
from tests.sample import sample_session
from tests.sample_rows import WHYS, at


@pytest.mark.parametrize("cause", get_args(Cause))
def test_every_cause_is_explained_and_none_blames_what_breaks_no_cache(cause: Cause) -> None:
    why = Why(cause, "inferred")
    text = " ".join((words.cause(why), words.happened(why), words.remedy(why)))
    assert len(words.cause(why)) <= 30
    assert words.happened(why).endswith(".")
    assert words.remedy(why).endswith(".")
    for innocent in ("CLAUDE.md", "output style", "permission", "skill"):
        assert innocent not in text


def test_a_cause_names_what_changed() -> None:
    assert words.cause(WHYS[150]) == "idle 1h04m > 1h TTL"
    assert words.cause(WHYS[44]) == "model sonnet-5-5 -> opus-5-5"
    assert words.cause(WHYS[205]) == "ToolSearch loaded tools"
    assert words.cause(Why("long_pause", "inferred", idle=400.0, ttl=3600.0)) == (
        "pause 6m inside 1h TTL"
    )


def test_what_a_cause_rests_on() -> None:
    assert words.evidence(WHYS[205]) == "server: tools_changed"
    assert words.evidence(WHYS[150]) == "timestamps"
    assert words.evidence(Why("unknown", "unknown")) == "no evidence"
    assert words.evidence(None) == "no evidence"


def test_a_verdict_without_a_sign_in_the_transcript_speaks_for_itself() -> None:
    changed = Why("unknown", "server", "system_changed")
    assert words.cause(changed) == "system prompt changed"
    assert words.evidence(changed) == "server: system_changed"
    assert words.wording(Why("unknown", "server", "messages_changed")).subject == (
        "changed messages"
    )


def test_a_bust_without_a_cause_is_called_small() -> None:
    assert words.cause(None) == "small, not explained"
    assert "Nothing to do" in words.remedy(None)


def test_how_much_was_lost() -> None:
    assert words.reach(None) == ""
    assert words.reach(Why("unknown", "unknown")) == "all of it was lost"
    assert words.reach(WHYS[150]) == "system prompt and tools were kept"
    partial = Why("unknown", "unknown", reach="partial")
    assert words.reach(partial) == "part of it was lost"
    named = Why("unknown", "unknown", reach="partial", broke_at="#143 Read foo.py")
    assert words.reach(named) == "lost from #143 Read foo.py on"


def test_hidden_requests_are_priced_as_far_as_they_are_known() -> None:
    assert words.unseen(Hidden(1, 0.121428, "estimated"), 0) == "~$0.12 hidden in 1 request"
    assert words.unseen(Hidden(2, 0.3, "exact"), 0) == "$0.30 hidden in 2 requests"
    assert words.unseen(Hidden(1, None, "estimated"), 0) == "? hidden in 1 request"
    assert words.unseen(Hidden(0, 0.0, "exact"), 0) == words.unseen(None, 0) == ""
    beyond = "~$0.02 beyond what the lines show"
    assert words.unseen(Hidden(0, 0.02, "estimated"), 0) == beyond


def test_a_lost_request_is_one_of_the_hidden_ones_and_its_money_is_told_once() -> None:
    hidden = Hidden(3, 0.07, "estimated")
    assert words.unseen(hidden, 1) == "~$0.07 hidden in 3 requests (1 lost)"
    assert words.unseen(hidden, 3) == "~$0.07 hidden in 3 requests (3 lost)"
    assert words.unseen(None, 1) == "? hidden in 1 request (1 lost)"


def test_attempts_in_flight_are_told_from_those_that_ended() -> None:
    sent = Attempt("main", at("14:06:10"), "in_flight", "")
    gone = Attempt("main", at("13:00:00"), "lost", "connection", cost=0.08)
    refused = Attempt("main", at("12:00:00"), "refused", "529")
    attempts = (refused, gone, sent)
    assert words.in_flight(attempts) == "request in flight since 14:06:10"
    assert words.in_flight((sent, sent)) == "2 requests in flight since 14:06:10"
    assert words.in_flight((Attempt("main", None, "in_flight", ""),)) == "request in flight"
    assert words.in_flight((refused, gone)) == ""


def test_a_stuck_cache_has_a_remedy_of_its_own() -> None:
    assert words.remedy(Why("unknown", "unknown", stuck=True)).startswith("Update Claude Code")
    assert "if it keeps coming back" in words.remedy(Why("unknown", "unknown"))


def test_drag_that_cannot_be_told_says_why() -> None:
    priced, unpriced = session_like(50_000), session_like(50_000, 51_000, model="acme-9")
    assert words.why_no_drag(unpriced) == "no price known for acme-9"
    assert words.why_no_drag(priced) == "not enough requests yet to compare"
    assert words.why_no_drag(session_like(50_000, 51_000)) == ""
    assert words.why_no_drag(replace(priced, requests=(), drag=None)) == ""


def test_a_session_of_sub_agents_alone_says_so() -> None:
    whole = sample_session()
    assert words.only_subagents(whole) == ""
    only = replace(whole, requests=())
    assert words.only_subagents(only) == "no request in the main thread; 14 in 1 subagent"
    assert words.only_subagents(replace(only, subagents=())) == ""
