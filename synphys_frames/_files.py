"""Files on disk: their state, their digest, writing them whole, one process at a time."""

from __future__ import annotations

import errno
import math
import os
import re
import stat
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from io import BufferedReader

_DRAFT = re.compile(r"\.(.+)\.[0-9]+-[0-9a-f]{8}\.tmp")
# What Windows takes for a device, in any folder.
_DEVICE = re.compile(
    r"(CON|PRN|AUX|NUL|CONIN\$|CONOUT\$|(COM|LPT)[0-9¹²³]) *(\..*)?", re.IGNORECASE
)
# File systems take 255 bytes; a part of them is for endings.
_LONGEST_NAME = 200
_LOCK_STEP = 0.1


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


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file's content, as hexadecimal digits."""
    import hashlib

    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def open_regular(path: Path) -> Iterator[BufferedReader]:
    """Open a regular file to be read, and nothing else that its name may stand for.

    Parameters
    ----------
    path
        The file. Folders above it may be links, it itself may not.

    Raises
    ------
    OSError
        It can't be read, or is a link, a folder, a FIFO, a socket or a device. A FIFO is not waited
        for.
    """
    refused = OSError(errno.EINVAL, "No regular file", str(path))
    # Before it is opened, which alone does something to some devices; and of what was opened.
    if not stat.S_ISREG(path.lstat().st_mode):
        raise refused
    flags = os.O_RDONLY
    for name in ("O_NOFOLLOW", "O_NONBLOCK", "O_BINARY"):
        flags |= getattr(os, name, 0)
    with open(os.open(path, flags), "rb") as file:  # noqa: PTH123
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise refused
        yield file


@contextmanager
def draft_beside(path: Path, mode: int = 0o666) -> Iterator[Path]:
    """Make an empty file beside a path, which is deleted where the block leaves it there.

    It has the permissions of a file that `open` makes, and a name that no other process or thread
    has.

    Parameters
    ----------
    path
        The file that the draft is to become.
    mode
        The permissions that it has at most.

    Yields
    ------
    Path
        The draft, to be written and then moved by `move_into_place`.
    """
    draft = path.with_name(f".{path.name}.{os.getpid()}-{os.urandom(4).hex()}.tmp")
    # Not by tempfile: it makes files for the owner alone, and what open() would give can be learnt
    # from the umask only, which can't be read without setting it for all threads.
    try:
        os.close(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, mode))
        yield draft
    finally:
        draft.unlink(missing_ok=True)


def drafted_name(name: str) -> str | None:
    """Return the name of the file that a draft of `draft_beside` is to become.

    None where a file of this name is no draft.
    """
    draft = _DRAFT.fullmatch(name)
    return None if draft is None else draft[1]


def drafts_in(folder: Path) -> list[Path]:
    """Return the drafts in a folder: of processes that are writing there, or that were killed."""
    return [path for path in folder.iterdir() if drafted_name(path.name) is not None]


def move_into_place(draft: Path, path: Path, *, durable: bool = False) -> None:
    """Give a file its final name; what has that name is replaced at that moment.

    Parameters
    ----------
    draft
        The file, in the same folder.
    path
        Its final name.
    durable
        Whether its content has to be on the disk before, so that not even after a power failure
        the name stands for half of it.
    """
    if durable:
        with draft.open("r+b") as file:
            os.fsync(file.fileno())
    draft.replace(path)


@contextmanager
def atomic_write(path: Path, *, durable: bool = False, mode: int = 0o666) -> Iterator[Path]:
    """Write a file that appears under its name when it is whole, or not at all.

    Parameters
    ----------
    path
        The file; one of that name is replaced at the end.
    durable
        As for `move_into_place`.
    mode
        The permissions that it has at most.

    Yields
    ------
    Path
        An empty file beside it, to be written, which takes its name when the block ends, and is
        deleted where the block raises.

    Raises
    ------
    OSError
        The folder can't be written, or something is in the way.
    """
    with draft_beside(path, mode) as draft:
        yield draft
        move_into_place(draft, path, durable=durable)


@contextmanager
def file_lock(
    path: Path,
    patience: Callable[[], float] = lambda: math.inf,
    *,
    on_wait: Callable[[], object] = lambda: None,
) -> Iterator[None]:
    """Let one thread of one process at a time run a block; the others wait.

    Parameters
    ----------
    path
        The lock file. It is made where it is missing, and stays.
    patience
        Gives the seconds to wait in all; it is asked again and again, since it may change. Default
        for ever.
    on_wait
        Called once where another process or thread has the lock.

    Raises
    ------
    TimeoutError
        Another one had it all the time.
    """
    from filelock import FileLock, Timeout

    lock = FileLock(path)
    begun = time.monotonic()
    try:
        lock.acquire(timeout=0)
    except Timeout:
        on_wait()
    while not lock.is_locked:
        try:
            lock.acquire(timeout=_LOCK_STEP)
        except Timeout:
            if time.monotonic() - begun > patience():
                raise
    try:
        yield
    finally:
        lock.release()


def is_there(path: str) -> bool:
    """Return whether a user's path leads to something; one that can't be a path does not."""
    try:
        return Path(path).expanduser().exists()
    except (OSError, ValueError, RuntimeError):
        return False


def is_plain_name(name: object) -> bool:
    """Return whether a text that data give can name a file in a folder, and nothing outside it."""
    return (
        isinstance(name, str)
        and name not in ("", ".", "..")
        and not name.startswith((".", "~"))
        and not name.endswith((".", " "))
        # No control characters, halves of characters, or marks that turn what is shown around.
        and name.isprintable()
        and not any(character in '/\\:*?"<>|' for character in name)
        and _DEVICE.fullmatch(name) is None
        and len(name.encode()) <= _LONGEST_NAME
    )
