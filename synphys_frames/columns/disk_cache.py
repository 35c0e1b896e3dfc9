"""Columns that were read from a release in the cache, kept beside it for the next process."""

from __future__ import annotations

import json
import logging
import os
import sys
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
    file_lock,
    move_into_place,
    sha256_of,
)
from ..options import config
from ..releases import ReleaseFiles
from .block_content import BlockContent, block_content
from .copy_folder import CopyFolder

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from ..schema import Table


_log = logging.getLogger(__name__)

_FORMAT = 5
# What JSON of another form leads to.
_DAMAGE = (ValueError, TypeError, KeyError, AttributeError, RecursionError, pa.ArrowException)
# As long as another process may take to write what this process would write, and as long as someone
# may wait for a database to close, or for the process to end.
_PATIENCE = 60.0
_PATIENCE_AT_END = 1.0
_WHOLE_DIGEST = 1 << 30
_SAMPLES = 512
_SAMPLE = 1 << 16
_LONGEST_NOTE = 1 << 16


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
    """The columnar copy of one release file: uncompressed columns in a folder beside it.

    Its blocks of columns count only for the file that they were read from: of the same size, time
    and content. They are read when their table is first asked for, and checked in full; what is not
    as this package writes it, or was written by who could not write the release, is not used. The
    copy can be deleted at any time. Writing is done in the background, by one process at a time; a
    block appears under its name when it is whole.

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
        self._folder = CopyFolder(ReleaseFiles(release))
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

    def blocks(self, table: Table, most_rows: int) -> list[pa.Table]:
        """Return the blocks that are kept of a table.

        Parameters
        ----------
        table
            The table.
        most_rows
            A number that it has no more rows than.
        """
        try:
            self._folder.require_trusted()
            if not self._digest_is_looked_up:
                self._digest = self._noted_digest()
                self._digest_is_looked_up = True
            paths = [] if self._digest is None else self._files.blocks(table.name)
        except FileNotFoundError:
            return []
        except OSError as error:
            _log.warning("%s can't be used: %s", self.folder, error)
            return []
        blocks: list[pa.Table] = []
        left = config.memory_budget
        for path in paths:
            block = self._read(path, table, left)
            if block is not None:
                blocks.append(block)
                left -= block.nbytes
        # One row more than the table, and all of them as many.
        counts = {block.num_rows - 1 for block in blocks}
        if len(counts) > 1 or max(counts, default=0) > most_rows:
            _log.warning("%s can't be used: blocks of %s have other rows", self.folder, table.name)
            return []
        return blocks

    def _noted_digest(self) -> str | None:
        """Return the digest of the file that the copy is of, or None where that is another file."""
        try:
            note = json.loads(self._folder.read(self._files.release_state, _LONGEST_NOTE))
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

    def _read(self, path: Path, table: Table, most: int) -> pa.Table | None:
        try:
            content = self._folder.read(path, most)
        except (OSError, MemoryError) as error:
            _log.warning("%s can't be used: %s", path, error)
            return None
        try:
            # Of the errors that a disk can make, the structure shows few.
            if self._files.checksum_in(path) != f"{zlib.crc32(content):08x}":
                raise ValueError("its content does not have the checksum in its name")
            block = BlockContent(content)
            columns = [column["name"] for column in block.description["columns"]]
            if block.description != self._described(table, columns):
                _log.info("%s is of another content, or of another version of this package", path)
                return None
            if not columns or len(set(columns)) < len(columns):
                raise ValueError("it has no columns, or the same twice")
            return block.columns(table, columns)
        except _DAMAGE as error:
            _log.warning("%s is damaged and will be made anew: %s", path, error)
            self._folder.discard(path)
            return None

    def _described(self, table: Table, columns: Sequence[str]) -> dict[str, Any]:
        """Return what a block must say of itself to be what this package would read now."""
        described = [table.columns[name] for name in columns]
        return {
            "format": _FORMAT,
            "byteorder": sys.byteorder,
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
        self._folder.make()
        with file_lock(self._files.lock, self._patience):
            if self._digest is None:
                self._digest = self._noted_digest() or self._new_digest()
            if self._digest is None:
                return
            # Blocks are written under the lock only: these are of processes that were killed.
            self._folder.clear_drafts()
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
            self._folder.discard(path)
        self._note(digest)
        return digest

    def _note(self, digest: str) -> None:
        note = {"format": _FORMAT, "state": asdict(self._state), "sha256": digest}
        mode = self._folder.file_mode
        with atomic_write(self._files.release_state, durable=True, mode=mode) as draft:
            draft.write_text(json.dumps(note), encoding="utf-8")

    def _write_block(self, table: Table, columns: list[str], data: pa.Table) -> None:
        description = self._described(table, columns)
        described = json.dumps(description)
        any_such = self._files.block(table.name, described, "*").name
        is_written = any(self.folder.glob(any_such))
        if is_written or FileState.of(self._release) != self._state:
            return
        draft_of = self._files.block(table.name, described, "")
        with draft_beside(draft_of, self._folder.file_mode) as draft:
            checksum = 0
            with draft.open("wb") as file:
                for part in block_content(description, data):
                    checksum = zlib.crc32(part, checksum)
                    file.write(part)
            path = self._files.block(table.name, described, f"{checksum:08x}")
            move_into_place(draft, path, durable=True)
