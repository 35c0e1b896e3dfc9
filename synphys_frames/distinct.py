"""Distinct values and rows: the first of each, and which of them every row has."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Iterable

    Rows = np.ndarray[Any, np.dtype[np.intp]]
    Integers = np.ndarray[Any, np.dtype[np.int64]]

_DENSE_FACTOR = 4
# Numbers of combinations are multiplied out as far as they fit int64.
_MOST_COMBINATIONS = 2**31


def numbered(values: Integers) -> tuple[Rows, Rows]:
    """Return each integer's number among the distinct ones, and the first row of each of these."""
    least = int(values.min(initial=0))
    span = int(values.max(initial=0)) - least + 1
    if span > _DENSE_FACTOR * len(values) + 1024:
        codes = pd.factorize(values)[0].astype(np.intp, copy=False)
        span, places = int(codes.max(initial=-1)) + 1, codes
    else:
        places = values - least
    first = np.full(span, -1, dtype=np.intp)
    # What is written last stays.
    first[places[::-1]] = np.arange(len(values) - 1, -1, -1)
    there = np.flatnonzero(first >= 0)
    numbers = np.empty(span, dtype=np.intp)
    numbers[there] = np.arange(len(there))
    return numbers[places], first[there]


def factorized(values: pd.Series) -> tuple[Rows, Any]:
    """Return each value's place among the distinct ones, and these; a missing value is one, too.

    A text in several rows is mostly one and the same object: then each of the few is hashed once.
    """
    dtype: Any = values.dtype
    if isinstance(dtype, pd.StringDtype) and dtype.storage == "python":
        codes, first = numbered(_addresses(values.to_numpy(dtype=object)))
        if len(first) < len(values):
            places, distinct = _hashed(values.array.take(first))
            return places[codes], distinct
    if isinstance(dtype, pd.Int64Dtype) and not values.hasnans:
        integers = values.to_numpy(dtype=np.int64)
        codes, first = numbered(integers)
        return codes, integers[first]
    return _hashed(values)


def _hashed(values: Any) -> tuple[Rows, Any]:
    """Return each value's place among the distinct ones, and these, by hashing all of them."""
    codes, distinct = pd.factorize(values, use_na_sentinel=False)
    return codes.astype(np.intp, copy=False), distinct


def _addresses(objects: np.ndarray[Any, np.dtype[np.object_]]) -> Integers:
    """Return where each object is in memory; as long as `objects` is there, nothing else is."""
    return np.ndarray(objects.shape, np.int64, buffer=objects, strides=objects.strides)


def distinct_rows(columns: Iterable[pd.Series], length: int) -> tuple[Rows, Rows]:
    """Return the first row of each distinct combination of values, and each row's combination.

    A cell is in many pairs: what is decided once a combination need not be decided once a pair.
    """
    combination = np.zeros(length, dtype=np.int64)
    possible = 1
    for values in columns:
        codes, distinct = factorized(values)
        count = max(len(distinct), 1)
        if possible * count > _MOST_COMBINATIONS:
            combination, first = numbered(combination)
            possible = len(first)
        combination = combination * count + codes
        possible *= count
    codes, first = numbered(combination)
    return first, codes
