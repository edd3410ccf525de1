"""What became of requests that no response answers: transcripts.md section 9."""

from collections.abc import Callable, Sequence

import msgspec
import pytest

from ccmon.entries import AnyEntry
from ccmon.insight import unanswered
from ccmon.insight.running import UNSETTLED
from ccmon.insight.summary import Summaries
from ccmon.insight.unanswered import is_own
from ccmon.ledger.attempts import AGENT_ENDED, ENDED, INTERRUPTED, SENT_AGAIN, Sent, State, attempt
from ccmon.ledger.prices import PriceTable
from ccmon.ledger.session import LONGEST_ANSWER, Ledger, SessionLedger
from ccmon.ledger.stream import Stream
from ccmon.measures import Ttl, Usage
from ccmon.requests import Attempt, Request
from ccmon.snapshot import AttemptCounts
from tests.builders import (
    OTHER,
    SESSION,
    START,
    agent_result,
    answer,
    assistant,
    boundary,
    failed,
    feed,
    interrupt,
    prompt,
    sent,
    tokens,
    totals,
    usage,
)
from tests.homes import NOW
from tests.unit.test_summary import FACTS, summed


def attempts_of(*entries: AnyEntry, active: bool = True) -> tuple[Attempt, ...]:
    return summed(entries, active=active).session.attempts


def states(*entries: AnyEntry, active: bool = True) -> list[tuple[str, str]]:
    return [(each.state, each.reason) for each in attempts_of(*entries, active=active)]


def test_an_attempt_that_a_response_refers_to_is_none() -> None:
    assert states(sent("a"), answer("msg_1", "a")) == []


def test_an_answer_may_be_written_before_its_own_request() -> None:
    assert states(answer("msg_1", "a"), sent("a")) == []


def test_one_that_nothing_follows_is_in_flight_while_the_session_runs() -> None:
    (found,) = attempts_of(answer("msg_1", "a"), sent("b", at=START + 9))
    assert (found.state, found.at, found.usage, found.cost) == ("in_flight", START + 9, None, None)


def test_one_that_nothing_follows_is_lost_once_the_session_has_ended() -> None:
    assert states(sent("a"), active=False) == [("lost", ENDED)]


def test_one_before_the_clients_totals_is_lost() -> None:
    assert states(sent("a"), totals()) == [("lost", ENDED)]


def test_one_that_the_user_stopped_is_lost() -> None:
    assert states(sent("a"), interrupt()) == [("lost", INTERRUPTED)]


@pytest.mark.parametrize("refused", [True, False])
def test_an_error_with_a_status_refuses_and_one_without_loses(refused: bool) -> None:
    found = states(sent("a"), failed("529 Overloaded", refused=refused))
    assert found == [("refused" if refused else "lost", "529 Overloaded")]


def test_an_error_speaks_of_the_newest_attempt_alone() -> None:
    found = states(
        sent("a"), failed("529 Overloaded"), sent("b"), failed("reset", refused=False), sent("c")
    )
    assert found == [("refused", "529 Overloaded"), ("lost", "reset"), ("in_flight", "")]


def test_one_that_is_sent_again_is_lost() -> None:
    assert states(sent("a"), sent("b"), answer("msg_1", "b")) == [("lost", SENT_AGAIN)]


def test_a_refused_attempt_has_no_price() -> None:
    (found,) = attempts_of(sent("a"), failed("429 Too many"), sent("b"), answer("msg_1", "b"))
    assert (found.usage, found.cost) == (None, None)


def test_a_lost_one_read_what_was_left_in_the_cache_and_wrote_the_rest() -> None:
    found = attempts_of(
        answer("msg_1", "a", usage(0, 0, 0, 10_000, 5)),
        sent("b"),
        sent("c"),
        answer("msg_2", "c", usage(0, 12_000, 0, 0, 5)),
    )
    assert [each.usage for each in found] == [Usage(0, 2_000, 0, 2_000, 10_000, 0)]
    assert found[0].cost == pytest.approx((2_000 * 8 + 10_000 * 0.2) / 1e6)


def test_a_lost_first_one_wrote_everything() -> None:
    (found,) = attempts_of(sent("a"), sent("b"), answer("msg_1", "b", usage(0, 9_000, 0, 0, 5)))
    assert found.usage == Usage(0, 9_000, 9_000, 0, 0, 0)


