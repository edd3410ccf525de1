"""From a session's ledger to what a face shows of it."""

from collections.abc import Callable, Container, Iterable, Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from ccmon.insight.compaction import Left, crossing_point, forecast
from ccmon.insight.drag import DragFold
from ccmon.insight.hidden import Reckoner, Reckoning, lower_bound_reasons, with_calls
from ccmon.insight.inventory import inventory
from ccmon.insight.running import Folds, Running
from ccmon.insight.ttl import Tiers
from ccmon.insight.using import Result, results_of
from ccmon.ledger.account import TINY_CONTEXT
from ccmon.ledger.prices import PriceTable, normalised
from ccmon.ledger.session import SessionLedger
from ccmon.ledger.stats import ThreadStats, add_costs
from ccmon.ledger.thread import Thread
from ccmon.measures import TTL_SECONDS, Split, Usage
from ccmon.requests import MAIN, Bust, Compaction, Request
from ccmon.snapshot import (
    Cache,
    Context,
    Drag,
    Inventory,
    ModelTotals,
    NextRequest,
    Reported,
    Reread,
    Session,
    Spend,
    Status,
    Subagent,
)
from ccmon.transcripts.locate import AgentMeta

COMPACTED = Drag("off", None, None, None, None, None, None, None, None, None, None)
"""Drag after a compaction: whatever was carried is gone, and nothing is known of what follows."""


class Facts(Struct, frozen=True):
    """What the transcript does not say of a session: whether it runs, what its files tell.

    ``agents`` by agent id; ``recent`` holds the ids of agents whose file was written lately;
    ``reported`` is what the client told its status line, ``went_on`` the session that its process
    left it for.
    """

    project: str
    status: Status
    active: bool
    waiting_for: str | None
    agents: Mapping[str, AgentMeta]
    recent: frozenset[str]
    reported: Reported | None = None
    went_on: str | None = None


class Summed(Struct, frozen=True, eq=False):
    """A session as shown, its share of the totals by model, and what it tells other sessions.

    ``opening`` is its first context in tokens, None when it goes on from another session;
    ``tiers`` what its pauses cost in either tier of the cache. ``conflict`` says that the client's
    own totals contradict each other or the requests. ``results`` are the tool results in the
    main thread's context.
    """

    session: Session
    models: tuple[ModelTotals, ...]
    opening: int | None
    tiers: Tiers | None
    conflict: bool = False
    results: tuple[Result, ...] = ()


class Basis(Struct, frozen=True):
    """All that a sub-agent is shown by; where it is the same, so is the sub-agent."""

    thread: Thread
    folds: Folds
    meta: AgentMeta
    label: str | None
    active: bool
    hides: bool


