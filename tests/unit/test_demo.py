"""``ccmon --demo`` plays a recording whose totals are known, and leaves nothing behind."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
import zlib
from datetime import UTC
from pathlib import Path

import pytest

from ccmon import demo
from ccmon.measures import Usage
from ccmon.monitor import Monitor, Scope
from ccmon.report.text import Page, render_text
from ccmon.settings import load_settings
from ccmon.snapshot import Session, Snapshot
from ccmon.transcripts.locate import config_homes
from tests import make_demo
from tests.recording import figures, sessions

NOW = 1_795_442_782.0
"""2026-11-23 14:06:22 UTC."""


def read(home: Path, now: float = NOW) -> Snapshot:
    scope = Scope(session=None, project=None, everything=True, since=None, live=False)
    homes = config_homes([str(home)], {}, home)
    monitor = Monitor(homes, load_settings({}, overrides={}), scope, clock=lambda: now)
    while monitor.step():
        pass
    return monitor.snapshot()


def shop(snapshot: Snapshot) -> Session:
    return next(each for each in snapshot.sessions if each.session_id == sessions.SHOP)


def transcript(home: Path) -> Path:
    return home / f"projects/-home-ada-shop-api/{sessions.SHOP}.jsonl"


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Plays without waiting between writes."""
    monkeypatch.setattr(demo, "_LONGEST_WAIT", 0.0)
    monkeypatch.setattr(demo, "_SHORTEST_WAIT", 0.0)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    home = tmp_path_factory.mktemp("played")
    demo.play(home, live=False, now=NOW)
    return read(home)


def test_the_shop_session_has_the_totals_it_was_invented_with(whole: Snapshot) -> None:
    session = shop(whole)
    assert session.request_count == 297
    assert session.turns == 23
    assert session.usage == Usage(594, 1_062_366, 27_089, 1_035_277, 53_228_548, 208_271)
    assert session.cost == pytest.approx(22.15661, abs=1e-6)
    assert session.title == "Fix the coupon total"
    assert session.context is not None
    assert session.context.tokens == 397_389
    assert session.context.crossing_point == pytest.approx(137_457, abs=0.5)
    assert session.reread is not None
    assert session.reread.unique_tokens == 541_185


def test_the_shop_session_breaks_its_cache_three_times_and_compacts_once(whole: Snapshot) -> None:
    session = shop(whole)
    assert [(bust.request, bust.rewritten) for bust in session.busts] == [
        (44, 99_942),
        (150, 164_236),
        (205, 265_218),
    ]
    (compaction,) = session.compactions
    assert (compaction.before_request, compaction.trigger) == (71, "manual")
    assert (compaction.context_before, compaction.context_after) == (143_796, 46_300)
    assert session.drag is not None
    assert session.drag.state == "high"
    assert session.drag.carried == pytest.approx(7.589074, abs=1e-6)
    assert session.drag.compact == pytest.approx(0.516878, abs=1e-6)


def test_the_explorer_is_counted_apart(whole: Snapshot) -> None:
    (agent,) = shop(whole).subagents
    assert (agent.type, len(agent.requests), agent.context_tokens) == ("Explore", 14, 33_491)
    assert agent.usage == Usage(28, 27_089, 27_089, 0, 275_362, 4_943)


def test_the_results_of_the_explorer_stand_behind_their_calls(whole: Snapshot) -> None:
    (agent,) = shop(whole).subagents
    assert agent.inventory is not None
    results = [each for each in agent.inventory.composition if each.kind == "tool_result"]
    assert {each.tool for each in results} == {"Read", "Grep"}


def test_there_is_a_busy_a_waiting_and_an_ended_session(whole: Snapshot) -> None:
    states = {session.project: session.status for session in whole.sessions}
    assert states == {"shop-api": "busy", "docs-site": "waiting", "billing": "ended"}
    assert whole.sessions[0].project == "shop-api"
    assert whole.health.malformed_lines == 0
    assert whole.health.unknown_types == 0


