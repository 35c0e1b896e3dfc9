"""The typed columns of one table in memory, and rows gathered from them."""

from __future__ import annotations

import json
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa

from .dtypes import pandas_array, shared_array, text_codes, texts_of
from .errors import StoredValueError
from .key_index import NONE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from contextlib import AbstractContextManager

    from .dtypes import Codes
    from .schema import Table

    Rows = np.ndarray[Any, np.dtype[np.intp]]

FLOATS = "floats"
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
        self._texts: dict[str, tuple[Codes, Any]] = {}
        self._sizes = {name: int(data.column(name).nbytes) for name in data.column_names}

    @property
    def nbytes(self) -> int:
        """Bytes that the columns take."""
        return sum(self._sizes.values())

    def array(self, name: str) -> Any:
        """Return a column that is not of floats, with the missing value at its end."""
        if name not in self._arrays:
            if self._kinds[name] == "str":
                codes, dtype = self.codes(name)
                texts = texts_of(codes, dtype.categories.array)
                self._sizes[name] = codes.nbytes + int(texts.nbytes)
                self._arrays[name] = texts
            elif (waiting := self._waiting.get(name)) is not None:
                found: Any = shared_array(waiting, self._kinds[name])
                self._sizes[name] = int(found.nbytes)
                self._arrays[name] = found
                # Only now: another thread that does not find it here any more finds it there.
                self._waiting.pop(name, None)
        return self._arrays[name]

    def codes(self, name: str) -> tuple[Codes, Any]:
        """Return for each row of a column of texts its place among the distinct ones, and those.

        -1 is a missing one, as the last row is. The distinct ones come as a CategoricalDtype.
        """
        if name not in self._texts and (waiting := self._waiting.get(name)) is not None:
            codes, distinct = text_codes(waiting)
            self._sizes[name] = codes.nbytes
            self._texts[name] = (codes, pd.CategoricalDtype(pd.Index(distinct)))
            self._waiting.pop(name, None)
        return self._texts[name]

    def floats_at(self, names: Sequence[str], rows: Rows) -> np.ndarray[Any, Any]:
        """Return these rows of the float columns among the names, in the order of the names."""
        wanted = [self.float_position[name] for name in names if name in self.float_position]
        if wanted == list(range(len(self.float_names))):
            return self.floats.take(rows, axis=0)
        return self.floats[rows[:, None], np.array(wanted, dtype=np.intp)]


class TableColumns:
    """The plain columns of one table, each read when it is first asked for.

    Parameters
    ----------
    table
        The table.
    read
        Reads columns of all rows, in the form of `packed`.
    parts
        What was read before, in the same form.
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
        parts: Iterable[pa.Table] = (),
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
        self._parts: list[ColumnPart] = []
        self._part_of: dict[str, ColumnPart] = {}
        for part in parts:
            self._add(part)

    def _add(self, data: pa.Table) -> None:
        part = ColumnPart(self.table, data)
        self._parts.append(part)
        self._part_of |= {name: part for name in part.names if name not in self._part_of}

    def __len__(self) -> int:
        if not self._parts:
            self.require(self.table.kept_columns[:1])
        return self._parts[0].rows

    @property
    def nbytes(self) -> int:
        """Bytes that the columns take."""
        return sum(part.nbytes for part in self._parts)

    @property
    def loaded(self) -> list[str]:
        """Names of the columns that are in memory."""
        return list(self._part_of)

    def require(self, names: Iterable[str]) -> None:
        """Have these columns read, all that are not there yet in one pass."""
        missing = [name for name in names if name not in self._part_of]
        if not missing:
            return
        for name in missing:
            self.table.column(name)  # raises with the nearest names
        with self._lock():
            missing = [name for name in missing if name not in self._part_of]
            together = self._together(missing)
            if together:
                self._add(self._read_fitting(together, missing))

    def _read_fitting(self, together: Sequence[str], wanted: Sequence[str]) -> pa.Table:
        try:
            return self._read(self.table, together)
        except StoredValueError:
            # It may be in a column that nobody asked for.
            if not self._divisible or set(together) == set(wanted):
                raise
            return self._read(self.table, wanted)

    def _together(self, missing: Iterable[str]) -> list[str]:
        kept = self.table.kept_columns
        wanted = set(missing)
        if wanted and self._whole:
            wanted = set(kept)
        elif wanted and not self._parts:
            # Keys are asked for next, whatever is asked for first.
            wanted |= {name for name in kept if self.table.columns[name].references}
            wanted.add("id")
        return [name for name in kept if name in wanted and name not in self._part_of]

    def _part(self, name: str) -> ColumnPart:
        if name not in self._part_of:
            self.require([name])
        return self._part_of[name]

    def values(self, name: str) -> Any:
        """Return a whole column, row by row; not to be written to."""
        part = self._part(name)
        if name in part.float_position:
            return part.floats[:-1, part.float_position[name]]
        return part.array(name)[:-1]

    def take(self, name: str, rows: Rows) -> Any:
        """Return a column's values at these rows; row -1 gives a missing value."""
        part = self._part(name)
        if name in part.float_position:
            gathered: np.ndarray[Any, Any] = part.floats[rows, part.float_position[name]]
            return gathered
        return part.array(name).take(rows)

    def texts(self, name: str, rows: Rows | None = None) -> Any:
        """Return a column of texts at these rows, default row by row, as a Categorical.

        The distinct texts need to be looked at only once.
        """
        codes, dtype = self._part(name).codes(name)
        chosen = codes[:-1] if rows is None else codes[rows]
        return pd.Categorical.from_codes(chosen, dtype=dtype, validate=False)

    def series(self, name: str, rows: Rows) -> pd.Series:
        """Return a column at these rows to be compared: texts as a categorical column."""
        is_text = self.table.column(name).kind == "str"
        return pd.Series(self.texts(name, rows) if is_text else self.take(name, rows), copy=False)

    def keys(self, name: str) -> tuple[Rows, np.ndarray[Any, np.dtype[np.bool_]]]:
        """Return an integer column as plain integers, and where it is missing."""
        values = self.values(name)
        missing = np.asarray(values.isna())
        return values.to_numpy(dtype=np.int64, na_value=NONE), missing

    def pieces(self, names: Sequence[str], rows: Rows) -> list[pd.DataFrame]:
        """Return frames that, side by side, are these columns in this order at these rows.

        Their columns have no names: labels are made once, for all pieces of a frame.
        """
        self.require(names)
        index = pd.RangeIndex(len(rows))
        floats = {
            part: part.floats_at([name for name in names if self._part_of[name] is part], rows)
            for part in {self._part_of[name]: None for name in names}
        }
        begun = dict.fromkeys(floats, 0)
        pieces: list[pd.DataFrame] = []
        for part, is_float, run in self._runs(names):
            if is_float:
                stop = begun[part] + len(run)
                block = floats[part][:, begun[part] : stop]
                begun[part] = stop
                pieces.append(pd.DataFrame(block, index=index, copy=False))
            else:
                arrays = {place: part.array(name).take(rows) for place, name in enumerate(run)}
                pieces.append(pd.DataFrame(arrays, index=index, copy=False))
        return pieces

    def _runs(self, names: Sequence[str]) -> list[tuple[ColumnPart, bool, list[str]]]:
        """Return the names in runs of floats, or of others, that lie in one part."""
        runs: list[tuple[ColumnPart, bool, list[str]]] = []
        for name in names:
            part = self._part_of[name]
            kind = (part, name in part.float_position)
            if not runs or runs[-1][:2] != kind:
                runs.append((*kind, []))
            runs[-1][2].append(name)
        return runs
