"""Typed columns in memory, and rows gathered from them."""

from .disk_cache import DiskCache
from .dtypes import DtypeBackend, check_dtype_backend, frame_from_arrow, to_arrow_backend
from .factorize import distinct_rows, factorized, numbered, stacked, values_at
from .joined_rows import JoinedRows
from .store import ColumnStore, several_rows

__all__ = [
    "ColumnStore",
    "DiskCache",
    "DtypeBackend",
    "JoinedRows",
    "check_dtype_backend",
    "distinct_rows",
    "factorized",
    "frame_from_arrow",
    "numbered",
    "several_rows",
    "stacked",
    "to_arrow_backend",
    "values_at",
]
