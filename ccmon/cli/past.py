"""What the commands about the past share: their span and zone, the archive, reading it through."""

import contextlib
import os
import re
import time
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING

from msgspec import Struct

from ccmon.cli.arguments import Parser, add_config_dirs, add_project
from ccmon.cli.homes import EXIT_NOTHING, NO_TRANSCRIPTS, chosen_homes, nothing_in
from ccmon.cli.process import collect_garbage
from ccmon.errors import CcmonError
from ccmon.format import plural

if TYPE_CHECKING:
    from argparse import Namespace

    from ccmon.history.archive import Archive
    from ccmon.history.zones import Zone
    from ccmon.past import By, History, Query
    from ccmon.report.progress import ProgressBar
    from ccmon.settings import Settings
    from ccmon.transcripts.locate import Home

_LONGEST_SPAN = 36_500 * 86_400
_UNIT_SECONDS = {"m": 60, "h": 3600}


class Asked(Struct, frozen=True, kw_only=True):
    """What part of the past was asked for."""

    since: date | None = None
    until: date | None = None
    timezone: str | None = None
    project: str | None = None
    config_dirs: tuple[str, ...] = ()

    def query(self, by: "By" = "day") -> "Query":
        """The same as the archive wants it."""
        from ccmon.past import Query

        return Query(by, self.since, self.until, self.timezone, self.project)

    @property
    def is_part(self) -> bool:
        """Whether something was left out."""
        return bool(self.since or self.until or self.project)


class Past(Struct, frozen=True):
    """The archive, and what it was opened with."""

    archive: "Archive"
    homes: "tuple[Home, ...]"
    settings: "Settings"


def add_span(parser: Parser) -> None:
    """The options that choose a part of the past."""
    group = parser.add_argument_group("what to sum up")
    add = group.add_argument
    since, until = parser.named("--since"), parser.named("--until")
    add(
        "--since",
        metavar="DAY",
        type=since,
        help="from that day on: 2026-11-24, or 7d back; 24h: the days of the last 24 hours",
    )
    add("--until", metavar="DAY", type=until, help="up to that day, with it")
    zone = parser.named("--timezone")
    add(
        "--timezone",
        metavar="TZ",
        type=zone,
        help="where days are cut: Europe/Berlin (default: here)",
    )
    add_project(parser, group, "requests of one project")
    add_config_dirs(parser, group)


def asked_of(given: "Namespace", *, now: float | None = None) -> Asked:
    """What part was asked for. Raises CcmonError for an unknown zone and for what is no day."""
    from ccmon.history.zones import zone_of

    days = _Days(zone_of(given.timezone), time.time() if now is None else now)
    since, until = days.of("--since", given.since), days.of("--until", given.until)
    if since is not None and until is not None and since > until:
        raise CcmonError(f"--since {since} is after --until {until}", "swap them")
    return Asked(
        since=since,
        until=until,
        timezone=given.timezone,
        project=given.project,
        config_dirs=tuple(given.config_dirs),
    )


class _Days:
    """What people write for a day, seen from ``now``."""

    def __init__(self, zone: "Zone", now: float) -> None:
        self._zone = zone
        self._now = now

    def of(self, option: str, text: str | None) -> date | None:
        """The day that ``text`` names; None for None. Raises CcmonError where it names none."""
        if text is None:
            return None
        with contextlib.suppress(ValueError, OverflowError):
            if span := re.fullmatch(r"(\d{1,9})([mhd])", text, re.ASCII):
                day = self._back(int(span[1]), span[2])
            else:
                written = re.fullmatch(r"\d{4}-\d\d-\d\d", text, re.ASCII)
                day = date.fromisoformat(text) if written else None
            if day is not None:
                return day
        raise CcmonError(f"{option}: not a day: {text}", "write 2026-11-24, 7d or 24h")

    def _back(self, count: int, unit: str) -> date | None:
        """Days are counted on the calendar; hours go back by the clock, to the day of then."""
        if unit == "d":
            today = self._zone.day(self._now)
            within = today is not None and count * 86_400 <= _LONGEST_SPAN
            return today - timedelta(days=count) if today is not None and within else None
        seconds = count * _UNIT_SECONDS[unit]
        return self._zone.day(self._now - seconds) if seconds <= _LONGEST_SPAN else None


def archive_of(
    homes: "tuple[Home, ...]", settings: "Settings", *, keep: bool = True, whole: bool = True
) -> "Archive":
    """The archive of these homes; ``keep`` has its index stay in ccmon's cache folder.

    ``whole`` as the archive has it: whether an answer waits for what has to be read again.
    """
    from ccmon.history.archive import Archive
    from ccmon.reported import reports_folder

    folder = reports_folder(os.environ).parent if keep else None
    return Archive(homes, settings, folder, whole=whole)


@contextlib.contextmanager
def opened(config_dirs: Sequence[str]) -> Iterator[Past]:
    """The archive of the homes that were named, else of the environment's."""
    from ccmon.settings import load_settings

    settings = load_settings(os.environ)
    homes = chosen_homes(config_dirs)
    archive = archive_of(homes, settings)
    try:
        yield Past(archive, homes, settings)
    finally:
        archive.close()


@contextlib.contextmanager
def progress(settings: "Settings") -> "Iterator[ProgressBar]":
    """A bar for what takes a while; imports are done by then."""
    from ccmon.report.progress import ProgressBar

    collect_garbage()
    with ProgressBar(ascii_only=settings.ascii) as bar:
        yield bar


def read_through(past: Past) -> None:
    """Read on until there is no more, newest files first."""
    with progress(past.settings) as bar:
        while past.archive.step():
            bar.show("reading", past.archive.scanning)


def nothing_found(history: "History", asked: Asked, homes: "tuple[Home, ...]") -> CcmonError:
    """Why there is no request to tell of."""
    kept = history.kept
    if kept.unreadable_files and not asked.is_part:
        what = plural(kept.unreadable_files, "path")
        return CcmonError(f"{what} cannot be read", "look at their permissions", EXIT_NOTHING)
    if not kept.files and not kept.gone_files:
        return nothing_in(homes, NO_TRANSCRIPTS)
    if asked.is_part:
        hint = "widen --since and --until, or leave them out"
        return CcmonError("no request in that span", hint, EXIT_NOTHING)
    return nothing_in(homes, "no request in the transcripts")