class Summaries:
    """Builds sessions; keeps what it has folded, so that a new request costs little."""

    def __init__(self, prices: PriceTable) -> None:
        self._prices = prices
        self._running: dict[str, dict[str, Running]] = {}
        self._subagents: dict[str, dict[str, tuple[Basis, Subagent]]] = {}
        self._reckoners: dict[str, Reckoner] = {}

    def keep_only(self, session_ids: set[str]) -> None:
        """Let go of sessions that are no more."""
        for session_id in self._running.keys() - session_ids:
            del self._running[session_id]
            self._reckoners.pop(session_id, None)
            self._subagents.pop(session_id, None)

    def summarise(self, ledger: SessionLedger, facts: Facts) -> Summed:
        """The session as it stands; the ledger must be settled."""
        running = self._running.setdefault(ledger.session_id, {})
        folded: dict[str, tuple[Thread, Folds]] = {}
        for agent, thread in ledger.threads.items():
            if agent not in running:
                running[agent] = Running()
            folded[agent] = (thread, running[agent].over(thread.rows, thread.compactions))
        main, folds = folded.pop(MAIN, (ledger.main, Folds()))
        agents = {
            agent: folded[agent]
            for agent in sorted(folded, key=lambda name: _began(folded[name][0]))
        }
        calls = {agent: (thread, each.stats) for agent, (thread, each) in agents.items()}
        compactions = with_calls(main.compactions, calls)
        every = [folds.stats, *(each.stats for _, each in agents.values())]
        called = {MAIN: compactions} | {
            agent: thread.compactions for agent, (thread, _) in agents.items()
        }
        reckoning = self._reckoners.setdefault(ledger.session_id, Reckoner(self._prices)).reckon(
            ledger,
            called,
            ended=not facts.active,
            finished=frozenset(agent for agent, meta in facts.agents.items() if meta.finished),
            unsure=any(each.output_lower_bounds for each in every),
        )
        results = results_of(folds.uses)
        session = replace(
            self._session(ledger, facts, main, folds, agents, compactions, reckoning),
            inventory=_inventory(folds, lambda: results),
        )
        return Summed(
            session=session,
            models=_by_model(every, reckoning),
            opening=_opening(ledger),
            tiers=folds.pauses.tiers(folds.stats),
            conflict=reckoning.conflict,
            results=results,
        )

    def _session(
        self,
        ledger: SessionLedger,
        facts: Facts,
        main: Thread,
        folds: Folds,
        agents: Mapping[str, tuple[Thread, Folds]],
        compactions: tuple[Compaction, ...],
        reckoning: Reckoning,
    ) -> Session:
        stats = folds.stats
        every = [stats, *(each.stats for _, each in agents.values())]
        last, newest = stats.last, main.last
        reasons = lower_bound_reasons(every, reckoning)
        streams = ledger.main_streams() or ([newest.stream] if newest else [])
        following = _following(main, folds)
        return Session(
            session_id=ledger.session_id,
            title=ledger.title(),
            project=facts.project,
            cwd=next((stream.cwd for stream in streams if stream.cwd), None),
            model=last.model if last else None,
            effort=last.effort if last else None,
            version=next((item.version for item in reversed(streams) if item.version), None),
            active=facts.active,
            status=facts.status,
            waiting_for=facts.waiting_for,
            started_at=_least(stream.first_stamp for stream in streams),
            last_request_at=_most(each.newest.at for each in every if each.newest),
            last_line_at=_most(stream.last_stamp for stream in ledger.streams.values()),
            turns=stats.newest.turn if stats.newest else 0,
            request_count=sum(each.requests for each in every),
            usage=sum((each.usage for each in every), Usage()),
            cost=_cost(every),
            cost_is_lower_bound=bool(reasons),
            cost_is_estimated=any(each.estimated for each in every),
            lower_bound_reasons=reasons,
            unpriced_requests=sum(each.unpriced for each in every),
            output_lower_bound_requests=sum(each.output_lower_bounds for each in every),
            hidden=reckoning.hidden,
            context=self._context(main, stats, facts.reported) if last else None,
            next_request=following if last else None,
            cache=_told(_cache(main, folds), last, facts.reported) if last else None,
            reread=_reread(stats) if last else None,
            spend=_spend(stats, every) if last else None,
            drag=_drag(main, folds.drag, following) if last else None,
            busts=_busts(every),
            compactions=compactions,
            subagents=self._agents(ledger, facts, agents, reckoning.threads),
            requests=tuple(main.rows),
            attempts=reckoning.attempts,
            attempt_counts=reckoning.counts,
            reported=facts.reported,
            went_on=facts.went_on,
        )

    def _agents(
        self,
        ledger: SessionLedger,
        facts: Facts,
        agents: Mapping[str, tuple[Thread, Folds]],
        hiding: Container[str],
    ) -> tuple[Subagent, ...]:
        """The sub-agents; those in which nothing changed stay the same objects."""
        labels: dict[str, str] = {}
        for stream in ledger.streams.values():
            for agent, call in stream.agents.items():
                labels.setdefault(agent, call.label)
        before = self._subagents.get(ledger.session_id, {})
        shown = self._subagents[ledger.session_id] = {}
        for agent, (thread, folds) in agents.items():
            meta = facts.agents.get(agent, AgentMeta())
            active = facts.active and agent in facts.recent and not meta.finished
            basis = Basis(thread, folds, meta, labels.get(agent), active, agent in hiding)
            known = before.get(agent)
            if known is None or known[0] != basis:
                known = basis, _subagent(basis)
            shown[agent] = known
        return tuple(subagent for _, subagent in shown.values())

    def _context(
        self, main: Thread, stats: ThreadStats, reported: Reported | None
    ) -> Context | None:
        last, newest = stats.last, main.last
        if last is None:
            return None
        window, source = self._prices.window(
            last.model,
            newest.requested_model if newest else None,
            stats.largest_by_model.get(last.model, 0),
        )
        if source != "config" and reported and (reported.window or 0) >= last.context:
            window, source = reported.window, "statusline"
        growth, _, measured = stats.means()
        turns = stats.newest.turn if stats.newest else 0
        return Context(
            tokens=last.context,
            compacted_to=main.compacted_to,
            window=window,
            window_source=source,
            fill=last.context / window if window else None,
            growth_per_request=growth if measured else None,
            requests_per_turn=stats.requests / turns if turns else None,
            crossing_point=crossing_point(stats, last.price, stats.tier),
        )


