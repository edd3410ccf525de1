"""What a call asks for, and which files a text or a call names."""

import json
import time

import pytest
from msgspec import Raw

from ccmon.entries import AssistantEntry, Block
from ccmon.measures import Asked
from ccmon.transcripts.decode import decode
from ccmon.transcripts.naming import LONGEST_NAME, MOST_NAMES, files_named
from tests.lines import Record, assistant, call, line


def block_of(block: Record, cwd: str = "/home/dev/shop") -> Block:
    (entry,) = decode(line(assistant(block, cwd=cwd))).entries
    assert isinstance(entry, AssistantEntry)
    return entry.blocks[0]


def asks(name: str, /, *, cwd: str = "/home/dev/shop", **arguments: object) -> Asked:
    asked = block_of(call(name, **arguments), cwd).asked
    assert asked is not None
    return asked


def read_of(**lines: int) -> Asked:
    asked = block_of(call("Read", file_path="/home/dev/shop/a.py", **lines)).asked
    assert asked is not None
    return asked


def named(text: str) -> tuple[str, ...]:
    return files_named(Raw(json.dumps(text).encode()))


class TestAsked:
    def test_the_same_command_in_the_same_folder_is_the_same(self) -> None:
        first = asks("Bash", command="npm test\nnpm run lint", description="before")
        again = asks("Bash", command="npm test\nnpm run lint", description="after")
        assert again.covers(first)
        assert not asks("Bash", command="npm test\nnpm run build").covers(first)
        assert not asks("Bash", command="npm test\nnpm run lint", cwd="/home/dev").covers(first)

    def test_a_search_is_the_same_with_all_its_arguments(self) -> None:
        first = asks("Grep", pattern="coupon", path="src")
        assert asks("Grep", pattern="coupon", path="src").covers(first)
        assert not asks("Grep", pattern="coupon", path="tests").covers(first)

    def test_a_read_covers_the_lines_it_holds(self) -> None:
        whole, lines, inner, tail = (
            read_of(**lines)
            for lines in (
                {},
                {"offset": 10, "limit": 20},
                {"offset": 12, "limit": 5},
                {"offset": 10},
            )
        )
        assert (lines.first, lines.last) == (10, 29)
        assert all(one.covers(inner) for one in (whole, lines, inner, tail))
        assert [one.covers(lines) for one in (whole, inner, tail)] == [True, False, True]
        assert [one.covers(whole) for one in (whole, lines, tail)] == [True, False, False]
        assert not asks("Read", file_path="/home/dev/shop/b.py").covers(inner)

    def test_a_read_that_names_no_lines_brings_the_first_two_thousand(self) -> None:
        later = asks("Read", file_path="/home/dev/shop/a.py", offset=2_001, limit=100)
        assert not asks("Read", file_path="/home/dev/shop/a.py").covers(later)

    def test_a_file_is_the_same_by_whatever_tool_and_from_whatever_folder(self) -> None:
        read = asks("Read", file_path="/home/dev/shop/src/a.py")
        assert asks("Edit", file_path="/home/dev/shop/src/a.py", cwd="/tmp").key == read.key
        assert asks("Read", file_path="/home/dev/other/src/a.py").key != read.key

    @pytest.mark.parametrize("name", ["Agent", "TodoWrite", "Glob", "mcp__x__y"])
    def test_other_calls_are_never_superseded(self, name: str) -> None:
        assert block_of(call(name, pattern="x", command="y")).asked is None

    @pytest.mark.parametrize(
        ("path", "file"),
        [
            ("/x/cart.d.ts", "cart.d.ts"),
            ("/x/Makefile", ""),
            ("/x/[id].tsx", ""),
            ("/x/.eslintrc.json", "eslintrc.json"),
            ("C:\\a.py", "a.py"),
        ],
    )
    def test_a_file_is_known_by_a_name_that_a_text_would_tell(self, path: str, file: str) -> None:
        assert asks("Read", file_path=path).file == file


class TestNames:
    def test_a_text_names_files_by_their_base_names(self) -> None:
        found = named("Look at src/cart.ts, ./b/test_cart.py:12 and C:\\shop\\new.md.\nthen.go")
        assert found == ("cart.ts", "test_cart.py", "new.md", "then.go")

    def test_what_does_not_end_like_a_file_names_none(self) -> None:
        assert named("e.g. console.error(this.items) at 3.14 or example.invalid") == ()

    def test_a_call_names_files_in_any_argument(self) -> None:
        block = block_of(call("Bash", command="cat src/a.py | head", description="see b.md"))
        assert block.names == ("a.py", "b.md")

    def test_an_answer_names_files_and_thinking_does_not(self) -> None:
        assert block_of({"type": "text", "text": "a.py is done"}).names == ("a.py",)
        assert block_of({"type": "thinking", "thinking": "a.py"}).names == ()

    def test_they_are_few_and_short(self) -> None:
        assert len(named(" ".join(f"f{number}.py" for number in range(500)))) == MOST_NAMES
        assert [len(name) for name in named("x" * 5_000 + ".py")] == [LONGEST_NAME + 3]

    @pytest.mark.parametrize("piece", [".ts", "a.ts ", "x", "."])
    def test_no_text_takes_long(self, piece: str) -> None:
        started = time.perf_counter()
        named(piece * (65_000 // len(piece)))
        assert time.perf_counter() - started < 0.5
