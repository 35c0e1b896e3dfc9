"""Columns and tables that somebody added to a release are criteria of cells, too."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest

import synphys_frames as sf
from synphys_frames.cli import main
from synphys_frames.database.database import release_of
from synphys_frames.errors import (
    ArgumentError,
    JoinError,
    ProvenanceError,
    UnknownCriterionError,
)
from synphys_frames.query.cells import cells_of
from synphys_frames.query.class_membership import class_columns, class_members
from synphys_frames.query.criteria import CELL_TABLES
from tests.support.release_builder import build, change

if TYPE_CHECKING:
    from collections.abc import Iterator

CellClass = sf.CellClass
README = Path(__file__).parents[2] / "README.md"

ADDED = (
    "ALTER TABLE cell ADD COLUMN my_score FLOAT",
    "UPDATE cell SET my_score = 1.5 * id WHERE id != 4",
    "ALTER TABLE cell ADD COLUMN is_odd BOOLEAN",
    "UPDATE cell SET is_odd = id % 2",
    "ALTER TABLE cell ADD COLUMN patched DATETIME",
    "UPDATE cell SET patched = '2020-01-02 03:04:05.000006' WHERE id = 2",
    # The names of other tables' columns.
    "ALTER TABLE cell ADD COLUMN distance FLOAT",
    "UPDATE cell SET distance = 7 WHERE id = 2",
    "ALTER TABLE morphology ADD COLUMN tau FLOAT",
    "UPDATE morphology SET tau = 9 WHERE cell_id = 5",
    "ALTER TABLE morphology ADD COLUMN drawn_by TEXT",
    "UPDATE morphology SET drawn_by = 'me' WHERE cell_id IN (1, 3)",
    "CREATE TABLE my_table (id INTEGER PRIMARY KEY, cell_id INTEGER REFERENCES cell (id))",
    "ALTER TABLE my_table ADD COLUMN label TEXT",
    "ALTER TABLE my_table ADD COLUMN size FLOAT",
    "INSERT INTO my_table VALUES (1, 6, 'big', 10.0), (2, 1, 'small', 1.0)",
    "CREATE TABLE notes (id INTEGER PRIMARY KEY, cell_id INTEGER REFERENCES cell (id), word TEXT)",
    "INSERT INTO notes VALUES (1, 6, 'a'), (2, 6, 'b')",
    "CREATE TABLE apart (id INTEGER PRIMARY KEY, cell_id INTEGER, word TEXT)",
)


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[sf.SynphysDatabase]:
    path = change(build(tmp_path_factory.mktemp("own") / "own.sqlite"), *ADDED)
    with sf.load_sqlite(path) as db:
        yield db


MEMBERS: list[tuple[CellClass, set[int]]] = [
    (CellClass(my_score=3), {2}),
    (CellClass(my_score=(1.5, 9)), {1, 6}),
    (CellClass("my_score > 4"), {3, 5, 6}),
    (CellClass("My_Score > 4 AND cre_type = 'unknown'"), {5, 6}),
    (~CellClass("my_score > 4"), {1, 2}),
    (CellClass(is_odd=True), {1, 3, 5}),
    (CellClass(patched="2020-01-02 03:04:05.000006"), {2}),
    (CellClass("patched > TIMESTAMP '2020-01-01'"), {2}),
    (CellClass(drawn_by="me", target_layer="5"), {3}),
    (CellClass("drawn_by IS NULL"), {2, 4, 5, 6}),
    (CellClass(**{"cell.my_score": 3}), {2}),
    (CellClass("cell.my_score > 4"), {3, 5, 6}),
    (CellClass(**{"cell.distance": 7}), {2}),
    (CellClass("Morphology.Tau > 1"), {5}),
    # What is published means the same as everywhere.
    (CellClass("tau < 1"), {3}),
    (CellClass(**{"my_table.label": "big"}), {6}),
    (CellClass("my_table.size < 20", **{"my_table.label": ["small", "huge"]}), {1}),
    (CellClass("MY_TABLE.size < 20") & CellClass(cre_type="pvalb"), {1}),
    (CellClass(**{"intrinsic.tau": 0.02}), {3}),
]


@pytest.mark.parametrize(("cell_class", "expected"), MEMBERS, ids=lambda value: str(value)[:40])
def test_members(own: sf.SynphysDatabase, cell_class: CellClass, expected: set[int]) -> None:
    mask = class_members(cell_class, cells_of(release_of(own).store))
    assert set(own.cell.loc[mask, "id"]) == expected


@pytest.mark.parametrize(
    ("include", "budget"), [((), None), ((), 0), (["cell", "my_table"], None)], ids=str
)
@pytest.mark.parametrize(("cell_class", "expected"), MEMBERS, ids=lambda value: str(value)[:40])
def test_classes_of_frames(
    own: sf.SynphysDatabase,
    cell_class: CellClass,
    expected: set[int],
    include: Any,
    budget: int | None,
) -> None:
    sf.config.memory_budget = budget
    pairs = own.pairs(include=include).synphys.classify({"it": cell_class})
    for side in ("pre", "post"):
        ids = pairs[f"pair.{side}_cell_id"]
        assert pairs[f"{side}_class"].notna().tolist() == ids.isin(expected).tolist()
    passing = own.pairs(pre_class=cell_class)["pair.pre_cell_id"]
    assert set(passing) == expected & set(pairs["pair.pre_cell_id"])


def test_a_frame_alone_decides_by_its_own_columns() -> None:
    frame = pd.DataFrame(
        {
            "pre_cell.my_score": [1.0, None, 3.0],
            "post_cell.my_score": [3.0, 3.0, 1.0],
            "pre_my_table.Label": ["a", "b", None],
            "post_my_table.Label": ["b", "b", "a"],
            "pre_cell.flag": pd.array([True, None, False], dtype="boolean"),
            "post_cell.flag": pd.Categorical([True, None, False]),
            "pre_cell.count": [1, 2, 3],
            "post_cell.count": pd.Series([1, None, 3], dtype=object),
        }
    )
    for cell_class, pre, post in (
        (CellClass("my_score > 2"), [False, False, True], [True, True, False]),
        (CellClass(my_score=3), [False, False, True], [True, True, False]),
        (CellClass(**{"my_table.label": "b"}), [False, True, False], [True, True, False]),
        (CellClass(flag=True), [True, False, False], [True, False, False]),
        (CellClass(**{"cell.count": (2, 3)}), [False, True, True], [False, False, True]),
    ):
        classified = frame.synphys.classify({"it": cell_class})
        assert classified["pre_class"].notna().tolist() == pre, cell_class
        assert classified["post_class"].notna().tolist() == post, cell_class
    with pytest.raises(ArgumentError, match="my_score takes a number"):
        frame.synphys.classify({"it": CellClass(my_score="high")})
    with pytest.raises(ProvenanceError, match=r"no column 'pre_cell\.volume'"):
        frame.synphys.classify({"it": CellClass("volume > 2")})


def test_a_column_of_one_side_comes_from_the_database_for_the_other(
    own: sf.SynphysDatabase,
) -> None:
    pairs = own.pairs(include="pre_cell.my_score").assign(**{"pre_cell.my_score": 9.0})
    classified = pairs.synphys.classify({"high": CellClass("my_score > 5")})
    assert classified["pre_class"].notna().all()
    expected = pairs["pair.post_cell_id"].isin([5, 6]).tolist()
    assert classified["post_class"].notna().tolist() == expected


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: CellClass(dendrit_type="spiny"), "Did you mean 'dendrite_type'"),
        (lambda: CellClass("target_laier = '5'"), "Did you mean 'target_layer'"),
        (lambda: CellClass(fractional_depths=1), r"goes with its table \('cell\.my_score'\)"),
        (lambda: CellClass(distance=1), "'distance'"),
        (lambda: CellClass("pair.my_score > 1"), "'pair.my_score'"),
        (lambda: CellClass("morfology.my_score > 1"), "'morfology.my_score'"),
        (lambda: CellClass("a.b.c > 1"), "'a.b.c'"),
        (lambda: CellClass(**{"cell.meta": "x"}), "without their JSON"),
        (lambda: CellClass(**{"cell.is_excitatory": True}), "it is cell.cell_class"),
    ],
)
def test_what_can_be_no_criterion_is_refused_at_once(make: Any, message: str) -> None:
    with pytest.raises(UnknownCriterionError, match=message):
        make()


@pytest.mark.parametrize(
    ("cell_class", "error", "message"),
    [
        (CellClass(my_skore=1), UnknownCriterionError, "Did you mean 'my_score'"),
        (CellClass("cell.my_skore = 1"), UnknownCriterionError, "Did you mean 'my_score'"),
        (CellClass("my_tabel.label = 'a'"), UnknownCriterionError, "Did you mean 'my_table.label'"),
        (CellClass("my_table.lable = 'a'"), UnknownCriterionError, "Did you mean 'my_table.label'"),
        # A table that stands beside cells is named.
        (CellClass(label="big"), UnknownCriterionError, "Did you mean 'my_table.label'"),
        (CellClass("notes.word = 'a'"), JoinError, "several rows for one row of 'cell'"),
        (CellClass("apart.word = 'a'"), UnknownCriterionError, "'apart.word'"),
        (CellClass(my_score="high"), ArgumentError, "my_score takes a number"),
        (CellClass(patched="then"), ArgumentError, "'then' is no time"),
        (CellClass(drawn_by=1), ArgumentError, "drawn_by takes text"),
    ],
    ids=str,
)
def test_what_a_release_lacks_is_refused_when_it_is_asked(
    own: sf.SynphysDatabase, cell_class: CellClass, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        own.pairs(pre_class=cell_class)
    with pytest.raises(error, match=message):
        own.pairs(include="cell").synphys.classify({"it": cell_class})


def test_a_class_by_an_own_column_is_refused_where_there_is_none(tiny: sf.SynphysDatabase) -> None:
    with pytest.raises(UnknownCriterionError, match="'my_score'"):
        tiny.pairs(pre_class=CellClass("my_score > 1"))


def test_a_criterion_and_its_name_with_the_table_are_one() -> None:
    qualified = CellClass(**{"cell.cre_type": "sst", "Intrinsic.Tau": 1})
    assert qualified == CellClass(cre_type="sst", tau=1)
    assert qualified.output_synapse_type == "in"
    # `id` alone is that of cell.
    assert list(CellClass(**{"morphology.id": 1}).criteria) == ["morphology.id"]
    with pytest.raises(ArgumentError, match=r"cre_type is given twice, once as 'cell\.cre_type'"):
        CellClass(cre_type="sst", **{"cell.cre_type": "vip"})


@pytest.mark.parametrize(
    ("criterion", "expected"),
    [
        ("my_score=1.5,3", [1, 3]),
        ("cell.my_score=3", []),
        ("my_table.label=small", [1, 3]),
        ("is_odd=true", [1, 2, 3, 5]),
        ("my_score > 4", [2, 5, 6]),
        ("intrinsic.tau=0.02", [2]),
    ],
)
def test_from_the_command_line(
    own: sf.SynphysDatabase, tmp_path: Path, criterion: str, expected: list[int]
) -> None:
    out = tmp_path / "pairs.csv"
    assert main(["pairs", str(own.path), "--pre", criterion, "--out", str(out)]) == 0
    assert pd.read_csv(out)["pair.id"].tolist() == expected


@pytest.mark.parametrize(
    ("criterion", "message"),
    [("my_skore=1", "Did you mean 'my_score'"), ("my_score=high", "my_score takes a number")],
)
def test_what_the_command_line_can_not_use(
    own: sf.SynphysDatabase, capsys: pytest.CaptureFixture[str], criterion: str, message: str
) -> None:
    assert main(["pairs", str(own.path), "--pre", criterion, "--out", "x.csv"]) == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("table", CELL_TABLES)
def test_every_plain_column_of_the_tables_of_a_cell_is_a_criterion(
    own: sf.SynphysDatabase, table: str
) -> None:
    readme = README.read_text().partition("\n## Pairs\n")[2].partition("\n## ")[0]
    for told in (CellClass.__doc__ or "", readme):
        assert re.search(rf"columns\s+of[^.]*\b{table}\b", told)
    cells = cells_of(release_of(own).store)
    names = release_of(own).store.schema.table(table).plain_columns
    beside = own.cell if table == "cell" else own.cell.synphys.join(table)
    for name in names:
        [column] = class_columns(CellClass(f"{table}.{name} IS NULL"), cells.criterion)
        assert (column.table, column.name) == (table, name)
        expected = beside[name if table == "cell" else f"{table}.{name}"]
        assert cells.lookup(column).isna().tolist() == expected.isna().tolist(), name
    assert len(names) >= 3
