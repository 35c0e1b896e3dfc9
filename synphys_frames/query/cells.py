"""Cells to classify: what gives a criterion's values, and which column that is."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from ..backends import Expression, evaluate
from ..errors import UnknownValueWarning, nearest_values, warn
from ..schema import warn_of_sizes
from .criteria import criterion_column, in_expression, name_of, published_criterion
from .criterion_values import FALSE, TRUE, UNKNOWN, check_value, matches

if TYPE_CHECKING:
    from collections.abc import Callable

    import duckdb

    from .._typing import Rows, Truth
    from ..backends import Name
    from ..columns import ColumnStore
    from ..schema import Column

    Criteria = Callable[[Name], Column]


@dataclass(frozen=True, slots=True)
class Cells:
    """Cells to classify, from a database or from a frame.

    Attributes
    ----------
    count
        How many there are.
    lookup
        Gives the values of a criterion's column as a Series, one value a cell.
    connection
        Gives an open DuckDB connection for expressions, where there is one.
    criterion
        Gives the column that a criterion names among those of these cells; default: one of a
        published schema version.
    told
        Values that were warned of already, as (table, column, value).
    are_all
        Whether these are all cells of their release; else another may have a value that they lack.
    """

    count: int
    lookup: Callable[[Column], pd.Series]
    connection: Callable[[], duckdb.DuckDBPyConnection] | None = None
    criterion: Criteria = criterion_column
    told: set[tuple[str, str, str]] = field(default_factory=set)
    are_all: bool = False

    def match(self, key: str, value: Any) -> Truth:
        """Return for each cell whether a criterion has (one of) its value."""
        name = name_of(key)
        column = self.criterion(name)
        if published_criterion(name) is None:
            # Of what type it is, only these cells tell.
            check_value(column, key, value)
        values = self.lookup(column)
        if isinstance(values.dtype, pd.CategoricalDtype):
            self._tell_of_unknown(column, values.dtype.categories, value)
        return matches(values, value)

    def _tell_of_unknown(self, column: Column, known: pd.Index, value: Any) -> None:
        """Warn of a text that no cell has; of one among several, where it looks like a slip."""
        choices = value if isinstance(value, tuple) else (value,)
        strange = [text for text in choices if isinstance(text, str) and text not in known]
        if len(strange) < len(choices) or not self.are_all:
            strange = [text for text in strange if _looks_like(text, known)]
        for text in strange:
            place = (column.table, column.name, text)
            if place not in self.told:
                self.told.add(place)
                warn(
                    f"No cell has {column.name} {text!r}. {nearest_values(text, known)}"
                    + _hint(column, text, known),
                    UnknownValueWarning,
                )

    def evaluate(self, expression: Expression) -> Truth:
        """Return for each cell whether an expression over criteria is true."""
        criteria = {
            name: in_expression(name, expression.text, self.criterion) for name in expression.names
        }
        compared = [(criteria[name], number) for name, number in expression.compared]
        warn_of_sizes(compared, expression.text)
        columns = {name: self.lookup(criterion) for name, criterion in criteria.items()}
        found: Any = evaluate(expression, columns, self.count, self.connection)
        true = found.to_numpy(dtype=bool, na_value=False)
        truth: Truth = np.where(found.isna(), UNKNOWN, np.where(true, TRUE, FALSE)).astype(np.int8)
        return truth


def _looks_like(text: str, known: pd.Index) -> bool:
    """Return whether a text is one of those that are known but for case, blanks or a prefix."""
    plain = text.strip().casefold().removeprefix("layer").removeprefix("l").strip()
    same = {name.strip().casefold(): name for name in map(str, known)}
    return text.strip().casefold() in same or plain in same


def _hint(column: Column, text: str, known: pd.Index) -> str:
    lists = [
        name
        for name in map(str, known)
        if "," in name and text.casefold() in name.casefold().split(",")
    ]
    if not lists:
        return ""
    return f" CellClass(\"{column.name} ILIKE '%{text}%'\") finds it in lists such as {lists[0]!r}."


def cells_of(store: ColumnStore, rows: Rows | None = None) -> Cells:
    """Return rows of the cell table as cells to classify.

    Parameters
    ----------
    store
        The tables of the release.
    rows
        Rows of the cell table, -1 for none; default all in turn.
    """
    aliases = store.aliases("cell")

    def lookup(column: Column) -> pd.Series:
        store.schema.table(column.table).column(column.name)
        beside = store.rows(aliases[column.table], "cell", rows)
        return store.table(column.table).series(column.name, beside)

    count = len(store.table("cell")) if rows is None else len(rows)
    criterion = partial(criterion_column, schema=store.schema)
    return Cells(count, lookup, store.reader.evaluator, criterion, store.told, are_all=True)
