"""A file behind a URL: its size and ETag, and its bytes from any position on, through fsspec."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .._apart import import_whole
from ..errors import FetchError, NotFoundError, RemoteChangedError
from ..options import config

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


_HTTP = ("http://", "https://")
_GONE = (401, 403, 404, 410)
_PARTIAL_CONTENT = 206
_FIRST_ERROR = 400
_HTTP_CHUNK = 1 << 18
_OTHER_CHUNK = 1 << 20
# What file systems call the mark that changes with the content, best first.
_MARKS = ("ETag", "etag", "Last-Modified", "LastModified", "last_modified", "mtime", "created")


class TransientError(FetchError):
    """Something that may well work the next time.

    Attributes
    ----------
    retry_after
        Seconds that the server asks to wait, 0 where it says nothing.
    timed_out
        Whether there was no answer at all, which took its time.
    """

    retry_after: float = 0.0
    timed_out: bool = False


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
        import_whole("fsspec")
        import fsspec

        self.url = url
        self._expected: RemoteState | None = None
        options = dict(storage_options or {})
        self._is_http = url.startswith(_HTTP)
        if self._is_http:
            options = {"skip_instance_cache": True, "client_kwargs": self._client()} | options
        try:
            self._filesystem, self._path = fsspec.core.url_to_fs(url, **options)
        except (ImportError, ValueError, OSError) as error:
            raise FetchError(f"{url} can't be fetched: {error}") from error

    def _client(self) -> dict[str, Any]:
        import_whole("aiohttp")
        import aiohttp

        timeout = aiohttp.ClientTimeout(
            total=None, sock_connect=config.timeout, sock_read=config.timeout
        )
        guard = aiohttp.TraceConfig()
        guard.on_request_end.append(self._check_answer)
        return {"timeout": timeout, "trace_configs": [guard], "trust_env": True}

    async def _check_answer(self, _session: Any, _context: Any, answer: Any) -> None:
        """Refuse an answer that is not of the content, or not the part, that was asked for."""
        response = answer.response
        asked = answer.headers.get("Range")
        if self._expected is None or asked is None or response.status >= _FIRST_ERROR:
            return
        start = int(asked.removeprefix("bytes=").partition("-")[0])
        problem = _problem(self._expected, start, response)
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
        return RemoteState(int(size), _mark(info))

    def expect(self, state: RemoteState) -> None:
        """From now on, refuse answers that are of another content."""
        self._expected = state

    def stream(self, start: int, stop: int) -> Iterator[bytes]:
        """Yield the bytes of a range, as they come; there may be more behind it.

        A server that can't send ranges is read from the beginning, and what is there already is
        dropped.

        Raises
        ------
        RemoteChangedError
            The content is another one by now.
        NotFoundError, TransientError
            As for `state`; also where an answer is not of the file.
        """
        read = self._stream_http if self._is_http else self._stream_other
        return read(start, stop)

    def _stream_http(self, start: int, stop: int) -> Iterator[bytes]:
        headers = {"Range": f"bytes={start}-{stop - 1}", "Accept-Encoding": "identity"}
        with (
            _Translated(self.url),
            self._filesystem.open(self._path, "rb", block_size=0, size=1, headers=headers) as file,
        ):
            received = start if file.r.status == _PARTIAL_CONTENT else 0
            while chunk := file.read(_HTTP_CHUNK):
                fresh = chunk[max(start - received, 0) :]
                received += len(chunk)
                if fresh:
                    yield bytes(fresh)

    def _stream_other(self, start: int, stop: int) -> Iterator[bytes]:
        for begin in range(start, stop, _OTHER_CHUNK):
            with _Translated(self.url):
                data = self._filesystem.cat_file(
                    self._path, start=begin, end=min(begin + _OTHER_CHUNK, stop)
                )
            if not data:
                return
            yield bytes(data)


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
    import aiohttp

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
    said = f"the server answers {status}" if status else f"{type(cause).__name__}: {cause}"
    said = said.rstrip(": ")
    if isinstance(cause, aiohttp.InvalidURL | aiohttp.ClientSSLError | ValueError):
        return FetchError(f"{url} can't be fetched: {said}.")
    timed_out = isinstance(cause, TimeoutError)
    if timed_out:
        said = f"no answer within {config.timeout:g} s"
    transient = TransientError(f"{url}: {said}")
    transient.timed_out = timed_out
    asked = (getattr(cause, "headers", None) or {}).get("Retry-After", "")
    if asked.isdecimal():
        transient.retry_after = float(asked)
    return transient


def _mark(facts: Mapping[str, Any]) -> str | None:
    marks = [facts[mark] for mark in _MARKS if facts.get(mark)]
    return str(marks[0]).removeprefix("W/") if marks else None


def _problem(expected: RemoteState, start: int, response: Any) -> FetchError | None:
    """Return what is wrong with an answer to a request for bytes from a position on."""
    headers, url = response.headers, response.url
    mark = _mark(headers)
    if headers.get("Last-Modified") == expected.etag:
        mark = expected.etag
    if expected.etag is not None and mark is not None and mark != expected.etag:
        if "ETag" not in headers and not _is_partial(response):
            return TransientError(f"{url}: the answer is not of the file (it has no ETag)")
        return RemoteChangedError(
            f"{url} changed on the server: its ETag was {expected.etag}, now {mark}"
        )
    if headers.get("Content-Encoding", "identity") != "identity":
        return TransientError(f"{url}: the answer is compressed, which was not asked for")
    length = headers.get("Content-Length")
    if _is_partial(response):
        given = headers.get("Content-Range", "")
        total = given.rpartition("/")[2]
        if total.isdecimal() and int(total) != expected.size:
            return RemoteChangedError(
                f"{url} changed on the server: it had {expected.size:,} bytes, now {int(total):,}"
            )
        if not given.startswith(f"bytes {start}-"):
            return TransientError(
                f"{url}: asked for bytes from {start} on, the server sends "
                f"{given or 'no Content-Range'}"
            )
        return None
    # The whole file, from a server that ignores ranges; or a page that something else sent.
    if length is None or int(length) != expected.size or (expected.etag and mark is None):
        return TransientError(f"{url}: the answer is not of the file ({length} bytes)")
    return None


def _is_partial(response: Any) -> bool:
    return bool(response.status == _PARTIAL_CONTENT)
