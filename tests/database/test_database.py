from __future__ import annotations

import gc
import multiprocessing
import os
import pickle
import shutil
import subprocess
import sys
import textwrap
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import synphys_frames as sf
from synphys_frames.database.database import release_of
from synphys_frames.errors import (
    ArgumentError,
    ClosedError,
    ExpressionError,
    MissingRowsWarning,
    QueryError,
    ReleaseFileError,
    StoredValueError,
    UnknownColumnError,
    UnknownTableError,
)
from tests.support.release_builder import build, change, query

DTYPES = {
    "int": "Int64",
    "float": "float64",
    "bool": "boolean",
    "str": "str",
    "json": "str",
    "datetime": "datetime64[us]",
    "array": "object",
}


@pytest.mark.filterwarnings("ignore::synphys_frames.errors.MissingRowsWarning")
def test_every_table_has_the_promised_dtypes(db: sf.SynphysDatabase) -> None:
    for table in release_of(db).store.schema:
        frame = db[table.name]
        assert frame.columns.tolist() == list(table.columns)
        for column in table.columns.values():
            assert frame[column.name].dtype == DTYPES[column.kind], column
        assert len(frame) == query(db.path, f"SELECT count(*) FROM {table.name}")[0][0]


def test_empty_tables_and_parts_have_the_dtypes_of_full_ones(db: sf.SynphysDatabase) -> None:
    with pytest.warns(MissingRowsWarning):
        assert len(db.sync_rec) == 0
    with pytest.warns(MissingRowsWarning):
        assert db.pulse_response["ex_qc_pass"].dtype == "boolean"
    pd.testing.assert_series_equal(db.table("pair", where="id < 0").dtypes, db.pair.dtypes)
    pd.testing.assert_series_equal(db.table("pair", limit=0).dtypes, db.pair.dtypes)


def test_values_are_those_of_the_file(tiny: sf.SynphysDatabase) -> None:
    pair = tiny.pair
    assert pair["has_synapse"].tolist() == [True, False, pd.NA, True, True, False]
    assert pair["n_ex_test_spikes"].tolist() == [0, 10, 0, 300, 30, pd.NA]
    assert np.isnan(pair.loc[2, "distance"])
    assert tiny.slice.loc[0, "date_of_birth"] == pd.Timestamp("2019-01-02")
    assert tiny.experiment.loc[0, "date"] == pd.Timestamp("2019-03-04 05:06:07.000089")
    assert pd.isna(tiny.experiment.loc[1, "date"])
    assert tiny.cell.loc[0, "position"] == "[1.0, Infinity, null]"
    assert pd.isna(tiny.cell.loc[2, "cre_type"])


def test_arrays_are_the_bytes_of_the_file(db: sf.SynphysDatabase) -> None:
    stored = query(db.path, "SELECT avg_data FROM avg_response_fit ORDER BY id")
    assert db["avg_response_fit"]["avg_data"].tolist() == [row[0] for row in stored]


@pytest.mark.parametrize(
    ("arguments", "ids"),
    [
        ({"where": "distance < 1e-4"}, [4, 5, 6]),
        ({"where": "has_synapse"}, [1, 4, 5]),
        ({"where": "NOT has_synapse"}, [2, 6]),
        ({"where": "pair.has_synapse IS NULL"}, [3]),
        ({"where": "PAIR.Distance = 0"}, [4]),
        ({"limit": 2}, [1, 2]),
        ({"where": "id > 2", "limit": 1}, [3]),
    ],
)
def test_parts_of_a_table(
    tiny: sf.SynphysDatabase, arguments: dict[str, Any], ids: list[int]
) -> None:
    assert tiny.table("pair", columns="id", **arguments)["id"].tolist() == ids


def test_columns_come_in_the_order_asked_for(tiny: sf.SynphysDatabase) -> None:
    frame = tiny.table("pair", columns=["distance", "id", "distance"])
    assert frame.columns.tolist() == ["distance", "id"]


