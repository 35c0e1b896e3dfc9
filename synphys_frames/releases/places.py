"""Which kind of file a URL is of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .._apart import import_whole
from .remote_file import FilesystemFile

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .remote_file import RemoteFile


def remote_file(url: str, storage_options: Mapping[str, Any] | None) -> RemoteFile:
    """Return the file behind a URL."""
    if url.startswith(("http://", "https://")):
        import_whole("requests")
        from .http_file import HttpFile

        return HttpFile(url, storage_options)
    return FilesystemFile(url, storage_options)
