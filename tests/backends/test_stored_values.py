"""What a stored value is read as, by its column's kind: itself, missing, or refused by name."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import synphys_frames as sf
from synphys_frames.errors import StoredValueError
from tests.support.release_builder import change

# A column of each kind, and the row that is changed.
PLACES = {
    "int": ("pair", "n_ex_test_spikes", 6),
    "float": ("pair", "distance", 6),
    "bool": ("pair", "has_synapse", 6),
    "str": ("cell", "cre_type", 6),
    "datetime": ("experiment", "date", 20),
    "json": ("cell", "position", 6),
    "array": ("resting_state_fit", "ic_avg_data", 2),
}
# As SQL: SQLite stores it as the column's affinity has it.
STORED = {
    "NULL": None,
    "7": 7,
    "1": 1,
    "0.5": 0.5,
    "9e999": np.inf,
    "1099511627776": 1099511627776,
    "'abc'": "abc",
    "'2 3'": "2 3",
    "'2019-03-04 05:06:07.000089'": "2019-03-04 05:06:07.000089",
    "'2019-03-04'": "2019-03-04",
    "'2019-02-30 00:00:00'": "2019-02-30 00:00:00",
    "'2019-03-04 25:00:00'": "2019-03-04 25:00:00",
    "'2019-03-04 05:06:07+02:00'": "2019-03-04 05:06:07+02:00",
    "'2019-03-04 05:06:07.1234567'": "2019-03-04 05:06:07.1234567",
    "'now'": "now",
    "'null'": "null",
    "' null '": " null ",
    "''": "",
    "CAST(x'610062' AS TEXT)": "a\x00b",
    "CAST(x'ff41' AS TEXT)": b"\xffA",
    "x'0102'": b"\x01\x02",
    "x''": b"",
    "zeroblob(3)": b"\x00\x00\x00",
}
TEXTS = {value: content for value, content in STORED.items() if isinstance(content, str)}
AS_TEXT = {"7": "7", "1": "1", "0.5": "0.5", "9e999": "Inf", "1099511627776": "1099511627776"}
FITTING: dict[str, dict[str, Any]] = {
    "int": {"7": 7, "1": 1, "1099511627776": 1099511627776},
    "float": {
        "7": 7.0, "1": 1.0, "0.5": 0.5, "9e999": np.inf, "1099511627776": 1099511627776.0,
    },
    "bool": {"1": True},
    "str": TEXTS | AS_TEXT,
    "datetime": {
        "'2019-03-04 05:06:07.000089'": pd.Timestamp("2019-03-04 05:06:07.000089"),
        "'2019-03-04'": pd.Timestamp("2019-03-04"),
    },
    "json": TEXTS | AS_TEXT | {"'null'": None, "' null '": None},
    "array": {"x'0102'": b"\x01\x02", "zeroblob(3)": b"\x00\x00\x00", "x''": None, "''": None},
}  # fmt: skip
CASES = [(kind, value) for kind in PLACES for value in STORED]
WRONG = [case for case in CASES if case[1] != "NULL" and case[1] not in FITTING[case[0]]]
# Of each way to be wrong one in the default run: each case opens files.
TELLING = {"0.5", "'2019-03-04 05:06:07+02:00'", "CAST(x'ff41' AS TEXT)"}
FEW = {"NULL", "7", "'null'", "x''", "'2019-03-04'"}


def thinned(cases: list[tuple[str, str]], values: set[str]) -> list[Any]:
    return [
        case if case[1] in values else pytest.param(*case, marks=pytest.mark.slow) for case in cases
    ]


def stored(path: Path, folder: Path, kind: str, value: str) -> Path:
    table, column, row = PLACES[kind]
    copy = Path(shutil.copy(path, folder / "copy.sqlite"))
    return change(copy, f"UPDATE {table} SET {column} = {value} WHERE id = {row}")


def is_missing(value: Any) -> bool:
    return value is None or bool(pd.isna(value))


@pytest.mark.parametrize("errors", ["raise", pytest.param("coerce", marks=pytest.mark.slow)])
@pytest.mark.parametrize(
    ("kind", "value"),
    thinned([case for case in CASES if case not in WRONG], FEW),
    ids=lambda word: word,
)
@pytest.mark.filterwarnings("ignore:.*count as missing")
def test_what_fits_is_read_as_it_is(
    tiny_path: Path, tmp_path: Path, kind: str, value: str, errors: Any
) -> None:
    table, column, row = PLACES[kind]
    path = stored(tiny_path, tmp_path, kind, value)
    expected = FITTING[kind].get(value)
    with sf.load_sqlite(path, errors=errors) as db:
        frame = db.table(table, ["id", column])
        read = frame.loc[frame["id"] == row, column].item()
        assert is_missing(read) if expected is None else read == expected
        # The same in an expression, in SQL, and in Parquet.
        known = db.table(table, ["id"], where=f"{column} IS NOT NULL")["id"]
        assert (row in set(known)) is (expected is not None)
        counted = db.sql(f"SELECT count({column}) AS n FROM {table} WHERE id = {row}")
        assert counted["n"].item() == (expected is not None)
        [file] = db.to_parquet(tmp_path, [table], progress=False)
        back = pd.read_parquet(file).set_index("id").loc[row, column]
        assert is_missing(back) if expected is None else back == expected


VERBS = {
    "table": lambda db, table, column: db.table(table, [column]),
    "whole table": lambda db, table, column: db[table],
    "sql": lambda db, table, column: db.sql(f"SELECT {column} FROM {table}"),
    "sql with *": lambda db, table, column: db.sql(f"SELECT * FROM {table}"),
    "related": lambda db, table, column: db.experiment[["id", "ext_id"]].synphys.related(table),
    "pairs": lambda db, table, column: db.pairs(
        include=[f"{'pre_' if table == 'cell' else ''}{table}.{column}"]
    ),
}


@pytest.mark.parametrize(("kind", "value"), thinned(WRONG, TELLING), ids=lambda word: word)
def test_what_does_not_fit_is_refused_by_name(
    tiny_path: Path, tmp_path: Path, kind: str, value: str
) -> None:
    table, column, row = PLACES[kind]
    expected = f"{table}.{column} holds {STORED[value]!r} in the row with id {row}, .* is {kind}"
    if kind == "bool" or STORED[value] == np.inf:
        expected = rf"{table}\.{column} holds .* in the row with id {row}, where its type is {kind}"
    else:
        expected = expected.replace("\\", r"\\").replace("+", r"\+")
    with sf.load_sqlite(stored(tiny_path, tmp_path, kind, value)) as db:
        with pytest.raises(StoredValueError, match=expected):
            db.table(table, [column])
        with pytest.raises(StoredValueError, match=f"{table}.{column}"):
            db.to_parquet(tmp_path / "out", [table], progress=False)


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("kind", PLACES)
def test_every_verb_refuses(tiny_path: Path, tmp_path: Path, kind: str, verb: str) -> None:
    table, column, _ = PLACES[kind]
    wrong = {"str": "x'0102'", "json": "x'0102'", "float": "'abc'", "array": "7"}.get(kind, "0.5")
    with (
        sf.load_sqlite(stored(tiny_path, tmp_path, kind, wrong)) as db,
        pytest.raises(StoredValueError, match=f"{table}.{column}"),
    ):
        VERBS[verb](db, table, column)


@pytest.mark.parametrize(("kind", "value"), thinned(WRONG, TELLING), ids=lambda word: word)
def test_what_does_not_fit_is_missing_where_it_may_be(
    tiny_path: Path, tmp_path: Path, kind: str, value: str
) -> None:
    table, column, row = PLACES[kind]
    path = stored(tiny_path, tmp_path, kind, value)
    with sf.load_sqlite(tiny_path) as plain:
        expected = plain.table(table, ["id", column]).set_index("id")[column].drop(row)
    with sf.load_sqlite(path, errors="coerce") as db:
        with pytest.warns(UserWarning, match=f"{table}.{column}.*count as missing"):
            read = db.table(table, ["id", column]).set_index("id")[column]
        assert is_missing(read[row])
        pd.testing.assert_series_equal(read.drop(row), expected)


def test_columns_that_nobody_asks_for_do_no_harm(tiny_path: Path, tmp_path: Path) -> None:
    with sf.load_sqlite(stored(tiny_path, tmp_path, "datetime", "7")) as db:
        assert db.table("experiment", ["ext_id"])["ext_id"].tolist() == ["1500.101", "1600.202"]
        assert len(db.pairs(species="mouse")) == 4


def test_the_raw_catalogue_shows_what_is_stored(tiny_path: Path, tmp_path: Path) -> None:
    with sf.load_sqlite(stored(tiny_path, tmp_path, "json", "'null'")) as db:
        raw = db.sql("SELECT position FROM release.cell WHERE id = 6")
    assert raw["position"].tolist() == ["null"]
