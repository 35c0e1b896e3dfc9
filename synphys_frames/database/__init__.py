"""What a user holds: an opened release."""

from .database import SynphysDatabase, release_of
from .loading import compare, load_current, load_parquet, load_sqlite, load_version
from .provenance import database_of, open_database_of
from .release import Release

__all__ = [
    "Release",
    "SynphysDatabase",
    "compare",
    "database_of",
    "load_current",
    "load_parquet",
    "load_sqlite",
    "load_version",
    "open_database_of",
    "release_of",
]
