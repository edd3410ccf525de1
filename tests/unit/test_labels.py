"""The label of a tool call: its telling argument, short and on one line."""

import pytest

from ccmon.entries import LABEL_LIMIT, AssistantEntry, Block
from ccmon.transcripts.decode import decode
from tests.lines import assistant, call, line


def block_of(block: dict[str, object]) -> Block:
    (entry,) = decode(line(assistant(block))).entries
    assert isinstance(entry, AssistantEntry)
    return entry.blocks[0]


def label(name: str, /, **arguments: object) -> str:
    return block_of(call(name, **arguments)).label


def test_tells_the_argument_that_matters() -> None:
    assert label("Bash", command="make test\nmake lint", description="x") == "make test"
    assert label("Grep", pattern="def  main", path="src") == "def main"
    assert label("Glob", pattern="**/*.py") == "**/*.py"
    assert label("WebFetch", url="https://a.invalid/", prompt="p") == "https://a.invalid/"
    assert label("WebSearch", query="q") == "q"
    assert label("ToolSearch", query="select:X") == "select:X"
    assert label("Agent", description="look", subagent_type="Explore") == "look"
    assert label("Task", subagent_type="Explore", prompt="p") == "Explore"
    assert label("Skill", skill="pdf", args="x") == "pdf"
    assert label("TodoWrite", todos=[{}, {}, {}]) == "3 todos"
    assert label("TodoWrite", todos=[{}]) == "1 todo"
    assert label("mcp__x__y", count=3, name="n", body="b") == "n"
    assert label("mcp__x__y", body="b" * 500, name="n") == "n"
    assert label("mcp__x__y", count=3) == ""


def test_paths_inside_the_project_are_relative_to_it() -> None:
    assert label("Edit", file_path="/home/dev/shop/src/a.py", old_string="x") == "src/a.py"
    assert label("Edit", file_path="/home/dev/shopping/a.py") == "/home/dev/shopping/a.py"
    assert label("NotebookEdit", notebook_path="/home/dev/shop/n.ipynb") == "n.ipynb"


def test_a_partial_read_names_its_lines() -> None:
    path = "/home/dev/shop/a.py"
    assert label("Read", file_path=path, offset=1, limit=200) == "a.py 1-200"
    assert label("Read", file_path=path, limit=50) == "a.py 1-50"
    assert label("Read", file_path=path, offset=30) == "a.py 30-"
    assert label("Read", file_path=path, offset="x") == "a.py"


def test_is_clipped_and_stands_on_one_line() -> None:
    long = label("Bash", command="echo  a\tb " + "c" * 1000)
    assert long.startswith("echo a b ccc")
    assert len(long) == LABEL_LIMIT
    assert long.endswith("…")


@pytest.mark.parametrize("odd", ["text", None, [1], {"command": 7}])
def test_is_empty_for_odd_arguments(odd: object) -> None:
    block = {"type": "tool_use", "id": "t", "name": "Bash", "input": odd}
    assert block_of(block).label == ""


def test_blocks_that_call_nothing_have_neither_name_nor_label() -> None:
    block = block_of({"type": "thinking", "thinking": "x"})
    assert (block.type, block.name, block.label) == ("thinking", "", "")
