"""Where keys are, and which values and rows are distinct."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from ..schema import STR
from .dtypes import text_array

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pandas.api.extensions import ExtensionArray

    from .._typing import Integers, Mask, Rows


NONE = -1


class KeyIndex:
    """The row number of each key of a column: a pandas index that knows of missing keys.

    Parameters
    ----------
    keys, missing
        The column, row by row, and where it is missing. Of several rows with one key, the last
        counts.

    Attributes
    ----------
    repeated
        The least key that several rows have, or None.
    """

    def __init__(self, keys: Integers, missing: Mask) -> None:
        self.repeated: int | None = None
        index = pd.Index(keys)
        # The rows of the keys in the index, and of a key that is not in it; None where it has all.
        self._rows_in_index: Rows | None = None
        kept = ~missing
        if missing.any():
            index = index[kept]
        if not index.is_unique:
            self.repeated = int(index[index.duplicated()].min())
            last = ~index.duplicated(keep="last")
            kept[kept] = last
            index = index[last]
        if len(index) < len(keys):
            self._rows_in_index = np.append(np.flatnonzero(kept), NONE)
        self._index = index
        # pandas makes its hash table at the first look-up, and threads may not share that. Two
        # keys, because it needs no table for those of the index itself.
        index.get_indexer(index[:1].repeat(2))

    @property
    def is_unique(self) -> bool:
        """Whether no key is that of several rows."""
        return self.repeated is None

    @property
    def nbytes(self) -> int:
        """Bytes that the index takes, with its hash table."""
        rows = 0 if self._rows_in_index is None else self._rows_in_index.nbytes
        return int(self._index.memory_usage() + rows)

    def rows(self, keys: Integers, missing: Mask | None = None) -> Rows:
        """Return the row number of each key, -1 where it is missing or not there."""
        rows: Rows = self._index.get_indexer(pd.Index(keys))
        if self._rows_in_index is not None:
            rows = self._rows_in_index[rows]
        if missing is not None and missing.any():
            rows[missing] = NONE
        return rows


# Integers that span up to so many times their count are numbered by a table, others by hashing.
_DENSE_FACTOR = 4
# Above so many, combinations are numbered anew before the next column, so that they fit int64.
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
    # Written backwards: of several rows with one value, the first is written last and stays.
    first[places[::-1]] = np.arange(len(values) - 1, -1, -1)
    occurring = np.flatnonzero(first >= 0)
    numbers = np.empty(span, dtype=np.intp)
    numbers[occurring] = np.arange(len(occurring))
    return numbers[places], first[occurring]


def stacked(columns: Sequence[pd.Series], rows: Rows | None = None) -> pd.Series:
    """Return these rows, default all, of columns as one, the one below the other."""
    chosen = list(columns)
    if rows is not None:
        chosen = [pd.Series(column.array.take(rows), name=column.name) for column in columns]
    if len(chosen) == 1:
        return chosen[0]
    together = pd.concat(chosen, ignore_index=True)
    together.name = chosen[0].name
    return together


def factorized(columns: Sequence[pd.Series], rows: Rows | None = None) -> tuple[Rows, Any]:
    """Return each value's place among the distinct values, missing ones included, and these.

    Parameters
    ----------
    columns
        Columns of one length, which are taken as one, the one below the other.
    rows
        The rows of each of them that count; default all.
    """
    if all(column.dtype == STR for column in columns):
        return _encoded(columns, rows)
    values = stacked(columns, rows)
    if isinstance(values.dtype, pd.Int64Dtype) and not values.hasnans:
        integers = values.to_numpy(dtype=np.int64)
        codes, first = numbered(integers)
        return codes, integers[first]
    return _hashed(values)


def values_at(codes: Rows, distinct: Any, *, is_text: bool) -> pd.Series:
    """Return values by their places among distinct ones, texts as a categorical column.

    A comparison with a text then looks at the few distinct texts, not at every row.
    """
    if not is_text:
        return pd.Series(distinct).take(codes).reset_index(drop=True)
    known = ~np.asarray(pd.isna(distinct))
    places = np.where(known, np.cumsum(known) - 1, -1)
    # A column without any text may be one of floats.
    categories = pd.Index(distinct)[known] if known.any() else pd.Index([], dtype="str")
    return pd.Series(pd.Categorical.from_codes(places[codes], categories, validate=False))


def _hashed(values: Any) -> tuple[Rows, Any]:
    codes, distinct = pd.factorize(values, use_na_sentinel=False)
    dtype: Any = distinct.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        distinct = distinct.astype(dtype.categories.dtype)
    elif isinstance(dtype, pd.ArrowDtype) and pa.types.is_dictionary(dtype.pyarrow_dtype):
        distinct = distinct.astype(pd.ArrowDtype(dtype.pyarrow_dtype.value_type))
    return codes.astype(np.intp, copy=False), distinct


def _encoded(columns: Sequence[pd.Series], rows: Rows | None) -> tuple[Rows, ExtensionArray]:
    texts = [pa.array(column.array) for column in columns]
    if rows is not None:
        places = pa.array(rows)
        texts = [pc.take(values, places, boundscheck=False) for values in texts]
    encoded = _together(texts).dictionary_encode(null_encoding="encode")
    if not encoded.num_chunks:
        return np.empty(0, dtype=np.intp), pd.array([], dtype=STR)
    # All chunks have one and the same dictionary.
    codes = [chunk.indices.to_numpy() for chunk in encoded.chunks]
    return np.concatenate(codes, dtype=np.intp), text_array(encoded.chunk(0).dictionary)


def _together(texts: Iterable[pa.Array | pa.ChunkedArray]) -> pa.ChunkedArray:
    chunks = [chunk for values in texts for chunk in getattr(values, "chunks", [values])]
    return pa.chunked_array(chunks, pa.large_string())


def distinct_rows(columns: Iterable[tuple[Rows, int]], length: int) -> tuple[Rows, Rows]:
    """Return the first row of each distinct combination of values, and each row's combination.

    A cell is in many pairs: what depends on a combination alone need not be decided for each pair.

    Parameters
    ----------
    columns
        Of each column the places of its values, and how many distinct ones there are.
    length
        The number of rows.
    """
    combination = np.zeros(length, dtype=np.int64)
    possible = 1
    for codes, distinct in columns:
        count = max(distinct, 1)
        if possible * count > _MOST_COMBINATIONS:
            combination, first = numbered(combination)
            possible = len(first)
        combination = combination * count + codes
        possible *= count
    codes, first = numbered(combination)
    return first, codes
