from __future__ import annotations

import operator as op
import shutil
import sqlite3
from contextlib import closing
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import synphys_frames as sf
from synphys_frames.backends.duckdb_engine import evaluating_connection
from synphys_frames.backends.expression import evaluate, is_true, parse
from synphys_frames.errors import ArgumentError, ExpressionError

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("a < 1", [("a",)]),
        ("synapse.latency < 2e-3 AND slice.age > 50 OR a = synapse.latency",
         [("synapse", "latency"), ("slice", "age"), ("a",)]),
        ('"odd name" IS NULL', [("odd name",)]),
        ("abs(x) IN (1, 2) -- why not", [("x",)]),
        ("CASE WHEN a THEN b ELSE c END", [("a",), ("b",), ("c",)]),
        ("true", []),
    ],
)  # fmt: skip
def test_names_of_an_expression(text: str, names: list[tuple[str, ...]]) -> None:
    assert sorted(parse(text).names) == sorted(names)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "not valid SQL"),
        ("a <", "not valid SQL"),
        ("a; DROP TABLE pair", "not valid SQL"),
        ("a) FROM t WHERE (b", "one SQL expression"),
        ("a), (b", "one SQL expression"),
        ("a) UNION SELECT (b", "one SQL expression"),
        ("a IN (SELECT b FROM t)", "a subquery"),
        ("EXISTS (SELECT 1)", "a subquery"),
        ("row_number() OVER () > 1", "a window function"),
        ("*", r"a \*"),
        ("a = $1", "a parameter"),
        ("(x -> x > a) IS NULL", "a lambda"),
    ],
)
def test_what_is_not_one_expression_is_refused(text: str, message: str) -> None:
    with pytest.raises(ExpressionError, match=message):
        parse(text)


def test_expressions_are_text() -> None:
    with pytest.raises(ArgumentError, match="SQL as text"):
        parse(5)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x > 1", [False, True, None]),
        ("NOT x > 1", [True, False, None]),
        ("x IS NULL", [False, False, True]),
        ("x > 1 OR y = 'a'", [True, True, None]),
        ("x > 1 AND y = 'b'", [False, True, None]),
        ("b", [True, None, False]),
        ("b = 1", [True, None, False]),
        ("coalesce(y, 'a') = 'a'", [True, False, True]),
        ("true", [True, True, True]),
        ("t > TIMESTAMP '2020-01-01'", [False, True, None]),
    ],
)
@pytest.mark.parametrize("backend", ["plain", "arrow"])
def test_three_valued_logic(text: str, expected: list[bool | None], backend: str) -> None:
    frame = pd.DataFrame(
        {
            "x": [1.0, 2.0, float("nan")],
            "y": pd.Series(["a", "b", None], dtype="str"),
            "b": pd.Series([True, None, False], dtype="boolean"),
            "t": pd.to_datetime(["2019-01-01", "2021-01-01", None]),
        }
    ).set_axis([7, 7, 9])
    if backend == "arrow":
        frame = frame.convert_dtypes(dtype_backend="pyarrow")
    columns = {(name,): frame[name] for name in frame}
    found = evaluate(parse(text), columns, 3)
    assert [None if value is pd.NA else bool(value) for value in found] == expected
    assert is_true(parse(text), columns, 3).tolist() == [value is True for value in expected]


@pytest.mark.parametrize("text", ["y", "y > 1", "lower(x) = 'a' AND sqrt(y) > 1"])
@pytest.mark.parametrize("evaluate", [evaluate, is_true])
def test_what_can_not_be_evaluated(text: str, evaluate: Any) -> None:
    columns = {("x",): pd.Series([1.0, 2.0]), ("y",): pd.Series(["a", "b"])}
    with pytest.raises(ExpressionError, match="can't be evaluated"):
        evaluate(parse(text), columns, 2)


connection = cache(evaluating_connection)
OPERATORS = {"<": op.lt, "<=": op.le, "=": op.eq, "<>": op.ne, ">=": op.ge, ">": op.gt}
FLOATS = st.sampled_from([0.0, -0.0, 1.5, float("inf"), float("-inf"), 5e-324]) | st.floats()
TEXTS = st.sampled_from(["", "a", "B", "ä", "a\x00"]) | st.text(max_size=3)


def assert_compared(series: pd.Series, literal: str, limit: Any) -> None:
    values = [None if pd.isna(value) else value for value in series]
    for operator, compare in OPERATORS.items():
        expression = parse(f"x {operator} {literal}")
        expected = [None if value is None else compare(value, limit) for value in values]
        found = evaluate(expression, {("x",): series}, len(series), connection)
        assert [None if value is pd.NA else bool(value) for value in found] == expected
        true = is_true(expression, {("x",): series}, len(series), connection)
        assert true.tolist() == [one is True for one in expected]


