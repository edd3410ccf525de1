"""A monitor that watches transcripts grow, in any chunking, ends where one pass ends."""

import random
import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from ccmon.monitor import Monitor
from ccmon.report.document import document
from tests.homes import CORPUS, NOW, ConfigHome, read

FOLDERS = [
    "basic",
    "compact_auto",
    "dropped",
    "errors",
    "resume",
    "subagents",
    "subagents-2.0.76",
    "tui",
    "synthetic/compaction",
    "synthetic/cost_state",
    "synthetic/crlf",
    "synthetic/cut_then_whole",
    "synthetic/fork_unmarked",
    "synthetic/glued_records",
    "synthetic/interleaved",
    "synthetic/line_separators",
    "synthetic/no_final_newline",
    "synthetic/nul_run",
    "synthetic/resumed_elsewhere",
    "synthetic/rising_output",
    "synthetic/torn_tail",
]


def shown(monitor: Monitor) -> dict[str, object]:
    return dict(document(read(monitor), requests=True, now=NOW))


def one_pass(folder: Path) -> dict[str, object]:
    return shown(ConfigHome(folder).monitor())


def regrow(source: Path, target: Path, monitor: Monitor, dice: random.Random) -> None:
    """Write every transcript in pieces cut anywhere, files in turn, telling the monitor or not."""
    files = {
        path: path.read_bytes() for path in sorted(source.glob("projects/**/*")) if path.is_file()
    }
    done = dict.fromkeys(files, 0)
    while files:
        path = dice.choice(list(files))
        content, start = files[path], done[path]
        line_end = content.find(b"\n", start + dice.randrange(20_000)) + 1
        end = dice.choice([line_end or len(content), start + dice.randrange(1, 3_000)])
        copy = target / path.relative_to(source)
        copy.parent.mkdir(parents=True, exist_ok=True)
        with copy.open("ab") as file:
            file.write(content[start:end])
        done[path] = end
        if end >= len(content):
            del files[path]
        if dice.random() < 0.7:
            monitor.touch([str(copy)])
            monitor.step(budget=0.0 if dice.random() < 0.5 else 0.05)


@pytest.mark.parametrize("name", FOLDERS)
@settings(max_examples=4, deadline=None, phases=(Phase.explicit, Phase.reuse, Phase.generate))
@given(seed=st.integers(0, 2**32))
def test_any_chunking_ends_with_the_numbers_of_one_pass(name: str, seed: int) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        target = Path(scratch) / "config"
        (target / "projects").mkdir(parents=True)
        monitor = ConfigHome(target).monitor(now=NOW)
        regrow(CORPUS / name, target, monitor, random.Random(seed))
        monitor.touch([str(path) for path in target.glob("projects/**/*.jsonl")])
        monitor.touch([str(target / "new folder")])
        grown = shown(monitor)
        assert grown == one_pass(target)
        shutil.copytree(CORPUS / name / "projects", Path(scratch) / "other" / "projects")
        other = one_pass(Path(scratch) / "other")
        assert grown["totals"] == other["totals"]
        assert grown["by_model"] == other["by_model"]
