"""The finding about what sessions find out again and again: F11."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from ccmon.insight.findings import Case
from ccmon.insight.judge import Judge
from ccmon.monitor import Scope
from ccmon.past import Belongs, Candidate
from tests.builders import START
from tests.cases import case_like, found, only, summed_of
from tests.homes import FIRST, ConfigHome, read
from tests.sittings import ROOT, Sitting, numbered
from tests.working import Work

GUIDE = Candidate(
    "shop-api", "file", "docs/guide.md", 9, 11, 1, 9_000, 1.4, 1.15, 0.144, 2_000, 0.0372,
    "CLAUDE.md", True, START, ROOT,
)  # fmt: skip


def case(*candidates: Candidate, path: str = "docs/guide.md") -> Case:
    """A session of shop-api that has read a file, and what is known of the past."""
    return replace(case_like(Work().call("Read", path, 9_000).say()), candidates=candidates)


def belonging(belongs: Belongs) -> Candidate:
    return replace(GUIDE, belongs=belongs)


def test_it_names_the_file_the_sessions_the_saving_and_where_it_belongs() -> None:
    finding = only(case(GUIDE), "F11")
    assert finding.title == "docs/guide.md was read in 9 sessions"
    assert finding.action == "Put what it says in about 2.0k tokens into CLAUDE.md."
    assert finding.basis == (
        "9.0k each time, stable; a memory saves ~$0.144 a session and costs ~$0.037"
    )
    assert finding.saving == pytest.approx(0.144 - 0.0372)
    assert (finding.severity, finding.thread, finding.request) == ("info", "main", 2)
    assert dict(finding.evidence) == {
        "file": "docs/guide.md", "sessions": 9, "tokens": 9_000, "session_saving_usd": 0.144,
        "memory_cost_usd": 0.0372, "belongs": "CLAUDE.md",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("belongs", "action"),
    [
        ("rule", "Put what it says in about 2.0k tokens into a rule with paths."),
        ("skill", "Put what it says in about 2.0k tokens into a skill."),
        ("map", "Put a map of what lives where into CLAUDE.md, in about 2.0k tokens."),
    ],
)
def test_it_says_what_to_write(belongs: Belongs, action: str) -> None:
    assert only(case(belonging(belongs)), "F11").action == action


@pytest.mark.parametrize(
    "known",
    [
        (),
        (replace(GUIDE, recommended=False, belongs="nothing"),),
        (replace(GUIDE, root="/home/other/shop-api"),),
        (replace(GUIDE, key="docs/other.md"),),
        (replace(GUIDE, kind="search"),),
    ],
    ids=["no past", "does not pay", "another project", "another file", "no file"],
)
def test_silent(known: tuple[Candidate, ...]) -> None:
    assert found(case(*known), "F11") == []


def test_silent_of_a_file_that_the_session_has_edited() -> None:
    read, edit = Work().call("Read", "docs/guide.md", 9_000), "docs/guide.md"
    assert found(replace(case_like(read.call("Edit", edit, 100).say()), candidates=(GUIDE,)),
                 "F11") == []  # fmt: skip
    other = Work().call("Read", "docs/guide.md", 9_000).call("Edit", "src/a.py", 100)
    assert found(replace(case_like(other.say()), candidates=(GUIDE,)), "F11") != []


def test_silent_where_no_folder_is_known() -> None:
    nowhere = case(replace(GUIDE, root=""))
    assert found(replace(nowhere, session=replace(nowhere.session, cwd=None)), "F11") == []


def test_the_same_file_of_another_project_is_another_finding() -> None:
    here, there = case(GUIDE), case(replace(GUIDE, root="/home/other/shop-api"))
    there = replace(there, session=replace(there.session, cwd="/home/other/shop-api"))
    assert only(here, "F11").key != only(there, "F11").key


@pytest.mark.parametrize(
    ("path", "key"),
    [
        ("docs/guide.md 100-399", "docs/guide.md"),
        ("docs/guide.md 100-", "docs/guide.md"),
        ("/etc/hosts", "/etc/hosts"),
        ("/home/dev/shop-api/.claude/worktrees/fix-7/docs/guide.md", "docs/guide.md"),
    ],
)
def test_a_file_is_the_same_wherever_it_is_read(path: str, key: str) -> None:
    assert found(case(replace(GUIDE, key=key), path=path), "F11") != []


def test_three_files_are_spoken_of_that_save_most() -> None:
    work, known = Work(), []
    for number in range(5):
        work.call("Read", f"{number}.md", 3_000)
        known.append(replace(GUIDE, key=f"{number}.md", session_saving=0.1 + number / 100))
    findings = found(replace(case_like(work.say()), candidates=tuple(known)), "F11")
    assert [dict(finding.evidence)["file"] for finding in findings] == ["4.md", "3.md", "2.md"]
    assert len({finding.key for finding in findings}) == 3


def test_it_ranks_behind_what_concerns_the_session_itself() -> None:
    assert only(case(GUIDE), "F11").value == 0.0


def test_a_judge_looks_again_when_the_past_is_told() -> None:
    judge, summed = Judge(), summed_of(Work().call("Read", "docs/guide.md", 9_000).say().entries)
    (before,) = judge.sessions([summed], START)
    assert judge.know([GUIDE])
    (after,) = judge.sessions([summed], START)
    assert "F11" not in [finding.id for finding in before.findings]
    assert "F11" in [finding.id for finding in after.findings]
    assert not judge.know([GUIDE]), "the same again is no news"
    assert judge.sessions([summed], START) == (after,)
    assert judge.know([])
    assert "F11" not in [finding.id for finding in judge.sessions([summed], START)[0].findings]


def test_a_monitor_tells_it_of_a_session_in_a_worktree(tmp_path: Path) -> None:
    home = ConfigHome(tmp_path / "config")
    sitting = Sitting(FIRST, cwd=f"{ROOT}/.claude/worktrees/fix-7")
    sitting.read("docs/guide.md", numbered("a", "b"), 9_000, offset=1, limit=2).say(2).write(home)
    monitor = home.monitor(Scope(everything=True))
    (session,) = read(monitor).sessions
    assert "F11" not in [finding.id for finding in session.findings]
    revision = monitor.revision
    monitor.know([GUIDE])
    (session,) = read(monitor).sessions
    assert monitor.revision > revision
    assert "F11" in [finding.id for finding in session.findings]
