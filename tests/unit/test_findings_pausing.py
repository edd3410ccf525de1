"""Findings about pauses: F2, F3, F5, F15, each with what makes it appear and keeps it silent."""

import pytest
from msgspec.structs import replace

from ccmon.insight.findings import Case
from ccmon.insight.peers import Peers
from ccmon.insight.ttl import Tiers
from ccmon.measures import Ttl
from ccmon.requests import Request
from ccmon.snapshot import Session, Status
from tests.builders import START, boundary
from tests.cases import case_of, found, growing, only, session_like, steady, summed_of

HOUR = 3_600.0


def late(session: Session, seconds: float) -> Case:
    """That long after the last request began."""
    started = session.requests[-1].started_at
    assert started is not None
    return case_of(session, now=started + seconds)


class TestGoingCold:
    def test_v27_a_large_context_is_about_to_go_cold(self) -> None:
        finding = only(late(session_like(150_000, 200_000), 0.85 * HOUR), "F2")
        assert finding.saving == pytest.approx(1.56)
        assert finding.value == pytest.approx(1.56)
        assert finding.severity == "warn"
        assert finding.title == "cache goes cold at 10:35:20"
        assert "/compact" in finding.action

    def test_silent_while_a_fifth_of_the_time_is_left(self) -> None:
        session = session_like(150_000, 200_000)
        assert found(late(session, 0.80 * HOUR - 1), "F2") == []
        assert found(late(session, 0.80 * HOUR), "F2")

    def test_silent_once_it_is_cold(self) -> None:
        session = session_like(150_000, 200_000)
        assert found(late(session, HOUR - 1), "F2")
        assert found(late(session, HOUR), "F2") == []

    def test_silent_for_a_small_context(self) -> None:
        assert found(late(session_like(40_000, 60_000), 0.9 * HOUR), "F2") == []

    @pytest.mark.parametrize("status", ["ended", "busy"])
    def test_silent_where_nobody_can_act(self, status: Status) -> None:
        session = session_like(150_000, 200_000, status=status)
        assert found(late(session, 0.9 * HOUR), "F2") == []

    def test_it_needs_no_price_to_be_told(self) -> None:
        session = session_like(150_000, 200_000, model="claude-unheard-of")
        finding = only(late(session, 0.9 * HOUR), "F2")
        assert (finding.saving, finding.value) == (None, 0.0)
        assert finding.title == "cache goes cold at 10:35:20"


def compacted(*contexts: int) -> Session:
    """A session that was compacted after its last request, and asked nothing since."""
    end = START + (len(contexts) + 1) * 60
    return summed_of([*growing(*contexts), boundary(contexts[-1], 5_000, at=end)]).session


class TestCompacted:
    def test_nothing_large_goes_cold(self) -> None:
        session = compacted(150_000, 200_000)
        assert found(late(session, 0.9 * HOUR), "F2") == []
        assert found(late(session, HOUR), "F3") == []

    def test_a_large_rest_counts_as_what_it_is(self) -> None:
        session = summed_of(
            [*growing(30_000, 200_000), boundary(200_000, 60_000, at=START + 200)]
        ).session
        assert dict(only(late(session, 0.9 * HOUR), "F2").evidence)["context"] == 78_000
        finding = only(late(session, HOUR), "F3")
        assert finding.saving == pytest.approx(48_000 * 8e-6)


class TestGoneCold:
    def test_v27_the_next_prompt_writes_everything_again(self) -> None:
        finding = only(late(session_like(30_700, 214_300), HOUR), "F3")
        assert finding.saving == pytest.approx(1.4688)
        assert finding.request is None, "nothing that has happened shows what it will cost"
        assert finding.evidence == (("context", 214_300), ("first_context", 30_700))

    def test_the_title_says_the_cold_price_and_the_action_that_of_a_new_session(self) -> None:
        session = session_like(*steady(40, 30_000, 3_000))
        finding = only(late(session, HOUR), "F3")
        assert session.next_request is not None
        assert session.next_request.cold == pytest.approx(8e-6 * 150_000 + 0.002)
        assert finding.title == "cold: next prompt costs $1.20"
        assert "Start a new session for new work, about $0.240 to begin" in finding.action
        assert finding.saving == pytest.approx(8e-6 * (147_000 - 30_000))

    def test_without_a_price_it_is_told_in_tokens(self) -> None:
        session = session_like(30_700, 214_300, model="claude-unheard-of")
        finding = only(late(session, HOUR), "F3")
        assert (finding.saving, finding.value) == (None, 0.0)
        assert finding.title == "cold: next prompt writes 214.3k"
        assert "about 30.7k to begin" in finding.action

    @pytest.mark.parametrize(("first", "count"), [(87_600, 0), (87_400, 1)])
    def test_silent_where_a_new_session_would_save_less_than_ten_cents(
        self, first: int, count: int
    ) -> None:
        assert len(found(late(session_like(first, 100_000), HOUR), "F3")) == count

    def test_silent_while_it_is_warm(self) -> None:
        assert found(late(session_like(30_700, 214_300), HOUR - 1), "F3") == []

    def test_silent_for_a_small_context(self) -> None:
        assert found(late(session_like(30_700, 60_000), HOUR), "F3") == []

    def test_silent_where_a_new_session_would_begin_as_large(self) -> None:
        assert found(late(session_like(90_000, 80_000), HOUR), "F3") == []

    @pytest.mark.parametrize("status", ["ended", "busy"])
    def test_silent_where_nobody_can_act(self, status: Status) -> None:
        session = session_like(30_700, 214_300, status=status)
        assert found(late(session, HOUR), "F3") == []

    def test_silent_in_mid_turn_of_a_client_that_does_not_say(self) -> None:
        waiting = session_like(30_700, 214_300, status="unknown")
        working = session_like(30_700, 214_300, status="unknown", stop="tool_use")
        assert found(late(waiting, HOUR), "F3")
        assert found(late(working, HOUR), "F3") == []


