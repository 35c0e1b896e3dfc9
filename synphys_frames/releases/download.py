"""Bring a file into the cache: resumed where it stopped, verified, and only then published."""

from __future__ import annotations

import logging
import shutil
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from .._files import file_lock, sha256_of
from ..errors import FetchError, RemoteChangedError, VerificationError
from .cache_layout import ReleaseFiles
from .etag_digest import fits_etag
from .partial import Partial
from .patience import Patience
from .places import remote_file
from .progress import as_callback
from .remote_file import TransientError
from .sqlite_header import damage
from .transfer import Transfer
from .verification import note_digest

if TYPE_CHECKING:
    from collections.abc import Mapping
    from contextlib import AbstractContextManager
    from pathlib import Path

    from .progress import Progress
    from .remote_file import RemoteState


_log = logging.getLogger(__name__)

_RESTARTS = 2


def fetch(
    url: str,
    target: Path,
    *,
    size: int | None = None,
    sha256: str | None = None,
    progress: Progress = True,
    storage_options: Mapping[str, Any] | None = None,
    patience: Patience | None = None,
    force: bool = False,
) -> Path:
    """Bring a release file under a name into a folder, going on where an earlier call stopped.

    Parameters
    ----------
    url
        Any URL that fsspec knows.
    target
        The file to make. It appears when it is whole and verified, not before.
    size, sha256
        What is known of the published file.
    progress
        True for a bar, False, or an fsspec Callback.
    storage_options
        For the fsspec file system.
    patience
        How often and how long to try again.
    force
        Whether a file that is there is fetched anew; it stays until the new one is verified.

    Returns
    -------
    Path
        `target`.

    Raises
    ------
    NotFoundError
        The server does not have it.
    IncompleteDownloadError
        Too many failures in a row; the next call goes on.
    VerificationError
        What arrived is not the published file; it was deleted.
    RemoteChangedError
        The file changed on the server again and again.
    """
    patience = patience or Patience()
    try:
        before = target.stat().st_mtime_ns if force and target.exists() else None
        if before is None and _is_whole(target, size):
            return target
        download = _Download(url, target, size, sha256, storage_options, patience)
        _make_folder(target.parent)
        with _locked(target, patience):
            # Another process may have fetched it meanwhile.
            is_old = before is not None and target.stat().st_mtime_ns == before
            if is_old or not _is_whole(target, size):
                download.run(progress)
    except OSError as error:
        if isinstance(error, FetchError):
            raise
        if isinstance(error, TimeoutError):
            raise FetchError(_nobody_moves(target, patience)) from error
        raise FetchError(
            f"{target} can't be written: {error.strerror or error}. What has arrived is kept. Make "
            "room or take away what is in the way, or set another folder: cache_path=, "
            "synphys_frames.config.cache_path or SYNPHYS_FRAMES_CACHE."
        ) from error
    return target


def _locked(target: Path, patience: Patience) -> AbstractContextManager[None]:
    """Let one process and thread at a time fetch a file; the others wait as long as it grows."""
    journal = ReleaseFiles(target).partial_state
    begun = moved = time.monotonic()
    last = 0

    def warn() -> None:
        _log.warning("%s is being fetched already; waiting for it", target.name)

    def allowed() -> float:
        nonlocal moved, last
        with suppress(OSError):
            if (changed := journal.stat().st_mtime_ns) != last:
                moved, last = time.monotonic(), changed
        return moved - begun + 2 * patience.seconds

    return file_lock(ReleaseFiles(target).lock, allowed, on_wait=warn)


def _nobody_moves(target: Path, patience: Patience) -> str:
    lock = ReleaseFiles(target).lock
    return (
        f"{target.name} seems to be fetched by another process, which has brought nothing for "
        f"{2 * patience.seconds:,.0f} s; or the file system can't lock {lock}. If no process is at "
        "it, as after a crash of another computer, delete that lock and call again. Or set a "
        "folder on a disk of this computer: cache_path=, synphys_frames.config.cache_path or "
        "SYNPHYS_FRAMES_CACHE."
    )


def _is_whole(target: Path, size: int | None) -> bool:
    return (
        target.is_file()
        and (size is None or target.stat().st_size == size)
        and damage(target) is None
    )


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FetchError(
            f"The cache folder {folder} can't be made: {error.strerror or error}. Set another one: "
            "synphys_frames.config.cache_path, SYNPHYS_FRAMES_CACHE or cache_path=."
        ) from error


