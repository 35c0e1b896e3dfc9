"""DuckDB attached to a release file: one instance a process, one connection a thread."""

from __future__ import annotations

import ctypes
import os
import sys
import threading
import warnings
from typing import TYPE_CHECKING, Literal
from weakref import WeakSet

from ..errors import ClosedError
from .duckdb_engine import connect, evaluating_connection
from .identifiers import quoted
from .sqlite import misfit_condition, unreadable

if TYPE_CHECKING:
    import duckdb

    from ..schema import Column, Table
    from .sqlite import ReleaseFile


CATALOGUE = "release"
NATIVE = "native"


class _Process:
    """What may not be shared with a forked child: the instance, its lock, its connections."""

    def __init__(self) -> None:
        self.pid = os.getpid()
        self.lock = threading.RLock()
        self.root: duckdb.DuckDBPyConnection | None = None
        self.evaluator: duckdb.DuckDBPyConnection | None = None
        self.local = threading.local()


class Attachment:
    """Read-only access to a release file through DuckDB.

    The file's tables are in the DuckDB catalogue `release` as they are stored. A view of the same
    name on each gives the names of the newest schema and the promised types; where the file has
    other names, a view in the schema `native` gives those.

    Parameters
    ----------
    file
        The release file.
    errors
        "raise": a stored value of another type stops a query. "coerce": it counts as missing.
    """

    def __init__(self, file: ReleaseFile, errors: Literal["raise", "coerce"]) -> None:
        self._file = file
        self._errors = errors
        self.is_closed = False
        self._process = _Process()
        _live.add(self)

    def require_open(self) -> None:
        """Raise `ClosedError` where the database was closed."""
        if self.is_closed:
            raise ClosedError(
                f"The database on {self._file.path} was closed. Open it again with "
                f"load_sqlite({str(self._file.path)!r})."
            )

    def forget_connection(self) -> None:
        """Have the next call open another connection; its user closed this one."""
        self._process.local = threading.local()

    def connection(self) -> duckdb.DuckDBPyConnection:
        """Return this thread's connection, opened on first use.

        Raises
        ------
        ClosedError
            The database was closed.
        """
        process = self._own_process()
        existing: duckdb.DuckDBPyConnection | None = getattr(process.local, "connection", None)
        if existing is None:
            with process.lock:
                if process.root is None:
                    process.root = self._open()
            existing = process.local.connection = process.root.cursor()
        return existing

    def evaluator(self) -> duckdb.DuckDBPyConnection:
        """Return a connection for expressions over columns in memory; the file is not attached.

        Raises
        ------
        ClosedError
            The database was closed.
        """
        process = self._own_process()
        with process.lock:
            if process.evaluator is None:
                process.evaluator = evaluating_connection()
            return process.evaluator

    def _own_process(self) -> _Process:
        self.require_open()
        if self._process.pid != os.getpid():
            self._process = _Process()
        return self._process

    def _open(self) -> duckdb.DuckDBPyConnection:
        import duckdb

        connection = connect()
        location = str(self._file.path).replace("'", "''")
        try:
            connection.execute(f"ATTACH '{location}' AS {CATALOGUE} (TYPE sqlite, READ_ONLY)")
            self._create_views(connection)
        except (duckdb.Error, RuntimeError) as error:
            connection.close()
            if "interrupted" in str(error).casefold():
                raise KeyboardInterrupt from error
            raise unreadable(self._file.path, error) from error
        return connection

    def _create_views(self, connection: duckdb.DuckDBPyConnection) -> None:
        native = self._file.native_schema.tables
        renamed = self._file.renamed_tables
        connection.execute(f"CREATE SCHEMA {NATIVE}")
        # First those with the file's own names, which the others are made from.
        for name in renamed:
            view = self._typed(native[name])
            connection.execute(f"CREATE VIEW {NATIVE}.{quoted(name)} AS {view}")
        for table in self._file.schema:
            as_it_is = table.name in native and table.name not in renamed
            view = self._typed(native[table.name]) if as_it_is else _renamed(table)
            connection.execute(f"CREATE VIEW {quoted(table.name)} AS {view}")

    def _typed(self, table: Table) -> str:
        if self._errors == "coerce" and (misfits := self._file.misfit_columns(table)):
            warnings.warn(
                f"{self._file.path.name}: values of {table.name}.{', '.join(misfits)} that are "
                'not of the column\'s type count as missing (errors="coerce").',
                stacklevel=2,
            )
            return _coerced(table)
        columns = ", ".join(
            f"CAST({quoted(column.name)} AS {column.facts.duckdb}) AS {quoted(column.name)}"
            for column in table.columns.values()
        )
        return f"SELECT {columns} FROM {CATALOGUE}.{quoted(table.name)}"

    def close(self) -> None:
        """Close all connections of this process; what was read before stays usable."""
        self.is_closed = True
        process = self._process
        if process.pid != os.getpid():
            return
        if process.evaluator is not None:
            process.evaluator.close()
            process.evaluator = None
        if process.root is not None:
            process.root.close()
            process.root = None
            if hasattr(process.local, "connection"):
                process.local.connection.close()

    def abandon(self) -> None:
        """Keep the parent's instance alive for ever in a forked child.

        Its threads do not exist there, and taking it down would wait for them or abort.
        """
        for connection in (self._process.root, self._process.evaluator):
            if connection is not None:
                _keep_for_ever(connection)


def _renamed(table: Table) -> str:
    columns = ", ".join(
        f"{column.expression or quoted(column.name)} AS {quoted(column.name)}"
        for column in table.columns.values()
    )
    return f"SELECT {columns} FROM {NATIVE}.{quoted(table.stored_in or table.name)} AS stored"


def _coerced(table: Table) -> str:
    # SQLite hands over what fits as text, and DuckDB casts it back.
    def as_text(column: Column) -> str:
        name = quoted(column.name)
        fits = f"{name} IS NOT NULL AND NOT ({misfit_condition(column)})"
        return f"CASE WHEN {fits} THEN {column.facts.as_text.format(name)} END AS {name}"

    def cast_back(column: Column) -> str:
        name = quoted(column.name)
        return f"{column.facts.from_text.format(name, column.facts.duckdb)} AS {name}"

    columns = list(table.columns.values())
    inner = f"SELECT {', '.join(map(as_text, columns))} FROM {quoted(table.name)}"
    escaped = inner.replace("'", "''")
    return (
        f"SELECT {', '.join(map(cast_back, columns))} FROM sqlite_query('{CATALOGUE}', '{escaped}')"
    )


_live: WeakSet[Attachment] = WeakSet()


def _keep_for_ever(connection: duckdb.DuckDBPyConnection) -> None:
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(connection))


def _after_fork() -> None:
    # DuckDB itself opens one connection, with a thread, when it is imported.
    if "duckdb" in sys.modules:
        import duckdb

        _keep_for_ever(duckdb.default_connection())
    for attachment in list(_live):
        attachment.abandon()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
