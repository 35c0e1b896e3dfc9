"""Run queries on a release, and say in the dataset's words why one can't be run."""

from __future__ import annotations

from numbers import Integral
from typing import TYPE_CHECKING

import pyarrow as pa

from .._apart import apart, import_whole
from .._cached_property import cached_property
from ..errors import (
    ArgumentError,
    ClosedError,
    MissingRowsError,
    MissingRowsWarning,
    QueryError,
    StoredValueError,
    SynphysError,
    UnknownColumnError,
    did_you_mean,
    warn,
)
from ..schema import warn_of_sizes
from .attachment import NATIVE
from .base import unreadable
from .expression import Name, parse, quoting_hint, refusal
from .identifiers import quoted
from .interruption import run_interruptible
from .name_places import place_of_name
from .results import (
    bounded_table,
    by_id,
    has_no_arrays,
    is_about_a_value,
    plain_parameters,
    result_table,
)
from .select_rules import require_select

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    import duckdb

    from .._typing import Rows
    from ..schema import Column, Table
    from .attachment import Attachment
    from .base import Storage
    from .contents import Contents

    Parameters = Sequence[object] | dict[str, object] | None


_QUALIFIED = 2
# For a query from elsewhere, where none are set.
_UNTRUSTED_SECONDS = 60.0
_TEXT, _BYTES = pa.string().id, pa.binary().id


