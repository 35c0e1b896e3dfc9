"""One release file on disk: which schema version it is, which tables and rows it has."""

from __future__ import annotations

import json
import warnings
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import sqlite_file
from .errors import ReleaseFileError
from .schema import (
    NEWEST,
    VERSIONS,
    Column,
    Kind,
    Schema,
    Table,
    published_schema,
    undeclared_column,
)
from .sqlite_file import quoted

if TYPE_CHECKING:
    import os

_REQUIRED_TABLES = ("metadata", "slice", "experiment", "cell", "pair")

# SQL conditions that hold for a stored value that is not of the column's kind.
_MISFITS: dict[Kind, str] = {
    "int": "typeof({0}) NOT IN ('integer', 'null')",
    "bool": "typeof({0}) NOT IN ('integer', 'null')",
    "float": "typeof({0}) NOT IN ('real', 'integer', 'null')",
    "str": "typeof({0}) NOT IN ('text', 'null')",
    "json": "typeof({0}) NOT IN ('text', 'null')",
    "array": "typeof({0}) NOT IN ('blob', 'null')",
    "datetime": "{0} IS NOT NULL AND (typeof({0}) != 'text' OR julianday({0}) IS NULL)",
}


def misfit_condition(column: Column) -> str:
    """Return the SQLite condition for a stored value that is not of its column's kind."""
    return _MISFITS[column.kind].format(quoted(column.name))


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
        self.path = Path(path).expanduser().absolute()
        sqlite_file.require_sqlite_file(self.path)
        self._declared = sqlite_file.declared_columns(self.path)
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
        self.schema = self._read_schema()

    def _read_metadata(self) -> dict[str, Any]:
        rows = sqlite_file.query(self.path, "SELECT meta FROM metadata ORDER BY id LIMIT 1")
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
        elif self.schema_version.isdigit() and int(self.schema_version) > int(NEWEST):
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
                column: undeclared_column(name, column, sqlite_type)
                for column, sqlite_type in declared.items()
            }
            return Table(name, columns)
        table = published.table(name)
        columns = {key: column for key, column in table.columns.items() if key in declared}
        columns |= {
            column: undeclared_column(name, column, sqlite_type)
            for column, sqlite_type in declared.items()
            if column not in table.columns
        }
        return Table(name, columns, table.description)

    @cached_property
    def row_counts(self) -> dict[str, int]:
        """Number of rows of each table."""
        counts = " UNION ALL ".join(
            f"SELECT {number}, count(*) FROM {quoted(table.name)}"
            for number, table in enumerate(self.schema)
        )
        names = list(self.schema.tables)
        return {names[number]: count for number, count in sqlite_file.query(self.path, counts)}

    def first_misfit(self, columns: list[Column]) -> tuple[Column, Any, Any] | None:
        """Return the first stored value that is not of its column's kind, with its row id."""
        for column in columns:
            name = quoted(column.name)
            rows = sqlite_file.query(
                self.path,
                f"SELECT id, {name} FROM {quoted(column.table)} "
                f"WHERE {misfit_condition(column)} LIMIT 1",
            )
            if rows:
                return column, rows[0][0], rows[0][1]
        return None

    def misfit_columns(self, table: Table) -> list[str]:
        """Return the columns of a table that hold a value which is not of their kind."""
        checks = [f"max({misfit_condition(column)})" for column in table.columns.values()]
        [row] = sqlite_file.query(
            self.path, f"SELECT {', '.join(checks)} FROM {quoted(table.name)}"
        )
        return [name for name, found in zip(table.columns, row, strict=True) if found]