class _Download:
    """One file on its way, by one process."""

    def __init__(
        self,
        url: str,
        target: Path,
        size: int | None,
        sha256: str | None,
        storage_options: Mapping[str, Any] | None,
        patience: Patience,
    ) -> None:
        self._target = target
        self._size = size
        self._sha256 = sha256
        self._patience = patience
        self._remote = remote_file(url, storage_options)
        self._partial = Partial(target)

    def run(self, progress: Progress) -> None:
        """Fetch, verify and publish."""
        try:
            state = self._filled(progress)
            digest = self._verify(state)
            # One of another content must not stay where the next line is not reached.
            ReleaseFiles(self._target).digest.unlink(missing_ok=True)
            self._partial.publish(self._target)
            note_digest(self._target, digest)
        finally:
            self._remote.close()

    def _filled(self, progress: Progress) -> RemoteState:
        """Bring all bytes of one content, and return its state."""
        for restart in range(_RESTARTS + 1):
            state = self._state()
            self._partial.begin(state)
            self._check_space(state)
            try:
                self._fill(state, progress)
                if self._partial.missing(state.size):
                    raise RemoteChangedError(
                        f"{self._target.name} was begun anew by another process"
                    )
                if self._state() != state:
                    raise RemoteChangedError(
                        f"{self._remote.url} changed on the server while it was being fetched"
                    )
            except RemoteChangedError as error:
                if restart == _RESTARTS:
                    self._partial.discard()
                    raise RemoteChangedError(
                        f"{error}, {restart + 1} times. Try again later."
                    ) from error
                # What has arrived goes on where the server says so, or where its digest is known.
                self._partial.restate(self._state(), is_known=self._sha256 is not None)
                _log.warning("%s; trying again", error)
            else:
                break
        return state

    def _state(self) -> RemoteState:
        wait, failures = self._patience.begin(), 0
        while True:
            try:
                state = self._remote.state()
            except TransientError as error:
                failures += 1
                wait.require(error)
                time.sleep(self._patience.pause_after(failures, error))
            else:
                break
        if self._size is not None and state.size != self._size:
            raise VerificationError(
                f"{self._remote.url} has {state.size:,} bytes on the server, where "
                f"{self._target.name} was published with {self._size:,}. Nothing was fetched. The "
                "server has another file under that name, or answers with a page of its own."
            )
        return state

    def _check_space(self, state: RemoteState) -> None:
        missing = state.size - self._partial.size
        free = shutil.disk_usage(self._target.parent).free
        if missing > free:
            raise FetchError(
                f"{self._target.name} needs {missing:,} more bytes in {self._target.parent}, where "
                f"{free:,} are free. Make room, or set another folder: cache_path=, "
                "synphys_frames.config.cache_path or SYNPHYS_FRAMES_CACHE."
            )

    def _fill(self, state: RemoteState, progress: Progress) -> None:
        self._remote.expect(state)
        have = self._partial.size
        bar = {"desc": self._target.name, "unit": "B", "unit_scale": True, "initial": have}
        with as_callback(progress, **bar) as callback:
            # Before the first report, so that the rate counts only what comes now.
            callback.value = have
            callback.set_size(state.size)
            Transfer(self._remote, self._partial, state.size, self._patience, callback).run()

    def _verify(self, state: RemoteState) -> str:
        """Return the SHA-256 of what has arrived, or raise where it is not the file."""
        problem = None
        size, digest = self._partial.size, sha256_of(self._partial.path)
        if size != state.size:
            problem = f"{size:,} bytes arrived, expected {state.size:,}"
        elif self._sha256 is not None:
            if digest != self._sha256:
                problem = f"its SHA-256 is {digest}, expected {self._sha256}"
        elif fits_etag(self._partial.path, state.etag) is False:
            problem = f"its MD5 is not that of its ETag, {state.etag}"
        problem = problem or damage(self._partial.path)
        if problem is not None:
            self._partial.discard()
            raise VerificationError(
                f"What arrived from {self._remote.url} is not the published file: {problem}. It "
                "was deleted. The likely cause is a damaged transfer or a page that a proxy sent "
                "instead; try again, or from another network."
            )
        return digest
