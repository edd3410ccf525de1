"""The wheel holds the package and what it needs at run time, and nothing else."""

import subprocess
import sys
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest

from ccmon import __version__

ROOT = Path(__file__).parent.parent.parent
DATA = {
    "ccmon/py.typed",
    "ccmon/demo/recording.z",
    "ccmon/ledger/cl100k.z",
    "ccmon/ledger/prices.json",
    "ccmon/tui/app.tcss",
}
LARGEST = 1_250_000
"""Bytes; a wheel that grows beyond has swallowed something."""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """A wheel built without a network, by the build back end that is installed."""
    pytest.importorskip("hatchling", reason="the build back end is only fetched by a full build")
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder)]
    done = subprocess.run([*command, str(ROOT)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (built,) = folder.glob("*.whl")
    assert built.stat().st_size < LARGEST
    return zipfile.ZipFile(built)


def test_the_wheel_holds_every_module_and_all_data(wheel: zipfile.ZipFile) -> None:
    modules = {str(path.relative_to(ROOT)) for path in (ROOT / "ccmon").rglob("*.py")}
    inside = {name for name in wheel.namelist() if ".dist-info/" not in name}
    assert inside >= modules | DATA
    assert {name for name in inside - modules if not name.endswith(".tcss")} <= DATA


def test_the_wheel_has_the_command_and_the_licence(wheel: zipfile.ZipFile) -> None:
    info = f"ccmon_tui-{__version__}.dist-info"
    assert "ccmon = ccmon.__main__:run" in wheel.read(f"{info}/entry_points.txt").decode()
    assert f"{info}/licenses/LICENSE" in wheel.namelist()


def test_the_wheel_needs_only_what_it_uses(wheel: zipfile.ZipFile) -> None:
    metadata = Parser().parsestr(wheel.read(f"ccmon_tui-{__version__}.dist-info/METADATA").decode())
    needed = [line for line in metadata.get_all("Requires-Dist", []) if "extra ==" not in line]
    names = {line.split(">")[0].split("<")[0].strip() for line in needed}
    assert names == {"humanize", "msgspec", "platformdirs", "textual", "tiktoken", "watchfiles"}