class TestGrowth:
    """An attempt is shown as the newest lines have it, though it was reckoned before."""

    def looks(self, *parts: Sequence[AnyEntry]) -> list[Usage | None]:
        ledger = Ledger(PriceTable.load())
        summaries, found = Summaries(ledger.prices), []
        for part in parts:
            feed(ledger, part)
            ledger.settle()
            (only,) = summaries.summarise(ledger.sessions[SESSION], FACTS).session.attempts
            found.append(only.usage)
        return found

    def test_when_its_repetition_gets_another_line(self) -> None:
        first = answer("msg_1", "b", usage(9_000, 0, 0, 0, 1))
        whole = answer("msg_1", "b", usage(0, 0, 9_500, 0, 5))
        assert self.looks([sent("a"), sent("b"), first], [whole]) == [
            Usage(input_tokens=9_000),
            Usage(0, 9_500, 9_500, 0, 0, 0),
        ]

    def test_when_a_later_write_tells_the_tier(self) -> None:
        read = answer("msg_1", "b", usage(0, 9_000, 0, 0, 5))
        later = assistant("msg_2", usage(0, 9_000, 0, 500, 5))
        assert self.looks([sent("a"), sent("b"), read], [later]) == [
            Usage(0, 9_000, 9_000, 0, 0, 0),
            Usage(0, 9_000, 0, 9_000, 0, 0),
        ]

    def test_when_it_is_answered_after_all(self) -> None:
        ledger = Ledger(PriceTable.load())
        summaries = Summaries(ledger.prices)
        feed(ledger, [sent("a"), interrupt()])
        ledger.settle()
        lost = summaries.summarise(ledger.sessions[SESSION], FACTS).session
        feed(ledger, [answer("msg_1", "a")])
        ledger.settle()
        answered = summaries.summarise(ledger.sessions[SESSION], FACTS).session
        assert (lost.attempt_counts.lost, answered.attempt_counts.lost) == (1, 0)


def shown_by(summaries: Summaries, ledger: Ledger) -> object:
    """All that a session tells of its attempts and what they cost."""
    ledger.settle()
    session = summaries.summarise(ledger.sessions[SESSION], FACTS).session
    return msgspec.to_builtins((session.hidden, session.attempts, session.attempt_counts))


class TestFolding:
    """Settled attempts are reckoned once, and again when what they rest on has changed."""

    @staticmethod
    def long(*, written: int = 0) -> list[AnyEntry]:
        """Twelve requests, each of which was lost once; so many tokens are ``written`` by each."""
        return [
            entry
            for number in range(12)
            for entry in (
                sent(f"lost{number}", at=START + number),
                sent(f"sent{number}", at=START + number),
                answer(
                    f"msg_{number}", f"sent{number}", usage(0, 9_000 + 10 * number, written, 0, 5)
                ),
            )
        ]

    @pytest.mark.parametrize("written", [0, 10])
    @pytest.mark.parametrize(
        "later",
        [
            sent("last", at=START + 50),
            answer("msg_3", "sent3", usage(0, 9_030, 0, 4_000, 9)),
            answer("msg_12", "lost2", usage(0, 9_200, 0, 0, 5)),
            answer("msg_12", "sent12", usage(0, 9_200, 0, 300, 5)),
            failed("529 Overloaded"),
            totals(1.0, tokens(0, 900_000, 50_000, 0, 500)),
            boundary(9_000),
        ],
    )
    def test_what_comes_later_is_told_as_if_all_had_been_read_at_once(
        self, later: AnyEntry, written: int
    ) -> None:
        long = self.long(written=written)
        live, fresh = Ledger(PriceTable.load()), Ledger(PriceTable.load())
        summaries = Summaries(live.prices)
        feed(live, long)
        shown_by(summaries, live)
        for ledger in (live, fresh):
            entries = [later] if ledger is live else [*long, later]
            feed(ledger, entries, start=len(long) if ledger is live else 0)
        assert shown_by(summaries, live) == shown_by(Summaries(fresh.prices), fresh)

    def test_one_that_is_answered_late_is_lost_no_more(self) -> None:
        late = answer("msg_12", "lost2", usage(0, 9_200, 0, 0, 5))
        assert summed([*self.long(), late]).session.attempt_counts == AttemptCounts(lost=11)

    def test_a_file_that_has_the_same_ones_takes_them_away(self) -> None:
        ledger = Ledger(PriceTable.load())
        summaries = Summaries(ledger.prices)
        feed(ledger, [prompt(at=START), *self.long()])
        shown_by(summaries, ledger)
        original: list[AnyEntry] = [
            prompt(at=START - 9),
            *(sent(f"lost{number}") for number in range(5)),
        ]
        feed(ledger, original, path="/p/original.jsonl", session=OTHER)
        ledger.settle()
        session = summaries.summarise(ledger.sessions[SESSION], FACTS).session
        assert session.attempt_counts == AttemptCounts(lost=7)
        assert session.hidden is not None
        assert session.hidden.requests == 7

    def test_each_is_reckoned_once(self, monkeypatch: pytest.MonkeyPatch) -> None:
        ledger = Ledger(PriceTable.load())
        summaries = Summaries(ledger.prices)
        feed(ledger, self.long())
        shown_by(summaries, ledger)
        made: list[str] = []

        def noted(
            sent: Sent,
            state: State,
            reason: str,
            after: Request | None,
            tier: Ttl | None,
            prices: PriceTable,
        ) -> Attempt:
            made.append(sent.attempt_id)
            return attempt(sent, state, reason, after, tier, prices)

        monkeypatch.setattr(unanswered, "attempt", noted)
        shown_by(summaries, ledger)
        assert made == [f"lost{number}" for number in range(12 - UNSETTLED, 12)]


