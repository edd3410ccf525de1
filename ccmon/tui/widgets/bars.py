"""Bars that are lines: share bars, and one stacked bar. Heavy line on a thin track."""

from collections.abc import Sequence

from ccmon.tui.safe import Part

LINE = "━"
HALF = "╸"
THIN = "─"


def share_bar(
    share: float | None, width: int, style: str, *, flat: bool, track: bool = True
) -> list[Part]:
    """``share`` of ``width`` cells in half-cell steps; anything above 0 shows at least a half.

    ``flat`` (16 colours, ASCII) tells fill from track by shape, else by shade.
    """
    halves = 0
    if share is not None and share > 0:
        halves = min(2 * width, max(1, round(share * 2 * width)))
    fill = LINE * (halves // 2) + HALF * (halves % 2)
    rest = width - len(fill)
    parts: list[Part] = [(fill, style)] if fill else []
    if rest:
        parts.append(((THIN if flat else LINE) * rest, "$track") if track else " " * rest)
    return parts


def stacked_bar(shares: Sequence[tuple[float, str]], width: int) -> list[Part]:
    """Parts of a whole in one line, whole cells by largest remainder."""
    total = sum(share for share, _ in shares)
    if total <= 0:
        return [(THIN * width, "$track")]
    exact = [share / total * width for share, _ in shares]
    cells = [int(value) for value in exact]
    by_remainder = sorted(range(len(exact)), key=lambda i: cells[i] - exact[i])
    for index in by_remainder[: width - sum(cells)]:
        cells[index] += 1
    return [(LINE * count, style) for count, (_, style) in zip(cells, shares, strict=True) if count]
