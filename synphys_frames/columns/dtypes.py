"""From Arrow columns to the pandas types that the package promises."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from ..errors import ArgumentError, QueryError
from ..schema import KINDS, STR, Kind, Storage, kind_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pandas.api.extensions import ExtensionArray

    from .._typing import Mask, Values

    Codes = np.ndarray[Any, np.dtype[np.int32]]


DtypeBackend = Literal["pyarrow"] | None


def check_dtype_backend(dtype_backend: object) -> None:
    """Raise unless the value names a known choice of result types."""
    if dtype_backend not in (None, "pyarrow"):
        raise ArgumentError(
            f"dtype_backend takes None (pandas types) or 'pyarrow'; got {dtype_backend!r}."
        )


def pandas_array(values: pa.ChunkedArray, kind: Kind) -> ExtensionArray | np.ndarray[Any, Any]:
    """Return one Arrow column as the pandas array of its kind.

    Parameters
    ----------
    values
        The column; it is cast to the kind's Arrow type first. Texts may be dictionary-encoded.
    kind
        float gives a float64 ndarray with NaN, array an object ndarray of bytes and None, the
        others extension arrays: Int64, boolean, str, datetime64[us].
    """
    if not pa.types.is_dictionary(values.type):
        values = values.cast(KINDS[kind].arrow)
    conversion = _CONVERSIONS[KINDS[kind].storage]
    result: ExtensionArray | np.ndarray[Any, Any] = conversion.from_arrow(values, kind)
    return result


def extension_array(dtype: Any, values: pa.Array | pa.ChunkedArray) -> ExtensionArray:
    """Return an Arrow column as the array of a pandas extension dtype."""
    array: ExtensionArray = dtype.__from_arrow__(values)
    return array


def masked_values(values: pa.ChunkedArray, kind: Kind) -> tuple[Values, Mask]:
    """Return numbers or booleans, and a mask of those that are missing, which have any value.

    Numbers stay in the memory of the Arrow column and are not to be written to. Arrow allocates
    nothing: an allocation by it takes milliseconds from time to time.
    """
    facts = KINDS[kind]
    if values.type != facts.arrow:
        values = values.cast(facts.arrow)
    column = _in_one_chunk(values)
    is_bits = pa.types.is_boolean(facts.arrow)
    numbers = _bits(column, column.buffers()[1]) if is_bits else _shared_numbers(column)
    return numbers, _missing(column)


def masked_array(values: Values, missing: Mask, dtype: Any) -> ExtensionArray:
    """Return values, and where they are missing, as an array of a pandas dtype with a mask."""
    array: ExtensionArray = dtype.construct_array_type()(values, missing)
    return array


def _in_one_chunk(values: pa.ChunkedArray) -> pa.Array:
    if values.num_chunks == 1:
        return values.chunk(0)
    whole = values.combine_chunks()
    return whole.combine_chunks() if isinstance(whole, pa.ChunkedArray) else whole


def _missing(column: pa.Array) -> Mask:
    valid = column.buffers()[0]
    return np.zeros(len(column), dtype=bool) if valid is None else ~_bits(column, valid)


def _bits(column: pa.Array, bitmap: pa.Buffer) -> Mask:
    stop = column.offset + len(column)
    packed = np.frombuffer(bitmap, dtype=np.uint8)
    bits = np.unpackbits(packed, count=stop, bitorder="little")[column.offset :]
    return bits.view(np.bool_)


def _shared_numbers(column: pa.Array) -> Values:
    """Return numbers in the same memory; those that are missing have any value."""
    buffers = [None, column.buffers()[1]]
    plain = pa.Array.from_buffers(column.type, len(column), buffers, offset=column.offset)
    values: Values = plain.to_numpy()
    return values


def text_codes(values: pa.ChunkedArray) -> tuple[Codes, pa.Array]:
    """Return an Arrow column of texts as the place of each in an array of the distinct ones.

    Place 0 is that of missing texts.
    """
    encoded = _in_one_chunk(values)
    if not pa.types.is_dictionary(encoded.type):
        encoded = encoded.dictionary_encode()
    texts = pa.large_string()
    distinct = pa.concat_arrays([pa.nulls(1, texts), encoded.dictionary.cast(texts)])
    places = _shared_numbers(encoded.indices)
    codes: Codes = np.where(_missing(encoded.indices), np.int32(0), places + np.int32(1))
    return codes, distinct


def text_array(values: pa.Array | pa.ChunkedArray) -> ExtensionArray:
    """Return an Arrow column of texts, which may be dictionary-encoded, as an array of pandas."""
    return extension_array(STR, values.cast(pa.large_string()))


def texts_of(codes: Codes, distinct: pa.Array) -> ExtensionArray:
    """Return texts from their places in an array of the distinct ones."""
    # The places are ours: none is beyond the end.
    return extension_array(STR, pc.take(distinct, pa.array(codes), boundscheck=False))


def _arrow_array(values: Any, kind: Kind) -> pa.Array:
    return pa.array(values, type=KINDS[kind].arrow, from_pandas=True)


class _Conversion(NamedTuple):
    """How columns of one storage become pandas arrays, and again Arrow arrays of their kind."""

    from_arrow: Callable[[pa.ChunkedArray, Kind], Any]
    to_arrow: Callable[[Any, Kind], pa.Array] = _arrow_array


_CONVERSIONS: dict[Storage, _Conversion] = {
    "floats": _Conversion(lambda values, _: values.to_numpy()),
    "bytes": _Conversion(lambda values, _: values.to_numpy()),
    "masked": _Conversion(lambda values, kind: extension_array(KINDS[kind].pandas_dtype, values)),
    "times": _Conversion(lambda values, _: pd.array(values.to_numpy())),
    "texts": _Conversion(lambda values, _: text_array(values)),
}
_STORAGES = {facts.storage for facts in KINDS.values()}
if _CONVERSIONS.keys() != _STORAGES:
    raise TypeError(
        f"_CONVERSIONS has {sorted(_CONVERSIONS)}, where kinds name {sorted(_STORAGES)}."
    )


def frame_from_arrow(
    table: pa.Table,
    kinds: Mapping[str, Kind] | None = None,
    dtype_backend: DtypeBackend = None,
) -> pd.DataFrame:
    """Return an Arrow table as a DataFrame of the promised types.

    Parameters
    ----------
    table
        The rows.
    kinds
        The kind of each column; without it the kind follows from the Arrow type.
    dtype_backend
        "pyarrow" for Arrow types in every column.
    """
    check_dtype_backend(dtype_backend)
    if kinds is None:
        table = _whole_sums(_distinctly_named(table))
    kind_by_name: dict[str, Kind | None] = {
        field.name: kinds[field.name] if kinds is not None else kind_of(field.type)
        for field in table.schema
    }
    if dtype_backend == "pyarrow":
        fields = [
            pa.field(name, KINDS[kind].arrow if kind else table.schema.field(name).type)
            for name, kind in kind_by_name.items()
        ]
        frame: pd.DataFrame = table.cast(pa.schema(fields)).to_pandas(types_mapper=pd.ArrowDtype)
        return frame
    arrays = {
        name: _writable(pandas_array(table.column(name), kind))
        if kind
        else _other_array(table.column(name), name)
        for name, kind in kind_by_name.items()
    }
    return pd.DataFrame(arrays, index=pd.RangeIndex(table.num_rows), copy=False)


def _other_array(column: pa.ChunkedArray, name: str) -> Any:
    """Return values of a type that no column of a release has as pandas has them."""
    try:
        return column.to_pandas().array
    except (ValueError, OverflowError, pa.ArrowException) as error:
        raise QueryError(
            f"The query gives a {column.type} in {name!r} that Python can't have ({error}). "
            f"CAST({name} AS VARCHAR) gives it as text."
        ) from error


def _writable(values: Any) -> Any:
    """Return values that a user can change: those without a gap lie in Arrow's memory."""
    memory = values if isinstance(values, np.ndarray) else getattr(values, "_ndarray", None)
    return values if memory is None or memory.flags.writeable else values.copy()


