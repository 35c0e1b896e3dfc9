"""Cells to classify: what gives a criterion's values, and which column that is."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from ..backends import Expression, evaluate
from .criteria import criterion_column, name_of, published_criterion
from .criterion_values import FALSE, TRUE, UNKNOWN, check_value, matches

if TYPE_CHECKING:
    from collections.abc import Callable

    import duckdb
    import pandas as pd

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
    """

    count: int
    lookup: Callable[[Column], pd.Series]
    connection: Callable[[], duckdb.DuckDBPyConnection] | None = None
    criterion: Criteria = criterion_column

    def match(self, key: str, value: Any) -> Truth:
        """Return for each cell whether a criterion has (one of) its value."""
        name = name_of(key)
        column = self.criterion(name)
        if published_criterion(name) is None:
            # Of what type it is, only these cells tell.
            check_value(column, key, value)
        return matches(self.lookup(column), value)

    def evaluate(self, expression: Expression) -> Truth:
        """Return for each cell whether an expression over criteria is true."""
        columns = {name: self.lookup(self.criterion(name)) for name in expression.names}
        found: Any = evaluate(expression, columns, self.count, self.connection)
        true = found.to_numpy(dtype=bool, na_value=False)
        truth: Truth = np.where(found.isna(), UNKNOWN, np.where(true, TRUE, FALSE)).astype(np.int8)
        return truth


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
    return Cells(count, lookup, store.reader.evaluator, criterion)
