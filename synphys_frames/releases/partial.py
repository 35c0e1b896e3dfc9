"""The bytes of a file that have arrived: in their place, with a journal of which they are."""

from __future__ import annotations

import json
import os
import zlib
from dataclasses import asdict
from threading import Lock
from typing import TYPE_CHECKING, Any, BinaryIO

from .._files import atomic_write, move_into_place, open_regular
from .cache_layout import ReleaseFiles

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from .remote_file import RemoteState

# As much as is noted at once: a kill loses at most so much for each connection.
_CELL = 1 << 20
_BLOCK = 1 << 20
_LONGEST_LINE = 10_000
_MOST_DIGITS = 19
_MARK = "begun"

Range = tuple[int, int]


class Partial:
    """The bytes of a file that have arrived, and which content they are of.

    The file has its whole length from the beginning. A journal beside it, whose first line is the
    content's state, has a line for each range that is there, with its checksum: begin, end, CRC-32.
    Only what the journal has, and fits its checksum, counts.
    """

    def __init__(self, target: Path) -> None:
        files = ReleaseFiles(target)
        self.path = files.partial
        self._journal = files.partial_state
        self._lock = Lock()

    @property
    def size(self) -> int:
        """Number of bytes that the journal has."""
        return sum(stop - start for start, stop in self._merged(self._noted()))

    def begin(self, state: RemoteState) -> None:
        """Go on with what is there where it is of the same content, else start anew."""
        # Without an ETag nothing tells that the content is still the same.
        is_same = state.etag is not None and self._state() == asdict(state)
        sound = list(self._sound(self._noted(), state.size)) if is_same else []
        mark = self._mark()
        if not sound:
            self.discard()
            mark = os.urandom(8).hex()
        head = json.dumps(asdict(state) | {_MARK: mark})
        lines = [head, *(f"{a} {b} {crc}" for a, b, crc in sound)]
        # This first: bytes of a state that is not noted are never continued.
        with atomic_write(self._journal) as draft:
            draft.write_text("\n".join([*lines, ""]), encoding="ascii")
        with self.path.open("ab") as file:
            file.truncate(state.size)

    def restate(self, state: RemoteState, *, is_known: bool) -> None:
        """Have what has arrived count for another state, or for none.

        Parameters
        ----------
        state
            What the server says now.
        is_known
            Whether a digest will tell at the end whether the bytes are of one content.
        """
        begun = self._state()
        if begun == asdict(state):
            return  # an answer of something else came in between
        lines = self._lines()
        if is_known and begun.get("size") == state.size:
            head = json.dumps(asdict(state) | {_MARK: self._mark()}) + "\n"
            with atomic_write(self._journal) as draft:
                draft.write_text("".join([head, *lines[1:]]), encoding="ascii")
        else:
            self.discard()

    def _lines(self) -> list[str]:
        try:
            with open_regular(self._journal) as file:
                return file.read().decode("ascii").splitlines(keepends=True)
        except (OSError, ValueError):
            return []

    def _head(self) -> dict[str, Any]:
        try:
            with open_regular(self._journal) as file:
                head = json.loads(file.readline(_LONGEST_LINE))
        except (OSError, ValueError, RecursionError):
            return {}
        return head if isinstance(head, dict) else {}

    def _state(self) -> dict[str, Any]:
        return {name: value for name, value in self._head().items() if name != _MARK}

    def _mark(self) -> object:
        """Return what tells this beginning from another of the same file."""
        return self._head().get(_MARK)

    def _noted(self) -> list[tuple[int, int, int]]:
        noted = []
        for line in self._lines()[1:]:
            parts = line.split()
            # A line that a kill cut off has no end.
            if line.endswith("\n") and len(parts) == 3 and all(map(_is_count, parts)):
                start, stop, checksum = map(int, parts)
                noted.append((start, stop, checksum))
        return noted

    def _sound(
        self, noted: list[tuple[int, int, int]], size: int
    ) -> Iterator[tuple[int, int, int]]:
        """Yield the noted ranges whose bytes are those that arrived."""
        if not noted:
            return
        try:
            with open_regular(self.path) as file:
                for start, stop, checksum in noted:
                    if start < stop <= size and _checksum(file, start, stop) == checksum:
                        yield start, stop, checksum
        except OSError:
            return

    @staticmethod
    def _merged(noted: list[tuple[int, int, int]]) -> list[Range]:
        merged: list[Range] = []
        for start, stop, _ in sorted(noted):
            if merged and start <= merged[-1][1]:
                merged[-1] = merged[-1][0], max(stop, merged[-1][1])
            else:
                merged.append((start, stop))
        return merged

    def missing(self, size: int) -> list[Range]:
        """Return the ranges that have not arrived."""
        gaps, end = [], 0
        for start, stop in [*self._merged(self._noted()), (size, size)]:
            if start > end:
                gaps.append((end, start))
            end = max(end, stop)
        return gaps

    def writer(self, start: int) -> PartialWriter:
        """Return what writes bytes from a position on."""
        return PartialWriter(self, start, self._mark())

    def note(self, start: int, stop: int, checksum: int, mark: object) -> None:
        """Write down that a range is there, unless the file was begun anew since that mark."""
        with self._lock:
            if self._mark() != mark:
                return  # what was written is no part of the file that is there now
            try:
                # Not made where it was discarded; and at its end, whoever else writes.
                journal = os.open(self._journal, os.O_WRONLY | os.O_APPEND)
            except FileNotFoundError:
                return
            with os.fdopen(journal, "wb") as file:
                file.write(f"{start} {stop} {checksum}\n".encode("ascii"))

    def discard(self) -> None:
        """Delete what has arrived."""
        self.path.unlink(missing_ok=True)
        self._journal.unlink(missing_ok=True)

    def publish(self, target: Path) -> None:
        """Give the file its name."""
        move_into_place(self.path, target, durable=True)
        self._journal.unlink(missing_ok=True)


class PartialWriter:
    """Writes bytes in their place, and notes them; one for each connection."""

    def __init__(self, partial: Partial, start: int, mark: object) -> None:
        self._partial = partial
        self._mark = mark
        self._file = partial.path.open("r+b", buffering=0)
        self._file.seek(start)
        self._noted = self.position = start
        self._checksum = 0

    def write(self, chunk: bytes) -> None:
        """Write what comes next."""
        rest = memoryview(chunk)
        while rest:
            written = self._file.write(rest) or 0
            self._checksum = zlib.crc32(rest[:written], self._checksum)
            self.position += written
            rest = rest[written:]
        if self.position - self._noted >= _CELL:
            self.note()

    def note(self) -> None:
        """Write down what was not yet."""
        if self.position > self._noted:
            self._partial.note(self._noted, self.position, self._checksum, self._mark)
            self._noted, self._checksum = self.position, 0

    def close(self) -> None:
        """Note the rest, and close the file."""
        try:
            self.note()
        finally:
            self._file.close()


def _is_count(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= _MOST_DIGITS


def _checksum(file: BinaryIO, start: int, stop: int) -> int | None:
    """Return the CRC-32 of a range, or None where the file is too short."""
    file.seek(start)
    checksum, left = 0, stop - start
    while left:
        block = file.read(min(_BLOCK, left))
        if not block:
            return None
        checksum, left = zlib.crc32(block, checksum), left - len(block)
    return checksum
