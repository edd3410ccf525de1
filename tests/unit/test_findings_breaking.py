"""Findings about a cache that broke: F4, F14."""

import pytest
from msgspec.structs import replace

from ccmon.requests import Cause, Request, Why
from ccmon.snapshot import Session
from tests.builders import START
from tests.cases import bust, case_of, found, only, session_like, steady, why, with_busts
from tests.sample import NOW, sample_session


class TestBroken:
    def test_the_design_shows_a_finding_for_each_cause(self) -> None:
        shown = [finding for finding in sample_session().findings if finding.id == "F4"]
        made = found(case_of(sample_session(), now=NOW), "F4")
        assert [each.title for each in made] == [each.title for each in shown]
        assert [each.key for each in made] == [each.key for each in shown]
        assert [each.saving for each in made] == [each.saving for each in shown]
        assert [each.evidence for each in made] == [each.evidence for each in shown]

    def test_it_says_what_to_do_and_what_it_rests_on(self) -> None:
        case = case_of(with_busts(bust(4, why(confidence="server", server_reason="tools_changed"))))
        finding = only(case, "F4")
        assert finding.action == "Load tools early in a session, or update Claude Code."
        assert finding.basis == "ToolSearch loaded tools; server: tools_changed"
        assert (finding.severity, finding.thread, finding.request) == ("warn", "main", 4)

    def test_what_expired_was_warned_of_before(self) -> None:
        assert found(case_of(with_busts(bust(4, why("idle_past_ttl", "timestamps")))), "F4") == []

    @pytest.mark.parametrize(("avoidable", "count"), [(0.099, 0), (0.10, 1), (None, 0)])
    def test_silent_for_what_cost_little(self, avoidable: float | None, count: int) -> None:
        assert len(found(case_of(with_busts(bust(4, why(), avoidable=avoidable))), "F4")) == count

    def test_silent_for_what_is_too_small_to_be_explained(self) -> None:
        assert found(case_of(with_busts(bust(4, None))), "F4") == []

    def test_several_of_one_cause_are_one_finding(self) -> None:
        finding = only(case_of(with_busts(bust(4, why()), bust(7, why()), bust(9, why()))), "F4")
        assert finding.title == "ToolSearch rewrote 180.0k in 3 busts"
        assert finding.saving == pytest.approx(1.5)
        assert finding.request == 9
        assert ("busts", 3) in finding.evidence

    def test_it_is_expected_to_cost_what_it_did_in_the_last_fifty_requests(self) -> None:
        case = case_of(with_busts(bust(30, why()), bust(31, why()), bust(80, why()), count=80))
        finding = only(case, "F4")
        assert finding.saving == pytest.approx(1.5)
        assert finding.value == pytest.approx(1.0 / 50 * case.ahead)
        assert not finding.past

    def test_what_is_older_is_past_and_says_how_old_it_is(self) -> None:
        finding = only(case_of(with_busts(bust(30, why()), count=80)), "F4")
        assert (finding.value, finding.saving, finding.severity) == (0.0, 0.5, "warn")
        assert finding.past
        assert dict(finding.evidence)["requests_ago"] == 50
        assert str(dict(finding.evidence)["at"]).startswith("2026-11-22T")
        assert not only(case_of(with_busts(bust(31, why()), count=80)), "F4").past

    def test_the_requests_of_a_sub_agent_are_its_own(self) -> None:
        session = with_busts(bust(1, why(), thread="a7e03c"), count=80)
        session = replace(session, subagents=sample_session().subagents)
        (agent,) = (each for each in session.subagents if each.agent_id == "a7e03c")
        evidence = dict(only(case_of(session), "F4").evidence)
        assert evidence["requests_ago"] == len(agent.requests) - 1

    def test_it_stays_the_same_where_numbers_shift(self) -> None:
        before = replace(bust(4, why()), message_id="msg_x")
        after = replace(before, request=5)
        keys = {only(case_of(with_busts(each)), "F4").key for each in (before, after)}
        assert len(keys) == 1

    def test_a_new_one_shows_again_after_a_dismissal(self) -> None:
        before = only(case_of(with_busts(bust(4, why()))), "F4")
        after = only(case_of(with_busts(bust(4, why()), bust(7, why()))), "F4")
        assert before.key != after.key

    def test_causes_and_threads_are_told_apart(self) -> None:
        session = with_busts(
            bust(4, why()), bust(7, why("model_switch", "exact")), bust(4, why(), thread="a7e03c")
        )
        assert len({finding.key for finding in found(case_of(session), "F4")}) == 3

    def test_a_sub_agent_is_named(self) -> None:
        session = replace(
            with_busts(bust(4, why(), thread="a7e03c")), subagents=sample_session().subagents
        )
        finding = only(case_of(session), "F4")
        assert finding.title == "ToolSearch rewrote 60.0k tokens in sub-agent Explore"
        assert finding.thread == "a7e03c"

    def test_a_sub_agent_without_a_type_goes_by_its_id(self) -> None:
        session = with_busts(bust(4, why(), thread="a1"), bust(6, why(), thread="a1"))
        finding = only(case_of(session), "F4")
        assert finding.title == "ToolSearch rewrote 120.0k in 2 busts in sub-agent a1"

    def test_one_cause_in_several_sub_agents_is_one_finding_that_leads_to_the_newest(self) -> None:
        late = replace(bust(9, why(), thread="a1"), at=START + 60)
        session = with_busts(*(bust(4, why(), thread=f"a{n}") for n in range(4)), late)
        finding = only(case_of(session), "F4")
        assert finding.title == "ToolSearch rewrote 300.0k in 4 sub-agents"
        assert (finding.thread, finding.request) == ("a1", 9)
        assert finding.saving == pytest.approx(2.5)
        assert ("subagents", 4) in finding.evidence

    def test_a_stuck_cache_in_several_sub_agents_is_one_finding(self) -> None:
        stuck = why("unknown", "unknown", stuck=True)
        session = with_busts(*(bust(n, stuck, thread=f"a{n % 2}") for n in range(4, 8)))
        finding = only(case_of(session), "F4")
        assert finding.title == "stuck cache rewrote 240.0k in 2 sub-agents"

    def test_a_stuck_cache_is_one_finding(self) -> None:
        lost, stuck = why("unknown", "unknown"), why("unknown", "unknown", stuck=True)
        session = with_busts(bust(4, lost), bust(5, lost), bust(6, stuck), bust(7, stuck))
        finding = only(case_of(session), "F4")
        assert finding.title == "stuck cache rewrote 240.0k in 4 busts"
        assert finding.severity == "warn"
        assert "Update Claude Code" in finding.action
        assert finding.basis == (
            "about 10.0k read each time while the context grew; no evidence of a cause"
        )

    def test_a_bust_with_a_cause_is_no_part_of_a_stuck_run(self) -> None:
        stuck = why("unknown", "unknown", stuck=True)
        session = with_busts(bust(5, why("effort_or_speed")), bust(6, stuck), bust(7, stuck))
        titles = {finding.title for finding in found(case_of(session), "F4")}
        assert titles == {
            "stuck cache rewrote 120.0k in 2 busts",
            "effort change rewrote 60.0k tokens",
        }

    def test_three_unexplained_ones_within_fifty_requests_are_worth_acting_on(self) -> None:
        unknown = why("unknown", "unknown")
        finding = only(case_of(with_busts(*(bust(n, unknown) for n in (4, 30, 53)))), "F4")
        assert finding.severity == "warn"
        assert finding.action == "Update Claude Code or start a new session: it keeps coming back."

    @pytest.mark.parametrize("places", [(4, 30), (4, 30, 54)])
    def test_fewer_unexplained_ones_are_only_told(self, places: tuple[int, ...]) -> None:
        unknown = why("unknown", "unknown")
        finding = only(case_of(with_busts(*(bust(n, unknown) for n in places))), "F4")
        assert finding.severity == "info"
        assert "if it keeps coming back" in finding.action

    def test_unexplained_ones_of_several_sub_agents_do_not_add_up_to_a_pattern(self) -> None:
        unknown = why("unknown", "unknown")
        session = with_busts(*(bust(4, unknown, thread=f"a{n}") for n in range(3)))
        assert only(case_of(session), "F4").severity == "info"

    def test_a_bust_apart_from_the_stuck_ones_stands_alone(self) -> None:
        stuck = why("unknown", "unknown", stuck=True)
        session = with_busts(bust(2, why()), bust(6, stuck))
        assert [each.request for each in found(case_of(session), "F4")] == [2, 6]

    @pytest.mark.parametrize("cause", ["server_forgot", "long_pause", "unknown"])
    def test_what_nobody_can_help_is_only_told(self, cause: Cause) -> None:
        assert only(case_of(with_busts(bust(4, why(cause)))), "F4").severity == "info"

    def test_the_word_of_the_server_is_a_lead(self) -> None:
        reason = why("unknown", "server", server_reason="system_changed")
        finding = only(case_of(with_busts(bust(4, reason))), "F4")
        assert finding.severity == "warn"
        assert finding.title == "system prompt rewrote 60.0k tokens"


