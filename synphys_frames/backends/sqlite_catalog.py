"""What an SQLite file says of itself, read without DuckDB and without touching the file."""

from __future__ import annotations

import hashlib
import os
import sqlite3
import stat
import time
from contextlib import closing, suppress
from typing import TYPE_CHECKING, Any, TypeVar

from .._apart import apart
from ..errors import ReleaseFileError
from ..releases import SqliteHeader, damage
from .interruption import require_queryable

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


T = TypeVar("T")

_JOURNAL_HEADER = 28
# SQLite itself does not look whether text is what its encoding says.
UTF8_CHECK = "is_utf8"
_BLOCK_BYTES = 4096
_SAMPLED_BLOCKS = 32
# Pages that lead in circles could keep SQLite for ever.
_CATALOGUE_SECONDS = 4.0
_STEPS = 10_000


def require_sqlite_file(path: Path) -> None:
    """Raise `ReleaseFileError` unless the path is a whole SQLite file that can be read in place."""
    try:
        exists, is_folder = path.exists(), path.is_dir()
    except OSError as error:
        raise ReleaseFileError(f"There is no file {path}: {error.strerror or error}.") from error
    if is_folder:
        raise ReleaseFileError(
            f"{path} is a folder, not a release file. Name the .sqlite file in it."
        )
    if not exists:
        raise ReleaseFileError(
            f"There is no file {path}. list_versions() shows the published files, and "
            "load_version(name) downloads one."
        )
    require_no_journal(path)
    try:
        problem = damage(path)
    except OSError as error:
        raise ReleaseFileError(
            f"{path} can't be read: {error.strerror or error}. Make it readable for this user."
        ) from error
    if problem:
        raise ReleaseFileError(
            f"{path} can't be opened: {problem}. If it was downloaded, delete it and fetch it "
            "again with load_version(name)."
        )
    header = SqliteHeader.of(path)
    if header is not None and header.write_ahead_log:
        raise ReleaseFileError(
            f"{path} is in write-ahead-log mode, which can't be read without writing files beside "
            'it. Convert a copy of it: sqlite3 copy.sqlite "PRAGMA journal_mode=DELETE".'
        )


def require_no_journal(path: Path) -> None:
    """Raise `ReleaseFileError` where a file beside it holds what another program left unfinished.

    SQLite and DuckDB would then read different rows, and DuckDB would write beside the file.
    """
    # SQLite looks beside the file that a link leads to.
    for place in {path, path.resolve()}:
        _require_no_rest(place, "-journal", "a change that was not finished")
        _require_no_rest(place, "-wal", "rows of it")


def _require_no_rest(path: Path, ending: str, what: str) -> None:
    journal = path.with_name(path.name + ending)
    try:
        if not stat.S_ISREG(journal.stat().st_mode):
            raise ReleaseFileError(
                f"{journal} is not a regular file, where SQLite keeps {what}. Move it away."
            )
        with journal.open("rb") as file:
            # A program that has finished may leave an empty one, or a journal that begins with 0:
            # beside such a log, DuckDB would write.
            start = file.read(_JOURNAL_HEADER)
            is_left = any(start) if ending == "-journal" else bool(start)
    except FileNotFoundError:
        return
    except OSError as error:
        raise ReleaseFileError(
            f"{journal} can't be read: {error.strerror or error}. It may hold {what}; move it "
            "away if no program is writing there."
        ) from error
    if is_left:
        raise ReleaseFileError(
            f"{journal} holds {what}, left by a program that wrote into {path.name}. A release "
            "is only ever read: fetch it again with load_version(name), or let the program "
            "finish; where it ended long ago, sqlite3 puts the file right: "
            f"sqlite3 {path.name} .tables"
        )


def _is_utf8(content: bytes | None) -> bool:
    try:
        (content or b"").decode()
    except UnicodeDecodeError:
        return False
    return True


