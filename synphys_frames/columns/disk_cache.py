"""Columns that were read from a release in the cache, kept beside it for the next process."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import re
import zlib
from contextlib import contextmanager
from dataclasses import asdict
from threading import Lock, Thread, main_thread
from time import monotonic
from typing import TYPE_CHECKING, Any, BinaryIO

import pyarrow as pa

from .._files import FileState

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from ..schema import Table


_log = logging.getLogger(__name__)

_FORMAT = 4
# What JSON of another form leads to.
_DAMAGE = (ValueError, TypeError, KeyError, AttributeError, RecursionError)
_NOTE = "release.json"
_METADATA = b"synphys_frames.part"
_END = ".arrow"
# As long as another process may take to write what this one would write, and as long as someone may
# wait for this one to end.
_PATIENCE = 60.0
_PATIENCE_AT_END = 1.0
_STEP = 0.1
_WHOLE_DIGEST = 1 << 30
_SAMPLES = 512
_SAMPLE = 1 << 16


def content_digest(path: Path) -> str:
    """Return a SHA-256 of a file: of all of it up to 1 GiB, else of 512 samples and its size."""
    size = path.stat().st_size
    with path.open("rb") as file:
        if size <= _WHOLE_DIGEST:
            return hashlib.file_digest(file, "sha256").hexdigest()
        digest = hashlib.sha256(str(size).encode())
        for number in range(_SAMPLES):
            file.seek((size - _SAMPLE) * number // (_SAMPLES - 1))
            digest.update(file.read(_SAMPLE))
    return digest.hexdigest()


class ColumnarCopy:
    """The columns of one release file, as uncompressed Arrow files in a folder beside it.

    What is there is mapped into memory, and counts only for the file that it was read from: of the
    same size, time and content. It can be deleted at any time. Writing is done in the background,
    by one process at a time; a part appears under its name when it is whole.

    Parameters
    ----------
    release
        The release file, in the cache folder.
    state
        Of the file that is read.
    """

    def __init__(self, release: Path, state: FileState) -> None:
        self._release = release
        self.folder = release.with_name(f"{release.name}.columns")
        self._state = state
        self._digest: str | None = None
        self._is_looked_up = False
        self._begin_anew()

    def _begin_anew(self) -> None:
        # A forked child has neither the parent's writer nor what that one will write.
        self._process = os.getpid()
        self._lock = Lock()
        self._waiting: list[tuple[Table, list[str], pa.Table]] = []
        self._writer: Thread | None = None
        self._is_finishing = False

    def parts(self, table: Table) -> list[pa.Table]:
        """Return what is there of a table, mapped into memory."""
        if not self._is_looked_up:
            self._digest = self._known_digest()
            self._is_looked_up = True
        if self._digest is None:
            return []
        beginning = f"{table.name}-"
        # What another process is writing has no such end yet.
        names = [one for one in self._listed() if one.startswith(beginning) and one.endswith(_END)]
        found = [self._mapped(self.folder / name, table) for name in names]
        return [part for part in found if part is not None]

    def _listed(self) -> list[str]:
        try:
            return sorted(path.name for path in self.folder.iterdir())
        except OSError as error:
            _log.warning("%s can't be used: %s", self.folder, error)
            return []

    def _known_digest(self) -> str | None:
        try:
            note = json.loads((self.folder / _NOTE).read_text(encoding="utf-8"))
            state, digest = FileState(**note["state"]), str(note["sha256"])
            if note["format"] != _FORMAT:
                return None
        except FileNotFoundError:
            return None
        except (*_DAMAGE, OSError) as error:
            _log.warning("%s can't be used: %s", self.folder, error)
            return None
        if state == self._state:
            return digest
        if not state.has_same_content(self._state):
            return None
        # Size and time can be the same of another content: the file was moved, or tampered with.
        if content_digest(self._release) != digest:
            return None
        try:
            self._note(digest)  # it need not be read again
        except OSError as error:
            _log.info("%s can't be written: %s", self.folder, error)
        return digest

    def _mapped(self, path: Path, table: Table) -> pa.Table | None:
        try:
            content = _content(path)
            # Arrow itself finds few of the errors that a disk can make, and others end the process.
            if not path.stem.endswith(f"-{_checksum(content)}"):
                raise ValueError("its content does not have the checksum in its name")
            data = pa.ipc.open_file(content).read_all()
            noted = json.loads((data.schema.metadata or {}).get(_METADATA, b"{}"))
            columns = [one["name"] for one in noted.get("columns", ())]
            if noted != self._described(table, columns):
                return None
        except (*_DAMAGE, OSError, pa.ArrowException) as error:
            _log.warning("%s is damaged and will be made anew: %s", path, error)
            self._discard(path)
            return None
        return data

    def _discard(self, path: Path) -> None:
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            _log.info("%s can't be deleted: %s", path, error)

    def _described(self, table: Table, columns: Sequence[str]) -> dict[str, Any]:
        """Return what a part must say of itself to be what this package would read now."""
        found = [table.columns[name] for name in columns]
        return {
            "format": _FORMAT,
            "sha256": self._digest,
            "table": table.name,
            "columns": [
                {"name": one.name, "kind": one.kind, "expression": one.expression} for one in found
            ],
        }

    def add(self, table: Table, columns: Sequence[str], data: pa.Table) -> None:
        """Have columns written that were read from the file.

        Parameters
        ----------
        table
            Their table.
        columns
            Which columns these are.
        data
            All rows of them, in the form in which `parts` gives them back.
        """
        if self._process != os.getpid():
            self._begin_anew()
        if not re.fullmatch(r"[a-z0-9_]+", table.name):
            return  # a name of someone's own table that might be no name of a file
        with self._lock:
            self._waiting.append((table, list(columns), data))
            if self._writer is None:
                self._writer = Thread(target=self._write_all, name="synphys_frames columnar copy")
                try:
                    self._writer.start()
                except RuntimeError:  # the interpreter is shutting down
                    self._writer = None

    def finish(self) -> None:
        """Wait until all is written, or another process keeps this one from it."""
        writer = self._writer
        if writer is not None and self._process == os.getpid():
            self._is_finishing = True
            writer.join()
            self._is_finishing = False

    def _write_all(self) -> None:
        from filelock import Timeout

        while True:
            with self._lock:
                waiting, self._waiting = self._waiting, []
                if not waiting:
                    self._writer = None
                    return
            try:
                self._write(waiting)
            except Timeout:
                _log.info("Columns are not kept in %s: another process writes there", self.folder)
                with self._lock:
                    self._waiting.clear()
            except (OSError, pa.ArrowException, NotImplementedError) as error:
                # A convenience: a full disk or a folder that can't be written must not matter.
                _log.info("Columns can't be kept in %s: %s", self.folder, error)

    def _write(self, parts: list[tuple[Table, list[str], pa.Table]]) -> None:
        self.folder.mkdir(exist_ok=True)
        with self._locked():
            if self._digest is None:
                self._digest = self._known_digest() or self._noted_digest()
            if self._digest is None:
                return
            for path in self.folder.glob("*.tmp"):  # of processes that were killed
                path.unlink(missing_ok=True)
            for table, columns, data in parts:
                self._write_part(table, columns, data)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        from filelock import FileLock, Timeout

        lock = FileLock(self.folder / "write.lock")
        begun = monotonic()
        while not lock.is_locked:
            try:
                lock.acquire(timeout=_STEP)
            except Timeout:
                is_end = self._is_finishing or not main_thread().is_alive()
                if monotonic() - begun > (_PATIENCE_AT_END if is_end else _PATIENCE):
                    raise
        try:
            yield
        finally:
            lock.release()

    def _noted_digest(self) -> str | None:
        """Return the digest of the file, noted in the folder, or None where the file changed."""
        digest = content_digest(self._release)
        if FileState.of(self._release) != self._state:
            return None
        for path in self.folder.glob(f"*{_END}"):
            path.unlink(missing_ok=True)
        self._note(digest)
        return digest

    def _note(self, digest: str) -> None:
        note = {"format": _FORMAT, "state": asdict(self._state), "sha256": digest}
        with self._written(_NOTE) as (file, path):
            file.write(json.dumps(note).encode())
        path.replace(self.folder / _NOTE)

    def _write_part(self, table: Table, columns: list[str], data: pa.Table) -> None:
        described = json.dumps(self._described(table, columns))
        name = f"{table.name}-{hashlib.sha256(described.encode()).hexdigest()[:16]}"
        is_there = any(self.folder.glob(f"{name}-*{_END}"))
        if is_there or FileState.of(self._release) != self._state:
            return
        noted = data.replace_schema_metadata(
            {**(data.schema.metadata or {}), _METADATA: described.encode()}
        )
        with self._written(f"{name}{_END}") as (file, path):
            with pa.ipc.new_file(file, noted.schema) as writer:
                writer.write_table(noted)
            file.flush()
            checksum = _checksum(_content(path))
        path.replace(self.folder / f"{name}-{checksum}{_END}")

    @contextmanager
    def _written(self, name: str) -> Iterator[tuple[BinaryIO, Path]]:
        """Give a file to write, under a name of this process, that is on the disk afterwards."""
        path = self.folder / f"{name}.{os.getpid()}.tmp"
        with path.open("wb") as file:
            yield file, path
            file.flush()
            os.fsync(file.fileno())


def _content(path: Path) -> pa.Buffer:
    """Return a file's content, mapped into memory."""
    with pa.memory_map(str(path)) as source:
        return source.read_buffer()


def _checksum(content: pa.Buffer) -> str:
    return f"{zlib.crc32(content):08x}"
