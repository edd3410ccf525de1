"""Findings about what was brought into the context: F6, F12."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

from msgspec import Struct

from ccmon import format
from ccmon.insight.findings.case import WORTH_TELLING, Case
from ccmon.insight.using import Result
from ccmon.requests import MAIN
from ccmon.snapshot import Finding

LARGE = 10_000
LARGE_SHARE = 0.08
"""A result is large in tokens, or as a share of the context it came into."""
ENOUGH = 1_300
"""Tokens of 200 lines, which a narrower call brings."""
EDITING = frozenset({"Edit", "MultiEdit", "NotebookEdit", "Write"})
DELEGATED = frozenset({"Agent", "Task"})
EXPLORING = frozenset({"Glob", "Grep", "Read"})
MANY = 4
MUCH = 30_000
"""More lookups in a row than that, with more tokens than that, are an exploration."""
SUMMARY = 1_000
"""Tokens that a sub-agent answers with."""
EDIT_WITHIN = 3
"""Requests after an exploration in which an edit shows that the texts themselves were needed."""


def large_result(case: Case) -> Iterator[Finding]:
    """F6: single results that brought much more than a narrower call would have.

    Silent for files that were edited afterwards, for what a later result replaces (F10) or what an
    exploration brought (F12), and where it would have saved little.
    """
    price = case.price
    if price is None:
        return
    large = _to_be_narrowed(case)
    excess = sum(result.tokens - ENOUGH for result in large)
    saving = excess * (case.write(price) + price.read * case.life)
    if saving < WORTH_TELLING:
        return
    largest = max(large, key=lambda result: result.tokens)
    brought = format.tokens(sum(result.tokens for result in large))
    yield Finding(
        id="F6",
        key=f"F6:{large[-1].entered}",
        severity="info",
        title=f"{_named(largest)} brought {brought}"
        if len(large) == 1
        else f"{len(large)} large results brought {brought}",
        action=_narrower(largest),
        basis=f"{_named(largest)} #{largest.entered}: {format.tokens(largest.tokens)};"
        f" 200 lines are about {format.tokens(ENOUGH)}, read again by some"
        f" {format.plural(round(case.life), 'request')}",
        value=price.read * excess * case.ahead,
        saving=saving,
        thread=MAIN,
        request=largest.entered,
        evidence=(
            ("results", len(large)),
            ("tokens", sum(result.tokens for result in large)),
            ("largest", largest.tokens),
        ),
    )


def _to_be_narrowed(case: Case) -> list[Result]:
    """The large results that F6 speaks of."""
    large = [each for each in case.held if _is_large(each, case) and each.flag != "superseded"]
    if not large:
        return []
    edited, elsewhere = Edited.of(case), set(_exploration(case))
    return [each for each in large if each not in elsewhere and not edited.after(each)]


def _is_large(result: Result, case: Case) -> bool:
    if result.what.method == "estimated" or result.tokens <= ENOUGH:
        return False
    context = case.session.requests[result.entered - 1].context
    return result.tokens > LARGE or result.tokens > LARGE_SHARE * context


class Edited(Struct, frozen=True):
    """Which files were edited: by key with the last request that an edit's result came with.

    ``called`` are the base names in an edit that the newest request has only called for.
    """

    entered: dict[int, int]
    called: tuple[str, ...]

    @classmethod
    def of(cls, case: Case) -> Edited:
        """As far as the context still shows it."""
        entered = {
            result.what.asked.key: result.entered
            for result in case.held
            if result.what.name in EDITING and result.what.asked is not None
        }
        last = case.last
        return cls(entered, last.names if last is not None and last.verb in EDITING else ())

    def after(self, result: Result) -> bool:
        """Whether the file of a result was edited after that had come."""
        asked = result.what.asked
        if asked is None:
            return False
        return asked.file in self.called or self.entered.get(asked.key, 0) > result.entered


def _named(result: Result) -> str:
    return f"{result.what.name} {result.what.label}".strip()


def _narrower(result: Result) -> str:
    if result.what.name == "Read":
        return "Read with offset and limit, or let a sub-agent read it and return a summary."
    if result.what.name == "Bash":
        return "Pipe long output through head, tail or a filter, or run it in a sub-agent."
    if result.what.name in DELEGATED:
        return "Ask sub-agents for short summaries."
    return "Narrow such calls with a filter or limit, or let a sub-agent make them."


def long_exploration(case: Case) -> Iterator[Finding]:
    """F12: many lookups in a row, for which a sub-agent's summary would have done.

    Silent where an edit followed soon or most of the files were edited, until it is known that none
    were, and where a summary would have saved little.
    """
    price, run = case.price, _exploration(case)
    if price is None or not run:
        return
    excess = _tokens(run) - SUMMARY
    yield Finding(
        id="F12",
        key=f"F12:{run[0].entered}",
        severity="info",
        title=f"{len(run)} lookups in a row brought {format.tokens(_tokens(run))}",
        action="Let a sub-agent explore and return a summary; its reading stays out of here.",
        basis=f"#{run[0].entered} to #{run[-1].entered} without an edit; a summary is about"
        f" {format.tokens(SUMMARY)}",
        value=price.read * excess * case.ahead,
        saving=_spared(run, case),
        thread=MAIN,
        request=run[0].entered,
        evidence=(("lookups", len(run)), ("tokens", _tokens(run))),
    )


def _exploration(case: Case) -> Sequence[Result]:
    """The run of lookups to speak of; empty where there is none."""
    runs = [run for run in _explorations(case) if _was_only_read(run, case)]
    if not runs:
        return ()
    edited = Edited.of(case)
    served_none = [run for run in runs if not _served_edits(run, edited)]
    run: Sequence[Result] = max(served_none, key=_tokens, default=())
    return run if _spared(run, case) >= WORTH_TELLING else ()


def _spared(run: Sequence[Result], case: Case) -> float:
    """What a summary in place of a run would have saved, in USD."""
    price, last = case.price, case.last
    if price is None or last is None or not run:
        return 0.0
    rest = last.n - run[-1].entered + case.ahead
    return price.read * (_tokens(run) - SUMMARY) * rest


def _explorations(case: Case) -> Iterator[list[Result]]:
    """Lookups in a row within one turn, where they are many and brought much."""
    rows = case.session.requests

    def kind(result: Result) -> tuple[bool, int]:
        return result.what.name in EXPLORING, rows[result.entered - 1].turn

    for (explores, _), group in groupby(case.held, key=kind):
        run = list(group)
        if explores and len(run) > MANY and _tokens(run) > MUCH:
            yield run


def _was_only_read(run: Sequence[Result], case: Case) -> bool:
    """Whether no edit came within three requests, and so many have passed or none will come."""
    end = run[-1].entered
    newest = case.session.requests[-1]
    edits = [each.entered for each in case.held if each.what.name in EDITING]
    if newest.verb in EDITING:
        edits.append(newest.n + 1)
    if any(end <= entered <= end + EDIT_WITHIN for entered in edits):
        return False
    decided = newest.n >= end + EDIT_WITHIN
    return decided or case.resting or not case.session.active


def _served_edits(run: Sequence[Result], edited: Edited) -> bool:
    """Whether most of the files that were read in a run were edited afterwards."""
    files = {
        each.what.asked.key: edited.after(each)
        for each in run
        if each.what.asked is not None and each.what.name == "Read"
    }
    return sum(files.values()) > len(files) / 2


def _tokens(run: Sequence[Result]) -> int:
    return sum(result.tokens for result in run)