def test_arrow_types(db: sf.SynphysDatabase) -> None:
    frame = db.table("pair", dtype_backend="pyarrow")
    assert frame["has_synapse"].dtype == "bool[pyarrow]"
    assert frame["distance"].isna().sum() == db.pair["distance"].isna().sum() > 0


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda db: db["pairs_"], UnknownTableError, "Did you mean 'pair'"),
        (lambda db: db.synaps, UnknownTableError, "Did you mean 'synapse'"),
        (lambda db: db[3], UnknownTableError, "no table 3"),
        (lambda db: db.table("pair", columns=["idd"]), UnknownColumnError, "Did you mean 'id'"),
        (lambda db: db.table("pair", columns=[]), ArgumentError, "columns is empty"),
        (lambda db: db.table("pair", where="distanc < 1"), UnknownColumnError, "'distance'"),
        (lambda db: db.table("pair", where="distance <"), ExpressionError, "not valid SQL"),
        (
            lambda db: db.table("pair", where="sum(id) > 1"),
            ExpressionError,
            "an aggregate over rows",
        ),
        (lambda db: db.table("pair", limit=-1), ArgumentError, "limit takes"),
        (lambda db: db.table("pair", dtype_backend="x"), ArgumentError, "dtype_backend takes"),
        (lambda db: db.sql("SELEC 1"), QueryError, "syntax error"),
        (lambda db: db.sql("SELECT * FROM pairz"), QueryError, "pairz"),
        (lambda db: db.sql("SELECT * FROM call"), QueryError, "call"),
        (lambda db: db.sql(""), QueryError, "no statement"),
        (lambda db: db.sql("SELECT '\ud800'"), QueryError, "can't be run"),
        (lambda db: db.table("pair", columns=5), ArgumentError, "columns takes"),
        (lambda db: db.table("pair", where="unnest([id]) > 1"), ExpressionError, "unnest"),
        (lambda db: db.table("pair", where="#1 > 1"), ExpressionError, "a column number"),
        (lambda db: db.table("pair", where="true) USING SAMPLE (5%"), ExpressionError, "SQL"),
        (lambda db: db.to_parquet(None), ArgumentError, "folder takes a folder"),
        (lambda db: db.sql(1), ArgumentError, "query takes SQL"),
        (lambda db: db.sql("SELECT ?"), QueryError, "parameter"),
        (lambda db: db.relation("nothing"), UnknownTableError, "no table 'nothing'"),
    ],
)
def test_wrong_names_and_values(
    tiny: sf.SynphysDatabase, call: Any, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        call(tiny)


def test_missing_attributes_are_told_as_python_expects(tiny: sf.SynphysDatabase) -> None:
    assert not hasattr(tiny, "nothing")
    assert not hasattr(tiny, "__array__")


def test_sql_types_and_parameters(tiny: sf.SynphysDatabase) -> None:
    frame = tiny.sql(
        "SELECT count(*) AS n, sum(distance) AS total, bool_or(has_synapse) AS any, "
        "max(date) AS date, sum(id) AS ids FROM pair JOIN experiment USING (id) WHERE id > ?",
        [100],
    )
    assert frame.dtypes.astype(str).to_dict() == {
        "n": "Int64",
        "total": "float64",
        "any": "boolean",
        "date": "datetime64[us]",
        "ids": "Int64",
    }
    named = tiny.sql("SELECT id FROM pair WHERE id = $wanted", {"wanted": 3})
    assert named["id"].tolist() == [3]


@pytest.mark.parametrize(
    ("query", "columns", "dtypes"),
    [
        ("SELECT * FROM pair JOIN cell ON cell.id = pre_cell_id LIMIT 1", ["id", "id_1"], None),
        ("SELECT 1 AS a, 2 AS a, 3 AS a_1", ["a", "a_1", "a_1_1"], ["Int64"] * 3),
        ("SELECT sum(id) AS n, sum(id) * 10000000000000000000 AS m FROM pair", None,
         ["Int64", "float64"]),
        ("SELECT hash(1) AS h, DATE '2020-01-01' AS d, [1, 2] AS l", ["h", "d", "l"], None),
        ("SELECT '2020-01-01 00:00:00.123456789'::TIMESTAMP_NS AS t", None, ["datetime64[ns]"]),
        ("SELECT NULL AS nothing", ["nothing"], None),
    ],
)  # fmt: skip
@pytest.mark.parametrize("backend", [None, "pyarrow"])
def test_any_result_is_a_frame(
    tiny: sf.SynphysDatabase, query: str, columns: Any, dtypes: Any, backend: Any
) -> None:
    frame = tiny.sql(query, dtype_backend=backend)
    assert not frame.columns.duplicated().any()
    assert columns is None or set(columns) <= set(frame.columns)
    if dtypes is not None and backend is None:
        assert frame.dtypes.astype(str).tolist() == dtypes


def test_numbers_of_numpy_are_parameters_and_limits(tiny: sf.SynphysDatabase) -> None:
    wanted = tiny.pair["id"].to_numpy(dtype=np.int64)[1]
    assert tiny.sql("SELECT ? + 1 AS x", [wanted])["x"].tolist() == [3]
    assert tiny.sql("SELECT $x AS x", {"x": np.float64(0.5)})["x"].tolist() == [0.5]
    assert len(tiny.table("pair", limit=np.int64(2))) == 2


def test_two_tables_of_the_same_columns_are_not_taken_for_one(tiny: sf.SynphysDatabase) -> None:
    def fits(key: str, table: str) -> str:
        return (
            f"SELECT id FROM resting_state_fit WHERE {key} IN "
            f"(SELECT id FROM {table} WHERE pair_id IN (SELECT id FROM pair WHERE id > 4))"
        )

    both = f"{fits('synapse_id', 'synapse')} UNION {fits('poly_synapse_id', 'poly_synapse')}"
    assert sorted(tiny.sql(both)["id"]) == [1, 2]
    by_table = tiny.sql(
        "SELECT (SELECT count(*) FROM synapse WHERE pair_id > 0) AS synapses, "
        "(SELECT count(*) FROM poly_synapse WHERE pair_id > 0) AS poly_synapses"
    )
    assert by_table.iloc[0].tolist() == [3, 1]


def test_sql_sees_the_stored_types_in_the_catalogue_release(tiny: sf.SynphysDatabase) -> None:
    assert tiny.sql("SELECT has_synapse FROM pair")["has_synapse"].dtype == "boolean"
    assert tiny.sql("SELECT has_synapse FROM release.pair")["has_synapse"].dtype == "Int64"


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM release.pair",
        "UPDATE release.cell SET cre_type = 'x'",
        "DROP TABLE release.pair",
        "CREATE TABLE release.x (a INTEGER)",
    ],
)
def test_the_file_can_not_be_written(tmp_path: Path, statement: str) -> None:
    path = build(tmp_path / "release" / "r.sqlite")
    before = path.read_bytes(), path.stat().st_mtime_ns
    with sf.load_sqlite(path) as db:
        db.pairs(include=["cell", "synapse"])
        with pytest.raises(QueryError, match="read-only"):
            db.sql(statement)
    assert (path.read_bytes(), path.stat().st_mtime_ns) == before
    assert [file.name for file in path.parent.iterdir()] == ["r.sqlite"]