class Queries:
    """All queries on one release.

    Parameters
    ----------
    storage, contents
        Where the release is stored, and what it has.
    attachment
        DuckDB attached to it.
    """

    def __init__(self, storage: Storage, contents: Contents, attachment: Attachment) -> None:
        self._storage = storage
        self._contents = contents
        self._attachment = attachment
        self._repeated: dict[tuple[str, str], int | None] = {}

    def run(
        self,
        query: str,
        params: Parameters = None,
        *,
        where: str | None = None,
        ids: Mapping[str, Rows] | None = None,
        by_user: bool = False,
    ) -> pa.Table:
        """Return a query's result as Arrow.

        Parameters
        ----------
        query
            SQL.
        params
            Values for its parameters.
        where
            The user's expression in it, for the message.
        ids
            Ids by the name of the table, of one column `id`, in which the query finds them.
        by_user
            Whether the query is the user's own, and runs on their connection.
        """
        # It goes on while DuckDB is imported.
        self._storage.begin_check()
        import_whole("duckdb")
        import duckdb

        try:
            try:
                return self._result(query, params, ids or {}, by_user=by_user)
            except duckdb.ConnectionException:
                # The user closed this thread's connection, which is theirs to use as db.connection.
                self._attachment.forget_connection()
                return self._result(query, params, ids or {}, by_user=by_user)
        except (duckdb.Error, pa.ArrowException, RuntimeError, UnicodeError) as error:
            raise self._explained(error, query, where) from error

    def _result(
        self, query: str, params: Parameters, ids: Mapping[str, Rows], *, by_user: bool
    ) -> pa.Table:
        attachment = self._attachment
        connection = attachment.connection() if by_user else attachment.reading()
        self.require_readable(query)
        tables = {
            name: pa.table({"id": pa.array(numbers, pa.int64())}) for name, numbers in ids.items()
        }
        values = plain_parameters(params)
        result = run_interruptible(
            connection, lambda: result_table(connection, query, values, tables)
        )
        self._require_stored_types(result.columns, query)
        return result

    def run_untrusted(self, query: str, params: Parameters = None) -> pa.Table:
        """Return the result of a query from elsewhere, which can reach nothing but the release.

        Parameters
        ----------
        query
            SQL: one SELECT over the tables of the release.
        params
            Values for its parameters.

        Raises
        ------
        QueryError
            It is, or holds, something else; or its result has more bytes than
            ``config.memory_budget``.
        QueryTimeoutError
            After ``config.query_timeout`` seconds, or 60 where that is None.
        """
        # It goes on while DuckDB is imported.
        self._storage.begin_check()
        import_whole("duckdb")
        import duckdb

        attachment = self._attachment
        names = {*self._contents.schema.tables, *self._contents.native_schema.tables}
        with attachment.evaluator() as parser:
            asked = run_interruptible(parser, lambda: require_select(query, parser, names))
        try:
            with attachment.untrusted() as cursor:
                self.require_readable(query)
                values = plain_parameters(params)
                result = run_interruptible(
                    cursor, lambda: bounded_table(cursor, query, values), _UNTRUSTED_SECONDS
                )
        # What streams to Arrow comes as an OSError.
        except (duckdb.Error, pa.ArrowException, RuntimeError, OSError, UnicodeError) as error:
            raise self._explained(error, query, None) from error
        self._require_stored_types(result.columns, query)
        self._tell_of_missing_rows(asked)
        return result

    def require_readable(self, query: str) -> None:
        """Raise where DuckDB would misread a table or a column that a query may name.

        Raises
        ------
        ReleaseFileError
            The file is damaged, or the table.
        StoredValueError
            The column holds values of other types, which DuckDB takes without complaint.
        """
        asked = query.casefold()
        self._storage.require_sound(
            table.name
            for table in self._contents.native_schema
            if table.name.casefold() in asked or table.name in self._contents.renamed_tables
        )
        if self._attachment.errors == "coerce":
            return
        named = [
            column
            for column in self._misreadable
            if column.table in query and (column.name in query or "*" in query)
        ]
        if named and (misread := self._storage.misread_columns(named)):
            self._raise_misfit(misread)

    @cached_property
    def _misreadable(self) -> list[Column]:
        """The columns of which DuckDB may misread values."""
        return [
            column
            for table in self._contents.native_schema
            for column in table.columns.values()
            if self._storage.may_misread(column)
        ]

    def _require_stored_types(self, columns: Iterable[pa.Array], query: str) -> None:
        """Raise where a result holds what DuckDB hands over unchecked, and is not of its type."""
        for column in columns:
            if column.type.id == _TEXT:
                column.validate(full=True)
            elif (
                column.type.id == _BYTES
                and self._attachment.errors == "raise"
                and has_no_arrays(column)
            ):
                # A number or a text in the place of an array comes as the bytes of its text.
                self._raise_misfit(
                    [column for column in self._columns_in(query) if column.kind == "array"]
                )

    def _columns_in(self, query: str) -> list[Column]:
        """Return the columns of the tables that a query may be about."""
        return [
            column
            for table in self._contents.native_schema
            if table.name in query or table.name in self._contents.renamed_tables
            for column in table.columns.values()
        ]

    def _raise_misfit(self, columns: Iterable[Column]) -> None:
        """Raise `StoredValueError` for the first value that is not of its column's type, if any."""
        misfit = self._storage.first_misfit(columns)
        if misfit is None:
            return
        column = misfit.column
        raise StoredValueError(
            f"{self._contents.path.name}: {column.table}.{column.name} holds "
            f"{misfit.value!r} in the row with id {misfit.row}, where its type is "
            f"{column.kind}. The file is not as it was published; fetch it again, or open it "
            'with load_sqlite(path, errors="coerce"), which makes such values missing.'
        )

    def tell_of_missing_rows(self, query: str) -> None:
        """Warn where a query asks for tables that are empty because the file is a small one."""
        import duckdb

        if self._contents.size != "small":
            return
        connection = self._attachment.connection()
        try:
            asked = apart(lambda: connection.get_table_names(query))
        except duckdb.Error:
            return  # not a SELECT: nothing that rows could be missing from
        self._tell_of_missing_rows(name.rpartition(".")[2] for name in asked)

    def _tell_of_missing_rows(self, tables: Iterable[str]) -> None:
        try:
            self._contents.require_rows(sorted(set(tables)))
        except MissingRowsError as error:
            warn(str(error), MissingRowsWarning)

    def batches(self, table: Table, rows: int) -> Iterator[pa.RecordBatch]:
        """Yield a whole table, so many rows at a time."""
        import_whole("duckdb")
        import duckdb

        query = _select(table, list(table.columns))
        count = 0
        # A connection of its own: the reader stays open while other queries may run.
        with self._attachment.reader() as cursor:
            self.require_readable(query)
            try:
                reader = run_interruptible(
                    cursor, lambda: cursor.execute(query).to_arrow_reader(rows)
                )
                while (batch := run_interruptible(cursor, lambda: next(reader, None))) is not None:
                    batch.validate(full=True)
                    self._require_stored_types(batch.columns, query)
                    count += batch.num_rows
                    yield batch
            except (duckdb.Error, pa.ArrowException, OSError, UnicodeError) as error:
                raise self._explained(error, query, None) from error
        self._storage.require_all_rows(table.stored_in or table.name, count)

    def columns(
        self, table: Table, columns: Sequence[str], key: str = "id", keys: Rows | None = None
    ) -> pa.Table:
        """Return columns of all rows in file order, or of the rows with these keys.

        File order is that of the ids, where every row has one.
        """
        self._contents.require_unchanged()
        query = _select(table, columns)
        if keys is None:
            is_keyed = self.is_keyed(table)
            read = list(dict.fromkeys(["id", *columns])) if is_keyed else columns
            data = self.run(_select(table, read))
            self._storage.require_all_rows(table.stored_in or table.name, data.num_rows)
            return by_id(data, "id").select(list(columns)) if is_keyed else data
        found = f"{query} WHERE {quoted(key)} IN (SELECT id FROM wanted)"
        # In one order, whichever columns are asked for.
        ordered = f"{found} ORDER BY id" if "id" in table.columns else found
        return self.run(ordered, ids={"wanted": keys})

    def repeated_key(self, table: Table, key: str) -> int | None:
        """Return a value of an integer column that several rows have, or None."""
        place = (table.name, key)
        if place not in self._repeated:
            name = quoted(key)
            result = self.run(
                f"SELECT min({name}) FROM (SELECT {name} FROM {quoted(table.name)} "
                f"WHERE {name} IS NOT NULL GROUP BY {name} HAVING count(*) > 1)"
            )
            self._repeated[place] = next(iter(result.column(0).to_pylist()), None)
        return self._repeated[place]

    def ids(self, query: str, params: Sequence[object], ids: Mapping[str, Rows]) -> Rows:
        """Return the ids that a query gives, in its order."""
        numbers: Rows = self.run(query, params, ids=ids).column(0).drop_null().to_numpy()
        return numbers

    def rows_at_most(self, table: str) -> int:
        """Return a number that a table has no more rows than."""
        self._attachment.require_open()
        described = self._contents.schema.table(table)
        return self._contents.rows_at_most(described.stored_in or described.name)

    def is_keyed(self, table: Table) -> bool:
        """Return whether every row of a table has an `id` of its own."""
        return self._contents.is_keyed(table)

    def require_unchanged(self) -> None:
        """Raise where the file is another one than when it was opened."""
        self._contents.require_unchanged()

    def require_rows(self, tables: Iterable[str]) -> None:
        """Raise where a table is empty because the file is a small one."""
        self._contents.require_rows(tables)

    def evaluator(self) -> duckdb.DuckDBPyConnection:
        """Return a connection for expressions over columns in memory."""
        return self._attachment.evaluator()

    def part(
        self,
        table: Table,
        columns: Mapping[str, str],
        where: str | None,
        limit: int | None,
        *,
        native: bool = False,
    ) -> pa.Table:
        """Return columns of the rows for which an expression is true, at most so many.

        Parameters
        ----------
        table
            The table.
        columns
            The columns, each under the name that it gets.
        where, limit
            As for `SynphysDatabase.table`.
        native
            Whether table and columns go by the file's own names.
        """
        place = f"{NATIVE}." if native and table.name in self._contents.renamed_tables else ""
        read = dict(columns)
        is_keyed = self.is_keyed(table)
        if is_keyed:
            read["id beside"] = "id"
        if is_keyed and limit is not None:
            # No index has two columns beside the id: so the rows come from the first on.
            others = [name for name in table.kept_columns if name not in columns.values()]
            read |= {f"{name} beside": name for name in others[:2]}
        selected = ", ".join(f"{quoted(name)} AS {quoted(label)}" for label, name in read.items())
        query = f"SELECT {selected} FROM {place}{quoted(table.name)}"
        if where is not None:
            query += f" WHERE {self._condition(where, table)}"
        if limit is not None:
            count: object = limit
            if isinstance(count, bool) or not isinstance(count, Integral) or count < 0:
                raise ArgumentError(f"limit takes a number of rows, 0 or more; got {limit!r}.")
            query += f" LIMIT {limit}"
        data = self.run(query, where=where)
        return by_id(data, "id beside").select(list(columns)) if is_keyed else data

    def _condition(self, where: str, table: Table) -> str:
        import duckdb

        expression = parse(where)
        known = {name.casefold(): name for name in table.columns}
        # In an expression, the file's own names do no harm: they do not show in the result.
        known |= {old.casefold(): new for old, new in table.native_names.items()}

        def label(name: Name) -> str:
            qualified = len(name) == _QUALIFIED and name[0].casefold() == table.name
            asked = ".".join(name[1:] if qualified else name)
            if asked.casefold() in known:
                return known[asked.casefold()]
            if asked in table.elsewhere:
                table.column(asked)
            raise UnknownColumnError(
                f"Table {table.name!r} has no column {'.'.join(name)!r} (in where={where!r})."
                f"{quoting_hint(name, where)} {did_you_mean(name[-1], table.columns)}"
            )

        compared = [(table.column(label(name)), number) for name, number in expression.compared]
        warn_of_sizes(compared, where)
        try:
            return expression.sql(label, self._attachment.reading())
        except duckdb.Error as error:
            raise self._explained(error, "", where) from error

    def _explained(self, error: Exception, query: str, where: str | None) -> Exception:
        import duckdb

        if isinstance(error, SynphysError):
            return error
        if self._attachment.is_closed:
            path = self._contents.path
            return ClosedError(f"The query was stopped: the database on {path} was closed.")
        if not self._contents.path.exists() or "malformed" in str(error):
            return unreadable(self._contents.path, error)
        if is_about_a_value(error):
            try:
                self._raise_misfit(self._columns_in(query))
            except StoredValueError as misfit:
                return misfit
        if where is not None and isinstance(error, duckdb.Error):
            return refusal(parse(where), error)
        place = place_of_name(self._contents.schema, error)
        return QueryError(f"The query can't be run. {place}{str(error).strip()}")


def _select(table: Table, columns: Sequence[str]) -> str:
    return f"SELECT {', '.join(map(quoted, columns))} FROM {quoted(table.name)}"
