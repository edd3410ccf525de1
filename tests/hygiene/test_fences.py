"""The fences of ``conftest.py`` hold, so that no test can read a real session."""

import os
import pwd
import socket
import time
from pathlib import Path

import pytest

import tests.conftest as fences


def _forget_trespass() -> None:
    assert fences._trespasses
    fences._trespasses.clear()


@pytest.mark.parametrize("name", ["settings.json", "projects/shop/4c1f9a20.jsonl", "../.claude/x"])
def test_reading_below_the_real_config_home_fails_the_test(name: str) -> None:
    real_home = Path(pwd.getpwuid(os.getuid()).pw_dir)
    with pytest.raises(fences.TrespassError, match="real config home"):
        (real_home / ".claude" / name).open().close()
    _forget_trespass()


def test_listing_the_real_config_home_fails_the_test() -> None:
    real_home = Path(pwd.getpwuid(os.getuid()).pw_dir)
    with pytest.raises(fences.TrespassError, match="real config home"):
        list((real_home / ".claude").iterdir())
    _forget_trespass()


def test_connecting_or_resolving_a_name_fails_the_test() -> None:
    with pytest.raises(fences.TrespassError, match="offline"):
        socket.getaddrinfo("localhost", 80)
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as connection,
        pytest.raises(fences.TrespassError, match="offline"),
    ):
        connection.connect(("127.0.0.1", 9))
    _forget_trespass()


def test_the_home_is_a_scratch_folder_in_utc(scratch_home: Path, config_home: Path) -> None:
    assert Path.home() == scratch_home
    assert os.environ["CLAUDE_CONFIG_DIR"] == str(config_home)
    assert list(config_home.iterdir()) == []
    assert time.tzname == ("UTC", "UTC")
    assert not [name for name in os.environ if name.startswith("CCMON_")]


async def test_an_event_loop_still_runs_behind_the_fences(scratch_home: Path) -> None:
    assert scratch_home.is_dir()
