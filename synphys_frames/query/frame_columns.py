"""Columns of a user's frame, as the kind that they have in a release."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa

from ..errors import FrameColumnError
from ..schema import KINDS
from .frame_units import in_dataset_unit

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..schema import Column, Kind, Storage


# What pandas calls a column of Python's own numbers.
_NUMBERS = ("integer", "floating", "mixed-integer-float", "empty")
# Whole numbers up to here are doubles of their own.
_EXACT = 2**53


def frame_column(frame: pd.DataFrame, label: str, column: Column) -> pd.Series:
    """Return a column of a frame as it is in a release: of its kind, and in its unit."""
    return as_kind(in_dataset_unit(frame, label), column.kind, label)


def as_kind(values: pd.Series, kind: Kind, label: str) -> pd.Series:
    """Return a column of a frame as values of its kind, where that is exact.

    A frame that went through CSV has numbers where a release has texts ("5"): these become the
    texts again. What could mean several things is refused.

    Parameters
    ----------
    values
        The column; one that is right already comes back as it is.
    kind
        Its kind in a release.
    label
        Its name, for the message.

    Raises
    ------
    FrameColumnError
        With an example, and the line that mends it.
    """
    if kind == "bool":
        return _as_truths(values, label)
    return _CONVERSIONS.get(KINDS[kind].storage, _unchanged)(values, label)


def _unchanged(values: pd.Series, _label: str) -> pd.Series:
    return values


def _as_texts(values: pd.Series, label: str) -> pd.Series:
    inner: Any = _dtype_of_values(values.dtype)
    is_object = pd.api.types.is_object_dtype(inner)
    if not is_object and pd.api.types.is_string_dtype(inner):
        return values
    if is_object and _inferred(values) in ("string", "empty"):
        return values
    known = values.notna().to_numpy()
    if _are_numbers(values, inner):
        numbers = values[known].to_numpy(dtype=np.float64)
        if (np.abs(numbers) <= _EXACT).all() and (numbers == np.floor(numbers)).all():
            texts = np.full(len(values), np.nan, dtype=object)
            texts[known] = numbers.astype(np.int64).astype(str)
            return pd.Series(texts, index=values.index, name=values.name, dtype="str")
    raise _refused(values, label, "text", f"frame[{label!r}].astype(str)")


def _are_numbers(values: pd.Series, dtype: Any) -> bool:
    if pd.api.types.is_object_dtype(dtype):
        return _inferred(values) in _NUMBERS
    return pd.api.types.is_numeric_dtype(dtype) and not pd.api.types.is_bool_dtype(dtype)


def _inferred(values: pd.Series) -> str:
    """Return what pandas says that the values of an object column are, apart from missing ones."""
    is_categorical = isinstance(values.dtype, pd.CategoricalDtype)
    return pd.api.types.infer_dtype(values.cat.categories if is_categorical else values)


def _dtype_of_values(dtype: Any) -> Any:
    """Return the dtype of what a categorical or a dictionary of Arrow is made of."""
    if isinstance(dtype, pd.CategoricalDtype):
        return dtype.categories.dtype
    if isinstance(dtype, pd.ArrowDtype) and pa.types.is_dictionary(dtype.pyarrow_dtype):
        return pd.ArrowDtype(dtype.pyarrow_dtype.value_type)
    return dtype


def _as_truths(values: pd.Series, label: str) -> pd.Series:
    if pd.api.types.is_bool_dtype(values.dtype):
        return values
    known = values[values.notna()]
    if pd.api.types.is_numeric_dtype(values.dtype) and known.isin([0, 1]).all():
        return values.astype("boolean")
    if pd.api.types.is_object_dtype(values.dtype) and _inferred(values) in ("boolean", "empty"):
        return values.astype("boolean")
    mend = f'frame[{label!r}].map({{"True": True, "False": False}}).astype("boolean")'
    raise _refused(values, label, "True and False, or 1 and 0", mend)


def _as_numbers(values: pd.Series, label: str) -> pd.Series:
    if _are_numbers(values, values.dtype):
        return pd.to_numeric(values) if pd.api.types.is_object_dtype(values.dtype) else values
    raise _refused(values, label, "numbers", f"pandas.to_numeric(frame[{label!r}])")


def _refused(values: pd.Series, label: str, words: str, mend: str) -> FrameColumnError:
    example = next(iter(values[values.notna()].head(1).to_list()), None)
    return FrameColumnError(
        f"Column {label!r} of the frame should hold {words}; it has {values.dtype}, such as "
        f"{example!r}. Where it means that: frame[{label!r}] = {mend}"
    )


_CONVERSIONS: dict[Storage, Callable[[pd.Series, str], pd.Series]] = {
    "texts": _as_texts,
    "masked": _as_numbers,
    "floats": _as_numbers,
}
