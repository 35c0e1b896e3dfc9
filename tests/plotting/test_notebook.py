"""Pictures in a real kernel, whose inline backend is first switched on by the first picture."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

import synphys_frames as sf

TUTORIAL = Path(sf.__file__).parent / "examples" / "tutorial.ipynb"
SETTING_UP = """
import synphys_frames as sf
pairs = sf.load_sqlite({path!r}).pairs(include=["cell", "synapse"])
classes = {{kind: sf.CellClass(cell_class=kind) for kind in ("ex", "in")}}
"""
FIRST = "pairs.synphys.plot.connectivity(classes);"
SECOND = "pairs.synphys.plot.distance(model=None);"
OWN = """
from matplotlib import pyplot as plt
plt.plot([1, 2, 3]);
"""


def needed(name: str) -> Any:
    """Return a package of the extra `test`; CI counts the test as skipped where it is missing."""
    return pytest.importorskip(name, reason=f"{name} is missing: pip install -e '.[test]'")


def run(notebook: Any) -> list[Any]:
    """Return the code cells of a notebook after a kernel has run them, one after the other."""
    needed("nbclient").NotebookClient(notebook, timeout=120, kernel_name="python3").execute()
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def pictures(cell: Any) -> int:
    return sum("image/png" in output.get("data", {}) for output in cell.outputs)


@pytest.fixture(autouse=True)
def _as_a_user_starts_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    needed("ipykernel")
    # Where it is set, the kernel does not choose its own.
    monkeypatch.delenv("MPLBACKEND")
    # The kernel runs this package, whichever is installed, and writes where nothing else lies.
    monkeypatch.setenv("PYTHONPATH", str(TUTORIAL.parents[2]), prepend=os.pathsep)
    monkeypatch.chdir(tmp_path)
    # IPython warns of a home that is not there.
    (tmp_path / "home").mkdir()


@pytest.mark.parametrize("order", [(FIRST, SECOND, OWN), (SECOND, OWN, FIRST), (OWN, FIRST, OWN)])
def test_every_cell_shows_its_picture(sample_path: Path, order: tuple[str, ...]) -> None:
    notebooks = needed("nbformat").v4
    sources = (SETTING_UP.format(path=str(sample_path)), *order)
    cells = run(
        notebooks.new_notebook(cells=[notebooks.new_code_cell(source) for source in sources])
    )
    assert [pictures(cell) for cell in cells] == [0, 1, 1, 1]


def test_the_tutorial_shows_both_of_its_pictures() -> None:
    cells = run(needed("nbformat").read(TUTORIAL, as_version=4))
    shown = {cell.source: pictures(cell) for cell in cells}
    drawn = {source: count for source, count in shown.items() if ".plot." in source}
    assert list(drawn.values()) == [1, 1]
    assert sum(shown.values()) == 2
