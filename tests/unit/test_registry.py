"""Which sessions live, by files that are written in place and left behind."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from ccmon.transcripts.locate import Home
from ccmon.transcripts.opening import LARGEST
from ccmon.transcripts.registry import LiveSession, Registry, read_registry

NOW = 1_795_434_699.198


class Machine:
    """A config home and a process table of our own."""

    def __init__(self, folder: Path) -> None:
        self.home = Home(str(folder / "claude"), "--config-dir", True)
        self.sessions = Path(self.home.path, "sessions")
        self.sessions.mkdir(parents=True)
        self.proc = folder / "proc"
        (self.proc / "self").mkdir(parents=True)
        self.pauses: list[float] = []
        self.during_pause: Callable[[], object] = lambda: None
        self.registry = Registry(self.proc, self._pause)

    def _pause(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.during_pause()

    def process(self, pid: int, started: int, *, state: str = "S", command: str = "node") -> None:
        folder = self.proc / str(pid)
        folder.mkdir(exist_ok=True)
        rest = " ".join(["0"] * 18)
        (folder / "stat").write_text(f"{pid} ({command}) {state} {rest} {started} 0 0\n")

    def register(self, pid: int, session: str = "s1", **fields: object) -> Path:
        path = self.sessions / f"{pid}.json"
        value = {"pid": pid, "sessionId": session, "procStart": "77", **fields}
        path.write_text(json.dumps(value))
        return path

    def refresh(self) -> dict[str, LiveSession]:
        return self.registry.refresh([self.home])


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_a_running_client_is_alive_with_its_state(machine: Machine) -> None:
    machine.process(12, 77)
    machine.register(
        12,
        status="waiting",
        waitingFor="permission",
        version="2.1.330",
        name="w-c3",
        updatedAt=int(NOW * 1000),
        statusUpdatedAt=1,
    )
    assert machine.refresh() == {
        "s1": LiveSession("s1", 12, "waiting", "permission", True, "2.1.330", NOW, "w-c3")
    }


@pytest.mark.parametrize(
    ("status", "expected"),
    [("busy", "busy"), ("idle", "idle"), ("shell", "busy"), ("new", "unknown"), (None, "unknown")],
)
def test_states_that_are_not_known_are_called_so(
    machine: Machine, status: str | None, expected: str
) -> None:
    machine.register(12, status=status)
    assert machine.refresh()["s1"].status == expected


def test_a_killed_client_is_not_alive(machine: Machine) -> None:
    machine.register(12)
    assert not machine.refresh()["s1"].alive


def test_another_process_with_the_same_pid_is_not_the_client(machine: Machine) -> None:
    machine.process(12, 78)
    machine.register(12)
    assert not machine.refresh()["s1"].alive


def test_the_name_of_the_process_may_hold_anything(machine: Machine) -> None:
    machine.process(12, 77, command="a ) 1 (b")
    machine.register(12)
    assert machine.refresh()["s1"].alive


def test_a_dead_process_that_waits_for_its_parent_is_not_alive(machine: Machine) -> None:
    machine.process(12, 77, state="Z")
    machine.register(12)
    assert not machine.refresh()["s1"].alive


def test_an_old_client_without_start_time_is_known_by_pid_alone(machine: Machine) -> None:
    machine.process(12, 1234)
    machine.register(12, procStart=None)
    assert machine.refresh()["s1"].alive


def test_liveness_is_asked_anew_though_the_file_stays_the_same(machine: Machine) -> None:
    machine.process(12, 77)
    machine.register(12)
    assert machine.refresh()["s1"].alive
    (machine.proc / "12" / "stat").unlink()
    assert not machine.refresh()["s1"].alive


def test_without_a_process_table_the_pid_decides(machine: Machine) -> None:
    registry = Registry(machine.proc / "absent")
    machine.register(os.getpid())
    assert registry.refresh([machine.home])["s1"].alive


@pytest.mark.parametrize("torn", ["", "{", '{"pid":12,"sess'])
def test_a_file_caught_in_a_rewrite_keeps_its_last_state(machine: Machine, torn: str) -> None:
    path = machine.register(12, status="busy")
    machine.refresh()
    path.write_text(torn)
    assert machine.refresh()["s1"].status == "busy"
    assert len(machine.pauses) == 1
    machine.register(12, status="idle")
    assert machine.refresh()["s1"].status == "idle"


def test_a_torn_file_is_read_once_more_after_a_moment(machine: Machine) -> None:
    (machine.sessions / "12.json").write_text("")
    machine.during_pause = lambda: machine.register(12, status="busy")
    assert machine.refresh()["s1"].status == "busy"


def test_a_removed_file_ends_the_session(machine: Machine) -> None:
    path = machine.register(12)
    machine.refresh()
    path.unlink()
    assert machine.refresh() == {}


def test_the_live_one_of_two_clients_of_a_session_wins(machine: Machine) -> None:
    machine.process(12, 77)
    machine.register(11, updatedAt=2000)
    machine.register(12, updatedAt=1000)
    machine.register(13, updatedAt=3000)
    assert machine.refresh()["s1"].pid == 12


@pytest.mark.parametrize(
    "text", ["[1]", "null", "7", '{"pid":12}', '{"sessionId":"s1"}', '{"sessionId":7,"pid":1}']
)
def test_odd_files_name_no_session(machine: Machine, text: str) -> None:
    (machine.sessions / "12.json").write_text(text)
    assert machine.refresh() == {}


def test_odd_fields_cost_only_themselves(machine: Machine) -> None:
    machine.register(12, status=7, name=["x"], updatedAt="soon", version="2.1.330")
    assert machine.refresh() == {"s1": LiveSession("s1", 12, version="2.1.330")}


def test_no_other_file_is_opened(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("12.abc.key", "12.key", "roster.json", "12.json.tmp", "12.abc.json"):
        (machine.sessions / name).write_text('{"pid":12,"sessionId":"secret"}')
    machine.register(12)
    opened: list[str] = []
    open_file = os.open

    def noted(path: str, flags: int) -> int:
        opened.append(Path(path).name)
        return open_file(path, flags)

    monkeypatch.setattr(os, "open", noted)
    assert list(machine.refresh()) == ["s1"]
    assert opened == ["12.json"]


@pytest.mark.parametrize("kind", ["pipe", "folder", "huge"])
def test_what_is_no_small_file_is_not_read_and_not_waited_for(machine: Machine, kind: str) -> None:
    machine.register(12)
    assert machine.refresh()
    path = machine.sessions / "12.json"
    if kind == "huge":
        path.write_text(path.read_text() + " " * LARGEST)
        os.utime(path, (1, 1))
        assert list(machine.refresh()) == ["s1"]
        return
    path.unlink()
    if kind == "pipe":
        os.mkfifo(path)
    else:
        path.mkdir()
    assert machine.refresh() == {}


def test_a_home_without_registry_has_no_live_sessions(tmp_path: Path) -> None:
    assert read_registry([Home(str(tmp_path), "--config-dir", True)]) == {}
