"""Families of sessions: forks are accounted once together, not anew with each of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from ccmon.history import intake, settling
from ccmon.history.accounts import Accounted, settle
from ccmon.history.families import TOGETHER, Families
from ccmon.history.seen import Response, Seen
from ccmon.ledger.prices import PriceTable
from ccmon.past import Query
from ccmon.settings import PriceOverride, Settings
from tests.archives import archive_of, at, caught_up
from tests.homes import ConfigHome

FORKS = 100
SHARED = 10


def seen(session: str, *message_ids: str, claim: str | None = None) -> Seen:
    """A file of a session with these responses."""
    responses = [Response(each, "main", claim=claim) for each in message_ids]
    return Seen(f"/p/{session}.jsonl", "p", session, None, responses=responses)


def met(**files: Seen) -> Families:
    families = Families()
    for session, each in files.items():
        families.meet(session, each)
    return families


def batches(families: Families, *sessions: str, reading: bool = False) -> list[set[str]]:
    return [set(each) for each in families.batches(sessions, reading=reading)]


def test_sessions_that_share_a_response_or_name_each_other_come_together() -> None:
    families = met(
        **{f"alone-{n}": seen(f"alone-{n}", f"msg_{n}") for n in range(6)},
        fork=seen("fork", "msg_0", "msg_9"),
        named=seen("named", "msg_7", claim="alone-0"),
    )
    found = batches(families, *(f"alone-{n}" for n in range(6)), "fork", "named")
    assert next(each for each in found if "alone-0" in each) >= {"fork", "named"}
    assert sum(map(len, found)) == 8
    assert len(found) == 2


def test_a_large_family_that_may_still_grow_waits_until_all_is_read() -> None:
    family = [f"fork-{n}" for n in range(TOGETHER + 2)]
    families = met(**{each: seen(each, "msg_1") for each in family}, alone=seen("alone", "msg_2"))
    families.accounted(family[1:])
    assert batches(families, family[0], "alone", reading=True) == [{"alone"}]
    assert batches(families, family[0], "alone") == [{"alone", family[0]}]


@pytest.fixture
def accounted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The paths of the files that are accounted, each time that they are."""
    paths: list[str] = []

    def counting(seens: Sequence[Seen], prices: PriceTable) -> list[Accounted]:
        paths.extend(each.path for each in seens)
        return settle(seens, prices)

    monkeypatch.setattr(settling, "settle", counting)
    return paths


@pytest.fixture(params=["marked", "unmarked"])
def home(request: pytest.FixtureRequest, tmp_path: Path) -> ConfigHome:
    """A session and its forks, each with one response of its own."""
    home = ConfigHome(tmp_path / "home")
    for number in range(FORKS):
        session = f"fork-{number:03}"
        payer = {"requestSessionId": "fork-000"} if request.param == "marked" and number else {}
        lines = [
            at(f"2026-11-20T08:00:{n:02}Z", f"msg_{n}", session, **payer) for n in range(SHARED)
        ]
        own = at(f"2026-11-20T09:{number % 60:02}:00Z", f"own_{number}", session)
        home.transcript(session).write_bytes(b"".join([*lines, own]))
    return home


def test_forks_are_accounted_once(home: ConfigHome, accounted: list[str]) -> None:
    archive = caught_up(archive_of(home.path))
    assert len(accounted) == FORKS
    assert archive.history(Query()).totals.requests == SHARED + FORKS
    accounted.clear()
    more = at("2026-11-20T10:00:00Z", "more", "fork-007")
    with home.transcript("fork-007").open("ab") as file:
        file.write(more)
    caught_up(archive)
    assert len(accounted) == FORKS
    assert archive.history(Query()).totals.requests == SHARED + FORKS + 1


def test_forks_are_accounted_at_most_twice_where_reading_takes_long(
    home: ConfigHome, accounted: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intake, "KEPT_AFTER", 30_000)
    archive = caught_up(archive_of(home.path))
    assert FORKS < len(accounted) <= 2 * FORKS
    assert archive.history(Query()).totals.requests == SHARED + FORKS


def test_forks_are_accounted_once_under_new_prices(
    home: ConfigHome, tmp_path: Path, accounted: list[str]
) -> None:
    caught_up(archive_of(home.path, folder=tmp_path / "cache")).close()
    accounted.clear()
    price = PriceOverride(input=1.0, output=2.0)
    settings = Settings(prices={"claude-opus-5-5": price})
    archive = caught_up(archive_of(home.path, folder=tmp_path / "cache", settings=settings))
    assert len(accounted) == FORKS
    assert archive.history(Query()).totals.requests == SHARED + FORKS
