"""Which rows of a release the rows of a frame are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from ..errors import ProvenanceError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pandas.api.extensions import ExtensionArray

    from .._typing import Rows
    from ..schema import Schema, Table


_LEAST_SHARED_COLUMNS = 2


def noted_in(frame: pd.DataFrame) -> dict[str, Any]:
    """Return what a frame notes of the database that it came from."""
    noted = frame.attrs.get("synphys")
    return noted if isinstance(noted, dict) else {}


def table_of(frame: pd.DataFrame, schema: Schema) -> str:
    """Return the table that a frame's rows are rows of.

    Parameters
    ----------
    frame
        A frame with ``attrs["synphys"]``, or with enough of a table's columns to be told by them.
    schema
        The tables of the release.

    Raises
    ------
    ProvenanceError
        It can't be told.
    """
    table = known_table(frame, schema)
    if table is not None:
        return table
    raise ProvenanceError(
        "It can't be told which table the rows of this frame are of. Start from a table frame "
        '(db.experiment, db.cell, ...), or set frame.attrs["synphys"] = {"table": "experiment"}.'
    )


def known_table(frame: pd.DataFrame, schema: Schema) -> str | None:
    """Return the table that a frame's rows are rows of, or None where it can't be told."""
    noted = noted_in(frame)
    table = noted.get("table")
    if isinstance(table, str) and table in schema:
        return table
    if "pair.id" in names_in(frame):
        return "pair"
    if "file" in noted:
        return None  # a query's result
    # A frame whose attrs were lost is known by all columns of its table.
    whole = [_whole(frame, table) for table in schema]
    most = max(count for count, _ in whole)
    fitting = [name for count, name in whole if count == most]
    return fitting[0] if most > _LEAST_SHARED_COLUMNS and len(fitting) == 1 else None


def names_in(frame: pd.DataFrame) -> set[object]:
    """Return the names of a frame's columns and of the levels of its index."""
    return {*frame.columns, *frame.index.names}


def _whole(frame: pd.DataFrame, table: Table) -> tuple[int, str]:
    """Return how many columns of a table a frame has, 0 unless it has all but JSON and arrays."""
    columns = table.plain_columns
    return (len(columns) if set(columns) <= names_in(frame) else 0), table.name


def single(frame: pd.DataFrame, name: str) -> pd.Series:
    """Return a column of a frame, of which there must be one."""
    values: pd.Series | pd.DataFrame = frame[name]
    if isinstance(values, pd.DataFrame):
        raise ProvenanceError(
            f"This frame has {values.shape[1]} columns named {name!r}; keep one of them."
        )
    return values


def labelled(frame: pd.DataFrame, names: Iterable[str]) -> pd.Series | None:
    """Return the first of these columns that a frame has, or level of its index, row by row.

    None where it has none, or several columns of that name.
    """
    for name in names:
        array = array_of(frame, name)
        if array is not None:
            # Without the frame's attrs, which pandas copies deeply at each step.
            return pd.Series(array, name=name, copy=False)
        if name in frame.columns:
            return None
    return None


def array_of(frame: pd.DataFrame, name: str) -> ExtensionArray | None:
    """Return a column of a frame, or a level of its index, row by row.

    None where it has none, or several columns of that name.
    """
    if name in frame.columns:
        values: pd.Series | pd.DataFrame = frame[name]
        return values.array if isinstance(values, pd.Series) else None
    return frame.index.get_level_values(name).array if name in frame.index.names else None


def ids_of(frame: pd.DataFrame, table: str) -> tuple[Rows, np.ndarray[Any, np.dtype[np.bool_]]]:
    """Return the id of each row's row in a table, and where it is missing.

    They are in a column or in a level of the index.

    Raises
    ------
    ProvenanceError
        The frame has no column with the ids, or one that holds something else.
    """
    for name in (f"{table}.id", "id"):
        if name in frame.columns:
            return integers(single(frame, name).array, name)
        if name in frame.index.names:
            return integers(frame.index.get_level_values(name).array, name)
    raise ProvenanceError(
        f"This frame of {table} rows has lost its ids: it needs the column '{table}.id' or 'id', "
        "or an index of that name."
    )


def integers(values: ExtensionArray, name: str) -> tuple[Rows, np.ndarray[Any, np.dtype[np.bool_]]]:
    """Return the array of a column of ids as plain integers, and where they are missing."""
    missing = np.asarray(values.isna(), dtype=bool)
    if pd.api.types.is_signed_integer_dtype(values.dtype):
        # Floats would make one of two ids beyond 2**53.
        return values.to_numpy(dtype=np.int64, na_value=-1), missing
    ids = np.full(len(values), -1, dtype=np.int64)
    try:
        if pd.api.types.is_datetime64_any_dtype(values.dtype):
            raise TypeError
        numbers = pd.to_numeric(values.to_numpy(dtype=object)[~missing])
        # Beyond that, a float stands for several whole numbers.
        if numbers.dtype.kind == "f" and not (np.abs(numbers) <= 2.0**53).all():
            raise ValueError
        ids[~missing] = numbers.astype(np.int64)
        whole = bool((ids[~missing] == numbers).all())
    except (OverflowError, TypeError, ValueError):
        whole = False
    if not whole:
        raise ProvenanceError(
            f"Column {name!r} should hold ids, whole numbers (as floats up to 2**53)."
        )
    return ids, missing
