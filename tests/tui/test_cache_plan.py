"""Panels of the Cache screen at any size: inside, apart, and none too small to say something."""

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccmon.tui.widgets.cache_plan import cache_plan


@given(st.integers(1, 300), st.integers(1, 120), st.integers(0, 600))
def test_panels_lie_inside_and_never_on_each_other(width: int, height: int, busts: int) -> None:
    regions = cache_plan(width, height, busts)
    assert "pause" in regions
    for region in regions.values():
        assert region.x >= 0
        assert region.y >= 0
        assert region.width > 0
        assert region.height > 0
        assert region.right <= width
        assert region.bottom <= height
    for one, other in combinations(regions.values(), 2):
        assert not one.overlaps(other)


@given(st.integers(80, 300), st.integers(26, 120), st.integers(0, 600))
def test_a_large_screen_is_filled_and_shows_everything(width: int, height: int, busts: int) -> None:
    regions = cache_plan(width, height, busts)
    wanted = {"timeline", "busts", "pause", "ttl"} | ({"bust"} if busts else set())
    assert set(regions) == wanted
    assert sum(region.area for region in regions.values()) == width * height


@pytest.mark.parametrize(
    ("size", "panels"),
    [
        ((100, 21), "timeline busts pause ttl bust"),
        ((100, 18), "timeline busts pause ttl"),
        ((100, 10), "busts pause ttl"),
        ((100, 7), "pause ttl"),
        ((60, 18), "timeline busts pause bust"),
        ((60, 34), "timeline busts pause ttl bust"),
        ((60, 9), "busts pause"),
        ((60, 5), "pause"),
        ((39, 3), "pause"),
    ],
)
def test_small_screens_leave_out_the_least_urgent(size: tuple[int, int], panels: str) -> None:
    assert set(cache_plan(*size, 3)) == set(panels.split())
