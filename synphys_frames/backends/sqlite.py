"""A release as it is published: one SQLite file."""

from __future__ import annotations

import json
import sqlite3
from typing import TYPE_CHECKING, Any

from .._cached_property import cached_property
from .._files import FileState
from ..errors import ReleaseFileError, warn
from .base import CATALOGUE, Facts, Misfit, Storage, absolute_path, digest
from .declared_types import is_scanned_as
from .duckdb_engine import load_sqlite_extension
from .identifiers import quoted
from .soundness import Soundness
from .sqlite_catalog import (
    UTF8_CHECK,
    content_sample,
    declared_columns,
    declared_references,
    keyed_tables,
    read,
    read_rows,
    require_no_journal,
    require_sqlite_file,
)

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    import duckdb

    from ..schema import Column, Table
    from .base import Errors

_LOOKED_AT = 200
_SURELY_FEW = 1_000_000
_MOST_METADATA = 1_000_000
_MOST_LEVELS = 50


class SqliteFacts(Facts):
    """What an SQLite file says of itself, read with SQLite: for all that needs no fast scan."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.soundness = Soundness(path, lambda table: self._row_spans.get(table) or 0)

    @cached_property
    def columns(self) -> dict[str, dict[str, str]]:
        """The declared type of every column of every table."""
        return declared_columns(self._path)

    @cached_property
    def references(self) -> dict[tuple[str, str], tuple[str, str]]:
        """The declared foreign keys."""
        return declared_references(self._path)

    @cached_property
    def metadata(self) -> Mapping[str, Any]:
        """What the one row of the table `metadata` says."""
        rows = read_rows(self._path, "SELECT meta FROM metadata ORDER BY id LIMIT 1")
        try:
            content = json.loads(rows[0][0][:_MOST_METADATA])
            content["db_version"]
            _require_flat(content)
        except (IndexError, KeyError, TypeError, ValueError, RecursionError):
            raise ReleaseFileError(
                f"{self._path} does not say which schema version it is: its metadata table should "
                'have one row, {"db_version": "22", ...}, of at most '
                f"{_MOST_METADATA:,} characters and {_MOST_LEVELS} levels. Fetch the file again "
                "with load_version(name)."
            ) from None
        return dict(content)

    @cached_property
    def keyed_tables(self) -> frozenset[str]:
        """The tables of which every row has an `id` of its own."""
        return keyed_tables(self._path)

    @cached_property
    def row_counts(self) -> dict[str, int]:
        """Number of rows of each table."""
        self.soundness.require(self.columns)
        # In an index there may be fewer; of a large file it is counted faster.
        hint = " NOT INDEXED" if self.soundness.is_whole else ""
        return read(
            self._path,
            lambda connection: {
                name: connection.execute(f"SELECT count(*) FROM {quoted(name)}{hint}").fetchone()[0]
                for name in self.columns
            },
        )

    @cached_property
    def _row_spans(self) -> dict[str, int | None]:
        """How far apart the first and last row numbers are; None for tables without them."""
        return read(
            self._path,
            lambda connection: {name: _row_span(connection, name) for name in self.columns},
        )

    @cached_property
    def content(self) -> str:
        """A short text that tells this content from another, in the file or a copy of it.

        Beside what all storages look at, of the file's header and of pages spread over it, so that
        other rows in the same number count, too.
        """
        return digest([*self._described(), content_sample(self._path)])

    def _described(self) -> list[object]:
        return [dict(self.metadata), self.columns, self._row_spans]

    def rows_at_most(self, table: str) -> int:
        """Return the distance of the first and last row numbers, or a count where that is long."""
        span = self._row_spans.get(table, 0)
        return self.row_counts[table] if span is None or span > _SURELY_FEW else span

    def has_traces(self, table: str) -> bool:
        """Return whether the rows at either end hold traces; an empty blob is none."""
        # They are there for all rows or for none.
        ends = " UNION ALL ".join(
            f"SELECT * FROM (SELECT length(data) > 0 FROM {quoted(table)} ORDER BY id {way} "
            f"LIMIT {_LOOKED_AT})"
            for way in ("ASC", "DESC")
        )
        return any(row[0] for row in read_rows(self._path, ends))


def _row_span(connection: sqlite3.Connection, table: str) -> int | None:
    name = quoted(table)
    try:
        first, last = connection.execute(
            f"SELECT (SELECT min(rowid) FROM {name}), (SELECT max(rowid) FROM {name})"
        ).fetchone()
    except sqlite3.OperationalError:
        return None
    if first is None:
        return 0
    return last - first + 1 if isinstance(first, int) and isinstance(last, int) else None


def _require_flat(content: object, levels: int = _MOST_LEVELS) -> None:
    """Raise ValueError where JSON has more levels than can be copied and written."""
    if levels == 0:
        raise ValueError
    if isinstance(content, dict | list):
        for part in content.values() if isinstance(content, dict) else content:
            _require_flat(part, levels - 1)


class SqliteStorage(Storage):
    """A release in an SQLite file on a local disk.

    Parameters
    ----------
    path
        The file. It is never written, and nothing is written beside it.

    Raises
    ------
    ReleaseFileError
        No such file, or not a whole SQLite file.
    """

    names = "native"
    loader = "load_sqlite"
    how_to_mend = "The file is not as it was published; fetch it again with load_version(name)."

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.location = absolute_path(path)
        require_sqlite_file(self.location)
        self._facts = SqliteFacts(self.location)
        self._misread: dict[tuple[str, str], bool] = {}

    def __reduce__(self) -> tuple[type[SqliteStorage], tuple[Path]]:
        return SqliteStorage, (self.location,)

    def fingerprint(self) -> dict[str, FileState]:
        """Return the state of the file."""
        return {self.location.name: FileState.of(self.location)}

    def facts(self) -> SqliteFacts:
        """Return what the file says of itself."""
        return self._facts

    @property
    def copied_file(self) -> Path | None:
        """The file itself."""
        return self.location

    def attach(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Attach the file, read-only."""
        require_no_journal(self.location)
        load_sqlite_extension(connection)
        location = str(self.location).replace("'", "''")
        connection.execute(f"ATTACH '{location}' AS {CATALOGUE} (TYPE sqlite, READ_ONLY)")

    def begin_check(self) -> None:
        """Begin to ask SQLite whether the file is whole."""
        self._facts.soundness.begin()

    def require_sound(self, tables: Iterable[str]) -> None:
        """Raise `ReleaseFileError` where SQLite finds the file, or one of the tables, damaged."""
        # DuckDB opens the file again for each query.
        require_no_journal(self.location)
        self._facts.soundness.require(tables)

    def require_all_rows(self, table: str, rows: int) -> None:
        """Raise where SQLite counts another number of rows; in large files that takes too long."""
        if self._facts.soundness.is_whole and rows != (expected := self._facts.row_counts[table]):
            raise ReleaseFileError(
                f"{self.location}: {rows:,} rows of the table {table} were read, where SQLite "
                f"counts {expected:,}. {self.how_to_mend}"
            )

    def select(self, table: Table, errors: Errors) -> str:
        """Return a query that casts each column to its kind's type."""
        if errors == "coerce" and (misfits := self._misfit_columns(table)):
            warn(
                f"{self.location.name}: values of {table.name}.{', '.join(misfits)} that are "
                'not of the column\'s type count as missing (errors="coerce").',
                UserWarning,
            )
            return _by_value(table)
        if any(self._is_misdeclared(column) for column in table.columns.values()):
            return _by_value(table)
        columns = ", ".join(
            f"{column.facts.value.format(quoted(column.name), column.facts.duckdb)} "
            f"AS {quoted(column.name)}"
            for column in table.columns.values()
        )
        return f"SELECT {columns} FROM {CATALOGUE}.{quoted(table.name)}"

    def first_misfit(self, columns: Iterable[Column]) -> Misfit | None:
        """Return the first stored value that is not of its column's kind, if there is one."""
        looked_at = list(columns)
        for column in looked_at:
            misfits = self._misfits(column, misfit_condition(column))
            if misfits:
                return Misfit(column, *misfits[0])
        for column in looked_at:
            if column.facts.storage == "texts":
                misfits = self._misfits(column, undecodable_condition(column))
                if misfits:
                    return Misfit(column, *misfits[0])
        return None

    def _misfits(self, column: Column, condition: str) -> list[tuple[Any, Any]]:
        # Text as its bytes, which need not be text.
        self.require_sound([column.table])
        name = quoted(column.name)
        rows = read_rows(
            self.location,
            f"SELECT id, typeof({name}), CASE typeof({name}) WHEN 'text' THEN CAST({name} AS BLOB) "
            f"ELSE {name} END FROM {quoted(column.table)} NOT INDEXED WHERE {condition} LIMIT 1",
        )
        return [(row, _decoded(value) if kind == "text" else value) for row, kind, value in rows]

    def may_misread(self, column: Column) -> bool:
        """Return whether DuckDB takes values of other types for those of a column."""
        is_misread = column.facts.is_misread or (
            # In a large file that takes minutes, and what is read of it is looked at, too.
            column.kind == "array" and self._facts.soundness.is_whole
        )
        return is_misread or self._is_misdeclared(column)

    def _is_misdeclared(self, column: Column) -> bool:
        declared = self._facts.columns[column.table][column.name]
        return not is_scanned_as(column.kind, declared)

    def misread_columns(self, columns: Iterable[Column]) -> list[Column]:
        """Return the columns that DuckDB would misread: SQLite is asked, once a column."""
        unknown: dict[str, list[Column]] = {}
        for column in columns:
            if (column.table, column.name) not in self._misread and self.may_misread(column):
                unknown.setdefault(column.table, []).append(column)
        for table, of_table in unknown.items():
            self.require_sound([table])
            checks = [
                _any_wrong(column)
                if self._is_misdeclared(column)
                else f"max({misfit_condition(column)})"
                for column in of_table
            ]
            asked = f"SELECT {', '.join(checks)} FROM {quoted(table)} NOT INDEXED"
            [row] = read_rows(self.location, asked)
            for column, is_misread in zip(of_table, row, strict=True):
                self._misread[table, column.name] = bool(is_misread)
        return [
            column for column in columns if self._misread.get((column.table, column.name), False)
        ]

    def _misfit_columns(self, table: Table) -> list[str]:
        """Return the columns of a table that hold a value which is not of their kind."""
        self.require_sound([table.name])
        checks = list(map(_any_wrong, table.columns.values()))
        asked = f"SELECT {', '.join(checks)} FROM {quoted(table.name)} NOT INDEXED"
        [row] = read_rows(self.location, asked)
        return [name for name, misfits in zip(table.columns, row, strict=True) if misfits]


