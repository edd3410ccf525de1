"""Prices per request, ids and windows. Figures: accounting.md, section 1.1."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccmon.errors import CcmonError
from ccmon.ledger.prices import PriceTable
from ccmon.measures import Price
from ccmon.settings import PriceOverride, Rates, Settings
from tests import make_prices

TABLE = PriceTable.load()
SHORT_PROMPT = 1_000

KNOWN = [
    ("claude-opus-5-5", 4, 5, 8, 0.20, 20),
    ("claude-sonnet-5-5", 2, 2.50, 4, 0.10, 10),
    ("claude-fable-5-2", 8, 10, 16, 0.20, 40),
    ("claude-mythos-5-2", 8, 10, 16, 0.20, 40),
    ("claude-fable-5-1", 10, 12.50, 20, 0.25, 50),
    ("claude-mythos-5-1", 10, 12.50, 20, 0.25, 50),
    ("claude-fable-5", 10, 12.50, 20, 1.00, 50),
    ("claude-mythos-5", 10, 12.50, 20, 1.00, 50),
    ("claude-opus-5", 5, 6.25, 10, 0.50, 25),
    ("claude-opus-4-8", 5, 6.25, 10, 0.50, 25),
    ("claude-opus-4-7", 5, 6.25, 10, 0.50, 25),
    ("claude-opus-4-6", 5, 6.25, 10, 0.50, 25),
    ("claude-opus-4-5", 5, 6.25, 10, 0.50, 25),
    ("claude-opus-4-1", 15, 18.75, 30, 1.50, 75),
    ("claude-opus-4", 15, 18.75, 30, 1.50, 75),
    ("claude-sonnet-5", 2, 2.50, 4, 0.20, 10),
    ("claude-sonnet-4-6", 3, 3.75, 6, 0.30, 15),
    ("claude-sonnet-4-5", 3, 3.75, 6, 0.30, 15),
    ("claude-sonnet-4", 3, 3.75, 6, 0.30, 15),
    ("claude-haiku-5-5", 0.10, 0.125, 0.20, 0.01, 0.50),
    ("claude-haiku-4-5", 1, 1.25, 2, 0.10, 5),
    ("claude-3-5-haiku", 0.80, 1, 1.60, 0.08, 4),
]


def day(text: str) -> float:
    """Epoch seconds of an ISO time, UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


def price(
    model: str,
    at: str | None = None,
    *,
    prompt: int = SHORT_PROMPT,
    fast: bool = False,
    geo: str | None = None,
    table: PriceTable = TABLE,
) -> Price:
    """The price of a request that must have one."""
    when = None if at is None else day(at)
    found = table.price(model, when, prompt_tokens=prompt, fast=fast, geo=geo)
    assert found is not None, f"{model} is unpriced"
    return found


def per_mtok(found: Price) -> tuple[float, ...]:
    """Input, 5m write, 1h write, read and output in USD per million tokens."""
    rates = (found.input, found.write_5m, found.write_1h, found.read, found.output)
    return tuple(round(rate * 1e6, 9) for rate in rates)


def is_unpriced(model: str | None, *, at: str | None = None, fast: bool = False) -> bool:
    when = None if at is None else day(at)
    return TABLE.price(model, when, prompt_tokens=SHORT_PROMPT, fast=fast) is None


