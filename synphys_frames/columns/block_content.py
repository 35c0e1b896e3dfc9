"""Columns of a table as the bytes of one file, of which nothing is used before it was checked.

A header in JSON says what the columns are and how many bytes each of their buffers has; the buffers
follow, in Arrow's layout. It is no Arrow file: a reader of those takes places, lengths, types and
compression from the file, and is not made for what somebody else may have written. Here, all of
that follows from the schema and the number of rows, or is refused.
"""

from __future__ import annotations

import json
import sys
from itertools import accumulate
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ..schema import KINDS
from .block import as_packed, split_floats

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from ..schema import Column, Table

_MAGIC = b"synphys\n"
_LENGTH_BYTES = 8
_ALIGNMENT = 64
_FLOAT_BYTES = 8
_INDEX_BYTES = 4
_BITS = 8
# Of the years 1 to 9999, as SQLite and Python have them, in microseconds since 1970.
_TIMES = (-62_135_596_800_000_000, 253_402_300_799_999_999)


def block_content(description: Mapping[str, Any], data: pa.Table) -> Iterator[Any]:
    """Yield what is to be written of columns, piece by piece.

    Parameters
    ----------
    description
        What the file shall say of itself, for JSON.
    data
        Columns of a table, as from `packed`.

    Raises
    ------
    NotImplementedError
        A column is of a kind that is not kept.
    """
    arrays = [column.chunk(0) for column in data.columns]
    buffers = [buffer for array in arrays for buffer in _buffers(array)]
    lengths = [len(buffer) for buffer in buffers]
    header = {"description": description, "rows": data.num_rows, "buffers": lengths}
    head = json.dumps(header).encode()
    for part in (_MAGIC + len(head).to_bytes(_LENGTH_BYTES, "little") + head, *buffers):
        yield part
        yield bytes(-len(part) % _ALIGNMENT)