def missing(
    count: int = 30, *, every: int = 3, reasons: tuple[Why | None, ...] = (None,)
) -> Session:
    """A session in which one of so many requests lost much of what was cached."""
    lost = 40_000
    session = session_like(*steady(count))
    rows: list[Request] = []
    for index, row in enumerate(session.requests):
        if index % every == 0 and index:
            reason = reasons[index // every % len(reasons)]
            row = replace(
                row, cached=row.cached - lost, rewritten=lost, bust=True, avoidable=0.3, why=reason
            )
        rows.append(row)
    return replace(session, requests=tuple(rows))


class TestLowHitRate:
    def test_many_losses_without_one_cause(self) -> None:
        causes = (why("tools_loaded"), why("model_switch"), why("unknown", "unknown"))
        finding = only(case_of(missing(reasons=causes)), "F14")
        assert finding.title == "hit rate 81% in 20 requests"
        assert finding.saving == pytest.approx(6 * 0.3)
        assert finding.request == 30

    def test_what_findings_of_single_causes_tell_is_not_told_twice(self) -> None:
        causes = (why("tools_loaded"), why("model_switch"), why("tool_list_changed"))
        session = missing(reasons=causes)
        busts = [
            bust(row.n, row.why, avoidable=row.avoidable) for row in session.requests if row.bust
        ]
        finding = only(case_of(replace(session, busts=tuple(busts))), "F14")
        assert (finding.saving, finding.value) == (None, 0.0)
        finding = only(case_of(replace(session, busts=tuple(busts[:-1]))), "F14")
        assert finding.saving == pytest.approx(0.3)

    def test_losses_that_nobody_can_explain(self) -> None:
        assert found(case_of(missing()), "F14") != []

    def test_without_a_price_it_is_told_in_tokens(self) -> None:
        session = missing()
        rows = tuple(replace(row, avoidable=None) for row in session.requests)
        finding = only(case_of(replace(session, requests=rows)), "F14")
        assert finding.title == "hit rate 81% in 20 requests"
        assert (finding.saving, finding.value) == (None, 0.0)

    def test_silent_at_an_ordinary_rate(self) -> None:
        assert found(case_of(missing(every=9)), "F14") == []

    def test_silent_before_twenty_requests_beyond_the_first(self) -> None:
        assert found(case_of(missing(24, every=2)), "F14") == []
        assert found(case_of(missing(25, every=2)), "F14") != []

    def test_silent_where_one_cause_explains_it(self) -> None:
        assert found(case_of(missing(reasons=(why("tool_list_changed"),))), "F14") == []

    def test_silent_where_a_stuck_cache_explains_it(self) -> None:
        stuck = why("unknown", "unknown", stuck=True)
        assert found(case_of(missing(reasons=(stuck,))), "F14") == []

    def test_silent_where_the_context_just_grows(self) -> None:
        session = session_like(*steady(30, 20_000, 15_000))
        rows = [replace(row, cached=row.context * 4 // 5) for row in session.requests]
        assert found(case_of(replace(session, requests=tuple(rows))), "F14") == []

    def test_silent_without_caching(self) -> None:
        session = missing()
        assert session.cache is not None
        off = replace(session, cache=replace(session.cache, caching=False))
        assert found(case_of(off), "F14") == []