def test_the_readme_shows_what_the_demo_prints(whole: Snapshot) -> None:
    readme = (Path(__file__).parent.parent.parent / "README.md").read_text()
    shown = readme.partition("The end of the demo as text:\n\n```text\n")[2].partition("```")[0]
    assert shown.startswith("shop-api")
    assert render_text(whole, Page(zone=UTC), now=NOW).startswith(shown)


def test_every_moment_is_counted_back_from_now(whole: Snapshot) -> None:
    session = shop(whole)
    assert session.last_request_at == pytest.approx(NOW - 140, abs=0.001)
    assert session.cache is not None
    assert session.cache.state_at(NOW) == "warm"


def test_played_live_the_last_turns_are_appended(hurried: None) -> None:
    seen = []
    with demo.start(live=True) as home:
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            seen.append(transcript(home).read_bytes())
            session = shop(read(home, time.time()))
            if len(session.requests) == figures.REQUESTS:
                break
        whole = transcript(home).read_bytes()
    # A look may catch a write half done, as with the real client.
    assert all(whole.startswith(text) for text in seen)
    assert whole.endswith(b"\n")
    assert session.usage == Usage(594, 1_062_366, 27_089, 1_035_277, 53_228_548, 208_271)
    assert session.last_request_at == pytest.approx(time.time(), abs=30)


def test_played_live_it_starts_before_the_prompt_of_request_243(tmp_path: Path) -> None:
    stop = threading.Event()
    stop.set()
    started = time.monotonic()
    demo.play(tmp_path, live=True, now=NOW, stop=stop)
    assert time.monotonic() - started < 5
    session = shop(read(tmp_path))
    assert len(session.requests) == figures.LIVE_FROM - 1
    assert session.last_request_at == pytest.approx(NOW, abs=2)


@pytest.mark.parametrize("live", [True, False])
def test_the_scratch_home_is_gone_afterwards_even_when_interrupted(live: bool) -> None:
    with contextlib.suppress(KeyboardInterrupt), demo.start(live=live) as home:
        assert transcript(home).is_file()
        raise KeyboardInterrupt
    assert not home.exists()
    assert "ccmon-demo" not in {thread.name for thread in threading.enumerate()}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_the_scratch_home_is_gone_when_the_process_is_told_to_end(number: signal.Signals) -> None:
    script = (
        "import time; from ccmon import demo\n"
        "with demo.start(live=True) as home: print(home, flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as run:
        assert run.stdout is not None
        home = Path(run.stdout.readline().strip())
        assert transcript(home).is_file()
        run.send_signal(number)
        assert run.wait(timeout=20) == 128 + number
    assert not home.exists()


def test_signals_are_handled_as_before_afterwards() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with demo.start(live=False):
        assert signal.getsignal(signal.SIGTERM) != before
    assert signal.getsignal(signal.SIGTERM) == before


def test_it_writes_nothing_outside_its_scratch_home(scratch_home: Path) -> None:
    before = sorted(scratch_home.rglob("*"))
    with demo.start(live=False):
        assert sorted(scratch_home.rglob("*")) == before


def test_the_session_is_registered_under_this_process(tmp_path: Path) -> None:
    demo.play(tmp_path, live=False, now=NOW)
    entry = json.loads((tmp_path / f"sessions/{os.getpid()}.json").read_text())
    stat = Path("/proc/self/stat")
    if stat.exists():
        assert entry["procStart"] == stat.read_text().rpartition(")")[2].split()[19]
    assert (entry["sessionId"], entry["status"]) == (sessions.SHOP, "busy")
    assert entry["startedAt"] == round((NOW + figures.NOON - 8) * 1000)


def test_the_packaged_recording_is_what_the_generator_makes() -> None:
    packed = make_demo.TARGET.read_bytes()
    assert zlib.decompress(packed).decode() == make_demo.recording()
    assert len(packed) <= 150_000