def _decoded(text: bytes) -> str | bytes:
    try:
        return text.decode()
    except UnicodeDecodeError:
        return text


def undecodable_condition(column: Column) -> str:
    """Return the SQLite condition for text that is not UTF-8."""
    return f"NOT {UTF8_CHECK}(CAST({quoted(column.name)} AS BLOB))"


def misfit_condition(column: Column) -> str:
    """Return the SQLite condition for a stored value that is not of its column's kind."""
    return column.facts.misfit.format(quoted(column.name))


def _any_wrong(column: Column) -> str:
    """Return what SQLite selects for whether any value of a column can't be read."""
    is_text = column.facts.storage == "texts"
    undecodable = f" OR {undecodable_condition(column)}" if is_text else ""
    return f"max(({misfit_condition(column)}){undecodable})"


def _by_value(table: Table) -> str:
    # Whatever the columns are declared to be: SQLite hands over what fits as text, and DuckDB casts
    # it back.
    def as_text(column: Column) -> str:
        name = quoted(column.name)
        fits = f"{name} IS NOT NULL AND NOT ({misfit_condition(column)})"
        return f"CASE WHEN {fits} THEN {column.facts.as_text.format(name)} END AS {name}"

    def cast_back(column: Column) -> str:
        facts, name = column.facts, quoted(column.name)
        again = facts.from_text.format(name, facts.duckdb)
        return f"{facts.value.format(again, facts.duckdb)} AS {name}"

    columns = list(table.columns.values())
    inner = f"SELECT {', '.join(map(as_text, columns))} FROM {quoted(table.name)}"
    escaped = inner.replace("'", "''")
    return (
        f"SELECT {', '.join(map(cast_back, columns))} FROM sqlite_query('{CATALOGUE}', '{escaped}')"
    )
