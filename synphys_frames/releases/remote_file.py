"""A file behind a URL: its size and ETag, and its bytes from any position on."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlsplit, urlunsplit

from .._apart import import_whole
from ..errors import FetchError, NotFoundError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


_CHUNK = 1 << 20
# What file systems call the mark that changes with the content, best first.
_MARKS = ("ETag", "etag", "Last-Modified", "LastModified", "last_modified", "mtime", "created")
# Of which several ranges at once are faster than one.
_FAR = frozenset({"s3", "s3a", "gs", "gcs", "abfs", "abfss", "az", "oci", "oss"})


class TransientError(FetchError):
    """Something that may well work the next time.

    Attributes
    ----------
    retry_after
        Seconds that the server asks to wait, 0 where it says nothing.
    is_busy
        Whether the server has too much to do.
    """

    retry_after: float = 0.0
    is_busy: bool = False


@dataclass(frozen=True, slots=True)
class RemoteState:
    """What tells whether two reads are of the same content.

    Attributes
    ----------
    size
        Length in bytes.
    etag
        The ETag without its mark of weakness, else a date; None where the server gives neither.
    """

    size: int
    etag: str | None


class RemoteFile(Protocol):
    """A file behind a URL.

    Attributes
    ----------
    url
        Of the file, without what is secret in it.
    takes_ranges
        Whether it can be read from any position on; None before it was tried.
    connections
        How many ranges of it may be read at once.
    """

    url: str
    takes_ranges: bool | None
    connections: int

    def state(self) -> RemoteState:
        """Return size and ETag as they are now.

        Raises
        ------
        NotFoundError
            The server does not have the file, or does not give it.
        TransientError
            No answer, or one that may be different the next time.
        """

    def expect(self, state: RemoteState) -> None:
        """From now on, refuse answers that are of another content."""

    def stream(self, start: int, stop: int) -> Iterator[bytes]:
        """Yield the bytes of a range, as they come; there may be more behind it.

        A server that can't send ranges is read from the beginning, and what is before the range is
        dropped. Several threads may do so at once.

        Raises
        ------
        RemoteChangedError
            The content is another one by now.
        NotFoundError, TransientError
            As for `state`; also where an answer is not of the file.
        """

    def close(self) -> None:
        """Close what is open to the server."""


def public_url(url: str) -> str:
    """Return a URL without user, password and query, which may be secret.

    Examples
    --------
    >>> public_url("https://me:secret@host/file.sqlite?token=secret")
    'https://host/file.sqlite?...'
    """
    try:
        parts = urlsplit(url)
    except ValueError:
        return without_secrets(url)
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit((parts.scheme, host, parts.path, "..." if parts.query else "", ""))


def without_secrets(text: str) -> str:
    """Return a message without users, passwords and queries of the URLs in it."""
    return re.sub(r"\?[^\s'\")]+", "?...", re.sub(r"//[^/@\s'\"]*@", "//", text))


def mark_of(facts: Mapping[str, Any]) -> str | None:
    """Return what changes with the content, of what a server or a file system says of a file."""
    marks = [facts[mark] for mark in _MARKS if facts.get(mark)]
    return str(marks[0]).removeprefix("W/") if marks else None


def not_found(url: str, said: str) -> NotFoundError:
    """Return the error for a file that the server does not have, or does not give."""
    return NotFoundError(
        f"{url} can't be fetched: {said}. list_versions() shows the published files; "
        "synphys_frames.config.catalogue_url is where the list comes from."
    )


class FilesystemFile:
    """A file of any file system that fsspec knows.

    Parameters
    ----------
    url
        s3, file, memory, ...
    storage_options
        For the fsspec file system of that URL.
    """

    def __init__(self, url: str, storage_options: Mapping[str, Any] | None = None) -> None:
        import_whole("fsspec")
        import fsspec

        self.url = public_url(url)
        self._is_public = self.url == url
        self.takes_ranges: bool | None = None
        self.connections = 8 if url.partition("://")[0] in _FAR else 1
        try:
            self._filesystem, self._path = fsspec.core.url_to_fs(url, **(storage_options or {}))
        except Exception as error:  # noqa: BLE001 - each file system has errors of its own
            said = without_secrets(f"{type(error).__name__}: {error}")
            raise FetchError(f"{self.url} can't be fetched: {said}") from self._shown(error)

    def state(self) -> RemoteState:
        """Return size and mark as they are now."""
        try:
            info = self._filesystem.info(self._path)
        except Exception as error:  # noqa: BLE001 - each file system has errors of its own
            raise self._translated(error) from self._shown(error)
        if info.get("type") == "directory":
            raise NotFoundError(f"{self.url} is a folder, not a file.")
        if info.get("size") is None:
            raise FetchError(f"{self.url} can't be fetched: its size is not known.")
        return RemoteState(int(info["size"]), mark_of(info))

    def expect(self, state: RemoteState) -> None:
        """Take the state as it is: what it was is asked again at the end."""

    def stream(self, start: int, stop: int) -> Iterator[bytes]:
        """Yield the bytes of a range."""
        for begin in range(start, stop, _CHUNK):
            try:
                data = self._filesystem.cat_file(
                    self._path, start=begin, end=min(begin + _CHUNK, stop)
                )
            except Exception as error:  # noqa: BLE001 - each file system has errors of its own
                raise self._translated(error) from self._shown(error)
            self.takes_ranges = True
            if not data:
                return
            yield bytes(data)

    def close(self) -> None:
        """Do nothing: fsspec keeps its file systems."""

    def _shown(self, error: Exception) -> Exception | None:
        """Return an error as a cause, or None where its message would show what is secret."""
        return error if self._is_public else None

    def _translated(self, error: Exception) -> FetchError:
        if isinstance(error, FileNotFoundError):
            return not_found(self.url, "there is no such file")
        said = without_secrets(f"{type(error).__name__}: {error}")
        if type(error).__name__ == "NoCredentialsError":
            return FetchError(
                f"{self.url} can't be fetched: {said}. For a public bucket: "
                'storage_options={"anon": True}.'
            )
        if isinstance(error, PermissionError | TypeError | ValueError | NotImplementedError):
            return FetchError(f"{self.url} can't be fetched: {said}")
        return TransientError(f"{self.url}: {said}")
