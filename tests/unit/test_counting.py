"""Texts that entered together are read back and counted by another process; no text is kept."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ccmon import counting
from ccmon.counting import counts_at
from ccmon.ledger.session import SessionLedger
from ccmon.ledger.tokens import Tokenizer
from ccmon.monitor import Monitor, Scope
from ccmon.requests import Entered
from ccmon.settings import Settings
from ccmon.transcripts.locate import config_homes
from ccmon.transcripts.pieces import pieces
from tests.homes import FIRST, NOW, SECOND, ConfigHome, read
from tests.lines import Record, assistant, call, line, record, result, usage, user

PROSE = "the quick brown fox jumps over the lazy dog " * 40
DIGITS = "7301 9482 " * 176
"""As many characters as the prose, and more than twice the tokens."""


def at(second: int) -> str:
    return f"2026-11-22T12:{second // 60:02d}:{second % 60:02d}.000Z"


def answer(number: int, read: int, written: int, *blocks: Record) -> bytes:
    counts = usage(
        input_tokens=0,
        output_tokens=0,
        cache_read_input_tokens=read,
        cache_creation_input_tokens=written,
    )
    message: Record = {"id": f"msg_{number}", "usage": counts}
    whole = assistant(
        *blocks, message=message, uuid=f"u{number}", timestamp=at(number * 10), sessionId=FIRST
    )
    return line(whole) + b"\n"


def two_calls() -> list[Record]:
    return [call("Bash", command="a"), {**call("Bash", command="b"), "id": "toolu_2"}]


def two_results(*, timestamp: str = at(15)) -> bytes:
    content = [result(PROSE), {**result(DIGITS), "tool_use_id": "toolu_2"}]
    return line(user(content, uuid="r", timestamp=timestamp, sessionId=FIRST)) + b"\n"


def session() -> list[bytes]:
    return [answer(1, 0, 20_000, *two_calls()), two_results(), answer(2, 20_000, 2_000)]


@pytest.fixture
def home(config_home: Path) -> ConfigHome:
    return ConfigHome(config_home)


def watching(
    home: ConfigHome, *, tokenizer: bool = True, now: float = NOW, named: str | None = FIRST
) -> Monitor:
    homes = config_homes([str(home.path)], {}, home.path)
    settings = Settings(tokenizer=tokenizer)
    scope = Scope(session=named, everything=True)
    return Monitor(homes, settings, scope, clock=lambda: now, counting=True)


def results(monitor: Monitor) -> list[Entered]:
    (shown,) = read(monitor).sessions
    return [item for item in shown.requests[-1].entered if item.kind == "tool_result"]


def test_what_came_together_is_shared_out_by_counted_tokens(home: ConfigHome) -> None:
    home.write(*session())
    plain = results(watching(home, tokenizer=False))
    counted = results(watching(home))
    tokenizer = Tokenizer()
    assert [item.counted for item in counted] == [tokenizer.count(PROSE), tokenizer.count(DIGITS)]
    assert sum(item.tokens or 0 for item in counted) == sum(item.tokens or 0 for item in plain)
    assert [item.method for item in counted] == ["split", "split"]
    prose, digits = (item.tokens or 0 for item in counted)
    assert digits > 2 * prose
    assert plain[0].tokens == pytest.approx(plain[1].tokens, rel=0.05)


def test_the_estimator_is_told(home: ConfigHome) -> None:
    home.write(*session())
    assert read(watching(home)).health.estimator == "cl100k"
    assert read(watching(home, tokenizer=False)).health.estimator == "characters"


def test_nothing_is_started_where_all_is_exact(
    home: ConfigHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    home.write(answer(1, 0, 20_000), answer(2, 20_000, 50), answer(3, 20_050, 50))
    monkeypatch.setattr(subprocess, "Popen", None)
    assert read(watching(home)).health.estimator == "characters"


def test_only_sessions_that_are_active_or_named_are_counted(home: ConfigHome) -> None:
    home.write(*session(), session=FIRST)
    long_after = NOW + 86_400
    monitor = watching(home, now=long_after, named=None)
    assert [item.counted for item in results(monitor)] == [None, None]
    soon = watching(home, now=1_795_348_850.0, named=None)
    assert None not in [item.counted for item in results(soon)]


def test_a_session_that_is_opened_is_counted_from_then_on(home: ConfigHome) -> None:
    home.write(*session(), session=FIRST)
    monitor = watching(home, now=NOW + 86_400, named=None)
    assert [item.counted for item in results(monitor)] == [None, None]
    monitor.open(FIRST)
    assert None not in [item.counted for item in results(monitor)]


def test_what_is_not_to_be_counted_is_not_looked_at_in_every_step(
    home: ConfigHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[str] = []

    def last_stamp(ledger: SessionLedger) -> float:
        looked.append(ledger.session_id)
        return 0.0

    home.write(*session(), session=FIRST)
    others = [record.replace(FIRST.encode(), SECOND.encode()) for record in session()]
    home.write(*(each.replace(b"msg_", b"other_") for each in others), session=SECOND)
    monitor = watching(home, now=NOW + 86_400, named=None)
    monitor.open(FIRST)
    monkeypatch.setattr(SessionLedger, "last_stamp", property(last_stamp))
    steps = 0
    while monitor.step(0.0):
        steps += 1
    assert steps > 10
    assert looked.count(SECOND) == 1


def test_a_request_that_comes_later_is_counted_too(home: ConfigHome) -> None:
    path = home.write(*session()[:1])
    monitor = watching(home)
    read(monitor)
    home.write(*session()[1:])
    monitor.touch([str(path)])
    assert None not in [item.counted for item in results(monitor)]


def test_a_file_that_changed_keeps_its_characters(home: ConfigHome) -> None:
    path = home.write(*session())
    monitor = watching(home)
    while monitor.step() and not read_all(monitor, path):
        pass
    path.write_bytes(b"x" * path.stat().st_size)
    while monitor.step():
        pass
    (shown,) = monitor.snapshot().sessions
    entered = [item for item in shown.requests[-1].entered if item.kind == "tool_result"]
    assert [item.counted for item in entered] == [None, None]
    assert sum(item.tokens or 0 for item in entered) == 2_000


def read_all(monitor: Monitor, path: Path) -> bool:
    return monitor.snapshot().health.bytes == path.stat().st_size


def test_without_the_library_characters_have_to_do(
    home: ConfigHome, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home.write(*session())
    (tmp_path / "tiktoken.py").write_text("raise ImportError")
    monkeypatch.syspath_prepend(str(tmp_path))
    monitor = watching(home)
    assert [item.counted for item in results(monitor)] == [None, None]
    assert monitor.snapshot().health.estimator == "characters"


@pytest.mark.parametrize("program", ["/nonexistent/python", "/bin/true"])
def test_without_another_process_characters_have_to_do(
    home: ConfigHome, monkeypatch: pytest.MonkeyPatch, program: str
) -> None:
    home.write(*session())
    monkeypatch.setattr(sys, "executable", program)
    monitor = watching(home)
    assert [item.counted for item in results(monitor)] == [None, None]
    assert monitor.snapshot().health.estimator == "characters"


_DOOMED = """
import os, sys, time
sys.path[:] = sys.argv[1:]
from ccmon import counting
counts_at = counting.counts_at
def doomed(tokenizer, path, offset, length):
    with open(path, "rb") as file:
        if b"DOOM" in file.read()[offset:offset + length]:
            {end}
    return counts_at(tokenizer, path, offset, length)
