"""What DuckDB gives for a query, as Arrow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from ..errors import QueryError
from ..options import config

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import duckdb

    Parameters = Sequence[object] | dict[str, object] | None


_NPY = b"\x93NUMPY"
# Rows that are handed over together.
_BATCH = 100_000


def result_table(
    connection: duckdb.DuckDBPyConnection, query: str, values: Any, tables: Mapping[str, pa.Table]
) -> pa.Table:
    """Return the result of a query that finds these tables; raise where there is no query."""
    try:
        for name, table in tables.items():
            connection.register(name, table)
        ran = connection.execute(query, values)
        if ran is None:
            raise QueryError("The query can't be run. There is no statement in it.")
        result: pa.Table = ran.to_arrow_table()
        return result
    finally:
        for name in tables:
            connection.unregister(name)


def bounded_table(connection: duckdb.DuckDBPyConnection, query: str, values: Any) -> pa.Table:
    """Return a query's result, or raise where it has more bytes than a database may keep."""
    reader = connection.execute(query, values).to_arrow_reader(_BATCH)
    batches, size = [], 0
    for batch in reader:
        batches.append(batch)
        size += batch.nbytes
        if size > config.memory_budget:
            raise QueryError(
                f"The query gives more than {config.memory_budget:,} bytes. config.memory_budget "
                "sets how many one may give."
            )
    return pa.Table.from_batches(batches, reader.schema)


def by_id(data: pa.Table, label: str) -> pa.Table:
    """Return rows in the order of their ids.

    SQLite gives them in the order of an index where that has all that is asked for. Only where
    DuckDB reads several ranges of rows at once is theirs the order in any case.
    """
    ids = data.column(label).to_numpy()
    return data if (ids[1:] > ids[:-1]).all() else data.take(np.argsort(ids, kind="stable"))


def has_no_arrays(column: pa.Array) -> bool:
    """Return whether some value of a column of bytes is not the content of a .npy file."""
    import pyarrow.compute as pc

    return bool(pc.any(pc.invert(pc.starts_with(column, _NPY))).as_py())


def is_about_a_value(error: Exception) -> bool:
    """Return whether DuckDB says that a stored value is not of its column's type."""
    import duckdb

    # What streams to Arrow comes with another class, but with DuckDB's words.
    kinds = (duckdb.TypeMismatchException, duckdb.ConversionException)
    words = ("Mismatch Type Error", "Conversion Error", "Invalid UTF8", "Wrapping", "Out of Range")
    return isinstance(error, (*kinds, UnicodeError)) or any(word in str(error) for word in words)


def plain_parameters(params: Parameters) -> Parameters:
    """Return parameters without NumPy's own number types, which DuckDB does not take."""

    def plain(value: object) -> object:
        return value.item() if isinstance(value, np.generic) else value

    if isinstance(params, dict):
        return {name: plain(value) for name, value in params.items()}
    return None if params is None else [plain(value) for value in params]