def test_a_file_without_write_permission_in_a_folder_without(tmp_path: Path) -> None:
    path = build(tmp_path / "locked" / "r.sqlite")
    path.chmod(0o444)
    path.parent.chmod(0o555)
    try:
        assert len(sf.load_sqlite(path).pairs()) == 6
    finally:
        path.parent.chmod(0o755)


def test_what_the_file_says_of_itself(tiny: sf.SynphysDatabase) -> None:
    assert tiny.schema_version == "22"
    assert tiny.metadata["creation_date"] == "2021-12-21"
    assert tiny.version_name == "tiny.sqlite"
    assert tiny.project_names == ["human coarse matrix", "mouse V1 coarse matrix"]
    assert tiny.mouse_projects == ["mouse V1 coarse matrix"]
    assert tiny.human_projects == ["human coarse matrix"]


def test_an_alias_is_given_as_the_name_it_stands_for(tmp_path: Path) -> None:
    path = build(tmp_path / "synphys_r1.0_2019-08-29_small.sqlite")
    assert sf.load_sqlite(path).version_name == "synphys_r1.0_small.sqlite"


def test_tables_and_schema(tiny: sf.SynphysDatabase) -> None:
    tables = tiny.tables.set_index("table")
    assert len(tables) == 32
    assert tables.loc["pair", ["rows", "columns"]].tolist() == [6, 15]
    assert tables.loc["sync_rec", "rows"] == 0
    assert tables["description"].str.len().min() > 20
    schema = tiny.schema.set_index(["table", "column"])
    assert schema.loc[("pair", "distance")].tolist()[:2] == ["float64", "m"]
    assert schema.loc[("pair", "pre_cell_id"), "references"] == "cell.id"
    assert schema["description"].notna().all()
    assert tiny.tables.dtypes.astype(str).tolist() == ["str", "Int64", "Int64", "str"]
    assert set(tiny.schema.dtypes.astype(str)) == {"str"}


