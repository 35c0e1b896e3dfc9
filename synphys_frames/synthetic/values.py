"""Single made-up columns, as SQLite stores them: what is missing, arrays, JSON, dates."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .._typing import Floats, Objects
    from ..schema import Column

    Values = list[Any]
    Rows = dict[str, Values]


JSON_NULL = "null"
EMPTY_BLOB = b""
# For np.where, whose types know no None.
MISSING: Any = None
# Typical size of a value, by unit; the made-up values scatter around it.
_SCALES = {
    "V": 5e-3, "A": 5e-11, "V or A": 1e-3, "A or V": 1e-3, "s": 5e-3, "m": 1e-4, "Hz": 20.0,
    "ohm": 1.5e8, "F": 5e-11, "S": 1e-9, "count": 20.0, "V/s": 100.0, "V/s or A/s": 100.0,
    "degC": 32.0, "1": 0.5,
}  # fmt: skip
_TIGHT = 0.4
_SAMPLES = 40


def plausible_values(random: np.random.Generator, column: Column, count: int) -> Values:
    """Return values for a column about which nothing more is known."""
    if column.kind == "float":
        scale = _SCALES.get(column.unit or "1", 0.5)
        return with_gaps(random, scale * random.lognormal(0.0, _TIGHT, count), 0.1)
    if column.kind == "int":
        return with_gaps(random, random.integers(1, 200, count), 0.1)
    if column.kind == "bool":
        return with_gaps(random, random.integers(0, 2, count), 0.1)
    if column.kind == "array":
        return arrays(random.normal(0, 1e-3, (count, _SAMPLES)))
    if column.kind == "json":
        return list(shared_out(random, {JSON_NULL: 0.8, '{"note": "synthetic"}': 0.2}, count))
    return [None] * count


def with_gaps(random: np.random.Generator, values: Any, share: float) -> Values:
    """Return values of which this share is missing."""
    filled = np.array(values, dtype=object)
    missing = int(share * len(filled) + random.random())
    filled[random.permutation(len(filled))[:missing]] = None
    return listed(filled)


def shared_out(random: np.random.Generator, shares: Mapping[Any, float], count: int) -> Objects:
    """Return values of a vocabulary, each with its share of the rows, at random places."""
    options = np.empty(len(shares), dtype=object)
    options[:] = list(shares)
    weights = np.array(list(shares.values()))
    ends = np.cumsum(weights) / weights.sum() * count
    places = np.searchsorted(ends, np.arange(count) + random.random(), side="right")
    drawn: Objects = options[random.permutation(np.minimum(places, len(options) - 1))]
    return drawn


def lognormal(
    random: np.random.Generator, median: Any, count: int, sigma: float = _TIGHT
) -> Floats:
    """Return values that scatter around a median, of its sign; `median` may be one for each."""
    return np.asarray(median) * random.lognormal(0.0, sigma, count)


def chosen(scores: Any, count: int) -> Any:
    """Return the places of the highest scores; those of -inf are never chosen."""
    scores = np.asarray(scores, dtype=float)
    able = np.flatnonzero(scores > -np.inf)
    return np.sort(able[np.argsort(-scores[able], kind="stable")[:count]])


def sampled(random: np.random.Generator, weights: Any, count: int) -> Any:
    """Return places drawn without replacement, the likelier the higher their weight."""
    with np.errstate(divide="ignore"):
        return chosen(np.log(weights) + random.gumbel(size=len(weights)), count)


def listed(values: Any) -> Values:
    """Return an array's values as SQLite takes them; NaN is NULL."""
    if isinstance(values, list):
        return values
    if values.dtype == object:
        return [_plain(value) for value in values]
    if values.dtype.kind == "f":
        return [None if value != value else value for value in values.tolist()]
    return list(values.tolist())


def _plain(value: Any) -> Any:
    plain = value.item() if isinstance(value, np.generic) else value
    return None if plain != plain else plain


def arrays(rows: Any) -> Values:
    """Return the rows of a 2-D array as .npy files, each 1-D."""
    header = _header(rows.dtype, rows.shape[1:])
    return [header + row.tobytes() for row in np.ascontiguousarray(rows)]


def id_arrays(random: np.random.Generator, counts: Sequence[int]) -> Values:
    """Return made-up ids as 2-D .npy files of shape (1, N); an empty blob where N is 0."""
    headers = {
        count: _header(np.dtype(np.int64), (1, count)) for count in {int(one) for one in counts}
    }
    ids = np.sort(random.integers(1, 5_000_000, (len(counts), max([1, *headers]))), axis=1)
    return [
        headers[int(count)] + row[: int(count)].tobytes() if count else EMPTY_BLOB
        for row, count in zip(ids, counts, strict=True)
    ]


def _header(dtype: Any, shape: tuple[int, ...]) -> bytes:
    empty = np.zeros(shape, dtype=dtype)
    buffer = io.BytesIO()
    np.save(buffer, empty, allow_pickle=False)
    return buffer.getvalue()[: -empty.nbytes or None]


def points(rows: Any) -> Values:
    """Return the rows of a 2-D array as JSON lists; a row with NaN as JSON's null."""
    known = ~np.isnan(rows).any(axis=1)
    texts = [json.dumps([float(f"{axis:.6g}") for axis in row]) for row in rows]
    return [text if there else JSON_NULL for text, there in zip(texts, known, strict=True)]


def times(seconds: Any) -> Values:
    """Return seconds since 1970 as the texts of dates; NaN is NULL."""
    seconds = np.asarray(seconds, dtype=float)
    known = ~np.isnan(seconds)
    moments = np.round(np.where(known, seconds, 0) * 1e6).astype("int64").astype("M8[us]")
    texts = np.char.replace(np.datetime_as_string(moments, unit="us"), "T", " ")
    return [str(text) if there else None for text, there in zip(texts, known, strict=True)]


def stamps(seconds: Any) -> Values:
    """Return seconds since 1970 as the texts that name experiments, with three decimals."""
    return [f"{second:.3f}" for second in seconds]
