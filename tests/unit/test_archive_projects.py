"""Projects in the history: a folder each, told apart where two have one name."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from ccmon.errors import CcmonError
from ccmon.history.archive import Archive
from ccmon.history.projects import labels, whole_roots
from ccmon.past import Kept, Query
from tests.archives import archive_of, at, caught_up, counted, read_once
from tests.homes import ConfigHome
from tests.lines import Record, assistant, line, usage


def session(number: int) -> str:
    return f"{number}" * 8 + "-1111-4111-8111-111111111111"


@pytest.fixture
def home(tmp_path: Path) -> ConfigHome:
    return ConfigHome(tmp_path / "home")


def worked(home: ConfigHome, number: int, cwd: str, stamp: str = "2026-11-20T09:00:00Z") -> Path:
    """A request of a session in a folder."""
    return home.write(
        at(stamp, f"m{number}", session(number), cwd=cwd),
        session=session(number),
        project=cwd.replace("/", "-"),
    )


class TestOneNameForTwo:
    @pytest.fixture
    def archive(self, home: ConfigHome) -> Archive:
        worked(home, 1, "/work/acme/api")
        worked(home, 2, "/work/acme/api/.claude/worktrees/fix")
        worked(home, 3, "/work/globex/API")
        worked(home, 4, "/work/acme/web")
        return caught_up(archive_of(home.path))

    def test_they_are_rows_of_their_own_under_their_parents(self, archive: Archive) -> None:
        history = archive.history(Query(by="project"))
        assert counted(history) == {"acme/api": 2, "globex/API": 1, "web": 1}
        assert {group.key: (group.name, group.root) for group in history.groups} == {
            "acme/api": ("acme/api", "/work/acme/api"),
            "globex/API": ("globex/API", "/work/globex/API"),
            "web": ("web", "/work/acme/web"),
        }

    def test_sessions_and_exports_name_them_so(self, archive: Archive) -> None:
        groups = archive.history(Query(by="session")).groups
        named = {group.key: (group.project, group.root) for group in groups}
        assert named[session(2)] == ("acme/api", "/work/acme/api")
        assert named[session(3)] == ("globex/API", "/work/globex/API")
        assert sorted(one.project for one in archive.requests(Query())) == [
            "acme/api",
            "acme/api",
            "globex/API",
            "web",
        ]

    @pytest.mark.parametrize(
        ("wanted", "requests"),
        [
            ("acme/api", 2),
            ("Globex/api", 1),
            ("api", 3),
            ("web", 1),
            ("acme/web", 1),
            ("/work/acme/api", 2),
        ],
    )
    def test_one_is_asked_for_by_name_or_with_its_parent(
        self, archive: Archive, wanted: str, requests: int
    ) -> None:
        query = Query(project=wanted)
        assert archive.history(query).totals.requests == requests
        assert len(list(archive.requests(query))) == requests

    @pytest.mark.parametrize("wanted", ["pi", "e/api", "work/api", "", "/"])
    def test_a_part_of_a_name_is_none(self, archive: Archive, wanted: str) -> None:
        with pytest.raises(CcmonError, match="no project") as caught:
            archive.history(Query(project=wanted))
        assert caught.value.hint == "known are: acme/api, globex/API, web"


def test_a_session_that_names_no_folder_belongs_to_that_of_its_transcripts(
    home: ConfigHome,
) -> None:
    worked(home, 1, "/home/dev/work/api")
    message: Record = {"id": "m2", "usage": usage()}
    record = assistant(message=message, sessionId=session(2), cwd=None)
    home.write(line(record) + b"\n", session=session(2), project="-home-dev-work-api")
    archive = caught_up(archive_of(home.path))
    assert counted(archive.history(Query(by="project"))) == {"api": 2}
    assert archive.history(Query(project="work/api")).totals.requests == 2


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ({"/a/x/api": "api", "/b/x/api": "api"}, ["a/x/api", "b/x/api"]),
        ({"/api": "api", "/x/api": "api"}, ["/api", "x/api"]),
        ({"/x/api": "api", "/y/x/api": "api"}, ["/x/api", "y/x/api"]),
        ({"/x/api": "api", "-srv-api": "api"}, ["x/api", "-srv-api"]),
        ({"C:/x/api": "api", "/y/api": "api"}, ["x/api", "y/api"]),
        ({"": ""}, [""]),
    ],
)
def test_as_much_of_the_folder_as_tells_it_from_the_others(
    names: dict[str, str], expected: list[str]
) -> None:
    # A folder whose end is the end of another is told by its root.
    assert list(labels(names).values()) == expected
    assert whole_roots(names) == {root: root for root in names}


class TestWhatIsKeptOfAPart:
    @pytest.fixture
    def archive(self, home: ConfigHome, tmp_path: Path) -> Archive:
        """Two projects; the transcript of the older session of one of them is gone."""
        old = worked(home, 1, "/work/acme/api", "2026-10-20T09:00:00Z")
        worked(home, 2, "/work/acme/api")
        worked(home, 3, "/work/acme/web", "2026-10-20T09:00:00Z")
        read_once(home.path, folder=tmp_path / "cache")
        old.unlink()
        return caught_up(archive_of(home.path, folder=tmp_path / "cache"))

    def asked(self, archive: Archive, query: Query) -> Kept:
        asked = archive.history(query).asked
        assert asked is not None
        return asked

    def test_is_told_of_a_project(self, archive: Archive) -> None:
        kept = self.asked(archive, Query(project="api"))
        assert (kept.files, kept.gone_files, kept.gone_sessions, kept.gone_requests) == (2, 1, 1, 1)
        kept = self.asked(archive, Query(project="web"))
        assert (kept.files, kept.gone_files, kept.gone_sessions, kept.gone_requests) == (1, 0, 0, 0)

    def test_is_told_of_a_span(self, archive: Archive, home: ConfigHome) -> None:
        query = Query(since=date(2026, 11, 1), timezone="UTC")
        kept = self.asked(archive, query)
        (path,) = (home.path / "projects" / "-work-acme-api").iterdir()
        assert kept == Kept(files=1, bytes=path.stat().st_size)
        assert archive.history(query).kept.files == 3

    def test_is_not_told_apart_when_everything_was_asked_for(self, archive: Archive) -> None:
        assert archive.history(Query(by="month")).asked is None
