"""Writes the tokens that ccmon counts with: ``python -m tests.make_ranks FILE``.

``FILE`` is the rank table of cl100k_base as its maker publishes it (MIT licence), one token in
base64 and its rank on each line.
"""

import base64
import hashlib
import sys
from collections.abc import Iterable
from pathlib import Path

from ccmon.ledger.tokens import RANKS, packed

TARGET = Path(__file__).parent.parent / "ccmon" / "ledger" / RANKS
SHA256 = "223921b76ee99bde995b7ff738513eef100fb51d18c93597a113bcffe865b2a7"
"""Of the published table."""


def table(tokens: Iterable[bytes]) -> bytes:
    """The published form of tokens in the order of their ranks."""
    lines = (b"%s %d\n" % (base64.b64encode(token), rank) for rank, token in enumerate(tokens))
    return b"".join(lines)


def main(source: Path) -> None:
    """Pack the table; one that is not the published one is refused."""
    data = source.read_bytes()
    if hashlib.sha256(data).hexdigest() != SHA256:
        raise SystemExit(f"{source}: not the published table of cl100k_base")
    ranked = sorted((int(rank), token) for token, rank in map(bytes.split, data.splitlines()))
    TARGET.write_bytes(packed([base64.b64decode(token) for _, token in ranked]))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
