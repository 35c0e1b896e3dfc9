"""Distinct values agree with those that pandas finds, whatever the values are stored in."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from synphys_frames.columns.factorize import distinct_rows, factorized, numbered, values_at
from synphys_frames.schema.kinds import STR

# Few values, so that they repeat, and some at the ends of what an id can be.
INTEGERS = st.lists(st.one_of(st.integers(-3, 3), st.integers(-(2**63), 2**63 - 1)))
TEXTS = st.lists(st.one_of(st.none(), st.sampled_from(["", "ex", "in", "L2/3", "µ"])))


@given(values=INTEGERS)
def test_integers_are_numbered_with_their_first_rows(values: list[int]) -> None:
    codes, first = numbered(np.array(values, dtype=np.int64))
    assert [values[first[code]] for code in codes] == values
    assert sorted(first) == sorted(values.index(one) for one in set(values))


def assert_same_groups(values: pd.Series) -> None:
    codes, distinct = factorized([values])
    expected, uniques = pd.factorize(values, use_na_sentinel=False)
    assert len(distinct) == len(uniques)
    # One code for each of pandas' codes, and the other way round.
    pairs = set(zip(codes.tolist(), expected.tolist(), strict=True))
    assert len(pairs) == len({one for one, _ in pairs}) == len({one for _, one in pairs})
    found = pd.Series(distinct).take(codes)
    compared = values_at(codes, distinct, is_text=True)
    assert isinstance(compared.dtype, pd.CategoricalDtype)
    for one, two, other in zip(found, compared, values, strict=True):
        assert (pd.isna([one, two, other]).all()) or one == two == other


@pytest.mark.parametrize("dtype", [STR, "str", "string", object, "category"])
@given(values=TEXTS)
def test_texts_have_the_groups_that_pandas_finds(values: list[str | None], dtype: Any) -> None:
    shared = pd.Series(values, dtype=dtype)
    assert_same_groups(shared)
    # The same texts as objects of their own: not known by where they are.
    apart = [None if one is None else "".join(list(one)) for one in values]
    assert_same_groups(pd.Series([*values, *apart], dtype=dtype))


@pytest.mark.parametrize("dtype", ["Int64", "float64"])
@given(values=st.lists(st.one_of(st.none(), st.integers(-3, 3))))
def test_numbers_have_the_groups_that_pandas_finds(values: list[int | None], dtype: Any) -> None:
    assert_same_groups(pd.Series(values, dtype=dtype))


@given(rows=st.lists(st.tuples(st.sampled_from(["a", "b", None]), st.integers(0, 2))))
def test_distinct_rows_are_those_of_all_columns_together(
    rows: list[tuple[str | None, int]],
) -> None:
    frame = pd.DataFrame(rows, columns=["text", "number"]).astype({"text": STR, "number": "Int64"})
    columns = [factorized([frame[name]]) for name in frame]
    first, codes = distinct_rows([(one, len(distinct)) for one, distinct in columns], len(frame))
    assert [rows[first[code]] for code in codes] == rows
    assert len(first) == len(set(rows))


def test_combinations_beyond_a_number_of_64_bits_are_told_apart() -> None:
    # Multiplied out, the first column would count for 2**64: for nothing.
    places = [np.array(one, dtype=np.intp) for one in ([0, 1, 1], *[[0, 0, 0]] * 4)]
    first, codes = distinct_rows([(one, 2**16) for one in places], 3)
    assert codes.tolist() == [0, 1, 1]
    assert first.tolist() == [0, 1]


@pytest.mark.parametrize("dtype", [STR, "str", "category"])
@given(
    columns=st.integers(1, 3).flatmap(
        lambda count: st.lists(st.tuples(*[st.sampled_from(["", "ex", "in", None])] * count))
    ),
    data=st.data(),
)
def test_some_rows_of_several_columns_are_one_column(
    columns: list[tuple[str | None, ...]], dtype: Any, data: st.DataObject
) -> None:
    count = len(columns[0]) if columns else 1
    frame = (
        pd.DataFrame(columns, columns=list(range(count))).astype(dtype).set_axis([5] * len(columns))
    )
    rows = np.array(
        data.draw(st.lists(st.sampled_from(range(len(columns))) if columns else st.nothing())),
        dtype=np.intp,
    )
    codes, distinct = factorized([frame[name] for name in frame], rows)
    expected = [columns[row][place] for place in range(count) for row in rows]
    found = pd.Series(distinct).take(codes)
    assert [None if pd.isna(one) else one for one in found] == expected
    assert len(distinct) == len(set(expected))
