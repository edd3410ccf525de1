"""``ccmon statusline``: Claude Code's status-line JSON on stdin, one line on stdout.

What the transcript cannot say (exact window, cache expiry, total cost, rate limits) is kept for the
Monitor in ccmon's own cache folder; see :mod:`ccmon.reported`.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from ccmon import format, words
from ccmon.errors import CcmonError
from ccmon.ledger.prices import PriceTable
from ccmon.measures import TTL_SECONDS
from ccmon.report import safe
from ccmon.report.output import complain, encoding, whole_output
from ccmon.report.recent import Recent, read_recent, transcript_at
from ccmon.report.told import Told, read_told
from ccmon.reported import keep, reports_folder
from ccmon.settings import Settings, load_settings
from ccmon.transcripts.locate import Home, config_homes

_LARGEST_INPUT = 1024 * 1024
_JOINT = " · "


def main() -> int:
    """Run ``ccmon statusline``; returns the exit code.

    Where the line was printed that is 0: the client would hide it after any other.
    """
    try:
        homes = config_homes((), os.environ, Path.home())
        told = print_statusline(_settings(), homes)
    except CcmonError as error:
        return complain(error)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        return 0
    try:
        keep_report(told, homes, os.environ)
    except CcmonError as error:
        complain(error)
    return 0


def _settings() -> Settings:
    """What the user chose; the defaults where that cannot be read, which must not cost the line."""
    try:
        return load_settings(os.environ)
    except CcmonError as error:
        complain(error)
        return Settings()


def print_statusline(settings: Settings, homes: Sequence[Home]) -> Told:
    """Read stdin and print the line; returns what was read.

    Raises CcmonError when stdin holds no status line; then nothing is printed.
    """
    if sys.stdin is None or sys.stdin.isatty():
        hint = "Claude Code runs this as its statusLine command, see the README"
        raise CcmonError("statusline: reads JSON from stdin", hint)
    now = time.time()
    told = read_told(sys.stdin.buffer.read(_LARGEST_INPUT), now)
    prices = PriceTable.load(settings)
    transcript = transcript_at(told.transcript, homes) if told.transcript else None
    recent = read_recent(transcript, prices) if transcript else None
    with whole_output():
        line = statusline(told, recent, known_window(told, recent, prices), now)
        sys.stdout.write(safe.encodable(line, encoding(settings.ascii)) + "\n")
    return told


def keep_report(told: Told, homes: Sequence[Home], environ: Mapping[str, str]) -> None:
    """Leave what was told for the Monitor. Raises CcmonError when it cannot be kept."""
    if told.session_id is not None:
        forbidden = [home.path for home in homes]
        keep(reports_folder(environ), told.session_id, told.reported, forbidden=forbidden)


def known_window(told: Told, recent: Recent | None, prices: PriceTable) -> int | None:
    """The context window: the user's setting, else what the client says, else the table's."""
    last = recent.last if recent else None
    window, source = prices.window(told.model or (last.model if last else None))
    if source == "config":
        return window
    return told.reported.window or (recent.window if recent else None) or window


def statusline(told: Told, recent: Recent | None, window: int | None, now: float) -> str:
    """Context, cache, drag, last bust, cost; what is not known is left out."""
    return _JOINT.join(piece for piece in _pieces(told, recent, window, now) if piece)


def _pieces(told: Told, recent: Recent | None, window: int | None, now: float) -> Iterator[str]:
    yield _context(told, recent, window)
    yield _cache(told, recent, now)
    if recent is not None:
        yield _drag(recent)
        yield _bust(recent)
    if told.reported.cost is not None:
        yield format.money(told.reported.cost, short=True)


def _context(told: Told, recent: Recent | None, window: int | None) -> str:
    tokens, mark = told.context, ""
    if tokens is None and recent is not None:
        if recent.compacted_to is not None:
            tokens, mark = recent.compacted_to, "~"
        elif recent.last is not None:
            tokens = recent.last.context
    size = format.UNKNOWN if window is None else format.tokens_short(window)
    fill = f" {format.percent(tokens / window)}" if tokens is not None and window else ""
    return f"{mark}{format.tokens_short(tokens)}/{size}{fill}"


def _cache(told: Told, recent: Recent | None, now: float) -> str:
    expires_at, ttl = told.reported.expires_at, told.reported.ttl
    if expires_at is None and recent is not None:
        expires_at, ttl = recent.expires_at, recent.ttl
    if expires_at is None:
        return ""
    # As in every face: a clock that is ahead must not promise more than a cache lives.
    left = min(expires_at - now, TTL_SECONDS[ttl or "1h"])
    return f"cache {format.countdown(left)}" if left > 0 else "cache cold"


def _drag(recent: Recent) -> str:
    if recent.overdue is None:
        return ""
    state = "off" if recent.drag == "off" else recent.drag.upper()
    bound = "≥" if recent.overdue_is_lower_bound else ""
    return f"drag {state} {bound}{format.multiple(recent.overdue)}"


def _bust(recent: Recent) -> str:
    bust = recent.bust
    if bust is None:
        return ""
    moment = format.clock(bust.at, seconds=False)
    price = "" if bust.avoidable is None else f" {format.money(bust.avoidable, short=True)}"
    return f"bust {moment} {safe.clip(safe.plain(words.cause(bust.why)), 40)}{price}"
