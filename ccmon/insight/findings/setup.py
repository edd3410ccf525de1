"""Findings about how the work is set up: F13, F16."""

from __future__ import annotations

from collections.abc import Iterator

from ccmon import format
from ccmon.insight.findings.case import Case
from ccmon.insight.hidden import COMPACTION_AGENT
from ccmon.ledger.versions import is_complete
from ccmon.snapshot import Finding

AGENTS_SHARE = 0.40
AGENTS_USD = 0.50
"""Sub-agents are spoken of when they cost this much and this share of the session."""


def costly_agents(case: Case) -> Iterator[Finding]:
    """F13: sub-agents cost a large share of the session."""
    session = case.session
    working = [each for each in session.subagents if not _compacts(each.agent_id)]
    cost = sum(agent.cost or 0.0 for agent in working)
    if not session.cost or cost < AGENTS_USD or cost <= AGENTS_SHARE * session.cost:
        return
    dearest = max(working, key=lambda agent: agent.cost or 0.0)
    share = cost / session.cost
    yield Finding(
        id="F13",
        key="F13",
        severity="info",
        title=f"sub-agents cost {format.percent(share)} of the session",
        action="Give sub-agents fewer and larger briefs, or a cheaper model.",
        basis=f"{format.money(cost)} in {format.plural(len(working), 'sub-agent')}, the dearest"
        f" {dearest.type or dearest.agent_id} with {format.money(dearest.cost)}",
        thread=dearest.agent_id,
        evidence=(("share", share), ("cost_usd", cost)),
    )


def _compacts(agent_id: str) -> bool:
    return agent_id.startswith(COMPACTION_AGENT)


def counts_not_final(case: Case) -> Iterator[Finding]:
    """F16: output counts are start values, so the costs shown are lower bounds."""
    session = case.session
    requests, version = session.output_lower_bound_requests, session.version
    old = not is_complete(version)
    if not session.request_count or (not requests and not old):
        return
    counts = f"{format.plural(requests, 'request')} without a final output count, "
    yield Finding(
        id="F16",
        key="F16",
        severity="info",
        title="output counts are not final" if requests else "an old client wrote this",
        action="Update Claude Code; until then costs are lower bounds."
        if old
        else "Take the cost as a lower bound: answers that were cut off are not counted whole.",
        basis=f"{counts if requests else ''}client {version or format.UNKNOWN}",
        evidence=(("requests", requests), ("version", version)),
    )
