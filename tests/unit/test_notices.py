"""What the user is told of: entering a state, a large bust; once, at a break, and not old news."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from ccmon.insight.findings import find
from ccmon.insight.notices import LONGEST, Notices
from ccmon.requests import Bust
from ccmon.snapshot import AlertState, CacheAlert, DragState, Session
from tests.builders import OPUS_5_5
from tests.cases import bust, case_of, session_like, steady, why
from tests.sample import sample_session

BASE = session_like(*steady(60))
PLENTY = session_like(*steady(240))


def dragging(
    state: DragState, o: float, *, stop: str = "end_turn", segment: int = 1, **more: object
) -> Session:
    """A session in that state; ``stop`` is how its last request ended."""
    drag = sample_session().drag
    assert drag is not None
    return ended(replace(BASE, drag=replace(drag, state=state, o=o), **more), stop, segment)


def alerting(state: AlertState, *, n: int = 60, stop: str = "end_turn") -> Session:
    """A session with so many requests in that state."""
    assert PLENTY.cache is not None
    alert = CacheAlert(state, 0.22, 2, 365_000, 20)
    shown = replace(
        PLENTY, requests=PLENTY.requests[:n], cache=replace(PLENTY.cache, alert=alert), drag=None
    )
    return ended(shown, stop)


def ended(session: Session, stop: str, segment: int = 1) -> Session:
    last = replace(session.requests[-1], stop_reason=stop, segment=segment)
    return replace(session, requests=(*session.requests[:-1], last))


def broken(*busts: Bust, stop: str = "tool_use") -> Session:
    return ended(replace(BASE, status="busy", busts=busts), stop)


class Listener:
    """Looks at one session again and again, and says what was told anew."""

    def __init__(self, *looks: Session, bust_usd: float = 0.25) -> None:
        self.notices = Notices(bust_usd)
        self.look(*looks)

    def look(self, *looks: Session, settled: bool = True, reread: bool = False) -> list[str]:
        before = {notice.serial for notice in self.notices.recent}
        for session in looks:
            name = {session.session_id}
            self.notices.observe([session], name if settled else set(), name if reread else set())
        return [each.title for each in self.notices.recent if each.serial not in before]


class TestStates:
    def test_entering_drag_is_told_once(self) -> None:
        user = Listener(dragging("off", 1.0))
        assert user.look(dragging("high", 4.0)) == ["DRAG HIGH"]
        assert user.look(dragging("high", 4.2), dragging("high", 7.9)) == []

    def test_drag_is_told_again_when_it_has_doubled(self) -> None:
        user = Listener(dragging("off", 1.0))
        user.look(dragging("high", 4.0))
        assert user.look(dragging("high", 8.0)) == ["DRAG HIGH"]
        assert user.look(dragging("high", 15.9)) == []
        assert user.look(dragging("high", 16.0)) == ["DRAG HIGH"]

    def test_a_higher_state_is_told_and_falling_back_is_not(self) -> None:
        user = Listener(dragging("off", 1.0))
        user.look(dragging("high", 4.0))
        assert user.look(dragging("dominates", 4.1)) == ["DRAG DOMINATES"]
        assert user.look(dragging("high", 4.2), dragging("off", 4.3)) == []
        assert user.look(dragging("high", 4.4)) == [], "entered again, but not doubled"

    def test_another_segment_begins_anew(self) -> None:
        user = Listener(dragging("off", 1.0))
        user.look(dragging("high", 8.0))
        user.look(dragging("off", 0.0, segment=2))
        assert user.look(dragging("high", 4.0, segment=2)) == ["DRAG HIGH"]

    def test_entering_a_cache_state_is_told(self) -> None:
        user = Listener(alerting("off"))
        assert user.look(alerting("high")) == ["CACHE HIGH"]
        assert user.look(alerting("high", n=200)) == []

    def test_the_cache_is_told_of_once_in_fifty_requests(self) -> None:
        user = Listener(alerting("off"))
        user.look(alerting("high"))
        assert user.look(alerting("severe", n=80), alerting("severe", n=109)) == []
        assert user.look(alerting("severe", n=110)) == ["CACHE SEVERE"]

    def test_a_cache_state_left_and_entered_again_is_told_after_fifty_requests(self) -> None:
        user = Listener(alerting("off"))
        user.look(alerting("high"))
        assert user.look(alerting("off", n=70), alerting("high", n=90)) == []
        assert user.look(alerting("off", n=100), alerting("high", n=115)) == ["CACHE HIGH"]

    def test_nothing_is_told_in_a_tool_loop(self) -> None:
        user = Listener(dragging("off", 1.0))
        looping = dragging("high", 4.0, stop="tool_use", status="busy")
        assert user.look(looping) == []
        assert user.look(dragging("high", 4.1, status="busy")) == ["DRAG HIGH"]

    def test_an_idle_session_is_at_a_break(self) -> None:
        user = Listener(dragging("off", 1.0))
        assert user.look(dragging("high", 4.0, stop="tool_use", status="idle")) == ["DRAG HIGH"]

    def test_a_permission_prompt_is_no_break(self) -> None:
        user = Listener(dragging("off", 1.0))
        assert user.look(dragging("high", 4.0, stop="tool_use", status="waiting")) == []

    def test_a_state_that_is_left_before_the_break_is_not_told(self) -> None:
        user = Listener(dragging("off", 1.0))
        user.look(dragging("high", 4.0, stop="tool_use", status="busy"))
        assert user.look(dragging("off", 0.4)) == []

    def test_an_ended_session_tells_nothing(self) -> None:
        user = Listener(dragging("off", 1.0))
        assert user.look(dragging("high", 4.0, active=False, status="ended")) == []


def cooling(*contexts: int, share: float, model: str = OPUS_5_5) -> Session:
    """A waiting session when that share of its cache's hour has gone by."""
    session = session_like(*contexts, model=model)
    started = session.requests[-1].started_at
    assert started is not None
    return replace(session, findings=find(case_of(session, now=started + share * 3_600)))


