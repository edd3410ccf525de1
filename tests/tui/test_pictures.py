"""A few screens with their colours: SVG pictures that must not change unseen."""

import pytest

from ccmon.settings import Settings
from tests.sample import sample_snapshot
from tests.tui.archive import SNAPSHOT, FakePast, until
from tests.tui.stage import GOLDEN, UPDATE_GOLDEN, running, settled


@pytest.mark.parametrize(
    ("name", "theme", "keys"),
    [
        ("overview", "dark", []),
        ("overview", "light", []),
        ("overview", "ansi", []),
        ("requests", "dark", ["2", "n"]),
        ("requests", "ansi", ["2", "n"]),
        ("context", "dark", ["3"]),
        ("context", "light", ["3"]),
        ("context", "ansi", ["3"]),
        ("cache", "dark", ["4"]),
        ("cache", "light", ["4"]),
        ("cache", "ansi", ["4"]),
        ("sessions", "dark", ["5", "g"]),
        ("sessions", "light", ["5", "g"]),
        ("sessions", "ansi", ["5", "g"]),
    ],
)
async def test_the_picture_is_as_agreed(name: str, theme: str, keys: list[str]) -> None:
    settings = Settings(theme=theme)  # type: ignore[arg-type]  # one of the literals
    async with running(sample_snapshot(), (100, 30), settings=settings) as (app, pilot):
        await pilot.press(*keys)
        await settled(app, pilot)
        picture = app.export_screenshot()
    compare(f"{name}-100x30-{theme}", picture)


@pytest.mark.parametrize("theme", ["dark", "light", "ansi"])
@pytest.mark.parametrize("name", ["history", "memory"])
async def test_the_past_is_as_agreed(name: str, theme: str) -> None:
    settings = Settings(theme=theme)  # type: ignore[arg-type]  # one of the literals
    async with running(SNAPSHOT, (100, 30), settings=settings, past=FakePast) as (app, pilot):
        await pilot.press("5", name[0])
        await until(pilot, lambda: not app.past.reading and app.current_mode == name)
        await settled(app, pilot)
        picture = app.export_screenshot()
    compare(f"{name}-100x30-{theme}", picture)


def compare(name: str, picture: str) -> None:
    """The picture is the one kept, or becomes it."""
    path = GOLDEN / f"{name}.svg"
    if UPDATE_GOLDEN:
        path.write_text(picture, encoding="utf-8")
    assert path.read_text(encoding="utf-8") == picture, "compare the pictures, then update"
