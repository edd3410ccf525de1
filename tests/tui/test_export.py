"""The list as CSV: whole, harmless, and never where it must not be."""

import csv
from pathlib import Path

import pytest
from msgspec.structs import replace

from ccmon.snapshot import Place
from ccmon.tui.export import harmless
from tests.sample import sample_snapshot
from tests.tui.stage import running
from tests.tui.test_requests import open_list


async def test_export_writes_what_is_shown_and_never_over_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    async with running(sample_snapshot(), (100, 30)) as (app, pilot):
        await open_list(app, pilot, "b", "e", "e")
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["ccmon-4c1f9a20-requests-2.csv", "ccmon-4c1f9a20-requests.csv"]
    with (tmp_path / names[1]).open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["n"] for row in rows] == ["205", "150", "44"]
    assert rows[0]["rewritten"] == "265218"


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)"])
def test_a_cell_never_starts_a_formula(text: str) -> None:
    assert harmless(text) == f"'{text}"


async def test_nothing_is_exported_into_a_config_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inside = tmp_path / ".claude" / "projects"
    inside.mkdir(parents=True)
    monkeypatch.chdir(inside)
    place = Place(str(tmp_path / ".claude"), "~/.claude", True)
    async with running(replace(sample_snapshot(), places=(place,))) as (app, pilot):
        await open_list(app, pilot, "e")
    assert list(inside.iterdir()) == []
