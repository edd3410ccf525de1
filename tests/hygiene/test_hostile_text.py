"""What ccmon prints is harmless to a terminal, whatever a transcript says."""

import json
import subprocess
import sys
import unicodedata
from pathlib import Path

import pytest

SYNTHETIC = Path(__file__).parent.parent / "corpus" / "synthetic"
HOSTILE = ("hostile_text", "surrogates_and_bytes", "line_separators", "nul_run", "deep_nesting")
FACES = [("--once",), ("--once", "--requests"), ("--once", "--json", "--requests")]


def printed(*arguments: str) -> bytes:
    done = subprocess.run(
        [sys.executable, "-m", "ccmon", *arguments], capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def harmful(text: str) -> list[str]:
    """Characters that do more than appear: controls, format and bidi marks, surrogates."""
    bad = {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}
    return [
        f"U+{ord(character):04X}"
        for character in text
        if character != "\n" and unicodedata.category(character) in bad
    ]


@pytest.mark.parametrize("arguments", FACES, ids=" ".join)
@pytest.mark.parametrize("shape", HOSTILE)
def test_only_printable_characters_reach_the_terminal(
    shape: str, arguments: tuple[str, ...]
) -> None:
    text = printed(*arguments, "--all", "--config-dir", str(SYNTHETIC / shape)).decode("utf-8")
    assert text.strip()
    assert harmful(text) == []


@pytest.mark.parametrize("shape", HOSTILE)
def test_json_is_one_document(shape: str) -> None:
    out = printed("--once", "--json", "--all", "--config-dir", str(SYNTHETIC / shape))
    assert json.loads(out)["schema_version"] == 1


def test_the_check_sees_what_harms() -> None:
    assert harmful("a\x1b[2J\u202eb\x9b\x00\n") == ["U+001B", "U+202E", "U+009B", "U+0000"]
