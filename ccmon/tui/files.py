"""Files that the user asks for: written into the working directory, never over another.

Nothing is ever written below a Claude config home, also when ccmon was started there.
"""

from collections.abc import Iterable
from itertools import count
from pathlib import Path

from ccmon.errors import CcmonError
from ccmon.settings import folder_around
from ccmon.snapshot import Place


def write_new(stem: str, suffix: str, text: str, places: Iterable[Place]) -> Path:
    """Write to the first free ``stem-N.suffix`` (``stem.suffix`` first); returns its whole path.

    Raises CcmonError when the working directory is a config home's, or cannot be written.
    """
    try:
        here = Path.cwd().resolve()
    except OSError as error:
        raise CcmonError("not written: the working directory is gone") from error
    if folder_around(here, (place.path for place in places)) is not None:
        raise CcmonError("not written: this is a Claude config folder", "start ccmon elsewhere")
    for number in count(1):
        path = here / (f"{stem}-{number}.{suffix}" if number > 1 else f"{stem}.{suffix}")
        try:
            with path.open("x", encoding="utf-8") as file:
                file.write(text)
        except FileExistsError:
            continue
        except OSError as error:
            raise CcmonError(f"not written: {error.strerror or error}") from error
        return path
    raise AssertionError("numbers do not end")
