"""Tables of made-up rows, put together column by column."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .values import listed, plausible_values

if TYPE_CHECKING:
    from .._typing import Integers
    from ..schema import Schema
    from .values import Rows


_SHARE_OF_GAPS = 0.02


class TableMaker:
    """The tables of a synthetic release while they are made.

    Parameters
    ----------
    schema
        The tables and their columns.
    scale
        1 for as many rows as the published release has.
    seed
        The same seed gives the same rows.

    Attributes
    ----------
    tables
        ``{table: {column: values}}`` of SQLite's own types.
    """

    def __init__(self, schema: Schema, scale: float, seed: int) -> None:
        self._schema = schema
        self._seed = seed
        self.scale = scale
        self.tables: dict[str, Rows] = {}

    def random(self, noun: str) -> np.random.Generator:
        """Return a generator of its own for a noun, so that one does not shift another's rows."""
        return np.random.default_rng([self._seed, *noun.encode()])

    def add(self, table: str, count: int, **columns: Any) -> Integers:
        """Make a table: what is given, and plausible values for the rest.

        Parameters
        ----------
        table
            Its name.
        count
            Its rows.
        **columns
            Lists or arrays of values, or the value of all rows; NaN is NULL.

        Returns
        -------
        array
            The rows' ids, increasing, with gaps.
        """
        random = self.random(table)
        steps = np.ones(count, dtype=np.int64)
        steps[random.permutation(count)[: 1 + int(_SHARE_OF_GAPS * count)]] = 7
        ids = np.cumsum(steps)
        rows: Rows = {}
        for column in self._schema.table(table).columns.values():
            values = columns.pop(column.name, plausible_values)
            if column.name == "id":
                rows["id"] = ids.tolist()
            elif values is plausible_values:
                rows[column.name] = plausible_values(random, column, count)
            elif isinstance(values, list | np.ndarray):
                rows[column.name] = listed(values)
            else:
                rows[column.name] = [values] * count
        if columns:
            raise TypeError(f"{table} has no {', '.join(columns)}")
        self.tables[table] = rows
        return ids
