"""What an SQLite file says of itself, read without DuckDB and without touching the file."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .errors import ReleaseFileError

if TYPE_CHECKING:
    from pathlib import Path

MAGIC = b"SQLite format 3\x00"
_HEADER_LENGTH = 100
_WRITE_AHEAD_LOG = 2


@dataclass(frozen=True, slots=True)
class SqliteHeader:
    """The part of an SQLite header that tells whether the file is whole.

    The layout is in "Database File Format" of the SQLite documentation, section 1.3.
    """

    page_size: int
    page_count: int | None
    write_ahead_log: bool

    @classmethod
    def parse(cls, header: bytes) -> SqliteHeader | None:
        """Return the header, or None where the bytes are not those of an SQLite file."""
        if len(header) < _HEADER_LENGTH or not header.startswith(MAGIC):
            return None
        page_size = int.from_bytes(header[16:18], "big")
        # Very old writers do not keep the page count; it counts only where both counters agree.
        count_is_kept = header[24:28] == header[92:96]
        count = int.from_bytes(header[28:32], "big")
        return cls(
            page_size=65536 if page_size == 1 else page_size,
            page_count=count if count_is_kept and count else None,
            write_ahead_log=_WRITE_AHEAD_LOG in (header[18], header[19]),
        )

    @property
    def expected_bytes(self) -> int | None:
        """Length that the file should have, or None where the header does not tell."""
        return None if self.page_count is None else self.page_size * self.page_count


@dataclass(frozen=True, slots=True)
class FileState:
    """What tells without reading a file that it is still the same.

    Its size and the times, in nanoseconds, at which its content and anything of it last changed;
    the number by which the file system knows it.
    """

    size: int
    modified: int
    changed: int
    inode: int

    @classmethod
    def of(cls, path: Path) -> FileState:
        """Return the state of a file."""
        status = path.stat()
        return cls(status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino)

    def has_same_content(self, other: FileState) -> bool:
        """Return whether both are of one content, as far as can be told without reading it.

        The number counts for nothing here: some network file systems give another one at any time.
        """
        return (self.size, self.modified) == (other.size, other.modified)


def damage(path: Path) -> str | None:
    """Return what is wrong with a file as an SQLite file, or None where nothing is.

    Only the header and the length are looked at: enough to tell a text page, a truncated download
    or a file with too much appended from a whole file.
    """
    with path.open("rb") as file:
        start = file.read(_HEADER_LENGTH)
    if not start:
        return "it is empty (0 bytes)"
    header = SqliteHeader.parse(start)
    if header is None:
        return f"it is not an SQLite file (it begins with {start[:16]!r})"
    size = path.stat().st_size
    expected = header.expected_bytes
    if expected is not None and size < expected:
        return f"it is truncated: its header says {expected:,} bytes, it has {size:,}"
    if expected is not None and size > expected:
        return f"it is too long: its header says {expected:,} bytes, it has {size:,}"
    return None


def require_sqlite_file(path: Path) -> None:
    """Raise `ReleaseFileError` unless the path is a whole SQLite file that can be read in place."""
    try:
        there, folder = path.exists(), path.is_dir()
    except OSError as error:
        raise ReleaseFileError(f"There is no file {path}: {error.strerror or error}.") from error
    if folder:
        raise ReleaseFileError(
            f"{path} is a folder, not a release file. Name the .sqlite file in it."
        )
    if not there:
        raise ReleaseFileError(
            f"There is no file {path}. list_versions() shows the published files, and "
            "load_version(name) downloads one."
        )
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
    with path.open("rb") as file:
        header = SqliteHeader.parse(file.read(_HEADER_LENGTH))
    if header is not None and header.write_ahead_log:
        raise ReleaseFileError(
            f"{path} is in write-ahead-log mode, which can't be read without writing files beside "
            'it. Convert a copy of it: sqlite3 copy.sqlite "PRAGMA journal_mode=DELETE".'
        )


def query(path: Path, sql: str, parameters: tuple[object, ...] = ()) -> list[tuple[Any, ...]]:
    """Return all rows of a small query on the file, opened so that nothing can be written.

    Raises
    ------
    ReleaseFileError
        SQLite can't read the file.
    """
    # immutable: no lock, no journal, no file beside it, whatever the folder's permissions.
    uri = f"{path.absolute().as_uri()}?mode=ro&immutable=1"
    try:
        with closing(sqlite3.connect(uri, uri=True)) as connection:
            return connection.execute(sql, parameters).fetchall()
    except sqlite3.DatabaseError as error:
        if not path.exists():
            raise ReleaseFileError(
                f"{path} is gone. Put it back, or load the version again."
            ) from error
        raise ReleaseFileError(
            f"{path} can't be read: {error}. It is damaged; fetch it again with load_version(name)."
        ) from error


def quoted(name: str) -> str:
    """Return an identifier in the quotes that SQLite and DuckDB share."""
    escaped = name.replace('"', '""')
    return f'"{escaped}"'


def declared_columns(path: Path) -> dict[str, dict[str, str]]:
    """Return the declared type of every column of every table: {table: {column: type}}."""
    rows = query(
        path,
        "SELECT t.name, c.name, c.type FROM sqlite_master AS t "
        "JOIN pragma_table_info(t.name) AS c "
        "WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite\\_%' ESCAPE '\\' "
        "ORDER BY t.rowid, c.cid",
    )
    tables: dict[str, dict[str, str]] = {}
    for table, column, declared in rows:
        tables.setdefault(table, {})[column] = declared
    return tables


def keyed_tables(path: Path) -> frozenset[str]:
    """Return the tables of which every row has an `id` of its own."""
    # In SQLite a primary key other than INTEGER may be NULL.
    rows = query(
        path,
        "SELECT t.name FROM sqlite_master AS t JOIN pragma_table_info(t.name) AS c "
        "WHERE t.type = 'table' AND c.pk > 0 GROUP BY t.name HAVING count(*) = 1 "
        "AND max(c.name) = 'id' AND max(upper(c.type) = 'INTEGER' OR c.\"notnull\")",
    )
    return frozenset(name for (name,) in rows)


def declared_references(path: Path) -> dict[tuple[str, str], tuple[str, str]]:
    """Return the declared foreign keys: {(table, column): (table, column)}."""
    rows = query(
        path,
        'SELECT t.name, f."from", f."table", coalesce(f."to", \'id\') FROM sqlite_master AS t '
        "JOIN pragma_foreign_key_list(t.name) AS f WHERE t.type = 'table'",
    )
    return {(table, column): (other, key) for table, column, other, key in rows}