def _began(thread: Thread) -> tuple[float, str]:
    first = thread.rows[0].at if thread.rows else None
    return (first or 0.0, thread.agent)


def _opening(ledger: SessionLedger) -> int | None:
    """The first context, where no response of another session stands before it in its file."""
    rows = ledger.main.rows
    if not rows:
        return None
    seen = (stream.sightings.get(rows[0].message_id) for stream in ledger.main_streams())
    if not any(sighting is not None and sighting.order == 0 for sighting in seen):
        return None
    return next((row.context for row in rows if row.context >= TINY_CONTEXT), None)


def _following(thread: Thread, folds: Folds) -> NextRequest:
    stats, left = folds.stats, None
    if thread.compacted_to is not None:
        left = Left(thread.compacted_to, folds.drag.habits.prefix)
    return forecast(stats, stats.last.price if stats.last else None, stats.tier, left)


def _cache(thread: Thread, folds: Folds) -> Cache:
    stats, last = folds.stats, folds.stats.last
    ttl = stats.tier
    start = (last.started_at or last.at) if last else None
    return Cache(
        caching=stats.caching,
        ttl=ttl,
        expires_at=start + TTL_SECONDS[ttl] if ttl and start is not None else None,
        hit_rate=stats.hit_rate() if stats.caching else None,
        hit_rate_last20=stats.recent_hit_rate() if stats.caching else None,
        write_factor=stats.write_factor() if stats.caching else None,
        busts=len(stats.busts),
        avoidable=stats.avoidable if stats.cost is not None else None,
        written=stats.usage.cache_creation_input_tokens,
        alert=folds.alert.alert(),
        ttl_check=folds.pauses.check(stats),
        ttl_is_estimated=ttl is not None and thread.carried.tier is None,
    )


def _told(cache: Cache, last: Request, reported: Reported | None) -> Cache:
    """The cache with the client's own deadline, where that was told after the last request."""
    if reported is None or reported.expires_at is None:
        return cache
    if (reported.cache_at or reported.at) < (last.at or 0.0):
        return cache
    guessed = cache.ttl_is_estimated and reported.ttl is None
    return replace(
        cache,
        ttl=reported.ttl or cache.ttl,
        expires_at=reported.expires_at,
        ttl_is_estimated=guessed,
    )


def _reread(stats: ThreadStats) -> Reread:
    doing = stats.split.fresh + stats.split.output
    return Reread(
        share=stats.rereads / stats.contexts if stats.contexts else None,
        unique_tokens=stats.unique,
        input_tokens=stats.contexts,
        amplification=stats.contexts / stats.unique if stats.unique else None,
        effective_multiple=stats.split.total / doing if doing else None,
    )


