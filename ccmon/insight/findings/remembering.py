"""The finding about what sessions find out again and again: F11."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import blake2b

from ccmon import format, words
from ccmon.insight.findings.case import Case
from ccmon.insight.keys import clipped, file_of_label, path_key, root_of
from ccmon.insight.using import Result
from ccmon.past import Candidate
from ccmon.requests import MAIN
from ccmon.snapshot import Finding
from ccmon.transcripts.labels import PATH_ARGUMENTS

FILES = 3
"""So many files are spoken of, those that a memory saves most of."""


def read_again(case: Case) -> Iterator[Finding]:
    """F11: the session has read a file that others read as well, and that a memory would spare.

    Silent while the past is not known, for what a memory would not pay for, and for a file that the
    session has edited: it had to be read for that.
    """
    session = case.session
    root = root_of(session.cwd) if session.cwd else ""
    paying = {
        each.key: each
        for each in case.candidates
        if each.recommended and each.kind == "file" and each.root == root
    }
    if not root or not paying:
        return
    found: dict[str, Result] = {}
    changed: set[str] = set()
    for result in case.results:
        path = file_of_label(result.what.label)
        if result.what.name == "Read" and result.tokens > 0:
            found.setdefault(clipped(path_key(path, root, session.cwd or "")), result)
        elif result.what.name in PATH_ARGUMENTS:
            changed.add(clipped(path_key(path, root, session.cwd or "")))
    repeated = [(paying[key], found[key]) for key in found if key in paying and key not in changed]
    repeated.sort(key=lambda pair: -(pair[0].net or 0.0))
    for candidate, result in repeated[:FILES]:
        yield _finding(candidate, result)


def _finding(candidate: Candidate, result: Result) -> Finding:
    name = f"{candidate.root}\n{candidate.key}".encode("utf-8", "surrogatepass")
    digest = blake2b(name, digest_size=8)
    memory = format.tokens(candidate.memory_tokens)
    saving, cost = candidate.session_saving, candidate.memory_cost
    return Finding(
        id="F11",
        key=f"F11:{digest.hexdigest()}",
        severity="info",
        title=f"{candidate.key} was read in {candidate.sessions:,} sessions",
        action=f"Put what it says in about {memory} tokens into {words.BELONGS[candidate.belongs]}."
        if candidate.belongs != "map"
        else f"Put {words.BELONGS['map']} into CLAUDE.md, in about {memory} tokens.",
        basis=f"{format.tokens(candidate.tokens)} each time, {words.stability(candidate)};"
        f" a memory saves {format.money(saving, estimated=True)} a session and costs"
        f" {format.money(cost, estimated=True)}",
        saving=candidate.net,
        thread=MAIN,
        request=result.entered,
        evidence=(
            ("file", candidate.key),
            ("sessions", candidate.sessions),
            ("tokens", candidate.tokens),
            ("session_saving_usd", saving),
            ("memory_cost_usd", cost),
            ("belongs", candidate.belongs),
        ),
    )
