"""Findings: what is worth doing, ranked. One registry of small pure functions.

Source: accounting.md section 12. Each function looks at one case and yields what it finds; its
docstring names when it keeps silent.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from ccmon.insight.findings.breaking import broken, low_hit_rate
from ccmon.insight.findings.bringing import large_result, long_exploration
from ccmon.insight.findings.carrying import compaction_overdue, large_opening
from ccmon.insight.findings.case import Case
from ccmon.insight.findings.holding import cold_results, much_thinking, repeated_command
from ccmon.insight.findings.pausing import going_cold, gone_cold, other_tier, unprompted
from ccmon.insight.findings.remembering import read_again
from ccmon.insight.findings.setup import costly_agents, counts_not_final
from ccmon.snapshot import Finding, Severity

__all__ = ["REGISTRY", "Case", "find"]

REGISTRY: tuple[Callable[[Case], Iterator[Finding]], ...] = (
    compaction_overdue,
    going_cold,
    gone_cold,
    broken,
    other_tier,
    large_result,
    cold_results,
    large_opening,
    much_thinking,
    repeated_command,
    read_again,
    long_exploration,
    costly_agents,
    low_hit_rate,
    unprompted,
    counts_not_final,
)

_RANK: dict[Severity, int] = {"high": 0, "warn": 1, "info": 2}


def find(case: Case) -> tuple[Finding, ...]:
    """All findings: by severity, then by the money they concern over the next two prompts.

    Where that is the same, what they say it cost or saves decides.
    """
    found = [finding for look in REGISTRY for finding in look(case)]
    return tuple(sorted(found, key=_order))


def _order(finding: Finding) -> tuple[int, float, float, str, str]:
    saving = finding.saving or 0.0
    return (_RANK[finding.severity], -finding.value, -saving, finding.id, finding.key)
