"""What one session found out: the files it read, and what it looked up as it began.

The session is read with the full engine, which knows what entered the context, how long it was
carried and what that cost; the calls and a digest of what they brought are read back from the lines
on disk, and nothing of their text is kept but the key. Source: accounting.md section 14.
"""

from __future__ import annotations

import re
import time
from collections import deque
from collections.abc import Container, Iterable, Iterator, Sequence
from hashlib import blake2b

import msgspec
from msgspec import Struct

from ccmon.feed import Feed
from ccmon.insight.keys import clipped, command_key, path_key, root_of
from ccmon.insight.memory import Content, Find, FindKind, Study, carried
from ccmon.ledger.contents import Contents, Held
from ccmon.ledger.costs import write_price
from ccmon.ledger.prices import PriceTable
from ccmon.ledger.session import Ledger, SessionLedger
from ccmon.ledger.stats import add_costs
from ccmon.ledger.thread import Thread
from ccmon.requests import Entered, Request
from ccmon.transcripts.calls import Call, Reader, Result
from ccmon.transcripts.locate import Home, classify, project_name
from ccmon.transcripts.records import scrubbed

FORMAT = 1
"""Grows with every change of what a study holds: kept ones are made again then."""
EARLY = 10
"""Commands and searches count among so many first requests of a session."""
NOTE_TOKENS = 200
"""A Read that brought so little, and no numbered lines, said "unchanged" or failed."""
MOST_CONTENTS = 32
"""Different contents of one thing that are told apart in one session."""

_NUMBERED = re.compile(r" *\d+(?:\t|→)")
_OLD_NUMBERS = re.compile(r"^ *(\d+)→", re.MULTILINE)
_REMINDER = "<system-reminder>"
_REMINDER_END = "</system-reminder>"
_KINDS: dict[str, FindKind] = {
    "Read": "file", "Bash": "command", "Grep": "search", "Glob": "search",
}  # fmt: skip


class Student:
    """Reads one session bit by bit; ``study`` is what came of it once ``step`` says it is done.

    ``own`` are the ids of the responses that the session paid for, None: all in its files. What a
    fork has copied from another session it did not find out.
    """

    def __init__(
        self,
        session_id: str,
        paths: Iterable[str],
        homes: Sequence[Home],
        prices: PriceTable,
        own: Container[str] | None = None,
    ) -> None:
        self.study: Study | None = None
        self.bytes_done = 0
        self._session_id = session_id
        self._own = own
        self._slug = ""
        self._ledger = Ledger(prices)
        self._feeds: deque[Feed] = deque()
        for path in paths:
            transcript = classify(path, homes)
            if transcript is not None:
                self._slug = self._slug or transcript.slug
                self._feeds.append(Feed(transcript, self._ledger))

    def step(self, budget: float = 0.05) -> bool:
        """Read on for about ``budget`` seconds; True while there is more to do."""
        deadline = time.monotonic() + budget
        while self._feeds:
            feed = self._feeds[0]
            before = feed.bytes_read
            more = feed.read()
            self.bytes_done += max(0, feed.bytes_read - before)
            if not more:
                self._feeds.popleft()
            if time.monotonic() >= deadline:
                return True
        if self.study is None:
            self._ledger.settle()
            session = self._ledger.sessions.get(self._session_id)
            session = session or SessionLedger(self._session_id)
            self.study = _study(session, self._slug, self._own)
        return False


def study_of(
    session_id: str,
    paths: Iterable[str],
    homes: Sequence[Home],
    prices: PriceTable,
    own: Container[str] | None = None,
) -> Study:
    """All that a session found, whose files these are; nothing where none can be read any more."""
    student = Student(session_id, paths, homes, prices, own)
    while student.step(1.0):
        pass
    assert student.study is not None
    return student.study


def encoded(study: Study) -> bytes:
    """A study as it is kept."""
    return msgspec.msgpack.encode((FORMAT, study))


def decoded(data: bytes) -> Study | None:
    """A study that was kept; None where it was kept by another version, or is broken."""
    try:
        version, raw = msgspec.msgpack.decode(data, type=tuple[int, msgspec.Raw])
        return msgspec.msgpack.decode(raw, type=Study) if version == FORMAT else None
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None


class _Found(Struct, eq=False):
    """What a session found under one key, so far."""

    kind: FindKind
    key: str
    tokens: int = 0
    reads: int = 0
    contents: dict[Content, None] = {}
    lines: set[int] = set()
    brought: int = 0
    bill: int = 0
    cost: float | None = None
    worth: float | None = None

    def take(self, held: Held, share: float, write: float | None, read: float | None) -> None:
        """Take in one result, of which a ``share`` was not there before."""
        new = round(held.tokens * share)
        self.tokens += new
        self.reads += 1
        self.brought += held.tokens
        self.bill += held.bill
        if write is None or read is None:
            return
        self.cost = add_costs(self.cost, held.cost)
        self.worth = add_costs(self.worth, carried(new, write, read, held.carried))

    def find(self) -> Find:
        """The same, finished."""
        life = self.bill / self.brought if self.brought else 1.0
        contents = tuple(self.contents)
        return Find(
            self.kind, self.key, self.tokens, self.reads, contents, life, self.bill, self.cost,
            self.worth,
        )  # fmt: skip


