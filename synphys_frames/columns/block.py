"""Columns of a table that were read together, in the form in which their rows are gathered."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa

from ..schema import KINDS
from .dtypes import masked_array, masked_values, pandas_array, text_array, text_codes, texts_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pandas.api.extensions import ExtensionArray

    from .._typing import Mask, Rows, Values
    from ..schema import Storage, Table
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
    floats, others = split_floats(table, data.column_names)
    block = np.empty((data.num_rows + 1, len(floats)))
    block[-1] = np.nan
    for position, name in enumerate(floats):
        block[:-1, position] = pandas_array(data.column(name), table.columns[name].kind)
    arrays = {name: _with_missing_row(data.column(name)) for name in others}
    return as_packed(floats, pa.array(block.ravel()), arrays)


def split_floats(table: Table, columns: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return which of some columns of a table are of floats, and which are not."""
    floats = [name for name in columns if table.columns[name].facts.storage == "floats"]
    return floats, [name for name in columns if name not in floats]


def as_packed(floats: list[str], block: pa.Array, others: Mapping[str, pa.Array]) -> pa.Table:
    """Return columns, each with its missing row, in the form of `packed`.

    Parameters
    ----------
    floats, block
        The names of the columns of floats, and their values, a row a row.
    others
        The other columns.
    """
    arrays, names = list(others.values()), list(others)
    if floats:
        # A column of the table may have this name, too: that of the lists is known by its place.
        lists = pa.FixedSizeListArray.from_arrays(block, len(floats))
        arrays, names = [lists, *arrays], [_FLOATS, *names]
    metadata = {_FLOAT_NAMES: json.dumps(floats).encode()}
    return pa.Table.from_arrays(arrays, names=names).replace_schema_metadata(metadata)


def _with_missing_row(values: pa.ChunkedArray) -> pa.Array:
    longer = pa.concat_arrays([*values.chunks, pa.nulls(1, values.type)])
    return longer.dictionary_encode() if pa.types.is_string(longer.type) else longer


class Block:
    """Some columns of a table that were read together.

    Parameters
    ----------
    table
        The table.
    data
        The columns, as from `packed`.

    Attributes
    ----------
    names
        The columns, those of floats first.
    float_names, float_position
        The columns of floats, and the place of each among them.
    text_names
        The columns of texts, of all of the table.
    rows
        How many rows the table has.
    floats
        The columns of floats, a row a row, with the missing row at the end.
    """

    def __init__(self, table: Table, data: pa.Table) -> None:
        self._kinds = {column.name: column.kind for column in table.columns.values()}
        self.float_names: list[str] = json.loads(data.schema.metadata[_FLOAT_NAMES])
        self.text_names = {
            name for name, kind in self._kinds.items() if KINDS[kind].storage == "texts"
        }
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
        # Columns move from the first of these into the others when they are first used. Several
        # threads may do that at once: they set the same values.
        self._stored = {name: data.column(place) for place, name in stored.items()}
        self._arrays: dict[str, Any] = {}
        self._masked: dict[str, tuple[Values, Mask]] = {}
        self._texts: dict[str, tuple[Codes, pa.Array]] = {}
        self._dtypes: dict[str, pd.CategoricalDtype] = {}
        self._sizes = {
            (name, "stored"): int(column.nbytes) for name, column in self._stored.items()
        }
        self._sizes[_FLOATS, "block"] = self.floats.nbytes

    @property
    def nbytes(self) -> int:
        """Bytes that the columns take."""
        return sum(self._sizes.values())

    def array(self, name: str) -> Any:
        """Return a column of neither floats nor texts, with the missing value at its end."""
        if name not in self._arrays:
            kind = self._kinds[name]
            if KINDS[kind].storage == "masked":
                self._arrays[name] = masked_array(*self._values(name), KINDS[kind].pandas_dtype)
            elif (stored := self._stored.get(name)) is not None:
                array = pandas_array(stored, kind)
                self._arrays[name] = array
                self._forget_stored(name, int(array.nbytes))
        return self._arrays[name]

    def _forget_stored(self, name: str, size: int) -> None:
        """Forget a column as it was stored, and count what was made of it instead."""
        self._sizes[name, "stored"] = size
        # At the end: a thread that does not see the stored column any more sees what was made.
        self._stored.pop(name, None)

    def _values(self, name: str) -> tuple[Values, Mask]:
        if name not in self._masked and (stored := self._stored.get(name)) is not None:
            values, missing = masked_values(stored, self._kinds[name])
            self._masked[name] = (values, missing)
            self._forget_stored(name, values.nbytes + missing.nbytes)
        return self._masked[name]

    def codes(self, name: str) -> tuple[Codes, pa.Array]:
        """Return for each row of a column of texts its place in an array of the distinct ones.

        Place 0 is that of missing texts; the last row is missing.
        """
        if name not in self._texts and (stored := self._stored.get(name)) is not None:
            codes, distinct = text_codes(stored)
            self._texts[name] = (codes, distinct)
            self._forget_stored(name, codes.nbytes + int(distinct.nbytes))
        return self._texts[name]

    def texts(self, name: str, rows: Rows | slice) -> ExtensionArray:
        """Return these rows of a column of texts."""
        codes, distinct = self.codes(name)
        return texts_of(codes[rows], distinct)

    def text_dtype(self, name: str) -> pd.CategoricalDtype:
        """Return the distinct texts of a column as a dtype, which remembers where each is."""
        if name not in self._dtypes:
            distinct = pd.Index(text_array(self.codes(name)[1][1:]))
            self._sizes[name, "dtype"] = int(distinct.nbytes)
            self._dtypes[name] = pd.CategoricalDtype(distinct)
        return self._dtypes[name]

    def by_dtype(self, names: Sequence[str]) -> dict[tuple[Storage, str], list[str]]:
        """Return the names of some columns by storage and name of the pandas dtype."""
        names_of: dict[tuple[Storage, str], list[str]] = {}
        for name in names:
            facts = KINDS[self._kinds[name]]
            names_of.setdefault((facts.storage, facts.dtype), []).append(name)
        return names_of

    def are_all_floats(self, names: Sequence[str]) -> bool:
        """Return whether these are all the columns of floats, in their order."""
        return names == self.float_names

    def take_floats_into(self, rows: Rows, floats: Values) -> None:
        """Fill an array, a row a row, with these rows of all columns of floats."""
        # With any other mode, numpy gathers into a copy first.
        self.floats.take(rows, axis=0, out=floats, mode="wrap")

    def take_floats(self, names: Sequence[str], rows: Rows) -> Values:
        """Return these rows of some columns of floats, in the order of the names."""
        positions = [self.float_position[name] for name in names]
        return self.floats[rows[:, None], np.array(positions, dtype=np.intp)]

    def take_masked_into(
        self, names: Sequence[str], rows: Rows, values: Values, missing: Mask
    ) -> None:
        """Fill two arrays, a row a column, with these rows of columns with a mask."""
        for place, name in enumerate(names):
            column_values, column_missing = self._values(name)
            column_values.take(rows, out=values[place], mode="wrap")
            column_missing.take(rows, out=missing[place], mode="wrap")

    def take(self, names: Sequence[str], rows: Rows) -> dict[str, Any]:
        """Return these rows of columns that are of neither floats nor texts."""
        return {name: self.array(name).take(rows) for name in names}
