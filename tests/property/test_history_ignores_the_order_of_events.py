"""Whatever happens to transcripts in whatever order, the index says what one fresh look says."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest

from ccmon.history import intake
from ccmon.history.archive import Archive
from tests.archives import archive_of, caught_up, rows_of
from tests.homes import CORPUS

PARTS = ("resume", "parallel", "subagents", "errors", "synthetic")
ROUNDS = 5


class Happening:
    """Transcripts of many corpora in one home that grow, shrink, move and go."""

    def __init__(self, home: Path, seed: int) -> None:
        self._chance = random.Random(seed)
        self._whole: dict[Path, bytes] = {}
        for part in PARTS:
            for file in sorted((CORPUS / part).glob("**/projects/**/*.jsonl")):
                below = str(file).partition("/projects/")[2]
                folder, _, rest = below.partition("/")
                self._whole[home / "projects" / f"{file.parts[-3]}{folder}" / rest] = (
                    file.read_bytes()
                )

    def go_on(self) -> None:
        """Something happens to some of the files."""
        for path, data in self._whole.items():
            what = self._chance.random()
            size = path.stat().st_size if path.exists() else 0
            if what < 0.5:
                path.parent.mkdir(parents=True, exist_ok=True)
                with path.open("ab") as file:
                    file.write(data[size : self._chance.randint(size, len(data))])
            elif what < 0.6 and size:
                os.truncate(path, self._chance.randrange(size))
            elif what < 0.65:
                path.unlink(missing_ok=True)

    def work(self, *archives: Archive) -> None:
        """Some steps of each, in any order."""
        for archive in archives:
            archive.look_again()
        for _ in range(self._chance.randrange(60)):
            self._chance.choice(archives).step(0.0)


@pytest.mark.parametrize("seed", range(6))
def test_two_archives_of_one_index_agree_with_a_fresh_one(
    seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intake, "KEPT_AFTER", 20_000)
    monkeypatch.setattr(intake, "READ_AT_ONCE", 5_000)
    home, cache = tmp_path / "home", tmp_path / "cache"
    (home / "projects").mkdir(parents=True)
    happening = Happening(home, seed)
    lasting = archive_of(home, folder=cache)
    for _ in range(ROUNDS):
        happening.go_on()
        passing = archive_of(home, folder=cache)
        happening.work(lasting, passing)
        lasting.forget()
        expected = rows_of(caught_up(archive_of(home)))
        assert rows_of(caught_up(passing)) == expected
        assert rows_of(caught_up(lasting)) == expected
        passing.close()
    lasting.close()
    assert expected
