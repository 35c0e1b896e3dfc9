"""The pages of an SQLite file, to be damaged; "Database File Format" of SQLite describes them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.support.release_builder import query

if TYPE_CHECKING:
    from pathlib import Path

INTERIOR, LEAF = 5, 13


class Pages:
    """The bytes of a file, by page number from 1 on."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.content = bytearray(path.read_bytes())
        size = int.from_bytes(self.content[16:18], "big")
        self.size = 65536 if size == 1 else size

    def start(self, number: int) -> int:
        """Return where a page begins."""
        return (number - 1) * self.size

    def page(self, number: int) -> bytes:
        """Return the bytes of a page."""
        return bytes(self.content[self.start(number) : self.start(number) + self.size])

    def replace(self, number: int, content: bytes) -> None:
        """Put other bytes in a page."""
        self.content[self.start(number) : self.start(number) + len(content)] = content

    def root(self, table: str) -> int:
        """Return the number of a table's first page."""
        [(number,)] = query(
            self.path, "SELECT rootpage FROM sqlite_master WHERE name = ?", (table,)
        )
        return int(number)

    def pointers(self, number: int) -> list[int]:
        """Return where an interior page says which its children are."""
        start = self.start(number)
        header = start + (100 if number == 1 else 0)
        assert self.content[header] == INTERIOR
        count = int.from_bytes(self.content[header + 3 : header + 5], "big")
        places = [header + 12 + 2 * cell for cell in range(count)]
        cells = [start + int.from_bytes(self.content[at : at + 2], "big") for at in places]
        return [*cells, header + 8]

    def children(self, number: int) -> list[int]:
        """Return the numbers of an interior page's children."""
        return [int.from_bytes(self.content[at : at + 4], "big") for at in self.pointers(number)]

    def point(self, at: int, number: int) -> None:
        """Have a pointer lead to another page."""
        self.content[at : at + 4] = number.to_bytes(4, "big")

    def write(self) -> Path:
        """Write the bytes into the file."""
        self.path.write_bytes(self.content)
        return self.path
