"""The Monitor: what it reads, what it notices, what it survives."""

import os
import subprocess
from pathlib import Path

import pytest

from ccmon.errors import CcmonError
from ccmon.monitor import REGISTRY_SECONDS, SCAN_SECONDS, Scope
from ccmon.settings import Settings
from tests.homes import FIRST, NOW, SECOND, ConfigHome, messages, read, response
from tests.watched import LATELY, Watched, register


@pytest.fixture
def home(tmp_path: Path) -> ConfigHome:
    return ConfigHome(tmp_path / "config")


def session_ids(home: ConfigHome, scope: Scope) -> list[str]:
    return [session.session_id for session in read(home.monitor(scope)).sessions]


def test_a_single_look_takes_the_active_sessions(home: ConfigHome) -> None:
    home.write(response("msg_1"), mtime=NOW - 60)
    home.write(response("msg_2", session=SECOND), session=SECOND, mtime=NOW - 7_200)
    assert session_ids(home, Scope()) == [FIRST]


def test_a_single_look_at_a_quiet_home_takes_the_latest_session(home: ConfigHome) -> None:
    home.write(response("msg_1"), mtime=NOW - 90_000)
    home.write(response("msg_2", session=SECOND), session=SECOND, mtime=NOW - 7_200)
    assert session_ids(home, Scope()) == [SECOND]


def test_a_live_monitor_takes_the_sessions_of_the_last_day(home: ConfigHome) -> None:
    home.write(response("msg_1"), mtime=NOW - 7_200)
    home.write(response("msg_2", session=SECOND), session=SECOND, mtime=NOW - 90_000)
    assert session_ids(home, Scope(live=True)) == [FIRST]


def test_since_takes_what_was_written_in_that_time(home: ConfigHome) -> None:
    home.write(response("msg_1"), mtime=NOW - 7_200)
    home.write(response("msg_2", session=SECOND), session=SECOND, mtime=NOW - 90_000)
    assert session_ids(home, Scope(since=3_600)) == []
    assert session_ids(home, Scope(since=10_000)) == [FIRST]
    assert len(session_ids(home, Scope(since=100_000))) == 2


def test_a_session_is_named_by_the_start_of_its_id(home: ConfigHome) -> None:
    home.write(response("msg_1"), mtime=NOW - 90_000)
    home.write(response("msg_2", session=SECOND), session=SECOND)
    assert session_ids(home, Scope(session="AAAA")) == [FIRST]


def test_a_session_that_is_not_there_is_an_error_with_a_hint(home: ConfigHome) -> None:
    home.write(response("msg_1"))
    with pytest.raises(CcmonError) as error:
        home.monitor(Scope(session="cccc")).step()
    assert (error.value.exit_code, "--all" in error.value.hint) == (3, True)


def test_a_start_that_fits_two_sessions_is_an_error(home: ConfigHome) -> None:
    twin = FIRST[:-1] + "2"
    home.write(response("msg_1"))
    home.write(response("msg_2", session=twin), session=twin)
    with pytest.raises(CcmonError, match="ambiguous") as error:
        home.monitor(Scope(session=FIRST[:4])).step()
    assert error.value.exit_code == 2
    assert session_ids(home, Scope(session=FIRST)) == [FIRST]


def test_a_project_is_named_as_its_folder_is(home: ConfigHome) -> None:
    home.write(response("msg_1"))
    other = response("msg_2", session=SECOND).replace(b"shop-api", b"docs")
    home.write(other, session=SECOND, project="-home-dev-docs")
    assert session_ids(home, Scope(project="shop-api")) == [FIRST]
    with pytest.raises(CcmonError, match="no project") as error:
        home.monitor(Scope(project="nowhere")).step()
    assert "docs" in error.value.hint


