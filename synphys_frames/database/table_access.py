"""The tables of an opened release: as frames, by SQL, and what they are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._arguments import checked
from ..columns import check_dtype_backend, frame_from_arrow
from ..errors import ArgumentError, MissingRowsError, MissingRowsWarning, UnknownTableError, warn
from ..query import names_of
from .description import (
    ColumnNames,
    schema_frame,
    tables_frame,
    ways_frame,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import duckdb
    import pandas as pd

    from ..columns import DtypeBackend
    from ..schema import Table
    from .release import Release

# Methods of the existing library, and what does the same here.
_FORMER = {
    "query": "db.table(name) or db.cell give a table, db.sql(query) any SQL",
    "pair_query": "db.pairs(...) gives the frame at once",
    "matrix_pairs": "db.pairs(...).synphys.classify(classes) tells the classes of both cells",
    "list_project_names": "it is db.project_names",
    "experiment_from_ext_id": "db.table('experiment', where=\"ext_id = '...'\") gives the row",
    "experiment_from_timestamp": "db.table('experiment', where=\"ext_id = '...'\") gives the row",
    "slice_from_ext_id": "db.table('slice', where=\"ext_id = '...'\") gives the row",
    "slice_from_timestamp": "db.table('slice', where=\"ext_id = '...'\") gives the row",
    "session": "frames need no session",
    "default_session": "frames need no session",
    "dataframe": "every result is a DataFrame already",
}


class TableAccess:
    """What a database shows of its tables; `SynphysDatabase` is one."""

    _release: Release

    @property
    def columns(self) -> ColumnNames:
        """All names for `include=` and `columns=`, by tab completion.

        Examples
        --------
        >>> db.columns.cell.cre_type
        'cell.cre_type'
        """
        return ColumnNames(self._release.schema)

    @property
    def tables(self) -> pd.DataFrame:
        """The tables of the file.

        Returns
        -------
        DataFrame
            A row a table: table (str), rows (Int64), columns (Int64), description (str).

        Examples
        --------
        >>> db.tables.set_index("table").loc["pair", "rows"]
        np.int64(2058)
        """
        self._release.require_open()
        return tables_frame(self._release.contents)

    @property
    def schema(self) -> pd.DataFrame:
        """The columns of all tables.

        Returns
        -------
        DataFrame
            A row a column by the newest schema's names, all str: table, column, dtype (of the
            frames), unit (SI; missing where there is none), description, references
            ("table.column", missing where none), native_name (the file's own name where it is
            another one), schema_versions (which have the column).

        Examples
        --------
        >>> db.schema.query("table == 'pair' and column == 'distance'").unit.item()
        'm'
        """
        return schema_frame(self._release.schema)

    @property
    def ways(self) -> pd.DataFrame:
        """The ways between tables that ``frame.synphys.related`` and `join` take.

        Returns
        -------
        DataFrame
            A row for every two tables between which foreign keys lead, all str: source, target, way
            (the tables that it goes through), other_ways (what `via` can name to be led to other
            rows; missing where there is no choice).

        Examples
        --------
        >>> ways = db.ways.set_index(["source", "target"])
        >>> ways.loc[("cell", "recording"), "way"]
        'cell → electrode → recording'
        >>> ways.loc[("stim_pulse", "cell"), "other_ways"]
        'via="stim_pulse.cell_id"'
        """
        return ways_frame(self._release.schema)

    @checked()
    def table(
        self,
        name: str,
        columns: Sequence[str] | str | None = None,
        where: str | None = None,
        limit: int | None = None,
        *,
        native: bool = False,
        dtype_backend: DtypeBackend = None,
    ) -> pd.DataFrame:
        """Return a table, or a part of it.

        Parameters
        ----------
        name
            The table.
        columns
            Which columns, in this order. Default: all, in the schema's order, JSON as text and
            arrays as the bytes of a .npy file.
        where
            SQL expression over the table's columns; rows for which it is true are returned.
        limit
            At most so many rows, from the first on.
        native
            Whether to use the file's own table and column names. Default: the newest schema's, for
            files of every schema version; the file's own are understood in `columns` and `where`.
        dtype_backend
            "pyarrow" for Arrow types; default pandas types: float64 with NaN, Int64, boolean, str,
            datetime64[us].

        Returns
        -------
        DataFrame
            Rows in the order of the file. Units are SI; `schema` tells each column's.

        Raises
        ------
        UnknownTableError, UnknownColumnError
            With the nearest names.
        ExpressionError
            `where` is not an expression over this table.
        StoredValueError
            A stored value is not of its column's type.
        MissingRowsError
            `where` asks for rows that a small file does not have.

        Warns
        -----
        MissingRowsWarning
            The table is empty because the file is a small one; the message says which file has it.

        Examples
        --------
        >>> db.table("pair", columns=["id", "distance"], where="distance < 50e-6", limit=2)
           id  distance
        0   2  0.000043
        1   5  0.000043
        """
        return self._table(name, columns, where, limit, native, dtype_backend)

    def _table(
        self,
        name: str,
        columns: Sequence[str] | str | None = None,
        where: str | None = None,
        limit: int | None = None,
        native: bool = False,
        dtype_backend: DtypeBackend = None,
    ) -> pd.DataFrame:
        schema = self._release.contents.native_schema if native else self._release.schema
        table = schema.table(name)
        chosen = _labelled(table, columns)
        check_dtype_backend(dtype_backend)
        data = self._release.queries.part(table, chosen, where, limit, native=native)
        try:
            self._release.contents.require_rows([table.stored_in or table.name])
        except MissingRowsError as error:
            if where is not None:
                raise
            warn(str(error), MissingRowsWarning)
        kinds = {label: table.columns[column].kind for label, column in chosen.items()}
        return self._release.with_provenance(frame_from_arrow(data, kinds, dtype_backend), name)

    @checked()
    def sql(
        self,
        query: str,
        params: Sequence[object] | dict[str, object] | None = None,
        *,
        untrusted: bool = False,
        dtype_backend: DtypeBackend = None,
    ) -> pd.DataFrame:
        """Return the result of a DuckDB query over the tables.

        The query has the power of its user: DuckDB can read and write what they can, and load
        extensions. A text from elsewhere is run with `untrusted`; a value from elsewhere goes into
        `params`.

        Parameters
        ----------
        query
            One SQL query. The tables have their names; as they are stored, with SQLite's types,
            they are in the catalogue `release` (``release.pair``).
        params
            Values for ``?`` or ``$name`` in the query.
        untrusted
            Whether the query comes from somebody else. It must then be one SELECT over the
            release's tables, with the functions that expressions take, aggregates and window
            functions; it runs where no file, network, extension or setting can be reached, for at
            most ``config.query_timeout`` seconds (60 where that is None), in at most
            ``config.memory_budget`` bytes.
        dtype_backend
            "pyarrow" for Arrow types.

        Returns
        -------
        DataFrame
            Types as in table frames: Int64, float64, boolean, str, datetime64[us].

        Raises
        ------
        QueryError
            DuckDB refuses the query, or an untrusted one holds what it may not; the message says
            why.

        Examples
        --------
        >>> db.sql("SELECT species, count(*) AS n FROM slice WHERE age > ? GROUP BY 1 ORDER BY 1",
        ...        [60])
          species   n
        0   human   6
        1   mouse  16
        """
        check_dtype_backend(dtype_backend)
        if not isinstance(query, str):
            raise ArgumentError(f"query takes SQL as text; got {query!r}.")
        if untrusted:
            data = self._release.queries.run_untrusted(query, params)
        else:
            data = self._release.queries.run(query, params, by_user=True)
            self._release.queries.tell_of_missing_rows(query)
        return self._release.with_provenance(
            frame_from_arrow(data, dtype_backend=dtype_backend), None
        )

    @checked()
    def relation(self, name: str) -> duckdb.DuckDBPyRelation:
        """Return a table as a DuckDB relation: lazy, for DuckDB's own methods.

        Examples
        --------
        >>> db.relation("pair").filter("has_synapse").aggregate("count(*) AS n").df()
            n
        0  55
        """
        table = self._release.schema.table(name)
        self._release.queries.require_readable(f"SELECT * FROM {table.name}")
        return self.connection.view(table.name)

    @property
    def connection(self) -> duckdb.DuckDBPyConnection:
        """DuckDB connection of this thread, the file attached read-only as `release`."""
        return self._release.attachment.connection()

    def __getitem__(self, name: str) -> pd.DataFrame:
        return self._table(name)

    def __getattr__(self, name: str) -> pd.DataFrame:
        # Only called where normal lookup fails; names with _ are Python's own protocols.
        if name.startswith("_"):
            raise AttributeError(name)
        if name in _FORMER and name not in self:
            raise UnknownTableError(
                f"There is no table {name!r}, and no db.{name} here: {_FORMER[name]}."
            )
        return self._table(name)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name in self._release.schema

    def __iter__(self) -> Iterator[str]:
        return iter(self._release.schema.tables)

    def __len__(self) -> int:
        return len(self._release.schema.tables)

    def _ipython_key_completions_(self) -> list[str]:
        return list(self._release.schema.tables)


def _labelled(table: Table, columns: Sequence[str] | str | None) -> dict[str, str]:
    """Return the columns to read, each under the name that it was asked for by."""
    if columns is None:
        return {name: name for name in table.columns}
    names = names_of(columns, "columns")
    if not names:
        raise ArgumentError("columns is empty; leave it out for all columns, or name some.")
    return {name: table.column(table.native_names.get(name, name)).name for name in names}