def test_a_lost_one_without_a_cache_sent_everything_anew() -> None:
    (found,) = attempts_of(sent("a"), sent("b"), answer("msg_1", "b", usage(9_000, o=5)))
    assert found.usage == Usage(input_tokens=9_000)


def test_nothing_is_known_of_the_prompt_when_the_context_was_another_by_then() -> None:
    (found,) = attempts_of(
        answer("msg_1", "a", usage(0, 0, 90_000, 0, 5)),
        sent("b"),
        boundary(90_000),
        sent("c"),
        answer("msg_2", "c", usage(0, 0, 20_000, 0, 5)),
    )
    assert (found.state, found.usage, found.cost) == ("lost", None, None)


def test_threads_do_not_wait_for_each_other() -> None:
    made = summed([sent("a"), answer("msg_1", "a"), sent("b")], x=[sent("c"), sent("d")])
    found = [(each.thread, each.state) for each in made.session.attempts]
    assert sorted(found) == [("main", "in_flight"), ("x", "in_flight"), ("x", "lost")]


def test_all_in_flight_and_the_newest_fifty_others_are_shown() -> None:
    refused = [
        entry
        for number in range(60)
        for entry in (sent(f"r{number}", at=START + number), failed(f"{number}"))
    ]
    found = summed([*refused, sent("last", at=NOW)]).session
    assert len(found.attempts) == 51
    assert (found.attempts[0].reason, found.attempts[-1].state) == ("10", "in_flight")
    assert found.attempt_counts == AttemptCounts(in_flight=1, refused=60)


class TestSubAgents:
    def state(self, *main: AnyEntry, at: float = START + 3, finished: bool = False) -> str:
        """What becomes of a sub-agent's one attempt, with what the main chain goes on to say."""
        begun: list[AnyEntry] = [prompt(), answer("msg_1", "m1")]
        made = summed([*begun, *main], finished=("x",) if finished else (), x=[sent("a", at=at)])
        (found,) = made.session.attempts
        assert found.reason == (AGENT_ENDED if found.state == "lost" else "")
        return found.state

    def test_one_waits_while_nothing_says_that_the_sub_agent_ended(self) -> None:
        assert self.state() == "in_flight"

    def test_the_result_of_the_sub_agent_ends_what_it_sent_before(self) -> None:
        assert self.state(agent_result("x", at=START + 20)) == "lost"
        assert self.state(agent_result("y", at=START + 20)) == "in_flight"
        assert self.state(agent_result("x", at=START + 2)) == "in_flight"

    def test_a_receipt_ends_nothing(self) -> None:
        assert self.state(agent_result("x", at=START + 20, receipt=True)) == "in_flight"

    @pytest.mark.parametrize("tool", [True, False])
    def test_an_interrupt_of_the_main_chain_ends_what_waits_before_it(self, tool: bool) -> None:
        stop = interrupt(at=START + 20, tool=tool)
        assert self.state(stop) == "lost"
        assert self.state(stop, at=START + 21) == "in_flight"

    def test_an_interrupt_does_not_end_a_sub_agent_in_the_background(self) -> None:
        receipt = agent_result("x", at=START + 2, receipt=True)
        assert self.state(receipt, interrupt(at=START + 20)) == "in_flight"

    def test_one_is_lost_once_the_main_chain_went_on_for_longer_than_an_answer_takes(self) -> None:
        def response(after: float) -> AnyEntry:
            return assistant("msg_2", usage(0, 0, 9_000), at=START + 3 + after)

        assert self.state(response(LONGEST_ANSWER - 1)) == "in_flight"
        assert self.state(response(LONGEST_ANSWER)) == "lost"

    def test_one_of_a_sub_agent_that_has_finished_is_lost(self) -> None:
        assert self.state(finished=True) == "lost"


