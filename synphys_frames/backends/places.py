"""Which storage a path leads to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .base import absolute_path
from .parquet import ParquetStorage
from .sqlite import SqliteStorage

if TYPE_CHECKING:
    import os

    from .base import Storage


def storage_at(path: str | os.PathLike[str]) -> Storage:
    """Return the storage of a release file, or of a folder that `to_parquet` wrote."""
    location = absolute_path(path)
    return ParquetStorage(location) if location.is_dir() else SqliteStorage(location)
