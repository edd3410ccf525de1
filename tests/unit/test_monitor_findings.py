"""What a monitor finds and tells of as time passes and lines arrive, with a clock that stands."""

import shutil
from pathlib import Path

import pytest
from msgspec.structs import replace

from ccmon.monitor import Monitor, Scope
from ccmon.settings import Settings
from ccmon.snapshot import Session, Snapshot
from ccmon.transcripts.locate import config_homes
from tests import lines
from tests.homes import CORPUS, FIRST, NOW, SECOND, ConfigHome, read
from tests.watched import LATELY, Watched

HOUR = 3_600.0
PATIENT = Settings(active_minutes=240)
QUIET = ("basic", "basic-2.1.200", "parallel", "subagents", "resume")
"""Corpora in which nothing is amiss, but for what the description of ``parallel`` says."""
AMISS = ["ToolSearch rewrote 38.5k tokens", "Read big.txt brought 24.2k"]


@pytest.fixture
def home(tmp_path: Path) -> ConfigHome:
    return ConfigHome(tmp_path / "config")


def stamp(second: int) -> str:
    return f"2026-11-22T12:{second // 60:02d}:{second % 60:02d}.000Z"


def turn(number: int, cached: int, written: int, *, session: str = FIRST) -> list[bytes]:
    """A prompt and its answer, ten seconds after the turn before."""
    counts = {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": written}
    tokens = lines.usage(
        cache_read_input_tokens=cached, cache_creation_input_tokens=written, cache_creation=counts
    )
    asked = lines.user("go on", sessionId=session, uuid=f"p{number}", timestamp=stamp(10 * number))
    answered = lines.assistant(
        {"type": "text", "text": "done"},
        message={"id": f"msg_{session[:1]}{number}", "usage": tokens},
        sessionId=session,
        uuid=f"a{number}",
        timestamp=stamp(10 * number + 2),
    )
    return [lines.line(record) + b"\n" for record in (asked, answered)]


def ids(session: Session) -> list[str]:
    return [finding.id for finding in session.findings]


class TestGoingCold:
    @pytest.fixture
    def face(self, home: ConfigHome) -> Watched:
        home.write(*turn(0, 0, 30_000), *turn(1, 30_000, 90_000))
        face = Watched(home, Scope(live=True), PATIENT)
        face.after(LATELY + 10 - face.now)
        return face

    def test_the_countdown_reaches_cold_at_the_right_second(self, face: Watched) -> None:
        assert ids(face.snapshot.sessions[0]) == []
        assert not face.after(0.8 * HOUR - 1)
        assert face.after(1), "a fifth of the hour is left"
        assert ids(face.snapshot.sessions[0]) == ["F2"]
        assert not face.after(0.2 * HOUR - 1), "warm one second before the deadline"
        assert face.after(1), "cold at it"
        session = face.snapshot.sessions[0]
        assert ids(session) == ["F3"]
        assert session.cache is not None
        assert session.cache.state_at(face.now - 1) == "warm"
        assert session.cache.state_at(face.now) == "cold"

    def test_nothing_more_happens_once_it_is_cold(self, face: Watched) -> None:
        face.after(2 * HOUR)
        assert not face.after(60)
        assert not face.after(HOUR)

    def test_a_look_at_another_moment_shows_that_moment(self, face: Watched) -> None:
        start = LATELY + 10
        for offset, found in [(0, []), (0.9 * HOUR, ["F2"]), (HOUR, ["F3"]), (1, [])]:
            assert ids(face.monitor.snapshot(start + offset).sessions[0]) == found

    def test_a_session_without_news_stays_the_same_object(self, face: Watched) -> None:
        session = face.monitor.snapshot(LATELY + HOUR).sessions[0]
        assert face.monitor.snapshot(LATELY + HOUR + 5).sessions[0] is session
        later = face.monitor.snapshot(LATELY + HOUR + 10).sessions[0]
        assert later is not session
        assert later.requests is session.requests


def bust_lines() -> list[bytes]:
    """An answer that lost all of a large prefix."""
    return turn(3, 0, 121_000)


class TestNotices:
    def test_a_large_bust_is_told_when_its_line_arrives(self, home: ConfigHome) -> None:
        path = home.write(*turn(0, 0, 30_000), *turn(1, 30_000, 90_000))
        face = Watched(home, Scope(live=True))
        told_before = face.snapshot.notices
        assert told_before == ()
        home.write(*bust_lines())
        face.monitor.touch([str(path)])
        assert face.after(0.1)
        (notice,) = face.snapshot.notices
        assert (notice.title, notice.session_id, notice.serial) == ("CACHE BUST", FIRST, 1)
        face.after(1)
        assert [each.serial for each in face.monitor.snapshot().notices] == [1]

    def test_what_the_first_reading_finds_is_not_told(self, home: ConfigHome) -> None:
        home.write(*turn(0, 0, 30_000), *turn(1, 30_000, 90_000), *bust_lines())
        home.write(*turn(0, 0, 30_000, session=SECOND), session=SECOND)
        monitor = home.monitor()
        while monitor.step(budget=0.0):
            assert monitor.snapshot().notices == ()
        assert monitor.snapshot().notices == ()

    def test_a_session_that_comes_later_brings_no_old_news(self, home: ConfigHome) -> None:
        home.write(*turn(0, 0, 30_000, session=SECOND), session=SECOND)
        face = Watched(home, Scope(live=True))
        path = home.write(*turn(0, 0, 30_000), *turn(1, 30_000, 90_000), *bust_lines())
        face.monitor.touch([str(path)])
        assert face.after(0.1)
        assert len(face.snapshot.sessions) == 2
        assert face.snapshot.notices == ()

    def test_a_sub_agent_that_starts_meanwhile_swallows_no_news(self, home: ConfigHome) -> None:
        path = home.write(*turn(0, 0, 30_000), *turn(1, 30_000, 90_000))
        face = Watched(home, Scope(live=True))
        home.write(*bust_lines())
        agent = path.with_suffix("") / "subagents" / "agent-a1.jsonl"
        agent.parent.mkdir(parents=True)
        record = lines.user("look", isSidechain=True, agentId="a1", timestamp=stamp(31))
        agent.write_bytes(lines.line(record) + b"\n")
        face.monitor.touch([str(path), str(agent)])
        while face.monitor.step(budget=0.0):
            face.monitor.snapshot()
        assert [each.title for each in face.monitor.snapshot().notices] == ["CACHE BUST"]

    def test_a_file_that_was_replaced_is_read_as_if_for_the_first_time(
        self, home: ConfigHome
    ) -> None:
        path = home.write(*turn(0, 0, 30_000), *turn(1, 30_000, 90_000))
        face = Watched(home, Scope(live=True))
        other = path.with_suffix(".new")
        other.write_bytes(b"".join([*turn(0, 0, 31_000), *turn(1, 31_000, 90_000), *bust_lines()]))
        other.replace(path)
        face.monitor.touch([str(path)])
        assert face.after(0.1)
        assert face.snapshot.sessions[0].busts
        assert face.snapshot.notices == ()

    def test_what_is_large_is_a_setting(self, home: ConfigHome) -> None:
        path = home.write(*turn(0, 0, 30_000), *turn(1, 30_000, 90_000))
        face = Watched(home, Scope(live=True), replace(Settings(), bust_usd=5.0))
        home.write(*bust_lines())
        face.monitor.touch([str(path)])
        face.after(0.1)
        assert face.snapshot.sessions[0].busts
        assert face.snapshot.notices == ()


def test_every_thread_says_when_it_goes_cold(home: ConfigHome) -> None:
    path = home.write(*turn(0, 0, 30_000), *turn(1, 30_000, 90_000))
    agent = path.with_suffix("") / "subagents" / "agent-a1.jsonl"
    agent.parent.mkdir(parents=True)
    counts = {"ephemeral_5m_input_tokens": 9_000, "ephemeral_1h_input_tokens": 0}
    tokens = lines.usage(cache_creation_input_tokens=9_000, cache_creation=counts)
    asked = lines.user("look", isSidechain=True, agentId="a1", timestamp=stamp(4))
    answered = lines.assistant(
        message={"id": "msg_agent", "usage": tokens},
        isSidechain=True,
        agentId="a1",
        timestamp=stamp(5),
    )
    agent.write_bytes(lines.line(asked) + b"\n" + lines.line(answered) + b"\n")
    (session,) = read(home.monitor()).sessions
    (inner,) = session.subagents
    assert session.cache is not None
    assert inner.cache is not None
    assert inner.next_request is not None
    assert (session.cache.ttl, session.cache.expires_at) == ("1h", LATELY + 10 + HOUR)
    assert (inner.cache.ttl, inner.cache.expires_at) == ("5m", LATELY + 4 + 300)
    assert (session.cache.written, inner.cache.written) == (120_000, 9_000)
    assert inner.next_request.warm is not None
    assert inner.next_request.cold is not None
    assert inner.next_request.warm < inner.next_request.cold


def corpus(name: str, now: float, home: Path) -> Snapshot:
    """The transcripts of a corpus, of which no running client is known, looked at then."""
    if not home.exists():
        shutil.copytree(CORPUS / name / "projects", home / "projects")
    homes = config_homes([str(home)], {}, home)
    return read(Monitor(homes, PATIENT, Scope(everything=True), clock=lambda: now))


@pytest.mark.parametrize("name", QUIET)
def test_no_false_alarm_where_nothing_is_amiss(name: str, tmp_path: Path) -> None:
    whole = corpus(name, NOW, tmp_path / "home")
    ends = [session.last_line_at for session in whole.sessions if session.last_line_at]
    looks = [corpus(name, end + 1, tmp_path / "home") for end in ends]
    assert any(session.active for look in looks for session in look.sessions)
    for session in (each for look in (whole, *looks) for each in look.sessions):
        titles = [finding.title for finding in session.findings]
        assert titles == (AMISS if name == "parallel" else [])
        if session.cache is not None and session.drag is not None:
            assert (session.cache.alert.state, session.drag.state) == ("off", "off")


@pytest.mark.parametrize("name", ["basic-2.0.76", "basic-2.1.51", "subagents-2.0.76"])
def test_an_old_client_is_told_to_be_updated(name: str, tmp_path: Path) -> None:
    (session,) = corpus(name, NOW, tmp_path / "home").sessions
    assert ids(session) == ["F16"]