def test_growth_is_read_when_it_is_told_of(home: ConfigHome) -> None:
    path = home.write(response("msg_1"))
    monitor = home.monitor()
    assert messages(read(monitor)) == ["msg_1"]
    revision = monitor.revision
    home.write(response("msg_2"))
    assert messages(read(monitor)) == ["msg_1"]
    monitor.touch([str(path)])
    assert messages(read(monitor)) == ["msg_1", "msg_2"]
    assert monitor.revision > revision


def test_a_new_session_is_found_when_its_file_is_told_of(home: ConfigHome) -> None:
    home.write(response("msg_1"))
    monitor = home.monitor()
    read(monitor)
    path = home.write(response("msg_2", session=SECOND), session=SECOND)
    monitor.touch([str(path)])
    assert sorted(messages(read(monitor))) == ["msg_1", "msg_2"]


def test_nothing_new_leaves_the_revision_alone(home: ConfigHome) -> None:
    path = home.write(response("msg_1"))
    monitor = home.monitor()
    read(monitor)
    revision = monitor.revision
    monitor.touch([str(path)])
    read(monitor)
    assert monitor.revision == revision


def test_a_cut_line_waits_for_its_rest(home: ConfigHome) -> None:
    line = response("msg_2")
    path = home.write(response("msg_1"), line[:70])
    monitor = home.monitor()
    snapshot = read(monitor)
    assert messages(snapshot) == ["msg_1"]
    assert snapshot.health.malformed_lines == 0
    home.write(line[70:])
    monitor.touch([str(path)])
    assert messages(read(monitor)) == ["msg_1", "msg_2"]


def test_a_whole_line_without_newline_counts_once(home: ConfigHome) -> None:
    path = home.write(response("msg_1"), response("msg_2").rstrip(b"\n"))
    monitor = home.monitor()
    before = read(monitor).sessions[0]
    assert before.request_count == 2
    home.write(b"\n", response("msg_3"))
    monitor.touch([str(path)])
    after = read(monitor).sessions[0]
    assert after.request_count == 3
    assert [len(row.spans) for row in after.requests] == [1, 1, 1]


@pytest.mark.parametrize("how", ["truncated", "replaced", "recreated"])
def test_a_file_that_begins_anew_is_read_anew(home: ConfigHome, how: str) -> None:
    path = home.write(response("msg_1"), response("msg_2"))
    monitor = home.monitor()
    read(monitor)
    if how == "truncated":
        path.write_bytes(response("msg_3"))
    elif how == "replaced":
        (path.parent / "new").write_bytes(response("msg_3"))
        (path.parent / "new").rename(path)
    else:
        path.unlink()
        monitor.touch([str(path)])
        assert messages(read(monitor)) == []
        path.write_bytes(response("msg_3"))
    monitor.touch([str(path)])
    assert messages(read(monitor)) == ["msg_3"]


def test_a_large_file_that_begins_anew_is_loading_again(home: ConfigHome) -> None:
    path = home.write(*(response(f"msg_{number}") for number in range(1_500)))
    monitor = home.monitor()
    assert not read(monitor).progress.loading
    path.write_bytes(b"".join(response(f"new_{number}") for number in range(1_200)))
    monitor.touch([str(path)])
    assert monitor.step(budget=0.0)
    progress = monitor.snapshot().progress
    assert progress.loading
    assert (progress.files_done, progress.files_total) == (0, 1)
    assert 0 < progress.bytes_done < progress.bytes_total == path.stat().st_size
    revision = monitor.revision
    assert not read(monitor).progress.loading
    assert monitor.revision > revision


def test_a_file_that_cannot_be_read_is_counted_and_costs_nothing_else(home: ConfigHome) -> None:
    home.write(response("msg_1"))
    folder = home.transcript(SECOND)
    folder.symlink_to(folder.parent / f"{SECOND}.jsonl")
    (home.path / "projects" / "-home-dev-shop-api" / "gone.jsonl").symlink_to("/nowhere/at/all")
    assert messages(read(home.monitor())) == ["msg_1"]


