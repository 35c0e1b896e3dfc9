"""The class of each pair's two cells, from the frame's own columns or from the database."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from .cell_class import CellClass, as_cell_class
from .errors import ArgumentError, ProvenanceError

if TYPE_CHECKING:
    from .columns import ColumnStore, Rows
    from .schema import Column

    Codes = np.ndarray[Any, np.dtype[np.intp]]
    Lookup = Callable[[Column], pd.Series]

Side = Literal["pre", "post"]
NO_CLASS = -1


def named_classes(classes: object) -> dict[str, CellClass]:
    """Return classes by name from a dict, or from a list of classes that have names.

    Raises
    ------
    ArgumentError
        Something else, or names that are empty or not distinct.
    """
    if isinstance(classes, CellClass):
        classes = [classes]
    if isinstance(classes, Mapping):
        pairs = [(name, as_cell_class(one, "classes")) for name, one in classes.items()]
    elif isinstance(classes, Iterable) and not isinstance(classes, str):
        pairs = [
            (one.name, one) for one in (as_cell_class(given, "classes") for given in classes) if one
        ]
    else:
        raise ArgumentError(
            f"classes takes a dict of name and CellClass, or a list of CellClass; got {classes!r}."
        )
    named = {name: one for name, one in pairs if one is not None}
    if len(named) != len(pairs) or not all(isinstance(name, str) and name for name in named):
        raise ArgumentError(
            f"classes must have distinct names; got {[name for name, _ in pairs]!r}. Give a dict "
            "of name and CellClass, or CellClass(..., name=...)."
        )
    return named


def cell_ids(frame: pd.DataFrame, side: Side) -> pd.Series | None:
    """Return the column of a pair frame that holds one side's cell ids, or None."""
    for name in (f"pair.{side}_cell_id", f"{side}_cell.id", f"{side}_cell_id"):
        if name in frame.columns:
            return frame[name]
    return None


def frame_lookup(frame: pd.DataFrame, side: Side, rows: Rows, fallback: Lookup | None) -> Lookup:
    """Return the lookup of class criteria in a wide frame of pairs.

    Parameters
    ----------
    frame
        Pairs, with dotted columns of their cells.
    side
        Which of the two cells.
    rows
        The rows to look at.
    fallback
        Gives columns that the frame does not have, for the same rows.
    """

    def lookup(column: Column) -> pd.Series:
        label = f"{side}_{column.table}.{column.name}"
        if label in frame.columns:
            return frame[label].iloc[rows].reset_index(drop=True)
        if fallback is None:
            raise ProvenanceError(
                f"To classify the cells of these pairs, the frame needs the column {label!r}, or "
                'the database: db=load_sqlite(path). include="cell" puts the columns there.'
            )
        return fallback(column)

    return lookup


def store_lookup(
    store: ColumnStore, ids: Rows, missing: np.ndarray[Any, np.dtype[np.bool_]]
) -> Lookup:
    """Return the lookup of class criteria in the database, for cells given by id."""
    cells = store.index("cell", "id").rows(ids, missing)

    def lookup(column: Column) -> pd.Series:
        store.schema.table(column.table).column(column.name)
        beside = np.append(store.rows(store.aliases("cell")[column.table], "cell"), NO_CLASS)
        return pd.Series(store.table(column.table).take(column.name, beside[cells]))

    return lookup


def class_codes(classes: Iterable[CellClass], lookup: Lookup, length: int) -> Codes:
    """Return for each cell the position of the first class that it belongs to, -1 for none."""
    codes = np.full(length, NO_CLASS, dtype=np.intp)
    for position, cell_class in enumerate(classes):
        codes[(codes == NO_CLASS) & cell_class.members(lookup, length)] = position
    return codes