def test_repr_and_html(tiny: sf.SynphysDatabase) -> None:
    assert repr(tiny) == (
        "<SynphysDatabase tiny.sqlite: small, schema 22, 2 experiments, 6 cells, 6 pairs, "
        "3 synapses>"
    )
    page = tiny._repr_html_()
    assert "<b>tiny.sqlite</b>" in page
    assert "synthetic" in page
    assert "Without rows in this file: pipeline" in page


def test_completion(tiny: sf.SynphysDatabase) -> None:
    assert {"pair", "synapse_model", "pairs", "sql"} <= set(dir(tiny))
    assert "cortical_cell_location" in tiny._ipython_key_completions_()
    assert "distance" in dir(tiny.columns.pair)
    assert tiny.columns.pair.distance == "pair.distance"
    assert tiny.columns.slice.species == "slice.species"
    with pytest.raises(AttributeError, match="Did you mean 'distance'"):
        _ = tiny.columns.pair.distanc


def test_relation_is_lazy_and_typed(tiny: sf.SynphysDatabase) -> None:
    relation = tiny.relation("pair")
    assert relation.types[4] == "BOOLEAN"
    assert relation.filter("has_synapse").count("id").fetchone() == (3,)


def test_closing(tiny_path: Path) -> None:
    with sf.load_sqlite(tiny_path) as db:
        frame = db.pairs()
    assert len(frame) == 6
    for call in (
        lambda: db.sql("SELECT 1"),
        lambda: db.pairs(),
        lambda: db.tables,
        lambda: db.project_names,
        lambda: db.to_parquet("x"),
        lambda: db.__enter__(),
    ):
        with pytest.raises(ClosedError, match="Open it again with load_sqlite"):
            call()
    db.close()


def test_a_connection_that_its_user_closed_is_opened_again(tiny_path: Path) -> None:
    db = sf.load_sqlite(tiny_path)
    with db.connection as connection:
        assert connection.execute("SELECT count(*) FROM pair").fetchone() == (6,)
    assert len(db.pair) == 6


def test_what_is_handed_out_is_a_copy(tiny_path: Path) -> None:
    db = sf.load_sqlite(tiny_path)
    db.project_names.clear()
    db.mouse_projects.clear()
    db.metadata.clear()
    assert db.mouse_projects == ["mouse V1 coarse matrix"]
    assert db.metadata["db_version"] == "22"


def test_pickling(tiny: sf.SynphysDatabase) -> None:
    copy = pickle.loads(pickle.dumps(tiny))
    assert copy.path == tiny.path
    pd.testing.assert_frame_equal(copy.pair, tiny.pair)


