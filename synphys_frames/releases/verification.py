"""Whether a file in the cache is still the one that arrived."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing, suppress
from typing import TYPE_CHECKING

from .._apart import apart
from .._files import atomic_write, open_regular, sha256_of
from ..errors import FetchError, VerificationError
from .cache_layout import ReleaseFiles
from .etag_digest import fits_etag
from .places import remote_file
from .remote_file import TransientError
from .sqlite_header import damage

if TYPE_CHECKING:
    from pathlib import Path

    from .catalogue import Release


_DIGEST = re.compile("[0-9a-f]{64}")


def note_digest(path: Path, digest: str) -> None:
    """Write down, beside a file, the SHA-256 that it had when it was verified."""
    # It only saves asking the server again.
    with suppress(OSError), atomic_write(ReleaseFiles(path).digest) as draft:
        draft.write_text(f"{digest}  {path.name}\n", encoding="utf-8")


def noted_digest(path: Path) -> str | None:
    """Return the SHA-256 that a file had when it was verified, or None."""
    try:
        with open_regular(ReleaseFiles(path).digest) as file:
            digest = file.read(64).decode("ascii", "replace")
    except OSError:
        return None
    return digest if _DIGEST.fullmatch(digest) else None


def verify(path: Path, release: Release | None) -> str:
    """Check all bytes of a file against what is known of it, and return by what.

    Parameters
    ----------
    path
        The file.
    release
        What the catalogue says of it, where it is listed.

    Returns
    -------
    str
        "its published SHA-256", "the SHA-256 that it had when it arrived", "the ETag of the
        server", or "SQLite's own check" where nothing else is known or can be asked.

    Raises
    ------
    VerificationError
        It is another one.
    """
    try:
        return _compared(path, release)
    except OSError as error:
        if isinstance(error, FetchError):
            raise
        raise _differs(path, f"it can't be read: {error.strerror or error}") from error


def _compared(path: Path, release: Release | None) -> str:
    size = path.stat().st_size
    if release is not None and release.bytes is not None and size != release.bytes:
        raise _differs(path, f"it has {size:,} bytes, and was published with {release.bytes:,}")
    if (problem := damage(path)) is not None:
        raise _differs(path, problem)
    known = release.sha256 if release is not None else None
    arrived = noted_digest(path)
    if known or arrived:
        digest = sha256_of(path)
        if digest != (known or arrived):
            raise _differs(path, f"its SHA-256 is {digest}, expected {known or arrived}")
        return "its published SHA-256" if known else "the SHA-256 that it had when it arrived"
    if release is not None and _fits_the_server(path, release):
        return "the ETag of the server"
    said = apart(lambda: _quick_check(path))
    if said != "ok":
        raise _differs(path, " ".join(said.split()))
    return "SQLite's own check"


def _quick_check(path: Path) -> str:
    # immutable: no lock, no journal, no file beside it.
    uri = f"{path.absolute().as_uri()}?mode=ro&immutable=1"
    try:
        with closing(sqlite3.connect(uri, uri=True)) as connection:
            return str(connection.execute("PRAGMA quick_check(1)").fetchone()[0])
    except sqlite3.Error as error:
        return str(error)


def _fits_the_server(path: Path, release: Release) -> bool:
    """Return whether the server gives an ETag that is the file's digest."""
    remote = remote_file(release.url, None)
    try:
        state = remote.state()
    except TransientError:
        return False  # what can be checked without it, is
    finally:
        remote.close()
    fits = fits_etag(path, state.etag)
    if fits is False:
        raise _differs(path, f"its MD5 is not that of its ETag, {state.etag}")
    return fits is True


def _differs(path: Path, problem: str) -> VerificationError:
    return VerificationError(
        f"{path} is not the file that was published: {problem}. "
        f"load_version({path.name!r}, force=True) brings it again, or synphys-frames fetch --force."
    )
