"""A release that is stored nowhere: frames in memory, behind the seam that files are behind."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from synphys_frames.backends.base import CATALOGUE, Facts, Storage
from synphys_frames.backends.identifiers import quoted
from synphys_frames.schema.published import published_schema

if TYPE_CHECKING:
    import duckdb

    from synphys_frames._files import FileState
    from synphys_frames.backends.base import Errors
    from synphys_frames.schema.model import Table

SCHEMA = published_schema("22")

Rows = dict[str, list[dict[str, Any]]]


class MemoryFacts(Facts):
    def __init__(self, tables: dict[str, pa.Table]) -> None:
        self._tables = tables

    @property
    def columns(self) -> dict[str, dict[str, str]]:
        return {
            table.name: {column.name: column.sqlite_type for column in table.columns.values()}
            for table in SCHEMA
        }

    @property
    def references(self) -> dict[tuple[str, str], tuple[str, str]]:
        return {}

    @property
    def metadata(self) -> dict[str, Any]:
        return {"db_version": "22", "origin": "synthetic"}

    @property
    def keyed_tables(self) -> frozenset[str]:
        return frozenset(self._tables)

    @property
    def row_counts(self) -> dict[str, int]:
        return {name: table.num_rows for name, table in self._tables.items()}

    def rows_at_most(self, table: str) -> int:
        return self.row_counts.get(table, 0)

    def has_traces(self, table: str) -> bool:
        return False


class MemoryStorage(Storage):
    names = "native"
    loader = "MemoryStorage"
    how_to_mend = "Make it again."

    def __init__(self, rows: Rows) -> None:
        self.location = Path("in memory")
        self._tables = {
            table.name: pa.Table.from_pylist(
                [self._typed(table, row) for row in rows.get(table.name, [])],
                schema=pa.schema(
                    [(column.name, column.facts.arrow) for column in table.columns.values()]
                ),
            )
            for table in SCHEMA
        }

    @staticmethod
    def _typed(table: Table, row: dict[str, Any]) -> dict[str, Any]:
        switches = [name for name in row if table.columns[name].kind == "bool"]
        times = {name for name in row if table.columns[name].kind == "datetime"}
        row = {name: value for name, value in row.items() if name not in times}
        return row | {name: None if row[name] is None else bool(row[name]) for name in switches}

    def fingerprint(self) -> dict[str, FileState]:
        return {}

    def facts(self) -> MemoryFacts:
        return MemoryFacts(self._tables)

    def attach(self, connection: duckdb.DuckDBPyConnection) -> None:
        connection.execute(f"CREATE SCHEMA {CATALOGUE}")
        for name, table in self._tables.items():
            connection.register("arriving", table)
            connection.execute(f"CREATE TABLE {CATALOGUE}.{quoted(name)} AS FROM arriving")
            connection.unregister("arriving")

    def select(self, table: Table, errors: Errors) -> str:
        return f"FROM {CATALOGUE}.{quoted(table.name)}"
