"""Columns of a table that were read together, in the form in which their rows are gathered."""

from __future__ import annotations

import json
from sys import getsizeof
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa

from ..schema import KINDS
from .dtypes import masked_array, masked_values, pandas_array, text_codes, texts_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pandas.api.extensions import ExtensionArray

    from .._typing import Mask, Rows, Values
    from ..schema import Kind, Table
    from .dtypes import Codes


_FLOATS = "floats"
_FLOAT_NAMES = b"synphys_frames.floats"


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
        columns are one column of lists, the first, so that a row's floats lie side by side and are
        gathered in one copy; texts are dictionary-encoded.
    """
    floats = [name for name in data.column_names if table.columns[name].facts.storage == "floats"]
    others = [name for name in data.column_names if name not in floats]
    arrays = [_with_missing_row(data.column(name)) for name in others]
    names = others
    if floats:
        block = np.empty((data.num_rows + 1, len(floats)))
        block[-1] = np.nan
        for position, name in enumerate(floats):
            block[:-1, position] = pandas_array(data.column(name), "float")
        # A column of the table may have any name: this one is told by its place.
        lists = pa.FixedSizeListArray.from_arrays(pa.array(block.ravel()), len(floats))
        arrays, names = [lists, *arrays], [_FLOATS, *others]
    noted = {_FLOAT_NAMES: json.dumps(floats).encode()}
    return pa.Table.from_arrays(arrays, names=names).replace_schema_metadata(noted)


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
        width = len(self.float_names)
        stored = dict(enumerate(data.column_names))
        if width:
            del stored[0]
        self.names = [*self.float_names, *stored.values()]
        self.rows: int = data.num_rows - 1
        self.floats = np.empty((self.rows + 1, 0))
        if width:
            lists = data.column(0).chunk(0)
            self.floats = lists.flatten().to_numpy().reshape(-1, width)
        self._waiting = {name: data.column(place) for place, name in stored.items()}
        self._arrays: dict[str, Any] = {}
        self._masked: dict[str, tuple[Values, Mask]] = {}
        self._texts: dict[str, tuple[Codes, ExtensionArray]] = {}
        self._dtypes: dict[str, pd.CategoricalDtype] = {}
        # Each is only ever set to what it is: several threads may do so.
        self._sizes = {(name, "stored"): int(one.nbytes) for name, one in self._waiting.items()}
        self._sizes[_FLOATS, "block"] = self.floats.nbytes

    @property
    def nbytes(self) -> int:
        """Bytes that the columns take."""
        return sum(self._sizes.values())

    def array(self, name: str) -> Any:
        """Return a column that is not of floats, with the missing value at its end."""
        if name not in self._arrays:
            kind = self._kinds[name]
            if kind == "str":
                texts = texts_of(*self.codes(name))
                self._sizes[name, "objects"] = int(texts.nbytes)
                self._arrays[name] = texts
            elif KINDS[kind].storage == "masked":
                self._arrays[name] = masked_array(*self._values(name))
            elif (waiting := self._waiting.get(name)) is not None:
                found = pandas_array(waiting, kind)
                self._arrays[name] = found
                self._is_taken(name, int(found.nbytes))
        return self._arrays[name]

    def _is_taken(self, name: str, size: int) -> None:
        """Forget a column as it was stored; what was made of it is where it will be looked for."""
        self._sizes[name, "stored"] = size
        # Only now: another thread that does not find it here any more finds it there.
        self._waiting.pop(name, None)

    def _values(self, name: str) -> tuple[Values, Mask]:
        if name not in self._masked and (waiting := self._waiting.get(name)) is not None:
            values, missing = masked_values(waiting, self._kinds[name])
            self._masked[name] = (values, missing)
            self._is_taken(name, values.nbytes + missing.nbytes)
        return self._masked[name]

    def codes(self, name: str) -> tuple[Codes, ExtensionArray]:
        """Return for each row of a column of texts its place among the distinct ones, and these.

        -1 is a missing one, as the last row is.
        """
        if name not in self._texts and (waiting := self._waiting.get(name)) is not None:
            codes, distinct = text_codes(waiting)
            self._texts[name] = (codes, distinct)
            # Each distinct text becomes an object of Python.
            texts = sum(chunk.dictionary.nbytes for chunk in waiting.chunks)
            self._is_taken(name, codes.nbytes + texts + len(distinct) * getsizeof(""))
        return self._texts[name]

    def text_dtype(self, name: str) -> pd.CategoricalDtype:
        """Return the distinct texts of a column as a dtype, which remembers where each is."""
        if name not in self._dtypes:
            distinct = pd.Index(self.codes(name)[1])
            self._sizes[name, "dtype"] = int(distinct.nbytes)
            self._dtypes[name] = pd.CategoricalDtype(distinct)
        return self._dtypes[name]

    def by_kind(self, names: Sequence[str]) -> dict[Kind, list[str]]:
        """Return the names of some columns by their kind."""
        found: dict[Kind, list[str]] = {}
        for name in names:
            found.setdefault(self._kinds[name], []).append(name)
        return found

    def are_all_floats(self, names: Sequence[str]) -> bool:
        """Return whether these are all the columns of floats, in their order."""
        return names == self.float_names

    def floats_into(self, rows: Rows, taken: Values) -> None:
        """Put these rows of all columns of floats there."""
        # With any other mode, numpy puts the rows elsewhere first, and then here.
        self.floats.take(rows, axis=0, out=taken, mode="wrap")

    def floats_at(self, names: Sequence[str], rows: Rows) -> Values:
        """Return these rows of some columns of floats, in the order of the names."""
        wanted = [self.float_position[name] for name in names]
        return self.floats[rows[:, None], np.array(wanted, dtype=np.intp)]

    def masked_into(self, names: Sequence[str], rows: Rows, values: Values, missing: Mask) -> None:
        """Put these rows of integers or booleans there, a row a column."""
        for place, name in enumerate(names):
            one, its_missing = self._values(name)
            one.take(rows, out=values[place], mode="wrap")
            its_missing.take(rows, out=missing[place], mode="wrap")

    def arrays_at(self, names: Sequence[str], rows: Rows) -> dict[str, Any]:
        """Return these rows of columns of one kind, but floats."""
        return {name: self.array(name).take(rows) for name in names}
