"""Releases opened by name or by path."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from .._arguments import VERSION, checked
from .._files import is_there
from ..backends import ParquetStorage, SqliteStorage
from ..releases import (
    Size,
    cache_folder,
    current_release,
    fetch_version,
    fetched,
    newest_on_disk,
)
from .database import SynphysDatabase

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping

    from ..releases import CachePath, Progress
    from .diff import ReleaseDiff

    Comparable = SynphysDatabase | str | os.PathLike[str]


@checked()
def load_current(
    size: Size,
    *,
    cache_path: CachePath = None,
    progress: Progress = True,
    errors: Literal["raise", "coerce"] = "raise",
) -> SynphysDatabase:
    """Open the newest release of a size; the first time, download it.

    The newest of the list that is kept opens at once, where its file is on disk. What is new is
    asked meanwhile, and counts the next time; `list_versions` asks, too.

    Parameters
    ----------
    size
        "small" (0.2 GB, without recordings), "medium" (11 GB, without traces) or "full" (180 GB).
    cache_path, progress, errors
        As for `load_version`.

    Returns
    -------
    SynphysDatabase

    Raises
    ------
    ArgumentError
        There is no such size.
    UnknownVersionError
        The catalogue has no supported file of that size.
    """
    folder = cache_folder(cache_path)
    kept = newest_on_disk(size, folder)
    if kept is not None:
        return load_sqlite(kept, errors=errors, cache_path=folder)
    path = fetched(current_release(size, folder), folder, progress, None)
    return load_sqlite(path, errors=errors, cache_path=folder)


@checked(name=VERSION)
def load_version(
    name: str,
    *,
    cache_path: CachePath = None,
    progress: Progress = True,
    storage_options: Mapping[str, Any] | None = None,
    errors: Literal["raise", "coerce"] = "raise",
    force: bool = False,
    offline: bool = False,
    verify: bool = False,
) -> SynphysDatabase:
    """Open a published release by its file name or an alias; the first time, download it.

    Parameters
    ----------
    name
        A `db_file` or one of the `aliases` that `list_versions` shows.
    cache_path
        Cache folder; default ``config.cache_path``. A file that the aisynphys library has
        downloaded is found, too, and used in place.
    progress
        True for a bar with bytes, rate and time left; False; or any fsspec Callback.
    storage_options
        For the fsspec file system of the release's URL.
    errors
        "raise" or "coerce", see `SynphysDatabase`.
    force
        Whether to fetch the file anew, though it is there: where it turned out to be damaged.
    offline
        Whether to ask nobody: what is on disk is opened, or there is an error at once. Without it,
        too, a file that is on disk is opened without asking.
    verify
        Whether to read all of a file that is on disk and compare it with its digest: the published
        SHA-256, else that of its arrival, else the server's ETag. What arrives is always compared.

    Returns
    -------
    SynphysDatabase

    Raises
    ------
    UnknownVersionError
        There is no version of that name; or with `offline`, its file is not on disk.
    FetchError
        The download failed; see `fetch_version`.
    VerificationError
        The file is not the published one.
    """
    path = fetch_version(
        name,
        cache_path=cache_path,
        progress=progress,
        storage_options=storage_options,
        force=force,
        offline=offline,
        verify=verify,
    )
    return load_sqlite(path, errors=errors, cache_path=cache_folder(cache_path))


@checked()
def compare(a: Comparable, b: Comparable) -> ReleaseDiff:
    """Return what changes from one release to another.

    Parameters
    ----------
    a, b
        Each an opened database, a path to a file, or the name of a published version.

    Returns
    -------
    ReleaseDiff
        As from `SynphysDatabase.diff`.

    Examples
    --------
    >>> sf.compare(db, db.path)
    <ReleaseDiff synphys_synthetic_sample_small.sqlite -> synphys_synthetic_sample_small.sqlite:
    0 tables, 0 columns; 0 pairs appeared, 0 vanished, 0 changed has_synapse>
    """
    return _opened(a).diff(_opened(b))


def _opened(release: Comparable) -> SynphysDatabase:
    if isinstance(release, SynphysDatabase):
        return release
    if isinstance(release, str) and not is_there(release):
        return load_version(release)
    return SynphysDatabase(release)


@checked()
def load_sqlite(
    path: str | os.PathLike[str],
    *,
    errors: Literal["raise", "coerce"] = "raise",
    cache_path: str | os.PathLike[str] | None = None,
) -> SynphysDatabase:
    """Open a release file.

    Parameters
    ----------
    path
        The file. It is only read, and nothing is written beside it.
    errors, cache_path
        See `SynphysDatabase`.

    Returns
    -------
    SynphysDatabase

    Raises
    ------
    ReleaseFileError
        There is no such file, or it is damaged, or it is no release.
    """
    return SynphysDatabase(SqliteStorage(path), errors=errors, cache_path=cache_path)


@checked()
def load_parquet(folder: str | os.PathLike[str]) -> SynphysDatabase:
    """Open a folder that `SynphysDatabase.to_parquet` wrote, as the release that it is of.

    Queries, frames, filters and connectivity are those of the file that it was written from, equal
    in values and types.

    Parameters
    ----------
    folder
        The folder. It is only read. Tables that were not written are not there.

    Returns
    -------
    SynphysDatabase
        Its names are the newest schema's: with ``native=True``, too.

    Raises
    ------
    ReleaseFileError
        There is no such folder, no dataset in it, files of several releases, or a damaged one.

    See Also
    --------
    SynphysDatabase.to_parquet : Writes such a folder.

    Examples
    --------
    >>> files = db.to_parquet(folder / "dataset", progress=False)
    >>> dataset = sf.load_parquet(folder / "dataset")
    >>> dataset.pairs(synapse=True, include="cell").equals(db.pairs(synapse=True, include="cell"))
    True
    """
    return SynphysDatabase(ParquetStorage(folder))