def _study(session: SessionLedger, slug: str, own: Container[str] | None) -> Study:
    threads = [
        (thread, rows)
        for thread in session.threads.values()
        if (rows := [row for row in thread.rows if own is None or row.message_id in own])
    ]
    rows = [row for _, rows in threads for row in rows]
    streams = session.main_streams() or list(session.streams.values())
    cwd = next((stream.cwd for stream in streams if stream.cwd), None)
    root = root_of(cwd) if cwd else slug
    with Reader() as reader:
        found = _found(threads, _early(rows), root if cwd else "", reader)
    return Study(
        scrubbed(session.session_id),
        scrubbed(root),
        scrubbed(project_name(cwd, slug)),
        max((row.at for row in rows if row.at is not None), default=None),
        len(rows),
        len(threads),
        _mean([_write(thread) for thread, _ in threads]),
        _mean([row.price.read if row.price else None for row in rows]),
        tuple(each.find() for each in found if each.tokens > 0),
    )


def _early(rows: Iterable[Request]) -> set[tuple[str, int]]:
    """The first requests of the session, over all threads."""
    first = sorted(rows, key=lambda row: (row.at or 0.0, row.n, row.thread))[:EARLY]
    return {(row.thread, row.n) for row in first}


def _write(thread: Thread) -> float | None:
    """What writing costs at the end of a thread."""
    price = next((row.price for row in reversed(thread.rows) if row.price), None)
    return write_price(price, thread.carried.tier) if price else None


def _found(
    threads: Iterable[tuple[Thread, Sequence[Request]]],
    early: set[tuple[str, int]],
    root: str,
    reader: Reader,
) -> Iterable[_Found]:
    found: dict[tuple[FindKind, str], _Found] = {}
    for thread, rows in threads:
        bills = _bills(thread)
        calls: dict[str, Call] = {}
        for row in rows:
            wanted = [item for item in row.entered if _is_wanted(item, row, early)]
            if not wanted or row.n < 2:
                continue
            for span in thread.rows[row.n - 2].spans:
                calls.update((call.tool_use_id, call) for call in reader.calls(span))
            for item, result in _results(wanted, row, reader):
                call, held = calls.pop(result.tool_use_id, None), bills.get(id(item))
                if call is not None and held is not None and not result.is_error:
                    _take(found, call, result, held, root, row, thread)
    return found.values()


def _is_wanted(item: Entered, row: Request, early: set[tuple[str, int]]) -> bool:
    if item.kind != "tool_result" or not item.tokens or item.tokens < 0:
        return False
    kind = _KINDS.get(item.name)
    return kind == "file" or (kind is not None and (row.thread, row.n - 1) in early)


def _results(
    wanted: Iterable[Entered], row: Request, reader: Reader
) -> Iterator[tuple[Entered, Result]]:
    """The results with their texts: those of one line stand in its order."""
    for span in dict.fromkeys(item.spans[0] for item in wanted):
        items = [item for item in row.entered if item.spans == (span,) and _is_result(item)]
        results = reader.results(span)
        if len(items) == len(results):
            yield from (
                (item, result)
                for item, result in zip(items, results, strict=True)
                if any(item is each for each in wanted)
            )


def _is_result(item: Entered) -> bool:
    return item.kind == "tool_result" or (item.kind == "image" and item.name != "image")


def _bills(thread: Thread) -> dict[int, Held]:
    """Every item that ever was in the context of a thread, with its bill, by identity."""
    contents, bills = Contents(), dict[int, Held]()
    for row in thread.rows:
        before = contents.held() if row.starts_segment else []
        contents.push(row)
        if before:
            stayed = {id(held.what) for held in contents.held()}
            bills.update((id(held.what), held) for held in before if id(held.what) not in stayed)
    bills.update((id(held.what), held) for held in contents.held())
    return bills


def _take(
    found: dict[tuple[FindKind, str], _Found],
    call: Call,
    result: Result,
    held: Held,
    root: str,
    row: Request,
    thread: Thread,
) -> None:
    kind = _KINDS.get(call.name)
    key = _key(kind, call, root)
    if kind is None or not key:
        return
    text = _without_reminder(result.text)
    if kind == "file" and held.tokens < NOTE_TOKENS and not _NUMBERED.match(text):
        return
    each = found.get((kind, key))
    if each is None:
        each = found[kind, key] = _Found(kind, key)
    content = _content(kind, call, text)
    share = _new_lines(each, content, text) if kind == "file" else content not in each.contents
    if len(each.contents) < MOST_CONTENTS:
        each.contents[content] = None
    price = row.price
    write = write_price(price, thread.carried.tier) if price else None
    each.take(held, share, write, price.read if price else None)


def _key(kind: FindKind | None, call: Call, root: str) -> str:
    if kind == "file":
        path = call.text("file_path")
        return clipped(path_key(path, root, call.cwd)) if path else ""
    if kind == "command":
        return command_key(call.text("command"), root)
    return clipped(call.text("pattern"))


def _without_reminder(text: str) -> str:
    """The client puts reminders behind what a file holds."""
    if text.rstrip().endswith(_REMINDER_END):
        return text.rpartition(_REMINDER)[0].rstrip()
    return text


def _content(kind: FindKind, call: Call, text: str) -> Content:
    if kind != "file":
        return Content(_digest(text))
    first = max(1, call.number("offset") or 1)
    limit = call.number("limit")
    last = None if limit is None else first + max(1, limit) - 1
    if _OLD_NUMBERS.match(text):
        # How lines are numbered differs between clients; what they say does not.
        text = _OLD_NUMBERS.sub(r"\1\t", text)
    return Content(_digest(text), first, last)


def _new_lines(each: _Found, content: Content, text: str) -> float:
    """The share of a read's lines that no read before it had brought."""
    lines = set(range(content.first, content.first + text.count("\n") + 1))
    new = len(lines - each.lines) / len(lines)
    each.lines |= lines
    return new


def _digest(text: str) -> int:
    data = text.encode("utf-8", "surrogatepass")
    return int.from_bytes(blake2b(data, digest_size=8).digest())


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None