counting.counts_at = doomed
counting.serve()
"""
"""Another process that ends with a line that says so."""


def two_pairs(*, doomed: int) -> list[bytes]:
    """A session in which results came together twice; those of one request are doomed."""
    lines = [answer(1, 0, 20_000, *two_calls())]
    for number in (1, 2):
        content = [
            result("DOOM" if number == doomed else PROSE),
            {**result(DIGITS), "tool_use_id": "toolu_2"},
        ]
        lines += [
            line(user(content, uuid=f"r{number}", timestamp=at(number * 10 + 5), sessionId=FIRST))
            + b"\n",
            answer(number + 1, 18_000 + 2_000 * number, 2_000, *two_calls()),
        ]
    return lines


def counted_in(monitor: Monitor) -> list[list[bool]]:
    """Which results were counted, of each request that brought some."""
    (shown,) = read(monitor).sessions
    entered = [
        [item.counted is not None for item in request.entered if item.kind == "tool_result"]
        for request in shown.requests
    ]
    return [each for each in entered if each]


@pytest.mark.parametrize("doomed", [1, 2])
@pytest.mark.parametrize(("end", "patience"), [("os._exit(1)", 10.0), ("time.sleep(99)", 3.0)])
def test_a_line_that_the_process_dies_of_or_hangs_at_costs_only_itself(
    home: ConfigHome, monkeypatch: pytest.MonkeyPatch, doomed: int, end: str, patience: float
) -> None:
    monkeypatch.setattr(counting, "PATIENCE_SECONDS", patience)
    monkeypatch.setattr(counting, "_START", _DOOMED.format(end=end))
    home.write(*two_pairs(doomed=doomed))
    monitor = watching(home)
    expected = [[True, True], [True, True]]
    expected[doomed - 1] = [False, False]
    assert counted_in(monitor) == expected
    assert monitor.snapshot().health.estimator == "cl100k"


def test_a_process_that_dies_again_and_again_is_not_started_for_ever(
    home: ConfigHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    starts: list[object] = []
    start = subprocess.Popen

    def started(*args: object, **more: object) -> object:
        starts.append(args)
        return start(*args, **more)  # type: ignore[call-overload]  # passed on as they came

    monkeypatch.setattr(subprocess, "Popen", started)
    monkeypatch.setattr(counting, "_START", "import sys; print('true', flush=True); input()")
    lines = [answer(1, 0, 20_000, *two_calls())]
    for number in range(1, 8):
        lines += [
            two_results(timestamp=at(number * 10 + 5)).replace(b'"r"', b'"r%d"' % number),
            answer(number + 1, 18_000 + 2_000 * number, 2_000, *two_calls()),
        ]
    home.write(*lines)
    monitor = watching(home)
    assert counted_in(monitor) == [[False, False]] * 7
    assert len(starts) == 1 + counting.REPLACEMENTS
    assert monitor.snapshot().health.estimator == "characters"


@pytest.mark.parametrize(
    "program",
    [
        "print('[1,')",
        "print('null')",
        "print('[1, 2]')",
        "print('true'); print('true')",
        "print('true'); print('[null]')",
        "print('true'); print('[1, 2]\\n' * 9)",
    ],
)
def test_what_answers_with_something_else_is_no_tokenizer(
    home: ConfigHome, monkeypatch: pytest.MonkeyPatch, program: str
) -> None:
    more = "; import sys, time; sys.stdout.flush(); time.sleep(99)"
    monkeypatch.setattr(counting, "_START", program + more)
    home.write(*session())
    monitor = watching(home)
    read(monitor)
    assert monitor.snapshot().health.estimator == "characters"
    assert not children()


@pytest.mark.parametrize("chatter", ["", "while True: print('.', end='', flush=True)"])
def test_a_process_that_never_answers_holds_nobody_up(
    home: ConfigHome, monkeypatch: pytest.MonkeyPatch, chatter: str
) -> None:
    monkeypatch.setattr(counting, "PATIENCE_SECONDS", 0.2)
    monkeypatch.setattr(counting, "_START", chatter or "import time; time.sleep(99)")
    home.write(*session())
    monitor = watching(home)
    began = time.monotonic()
    assert [item.counted for item in results(monitor)] == [None, None]
    assert time.monotonic() - began < 5
    assert not children()


def test_the_process_ends_when_it_has_nothing_to_do_and_comes_back(
    home: ConfigHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(counting, "IDLE_SECONDS", 0.0)
    path = home.write(*session())
    monitor = watching(home)
    read(monitor)
    monitor.step()
    assert not children()
    home.write(
        answer(3, 22_000, 10, *two_calls()), two_results(timestamp=at(35)), answer(4, 22_010, 900)
    )
    monitor.touch([str(path)])
    assert None not in [item.counted for item in results(monitor)]
    assert monitor.snapshot().health.estimator == "cl100k"


def test_the_process_ends_with_the_monitor(home: ConfigHome) -> None:
    home.write(*session())
    monitor = watching(home)
    read(monitor)
    assert len(children()) == 1
    del monitor
    assert not children()


def children() -> list[int]:
    """Processes that this one has started and that still run, by the kernel's list."""
    own = Path(f"/proc/{os.getpid()}/task")
    if not own.exists():
        pytest.skip("no list of processes here")
    return [int(pid) for task in own.iterdir() for pid in (task / "children").read_text().split()]


