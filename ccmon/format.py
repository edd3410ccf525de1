"""Numbers to short strings, the same in every face.

Rules (screens.md, section 3): tokens plain below 1,000, then 14.9k, 397.4k, 1.2M; money $22.16
from one dollar on, $0.107 from a cent on, $0.0051 below; shares 66%; multiples 15x; times local;
unknown is ``?`` or ``-``, never 0.
"""

from collections.abc import Iterable
from datetime import UTC, datetime, tzinfo
from math import floor

NONE = "-"
"""Shown where a value does not apply."""
UNKNOWN = "?"
"""Shown for a price or a window that is not known."""


def tokens(count: float | None) -> str:
    """Tokens in at most six characters: 874, 14.9k, 397.4k, 1.2M, 4.3G."""
    if count is None:
        return NONE
    sign = "-" if count < -0.5 else ""
    size = abs(count)
    if size < 999.5:
        return f"{sign}{size:.0f}"
    for scale, unit in ((1e3, "k"), (1e6, "M")):
        if size < scale * 999.95:
            return f"{sign}{size / scale:.1f}{unit}"
    return f"{sign}{size / 1e9:.1f}G"


def tokens_short(count: float | None) -> str:
    """Tokens for narrow places, no decimals from 100k on: 14.9k, 397k, 1.2M."""
    if count is not None and 99_950 <= abs(count) < 999_500:
        return f"{count / 1000:.0f}k"
    return tokens(count)


def growth(count: int | None) -> str:
    """Signed tokens: +1.7k, -97.5k."""
    if count is None:
        return NONE
    return f"+{tokens(count)}" if count >= 0 else tokens(count)


def exact(count: int | None) -> str:
    """Tokens in full with commas."""
    return NONE if count is None else f"{count:,}"


def money(
    usd: float | None, *, lower_bound: bool = False, estimated: bool = False, short: bool = False
) -> str:
    """US dollars: $22.16, $0.107 (``short``: $0.11), $0.0051, $0.00; None is ``?``.

    Prefix ``≥`` for a lower bound, ``~`` for an estimate.
    """
    if usd is None:
        return UNKNOWN
    prefix = "≥" if lower_bound else "~" if estimated else ""
    size = amount(abs(usd), short=short)
    sign = "-" if usd < 0 and size != amount(0) else ""
    return f"{prefix}{sign}${size}"


def amount(usd: float, *, short: bool = False) -> str:
    """A dollar figure without its sign: 22.16, 0.107, 0.0051, 0.00."""
    if usd >= 999.995:
        return f"{usd:,.0f}" if usd >= 99_999.5 else f"{usd:,.2f}"
    if usd >= 0.9995 or usd < 0.00005:
        return f"{usd:.2f}"
    if usd >= 0.00995:
        return f"{usd:.2f}" if short else f"{usd:.3f}"
    return f"{usd:.4f}"


def money_column(usd: Iterable[float | None]) -> int:
    """Decimals for dollars that stand one below the other: two, or three where all are small."""
    largest = max((abs(each) for each in usd if each is not None), default=0.0)
    return 3 if 0.0 < largest < 0.9995 else 2


def money_to(
    usd: float | None, places: int, *, lower_bound: bool = False, estimated: bool = False
) -> str:
    """US dollars to so many decimals, for columns: $0.11, $53.64, ``<$0.01`` for less than that.

    Prefixes and None as in ``money``.
    """
    if usd is None:
        return UNKNOWN
    prefix = "≥" if lower_bound else "~" if estimated else ""
    size = abs(usd)
    if 0.0 < size < 0.5 * 10**-places and not lower_bound:
        # Less than nothing is nearly nothing too: neither may read as 0.
        return f"{prefix}{'>-' if usd < 0 else '<'}${10**-places:.{places}f}"
    shown = f"{size:,.0f}" if size >= 99_999.5 else f"{size:,.{places}f}"
    return f"{prefix}{'-' if usd < 0 else ''}${shown}"


def percent(ratio: float | None) -> str:
    """A share without decimals: 66%."""
    return NONE if ratio is None else f"{ratio * 100:.0f}%"


def whole_percent(ratio: float | None) -> str:
    """A share rounded down: 100% is said only of the whole, 99% of anything less."""
    # A ratio such as 0.29 is a hair below 29 hundredths in binary.
    return NONE if ratio is None else f"{floor(ratio * 100 + 1e-9)}%"


def rate(ratio: float | None) -> str:
    """A hit rate with one decimal: 98.1%."""
    return NONE if ratio is None else f"{ratio * 100:.1f}%"


def multiple(factor: float | None) -> str:
    """How many times: 15x, below ten one decimal: 2.9x."""
    if factor is None:
        return NONE
    return f"{factor:.0f}x" if factor >= 9.95 else f"{factor:.1f}x"


def clock(at: float | None, *, seconds: bool = True, zone: tzinfo | None = None) -> str:
    """Local time of day; ``zone`` overrides the system's (tests)."""
    if at is None:
        return NONE
    try:
        moment = datetime.fromtimestamp(at, UTC).astimezone(zone)
    except (OverflowError, ValueError, OSError):
        return UNKNOWN
    return moment.strftime("%H:%M:%S" if seconds else "%H:%M")


def moment(at: float | None, now: float, *, zone: tzinfo | None = None) -> str:
    """Local time to the minute, with month and day unless it is today: 13:02, 11-22 13:02."""
    time = clock(at, seconds=False, zone=zone)
    if at is None or time == UNKNOWN:
        return time
    day = datetime.fromtimestamp(at, UTC).astimezone(zone)
    today = datetime.fromtimestamp(now, UTC).astimezone(zone)
    return time if day.date() == today.date() else f"{day:%m-%d} {time}"


def iso(at: float | None) -> str | None:
    """ISO 8601 in UTC to the second, for machines."""
    if at is None:
        return None
    try:
        return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (OverflowError, ValueError, OSError):
        return None


def age(seconds: float | None) -> str:
    """A span of time in two units at most: 24s, 4m, 1h04m, 2d."""
    if seconds is None:
        return NONE
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}m"
    if whole < 86_400:
        return f"{whole // 3600}h{whole % 3600 // 60:02d}m"
    return f"{whole // 86_400}d"


def countdown(seconds: float | None) -> str:
    """Time left as mm:ss; 0:00 once it is over."""
    if seconds is None:
        return NONE
    whole = max(0, int(seconds))
    return f"{whole // 60}:{whole % 60:02d}"


def size(count: int) -> str:
    """Bytes in decimal units: 6.2 MB."""
    from humanize import naturalsize

    return naturalsize(count, format="%.1f")


def model(name: str | None) -> str:
    """A model id for people: claude-opus-5-5-20260901 becomes opus-5-5."""
    if not name:
        return UNKNOWN
    short = name.removeprefix("claude-")
    head, _, tail = short.rpartition("-")
    return head if head and len(tail) == 8 and tail.isdigit() else short


def plural(count: int, noun: str) -> str:
    """``1 session``, ``2 sessions``."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"
