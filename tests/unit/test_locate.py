"""Where transcripts are found, and what is none."""

import os
from pathlib import Path

import pytest
from msgspec.structs import replace

from ccmon.transcripts.locate import (
    AgentMeta,
    Home,
    Transcript,
    classify,
    config_homes,
    discover,
    project_name,
    read_agent_meta,
)

SLUG = "-home-dev-shop"


@pytest.fixture
def home(tmp_path: Path) -> Home:
    path = tmp_path / "claude"
    (path / "projects" / SLUG).mkdir(parents=True)
    return Home(str(path), "--config-dir", True)


def write(home: Home, name: str, mtime: float = 1_000_000.0) -> str:
    path = Path(home.path, "projects", name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"{}\n")
    os.utime(path, (mtime, mtime))
    return str(path)


class TestConfigHomes:
    def test_are_the_two_default_places_when_nobody_names_one(self, tmp_path: Path) -> None:
        (tmp_path / ".claude").mkdir()
        assert config_homes([], {}, tmp_path) == (
            Home(str(tmp_path / ".claude"), "~/.claude", True),
            Home(str(tmp_path / ".config/claude"), "~/.config/claude", False),
        )

    def test_the_environment_names_several_with_commas(self, tmp_path: Path) -> None:
        environ = {"CLAUDE_CONFIG_DIR": f"{tmp_path}/a, ~/b,,"}
        homes = config_homes([], environ, tmp_path)
        assert [home.path for home in homes] == [f"{tmp_path}/a", f"{tmp_path}/b"]
        assert {home.origin for home in homes} == {"$CLAUDE_CONFIG_DIR"}

    def test_an_empty_variable_names_none(self, tmp_path: Path) -> None:
        assert config_homes([], {"CLAUDE_CONFIG_DIR": ""}, tmp_path)[0].origin == "~/.claude"

    def test_folders_given_win_over_the_environment(self, tmp_path: Path) -> None:
        (home,) = config_homes([str(tmp_path)], {"CLAUDE_CONFIG_DIR": "/x"}, tmp_path)
        assert home == Home(str(tmp_path), "--config-dir", True)

    @pytest.mark.parametrize("name", ["x" * 300, "with\0null", "x" * 5_000 + "/projects"])
    def test_a_name_that_cannot_be_is_not_found(self, tmp_path: Path, name: str) -> None:
        (home,) = config_homes([f"{tmp_path}/{name}"], {}, tmp_path)
        assert not home.found
        assert discover([home]) == []

    @pytest.mark.skipif(os.geteuid() == 0, reason="nothing is closed to the superuser")
    def test_what_lies_below_a_closed_folder_is_not_found(self, tmp_path: Path) -> None:
        (tmp_path / "closed" / "projects").mkdir(parents=True)
        (tmp_path / "closed").chmod(0)
        homes = config_homes([f"{tmp_path}/closed/a", f"{tmp_path}/closed/projects"], {}, tmp_path)
        assert [home.found for home in homes] == [False, False]
        (tmp_path / "closed").chmod(0o700)

    @pytest.mark.parametrize("error", [PermissionError(13, "closed"), OSError(36, "too long")])
    def test_a_refusal_to_look_is_not_found(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: OSError
    ) -> None:
        def refuse(path: Path) -> bool:
            raise error

        monkeypatch.setattr(Path, "is_dir", refuse)
        (home,) = config_homes([f"{tmp_path}/a"], {}, tmp_path)
        assert home == Home(f"{tmp_path}/a", "--config-dir", False)

    def test_one_folder_under_two_names_is_one_home(self, tmp_path: Path) -> None:
        (tmp_path / "a").mkdir()
        (tmp_path / "b").symlink_to("a")
        given = [f"{tmp_path}/b", f"{tmp_path}/a", f"{tmp_path}/b/"]
        assert [home.path for home in config_homes(given, {}, tmp_path)] == [f"{tmp_path}/b"]

    def test_the_projects_folder_stands_for_its_home(self, tmp_path: Path) -> None:
        (tmp_path / "projects").mkdir()
        (home,) = config_homes([f"{tmp_path}/projects"], {}, tmp_path)
        assert home.path == str(tmp_path)


class TestDiscover:
    def test_finds_sessions_and_agents_of_every_layout_newest_first(self, home: Home) -> None:
        session = write(home, f"{SLUG}/s1.jsonl", 1.0)
        agent = write(home, f"{SLUG}/s1/subagents/agent-a1.jsonl", 3.0)
        workflow = write(home, f"{SLUG}/s1/subagents/workflows/wf_1/agent-a2.jsonl", 2.0)
        flat = write(home, f"{SLUG}/agent-a3.jsonl", 4.0)
        found = [replace(each, inode=0, device=0, mtime_ns=0) for each in discover([home])]
        assert found == [
            Transcript(flat, home.path, SLUG, None, "a3", 3, 4.0),
            Transcript(agent, home.path, SLUG, "s1", "a1", 3, 3.0),
            Transcript(workflow, home.path, SLUG, "s1", "a2", 3, 2.0),
            Transcript(session, home.path, SLUG, "s1", None, 3, 1.0),
        ]

    @pytest.mark.parametrize(
        "name",
        [
            f"{SLUG}/s1/subagents/agent-a1.meta.json",
            f"{SLUG}/s1/subagents/workflows/wf_1/journal.jsonl",
            f"{SLUG}/s1/subagents/notes.jsonl",
            f"{SLUG}/s1/tool-results/agent-x.jsonl",
            f"{SLUG}/s1/other.jsonl",
            f"{SLUG}/memory/notes.md",
            f"{SLUG}/s1.orphaned-1.jsonl",
            f"{SLUG}/s1.jsonl.superseded",
            f"{SLUG}/journal.jsonl",
            f"{SLUG}/.jsonl",
            "stray.jsonl",
        ],
    )
    def test_passes_over_what_is_no_transcript(self, home: Home, name: str) -> None:
        path = write(home, name)
        assert discover([home]) == []
        assert classify(path, [home]) is None

    def test_survives_loops_pipes_dead_links_and_missing_homes(self, home: Home) -> None:
        session = write(home, f"{SLUG}/s1.jsonl")
        folder = Path(home.path, "projects", SLUG)
        subagents = folder / "s1" / "subagents"
        subagents.mkdir(parents=True)
        (subagents / "loop").symlink_to(subagents)
        (folder / "dead.jsonl").symlink_to("nowhere")
        (folder / "folder.jsonl").mkdir()
        os.mkfifo(folder / "pipe.jsonl")
        nowhere = Home("/nowhere", "--config-dir", False)
        assert [found.path for found in discover([nowhere, home])] == [session]

    def test_follows_a_project_folder_that_is_a_link(self, home: Home, tmp_path: Path) -> None:
        (tmp_path / "elsewhere").mkdir()
        (tmp_path / "elsewhere" / "s9.jsonl").write_bytes(b"")
        Path(home.path, "projects", "-linked").symlink_to(tmp_path / "elsewhere")
        assert [(t.slug, t.session_id) for t in discover([home])] == [("-linked", "s9")]


