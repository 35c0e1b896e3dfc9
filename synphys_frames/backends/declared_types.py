"""What DuckDB takes a column of an SQLite file for, by the type that it is declared with."""

from __future__ import annotations

from functools import cache

from ..schema import KINDS, Kind

# In DuckDB's order: the first part that is in the declared type decides.
_PARTS = {
    "INT": "BIGINT",
    "BOOL": "BIGINT",
    "CHAR": "VARCHAR",
    "CLOB": "VARCHAR",
    "TEXT": "VARCHAR",
    "BLOB": "BLOB",
    "REAL": "DOUBLE",
    "FLOA": "DOUBLE",
    "DOUB": "DOUBLE",
    "TIME": "TIMESTAMP",
    "DEC": "DOUBLE",
    "NUM": "DOUBLE",
}


@cache
def scanned_type(declared: str) -> str:
    """Return the type in which DuckDB reads a column.

    Examples
    --------
    >>> scanned_type("VARCHAR(20)"), scanned_type("DATE"), scanned_type("")
    ('VARCHAR', 'DATE', 'BLOB')
    """
    upper = declared.upper()
    if upper in ("", "DATE"):
        return upper or "BLOB"
    return next((scanned for part, scanned in _PARTS.items() if part in upper), "VARCHAR")


def is_scanned_as(kind: Kind, declared: str) -> bool:
    """Return whether DuckDB reads a column as what a kind of column needs."""
    needed = "BIGINT" if kind == "bool" else KINDS[kind].duckdb
    return scanned_type(declared) == needed
