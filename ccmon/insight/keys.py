"""What sessions of one project have in common is found by these keys.

Worktrees of the client belong to their project; a command is the same where only numbers, hashes
and places outside of the project differ. Source: accounting.md section 14.
"""

from __future__ import annotations

import posixpath
import re

from ccmon.entries import LABEL_LIMIT
from ccmon.insight.looking import COMMAND_LIMIT
from ccmon.transcripts.locate import project_root
from ccmon.transcripts.records import scrubbed

_WORKTREE = re.compile(r"[/\\]\.claude[/\\]worktrees[/\\][^/\\\s\"']+")
_WINDOWS = re.compile(r"[A-Za-z]:\\|\\\\")
_ELSEWHERE = re.compile(r"(?<![\w.~/*-])(?:~|/[\w.@+-]+)(?:/[\w.@+-]*)+|(?<![\w.~/*-])/[\w.@+-]+")
_HASH = re.compile(
    r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b|\b(?=[a-f]*\d)[0-9a-f]{7,64}\b", re.IGNORECASE
)
_NUMBER = re.compile(r"(?<![A-Za-z_])\d+(?:\.\d+)*")
_MEMORY = re.compile(r"/(?:CLAUDE(?:\.local)?\.md|AGENTS\.md|SKILL\.md)$|/\.claude/")
_RANGE = re.compile(r" \d+-\d*$")
_MORE = "…"


def root_of(cwd: str) -> str:
    """The root of the project that is worked on in a folder, as paths are made relative to it."""
    return _slashed(project_root(cwd))


def path_key(path: str, root: str, cwd: str = "") -> str:
    """A path relative to the root of its project, the same in all its worktrees.

    One outside of the project stays absolute; ``cwd`` is what a relative one starts from.
    """
    path, cwd = _slashed(path), _slashed(cwd)
    if not is_outside(path):
        path = posixpath.join(cwd or root, path)
    path = posixpath.normpath(_WORKTREE.sub("", path, count=1))
    return path.removeprefix(f"{root}/") if root else path


def is_outside(key: str) -> bool:
    """Whether the key of a file is a path outside of its project."""
    return key.startswith("/") or key[1:2] == ":"


def is_memory(key: str) -> bool:
    """Whether a file is part of a memory already: instructions, a rule, a skill."""
    return bool(_MEMORY.search(f"/{key}"))


def command_key(command: str, root: str) -> str:
    """A command without what differs from run to run; paths in the project are relative."""
    text = _ELSEWHERE.sub("<path>", exact(command, root))
    return clipped(_NUMBER.sub("#", _HASH.sub("#", text)))


def exact(text: str, root: str) -> str:
    """Text as it would be in the root of the project, with nothing else left out."""
    text = _WORKTREE.sub("", text[:COMMAND_LIMIT])
    if not root:
        return text
    return re.sub(rf"{re.escape(root)}(?![\w.@+-])", ".", text.replace(f"{root}/", ""))


def clipped(text: str) -> str:
    """Text on one line, at most ``LABEL_LIMIT`` characters."""
    line = " ".join(scrubbed(text[:COMMAND_LIMIT]).split())
    return line if len(line) <= LABEL_LIMIT else f"{line[: LABEL_LIMIT - 1].rstrip()}{_MORE}"


def is_clipped(key: str) -> bool:
    """Whether a key may be that of something else as well: the end of both is missing."""
    return key.endswith(_MORE)


def file_of_label(label: str) -> str:
    """The path in the label of a Read, which may name lines behind it."""
    return _RANGE.sub("", label)


def _slashed(path: str) -> str:
    path = scrubbed(path)
    return path.replace("\\", "/") if _WINDOWS.match(path) else path
