"""Single made-up columns: values of a plausible size for a column's kind and unit."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from ..schema import Column

    Values = list[Any]
    Rows = dict[str, Values]


# Typical size of a value, by unit; the made-up values scatter around it.
_SCALES = {
    "V": 5e-3, "A": 5e-11, "V or A": 1e-3, "A or V": 1e-3, "s": 5e-3, "m": 1e-4, "Hz": 20.0,
    "ohm": 1.5e8, "F": 5e-11, "S": 1e-9, "count": 20.0, "V/s": 100.0, "V/s or A/s": 100.0,
    "degC": 32.0, "1": 0.5,
}  # fmt: skip
_SAMPLES = 40


def plausible_values(random: np.random.Generator, column: Column, count: int) -> Values:
    """Return values for a column about which nothing more is known."""
    if column.kind == "float":
        scale = _SCALES.get(column.unit or "1", 0.5)
        return with_gaps(random, scale * random.lognormal(0.0, 0.4, count), 0.1)
    if column.kind == "int":
        return with_gaps(random, random.integers(1, 200, count), 0.1)
    if column.kind == "bool":
        return with_gaps(random, random.integers(0, 2, count), 0.1)
    if column.kind == "array":
        return [_npy(values) for values in random.normal(0, 1e-3, (count, _SAMPLES))]
    if column.kind == "json":
        texts = np.array([None, "null", '{"note": "synthetic"}'], dtype=object)
        return list(texts[random.integers(0, 3, count)])
    return [None] * count


def with_gaps(random: np.random.Generator, values: Any, share: float) -> Values:
    """Return values of which about this share is missing."""
    filled = np.asarray(values).astype(object)
    filled[random.random(len(filled)) < share] = None
    return list(filled)


def listed(values: Any) -> Values:
    """Return an array's values as SQLite takes them."""
    return values.tolist() if isinstance(values, np.ndarray) else list(values)


def _npy(values: Any) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, values)
    return buffer.getvalue()
