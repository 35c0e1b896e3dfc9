"""What a release is stored in, and DuckDB over it."""

from .attachment import Attachment
from .base import Errors, Storage
from .contents import Contents
from .duckdb_engine import evaluating_connection
from .expression import Expression, Name, evaluate, is_true, parse, quoting_hint
from .identifiers import quoted
from .parquet import ParquetStorage
from .parquet_notes import ReleaseNote, reference_note
from .places import storage_at
from .queries import Queries
from .sqlite import SqliteStorage

__all__ = [
    "Attachment",
    "Contents",
    "Errors",
    "Expression",
    "Name",
    "ParquetStorage",
    "Queries",
    "ReleaseNote",
    "SqliteStorage",
    "Storage",
    "evaluate",
    "evaluating_connection",
    "is_true",
    "parse",
    "quoted",
    "quoting_hint",
    "reference_note",
    "storage_at",
]
