"""The tables of one release file that are in memory, within a budget."""

from __future__ import annotations

import os
from collections import OrderedDict
from functools import reduce
from threading import RLock
from typing import TYPE_CHECKING, Protocol

import numpy as np

from ..errors import JoinError
from ..options import config
from ..schema import Aliases
from .block import packed
from .factorize import NONE, KeyIndex
from .table import TableColumns

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from contextlib import AbstractContextManager

    import duckdb
    import pyarrow as pa

    from .._typing import Rows
    from ..schema import Alias, Schema, Table
    from .disk_cache import DiskCache


# Beyond so many rows a table is not kept, whatever the budget: reading it takes seconds.
_MOST_ROWS = 2_000_000
# Up to so many values a table is read whole.
_FEW_VALUES = 250_000
_BYTES_PER_VALUE = 9


class Reader(Protocol):
    """What the store needs of a release file."""

    def columns(
        self, table: Table, columns: Sequence[str], key: str = "id", keys: Rows | None = None
    ) -> pa.Table:
        """Return these columns as Arrow, of all rows in file order or of those with these keys."""
        ...

    def ids(self, query: str, params: Sequence[object], ids: Mapping[str, Rows]) -> Rows:
        """Return the ids that a query gives, which finds others in the tables `ids`."""
        ...

    def repeated_key(self, table: Table, key: str) -> int | None:
        """Return a value that several rows of a table have, or None."""
        ...

    def is_keyed(self, table: Table) -> bool:
        """Return whether every row of a table has an `id` of its own."""
        ...

    def rows_at_most(self, table: str) -> int:
        """Return a number that a table has no more rows than."""
        ...

    def require_unchanged(self) -> None:
        """Raise where the file is another one than when it was opened."""
        ...

    def require_rows(self, tables: Iterable[str]) -> None:
        """Raise where a table that is to stand beside another can't have rows in this file."""
        ...

    def evaluator(self) -> duckdb.DuckDBPyConnection:
        """Return a DuckDB connection for expressions over columns in memory."""
        ...


