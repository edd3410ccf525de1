"""However a file grows, shrinks and is read, the lines are those on disk."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from ccmon.transcripts.tail import Tail

LIMIT = 24


def lines_of(data: bytes) -> list[tuple[int, bytes]]:
    """The reference: one pass over the whole file."""
    lines = []
    at = 0
    for piece in data.split(b"\n")[:-1]:
        lines.append((at, piece.removesuffix(b"\r")))
        at += len(piece) + 1
    return lines


def read_all(tail: Tail, limit: int, seen: list[tuple[int, bytes]]) -> int:
    """Reads to the end; returns how many lines were too long."""
    oversized = 0
    more = True
    while more:
        chunk = tail.read(limit)
        if chunk.reset or chunk.gone:
            seen.clear()
        seen += chunk.lines
        oversized += chunk.oversized
        more = chunk.more
    return oversized


texts = st.lists(st.binary(max_size=30).map(lambda b: b.replace(b"\xef", b"")), max_size=12).map(
    b"\n".join
)


@given(data=texts, cuts=st.lists(st.integers(0, 400), max_size=8), limit=st.integers(1, 64))
def test_any_chunking_gives_the_lines_of_one_pass(data: bytes, cuts: list[int], limit: int) -> None:
    places = sorted({min(cut, len(data)) for cut in cuts} | {0, len(data)})
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "a.jsonl")
        path.touch()
        tail = Tail(path)
        seen: list[tuple[int, bytes]] = []
        for start, end in pairwise(places):
            with path.open("ab") as file:
                file.write(data[start:end])
            read_all(tail, limit, seen)
        assert seen == lines_of(data)
        assert tail.offset == data.rfind(b"\n") + 1


@given(lengths=st.lists(st.integers(0, 60), max_size=12), limit=st.integers(1, 64))
def test_lines_beyond_the_limit_are_counted_and_no_others_lost(
    lengths: list[int], limit: int
) -> None:
    data = b"".join(b"x" * length + b"\n" for length in lengths)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "a.jsonl")
        path.write_bytes(data)
        seen: list[tuple[int, bytes]] = []
        oversized = read_all(Tail(path, line_limit=LIMIT), limit, seen)
    assert seen == [(at, text) for at, text in lines_of(data) if len(text) <= LIMIT]
    assert oversized == sum(length > LIMIT for length in lengths)


class LifeOfAFile(RuleBasedStateMachine):
    """Appends, truncations, replacements and deletions between reads.

    Every line is written once in a life, as the unique ids of records see to
    it: content that comes back byte for byte is not noticed, and need not be.
    """

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.path = self.folder / "a.jsonl"
        self.tail = Tail(self.path)
        self.seen: list[tuple[int, bytes]] = []
        self.serials: Iterator[int] = iter(range(1, 1 << 30))

    def teardown(self) -> None:
        shutil.rmtree(self.folder)

    def fresh(self, lines: int) -> bytes:
        return b"".join(b'{"serial":%d}\n' % next(self.serials) for _ in range(lines))

    @rule(lines=st.integers(0, 5), cut=st.integers(0, 20))
    def append(self, lines: int, cut: int) -> None:
        data = self.fresh(lines)
        with self.path.open("ab") as file:
            file.write(data[: max(0, len(data) - cut)])

    @rule(keep=st.integers(0, 100))
    def truncate(self, keep: int) -> None:
        if self.path.exists():
            os.truncate(self.path, min(keep, self.path.stat().st_size))

    @rule(lines=st.integers(0, 8))
    def rewrite_in_place(self, lines: int) -> None:
        self.path.write_bytes(self.fresh(lines))

    @rule(lines=st.integers(0, 8))
    def replace(self, lines: int) -> None:
        other = self.folder / "other"
        other.write_bytes(self.fresh(lines))
        other.replace(self.path)

    @rule()
    def delete(self) -> None:
        self.path.unlink(missing_ok=True)

    @rule(limit=st.integers(1, 200))
    def read_a_little(self, limit: int) -> None:
        chunk = self.tail.read(limit)
        if chunk.reset or chunk.gone:
            self.seen.clear()
        self.seen += chunk.lines

    @rule(limit=st.integers(1, 200))
    def read_to_the_end(self, limit: int) -> None:
        read_all(self.tail, limit, self.seen)
        data = self.path.read_bytes() if self.path.exists() else b""
        assert self.seen == lines_of(data)

    @invariant()
    def offset_is_behind_a_newline(self) -> None:
        assert self.tail.offset == 0 or self.seen


TestLifeOfAFile = LifeOfAFile.TestCase
