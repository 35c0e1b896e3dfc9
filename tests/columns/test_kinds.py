"""Every kind of column, by every way from the file into a frame.

A new kind needs its line in EXAMPLES and nothing else here; CONTRIBUTING.md has the recipe.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd
import pytest

import synphys_frames as sf
from synphys_frames.errors import StoredValueError
from synphys_frames.schema.kinds import KINDS
from synphys_frames.schema.published import NEWEST, published_schema
from tests.support.release_builder import build, change

if TYPE_CHECKING:
    from synphys_frames.schema.kinds import Kind


class Example(NamedTuple):
    """Two stored values, what they are in a frame, and one stored value that does not fit.

    In Arrow, and so in Parquet files, the two may be something else.
    """

    stored: tuple[str, str]
    values: tuple[Any, Any]
    misfit: str
    in_arrow: tuple[Any, Any] | None = None


EXAMPLES: dict[Kind, Example] = {
    "bool": Example(("1", "0"), (True, False), "'yes'"),
    "int": Example(("9007199254740993", "-1"), (2**53 + 1, -1), "'seven'"),
    "float": Example(("0.1", "-2"), (0.1, -2.0), "'near'"),
    "datetime": Example(
        ("'2019-02-03 04:05:06.000007'", "'1999-12-31'"),
        (pd.Timestamp("2019-02-03 04:05:06.000007"), pd.Timestamp("1999-12-31")),
        "'2019-02-30'",
    ),
    "array": Example(("x'00ff'", "x'00'"), (b"\x00\xff", b"\x00"), "5"),
    "json": Example(("""'{"a": 1}'""", "'7'"), ('{"a": 1}', "7"), "x'00'"),
    "str": Example(("'L2/3'", "''"), ("L2/3", ""), "x'00'"),
}
_PUBLISHED = published_schema(NEWEST).table("pair").columns.values()


def test_every_kind_has_an_example() -> None:
    assert EXAMPLES.keys() == KINDS.keys()


def release_of(kind: Kind, folder: Path) -> tuple[Path, str]:
    """A release with the example's values in a column of pair, a missing one between them."""
    path = build(folder / "kinds.sqlite")
    if declared := KINDS[kind].declared:
        name = "extra"
        change(path, f"ALTER TABLE pair ADD COLUMN {name} {declared[-1]}")
    else:
        # No declared type tells this kind: a described column has it.
        name = next((column.name for column in _PUBLISHED if column.kind == kind), "extra")
        if name == "extra":
            change(path, "ALTER TABLE pair ADD COLUMN extra VARCHAR")
    first, second = EXAMPLES[kind].stored
    change(
        path,
        f"UPDATE pair SET {name} = NULL",
        f"UPDATE pair SET {name} = {first} WHERE id = 1",
        f"UPDATE pair SET {name} = {second} WHERE id = 3",
    )
    return path, name


def assert_as_stored(column: pd.Series, values: tuple[Any, Any]) -> None:
    first, second = values
    expected = [first, None, second, None, None, None]
    for value, other in zip(column, expected, strict=True):
        if other is None:
            assert value is None or pd.isna(value)
        else:
            np.testing.assert_array_equal(value, other)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("budget", [None, 0])
def test_values_come_as_their_kind_says(kind: Kind, budget: int | None, tmp_path: Path) -> None:
    path, name = release_of(kind, sf.config.cache_path)
    sf.config.memory_budget = budget
    dtype = KINDS[kind].pandas_dtype
    values = EXAMPLES[kind].values
    in_arrow = EXAMPLES[kind].in_arrow or values
    for _ in range(2):  # the second time from the columnar copy, where columns are kept
        with sf.load_sqlite(path) as db:
            frames = {
                f"pair.{name}": db.pairs(include=[f"pair.{name}", "synapse"]),
                name: db.table("pair"),
            }
            for label, frame in frames.items():
                assert frame[label].dtype == dtype
                assert_as_stored(frame[label], values)
            for condition, ids in (("IS NOT NULL", [1, 3]), ("IS NULL", [2, 4, 5, 6])):
                chosen = db.pairs(where=f"pair.{name} {condition}", include=f"pair.{name}")
                assert chosen["pair.id"].tolist() == ids
                assert chosen[f"pair.{name}"].dtype == dtype
            arrow = db.pairs(include=f"pair.{name}", dtype_backend="pyarrow")[f"pair.{name}"]
            assert arrow.dtype == pd.ArrowDtype(KINDS[kind].arrow)
            assert_as_stored(arrow, in_arrow)
            [file] = db.to_parquet(tmp_path / "parquet", tables=["pair"], progress=False)
            assert_as_stored(pd.read_parquet(file)[name], in_arrow)


def with_misfit(kind: Kind, folder: Path) -> tuple[Path, str]:
    path, name = release_of(kind, folder)
    return change(path, f"UPDATE pair SET {name} = {EXAMPLES[kind].misfit} WHERE id = 2"), name


# DuckDB takes whatever is stored in a column of bytes for bytes.
@pytest.mark.parametrize("kind", [kind for kind in KINDS if KINDS[kind].duckdb != "BLOB"])
def test_a_value_of_another_kind_is_refused(kind: Kind, tmp_path: Path) -> None:
    path, name = with_misfit(kind, tmp_path)
    with (
        sf.load_sqlite(path) as db,
        pytest.raises(StoredValueError, match=rf"pair\.{name} holds"),
    ):
        db.table("pair", columns=[name])


@pytest.mark.parametrize("kind", KINDS)
def test_a_value_of_another_kind_can_count_as_missing(kind: Kind, tmp_path: Path) -> None:
    path, name = with_misfit(kind, tmp_path)
    with sf.load_sqlite(path, errors="coerce") as db:
        with pytest.warns(UserWarning, match="count as missing"):
            frame = db.table("pair", columns=[name])
        assert frame[name].dtype == KINDS[kind].pandas_dtype
        assert_as_stored(frame[name], EXAMPLES[kind].values)


INCOMPLETE = [
    (
        "schema/kinds.py",
        "\nKind = Literal[",
        "\nKind = Literal['imaginary', ",
        "Kind names.*imaginary",
    ),
    ("schema/kinds.py", '"array": KindFacts(', '"imaginary": KindFacts(', "KINDS has.*imaginary"),
    ("schema/kinds.py", 'storage="bytes",', 'storage="pictures",', "where kinds name.*pictures"),
    ("columns/dtypes.py", '"times": _Conversion', '"clocks": _Conversion', "kinds name.*times"),
]


@pytest.mark.parametrize(("module", "old", "new", "message"), INCOMPLETE)
def test_a_kind_without_one_of_its_parts_can_not_be_imported(
    tmp_path: Path, module: str, old: str, new: str, message: str
) -> None:
    package = Path(sf.__file__).parent
    copied = shutil.copytree(package, tmp_path / package.name)
    source = (copied / module).read_text(encoding="utf-8")
    assert source.count(old) == 1
    (copied / module).write_text(source.replace(old, new), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-c", "import synphys_frames"],
        cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == 1
    assert re.search(f"TypeError: .*{message}", done.stderr), done.stderr