class TestDeadlines:
    def test_a_cache_about_to_go_cold_is_told_once(self) -> None:
        user = Listener(cooling(150_000, 200_000, share=0.5))
        assert user.look(cooling(150_000, 200_000, share=0.85)) == ["GOING COLD"]
        (notice,) = user.notices.recent
        assert notice.text == (
            "200.0k cached until 10:35:20; next request $0.442 before, $2.00 after"
        )
        assert (notice.severity, notice.finding) == ("warn", "F2")
        later = [cooling(150_000, 200_000, share=share) for share in (0.9, 1.0, 2.0)]
        assert user.look(*later) == []

    def test_the_next_deadline_is_told_again(self) -> None:
        user = Listener(cooling(150_000, 200_000, share=0.5))
        user.look(cooling(150_000, 200_000, share=0.85))
        longer = (150_000, 200_000, 201_000)
        assert user.look(cooling(*longer, share=0.1), cooling(*longer, share=0.85)) == [
            "GOING COLD"
        ]

    def test_one_that_was_ending_at_the_first_look_is_no_news(self) -> None:
        user = Listener(cooling(150_000, 200_000, share=0.85))
        assert user.look(cooling(150_000, 200_000, share=0.9)) == []

    def test_without_a_price_the_time_is_told(self) -> None:
        unpriced = "claude-unheard-of"
        user = Listener(cooling(150_000, 200_000, share=0.5, model=unpriced))
        user.look(cooling(150_000, 200_000, share=0.85, model=unpriced))
        assert user.notices.recent[-1].text == "200.0k cached until 10:35:20"

    def test_a_small_context_is_not_told_of(self) -> None:
        user = Listener(cooling(40_000, 50_000, share=0.5))
        assert user.look(cooling(40_000, 50_000, share=0.85)) == []


class TestBusts:
    def test_a_large_bust_is_told_at_once(self) -> None:
        user = Listener(broken())
        assert user.look(broken(bust(7, why()))) == ["CACHE BUST"]
        assert user.look(broken(bust(7, why()), stop="end_turn")) == []

    def test_each_bust_is_an_event(self) -> None:
        user = Listener(broken(bust(7, why())))
        both = broken(bust(7, why()), bust(8, why()), bust(8, why(), thread="a7e03c"))
        assert user.look(both) == ["CACHE BUST", "CACHE BUST"]

    @pytest.mark.parametrize(
        ("avoidable", "told"), [(0.249, []), (0.25, ["CACHE BUST"]), (None, [])]
    )
    def test_a_small_bust_is_not(self, avoidable: float | None, told: list[str]) -> None:
        user = Listener(broken())
        assert user.look(broken(bust(7, why(), avoidable=avoidable))) == told

    def test_what_is_large_is_a_setting(self) -> None:
        user = Listener(broken(), bust_usd=2.0)
        assert user.look(broken(bust(7, why(), avoidable=1.99))) == []
        assert user.look(broken(bust(8, why(), avoidable=2.0))) == ["CACHE BUST"]

    def test_what_expired_is_told_as_well(self) -> None:
        user = Listener(broken())
        reason = why("idle_past_ttl", "timestamps", idle=3_864.0, ttl=3_600.0)
        assert user.look(broken(bust(7, reason))) == ["CACHE BUST"]
        (notice,) = user.notices.recent
        assert notice.text == "idle 1h04m > 1h TTL; rewrote 60.0k, $0.500 lost"


