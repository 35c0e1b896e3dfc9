"""A file behind a URL: its size and ETag, and ranges of its bytes, through fsspec."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .config import config
from .errors import FetchError, NotFoundError, RemoteChangedError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_HTTP = ("http://", "https://")
_GONE = (401, 403, 404, 410)
_PARTIAL_CONTENT = 206
_STREAM_BYTES = 1 << 18
# What file systems call the mark that changes with the content, best first.
_MARKS = ("ETag", "etag", "Last-Modified", "LastModified", "last_modified", "mtime", "created")


class TransientError(FetchError):
    """Something that may well work the next time."""


class RangesIgnoredError(FetchError):
    """The server sends the whole file whatever range is asked for."""


@dataclass(frozen=True, slots=True)
class RemoteState:
    """What tells whether two reads are of the same content."""

    size: int
    etag: str | None


class RemoteFile:
    """A file behind any URL that fsspec knows.

    Parameters
    ----------
    url
        https, s3, file, memory, ...
    storage_options
        For the fsspec file system of that URL.
    """

    def __init__(self, url: str, storage_options: Mapping[str, Any] | None = None) -> None:
        import fsspec

        self.url = url
        self._expected: RemoteState | None = None
        options = dict(storage_options or {})
        self._is_http = url.startswith(_HTTP)
        if self._is_http:
            options = {"skip_instance_cache": True, "client_kwargs": self._client()} | options
        try:
            self._filesystem, self._path = fsspec.core.url_to_fs(url, **options)
        except (ImportError, ValueError) as error:
            raise FetchError(f"{url} can't be fetched: {error}") from error

    def _client(self) -> dict[str, Any]:
        import aiohttp

        timeout = aiohttp.ClientTimeout(
            total=None, sock_connect=config.timeout, sock_read=config.timeout
        )
        guard = aiohttp.TraceConfig()
        guard.on_request_end.append(self._check_answer)
        return {"timeout": timeout, "trace_configs": [guard], "trust_env": True}

    async def _check_answer(self, _session: Any, _context: Any, answer: Any) -> None:
        """Refuse an answer that is not of the content, or not the range, that was asked for."""
        response = answer.response
        wanted = answer.headers.get("Range")
        if self._expected is None or response.status >= 400:
            return
        problem = _changed(self._expected, response)
        if problem is None and wanted is not None:
            problem = _wrong_range(self._expected, wanted, response)
        if problem is not None:
            response.close()
            raise problem

    def state(self) -> RemoteState:
        """Return size and ETag as they are now.

        Raises
        ------
        NotFoundError
            The server does not have the file, or does not give it.
        TransientError
            No answer, or one that may be different the next time.
        """
        self._expected = None
        with _Translated(self.url):
            info = self._filesystem.info(self._path)
        size = info.get("size")
        if info.get("type") == "directory":
            raise NotFoundError(f"{self.url} is a folder, not a file.")
        if size is None:
            raise FetchError(
                f"{self.url}: the server does not say how large the file is, so that a download "
                "could not be told from a part of one. Download it with a browser and open it "
                "with load_sqlite(path)."
            )
        marks = [info[mark] for mark in _MARKS if info.get(mark)]
        return RemoteState(int(size), str(marks[0]) if marks else None)

    def expect(self, state: RemoteState) -> None:
        """From now on, refuse answers that are of another content."""
        self._expected = state

    def read(self, start: int, stop: int) -> bytes:
        """Return the bytes of a range, all of them.

        Raises
        ------
        RangesIgnoredError
            The server sends something else than the range; `stream` may work.
        RemoteChangedError
            The content is another one by now.
        NotFoundError, TransientError
            As for `state`.
        """
        with _Translated(self.url):
            data = self._filesystem.cat_file(self._path, start=start, end=stop)
        if len(data) != stop - start:
            raise TransientError(
                f"{self.url}: {len(data):,} bytes came for a range of {stop - start:,}"
            )
        return bytes(data)

    def stream(self, start: int) -> Iterator[bytes]:
        """Yield the bytes from a position on, for servers that can't send ranges.

        The bytes before the position are received, too, and dropped.
        """
        with (
            _Translated(self.url),
            self._filesystem.open(self._path, "rb", block_size=0) as file,
        ):
            position = 0
            while chunk := file.read(_STREAM_BYTES):
                fresh = chunk[max(start - position, 0) :]
                position += len(chunk)
                if fresh:
                    yield bytes(fresh)


class _Translated:
    """Turns what file systems raise into errors that say whether to try again."""

    def __init__(self, url: str) -> None:
        self._url = url

    def __enter__(self) -> None:
        return None

    def __exit__(self, _type: object, error: BaseException | None, _traceback: object) -> None:
        if error is None or isinstance(error, FetchError) or not isinstance(error, Exception):
            return
        raise _translated(self._url, error) from error


def _translated(url: str, error: Exception) -> FetchError:
    # fsspec gives FileNotFoundError for whatever goes wrong; its cause tells what it was.
    cause = error.__cause__ if isinstance(error.__cause__, Exception) else error
    if isinstance(cause, FetchError):
        return cause
    status = getattr(cause, "status", None)
    if status in _GONE or (status is None and isinstance(cause, FileNotFoundError)):
        said = f"the server answers {status}" if status else "there is no such file"
        return NotFoundError(
            f"{url} can't be fetched: {said}. list_versions() shows the published files; "
            "synphys_frames.config.catalogue_url is where the list comes from."
        )
    if isinstance(cause, asyncio.TimeoutError | TimeoutError):
        return TransientError(f"{url}: no answer within {config.timeout:g} s")
    said = f"the server answers {status}" if status else f"{type(cause).__name__}: {cause}"
    return TransientError(f"{url}: {said.rstrip(': ')}")


def _changed(expected: RemoteState, response: Any) -> FetchError | None:
    etag = response.headers.get("ETag")
    if etag is not None and expected.etag is not None and etag != expected.etag:
        # A date serves as the mark only where a server gives no ETag.
        if response.headers.get("Last-Modified") == expected.etag:
            return None
        return RemoteChangedError(
            f"{response.url} changed on the server: its ETag was {expected.etag}, now {etag}"
        )
    return None


def _wrong_range(expected: RemoteState, wanted: str, response: Any) -> FetchError | None:
    start, _, stop = wanted.removeprefix("bytes=").partition("-")
    if response.status != _PARTIAL_CONTENT:
        if int(start) == 0 and int(stop) >= expected.size - 1:
            return None
        return RangesIgnoredError(f"{response.url}: the server ignores ranges")
    given = response.headers.get("Content-Range", "")
    if not given.startswith(f"bytes {start}-"):
        return RangesIgnoredError(
            f"{response.url}: asked for {wanted}, the server sends {given or 'no Content-Range'}"
        )
    total = given.rpartition("/")[2]
    if total.isdigit() and int(total) != expected.size:
        return RemoteChangedError(
            f"{response.url} changed on the server: it had {expected.size:,} bytes, now "
            f"{int(total):,}"
        )
    return None
