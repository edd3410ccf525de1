"""Hidden requests: by the client's own totals, by estimate, never by both."""

from collections.abc import Sequence

import pytest
from msgspec.structs import replace

from ccmon.entries import AnyEntry
from ccmon.insight.summary import Summaries, Summed
from ccmon.ledger.prices import PriceTable
from ccmon.ledger.session import Ledger
from ccmon.measures import Usage
from tests.builders import (
    OTHER,
    SESSION,
    START,
    answer,
    assistant,
    boundary,
    failed,
    feed,
    interrupt,
    prompt,
    sent,
    summary,
    tokens,
    totals,
    usage,
)
from tests.hiding import WRITTEN, hidden_in
from tests.unit.test_summary import FACTS, summed

HAIKU_5_5 = "claude-haiku-5-5"


class TestForks:
    def forked(self, line: AnyEntry) -> dict[str, Summed]:
        original = [assistant("msg_1", WRITTEN, at=START)]
        fork: list[AnyEntry] = [
            prompt(at=START + 10),
            assistant("msg_1", WRITTEN, at=START, session=OTHER, payer=SESSION),
            assistant("msg_2", WRITTEN, at=START + 11, session=OTHER),
            line,
        ]
        ledger = Ledger(PriceTable.load())
        feed(ledger, original)
        feed(ledger, fork, path=f"/p/{OTHER}.jsonl", session=OTHER)
        ledger.settle()
        summaries = Summaries(ledger.prices)
        return {name: summaries.summarise(each, FACTS) for name, each in ledger.sessions.items()}

    def test_totals_that_equal_everything_in_the_file_hide_nothing(self) -> None:
        both = tokens(0, 0, 200_000, 0, 20)
        made = self.forked(totals(1.0, both, session=OTHER))
        assert [each.session.hidden for each in made.values()] == [None, None]
        assert not any(each.conflict for each in made.values())

    def test_totals_that_hold_more_say_nothing_of_the_fork(self) -> None:
        more = tokens(500, 0, 200_000, 0, 20)
        made = self.forked(totals(1.0, more, session=OTHER))
        assert made[OTHER].session.hidden is None
        assert not made[OTHER].conflict


class TestCompactions:
    def test_v29_is_estimated(self) -> None:
        hidden = hidden_in(
            assistant("msg_1", WRITTEN), boundary(144_139), summary(round(4_630 / 0.486))
        )
        assert hidden.cost == pytest.approx(0.121428, abs=1e-6)
        assert (hidden.requests, hidden.method) == (1, "estimated")
        assert hidden.usage is not None
        assert hidden.usage.cache_read_input_tokens == 144_139

    def test_one_before_the_totals_is_in_them_and_not_added(self) -> None:
        made = summed(
            [
                assistant("msg_1", WRITTEN),
                boundary(100_000),
                totals(1.0, tokens(0, 101_000, 100_000, 0, 400)),
            ]
        ).session
        assert made.hidden is not None
        assert made.hidden.usage == Usage(cache_read_input_tokens=101_000, output_tokens=390)
        assert (made.hidden.requests, made.hidden.method) == (1, "exact")
        assert made.lower_bound_reasons == ("compaction",)

    def test_one_after_the_totals_is_added_as_estimated(self) -> None:
        hidden = hidden_in(
            assistant("msg_1", WRITTEN),
            totals(1.0, tokens(500, 0, 100_000, 0, 10)),
            boundary(100_000, at=START + 60),
            assistant("msg_2", WRITTEN, at=START + 70),
        )
        assert (hidden.requests, hidden.method) == (2, "estimated")
        assert hidden.usage is not None
        assert hidden.usage.prompt_tokens == 100_500

    def test_one_before_totals_that_show_nothing_is_none(self) -> None:
        made = summed(
            [
                assistant("msg_1", WRITTEN),
                boundary(100_000),
                totals(1.0, tokens(0, 0, 100_000, 0, 10)),
                boundary(90_000, at=START + 60),
                assistant("msg_2", WRITTEN, at=START + 70),
            ]
        ).session
        assert made.hidden is not None
        assert made.hidden.requests == 1
        assert made.hidden.usage is not None
        assert made.hidden.usage.cache_read_input_tokens == 90_000

    def test_much_more_than_it_can_have_read_is_a_request_more(self) -> None:
        made = summed(
            [
                assistant("msg_1", WRITTEN),
                boundary(100_000),
                totals(1.0, tokens(0, 150_000, 100_000, 0, 400)),
            ]
        ).session
        assert made.hidden is not None
        assert made.hidden.requests == 2
        assert made.lower_bound_reasons == ("compaction", "side")


