"""Findings about what the context carries: F1, F8."""

import pytest
from msgspec.structs import replace

from ccmon.insight.findings import Case
from ccmon.insight.peers import Peers
from ccmon.requests import Request
from ccmon.snapshot import Session
from tests.cases import case_of, found, only, session_like, steady
from tests.sample import NOW, sample_session


def overdue(**changes: object) -> Case:
    """The session of the design, drag high since #177; what is not said is as there."""
    return Case(replace(sample_session(), **changes), NOW)


def stopping(*breaks: int) -> tuple[Request, ...]:
    """Its requests, with the end of a turn at these alone."""
    return tuple(
        replace(row, stop_reason="end_turn" if row.n in breaks else "tool_use")
        for row in sample_session().requests
    )


class TestCompactionOverdue:
    def test_it_says_what_compacting_costs_and_saves(self) -> None:
        finding, shown = only(overdue(status="idle"), "F1"), sample_session().findings[0]
        assert (finding.title, finding.basis) == (shown.title, shown.basis)
        assert (finding.key, finding.action) == (shown.key, shown.action)
        assert finding.saving_per_request == pytest.approx(0.070218)
        assert finding.value == pytest.approx(shown.value)
        told = dict(finding.evidence)
        assert told == pytest.approx({"o": 14.6825, "payback_requests": 7.361}, abs=1e-3)

    def test_it_is_worth_what_it_saves_beyond_its_price(self) -> None:
        case = overdue(status="idle")
        drag = case.session.drag
        assert drag is not None
        assert drag.saving_per_request is not None
        assert drag.compact is not None
        worth = drag.saving_per_request * case.ahead - drag.compact
        assert only(case, "F1").value == pytest.approx(worth)

    def test_it_stays_through_the_next_turns(self) -> None:
        finding = only(overdue(requests=stopping(180)), "F1")
        assert "at the next break" in finding.action

    def test_silent_until_a_turn_has_ended(self) -> None:
        assert found(overdue(requests=stopping(170)), "F1") == []

    def test_becoming_worse_does_not_make_it_silent(self) -> None:
        drag = sample_session().drag
        assert drag is not None
        worse = replace(drag, state="dominates", since_request=280)
        assert found(overdue(requests=stopping(180), drag=worse), "F1") != []
        assert found(overdue(requests=stopping(60), drag=worse), "F1") == [], "segment before"

    def test_silent_while_drag_is_off(self) -> None:
        drag = sample_session().drag
        assert drag is not None
        assert found(overdue(status="idle", drag=replace(drag, state="off")), "F1") == []

    def test_silent_for_twenty_requests_after_a_compaction(self) -> None:
        (compaction,) = sample_session().compactions
        recent = replace(compaction, before_request=264)
        assert found(overdue(status="idle", compactions=(recent,)), "F1") == []
        older = replace(compaction, before_request=263)
        assert found(overdue(status="idle", compactions=(older,)), "F1") != []

    def test_silent_where_two_prompts_would_not_pay_it_back(self) -> None:
        context = sample_session().context
        assert context is not None
        short = replace(context, requests_per_turn=3.6)
        assert found(overdue(status="idle", context=short), "F1") == []
        enough = replace(context, requests_per_turn=3.7)
        assert found(overdue(status="idle", context=enough), "F1") != []

    def test_a_cold_cache_makes_compacting_dearer(self) -> None:
        session = replace(sample_session(), status="idle")
        case = Case(session, NOW + 7_200)
        assert found(case, "F1") == [], "3.62 at 0.07 a request is more than two prompts give"

    def test_silent_for_a_session_that_has_ended(self) -> None:
        assert found(overdue(status="ended", active=False), "F1") == []


def opened(opening: int | None, usual: float | None, *, count: int = 180) -> Case:
    session: Session = session_like(*steady(count))
    return case_of(session, peers=Peers(usual_opening=usual), opening=opening)


class TestLargeOpening:
    def test_v27_every_request_carries_the_excess(self) -> None:
        finding = only(opened(60_000, 45_000), "F8")
        assert finding.saving == pytest.approx(0.54)
        assert finding.title == "session began with 60.0k tokens"
        assert finding.severity == "info"

    def test_silent_for_an_ordinary_beginning(self) -> None:
        assert found(opened(45_000, 20_000, count=5), "F8") == []
        assert found(opened(45_001, 20_000, count=5), "F8") != []

    def test_silent_with_too_few_sessions_before(self) -> None:
        assert found(opened(60_000, None, count=5), "F8") == []

    def test_silent_where_all_sessions_begin_so(self) -> None:
        assert found(opened(60_000, 60_000, count=5), "F8") == []

    def test_silent_for_a_session_that_goes_on_from_another(self) -> None:
        assert found(opened(None, 45_000, count=5), "F8") == []
