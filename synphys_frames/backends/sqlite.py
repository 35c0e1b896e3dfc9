"""One release file on disk: which schema version it is, which tables and rows it has."""

from __future__ import annotations

import json
import os
import warnings
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .._files import FileState
from ..errors import ArgumentError, MissingRowsError, ReleaseFileError
from ..releases import larger_names
from ..schema import (
    NEWEST,
    VERSIONS,
    Column,
    Schema,
    Table,
    in_newest_names,
    published_names,
    published_schema,
    undeclared_column,
)
from .availability import told_of_others
from .identifiers import quoted
from .sqlite_catalog import (
    declared_columns,
    declared_references,
    keyed_tables,
    read_rows,
    require_sqlite_file,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ..releases import Size


# What small files leave out. synapse_prediction is empty there, too, but stands beside pairs.
RECORDING_TABLES = frozenset(
    {"sync_rec", "recording", "patch_clamp_recording", "multi_patch_probe", "test_pulse"}
    | {"stim_pulse", "stim_spike", "baseline", "pulse_response", "pulse_response_fit"}
    | {"pulse_response_strength", "baseline_response_strength"}
)
_TRACED = ("pulse_response", "stim_pulse", "baseline")
_LOOKED_AT = 200
_SURELY_FEW = 1_000_000
_REQUIRED_TABLES = ("metadata", "slice", "experiment", "cell", "pair")


def misfit_condition(column: Column) -> str:
    """Return the SQLite condition for a stored value that is not of its column's kind."""
    return column.facts.misfit.format(quoted(column.name))


def _is_newer(version: str) -> bool:
    return version.isascii() and version.isdecimal() and int(version) > int(NEWEST)


def unreadable(path: Path, reason: object) -> ReleaseFileError:
    """Return the error for a file that was there when it was opened and can't be read now."""
    if not path.exists():
        return ReleaseFileError(f"{path} is gone. Put it back, or load the version again.")
    said = str(reason).strip().splitlines()[0]
    return ReleaseFileError(
        f"{path} can't be read: {said}. If it is damaged, fetch it again with load_version(name)."
    )


class ReleaseFile:
    """A published SQLite file, read with SQLite itself for all that needs no fast scan.

    Parameters
    ----------
    path
        The file. It is never written, and nothing is written beside it.

    Raises
    ------
    ReleaseFileError
        No such file, not a whole SQLite file, or not a Synaptic Physiology release.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        if not isinstance(path, str | os.PathLike) or isinstance(os.fspath(path), bytes):
            raise ArgumentError(f"A release file is named by a path; got {path!r}.")
        try:
            self.path = Path(path).expanduser().absolute()
        except RuntimeError as error:
            raise ReleaseFileError(f"There is no file {path}: {error}.") from error
        require_sqlite_file(self.path)
        self.state = FileState.of(self.path)
        self._declared = declared_columns(self.path)
        self._references = declared_references(self.path)
        missing = [name for name in _REQUIRED_TABLES if name not in self._declared]
        if missing:
            found = ", ".join(list(self._declared)[:8]) or "none"
            raise ReleaseFileError(
                f"{self.path} is an SQLite file, but not a Synaptic Physiology release: it has no "
                f"table {', '.join(missing)} (tables found: {found}). list_versions() shows the "
                "published files."
            )
        self.metadata = self._read_metadata()
        self.schema_version = str(self.metadata["db_version"])
        self.native_schema = self._read_schema()
        self.schema = told_of_others(in_newest_names(self.native_schema), self.path.name)

    def _read_metadata(self) -> dict[str, Any]:
        rows = read_rows(self.path, "SELECT meta FROM metadata ORDER BY id LIMIT 1")
        try:
            content = json.loads(rows[0][0])
            content["db_version"]
        except (IndexError, KeyError, TypeError, ValueError):
            raise ReleaseFileError(
                f"{self.path} does not say which schema version it is: its metadata table should "
                'have one row, {"db_version": "22", ...}. Fetch the file again with '
                "load_version(name)."
            ) from None
        return dict(content)

    def _read_schema(self) -> Schema:
        if self.schema_version in VERSIONS:
            published = published_schema(self.schema_version)
            self._require_fitting_tables(published)
        elif _is_newer(self.schema_version):
            warnings.warn(
                f"{self.path.name} has schema version {self.schema_version}, which is newer than "
                f"the newest that is known here ({NEWEST}). What is known works; other tables and "
                "columns come as they are. A newer synphys_frames may know it.",
                stacklevel=5,
            )
            published = published_schema(NEWEST)
        else:
            raise ReleaseFileError(
                f"{self.path} says it has schema version {self.schema_version!r}; known are "
                f"{', '.join(VERSIONS)}."
            )
        names = [table.name for table in published if table.name in self._declared]
        names += [name for name in self._declared if name not in published]
        return Schema(
            self.schema_version, {name: self._read_table(name, published) for name in names}
        )

    def _read_table(self, name: str, published: Schema) -> Table:
        declared = self._declared[name]
        if name not in published:
            columns = {
                column: self._undeclared(name, column, sqlite_type)
                for column, sqlite_type in declared.items()
            }
            return Table(name, columns)
        table = published.table(name)
        columns = {key: column for key, column in table.columns.items() if key in declared}
        columns |= {
            column: self._undeclared(name, column, sqlite_type)
            for column, sqlite_type in declared.items()
            if column not in table.columns
        }
        return Table(name, columns, table.description)

    def _undeclared(self, table: str, column: str, sqlite_type: str) -> Column:
        described = undeclared_column(table, column, sqlite_type)
        return replace(described, references=self._references.get((table, column)))

    def _require_fitting_tables(self, published: Schema) -> None:
        if self._declared.keys() == published.tables.keys() and all(
            columns.keys() == published.tables[name].columns.keys()
            for name, columns in self._declared.items()
        ):
            return
        misfits = []
        known = published_names()
        for table in published:
            declared = self._declared.get(table.name, {})
            missing = [name for name in table.columns if name not in declared]
            foreign = [
                name for name in declared if name not in table.columns and name in known[table.name]
            ]
            if foreign:
                misfits.append(f"{table.name} has {', '.join(foreign)} of another schema version")
            if not declared:
                misfits.append(f"table {table.name} is missing")
            elif missing:
                misfits.append(f"{table.name} lacks {', '.join(missing)}")
        misfits += [
            f"table {name} is of another schema version"
            for name in self._declared
            if name in known and name not in published
        ]
        if misfits:
            more = f" (and {len(misfits) - 8} more)" if len(misfits) > 8 else ""
            raise ReleaseFileError(
                f"{self.path} says that it has schema version {self.schema_version}, but does not "
                f"fit it: {'; '.join(misfits[:8])}{more}. The file is not as it was published; "
                "fetch it again with load_version(name)."
            )

    @cached_property
    def renamed_tables(self) -> list[str]:
        """The file's own tables of which some column has another name or place here."""
        return [
            table.name
            for table in self.native_schema
            if table.name not in self.schema
            or list(self.schema.tables[table.name].columns) != list(table.columns)
        ]

    def require_unchanged(self) -> None:
        """Raise `ReleaseFileError` where the file is another one than when it was opened."""
        try:
            state = FileState.of(self.path)
        except OSError as error:
            raise unreadable(self.path, error) from error
        if not state.has_same_content(self.state):
            raise ReleaseFileError(
                f"{self.path} was changed or replaced since it was opened. Open it again with "
                f"load_sqlite({str(self.path)!r})."
            )

    def is_keyed(self, table: Table) -> bool:
        """Return whether every row of a table has an `id` of its own."""
        return (table.stored_in or table.name) in self._keyed_tables

    @cached_property
    def _keyed_tables(self) -> frozenset[str]:
        return keyed_tables(self.path)

    @cached_property
    def size(self) -> Size:
        """The size that the file's rows show: small, medium or full."""
        if not any(map(self.rows_at_most, RECORDING_TABLES)):
            return "small"
        return "full" if any(map(self._has_traces, _TRACED)) else "medium"

    def _has_traces(self, table: str) -> bool:
        # Traces are there for all rows or for none; those at both ends tell. Empty is no trace.
        ends = " UNION ALL ".join(
            f"SELECT * FROM (SELECT length(data) > 0 FROM {quoted(table)} ORDER BY id {way} "
            f"LIMIT {_LOOKED_AT})"
            for way in ("ASC", "DESC")
        )
        return any(row[0] for row in read_rows(self.path, ends))

    def require_rows(self, tables: Iterable[str]) -> None:
        """Raise `MissingRowsError` where a table is empty for the file's size.

        Parameters
        ----------
        tables
            The tables whose rows a query needs.
        """
        for name in tables:
            if name in RECORDING_TABLES and self.size == "small" and not self.rows_at_most(name):
                raise MissingRowsError(
                    f"{self.path.name} is a small file: its table {name} has no rows. The medium "
                    f"and full files have them: {larger_names(self.path.name)}."
                )

    @cached_property
    def row_counts(self) -> dict[str, int]:
        """Number of rows of each table of the file."""
        counts = " UNION ALL ".join(
            f"SELECT {number}, count(*) FROM {quoted(table.name)}"
            for number, table in enumerate(self.native_schema)
        )
        names = list(self.native_schema.tables)
        return {names[number]: count for number, count in read_rows(self.path, counts)}

    @cached_property
    def _row_spans(self) -> dict[str, int]:
        tables = list(self.native_schema.tables)
        spans = " UNION ALL ".join(
            f"SELECT {number}, coalesce((SELECT max(rowid) FROM {quoted(name)}) - "
            f"(SELECT min(rowid) FROM {quoted(name)}) + 1, 0)"
            for number, name in enumerate(tables)
        )
        try:
            found = read_rows(self.path, spans)
        except ReleaseFileError:
            return self.row_counts  # there is a table without row numbers
        return {tables[number]: span for number, span in found}

    def rows_at_most(self, table: str) -> int:
        """Return a number that a table of the file has no more rows than; 0 where it is empty.

        Counting takes a pass over the table, while its first and last row are found at once.
        """
        span = self._row_spans.get(table, 0)
        return self.row_counts[table] if span > _SURELY_FEW else span

    def first_misfit(self, columns: list[Column]) -> tuple[Column, Any, Any] | None:
        """Return the first stored value that is not of its column's kind, with its row id."""
        for column in columns:
            name = quoted(column.name)
            rows = read_rows(
                self.path,
                f"SELECT id, {name} FROM {quoted(column.table)} "
                f"WHERE {misfit_condition(column)} LIMIT 1",
            )
            if rows:
                return column, rows[0][0], rows[0][1]
        return self._first_undecodable(
            [column for column in columns if column.facts.storage == "texts"]
        )

    def _first_undecodable(self, columns: list[Column]) -> tuple[Column, Any, Any] | None:
        for column in columns:
            name = quoted(column.name)
            rows = read_rows(
                self.path, f"SELECT id, CAST({name} AS BLOB) FROM {quoted(column.table)}"
            )
            for row, value in rows:
                try:
                    (value or b"").decode()
                except UnicodeDecodeError:
                    return column, row, value
        return None

    def misfit_columns(self, table: Table) -> list[str]:
        """Return the columns of a table that hold a value which is not of their kind."""
        checks = [f"max({misfit_condition(column)})" for column in table.columns.values()]
        [row] = read_rows(self.path, f"SELECT {', '.join(checks)} FROM {quoted(table.name)}")
        return [name for name, found in zip(table.columns, row, strict=True) if found]
