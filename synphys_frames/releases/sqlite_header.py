"""What the first bytes of an SQLite file tell: whether it is one, and whole."""

from __future__ import annotations

import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


MAGIC = b"SQLite format 3\x00"
_HEADER_LENGTH = 100
_WRITE_AHEAD_LOG = 2


@dataclass(frozen=True, slots=True)
class SqliteHeader:
    """The part of an SQLite header that tells whether the file is whole.

    The layout is in "Database File Format" of the SQLite documentation, section 1.3.
    """

    page_size: int
    page_count: int | None
    write_ahead_log: bool

    @classmethod
    def of(cls, path: Path) -> SqliteHeader | None:
        """Return the header of a file, or None where it is not an SQLite file."""
        return cls.parse(_start(path))

    @classmethod
    def parse(cls, header: bytes) -> SqliteHeader | None:
        """Return the header, or None where the bytes are not those of an SQLite file."""
        if len(header) < _HEADER_LENGTH or not header.startswith(MAGIC):
            return None
        page_size = int.from_bytes(header[16:18], "big")
        # Very old writers do not keep the page count; it counts only where both counters agree.
        count_is_kept = header[24:28] == header[92:96]
        count = int.from_bytes(header[28:32], "big")
        return cls(
            page_size=65536 if page_size == 1 else page_size,
            page_count=count if count_is_kept and count else None,
            write_ahead_log=_WRITE_AHEAD_LOG in (header[18], header[19]),
        )

    @property
    def expected_bytes(self) -> int | None:
        """Length that the file should have, or None where the header does not tell."""
        return None if self.page_count is None else self.page_size * self.page_count


def _start(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(_HEADER_LENGTH)


def damage(path: Path) -> str | None:
    """Return what is wrong with a file as an SQLite file, or None where nothing is.

    Only the header and the length are looked at: enough to tell a text page, a truncated download
    or a file with too much appended from a whole file. What is no regular file, such as a pipe, is
    not even opened, which could wait for ever.
    """
    if not stat.S_ISREG(path.stat().st_mode):
        return "it is not a regular file"
    start = _start(path)
    if not start:
        return "it is empty (0 bytes)"
    header = SqliteHeader.parse(start)
    if header is None:
        return f"it is not an SQLite file (it begins with {start[:16]!r})"
    size = path.stat().st_size
    expected = header.expected_bytes
    if expected is not None and size < expected:
        return f"it is truncated: its header says {expected:,} bytes, it has {size:,}"
    if expected is not None and size > expected:
        return f"it is too long: its header says {expected:,} bytes, it has {size:,}"
    return None
