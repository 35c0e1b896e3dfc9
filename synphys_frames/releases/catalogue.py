"""Published releases: their names, their order, and the form of the catalogue that lists them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Literal, get_args

from .._files import is_plain_name
from ..errors import ArgumentError, CatalogueError, UnknownVersionError, did_you_mean, shown
from ..schema import read_data

if TYPE_CHECKING:
    from collections.abc import Iterable


Size = Literal["small", "medium", "full"]
SIZES: tuple[Size, ...] = get_args(Size)

_NAME = re.compile(
    r"_r(?P<major>\d+)\.(?P<minor>\d+)(?:-pre(?P<pre>\d+))?_(?:.*_)?(?P<size>small|medium|full)"
    r"\.sqlite$"
)
# The published list has 20 files.
_MOST_RELEASES = 10_000
_MOST_ALIASES = 100
_MOST_CHARACTERS = 1_000
_LONGEST_URL = 4_000
_LONGEST_VERSION = 100
_ENDINGS = (".sqlite", ".sqlite3", ".db")
_DIGEST = re.compile("[0-9a-fA-F]{64}")
_SCHEMES = ("https", "http", "s3", "gs", "gcs", "az", "abfs", "abfss")
# Theirs is container@account.
_WITH_CONTAINER = ("az", "abfs", "abfss")


@dataclass(frozen=True, slots=True)
class Release:
    """One published file.

    Attributes
    ----------
    db_file
        File name, which is the version's name.
    release_version
        "r2.1", "r2.0-pre5"; None where the name does not tell.
    db_size
        small, medium or full; None where the name does not tell.
    bytes, sha256
        Size and digest where they are known.
    """

    db_file: str
    url: str
    schema_version: str
    release_version: str | None = None
    db_size: Size | None = None
    bytes: int | None = None
    sha256: str | None = None
    aliases: tuple[str, ...] = ()

    @property
    def sort_key(self) -> tuple[tuple[int, int, float], int, str]:
        """Oldest release first, a pre-release before its release, small before full."""
        name = _NAME.search(self.db_file)
        if name is None:
            return (-1, 0, 0.0), 0, self.db_file
        pre = float(name["pre"]) if name["pre"] else float("inf")
        size = SIZES.index(name["size"])
        return (int(name["major"]), int(name["minor"]), pre), size, self.db_file


def parse_name(db_file: str) -> tuple[str | None, Size | None]:
    """Return release version and size that a file name tells, None for what it does not.

    Examples
    --------
    >>> parse_name("synphys_r2.0-pre5_medium.sqlite")
    ('r2.0-pre5', 'medium')
    >>> parse_name("synphys_r1.0_2019-08-29_small.sqlite")
    ('r1.0', 'small')
    """
    name = _NAME.search(db_file)
    if name is None:
        return None, None
    pre = f"-pre{name['pre']}" if name["pre"] else ""
    size: Size = name["size"]  # type: ignore[assignment]
    return f"r{name['major']}.{name['minor']}{pre}", size


def parse_catalogue(content: Any, source: str) -> list[Release]:
    """Return the releases of a catalogue document, oldest first.

    Parameters
    ----------
    content
        ``{"default_url_path": url, "databases": [{"file", "schema_version", ...}]}``. An entry may
        have "aliases", and its own "url", "bytes" and "sha256".
    source
        Where it came from, for the message.

    Raises
    ------
    CatalogueError
        It has another shape.
    """
    try:
        entries = content["databases"]
        if not isinstance(entries, list) or len(entries) > _MOST_RELEASES:
            raise ValueError(f"databases should be a list of at most {_MOST_RELEASES:,} files")
        known = read_data("releases.json")["known"]
        base = content.get("default_url_path")
        releases = [_entry(entry, base, known) for entry in entries]
        # Some file systems take names for the same that differ in case only.
        names = {release.db_file.casefold() for release in releases}
        if len(names) != len(releases):
            raise ValueError("a file is listed twice")
    except (AttributeError, KeyError, TypeError, ValueError, RecursionError) as error:
        raise CatalogueError(
            f"The list of versions at {source} is not of the published form "
            '({"default_url_path": ..., "databases": [{"file": ..., "schema_version": ...}]}): '
            f"{shown(error, most=_MOST_CHARACTERS)}. Set synphys_frames.config.catalogue_url to a "
            "list of that form."
        ) from error
    return sorted(releases, key=lambda release: release.sort_key)


def _entry(entry: Any, base: Any, known: dict[str, Any]) -> Release:
    """Return one entry of a catalogue, completed with what is known of the published file."""
    name = entry["file"]
    aliases = entry.get("aliases") or []
    if not isinstance(aliases, list) or len(aliases) > _MOST_ALIASES:
        raise TypeError(f"aliases should be a short list, got {shown(aliases)}")
    for file_name in (name, *aliases):
        _require_plain_name(file_name)
    if not name.endswith(_ENDINGS):
        raise ValueError(f"a file that ends in .sqlite is expected, got {shown(name)}")
    facts = known.get(name, {})
    size = entry.get("bytes", facts.get("bytes"))
    digest = entry.get("sha256", facts.get("sha256"))
    if digest is not None and not (isinstance(digest, str) and _DIGEST.fullmatch(digest)):
        raise ValueError(f"sha256 should be 64 hexadecimal digits, got {shown(digest)}")
    url = entry.get("url") or f"{_text(base, 'default_url_path').rstrip('/')}/{name}"
    _require_url(url)
    if size is not None and (type(size) is not int or not 0 <= size < 1 << 63):
        raise ValueError(f"bytes should be a size, got {shown(size)}")
    version, db_size = parse_name(name)
    return Release(
        db_file=name,
        url=url,
        schema_version=_schema_version(entry["schema_version"]),
        release_version=version,
        db_size=db_size,
        bytes=size,
        sha256=None if digest is None else digest.casefold(),
        aliases=tuple(aliases),
    )


def _text(value: Any, what: str) -> str:
    if not isinstance(value, str) or not value:
        raise TypeError(f"{what} should be a text, got {shown(value)}")
    return value


def _schema_version(value: Any) -> str:
    version = str(value) if type(value) is int else _text(value, "schema_version")
    if not version.isprintable() or len(version) > _LONGEST_VERSION:
        raise ValueError(f"schema_version should be a short text, got {shown(version)}")
    return version


def _require_url(url: Any) -> None:
    """Raise unless a URL leads to a server, and says nothing else.

    fsspec takes more: files of this machine, programs, and chains that keep copies elsewhere.
    """
    scheme, _, rest = _text(url, "url").partition("://")
    server = re.split(r"[/?#]", rest, maxsplit=1)[0]
    is_plain = url.isprintable() and " " not in url and "\\" not in url and "::" not in scheme
    if not is_plain or scheme.casefold() not in _SCHEMES or not server or len(url) > _LONGEST_URL:
        raise ValueError(
            f"url should be one of {', '.join(_SCHEMES)}, got {shown(url)} (a file that is here is "
            "opened by load_sqlite(path))"
        )
    if "@" in server and scheme.casefold() not in _WITH_CONTAINER:
        raise ValueError(
            f"url should have no user or password, got one of {shown(server.rpartition('@')[2])} "
            "(they belong into storage_options=)"
        )


def _require_plain_name(name: Any) -> None:
    if not is_plain_name(name):
        raise ValueError(f"a file name without folders is expected, got {shown(name)}")


@cache
def shipped_catalogue() -> tuple[Release, ...]:
    """Return the releases that were published when this package was."""
    return tuple(parse_catalogue(read_data("releases.json")["catalogue"], "the package"))


def find_release(name: str, releases: Iterable[Release]) -> Release:
    """Return the release of that file name or alias.

    Raises
    ------
    UnknownVersionError
        None has it; the message names the nearest.
    """
    if not isinstance(name, str):
        raise ArgumentError(f"A version is a file name as text; got {shown(name)}.")
    names: dict[str, Release] = {}
    listed = list(releases)
    for release in listed:
        names |= dict.fromkeys(release.aliases, release)
    # A file's own name counts before another one's alias.
    names |= {release.db_file: release for release in listed}
    for known in (name, f"{name}.sqlite"):
        if known in names:
            return names[known]
    if name in SIZES:
        raise UnknownVersionError(
            f"{name!r} is a size of which there are several. load_current({name!r}) opens "
            "the newest; list_versions() shows all."
        )
    raise UnknownVersionError(
        f"There is no version {shown(name)}. {did_you_mean(name, names)} list_versions() shows "
        "all; load_sqlite(path) opens any file."
    )


def canonical_name(db_file: str) -> str:
    """Return the published name for a file name that may be an alias."""
    for release in shipped_catalogue():
        if db_file in release.aliases:
            return release.db_file
    return db_file


def first_release(schema_versions: Iterable[str]) -> str:
    """Return the oldest published release that has one of these schema versions.

    Examples
    --------
    >>> first_release(["20", "21", "22"])
    'r2.0-pre4'
    """
    known = set(schema_versions)
    for release in shipped_catalogue():
        if release.schema_version in known and release.release_version:
            return release.release_version
    return "none that was published"


def larger_names(db_file: str) -> str:
    """Return the names of the medium and full files beside a small one, as a text."""
    version, size = parse_name(canonical_name(db_file))
    names = [
        release.db_file
        for release in shipped_catalogue()
        if release.release_version == version and size == "small" and release.db_size != "small"
    ]
    return " or ".join(f"load_version({name!r})" for name in names) or 'load_current("medium")'
