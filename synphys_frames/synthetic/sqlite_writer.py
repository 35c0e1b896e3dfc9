"""Write rows into an SQLite file in the published layout."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

from ..backends import quoted

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from ..schema import Column, Schema, Table


_PAGE_SIZE = 4096


def create_statements(table: Table) -> list[str]:
    """Return the statements that make a table and its indexes as published files have them."""
    parts = [_definition(column) for column in table.columns.values()]
    parts.append("PRIMARY KEY (id)")
    for column in table.columns.values():
        if column.unique and not column.index:
            parts.append(f"UNIQUE ({quoted(column.name)})")
        if column.references:
            target, key = column.references
            parts.append(
                f"FOREIGN KEY({quoted(column.name)}) REFERENCES {quoted(target)} ({quoted(key)})"
            )
    statements = [f"CREATE TABLE {quoted(table.name)} (\n\t" + ",\n\t".join(parts) + "\n)"]
    for column in table.columns.values():
        if column.index:
            unique = "UNIQUE " if column.unique else ""
            name = quoted(f"ix_{table.name}_{column.name}")
            statements.append(
                f"CREATE {unique}INDEX {name} ON {quoted(table.name)} ({quoted(column.name)})"
            )
    return statements


def _definition(column: Column) -> str:
    return f"{quoted(column.name)} {column.sqlite_type}{' NOT NULL' if column.primary_key else ''}"


def write_release(
    path: Path, schema: Schema, rows: Mapping[str, Mapping[str, Sequence[Any]]]
) -> None:
    """Write a new release file.

    Parameters
    ----------
    path
        The file; it must not exist, or be empty.
    schema
        All its tables, those without rows, too.
    rows
        ``{table: {column: values}}`` of SQLite's own types; columns that are not given are NULL.
    """
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute(f"PRAGMA page_size = {_PAGE_SIZE}")
        connection.execute("PRAGMA journal_mode = OFF")
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("BEGIN")
        for table in schema:
            statements = create_statements(table)
            connection.execute(statements[0])
            columns = rows.get(table.name, {})
            if columns:
                names = ", ".join(map(quoted, columns))
                marks = ", ".join("?" * len(columns))
                connection.executemany(
                    f"INSERT INTO {quoted(table.name)} ({names}) VALUES ({marks})",
                    zip(*columns.values(), strict=True),
                )
            for statement in statements[1:]:
                connection.execute(statement)
        connection.execute("COMMIT")