class TestOldNews:
    def test_what_the_first_look_finds_was_there_before(self) -> None:
        dragged = dragging("high", 4.0, busts=(bust(7, why()),))
        assert Listener(dragged).notices.recent == ()
        assert Listener(alerting("severe")).notices.recent == ()

    def test_the_first_reading_tells_nothing_until_it_is_over(self) -> None:
        user = Listener()
        assert user.look(broken(), broken(bust(7, why())), settled=False) == []
        assert user.look(broken(bust(7, why()), bust(8, why()))) == []
        more = broken(bust(7, why()), bust(8, why()), bust(9, why()))
        assert user.look(more) == ["CACHE BUST"]

    def test_a_file_that_is_read_anew_tells_nothing_anew(self) -> None:
        user = Listener(broken(), broken(bust(7, why())))
        user.look(broken(), settled=False, reread=True)
        assert user.look(broken(bust(7, why()), bust(8, why()))) == []

    def test_a_file_that_is_read_anew_at_once_tells_nothing_either(self) -> None:
        user = Listener(broken())
        assert user.look(broken(bust(7, why())), reread=True) == []
        assert user.look(broken(bust(7, why()), bust(8, why()))) == ["CACHE BUST"]

    def test_a_file_that_comes_along_swallows_nothing(self) -> None:
        user = Listener(broken(), broken(bust(7, why())))
        assert user.look(broken(bust(7, why()), bust(8, why())), settled=False) == []
        assert user.look(broken(bust(7, why()), bust(8, why()))) == ["CACHE BUST"]

    def test_a_bust_whose_number_shifts_is_told_once(self) -> None:
        user = Listener(broken())
        known = replace(bust(7, why()), message_id="msg_x")
        assert user.look(broken(known)) == ["CACHE BUST"]
        assert user.look(broken(replace(known, request=8))) == []

    def test_a_state_found_at_the_start_is_told_when_it_grows(self) -> None:
        user = Listener(dragging("high", 4.0))
        assert user.look(dragging("dominates", 5.0)) == ["DRAG DOMINATES"]


class TestTexts:
    def test_drag_says_what_the_warning_line_says(self) -> None:
        sample = ended(sample_session(), "end_turn", 2)
        assert sample.drag is not None
        user = Listener(replace(sample, drag=replace(sample.drag, state="off", o=0.5)))
        user.look(sample)
        (notice,) = user.notices.recent
        assert (notice.severity, notice.finding) == ("high", "F1")
        assert notice.text == (
            "re-reading 66% of recent spend; compact $0.52, 15x overdue, pays back in 7 requests"
        )

    def test_the_cache_names_its_last_bust(self) -> None:
        reason = why("idle_past_ttl", "timestamps", idle=360.0, ttl=300.0)
        user = Listener(alerting("off"))
        user.look(replace(alerting("high"), busts=(bust(7, reason, avoidable=0.0),)))
        (notice,) = user.notices.recent
        assert (notice.severity, notice.finding) == ("warn", "F4")
        assert notice.text == (
            "2 busts in 50 requests rewrote 365k, 22% of spend; last: idle 6m > 5m TTL"
        )

    def test_the_cache_names_a_cause_that_came_again(self) -> None:
        user = Listener(alerting("off"))
        busts = (bust(7, why("model_switch")), bust(8, why()), bust(9, why()))
        user.look(replace(alerting("high"), busts=busts))
        assert user.notices.recent[-1].text.endswith("of spend; ToolSearch loaded tools x2")

    def test_a_guessed_price_says_so(self) -> None:
        user = Listener(broken())
        user.look(broken(replace(bust(7, why()), estimated=True)))
        assert user.notices.recent[-1].text.endswith("~$0.500 lost")

    def test_a_bust_of_a_sub_agent_names_it(self) -> None:
        user = Listener(BASE)
        agents = sample_session().subagents
        user.look(replace(BASE, busts=(bust(3, why(), thread="a7e03c"),), subagents=agents))
        assert user.notices.recent[0].text.startswith("Explore: ToolSearch loaded tools; rewrote")

    def test_a_long_cause_is_cut(self) -> None:
        user = Listener(broken())
        user.look(broken(bust(7, why("tool_list_changed", detail="tools +x" * 40))))
        assert len(user.notices.recent[0].text) == LONGEST

    def test_serials_grow_and_the_last_few_are_kept(self) -> None:
        user = Listener(broken())
        user.look(broken(*(bust(n, why()) for n in range(2, 40))))
        assert [each.serial for each in user.notices.recent] == list(range(19, 39))
