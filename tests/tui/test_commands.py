"""One table of commands: bindings, footers and the README cannot disagree."""

from typing import get_args

import pytest

from ccmon.tui.commands import COMMANDS, FOOTERS, TABS, Place, at, bindings, footer, readme_table

PLACES: tuple[Place, ...] = get_args(Place)


@pytest.mark.parametrize("place", PLACES)
def test_no_key_means_two_things_in_one_place(place: Place) -> None:
    keys = [key for command in {*at("all"), *at(place)} for key in command.keys.split(",")]
    assert len(keys) == len(set(keys))


@pytest.mark.parametrize("place", PLACES)
def test_every_footer_names_keys_that_work_there(place: Place) -> None:
    pairs = footer(place)
    assert [key for key, _ in pairs] == FOOTERS[place].split()
    assert all(word for _, word in pairs)


@pytest.mark.parametrize("place", PLACES)
def test_bindings_are_the_commands_of_the_place(place: Place) -> None:
    assert len(bindings(place)) == len(at(place))


def test_keys_that_share_a_word_share_a_pair() -> None:
    assert ("n/N", "bust") in footer("requests")


def test_every_tab_has_a_command_with_its_number() -> None:
    for tab in TABS:
        (command,) = (command for command in COMMANDS if command.keys == tab.key)
        assert command.action == f"tab('{tab.mode}')"


def test_the_readme_table_has_a_row_for_every_command() -> None:
    rows = readme_table().splitlines()
    assert len(rows) == 2 + len(COMMANDS)
    assert "| `p` | freeze the screens; counting goes on | everywhere |" in rows