def _distinctly_named(table: pa.Table) -> pa.Table:
    """Return a query's result with names as DuckDB's own frames have them: id, id_1."""
    taken: set[str] = set()
    names = []
    for name in table.column_names:
        distinct, number = name, 0
        while distinct in taken:
            number += 1
            distinct = f"{name}_{number}"
        taken.add(distinct)
        names.append(distinct)
    return table.rename_columns(names)


def _whole_sums(table: pa.Table) -> pa.Table:
    """Return a query's result with sums of whole numbers as integers where they fit."""
    for place, field in enumerate(table.schema):
        if pa.types.is_decimal(field.type) and field.type.scale == 0:
            try:
                whole = table.column(place).cast(pa.int64())
            except pa.ArrowInvalid:
                continue  # too large: a float, as any other decimal
            table = table.set_column(place, field.name, whole)
    return table


def to_arrow_backend(frame: pd.DataFrame, kinds: Mapping[str, Kind]) -> pd.DataFrame:
    """Return a frame with every column in its Arrow type; missing values become NULL."""
    return pd.DataFrame(
        {
            name: pd.array(
                _CONVERSIONS[KINDS[kind].storage].to_arrow(frame[name], kind),
                dtype=pd.ArrowDtype(KINDS[kind].arrow),
            )
            for name, kind in kinds.items()
        },
        index=frame.index,
    )