class TestClassify:
    def test_says_of_one_path_what_discover_says(self, home: Home) -> None:
        for name in ("s1.jsonl", "agent-a1.jsonl", "s1/subagents/w/x/agent-a2.jsonl"):
            write(home, f"{SLUG}/{name}")
        found = discover([home])
        assert len(found) == 3
        assert [classify(transcript.path, [home]) for transcript in found] == found

    def test_knows_none_that_is_gone_or_elsewhere(self, home: Home, tmp_path: Path) -> None:
        assert classify(f"{home.path}/projects/{SLUG}/gone.jsonl", [home]) is None
        (tmp_path / "s.jsonl").touch()
        assert classify(str(tmp_path / "s.jsonl"), [home]) is None


class TestAgentMeta:
    def meta(self, tmp_path: Path, text: str) -> AgentMeta | None:
        (tmp_path / "agent-a1.meta.json").write_text(text)
        return read_agent_meta(str(tmp_path / "agent-a1.jsonl"))

    def test_tells_what_the_agent_is_for_and_who_started_it(self, tmp_path: Path) -> None:
        text = (
            '{"agentType":"Explore","description":"look","toolUseId":"toolu_1",'
            '"parentAgentId":"a0","finished":true,"spawnDepth":2}'
        )
        assert self.meta(tmp_path, text) == AgentMeta("Explore", "look", "toolu_1", "a0", True)

    def test_without_the_end_the_agent_is_not_finished(self, tmp_path: Path) -> None:
        assert self.meta(tmp_path, '{"agentType":"Plan"}') == AgentMeta("Plan")

    @pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"agentType":7}', "\0\0"])
    def test_torn_or_odd_is_none(self, tmp_path: Path, text: str) -> None:
        assert self.meta(tmp_path, text) is None

    def test_absent_is_none(self, tmp_path: Path) -> None:
        assert read_agent_meta(str(tmp_path / "agent-a1.jsonl")) is None


@pytest.mark.parametrize(
    ("cwd", "slug", "expected"),
    [
        ("/home/dev/shop", SLUG, "shop"),
        ("/home/dev/my.shop/", SLUG, "my.shop"),
        ("/home/dev/shop/.claude/worktrees/fix-1", SLUG, "shop"),
        ("/home/dev/shop/.claude/worktrees/fix-1/src", SLUG, "shop"),
        ("C:\\work\\shop", SLUG, "shop"),
        ("/", SLUG, "/"),
        (None, "-home-dev-shop-app", "shop-app"),
        (None, "-Users-ann-shop--claude-worktrees-fix", "shop"),
        ("", "-srv-shop", "srv-shop"),
        (None, "-home-dev", "home-dev"),
        (None, "-", "-"),
    ],
)
def test_a_project_is_named_by_its_folder(cwd: str | None, slug: str, expected: str) -> None:
    assert project_name(cwd, slug) == expected


def test_what_only_looks_like_a_transcript_is_named(tmp_path: Path) -> None:
    folder = tmp_path / "projects" / SLUG
    folder.mkdir(parents=True)
    (folder / "dead.jsonl").symlink_to("nowhere")
    (folder / "folder.jsonl").mkdir()
    os.mkfifo(folder / "pipe.jsonl")
    (folder / "s1.orphaned.jsonl").mkdir()
    closed: list[str] = []
    assert discover([Home(str(tmp_path), "--config-dir", True)], closed) == []
    assert sorted(Path(path).name for path in closed) == [
        "dead.jsonl",
        "folder.jsonl",
        "pipe.jsonl",
    ]


@pytest.mark.parametrize("error", [PermissionError(13, "no"), OSError(5, "EIO"), OSError(24, "-")])
def test_folders_that_may_not_be_looked_into_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: OSError
) -> None:
    (tmp_path / "projects" / "-shut").mkdir(parents=True)
    (tmp_path / "projects" / "-open").mkdir()
    (tmp_path / "projects" / "-open" / "s1.jsonl").touch()
    look = os.scandir

    def scandir(folder: str) -> object:
        if folder.endswith("-shut"):
            raise error
        return look(folder)

    monkeypatch.setattr(os, "scandir", scandir)
    closed: list[str] = []
    home = Home(str(tmp_path), "--config-dir", True)
    assert [found.session_id for found in discover([home], closed)] == ["s1"]
    assert closed == [f"{tmp_path}/projects/-shut"]
