"""Names in SQL."""

from __future__ import annotations


def quoted(name: str) -> str:
    """Return an identifier in the quotes that SQLite and DuckDB share."""
    escaped = name.replace('"', '""')
    return f'"{escaped}"'
