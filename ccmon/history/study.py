"""What one session found out: the files it read, and what it looked up as it began.

The session is read with the full engine, which knows what entered the context, how long it was
carried and what that cost; the calls and digests of what they brought are read back from the lines
on disk. Of their text only the key is kept, and nothing at all of commands that do something: what
these say no memory can know. Source: accounting.md section 14.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Container, Iterable, Iterator, Sequence

import msgspec
from msgspec import Struct

from ccmon.feed import Feed
from ccmon.history.brought import (
    Brought,
    Lines,
    digest,
    is_numbered,
    pieces,
    read_lines,
    shown_lines,
)
from ccmon.insight.keys import (
    clipped,
    command_key,
    exact,
    is_clipped,
    path_key,
    root_of,
)
from ccmon.insight.looking import View, is_looking, view_of
from ccmon.insight.memory import Find, FindKind, Piece, Study, carried, mean
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

FORMAT = 2
"""Grows with every change of what a study holds: kept ones are made again then."""
EARLY = 10
"""Commands and searches count among so many first requests of a session."""
NOTE_TOKENS = 200
"""A Read that brought so little, and no numbered lines, said "unchanged" or failed."""
MOST_PIECES = 4_000
"""Pieces of one thing that are told apart in one session."""

_REMINDER = "<system-reminder>"
_REMINDER_END = "</system-reminder>"
_KINDS: dict[str, FindKind] = {
    "Read": "file", "Bash": "command", "Grep": "search", "Glob": "search",
}  # fmt: skip
_EDITING = {
    "Edit": "file_path", "MultiEdit": "file_path", "Write": "file_path",
    "NotebookEdit": "notebook_path",
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


class _Looked(Struct, frozen=True):
    """What one call has looked at: the lines of a file, or the answer to a question.

    ``number`` stands for the exact words of the question.
    """

    kind: FindKind
    key: str
    text: str
    number: int = 0
    brought: Brought | None = None


class _Found(Struct, eq=False):
    """What a session found under one key, so far."""

    kind: FindKind
    key: str
    tokens: int = 0
    reads: int = 0
    pieces: dict[tuple[int, int], Piece] = {}
    numbers: set[int] = set()
    texts: set[int] = set()
    lines: Lines = msgspec.field(default_factory=Lines)
    brought: int = 0
    bill: int = 0
    cost: float | None = None
    worth: float | None = None

    def take(self, looked: _Looked, held: Held, write: float | None, read: float | None) -> None:
        """Take in one result."""
        new = round(held.tokens * self._share(looked))
        self._compare(looked, held.tokens)
        self.tokens += new
        self.reads += 1
        self.brought += held.tokens
        self.bill += held.bill
        if write is None or read is None:
            return
        self.cost = add_costs(self.cost, held.cost)
        self.worth = add_costs(self.worth, carried(new, write, read, held.carried))

    def find(self, changed: Container[str]) -> Find:
        """The same, finished."""
        life = self.bill / self.brought if self.brought else 1.0
        return Find(
            self.kind, self.key, self.tokens, self.reads, tuple(self.pieces.values()), life,
            self.bill, self.cost, self.worth, self.kind == "file" and self.key in changed,
        )  # fmt: skip

    def _share(self, looked: _Looked) -> float:
        """The share of a result that had not been there before."""
        if looked.brought is not None and looked.brought.lines:
            return self.lines.take(looked.brought)
        text = digest(looked.text)
        is_new = text not in self.texts
        self.texts.add(text)
        return float(is_new)

    def _compare(self, looked: _Looked, tokens: int) -> None:
        if looked.brought is not None:
            parts = pieces(looked.brought, tokens)
        else:
            parts = iter([Piece(looked.number, tokens, digest(looked.text))])
        for piece in parts:
            if len(self.pieces) < MOST_PIECES:
                again = piece.number in self.numbers
                known = Piece(piece.number, 0, piece.digest) if again else piece
                self.pieces.setdefault((piece.number, piece.digest), known)
                self.numbers.add(piece.number)


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
        found, changed = _found(threads, _early(rows), root if cwd else "", reader)
    return Study(
        scrubbed(session.session_id),
        scrubbed(root),
        scrubbed(project_name(cwd, slug)),
        max((row.at for row in rows if row.at is not None), default=None),
        len(rows),
        len(threads),
        mean(_write(thread) for thread, _ in threads),
        mean(row.price.read if row.price else None for row in rows),
        tuple(each.find(changed) for each in found if each.tokens > 0),
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
) -> tuple[Iterable[_Found], set[str]]:
    """What was found, and the files that were edited, if only in vain: these had to be read."""
    found: dict[tuple[FindKind, str], _Found] = {}
    changed: set[str] = set()
    for thread, rows in threads:
        bills = _bills(thread)
        calls: dict[str, Call] = {}
        for row in rows:
            wanted = [item for item in row.entered if _is_wanted(item, row, early)]
            edits = any(item.name in _EDITING for item in row.entered)
            if row.n < 2 or not (wanted or edits):
                continue
            made = [call for span in thread.rows[row.n - 2].spans for call in reader.calls(span)]
            calls.update((call.tool_use_id, call) for call in made)
            changed.update(_edited(made, root))
            for item, result in _results(wanted, row, reader):
                call, held = calls.pop(result.tool_use_id, None), bills.get(id(item))
                if call is not None and held is not None and not result.is_error:
                    _take(found, call, result, held, root, row, thread)
    return found.values(), changed


def _edited(calls: Iterable[Call], root: str) -> Iterator[str]:
    for call in calls:
        if argument := _EDITING.get(call.name):
            yield clipped(path_key(call.text(argument), root, call.cwd))


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
    text = _without_reminder(result.text)
    looked = _looked(call, text, root)
    if looked is None or not looked.key or is_clipped(looked.key):
        return
    if call.name == "Read" and held.tokens < NOTE_TOKENS and not is_numbered(text):
        return
    each = found.get((looked.kind, looked.key))
    if each is None:
        each = found[looked.kind, looked.key] = _Found(looked.kind, looked.key)
    price = row.price
    write = write_price(price, thread.carried.tier) if price else None
    each.take(looked, held, write, price.read if price else None)


def _looked(call: Call, text: str, root: str) -> _Looked | None:
    """What a call has looked at; None where it did something else."""
    kind = _KINDS.get(call.name)
    if kind == "file":
        path = call.text("file_path")
        brought = read_lines(text, call.number("offset"), call.number("limit"))
        key = clipped(path_key(path, root, call.cwd)) if path else ""
        return _Looked("file", key, text, brought=brought)
    if kind == "command":
        return _run(call, text, root)
    if kind == "search":
        asked = repr(sorted((key, repr(value)) for key, value in call.arguments.items()))
        return _Looked("search", clipped(call.text("pattern")), text, _number(asked, call, root))
    return None


def _run(call: Call, text: str, root: str) -> _Looked | None:
    command = call.text("command")
    if not is_looking(command):
        return None
    view = view_of(command)
    if view is not None:
        brought = shown_lines(text, view)
        return _Looked("file", _shown(view, root, call.cwd), text, brought=brought)
    return _Looked("command", command_key(command, root), text, _number(command, call, root))


def _shown(view: View, root: str, cwd: str) -> str:
    """The key of a file that a command shows."""
    folder = path_key(view.folder, "", cwd) if view.folder else cwd
    return "" if view.path.startswith("~") else clipped(path_key(view.path, root, folder))


def _number(asked: str, call: Call, root: str) -> int:
    """Stands for the exact words of a question and where it was asked."""
    return digest(f"{path_key(call.cwd, root)}\n{exact(asked, root)}") >> 32


def _without_reminder(text: str) -> str:
    """The client puts reminders behind what a file holds."""
    if text.rstrip().endswith(_REMINDER_END):
        return text.rpartition(_REMINDER)[0].rstrip()
    return text
