"""Bring a file into the cache: resumed where it stopped, verified, and only then published."""

from __future__ import annotations

import json
import logging
import random
import shutil
import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from .._files import atomic_write, file_lock, move_into_place, sha256_of
from ..errors import FetchError, IncompleteDownloadError, RemoteChangedError, VerificationError
from .cache_layout import ReleaseFiles
from .progress import as_callback
from .remote_file import RemoteFile, RemoteState, TransientError
from .sqlite_header import damage

if TYPE_CHECKING:
    from collections.abc import Mapping
    from contextlib import AbstractContextManager
    from pathlib import Path

    from fsspec.callbacks import Callback

    from .progress import Progress


_log = logging.getLogger(__name__)

_LEAST_RANGE = 1 << 14
_LONGEST_AFTER_BREAK = 1 << 20
_GROWTH = 4
_LONGEST_PAUSE = 8.0
_LONGEST_RETRY_AFTER = 60.0
_RESTARTS = 2


@dataclass(frozen=True, slots=True)
class Patience:
    """How often a failed request is repeated, and how long to wait in between.

    Attributes
    ----------
    retries
        Failures in a row before it is given up. Bytes that arrive start the count anew.
    pause
        Seconds before the first repetition; each further one waits twice as long.
    """

    retries: int = 4
    pause: float = 0.25

    def wait(self, failures: int, error: TransientError, have: int = 0) -> None:
        """Wait before the next attempt, or raise where there have been too many.

        Parameters
        ----------
        failures
            How many in a row.
        error
            The last one.
        have
            How many bytes are there.
        """
        if failures > self.retries:
            kept = f" {have:,} bytes are kept; call again to go on from there." if have else ""
            raise IncompleteDownloadError(
                f"{error}. Gave up after {failures} attempts in a row.{kept}"
            ) from error
        _log.info("%s; attempt %d of %d follows", error, failures + 1, self.retries + 1)
        # The factor keeps many jobs of a cluster from coming back in step.
        factor = random.uniform(0.75, 1.25)  # noqa: S311
        pause = min(self.pause * 2 ** (failures - 1), _LONGEST_PAUSE) * factor
        time.sleep(max(pause, min(error.retry_after, _LONGEST_RETRY_AFTER)))


class Partial:
    """The bytes of a file that have arrived, and which content they are the beginning of."""

    def __init__(self, target: Path) -> None:
        files = ReleaseFiles(target)
        self.path = files.partial
        self._state = files.partial_state

    @property
    def size(self) -> int:
        """Number of bytes that have arrived."""
        return self.path.stat().st_size if self.path.exists() else 0

    def begin(self, state: RemoteState) -> None:
        """Go on with what is there where it is of the same content, else start anew."""
        begun = asdict(state)
        # Without an ETag nothing tells that the content is still the same.
        if state.etag is None or self._begun() != begun or self.size > state.size:
            self.discard()
            # This first: bytes of a state that is not noted are never continued.
            with atomic_write(self._state) as draft:
                draft.write_text(json.dumps(begun), encoding="utf-8")
            self.path.touch()

    def _begun(self) -> Any:
        try:
            return json.loads(self._state.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None

    def discard(self) -> None:
        """Delete what has arrived."""
        self.path.unlink(missing_ok=True)
        self._state.unlink(missing_ok=True)

    def publish(self, target: Path) -> None:
        """Give the file its name."""
        move_into_place(self.path, target, durable=True)
        self._state.unlink(missing_ok=True)


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
    before = target.stat().st_mtime_ns if force and target.exists() else None
    if before is None and _is_whole(target, size):
        return target
    download = _Download(url, target, size, sha256, storage_options, patience or Patience())
    try:
        _make_folder(target.parent)
        with _locked(target):
            # Another process may have fetched it meanwhile.
            is_old = before is not None and target.stat().st_mtime_ns == before
            if is_old or not _is_whole(target, size):
                download.run(progress)
    except OSError as error:
        if isinstance(error, FetchError):
            raise
        raise FetchError(
            f"{target} can't be written: {error.strerror or error}. What has arrived is kept. Make "
            "room or take away what is in the way, or set another folder: cache_path=, "
            "synphys_frames.config.cache_path or SYNPHYS_FRAMES_CACHE."
        ) from error
    return target


def _locked(target: Path) -> AbstractContextManager[None]:
    """Let one process and thread at a time fetch a file; the others wait."""

    def warn() -> None:
        _log.warning("%s is being fetched already; waiting for it", target.name)

    return file_lock(ReleaseFiles(target).lock, on_wait=warn)


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
        self._remote = RemoteFile(url, storage_options)
        self._partial = Partial(target)

    def run(self, progress: Progress) -> None:
        """Fetch, verify and publish."""
        for restart in range(_RESTARTS + 1):
            state = self._state()
            self._partial.begin(state)
            self._check_space(state)
            try:
                self._fill(state, progress)
                if self._state() != state:
                    raise RemoteChangedError(
                        f"{self._remote.url} changed on the server while it was being fetched"
                    )
            except RemoteChangedError as error:
                self._partial.discard()
                if restart == _RESTARTS:
                    raise RemoteChangedError(
                        f"{error}, {restart + 1} times. Try again later."
                    ) from error
                _log.warning("%s; starting anew", error)
            else:
                break
        self._verify(state)
        self._partial.publish(self._target)

    def _state(self) -> RemoteState:
        failures = 0
        while True:
            try:
                state = self._remote.state()
            except TransientError as error:
                # Silence is long enough as it is: fsspec has asked twice, by HEAD and by GET.
                failures += 2 if error.timed_out else 1
                self._patience.wait(failures, error)
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
            self._read(state, callback)

    def _read(self, state: RemoteState, callback: Callback) -> None:
        failures, length = 0, state.size
        while (begun := self._partial.size) < state.size:
            stop = min(begun + length, state.size)
            try:
                self._append_range(begun, stop, state, callback)
            except TransientError as error:
                problem = error
            else:
                problem = TransientError(f"{self._remote.url}: the answer ended early")
            have = self._partial.size
            if have >= stop:
                failures, length = 0, length * _GROWTH
                continue
            if have >= begun + _LEAST_RANGE:
                failures = 1
            else:
                failures += 1
                # A connection that breaks early still brings short ranges through.
                length = max(min(length, _LONGEST_AFTER_BREAK) // _GROWTH, _LEAST_RANGE)
            self._patience.wait(failures, problem, have)

    def _append_range(self, have: int, stop: int, state: RemoteState, callback: Callback) -> None:
        with self._partial.path.open("ab") as file:
            for chunk in self._remote.stream(have, stop):
                # A server without ranges sends more than was asked for, which is welcome.
                file.write(chunk[: state.size - have])
                file.flush()
                have = min(have + len(chunk), state.size)
                callback.absolute_update(have)

    def _verify(self, state: RemoteState) -> None:
        problem = None
        size = self._partial.size
        if size != state.size:
            problem = f"{size:,} bytes arrived, expected {state.size:,}"
        elif self._sha256 is not None and (digest := sha256_of(self._partial.path)) != self._sha256:
            problem = f"its SHA-256 is {digest}, expected {self._sha256}"
        else:
            problem = damage(self._partial.path)
        if problem is not None:
            self._partial.discard()
            raise VerificationError(
                f"What arrived from {self._remote.url} is not the published file: {problem}. It "
                "was deleted. The likely cause is a damaged transfer or a page that a proxy sent "
                "instead; try again, or from another network."
            )