def test_many_threads(sample_path: Path) -> None:
    results: list[tuple[int, int, int]] = []
    with sf.load_sqlite(sample_path) as db:

        def work() -> None:
            for _ in range(5):
                wide = db.pairs(synapse=True, include=["cell", "synapse"])
                n = db.sql("SELECT count(*) AS n FROM pair")["n"].item()
                results.append((len(wide), len(db.cell), n))

        threads = [threading.Thread(target=work) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(results) == 30
    assert len(set(results)) == 1


def _in_a_child(db: sf.SynphysDatabase, answers: Any) -> None:
    answers.put((len(db.pair), len(db.pairs(synapse=True)), db.sql("SELECT 1 AS x")["x"].item()))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system can't fork")
def test_forked_child_and_parent_both_go_on(sample_path: Path) -> None:
    db = sf.load_sqlite(sample_path)
    expected = (len(db.pair), len(db.pairs(synapse=True)), 1)
    context = multiprocessing.get_context("fork")
    answers = context.Queue()
    children = [context.Process(target=_in_a_child, args=(db, answers)) for _ in range(2)]
    for child in children:
        child.start()
    assert [answers.get(timeout=60) for _ in children] == [expected] * 2
    for child in children:
        child.join(timeout=60)
        assert child.exitcode == 0
    assert len(db.pair) == expected[0]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system can't fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_child_forked_while_another_thread_holds_the_tables(sample_path: Path) -> None:
    db = sf.load_sqlite(sample_path)
    expected = len(db.pairs(synapse=True))
    held, done = threading.Event(), threading.Event()

    def hold() -> None:
        with release_of(db).store._lock:
            held.set()
            done.wait(timeout=60)

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait(timeout=60)
    try:
        context = multiprocessing.get_context("fork")
        answers = context.Queue()
        child = context.Process(target=_in_a_child, args=(db, answers))
        child.start()
        assert answers.get(timeout=30)[1] == expected
        child.join(timeout=30)
    finally:
        done.set()
        thread.join()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system can't fork")
def test_a_forked_child_ends_normally(sample_path: Path) -> None:
    program = textwrap.dedent(
        f"""
        import os, sys
        import synphys_frames as sf
        db = sf.load_sqlite({str(sample_path)!r})
        n = len(db.pair)
        child = os.fork()
        if child == 0:
            assert len(db.pair) == n
            sys.exit(7)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), len(db.pair) == n)
        """
    )
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program], capture_output=True, text=True, timeout=60
    )
    assert (done.stdout.strip(), done.stderr) == ("7 True", "")


@pytest.mark.parametrize("start", ["spawn"])
def test_a_database_goes_to_another_process(sample_path: Path, start: str) -> None:
    db = sf.load_sqlite(sample_path)
    context = multiprocessing.get_context(start)
    answers = context.Queue()
    child = context.Process(target=_in_a_child, args=(db, answers))
    child.start()
    assert answers.get(timeout=60) == (len(db.pair), len(db.pairs(synapse=True)), 1)
    child.join(timeout=60)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda folder: folder / "nothing.sqlite", "There is no file.*list_versions"),
        (lambda folder: folder, "is a folder"),
        (lambda folder: _write(folder, b""), r"it is empty \(0 bytes\)"),
        (lambda folder: _write(folder, b"hello, this is a text file" * 9), "not an SQLite file"),
        (lambda folder: _write(folder, b"SQLite format 3\0"), "not an SQLite file"),
        (lambda folder: _truncated(folder), "it is truncated: its header says .* bytes"),
        (lambda folder: _appended(folder), "it is too long"),
        (lambda folder: _something_else(folder), "not a Synaptic Physiology release.*invoice"),
        (lambda folder: _without(folder, "DELETE FROM metadata"), "does not say which schema"),
        (lambda folder: _without(folder, "UPDATE metadata SET meta = 'x'"), "does not say which"),
        (lambda folder: _without(folder, "DROP TABLE cell"), "it has no table cell"),
        (lambda folder: build(folder / "old.sqlite", db_version="3"), "schema version '3'"),
        (lambda folder: _write_ahead(folder), "journal_mode=DELETE"),
        (lambda folder: build(folder / "odd.sqlite", db_version="²"), "schema version '²'"),
        (lambda folder: folder / ("a" * 300), "There is no file"),
        (lambda folder: "~nobody-of-that-name/x.sqlite", "There is no file"),
    ],
    ids=range(16),
)
def test_files_that_are_no_release(tmp_path: Path, make: Any, message: str) -> None:
    path = make(tmp_path)
    with pytest.raises(ReleaseFileError, match=message):
        sf.load_sqlite(path)


@pytest.mark.parametrize("path", [None, 5, b"x.sqlite"])
def test_what_is_no_path(path: Any) -> None:
    with pytest.raises(ArgumentError, match=r"path takes a path, as text or pathlib\.Path; got"):
        sf.load_sqlite(path)


