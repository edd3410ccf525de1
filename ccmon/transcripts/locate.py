"""Where transcripts lie: config homes, sessions, sub-agent files (transcripts.md, section 2)."""

import os
import re
import stat
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import msgspec
from msgspec import Struct

from ccmon.transcripts.opening import read_small

_SUBAGENT_DEPTH = 16
_WORKTREES = re.compile(r"[/\\]\.claude[/\\]worktrees[/\\]")
_SLUG_WORKTREES = "--claude-worktrees-"
_SLUG_USER_HOME = re.compile(r"^-(?:home|Users)-[^-]+-(?=.)")


class Home(Struct, frozen=True):
    """A config home: the folder that holds ``projects`` and ``sessions``.

    ``origin`` says who named it: ``--config-dir``, ``$CLAUDE_CONFIG_DIR``,
    ``~/.claude`` or ``~/.config/claude``. ``found`` says that it is a folder.
    """

    path: str
    origin: str
    found: bool


class Transcript(Struct, frozen=True):
    """One transcript file.

    ``session_id`` comes from the path; it is None only for an agent file of
    the flat layout, whose lines name the session. ``agent_id`` is None for the
    session's own file. ``size`` in bytes, ``mtime`` in epoch seconds. ``device``
    and ``inode`` tell a file from another of the same name, ``mtime_ns`` (nanoseconds) that it was
    written to.
    """

    path: str
    home: str
    slug: str
    session_id: str | None
    agent_id: str | None
    size: int
    mtime: float
    inode: int = 0
    device: int = 0
    mtime_ns: int = 0


class AgentMeta(Struct, frozen=True):
    """What the ``.meta.json`` beside an agent file says about the agent."""

    agent_type: str | None = None
    description: str | None = None
    tool_use_id: str | None = None
    parent_agent_id: str | None = None
    finished: bool = False


def config_homes(
    explicit: Sequence[str], environ: Mapping[str, str], user_home: Path
) -> tuple[Home, ...]:
    """The config homes to read, in the order of their naming, each once.

    Folders named by the caller win over ``$CLAUDE_CONFIG_DIR`` (which may hold
    several, with commas), and that over the two default places.
    """
    named = environ.get("CLAUDE_CONFIG_DIR", "").split(",")
    if given := [text for text in explicit if text.strip()]:
        wanted = [(text, "--config-dir") for text in given]
    elif given := [text for text in named if text.strip()]:
        wanted = [(text, "$CLAUDE_CONFIG_DIR") for text in given]
    else:
        wanted = [(text, text) for text in ("~/.claude", "~/.config/claude")]
    homes: dict[str, Home] = {}
    for text, origin in wanted:
        path = _home_folder(_expanded(text.strip(), user_home))
        homes.setdefault(os.path.realpath(path), Home(str(path), origin, is_there(path)))
    return tuple(homes.values())


def _expanded(text: str, user_home: Path) -> Path:
    # No name holds a null character, and every call on a path that does would raise.
    text = text.replace("\0", "\ufffd")
    if text == "~" or text.startswith("~/"):
        return user_home / text[2:]
    return Path(os.path.abspath(text))  # noqa: PTH100 - resolve() would follow links


def _home_folder(path: Path) -> Path:
    if path.name == "projects" and not is_there(path / "projects"):
        return path.parent
    return path


def is_there(folder: Path) -> bool:
    """Whether it is a folder; one that lies out of reach or cannot be is none."""
    try:
        return folder.is_dir()
    except (OSError, ValueError):
        return False


def discover(homes: Sequence[Home], closed: list[str] | None = None) -> list[Transcript]:
    """Every transcript below the homes, the one written last first.

    What cannot be looked at is added to ``closed``: folders that do not let themselves be listed,
    and what has the name of a transcript and is none, such as a link that leads nowhere.
    """
    shut: list[str] = [] if closed is None else closed
    found = [transcript for home in homes for transcript in _of_home(home.path, shut)]
    found.sort(key=lambda transcript: (-transcript.mtime, transcript.path))
    return found


def classify(path: str, homes: Sequence[Home]) -> Transcript | None:
    """The transcript at a path, None if no transcript is (or can be) there."""
    for home in homes:
        projects = f"{home.path}/projects/"
        if not path.startswith(projects):
            continue
        named = _named(path[len(projects) :].split("/"))
        if named is None:
            return None
        try:
            info = Path(path).stat()
        except OSError:
            return None
        return _transcript(path, home.path, named, info)
    return None


