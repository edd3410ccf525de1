"""Findings are kept until something they rest on changes."""

from math import inf

import pytest
from msgspec.structs import replace

from ccmon.insight import judge as judging
from ccmon.insight.findings import Case, find
from ccmon.insight.judge import Judge
from ccmon.insight.summary import Summed
from ccmon.snapshot import Finding, Status
from tests.builders import OTHER, SESSION, START
from tests.cases import APART, growing, summed_of

HOUR = 3_600.0
NOW = START + 3 * APART
"""While the cache of both sessions is fresh."""


def session(name: str = SESSION, *, status: Status = "idle", first: int = 150_000) -> Summed:
    made = summed_of(growing(first, 200_000), status=status)
    return Summed(replace(made.session, session_id=name), made.models, made.opening, made.tiers)


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The sessions that were looked at for findings."""
    seen: list[str] = []

    def counted(case: Case) -> tuple[Finding, ...]:
        seen.append(case.session.session_id)
        return find(case)

    monkeypatch.setattr(judging, "find", counted)
    return seen


def test_nothing_is_looked_at_twice_while_nothing_changes(looks: list[str]) -> None:
    judge, mine, other = Judge(), session(), session(OTHER)
    before = judge.sessions([mine, other], NOW)
    assert judge.sessions([mine, other], NOW + 60) == before
    assert looks == [SESSION, OTHER]


def test_news_of_one_session_leaves_the_others_as_they_are() -> None:
    judge, mine = Judge(), session()
    late = NOW + 0.9 * HOUR
    before, _ = judge.sessions([mine, session(OTHER)], late)
    after, _ = judge.sessions([mine, session(OTHER, first=160_000)], late)
    assert before.findings
    assert after is before


def test_only_the_findings_change_when_time_passes() -> None:
    judge, mine = Judge(), session()
    (fresh,) = judge.sessions([mine], NOW)
    (late,) = judge.sessions([mine], NOW + 0.9 * HOUR)
    assert [finding.id for finding in late.findings] == ["F2"]
    assert late.cache is fresh.cache
    (again,) = judge.sessions([mine], NOW)
    assert again.findings == ()


def test_it_knows_when_time_alone_will_change_something() -> None:
    judge, mine = Judge(), session()
    cache = mine.session.cache
    assert cache is not None
    assert cache.expires_at is not None
    judge.sessions([mine], NOW)
    assert judge.changes_at == cache.expires_at - 0.2 * HOUR
    judge.sessions([mine], judge.changes_at)
    assert judge.changes_at == cache.expires_at
    judge.sessions([mine], judge.changes_at)
    assert judge.changes_at == inf


def test_an_ended_session_is_not_waited_for() -> None:
    judge = Judge()
    judge.sessions([session(status="ended")], NOW)
    assert judge.changes_at == inf