def test_a_file_that_goes_away_or_breaks_while_it_is_open(tmp_path: Path) -> None:
    path = build(tmp_path / "r.sqlite")
    gone = sf.load_sqlite(path)
    broken = sf.load_sqlite(build(tmp_path / "b.sqlite"))
    path.unlink()
    for call in (lambda: gone.pair, lambda: gone.pairs(), lambda: gone.tables):
        with pytest.raises(ReleaseFileError, match=r"r\.sqlite is gone"):
            call()
    content = bytearray(broken.path.read_bytes())
    content[4096:] = b"\xaa" * (len(content) - 4096)
    broken.path.write_bytes(content)
    with pytest.raises(ReleaseFileError, match=r"b\.sqlite can't be read"):
        _ = broken.pair


def test_a_broken_view_in_the_file_does_no_harm(tmp_path: Path) -> None:
    path = change(build(tmp_path / "r.sqlite"), "CREATE VIEW bad AS SELECT * FROM not_there")
    assert len(sf.load_sqlite(path).pair) == 6


def _write(folder: Path, content: bytes) -> Path:
    (folder / "x.sqlite").write_bytes(content)
    return folder / "x.sqlite"


def _truncated(folder: Path) -> Path:
    return _write(folder, build(folder / "whole.sqlite").read_bytes()[:-5000])


def _appended(folder: Path) -> Path:
    return _write(folder, build(folder / "whole.sqlite").read_bytes() + b"x" * 327_680)


def _something_else(folder: Path) -> Path:
    path = folder / "shop.sqlite"
    return change(path, "CREATE TABLE invoice (id INTEGER)")


def _without(folder: Path, statement: str) -> Path:
    return change(build(folder / "r.sqlite"), statement)


def _write_ahead(folder: Path) -> Path:
    return change(build(folder / "wal.sqlite"), "PRAGMA journal_mode=WAL")


@pytest.mark.parametrize(
    ("statements", "message"),
    [
        (["DROP TABLE synapse"], "table synapse is missing"),
        (["ALTER TABLE pair DROP COLUMN distance"], "pair lacks distance"),
        (["UPDATE metadata SET meta = replace(meta, '22', '18')"], "intrinsic lacks .*width"),
        (["CREATE TABLE baseline_response_strength (id INTEGER)"], "of another schema version"),
    ],
)
def test_a_file_that_does_not_fit_its_version(
    tmp_path: Path, statements: list[str], message: str
) -> None:
    path = change(build(tmp_path / "r.sqlite"), *statements)
    with pytest.raises(ReleaseFileError, match=f"but does not fit it: .*{message}"):
        sf.load_sqlite(path)


@pytest.mark.parametrize(
    ("statement", "column", "value"),
    [
        ("UPDATE pair SET distance = 'far' WHERE id = 4", "distance", "'far'"),
        ("UPDATE pair SET has_synapse = 'yes' WHERE id = 4", "has_synapse", "'yes'"),
        ("UPDATE pair SET n_ex_test_spikes = 1.5 WHERE id = 4", "n_ex_test_spikes", "1.5"),
        ("UPDATE experiment SET date = 'soon' WHERE id = 20", "date", "'soon'"),
        ("UPDATE cell SET meta = x'00ff' WHERE id = 4", "meta", r"b'\\x00\\xff'"),
        ("UPDATE cell SET ext_id = x'ff00' WHERE id = 4", "ext_id", r"b'\\xff\\x00'"),
        ("UPDATE cell SET ext_id = CAST(x'ff41' AS TEXT) WHERE id = 4", "ext_id", r"b'\\xffA'"),
        ("UPDATE experiment SET date = '2019-02-30 00:00:00' WHERE id = 20", "date", "'2019-02-30"),
    ],
)
def test_a_value_of_another_type(tmp_path: Path, statement: str, column: str, value: str) -> None:
    table = statement.split()[1]
    path = change(build(tmp_path / "r.sqlite"), statement)
    db = sf.load_sqlite(path)
    for call in (
        lambda: db[table],
        lambda: db.sql(f"SELECT {column} FROM {table}"),
        lambda: db.to_parquet(tmp_path / "out", table, progress=False),
    ):
        with pytest.raises(StoredValueError, match=f"{table}.{column} holds {value}.* in the row"):
            call()
    assert not (tmp_path / "out" / f"{table}.parquet").exists()