_DIES = """
import os, sys
from pathlib import Path
from ccmon.monitor import Monitor, Scope
from ccmon.settings import Settings
from ccmon.transcripts.locate import config_homes
homes = config_homes([sys.argv[1]], {}, Path(sys.argv[1]))
monitor = Monitor(homes, Settings(), Scope(session=sys.argv[2], everything=True), counting=True)
while monitor.step():
    pass
print(open(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read(), flush=True)
os._exit(0)
"""


def test_the_process_ends_with_one_that_does_not_say_goodbye(home: ConfigHome) -> None:
    children()
    home.write(*session())
    command = [sys.executable, "-c", _DIES, str(home.path), FIRST]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    (orphan,) = map(int, done.stdout.split())
    limit = time.monotonic() + 10
    while is_running(orphan) and time.monotonic() < limit:
        time.sleep(0.01)
    assert not is_running(orphan)


def is_running(pid: int) -> bool:
    try:
        return ") Z " not in Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False


class TestPieces:
    def of(self, tmp_path: Path, value: object) -> tuple[str, ...]:
        data = line(value)
        (tmp_path / "a.jsonl").write_bytes(b"first\n" + data + b"\n")
        return pieces(str(tmp_path / "a.jsonl"), 6, len(data))

    def test_results_come_first_then_all_other_text(self, tmp_path: Path) -> None:
        image = {"type": "image", "source": {"type": "base64", "data": "A" * 100}}
        text = {"type": "text", "text": "more"}
        content = [result("one"), text, result([{"type": "text", "text": "two"}, image]), image]
        assert self.of(tmp_path, user(content)) == ("one", "two\n", "more\n")

    def test_a_prompt_is_one_text(self, tmp_path: Path) -> None:
        assert self.of(tmp_path, user("go on")) == ("go on",)

    def test_an_unknown_block_counts_as_it_is_written(self, tmp_path: Path) -> None:
        found = self.of(tmp_path, user([result([{"type": "tool_reference", "tool_name": "Cron"}])]))
        assert json.loads(found[0]) == {"type": "tool_reference", "tool_name": "Cron"}

    def test_an_attachment_is_what_was_rendered_or_else_its_text(self, tmp_path: Path) -> None:
        attachment = {"type": "hook_success", "content": "hook says"}
        rendered = [{"content": "<system-reminder>hook says</system-reminder>"}]
        plain = record("attachment", attachment=attachment)
        assert self.of(tmp_path, plain) == ("hook says\n",)
        full = record("attachment", attachment=attachment, rendered=rendered)
        assert self.of(tmp_path, full) == ("<system-reminder>hook says</system-reminder>",)

    @pytest.mark.parametrize("depth", [30, 400])
    def test_very_deep_nesting_is_cut_off(self, tmp_path: Path, depth: int) -> None:
        listed: object = "x"
        inner: object = "x"
        keyed: object = {"text": "x"}
        for _ in range(depth):
            listed, inner, keyed = [listed], {"a": inner}, {"content": [keyed]}
        found = self.of(tmp_path, user([result(listed), result([inner]), result([keyed])]))
        assert found[0] == found[2] == "…"
        assert '"…"' in found[1]
        path = tmp_path / "a.jsonl"
        size = path.stat().st_size - len(b"first\n") - 1
        assert len(counts_at(Tokenizer(), str(path), 6, size)) == 4

    def test_a_text_that_cannot_be_counted_has_no_counts(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self.of(tmp_path, user("go on"))
        size = (tmp_path / "a.jsonl").stat().st_size - len(b"first\n") - 1
        place = str(tmp_path / "a.jsonl"), 6, size
        for error in (RecursionError, MemoryError, ValueError):

            def broken(*place: object, error: type[Exception] = error) -> tuple[str, ...]:
                raise error

            monkeypatch.setattr("ccmon.transcripts.pieces.pieces", broken)
            assert counts_at(Tokenizer(), *place) == []

    @pytest.mark.parametrize("value", [record("system"), record("attachment", attachment=None)])
    def test_other_records_have_none(self, tmp_path: Path, value: object) -> None:
        assert self.of(tmp_path, value) == ()

    def test_a_line_that_is_not_there_has_no_counts(self, tmp_path: Path) -> None:
        assert counts_at(Tokenizer(), str(tmp_path / "gone.jsonl"), 0, 9) == []
        (tmp_path / "a.jsonl").write_bytes(b"[1, 2]\n")
        assert counts_at(Tokenizer(), str(tmp_path / "a.jsonl"), 0, 6) == []
        assert counts_at(Tokenizer(), str(tmp_path / "a.jsonl"), 0, 60) == []
