"""When a cache goes cold, told of by clocks that need not agree."""

import pytest

from ccmon.measures import Ttl
from ccmon.snapshot import Cache

NOW = 1_780_000_000.0
DAY = 86_400.0


def cache(left: float | None, ttl: Ttl | None = "5m", *, caching: bool = True) -> Cache:
    """A cache that goes cold so many seconds from now."""
    return Cache(caching, ttl, None if left is None else NOW + left, None, None, None, 0, None)


@pytest.mark.parametrize(("ttl", "most"), [("5m", 300.0), ("1h", 3600.0), (None, 3600.0)])
def test_a_countdown_is_never_longer_than_the_cache_lives(ttl: Ttl | None, most: float) -> None:
    assert cache(90 * DAY, ttl).left_at(NOW) == most
    assert cache(42.0, ttl).left_at(NOW) == 42.0


def test_only_a_warm_cache_has_time_left_and_only_a_cold_one_an_age() -> None:
    assert cache(42.0).cold_for(NOW) is None
    assert cache(-42.0).left_at(NOW) is None
    assert cache(-42.0).cold_for(NOW) == 42.0
    for without in (cache(None), cache(-42.0, caching=False), cache(42.0, caching=False)):
        assert without.left_at(NOW) is None
        assert without.cold_for(NOW) is None


def test_an_age_that_only_a_wrong_clock_explains_is_not_told() -> None:
    assert cache(-40 * DAY).cold_for(NOW) == 40 * DAY
    assert cache(-20_781 * DAY).cold_for(NOW) is None