def tiers_case(*tiers: Tiers, ttl: Ttl = "5m", used: Ttl | None = None) -> Case:
    """A session of that tier; those before it used the same, or another."""
    session = summed_of(growing(*steady(4), ttl=ttl)).session
    return case_of(session, peers=Peers(tuple(replace(each, used=used or ttl) for each in tiers)))


class TestOtherTier:
    def test_the_hour_would_have_cost_less(self) -> None:
        finding = only(tiers_case(Tiers(3.0, 2.0, 2), Tiers(4.0, 2.5, 1)), "F5")
        assert finding.saving == pytest.approx(2.5)
        assert "ENABLE_PROMPT_CACHING_1H" in finding.action
        assert finding.title == "1h cache would have saved $2.50"
        assert "2 sessions, 3 pauses" in finding.basis
        assert "usage credits" in finding.basis

    def test_five_minutes_would_have_cost_less(self) -> None:
        finding = only(tiers_case(Tiers(2.0, 4.0, 3), ttl="1h"), "F5")
        assert finding.saving == pytest.approx(2.0)
        assert "FORCE_PROMPT_CACHING_5M" in finding.action

    def test_silent_where_the_tier_in_use_is_the_cheaper_one(self) -> None:
        assert found(tiers_case(Tiers(2.0, 4.0, 3), ttl="5m"), "F5") == []

    def test_silent_where_the_others_use_the_cheaper_tier_already(self) -> None:
        assert found(tiers_case(Tiers(4.0, 2.0, 3), used="1h"), "F5") == []

    def test_silent_with_fewer_than_three_telling_pauses(self) -> None:
        assert found(tiers_case(Tiers(4.0, 2.0, 2)), "F5") == []

    @pytest.mark.parametrize(("cost_5m", "cost_1h"), [(3.0, 2.0), (20.0, 18.0)])
    def test_silent_for_a_small_sum_or_a_small_share(self, cost_5m: float, cost_1h: float) -> None:
        assert found(tiers_case(Tiers(cost_5m, cost_1h, 3)), "F5") == []
        assert found(tiers_case(Tiers(cost_5m + 0.01, cost_1h, 3)), "F5") != []


def looping(count: int, *, status: Status = "idle") -> Session:
    """A session whose last requests are turns of two that a schedule began."""
    session = session_like(*steady(20), status=status)
    rows: list[Request] = list(session.requests)
    for index in range(20 - count, 20):
        begins = (index - (20 - count)) % 2 == 0
        rows[index] = replace(rows[index], starts_turn=False, machine_prompt=begins)
    return replace(session, requests=tuple(rows))


class TestUnprompted:
    def test_five_requests_that_nobody_asked_for(self) -> None:
        session = looping(5)
        finding = only(case_of(session), "F15")
        assert session.next_request is not None
        assert finding.saving_per_request == session.next_request.warm
        assert finding.title == "5 requests without a prompt"

    def test_a_cold_tick_costs_the_cold_price(self) -> None:
        session = looping(6)
        assert session.next_request is not None
        assert only(late(session, HOUR), "F15").saving_per_request == session.next_request.cold

    def test_silent_for_background_work_that_reports_twice(self) -> None:
        session = looping(8)
        begun = [row.n for row in session.requests if row.machine_prompt]
        rows = [
            replace(row, machine_prompt=row.n in begun[:2] or row.n == begun[3])
            for row in session.requests
        ]
        assert found(case_of(replace(session, requests=tuple(rows))), "F15") != []
        rows = [replace(row, machine_prompt=row.n in begun[:2]) for row in session.requests]
        assert found(case_of(replace(session, requests=tuple(rows))), "F15") == []

    def test_what_reports_into_a_turn_begins_none(self) -> None:
        session = looping(8)
        rows = [replace(row, stop_reason="tool_use") for row in session.requests[:-1]]
        working = replace(session, requests=(*rows, session.requests[-1]))
        assert found(case_of(working), "F15") == []

    def test_silent_below_five(self) -> None:
        assert found(case_of(looping(4)), "F15") == []

    def test_silent_for_requests_of_a_turn_that_a_person_began(self) -> None:
        session = session_like(*steady(20))
        rows = [replace(row, starts_turn=row.n == 1) for row in session.requests]
        assert found(case_of(replace(session, requests=tuple(rows))), "F15") == []

    def test_what_a_person_asked_before_the_machine_does_not_count(self) -> None:
        session = looping(5)
        rows = [replace(row, starts_turn=row.n == 10) for row in session.requests]
        finding = only(case_of(replace(session, requests=tuple(rows))), "F15")
        assert finding.title == "5 requests without a prompt"

    def test_silent_while_it_works(self) -> None:
        assert found(case_of(looping(8, status="busy")), "F15") == []
