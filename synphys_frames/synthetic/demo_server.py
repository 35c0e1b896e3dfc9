"""A small HTTP server on loopback that serves a release, for the demonstration."""

from __future__ import annotations

import hashlib
import json
import os
import sys
import threading
import time
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


CATALOGUE = "catalogue.json"
_HOST = "127.0.0.1"


@contextmanager
def serve(files: dict[str, Path], schema_version: str, *, slow: float = 0.0) -> Iterator[str]:
    """Serve release files and a catalogue of them, with ranges and ETags, while the block runs.

    Parameters
    ----------
    files
        The files by the names they are published under.
    schema_version
        Their schema version.
    slow
        Seconds that each range takes, so that a progress bar can be seen.

    Yields
    ------
    str
        URL of the catalogue.
    """
    contents = {name: path.read_bytes() for name, path in files.items()}
    server = _Server((_HOST, 0), _handler(contents, schema_version, slow))
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    before = {name: os.environ.get(name) for name in ("no_proxy", "NO_PROXY")}
    # What is on this machine is never behind the network's proxy.
    os.environ.update(dict.fromkeys(before, _HOST))
    try:
        yield f"http://{_HOST}:{server.server_port}/{CATALOGUE}"
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
        server.shutdown()
        server.server_close()
        thread.join()


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of a client that went away: the demonstration breaks a download off."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


def _handler(
    contents: dict[str, bytes], schema_version: str, slow: float
) -> type[BaseHTTPRequestHandler]:
    return type(
        "Handler",
        (_Handler,),
        {"contents": contents, "schema_version": schema_version, "slow": slow},
    )


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    contents: ClassVar[dict[str, bytes]]
    schema_version: ClassVar[str]
    slow: ClassVar[float]

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self.wfile.write(self._answer())

    def _answer(self) -> bytes:
        name = self.path.lstrip("/")
        if name == CATALOGUE:
            return self._send(self._catalogue(), HTTPStatus.OK, {})
        if name not in self.contents:
            return self._send(b"no such file\n", HTTPStatus.NOT_FOUND, {})
        return self._send_range(self.contents[name])

    def _catalogue(self) -> bytes:
        listed = [{"file": file, "schema_version": self.schema_version} for file in self.contents]
        base = f"http://{self.headers['Host']}"
        return json.dumps({"default_url_path": base, "databases": listed}).encode()

    def _send_range(self, content: bytes) -> bytes:
        etag = f'"{hashlib.sha256(content).hexdigest()[:16]}"'
        headers = {"ETag": etag, "Accept-Ranges": "bytes"}
        asked = self.headers.get("Range")
        if asked is None:
            return self._send(content, HTTPStatus.OK, headers)
        first, _, last = asked.removeprefix("bytes=").partition("-")
        start, stop = int(first), min(int(last or len(content)) + 1, len(content))
        headers["Content-Range"] = f"bytes {start}-{stop - 1}/{len(content)}"
        time.sleep(self.slow)
        return self._send(content[start:stop], HTTPStatus.PARTIAL_CONTENT, headers)

    def _send(self, body: bytes, status: HTTPStatus, headers: dict[str, str]) -> bytes:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        return body

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Keep quiet: the demonstration tells its own story."""
