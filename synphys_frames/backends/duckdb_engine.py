"""DuckDB connections with the sqlite extension, loaded without a download where possible.

DuckDB is imported when the first connection is opened: columns that are in the cache need none.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import ExtensionError

if TYPE_CHECKING:
    import duckdb


_WHEEL = "duckdb_extension_sqlite_scanner"


def bundled_extension() -> Path | None:
    """Return the sqlite extension that an installed wheel carries for this DuckDB, or None."""
    import duckdb

    spec = find_spec(_WHEEL)
    if spec is None or not spec.submodule_search_locations:
        return None
    file = (
        Path(next(iter(spec.submodule_search_locations)))
        / "extensions"
        / f"v{duckdb.__version__}"
        / "sqlite_scanner.duckdb_extension"
    )
    return file if file.is_file() else None


def load_sqlite_extension(connection: duckdb.DuckDBPyConnection) -> None:
    """Have a connection able to attach SQLite files.

    Raises
    ------
    ExtensionError
        Neither the wheel nor DuckDB's own install gives a sqlite extension that fits.
    """
    import duckdb

    bundled = bundled_extension()
    try:
        if bundled is not None:
            location = str(bundled).replace("'", "''")
            connection.execute(f"LOAD '{location}'")
        else:
            connection.execute("INSTALL sqlite")
            connection.execute("LOAD sqlite")
    except duckdb.Error as error:
        version = duckdb.__version__
        tried = f"the wheel's {bundled}" if bundled else "DuckDB's own download"
        raise ExtensionError(
            f"DuckDB {version} needs its sqlite extension, and {tried} could not be loaded "
            f"({str(error).splitlines()[0]}). Install the one that fits: "
            f"pip install duckdb-extension-sqlite-scanner=={version}"
        ) from error


def plain_connection() -> duckdb.DuckDBPyConnection:
    """Return a new in-memory DuckDB connection without the sqlite extension."""
    import duckdb

    connection = duckdb.connect(":memory:")
    # A mistyped table name must be an error, never some Python variable of that name.
    connection.execute("SET python_enable_replacements = false")
    # DuckDB 1.5.5 takes scans of two SQLite tables for the same subplan where their columns have
    # the same names, and gives the rows of one for both.
    connection.execute("SET disabled_optimizers = 'common_subplan'")
    return connection


def evaluating_connection() -> duckdb.DuckDBPyConnection:
    """Return a new in-memory DuckDB connection for expressions over columns in memory."""
    connection = plain_connection()
    # To have other threads share in so few rows takes longer than the rows.
    connection.execute("SET threads = 1")
    return connection
