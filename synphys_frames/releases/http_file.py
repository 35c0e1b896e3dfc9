"""A file behind a http or https URL, read by requests with connections that are kept."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin

import requests
import urllib3
from requests.adapters import HTTPAdapter

from ..errors import FetchError, RemoteChangedError
from ..options import config
from .remote_file import (
    RemoteState,
    TransientError,
    mark_of,
    not_found,
    public_url,
    without_secrets,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


CONNECTIONS = 8
_CHUNK = 1 << 18
_OK, _PARTIAL_CONTENT = 200, 206
_GONE = (401, 403, 404, 410)
# Too early, too many requests, and what may work with another server of the same name.
_PASSING = (408, 421, 425, 429)
_BUSY = (429, 503)
_FIRST_FAULT = 500
_TAKEN = ("auth", "cookies", "headers", "trust_env")
# Of faults of TLS, those that come again.
_LASTING = ("CERTIFICATE", "WRONG_VERSION", "HTTP_REQUEST", "NO_PROTOCOLS", "UNSUPPORTED")


class HttpFile:
    """A file on a web server.

    Parameters
    ----------
    url
        http or https.
    storage_options
        headers, auth (user and password), cookies, trust_env (whether the environment's proxies,
        certificates and ~/.netrc count; they do), at the top or in "client_kwargs".

    Raises
    ------
    FetchError
        Another option.
    """

    def __init__(self, url: str, storage_options: Mapping[str, Any] | None = None) -> None:
        self.url = public_url(url)
        self.takes_ranges: bool | None = None
        self.connections = CONNECTIONS
        self._url = url
        self._expected: RemoteState | None = None
        self._session = _Session(_options(self.url, storage_options))

    def state(self) -> RemoteState:
        """Return size and ETag as they are now, by a HEAD; where that is refused, by one byte."""
        try:
            with self._answer("HEAD", {}) as response:
                length = response.headers.get("Content-Length", "")
                if length.isdecimal():
                    return RemoteState(int(length), mark_of(response.headers))
        except TransientError:
            raise
        except FetchError:
            pass  # a server may give what it does not describe
        with self._answer("GET", {"Range": "bytes=0-0"}) as response:
            length = response.headers.get("Content-Length", "")
            if response.status_code == _PARTIAL_CONTENT:
                length = response.headers.get("Content-Range", "").rpartition("/")[2]
            if length.isdecimal():
                return RemoteState(int(length), mark_of(response.headers))
        raise FetchError(
            f"{self.url}: the server does not say how large the file is, so that a download "
            "could not be told from a part of one. Download it with a browser and open it "
            "with load_sqlite(path)."
        )

    def expect(self, state: RemoteState) -> None:
        """From now on, refuse answers that are of another content."""
        self._expected = state

    def stream(self, start: int, stop: int) -> Iterator[bytes]:
        """Yield the bytes of a range, as they come; there may be more behind it."""
        with self._answer("GET", {"Range": f"bytes={start}-{stop - 1}"}) as response:
            if self._expected is not None:
                problem = _problem(self.url, self._expected, start, response)
                if problem is not None:
                    raise problem
            self.takes_ranges = response.status_code == _PARTIAL_CONTENT
            received = start if self.takes_ranges else 0
            while chunk := self._read(response):
                fresh = chunk[max(start - received, 0) :]
                received += len(chunk)
                if fresh:
                    yield fresh

    def _read(self, response: requests.Response) -> bytes:
        try:
            # What has arrived, and not a full buffer: a break does not lose what came before it.
            chunk: bytes = response.raw.read1(_CHUNK, decode_content=False)
        except (urllib3.exceptions.HTTPError, OSError, ssl.SSLError) as error:
            raise self._translated(error) from self._shown(error)
        return chunk

    def _answer(self, method: str, headers: dict[str, str]) -> requests.Response:
        try:
            response = self._session.request(
                method,
                self._url,
                headers={"Accept-Encoding": "identity"} | headers,
                stream=True,
                allow_redirects=True,
                timeout=(config.timeout, config.timeout),
            )
        except FetchError:
            raise  # of a redirect that is refused
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            raise self._translated(error) from self._shown(error)
        except (ValueError, TypeError) as error:
            raise FetchError(
                f"{self.url} can't be fetched: {without_secrets(str(error))}"
            ) from self._shown(error)
        problem = self._status_problem(response)
        if problem is not None:
            response.close()
            raise problem
        return response

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def _shown(self, error: Exception) -> Exception | None:
        """Return an error as a cause, or None where its message would show what is secret."""
        return error if self.url == self._url else None

    def _status_problem(self, response: requests.Response) -> FetchError | None:
        status = response.status_code
        if status in (_OK, _PARTIAL_CONTENT):
            return None
        said = f"the server answers {status}"
        if status in _GONE:
            return not_found(self.url, said)
        if status < _FIRST_FAULT and status not in _PASSING:
            return FetchError(f"{self.url} can't be fetched: {said}, which is no file.")
        transient = TransientError(f"{self.url}: {said}")
        transient.is_busy = status in _BUSY
        transient.retry_after = retry_after(response.headers.get("Retry-After", ""))
        return transient

    def _translated(self, error: Exception) -> FetchError:
        said = without_secrets(f"{type(error).__name__}: {error}")
        if isinstance(error, requests.exceptions.Timeout | urllib3.exceptions.TimeoutError):
            return TransientError(f"{self.url}: no answer within {config.timeout:g} s")
        lasting = (
            requests.exceptions.InvalidURL,
            requests.exceptions.InvalidSchema,
            requests.exceptions.MissingSchema,
            requests.exceptions.InvalidHeader,
            requests.exceptions.InvalidProxyURL,
            requests.exceptions.TooManyRedirects,
            urllib3.exceptions.LocationParseError,
        )
        by_tls = isinstance(error, requests.exceptions.SSLError | urllib3.exceptions.SSLError)
        refused = isinstance(error, requests.exceptions.ProxyError) and " 407 " in said
        if isinstance(error, lasting) or refused:
            return FetchError(f"{self.url} can't be fetched: {said}")
        if by_tls and any(word in said.upper() for word in _LASTING):
            return FetchError(f"{self.url} can't be fetched: {said}")
        return TransientError(f"{self.url}: {said}")


class _Session(requests.Session):
    """One pool of connections, which takes nothing secret to another host."""

    def __init__(self, options: dict[str, Any]) -> None:
        super().__init__()
        self._own_headers = dict(options.get("headers") or {})
        self.headers.update(self._own_headers)
        self.auth = options.get("auth")
        self.trust_env = bool(options.get("trust_env", True))
        self.cookies.update(options.get("cookies") or {})
        adapter = HTTPAdapter(pool_maxsize=CONNECTIONS, max_retries=0)
        for scheme in ("http://", "https://"):
            self.mount(scheme, adapter)

    def get_redirect_target(self, resp: requests.Response) -> str | None:
        """Return where an answer leads; refuse to go on without encryption."""
        target: str | None = super().get_redirect_target(resp)
        if target is not None and resp.url.startswith("https:"):
            whole = urljoin(resp.url, target)
            if not whole.startswith("https:"):
                resp.close()
                raise FetchError(
                    f"{public_url(resp.url)} can't be fetched: it leads to {public_url(whole)}, "
                    "which is not encrypted."
                )
        return target

    def rebuild_auth(
        self, prepared_request: requests.PreparedRequest, response: requests.Response
    ) -> None:
        """Take off what was meant for the first host where an answer leads to another."""
        super().rebuild_auth(prepared_request, response)  # type: ignore[no-untyped-call]
        before, after = response.request.url or "", prepared_request.url or ""
        if self.should_strip_auth(before, after):  # type: ignore[no-untyped-call]
            for name in (*self._own_headers, "Cookie"):
                prepared_request.headers.pop(name, None)


def _options(url: str, storage_options: Mapping[str, Any] | None) -> dict[str, Any]:
    options = dict(storage_options or {})
    client = options.pop("client_kwargs", None) or {}
    taken = {**client, **options}
    unknown = [name for name in taken if name not in _TAKEN]
    if unknown:
        raise FetchError(
            f"{url} can't be fetched: storage_options of web servers are {', '.join(_TAKEN)}; got "
            f"{', '.join(map(repr, unknown))}."
        )
    if taken.get("auth") is not None:
        taken["auth"] = tuple(taken["auth"])
    return taken


def retry_after(text: str) -> float:
    """Return the seconds of a Retry-After, which may be a date."""
    if text.isascii() and text.isdecimal():
        return float(text[:9])
    try:
        date = parsedate_to_datetime(text)
    except ValueError:
        return 0.0
    if date.tzinfo is None:
        date = date.replace(tzinfo=UTC)
    return max((date - datetime.now(UTC)).total_seconds(), 0.0)


def _problem(
    url: str, expected: RemoteState, start: int, response: requests.Response
) -> FetchError | None:
    """Return what is wrong with an answer to a request for bytes from a position on."""
    headers = response.headers
    is_partial = response.status_code == _PARTIAL_CONTENT
    mark = mark_of(headers)
    if headers.get("Last-Modified") == expected.etag:
        mark = expected.etag
    if expected.etag is not None and mark is not None and mark != expected.etag:
        if "ETag" not in headers and not is_partial:
            return TransientError(f"{url}: the answer is not of the file (it has no ETag)")
        return RemoteChangedError(
            f"{url} changed on the server: its ETag was {expected.etag}, now {mark}"
        )
    if headers.get("Content-Encoding", "identity") != "identity":
        return TransientError(f"{url}: the answer is compressed, which was not asked for")
    length = headers.get("Content-Length")
    if is_partial:
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
    is_size = length is not None and length.isdecimal() and int(length) == expected.size
    if not is_size or (expected.etag and mark is None):
        return TransientError(f"{url}: the answer is not of the file ({length} bytes)")
    return None