def own(session: SessionLedger) -> list[Sent]:
    """The session's own attempts without an answer."""
    return [
        sent
        for stream in session.streams.values()
        for sent in stream.traces.attempts.unanswered.values()
        if is_own(stream, sent)
    ]


class TestCopies:
    def unanswered(self, *files: tuple[str, list[AnyEntry]]) -> list[tuple[str, str]]:
        ledger = Ledger(PriceTable.load())
        for session, entries in files:
            feed(ledger, entries, path=f"/p/{session}.jsonl", session=session)
        ledger.settle()
        return sorted(
            (session_id, each.attempt_id)
            for session_id, session in ledger.sessions.items()
            for each in own(session)
        )

    def test_a_line_that_names_another_session_is_a_copy(self) -> None:
        fork: list[AnyEntry] = [prompt(), sent("a", session=SESSION), sent("b", session=OTHER)]
        assert self.unanswered((OTHER, fork)) == [(OTHER, "b")]

    def test_a_line_older_than_the_first_stamp_of_its_file_is_a_copy(self) -> None:
        fork: list[AnyEntry] = [
            prompt(at=START + 100),
            sent("a", at=START, session=OTHER),
            sent("b", at=START + 101, session=OTHER),
        ]
        assert self.unanswered((OTHER, fork)) == [(OTHER, "b")]

    @pytest.mark.parametrize("order", [1, -1])
    def test_an_attempt_in_two_files_belongs_to_the_one_that_began_first(self, order: int) -> None:
        original: list[AnyEntry] = [prompt(at=START), sent("a", at=START + 9)]
        fork: list[AnyEntry] = [prompt(at=START + 5), sent("a", at=START + 9, session=OTHER)]
        files = [(SESSION, original), (OTHER, fork)]
        assert self.unanswered(*files[::order]) == [(SESSION, "a")]

    @pytest.mark.parametrize("order", [1, -1])
    @pytest.mark.parametrize("names", [(SESSION, OTHER), (OTHER, SESSION)])
    def test_one_that_the_original_got_an_answer_to_is_not_lost_to_its_fork(
        self, names: tuple[str, str], order: int
    ) -> None:
        first, second = names
        original: list[AnyEntry] = [
            prompt(),
            sent("a", at=START + 9, session=first),
            answer("msg_1", "a"),
        ]
        fork: list[AnyEntry] = [
            prompt(),
            sent("a", at=START + 9, session=second),
            sent("b", at=START + 15, session=second),
            answer("msg_2", "b"),
        ]
        assert self.unanswered(*[(first, original), (second, fork)][::order]) == []

    def test_a_copy_is_the_forks_own_once_the_file_with_the_answer_is_gone(self) -> None:
        ledger = Ledger(PriceTable.load())
        fork: list[AnyEntry] = [prompt(), sent("a", session=OTHER)]
        feed(ledger, [prompt(), sent("a"), answer("msg_1", "a")], path="/p/original.jsonl")
        feed(ledger, fork, path="/p/fork.jsonl", session=OTHER)
        ledger.settle()
        assert own(ledger.sessions[OTHER]) == []
        ledger.forget("/p/original.jsonl")
        assert ledger.settle() >= {OTHER}
        assert [each.attempt_id for each in own(ledger.sessions[OTHER])] == ["a"]

    def test_owners_are_settled_only_when_attempts_have_changed(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        ledger = Ledger(PriceTable.load())
        feed(ledger, [prompt(), sent("a")])
        ledger.settle()
        asked: list[str] = []
        order: Callable[[Stream], tuple[float, str]] = vars(Stream)["sort_key"].fget

        def noted(stream: Stream) -> tuple[float, str]:
            asked.append(stream.source.path)
            return order(stream)

        monkeypatch.setattr(Stream, "sort_key", property(noted))
        feed(ledger, [prompt()])
        ledger.settle()
        assert asked == []
        feed(ledger, [sent("b")])
        ledger.settle()
        assert len(asked) == 1
