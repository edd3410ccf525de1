"""Counting tokens offline: the table is the published one, and no text can do harm."""

import hashlib
import subprocess
import sys
from importlib.resources import files

import pytest

from ccmon.ledger import tokens
from ccmon.ledger.tokens import MOST, PIECE, RANKS, Tokenizer, packed, unpacked
from tests.make_ranks import SHA256, table


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return Tokenizer()


def test_what_is_unpacked_is_the_published_table() -> None:
    found = unpacked(files("ccmon.ledger").joinpath(RANKS).read_bytes())
    assert hashlib.sha256(table(found)).hexdigest() == SHA256


def test_packing_keeps_every_token() -> None:
    some = [b"a", b"", b"\xff" * 255, "é".encode()]
    assert unpacked(packed(some)) == some


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("", 0),
        ("hello world", 2),
        ("def total(items):\n    return sum(items)\n", 9),
        ("<|endoftext|>", 7),
        ("日本語", 4),
        ("\ud800", 1),
    ],
)
def test_counts_are_those_of_cl100k(tokenizer: Tokenizer, text: str, count: int) -> None:
    assert tokenizer.count(text) == count


def test_a_long_text_is_counted_piece_by_piece(tokenizer: Tokenizer) -> None:
    words = "word " * (PIECE // 5)
    whole = tokenizer.count(words * 3)
    once = tokenizer.count(words)
    assert whole is not None
    assert once is not None
    assert abs(whole - 3 * once) <= 6


def test_beyond_a_megabyte_the_rest_is_taken_to_be_alike(tokenizer: Tokenizer) -> None:
    half, whole = tokenizer.count("ab " * (MOST // 3)), tokenizer.count("ab " * (MOST // 3) * 2)
    assert half is not None
    assert whole is not None
    assert whole == pytest.approx(2 * half, rel=0.001)


@pytest.mark.parametrize("text", [" ", "a", "-", "\n", "=", "\u0000", "日"])
def test_a_megabyte_without_a_break_is_counted(tokenizer: Tokenizer, text: str) -> None:
    count = tokenizer.count(text * MOST)
    assert count is not None
    assert count < 2 * MOST


def test_without_the_library_there_is_no_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tiktoken", None)
    assert Tokenizer().count("text") is None


def test_without_the_table_there_is_no_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens, "RANKS", "absent.z")
    assert Tokenizer().count("text") is None


class _Panics:
    def __init__(self, kind: type[BaseException]) -> None:
        self._kind = kind

    def encode_ordinary(self, text: str) -> list[int]:
        raise self._kind


class PanicException(BaseException):
    """As the Rust library calls its own."""


@pytest.mark.parametrize("kind", [PanicException, ValueError])
def test_a_text_that_breaks_the_library_has_no_count(kind: type[BaseException]) -> None:
    broken = Tokenizer()
    object.__setattr__(broken, "_encoding", _Panics(kind))
    assert broken.count("text") is None


def test_an_interrupt_is_not_swallowed() -> None:
    broken = Tokenizer()
    object.__setattr__(broken, "_encoding", _Panics(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        broken.count("text")


def test_no_network_code_is_loaded() -> None:
    code = (
        "import sys; from ccmon.ledger.tokens import Tokenizer; assert Tokenizer().count('a b');"
        "print([m for m in ('requests', 'urllib3', 'socket', 'ssl', 'http.client')"
        " if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
