"""Short labels for what stands in a transcript line: tool calls and prompts.

Labels keep whatever characters the text has; the faces make them harmless.
"""

import re

import msgspec
from msgspec import Raw

from ccmon.entries import LABEL_LIMIT

_DECODE_ARGUMENTS = msgspec.json.Decoder(dict[str, Raw]).decode
_DECODE_LIST = msgspec.json.Decoder(list[Raw]).decode
_DECODE_NUMBER = msgspec.json.Decoder(int).decode
_DECODE_TEXT = msgspec.json.Decoder(str).decode

_TELLING = {
    "Bash": ("command",),
    "PowerShell": ("command",),
    "Grep": ("pattern",),
    "Glob": ("pattern",),
    "WebFetch": ("url",),
    "WebSearch": ("query",),
    "ToolSearch": ("query",),
    "Task": ("description", "subagent_type"),
    "Agent": ("description", "subagent_type"),
    "Skill": ("skill", "command", "name"),
}
PATH_ARGUMENTS = {
    "Read": "file_path",
    "Edit": "file_path",
    "Write": "file_path",
    "MultiEdit": "file_path",
    "NotebookEdit": "notebook_path",
}
"""Tools that work on one file, with the argument that names it."""

_INJECTED = re.compile(
    r"\s*<(system-reminder|ide_opened_file|ide_selection|ide_diagnostics)>.*?</\1>", re.DOTALL
)
_COMMAND = re.compile(r"<command-name>\s*(.*?)\s*</command-name>", re.DOTALL)
_COMMAND_ARGS = re.compile(r"<command-args>\s*(.*?)\s*</command-args>", re.DOTALL)


def clipped(text: str) -> str:
    """Text on one line, blanks collapsed, at most ``LABEL_LIMIT`` characters."""
    start = text[: LABEL_LIMIT * 4] if not text[:1].isspace() else text.lstrip()[: LABEL_LIMIT * 4]
    line = " ".join(start.split())
    if len(line) > LABEL_LIMIT or len(text) > LABEL_LIMIT * 4:
        return line[: LABEL_LIMIT - 1].rstrip() + "…"
    return line


def call_label(name: str, given: dict[str, Raw], cwd: str | None) -> str:
    """The telling argument of a tool call; a path is made relative to ``cwd`` when inside."""
    if path_key := PATH_ARGUMENTS.get(name):
        path = argument_text(given, path_key) or argument_text(given, "file_path")
        return clipped(_relative(path, cwd) + _line_range(given)) if path else ""
    if name == "TodoWrite":
        return _todos(given)
    for key in _TELLING.get(name, ()):
        if text := argument_text(given, key).strip():
            return clipped(text.split("\n", 1)[0] if key == "command" else text)
    return _first_text(given)


def prompt_label(text: str) -> str:
    """A prompt without what the client put around it; a slash command as it was typed."""
    if command := command_typed(text):
        return clipped(command)
    return clipped(without_injected(text))


def without_injected(text: str) -> str:
    """Text without the reminders and editor notes that stand before a prompt."""
    end = 0
    while found := _INJECTED.match(text, end):
        end = found.end()
    return text[end:] if end else text


def command_typed(text: str) -> str | None:
    """``/name arguments`` of a slash command's line, None for any other text."""
    if not text.lstrip().startswith(("<command-name>", "<command-message>")):
        return None
    if not (name := _COMMAND.search(text)):
        return None
    arguments = _COMMAND_ARGS.search(text)
    slashed = "/" + name[1].lstrip("/")
    return f"{slashed} {arguments[1]}".rstrip() if arguments else slashed


def decode_arguments(raw: Raw) -> dict[str, Raw]:
    """The arguments of a call; none where they are no object."""
    try:
        return _DECODE_ARGUMENTS(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return {}


def argument_text(given: dict[str, Raw], key: str) -> str:
    """An argument that is a string; empty where there is none."""
    try:
        return _DECODE_TEXT(given[key]) if key in given else ""
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return ""


def argument_number(given: dict[str, Raw], key: str) -> int | None:
    """An argument that is a whole number; None where there is none."""
    try:
        return _DECODE_NUMBER(given[key]) if key in given else None
    except msgspec.MsgspecError:
        return None


def _todos(given: dict[str, Raw]) -> str:
    try:
        count = len(_DECODE_LIST(given["todos"]))
    except (KeyError, msgspec.MsgspecError):
        return ""
    return "1 todo" if count == 1 else f"{count} todos"


def _first_text(given: dict[str, Raw]) -> str:
    """The first short string argument, else the first string one, clipped."""
    texts = [text for key in given if (text := argument_text(given, key).strip())]
    short = [text for text in texts if len(text) <= LABEL_LIMIT]
    return clipped((short or texts or [""])[0])


def _relative(path: str, cwd: str | None) -> str:
    if cwd and path.startswith(cwd) and path[len(cwd) : len(cwd) + 1] in ("/", "\\"):
        return path[len(cwd) + 1 :] or path
    return path


def _line_range(given: dict[str, Raw]) -> str:
    offset, limit = argument_number(given, "offset"), argument_number(given, "limit")
    if offset is None and limit is None:
        return ""
    first = 1 if offset is None else offset
    return f" {first}-" if limit is None else f" {first}-{first + limit - 1}"
