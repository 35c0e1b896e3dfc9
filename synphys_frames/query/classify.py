"""The class of each pair's two cells, from the frame's own columns or from the database."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np

from ..errors import ArgumentError
from .cell_class import CellClass, Cells, as_cell_class

if TYPE_CHECKING:
    import pandas as pd

    from .._typing import Rows
    from ..columns import ColumnStore
    from ..schema import Column


Lookup: TypeAlias = "Callable[[Column], pd.Series]"

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
        given = [as_cell_class(one, "classes") for one in classes]
        pairs = [(None if one is None else one.name, one) for one in given]
    else:
        raise ArgumentError(
            f"classes takes a dict of name and CellClass, or a list of CellClass; got {classes!r}."
        )
    named = {name: one for name, one in pairs if isinstance(name, str) and name and one}
    if len(named) != len(pairs):
        raise ArgumentError(
            f"classes must have distinct names; got {[name for name, _ in pairs]!r}. Give a dict "
            "of name and CellClass, or CellClass(..., name=...)."
        )
    return named


def id_column(columns: pd.Index, side: Side) -> str | None:
    """Return the column of a pair frame that holds one side's cell ids, or None."""
    names = (f"pair.{side}_cell_id", f"{side}_cell.id", f"{side}_cell_id")
    return next((name for name in names if name in columns), None)


def label_of(column: Column, side: Side) -> str:
    """Return the name that a criterion's column has in a wide frame of pairs."""
    return f"{side}_{column.table}.{column.name}"


def store_lookup(
    store: ColumnStore, ids: Rows, missing: np.ndarray[Any, np.dtype[np.bool_]]
) -> Lookup:
    """Return the lookup of class criteria in the database, for cells given by id."""
    cells = store.index("cell", "id").rows(ids, missing)

    def lookup(column: Column) -> pd.Series:
        store.schema.table(column.table).column(column.name)
        rows = store.rows(store.aliases("cell")[column.table], "cell", cells)
        return store.table(column.table).series(column.name, rows)

    return lookup


def class_codes(classes: Iterable[CellClass], cells: Cells) -> Rows:
    """Return for each cell the position of the first class that it belongs to, -1 for none."""
    codes = np.full(cells.count, NO_CLASS, dtype=np.intp)
    for position, cell_class in enumerate(classes):
        codes[(codes == NO_CLASS) & cell_class.members(cells)] = position
    return codes
