"""Published versions by name: list them, find them on disk, fetch them."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pandas as pd

from .._arguments import VERSION, checked
from .._files import is_plain_name, is_there
from ..errors import ArgumentError, UnknownVersionError
from ..options import config
from ..schema import STR, VERSIONS, schema_changes
from .cache_layout import aisynphys_folder, cache_folder, release_path
from .catalogue import SIZES, Release, find_release, shipped_catalogue
from .catalogue_copies import kept_catalogues, read_catalogue, refresh_for_next_time
from .download import fetch
from .sqlite_header import damage
from .verification import verify as verify_file

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from .cache_layout import CachePath
    from .progress import Progress


@checked()
def list_versions(only_supported: bool = False, *, cache_path: CachePath = None) -> pd.DataFrame:
    """Return the published release files, oldest release first.

    Parameters
    ----------
    only_supported
        Only those whose schema version this package knows.
    cache_path
        Cache folder; default ``config.cache_path``.

    Returns
    -------
    DataFrame
        A row a file: db_file, release_version, db_size, schema_version (str), bytes (Int64, missing
        where not known), sha256, url (str), cached (boolean: is a whole file on disk), aliases
        (lists of names). A pre-release comes before its release, small before medium before full.

    Notes
    -----
    The list comes from ``config.catalogue_url`` and is kept in the cache. Without a network the
    kept list serves, else the one that the package carries.

    Raises
    ------
    CatalogueError
        The server gives something that is no catalogue.

    Examples
    --------
    >>> versions = sf.list_versions()
    >>> versions[["db_file", "schema_version"]].tail(2)
                           db_file schema_version
    18  synphys_r2.1_medium.sqlite             22
    19    synphys_r2.1_full.sqlite             22
    """
    folder = cache_folder(cache_path)
    return _frame(known_releases(folder, only_supported=only_supported), folder)


@checked()
def list_current_versions(*, cache_path: CachePath = None) -> pd.DataFrame:
    """Return the newest supported release file of each size.

    Parameters
    ----------
    cache_path
        Cache folder; default ``config.cache_path``.

    Returns
    -------
    DataFrame
        Columns as from `list_versions`, at most one row for each of small, medium and full.

    Examples
    --------
    >>> sf.list_current_versions()["db_file"].tolist()
    ['synphys_r2.1_small.sqlite', 'synphys_r2.1_medium.sqlite', 'synphys_r2.1_full.sqlite']
    """
    folder = cache_folder(cache_path)
    releases = known_releases(folder, only_supported=True)
    newest = [newest_of(size, releases) for size in SIZES]
    return _frame([release for release in newest if release is not None], folder)


@checked(name=VERSION)
def fetch_version(
    name: str,
    *,
    cache_path: CachePath = None,
    progress: Progress = True,
    storage_options: Mapping[str, Any] | None = None,
    force: bool = False,
    offline: bool = False,
    verify: bool = False,
) -> Path:
    """Bring a published release into the cache without opening it.

    Interrupted at any point, the next call goes on where it stopped. Two processes that ask for one
    file fetch it once. A file that is there, whole, is returned without asking anybody.

    Parameters
    ----------
    name, cache_path, progress, storage_options, force, offline, verify
        As for `load_version`.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    NotFoundError, IncompleteDownloadError, VerificationError, RemoteChangedError
        What went wrong, and what to do.
    UnknownVersionError
        There is no version of that name; or with `offline`, its file is not on disk.
    """
    if force and offline:
        raise ArgumentError("force=True and offline=True contradict each other.")
    folder = cache_folder(cache_path)
    path = None if force else _on_disk(name, folder)
    if path is not None:
        if verify:
            verified_by(path, folder)
        return path
    if offline:
        raise UnknownVersionError(
            f"{name!r} is not in {folder}, whole, and offline=True asks nobody. "
            f"fetch_version({name!r}) brings it."
        )
    release = find_release(name, known_releases(folder, only_supported=False))
    return fetched(release, folder, progress, storage_options, force=force)


def verified_by(path: Path, folder: Path) -> str:
    """Check all bytes of a file, and return by what.

    Parameters
    ----------
    path
        The file.
    folder
        The cache folder, whose lists say what is known of a file of that name.

    Raises
    ------
    VerificationError
        It is another one than was published, or than had arrived.
    """
    listed = (_listed(path.name, releases) for releases in kept_catalogues(folder))
    return verify_file(path, next(filter(None, listed), None))


def cached_file(name: str, folder: Path) -> Path:
    """Return the file of a version, or of the newest of a size, that is on disk, whole or not.

    Raises
    ------
    UnknownVersionError
        There is none.
    """
    for releases in kept_catalogues(folder):
        release = newest_of(name, releases) if name in SIZES else _listed(name, releases)
        for path in () if release is None else _places(release, folder):
            if is_there(str(path)):
                return path
    unlisted = _unlisted(name, folder)
    if unlisted is not None:
        return unlisted
    verb = "load_current" if name in SIZES else "load_version"
    raise UnknownVersionError(f"{name!r} is not in {folder}. {verb}({name!r}) brings it.")


def _listed(name: str, releases: list[Release]) -> Release | None:
    try:
        return find_release(name, releases)
    except UnknownVersionError:
        return None


def _on_disk(name: str, folder: Path) -> Path | None:
    """Return the file of a version where it is on disk, by the lists that need no network."""
    for releases in kept_catalogues(folder):
        release = _listed(name, releases)
        if release is not None:
            return find_file(release, folder)
    return _unlisted(name, folder)


def _unlisted(name: str, folder: Path) -> Path | None:
    """Return a whole file that no list has any more, but one had when it was fetched."""
    names = (name, f"{name}.sqlite") if is_plain_name(name) else ()
    for path in (release_path(folder, kept) for kept in names if kept.endswith(".sqlite")):
        with suppress(OSError):  # what can't be looked at is as good as not there
            if path.is_file() and damage(path) is None:
                return path
    return None


def schema_versions() -> pd.DataFrame:
    """Return the published schema versions and what changed with each.

    Returns
    -------
    DataFrame
        A row a version, oldest first: schema_version (str); releases, the files that have it (none
        for 17, which was never published); tables_added, tables_removed; columns_added,
        columns_removed ("table.column", of tables that stay); columns_renamed ("table.old ->
        table.new"); columns_retyped ("table.column: old -> new"). All but the first column hold
        lists. The first version has nothing to compare with.

    Examples
    --------
    >>> sf.schema_versions().set_index("schema_version").loc["20", "tables_added"]
    ['synapse_model']
    """
    rows = []
    for before, version in zip((None, *VERSIONS), VERSIONS, strict=False):
        files = [
            release.db_file for release in shipped_catalogue() if release.schema_version == version
        ]
        row = {"schema_version": version, "releases": files}
        rows.append(row | schema_changes(before, version))
    frame = pd.DataFrame(rows)
    return frame.astype({"schema_version": STR})


def find_file(release: Release, folder: Path) -> Path | None:
    """Return where a release's file is on disk, whole, or None.

    Looks in the cache folder, then where the aisynphys library keeps its downloads; that one is
    never written.
    """
    return next((path for path in _places(release, folder) if _is_whole(path, release)), None)


def _places(release: Release, folder: Path) -> Iterator[Path]:
    theirs = aisynphys_folder()
    for place in (folder,) if theirs is None else (folder, theirs):
        for name in (release.db_file, *release.aliases):
            yield release_path(place, name)


def _is_whole(path: Path, release: Release) -> bool:
    try:
        size_fits = release.bytes is None or path.stat().st_size == release.bytes
        return path.is_file() and size_fits and damage(path) is None
    except OSError:
        return False  # what can't be looked at is as good as not there


def known_releases(folder: Path, *, only_supported: bool) -> list[Release]:
    """Return the releases of the catalogue, or those that can be opened here."""
    releases = read_catalogue(folder)
    if only_supported:
        return [release for release in releases if release.schema_version in VERSIONS]
    return releases


def fetched(
    release: Release,
    folder: Path,
    progress: Progress,
    storage_options: Mapping[str, Any] | None,
    *,
    force: bool = False,
) -> Path:
    """Return where a release's file is, brought into the cache folder where it is not there."""
    path = None if force else find_file(release, folder)
    if path is not None:
        return path
    return fetch(
        release.url,
        release_path(folder, release.db_file),
        size=release.bytes,
        sha256=release.sha256,
        progress=progress,
        storage_options=storage_options,
        force=force,
    )


def newest_on_disk(size: str, folder: Path) -> Path | None:
    """Return the file of the newest supported release of a size that a kept list has, if there.

    Whether there is a newer one by now is asked in the background, for the next time.
    """
    newest = filter(None, (newest_of(size, releases) for releases in kept_catalogues(folder)))
    release = next(newest, None)
    path = None if release is None else find_file(release, folder)
    if path is not None:
        refresh_for_next_time(folder)
    return path


def newest_of(size: str, releases: Iterable[Release]) -> Release | None:
    """Return the newest supported release of a size, or None where a list has none."""
    newest = None
    for release in releases:
        if release.db_size == size and release.schema_version in VERSIONS:
            newest = release
    return newest


def current_release(size: str, folder: Path) -> Release:
    """Return the newest supported release of a size that is published by now.

    Raises
    ------
    UnknownVersionError
        The catalogue has none.
    """
    release = newest_of(size, known_releases(folder, only_supported=True))
    if release is None:
        raise UnknownVersionError(
            f"The catalogue at {config.catalogue_url} has no {size} release that is supported. "
            "list_versions() shows what it has."
        )
    return release


def _frame(releases: Iterable[Release], folder: Path) -> pd.DataFrame:
    listed = list(releases)

    def texts(attribute: str) -> Any:
        return pd.array([getattr(release, attribute) for release in listed], dtype=STR)

    return pd.DataFrame(
        {
            "db_file": texts("db_file"),
            "release_version": texts("release_version"),
            "db_size": texts("db_size"),
            "schema_version": texts("schema_version"),
            "bytes": pd.array([release.bytes for release in listed], dtype="Int64"),
            "sha256": texts("sha256"),
            "url": texts("url"),
            "cached": pd.array(
                [find_file(release, folder) is not None for release in listed], dtype="boolean"
            ),
            "aliases": pd.Series([list(release.aliases) for release in listed], dtype=object),
        }
    )
