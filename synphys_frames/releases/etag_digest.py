"""The ETag of an object store as a digest of the file."""

from __future__ import annotations

import hashlib
import logging
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


_log = logging.getLogger(__name__)

_ETAG = re.compile(r'"?([0-9a-f]{32})(?:-([1-9][0-9]{0,4}))?"?')
_MIB = 1 << 20
# The lengths of parts that clients of S3 send by default, commonest first.
_PARTS = tuple(size * _MIB for size in (8, 5, 16, 64, 15, 10, 32, 50, 100, 128, 256, 512))
_BLOCK = 1 << 20


def fits_etag(path: Path, etag: str | None) -> bool | None:
    """Return whether a file has the digest that an ETag is, where it is one.

    S3's ETag is the MD5 of a file, or of the MD5s of its parts, with their number behind it; the
    length of the parts is not told.

    Parameters
    ----------
    path
        The file.
    etag
        As a server gives it.

    Returns
    -------
    bool or None
        False where it is such a digest, of parts of a length that clients use, and another one than
        the file's. None where it tells nothing, which is logged.
    """
    form = _ETAG.fullmatch(etag or "")
    if form is None:
        _log.info("%s: the server gives no digest; its content is not checked", path.name)
        return None
    digest, count = form[1], form[2]
    size = path.stat().st_size
    if count is None:
        return _md5_of(path) == digest
    lengths = [length for length in _PARTS if -(-size // length) == int(count)]
    if not lengths:
        _log.warning("%s: its ETag %s is of parts of an unknown length", path.name, etag)
        return None
    return any(_md5_of_parts(path, length) == digest for length in lengths)


def _md5_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def _md5_of_parts(path: Path, length: int) -> str:
    parts = hashlib.md5(usedforsecurity=False)
    with path.open("rb") as file:
        while True:
            part, left = hashlib.md5(usedforsecurity=False), length
            while left and (block := file.read(min(_BLOCK, left))):
                part.update(block)
                left -= len(block)
            if left == length:
                return parts.hexdigest()
            parts.update(part.digest())