class TestLostAttempts:
    LOST: Sequence[AnyEntry] = (
        answer("msg_1", "a", usage(0, 0, 50_000, 0, 5)),
        sent("b"),
        failed("reset", refused=False),
        sent("c"),
        answer("msg_2", "c", usage(0, 51_000, 0, 0, 5)),
    )

    def test_one_is_estimated_and_makes_a_lower_bound(self) -> None:
        made = summed(self.LOST).session
        assert made.hidden is not None
        assert made.hidden.usage == Usage(0, 1_000, 1_000, 0, 50_000, 0)
        assert (made.hidden.requests, made.hidden.method) == (1, "estimated")
        assert made.lower_bound_reasons == ("attempt",)

    def test_one_that_the_totals_have_is_not_added(self) -> None:
        hidden = hidden_in(*self.LOST, totals(1.0, tokens(0, 101_000, 51_000, 0, 12)))
        assert hidden.usage == Usage(0, 1_000, 1_000, 0, 50_000, 2)
        assert (hidden.requests, hidden.method) == (1, "exact")

    def test_one_that_the_totals_missed_is_added(self) -> None:
        hidden = hidden_in(*self.LOST, totals(1.0, tokens(0, 51_000, 50_000, 0, 10)))
        assert hidden.usage == Usage(0, 1_000, 1_000, 0, 50_000, 0)
        assert (hidden.requests, hidden.method) == (1, "estimated")

    def test_one_that_no_room_is_left_for_beside_a_compaction_is_added(self) -> None:
        line = tokens(0, 51_000 + 100_500, 51_000, 0, 210)
        hidden = hidden_in(*self.LOST, boundary(100_000, at=START), totals(1.0, line))
        assert hidden.usage == Usage(0, 2_000, 2_000, 0, 100_500 + 50_000, 200)
        assert (hidden.requests, hidden.method) == (2, "estimated")

    @pytest.mark.parametrize(("later", "method"), [(False, "exact"), (True, "estimated")])
    def test_one_of_a_sub_agent_is_in_the_totals_if_it_was_sent_before_them(
        self, later: bool, method: str
    ) -> None:
        since = 200 if later else 0
        agent: list[AnyEntry] = [
            answer("msg_a", "a", usage(0, 0, 50_000, 0, 5)),
            sent("b", at=START + since),
            sent("c", at=START + since),
            replace(answer("msg_b", "c", usage(0, 51_000, 0, 0, 5)), timestamp=START + since + 1),
        ]
        seen = tokens(0, 0 if later else 51_000, 150_000, 0, 15 if later else 20)
        more = tokens(0, seen.cache_read + 50_000, 151_000, 0, seen.output)
        main: list[AnyEntry] = [assistant("msg_1", WRITTEN), totals(1.0, more)]
        main += [prompt(at=START + 100), assistant("msg_2", WRITTEN, at=START + 101)]
        found = summed(main, a=agent).session.hidden
        assert found is not None
        assert (found.requests, found.method) == (2 if later else 1, method)

    def test_one_whose_prompt_nothing_repeats_counts_without_a_price(self) -> None:
        made = summed([sent("a")], active=False).session
        assert made.hidden is not None
        assert (made.hidden.requests, made.hidden.cost, made.hidden.usage) == (1, None, None)

    def test_one_in_flight_is_not_hidden(self) -> None:
        made = summed([answer("msg_1", "a"), sent("b")]).session
        assert (made.hidden, made.lower_bound_reasons) == (None, ())


class TestInterrupts:
    def test_one_without_totals_after_it_makes_a_lower_bound(self) -> None:
        made = summed([assistant("msg_1", WRITTEN), interrupt()]).session
        assert (made.hidden, made.lower_bound_reasons) == (None, ("interrupt",))

    def test_one_of_a_tool_stops_no_request(self) -> None:
        made = summed([assistant("msg_1", WRITTEN, stop="tool_use"), interrupt(tool=True)]).session
        assert made.lower_bound_reasons == ()

    def test_one_of_a_tool_does_so_while_the_response_is_unfinished(self) -> None:
        made = summed([assistant("msg_1", WRITTEN, stop=None), interrupt(tool=True)]).session
        assert "interrupt" in made.lower_bound_reasons

    def test_one_of_a_tool_does_so_while_an_attempt_waits(self) -> None:
        made = summed([assistant("msg_1", WRITTEN), sent("a"), interrupt(tool=True)]).session
        assert made.lower_bound_reasons == ("attempt", "interrupt")

    def test_one_of_a_tool_does_not_hide_one_of_a_request_before_it(self) -> None:
        lines: list[AnyEntry] = [interrupt(), assistant("msg_1", WRITTEN), interrupt(tool=True)]
        assert summed(lines).session.lower_bound_reasons == ("interrupt",)

    def test_one_before_the_totals_is_in_them(self) -> None:
        everything = totals(1.0, tokens(0, 0, 100_000, 0, 10))
        made = summed([assistant("msg_1", WRITTEN), interrupt(), everything]).session
        assert (made.hidden, made.lower_bound_reasons) == (None, ())

    def test_one_of_a_sub_agent_makes_its_cost_a_lower_bound(self) -> None:
        agent: list[AnyEntry] = [assistant("msg_2", WRITTEN), interrupt()]
        made = summed([assistant("msg_1", WRITTEN)], a=agent).session
        assert made.subagents[0].cost_is_lower_bound
        assert made.lower_bound_reasons == ("interrupt",)
