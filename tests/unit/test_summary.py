"""What a session shows beyond its requests: sums with sub-agents, hidden calls, lower bounds."""

from collections.abc import Sequence

import pytest
from msgspec.structs import replace

from ccmon.entries import AnyEntry, Iteration, Tokens, UsageLine
from ccmon.insight.summary import Facts, Summaries, Summed
from ccmon.ledger.prices import PriceTable
from ccmon.ledger.session import Ledger
from ccmon.snapshot import Subagent
from ccmon.transcripts.locate import AgentMeta
from tests.builders import (
    OPUS_5,
    OPUS_5_5,
    SESSION,
    START,
    assistant,
    boundary,
    feed,
    price_of,
    tokens,
    usage,
)

FACTS = Facts("shop-api", "busy", True, None, {}, frozenset())


def summed(
    main: Sequence[AnyEntry],
    *,
    active: bool = True,
    finished: Sequence[str] = (),
    **agents: Sequence[AnyEntry],
) -> Summed:
    ledger = Ledger(PriceTable.load())
    feed(ledger, main)
    for agent, entries in agents.items():
        path = f"/p/{SESSION}/subagents/agent-{agent}.jsonl"
        feed(ledger, entries, path=path, agent=agent)
    ledger.settle()
    return Summaries(ledger.prices).summarise(
        ledger.sessions[SESSION],
        replace(
            FACTS,
            active=active,
            agents={agent: AgentMeta(finished=True) for agent in finished},
        ),
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


def test_after_a_compaction_all_that_lies_ahead_starts_from_what_it_left() -> None:
    context = 200_000
    before = [
        assistant("msg_1", usage(0, 0, 0, context, 100), at=START),
        assistant("msg_2", usage(0, context, 0, 2_000, 100), at=START + 60),
    ]
    full = summed(before).session
    session = summed([*before, boundary(202_000, 12_000, at=START + 90)]).session
    assert (session.context, session.next_request, session.drag) != (None, None, None)
    assert session.context is not None
    assert session.next_request is not None
    assert session.drag is not None
    assert full.next_request is not None
    assert (session.context.tokens, session.context.current) == (202_000, 30_000)
    price = price_of(OPUS_5_5)
    assert session.next_request.reread == pytest.approx(18_000 * price.read)
    ahead = 12_000 + 2_000
    assert session.next_request.fresh == pytest.approx(
        ahead * price.write_1h + 100 * price.output
    ), "what the compaction wrote is read for the first time"
    assert session.next_request.cold == pytest.approx(32_000 * price.write_1h + 100 * price.output)
    assert session.next_request.lapse == pytest.approx(18_000 * (price.write_1h - price.read))
    assert (session.next_request.estimated, full.next_request.estimated) == (True, False)
    assert (session.drag.state, session.drag.o, session.drag.compact) == ("off", None, None)


def test_a_tier_that_no_write_tells_is_a_guess() -> None:
    unsplit = UsageLine(Tokens(input=2, cache_creation=100_000, output=10))
    session = summed([assistant("msg_1", unsplit)], a=[request("msg_2", at=START + 9)]).session
    assert session.cache is not None
    assert (session.cache.ttl, session.cache.ttl_is_estimated) == ("5m", True)
    assert session.cost_is_estimated
    agent = session.subagents[0].cache
    assert agent is not None
    assert (agent.ttl, agent.ttl_is_estimated) == ("1h", False)


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


def test_money_is_a_lower_bound_where_requests_without_a_price_carried_the_items_too() -> None:
    priced, unpriced = request("msg_1"), request("msg_2", model="someone-else-7b")
    for requests, expected in (
        ([priced, unpriced], True),
        ([priced], False),
        ([unpriced], False),
    ):
        session = summed([request("msg_0")], a=requests).session
        assert session.inventory is not None
        assert not session.inventory.cost_is_lower_bound
        (agent,) = session.subagents
        assert agent.inventory is not None
        assert agent.inventory.cost_is_lower_bound is expected


def test_agents_stand_in_the_order_of_their_first_request() -> None:
    later, sooner = [request("msg_2", at=START + 9)], [request("msg_3", at=START + 5)]
    session = summed([request("msg_1")], a=later, b=sooner).session
    assert [agent.agent_id for agent in session.subagents] == ["b", "a"]
    assert session.request_count == 3


class TestAgentsThatStandStill:
    """A session of three agents; what happens to one of them makes no other anew."""

    @pytest.fixture(autouse=True)
    def session(self) -> None:
        self.ledger = Ledger(PriceTable.load())
        self.summaries = Summaries(self.ledger.prices)
        self.facts = FACTS
        feed(self.ledger, [request("msg_1")])
        for number, agent in enumerate("abc"):
            self.feed_agent(agent, request(f"msg_{agent}", at=START + number))

    def feed_agent(self, agent: str, *entries: AnyEntry) -> None:
        path = f"/p/{SESSION}/subagents/agent-{agent}.jsonl"
        feed(self.ledger, entries, path=path, agent=agent)

    def shown(self) -> tuple[Subagent, ...]:
        self.ledger.settle()
        return self.summaries.summarise(self.ledger.sessions[SESSION], self.facts).session.subagents

    def same(self, before: Sequence[Subagent]) -> str:
        """The agents that are the very objects of before."""
        now = self.shown()
        assert [each.agent_id for each in now] == ["a", "b", "c"]
        return "".join(new.agent_id for old, new in zip(before, now, strict=True) if old is new)

    def test_a_request_of_the_main_thread_makes_none_anew(self) -> None:
        before = self.shown()
        feed(self.ledger, [request("msg_2", at=START + 60)])
        assert self.same(before) == "abc"

    def test_a_request_of_one_makes_that_one_anew(self) -> None:
        before = self.shown()
        self.feed_agent("b", request("msg_b2", at=START + 60))
        assert self.same(before) == "ac"
        assert len(self.shown()[1].requests) == 2

    def test_what_becomes_known_of_one_makes_that_one_anew(self) -> None:
        before = self.shown()
        self.facts = replace(FACTS, agents={"b": AgentMeta(agent_type="Explore")})
        assert self.same(before) == "ac"
        assert self.shown()[1].type == "Explore"

    def test_one_that_ends_its_activity_is_made_anew(self) -> None:
        self.facts = replace(FACTS, recent=frozenset("bc"))
        before = self.shown()
        self.facts = replace(FACTS, recent=frozenset("c"))
        assert self.same(before) == "ac"
        assert [each.active for each in self.shown()] == [False, False, True]

    def test_a_session_that_was_let_go_is_made_anew(self) -> None:
        before = self.shown()
        self.summaries.keep_only(set())
        assert self.same(before) == ""
