"""Files with bytes changed at random give SQLite's rows, or an error that has a name.

``SYNPHYS_FUZZ_SECONDS`` says how long to try (default 4), ``SYNPHYS_FUZZ_SEED`` where to begin.
What is found gets a test of its own in tests/backends.
"""

from __future__ import annotations

import json
import os
import random
import selectors
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Self

import pytest

import synphys_frames as sf
from tests.support.sqlite_pages import INTERIOR

SECONDS = float(os.environ.get("SYNPHYS_FUZZ_SECONDS", "4"))
SEED = int(os.environ.get("SYNPHYS_FUZZ_SEED", "0"))
# Of a loaded machine; alone, no file takes a tenth of it.
PATIENCE = 60.0
ROOT = Path(__file__).parents[2]


def _some_bytes(content: bytearray, size: int, chance: random.Random) -> None:
    for _ in range(chance.choice([1, 3, 20])):
        content[chance.randrange(len(content))] = chance.randrange(256)


def _stretch(content: bytearray, size: int, chance: random.Random) -> None:
    start, length = chance.randrange(len(content) - 64), chance.randrange(1, 64)
    content[start : start + length] = chance.randbytes(length)


def _blank_page(content: bytearray, size: int, chance: random.Random) -> None:
    start = chance.randrange(len(content) // size) * size
    content[start : start + size] = bytes(size)


def _copied_page(content: bytearray, size: int, chance: random.Random) -> None:
    first, second = (chance.randrange(len(content) // size) * size for _ in range(2))
    content[first : first + size] = content[second : second + size]


def _page_header(content: bytearray, size: int, chance: random.Random) -> None:
    start = chance.randrange(1, len(content) // size) * size
    content[start + chance.randrange(12)] = chance.randrange(256)


def _cell_place(content: bytearray, size: int, chance: random.Random) -> None:
    start = chance.randrange(1, len(content) // size) * size + 8 + 2 * chance.randrange(20)
    content[start : start + 2] = chance.randrange(size).to_bytes(2, "big")


def _child(content: bytearray, size: int, chance: random.Random) -> None:
    pages = range(size, len(content), size)
    start = chance.choice([page for page in pages if content[page] == INTERIOR])
    count = int.from_bytes(content[start + 3 : start + 5], "big")
    place = start + 12 + 2 * chance.randrange(count)
    cell = start + int.from_bytes(content[place : place + 2], "big")
    number = chance.choice([start // size + 1, chance.randrange(1, len(pages)), 1 << 31])
    content[cell : cell + 4] = number.to_bytes(4, "big")


def _file_header(content: bytearray, size: int, chance: random.Random) -> None:
    content[chance.randrange(16, 100)] = chance.randrange(256)


def _catalogue(content: bytearray, size: int, chance: random.Random) -> None:
    content[chance.randrange(100, min(len(content), 20 * size))] = chance.randrange(256)


CHANGES = [
    _some_bytes,
    _stretch,
    _blank_page,
    _copied_page,
    _page_header,
    _cell_place,
    _child,
    _file_header,
    _catalogue,
]


class Reader:
    """A process that reads files; another one after it ended, or was ended."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self._end()

    def _end(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None

    def outcome(self, path: Path, number: int) -> str:
        """Return what reading a file leads to; what took too long was ended."""
        if self._process is None:
            command = [sys.executable, "-m", "tests.support.release_reader"]
            self._process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT
            )
        streams = self._process.stdin, self._process.stdout
        assert streams[0] is not None
        assert streams[1] is not None
        streams[0].write(json.dumps([str(path), number]) + "\n")
        streams[0].flush()
        with selectors.DefaultSelector() as selector:
            selector.register(streams[1], selectors.EVENT_READ)
            line = streams[1].readline() if selector.select(PATIENCE) else ""
        if line:
            return str(json.loads(line))
        ended = self._process.poll()
        self._end()
        return "it hangs" if ended is None else f"the process ended with {ended}"


@pytest.mark.skipif(sys.platform == "win32", reason="pipes can't be waited for there")
@pytest.mark.parametrize("size", [512, 4096])
def test_changed_bytes_lose_no_row(tmp_path: Path, size: int) -> None:
    path = sf.build_sample(tmp_path / "release.sqlite", scale=1 / 60)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA page_size = {size}")
        connection.execute("VACUUM")
    whole = path.read_bytes()
    changed = tmp_path / "changed.sqlite"
    number = SEED
    with Reader() as reader:
        assert reader.outcome(path, 0) == "read"
        end = time.monotonic() + SECONDS / 2
        while time.monotonic() < end:
            number += 1
            chance = random.Random(number)
            content = bytearray(whole)
            chance.choice(CHANGES)(content, size, chance)
            changed.write_bytes(content)
            said = reader.outcome(changed, number)
            assert said == "read" or said.startswith("refused: "), f"seed {number}: {said}"
            assert sorted(tmp_path.iterdir()) == [changed, path]
