"""Rows of a table are the same rows, whichever columns are read, in whatever order SQLite reads."""

from __future__ import annotations

import re
import shutil
from typing import TYPE_CHECKING

import pandas as pd
import pytest

import synphys_frames as sf
from synphys_frames.database.database import release_of
from synphys_frames.errors import JoinError, StoredValueError
from tests.support.release_builder import change, query

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

TABLES = ("cell", "intrinsic", "synapse", "pair")


def as_published(path: Path) -> None:
    change(path, "SELECT 1")


def with_a_negative_id(path: Path) -> None:
    change(path, *(f"UPDATE {table} SET id = -id WHERE id = 3" for table in TABLES))


def without_row_numbers(path: Path) -> None:
    remade(path, lambda sql: f"{sql} WITHOUT ROWID")


def without_primary_keys(path: Path) -> None:
    remade(path, lambda sql: re.sub(r",\s*PRIMARY KEY \(id\)| PRIMARY KEY", "", sql))


def remade(path: Path, new: Callable[[str], str]) -> None:
    """Make tables anew by another statement, their rows stored in another order."""
    for table in TABLES:
        statements = query(path, "SELECT type, sql FROM sqlite_master WHERE tbl_name = ?", (table,))
        [statement] = [sql for kind, sql in statements if kind == "table"]
        indexes = [sql for kind, sql in statements if kind == "index" and sql]
        names = query(
            path, "SELECT name FROM sqlite_master WHERE tbl_name = ? AND type = 'index'", (table,)
        )
        assert indexes
        assert new(statement) != statement
        change(
            path,
            "PRAGMA legacy_alter_table = ON",  # foreign keys go on naming the table
            *(f"DROP INDEX {name}" for (name,) in names if not name.startswith("sqlite_")),
            f"ALTER TABLE {table} RENAME TO old",
            new(statement),
            f"INSERT INTO {table} SELECT * FROM old ORDER BY id * 7919 % 1009",
            "DROP TABLE old",
            *indexes,
        )


KEYED = [as_published, with_a_negative_id, without_row_numbers]


def changed(sample: Path, folder: Path, change_file: Callable[[Path], None]) -> Path:
    path = folder / "release.sqlite"
    shutil.copy(sample, path)
    change_file(path)
    return path


def stored(path: Path, table: str, column: str) -> dict[int, object]:
    return dict(query(path, f"SELECT id, {column} FROM {table}"))


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("change_file", [*KEYED, without_primary_keys])
def test_columns_of_several_passes_stand_in_the_same_rows(
    sample_path: Path,
    tmp_path: Path,
    change_file: Callable[[Path], None],
    threads: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    path = changed(sample_path, tmp_path, change_file)
    monkeypatch.setattr("synphys_frames.columns.store._FEW_VALUES", 0)
    with sf.load_sqlite(path) as db:
        db.connection.execute(f"SET threads = {threads}")
        for name in TABLES:
            table = release_of(db).store.table(name)
            ids = table.values("id").tolist()
            for column in table.table.kept_columns[1:8]:
                if table.table.columns[column].kind != "datetime":
                    values = [None if pd.isna(one) else one for one in table.values(column)]
                    found = dict(zip(ids, values, strict=True))
                    assert found == stored(path, name, column), (name, column)


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("change_file", KEYED)
def test_a_part_of_a_table_is_in_the_order_of_its_ids(
    sample_path: Path, tmp_path: Path, change_file: Callable[[Path], None], threads: int
) -> None:
    path = changed(sample_path, tmp_path, change_file)
    with sf.load_sqlite(path) as db:
        db.connection.execute(f"SET threads = {threads}")
        ids = sorted(stored(path, "cell", "id"))
        frame = db.table("cell", columns=["cre_type", "id"])
        assert frame["id"].tolist() == ids
        assert list(frame) == ["cre_type", "id"]
        assert db.table("cell", columns=["id"], limit=3)["id"].tolist() == ids[:3]
        texts = stored(path, "cell", "cre_type")
        some = db.table("cell", columns="cre_type", where="id % 2 = 0")["cre_type"]
        expected = [texts[key] for key in ids if key % 2 == 0]
        assert [None if pd.isna(text) else text for text in some] == expected


def test_a_value_that_nobody_asked_for_stops_nobody(sample_path: Path, tmp_path: Path) -> None:
    path = changed(sample_path, tmp_path, as_published)
    change(path, "UPDATE cell SET depth = 'deep' WHERE id = 1")
    with sf.load_sqlite(path) as db, sf.load_sqlite(sample_path) as whole:
        query = {"where": "pair.id > 200", "include": "pre_cell.cre_type"}
        pd.testing.assert_frame_equal(db.pairs(**query), whole.pairs(**query))
        with pytest.raises(StoredValueError, match=r"cell\.depth holds 'deep'"):
            db.pairs(include="pre_cell.depth")


def test_a_table_without_ids_is_told_of(sample_path: Path, tmp_path: Path) -> None:
    path = changed(sample_path, tmp_path, as_published)
    change(
        path,
        "CREATE TABLE notes (pair_id INTEGER REFERENCES pair (id), note VARCHAR, trace BLOB)",
        "INSERT INTO notes VALUES (3, 'a note', x'00')",
    )
    with sf.load_sqlite(path) as db:
        pairs = db.pairs(include="notes.note").set_index("pair.id")
        assert pairs["notes.note"].dropna().to_dict() == {3: "a note"}
        with pytest.raises(JoinError, match="'notes' has no column 'id'"):
            db.pairs(include="notes.trace")
        with pytest.raises(JoinError, match="'notes' has no column 'id'"):
            db.pair.synphys.related("notes")
