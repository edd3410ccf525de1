"""What a session shows beyond its requests: sums with sub-agents, hidden calls, lower bounds."""

from collections.abc import Sequence

import pytest
from msgspec.structs import replace

from ccmon.entries import AnyEntry, Iteration
from ccmon.insight.summary import Facts, Summaries, Summed
from ccmon.ledger.prices import PriceTable
from ccmon.ledger.session import Ledger
from tests.builders import OPUS_5, SESSION, START, assistant, boundary, feed, tokens, usage

FACTS = Facts("shop-api", "busy", True, None, {}, frozenset())


def summed(
    main: Sequence[AnyEntry], *, active: bool = True, **agents: Sequence[AnyEntry]
) -> Summed:
    ledger = Ledger(PriceTable.load())
    feed(ledger, main)
    for agent, entries in agents.items():
        path = f"/p/{SESSION}/subagents/agent-{agent}.jsonl"
        feed(ledger, entries, path=path, agent=agent)
    ledger.settle()
    return Summaries(ledger.prices).summarise(
        ledger.sessions[SESSION], replace(FACTS, active=active)
    )


def request(message_id: str, *, at: float = START, model: str = OPUS_5) -> AnyEntry:
    return assistant(message_id, usage(2, 100_000, 0, 1_000, 10), at=at, model=model)


def test_a_compaction_hides_a_call_and_makes_the_cost_a_lower_bound() -> None:
    session = summed([request("msg_1"), boundary(100_000), request("msg_2")]).session
    assert session.hidden is not None
    assert session.hidden.requests == 1
    assert session.hidden.cost == pytest.approx((100_000 * 0.5 + 5_000 * 25) / 1e6)
    assert (session.cost_is_lower_bound, session.lower_bound_reasons) == (True, ("compaction",))


def test_a_compaction_of_a_sub_agent_hides_a_call_too() -> None:
    made = summed([request("msg_1")], a=[request("msg_2"), boundary(100_000), request("msg_3")])
    session = made.session
    assert session.hidden is not None
    assert session.compactions == ()
    assert session.cost_is_lower_bound
    assert session.subagents[0].cost_is_lower_bound
    assert [totals.cost_is_lower_bound for totals in made.models] == [True]


def test_a_call_left_in_an_agent_file_serves_the_nearest_boundary_alone() -> None:
    session = summed(
        [
            request("msg_1", at=START),
            boundary(100_000, at=START + 100),
            request("msg_2", at=START + 200),
            boundary(100_000, at=START + 700),
            request("msg_3", at=START + 800),
        ],
        acompact1=[request("msg_call", at=START + 690)],
    ).session
    assert [item.method for item in session.compactions] == ["estimated", "exact"]
    assert session.compactions[1].cost == session.subagents[0].cost
    assert session.hidden is not None
    assert session.hidden.requests == 1


def test_a_model_that_is_priced_in_part_is_a_lower_bound() -> None:
    fast = assistant("msg_2", usage(2, o=10, speed="fast"), model="claude-opus-4-5")
    made = summed([request("msg_1", model="claude-opus-4-5"), fast])
    assert made.session.unpriced_requests == 1
    assert made.session.lower_bound_reasons == ("unpriced",)
    assert [totals.cost_is_lower_bound for totals in made.models] == [True]
    assert made.models[0].cost == made.session.cost


def test_drag_says_nothing_before_the_second_request_of_a_segment() -> None:
    drag = summed([request("msg_1")]).session.drag
    assert drag is not None
    assert (drag.d, drag.o, drag.carried, drag.compact, drag.base_tokens) == (None,) * 5
    drag = summed([request("msg_1"), request("msg_2")]).session.drag
    assert drag is not None
    assert drag.compact is not None
    assert drag.carried == 0.0


def test_the_context_shown_is_the_newest_that_a_request_really_read() -> None:
    title = assistant("msg_title", usage(300, o=9), at=START + 60)
    session = summed([request("msg_1"), title]).session
    assert session.context is not None
    assert session.context.tokens == 101_002
    assert session.last_request_at == START + 60
    assert session.request_count == 2


def test_a_bust_found_what_its_first_call_found() -> None:
    calls = [
        Iteration("message", None, tokens(0, 20_000, 0, 81_000, 20)),
        Iteration("message", None, tokens(0, 101_000, 0, 500, 30)),
    ]
    searching = usage(0, 121_000, 0, 81_500, 50, iterations=calls)
    session = summed([request("msg_1"), assistant("msg_2", searching, at=START + 60)]).session
    (bust,) = session.busts
    assert (bust.cache_read, bust.message_id) == (20_000, "msg_2")
    assert (bust.expected_read, bust.rewritten) == (101_000, 81_000)


def test_agents_stand_in_the_order_of_their_first_request() -> None:
    later, sooner = [request("msg_2", at=START + 9)], [request("msg_3", at=START + 5)]
    session = summed([request("msg_1")], a=later, b=sooner).session
    assert [agent.agent_id for agent in session.subagents] == ["b", "a"]
    assert session.request_count == 3
