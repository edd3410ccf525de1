"""What is known of each folder of the corpus: the ledger of what was billed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.homes import CORPUS

Json = dict[str, Any]

FOLDERS = sorted(file.parent for file in CORPUS.glob("**/expected.json"))


def name_of(folder: Path) -> str:
    return folder.relative_to(CORPUS).as_posix()


def within(found: Json, expected: Json, accepted: Json) -> None:
    """Counts are equal to the expected ones, or inside the accepted range where there is one."""
    for count, best in {"requests": expected["requests"], **expected["usage"]}.items():
        low, high = accepted.get(count, (best, best))
        value = found["requests"] if count == "requests" else found["usage"][count]
        assert low <= value <= high, count
