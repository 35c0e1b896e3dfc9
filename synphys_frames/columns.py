"""Typed columns of whole tables, kept in memory, and rows gathered from them by key."""

from __future__ import annotations

import os
from threading import RLock
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import pandas as pd

from .dtypes import pandas_array
from .errors import JoinError
from .joins import Aliases

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from contextlib import AbstractContextManager

    import duckdb
    import pyarrow as pa
    from pandas.api.extensions import ExtensionArray

    from .joins import Alias
    from .schema import Schema, Table

    Rows = np.ndarray[Any, np.dtype[np.intp]]

NONE = -1
_DENSE_FACTOR = 16


class Reader(Protocol):
    """Reads columns of a table from the release file."""

    def __call__(self, table: Table, columns: Sequence[str], ids: Rows | None = None) -> pa.Table:
        """Return these columns as Arrow, of all rows in file order or of those with these ids."""
        ...


class TableColumns:
    """The plain columns of one table in memory.

    Floats lie side by side in one block, row after row, so that gathering a row's floats is one
    copy. Every column has one more entry than the table has rows: a missing value at the end, which
    the row number -1 picks.
    """

    def __init__(self, table: Table, data: pa.Table) -> None:
        self.table = table
        self._length: int = data.num_rows
        self._float_position: dict[str, int] = {}
        self._others: dict[str, Any] = {}
        floats = [name for name in data.column_names if table.columns[name].kind == "float"]
        self._floats = np.empty((self._length + 1, len(floats)), dtype=np.float64)
        self._floats[-1] = np.nan
        for position, name in enumerate(floats):
            self._float_position[name] = position
            self._floats[:-1, position] = pandas_array(data.column(name), "float")
        for name in data.column_names:
            if name not in self._float_position:
                values = pandas_array(data.column(name), table.columns[name].kind)
                self._others[name] = values

    def __len__(self) -> int:
        return self._length

    @property
    def nbytes(self) -> int:
        """Bytes that the columns take."""
        total: int = self._floats.nbytes
        for array in self._others.values():
            total += int(array.nbytes)
        return total

    def values(self, name: str) -> Any:
        """Return a whole column, row by row; not to be written to."""
        if name in self._float_position:
            return self._floats[:-1, self._float_position[name]]
        return self._extension(name)

    def take(self, name: str, rows: Rows) -> Any:
        """Return a column's values at these rows; row -1 gives a missing value."""
        if name in self._float_position:
            gathered: np.ndarray[Any, Any] = self._floats[rows, self._float_position[name]]
            return gathered
        return self._extension(name).take(rows, allow_fill=True)

    def _extension(self, name: str) -> Any:
        if name not in self._others:
            self.table.column(name)  # raises with the nearest names
        return self._others[name]

    def keys(self, name: str) -> tuple[Rows, np.ndarray[Any, np.dtype[np.bool_]]]:
        """Return an integer column as plain integers, and where it is missing."""
        values = self._extension(name)
        missing = np.asarray(values.isna())
        return values.to_numpy(dtype=np.int64, na_value=NONE), missing

    def pieces(self, names: Sequence[str], rows: Rows, prefix: str) -> list[pd.DataFrame]:
        """Return frames that, side by side, are these columns in this order at these rows."""
        index = pd.RangeIndex(len(rows))
        wanted = [self._float_position[name] for name in names if name in self._float_position]
        whole = wanted == list(range(self._floats.shape[1]))
        if whole:
            floats = self._floats.take(rows, axis=0)
        else:
            floats = self._floats[rows[:, None], np.array(wanted, dtype=np.intp)]
        pieces: list[pd.DataFrame] = []
        start = 0
        for is_float, run in _runs(names, self._float_position):
            labels = [prefix + name for name in run]
            if is_float:
                part = floats[:, start : start + len(run)]
                start += len(run)
                pieces.append(pd.DataFrame(part, index=index, columns=labels, copy=False))
            else:
                arrays = {
                    label: self._others[name].take(rows, allow_fill=True)
                    for label, name in zip(labels, run, strict=True)
                }
                pieces.append(pd.DataFrame(arrays, index=index, copy=False))
        return pieces


