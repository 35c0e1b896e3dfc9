"""What is installed: declared, with an oldest version, which CI installs."""

from __future__ import annotations

import ast
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

import synphys_frames as sf

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
PACKAGE = Path(sf.__file__).parent


def requirements(*extras: str) -> list[Requirement]:
    lines = list(PROJECT["dependencies"])
    for extra in extras:
        lines += PROJECT["optional-dependencies"][extra]
    return [
        requirement
        for requirement in map(Requirement, lines)
        if requirement.name != PROJECT["name"]
    ]


def oldest(requirement: Requirement) -> list[str]:
    return [part.version for part in requirement.specifier if part.operator in (">=", "==")]


def imported(folder: Path) -> set[str]:
    """Return the packages that the modules of a folder import, the standard library left out."""
    names = set()
    for path in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and not node.level:
                names.add(str(node.module).split(".")[0])
    return names - set(sys.stdlib_module_names) - {"synphys_frames"}


def test_the_constraints_are_the_oldest_versions_declared() -> None:
    lines = (ROOT / ".ci" / "oldest.txt").read_text(encoding="utf-8").splitlines()
    pinned = [line for line in lines if not line.startswith("#")]
    declared = [
        f"{requirement.name}=={version}"
        for requirement in requirements("plot", "test")
        for version in oldest(requirement)
    ]
    assert len(declared) > 12
    assert sorted(pinned) == sorted(declared)


@pytest.mark.parametrize("extra", sorted(PROJECT["optional-dependencies"]))
def test_every_requirement_has_one_oldest_version(extra: str) -> None:
    assert {len(oldest(requirement)) for requirement in requirements(extra)} == {1}


def test_whatever_is_imported_is_declared() -> None:
    declared = {requirement.name.replace("-", "_") for requirement in requirements("plot")}
    names = imported(PACKAGE)
    assert {"duckdb", "numpy", "pandas"} <= names
    assert names - declared == set()