def content_sample(path: Path) -> str:
    """Return the digest of a file's first bytes and of blocks spread over it: 128 kB at the most.

    Raises
    ------
    ReleaseFileError
        The file can't be read.
    """
    found = hashlib.sha256()
    try:
        with path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            # Pages are powers of two: each block is in one.
            step = max(size // _SAMPLED_BLOCKS // _BLOCK_BYTES, 1) * _BLOCK_BYTES
            for place in range(0, size, step):
                file.seek(place)
                found.update(file.read(_BLOCK_BYTES))
    except OSError as error:
        raise ReleaseFileError(
            f"{path} can't be read: {error.strerror or error}. Put it back, or load the version "
            "again."
        ) from error
    return found.hexdigest()


def connect(path: Path) -> sqlite3.Connection:
    """Return a connection to a file, opened so that nothing can be written."""
    # immutable: no lock, no journal, no file beside it, whatever the folder's permissions.
    uri = f"{path.absolute().as_uri()}?mode=ro&immutable=1"
    connection = sqlite3.connect(uri, uri=True, check_same_thread=False)
    connection.create_function(UTF8_CHECK, 1, _is_utf8, deterministic=True)
    return connection


def read(path: Path, work: Callable[[sqlite3.Connection], T]) -> T:
    """Return what some work gives that is done on a file, by SQLite.

    Raises
    ------
    ReleaseFileError
        SQLite can't read the file.
    ForkedError
        The process was forked while other threads were querying.
    """
    opened: list[sqlite3.Connection] = []

    def work_on_it() -> T:
        with closing(connect(path)) as connection:
            opened.append(connection)
            return work(connection)

    def stop() -> None:
        with suppress(sqlite3.ProgrammingError):  # it is closed
            for connection in opened:
                connection.interrupt()

    require_queryable()
    try:
        return apart(work_on_it, stop)
    except (sqlite3.Error, UnicodeError, OverflowError, MemoryError) as error:
        # What SQLite says may repeat bytes of the file that are no text.
        if not path.exists():
            raise ReleaseFileError(
                f"{path} is gone. Put it back, or load the version again."
            ) from error
        raise ReleaseFileError(
            f"{path} can't be read: {error}. It is damaged; fetch it again with load_version(name)."
        ) from error


def read_rows(path: Path, sql: str, parameters: tuple[object, ...] = ()) -> list[tuple[Any, ...]]:
    """Return all rows of a small query on the file; raise as `read` does."""
    return read(path, lambda connection: connection.execute(sql, parameters).fetchall())


def _read_catalogue(path: Path, sql: str) -> list[tuple[Any, ...]]:
    """Return all rows of a query on the catalogue alone, which is read in no time."""
    end = time.monotonic() + _CATALOGUE_SECONDS

    def rows(connection: sqlite3.Connection) -> list[tuple[Any, ...]]:
        connection.set_progress_handler(lambda: time.monotonic() > end, _STEPS)
        return connection.execute(sql).fetchall()

    return read(path, rows)


def declared_columns(path: Path) -> dict[str, dict[str, str]]:
    """Return the declared type of every column of every table: {table: {column: type}}."""
    rows = _read_catalogue(
        path,
        "SELECT t.name, c.name, c.type FROM sqlite_master AS t "
        "JOIN pragma_table_info(t.name) AS c "
        # Virtual tables have no rows of their own.
        "WHERE t.type = 'table' AND t.rootpage > 0 "
        "AND t.name NOT LIKE 'sqlite\\_%' ESCAPE '\\' "
        "ORDER BY t.rowid, c.cid",
    )
    tables: dict[str, dict[str, str]] = {}
    for table, column, declared in rows:
        tables.setdefault(table, {})[column] = declared
    return tables


def keyed_tables(path: Path) -> frozenset[str]:
    """Return the tables of which every row has an `id` of its own."""
    # In SQLite a primary key other than INTEGER may be NULL.
    rows = _read_catalogue(
        path,
        "SELECT t.name FROM sqlite_master AS t JOIN pragma_table_info(t.name) AS c "
        "WHERE t.type = 'table' AND t.rootpage > 0 AND c.pk > 0 GROUP BY t.name "
        "HAVING count(*) = 1 AND max(c.name) = 'id' "
        "AND max(upper(c.type) = 'INTEGER' OR c.\"notnull\")",
    )
    return frozenset(name for (name,) in rows)


def declared_references(path: Path) -> dict[tuple[str, str], tuple[str, str]]:
    """Return the declared foreign keys: {(table, column): (table, column)}."""
    rows = _read_catalogue(
        path,
        'SELECT t.name, f."from", f."table", coalesce(f."to", \'id\') FROM sqlite_master AS t '
        "JOIN pragma_foreign_key_list(t.name) AS f "
        "WHERE t.type = 'table' AND t.rootpage > 0",
    )
    return {(table, column): (other, key) for table, column, other, key in rows}
