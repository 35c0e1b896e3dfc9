from __future__ import annotations

from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from synphys_frames.errors import ArgumentError, ExpressionError
from synphys_frames.expression import evaluate, parse


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
    found = evaluate(parse(text), {(name,): frame[name] for name in frame}, 3)
    assert [None if value is pd.NA else bool(value) for value in found] == expected


@pytest.mark.parametrize("text", ["sum(x) > 1", "y", "y > 1", "nothing_known(x)"])
def test_what_can_not_be_evaluated(text: str) -> None:
    columns = {("x",): pd.Series([1.0, 2.0]), ("y",): pd.Series(["a", "b"])}
    with pytest.raises(ExpressionError, match="can't be evaluated"):
        evaluate(parse(text), columns, 2)


@given(
    values=st.lists(st.one_of(st.none(), st.floats(allow_nan=False)), min_size=1, max_size=20),
    limit=st.floats(allow_nan=False, allow_infinity=False),
)
def test_comparison_agrees_with_python(values: list[Any], limit: float) -> None:
    series = pd.Series(values, dtype="float64")
    found = evaluate(parse(f"x < {limit!r}::DOUBLE"), {("x",): series}, len(values))
    expected = [pd.NA if value is None else value < limit for value in values]
    assert list(found) == expected
