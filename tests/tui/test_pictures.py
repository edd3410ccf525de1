"""A few screens with their colours: SVG pictures that must not change unseen."""

import pytest

from ccmon.settings import Settings
from tests.sample import sample_snapshot
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
    ],
)
async def test_the_picture_is_as_agreed(name: str, theme: str, keys: list[str]) -> None:
    settings = Settings(theme=theme)  # type: ignore[arg-type]  # one of the literals
    async with running(sample_snapshot(), (100, 30), settings=settings) as (app, pilot):
        await pilot.press(*keys)
        await settled(app, pilot)
        picture = app.export_screenshot()
    path = GOLDEN / f"{name}-100x30-{theme}.svg"
    if UPDATE_GOLDEN:
        path.write_text(picture, encoding="utf-8")
    assert path.read_text(encoding="utf-8") == picture, "compare the pictures, then update"
