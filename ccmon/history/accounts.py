"""The accounts of responses that were scanned: the figures of the full ledger, without its rows.

The rules are the ledger's own functions; here only what they hand from one request to the next is
kept. What a request brought into the context, why the cache was lost and what is still open are
questions for ``ledger``. Source: accounting.md, sections 1 and 2.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import cast

from msgspec import Struct

from ccmon.entries import UsageLine
from ccmon.history.seen import Response, Seen
from ccmon.ledger.account import NO_USAGE, avoidable, besides, compare, is_aside
from ccmon.ledger.costs import split_cost
from ccmon.ledger.prices import PriceTable
from ccmon.ledger.requests import Copies, Known
from ccmon.ledger.usage import calls_of, prompt_tokens, tier_of
from ccmon.ledger.usage import settle as settle_usage
from ccmon.measures import Split, Ttl, Usage


class Accounted(Struct, frozen=True, eq=False, gc=False):
    """One response, accounted for once; definitions as in ``requests.Request``.

    ``session_id`` is the session that paid, ``path`` the file that stands for it; ``thread`` is
    ``main`` or an agent id, ``n`` counts from 1 within it. ``follows_compaction``: another request,
    which no line shows, was paid for before it.
    """

    message_id: str
    request_id: str | None
    session_id: str
    path: str
    thread: str
    n: int
    at: float | None
    model: str | None
    version: str | None
    stop_reason: str | None
    usage: Usage
    context: int
    rewritten: int
    bust: bool
    cost: float | None
    split: Split | None
    avoidable: float | None
    output_is_lower_bound: bool
    estimated: bool
    follows_compaction: bool


class _File(Struct, eq=False):
    """A transcript as ``Copies`` sees it; ``sightings`` only where it shares a response."""

    seen: Seen
    owner_id: str
    sort_key: tuple[float, str]
    sightings: dict[str, Response] = {}


class _Copy(Struct, eq=False):
    """What one file says of a response that stands in several."""

    stream: _File
    response: Response
    order: int
    message_id: str
    agent: str
    at: float | None
    usage: UsageLine | None
    final: bool
    claim: str | None
    guess: str | None


class _Member(Struct, eq=False, gc=False):
    """A response in its place in a thread; ``known`` is what all files say of it."""

    sort_key: tuple[float, str, int]
    response: Response
    known: Known


_Threads = dict[tuple[str, str], list[_Member]]


def settle(seens: Iterable[Seen], prices: PriceTable) -> list[Accounted]:
    """Account for every response of some files, each once.

    The files must be all that share a response, or belong to a session that one of their lines
    names. The requests of a thread come in their own order.
    """
    accounted: list[Accounted] = []
    for (session_id, thread), members in _threads(seens).items():
        members.sort(key=lambda member: member.sort_key)
        _account(session_id, thread, members, prices, accounted)
    return accounted


def _threads(seens: Iterable[Seen]) -> _Threads:
    """The responses by the session that paid and the thread."""
    files = [_file(seen) for seen in seens]
    homes = Counter(
        file.owner_id for file in files if file.seen.agent_id is None and file.seen.chained
    )
    copies = _copies(files, homes)
    threads: _Threads = {}
    for file in files:
        for order, response in enumerate(file.seen.responses):
            if response.message_id in copies.sightings:
                continue
            session_id = response.claim or file.owner_id
            if response.claim is None and response.guess in homes:
                session_id = response.guess or file.owner_id
            member = _Member(
                (*file.sort_key, order), response, Known(response.usage, response.final)
            )
            threads.setdefault((session_id, response.agent), []).append(member)
    copies.unsettled(everything=True)
    for message_id in copies.sightings:
        session_id, owner = copies.owner(message_id)
        member = _Member(
            (*owner.stream.sort_key, owner.order), owner.response, copies.best(message_id, owner)
        )
        threads.setdefault((session_id, owner.agent), []).append(member)
    return threads


def _file(seen: Seen) -> _File:
    return _File(seen, seen.session_id or seen.path, seen.sort_key)


def _copies(files: Sequence[_File], homes: Counter[str]) -> Copies[_Copy]:
    """The responses that stand in more than one file."""
    copies: Copies[_Copy] = Copies(homes)
    first: dict[str, tuple[_File, int]] = {}
    for file in files:
        for order, response in enumerate(file.seen.responses):
            known = first.setdefault(response.message_id, (file, order))
            if known[0] is not file:
                copies.add(_copy(*known), _copy(file, order))
    return copies


def _copy(file: _File, order: int) -> _Copy:
    if not file.sightings:
        file.sightings = {response.message_id: response for response in file.seen.responses}
    response = file.seen.responses[order]
    return _Copy(
        file,
        response,
        order,
        response.message_id,
        response.agent,
        response.at,
        response.usage,
        response.final,
        response.claim,
        response.guess,
    )


def _account(
    session_id: str,
    thread: str,
    members: Sequence[_Member],
    prices: PriceTable,
    accounted: list[Accounted],
) -> None:
    """Account for the requests of a thread, in their order."""
    before: int | None = None
    left, tier, reset = 0, cast(Ttl | None, None), False
    # Which request each one leaves to be compared with, by its place.
    handed_on: list[int] = []
    for place, member in enumerate(members):
        response, known = member.response, member.known
        line = known.usage or NO_USAGE
        usage, guessed = settle_usage(line.tokens, tier or "5m")
        first, last = calls_of(line)
        context = prompt_tokens(last)
        resets = reset or response.opens
        rewritten = compare(before, left, first, context, resets=resets).rewritten
        if rewritten and _goes_back(members, place, handed_on):
            rewritten = 0
        price = prices.price(
            response.model,
            response.at,
            prompt_tokens=context,
            fast=line.speed == "fast",
            geo=line.inference_geo,
        )
        split, estimated = None, guessed
        if price is not None:
            split = split_cost(usage, price, rewritten)
            estimated = guessed or price.estimated
        if line.iterations or line.web_search_requests:
            beside = besides(line, response.model, response.at, price, tier or "5m", prices)
            split = None if split is None or beside.split is None else split + beside.split
            estimated = estimated or beside.guessed
        accounted.append(
            Accounted(
                response.message_id,
                response.request_id,
                session_id,
                member.sort_key[1],
                thread,
                place + 1,
                response.at,
                response.model,
                response.version,
                response.stop_reason,
                usage,
                context,
                rewritten,
                rewritten > 0,
                split.total if split is not None else None,
                split,
                avoidable(split, price, rewritten),
                not known.final or response.cut,
                estimated,
                response.opens,
            )
        )
        if is_aside(before, context):
            reset = resets
            handed_on.append(handed_on[-1])
            continue
        if not guessed:
            tier = tier_of(usage) or tier
        before, left, reset = context, last.cache_read + last.cache_creation, False
        handed_on.append(place)


def _goes_back(members: Sequence[_Member], place: int, handed_on: Sequence[int]) -> bool:
    """Whether a request goes on from one before its predecessor: what it lacks was rewound."""
    path, parent_id = members[place].sort_key[1], members[place].response.parent_id
    if parent_id is None:
        return False
    for at in range(place - 1, -1, -1):
        if members[at].response.message_id == parent_id and members[at].sort_key[1] == path:
            return handed_on[at] < handed_on[-1]
    return False
