"""Write ``ccmon/ledger/prices.json``: ``python -m tests.make_prices [--check]``.

The rows come from the installed price library, genai-prices, plus what it lacks or other
sources know better; each such correction stands here with its reason. ``--check`` writes
nothing and exits 1 when the file differs.
"""

import argparse
import datetime
import json
import sys
from collections.abc import Iterator, Sequence
from decimal import Decimal
from importlib.metadata import version
from pathlib import Path
from typing import Any

import msgspec
from genai_prices.data import providers
from genai_prices.types import (
    ClauseEquals,
    ClauseOr,
    ClauseStartsWith,
    ConditionalPrice,
    ModelInfo,
    ModelPrice,
    StartDateConstraint,
    TieredPrices,
)
from msgspec.structs import replace

from ccmon.ledger.prices import Model, Row, normalised

TARGET = Path(__file__).parents[1] / "ccmon" / "ledger" / "prices.json"

TABLE_DATE = "2026-11-20"
"""The day on which library and corrections were last compared with their sources."""

RATES = {
    "input": "input_mtok",
    "write_5m": "cache_write_mtok",
    "write_1h": "cache_write_1h_mtok",
    "read": "cache_read_mtok",
    "output": "output_mtok",
}

WINDOWS = {"claude-sonnet-4-6": 200_000}
"""The client's own windows where the library names the model's ability, not the session's."""

US_GEO_FACTOR = 1.1
"""``inference_geo: us`` costs that much more on all tokens, from the 4.6 models on."""

OLDER_THAN_4_6 = (
    "claude-3-",
    "claude-opus-4-0",
    "claude-opus-4-1",
    "claude-opus-4-5",
    "claude-sonnet-4-0",
    "claude-sonnet-4-5",
    "claude-haiku-4-5",
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the table, or compare it; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.make_prices", description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare only; 1 if it differs")
    options = parser.parse_args(arguments)
    text = rendered(corrected(library_models()))
    if not options.check:
        TARGET.write_text(text, encoding="utf-8")
        return 0
    if TARGET.read_text(encoding="utf-8") == text:
        return 0
    sys.stderr.write("prices.json is stale: run `python -m tests.make_prices`\n")
    return 1


def library_models() -> dict[str, Model]:
    """Every model of the library that has cache prices; ccmon could not price the others."""
    (anthropic,) = (provider for provider in providers if provider.id == "anthropic")
    models = {}
    for info in anthropic.models:
        rows = tuple(library_rows(info))
        if rows:
            name = normalised(info.id)
            models[name] = Model(
                window=info.context_window,
                web_search=web_search(info),
                aliases=aliases(info.match, name),
                rows=rows,
            )
    return models


def library_rows(info: ModelInfo) -> Iterator[Row]:
    """The rows of one model: base, prompt-size steps and dates, then its fast mode."""
    dated = list(conditions(info))
    for (since, prices), (until, _) in zip(dated, [*dated[1:], (None, None)], strict=True):
        yield from rows_of(prices, since=since, until=until)
    for variant in info.price_variants or ():
        if variant.when == {"speed": "fast"}:
            yield from rows_of(variant.prices, since=start(variant.constraint), fast=True)
        elif variant.when != {"processing": "batch"}:
            raise ValueError(f"{info.id}: unknown price variant {variant.when}")


def conditions(info: ModelInfo) -> Iterator[tuple[datetime.date | None, ModelPrice]]:
    """Prices with the day they start on, oldest first."""
    if isinstance(info.prices, ModelPrice):
        yield None, info.prices
        return
    for condition in info.prices:
        assert isinstance(condition, ConditionalPrice)
        yield start(condition.constraint), condition.prices


def start(constraint: object) -> datetime.date | None:
    """The day a constraint starts on; no other kind of constraint is known."""
    if constraint is None:
        return None
    assert isinstance(constraint, StartDateConstraint), constraint
    return constraint.start_date


def rows_of(
    prices: ModelPrice,
    *,
    since: datetime.date | None = None,
    until: datetime.date | None = None,
    fast: bool = False,
) -> Iterator[Row]:
    """One row for the base rates and one for each prompt size at which they change."""
    rates = {key: getattr(prices, name) for key, name in RATES.items()}
    if any(rate is None for rate in rates.values()):
        return
    tiered = [rate for rate in rates.values() if isinstance(rate, TieredPrices)]
    for above in sorted({0, *(tier.start for rate in tiered for tier in rate.tiers)}):
        at_size = {key: rate_above(rate, above) for key, rate in rates.items()}
        yield row_with(at_size, above=above, since=since, until=until, fast=fast)


def row_with(rates: dict[str, float], **when: object) -> Row:
    """A row from its rates and the conditions under which it applies."""
    return msgspec.convert({**rates, **when}, Row)


