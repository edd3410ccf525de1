"""Days as a time zone cuts them."""

from __future__ import annotations

import os
import re
import time
from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from ccmon.errors import CcmonError

_LOCAL = Path("/etc/localtime")
_DATABASE = "/zoneinfo/"
_RULES = re.compile(r"(?:[A-Za-z]{3,}|<[A-Za-z0-9+-]{3,}>)[+-]?\d")
"""How rules begin that POSIX has for TZ: a name, and the hours that it lies behind UTC."""


class Zone:
    """A time zone with the name that it is known by."""

    def __init__(self, name: str, info: ZoneInfo | None) -> None:
        self.name = name
        self._info = info

    def day(self, at: float) -> date | None:
        """The day of a moment; None where it lies outside of all calendars."""
        try:
            return datetime.fromtimestamp(at, self._info).date()
        except (OverflowError, ValueError, OSError):
            return None

    def start(self, day: date) -> float:
        """When a day begins, in epoch seconds."""
        midnight = datetime(day.year, day.month, day.day, tzinfo=self._info)
        try:
            return midnight.timestamp()
        except (OverflowError, ValueError, OSError):
            return float("-inf") if day.year < 1970 else float("inf")

    def end(self, day: date) -> float:
        """When the day after begins."""
        return float("inf") if day == date.max else self.start(day + timedelta(days=1))


def zone_of(name: str | None) -> Zone:
    """The zone of an IANA name, None: the machine's own.

    Raises CcmonError for a name that the database of time zones does not have.
    """
    if name is None:
        return _local()
    info = _known(name)
    if info is None:
        import difflib  # a mistake may take its time
        from zoneinfo import available_timezones

        near = difflib.get_close_matches(name, sorted(available_timezones()), n=1, cutoff=0.5)
        hint = f"did you mean {near[0]}?" if near else "name one as Europe/Berlin or UTC"
        raise CcmonError(f"unknown time zone {name!r}", hint)
    return Zone(name, info)


def _known(name: str) -> ZoneInfo | None:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def _local() -> Zone:
    """The machine's zone by its name in the database, else by the C library's rules and name.

    A TZ that is neither a name nor rules is UTC to the C library, under whatever name stands there.
    """
    setting = os.environ.get("TZ")
    named = os.path.realpath(_LOCAL).partition(_DATABASE)[2]
    if setting is not None:
        named = setting.removeprefix(":")
        is_path = named.startswith("/")
        if not (is_path or _RULES.match(named) or _known(named)):
            named = "UTC"
    info = _known(named) if named else None
    return Zone(named, info) if info else Zone(time.tzname[0], None)