def test_values_of_another_type_can_be_made_missing(tmp_path: Path) -> None:
    path = build(tmp_path / "r.sqlite")
    whole = sf.load_sqlite(path).pair
    cell = sf.load_sqlite(path).cell
    change(path, "UPDATE pair SET distance = 'far', has_synapse = 'yes' WHERE id = 4")
    db = sf.load_sqlite(path, errors="coerce")
    with pytest.warns(UserWarning, match=r"pair.has_synapse, distance .* count as missing"):
        pair = db.pair
    whole.loc[3, "distance"] = np.nan
    whole.loc[3, "has_synapse"] = pd.NA
    pd.testing.assert_frame_equal(pair, whole)
    pd.testing.assert_frame_equal(db.cell, cell)
    assert db.pairs(synapse=True)["pair.id"].tolist() == [1, 5]


def test_frames_remember_how_their_database_was_opened(tmp_path: Path) -> None:
    path = build(tmp_path / "r.sqlite")
    change(path, "UPDATE pair SET distance = 'far' WHERE id = 4")
    change(path, "UPDATE experiment SET date = '2019-02-30 00:00:00' WHERE id = 20")
    with pytest.warns(UserWarning, match="count as missing"):
        frame = sf.load_sqlite(path, errors="coerce").cell
    gc.collect()
    with pytest.warns(UserWarning, match="count as missing"):
        joined = frame.synphys.join("experiment")
    assert joined["experiment.date"].isna().tolist() == [False] * 4 + [True] * 2


def test_coercing_keeps_every_digit_and_byte(sample_path: Path, tmp_path: Path) -> None:
    path = tmp_path / "copy.sqlite"
    path.write_bytes(sample_path.read_bytes())
    whole = sf.load_sqlite(sample_path)["avg_response_fit"]
    change(path, "UPDATE avg_response_fit SET nrmse = 'bad' WHERE id = 1")
    with pytest.warns(UserWarning, match="nrmse"):
        frame = sf.load_sqlite(path, errors="coerce")["avg_response_fit"]
    whole.loc[0, "nrmse"] = np.nan
    pd.testing.assert_frame_equal(frame, whole)


def test_errors_takes_two_values(tiny_path: Path) -> None:
    with pytest.raises(ArgumentError, match="'raise' or 'coerce'"):
        sf.load_sqlite(tiny_path, errors="ignore")  # type: ignore[arg-type]


def test_a_newer_schema_opens_with_a_warning(tmp_path: Path) -> None:
    path = change(
        build(tmp_path / "new.sqlite", db_version="23"),
        "ALTER TABLE pair ADD COLUMN has_moon BOOLEAN",
        "CREATE TABLE moon (id INTEGER PRIMARY KEY, pair_id INTEGER, phase FLOAT)",
        "INSERT INTO moon VALUES (1, 4, 0.5)",
    )
    with pytest.warns(UserWarning, match="schema version 23, which is newer"):
        db = sf.load_sqlite(path)
    assert db.pair["has_moon"].dtype == "boolean"
    assert db.moon["phase"].tolist() == [0.5]
    assert db.pairs().columns[-1] == "pair.has_moon"


def test_a_name_with_quotes(tmp_path: Path) -> None:
    path = build(tmp_path / 'it\'s a "release"; --' / "o'file.sqlite")
    assert len(sf.load_sqlite(path).pair) == 6


@pytest.mark.parametrize("ending", ["-journal", "-wal"])
def test_what_another_program_left_beside_a_file_is_named(
    tiny_path: Path, tmp_path: Path, ending: str
) -> None:
    path = Path(shutil.copy(tiny_path, tmp_path / "copy.sqlite"))
    beside = tmp_path / f"copy.sqlite{ending}"
    beside.write_bytes(b"\xd9\xd5\x05\xf9\x20\xa1\x63\xd7" + bytes(600))
    with pytest.raises(ReleaseFileError, match=rf"copy\.sqlite{ending} holds"):
        sf.load_sqlite(path)
    assert sorted(tmp_path.iterdir()) == [path, beside]
    # What a program leaves that has finished does no harm; beside a log DuckDB would write.
    for left in (b"", bytes(600)) if ending == "-journal" else (b"",):
        beside.write_bytes(left)
        with sf.load_sqlite(path) as db:
            assert len(db.pair) == 6
    beside.unlink()
    beside.mkdir()
    with pytest.raises(ReleaseFileError, match="is not a regular file"):
        sf.load_sqlite(path)


