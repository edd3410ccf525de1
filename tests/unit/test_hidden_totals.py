"""Hidden requests as the client's own totals show them, and at which price."""

import pytest
from msgspec.structs import replace

from ccmon.entries import AnyEntry, CostEntry, Iteration, ModelBill, Tokens, UsageLine
from ccmon.insight.summary import Summaries, Summed
from ccmon.ledger.prices import PriceTable
from ccmon.ledger.session import Ledger
from ccmon.measures import Usage
from ccmon.settings import PriceOverride, Settings
from tests.builders import (
    OPUS_5,
    OPUS_5_5,
    OTHER,
    SESSION,
    START,
    assistant,
    boundary,
    feed,
    prompt,
    tokens,
    totals,
    usage,
)
from tests.hiding import WRITTEN, cost_of, hidden_in
from tests.unit.test_summary import FACTS, summed

HAIKU_5_5 = "claude-haiku-5-5"


class TestTheClientsTotals:
    def test_v28_money_alone_leaves_the_difference(self) -> None:
        visible = cost_of(assistant("msg_1", WRITTEN))
        hidden = hidden_in(assistant("msg_1", WRITTEN), totals(visible + 0.07))
        assert hidden.cost == pytest.approx(0.07)
        assert (hidden.requests, hidden.method, hidden.usage) == (1, "exact", None)

    def test_the_clients_guess_of_an_answer_that_was_cut_off_is_no_exact_figure(self) -> None:
        hidden = hidden_in(
            assistant("msg_1", WRITTEN, stop=None), totals(9.0, tokens(0, 0, 100_000, 0, 80))
        )
        assert (hidden.requests, hidden.method) == (0, "estimated")
        assert hidden.usage == Usage(output_tokens=70)

    def test_v28_less_than_the_visible_says_nothing_and_is_noted(self) -> None:
        visible = cost_of(assistant("msg_1", WRITTEN))
        made = summed([assistant("msg_1", WRITTEN), totals(visible - 0.07)])
        assert made.session.hidden is None
        assert made.session.lower_bound_reasons == ()
        assert made.conflict

    def test_fewer_tokens_than_the_visible_say_nothing_and_are_noted(self) -> None:
        made = summed([assistant("msg_1", WRITTEN), totals(9.0, tokens(5, 0, 99_999, 0, 10))])
        assert (made.session.hidden, made.conflict) == (None, True)

    def test_usage_is_priced_by_the_table_and_the_last_totals_count(self) -> None:
        hidden = hidden_in(
            assistant("msg_1", WRITTEN),
            totals(0.1, tokens(7, 0, 100_000, 0, 10)),
            totals(0.2, tokens(1_000, 2_000, 100_500, 0, 310)),
        )
        assert hidden.usage == Usage(1_000, 500, 500, 0, 2_000, 300)
        price = PriceTable.load().price(OPUS_5_5, START, prompt_tokens=0)
        assert price is not None
        assert hidden.cost == pytest.approx(
            1_000 * price.input + 500 * price.write_5m + 2_000 * price.read + 300 * price.output
        )

    def test_the_long_window_is_the_same_model(self) -> None:
        line = tokens(0, 0, 100_000, 0, 10)
        made = summed([assistant("msg_1", WRITTEN), totals(0.5, line, model=f"{OPUS_5_5}[1m]")])
        assert (made.session.hidden, made.conflict) == (None, False)

    def test_writes_without_a_split_take_the_tier_of_the_thread(self) -> None:
        line = replace(tokens(0, 0, 100_500, 0, 10), cache_creation_5m=0, split_known=False)
        hidden = hidden_in(assistant("msg_1", usage(0, 0, 0, 100_000, 10)), totals(0.5, line))
        assert hidden.usage == Usage(0, 500, 0, 500, 0, 0)

    def test_a_model_without_a_price_costs_what_the_client_says(self) -> None:
        entry = assistant("msg_1", WRITTEN, model="claude-nova-9")
        more = tokens(50, 0, 100_000, 0, 10)
        hidden = hidden_in(entry, totals(0.3, more, model="claude-nova-9"))
        assert hidden.cost == pytest.approx(0.3)
        guessed = replace(totals(0.3, more, model="claude-nova-9"), guessed=True)
        assert hidden_in(entry, guessed).cost is None

    def test_calls_of_an_advisor_are_visible(self) -> None:
        advice = Iteration("advisor_message", OPUS_5, tokens(700, o=30))
        line = usage(0, 0, 100_000, 0, 10, iterations=[advice])
        bill = CostEntry(
            SESSION,
            1.0,
            models=(
                ModelBill(OPUS_5_5, tokens(0, 0, 100_000, 0, 10)),
                ModelBill(OPUS_5, tokens(700, o=30)),
            ),
        )
        made = summed([assistant("msg_1", line), bill])
        assert (made.session.hidden, made.conflict) == (None, False)

    def test_a_request_without_a_trace_is_told_as_one(self) -> None:
        made = summed([assistant("msg_1", WRITTEN), totals(1.0, tokens(900, 0, 100_000, 0, 20))])
        assert made.session.hidden is not None
        assert made.session.hidden.requests == 1
        assert made.session.lower_bound_reasons == ("side",)
        assert [model.cost_is_lower_bound for model in made.models] == [True]

    def test_nothing_more_leaves_the_cost_as_it_is(self) -> None:
        made = summed([assistant("msg_1", WRITTEN), totals(1.0, tokens(0, 0, 100_000, 0, 10))])
        assert made.session.hidden is None
        assert not made.session.cost_is_lower_bound

    def test_they_count_only_in_their_own_session(self) -> None:
        alien = totals(9.0, tokens(5, 5, 100_005, 0, 15), session=OTHER)
        made = summed([assistant("msg_1", WRITTEN), alien])
        assert (made.session.hidden, made.conflict) == (None, False)

    def test_totals_that_fall_are_of_two_processes_and_count_for_nothing(self) -> None:
        made = summed(
            [
                assistant("msg_1", WRITTEN),
                totals(9.0, tokens(90_000, 0, 100_000, 0, 10)),
                totals(8.0, tokens(80_000, 0, 100_000, 0, 10)),
            ]
        )
        assert (made.session.hidden, made.conflict) == (None, True)

    def test_what_comes_after_them_is_not_held_against_them(self) -> None:
        made = summed(
            [
                assistant("msg_1", WRITTEN),
                totals(1.0, tokens(0, 0, 100_000, 0, 10)),
                assistant("msg_2", WRITTEN),
            ]
        )
        assert (made.session.hidden, made.conflict) == (None, False)

    def test_sub_agents_are_in_them_up_to_the_next_line(self) -> None:
        both = tokens(0, 0, 200_000, 0, 20)
        main: list[AnyEntry] = [assistant("msg_1", WRITTEN), totals(1.0, both)]
        later: list[AnyEntry] = [prompt(at=START + 100), assistant("m", WRITTEN, at=START + 101)]
        agent = [
            assistant("msg_a", WRITTEN, at=START + 50),
            assistant("msg_b", WRITTEN, at=START + 150),
        ]
        assert summed([*main, *later], a=agent).session.hidden is None
        assert summed(main, a=agent).conflict

    def test_a_response_that_gets_its_last_line_later_is_counted_anew(self) -> None:
        ledger = Ledger(PriceTable.load())
        feed(ledger, [assistant("msg_1", usage(0, 0, 100_000, 0, 1)), assistant("msg_2", WRITTEN)])
        feed(ledger, [totals(1.0, tokens(0, 0, 200_000, 0, 20))])
        summaries = Summaries(ledger.prices)

        def look() -> Summed:
            ledger.settle()
            return summaries.summarise(ledger.sessions[SESSION], FACTS)

        before = look().session.hidden
        assert before is not None
        assert before.usage == Usage(output_tokens=9)
        feed(ledger, [assistant("msg_1", WRITTEN)])
        assert look().session.hidden is None


