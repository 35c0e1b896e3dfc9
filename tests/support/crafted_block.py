"""Files of a columnar copy that are taken apart, changed, and written with a right checksum."""

from __future__ import annotations

import json
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

MAGIC = b"synphys\n"
ALIGNMENT = 64


def padded(content: bytes) -> bytes:
    return content + bytes(-len(content) % ALIGNMENT)


@dataclass
class CraftedBlock:
    """What a file of columns holds: its header, and the buffers behind it."""

    header: dict[str, Any]
    buffers: list[bytearray]

    @classmethod
    def of(cls, path: Path) -> CraftedBlock:
        content = path.read_bytes()
        stop = 16 + int.from_bytes(content[8:16], "little")
        header = json.loads(content[16:stop])
        begin = stop + -stop % ALIGNMENT
        buffers = []
        for length in header["buffers"]:
            buffers.append(bytearray(content[begin : begin + length]))
            begin += length + -length % ALIGNMENT
        assert content[:8] == MAGIC
        assert begin == len(content)
        return cls(header, buffers)

    def place(self, name: str) -> int:
        """Return the number of a column's first buffer; of all floats that is the first one."""
        columns = self.header["description"]["columns"]
        place = int(any(column["kind"] == "float" for column in columns))
        for column in columns:
            if column["name"] == name:
                return 0 if column["kind"] == "float" else place
            place += {"float": 0, "str": 4}.get(column["kind"], 2)
        raise KeyError(name)

    def content(self) -> bytes:
        head = json.dumps(self.header).encode()
        parts = [MAGIC + len(head).to_bytes(8, "little") + head, *map(bytes, self.buffers)]
        return b"".join(map(padded, parts))

    def with_lengths(self) -> CraftedBlock:
        """Have the header say how long the buffers are."""
        self.header["buffers"] = [len(buffer) for buffer in self.buffers]
        return self


def put_instead(path: Path, content: bytes) -> Path:
    """Write another content for a file of columns, under a name that has its checksum."""
    path.unlink(missing_ok=True)
    other = path.with_name(f"{path.stem.rpartition('-')[0]}-{zlib.crc32(content):08x}.block")
    other.write_bytes(content)
    return other
