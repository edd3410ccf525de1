"""Which transcripts are chosen, and how little is read to choose them."""

import json
from pathlib import Path

import pytest

from ccmon.settings import Settings
from ccmon.transcripts import heads
from ccmon.transcripts.heads import STEPS
from ccmon.transcripts.locate import Home
from ccmon.transcripts.select import Choice, Scope, Selection
from tests.homes import FIRST, NOW, SECOND, ConfigHome, response
from tests.lines import line, user

THIRD = "cccccccc-3333-4333-8333-333333333333"
NAMED = Scope(session=SECOND)


@pytest.fixture
def home(tmp_path: Path) -> ConfigHome:
    return ConfigHome(tmp_path / "config")


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The sessions whose heads were read, in order."""
    found: list[str] = []
    read = heads._read

    def counted(path: str, head: heads.Head) -> bool:
        found.append(Path(path).stem)
        return read(path, head)

    monkeypatch.setattr(heads, "_read", counted)
    return found


def selection(home: ConfigHome, scope: Scope = NAMED) -> Selection:
    return Selection([Home(str(home.path), "--config-dir", True)], scope, Settings())


def chosen(selection: Selection, now: float = NOW) -> Choice:
    return selection.choose(now, {})


def kin(choice: Choice) -> list[str]:
    return sorted(item.session_id or "" for item in choice.kin)


def prompt(size: int) -> bytes:
    """A prompt of about so many bytes, its line whole."""
    return line(user("x" * size)) + b"\n"


def marked(message_id: str, payer: str, *, session: str) -> bytes:
    record = json.loads(response(message_id, session=session))
    return line({**record, "requestSessionId": payer}) + b"\n"


@pytest.mark.parametrize("size", [10, STEPS[0] + 5_000, 1_500_000])
def test_a_copy_is_kin_however_long_its_first_prompt_is(home: ConfigHome, size: int) -> None:
    home.write(prompt(size), response("msg_1"), mtime=NOW - 90_000)
    home.write(prompt(size), response("msg_1", session=SECOND), session=SECOND)
    assert kin(chosen(selection(home))) == [FIRST]


def test_a_copy_in_another_folder_is_kin(home: ConfigHome) -> None:
    home.write(response("msg_1"), mtime=NOW - 90_000)
    home.write(response("msg_1", session=SECOND), session=SECOND, project="-home-dev-worktree")
    home.write(response("msg_3", session=THIRD), session=THIRD)
    choice = chosen(selection(home))
    assert kin(choice) == [FIRST]
    assert [Path(path).stem for path in choice.outside] == [THIRD]


def test_where_lines_name_the_payer_no_other_head_is_read(
    home: ConfigHome, reads: list[str]
) -> None:
    home.write(response("msg_1"), mtime=NOW - 90_000)
    home.write(marked("msg_1", FIRST, session=SECOND), session=SECOND)
    assert kin(chosen(selection(home))) == []
    assert reads == [SECOND]


def test_a_head_is_read_once_though_the_file_grows(home: ConfigHome, reads: list[str]) -> None:
    home.write(response("msg_1"), mtime=NOW - 90_000)
    home.write(response("msg_2", session=SECOND), session=SECOND)
    picked = selection(home)
    chosen(picked)
    home.write(response("msg_3", session=SECOND), session=SECOND, mtime=NOW + 1)
    chosen(picked)
    assert sorted(reads) == [FIRST, SECOND]


def test_a_file_without_response_is_read_again_only_when_it_has_changed(
    home: ConfigHome, reads: list[str]
) -> None:
    home.write(prompt(10), session=SECOND)
    home.write(prompt(10), response("msg_1"), mtime=NOW - 90_000)
    picked = selection(home)
    for _ in range(3):
        assert kin(chosen(picked)) == []
    assert reads == [SECOND]
    home.write(response("msg_1", session=SECOND), session=SECOND, mtime=NOW + 1)
    assert kin(chosen(picked)) == [FIRST]
    assert reads == [SECOND, SECOND, FIRST]


def test_a_file_that_tells_nothing_in_its_first_megabytes_is_not_read_again(
    home: ConfigHome, reads: list[str]
) -> None:
    home.write(prompt(sum(STEPS)), session=SECOND)
    home.write(response("msg_1"), mtime=NOW - 90_000)
    picked = selection(home)
    chosen(picked)
    home.write(response("msg_1", session=SECOND), session=SECOND, mtime=NOW + 1)
    assert kin(chosen(picked)) == []
    assert reads == [SECOND]


@pytest.mark.parametrize("how", ["replaced", "truncated", "deleted"])
def test_a_file_that_is_another_one_is_read_again(home: ConfigHome, how: str) -> None:
    home.write(response("msg_1"), response("msg_2"), mtime=NOW - 90_000)
    path = home.write(*[response("msg_1", session=SECOND)] * 2, session=SECOND)
    picked = selection(home)
    assert kin(chosen(picked)) == [FIRST]
    if how == "replaced":
        path.rename(path.with_suffix(".old"))
    elif how == "truncated":
        path.write_bytes(b"")
    else:
        path.unlink()
        assert chosen(picked).shown == []
    home.write(response("msg_9", session=SECOND), session=SECOND, mtime=NOW + 1)
    assert kin(chosen(picked)) == []


def test_a_cut_line_tells_nothing_yet(home: ConfigHome) -> None:
    whole = response("msg_1", session=SECOND)
    home.write(response("msg_1"), mtime=NOW - 90_000)
    path = home.write(whole[:-80], session=SECOND)
    picked = selection(home)
    assert kin(chosen(picked)) == []
    home.write(whole[-80:].rstrip(b"\n"), session=SECOND, mtime=NOW + 1)
    assert path.read_bytes() == whole.rstrip(b"\n")
    assert kin(chosen(picked)) == [FIRST]


def test_a_session_belongs_to_the_project_of_its_own_file(home: ConfigHome) -> None:
    path = home.write(response("msg_1"), mtime=NOW - 60)
    agent = path.with_suffix("") / "subagents" / "agent-a1.jsonl"
    agent.parent.mkdir(parents=True)
    agent.write_bytes(response("msg_2").replace(b"shop-api", b"elsewhere"))
    choice = chosen(selection(home, Scope(project="shop-api")))
    assert [item.session_id for item in choice.shown] == [FIRST, FIRST]
