"""What a release file has, as frames, as text, as HTML, and for tab completion."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from ..errors import did_you_mean
from ..query import way_text
from ..schema import STR, Aliases, other_ways, versions_of

if TYPE_CHECKING:
    from ..backends import Contents
    from ..schema import Schema


_COUNTED = {"experiment": "experiments", "cell": "cells", "pair": "pairs", "synapse": "synapses"}


def tables_frame(contents: Contents) -> pd.DataFrame:
    """Return a row for each table, by the newest schema's names."""
    tables = list(contents.schema)
    rows = [contents.row_count(table) for table in tables]
    columns = [sum(not column.is_internal for column in table.columns.values()) for table in tables]
    return pd.DataFrame(
        {
            "table": pd.array([table.name for table in tables], dtype=STR),
            "rows": pd.array(rows, dtype="Int64"),
            "columns": pd.array(columns, dtype="Int64"),
            "description": pd.array([table.description for table in tables], dtype=STR),
        }
    )


def schema_frame(schema: Schema) -> pd.DataFrame:
    """Return a row for each column, by the newest schema's names."""
    columns = [
        column for table in schema for column in table.columns.values() if not column.is_internal
    ]
    texts: dict[str, list[str | None]] = {
        "table": [column.table for column in columns],
        "column": [column.name for column in columns],
        "dtype": [column.facts.dtype for column in columns],
        "unit": [column.unit for column in columns],
        "description": [column.description or None for column in columns],
        "references": [
            ".".join(column.references) if column.references else None for column in columns
        ],
        "native_name": [column.native_name for column in columns],
        "schema_versions": [
            ", ".join(versions_of(column.table, column.name)) or None for column in columns
        ],
    }
    return pd.DataFrame({name: pd.array(values, dtype=STR) for name, values in texts.items()})


def ways_frame(schema: Schema) -> pd.DataFrame:
    """Return a row for every two tables between which foreign keys lead."""
    rows: dict[str, list[str | None]] = {"source": [], "target": [], "way": [], "other_ways": []}
    for source in schema.tables:
        aliases = Aliases(schema, source)
        reached = {alias.table for alias in aliases} - {source}
        for target in (name for name in schema.tables if name in reached):
            others = ", ".join(f'via="{other}"' for other in other_ways(schema, source, target))
            values = (source, target, way_text(aliases, target), others or None)
            for column, value in zip(rows.values(), values, strict=True):
                column.append(value)
    return pd.DataFrame({name: pd.array(values, dtype=STR) for name, values in rows.items()})


def summary(contents: Contents) -> str:
    """Return schema version and the counts of the main tables, in one line."""
    counts = ", ".join(
        f"{contents.row_counts[table]:,} {plural}"
        for table, plural in _COUNTED.items()
        if table in contents.row_counts
    )
    return f"{contents.size}, schema {contents.schema_version}, {counts}"


def summary_html(contents: Contents, name: str) -> str:
    """Return what a notebook shows of a database: its summary and its tables."""
    import html

    tables = tables_frame(contents)
    filled = tables[tables["rows"] > 0]
    empty = ", ".join(tables.loc[tables["rows"] == 0, "table"])
    origin = html.escape(str(contents.metadata.get("origin", "")))
    note = f"<p>Without rows in this file: {html.escape(empty)}.</p>" if empty else ""
    return (
        f"<p><b>{html.escape(name)}</b> ({html.escape(summary(contents))})<br>{origin}</p>"
        f"{filled.to_html(index=False, border=0)}{note}"
    )


class ColumnNames:
    """Table names as attributes, and column names below them, for tab completion.

    A column gives its dotted name as text: ``db.columns.pair.distance`` is ``"pair.distance"``.
    """

    def __init__(self, schema: Schema, table: str | None = None) -> None:
        self._schema = schema
        self._table = table

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        if self._table is None:
            return ColumnNames(self._schema, self._schema.table(name).name)
        table = self._schema.table(self._table)
        if name not in table.columns:
            raise AttributeError(
                f"Table {table.name!r} has no column {name!r}. {did_you_mean(name, table.columns)}"
            )
        return f"{table.name}.{name}"

    def __dir__(self) -> list[str]:
        if self._table is None:
            return list(self._schema.tables)
        return list(self._schema.table(self._table).columns)

    def __repr__(self) -> str:
        return f"<{self._table or 'tables'}: {', '.join(self.__dir__())}>"