def _runs(names: Sequence[str], floats: dict[str, int]) -> list[tuple[bool, list[str]]]:
    runs: list[tuple[bool, list[str]]] = []
    for name in names:
        is_float = name in floats
        if not runs or runs[-1][0] != is_float:
            runs.append((is_float, []))
        runs[-1][1].append(name)
    return runs


class KeyIndex:
    """Where each key of a column is: from key to row number."""

    def __init__(self, keys: Rows, missing: np.ndarray[Any, np.dtype[np.bool_]]) -> None:
        positions = np.flatnonzero(~missing)
        present = keys[positions]
        order = np.argsort(present, kind="stable")
        self._keys = present[order]
        self._rows = positions[order]
        repeats = self._keys[1:] == self._keys[:-1]
        self.is_unique = not repeats.any()
        self.repeated = None if self.is_unique else int(self._keys[1:][repeats][0])
        self._dense: Rows | None = None
        if len(self._keys):
            self._least = int(self._keys[0])
            span = int(self._keys[-1]) - self._least + 1
            if span <= _DENSE_FACTOR * len(self._keys) + 1024:
                self._dense = np.full(span, NONE, dtype=np.intp)
                self._dense[self._keys - self._least] = self._rows

    def rows(self, keys: Rows, missing: np.ndarray[Any, np.dtype[np.bool_]] | None = None) -> Rows:
        """Return the row number of each key, -1 where it is missing or not there."""
        if not len(self._keys):
            return np.full(len(keys), NONE, dtype=np.intp)
        if self._dense is not None:
            offset = keys - self._least
            inside = (offset >= 0) & (offset < len(self._dense))
            found = self._dense[np.where(inside, offset, 0)]
        else:
            place = np.minimum(np.searchsorted(self._keys, keys), len(self._keys) - 1)
            inside = self._keys[place] == keys
            found = self._rows[place]
        if missing is not None:
            inside &= ~missing
        return np.where(inside, found, NONE)


