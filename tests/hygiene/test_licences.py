"""What comes along: every package is known, is under a licence that allows it, and has its row."""

import re
import tomllib
from collections.abc import Iterable, Iterator
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parent.parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS: dict[str, list[str]] = PROJECT["optional-dependencies"]
NEEDED: list[str] = PROJECT["dependencies"]
OPTIONAL = [line for name, lines in EXTRAS.items() if name != "dev" for line in lines]

ALLOWED = frozenset(
    {
        "0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "CNRI-Python", "ISC", "MIT",
        "MPL-2.0", "PSF-2.0", "Python-2.0", "Unlicense", "Zlib",
    }
)  # fmt: skip
"""Licences of what users get, by their SPDX names."""
ALLOWED_FOR_TOOLS = ALLOWED | {"LGPL-3.0"}
"""Licences of what only those get who work on ccmon."""
SPELLED = {
    "Apache 2.0": "Apache-2.0",
    "Apache License 2.0": "Apache-2.0",
    "Apache Software License": "Apache-2.0",
    "BSD 2-Clause License": "BSD-2-Clause",
    "BSD License": "BSD-3-Clause",
    "GNU Lesser General Public License v3 (LGPLv3)": "LGPL-3.0",
    "MIT License": "MIT",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "Python Software Foundation License": "PSF-2.0",
}
"""How packages write them that were made before these names were asked for."""


def canonical(name: str) -> str:
    """The name by which packages are compared."""
    return re.sub(r"[-_.]+", "-", name).lower()


def name_of(line: str) -> str:
    return canonical(Requirement(line).name)


def installed(lines: Iterable[str]) -> dict[str, Distribution]:
    """The packages that these requirements bring here, what they need themselves included."""
    found: dict[str, Distribution] = {}
    todo = [(line, "") for line in lines]
    while todo:
        line, extra = todo.pop()
        need = Requirement(line)
        name = canonical(need.name)
        if name in found or (need.marker and not need.marker.evaluate({"extra": extra})):
            continue
        try:
            found[name] = distribution(need.name)
        except PackageNotFoundError:
            continue
        requires = found[name].requires or []
        todo += [(each, chosen) for each in requires for chosen in ("", *need.extras)]
    return found


def licence(package: Distribution) -> str:
    """The licence as an SPDX expression, from whichever field has it."""
    about = package.metadata.json
    named = about.get("license_expression") or str(about.get("license", "")).partition("\n")[0]
    if not named or len(named) > 40:
        classifiers = about.get("classifier", [])
        named = " AND ".join(c.split(" :: ")[-1] for c in classifiers if c.startswith("License"))
    assert isinstance(named, str)
    return SPELLED.get(named.strip(), named.strip())


def is_allowed(expression: str, allowed: frozenset[str]) -> bool:
    """Whether one alternative of an SPDX expression consists of allowed licences."""
    alternatives = re.sub(r"[()]", "", expression).split(" OR ")
    return any(allowed.issuperset(each.split(" AND ")) for each in alternatives)


def megabytes(package: Distribution) -> float:
    """What it takes on disk, bytecode apart."""
    files = [Path(str(each.locate())) for each in package.files or [] if each.suffix != ".pyc"]
    return sum(file.stat().st_size for file in files if file.is_file()) / 1e6


def table() -> Iterator[tuple[str, str, str, float]]:
    """The rows of the table of dependencies: name, reason, licence, MB."""
    text = (ROOT / ".github" / "CONTRIBUTING.md").read_text()
    part = text.partition("## Dependencies\n")[2].partition("\n## ")[0]
    for line in part.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) == 4 and re.fullmatch(r"[\d.]+", cells[3]):
            yield cells[0], cells[1], cells[2], float(cells[3])


ROWS = {name: (reason, named, weight) for name, reason, named, weight in table()}


def test_the_table_begins_with_what_is_asked_for() -> None:
    asked = [*sorted(map(name_of, NEEDED)), *sorted(map(name_of, OPTIONAL))]
    assert list(ROWS)[: len(asked)] == asked
    assert all(reason and named for reason, named, _ in ROWS.values())


def test_whatever_comes_along_has_its_row() -> None:
    found = installed([*NEEDED, *OPTIONAL])
    assert len(found) > len(NEEDED)
    assert sorted(found.keys() - ROWS.keys()) == []


def test_the_rows_say_what_the_packages_say() -> None:
    for name, package in installed([*NEEDED, *OPTIONAL]).items():
        _, named, weight = ROWS[name]
        assert licence(package) == named, name
        assert weight / 2 <= megabytes(package) + 0.05 <= 2 * weight + 0.1, name


def test_users_get_nothing_under_a_licence_that_is_not_allowed() -> None:
    found = installed([*NEEDED, *OPTIONAL])
    licences = {name: licence(package) for name, package in found.items()}
    assert {name: each for name, each in licences.items() if not is_allowed(each, ALLOWED)} == {}


def test_tools_are_under_licences_that_allow_their_use() -> None:
    licences = {name: licence(package) for name, package in installed(EXTRAS["dev"]).items()}
    strange = {n: each for n, each in licences.items() if not is_allowed(each, ALLOWED_FOR_TOOLS)}
    assert strange == {}


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("MIT", True),
        ("Apache-2.0 AND CNRI-Python", True),
        ("GPL-3.0-only OR BSD-2-Clause", True),
        ("MIT AND GPL-3.0-only", False),
        ("AGPL-3.0-or-later", False),
        ("", False),
        ("Proprietary", False),
    ],
)
def test_a_licence_is_allowed_when_one_alternative_is_wholly(
    expression: str, expected: bool
) -> None:
    assert is_allowed(expression, ALLOWED) is expected
