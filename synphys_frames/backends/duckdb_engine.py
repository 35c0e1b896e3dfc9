"""DuckDB connections with the sqlite extension, loaded without a download where possible.

DuckDB is imported when the first connection is opened: columns that are in the cache need none.
"""

from __future__ import annotations

import glob
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import ExtensionError
from ..options import config
from .interruption import require_queryable

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
    """Return a new in-memory DuckDB connection without the sqlite extension.

    Raises
    ------
    ForkedError
        The process was forked while other threads were querying.
    """
    require_queryable()
    import duckdb

    connection = duckdb.connect(":memory:")
    # What a query names may not bring code from elsewhere.
    connection.execute("SET autoinstall_known_extensions = false")
    connection.execute("SET autoload_known_extensions = false")
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
    lock(connection)
    return connection


def lock(connection: duckdb.DuckDBPyConnection, folder: Path | None = None) -> None:
    """Keep a connection, and all of its instance, from files, extensions and other settings.

    Parameters
    ----------
    connection
        The connection.
    folder
        The one folder that can still be read; default none. What is attached stays so.
    """
    if folder is not None:
        # Files are named by patterns, in which brackets are escaped.
        names = {str(folder), glob.escape(str(folder))}
        allowed = ", ".join("'" + name.replace("'", "''") + "/'" for name in names)
        connection.execute(f"SET allowed_directories = [{allowed}]")
    connection.execute("SET allow_community_extensions = false")
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")


def bound_memory(connection: duckdb.DuckDBPyConnection) -> None:
    """Let an instance use as much memory as the tables of a database, and no file beside it."""
    connection.execute(f"SET memory_limit = '{config.memory_budget} B'")
    connection.execute("SET temp_directory = ''")
    connection.execute("SET max_temp_directory_size = '0 B'")
