"""The bytes that are kept, and a text that does its worst to a terminal."""

import os
from pathlib import Path

# Read before the fences of conftest.py take CCMON_* out of the environment.
UPDATE = bool(os.environ.get("CCMON_UPDATE_GOLDEN"))
FILES = Path(__file__).parent / "files"

HOSTILE = (
    "\x1b[2J\x1b]0;pwned\x07[/red]\u202eevil\u2066\r\n\x9b31m"
    "tab\there\ud800 漢字e\u0301\u0301\u0301\u0301"
)


def check(name: str, data: bytes) -> None:
    """The data is what the golden file of that name holds; on demand it is written there."""
    file = FILES / name
    if UPDATE:
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(data)
    assert data == file.read_bytes()
