"""Every test runs in a scratch home, in UTC, offline.

Two fences. The environment points every home, config and cache folder to a
scratch directory, for the test and the processes it starts. An audit hook
watches this process itself: reading anything below the real config homes, or
reaching for the network, fails the test even when the code under test swallows
the exception.
"""

import os
import pwd
import socket
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

_REAL_HOMES = {Path.home(), Path(pwd.getpwuid(os.getuid()).pw_dir)}
_OUT_OF_BOUNDS = tuple(
    str(home / name) for home in _REAL_HOMES for name in (".claude", ".config/claude")
)
_PATH_EVENTS = frozenset({"open", "os.listdir", "os.scandir", "os.remove", "os.rename", "os.mkdir"})
_NETWORK_EVENTS = frozenset({"socket.connect", "socket.bind", "socket.sendto", "socket.sendmsg"})
_LOOKUP_EVENTS = frozenset({"socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr"})

_trespasses: list[str] = []


class TrespassError(BaseException):
    """A test touched the real config home or the network.

    Not an Exception, so that no ``except Exception`` takes it for a bad file.
    """


def _is_out_of_bounds(path: object) -> bool:
    if isinstance(path, bytes):
        path = os.fsdecode(path)
    if not isinstance(path, str | os.PathLike):
        return False
    absolute = os.path.abspath(path)  # noqa: PTH100  Path.absolute keeps "..", resolve() follows links
    return any(absolute == fence or absolute.startswith(fence + os.sep) for fence in _OUT_OF_BOUNDS)


def _watch(event: str, args: tuple[object, ...]) -> None:
    if event in _PATH_EVENTS:
        if not _is_out_of_bounds(args[0]):
            return
        trespass = f"{event} {args[0]!r}: that is the real config home"
    elif event in _NETWORK_EVENTS:
        connection = args[0]
        if isinstance(connection, socket.socket) and connection.family == socket.AF_UNIX:
            return
        trespass = f"{event} {args[1:]!r}: ccmon is offline"
    elif event in _LOOKUP_EVENTS:
        trespass = f"{event} {args!r}: ccmon is offline"
    else:
        return
    _trespasses.append(trespass)
    raise TrespassError(trespass)


sys.addaudithook(_watch)


def _settle_in(home: Path, environment: pytest.MonkeyPatch) -> None:
    config = home / ".claude"
    config.mkdir(parents=True, exist_ok=True)
    for name in os.environ:
        if name.startswith(("CCMON_", "CLAUDE_", "XDG_")):
            environment.delenv(name)
    for name in ("NO_COLOR", "FORCE_COLOR", "CLICOLOR", "COLUMNS", "LINES", "PYTHONWARNINGS"):
        environment.delenv(name, raising=False)
    for name, folder in {
        "XDG_CONFIG_HOME": home / ".config",
        "XDG_CACHE_HOME": home / ".cache",
        "XDG_DATA_HOME": home / ".local" / "share",
        "XDG_STATE_HOME": home / ".local" / "state",
    }.items():
        environment.setenv(name, str(folder))
    environment.setenv("HOME", str(home))
    environment.setenv("CLAUDE_CONFIG_DIR", str(config))
    environment.setenv("TZ", "UTC")
    environment.setenv("TERM", "xterm-256color")
    environment.setenv("COLORTERM", "truecolor")
    time.tzset()


@pytest.fixture(scope="session", autouse=True)
def _scratch_session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A scratch home for fixtures that live longer than one test."""
    with pytest.MonkeyPatch.context() as environment:
        _settle_in(tmp_path_factory.mktemp("session-home"), environment)
        yield
    time.tzset()


@pytest.fixture(autouse=True)
def scratch_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The scratch home of this test; its ``.claude`` is there and empty."""
    home = tmp_path_factory.mktemp("home")
    _trespasses.clear()
    with pytest.MonkeyPatch.context() as environment:
        _settle_in(home, environment)
        yield home
    time.tzset()
    assert not _trespasses, _trespasses


@pytest.fixture
def config_home(scratch_home: Path) -> Path:
    """The Claude config home of this test, empty."""
    return scratch_home / ".claude"