@settings(max_examples=12)
@given(values=st.lists(st.none() | FLOATS, min_size=1, max_size=9), limit=FLOATS)
def test_comparison_of_numbers_agrees_with_python(values: list[Any], limit: float) -> None:
    if limit == limit:  # in SQL, unlike Python, NaN is greater than any number
        assert_compared(pd.Series(values, dtype="float64"), f"'{limit!r}'::DOUBLE", limit)


@settings(max_examples=12)
@given(values=st.lists(st.none() | TEXTS, min_size=1, max_size=9), limit=TEXTS)
def test_comparison_of_texts_agrees_with_their_bytes(values: list[Any], limit: str) -> None:
    if "\x00" in limit:
        return  # no literal can hold it
    literal = "'" + limit.replace("'", "''") + "'"
    for dtype in ("str", "category"):
        series = pd.Series(values, dtype="str").astype(dtype)
        in_bytes = pd.Series([None if one is None else one.encode() for one in values])
        for operator, compare in OPERATORS.items():
            found = is_true(
                parse(f"x {operator} {literal}"), {("x",): series}, len(series), connection
            )
            expected = [one is not None and compare(one, limit.encode()) for one in in_bytes]
            assert found.tolist() == expected


CONNECTION = cache(evaluating_connection)
NUMBERS = st.floats(allow_nan=False, allow_infinity=False)


@settings(max_examples=60, deadline=None)
@given(numbers=st.lists(NUMBERS, min_size=1, max_size=12), number=NUMBERS, data=st.data())
def test_a_number_is_the_double_that_python_makes_of_it(
    numbers: list[float], number: float, data: st.DataObject
) -> None:
    # Its neighbours tell the last bit.
    limit = data.draw(st.sampled_from([number, *numbers]))
    with np.errstate(over="ignore"):
        values = [*numbers, limit, np.nextafter(limit, np.inf), np.nextafter(limit, -np.inf)]
    column = pd.Series([float(value) for value in values if np.isfinite(value)])
    digits = data.draw(st.sampled_from([f"{limit!r}", f"{limit:.20e}", f"{limit:.17g}"]))
    columns = {("x",): column}
    for text, expected in {
        f"x <= {digits}": column <= limit,
        f"x = {digits}": column == limit,
        f"x IN ({digits}, {digits})": column == limit,
        f"x BETWEEN {digits} AND {digits}": column == limit,
        f"CASE WHEN x > {digits} THEN true ELSE false END": column > limit,
        f"{digits} > x": column < limit,
    }.items():
        truth = evaluate(parse(text), columns, len(column), CONNECTION)
        assert list(truth) == list(expected), text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x = 0.00010580520830519913", 0.00010580520830519913),
        ("x = 1e-3", 1e-3),
        ("x = -0.0", 0.0),
        ("x = .1", 0.1),
        ("x = 12345678901234567890123456789012345678.5", 1.2345678901234568e37),
        ("x = 0.1234567890123456789012345678901234567890123", 0.1234567890123456789),
        ("x = 1_000.1", 1000.1),
    ],
)
def test_numbers_as_they_are_written(text: str, expected: float) -> None:
    assert list(evaluate(parse(text), {("x",): pd.Series([expected])}, 1)) == [True]


@pytest.mark.parametrize("number", ["1e309", "-1e400", "2.5e308"])
def test_a_number_beyond_doubles_is_refused(number: str) -> None:
    with pytest.raises(ExpressionError, match="larger than a double"):
        parse(f"x < {number}")


@settings(max_examples=6, deadline=None)
@given(number=st.floats(1e-6, 1e-3))
def test_a_number_is_the_same_in_every_place(tiny_path: Path, number: float) -> None:
    path = tiny_path.with_name("numbers.sqlite")
    path.unlink(missing_ok=True)
    shutil.copy(tiny_path, path)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("UPDATE pair SET distance = NULL")
        connection.execute("UPDATE cell SET depth = NULL")
        connection.execute("UPDATE pair SET distance = ? WHERE id IN (1, 5)", [number])
        connection.execute("UPDATE cell SET depth = ? WHERE id = 3", [number])
        connection.commit()
        expected = [
            row[0]
            for row in connection.execute(
                f"SELECT id FROM pair WHERE distance = {number!r} ORDER BY id"
            )
        ]
    with sf.load_sqlite(path) as db:
        assert expected == [1, 5]
        assert db.table("pair", ["id"], where=f"distance = {number!r}")["id"].tolist() == expected
        assert db.pairs(where=f"distance = {number!r}")["pair.id"].tolist() == expected
        assert db.pairs(distance=(number, number))["pair.id"].tolist() == expected
        for deep in (sf.CellClass(depth=number), sf.CellClass(f"depth = {number!r}")):
            assert db.pairs(post_class=deep)["pair.id"].tolist() == [1, 4]
