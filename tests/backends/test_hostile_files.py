"""Files that were made to do harm, or by programs that nobody thought of: right, or refused."""

from __future__ import annotations

import os
import shutil
import socket
import sqlite3
import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import pandas as pd
import pytest

import synphys_frames as sf
from synphys_frames.backends import soundness
from synphys_frames.backends.declared_types import is_scanned_as, scanned_type
from synphys_frames.backends.duckdb_engine import load_sqlite_extension
from synphys_frames.cli import main
from synphys_frames.database.database import release_of
from synphys_frames.errors import ReleaseFileError, StoredValueError
from synphys_frames.schema.published import VERSIONS, published_schema
from tests.support.release_builder import change

if TYPE_CHECKING:
    from collections.abc import Callable

posix_only = pytest.mark.skipif(sys.platform == "win32", reason="there are no such files")


def copied(path: Path, folder: Path, *statements: str) -> Path:
    return change(Path(shutil.copy(path, folder / "copy.sqlite")), *statements)


def with_catalogue(path: Path, *statements: str) -> Path:
    """Change what SQLite keeps of the tables, whether or not it makes sense."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA writable_schema = true")
        for statement in statements:
            connection.execute(statement)
        connection.commit()
    return path


def _pipe(folder: Path) -> Path:
    os.mkfifo(folder / "pipe.sqlite")
    return folder / "pipe.sqlite"


def _link_to_pipe(folder: Path) -> Path:
    (folder / "link.sqlite").symlink_to(_pipe(folder))
    return folder / "link.sqlite"


def _socket(folder: Path) -> Path:
    with closing(socket.socket(socket.AF_UNIX)) as made:
        # Names of sockets are short.
        place = os.open(folder, os.O_RDONLY)
        made.bind(f"/proc/self/fd/{place}/s" if sys.platform == "linux" else str(folder / "s"))
        os.close(place)
    return folder / "s"


OPENERS: dict[str, Callable[[Path], Any]] = {
    "load_sqlite": sf.load_sqlite,
    "SynphysDatabase": sf.SynphysDatabase,
    "compare": lambda path: sf.compare(path, path),
}


@posix_only
@pytest.mark.parametrize("opener", OPENERS)
@pytest.mark.parametrize(
    "make",
    [_pipe, _link_to_pipe, _socket, lambda _: Path("/dev/zero"), lambda _: Path("/dev/null")],
)
def test_what_is_no_regular_file_is_not_opened(
    tmp_path: Path, make: Callable[[Path], Path], opener: str
) -> None:
    with pytest.raises(ReleaseFileError, match="it is not a regular file"):
        OPENERS[opener](make(tmp_path))


@posix_only
def test_the_command_does_not_wait_for_a_pipe(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["info", str(_pipe(tmp_path))]) != 0
    assert "it is not a regular file" in capsys.readouterr().err


@posix_only
@pytest.mark.parametrize("ending", ["-journal", "-wal"])
def test_a_pipe_beside_a_file_is_not_opened(tiny_path: Path, tmp_path: Path, ending: str) -> None:
    path = copied(tiny_path, tmp_path)
    os.mkfifo(f"{path}{ending}")
    with pytest.raises(ReleaseFileError, match=rf"copy\.sqlite{ending} is not a regular file"):
        sf.load_sqlite(path)


@posix_only
@pytest.mark.parametrize("ending", ["-journal", "-wal"])
def test_a_journal_beside_the_file_that_a_link_leads_to(
    tiny_path: Path, tmp_path: Path, ending: str
) -> None:
    path = copied(tiny_path, tmp_path)
    (tmp_path / "link.sqlite").symlink_to(path)
    Path(f"{path}{ending}").write_bytes(b"x" * 600)
    with pytest.raises(ReleaseFileError, match=rf"copy\.sqlite{ending} holds"):
        sf.load_sqlite(tmp_path / "link.sqlite")


@pytest.mark.parametrize("content", [bytes(600), b"\x37\x7f\x06\x82" + bytes(600)])
def test_a_log_that_appears_later_is_not_read_either(
    tiny_path: Path, tmp_path: Path, content: bytes
) -> None:
    path = copied(tiny_path, tmp_path)
    log = Path(f"{path}-wal")
    with sf.load_sqlite(path) as db:
        assert len(db.pair) == 6
        log.write_bytes(content)
        with pytest.raises(ReleaseFileError, match=r"copy\.sqlite-wal holds"):
            db.sql("SELECT * FROM cell")
    assert sorted(tmp_path.iterdir()) == [path, log]


@pytest.mark.parametrize(
    "meta",
    [
        '{"db_version": "22", "x": ' + "[" * 100_000 + "]" * 100_000 + "}",
        '{"db_version": "22", "x": ' + '{"a":' * 600 + "1" + "}" * 601,
        '{"db_version": "22", "x": "' + "x" * 2_000_000 + '"}',
        "[22]", '"db_version"', "", "22", "null", '{"db_version"',
    ],
    ids=range(9),
)  # fmt: skip
def test_metadata_of_any_form(tiny_path: Path, tmp_path: Path, meta: str) -> None:
    path = copied(tiny_path, tmp_path, f"UPDATE metadata SET meta = '{meta}'")
    with pytest.raises(ReleaseFileError, match="does not say which schema version"):
        sf.load_sqlite(path)


@pytest.mark.parametrize("version", ["9" * 5000, "x" * 5000, ["22"]])
def test_a_version_of_any_form(tiny_path: Path, tmp_path: Path, version: Any) -> None:
    said = str(version).replace("'", '"') if isinstance(version, list) else f'"{version}"'
    path = copied(tiny_path, tmp_path, f"""UPDATE metadata SET meta = '{{"db_version": {said}}}'""")
    with pytest.raises(
        ReleaseFileError, match=r"says it has schema version .*; known are 15"
    ) as no:
        sf.load_sqlite(path)
    assert len(str(no.value)) < 1000


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        ("UPDATE sqlite_master SET sql = NULL WHERE name = 'pair'", "malformed"),
        ("UPDATE sqlite_master SET sql = 'SELECT 1' WHERE name = 'pair'", "malformed"),
        ("UPDATE sqlite_master SET rootpage = 1 WHERE name = 'pair'", "malformed"),
        ("UPDATE sqlite_master SET rootpage = 0 WHERE name = 'pair'", "has no table pair"),
        ("UPDATE sqlite_master SET rootpage = 99999 WHERE name = 'pair'", "malformed"),
        (
            "UPDATE sqlite_master SET name = CAST(x'ff7061' AS TEXT) WHERE name = 'patch_seq'",
            "can't be read",
        ),
    ],
    ids=range(6),
)
def test_a_catalogue_that_was_tampered_with(
    tiny_path: Path, tmp_path: Path, statement: str, message: str
) -> None:
    path = with_catalogue(copied(tiny_path, tmp_path), statement)
    with pytest.raises(ReleaseFileError, match=message):
        sf.load_sqlite(path)


def test_a_virtual_table_of_which_nothing_is_known(tiny_path: Path, tmp_path: Path) -> None:
    path = with_catalogue(
        copied(tiny_path, tmp_path),
        "INSERT INTO sqlite_master VALUES ('table', 'v', 'v', 0, "
        "'CREATE VIRTUAL TABLE v USING nosuch(a)')",
    )
    with sf.load_sqlite(path) as db:
        assert len(db.pairs()) == len(db.sql("SELECT * FROM pair")) == 6
        assert "v" not in db


def test_a_table_that_has_the_pages_of_another(tiny_path: Path, tmp_path: Path) -> None:
    path = with_catalogue(
        copied(tiny_path, tmp_path),
        "UPDATE sqlite_master SET rootpage = (SELECT rootpage FROM sqlite_master WHERE "
        "name = 'cell') WHERE name = 'pair'",
    )
    with sf.load_sqlite(path) as db, pytest.raises(ReleaseFileError, match="2nd reference to page"):
        _ = db.pair


def test_a_thousand_tables_and_long_names(tiny_path: Path, tmp_path: Path) -> None:
    long, column = "t" * 5000, "c" * 5000
    path = copied(
        tiny_path,
        tmp_path,
        *[f"CREATE TABLE t{number} (id INTEGER PRIMARY KEY, a)" for number in range(520)],
        f"CREATE TABLE {long} (id INTEGER PRIMARY KEY, {column} INT)",
        f"INSERT INTO {long} VALUES (1, 7)",
        'CREATE TABLE "a""b\'c\nd;--" ("q""\'\n" INTEGER PRIMARY KEY, "ü" TEXT)',
        'INSERT INTO "a""b\'c\nd;--" VALUES (1, \'x\')',
    )
    with sf.load_sqlite(path) as db:
        assert len(db.pairs()) == 6
        assert db[long][column].tolist() == [7]
        assert db["a\"b'c\nd;--"].to_dict("list") == {"q\"'\n": [1], "ü": ["x"]}


@pytest.mark.parametrize("size", [512, 1024, 8192, 65536])
def test_pages_of_any_size(tiny_path: Path, tmp_path: Path, size: int) -> None:
    path = copied(tiny_path, tmp_path, f"PRAGMA page_size = {size}", "PRAGMA auto_vacuum = 1")
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("VACUUM")
    with sf.load_sqlite(path) as db, sf.load_sqlite(tiny_path) as plain:
        pd.testing.assert_frame_equal(db.cell, plain.cell)


@pytest.mark.parametrize("encoding", ["UTF-16le", "UTF-16be"])
def test_texts_in_other_encodings(tiny_path: Path, tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "wide.sqlite"
    with closing(sqlite3.connect(path)) as wide, closing(sqlite3.connect(tiny_path)) as tiny:
        wide.execute(f"PRAGMA encoding = '{encoding}'")
        wide.executescript("\n".join(tiny.iterdump()))
        wide.execute("UPDATE cell SET cre_type = 'üß€😀' WHERE id = 1")
        wide.commit()
    with sf.load_sqlite(path) as db:
        assert db.table("cell", where="cre_type = 'üß€😀'")["id"].tolist() == [1]


def test_tables_of_every_sort(tiny_path: Path, tmp_path: Path) -> None:
    path = copied(
        tiny_path,
        tmp_path,
        "CREATE TABLE keyed (id TEXT PRIMARY KEY, a INT) WITHOUT ROWID",
        "INSERT INTO keyed VALUES ('y', 1), ('x', 2)",
        "CREATE TABLE strict_one (id INTEGER PRIMARY KEY AUTOINCREMENT, a INT, b BLOB) STRICT",
        "INSERT INTO strict_one (a, b) VALUES (5, x'00')",
        "CREATE TABLE made (id INTEGER PRIMARY KEY, a INT, b INT AS (a + 1))",
        "INSERT INTO made (a) VALUES (5)",
        "CREATE TABLE counted (id INTEGER PRIMARY KEY, rowid INT)",
        "INSERT INTO counted VALUES (1, 9), (2, NULL), (3, 9)",
        "CREATE VIEW endless AS WITH RECURSIVE r(x) AS (SELECT 1 UNION ALL SELECT x FROM r) "
        "SELECT * FROM r",
        "CREATE TRIGGER never AFTER INSERT ON cell BEGIN SELECT 1; END",
    )
    with sf.load_sqlite(path) as db:
        assert db["keyed"].to_dict("list") == {"id": ["x", "y"], "a": [2, 1]}
        assert db["strict_one"]["b"].tolist() == [b"\0"]
        assert db["made"]["a"].tolist() == [5]
        assert db["counted"]["id"].tolist() == [1, 2, 3]
        assert "endless" not in db
        assert "sqlite_sequence" not in db


def test_a_generated_column_can_not_keep_the_check(
    tiny_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(soundness, "_SECONDS", 0.1)
    made = "length(hex(zeroblob(5000000 + id)))"
    path = copied(
        tiny_path,
        tmp_path,
        f"CREATE TABLE made (id INTEGER PRIMARY KEY, a INT AS ({made}) NOT NULL)",
        "WITH RECURSIVE r(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM r WHERE x < 80) "
        "INSERT INTO made (id) SELECT x FROM r",
    )
    with sf.load_sqlite(path) as db, pytest.raises(ReleaseFileError, match="says: 'interrupted'"):
        db.pairs()


DECLARED = [
    "INTEGER", "INT", "BIGINT", "POINT", "INTERVAL", "BOOLEAN", "BOOL", "REAL", "FLOAT", "DOUBLE",
    "NUMERIC", "DECIMAL(10,2)", "TEXT", "VARCHAR(20)", "CHAR", "CLOB", "BLOB", "", "DATE",
    "DATE TEXT", "DATETIME", "DATETIME2", "TIMESTAMP", "TIMESTAMPTZ", "TIME", "time", "JSON", "ANY",
    "UUID", "STRING", "NUM BLOB", "DATE(3)", "DATE NUM", "TIME DEC", "TEXT BLOB", "BLOB REAL",
    "REAL TIME", "NUM TIME", "CHAR BOOL", "date",
]  # fmt: skip


def test_declared_types_are_read_as_duckdb_says(tmp_path: Path) -> None:
    path = change(
        tmp_path / "types.sqlite",
        *[f"CREATE TABLE t{place} (a {declared})" for place, declared in enumerate(DECLARED)],
    )
    with duckdb.connect() as connection:
        load_sqlite_extension(connection)
        connection.execute(f"ATTACH '{path}' AS types (TYPE sqlite, READ_ONLY)")
        rows = connection.execute(
            "SELECT table_name, data_type FROM duckdb_columns() WHERE database_name = 'types'"
        ).fetchall()
    said = {DECLARED[int(table[1:])]: scanned for table, scanned in rows}
    assert {declared: scanned_type(declared) for declared in DECLARED} == said


def test_published_columns_are_all_scanned_as_what_they_are() -> None:
    for version in VERSIONS:
        for table in published_schema(version):
            for column in table.columns.values():
                assert is_scanned_as(column.kind, column.sqlite_type), column


@pytest.mark.parametrize(
    ("declared", "value", "expected"),
    [
        ("DATE", "'2019-03-04 05:06:07'", pd.Timestamp("2019-03-04 05:06:07")),
        ("DATE TEXT", "'2019-03-04 05:06:07'", pd.Timestamp("2019-03-04 05:06:07")),
        ("TIME", "'05:06'", "05:06"),
        ("TIME", "7", None),
        ("", "'x'", "x"),
        ("", "x'31'", None),
        ("", "CAST(x'ff41' AS TEXT)", None),
        ("BLOB", "'x'", None),
        ("REAL", "'0.5'", None),
        ("INTEGER", "'5'", None),
        ("BOOLEAN", "2", None),
    ],
)
def test_values_count_as_they_are_stored(
    tiny_path: Path, tmp_path: Path, declared: str, value: str, expected: Any
) -> None:
    # Stored without SQLite's own conversion to the declared type.
    path = copied(
        tiny_path,
        tmp_path,
        "CREATE TABLE own (id INTEGER PRIMARY KEY, a)",
        f"INSERT INTO own VALUES (1, {value})",
    )
    with_catalogue(
        path,
        f"UPDATE sqlite_master SET sql = 'CREATE TABLE own (id INTEGER PRIMARY KEY, a {declared})' "
        "WHERE name = 'own'",
    )
    with sf.load_sqlite(path) as db:
        for read in (
            lambda: db["own"]["a"].tolist(),
            lambda: db.sql("SELECT a FROM own")["a"].tolist(),
            lambda: db.table("own", where="a IS NOT NULL")["a"].tolist(),
        ):
            if expected is not None:
                assert read() == [expected]
                continue
            with pytest.raises(StoredValueError, match=r"own\.a holds"):
                read()


def test_a_published_column_of_another_declared_type(tiny_path: Path, tmp_path: Path) -> None:
    path = with_catalogue(
        copied(tiny_path, tmp_path),
        "UPDATE sqlite_master SET sql = replace(sql, '\"distance\" FLOAT', '\"distance\" DATE') "
        "WHERE name = 'pair'",
    )
    with sf.load_sqlite(path) as db, sf.load_sqlite(tiny_path) as plain:
        columns = release_of(db).storage.facts().columns
        assert columns["pair"]["distance"] == "DATE"
        pd.testing.assert_series_equal(db.pair["distance"], plain.pair["distance"])
        pd.testing.assert_series_equal(db.pairs()["pair.distance"], plain.pairs()["pair.distance"])
