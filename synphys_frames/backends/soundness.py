"""Whether the pages of an SQLite file are in order: SQLite is asked before rows are read."""

from __future__ import annotations

import os
import re
from contextlib import closing, contextmanager
from sqlite3 import DatabaseError
from threading import RLock, Thread, Timer
from typing import TYPE_CHECKING

from .._apart import apart
from ..errors import ReleaseFileError, shown
from .base import unreadable
from .identifiers import quoted
from .sqlite_catalog import connect

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path
    from sqlite3 import Connection

# A file up to this size is checked whole, in 0.1 s for 80 MB: SQLite looks at every page once.
_WHOLE = 1 << 30
# That indexes have the rows of their tables takes nine times as long.
_WITH_INDEXES = 8 << 20
# Of a larger file, each table that is read, unless it has so many rows that it takes minutes.
_MOST_ROWS = 2_000_000
# SQLite evaluates what columns are generated from, which can be anything. A slow disk gives so many
# bytes in a second.
_SECONDS = 4.0
_BYTES_A_SECOND = 2_000_000
# So that a signal is heard while one waits.
_STEP = 0.2
_MOST_SAID = 10_000
_ABOUT_VALUES = re.compile(r"(\w+ value in |CHECK constraint failed in )")


class Soundness:
    """The check of one file, made once: in the background where it is begun early.

    Without it, DuckDB and SQLite may both pass over a damaged page without a word, read the rows of
    another table, or go round in circles.

    Parameters
    ----------
    path
        The file.
    rows_at_most
        Gives a number that a table has no more rows than.
    """

    def __init__(self, path: Path, rows_at_most: Callable[[str], int]) -> None:
        self._path = path
        self._rows_at_most = rows_at_most
        # What SQLite said of tables, or by None of the whole file.
        self._said: dict[str | None, str | None] = {}
        self._error: Exception | None = None
        self._start_without_thread()

    def _start_without_thread(self) -> None:
        # A forked child has none of the parent's threads.
        self._process = os.getpid()
        self._lock = RLock()
        self._thread: Thread | None = None

    def begin(self) -> None:
        """Begin to check a file that is checked whole, while other work is done."""
        if self._process != os.getpid():
            self._start_without_thread()
        with self._lock:
            if self._thread is not None or None in self._said or not self.is_whole:
                return
            # SQLite does not hold the interpreter's lock, and at exit nobody waits for it.
            self._thread = Thread(
                target=self._check_whole, name="synphys_frames check", daemon=True
            )
            try:
                self._thread.start()
            except RuntimeError:  # the interpreter is shutting down
                self._thread = None
                self._check_whole()

    @property
    def is_whole(self) -> bool:
        """Whether the file is small enough to be checked whole."""
        try:
            return self._path.stat().st_size <= _WHOLE
        except OSError as error:
            raise unreadable(self._path, error) from error

    def _check_whole(self) -> None:
        try:
            self._said[None] = _damage(self._path, None)
        except Exception as error:  # noqa: BLE001 - raised where the answer is waited for
            self._error = error

    def require(self, tables: Iterable[str]) -> None:
        """Raise `ReleaseFileError` where the pages of some tables are damaged.

        Parameters
        ----------
        tables
            The tables, as they are stored.

        Raises
        ------
        ReleaseFileError
            SQLite finds the file, or one of these tables, damaged.
        """
        self.begin()
        while self._thread is not None and self._thread.is_alive():
            self._thread.join(_STEP)
        if self._error is not None:
            raise unreadable(self._path, self._error) from self._error
        self._raise(self._said.get(None))
        if None in self._said:
            return
        for table in tables:
            if table not in self._said and self._rows_at_most(table) <= _MOST_ROWS:
                self._said[table] = _damage(self._path, table)
            self._raise(self._said.get(table))

    def _raise(self, said: str | None) -> None:
        if said is not None:
            raise ReleaseFileError(
                f"{self._path} is damaged; SQLite says: {shown(said)} Fetch it again with "
                "load_version(name)."
            )


def _damage(path: Path, table: str | None) -> str | None:
    """Return what SQLite finds wrong with the pages of a table or of all; None for nothing."""
    # Of pages SQLite speaks first, so that one message is enough.
    checks = ["quick_check(1)" if table is None else f"quick_check({quoted(table)})"]
    size = path.stat().st_size
    if table is None and size <= _WITH_INDEXES:
        checks.append(f"integrity_check({_MOST_SAID})")
    with closing(connect(path)) as connection, _limited(connection, size):
        try:
            return apart(lambda: _first_complaint(connection, checks), connection.interrupt)
        except (DatabaseError, UnicodeError) as error:
            if not path.exists():
                raise
            return str(error)


def _first_complaint(connection: Connection, checks: list[str]) -> str | None:
    connection.execute("PRAGMA ignore_check_constraints = true")
    for check in checks:
        for (said,) in connection.execute(f"PRAGMA main.{check}"):
            if said != "ok" and not _ABOUT_VALUES.match(said):
                return str(said)
    return None


@contextmanager
def _limited(connection: Connection, size: int) -> Iterator[None]:
    """Interrupt what takes longer than to read so many bytes."""
    # Not by a progress handler, which would wait for the interpreter's lock again and again.
    timer = Timer(_SECONDS + size / _BYTES_A_SECOND, connection.interrupt)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
