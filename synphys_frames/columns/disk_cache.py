"""Columns that were read from a release in the cache, kept beside it for the next process."""

from __future__ import annotations

import json
import logging
import os
import zlib
from contextlib import suppress
from dataclasses import asdict
from threading import Lock, Thread, main_thread
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from .._files import (
    FileState,
    atomic_write,
    draft_beside,
    drafts_in,
    file_lock,
    move_into_place,
    sha256_of,
)
from ..releases import ReleaseFiles

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from ..schema import Table


_log = logging.getLogger(__name__)

_FORMAT = 4
# What JSON of another form leads to.
_DAMAGE = (ValueError, TypeError, KeyError, AttributeError, RecursionError)
_METADATA = b"synphys_frames.part"
# As long as another process may take to write what this process would write, and as long as someone
# may wait for a database to close, or for the process to end.
_PATIENCE = 60.0
_PATIENCE_AT_END = 1.0
_WHOLE_DIGEST = 1 << 30
_SAMPLES = 512
_SAMPLE = 1 << 16


def content_digest(path: Path) -> str:
    """Return a SHA-256 of a file: of all of it up to 1 GiB, else of 512 samples and its size."""
    size = path.stat().st_size
    if size <= _WHOLE_DIGEST:
        return sha256_of(path)
    import hashlib

    digest = hashlib.sha256(str(size).encode())
    with path.open("rb") as file:
        for number in range(_SAMPLES):
            file.seek((size - _SAMPLE) * number // (_SAMPLES - 1))
            digest.update(file.read(_SAMPLE))
    return digest.hexdigest()


class DiskCache:
    """The columnar copy of one release file: uncompressed Arrow files in a folder beside it.

    Its blocks of columns are mapped into memory, and count only for the file that they were read
    from: of the same size, time and content. It can be deleted at any time. Writing is done in the
    background, by one process at a time; a block appears under its name when it is whole.

    Parameters
    ----------
    release
        The release file, in the cache folder.
    state
        Of the file that is read.
    """

    def __init__(self, release: Path, state: FileState) -> None:
        self._release = release
        self._files = ReleaseFiles(release).columns
        self._state = state
        self._digest: str | None = None
        self._digest_is_looked_up = False
        self._start_without_writer()

    def _start_without_writer(self) -> None:
        # A forked child has neither the parent's writer nor what that one will write.
        self._process = os.getpid()
        self._lock = Lock()
        self._unwritten: list[tuple[Table, list[str], pa.Table]] = []
        self._writer: Thread | None = None
        self._is_finishing = False

    @property
    def folder(self) -> Path:
        """The folder of the copy."""
        return self._files.folder

    def blocks(self, table: Table) -> list[pa.Table]:
        """Return the blocks that are kept of a table, mapped into memory."""
        if not self._digest_is_looked_up:
            self._digest = self._noted_digest()
            self._digest_is_looked_up = True
        if self._digest is None:
            return []
        try:
            paths = self._files.blocks(table.name)
        except OSError as error:
            _log.warning("%s can't be used: %s", self.folder, error)
            return []
        mapped = [self._mapped(path, table) for path in paths]
        return [block for block in mapped if block is not None]

    def _noted_digest(self) -> str | None:
        """Return the digest of the file that the copy is of, or None where that is another file."""
        try:
            note = json.loads(self._files.release_state.read_text(encoding="utf-8"))
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
            self._note(digest)  # so that the next process need not read the whole file
        except OSError as error:
            _log.info("%s can't be written: %s", self.folder, error)
        return digest

    def _mapped(self, path: Path, table: Table) -> pa.Table | None:
        try:
            content = _content(path)
            # Arrow itself sees few of the errors that a disk can make; others end the process.
            if self._files.checksum_in(path) != _checksum(content):
                raise ValueError("its content does not have the checksum in its name")
            data = pa.ipc.open_file(content).read_all()
            noted = json.loads((data.schema.metadata or {}).get(_METADATA, b"{}"))
            columns = [column["name"] for column in noted.get("columns", ())]
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
        """Return what a block must say of itself to be what this package would read now."""
        described = [table.columns[name] for name in columns]
        return {
            "format": _FORMAT,
            "sha256": self._digest,
            "table": table.name,
            "columns": [
                {"name": column.name, "kind": column.kind, "expression": column.expression}
                for column in described
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
            All rows of them, in the form in which `blocks` gives them back.
        """
        if self._process != os.getpid():
            self._start_without_writer()
        if not self._files.can_hold(table.name):
            return
        with self._lock:
            self._unwritten.append((table, list(columns), data))
            if self._writer is None:
                writer = Thread(target=self._write_all, name="synphys_frames columnar copy")
                # Whoever finishes waits for it, which takes one that was started.
                with suppress(RuntimeError):  # the interpreter is shutting down
                    writer.start()
                    self._writer = writer

    def finish(self) -> None:
        """Wait until all is written, or another process keeps this one from it."""
        writer = self._writer
        if writer is not None and self._process == os.getpid():
            self._is_finishing = True
            writer.join()
            self._is_finishing = False

    def _write_all(self) -> None:
        while True:
            with self._lock:
                blocks, self._unwritten = self._unwritten, []
                if not blocks:
                    self._writer = None
                    return
            try:
                self._write(blocks)
            except TimeoutError:
                _log.info("Columns are not kept in %s: another process writes there", self.folder)
                with self._lock:
                    self._unwritten.clear()
            except (OSError, pa.ArrowException, NotImplementedError) as error:
                # A convenience: a full disk or a folder that can't be written must not matter.
                _log.info("Columns can't be kept in %s: %s", self.folder, error)

    def _write(self, blocks: list[tuple[Table, list[str], pa.Table]]) -> None:
        self.folder.mkdir(exist_ok=True)
        with file_lock(self._files.lock, self._patience):
            if self._digest is None:
                self._digest = self._noted_digest() or self._new_digest()
            if self._digest is None:
                return
            # Blocks are written under the lock only: these are of processes that were killed.
            for path in drafts_in(self.folder):
                path.unlink(missing_ok=True)
            for table, columns, data in blocks:
                self._write_block(table, columns, data)

    def _patience(self) -> float:
        is_end = self._is_finishing or not main_thread().is_alive()
        return _PATIENCE_AT_END if is_end else _PATIENCE

    def _new_digest(self) -> str | None:
        """Return the digest of the file, noted in the folder, or None where the file changed."""
        digest = content_digest(self._release)
        if FileState.of(self._release) != self._state:
            return None
        for path in self._files.blocks():
            path.unlink(missing_ok=True)
        self._note(digest)
        return digest

    def _note(self, digest: str) -> None:
        note = {"format": _FORMAT, "state": asdict(self._state), "sha256": digest}
        with atomic_write(self._files.release_state, durable=True) as draft:
            draft.write_text(json.dumps(note), encoding="utf-8")

    def _write_block(self, table: Table, columns: list[str], data: pa.Table) -> None:
        described = json.dumps(self._described(table, columns))
        any_such = self._files.block(table.name, described, "*").name
        is_written = any(self.folder.glob(any_such))
        if is_written or FileState.of(self._release) != self._state:
            return
        noted = data.replace_schema_metadata(
            {**(data.schema.metadata or {}), _METADATA: described.encode()}
        )
        with draft_beside(self._files.block(table.name, described, "")) as draft:
            with pa.ipc.new_file(draft, noted.schema) as writer:
                writer.write_table(noted)
            path = self._files.block(table.name, described, _checksum(_content(draft)))
            move_into_place(draft, path, durable=True)


def _content(path: Path) -> pa.Buffer:
    """Return a file's content, mapped into memory."""
    with pa.memory_map(str(path)) as source:
        return source.read_buffer()


def _checksum(content: pa.Buffer) -> str:
    return f"{zlib.crc32(content):08x}"
