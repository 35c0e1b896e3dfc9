"""DuckDB over a release: an instance for us, for the user, for others; a connection a thread."""

from __future__ import annotations

import ctypes
import os
import sys
import threading
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING
from weakref import WeakSet

from .._apart import apart
from ..errors import ClosedError, SynphysError
from .base import unreadable
from .duckdb_engine import bound_memory, evaluating_connection, lock, plain_connection
from .identifiers import quoted
from .interruption import interrupt

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    import duckdb

    from ..schema import Table
    from .base import Errors, Storage
    from .contents import Contents


NATIVE = "native"
# Seconds that closing may wait for what can't be stopped.
_PATIENCE = 4.0


class _Process:
    """What may not be shared with a forked child: the instance, its lock, its connections."""

    def __init__(self) -> None:
        self.pid = os.getpid()
        self.lock = threading.RLock()
        # One for what the library asks, one for the user, whose settings are to change no answer of
        # ours, one for queries from elsewhere, and one for expressions.
        self.roots: dict[str, duckdb.DuckDBPyConnection] = {}
        self.local = threading.local()
        # Those of all threads.
        self.connections: WeakSet[duckdb.DuckDBPyConnection] = WeakSet()

    def cursor(
        self, name: str, opened: Callable[[], duckdb.DuckDBPyConnection]
    ) -> duckdb.DuckDBPyConnection:
        """Return another connection to an instance, which is opened on first use."""
        with self.lock:
            if name not in self.roots:
                self.roots[name] = opened()
            cursor = self.roots[name].cursor()
            self.connections.add(cursor)
            return cursor

    def every(self) -> list[duckdb.DuckDBPyConnection]:
        """Return all connections that are open."""
        with self.lock:
            return [*self.roots.values(), *self.connections]

    def close(self, own: Iterable[duckdb.DuckDBPyConnection]) -> None:
        """Stop what runs, and close the roots and these connections.

        Those of other threads end with these, since to close them under their hands is not safe.
        """
        for connection in self.every():
            interrupt(connection)
        with self.lock:
            roots, self.roots = list(self.roots.values()), {}
        for connection in (*own, *roots):
            connection.close()


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
        with _live_lock:
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
        """Return a connection for queries from elsewhere that nothing else uses.

        It is locked as the library's own, has an instance of its own, and writes nothing to disk,
        also where memory does not suffice. Its user closes it.

        Raises
        ------
        ClosedError
            The database was closed.
        """
        return self._cursor("untrusted")

    def reader(self) -> duckdb.DuckDBPyConnection:
        """Return a connection like `reading`'s that nothing else uses; its user closes it."""
        return self._cursor("reading")

    def _connection(self, name: str) -> duckdb.DuckDBPyConnection:
        process = self._own_process()
        existing: duckdb.DuckDBPyConnection | None = getattr(process.local, name, None)
        if existing is None:
            existing = self._cursor(name)
            setattr(process.local, name, existing)
        return existing

    def _cursor(self, name: str) -> duckdb.DuckDBPyConnection:
        process = self._own_process()
        return apart(lambda: process.cursor(name, partial(self._root, name)))

    def _root(self, name: str) -> duckdb.DuckDBPyConnection:
        if name == "evaluator":
            self.require_open()
            return evaluating_connection()
        root = self._open()
        if name == "untrusted":
            bound_memory(root)
        if name != "connection":
            lock(root, self._storage.folder)
        return root

    def evaluator(self) -> duckdb.DuckDBPyConnection:
        """Return a connection for expressions over columns in memory that nothing else uses.

        The file is not attached.

        Raises
        ------
        ClosedError
            The database was closed.
        """
        return self._cursor("evaluator")

    def _own_process(self) -> _Process:
        self.require_open()
        if self._process.pid != os.getpid():
            self._process = _Process()
        return self._process

    def _open(self) -> duckdb.DuckDBPyConnection:
        # It goes on while DuckDB is imported.
        self._storage.begin_check()
        import duckdb

        self.require_open()  # it may have been closed meanwhile
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
        """Close all connections of this process; what was read before stays usable.

        A query that another thread runs is stopped.
        """
        self.is_closed = True
        process = self._process
        if process.pid != os.getpid():
            return
        own = list(vars(process.local).values())
        if process.every():
            # What does not stop goes on beside.
            with suppress(TimeoutError):
                apart(lambda: process.close(own), seconds=_PATIENCE)

    def connections(self) -> list[duckdb.DuckDBPyConnection]:
        """Return all connections that are open."""
        return self._process.every()


def _renamed(table: Table) -> str:
    columns = ", ".join(
        f"{column.expression or quoted(column.name)} AS {quoted(column.name)}"
        for column in table.columns.values()
    )
    return f"SELECT {columns} FROM {NATIVE}.{quoted(table.stored_in or table.name)} AS stored"


_live: WeakSet[Attachment] = WeakSet()
_live_lock = threading.Lock()
# While a process forks, its connections: the child drops the other threads' own at once.
_forking: list[duckdb.DuckDBPyConnection] = []


def _before_fork() -> None:
    _live_lock.acquire()
    _forking.extend(one for attachment in list(_live) for one in attachment.connections())
    # DuckDB itself opens one connection, with a thread, when it is imported.
    if "duckdb" in sys.modules:
        import duckdb

        _forking.append(duckdb.default_connection())


def _after_fork() -> None:
    _forking.clear()
    _live_lock.release()


def _after_fork_in_child() -> None:
    """Keep the parent's instances alive for ever in the child.

    Their threads do not exist there, and taking them down would wait for them or abort.
    """
    for connection in _forking:
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(connection))
    _after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_before_fork,
        after_in_parent=_after_fork,
        after_in_child=_after_fork_in_child,
    )
