"""What a release is stored in, and DuckDB over it."""

from .attachment import Attachment
from .duckdb_engine import evaluating_connection
from .expression import Expression, Name, evaluate, is_true, parse
from .identifiers import quoted
from .queries import Queries
from .sqlite import ReleaseFile

__all__ = [
    "Attachment",
    "Expression",
    "Name",
    "Queries",
    "ReleaseFile",
    "evaluate",
    "evaluating_connection",
    "is_true",
    "parse",
    "quoted",
]
