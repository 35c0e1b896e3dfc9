"""The typed columns of one table in memory, and rows gathered from them."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from ..errors import ReleaseFileError, StoredValueError
from .block import Block
from .factorize import NONE
from .gather import ColumnGather

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from contextlib import AbstractContextManager

    import pyarrow as pa

    from .._typing import Rows
    from ..schema import Table


class TableColumns:
    """The plain columns of one table, each read when it is first asked for.

    Parameters
    ----------
    table
        The table.
    read
        Reads columns of all rows, in the form of `packed`.
    kept
        What an earlier process read, in the same form.
    whole
        Whether to read all columns at once: where there are few values, a second pass over the
        table takes longer than what nobody asks for.
    divisible
        Whether all passes give the rows in the same order.
    lock
        Gives the lock for reading; default none.
    """

    def __init__(
        self,
        table: Table,
        read: Callable[[Table, Sequence[str]], pa.Table],
        kept: Iterable[pa.Table] = (),
        *,
        whole: bool = False,
        divisible: bool = True,
        lock: Callable[[], AbstractContextManager[Any]] = nullcontext,
    ) -> None:
        self.table = table
        self._read = read
        self._whole = whole or not divisible
        self._divisible = divisible
        self._lock = lock
        self._blocks: list[Block] = []
        self._block_of: dict[str, Block] = {}
        for data in kept:
            self._add(data)

    def _add(self, data: pa.Table) -> None:
        block = Block(self.table, data)
        if self._blocks and block.rows != self._blocks[0].rows:
            raise ReleaseFileError(
                f"Table {self.table.name} has {block.rows:,} rows now, and had "
                f"{self._blocks[0].rows:,} for other columns. Delete the folder whose name ends in "
                ".columns beside the release file, if there is one, and open the release again."
            )
        self._blocks.append(block)
        self._block_of |= {name: block for name in block.names if name not in self._block_of}

    def __len__(self) -> int:
        if not self._blocks:
            self.require(self.table.kept_columns[:1])
        return self._blocks[0].rows

    @property
    def nbytes(self) -> int:
        """Bytes that the columns take."""
        return sum(block.nbytes for block in self._blocks)

    @property
    def loaded(self) -> list[str]:
        """Names of the columns that are in memory."""
        return list(self._block_of)

    def require(self, names: Iterable[str]) -> None:
        """Have these columns read, all that are not in memory in one pass."""
        missing = [name for name in names if name not in self._block_of]
        if not missing:
            return
        for name in missing:
            self.table.column(name)  # raises with the nearest names
        with self._lock():
            missing = [name for name in missing if name not in self._block_of]
            together = self._together(missing)
            if together:
                self._add(self._read_fitting(together, missing))

    def _read_fitting(self, together: Sequence[str], asked: Sequence[str]) -> pa.Table:
        try:
            return self._read(self.table, together)
        except StoredValueError:
            # The value may be in a column that nobody asked for.
            if not self._divisible or set(together) == set(asked):
                raise
            return self._read(self.table, asked)

    def _together(self, missing: Iterable[str]) -> list[str]:
        kept = self.table.kept_columns
        names = set(missing)
        if names and self._whole:
            names = set(kept)
        elif names and not self._blocks:
            # Whatever is asked for first, ids and keys are asked for next.
            names |= {name for name in kept if self.table.columns[name].references}
            names.add("id")
        return [name for name in kept if name in names and name not in self._block_of]

    def _block(self, name: str) -> Block:
        if name not in self._block_of:
            self.require([name])
        return self._block_of[name]

    def values(self, name: str) -> Any:
        """Return a whole column, row by row; not to be written to."""
        block = self._block(name)
        if name in block.float_position:
            return block.floats[:-1, block.float_position[name]]
        if name in block.text_names:
            return block.texts(name, slice(None, -1))
        return block.array(name)[:-1]

    def take(self, name: str, rows: Rows) -> Any:
        """Return a column's values at these rows; row -1 gives a missing value."""
        block = self._block(name)
        if name in block.float_position:
            gathered: np.ndarray[Any, Any] = block.floats[rows, block.float_position[name]]
            return gathered
        is_text = name in block.text_names
        return block.texts(name, rows) if is_text else block.array(name).take(rows)

    def texts(self, name: str, rows: Rows | None = None) -> Any:
        """Return a column of texts at these rows, default row by row, as a Categorical.

        The distinct texts need to be looked at only once.
        """
        block = self._block(name)
        codes, _ = block.codes(name)
        chosen = codes[:-1] if rows is None else codes[rows]
        return pd.Categorical.from_codes(chosen - 1, dtype=block.text_dtype(name), validate=False)

    def series(self, name: str, rows: Rows) -> pd.Series:
        """Return a column at these rows to be compared: texts as a categorical column."""
        is_text = name in self._block(name).text_names
        return pd.Series(self.texts(name, rows) if is_text else self.take(name, rows), copy=False)

    def keys(self, name: str) -> tuple[Rows, np.ndarray[Any, np.dtype[np.bool_]]]:
        """Return an integer column as plain integers, and where it is missing."""
        values = self.values(name)
        missing = np.asarray(values.isna())
        return values.to_numpy(dtype=np.int64, na_value=NONE), missing

    def gather(self, names: Sequence[str], rows: Rows) -> ColumnGather:
        """Return these columns at these rows, still to be taken."""
        self.require(names)
        return ColumnGather(self._block_of, names, rows)
