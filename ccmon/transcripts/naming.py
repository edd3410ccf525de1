"""What a tool call asks for, and which files a text or a call names: marks of use, no text.

Source: accounting.md section 8. A later call that asks for the same supersedes a result; a file
that nobody names any more is carried for nothing.
"""

import re
import sys
from hashlib import blake2b
from itertools import islice

from msgspec import Raw

from ccmon.measures import Asked
from ccmon.transcripts.labels import PATH_ARGUMENTS, argument_number, argument_text

TEXT_LIMIT = 65_536
"""So many bytes of a block are looked through for names."""
MOST_NAMES = 64
"""Names kept of one block."""
MOST_ENDINGS = 2_000
"""Words with a dot that are looked at in one block."""
LONGEST_NAME = 80
READ_LINES = 2_000
"""Lines that a Read brings where it does not say how many."""

_ENDING = re.compile(r"\.([A-Za-z]\w{0,9})(?!\w)")
_BACKWARDS = re.compile(r"[\w@+-][\w@+.-]*")
_KNOWN = """
astro bash bat bib c cc cfg cjs clj cljs cmake cmd conf cpp cs csproj css csv cts cxx dart diff
elm env erb erl ex exs fish fs gemspec gif go gql gradle graphql groovy h hcl hh hpp hs htm html
hxx ini ipynb java jl jpeg jpg js json json5 jsonc jsonl jsx kt kts less lock log lua m md mdx mjs
mk ml mli mm mod mts nim nix patch pdf php pl plist pm png prisma properties proto ps1 py pyi r
rake rb rs rst sass scala scss sh sln sql sum svelte svg swift tcss tex tf tfvars toml ts tsv tsx
txt vb vue webp xml yaml yml zig zsh
"""
_EXTENSIONS = frozenset(_KNOWN.split())
"""What a word must end in to be taken for the name of a file."""


def asked(name: str, given: dict[str, Raw], arguments: Raw, cwd: str | None) -> Asked | None:
    """What a call asks for; None where no later call can take the place of its result.

    A command and a search are the same only in the same folder.
    """
    where = cwd or ""
    if path_key := PATH_ARGUMENTS.get(name):
        path = argument_text(given, path_key) or argument_text(given, "file_path")
        return _file(name, path, given, where) if path else None
    if name == "Bash" and (command := argument_text(given, "command").strip()):
        return Asked(_digest(name, where, command))
    if name == "Grep" and given:
        return Asked(_digest(name, where, bytes(arguments).decode("utf-8", "replace")))
    return None


def _file(name: str, path: str, given: dict[str, Raw], where: str) -> Asked:
    absolute = path.startswith(("/", "\\")) or path[1:2] == ":"
    key = _digest("" if absolute else where, path, argument_text(given, "pages"))
    base = re.split(r"[/\\]", path)[-1].lstrip(".")
    file = sys.intern(base) if base in _names(base) else ""
    offset, limit = argument_number(given, "offset"), argument_number(given, "limit")
    if name != "Read":
        return Asked(key, file=file)
    first = max(1, offset or 1)
    return Asked(key, first, first + max(0, READ_LINES if limit is None else limit) - 1, file)


def _digest(*parts: str) -> int:
    data = "\0".join(parts).encode("utf-8", "surrogatepass")
    return int.from_bytes(blake2b(data, digest_size=8).digest())


def files_named(json: Raw) -> tuple[str, ...]:
    """The base names of files that stand in a piece of JSON, the first ``MOST_NAMES`` of them."""
    start = bytes(memoryview(json)[:TEXT_LIMIT])
    if b"." not in start:
        return ()
    # Escapes would run into the words behind them; a doubled backslash parts folders.
    plain = start.replace(b"\\\\", b"/").replace(b"\\n", b" ").replace(b"\\t", b" ")
    return tuple(_names(plain.replace(b"\\r", b" ").decode("utf-8", "replace")))


def files_spoken_of(text: str) -> tuple[str, ...]:
    """The same of plain text."""
    return tuple(_names(text[:TEXT_LIMIT]))


def _names(words: str) -> dict[str, None]:
    found: dict[str, None] = {}
    for ending in islice(_ENDING.finditer(words), MOST_ENDINGS):
        if ending[1] not in _EXTENSIONS:
            continue
        end = ending.start()
        stem = _BACKWARDS.match(words[max(0, end - LONGEST_NAME) : end][::-1])
        if stem is not None:
            found[sys.intern(stem[0][::-1].lstrip(".") + ending[0])] = None
            if len(found) >= MOST_NAMES:
                break
    return found
