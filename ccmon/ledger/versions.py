"""What clients write down since which version. Source: accounting.md sections 9 and 13."""

from __future__ import annotations

import re

COMPLETE = (2, 1, 97)
"""The first client that writes the final output count on every line, and all attachments."""


def version_numbers(version: str | None) -> tuple[int, int, int] | None:
    """``2.1.97`` as numbers to compare; None for any other form."""
    found = re.match(r"(\d{1,9})\.(\d{1,9})\.(\d{1,9})(?![\d.])", version or "")
    return (int(found[1]), int(found[2]), int(found[3])) if found else None


def is_complete(version: str | None) -> bool:
    """Whether a client writes down all that enters; one of an unknown version is taken to."""
    numbers = version_numbers(version)
    return numbers is None or numbers >= COMPLETE