def rate_above(rate: Decimal | TieredPrices, size: int) -> float:
    """A rate for prompts of more than ``size`` tokens."""
    if not isinstance(rate, TieredPrices):
        return float(rate)
    reached = [tier.price for tier in rate.tiers if tier.start <= size]
    return float(reached[-1] if reached else rate.base)


def web_search(info: ModelInfo) -> float:
    """USD per web search; 0 where the model has none."""
    *_, (_, prices) = conditions(info)
    per_thousand = prices.web_searches_kcount
    assert not isinstance(per_thousand, TieredPrices)
    return float(per_thousand) / 1000 if per_thousand is not None else 0.0


def aliases(match: object, name: str) -> tuple[str, ...]:
    """Other names by which the library knows a model, normalised as ccmon does it.

    Patterns and the beginning of a date (``-2025``) are left out: ccmon drops dates by itself.
    """
    clauses = match.or_ if isinstance(match, ClauseOr) else [match]
    names = set()
    for clause in clauses:
        if isinstance(clause, ClauseStartsWith):
            names.add(normalised(clause.starts_with))
        elif isinstance(clause, ClauseEquals):
            names.add(normalised(clause.equals))
    return tuple(sorted(n for n in names if n != name and not n.endswith("-2025")))


def corrected(models: dict[str, Model]) -> dict[str, Model]:
    """The library's models with everything it lacks or sees differently."""
    # Limited availability; documented at the price of the Fable of the same number.
    for number in ("5", "5-1"):
        assert f"claude-mythos-{number}" not in models
        models[f"claude-mythos-{number}"] = replace(models[f"claude-fable-{number}"], aliases=())

    # Cache reads of Sonnet 5.5 were halved a week after its release.
    halved = datetime.date(2026, 10, 7)
    (row,) = models["claude-sonnet-5-5"].rows
    set_rows(models, "claude-sonnet-5-5", replace(row, read=0.2, until=halved))
    add_rows(models, "claude-sonnet-5-5", replace(row, since=halved))

    # The beta of long prompts on Sonnet 4.5 ended on 2026-04-30; the client bills them flat.
    base, long = models["claude-sonnet-4-5"].rows
    set_rows(models, "claude-sonnet-4-5", base, replace(long, until=datetime.date(2026, 5, 1)))

    # Sonnet 4 had such a beta as well, at a premium that no source states for certain.
    (row,) = models["claude-sonnet-4-0"].rows
    add_rows(models, "claude-sonnet-4-0", replace(row, above=200_000, estimated=True))

    # Fast mode of Opus 4.6 and 4.7 is reported at six times the price, by users only.
    for name in ("claude-opus-4-6", "claude-opus-4-7"):
        row = models[name].rows[-1]
        sixfold = {key: 6 * getattr(row, key) for key in RATES}
        add_rows(models, name, replace(row, since=None, fast=True, estimated=True, **sixfold))

    # Announced: Opus 4.8 loses its fast mode.
    *standard, fast = models["claude-opus-4-8"].rows
    assert fast.fast
    removed = datetime.date(2026, 11, 30)
    set_rows(models, "claude-opus-4-8", *standard, replace(fast, until=removed))

    for name, model in models.items():
        geo = {} if name.startswith(OLDER_THAN_4_6) else {"us": US_GEO_FACTOR}
        models[name] = replace(model, window=WINDOWS.get(name, model.window), geo=geo)
    return models


def set_rows(models: dict[str, Model], name: str, *rows: Row) -> None:
    """Give a model these rows instead of its own."""
    models[name] = replace(models[name], rows=rows)


def add_rows(models: dict[str, Model], name: str, *rows: Row) -> None:
    """Give a model further rows; the last one in force counts."""
    set_rows(models, name, *models[name].rows, *rows)


def rendered(models: dict[str, Model]) -> str:
    """The table as JSON for people: one line for each model and for each row."""
    entries = []
    for name, model in sorted(models.items()):
        head = msgspec.to_builtins(model)
        rows = ",\n".join(f"      {json.dumps(plain(row))}" for row in head.pop("rows"))
        opening = json.dumps(plain(head)).removesuffix("}")
        entries.append(f'    "{name}": {opening}, "rows": [\n{rows}\n    ]}}')
    source = (
        f"genai-prices {version('genai-prices')} (MIT), provider anthropic, "
        "with the corrections of tests/make_prices.py"
    )
    body = ",\n".join(entries)
    return (
        f'{{\n  "table_date": "{TABLE_DATE}",\n  "source": "{source}",\n'
        f'  "models": {{\n{body}\n  }}\n}}\n'
    )


def plain(values: dict[str, Any]) -> dict[str, Any]:
    """Whole numbers without a fraction: 5, not 5.0."""
    return {
        key: int(value) if isinstance(value, float) and value.is_integer() else value
        for key, value in values.items()
    }


if __name__ == "__main__":
    sys.exit(main())
