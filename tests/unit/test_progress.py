"""The progress bar: late, seldom, only on a terminal, and gone when it is over."""

import io

import pytest

from ccmon.past import Scanning
from ccmon.report.progress import ProgressBar, progress_line

HALF = Scanning(340, 12, 3_100_000_000, 1_550_000_000)


class Screen(io.StringIO):
    """A terminal that keeps all that was written to it."""

    encoding = "utf-8"
    is_one = True

    def isatty(self) -> bool:
        return self.is_one


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_line_has_share_bar_files_and_bytes() -> None:
    assert progress_line("reading", HALF, 80, "utf-8") == (
        "reading   50%  ████████████░░░░░░░░░░░░  12 of 340 files  1.6 GB of 3.1 GB"
    )
    assert progress_line("reading", HALF, 80, "ascii") == (
        "reading   50%  ############............  12 of 340 files  1.6 GB of 3.1 GB"
    )


@pytest.mark.parametrize("columns", range(20, 90))
def test_a_line_never_wraps(columns: int) -> None:
    assert len(progress_line("studying", HALF, columns, "utf-8")) <= columns


@pytest.mark.parametrize(
    "scanning", [Scanning(), Scanning(3, 3), Scanning(3, 5, 10, 20), Scanning(1, 0, 0, 0)]
)
def test_a_share_is_between_nothing_and_all(scanning: Scanning) -> None:
    line = progress_line("reading", scanning, 80, "ascii")
    assert line.split()[1] in ("0%", "100%")


def test_what_is_quick_shows_nothing() -> None:
    screen, clock = Screen(), Clock()
    with ProgressBar(screen, clock=clock) as bar:
        for clock.now in (0.0, 0.1, 0.29):
            bar.show("reading", HALF)
    assert screen.getvalue() == ""


def test_it_is_drawn_ten_times_a_second_at_most_and_erased_at_the_end() -> None:
    screen, clock = Screen(), Clock()
    with ProgressBar(screen, clock=clock) as bar:
        for number in range(100):
            clock.now = 0.3 + number / 100
            bar.show("reading", Scanning(100, number, 1_000, number * 10))
    drawn = screen.getvalue().split("\r\x1b[K")
    assert 5 <= len(drawn) - 2 <= 11
    assert drawn[0] == drawn[-1] == ""


def test_it_is_erased_when_the_run_is_interrupted() -> None:
    screen, clock = Screen(), Clock()

    def interrupted() -> None:
        with ProgressBar(screen, clock=clock) as bar:
            clock.now = 1.0
            bar.show("reading", HALF)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert screen.getvalue().endswith("\r\x1b[K")


def test_what_does_not_change_is_not_drawn_again() -> None:
    screen, clock = Screen(), Clock()
    with ProgressBar(screen, clock=clock) as bar:
        for clock.now in (1.0, 2.0, 3.0):
            bar.show("reading", HALF)
    assert screen.getvalue().count("reading") == 1


@pytest.mark.parametrize("term", ["dumb", ""])
def test_a_terminal_that_cannot_erase_gets_none(term: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", term)
    screen, clock = Screen(), Clock()
    bar = ProgressBar(screen, clock=clock)
    clock.now = 1.0
    bar.show("reading", HALF)
    assert screen.getvalue() == ""


def test_no_terminal_gets_none() -> None:
    screen, clock = Screen(), Clock()
    screen.is_one = False
    bar = ProgressBar(screen, clock=clock)
    clock.now = 1.0
    bar.show("reading", HALF)
    assert screen.getvalue() == ""


def test_a_closed_stderr_is_no_obstacle(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    monkeypatch.setattr("sys.stderr", None)
    with ProgressBar(clock=clock) as bar:
        clock.now = 1.0
        bar.show("reading", HALF)
