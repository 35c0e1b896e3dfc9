"""Every example that a reader may copy runs here, on the synthetic sample."""

from __future__ import annotations

import doctest
import importlib
import json
import pkgutil
import re
import types
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import synphys_frames as sf
from synphys_frames.examples import gallery

ROOT = Path(__file__).parent.parent
EXAMPLES = Path(sf.__file__).parent / "examples"
MODULES = sorted(module.name for module in pkgutil.walk_packages(sf.__path__, "synphys_frames."))
LEAST_EXAMPLES = 45


@pytest.fixture
def names(
    db: sf.SynphysDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> dict[str, Any]:
    monkeypatch.chdir(tmp_path)
    return {"sf": sf, "db": db, "pd": pd, "np": np, "folder": tmp_path}


def documented(name: str) -> list[doctest.DocTest]:
    """Return the examples of a module's own docstrings."""
    return [
        one
        for one in doctest.DocTestFinder(exclude_empty=True).find(importlib.import_module(name))
        if one.examples
    ]


@pytest.mark.parametrize("module", MODULES)
def test_docstrings(module: str, names: dict[str, Any]) -> None:
    runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS)
    for test in documented(module):
        test.globs.update(names)
        runner.run(test)
    assert runner.failures == 0


def test_the_examples_are_found() -> None:
    assert sum(len(documented(module)) for module in MODULES) >= LEAST_EXAMPLES


def test_the_package_docstring(names: dict[str, Any]) -> None:
    assert doctest.testmod(sf, extraglobs=names).failed == 0


def snippets(file: str) -> list[str]:
    return re.findall(r"^```python\n(.*?)^```", (ROOT / file).read_text(), re.MULTILINE | re.DOTALL)


def test_the_readme(names: dict[str, Any]) -> None:
    found = snippets("README.md")
    assert len(found) >= 8
    program = "\n".join(found)
    exec(compile(program, "README.md", "exec"), names)


PUBLIC = [getattr(sf, name) for name in sf.__all__ if callable(getattr(sf, name))] + [
    getattr(owner, name)
    for owner in (sf.SynphysDatabase, pd.DataFrame.synphys, sf.CellClass)  # type: ignore[attr-defined]
    for name in dir(owner)
    # Attributes of slots are told in the docstring of their class.
    if not name.startswith("_") and not isinstance(getattr(owner, name), types.MemberDescriptorType)
]


@pytest.mark.parametrize("thing", PUBLIC, ids=lambda thing: str(getattr(thing, "__name__", "?")))
def test_everything_public_is_documented(thing: Any) -> None:
    text = thing.__doc__
    assert text
    first = text.strip().splitlines()[0]
    assert first.endswith(".")
    assert len(first) > 15


def test_the_make_targets_are_told() -> None:
    makefile = (ROOT / "Makefile").read_text()
    contributing = (ROOT / "CONTRIBUTING.md").read_text()
    targets = re.findall(r"^([a-z-]+):.*## ", makefile, re.MULTILINE)
    assert {"help", "test", "test-slow", "test-oldest", "check"} <= set(targets)
    for target in set(targets) - {"clean"}:
        assert f"`make {target}`" in contributing


def test_the_tutorial(names: dict[str, Any]) -> None:
    notebook = json.loads((EXAMPLES / "tutorial.ipynb").read_text())
    program = "\n".join(
        "".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "code"
    )
    exec(compile(program, "tutorial.ipynb", "exec"), names)
    assert Path("connectivity.csv").exists()
    assert len(names["again"]) == len(names["pairs"])
    # Committed without output: what a reader sees is what they ran themselves.
    assert not any(cell.get("outputs") for cell in notebook["cells"])


def test_the_gallery(tmp_path: Path) -> None:
    gallery.main(tmp_path)
    made = {file.name for file in tmp_path.iterdir() if file.suffix == ".png"}
    committed = {file.name: file.stat().st_size for file in gallery.PICTURES.iterdir()}
    assert made == set(committed)
    assert max(committed.values()) <= 200_000
    readme = (ROOT / "README.md").read_text()
    for name in made:
        assert f"(synphys_frames/examples/pictures/{name})" in readme
