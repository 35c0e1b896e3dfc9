"""The class of each pair's two cells, from the frame's own columns or from the database."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np
import pandas as pd

from ..errors import ArgumentError
from ..schema import Column
from .cell_class import CellClass, as_cell_class
from .cells import cells_of
from .class_membership import class_members
from .criteria import CELL_TABLES, criterion_column, published_criterion
from .frame_ids import single

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .._typing import Rows
    from ..backends import Name
    from ..columns import ColumnStore
    from ..schema import Kind, Schema
    from .cells import Cells, Criteria


Lookup: TypeAlias = "Callable[[Column], pd.Series]"

Side = Literal["pre", "post"]
NO_CLASS = -1

# What pandas calls the values of a column, where they are no texts.
_KIND_OF: dict[str, Kind] = {
    "boolean": "bool",
    "integer": "int",
    "floating": "float",
    "mixed-integer-float": "float",
    "datetime64": "datetime",
}

MOST_CLASSES = 1000


def require_few(count: int, name: str) -> None:
    """Refuse more classes than a table of their combinations can be read by anybody."""
    if count > MOST_CLASSES:
        raise ArgumentError(
            f"{name} has {count:,} classes; at most {MOST_CLASSES:,} can be told apart. A column "
            "of numbers is cut into few first: pandas.cut(frame[column], 5)."
        )


def named_classes(classes: object) -> dict[str, CellClass]:
    """Return classes by name from a dict, or from a list of classes that have names.

    Raises
    ------
    ArgumentError
        Something else, or names that are empty or not distinct.
    """
    if isinstance(classes, CellClass) or getattr(classes, "ndim", 1) == 0:
        classes = [classes]
    if isinstance(classes, Mapping):
        pairs = [(name, as_cell_class(one, "classes")) for name, one in classes.items()]
    elif isinstance(classes, set | frozenset):
        raise ArgumentError(
            "classes is a set, which has no order, and the order of classes shows. Give a list, or "
            "a dict of name and CellClass."
        )
    elif isinstance(classes, Iterable) and not isinstance(classes, str):
        given = [as_cell_class(one, "classes") for one in classes]
        pairs = [(None if one is None else one.name, one) for one in given]
    else:
        raise ArgumentError(
            f"classes takes a dict of name and CellClass, or a list of CellClass; got {classes!r}."
        )
    require_few(len(pairs), "classes")
    named = {name: one for name, one in pairs if isinstance(name, str) and name and one is not None}
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
    return cells_of(store, store.index("cell", "id").rows(ids, missing)).lookup


def frame_criteria(
    frame: pd.DataFrame, sides: Sequence[Side], schema: Callable[[str], Schema]
) -> Criteria:
    """Return what gives the column that a criterion names, for the cells of a frame of pairs.

    Columns that no published schema version has are looked for in the frame (``pre_cell.my_score``)
    and then in its release.

    Parameters
    ----------
    frame
        The pairs.
    sides
        Which of their cells.
    schema
        Gives the tables of the frame's release, where it can be told; it is asked with the name of
        a column that the frame lacks.
    """

    def criterion(name: Name) -> Column:
        column = published_criterion(name) or _own_column(frame, sides, name)
        lacking = f"{sides[0]}_{'.'.join(name if len(name) > 1 else ('cell', *name))}"
        return criterion_column(name, schema(lacking)) if column is None else column

    return criterion


def _own_column(frame: pd.DataFrame, sides: Sequence[Side], name: Name) -> Column | None:
    labels = {str(label).casefold(): str(label) for label in frame.columns}
    *prefix, column = name
    for table in prefix or CELL_TABLES:
        for side in sides:
            label = labels.get(f"{side}_{table}.{column}".casefold())
            if label is not None:
                of_table, _, own = label.removeprefix(f"{side}_").partition(".")
                return Column(of_table, own, _kind(single(frame, label)), sqlite_type="")
    return None


def _kind(values: pd.Series) -> Kind:
    dtype = values.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        values = dtype.categories.to_series()
    return _KIND_OF.get(pd.api.types.infer_dtype(values, skipna=True), "str")


def class_codes(classes: Iterable[CellClass], cells: Cells) -> Rows:
    """Return for each cell the position of its first class, -1 for none, and how many it has."""
    codes = np.full(cells.count, NO_CLASS, dtype=np.intp)
    counts = np.zeros(cells.count, dtype=np.intp)
    for position, cell_class in enumerate(classes):
        members = class_members(cell_class, cells)
        codes[(codes == NO_CLASS) & members] = position
        counts += members
    return np.column_stack([codes, counts])
