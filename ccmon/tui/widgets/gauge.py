"""The level gauge of the context: how full, and where re-reading begins to lead."""

from itertools import groupby

from ccmon.tui.safe import Part

TICK = "│"
HIGH_FILL = 0.8
"""Share of the window beyond which the level is an error colour."""

_EIGHTHS = " ▏▎▍▌▋▊▉█"


def zone(fill: float, crossing: float | None) -> str:
    """Colour name of a level: ``accent``, ``warning`` past the crossing point, ``error`` > 80 %."""
    if fill > HIGH_FILL:
        return "error"
    return "warning" if crossing is not None and fill > crossing else "accent"


def level_gauge(
    fill: float | None, crossing: float | None, width: int, *, flat: bool
) -> list[Part]:
    """A row of ``width`` cells, filled to ``fill``, coloured by position, tick at ``crossing``.

    The tick stands in a cell of bare track, so that it reads on any fill. Both shares are of the
    window; None leaves fill or tick out.
    """
    if width <= 0:
        return []
    eighths = 0 if fill is None else min(8 * width, max(0, round(fill * 8 * width)))
    if fill and not eighths:
        eighths = 1
    tick = None
    if crossing is not None and 0 < crossing < 1:
        tick = min(width - 1, int(crossing * width))
    cells = [_cell(cell, eighths, tick, width, flat=flat) for cell in range(width)]
    return [
        ("".join(glyph for glyph, _ in run), style)
        for style, run in ((key, list(group)) for key, group in groupby(cells, lambda c: c[1]))
    ]


def _cell(cell: int, eighths: int, tick: int | None, width: int, *, flat: bool) -> tuple[str, str]:
    ground = "" if flat else " on $track"
    if cell == tick:
        return TICK, f"$bright bold{ground}"
    here = min(8, max(0, eighths - 8 * cell))
    if here == 0 or (flat and here < 4):
        return ("░", "$track") if flat else (" ", "on $track")
    position = (cell + 0.5) / width
    if position > HIGH_FILL:
        style = "$error-fill"
    else:
        style = "$warning-fill" if tick is not None and cell > tick else "$accent-fill"
    return ("█" if flat else _EIGHTHS[here]), f"{style}{ground}"