class ColumnStore:
    """The tables of one release file that are in memory, loaded on first use and shared.

    Parameters
    ----------
    schema
        The tables of the file.
    read
        Reads columns of the file.
    require_rows
        Raises where a table that is to stand beside another can't have rows in this file.
    connection
        Gives an open DuckDB connection.
    """

    def __init__(
        self,
        schema: Schema,
        read: Reader,
        require_rows: Callable[[Iterable[str]], None],
        connection: Callable[[], duckdb.DuckDBPyConnection],
    ) -> None:
        self.schema = schema
        self.connection = connection
        self._read = read
        self._require_rows = require_rows
        self._process_lock = (os.getpid(), RLock())
        self._tables: dict[str, TableColumns] = {}
        self._indexes: dict[tuple[str, str], KeyIndex] = {}
        self._aliases: dict[str, Aliases] = {}
        self._rows: dict[tuple[str, str], Rows] = {}

    @property
    def _lock(self) -> AbstractContextManager[bool]:
        # A forked child may inherit the lock while a thread that it does not have holds it. What is
        # kept is whole at any moment, and stays.
        if self._process_lock[0] != os.getpid():
            self._process_lock = (os.getpid(), RLock())
        return self._process_lock[1]

    def forget(self) -> None:
        """Drop all columns from memory; they are read again when they are needed."""
        with self._lock:
            for kept in (self._tables, self._indexes, self._rows):
                kept.clear()

    def table(self, name: str) -> TableColumns:
        """Return the plain columns of a table, read from the file the first time."""
        with self._lock:
            if name not in self._tables:
                table = self.schema.table(name)
                columns = self._read(table, table.kept_columns)
                self._tables[name] = TableColumns(table, columns)
            return self._tables[name]

    def index(self, table: str, key: str) -> KeyIndex:
        """Return where each value of an integer column is."""
        with self._lock:
            if (table, key) not in self._indexes:
                self._indexes[table, key] = KeyIndex(*self.table(table).keys(key))
            return self._indexes[table, key]

    def aliases(self, source: str) -> Aliases:
        """Return the tables that can stand beside a table."""
        with self._lock:
            if source not in self._aliases:
                self._aliases[source] = Aliases(self.schema, source)
            return self._aliases[source]

    def rows(self, alias: Alias, source: str) -> Rows:
        """Return for each row of the source table the row of the alias's table, or -1.

        Raises
        ------
        JoinError
            A row of the source table has several matching rows.
        """
        with self._lock:
            key = (source, alias.name)
            if key not in self._rows:
                self._rows[key] = self._find_rows(alias, source)
            return self._rows[key]

    def _find_rows(self, alias: Alias, source: str) -> Rows:
        if alias.parent is None:
            return np.arange(len(self.table(source)), dtype=np.intp)
        parent = self.aliases(source)[alias.parent]
        self._require_rows([alias.table])
        rows = self._step(alias, parent, source)
        # Downwards, what stands beside a pair is its synapse's fit, not its polysynapse's.
        if alias.alternative is not None and alias.direction == "up":
            other = alias.alternative
            beside = self._step(other, self.aliases(source)[str(other.parent)], source)
            rows = np.where(rows >= 0, rows, beside)
        return rows

    def _step(self, alias: Alias, parent: Alias, source: str) -> Rows:
        if alias.direction == "up":
            index = self.index(alias.table, alias.target_key)
            key = alias.key
        else:
            index = self.index(alias.table, alias.key)
            key = alias.target_key
        if not index.is_unique:
            found_by = alias.target_key if alias.direction == "up" else alias.key
            raise JoinError(
                f"{alias.table!r} has several rows for one row of {parent.table!r} "
                f"({found_by} {index.repeated}, for one), so it can't stand beside it. "
                f"frame.synphys.related({alias.table!r}) gives those rows as a frame of "
                "their own."
            )
        step = index.rows(*self.table(parent.table).keys(key))
        # -1 picks the entry at the end: no row of the parent, no row here.
        return np.append(step, NONE)[self.rows(parent, source)]

    def heavy(self, table: str, column: str, rows: Rows) -> ExtensionArray | np.ndarray[Any, Any]:
        """Return the values of a JSON or array column at these rows, read from the file."""
        ids, _ = self.table(table).keys("id")
        wanted = np.unique(ids[rows[rows >= 0]])
        data = self._read(self.schema.table(table), ["id", column], wanted)
        kind = self.schema.table(table).column(column).kind
        found = KeyIndex(data.column("id").to_numpy(), np.zeros(data.num_rows, dtype=bool))
        positions = found.rows(np.append(ids, NONE)[rows])
        values = pandas_array(data.column(column), kind)
        if isinstance(values, np.ndarray):
            return np.append(values, np.array([None], dtype=object))[positions]
        return values.take(positions, allow_fill=True)

    def gather(
        self,
        source: str,
        rows: Rows,
        selection: Sequence[tuple[Alias, Sequence[str]]],
        *,
        prefixed: bool = True,
    ) -> pd.DataFrame:
        """Return one frame of columns of the source table and of tables beside it.

        Parameters
        ----------
        source
            The table that gives one row each.
        rows
            Row numbers of the source table, in the order of the result.
        selection
            Aliases in the order of the result, each with its columns in order.
        prefixed
            Whether the source table's own columns have dotted names, too.

        Returns
        -------
        DataFrame
            One row for each of `rows`; missing values where an alias has no matching row.
        """
        index = pd.RangeIndex(len(rows))
        pieces: list[pd.DataFrame] = []
        for alias, names in selection:
            prefix = f"{alias.name}." if prefixed or alias.name != source else ""
            # -1 among the rows is a row that is not there: it has nothing beside it.
            here = np.append(self.rows(alias, source), NONE)[rows]
            table = self.schema.table(alias.table)
            for heavy, run in _heavy_runs(table, names):
                if heavy:
                    values = self.heavy(alias.table, run[0], here)
                    piece = pd.DataFrame({prefix + run[0]: values}, index=index, copy=False)
                    pieces.append(piece)
                else:
                    pieces += self.table(alias.table).pieces(run, here, prefix)
        return pd.concat(pieces, axis=1) if pieces else pd.DataFrame(index=index)


def _heavy_runs(table: Table, names: Sequence[str]) -> list[tuple[bool, list[str]]]:
    runs: list[tuple[bool, list[str]]] = []
    for name in names:
        heavy = table.column(name).is_heavy
        if heavy or not runs or runs[-1][0]:
            runs.append((heavy, []))
        runs[-1][1].append(name)
    return runs
