"""What tells that a file is still the same."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class FileState:
    """What tells without reading a file that it is still the same.

    Its size and the times, in nanoseconds, at which its content and anything of it last changed;
    the number by which the file system knows it.
    """

    size: int
    modified: int
    changed: int
    inode: int

    @classmethod
    def of(cls, path: Path) -> FileState:
        """Return the state of a file."""
        status = path.stat()
        return cls(status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino)

    def has_same_content(self, other: FileState) -> bool:
        """Return whether both are of one content, as far as can be told without reading it.

        The number counts for nothing here: some network file systems give another one at any time.
        """
        return (self.size, self.modified) == (other.size, other.modified)
