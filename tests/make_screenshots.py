"""Pictures of the real app playing the demo recording: ``python -m tests.make_screenshots``.

Writes SVG files into ``screenshots/``, and the PNG that the README shows where a
headless Chromium is installed. The clock stands still, so the same code gives the same pictures.
"""

import asyncio
import math
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from ccmon import demo
from ccmon.history.archive import Archive
from ccmon.monitor import Monitor, Scope
from ccmon.settings import load_settings
from ccmon.transcripts.locate import config_homes
from ccmon.tui.app import CcmonApp

FOLDER = Path(__file__).parent.parent / "screenshots"
NOW = 1_795_442_782.0
"""2026-11-23 14:06:22 UTC."""
_FONT = "JetBrains Mono, DejaVu Sans Mono, Menlo, Consolas, monospace"
_WEB_FONTS = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Shot:
    """One picture: what to press, at which size, in which theme."""

    name: str
    width: int = 100
    height: int = 30
    keys: tuple[str, ...] = ()
    theme: str = "dark"


SHOTS = (
    Shot("overview"),
    Shot("overview-light", theme="light"),
    Shot("overview-ansi", theme="ansi"),
    Shot("overview-wide", 160, 45),
    Shot("overview-narrow", 60, 20),
    Shot("requests", keys=("2", "j", "j")),
    Shot("request", keys=("2", "j", "j", "enter")),
    Shot("context", keys=("3",)),
    Shot("context-ansi", keys=("3",), theme="ansi"),
    Shot("cache", keys=("4",)),
    Shot("sessions", keys=("5",)),
    Shot("history", keys=("5", "h", "b", "b", "b")),
    Shot("help", keys=("question_mark",)),
)


async def shoot(shot: Shot, home: Path) -> str:
    """The app as it looks after the keys, as SVG."""
    homes = config_homes([str(home)], {}, home)
    settings = load_settings({}, overrides={"theme": shot.theme})
    monitor = Monitor(homes, settings, Scope(live=True), clock=lambda: NOW)
    past = partial(Archive, homes, settings, None, clock=lambda: NOW)
    app = CcmonApp(lambda: monitor, settings, past=past, clock=lambda: NOW)
    async with app.run_test(size=(shot.width, shot.height)) as pilot:
        async with asyncio.timeout(20):
            while app.snapshot is None or app.snapshot.progress.loading:
                await asyncio.sleep(0.02)
        for key in shot.keys:
            await pilot.press(key)
            await pilot.pause()
        await pilot.pause(0.3)
        async with asyncio.timeout(20):
            while app.past.reading:
                await pilot.pause(0.02)
        await pilot.pause(0.3)
        return app.export_screenshot(title="ccmon")


def offline(svg: str) -> str:
    """The picture with fonts of the reader's machine instead of fonts from the network."""
    return _WEB_FONTS.sub("", svg).replace("Fira Code", _FONT)


def _paint(picture: Path) -> None:
    """The picture as PNG, drawn by a browser: other converters ignore the cell widths."""
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    size = re.search(r'viewBox="0 0 ([0-9.]+) ([0-9.]+)"', picture.read_text())
    if browser is None or size is None:
        return
    width, height = (math.ceil(float(side)) for side in size.groups())
    command = [browser, "--headless", "--no-sandbox", "--hide-scrollbars", "--disable-gpu"]
    command += ["--default-background-color=00000000", f"--window-size={width},{height}"]
    command += [f"--screenshot={picture.with_suffix('.png')}", picture.as_uri()]
    subprocess.run(command, check=True, capture_output=True, timeout=60)


def main(names: list[str]) -> int:
    """Makes all pictures, or those that are named."""
    os.environ["TZ"] = "UTC"
    time.tzset()
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        os.environ["HOME"] = os.environ["XDG_CONFIG_HOME"] = scratch
        home = Path(scratch) / "demo"
        demo.play(home, live=False, now=NOW)
        for shot in SHOTS:
            if names and shot.name not in names:
                continue
            picture = FOLDER / f"{shot.name}.svg"
            picture.write_text(offline(asyncio.run(shoot(shot, home))))
            sys.stdout.write(f"{picture.name}\n")
    _paint(FOLDER / "overview.svg")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
