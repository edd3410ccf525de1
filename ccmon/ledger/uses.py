"""What became of the tool results in the context: whether they are still of use.

A left fold over the requests of a thread, beside its contents. A result is superseded once a later
call brought the same again, and cold when its file was not named for a while. Source: accounting.md
section 8.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from copy import copy

from msgspec import Struct

from ccmon.requests import Entered, Request

NOTE_TOKENS = 200
"""A Read that brought so little in place of more said "unchanged", a failed call nothing."""
NOTE_SHARE = 10


class Use(Struct, frozen=True, gc=False):
    """One tool result in the context.

    ``superseded`` is the request whose results brought the same again, ``named`` the last request
    since it came whose answer or calls name its file.
    """

    what: Entered
    entered: int
    superseded: int | None
    named: int | None


class Uses:
    """The tool results of one thread's present context, up to a request."""

    def __init__(self) -> None:
        self._results: list[Entered] = []
        self._entered: list[int] = []
        self._superseded: dict[int, int] = {}
        self._standing: dict[tuple[str, int], tuple[int, ...]] = {}
        self._named: dict[str, int] = {}
        self._requests = array("q", [0])
        self._read = array("d", [0.0])

    def copy(self) -> Uses:
        """A fold that goes on from here without touching this one."""
        twin = copy(self)
        twin._results, twin._entered = copy(self._results), copy(self._entered)
        twin._superseded, twin._standing = copy(self._superseded), copy(self._standing)
        twin._named = copy(self._named)
        twin._requests, twin._read = copy(self._requests), copy(self._read)
        return twin

    def push(
        self,
        row: Request,
        *,
        requests: int,
        read: float,
        kept: Sequence[tuple[Entered, int]] | None = None,
    ) -> None:
        """Take in the next request.

        ``requests`` and ``read`` are the counters of the contents behind it: how many requests read
        the context, and the sum of their prices of reading. ``kept`` are the results that stayed,
        where some left or came back.
        """
        self._requests.append(requests)
        self._read.append(read)
        if kept is not None:
            self._stand(kept)
        for item in row.entered:
            if item.kind == "tool_result" and item.tokens:
                self._take(item, row.n)
        for name in row.names:
            if name in self._named:
                self._named[name] = row.n

    def requests_since(self, request: int) -> int:
        """How many requests have read the context after that one."""
        return self._requests[-1] - self._requests[request]

    def price_since(self, request: int) -> float:
        """What one token that was there all the time has cost to read after that request."""
        return self._read[-1] - self._read[request]

    def results(self) -> Iterable[Use]:
        """The tool results now in the context, in the order of the prompt."""
        superseded, named = self._superseded, self._named
        for index, (item, entered) in enumerate(zip(self._results, self._entered, strict=True)):
            last = named.get(item.asked.file, 0) if item.asked is not None else 0
            yield Use(item, entered, superseded.get(index), last if last >= entered else None)

    def _stand(self, kept: Sequence[tuple[Entered, int]]) -> None:
        """These results are in the context: others are not, and supersede nothing any more."""
        self._results, self._entered, self._superseded, self._standing = [], [], {}, {}
        for item, entered in kept:
            self._take(item, entered)

    def _take(self, item: Entered, request: int) -> None:
        index = len(self._results)
        self._results.append(item)
        self._entered.append(request)
        if item.asked is None:
            return
        if item.asked.file:
            self._named.setdefault(item.asked.file, 0)
        same = (item.name, item.asked.key)
        left = []
        for other in self._standing.get(same, ()):
            if _replaces(item, self._results[other]):
                self._superseded[other] = request
            else:
                left.append(other)
        self._standing[same] = (*left, index)


def _replaces(item: Entered, before: Entered) -> bool:
    """Whether a result makes an earlier one of the same file, command or search useless.

    One of a call that failed or was denied is no reason to do without what came before, unless that
    had failed as well.
    """
    assert item.asked is not None
    assert before.asked is not None
    if not item.asked.covers(before.asked) or (item.is_error and not before.is_error):
        return False
    brought, held = item.tokens or 0, before.tokens or 0
    is_note = brought < NOTE_TOKENS and brought * NOTE_SHARE < held
    return not is_note or not (item.is_error or item.name == "Read")
