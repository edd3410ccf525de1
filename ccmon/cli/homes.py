"""The config homes to read, and what may not be written into them."""

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ccmon.cli.arguments import DEFAULT_HOMES
from ccmon.errors import CcmonError

if TYPE_CHECKING:
    from ccmon.transcripts.locate import Home

EXIT_NOTHING = 3
NO_TRANSCRIPTS = "no Claude Code transcripts"


def chosen_homes(config_dirs: Sequence[str]) -> "tuple[Home, ...]":
    """The homes that were named, else those of the environment.

    Raises CcmonError for one that was named and is not there.
    """
    from ccmon.transcripts.locate import config_homes

    homes = config_homes(config_dirs, os.environ, Path.home())
    for home in homes:
        if config_dirs and not home.found:
            raise CcmonError(f"--config-dir: no such folder: {home.path}", "name a folder")
    return homes


def nothing_in(homes: "Iterable[Home]", what: str = NO_TRANSCRIPTS) -> CcmonError:
    """The failure that says where nothing was found."""
    places = (f"{home.path}/projects{'' if home.found else ' (not there)'}" for home in homes)
    hint = "start a session with `claude`, or name a folder: ccmon --config-dir DIR"
    return CcmonError(f"{what} in {', '.join(places)}", hint, EXIT_NOTHING)


def refuse_to_write(option: str, file: str, homes: "Iterable[Home]") -> None:
    """Raise CcmonError when ``file`` lies in a config home or is a file that ccmon lives on.

    Links are followed, so it matters where it lies and not how it is called.
    """
    from ccmon.settings import folder_around

    real = Path(os.path.realpath(Path(file).expanduser()))
    if _is_of_ccmon(real):
        raise CcmonError(f"{option}: {file} is a file of ccmon itself", "name another file")
    forbidden = [home.path for home in homes]
    forbidden += [str(Path(home).expanduser()) for home in DEFAULT_HOMES]
    if folder_around(real, forbidden) is not None:
        raise CcmonError(f"{option}: {file} is in a Claude config folder", "name another place")


def _is_of_ccmon(real: Path) -> bool:
    """Whether it is the index of the history with what SQLite keeps beside it, a report of the
    status line, or the settings.
    """
    from ccmon.history import INDEX_FILE
    from ccmon.reported import reports_folder
    from ccmon.settings import own_folder

    reports = Path(os.path.realpath(reports_folder(os.environ)))
    named = os.environ.get("CCMON_CONFIG") or own_folder("config") / "config.toml"
    is_settings = real == Path(os.path.realpath(Path(named).expanduser()))
    is_index = real.parent == reports.parent and real.name.startswith(INDEX_FILE)
    return is_settings or is_index or real.is_relative_to(reports)
