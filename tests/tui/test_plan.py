"""The plan of the Overview: panels that tile the screen, never overlap, never vanish in part."""

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccmon.tui.widgets.plan import has_totals, list_interior, plan


@given(st.integers(1, 400), st.integers(1, 120))
def test_panels_lie_on_the_screen_and_do_not_overlap(width: int, height: int) -> None:
    regions = plan(width, height).regions
    for region in regions.values():
        assert region.x >= 0
        assert region.y >= 0
        assert region.right <= width
        assert region.bottom <= max(height, 3)
    for one, other in combinations(regions.values(), 2):
        assert not one.overlaps(other)


@given(st.integers(80, 400), st.integers(15, 120))
def test_boxes_leave_no_hole(width: int, height: int) -> None:
    regions = plan(width, height).regions.values()
    assert sum(region.area for region in regions) == width * height


@given(st.integers(1, 400), st.integers(1, 120))
def test_the_list_lies_inside_its_frame(width: int, height: int) -> None:
    shape, interior = plan(width, height), list_interior(width, height)
    frame = shape.regions.get("list")
    assert (interior is None) == (frame is None)
    if interior is not None and frame is not None:
        assert frame.contains_region(interior)
        assert interior.height >= 2


@pytest.mark.parametrize(
    ("size", "form"),
    [
        ((39, 20), "line"),
        ((60, 4), "line"),
        ((60, 18), "rules"),
        ((120, 12), "rules"),
        ((80, 21), "two"),
        ((160, 27), "two"),
        ((149, 60), "two"),
        ((150, 34), "three"),
        ((160, 42), "three"),
    ],
)
def test_the_form_follows_the_size(size: tuple[int, int], form: str) -> None:
    assert plan(*size).form == form


def test_spare_rows_go_to_the_list() -> None:
    short, tall = plan(100, 40).regions["list"], plan(100, 47).regions["list"]
    assert tall.height - short.height == 7


def test_in_two_columns_the_sources_come_before_the_list() -> None:
    assert "sources" in plan(100, 27).regions
    assert "list" not in plan(100, 27).regions


def test_narrow_the_findings_come_before_the_list() -> None:
    assert plan(60, 18).regions["findings"].height == 5
    assert "list" not in plan(60, 18).regions
    assert {"findings", "list"} <= set(plan(60, 40).regions)


def test_totals_stand_below_the_findings_only_where_these_have_rows_enough() -> None:
    assert has_totals(plan(100, 27))
    assert not has_totals(plan(80, 21))
    assert not has_totals(plan(160, 42))