class TestTable:
    @pytest.mark.parametrize(("model", "rates"), [(row[0], row[1:]) for row in KNOWN])
    def test_current_rates_are_those_of_the_price_list(
        self, model: str, rates: tuple[float, ...]
    ) -> None:
        assert per_mtok(price(model)) == rates

    def test_file_is_what_the_installed_library_and_the_corrections_give(self) -> None:
        assert make_prices.main(["--check"]) == 0

    def test_check_fails_on_a_file_that_differs(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        stale = tmp_path / "prices.json"
        stale.write_text("{}")
        monkeypatch.setattr(make_prices, "TARGET", stale)
        assert make_prices.main(["--check"]) == 1
        assert "stale" in capsys.readouterr().err
        assert stale.read_text() == "{}"

    def test_generating_writes_a_table_that_passes_the_check(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(make_prices, "TARGET", tmp_path / "prices.json")
        assert make_prices.main([]) == 0
        assert make_prices.main(["--check"]) == 0

    def test_names_the_day_it_was_checked(self) -> None:
        assert datetime.fromisoformat(TABLE.table_date).date().isoformat() == TABLE.table_date

    def test_web_search_is_a_cent_per_request(self) -> None:
        assert price("claude-opus-5-5").web_search == 0.01
        assert price("claude-opus-5-5", fast=True, geo="us").web_search == 0.01


class TestPromptSize:
    def test_one_token_over_the_step_reprices_the_whole_request(self) -> None:
        def cost(read: int) -> float:
            rates = price("claude-haiku-5-5", prompt=10 + 900 + read)
            return 10 * rates.input + 900 * rates.write_5m + read * rates.read + 100 * rates.output

        assert cost(99_000) == pytest.approx(0.0011535)
        assert cost(99_500) == pytest.approx(0.0057925)

    @pytest.mark.parametrize(("prompt", "rate"), [(0, 0.1), (100_000, 0.1), (100_001, 0.5)])
    def test_the_step_itself_still_has_the_base_rate(self, prompt: int, rate: float) -> None:
        assert per_mtok(price("claude-haiku-5-5", prompt=prompt))[0] == rate

    def test_every_rate_changes_above_the_step(self) -> None:
        above = per_mtok(price("claude-haiku-5-5", prompt=100_001))
        assert above == (0.50, 0.625, 1.00, 0.05, 2.50)

    @pytest.mark.parametrize("model", ["claude-opus-4-6", "claude-sonnet-4-6"])
    def test_4_6_models_lost_the_long_context_premium_on_2026_03_13(self, model: str) -> None:
        flat = per_mtok(price(model))
        before = per_mtok(price(model, "2026-03-12T23:59:59", prompt=200_001))
        assert before == tuple(
            rate * factor for rate, factor in zip(flat, (2, 2, 2, 2, 1.5), strict=True)
        )
        assert per_mtok(price(model, "2026-03-12T23:59:59", prompt=200_000)) == flat
        assert per_mtok(price(model, "2026-03-13T00:00:00", prompt=200_001)) == flat

    def test_sonnet_4_5_has_its_long_context_premium_up_to_2026_04_30(self) -> None:
        last_day = price("claude-sonnet-4-5", "2026-04-30T23:59:59", prompt=250_000)
        after = price("claude-sonnet-4-5", "2026-05-01T00:00:00", prompt=250_000)
        assert per_mtok(last_day) == (6, 7.5, 12, 0.6, 22.5)
        assert 250_000 * after.input == pytest.approx(0.75)

    def test_sonnet_4_above_200k_is_flat_and_says_that_it_is_a_guess(self) -> None:
        long = price("claude-sonnet-4", "2025-09-01", prompt=200_001)
        assert per_mtok(long) == (3, 3.75, 6, 0.3, 15)
        assert long.estimated
        assert not price("claude-sonnet-4", "2025-09-01", prompt=200_000).estimated


class TestDates:
    @pytest.mark.parametrize(
        ("at", "read"),
        [
            ("2026-09-28T12:00:00", 0.20),
            ("2026-10-06T23:59:59", 0.20),
            ("2026-10-07T00:00:00", 0.10),
            ("2027-01-01T00:00:00", 0.10),
            (None, 0.10),
        ],
    )
    def test_sonnet_5_5_cache_reads_were_halved_on_2026_10_07(
        self, at: str | None, read: float
    ) -> None:
        assert per_mtok(price("claude-sonnet-5-5", at)) == (2, 2.5, 4, read, 10)

    @pytest.mark.parametrize("at", [-1e18, 0.0, 1e18, float("inf")])
    def test_absurd_times_are_priced_all_the_same(self, at: float) -> None:
        assert TABLE.price("claude-opus-5-5", at, prompt_tokens=1) is not None


class TestFastMode:
    @pytest.mark.parametrize(
        ("model", "rates"),
        [
            ("claude-opus-5-5", (8, 10, 16, 0.4, 40)),
            ("claude-opus-5", (10, 12.5, 20, 1, 50)),
            ("claude-fable-5-2", (16, 20, 32, 0.4, 80)),
            ("claude-mythos-5-2", (16, 20, 32, 0.4, 80)),
        ],
    )
    def test_documented_models_have_rates_of_their_own(
        self, model: str, rates: tuple[float, ...]
    ) -> None:
        found = price(model, "2026-11-20", fast=True)
        assert per_mtok(found) == rates
        assert not found.estimated

    @pytest.mark.parametrize("model", ["claude-opus-4-6", "claude-opus-4-7"])
    def test_reported_rates_are_marked_as_estimated(self, model: str) -> None:
        found = price(model, "2026-03-01", fast=True)
        assert per_mtok(found) == (30, 37.5, 60, 3, 150)
        assert found.estimated
        assert not price(model, "2026-03-01").estimated

    def test_opus_4_8_loses_it_on_2026_11_30(self) -> None:
        assert per_mtok(price("claude-opus-4-8", "2026-11-29T23:59:59", fast=True))[0] == 10
        assert is_unpriced("claude-opus-4-8", at="2026-11-30T00:00:00", fast=True)

    @pytest.mark.parametrize("model", ["claude-haiku-5-5", "claude-sonnet-5-5", "claude-opus-4-5"])
    def test_other_models_are_unpriced_rather_than_priced_as_standard(self, model: str) -> None:
        assert is_unpriced(model, fast=True)
        assert not is_unpriced(model)


class TestGeography:
    @pytest.mark.parametrize(
        "model", ["claude-opus-4-6", "claude-sonnet-4-6", "claude-haiku-5-5", "claude-mythos-5"]
    )
    def test_us_inference_costs_a_tenth_more_from_4_6_on(self, model: str) -> None:
        plain, us = price(model), price(model, geo="us")
        assert per_mtok(us) == pytest.approx([rate * 1.1 for rate in per_mtok(plain)])

    @pytest.mark.parametrize("model", ["claude-opus-4-5", "claude-haiku-4-5", "claude-sonnet-4"])
    def test_older_models_cost_the_same_everywhere(self, model: str) -> None:
        assert price(model, geo="us") == price(model)

    @pytest.mark.parametrize("geo", [None, "", "not_available", "global"])
    def test_other_values_change_nothing(self, geo: str | None) -> None:
        assert price("claude-opus-5-5", geo=geo) == price("claude-opus-5-5")

    def test_comes_on_top_of_fast_mode(self) -> None:
        found = price("claude-opus-5-5", fast=True, geo="us")
        assert per_mtok(found) == pytest.approx((8.8, 11, 17.6, 0.44, 44))


PROVIDERS = [
    "", "anthropic/", "openrouter/anthropic/", "anthropic.", "us.anthropic.", "eu.anthropic.",
    "global.anthropic.", "bedrock/us.anthropic.", "vertex_ai/",
    "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.anthropic.",
]  # fmt: skip
SUFFIXES = [
    "", "[1m]", "-20260901", "-20260901[1m]", "-2026-09-01", "@20260901", "@default", "-latest",
    "-v1", "-v1:0", "-20260901-v1:0", "-20260901-v1:0:200k", "-v2@20260901",
]  # fmt: skip


class TestIds:
    @given(
        known=st.sampled_from([row[0] for row in KNOWN]),
        provider=st.sampled_from(PROVIDERS),
        suffix=st.sampled_from(SUFFIXES),
        upper=st.booleans(),
    )
    def test_a_decorated_id_costs_what_the_plain_one_costs(
        self, known: str, provider: str, suffix: str, upper: bool
    ) -> None:
        decorated = f"{provider}{known}{suffix}"
        assert price(decorated.upper() if upper else decorated) == price(known)

    @pytest.mark.parametrize(
        ("model", "row"),
        [
            ("claude-fable-5-1-20260801", "claude-fable-5-1"),
            ("claude-fable-5-20260601", "claude-fable-5"),
            ("claude-opus-4-20250514", "claude-opus-4-0"),
            ("claude-sonnet-4-20250514", "claude-sonnet-4-0"),
            ("claude-sonnet-4@20250514", "claude-sonnet-4-0"),
            ("claude-3-5-haiku-20241022", "claude-3-5-haiku"),
            ("anthropic.claude-3-5-sonnet-20241022-v2:0", "claude-3-5-sonnet"),
            ("anthropic/claude-opus-4.5", "claude-opus-4-5"),
            ("claude-4.5-haiku", "claude-haiku-4-5"),
        ],
    )
    def test_the_longest_name_wins_and_the_price_says_which(self, model: str, row: str) -> None:
        assert price(model).model == row

    @pytest.mark.parametrize(
        "model",
        [
            None, "", "<synthetic>", "claude", "claude-opus", "claude-opus-4-9", "claude-opus-6",
            "claude-opus-5-6", "claude-opus-5-55", "claude-haiku-3-5", "claude-2", "claude-v1",
            "my-claude-opus-5-5", "gpt-5", "claude-opus-5-5-mini", "claude-opus-5-5\x1b[0m",
            "claude-opus-5-5-20260901" + "-latest" * 100_000,
        ],
    )  # fmt: skip
    def test_unknown_ids_are_unpriced(self, model: str | None) -> None:
        assert is_unpriced(model)
        assert TABLE.window(model) == (None, "unknown")

    def test_a_flood_of_unknown_ids_leaves_known_ones_right(self) -> None:
        table = PriceTable.load()
        for number in range(10_000):
            assert table.price(f"model-{number}", 0.0, prompt_tokens=1) is None
        assert price("claude-opus-5-5", table=table) == price("claude-opus-5-5")


class TestOwnPrices:
    def test_a_given_rate_replaces_that_of_every_date_and_prompt_size(self) -> None:
        table = own("claude-haiku-5-5", PriceOverride(input=0.3))
        assert per_mtok(price("claude-haiku-5-5", table=table)) == (0.3, 0.125, 0.2, 0.01, 0.5)
        above = price("claude-haiku-5-5", prompt=100_001, table=table)
        assert per_mtok(above) == (0.3, 0.625, 1, 0.05, 2.5)

    def test_they_leave_other_models_and_the_fast_mode_alone(self) -> None:
        table = own(
            "claude-opus-5-5", PriceOverride(input=1, write_5m=1, write_1h=1, read=1, output=1)
        )
        assert per_mtok(price("claude-opus-5-5", table=table)) == (1, 1, 1, 1, 1)
        assert price("claude-opus-5-5", fast=True, table=table) == price(
            "claude-opus-5-5", fast=True
        )
        assert price("claude-opus-5", table=table) == price("claude-opus-5")

    def test_fast_rates_are_given_apart(self) -> None:
        table = own("claude-opus-5-5", PriceOverride(fast=Rates(input=6)))
        assert per_mtok(price("claude-opus-5-5", fast=True, table=table)) == (6, 10, 16, 0.4, 40)
        assert price("claude-opus-5-5", table=table) == price("claude-opus-5-5")

    def test_they_give_an_unknown_model_a_price(self) -> None:
        rates = PriceOverride(input=1, write_5m=0, write_1h=0, read=0.2, output=3, web_search=0.02)
        found = price("z-ai/glm-4.6", table=own("z-ai/GLM-4.6", rates))
        assert per_mtok(found) == (1, 0, 0, 0.2, 3)
        assert found.web_search == 0.02

    @pytest.mark.parametrize("given_id", ["claude-opus-4", "anthropic/claude-opus-4-20250514"])
    def test_the_id_may_be_any_form_of_the_name(self, given_id: str) -> None:
        table = own(given_id, PriceOverride(read=0.1))
        assert per_mtok(price("claude-opus-4-0", table=table))[3] == 0.1

    def test_an_unknown_model_with_rates_left_out_is_an_error_that_names_them(self) -> None:
        with pytest.raises(CcmonError) as caught:
            own("my-model", PriceOverride(input=1, output=3))
        assert caught.value.message == "prices.my-model: write_5m, write_1h, read missing"
        assert caught.value.exit_code == 2

    def test_so_is_an_incomplete_fast_mode_of_a_model_that_has_none(self) -> None:
        with pytest.raises(CcmonError, match=r"prices\.claude-haiku-4-5\.fast: input, .* missing"):
            own("claude-haiku-4-5", PriceOverride(fast=Rates(output=10)))

    def test_the_shipped_table_is_not_touched(self) -> None:
        own("claude-opus-5-5", PriceOverride(input=1))
        assert price("claude-opus-5-5", table=PriceTable.load()) == price("claude-opus-5-5")


def own(model: str, override: PriceOverride) -> PriceTable:
    return PriceTable.load(Settings(prices={model: override}))


class TestWindow:
    @pytest.mark.parametrize(
        ("model", "tokens"),
        [
            ("claude-opus-5-5", 1_000_000), ("claude-sonnet-5-5", 1_000_000),
            ("claude-haiku-5-5", 1_000_000), ("claude-fable-5-2", 1_000_000),
            ("claude-opus-4-8", 1_000_000), ("claude-opus-5", 1_000_000),
            ("claude-sonnet-5", 1_000_000), ("claude-opus-4-7", 1_000_000),
            ("claude-opus-4-6", 1_000_000), ("claude-fable-5", 1_000_000),
            ("claude-mythos-5", 1_000_000), ("claude-mythos-5-1", 1_000_000),
            ("claude-sonnet-4-6", 200_000), ("claude-sonnet-4-5", 200_000),
            ("claude-opus-4-5", 200_000), ("claude-haiku-4-5", 200_000),
            ("claude-sonnet-4-20250514", 200_000), ("claude-3-5-haiku-20241022", 200_000),
        ],
    )  # fmt: skip
    def test_comes_from_the_table(self, model: str, tokens: int) -> None:
        assert TABLE.window(model) == (tokens, "table")

    def test_the_requested_id_may_ask_for_a_million(self) -> None:
        found = TABLE.window("claude-sonnet-4-6", "claude-sonnet-4-6[1m]")
        assert found == (1_000_000, "observed")
        assert TABLE.window("claude-sonnet-4-6", "claude-sonnet-4-6") == (200_000, "table")

    def test_a_prompt_over_200k_proves_the_million(self) -> None:
        assert TABLE.window("claude-sonnet-4-6", None, 200_000) == (200_000, "table")
        assert TABLE.window("claude-sonnet-4-6", None, 200_001) == (1_000_000, "observed")
        assert TABLE.window("claude-opus-5-5", None, 200_001) == (1_000_000, "table")

    def test_an_unknown_model_has_none_however_large_its_prompts(self) -> None:
        assert TABLE.window("claude-opus-4-9", None, 300_000) == (None, "unknown")

    def test_the_users_own_window_wins(self) -> None:
        table = PriceTable.load(Settings(windows={"claude-sonnet-4": 150_000, "my-model": 32_000}))
        assert table.window("claude-sonnet-4-20250514", "sonnet[1m]", 500_000) == (
            150_000,
            "config",
        )
        assert table.window("My-Model") == (32_000, "config")
        assert table.window("claude-sonnet-4-5") == (200_000, "table")