class ColumnStore:
    """The tables of one release file that are in memory, loaded on first use and shared.

    Where they take more than ``config.memory_budget``, those that were not used for the longest
    time are dropped.

    Parameters
    ----------
    schema
        The tables of the file.
    reader
        Reads the file.
    disk_cache
        Where columns are kept from one process to the next; None for nowhere.
    """

    def __init__(self, schema: Schema, reader: Reader, disk_cache: DiskCache | None = None) -> None:
        self.schema = schema
        self.reader = reader
        self._disk_cache = disk_cache
        self._process_lock = (os.getpid(), RLock())
        # Values that users were warned of, once each: (table, column, value).
        self.told: set[tuple[str, str, str]] = set()
        self._tables: OrderedDict[str, TableColumns] = OrderedDict()
        self._indexes: dict[tuple[str, str], KeyIndex] = {}
        self._aliases: dict[str, Aliases] = {}
        self._steps: dict[tuple[str, str, str, str], Rows] = {}

    @property
    def _lock(self) -> AbstractContextManager[bool]:
        # A forked child may inherit a lock that a thread of the parent holds, for ever: it takes
        # another one. The tables are whole at any moment, and stay.
        if self._process_lock[0] != os.getpid():
            self._process_lock = (os.getpid(), RLock())
        return self._process_lock[1]

    @property
    def nbytes(self) -> int:
        """Bytes that are in memory: columns, and what finds rows in them."""
        with self._lock:
            return sum(self._table_bytes(name) for name in self._tables)

    @property
    def loaded(self) -> dict[str, list[str]]:
        """The columns that are in memory, by table, the last used table last."""
        with self._lock:
            return {name: table.loaded for name, table in self._tables.items() if table.loaded}

    def _table_bytes(self, name: str) -> int:
        indexes = [index.nbytes for (table, _), index in self._indexes.items() if table == name]
        steps = [rows.nbytes for (parent, *_), rows in self._steps.items() if parent == name]
        return self._tables[name].nbytes + sum(indexes) + sum(steps)

    def forget(self) -> None:
        """Drop all columns from memory; they are read again when they are needed."""
        with self._lock:
            for kept in (self._tables, self._indexes, self._steps):
                kept.clear()

    def _drop(self, name: str) -> None:
        del self._tables[name]
        self._indexes = {key: index for key, index in self._indexes.items() if key[0] != name}
        self._steps = {key: rows for key, rows in self._steps.items() if key[0] != name}

    def make_room(self, newest: str | None = None, arriving: int = 0) -> None:
        """Drop the tables that were not used for the longest time, until the budget holds.

        Parameters
        ----------
        newest
            A table that goes last.
        arriving
            Bytes that are not in memory yet.
        """
        budget = config.memory_budget
        with self._lock:
            total = self.nbytes + arriving
            for name in sorted(self._tables, key=lambda name: name == newest):
                if total <= budget:
                    break
                total -= self._table_bytes(name)
                self._drop(name)

    def keeps(self, name: str) -> bool:
        """Return whether a table is small enough to be kept in memory.

        One that is not is asked by SQL for the rows that are needed.
        """
        rows = self.reader.rows_at_most(name)
        values = rows * len(self.schema.table(name).kept_columns)
        return rows <= _MOST_ROWS and values * _BYTES_PER_VALUE <= config.memory_budget

    def table(self, name: str) -> TableColumns:
        """Return the plain columns of a table, each read from the file the first time."""
        with self._lock:
            table = self._tables.get(name)
            if table is None:
                table = self._tables[name] = self._unread(self.schema.table(name))
                self.make_room(name)
            else:
                self._tables.move_to_end(name)
            return table

    def _unread(self, table: Table) -> TableColumns:
        rows = self.reader.rows_at_most(table.name)
        values = rows * len(table.kept_columns)
        self.reader.require_unchanged()
        disk_cache = self._used_disk_cache()
        kept = () if disk_cache is None else disk_cache.blocks(table, rows)
        return TableColumns(
            table,
            self._read,
            kept,
            whole=values <= _FEW_VALUES,
            divisible=self.reader.is_keyed(table),
            lock=lambda: self._lock,
        )

    def _used_disk_cache(self) -> DiskCache | None:
        return self._disk_cache if config.columnar_copy else None

    def _read(self, table: Table, columns: Sequence[str]) -> pa.Table:
        data = packed(table, self.reader.columns(table, columns))
        disk_cache = self._used_disk_cache()
        if disk_cache is not None:
            disk_cache.add(table, columns, data)
        self.make_room(table.name, data.nbytes)
        return data

    def index(self, table: str, key: str) -> KeyIndex:
        """Return where each value of an integer column is."""
        with self._lock:
            index = self._indexes.get((table, key))
            if index is None:
                index = KeyIndex(*self.table(table).keys(key))
                # Reading its keys can drop the table, where the budget is small.
                if table in self._tables:
                    self._indexes[table, key] = index
                    self.make_room(table)
            return index

    def aliases(self, source: str) -> Aliases:
        """Return the tables that can stand beside a table."""
        with self._lock:
            if source not in self._aliases:
                self._aliases[source] = Aliases(self.schema, source)
            return self._aliases[source]

    def step(self, way: Alias, parent: str) -> Rows:
        """Return for each row of a parent's table the row that a way leads to, or -1.

        There is a -1 more at the end, so that row -1 of the parent's table leads to -1.

        Raises
        ------
        JoinError
            A row of the parent's table has several matching rows.
        """
        with self._lock:
            key = (parent, way.found_from, way.table, way.found_by)
            step = self._steps.get(key)
            if step is None:
                self.reader.require_rows([way.table])
                index = self.index(way.table, way.found_by)
                if not index.is_unique:
                    raise several_rows(way, parent, index.repeated)
                rows = index.rows(*self.table(parent).keys(way.found_from))
                step = np.append(rows, NONE)
                if parent in self._tables:
                    self._steps[key] = step
                    self.make_room(parent)
            return step

    def rows_beside(self, alias: Alias, source: str, rows_of: Callable[[Alias], Rows]) -> Rows:
        """Return the rows of an alias that stand beside those of the alias before it.

        Parameters
        ----------
        alias
            Any but the source table itself.
        source
            The source table.
        rows_of
            Gives the rows of the alias before it, -1 for none.
        """
        rows = []
        for way in alias.ways:
            parent = self.aliases(source)[str(way.parent)]
            before = rows_of(parent)
            rows.append(self.step(way, parent.table)[before])
        return reduce(lambda first, second: np.where(first >= 0, first, second), rows)

    def rows(self, alias: Alias, source: str, chosen: Rows | None = None) -> Rows:
        """Return for each row of the source table the row of the alias's table, or -1.

        Parameters
        ----------
        alias, source
            The alias, and the source table.
        chosen
            Rows of the source table, -1 for none; default all in turn.
        """
        if alias.parent is None:
            count = len(self.table(source))
            return np.arange(count, dtype=np.intp) if chosen is None else chosen
        if chosen is None and alias.parent == source and len(alias.ways) == 1:
            return self.step(alias, source)[:-1]
        return self.rows_beside(alias, source, lambda parent: self.rows(parent, source, chosen))


def several_rows(alias: Alias, parent: str, key: int | None) -> JoinError:
    """Return the error for a table that can't stand beside another."""
    return JoinError(
        f"{alias.table!r} has several rows for one row of {parent!r} "
        f"({alias.found_by} {key}, for one), so it can't stand beside it. "
        f"frame.synphys.related({alias.table!r}) gives those rows as a frame of their own."
    )
