from __future__ import annotations

import operator as op
from functools import cache
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synphys_frames.backends.duckdb_engine import evaluating_connection
from synphys_frames.backends.expression import evaluate, is_true, parse
from synphys_frames.errors import ArgumentError, ExpressionError


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
        ("list_filter([1], x -> x > a) IS NULL", "a lambda"),
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


@pytest.mark.parametrize("text", ["sum(x) > 1", "y", "y > 1", "nothing_known(x)"])
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