def test_a_bad_line_is_counted_and_costs_only_itself(home: ConfigHome) -> None:
    home.write(response("msg_1"), b'{"type":"assistant","message":{"id":\n', response("msg_2"))
    snapshot = read(home.monitor())
    assert messages(snapshot) == ["msg_1", "msg_2"]
    assert snapshot.health.malformed_lines == 1


def test_a_step_stops_when_its_time_is_up_and_goes_on_in_the_next(home: ConfigHome) -> None:
    for number in range(5):
        session = f"{number}{FIRST[1:]}"
        home.write(response(f"msg_{number}", session=session), session=session)
    monitor = home.monitor()
    steps = 0
    while monitor.step(budget=0.0):
        steps += 1
        progress = monitor.snapshot().progress
        assert progress.loading
        assert progress.files_done == steps
    assert steps == 4
    assert len(monitor.snapshot().sessions) == 5


def test_the_newest_session_is_read_first(home: ConfigHome) -> None:
    home.write(response("msg_1"), mtime=NOW - 500)
    home.write(response("msg_2", session=SECOND), session=SECOND, mtime=NOW - 5)
    monitor = home.monitor()
    monitor.step(budget=0.0)
    assert messages(monitor.snapshot()) == ["msg_2"]


def test_sessions_out_of_scope_never_show_even_when_a_copy_names_them(home: ConfigHome) -> None:
    copied = response("msg_1", session=SECOND).replace(
        b'"type": "assistant", "uuid"',
        f'"requestSessionId": "{FIRST}", "type": "assistant", "uuid"'.encode(),
    )
    home.write(copied, response("msg_2", session=SECOND), session=SECOND)
    home.write(response("msg_1"), mtime=NOW - 90_000)
    snapshot = read(home.monitor(Scope(session="bbbb")))
    assert [session.session_id for session in snapshot.sessions] == [SECOND]
    assert messages(snapshot) == ["msg_2"]
    assert snapshot.totals.requests == 1


def test_a_fork_shown_alone_does_not_count_what_its_original_paid(home: ConfigHome) -> None:
    shared = response("msg_1")
    home.write(shared, response("msg_2"), mtime=NOW - 90_000)
    fork = shared.replace(FIRST.encode(), SECOND.encode())
    stamp = b'{"type":"queue-operation","timestamp":"2026-11-22T13:00:00.000Z"}\n'
    home.write(stamp, fork, response("msg_3", session=SECOND), session=SECOND)
    snapshot = read(home.monitor(Scope(session="bbbb")))
    assert [session.session_id for session in snapshot.sessions] == [SECOND]
    assert messages(snapshot) == ["msg_3"]


def test_an_unchanged_session_keeps_its_identity_between_snapshots(home: ConfigHome) -> None:
    home.write(response("msg_1"))
    other = home.write(response("msg_2", session=SECOND), session=SECOND)
    monitor = home.monitor()
    before = {item.session_id: item for item in read(monitor).sessions}
    home.write(response("msg_3", session=SECOND), session=SECOND)
    monitor.touch([str(other)])
    after = {item.session_id: item for item in read(monitor).sessions}
    assert after[FIRST] is before[FIRST]
    assert after[SECOND] is not before[SECOND]


def test_text_is_read_back_from_where_the_lines_stand(home: ConfigHome) -> None:
    path = home.write(response("msg_1"), response("msg_2"))
    monitor = home.monitor()
    row = read(monitor).sessions[0].requests[1]
    assert [(block.kind, block.text) for block in monitor.read_text(row.spans)] == [
        ("text", "done")
    ]
    path.unlink()
    with pytest.raises(CcmonError, match=r"gone|longer"):
        monitor.read_text(row.spans)


def test_a_session_ends_its_activity_when_its_file_grows_old(home: ConfigHome) -> None:
    path = home.write(response("msg_1"))
    monitor = home.monitor(settings=Settings(active_minutes=5))
    stamp = read(monitor).sessions[0].last_line_at
    assert stamp is not None
    assert monitor.snapshot(stamp + 299).sessions[0].active
    assert not monitor.snapshot(stamp + 301).sessions[0].active
    assert os.fspath(path) in monitor.snapshot().sessions[0].requests[0].spans[0].path


