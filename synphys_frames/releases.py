"""Published releases: their names, their order, and the catalogue that lists them."""

from __future__ import annotations

import hashlib
import json
import os
import re
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

from .config import config
from .errors import ArgumentError, CatalogueError, UnknownVersionError, did_you_mean
from .schema import read_data

if TYPE_CHECKING:
    from collections.abc import Iterable

Size = Literal["small", "medium", "full"]
SIZES: tuple[Size, ...] = get_args(Size)

_NAME = re.compile(
    r"_r(?P<major>\d+)\.(?P<minor>\d+)(?:-pre(?P<pre>\d+))?_(?:.*_)?(?P<size>small|medium|full)"
    r"\.sqlite$"
)
_CONNECT_TIMEOUT = 5.0


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
        found = _NAME.search(self.db_file)
        if found is None:
            return (-1, 0, 0.0), 0, self.db_file
        pre = float(found["pre"]) if found["pre"] else float("inf")
        size = SIZES.index(found["size"])
        return (int(found["major"]), int(found["minor"]), pre), size, self.db_file


def parse_name(db_file: str) -> tuple[str | None, Size | None]:
    """Return release version and size that a file name tells, None for what it does not.

    Examples
    --------
    >>> parse_name("synphys_r2.0-pre5_medium.sqlite")
    ('r2.0-pre5', 'medium')
    >>> parse_name("synphys_r1.0_2019-08-29_small.sqlite")
    ('r1.0', 'small')
    """
    found = _NAME.search(db_file)
    if found is None:
        return None, None
    pre = f"-pre{found['pre']}" if found["pre"] else ""
    size: Size = found["size"]  # type: ignore[assignment]
    return f"r{found['major']}.{found['minor']}{pre}", size


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
    known = read_data("releases.json")["known"]
    try:
        base = content.get("default_url_path", "").rstrip("/")
        releases = []
        for entry in content["databases"]:
            name = entry["file"]
            _require_plain_name(name)
            version, size = parse_name(name)
            facts = known.get(name, {})
            length = entry.get("bytes", facts.get("bytes"))
            releases.append(
                Release(
                    db_file=name,
                    url=entry.get("url") or f"{base}/{name}",
                    schema_version=str(entry["schema_version"]),
                    release_version=version,
                    db_size=size,
                    bytes=None if length is None else int(length),
                    sha256=entry.get("sha256", facts.get("sha256")),
                    aliases=tuple(entry.get("aliases", ())),
                )
            )
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise CatalogueError(
            f"The list of versions at {source} is not of the published form "
            '({"default_url_path": ..., "databases": [{"file": ..., "schema_version": ...}]}): '
            f"{error!r}. Set synphys_frames.config.catalogue_url to a list of that form."
        ) from error
    return sorted(releases, key=lambda release: release.sort_key)


def _require_plain_name(name: str) -> None:
    if Path(name).name != name or name in ("", ".", ".."):
        raise ValueError(f"a file name without folders is expected, got {name!r}")


@cache
def shipped_catalogue() -> tuple[Release, ...]:
    """Return the releases that were published when this package was."""
    return tuple(parse_catalogue(read_data("releases.json")["catalogue"], "the package"))


def read_catalogue(cache_path: Path, url: str | None = None) -> list[Release]:
    """Return the published releases, oldest first, as current as the network allows.

    Parameters
    ----------
    cache_path
        Folder of the kept copy, which is revalidated by its ETag and serves offline.
    url
        Where the catalogue is; default ``config.catalogue_url``.

    Returns
    -------
    list of Release
        From the server, else the kept copy, else the list that the package carries. It never fails
        for want of a network.

    Raises
    ------
    CatalogueError
        The server gives something else than a catalogue, and there is no kept copy.
    """
    url = url or config.catalogue_url
    kept = _KeptCatalogue(cache_path, url)
    try:
        content = kept.refresh()
    except ValueError as error:
        # Before OSError: requests' own errors about a URL or a page that is no JSON are both.
        content = kept.content()
        if content is None and not _is_unreadable_page(error):
            raise CatalogueError(
                f"catalogue_url {url!r} can't be used: {error}. It takes a http or https URL."
            ) from error
    except CatalogueError:
        content = kept.content()
        if content is None:
            raise
    except OSError:
        content = kept.content()
    if content is None:
        return list(shipped_catalogue())
    return parse_catalogue(content, url)


def _is_unreadable_page(error: ValueError) -> bool:
    # A login page of a network that is not open yet: no different from no network.
    return isinstance(error, json.JSONDecodeError)


class _KeptCatalogue:
    """The copy of one catalogue in the cache, with the ETag that it came with."""

    def __init__(self, cache_path: Path, url: str) -> None:
        self.url = url
        digest = hashlib.sha256(url.encode()).hexdigest()[:12]
        self._file = cache_path / f"catalogue-{digest}.json"

    def _read(self) -> dict[str, Any]:
        try:
            kept = json.loads(self._file.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return kept if isinstance(kept, dict) else {}

    def content(self) -> Any:
        """Return the kept catalogue, or None."""
        return self._read().get("catalogue")

    def refresh(self) -> Any:
        """Return the server's catalogue, or the kept one where it is still that."""
        import requests

        kept = self._read()
        etag = kept.get("etag")
        headers = {"If-None-Match": etag} if etag and kept.get("catalogue") else {}
        answer = requests.get(
            self.url,
            headers=headers,
            timeout=(min(_CONNECT_TIMEOUT, config.timeout), config.timeout),
        )
        if answer.status_code == requests.codes.not_modified:
            return kept["catalogue"]
        answer.raise_for_status()
        content = answer.json()
        parse_catalogue(content, self.url)
        self._write({"url": self.url, "etag": answer.headers.get("ETag"), "catalogue": content})
        return content

    def _write(self, kept: dict[str, Any]) -> None:
        # A cache that can't be written only means asking the server again next time.
        with suppress(OSError):
            self._file.parent.mkdir(parents=True, exist_ok=True)
            handle, temporary = tempfile.mkstemp(dir=self._file.parent, suffix=".tmp")
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                json.dump(kept, file)
            Path(temporary).replace(self._file)


def find_release(name: str, releases: Iterable[Release]) -> Release:
    """Return the release of that file name or alias.

    Raises
    ------
    UnknownVersionError
        None has it; the message names the nearest.
    """
    if not isinstance(name, str):
        raise ArgumentError(f"A version is a file name as text; got {name!r}.")
    names: dict[str, Release] = {}
    for release in releases:
        for known in (release.db_file, *release.aliases):
            names[known] = release
    for known in (name, f"{name}.sqlite"):
        if known in names:
            return names[known]
    raise UnknownVersionError(
        f"There is no version {name!r}. {did_you_mean(name, names)} list_versions() shows all; "
        "load_sqlite(path) opens any file."
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
    wanted = set(schema_versions)
    for release in shipped_catalogue():
        if release.schema_version in wanted and release.release_version:
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
