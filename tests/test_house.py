"""The floors of the house: which room may import which. CONTRIBUTING.md draws this list."""

from __future__ import annotations

import ast
import re
from graphlib import TopologicalSorter
from pathlib import Path
from typing import NamedTuple

import pytest

import synphys_frames as sf

PACKAGE = Path(sf.__file__).parent
CONTRIBUTING = PACKAGE.parent / "CONTRIBUTING.md"
MOST_LINES = 450

# Lowest first; rooms of one floor do not import each other.
FLOORS = (
    (
        *("_apart", "_cached_property", "_command", "_files", "_machine", "_typing", "_version"),
        "errors",
    ),
    ("_arguments", "schema"),
    ("options",),
    ("environment", "releases"),
    ("backends", "figures"),
    ("columns",),
    ("query",),
    ("database",),
    ("analysis", "synthetic"),
    ("plotting",),
    ("accessor",),
    ("__init__",),
    ("cli", "examples"),
)
FLOOR_OF = {room: floor for floor, rooms in enumerate(FLOORS) for room in rooms}


class Import(NamedTuple):
    """One name that a module takes from another."""

    module: str
    source: str
    name: str


def module_name(path: Path) -> str:
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts)


MODULES = {module_name(path): path for path in sorted(PACKAGE.rglob("*.py"))}


def room(module: str) -> str:
    return module.split(".")[0]


def imports(module: str, tree: ast.AST) -> list[Import]:
    """Return every import of the package's own names, wherever in the module it stands."""
    path = MODULES[module]
    folder = path.parent.relative_to(PACKAGE).parts
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            targets = [alias.name for alias in node.names]
            assert not [one for one in targets if one.startswith("synphys_frames.")], module
            if "synphys_frames" in targets:
                found.append(Import(module, "__init__", "synphys_frames"))
        if not isinstance(node, ast.ImportFrom):
            continue
        if node.level:
            base = folder[: len(folder) - node.level + 1]
        elif node.module and node.module.split(".")[0] == "synphys_frames":
            base = ()
        else:
            continue
        below = (node.module or "").removeprefix("synphys_frames").strip(".")
        source = ".".join([*base, *filter(None, [below])]) or "__init__"
        found += [Import(module, source, alias.name) for alias in node.names]
    return found


TREES = {name: ast.parse(path.read_text(encoding="utf-8")) for name, path in MODULES.items()}
IMPORTS = [one for name, tree in TREES.items() for one in imports(name, tree)]
FACES = sorted(
    name for name, path in MODULES.items() if path.name == "__init__.py" and "." not in name
)


def test_every_import_is_seen() -> None:
    assert len(MODULES) > 50
    assert len(IMPORTS) > 400
    assert {one.source for one in IMPORTS} <= set(MODULES)


def test_every_module_is_in_a_listed_room() -> None:
    assert {room(module) for module in MODULES} == set(FLOOR_OF)


def test_rooms_import_only_from_lower_floors() -> None:
    upward = [
        one
        for one in IMPORTS
        if room(one.module) != room(one.source)
        and FLOOR_OF[room(one.source)] >= FLOOR_OF[room(one.module)]
    ]
    assert upward == []


def test_no_circle_of_modules() -> None:
    graph: dict[str, set[str]] = {}
    for one in IMPORTS:
        graph.setdefault(one.module, set()).add(one.source)
    # Raises CycleError, which names the circle.
    assert list(TopologicalSorter(graph).static_order())


def test_other_rooms_are_entered_by_their_face() -> None:
    past = [
        one
        for one in IMPORTS
        if room(one.module) != room(one.source) and one.source != room(one.source)
    ]
    assert past == []


def test_no_private_name_is_taken_from_another_module() -> None:
    private = [one for one in IMPORTS if re.match("_(?!_)", one.name)]
    assert private == []


@pytest.mark.parametrize("face", [name for name in FACES if name not in ("__init__", "examples")])
def test_a_face_is_short_and_without_logic(face: str) -> None:
    tree = TREES[face]
    docstring, *statements = tree.body
    assert isinstance(docstring, ast.Expr)
    assert {type(one) for one in statements} == {ast.ImportFrom, ast.Assign}
    shown = [one.name for one in IMPORTS if one.module == face]
    [declared] = [ast.literal_eval(one.value) for one in statements if isinstance(one, ast.Assign)]
    assert sorted(declared) == sorted(shown)
    # Nothing is shown that no other room asks for.
    asked = {one.name for one in IMPORTS if one.source == face}
    assert set(declared) - asked == set()


@pytest.mark.parametrize("module", MODULES)
def test_a_module_is_short_enough_to_be_read(module: str) -> None:
    lines = len(MODULES[module].read_text(encoding="utf-8").splitlines())
    assert lines <= MOST_LINES


def test_no_module_has_the_name_of_something_public() -> None:
    top = {room(module) for module in MODULES} - {"__init__"}
    assert top & set(sf.__all__) == set()
    for face in FACES:
        shown = {one.name for one in IMPORTS if one.module == face}
        inside = {name.split(".")[1] for name in MODULES if room(name) == face and "." in name}
        assert shown & inside == set(), face


def test_the_public_names_are_what_dir_shows() -> None:
    assert sorted(dir(sf)) == sorted(sf.__all__)


def test_the_floor_plan_is_drawn_from_the_list() -> None:
    rows = re.findall(r"^\| (\d+) \| (.+?) \|", CONTRIBUTING.read_text(), re.MULTILINE)
    drawn = [tuple(re.findall(r"`([a-z_]+)(?:/|\.py)?`", rooms)) for _, rooms in rows]
    assert [int(number) for number, _ in rows] == list(range(len(FLOORS)))
    assert [tuple(sorted(rooms)) for rooms in drawn] == [tuple(sorted(rooms)) for rooms in FLOORS]
