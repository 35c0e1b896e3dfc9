"""The folder of a columnar copy: what in it may be read, and what may be written or deleted."""

from __future__ import annotations

import errno
import logging
import os
import stat
import sys
from typing import TYPE_CHECKING

from .._files import drafts_in, open_regular

if TYPE_CHECKING:
    from pathlib import Path

    from ..releases import ReleaseFiles

_log = logging.getLogger(__name__)

_OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH


class CopyFolder:
    """The folder of a columnar copy beside its release file.

    Nothing is taken from it that somebody can have written who could not have written the release
    as well. It is read by way of no link; nothing is written in a folder that the package did not
    make, and nothing is deleted or replaced but what has a name that the package gives.

    Parameters
    ----------
    release
        The release file, and what lies beside it.
    """

    def __init__(self, release: ReleaseFiles) -> None:
        self._release = release.path
        self._files = release.columns
        self.path = self._files.folder

    def _writers(self) -> tuple[int, os.stat_result, os.stat_result]:
        """Return who besides its owner may write the release, the file or its name, and both."""
        release, around = self._release.stat(), self._release.parent.stat()
        # In a folder with the sticky bit, a file is replaced by its owner only.
        moved = 0 if around.st_mode & stat.S_ISVTX else around.st_mode
        return (moved | release.st_mode) & _OTHERS_WRITE, release, around

    def _require_no_stranger(self, status: os.stat_result, path: Path) -> None:
        """Raise where somebody can write a file or folder who could not write the release."""
        if sys.platform == "win32":  # the permissions there say nothing of others
            return
        others, release, around = self._writers()
        # Whoever can put files beside the release can put another one in its place.
        anyone_put_it = around.st_mode & _OTHERS_WRITE and not around.st_mode & stat.S_ISVTX
        owners = {os.geteuid(), 0, release.st_uid, around.st_uid}
        if status.st_gid not in (release.st_gid, around.st_gid):
            others &= ~stat.S_IWGRP
        strangers_write = status.st_mode & _OTHERS_WRITE & ~others
        if strangers_write or not (anyone_put_it or status.st_uid in owners):
            raise PermissionError(
                errno.EPERM, "Somebody can write it who can not write the release", str(path)
            )

    def require_trusted(self) -> None:
        """Raise unless it is a folder, and of those who can write the release.

        Raises
        ------
        OSError
            It is not there, is a link or no folder, or others can write it.
        """
        status = self.path.lstat()
        if not stat.S_ISDIR(status.st_mode):
            raise NotADirectoryError(errno.ENOTDIR, "No folder, but a link or file", str(self.path))
        self._require_no_stranger(status, self.path)

    def read(self, path: Path, most: int) -> bytes:
        """Return the content of a file in it, of no more than so many bytes.

        It is read, not mapped: whatever becomes of the file, the bytes stay those that are checked.

        Raises
        ------
        OSError
            It is no regular file, others can write it, it is larger, or it can't be read.
        """
        with open_regular(path) as file:
            status = os.fstat(file.fileno())
            self._require_no_stranger(status, path)
            if status.st_size > most:
                raise OSError(errno.EFBIG, f"More than {most:,} bytes", str(path))
            return file.read(status.st_size)

    @property
    def file_mode(self) -> int:
        """The permissions that files in it have at most: nobody writes them but who may."""
        return 0o644 | self._writers()[0]

    def make(self) -> None:
        """Make it where it is missing, or raise where it is not the package's to write in.

        Raises
        ------
        OSError
            It can't be made, is not to be trusted, or the package did not make what is there.
        """
        # What may be written by others may be entered by them.
        self.path.mkdir(0o755 | self._writers()[0], exist_ok=True)
        self.require_trusted()
        with os.scandir(self.path) as entries:
            files = {entry.name: entry.is_file(follow_symlinks=False) for entry in entries}
        # The lock is the first file that the package makes in a folder of its own.
        if files and self._files.lock.name not in files:
            raise OSError(errno.ENOTEMPTY, "No folder of a copy", str(self.path))
        for name, is_regular in files.items():
            if self._files.is_own(name) and not is_regular:
                raise OSError(errno.EINVAL, "No regular file", str(self.path / name))

    def clear_drafts(self) -> None:
        """Delete what processes left that were killed; only who has the lock may do that."""
        for path in drafts_in(self.path):
            self.discard(path)

    def discard(self, path: Path) -> None:
        """Delete a file in it that is one of the package's own, as far as that is possible."""
        try:
            if self._files.is_own(path.name) and stat.S_ISREG(path.lstat().st_mode):
                path.unlink()
        except FileNotFoundError:
            pass
        except OSError as error:
            _log.info("%s can't be deleted: %s", path, error)