def _named(parts: list[str]) -> tuple[str, str | None, str | None] | None:
    """Slug, session and agent of a path below ``projects``, None if no transcript."""
    stem = _stem(parts[-1])
    if stem is None:
        return None
    agent_id = stem[len("agent-") :] if stem.startswith("agent-") else None
    if len(parts) == 2:
        return parts[0], None if agent_id else stem, agent_id
    if len(parts) > 3 and parts[2] == "subagents" and agent_id:
        return parts[0], parts[1], agent_id
    return None


def _stem(name: str) -> str | None:
    """The name of a transcript file without its suffix, None for other files."""
    if not name.endswith(".jsonl") or name == "journal.jsonl":
        return None
    if ".orphaned" in name or ".superseded" in name:
        return None
    stem = name.removesuffix(".jsonl")
    return stem if stem not in ("", "agent-") else None


def _transcript(
    path: str, home: str, named: tuple[str, str | None, str | None], info: os.stat_result
) -> Transcript | None:
    if not stat.S_ISREG(info.st_mode):
        return None
    return Transcript(
        path,
        home,
        *named,
        size=info.st_size,
        mtime=info.st_mtime,
        inode=info.st_ino,
        device=info.st_dev,
        mtime_ns=info.st_mtime_ns,
    )


def _of_home(home: str, shut: list[str]) -> Iterator[Transcript]:
    for folder in _entries(f"{home}/projects", shut):
        if not _is_folder(folder):
            continue
        for entry in _entries(folder.path, shut):
            if entry.name.endswith(".jsonl"):
                yield from _at(entry, home, [folder.name, entry.name], shut)
            elif _is_folder(entry):
                parts = [folder.name, entry.name, "subagents"]
                yield from _agents(f"{entry.path}/subagents", home, parts, _SUBAGENT_DEPTH, shut)


def _agents(
    folder: str, home: str, parts: list[str], depth: int, shut: list[str]
) -> Iterator[Transcript]:
    for entry in _entries(folder, shut):
        if entry.name.endswith(".jsonl"):
            yield from _at(entry, home, [*parts, entry.name], shut)
        # A link to a folder above would never end: links are not followed here.
        elif depth and _is_folder(entry, follow=False):
            yield from _agents(entry.path, home, [*parts, entry.name], depth - 1, shut)


def _at(
    entry: os.DirEntry[str], home: str, parts: list[str], shut: list[str]
) -> Iterator[Transcript]:
    named = _named(parts)
    if named is None:
        return
    try:
        info = entry.stat()
    except FileNotFoundError:
        # Deleted since the folder was listed, or a link.
        if entry.is_symlink():
            shut.append(entry.path)
        return
    except OSError:
        shut.append(entry.path)
        return
    if transcript := _transcript(entry.path, home, named, info):
        yield transcript
    else:
        shut.append(entry.path)


def _entries(folder: str, shut: list[str]) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError:
        shut.append(folder)
        return []


def _is_folder(entry: os.DirEntry[str], *, follow: bool = True) -> bool:
    try:
        return entry.is_dir(follow_symlinks=follow)
    except OSError:
        return False


class _Meta(Struct, rename="camel"):
    agent_type: str | None = None
    description: str | None = None
    tool_use_id: str | None = None
    parent_agent_id: str | None = None
    finished: bool | None = None


def read_agent_meta(transcript_path: str) -> AgentMeta | None:
    """The agent's own description of itself, None if there is none to read (yet)."""
    path = transcript_path.removesuffix(".jsonl") + ".meta.json"
    try:
        meta = msgspec.json.decode(read_small(path), type=_Meta)
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    return AgentMeta(
        agent_type=meta.agent_type,
        description=meta.description,
        tool_use_id=meta.tool_use_id,
        parent_agent_id=meta.parent_agent_id,
        finished=meta.finished is True,
    )


def project_root(cwd: str) -> str:
    """The folder of the project that is worked on in ``cwd``: a worktree belongs to its project."""
    return _WORKTREES.split(cwd, maxsplit=1)[0].rstrip("/\\")


def project_name(cwd: str | None, slug: str) -> str:
    """The name people know a project by: the last part of its folder.

    A worktree of the client belongs to its project. Without a ``cwd`` the name
    is what can be read off the slug, in which ``-`` may stand for anything.
    """
    if cwd:
        return re.split(r"[/\\]", project_root(cwd))[-1] or cwd
    rest = slug.partition(_SLUG_WORKTREES)[0]
    return _SLUG_USER_HOME.sub("", rest).strip("-") or slug
