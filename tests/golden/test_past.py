"""Golden bytes of the history and of the memory, as text and for machines."""

import json
import re
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import get_args

import pytest
from msgspec import structs

from ccmon import words
from ccmon.measures import Usage
from ccmon.past import By, Candidate, History, Kept, Memory, Query
from ccmon.report import safe
from ccmon.report.history import render_history
from ccmon.report.memory import memory_json, render_memory
from ccmon.report.past_rows import history_csv, history_json
from ccmon.report.text import Page
from tests.golden.kept import FILES, HOSTILE, check
from tests.sample_past import CANDIDATES, WORK, Cell, sample_history, sample_memory

PAGE = Page()


@pytest.fixture(autouse=True)
def _fixed_version(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("past_rows", "memory"):
        monkeypatch.setattr(f"ccmon.report.{module}.__version__", "0.1.0")


@pytest.mark.parametrize("by", get_args(By))
def test_the_history_by(by: By) -> None:
    check(f"history-{by}.txt", render_history(sample_history(by), PAGE).encode())


def test_the_history_on_a_wide_colour_terminal() -> None:
    page = Page(table_columns=120, color=True)
    check("history-wide.txt", render_history(sample_history("session"), page).encode())


def test_the_history_where_only_ascii_is_known() -> None:
    text = render_history(sample_history("session"), Page(encoding="ascii"))
    assert text.isascii()
    check("history-ascii.txt", text.encode())


def test_the_document_of_the_history() -> None:
    check("history.json", history_json(sample_history("day")))


def test_the_document_of_sessions() -> None:
    check("history-session.json", history_json(sample_history("session")))


def test_the_history_as_csv() -> None:
    check("history.csv", history_csv(sample_history("session")))


def test_what_a_memory_would_save() -> None:
    check("memory.txt", render_memory(sample_memory(), PAGE).encode())


def test_what_a_memory_would_save_in_colour() -> None:
    page = Page(table_columns=120, color=True)
    check("memory-color.txt", render_memory(sample_memory(), page).encode())


def test_nothing_is_found_out_again() -> None:
    check("memory-none.txt", render_memory(sample_memory(()), PAGE).encode())


def test_the_document_of_the_memory() -> None:
    check("memory.json", memory_json(sample_memory()))


def test_what_is_not_kept_is_not_said_to_be() -> None:
    warned = structs.replace(sample_history(), warning="The history is not kept: no space.")
    text = render_history(warned, PAGE)
    assert "The history is not kept: no space." in text
    assert words.RETENTION not in text
    assert words.RETENTION in render_history(sample_history(), PAGE)


FIRST, LAST = date(2026, 11, 1), date(2026, 11, 12)


def part(query: Query, cells: Sequence[Cell]) -> History:
    """A part of the past; what is kept stays that of everything."""
    shown, everything = sample_history("day", cells), sample_history().kept
    asked = structs.replace(shown.kept, files=5, bytes=3_120_000, malformed_lines=0)
    return structs.replace(shown, query=query, kept=everything, asked=asked)


def test_the_end_of_a_part_is_the_part_that_was_asked_for() -> None:
    within = [cell for cell in WORK if cell.day and FIRST <= cell.day <= LAST]
    shown = part(Query(since=FIRST, until=LAST), within)
    check("history-part.txt", render_history(shown, PAGE).encode())


@pytest.mark.parametrize(
    ("query", "span"),
    [
        (Query(since=date(2026, 10, 1)), "since 2026-10-01   3 sessions   5 files, 3.1 MB   "),
        (Query(until=date(2026, 11, 30)), "until 2026-11-30   3 sessions   5 files, 3.1 MB   "),
        (Query(project="shop-api"), "since 2026-10-19   project shop-api   3 sessions   5 files, "),
    ],
)
def test_a_part_names_what_it_is_of_and_counts_nothing_else(query: Query, span: str) -> None:
    shop = [cell for cell in WORK if cell.session.project == "shop-api"]
    shown = part(query, shop)
    _, below = render_history(shown, PAGE).split("\n\n")
    assert below.startswith(span)
    assert "\nno longer on disk: 137 requests of 1 session\n" in below
    assert "malformed" not in below
    assert "12 files" not in below
    document = json.loads(history_json(shown))
    assert (document["asked"]["files"], document["kept"]["files"]) == (5, 12)
    assert document["asked"]["unreadable_files"] is None
    unreadable = structs.replace(shown, kept=Kept(unreadable_files=2))
    assert "not counted: 2 unreadable paths" in render_history(unreadable, PAGE)


@pytest.mark.parametrize("columns", range(40, 121, 4))
def test_no_column_is_explained_that_is_not_there(columns: int) -> None:
    page = Page(table_columns=columns)
    head, *lines = render_history(sample_history(), page).splitlines()
    below = " ".join(lines[lines.index("") :])
    spent = re.search(r"((?:(?:read|rewr|new|outp) )*\S+): where the money went", below)
    told = set(spent[1].split()) if spent else set()
    told |= {"wasted"} if "wasted:" in below else set()
    assert told == {"read", "rewr", "new", "outp", "wasted"} & set(head.split())

    head, *lines = render_memory(sample_memory(), page).splitlines()
    below = " ".join(lines[lines.index("") :])
    told = {"saves"} if "saves by" in below else set()
    told |= {"costs"} if "costs by" in below else set()
    assert told == {"saves", "costs"} & set(head.split())
    assert ("net of the two" in below) is (told == {"saves", "costs"})


def test_a_column_of_money_has_one_precision() -> None:
    tiny = structs.replace(WORK[0], session=WORK[-1].session, usage=Usage(10, 0, 0, 0, 0, 1))
    text = render_history(sample_history("session", [*WORK[:1], tiny]), PAGE)
    shown = re.findall(r"\$[\d.]+", text)
    assert shown == ["$3.78", "$0.01", "$3.78"]
    assert "<$0.01" in text
    decimals = {
        len(money.partition(".")[2])
        for line in render_memory(sample_memory(), PAGE).splitlines()
        for money in re.findall(r"\$[\d.]+", line)[1:]
    }
    assert decimals == {3}


def test_projects_of_one_name_are_told_apart() -> None:
    roots = ("/src/acme/api", "/src/beta/api", "/old/beta/api", "")
    found = [candidate(project="api", root=root) for root in roots]
    shown = render_memory(sample_memory([*found, candidate(project="web", root="/web")]), PAGE)
    for name in ("acme/api", "src/beta/api", "old/beta/api", "api", "web"):
        assert f"\n    {name}, stable" in shown
    documents = json.loads(memory_json(sample_memory(found)))["candidates"]
    assert [each["project_root"] for each in documents] == [*roots[:3], None]


def hostile_history(by: By) -> History:
    shown = sample_history(by)
    changed = tuple(
        structs.replace(group, key=HOSTILE, name=HOSTILE * 9, project=HOSTILE, models=(HOSTILE,))
        for group in shown.groups
    )
    return structs.replace(shown, groups=changed, timezone=HOSTILE, warning=HOSTILE * 5)


def hostile_memory() -> Memory:
    changed = [structs.replace(each, key=HOSTILE * 9, project=HOSTILE * 3) for each in CANDIDATES]
    return structs.replace(sample_memory(changed), warning=HOSTILE * 5)


def is_harmless(text: str) -> bool:
    return all(character.isprintable() for character in text.replace("\n", ""))


@pytest.mark.parametrize("columns", [40, 57, 80, 120])
@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
@pytest.mark.parametrize("by", get_args(By))
def test_hostile_names_stay_inside_the_page(by: By, columns: int, encoding: str) -> None:
    page = Page(table_columns=columns, encoding=encoding)
    for text in (render_history(hostile_history(by), page), render_memory(hostile_memory(), page)):
        assert is_harmless(text)
        assert max(safe.width(line) for line in text.splitlines()) <= columns
        assert "pwned" not in text


def test_hostile_names_are_harmless_to_machines_and_their_terminals() -> None:
    for data in (history_json(hostile_history("session")), memory_json(hostile_memory())):
        assert is_harmless(data.decode())
    rows = history_csv(hostile_history("session")).decode()
    assert is_harmless(rows.replace("\r", ""))


@pytest.mark.parametrize("factor", [1, 1_000, 1_000_000])
@pytest.mark.parametrize("by", get_args(By))
def test_figures_of_any_size_are_shown_whole_in_80_columns(by: By, factor: int) -> None:
    cells = [
        structs.replace(
            cell,
            requests=cell.requests * factor,
            usage=sum([cell.usage] * 3, cell.usage),
            busts=cell.busts * factor,
        )
        for cell in WORK
    ]
    shown = sample_history(by, cells)
    text = render_history(shown, PAGE)
    assert max(map(safe.width, text.splitlines())) <= 80
    assert f"{shown.totals.requests:,}" in text
    assert f"{shown.totals.busts:,}" in text


@pytest.mark.parametrize("by", get_args(By))
def test_groups_and_what_has_no_day_add_up_to_the_total(by: By) -> None:
    shown = sample_history(by)
    undated = sum(cell.requests for cell in WORK if cell.day is None) if by == "day" else 0
    counted = sum(group.sums.requests for group in shown.groups)
    assert counted + undated == shown.totals.requests
    told = "in the total alone: 2 requests without a time" in render_history(shown, PAGE)
    assert told is (undated == 2)


def candidate(**changes: object) -> Candidate:
    return structs.replace(CANDIDATES[0], **changes)


def test_advice_names_what_decided_it() -> None:
    shown = render_memory(
        sample_memory(
            [
                candidate(recommended=False, session_saving=0.05),
                candidate(recommended=False, belongs="nothing", key="docs/CLAUDE.md"),
                candidate(memory_cost=0.0),
                candidate(memory_cost=None, recommended=False),
            ]
        ),
        PAGE,
    )
    assert "leave it: saves 1.3x its cost, worth it above 2x" in shown
    assert "leave it: it is part of a memory already" in shown
    assert "leave it: its model costs nothing" in shown
    assert "no advice: the price of its model is not known" in shown


@pytest.mark.parametrize("name", ["history-month.txt", "memory.txt"])
def test_the_readme_shows_what_is_printed(name: str) -> None:
    readme = (Path(__file__).parents[2] / "README.md").read_text()
    assert f"```text\n{(FILES / name).read_text()}```" in readme
