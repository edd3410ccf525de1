"""The system calls of a whole run, by strace: what it opened, changed, started and reached."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

_CALLS = (
    "%file,%network,%process,kill,ftruncate,fchmod,fchown,fallocate,flock,fcntl,fsetxattr,"
    "fremovexattr,?io_uring_setup"
)
_COMMAND = ("-f", "-qq", "--seccomp-bpf", "-y", "-s", "4096", "-e", f"trace={_CALLS}")
_LINE = re.compile(r"(\d+) +(\w+)\((.*)\) += (\S.*)")
_UNFINISHED = re.compile(r"(\d+) +(.*) <unfinished \.\.\.>$")
_RESUMED = re.compile(r"(\d+) +<\.\.\. \w+ resumed>(.*)")
_PATH = re.compile(r'(?:(?:AT_FDCWD|\d+)(?:<([^>]*)>)?, )?"((?:[^"\\]|\\.)*)"')
_DESCRIPTOR = re.compile(r"\b\d+<(/[^>]*)>")
_OPENING = frozenset({"open", "openat", "openat2", "creat"})
_WRITING = ("O_WRONLY", "O_RDWR", "O_CREAT", "O_TRUNC", "O_APPEND", "O_TMPFILE")
_CHANGING = re.compile(
    r"(?:mk(?:dir|nod)|rename|f?(?:truncate|chmod|chown)|f?(?:set|remove)xattr|l(?:chown|link)"
    r"|(?:un|sym)?link|rmdir|fallocate|flock|f?utime|(?:u|pivot_)?mount|creat)"
)
_LOCKING = ("F_SETLK", "F_OFD_SETLK", "F_SETLEASE")
_REACHING = frozenset({"socket", "connect", "bind", "listen", "accept", "accept4"})
_FORKING = frozenset({"fork", "vfork", "clone", "clone3"})


class Call(NamedTuple):
    """One system call as strace wrote it."""

    pid: int
    name: str
    arguments: str
    result: str

    @property
    def paths(self) -> list[str]:
        """The files that it names, in its arguments or by a descriptor, links followed or not."""
        if self.name.startswith("exec"):
            return re.findall(r'^"((?:[^"\\]|\\.)*)"', self.arguments)
        named = [os.path.join(*found) for found in _PATH.findall(self.arguments)]  # noqa: PTH118 - as text
        return [os.path.normpath(each) for each in named if each] + self.descriptors

    @property
    def descriptors(self) -> list[str]:
        """The files behind its descriptors, with what it returns."""
        return _DESCRIPTOR.findall(f"{self.arguments} {self.result}")

    @property
    def opens(self) -> bool:
        """Whether it opens a file, successfully or not."""
        return self.name in _OPENING

    @property
    def worked(self) -> bool:
        """Whether the system did it."""
        return not self.result.startswith("-1")

    @property
    def changes(self) -> bool:
        """Whether it can change, create or lock a file."""
        if self.opens:
            return self.name == "creat" or any(flag in self.arguments for flag in _WRITING)
        if self.name == "fcntl":
            return any(flag in self.arguments for flag in _LOCKING)
        return _CHANGING.match(self.name) is not None

    @property
    def mode(self) -> int | None:
        """The rights that it asks for, of a file or folder it would create."""
        creates = self.name.startswith(("mkdir", "mknod")) or "O_CREAT" in self.arguments
        found = re.search(r", (?:S_IF\w+\|)?(0[0-7]*)$", self.arguments)
        return int(found[1], 8) if creates and found else None


class Trace:
    """All calls of one run, those of its child processes included."""

    def __init__(self, text: str) -> None:
        self.calls = list(_calls(text))

    def below(self, *folders: Path) -> list[Call]:
        """Calls that name something in one of these folders, or one of them itself."""
        return [call for call in self.calls if any(is_below(path, *folders) for path in call.paths)]

    @property
    def commands(self) -> list[str]:
        """The arguments of each program that was started, the run itself first."""
        return [call.arguments for call in self.calls if call.name.startswith("exec")]

    @property
    def children(self) -> int:
        """How many processes were started, threads not counted."""
        forks = (call for call in self.calls if call.name in _FORKING and call.worked)
        return sum("CLONE_THREAD" not in call.arguments for call in forks)

    @property
    def reached(self) -> list[Call]:
        """Calls that could reach beyond this process, but for pairs of sockets within it."""
        return [call for call in self.calls if _reaches(call)]

    @property
    def too_open(self) -> list[Call]:
        """Calls that made a file or folder for others too; run with a umask of 0."""
        there: set[str] = set()
        found = []
        for call in (call for call in self.calls if call.worked):
            (path,) = call.paths[:1] or [""]
            if call.name.startswith(("unlink", "rmdir")):
                there.discard(path)
            elif call.name.startswith("rename"):
                there.discard(path)
                there.update(call.paths[1:])
            elif call.mode is not None and path not in there:
                there.add(path)
                if call.mode & 0o077:
                    found.append(call)
        return found


def is_below(path: str, *folders: Path) -> bool:
    """Whether a path is one of these folders or in one."""
    return any(path == str(folder) or path.startswith(f"{folder}/") for folder in folders)


def _reaches(call: Call) -> bool:
    if call.name == "socketpair":
        return not call.arguments.startswith("AF_UNIX")
    if call.name.startswith("send"):
        # Over a pair there is no address to send to.
        return not call.arguments.endswith("NULL, 0") and call.name != "sendfile"
    return call.name in _REACHING or call.name == "io_uring_setup"


def _calls(text: str) -> Iterator[Call]:
    halves: dict[str, str] = {}
    for line in text.splitlines():
        if first := _UNFINISHED.match(line):
            halves[first[1]] = first[2]
            continue
        if rest := _RESUMED.match(line):
            line = f"{rest[1]} {halves.pop(rest[1], '')}{rest[2]}"
        if whole := _LINE.match(line):
            yield Call(int(whole[1]), whole[2], whole[3], whole[4])


def tracer(file: Path) -> tuple[str, ...] | str:
    """The command that runs another with a umask of 0 and writes its calls to ``file``.

    Where that cannot be had, the reason.
    """
    strace = shutil.which("strace")
    if strace is None:
        return "no strace"
    command = ("/bin/sh", "-c", 'umask 0; exec "$@"', "sh", strace, *_COMMAND, "-o", str(file))
    probe = subprocess.run([*command, "true"], capture_output=True, text=True, check=False)
    if probe.returncode:
        return f"strace does not work here: {probe.stderr.strip()}"
    return command


def traced(
    command: Sequence[str], file: Path, *, under: Sequence[str], stdin: bytes = b"",
    environ: Mapping[str, str] = os.environ, cwd: Path | None = None,
) -> tuple[subprocess.CompletedProcess[bytes], Trace]:  # fmt: skip
    """Run a command to its end; returns what became of it, and its calls."""
    done = subprocess.run(
        [*under, *command], input=stdin, capture_output=True, check=False, env=environ, cwd=cwd
    )
    return done, Trace(file.read_text(errors="replace"))
