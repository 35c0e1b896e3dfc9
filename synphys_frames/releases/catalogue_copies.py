"""The catalogue of a server, its copy in the cache, and the list in the package."""

from __future__ import annotations

import json
import logging
import time
from contextlib import suppress
from threading import Thread
from typing import TYPE_CHECKING, Any

from .._cached_property import cached_property
from .._files import atomic_write, open_regular
from ..errors import CatalogueError
from ..options import config
from ..schema import read_data
from .cache_layout import catalogue_path
from .catalogue import Release, parse_catalogue, shipped_catalogue
from .remote_file import public_url, without_secrets

if TYPE_CHECKING:
    from pathlib import Path


_log = logging.getLogger(__name__)

_CONNECT_TIMEOUT = 5.0
# How long a list that is kept may wait for a newer one.
_PATIENCE = 2.0
_MOST_BYTES = 10_000_000
_CHUNK = 1 << 16


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
        for want of a network. Where another list could serve, the server has 2 seconds; it may go
        on answering in the background, for the next time.

    Raises
    ------
    CatalogueError
        The server gives something else than a catalogue, and there is no kept copy.
    """
    url = url or config.catalogue_url
    kept = _KeptCatalogue(cache_path, url)
    known = kept.releases
    is_the_packages = url == read_data("releases.json")["catalogue_url"]
    question = _Question(kept)
    question.start()
    seconds = _PATIENCE if known or is_the_packages else config.timeout
    question.join(seconds)
    if question.releases is not None:
        return question.releases
    error = question.error
    if error is None:
        error = TimeoutError(f"no answer within {seconds:g} s")
    if isinstance(error, CatalogueError) and known is None:
        raise error
    if _is_no_url(error):
        raise CatalogueError(
            f"catalogue_url {public_url(url)!r} can't be used: {without_secrets(str(error))}. It "
            "takes a http or https URL."
        ) from (error if public_url(url) == url else None)
    if not is_the_packages or isinstance(error, CatalogueError):
        said = without_secrets(str(error))
        _log.warning("The list of versions at %s can't be read: %s", public_url(url), said)
    return known or list(shipped_catalogue())


def kept_catalogues(cache_path: Path) -> list[list[Release]]:
    """Return the lists of releases that need no network, best first."""
    kept = _KeptCatalogue(cache_path, config.catalogue_url).releases
    return [*([kept] if kept else []), list(shipped_catalogue())]


def refresh_for_next_time(cache_path: Path) -> None:
    """Ask the server in the background what is new, and keep the answer."""
    _Question(_KeptCatalogue(cache_path, config.catalogue_url)).start()


def _is_no_url(error: BaseException) -> bool:
    import requests

    kinds = (
        requests.exceptions.InvalidSchema,
        requests.exceptions.MissingSchema,
        requests.exceptions.InvalidURL,
    )
    return isinstance(error, kinds)


class _Question(Thread):
    """What a server answers, asked in the background: nothing else bounds its time as a whole."""

    def __init__(self, kept: _KeptCatalogue) -> None:
        super().__init__(name="catalogue", daemon=True)
        self._kept = kept
        self.releases: list[Release] | None = None
        self.error: Exception | None = None

    def run(self) -> None:
        """Ask, and keep the answer."""
        try:
            self.releases = self._kept.refresh()
        except (CatalogueError, OSError, ValueError, RecursionError) as error:
            # requests' errors about a URL that is none are ValueErrors, as is a page without JSON.
            self.error = error


class _KeptCatalogue:
    """The copy of one catalogue in the cache, with the ETag that it came with."""

    def __init__(self, cache_path: Path, url: str) -> None:
        self.url = url
        self._file = catalogue_path(cache_path, url)

    @cached_property
    def _content(self) -> dict[str, Any]:
        try:
            with open_regular(self._file) as file:
                kept = json.loads(file.read(2 * _MOST_BYTES))
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, RecursionError) as error:
            _log.warning("The kept list of versions %s can't be read: %s", self._file, error)
            return {}
        return kept if isinstance(kept, dict) else {}

    @cached_property
    def releases(self) -> list[Release] | None:
        """The kept releases, or None where there are none that can be used."""
        kept = self._content
        if not kept:
            return None
        try:
            return parse_catalogue(kept["catalogue"], public_url(self.url))
        except (CatalogueError, KeyError) as error:
            _log.warning("The kept list of versions %s can't be used: %s", self._file, error)
            return None

    def refresh(self) -> list[Release]:
        """Return the server's releases, or the kept ones where they are still those."""
        import requests

        kept = self.releases
        etag = self._content.get("etag")
        usable = isinstance(etag, str) and etag.isascii() and etag.isprintable()
        with requests.get(
            self.url,
            headers={"If-None-Match": etag} if usable and kept is not None else {},
            timeout=(min(_CONNECT_TIMEOUT, config.timeout), config.timeout),
            stream=True,
        ) as answer:
            if answer.status_code == requests.codes.not_modified:
                if kept is None:
                    raise OSError("the server says that nothing changed, and nothing is kept")
                return kept
            answer.raise_for_status()
            content = json.loads(_body(answer))
            mark = answer.headers.get("ETag")
        releases = parse_catalogue(content, public_url(self.url))
        self._write({"url": self.url, "etag": mark, "catalogue": content})
        return releases

    def _write(self, kept: dict[str, Any]) -> None:
        # A cache that can't be written only means asking the server again next time.
        with suppress(OSError):
            self._file.parent.mkdir(parents=True, exist_ok=True)
            with atomic_write(self._file) as draft:
                draft.write_text(json.dumps(kept), encoding="utf-8")


def _body(answer: Any) -> bytes:
    """Return what a server sends, of a bounded size, in a bounded time."""
    body, end = bytearray(), time.monotonic() + config.timeout
    for chunk in answer.iter_content(_CHUNK):
        body += chunk
        if len(body) > _MOST_BYTES:
            raise OSError(f"the answer has more than {_MOST_BYTES:,} bytes")
        if time.monotonic() > end:
            raise TimeoutError(f"the answer takes longer than {config.timeout:g} s")
    return bytes(body)
