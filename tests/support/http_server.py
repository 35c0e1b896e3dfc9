"""An HTTP server on loopback that serves well, or misbehaves in one named way."""

from __future__ import annotations

import gzip
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass
class Behaviour:
    """What the server does; tests change it while it runs."""

    files: dict[str, bytes] = field(default_factory=dict)
    etags: dict[str, str] = field(default_factory=dict)
    ranges: bool = True
    """False: every GET is answered 200 with the whole file."""
    cut_after: int | None = None
    """The connection closes after so many bytes of a body."""
    cut_times: int | None = None
    """How many answers are cut; None for all."""
    short_by: int = 0
    """Bodies are shorter than the range that they claim to be, and whole as HTTP."""
    shifted: bool = False
    """206 with another range than was asked for."""
    status: int | None = None
    """Every answer has this status."""
    status_times: int | None = None
    delay: float = 0.0
    chunk_delay: float = 0.0
    """Seconds before each 64 kB of a body."""
    silent: bool = False
    """Accepts, and never answers."""
    no_length: bool = False
    pages: dict[int, tuple[dict[str, str], bytes]] = field(default_factory=dict)
    """Answers to the n-th GET of a file, whatever was asked: 200, headers, body."""
    compress: bool = False
    """Content-Encoding gzip where the client accepts it, with another ETag."""
    head: int | None = None
    """Status of every HEAD."""
    redirect_to: str | None = None
    """Every file is at this URL and its name."""
    headers: list[dict[str, str]] = field(default_factory=list)
    """Of each request, by names in small letters."""
    redirect: bool = False
    """Every file is elsewhere."""
    retry_after: str | None = None
    silent_after_gets: int | None = None
    """After so many GETs of files, no answer comes any more."""
    gets: int = 0
    requests: list[tuple[str, str, str | None]] = field(default_factory=list)

    @property
    def is_silent(self) -> bool:
        """Whether no answer comes now."""
        most = self.silent_after_gets
        return self.silent or (most is not None and self.gets >= most)

    def leads_to(self, name: str) -> str | None:
        """Return where a file is instead, if it is elsewhere."""
        if self.redirect and not name.startswith("elsewhere/"):
            return f"/elsewhere/{name}"
        return None if self.redirect_to is None else f"{self.redirect_to}/{name}"

    @property
    def sent_ranges(self) -> list[str]:
        return [asked for method, _, asked in self.requests if method == "GET" and asked]


@contextmanager
def http_server(**behaviour: Any) -> Iterator[tuple[str, Behaviour]]:
    """Run a server while the block runs; yields its URL and its behaviour."""
    state = Behaviour(**behaviour)
    handler = type("Handler", (_Handler,), {"state": state})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    server.handle_error = lambda *_: None  # type: ignore[method-assign]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", state
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    state: Behaviour
    protocol_version = "HTTP/1.1"

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def _answer(self) -> None:
        state = self.state
        asked = self.headers.get("Range")
        state.requests.append((self.command, self.path, asked))
        state.headers.append({name.lower(): value for name, value in self.headers.items()})
        if state.is_silent:
            time.sleep(30)
            return
        time.sleep(state.delay)
        name = self.path.lstrip("/")
        if (place := state.leads_to(name)) is not None:
            self._send(302, b"", {"Location": place})
            return
        name = name.removeprefix("elsewhere/")
        if self.command == "HEAD" and state.head is not None:
            self._send(state.head, b"", {})
            return
        if self.command == "GET" and name in state.files:
            state.gets += 1
            if state.gets in state.pages:
                headers, body = state.pages[state.gets]
                self._send(200, body, headers)
                return
        if state.status is not None and (state.status_times is None or state.status_times > 0):
            if state.status_times is not None:
                state.status_times -= 1
            retry = {} if state.retry_after is None else {"Retry-After": state.retry_after}
            self._send(state.status, b"no", retry)
        elif name not in state.files:
            self._send(404, b"no such file", {})
        elif (
            self.headers.get("If-None-Match") == state.etags.get(name)
            and state.etags.get(name) is not None
        ):
            self._send(304, b"", {"ETag": state.etags[name]})
        else:
            self._send_file(name, asked)

    def _send_file(self, name: str, asked: str | None) -> None:
        state = self.state
        content = state.files[name]
        headers = {"ETag": state.etags[name]} if name in state.etags else {}
        if state.compress and "gzip" in self.headers.get("Accept-Encoding", ""):
            headers = {"ETag": f'"{headers.get("ETag", "x")}-gzip"', "Content-Encoding": "gzip"}
            self._send(200, gzip.compress(content), headers)
            return
        if asked is None or not state.ranges:
            self._send(200, content, headers)
            return
        first, _, last = asked.removeprefix("bytes=").partition("-")
        start = int(first) + (7 if state.shifted else 0)
        stop = min(int(last) + 1 if last else len(content), len(content))
        body = content[start : max(stop - state.short_by, start)]
        headers["Content-Range"] = f"bytes {start}-{stop - 1}/{len(content)}"
        self._send(206, body, headers)

    def _send(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        state = self.state
        self.send_response(status)
        for key, value in headers.items():
            self.send_header(key, value)
        if state.no_length:
            self.send_header("Connection", "close")
            self.close_connection = True
        elif status != 304:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "HEAD" or status == 304:
            return
        cut = state.cut_after is not None and len(body) > state.cut_after
        if cut and (state.cut_times is None or state.cut_times > 0):
            if state.cut_times is not None:
                state.cut_times -= 1
            self.wfile.write(body[: state.cut_after])
            self.wfile.flush()
            self.close_connection = True
            self.connection.close()
        elif state.chunk_delay:
            for start in range(0, len(body), 1 << 16):
                time.sleep(state.chunk_delay)
                self.wfile.write(body[start : start + (1 << 16)])
        else:
            self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Keep quiet."""
