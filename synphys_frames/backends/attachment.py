"""DuckDB over a release: an instance for us, for the user, for others; a connection a thread."""

from __future__ import annotations

import ctypes
import os
import sys
import threading
from contextlib import suppress
from typing import TYPE_CHECKING
from weakref import WeakSet

from ..errors import ClosedError, SynphysError
from .base import unreadable
from .duckdb_engine import bound_memory, evaluating_connection, lock, plain_connection
from .identifiers import quoted

if TYPE_CHECKING:
    from collections.abc import Iterator

    import duckdb

    from ..schema import Table
    from .base import Errors, Storage
    from .contents import Contents


NATIVE = "native"


class _Process:
    """What may not be shared with a forked child: the instance, its lock, its connections."""

    def __init__(self) -> None:
        self.pid = os.getpid()
        self.lock = threading.RLock()
        # One for what the library asks, one for the user, whose settings are to change no answer of
        # ours, and one for queries from elsewhere.
        self.roots: dict[str, duckdb.DuckDBPyConnection] = {}
        self.evaluator: duckdb.DuckDBPyConnection | None = None
        self.local = threading.local()


class Attachment:
    """Read-only access to a release through DuckDB.

    The tables are in the DuckDB catalogue `release` as they are stored. A view of the same
    name on each gives the names of the newest schema and the promised types; where the file has
    other names, a view in the schema `native` gives those.

    Parameters
    ----------
    storage, contents
        Where the release is stored, and what it has.
    errors
        "raise": a stored value of another type stops a query. "coerce": it counts as missing.
    """

    def __init__(self, storage: Storage, contents: Contents, errors: Errors) -> None:
        self._storage = storage
        self._contents = contents
        self.errors = errors
        self.is_closed = False
        self._process = _Process()
        self._views: list[str] = []
        _live.add(self)

    def require_open(self) -> None:
        """Raise `ClosedError` where the database was closed."""
        if self.is_closed:
            raise ClosedError(
                f"The database on {self._storage.location} was closed. Open it again with "
                f"{self._storage.how_to_open}."
            )

    def forget_connection(self) -> None:
        """Have the next call open another connection; its user closed this one."""
        self._process.local = threading.local()

    def connection(self) -> duckdb.DuckDBPyConnection:
        """Return this thread's connection for the user, opened on first use.

        Raises
        ------
        ClosedError
            The database was closed.
        """
        return self._connection("connection")

    def reading(self) -> duckdb.DuckDBPyConnection:
        """Return this thread's connection for what the library asks, opened on first use.

        It can't read or write other files, nor load extensions, nor can it be set otherwise.

        Raises
        ------
        ClosedError
            The database was closed.
        """
        return self._connection("reading")

    def untrusted(self) -> duckdb.DuckDBPyConnection:
        """Return this thread's connection for queries from elsewhere, opened on first use.

        It is locked as the library's own, has an instance of its own, and writes nothing to disk,
        also where memory does not suffice.

        Raises
        ------
        ClosedError
            The database was closed.
        """
        return self._connection("untrusted")

    def _connection(self, name: str) -> duckdb.DuckDBPyConnection:
        process = self._own_process()
        existing: duckdb.DuckDBPyConnection | None = getattr(process.local, name, None)
        if existing is None:
            with process.lock:
                if name not in process.roots:
                    process.roots[name] = self._root(name)
            existing = process.roots[name].cursor()
            setattr(process.local, name, existing)
        return existing

    def _root(self, name: str) -> duckdb.DuckDBPyConnection:
        root = self._open()
        if name == "untrusted":
            bound_memory(root)
        if name != "connection":
            lock(root, self._storage.folder)
        return root

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
        # It goes on while DuckDB is imported.
        self._storage.begin_check()
        import duckdb

        connection = plain_connection()
        try:
            self._storage.attach(connection)
            self._create_views(connection)
            self._storage.require_sound(())
        except SynphysError:
            connection.close()
            raise
        except (duckdb.Error, RuntimeError) as error:
            connection.close()
            if "interrupted" in str(error).casefold():
                raise KeyboardInterrupt from error
            raise unreadable(self._storage.location, error) from error
        return connection

    def _create_views(self, connection: duckdb.DuckDBPyConnection) -> None:
        # To make them may warn of what is stored, which is said once.
        self._views = self._views or list(self._view_statements())
        # In one transaction, which takes half of the time.
        for statement in ("BEGIN", *self._views, "COMMIT"):
            connection.execute(statement)

    def _view_statements(self) -> Iterator[str]:
        native = self._contents.native_schema.tables
        renamed = self._contents.renamed_tables
        yield f"CREATE SCHEMA {NATIVE}"
        # First those with the file's own names, which the others are made from.
        for name in renamed:
            view = self._storage.select(native[name], self.errors)
            yield f"CREATE VIEW {NATIVE}.{quoted(name)} AS {view}"
        for table in self._contents.schema:
            as_it_is = table.name in native and table.name not in renamed
            view = (
                self._storage.select(native[table.name], self.errors)
                if as_it_is
                else _renamed(table)
            )
            yield f"CREATE VIEW {quoted(table.name)} AS {view}"

    def close(self) -> None:
        """Close all connections of this process; what was read before stays usable."""
        self.is_closed = True
        process = self._process
        if process.pid != os.getpid():
            return
        if process.evaluator is not None:
            process.evaluator.close()
            process.evaluator = None
        for name, root in process.roots.items():
            own = getattr(process.local, name, None)
            for connection in (own, root):
                if connection is not None:
                    _interrupt(connection)
                    connection.close()
        process.roots.clear()

    def abandon(self) -> None:
        """Keep the parent's instance alive for ever in a forked child.

        Its threads do not exist there, and taking it down would wait for them or abort.
        """
        for connection in (*self._process.roots.values(), self._process.evaluator):
            if connection is not None:
                _keep_for_ever(connection)


def _renamed(table: Table) -> str:
    columns = ", ".join(
        f"{column.expression or quoted(column.name)} AS {quoted(column.name)}"
        for column in table.columns.values()
    )
    return f"SELECT {columns} FROM {NATIVE}.{quoted(table.stored_in or table.name)} AS stored"


def _interrupt(connection: duckdb.DuckDBPyConnection) -> None:
    """Stop a query that was left running: to close its connection would wait for it."""
    import duckdb

    # The user may have closed theirs.
    with suppress(duckdb.ConnectionException):
        connection.interrupt()


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
