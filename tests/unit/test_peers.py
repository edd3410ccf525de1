"""What sessions tell of each other: the last five, and how the last thirty days began."""

from collections.abc import Sequence

from msgspec.structs import replace

from ccmon.insight.peers import Peers, peers_of
from ccmon.insight.summary import Summed
from ccmon.insight.ttl import Tiers
from tests.builders import START, assistant, ledger_of, usage
from tests.cases import facts_of, growing, session_like, summed_of

DAY = 86_400.0
BASE = session_like(50_000, 51_000)


def session(name: str, day: float, opening: int | None = 40_000, cost: float = 1.0) -> Summed:
    shown = replace(BASE, session_id=name, started_at=START + day * DAY)
    return Summed(shown, (), opening, Tiers(cost, cost, 1))


def openings(sizes: Sequence[int | None], *, day: float = 1.0) -> list[Summed]:
    return [session(f"s{number}", day, size) for number, size in enumerate(sizes)]


def usual(before: Sequence[Summed]) -> float | None:
    return peers_of([session("me", 31.0, 99_000), *before])["me"].usual_opening


def test_the_usual_opening_is_the_median_of_those_before() -> None:
    assert usual(openings([10, 30, 20, 50, 40])) == 30
    assert usual(openings([10, 30, 20, 50, 40, 60])) == 35


def test_four_sessions_make_nothing_usual() -> None:
    assert usual(openings([10, 30, 20, 50])) is None


def test_sessions_that_go_on_from_others_do_not_count() -> None:
    assert usual(openings([10, 30, 20, 50, None])) is None


def test_thirty_days_are_remembered() -> None:
    assert usual(openings([10, 20, 30, 40, 50], day=1.0)) == 30
    assert usual(openings([10, 20, 30, 40, 50], day=0.99)) is None


def test_what_came_later_says_nothing() -> None:
    assert usual(openings([10, 20, 30, 40, 50], day=32.0)) is None


def test_the_last_five_sessions_end_with_this_one() -> None:
    every = [session(f"s{number}", number, cost=float(number)) for number in range(8)]
    peers = peers_of(reversed(every))
    assert [each.cost_5m for each in peers["s6"].tiers] == [2.0, 3.0, 4.0, 5.0, 6.0]
    assert [each.cost_5m for each in peers["s1"].tiers] == [0.0, 1.0]


def test_a_session_without_prices_compares_nothing_and_stands_in_nobodys_way() -> None:
    unpriced = Summed(session("none", 2.0).session, (), 40_000, None)
    peers = peers_of([session("one", 1.0), unpriced, session("two", 3.0)])
    assert peers["none"] == Peers()
    assert len(peers["two"].tiers) == 2


def test_a_session_opens_with_its_first_real_request() -> None:
    title = assistant("msg_0", usage(300, o=9), at=START)
    assert summed_of(growing(31_000, 40_000)).opening == 31_000
    assert summed_of([title, *growing(31_000)]).opening == 31_000


def test_a_fork_does_not_open_by_itself() -> None:
    copied = assistant("msg_0", usage(0, 0, 0, 90_000, 9), payer="another-session")
    ledger = ledger_of([copied, *growing(100_000)])
    assert summed_of([copied, *growing(100_000)]).opening is None
    assert len(ledger.sessions) == 2
    assert facts_of().active
