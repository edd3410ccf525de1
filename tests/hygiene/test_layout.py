"""The shape of the repository: names, sizes, no trace of one machine, a README that agrees."""

import re
import subprocess
import tomllib
from pathlib import Path

import pytest

from ccmon import __version__
from ccmon.tui.commands import readme_table

ROOT = Path(__file__).parent.parent.parent
TOP_LEVEL = {"ccmon", "tests", "screenshots", "pyproject.toml", "README.md", "LICENSE"}
VAGUE = {"utils", "util", "core", "common", "helpers", "helper", "manager", "misc"}
LONGEST_MODULE = 400

_OUTSIDE = re.compile(r"\.\./shared\b|/work/(?:main|shared|\.)|/opt/venv|/root/|/Users/[a-z]")
_NOT_OURS = ("tests/corpus/", "tests/golden/files/")


def tracked() -> list[Path]:
    """Files of the repository; outside a checkout, those of the source folder."""
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if listed.returncode != 0:
        pytest.skip("not a git checkout")
    return [ROOT / name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]


def modules() -> list[Path]:
    return [path for folder in ("ccmon", "tests") for path in sorted((ROOT / folder).rglob("*.py"))]


def test_the_top_level_holds_only_what_it_should() -> None:
    visible = {path.relative_to(ROOT).parts[0] for path in tracked()}
    assert {name for name in visible if not name.startswith(".")} <= TOP_LEVEL


def test_no_module_outgrows_a_reader() -> None:
    lines = {
        path: sum(bool(line.strip()) for line in path.read_text().splitlines())
        for path in modules()
    }
    assert {path.name: count for path, count in lines.items() if count > LONGEST_MODULE} == {}


def test_no_name_says_nothing() -> None:
    words = {path: set(re.split(r"[_/.]", str(path.relative_to(ROOT)))) for path in modules()}
    assert [path for path, parts in words.items() if parts & VAGUE] == []


def test_no_tracked_text_names_a_place_on_one_machine() -> None:
    found = []
    for path in tracked():
        name = str(path.relative_to(ROOT))
        if name.startswith(_NOT_OURS) or path == Path(__file__):
            continue
        try:
            text = path.read_text()
        except UnicodeDecodeError:
            continue
        found += [f"{name}: {match[0]}" for match in _OUTSIDE.finditer(text)]
    assert found == []


def test_the_readme_shows_the_keys_of_the_command_table() -> None:
    readme = (ROOT / "README.md").read_text()
    shown = readme.partition("<!-- keys -->\n")[2].partition("<!-- /keys -->")[0]
    assert shown.strip() == readme_table().strip()


def test_what_the_readme_links_to_is_there() -> None:
    readme = (ROOT / "README.md").read_text()
    links = re.findall(r"\]\((?!https?:|#)([^)]+)\)", readme)
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_the_changelog_knows_this_version() -> None:
    changelog = (ROOT / ".github" / "CHANGELOG.md").read_text()
    assert f"## [{__version__}]" in changelog


def test_ci_takes_its_test_command_from_the_readme() -> None:
    script = (ROOT / ".ci" / "run").read_text()
    (pattern,) = re.findall(r"sed -n '/(.*)/p' README\.md", script)
    commands = re.findall(f"{pattern}.*$", (ROOT / "README.md").read_text(), re.MULTILINE)
    assert len(commands) == 1
    assert ".venv/bin/pip install -q '.[dev]' && .venv/bin/pytest" in commands[0]


def test_the_package_version_is_the_only_one() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert "version" in project["project"]["dynamic"]
    assert project["tool"]["hatch"]["version"]["path"] == "ccmon/__init__.py"
