"""Writes a snapshot to stdout and nothing else there (screens.md, section 4)."""

import sys
import time

from ccmon.report.document import render_json
from ccmon.report.output import whole_output
from ccmon.report.page import stdout_page
from ccmon.report.text import render_text
from ccmon.snapshot import Snapshot


def print_snapshot(
    shown: Snapshot,
    *,
    as_json: bool = False,
    requests: bool = False,
    items: bool = False,
    ascii_only: bool = False,
) -> None:
    """Print text, or the JSON document; of a snapshot without sessions only the document.

    ``items`` has the document tell what is in the context of inactive sessions as well.

    Raises BrokenPipeError when the reader has gone and CcmonError when stdout cannot be written;
    either way nothing is left in the buffer that could fail again at exit.
    """
    now = time.time()
    with whole_output():
        if as_json:
            # JSON is UTF-8 whatever the locale says, so it goes past the text layer.
            sys.stdout.flush()
            data = render_json(shown, requests=requests, items=items, now=now)
            sys.stdout.buffer.write(data)
        elif shown.sessions:
            page = stdout_page(ascii_only)
            sys.stdout.write(render_text(shown, page, requests=requests, now=now))
