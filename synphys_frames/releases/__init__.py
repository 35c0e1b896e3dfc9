"""Published releases: which there are, where their files are, and how to fetch them."""

from .cache_layout import CachePath, ReleaseFiles, cache_folder, release_path, sample_path
from .catalogue import (
    SIZES,
    Size,
    canonical_name,
    find_release,
    first_release,
    larger_names,
    shipped_catalogue,
)
from .progress import Progress, as_callback
from .sqlite_header import SqliteHeader, damage
from .versions import (
    cached_file,
    current_release,
    fetch_version,
    fetched,
    find_file,
    list_current_versions,
    list_versions,
    newest_on_disk,
    schema_versions,
    verified_by,
)

__all__ = [
    "SIZES",
    "CachePath",
    "Progress",
    "ReleaseFiles",
    "Size",
    "SqliteHeader",
    "as_callback",
    "cache_folder",
    "cached_file",
    "canonical_name",
    "current_release",
    "damage",
    "fetch_version",
    "fetched",
    "find_file",
    "find_release",
    "first_release",
    "larger_names",
    "list_current_versions",
    "list_versions",
    "newest_on_disk",
    "release_path",
    "sample_path",
    "schema_versions",
    "shipped_catalogue",
    "verified_by",
]