def _spend(stats: ThreadStats, every: Sequence[ThreadStats]) -> Spend:
    whole = sum((each.split for each in every), Split())
    priced = any(each.cost is not None for each in every)
    return Spend(
        last12=stats.recent_split(),
        segment=stats.segment_split if stats.cost is not None else None,
        session=whole if priced else None,
    )


def _drag(thread: Thread, drag: DragFold, following: NextRequest) -> Drag:
    if thread.compacted_to is not None:
        return COMPACTED
    plan = drag.plan if drag.requests > 1 else None
    known = drag.ratios.o is not None
    return Drag(
        state=drag.state,
        d=drag.ratios.d,
        o=drag.ratios.o,
        base_tokens=drag.base if plan else None,
        carried=drag.carried if known else None,
        compact=plan.cost if plan else None,
        compact_cold=plan.cost_cold if plan else None,
        saving_per_request=plan.saving if plan else None,
        payback_requests=plan.payback if plan else None,
        removes=max(0.0, plan.saving) / following.warm if plan and following.warm else None,
        since_request=drag.since,
    )


def _subagent(basis: Basis) -> Subagent:
    thread, folds, meta = basis.thread, basis.folds, basis.meta
    stats, last = folds.stats, folds.stats.last
    return Subagent(
        agent_id=thread.agent,
        type=meta.agent_type,
        description=meta.description or basis.label,
        parent_agent_id=meta.parent_agent_id,
        model=last.model if last else None,
        active=basis.active,
        usage=stats.usage,
        cost=stats.cost,
        cost_is_lower_bound=bool(stats.output_lower_bounds or stats.unpriced or basis.hides),
        context_tokens=last.context if last else None,
        requests=tuple(thread.rows),
        cache=_cache(thread, folds) if last else None,
        inventory=_inventory(folds, lambda: results_of(folds.uses)),
        next_request=_following(thread, folds) if last else None,
    )


def _inventory(folds: Folds, results: Callable[[], Sequence[Result]]) -> Inventory | None:
    stats = folds.stats
    return inventory(
        folds.contents, results, priced=stats.cost is not None, unpriced=stats.unpriced
    )


def _busts(every: Sequence[ThreadStats]) -> tuple[Bust, ...]:
    return tuple(
        Bust(
            request=row.n,
            thread=row.thread,
            at=row.at,
            expected_read=row.expected_read,
            cache_read=row.first_read,
            rewritten=row.rewritten,
            avoidable=row.avoidable,
            why=row.why,
            message_id=row.message_id,
            estimated=row.estimated,
        )
        for stats in every
        for row in stats.busts
    )


def _by_model(every: Sequence[ThreadStats], reckoning: Reckoning) -> tuple[ModelTotals, ...]:
    """Totals by model; a hidden request makes the cost of its model a lower bound."""
    models = add_models(totals for stats in every for totals in stats.models.values())
    return tuple(
        replace(totals, cost_is_lower_bound=True)
        if normalised(totals.model or "") in reckoning.models
        else totals
        for totals in models
    )


def add_models(totals: Iterable[ModelTotals]) -> tuple[ModelTotals, ...]:
    """Sums by model, the most expensive first."""
    sums: dict[str | None, ModelTotals] = {}
    for each in totals:
        before = sums.get(each.model)
        sums[each.model] = (
            each
            if before is None
            else ModelTotals(
                each.model,
                before.requests + each.requests,
                before.usage + each.usage,
                add_costs(before.cost, each.cost),
                before.cost_is_lower_bound or each.cost_is_lower_bound,
            )
        )
    return tuple(sorted(sums.values(), key=lambda item: (-(item.cost or 0.0), item.model or "")))


def _cost(every: Sequence[ThreadStats]) -> float | None:
    costs = [each.cost for each in every if each.cost is not None]
    return sum(costs) if costs else None


def _least(times: Iterable[float | None]) -> float | None:
    return min((time for time in times if time is not None), default=None)


def _most(times: Iterable[float | None]) -> float | None:
    return max((time for time in times if time is not None), default=None)
