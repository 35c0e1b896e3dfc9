"""Columns of a table that were read together, in the form in which their rows are gathered."""

from __future__ import annotations

import json
from sys import getsizeof
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa

from .dtypes import (
    masked_array,
    masked_values,
    pandas_array,
    stacked_texts,
    text_codes,
    texts_of,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pandas.api.extensions import ExtensionArray

    from .dtypes import Codes, Mask, Values
    from .schema import Kind, Table

    Rows = np.ndarray[Any, np.dtype[np.intp]]

FLOATS = "floats"
_FLOAT_NAMES = b"synphys_frames.floats"
_MASKED = ("int", "bool")


def packed(table: Table, data: pa.Table) -> pa.Table:
    """Return columns of a table in the form in which they are kept and written.

    Parameters
    ----------
    table
        The table.
    data
        Some of its plain columns, all rows.

    Returns
    -------
    pyarrow.Table
        One more row than the table, of missing values, which the row number -1 picks. The float
        columns are one column of lists, so that a row's floats lie side by side and are gathered in
        one copy; texts are dictionary-encoded.
    """
    floats = [name for name in data.column_names if table.columns[name].kind == "float"]
    columns: dict[str, pa.Array] = {}
    if floats:
        block = np.empty((data.num_rows + 1, len(floats)))
        block[-1] = np.nan
        for position, name in enumerate(floats):
            block[:-1, position] = pandas_array(data.column(name), "float")
        columns[FLOATS] = pa.FixedSizeListArray.from_arrays(pa.array(block.ravel()), len(floats))
    for name in data.column_names:
        if name not in floats:
            columns[name] = _with_missing_row(data.column(name))
    noted = {_FLOAT_NAMES: json.dumps(floats).encode()}
    return pa.table(columns).replace_schema_metadata(noted)


def _with_missing_row(values: pa.ChunkedArray) -> pa.Array:
    longer = pa.concat_arrays([*values.chunks, pa.nulls(1, values.type)])
    return longer.dictionary_encode() if pa.types.is_string(longer.type) else longer


class ColumnPart:
    """Some columns of a table that were read together.

    Parameters
    ----------
    table
        The table.
    data
        The columns, as from `packed`; they may be mapped from a file.
    """

    def __init__(self, table: Table, data: pa.Table) -> None:
        self._kinds = {column.name: column.kind for column in table.columns.values()}
        self.float_names: list[str] = json.loads(data.schema.metadata[_FLOAT_NAMES])
        self.float_position = {name: place for place, name in enumerate(self.float_names)}
        self.names = [*self.float_names, *(name for name in data.column_names if name != FLOATS)]
        self.rows: int = data.num_rows - 1
        width = len(self.float_names)
        self.floats = np.empty((self.rows + 1, 0))
        if width:
            lists = data.column(FLOATS).chunk(0)
            self.floats = lists.flatten().to_numpy().reshape(-1, width)
        self._waiting = {name: data.column(name) for name in data.column_names if name != FLOATS}
        self._arrays: dict[str, Any] = {}
        self._masked: dict[str, tuple[Values, Mask]] = {}
        self._text_names = [name for name in self.names if self._kinds[name] == "str"]
        self._stack: Any = None
        self._texts: dict[str, tuple[Codes, ExtensionArray]] = {}
        self._dtypes: dict[str, pd.CategoricalDtype] = {}
        self._sizes = {name: int(data.column(name).nbytes) for name in data.column_names}

    @property
    def nbytes(self) -> int:
        """Bytes that the columns take."""
        return sum(self._sizes.values())

    def array(self, name: str) -> Any:
        """Return a column that is not of floats, with the missing value at its end."""
        if name not in self._arrays:
            kind = self._kinds[name]
            if kind == "str":
                self._arrays[name] = texts_of(*self.codes(name))
                self._sizes[name] += int(self._arrays[name].nbytes)
            elif kind in _MASKED:
                self._arrays[name] = masked_array(*self._values(name))
            elif (waiting := self._waiting.get(name)) is not None:
                self._arrays[name] = pandas_array(waiting, kind)
                self._sizes[name] = int(self._arrays[name].nbytes)
                self._waiting.pop(name, None)
        return self._arrays[name]

    def _values(self, name: str) -> tuple[Values, Mask]:
        if name not in self._masked and (waiting := self._waiting.get(name)) is not None:
            values, missing = masked_values(waiting, self._kinds[name])
            self._sizes[name] = values.nbytes + missing.nbytes
            self._masked[name] = (values, missing)
            # Only now: another thread that does not find it here any more finds it there.
            self._waiting.pop(name, None)
        return self._masked[name]

    def codes(self, name: str) -> tuple[Codes, ExtensionArray]:
        """Return for each row of a column of texts its place among the distinct ones, and these.

        -1 is a missing one, as the last row is.
        """
        if name not in self._texts and (waiting := self._waiting.get(name)) is not None:
            self._texts[name] = codes, distinct = text_codes(waiting)
            # Each distinct text becomes an object of Python.
            texts = sum(chunk.dictionary.nbytes for chunk in waiting.chunks)
            self._sizes[name] = codes.nbytes + texts + len(distinct) * getsizeof("")
            self._waiting.pop(name, None)
        return self._texts[name]

    def text_dtype(self, name: str) -> pd.CategoricalDtype:
        """Return the distinct texts of a column as a dtype, which remembers where each is."""
        if name not in self._dtypes:
            distinct = pd.Index(self.codes(name)[1])
            self._sizes[name] += int(distinct.nbytes)
            self._dtypes[name] = pd.CategoricalDtype(distinct)
        return self._dtypes[name]

    def _stacked(self) -> Any:
        """Return all columns of texts as one array, a row a column."""
        if self._stack is None:
            stack = stacked_texts([self.codes(name) for name in self._text_names])
            for place, name in enumerate(self._text_names):
                if name not in self._arrays:
                    self._sizes[name] += int(stack[place].nbytes)
                self._arrays[name] = stack[place]
            self._stack = stack
        return self._stack

    def by_kind(self, names: Sequence[str]) -> dict[Kind, list[str]]:
        """Return the names of some columns by their kind."""
        found: dict[Kind, list[str]] = {}
        for name in names:
            found.setdefault(self._kinds[name], []).append(name)
        return found

    def arrays_at(self, names: Sequence[str], rows: Rows) -> dict[str, Any]:
        """Return these rows of columns of one kind, but floats.

        They lie behind each other: memory that is asked for in one piece comes in large pages, and
        the system takes far less time for it.
        """
        arrays: list[Any]
        kind = self._kinds[names[0]]
        if kind in _MASKED:
            arrays = _masked_at([self._values(name) for name in names], rows)
        elif kind == "str" and names == self._text_names:
            together = self._stacked().take(rows, axis=1)
            arrays = [together[place] for place in range(len(names))]
        else:
            arrays = [self.array(name).take(rows) for name in names]
        return dict(zip(names, arrays, strict=True))

    def floats_at(self, names: Sequence[str], rows: Rows) -> np.ndarray[Any, Any]:
        """Return these rows of columns of floats, in the order of the names."""
        wanted = [self.float_position[name] for name in names]
        if wanted == list(range(len(self.float_names))):
            return self.floats.take(rows, axis=0)
        return self.floats[rows[:, None], np.array(wanted, dtype=np.intp)]


def _masked_at(columns: Sequence[tuple[Values, Mask]], rows: Rows) -> list[Any]:
    shape = (len(columns), len(rows))
    values, missing = np.empty(shape, dtype=columns[0][0].dtype), np.empty(shape, dtype=bool)
    for place, (one, its_missing) in enumerate(columns):
        # With any other mode, numpy puts the rows elsewhere first, and then here.
        np.take(one, rows, out=values[place], mode="wrap")
        np.take(its_missing, rows, out=missing[place], mode="wrap")
    return list(map(masked_array, values, missing))