def bill(line: Tokens, cost: float | None, *, model: str = OPUS_5_5) -> CostEntry:
    """Totals that price what they count at ``cost``."""
    return CostEntry(SESSION, cost or 0.0, models=(ModelBill(model, line, cost=cost),))


def unsplit(line: Tokens) -> Tokens:
    """Counts whose writes have no split."""
    return replace(line, cache_creation_5m=0, cache_creation_1h=0, split_known=False)


class TestTheClientsPrice:
    """What the totals do not tell of a hidden request, the client knew when it priced it."""

    LONG = assistant("msg_1", usage(0, 0, 0, 100_000, 10))
    VISIBLE = 0.8 + 10 * 20e-6
    """Its cost at the prices of Opus 5.5."""

    def told(self, *entries: AnyEntry) -> tuple[float | None, str]:
        hidden = hidden_in(*entries)
        return (None if hidden.cost is None else round(hidden.cost, 9), hidden.method)

    def test_it_tells_the_tier_of_writes_without_a_split(self) -> None:
        line = unsplit(tokens(0, 0, 0, 200_000, 10))
        assert self.told(self.LONG, bill(line, self.VISIBLE + 0.5)) == (0.5, "exact")
        assert self.told(self.LONG, bill(line, self.VISIBLE + 0.8)) == (0.8, "exact")
        assert self.told(self.LONG, bill(line, self.VISIBLE + 0.6)) == (0.6, "exact")

    def test_without_it_the_tier_is_a_guess(self) -> None:
        line = unsplit(tokens(0, 0, 0, 200_000, 10))
        assert self.told(self.LONG, bill(line, None)) == (0.8, "estimated")

    def test_a_figure_that_no_price_explains_bears_out_no_guess(self) -> None:
        line = unsplit(tokens(0, 0, 0, 200_000, 10))
        for cost in (0.1, self.VISIBLE + 0.4, self.VISIBLE + 2.0):
            assert self.told(self.LONG, bill(line, cost)) == (0.8, "estimated")

    def test_a_figure_that_no_price_explains_does_not_shake_what_is_no_guess(self) -> None:
        line = tokens(0, 0, 0, 200_000, 10)
        assert self.told(self.LONG, bill(line, 9.0)) == (0.8, "exact")

    def test_it_tells_whether_a_prompt_was_long(self) -> None:
        visible = assistant("msg_1", usage(0, 99_000, 0, 0, 10), model=HAIKU_5_5)
        own = 99_000 * 0.01e-6 + 10 * 0.5e-6
        line = tokens(0, 99_000 + 150_000, 0, 0, 10)
        assert self.told(visible, bill(line, own + 0.0075, model=HAIKU_5_5)) == (0.0075, "exact")
        assert self.told(visible, bill(line, own + 0.0015, model=HAIKU_5_5)) == (0.0015, "exact")
        assert self.told(visible, bill(line, None, model=HAIKU_5_5)) == (0.0015, "estimated")

    def test_a_prompt_within_the_first_step_is_certain(self) -> None:
        visible = assistant("msg_1", usage(0, 99_000, 0, 0, 10), model=HAIKU_5_5)
        line = tokens(0, 199_000, 0, 0, 10)
        assert self.told(visible, bill(line, None, model=HAIKU_5_5)) == (0.001, "exact")

    def test_a_long_compaction_is_priced_as_a_long_prompt(self) -> None:
        hidden = self.told(
            assistant("msg_1", usage(0, 150_000, 0, 0, 10), model=HAIKU_5_5),
            boundary(150_000),
            bill(tokens(0, 300_000, 0, 0, 10), None, model=HAIKU_5_5),
        )
        assert hidden == (0.0075, "estimated")

    @pytest.mark.parametrize("factor", [2.0, 1.1, 2.2])
    def test_it_tells_of_fast_requests_and_of_dearer_places(self, factor: float) -> None:
        line = tokens(10_000, 0, 0, 100_000, 10)
        cost = round(0.04 * factor, 9)
        assert self.told(self.LONG, bill(line, self.VISIBLE + cost)) == (cost, "exact")

    def test_it_is_not_used_where_the_visible_cost_is_a_guess(self) -> None:
        guessed = assistant("msg_1", replace(WRITTEN, tokens=unsplit(WRITTEN.tokens)))
        line = tokens(0, 0, 200_000, 0, 10)
        assert self.told(guessed, bill(line, 0.0002 + 0.5 + 0.8)) == (0.5, "estimated")

    def test_it_is_not_held_against_the_users_own_prices(self) -> None:
        own = PriceOverride(input=1.0, write_5m=5.0, write_1h=8.0, read=0.2, output=20.0)
        ledger = Ledger(PriceTable.load(Settings(prices={OPUS_5_5: own})))
        feed(ledger, [self.LONG, bill(tokens(10_000, 0, 0, 100_000, 10), self.VISIBLE + 0.04)])
        ledger.settle()
        hidden = Summaries(ledger.prices).summarise(ledger.sessions[SESSION], FACTS).session.hidden
        assert hidden is not None
        assert hidden.cost == pytest.approx(0.01)

    @pytest.mark.parametrize("hiding", [OPUS_5_5, OPUS_5])
    def test_it_is_not_used_where_an_advisor_of_another_model_is_in_the_visible_cost(
        self, hiding: str
    ) -> None:
        advice = Iteration("advisor_message", OPUS_5, tokens(700, o=30))
        entry = assistant("msg_1", usage(0, 0, 0, 100_000, 10, iterations=[advice]))
        seen = {OPUS_5_5: tokens(0, 0, 0, 100_000, 10), OPUS_5: tokens(700, o=30)}
        more = replace(seen[hiding], cache_creation=seen[hiding].cache_creation + 100_000)
        bills = {**seen, hiding: unsplit(more)}
        costs = {OPUS_5_5: self.VISIBLE, OPUS_5: 0.01, hiding: self.VISIBLE + 0.65}
        models = tuple(ModelBill(model, bills[model], cost=costs[model]) for model in bills)
        long = {OPUS_5_5: 0.8, OPUS_5: 1.0}[hiding]
        assert self.told(entry, CostEntry(SESSION, 9.0, models=models)) == (long, "estimated")

    def test_money_alone_beside_a_visible_guess_is_estimated(self) -> None:
        guessed = assistant("msg_1", replace(WRITTEN, tokens=unsplit(WRITTEN.tokens)))
        assert self.told(guessed, totals(cost_of(guessed) + 0.07)) == (0.07, "estimated")

    @pytest.mark.parametrize(
        ("seen", "said"),
        [
            (usage(0, 0, 100_000, 0, 10), tokens(0, 0, 0, 100_500, 10)),
            (usage(0, 0, 0, 100_000, 10), tokens(0, 0, 100_500, 0, 10)),
        ],
    )
    def test_a_split_that_contradicts_the_visible_one_is_not_believed(
        self, seen: UsageLine, said: Tokens
    ) -> None:
        hidden = hidden_in(assistant("msg_1", seen), bill(said, None))
        assert hidden.usage is not None
        short = 500 if seen.tokens.cache_creation_5m else 0
        assert hidden.usage == Usage(0, 500, short, 500 - short, 0, 0)
        assert hidden.method == "estimated"
