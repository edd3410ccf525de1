"""The past of all sessions: looks what transcripts there are, reads on, and sums up.

``Archive`` ties the scan to the index. Whatever happens to the index (corrupt, locked, deleted, a
full disk), the totals stay right: what it does not hold is read again.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import msgspec

from ccmon import __version__
from ccmon.errors import CcmonError
from ccmon.history import sums
from ccmon.history.files import Scope, is_folder, is_there, scope_of
from ccmon.history.index import Broken, Index, Unkept
from ccmon.history.intake import Intake
from ccmon.history.zones import zone_of
from ccmon.ledger.prices import PriceTable
from ccmon.past import Candidate, History, Kept, Memory, PastRequest, Query, Scanning
from ccmon.settings import Settings
from ccmon.transcripts.locate import Home

if TYPE_CHECKING:
    from ccmon.history.studies import Studies

ACCOUNTING_VERSION = 2
"""Of the rules of accounting: requests of another one are accounted again, from what was read."""

DAY = 86_400.0

_T = TypeVar("_T")


class Archive:
    """Every session below the homes, as far as it has been read; see ``scanning``.

    ``folder`` is ccmon's cache folder, None: nothing is kept on disk. ``revision`` grows with
    everything that may change the answers. ``clock`` tells only when these were made. One owner,
    any thread, one call at a time.
    """

    def __init__(
        self,
        homes: Sequence[Home],
        settings: Settings,
        folder: Path | None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.revision = 0
        self._homes = tuple(homes)
        self._clock = clock
        self._prices = PriceTable.load(settings)
        self._fingerprint = _fingerprint(self._prices.table_date, settings)
        warning = ""
        if folder is not None and (inside := _within(folder, homes)):
            warning = f"The history is not kept: {folder} lies in the config folder {inside}."
            folder = None
        self._index = Index(folder)
        self._index.warning = self._index.warning or warning
        self._studies: Studies | None = None
        self._scope: Scope | None = None
        self._intake: Intake | None = None

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
            self.revision += intake.kept != before
            return more

        return self._safely(work)

    def history(self, query: Query) -> History:
        """What the requests read so far add up to.

        Raises CcmonError for an unknown project or time zone.
        """
        zone = zone_of(query.timezone)

        def work() -> History:
            intake, scope, index = self._taking_in(), self._in_scope(), self._index
            groups, totals = sums.summed(index, scope, query, zone)
            return History(
                generated_at=self._clock(),
                query=query,
                timezone=zone.name,
                groups=groups,
                totals=totals,
                kept=sums.kept(index, scope, intake.unreadable),
                price_table_date=self._prices.table_date,
                warning=index.warning,
            )

        return self._read(work)

    def requests(self, query: Query) -> Iterator[PastRequest]:
        """The requests read so far, one by one: by time, then session, thread and number.

        Raises CcmonError for an unknown project or time zone.
        """
        zone = zone_of(query.timezone)
        return _whole(self._read(lambda: sums.requests(self._index, self._in_scope(), query, zone)))

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

        def work() -> Memory:
            found = self._studied().found(now - days * DAY, project)
            return Memory(now, days, *found, warning=self._index.warning)

        return self._read(work)

    def remembered(self, *, days: int = 30) -> tuple[Candidate, ...]:
        """The candidates of ``memory`` as far as they are known without reading any transcript.

        Empty where the index cannot be read: nobody waits for it to be made anew.
        """
        try:
            return self._studied().found(self._clock() - days * DAY, None)[2]
        except (Broken, Unkept):
            return ()

    def close(self) -> None:
        """Let go of the index."""
        self._index.close()

    def _in_scope(self) -> Scope:
        if self._scope is None:
            self._scope = scope_of(self._index, self._homes, self._fingerprint)
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
        elif self._scope is not None and not is_there(self._index, self._scope):
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
                self._index.leave_disk(str(error))
            self._begin_anew()

    def _read(self, work: Callable[[], _T]) -> _T:
        """As ``_safely``, but a new index is filled before it answers."""
        while True:
            try:
                return work()
            except Broken:
                self._index.renew()
            except Unkept as error:
                self._index.leave_disk(str(error))
            self._begin_anew()
            self._finish()

    def _finish(self) -> None:
        """Bring the index up to date."""
        self.look_again()
        while self.step(1.0):
            pass


def _whole(requests: Iterator[PastRequest]) -> Iterator[PastRequest]:
    """The requests; a part of them is not taken for all."""
    try:
        yield from requests
    except (Broken, Unkept) as error:
        raise CcmonError(
            f"the history could not be read to its end: {error}", "try again"
        ) from error


def _within(folder: Path, homes: Sequence[Home]) -> str:
    """The home that a folder lies in, empty when in none."""
    real = Path(os.path.realpath(folder))
    for home in homes:
        if real.is_relative_to(os.path.realpath(home.path)):
            return home.path
    return ""


def _fingerprint(table_date: str, settings: Settings) -> bytes:
    """Of all that decides what a request costs, beside what was read of it."""
    overrides = msgspec.json.encode(settings.prices, order="deterministic")
    text = f"{ACCOUNTING_VERSION} {__version__} {table_date} ".encode()
    return blake2b(text + overrides, digest_size=16).digest()
