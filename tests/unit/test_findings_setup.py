"""Findings about how the work is set up: F13, F16; and what holds for all of them."""

import pytest
from msgspec.structs import replace

from ccmon.insight.findings import REGISTRY, find
from ccmon.ledger.versions import version_numbers
from ccmon.snapshot import Session
from tests.cases import bust, case_of, found, only, session_like, steady, why, with_busts
from tests.sample import NOW, sample_session


def with_agents(*costs: float | None, whole: float | None, name: str = "a7e03c") -> Session:
    (agent,) = sample_session().subagents
    agents = [
        replace(agent, agent_id=f"{name}{number}", cost=cost) for number, cost in enumerate(costs)
    ]
    return replace(session_like(*steady(5)), subagents=tuple(agents), cost=whole)


class TestCostlyAgents:
    def test_agents_that_cost_nearly_half(self) -> None:
        finding = only(case_of(with_agents(0.2, 0.7, None, whole=2.0)), "F13")
        assert finding.title == "sub-agents cost 45% of the session"
        assert finding.basis == "$0.900 in 3 sub-agents, the dearest Explore with $0.700"
        assert finding.thread == "a7e03c1"

    def test_silent_up_to_two_fifths(self) -> None:
        assert found(case_of(with_agents(0.8, whole=2.0)), "F13") == []
        assert found(case_of(with_agents(0.81, whole=2.0)), "F13") != []

    def test_silent_for_a_small_sum(self) -> None:
        assert found(case_of(with_agents(0.49, whole=0.5)), "F13") == []

    def test_silent_without_a_price(self) -> None:
        assert found(case_of(with_agents(None, whole=None)), "F13") == []

    def test_silent_for_compaction_calls_of_old_clients(self) -> None:
        assert found(case_of(with_agents(0.9, whole=2.0, name="acompact-1")), "F13") == []


class TestCountsNotFinal:
    def test_an_old_client(self) -> None:
        session = replace(session_like(*steady(3)), version="2.1.96")
        finding = only(case_of(session), "F16")
        assert (finding.severity, finding.value, finding.saving) == ("info", 0.0, None)
        assert finding.action.startswith("Update Claude Code")

    def test_an_answer_that_was_cut_off(self) -> None:
        session = replace(session_like(*steady(3)), output_lower_bound_requests=1)
        finding = only(case_of(session), "F16")
        assert finding.title == "output counts are not final"
        assert "Update" not in finding.action

    @pytest.mark.parametrize("version", ["2.1.97", "2.2.0", "10.0.1", "nightly", None])
    def test_silent_for_new_and_for_unknown_clients(self, version: str | None) -> None:
        assert found(case_of(replace(session_like(*steady(3)), version=version)), "F16") == []

    def test_silent_for_a_session_without_requests(self) -> None:
        session = replace(session_like(*steady(3)), version="1.0.17", request_count=0)
        assert found(case_of(session), "F16") == []


@pytest.mark.parametrize(
    ("version", "numbers"),
    [
        ("2.1.97", (2, 1, 97)),
        ("2.1.97-beta.1", (2, 1, 97)),
        ("2.1.9", (2, 1, 9)),
        ("2.1", None),
        ("2.1.97.4", None),
        ("v2.1.97", None),
        ("", None),
        (None, None),
    ],
)
def test_versions_compare_by_number(
    version: str | None, numbers: tuple[int, int, int] | None
) -> None:
    assert version_numbers(version) == numbers


def test_findings_rank_by_severity_then_by_money() -> None:
    busts = (
        bust(3, why("unknown", "unknown"), avoidable=9.0),
        bust(5, why("tools_loaded"), avoidable=0.2),
        bust(7, why("model_switch"), avoidable=0.4),
    )
    ranked = find(case_of(with_busts(*busts)))
    assert [(each.severity, each.request) for each in ranked] == [
        ("warn", 7),
        ("warn", 5),
        ("info", 3),
    ]


def test_the_design_puts_compacting_first() -> None:
    ids = [each.id for each in find(case_of(replace(sample_session(), status="idle"), now=NOW))]
    assert ids == ["F1", "F4", "F4"]


def test_an_ordinary_session_has_no_findings() -> None:
    assert find(case_of(session_like(*steady(40)))) == ()


def test_a_session_without_requests_has_none() -> None:
    session = session_like(*steady(2))
    empty = replace(
        session, requests=(), request_count=0, context=None, cache=None, drag=None,
        next_request=None,
    )  # fmt: skip
    assert find(case_of(empty)) == ()


def test_every_finding_says_when_it_keeps_silent_or_why_it_speaks() -> None:
    texts = [look.__doc__ or "" for look in REGISTRY]
    names = sorted(text.partition(":")[0] for text in texts)
    assert names == sorted(f"F{number}" for number in range(1, 17))
