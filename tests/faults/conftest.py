"""A home that a running ccmon follows."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.driver import Followed, followed
from tests.homes import ConfigHome, response

LINES = 3


@pytest.fixture
def home(tmp_path: Path) -> ConfigHome:
    """A home with one session of three requests."""
    found = ConfigHome(tmp_path / "config")
    found.write(*(response(f"msg_{number}", 10 * number) for number in range(1, LINES + 1)))
    return found


@pytest.fixture
def running(home: ConfigHome, tmp_path: Path) -> Iterator[Followed]:
    """ccmon following the home: at the end of the test its last word is that of a fresh read."""
    with followed(home.path, tmp_path) as found:
        found.until("the first reading", requests=LINES, watches="events", loading=False)
        yield found
