"""Which release figures were printed of: by the name that a user gives, or that a file has."""

from __future__ import annotations

from ..errors import ArgumentError
from ..releases import SIZES, find_release, shipped_catalogue


def version_named(name: str) -> str:
    """Return the release version that a user names.

    Parameters
    ----------
    name
        A release version, with or without a size, or the name of a published file.

    Raises
    ------
    UnknownVersionError
        There is no such release.
    ArgumentError
        The name is no text.

    Examples
    --------
    >>> version_named("r2.1"), version_named("r2.1 small")
    ('r2.1', 'r2.1')
    >>> version_named("synphys_r1.0_2019-08-29_small.sqlite")
    'r1.0'
    """
    if not isinstance(name, str):
        raise ArgumentError(f"release takes the name of a release, such as 'r2.1'; got {name!r}.")
    version, _, size = name.partition(" ")
    published = {release.release_version for release in shipped_catalogue()}
    if version in published and size in ("", *SIZES):
        return version
    release = find_release(name, shipped_catalogue())
    return str(release.release_version)


def known_version(file_name: str, schema_version: str) -> str | None:
    """Return the release version that an opened file is of, or None where it is none of them.

    Parameters
    ----------
    file_name
        Its name, which is the only thing that tells one release from another of its schema.
    schema_version
        Its schema version, which must be that of the published file.
    """
    for release in shipped_catalogue():
        if release.db_file == file_name and release.schema_version == schema_version:
            return release.release_version
    return None
