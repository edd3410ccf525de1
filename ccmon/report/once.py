"""Writes a snapshot to stdout and nothing else there (screens.md, section 4)."""

import contextlib
import os
import shutil
import sys
import time
from pathlib import Path

from ccmon.errors import CcmonError
from ccmon.report.document import render_json
from ccmon.report.text import Page, render_text
from ccmon.snapshot import Snapshot

_COLUMNS = 80
_FEWEST_COLUMNS = 40


def print_snapshot(
    shown: Snapshot, *, as_json: bool = False, requests: bool = False, ascii_only: bool = False
) -> None:
    """Print text, or the JSON document; of a snapshot without sessions only the document.

    Raises BrokenPipeError when the reader has gone and CcmonError when stdout cannot be written;
    either way nothing is left in the buffer that could fail again at exit.
    """
    if sys.stdout is None:
        raise CcmonError("cannot write the output: stdout is closed")
    now = time.time()
    try:
        if as_json:
            # JSON is UTF-8 whatever the locale says, so it goes past the text layer.
            sys.stdout.flush()
            sys.stdout.buffer.write(render_json(shown, requests=requests, now=now))
        elif shown.sessions:
            page = _page(ascii_only)
            sys.stdout.write(render_text(shown, page, requests=requests, now=now))
        sys.stdout.flush()
    except BrokenPipeError:
        _abandon_stdout()
        raise
    except OSError as error:
        _abandon_stdout()
        raise CcmonError(f"cannot write the output: {error.strerror or error}") from error


def _page(ascii_only: bool) -> Page:
    terminal = sys.stdout.isatty()
    plain = bool(os.environ.get("NO_COLOR")) or os.environ.get("TERM") == "dumb"
    columns = shutil.get_terminal_size().columns if terminal else _COLUMNS
    return Page(
        table_columns=max(_FEWEST_COLUMNS, columns),
        color=terminal and not plain,
        encoding="ascii" if ascii_only else sys.stdout.encoding or "utf-8",
    )


def _abandon_stdout() -> None:
    with contextlib.suppress(OSError, ValueError), Path(os.devnull).open("w") as nowhere:
        os.dup2(nowhere.fileno(), sys.stdout.fileno())
