"""Writes the recording that ``ccmon --demo`` plays: ``python -m tests.make_demo``.

The same run gives the same bytes; a test compares them with the package.
"""

import json
import re
import sys
import zlib
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from tests.recording import figures, sessions
from tests.recording.records import VERSION, Batch

TARGET = Path(__file__).parent.parent / "ccmon" / "demo" / "recording.z"


_FIELDS = "usage|server_tool_use|cache_creation|inference_geo|requestId|requestedModel|effort"
_SEAMS = re.compile(rf'(\\n|\\t|(?<=\.) |,"(?:{_FIELDS}|isSidechain|session_id)":)')
"""Where text is cut into phrases: ends of lines and of sentences, some fields of records."""
_FIRST_PHRASE = 0xE000
"""Phrases that repeat are replaced by one private-use character each."""
_MOST_PHRASES = 6_400
_SHORTEST_PHRASE = 9


def recording() -> str:
    """The whole recording: a line that describes it, then one line for each write."""
    main = [batch for batch in sessions.shop_api() if batch.lines]
    others = [*sessions.docs_site(), *sessions.billing()]
    others = sorted((batch for batch in others if batch.lines), key=lambda batch: batch.at)
    texts = ["\n".join(batch.lines) + "\n" for batch in (*main, *others)]
    phrases = _phrases(texts)
    codes = {phrase: chr(_FIRST_PHRASE + i) for i, phrase in enumerate(phrases)}
    head = {
        "live_from": _live_from(main),
        "phrases": phrases,
        "registry": [
            _registered(sessions.SHOP, "shop-api", "busy", figures.NOON - 8, -140.0),
            _registered(sessions.DOCS, "docs-site", "waiting", -1_700.0, -146.0),
        ],
    }
    rows: list[object] = [head]
    for i, (batch, text) in enumerate(zip((*main, *others), texts, strict=True)):
        packed = "".join(codes.get(piece, piece) for piece in _SEAMS.split(text))
        rows.append([round(batch.at, 3), i < len(main), batch.path, packed])
    dumped = (json.dumps(row, ensure_ascii=False, separators=(",", ":")) for row in rows)
    return "\n".join(dumped) + "\n"


def _live_from(batches: Sequence[Batch]) -> float:
    """The moment of the last write that is laid down at once."""
    answered = figures.shop_api_rows()[figures.LIVE_FROM - 2].at
    return max(batch.at for batch in batches if batch.at <= answered)


def _phrases(texts: Sequence[str]) -> list[str]:
    counts = Counter(piece for text in texts for piece in _SEAMS.split(text))
    saved = {
        phrase: (count - 1) * (len(phrase) - 3)
        for phrase, count in counts.items()
        if count > 2 and len(phrase) >= _SHORTEST_PHRASE
    }
    return sorted(saved, key=lambda phrase: (-saved[phrase], phrase))[:_MOST_PHRASES]


def _registered(
    session_id: str, project: str, status: str, started: float, updated: float
) -> dict[str, object]:
    entry: dict[str, object] = {
        "sessionId": session_id,
        "cwd": f"{sessions.HOME}/{project}",
        "startedAt": started,
        "version": VERSION,
        "kind": "interactive",
        "entrypoint": "cli",
        "status": status,
        "statusUpdatedAt": updated,
        "updatedAt": updated,
    }
    if status == "waiting":
        entry["waitingFor"] = "permission prompt"
    return entry


def main() -> int:
    """Writes the file and says how large it became."""
    text = recording().encode()
    packed = zlib.compress(text, 9)
    TARGET.write_bytes(packed)
    sys.stdout.write(f"{TARGET.name}: {len(text):,} bytes, packed {len(packed):,}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