def _buffers(array: pa.Array) -> list[memoryview]:
    """Return the buffers of a column, of just the bytes that its values take.

    Those of floats are their values alone; the others begin with the bits of what is there.
    """
    if pa.types.is_fixed_size_list(array.type):
        return _buffers(array.flatten())[1:]
    if pa.types.is_dictionary(array.type):
        return [*_buffers(array.indices), *_buffers(array.dictionary)[1:]]
    valid, *parts = (memoryview(part or b"").cast("B") for part in array.buffers())
    valid = valid[: -(-len(array) // _BITS)]
    if pa.types.is_string(array.type):
        # Arrow may leave out the only offset of no texts.
        offsets = parts[0][: (len(array) + 1) * _INDEX_BYTES] or memoryview(bytes(_INDEX_BYTES))
        stop = int.from_bytes(offsets[-_INDEX_BYTES:], sys.byteorder)
        return [valid, offsets, parts[1][:stop]]
    if len(parts) != 1 or not pa.types.is_primitive(array.type):
        raise NotImplementedError(f"columns of {array.type} are not kept")
    return [valid, parts[0][: -(-len(array) * array.type.bit_width // _BITS)]]


class BlockContent:
    """What a file of columns holds.

    Parameters
    ----------
    content
        All of the file.

    Attributes
    ----------
    description
        What it says of itself: anything that JSON can hold.

    Raises
    ------
    ValueError, TypeError, KeyError, RecursionError
        It is no such file, or not a whole one.
    """

    def __init__(self, content: bytes) -> None:
        begin = len(_MAGIC) + _LENGTH_BYTES
        if content[: len(_MAGIC)] != _MAGIC or len(content) < begin:
            raise ValueError("it is no file of columns")
        stop = begin + int.from_bytes(content[len(_MAGIC) : begin], "little")
        if stop > len(content):
            raise ValueError("its header is cut off")
        header = json.loads(content[begin:stop])
        self.description: Any = header["description"]
        self._rows = _count(header["rows"])
        if not self._rows:
            raise ValueError("it has no row of missing values")
        lengths = [_count(length) for length in header["buffers"]]
        steps = [length + -length % _ALIGNMENT for length in lengths]
        begins = list(accumulate(steps, initial=stop + -stop % _ALIGNMENT))
        if begins.pop() != len(content):
            raise ValueError(f"it has {len(content):,} bytes, of which its header says otherwise")
        whole = pa.py_buffer(content)
        self._buffers = [whole.slice(*part) for part in zip(begins, lengths, strict=True)]
        self._used = 0

    def columns(self, table: Table, names: Sequence[str]) -> pa.Table:
        """Return its columns in the form of `packed`, after all checks.

        Parameters
        ----------
        table
            The table.
        names
            Which of its columns the file has, in this order.

        Raises
        ------
        ValueError
            A buffer has not the bytes that the rows take, a place leads outside, a text is there
            twice or not UTF-8, a time is in no year, or the row of missing values is none. Arrow's
            errors for that are ValueErrors, too.
        """
        self._used = 0
        floats, others = split_floats(table, names)
        block = self._floats(len(floats))
        arrays = {name: self._array(table.columns[name]) for name in others}
        if self._used != len(self._buffers):
            raise ValueError("it has more buffers than its columns take")
        return as_packed(floats, block, arrays)

    def _next(self, size: int) -> pa.Buffer:
        """Return the next buffer, which must have this size."""
        if self._used >= len(self._buffers):
            raise ValueError("it has fewer buffers than its columns take")
        buffer = self._buffers[self._used]
        if buffer.size != size:
            raise ValueError(f"a buffer has {buffer.size:,} bytes, not {size:,}")
        self._used += 1
        return buffer

    def _next_size(self) -> int:
        return self._buffers[self._used].size if self._used < len(self._buffers) else 0

    def _floats(self, width: int) -> pa.Array:
        if not width:
            return pa.nulls(0, pa.float64())
        # Any bits are a number, or none.
        count = self._rows * width
        values = self._next(count * _FLOAT_BYTES)
        block = pa.Array.from_buffers(pa.float64(), count, [None, values])
        if not np.isnan(block.slice(count - width).to_numpy()).all():
            raise ValueError("its last row is not of missing values")
        return block

    def _array(self, column: Column) -> pa.Array:
        arrow = KINDS[column.kind].arrow
        is_text = KINDS[column.kind].storage == "texts"
        stored = pa.int32() if is_text else arrow
        valid = self._next(-(-self._rows // _BITS))
        values = self._next(-(-self._rows * stored.bit_width // _BITS))
        array = pa.Array.from_buffers(stored, self._rows, [valid, values])
        if array.slice(self._rows - 1).null_count != 1:
            raise ValueError(f"the last row of {column.name} is not of a missing value")
        if is_text:
            array = pa.DictionaryArray.from_buffers(
                pa.dictionary(stored, arrow), self._rows, [valid, values], self._texts(arrow)
            )
        array.validate(full=True)
        if pa.types.is_timestamp(arrow):
            _require_years(array)
        return array

    def _texts(self, arrow: pa.DataType) -> pa.Array:
        """Return the distinct texts of a column."""
        size = self._next_size()
        if not size or size % _INDEX_BYTES:
            raise ValueError("the offsets of texts are cut off")
        offsets = self._next(size)
        content = self._next(self._next_size())
        texts = pa.Array.from_buffers(arrow, size // _INDEX_BYTES - 1, [None, offsets, content])
        texts.validate(full=True)
        if len(texts.unique()) != len(texts):
            raise ValueError("a distinct text is there twice")
        return texts


def _count(value: object) -> int:
    if type(value) is not int or value < 0:
        raise ValueError(f"{str(value)[:40]!r} is no number of rows or bytes")
    return value


def _require_years(times: pa.Array) -> None:
    extremes = pc.min_max(times.cast(pa.int64())).as_py()
    earliest, latest = extremes["min"], extremes["max"]
    if earliest is not None and not _TIMES[0] <= earliest <= latest <= _TIMES[1]:
        raise ValueError("a time is in no year from 1 to 9999")
