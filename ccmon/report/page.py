"""What stdout is: how wide, whether it takes colour, which characters."""

import os
import shutil
import sys

from ccmon.report.output import encoding
from ccmon.report.text import Page

_COLUMNS = 80
_FEWEST_COLUMNS = 40


def stdout_page(ascii_only: bool, *, widest: int | None = None) -> Page:
    """The page that stdout is; tables fill the terminal up to ``widest`` cells, else 80."""
    terminal = sys.stdout.isatty()
    plain = bool(os.environ.get("NO_COLOR")) or os.environ.get("TERM") == "dumb"
    columns = shutil.get_terminal_size().columns if terminal else _COLUMNS
    return Page(
        table_columns=max(_FEWEST_COLUMNS, min(columns, widest or columns)),
        color=terminal and not plain,
        encoding=encoding(ascii_only),
    )
