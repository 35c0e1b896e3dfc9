"""Run queries on a release file, and say in the dataset's words why one can't be run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import duckdb
import pyarrow as pa

from .errors import (
    ArgumentError,
    QueryError,
    ReleaseFileError,
    StoredValueError,
    UnknownColumnError,
    did_you_mean,
)
from .expression import Name, parse, refusal
from .sqlite_file import quoted

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from .attachment import Attachment
    from .columns import Rows
    from .release_file import ReleaseFile
    from .schema import Table

    Parameters = Sequence[object] | dict[str, object] | None

_QUALIFIED = 2


class Queries:
    """All queries on one release file.

    Parameters
    ----------
    file
        The file.
    attachment
        DuckDB attached to it.
    """

    def __init__(self, file: ReleaseFile, attachment: Attachment) -> None:
        self._file = file
        self._attachment = attachment

    def run(
        self,
        query: str,
        params: Parameters = None,
        *,
        where: str | None = None,
        wanted: Rows | None = None,
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
        wanted
            Ids that the query finds in the table `wanted`.
        """
        connection = self._attachment.connection()
        if wanted is not None:
            connection.register("wanted", pa.table({"id": pa.array(wanted, pa.int64())}))
        try:
            return connection.execute(query, params).to_arrow_table()
        except duckdb.Error as error:
            raise self._explained(error, query, where) from error
        finally:
            if wanted is not None:
                connection.unregister("wanted")

    def batches(self, table: Table, rows: int) -> Iterator[pa.RecordBatch]:
        """Yield a whole table, so many rows at a time."""
        query = _select(table, list(table.columns))
        # A connection of its own: the reader stays open while other queries may run.
        with self._attachment.connection().cursor() as cursor:
            try:
                yield from cursor.execute(query).to_arrow_reader(rows)
            except (duckdb.Error, pa.ArrowException, OSError) as error:
                raise self._explained(error, query, None) from error

    def columns(self, table: Table, columns: Sequence[str], ids: Rows | None = None) -> pa.Table:
        """Return columns of all rows in file order, or of the rows with these ids."""
        query = _select(table, columns)
        if ids is None:
            return self.run(query)
        return self.run(f"{query} WHERE id IN (SELECT id FROM wanted)", wanted=ids)

    def part(
        self, table: Table, columns: Sequence[str], where: str | None, limit: int | None
    ) -> pa.Table:
        """Return columns of the rows for which an expression is true, at most so many."""
        query = _select(table, columns)
        if where is not None:
            query += f" WHERE {self._condition(where, table)}"
        if limit is not None:
            if isinstance(limit, bool) or not isinstance(limit, int) or limit < 0:
                raise ArgumentError(f"limit takes a number of rows, 0 or more; got {limit!r}.")
            query += f" LIMIT {limit}"
        return self.run(query, where=where)

    def _condition(self, where: str, table: Table) -> str:
        expression = parse(where)
        known = {name.casefold(): name for name in table.columns}

        def label(name: Name) -> str:
            qualified = len(name) == _QUALIFIED and name[0].casefold() == table.name
            found = known.get(".".join(name[1:] if qualified else name).casefold())
            if found is None:
                raise UnknownColumnError(
                    f"Table {table.name!r} has no column {'.'.join(name)!r} (in where={where!r}). "
                    f"{did_you_mean(name[-1], table.columns)}"
                )
            return found

        return expression.sql(label, self._attachment.connection())

    def _explained(self, error: Exception, query: str, where: str | None) -> Exception:
        columns = [
            column
            for table in self._file.schema
            if table.name in query
            for column in table.columns.values()
            if column.name in query or "*" in query
        ]
        if not self._file.path.exists():
            return ReleaseFileError(
                f"{self._file.path} is gone. Put it back, or load the version again."
            )
        if _is_about_a_value(error) and (misfit := self._file.first_misfit(columns)):
            column, row, value = misfit
            return StoredValueError(
                f"{self._file.path.name}: {column.table}.{column.name} holds {value!r} in the row "
                f"with id {row}, where its type is {column.kind}. The file is not as it was "
                'published; fetch it again, or open it with load_sqlite(path, errors="coerce"), '
                "which makes such values missing."
            )
        if where is not None and isinstance(error, duckdb.Error):
            return refusal(parse(where), error)
        return QueryError(f"The query can't be run. {str(error).strip()}")


def _is_about_a_value(error: Exception) -> bool:
    # What streams to Arrow comes with another class, but with DuckDB's words.
    kinds = (duckdb.TypeMismatchException, duckdb.ConversionException)
    words = ("Mismatch Type Error", "Conversion Error")
    return isinstance(error, kinds) or any(word in str(error) for word in words)


def _select(table: Table, columns: Sequence[str]) -> str:
    return f"SELECT {', '.join(map(quoted, columns))} FROM {quoted(table.name)}"
