"""Context by source on the Overview: what fits, what it is measured against, where it leads."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from ccmon.snapshot import Composition, Inventory
from ccmon.tui.screens.context import ContextScreen
from ccmon.tui.widgets.composition import composition_frame
from tests import sample
from tests.sample_items import sample_inventory
from tests.tui.stage import running, screen_lines, settled


def rows(height: int, *, width: int = 46, wide: bool = False) -> list[str]:
    items = sample_inventory().items if wide else None
    frame = composition_frame(sample.sample_session(), width, height, flat=True, items=items)
    return [row.plain for row in frame.rows]


def test_a_row_for_each_source_strictly_by_its_bill() -> None:
    found = [row.split("  ")[0] for row in rows(10)]
    assert found == [
        "Read", "Bash", "overhead", "text, prompts", "thinking", "tool input", "attachments",
        "other results", "summary", "unattributed",
    ]  # fmt: skip


def test_what_has_no_room_is_summed_up_and_nothing_is_lost() -> None:
    found = rows(4)
    assert len(found) == 4
    assert found[-1].startswith("7 more")
    shares = [float(row.split()[-1].rstrip("%")) for row in found]
    assert sum(shares) == pytest.approx(100, abs=0.2)


def test_the_wide_form_has_money_and_its_shares() -> None:
    assert rows(10, width=53, wide=True)[0].split()[-3:] == ["10.5M", "$3.75", "20.5%"]


def test_spare_rows_of_the_wide_form_show_the_dearest_results_under_their_source() -> None:
    found = rows(13, width=53, wide=True)
    assert len(found) == 13
    under = [row.split()[0] for row in found if row.startswith("  ")]
    assert "schema.ts" in under
    assert "npm" in under
    assert {len(row) for row in found} == {53}
    assert len(rows(13)) == 10


def test_money_that_misses_unpriced_requests_is_marked() -> None:
    session, titles = sample.sample_session(), []
    for lower_bound in (False, True):
        inventory = replace(sample_inventory(), cost_is_lower_bound=lower_bound)
        frame = composition_frame(
            replace(session, inventory=inventory), 53, 10, flat=True, items=inventory.items
        )
        titles.append(frame.columns[-1][1])
    assert titles == ["$, % of it", "≥$, % of it"]


@pytest.mark.parametrize("width", [34, 36, 46, 53, 80])
def test_rows_have_the_width_they_are_given(width: int) -> None:
    assert {len(row) for row in rows(10, width=width)} == {width}


def test_the_titles_end_where_their_columns_end() -> None:
    frame = composition_frame(sample.sample_session(), 46, 10, flat=True)
    first = frame.rows[0].plain
    assert [first[:end].split()[-1] for end, _ in frame.columns] == ["86.5k", "19.5%"]


def test_without_an_inventory_it_says_so() -> None:
    bare = replace(sample.sample_session(), inventory=None)
    frame = composition_frame(bare, 46, 10, flat=True)
    assert [row.plain for row in frame.rows] == ["not known yet"]


async def test_a_click_leads_to_the_context_screen() -> None:
    async with running(sample.sample_snapshot(), (100, 30)) as (app, pilot):
        assert "Context by source" in "\n".join(screen_lines(app))
        await pilot.click("#sources", offset=(5, 3))
        await settled(app, pilot)
        assert isinstance(app.screen, ContextScreen)


def test_titles_name_what_shares_are_of() -> None:
    session = sample.sample_session()

    def last(unit: str, *, wide: bool = False) -> str:
        items = sample_inventory().items if wide else None
        frame = composition_frame(session, 53, 10, flat=True, items=items, unit=unit)
        return frame.columns[-1][1]

    assert [last("usd"), last("usd", wide=True)] == ["session bill, %", "$, % of it"]
    assert [last("tokens"), last("tokens", wide=True)] == ["session bill, %"] * 2
    assert [last("share"), last("share", wide=True)] == ["bill, % of spend"] * 2


def test_the_unit_is_what_the_wide_form_measures() -> None:
    session = sample.sample_session()

    def read(unit: str) -> list[str]:
        frame = composition_frame(
            session, 53, 10, flat=True, items=sample_inventory().items, unit=unit
        )
        return frame.rows[0].plain.split()[-2:]

    assert read("usd") == ["$3.75", "20.5%"]
    assert read("tokens") == ["10.5M", "19.5%"]
    assert read("share") == ["10.5M", "16.9%"]


def test_what_was_shrunk_has_a_figure_that_fits() -> None:
    shrunk = Composition("unattributed", None, 1, -80, -480, -0.00048, "exact")
    session = replace(sample.sample_session(), inventory=Inventory((shrunk,), lambda: ()))
    (row,) = composition_frame(session, 53, 10, flat=True, items=lambda: ()).rows
    assert "-<$0.01" in row.plain


@pytest.mark.parametrize(("width", "wide"), [(40, False), (46, False), (53, True), (70, True)])
def test_no_two_figures_run_into_each_other(width: int, wide: bool) -> None:
    inventory = sample_inventory()
    (first, *_) = inventory.composition
    for cost, bill in ((0.0087, 10_512), (123.45, 999_912_345), (-0.0087, -632_200)):
        alone = replace(first, cost=cost, bill_tokens=bill, tokens=397_400)
        session = replace(
            sample.sample_session(), inventory=replace(inventory, composition=(alone,))
        )
        items = (lambda: ()) if wide else None
        frame = composition_frame(session, width, 6, flat=True, items=items)
        figures = frame.rows[0].plain.split()[-4 if wide else -3 :]
        assert len(frame.rows[0].plain) == width
        assert figures[-1] == "100%"
        assert all(figure.count("$") + figure.count("%") <= 1 for figure in figures)
        assert not any("$" in figure[1:].lstrip("<$-") for figure in figures)
