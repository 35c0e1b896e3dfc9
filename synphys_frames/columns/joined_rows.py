"""Rows of one table with what stands beside them, gathered into one frame."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from ..schema import require_id
from .block import packed
from .dtypes import pandas_array
from .factorize import NONE, KeyIndex
from .gather import ColumnGather, frame_of, take_all
from .store import several_rows
from .table import TableColumns

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow as pa

    from .._typing import Mask, Rows
    from ..schema import Alias, Table
    from .gather import Run
    from .store import ColumnStore

    # The columns of a table, and for each row of the result its row there, or -1.
    TableRows = tuple[TableColumns, Rows]


class JoinedRows:
    """Some rows of a table, and the rows of other tables that stand beside them.

    Tables that are kept in memory are used there. Of one that is too large to be kept, DuckDB reads
    the rows that are needed.

    Parameters
    ----------
    store
        The tables of the release.
    source
        The table that gives one row each.
    rows
        Row numbers of the source table, in the order of the result; -1 gives missing values.
    ids, missing
        Instead of row numbers, the rows' ids, and where they are missing.
    """

    def __init__(
        self,
        store: ColumnStore,
        source: str,
        rows: Rows | None = None,
        *,
        ids: Rows | None = None,
        missing: Mask | None = None,
    ) -> None:
        self._store = store
        self._source = source
        self._aliases = store.aliases(source)
        self._kept: dict[str, bool] = {}
        self._required: dict[str, list[str]] = {}
        self._fetched: dict[str, TableRows] = {}
        self._beside: dict[str, Rows] = {}
        if rows is None and ids is not None and store.keeps(source):
            rows = store.index(source, "id").rows(ids, missing)
        self._rows = rows
        if rows is None and ids is not None:
            missing = np.zeros(len(ids), dtype=bool) if missing is None else missing
            self._ids = (ids, missing)

    def __len__(self) -> int:
        return len(self._ids[0] if self._rows is None else self._rows)

    @property
    def ids(self) -> Rows:
        """The ids of the rows."""
        table, rows = self.beside(self._aliases[self._source])
        ids: Rows = table.take("id", rows).to_numpy(dtype=np.int64, na_value=NONE)
        return ids

    def _selected(self, alias: Alias, key: str, keys: Rows) -> tuple[TableColumns, KeyIndex]:
        """Return the rows of a large table that have these keys, and where each key is."""
        distinct_keys = np.unique(keys)
        reader = self._store.reader

        def read(table: Table, columns: Sequence[str]) -> pa.Table:
            return packed(table, reader.columns(table, columns, key, distinct_keys))

        table = TableColumns(self._store.schema.table(alias.table), read)
        table.require([key, *self._required.get(alias.name, ())])
        return table, KeyIndex(*table.keys(key))

    def _is_kept(self, alias: Alias) -> bool:
        """Return whether all tables on the way to this one are in memory."""
        if alias.name not in self._kept:
            parents = [self._aliases[way.parent] for way in alias.ways if way.parent is not None]
            # The budget may change at any time: what was decided counts for the whole query.
            if alias.parent is None:
                self._kept[alias.name] = self._rows is not None
            else:
                kept = self._store.keeps(alias.table) and all(map(self._is_kept, parents))
                self._kept[alias.name] = kept
        return self._kept[alias.name]

    def beside(self, alias: Alias) -> TableRows:
        """Return the columns of a table, and for each of these rows the row beside it, or -1.

        Raises
        ------
        JoinError
            A row has several matching rows in that table.
        """
        if self._rows is not None and self._is_kept(alias):
            return self._store.table(alias.table), self._rows_beside(alias, self._rows)
        if alias.name not in self._fetched:
            self._fetched[alias.name] = self._fetch(alias)
        return self._fetched[alias.name]

    def _rows_beside(self, alias: Alias, rows: Rows) -> Rows:
        if alias.parent is None:
            return rows
        if alias.name not in self._beside:
            self._beside[alias.name] = self._store.rows_beside(
                alias, self._source, lambda parent: self._rows_beside(parent, rows)
            )
        return self._beside[alias.name]

    def _fetch(self, alias: Alias) -> TableRows:
        """Have DuckDB read the rows of a large table that stand beside these rows."""
        if alias.parent is None:
            ids, missing = self._ids
            table, index = self._selected(alias, "id", ids[~missing])
            return table, index.rows(ids, missing)
        self._store.reader.require_rows([alias.table])
        keys = [self._keys(way) for way in alias.ways]
        self._require_one_row(alias.ways)
        present = np.concatenate([values[~missing] for values, missing in keys])
        table, index = self._selected(alias, alias.found_by, present)
        rows = index.rows(*keys[0])
        for values, missing in keys[1:]:
            rows = np.where(rows >= 0, rows, index.rows(values, missing))
        return table, rows

    def _keys(self, way: Alias) -> tuple[Rows, Mask]:
        table, rows = self.beside(self._aliases[str(way.parent)])
        values = table.take(way.found_from, rows)
        return values.to_numpy(dtype=np.int64, na_value=NONE), np.asarray(values.isna())

    def _require_one_row(self, ways: Sequence[Alias]) -> None:
        for way in ways:
            if way.found_by != "id":
                table = self._store.schema.table(way.table)
                repeated = self._store.reader.repeated_key(table, way.found_by)
                if repeated is not None:
                    raise several_rows(way, self._aliases[str(way.parent)].table, repeated)

    def _require(self, selection: Sequence[tuple[Alias, Sequence[str]]]) -> None:
        """Have all columns of a table read in one pass."""
        for alias, names in selection:
            table = self._store.schema.table(alias.table)
            plain = [name for name in names if not table.column(name).is_heavy]
            self._required[alias.name] = plain
            if self._is_kept(alias):
                self._store.reader.require_rows([alias.table])
                self._store.table(alias.table).require(plain)

    def series(self, alias: Alias, column: str) -> pd.Series:
        """Return a column's value for each row to be compared; texts as a categorical column."""
        table, rows = self.beside(alias)
        if table.table.column(column).is_heavy:
            return pd.Series(self._heavy(table, column, rows), copy=False)
        return table.series(column, rows)

    def _heavy(self, table: TableColumns, column: str, rows: Rows) -> Any:
        """Return the values of a JSON or array column at these rows, read from the file."""
        described = table.table
        require_id(described)
        ids = table.take("id", rows).to_numpy(dtype=np.int64, na_value=NONE)
        missing = rows < 0
        distinct_ids = np.unique(ids[~missing])
        data = self._store.reader.columns(described, ["id", column], "id", distinct_ids)
        index = KeyIndex(data.column("id").to_numpy(), np.zeros(data.num_rows, dtype=bool))
        positions = index.rows(ids, missing)
        values = pandas_array(data.column(column), described.column(column).kind)
        if isinstance(values, np.ndarray):
            return np.append(values, np.array([None], dtype=object))[positions]
        return values.take(positions, allow_fill=True)

    def frame(
        self, selection: Sequence[tuple[Alias, Sequence[str]]], *, prefixed: bool = True
    ) -> pd.DataFrame:
        """Return one frame of columns of the source table and of tables beside it.

        Parameters
        ----------
        selection
            Aliases in the order of the result, each with its columns in order.
        prefixed
            Whether the source table's own columns have dotted names, too.

        Returns
        -------
        DataFrame
            One row for each of these rows; missing values where an alias has no row.
        """
        try:
            return self._gather(selection, prefixed=prefixed)
        finally:
            # Columns take more memory once they are used than when they were read.
            self._store.make_room()

    def _gather(
        self, selection: Sequence[tuple[Alias, Sequence[str]]], *, prefixed: bool
    ) -> pd.DataFrame:
        self._require(selection)
        columns: list[ColumnGather | Run] = []
        labels: list[str] = []
        for alias, names in selection:
            dotted = prefixed or alias.name != self._source
            labels += [f"{alias.name}.{name}" if dotted else name for name in names]
            table, rows = self.beside(alias)
            for heavy, run in _heavy_runs(table.table, names):
                if heavy:
                    columns.append([self._heavy(table, run[0], rows)])
                else:
                    columns.append(table.gather(run, rows))
        take_all([gather for gather in columns if isinstance(gather, ColumnGather)])
        runs: list[Run] = []
        for column in columns:
            runs += column.runs() if isinstance(column, ColumnGather) else [column]
        return frame_of(runs, labels, len(self))


def _heavy_runs(table: Table, names: Sequence[str]) -> list[tuple[bool, list[str]]]:
    runs: list[tuple[bool, list[str]]] = []
    for name in names:
        heavy = table.column(name).is_heavy
        if heavy or not runs or runs[-1][0]:
            runs.append((heavy, []))
        runs[-1][1].append(name)
    return runs