def test_a_client_that_is_killed_is_noticed_without_any_event(
    home: ConfigHome, client: subprocess.Popen[bytes]
) -> None:
    home.write(response("msg_1"))
    register(home, client.pid, status="busy")
    face = Watched(home, Scope(live=True))
    assert (face.snapshot.sessions[0].status, face.snapshot.sessions[0].active) == ("busy", True)
    assert not face.after(REGISTRY_SECONDS)
    client.kill()
    client.wait()
    assert face.after(REGISTRY_SECONDS)
    assert (face.snapshot.sessions[0].status, face.snapshot.sessions[0].active) == ("ended", False)
    assert not face.after(REGISTRY_SECONDS)


def test_a_change_of_state_is_shown_and_a_mere_sign_of_life_is_not(
    home: ConfigHome, client: subprocess.Popen[bytes], scans: list[float]
) -> None:
    home.write(response("msg_1"))
    path = register(home, client.pid, status="busy", updatedAt=1)
    face = Watched(home, Scope(live=True))
    register(home, client.pid, status="busy", updatedAt=22)
    face.monitor.touch([str(path)])
    assert not face.after(0.1)
    register(home, client.pid, status="waiting", waitingFor="permission prompt")
    face.monitor.touch([str(path)])
    assert face.after(0.1)
    session = face.snapshot.sessions[0]
    assert (session.status, session.waiting_for) == ("waiting", "permission prompt")
    assert scans == [NOW], "who lives has not changed: nothing to look for"


def test_a_session_ends_its_activity_by_the_mere_passing_of_time(home: ConfigHome) -> None:
    home.write(response("msg_1"))
    face = Watched(home, Scope(live=True), Settings(active_minutes=30))
    assert face.active()
    assert not face.after(LATELY + 1_800 - NOW)
    assert face.after(1.0)
    assert not face.active()
    assert not face.after(60.0)


def test_a_subagent_ends_its_activity_by_the_mere_passing_of_time(
    home: ConfigHome, client: subprocess.Popen[bytes]
) -> None:
    path = home.write(response("msg_1"))
    agent = path.with_suffix("") / "subagents" / "agent-a1.jsonl"
    agent.parent.mkdir(parents=True)
    agent.write_bytes(response("msg_2").replace(b'"isSidechain": false', b'"isSidechain": true'))
    register(home, client.pid, status="busy")
    face = Watched(home, Scope(live=True), Settings(active_minutes=30))
    assert [each.active for each in face.snapshot.sessions[0].subagents] == [True]
    assert face.after(LATELY + 1_801 - NOW)
    assert [each.active for each in face.snapshot.sessions[0].subagents] == [False]
    assert face.snapshot.sessions[0].active


def test_a_description_that_comes_later_is_shown_without_a_look_at_everything(
    home: ConfigHome, scans: list[float]
) -> None:
    path = home.write(response("msg_1"))
    agent = path.with_suffix("") / "subagents" / "agent-a1.jsonl"
    agent.parent.mkdir(parents=True)
    agent.write_bytes(response("msg_2").replace(b'"isSidechain": false', b'"isSidechain": true'))
    face = Watched(home, Scope(live=True))
    meta = agent.with_suffix(".meta.json")
    meta.write_text('{"agentType":"Explore"}')
    face.monitor.touch([str(meta)])
    assert face.after(0.1)
    assert [each.type for each in face.snapshot.sessions[0].subagents] == ["Explore"]
    assert len(scans) == 1


def test_a_file_that_vanished_unannounced_is_noticed(home: ConfigHome) -> None:
    path = home.write(response("msg_1"))
    home.write(response("msg_2", session=SECOND), session=SECOND)
    face = Watched(home, Scope(live=True))
    path.unlink()
    assert face.after(SCAN_SECONDS)
    assert face.shown() == [SECOND]
