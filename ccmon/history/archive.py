"""The past of all sessions: looks what transcripts there are, reads on, and sums up.

``Archive`` ties the scan to the index. Whatever happens to the index (corrupt, locked, deleted, a
full disk), the totals stay right: what it does not hold is read again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import msgspec

from ccmon import __version__
from ccmon.errors import CcmonError
from ccmon.history import sums
from ccmon.history.files import Scope, is_folder, is_in_use, is_there, known_scope, scope_of
from ccmon.history.index import Broken, Index, Unkept, consulted
from ccmon.history.intake import Intake
from ccmon.history.zones import zone_of
from ccmon.ledger.prices import PriceTable
from ccmon.past import Candidate, History, Kept, Memory, PastRequest, Query, Scanning
from ccmon.settings import Settings, folder_around
from ccmon.transcripts.locate import Home

if TYPE_CHECKING:
    from ccmon.history.studies import Studies

ACCOUNTING_VERSION = 2
"""Of the rules of accounting: requests of another one are accounted again, from what was read."""

ATTEMPTS = 5
"""How often an answer is tried for."""

DAY = 86_400.0

_SOON = 0.1
"""Seconds after which a call that is stopped ends at the latest, but for a piece of work."""

_T = TypeVar("_T")


class Archive:
    """Every session below the homes, as far as it has been read; see ``scanning``.

    ``folder`` is ccmon's cache folder, None: nothing is kept on disk. ``revision`` grows with
    everything that may change the answers, also what other processes find. ``clock`` tells only
    when these were made. When the index breaks, ``whole`` has an answer wait until everything has
    been read again; else it comes from what is there and further steps bring the rest. One owner,
    any thread, one call at a time.
    """

    def __init__(
        self,
        homes: Sequence[Home],
        settings: Settings,
        folder: Path | None,
        clock: Callable[[], float] = time.time,
        *,
        whole: bool = True,
    ) -> None:
        self.revision = 0
        self._homes = tuple(homes)
        self._clock = clock
        self._prices = PriceTable.load(settings)
        self._rules = f"{ACCOUNTING_VERSION} {__version__} {self._prices.table_date}"
        self._fingerprint = _fingerprint(self._rules, settings)
        self._whole, self._stopped = whole, False
        self._unkept = ""
        inside = folder_around(folder, (home.path for home in homes)) if folder else None
        if inside is not None:
            self._unkept = f"The history is not kept: {folder} lies in the config folder {inside}."
            folder = None
        self._folder = folder
        self._opened: Index | None = None
        self._studies: Studies | None = None
        self._scope: Scope | None = None
        self._intake: Intake | None = None

    @property
    def _index(self) -> Index:
        if self._opened is None:
            self._opened = Index(self._folder, self._unkept)
        return self._opened

    @property
    def scanning(self) -> Scanning:
        """What has to be read since the last look, and how much of that was."""
        return self._intake.scanning if self._intake else Scanning()

    @property
    def studying(self) -> Scanning:
        """What has to be studied for the memory, and how much of that was."""
        return self._studies.studying if self._studies else Scanning()

    def look_again(self) -> None:
        """Have the next step look what files there are."""
        if self._intake is not None:
            self._intake.look_again()

    def step(self, budget: float = 0.05) -> bool:
        """Look, read on and account for about ``budget`` seconds; True while there is more."""

        def work() -> bool:
            intake = self._taking_in()
            before = intake.kept
            more = intake.step(budget)
            # Either may have changed, and the second has to be asked for each time.
            self.revision += (intake.kept != before) | self._index.changed_elsewhere()
            if not more:
                self._index.settle_down()
            return more

        return self._safely(work)

    def history(self, query: Query) -> History:
        """What the requests read so far add up to.

        Raises CcmonError for an unknown project or time zone.
        """
        zone = zone_of(query.timezone)

        def work(index: Index, scope: Scope) -> History:
            intake = self._taking_in()
            groups, totals, asked = sums.summed(index, scope, query, zone)
            return History(
                generated_at=self._clock(),
                query=query,
                timezone=zone.name,
                groups=groups,
                totals=totals,
                kept=sums.kept(index, scope, intake.unreadable),
                price_table_date=self._prices.table_date,
                warning=index.warning,
                asked=asked,
            )

        return self._answer(work)

    def requests(self, query: Query) -> Iterator[PastRequest]:
        """The requests read so far, one by one: by time, then session, thread and number.

        Raises CcmonError for an unknown project or time zone.
        """
        zone = zone_of(query.timezone)
        return _to_the_end(
            self._answer(lambda index, scope: sums.requests(index, scope, query, zone))
        )

    def forget(self) -> Kept:
        """Drop what came from files that are no longer there; tells what that was."""
        self._finish()

        def work() -> Kept:
            self._taking_in()
            dropped = sums.gone(self._index, self._in_scope())
            self._taking_in().forget()
            return dropped

        dropped = self._safely(work)
        self._finish()
        self._index.delete_broken()
        self._safely(self._index.compact)
        return dropped

    def study(self, budget: float = 0.05, *, days: int = 30, project: str | None = None) -> bool:
        """Study sessions of the last days for what they found out; True while there is more.

        Raises CcmonError for an unknown project.
        """
        since = self._clock() - days * DAY
        return self._safely(lambda: self._studied().step(budget, since, project))

    def memory(self, *, days: int = 30, project: str | None = None) -> Memory:
        """What the sessions studied so far found out again and again.

        Raises CcmonError for an unknown project.
        """
        now = self._clock()

        def work(index: Index, scope: Scope) -> Memory:
            found = self._studied().found(now - days * DAY, project)
            return Memory(now, days, *found, warning=index.warning)

        return self._answer(work)

    def remembered(self, *, days: int = 30) -> tuple[Candidate, ...]:
        """The candidates of ``memory`` as far as they are known without reading any transcript.

        Empty where the index cannot be read at once: it is neither made, nor mended, nor waited
        for.
        """
        index = consulted(self._folder) if self._folder is not None else None
        if index is None:
            return ()
        from ccmon.history.studies import Studies

        try:
            with index.reading():
                scope = known_scope(index, self._homes, self._fingerprint)
                if scope is None:
                    return ()
                studies = Studies(index, scope, self._homes, self._prices)
                return studies.found(self._clock() - days * DAY, None)[2]
        except (Broken, Unkept):
            return ()
        finally:
            index.close()

    def stop(self) -> None:
        """Have the call now under way end soon, with what it has; called from any thread."""
        self._stopped = True

    def close(self) -> None:
        """Let go of the index."""
        if self._intake is not None:
            self._intake.close()
        if self._opened is not None:
            self._opened.close()

    def _in_scope(self) -> Scope:
        if self._scope is None:
            self._scope = scope_of(self._index, self._homes, self._fingerprint, self._rules)
        return self._scope

    def _taking_in(self) -> Intake:
        """The intake for the homes that are there by now."""
        if self._intake is None or self._intake.wants_to_look:
            self._refresh()
        if self._intake is None:
            self._intake = Intake(self._index, self._in_scope(), self._homes, self._prices)
        return self._intake

    def _refresh(self) -> None:
        """Homes come and go, and the index or the scope may have been deleted."""
        if not self._index.is_current():
            self._index.reopen()
            self._begin_anew()
        elif self._index.return_to_disk() or (
            self._scope is not None and not is_in_use(self._index, self._scope)
        ):
            self._begin_anew()
        homes = tuple(Home(home.path, home.origin, is_folder(home.path)) for home in self._homes)
        if homes != self._homes:
            self._homes = homes
            self._begin_anew()

    def _begin_anew(self) -> None:
        self._scope = self._intake = self._studies = None
        self.revision += 1

    def _studied(self) -> Studies:
        if self._studies is None:
            from ccmon.history.studies import Studies  # the full engine: sums do without

            self._studies = Studies(self._index, self._in_scope(), self._homes, self._prices)
        return self._studies

    def _safely(self, work: Callable[[], _T]) -> _T:
        """The work, repeated with a new index or in memory when the present one fails it."""
        while True:
            try:
                return work()
            except Broken:
                self._index.renew()
            except Unkept as error:
                self._index.leave_disk(error)
            self._begin_anew()

    def _answer(self, work: Callable[[Index, Scope], _T]) -> _T:
        """What the index says at one moment, filled anew first when it had to be made anew."""
        for _ in range(ATTEMPTS):
            try:
                self._taking_in()
                scope = self._in_scope()
                with self._index.reading():
                    # Another process may have dropped what is asked for.
                    if is_there(self._index, scope):
                        return work(self._index, scope)
            except Broken:
                self._index.renew()
            except Unkept as error:
                self._index.leave_disk(error)
            self._begin_anew()
            if self._whole:
                self._finish()
        raise CcmonError("the history cannot be summed up: its tables fail again and again")

    def _finish(self) -> None:
        """Bring the index up to date, unless that is stopped."""
        self.look_again()
        while not self._stopped and self.step(_SOON):
            pass


def _to_the_end(requests: Iterator[PastRequest]) -> Iterator[PastRequest]:
    """The requests; a part of them is not taken for all."""
    try:
        yield from requests
    except (Broken, Unkept) as error:
        raise CcmonError(
            f"the history could not be read to its end: {error}", "try again"
        ) from error


def _fingerprint(rules: str, settings: Settings) -> bytes:
    """Of all that decides what a request costs, beside what was read of it."""
    overrides = msgspec.json.encode(settings.prices, order="deterministic")
    return blake2b(f"{rules} ".encode() + overrides, digest_size=16).digest()
