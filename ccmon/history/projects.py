"""What projects are called: by the last part of their folder, with what lies above where two agree.

A project is a folder, its root. Where no line of a session tells the folder, what Claude Code calls
the folder of its transcripts stands for it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

_WORKTREES = "--claude-worktrees-"
_NO_SLUG = re.compile(r"[^A-Za-z0-9]")


def whole_roots(roots: Iterable[str]) -> dict[str, str]:
    """The folder that each root stands for; a root that is no folder is matched by its slug."""
    known = set(roots)
    folders = {_NO_SLUG.sub("-", root): root for root in sorted(known) if _is_folder(root)}
    return {
        root: root if _is_folder(root) else folders.get(root.partition(_WORKTREES)[0], root)
        for root in known
    }


def labels(names: Mapping[str, str]) -> dict[str, str]:
    """What to call each root, by the names of the roots: no two the same, whatever the case."""
    alike: dict[str, list[str]] = {}
    for root, name in names.items():
        alike.setdefault(name.casefold(), []).append(root)
    return {
        root: name if len(others := alike[name.casefold()]) == 1 else _longer(root, others)
        for root, name in names.items()
    }


def is_called(wanted: str, root: str, name: str) -> bool:
    """Whether somebody means a project by ``wanted``: its name, or the end of its folder."""
    wanted = wanted.casefold().rstrip("/")
    return name.casefold() == wanted or (
        bool(wanted) and f"/{root.casefold()}".endswith(f"/{wanted}")
    )


def _longer(root: str, others: list[str]) -> str:
    """As many of the last parts of a root as tell it from the others."""
    if not _is_folder(root):
        return root
    parts = root.split("/")
    for count in range(2, len(parts)):
        end = "/".join(parts[-count:])
        if sum(is_called(end, other, "") for other in others) == 1:
            return end
    return root


def _is_folder(root: str) -> bool:
    return "/" in root