def test_a_real_journal_of_a_killed_writer_is_refused(tiny_path: Path, tmp_path: Path) -> None:
    path = Path(shutil.copy(tiny_path, tmp_path / "copy.sqlite"))
    program = f"""
import os, sqlite3
connection = sqlite3.connect({str(path)!r}, isolation_level=None)
connection.execute("PRAGMA cache_size = 1")
connection.execute("BEGIN EXCLUSIVE")
connection.execute("UPDATE pair SET distance = 1")
connection.execute("CREATE TABLE filler AS SELECT randomblob(100000) AS content")
os._exit(9)
"""
    subprocess.run([sys.executable, "-c", program], check=False)
    assert (tmp_path / "copy.sqlite-journal").stat().st_size > 0
    with pytest.raises(ReleaseFileError, match=r"copy\.sqlite-journal holds"):
        sf.load_sqlite(path)


@pytest.mark.skipif(sys.platform == "darwin", reason="its file systems refuse such names")
def test_a_name_that_is_not_utf_8_is_refused_at_opening(tiny_path: Path, tmp_path: Path) -> None:
    path = os.fsencode(tmp_path) + b"/r\xe9.sqlite"
    shutil.copy(os.fsencode(tiny_path), path)
    with pytest.raises(ReleaseFileError, match=r"r\\xe9\.sqlite' is no UTF-8 name"):
        sf.load_sqlite(os.fsdecode(path))


@pytest.mark.parametrize(
    "read",
    [
        lambda db: db["pair"],
        lambda db: db["experiment"],
        lambda db: db["avg_response_fit"],
        lambda db: db.sql("SELECT id, 1.5 AS x, now()::TIMESTAMP AS t, true AS b FROM pair"),
        lambda db: db.pairs(include=["cell", "experiment", "synapse"]),
        lambda db: db.experiment.head(3).synphys.related("cell"),
        lambda db: db.cell.synphys.join("experiment"),
    ],
)
def test_every_column_of_a_frame_can_be_changed(db: sf.SynphysDatabase, read: Any) -> None:
    frame = read(db)
    other = len(frame) - 1
    for name in frame.columns:
        frame.loc[0, name] = frame.loc[other, name]
        first, last = frame.loc[0, name], frame.loc[other, name]
        assert (pd.isna(first) and pd.isna(last)) or first == last


@pytest.mark.parametrize(
    ("name", "instead"),
    [
        ("query", r"db\.table\(name\)"),
        ("pair_query", r"db\.pairs\("),
        ("list_project_names", r"db\.project_names"),
        ("experiment_from_ext_id", "ext_id"),
        ("default_session", "no session"),
    ],
)
def test_names_of_the_existing_library_lead_here(
    db: sf.SynphysDatabase, name: str, instead: str
) -> None:
    with pytest.raises(UnknownTableError, match=instead):
        getattr(db, name)
    assert not hasattr(db, name)


@pytest.mark.parametrize(("name", "instead"), [("preload", "include="), ("filter_exprs", "where=")])
def test_arguments_of_the_existing_library_lead_here(
    db: sf.SynphysDatabase, name: str, instead: str
) -> None:
    with pytest.raises(ArgumentError, match=f"no filter {name}. Here it is {instead}"):
        db.pairs(**{name: ["cell"]})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("query", "instead"),
    [
        ("SELECT is_excitatory FROM cell", r"is_excitatory is cell\.cell_class"),
        ("SELECT c.is_excitatory FROM cell AS c", r"cell\.cell_class"),
        ("SELECT stim_name FROM patch_clamp_recording", "stim_name"),
        ("SELECT * FROM baseline_response_strength", "baseline_response_strength"),
        ("SELECT width FROM intrinsic", r"ap_width"),
    ],
)
def test_sql_tells_where_a_name_of_another_version_is(
    db: sf.SynphysDatabase, query: str, instead: str
) -> None:
    with pytest.raises(QueryError, match=f"run\\. .*{instead}.*Error: "):
        db.sql(query)
