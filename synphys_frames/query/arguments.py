"""Arguments that take one value or several, as users and pandas give them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from ..errors import ArgumentError


def several(value: object) -> tuple[Any, ...] | None:
    """Return what an argument holds as a tuple, or None where it is a single value.

    Lists, tuples, sets, ranges, NumPy and pandas arrays, Series, indexes, and what else can be gone
    through hold several. A missing value among them (None, NaN, NA) is left out: nothing is equal
    to it. Sets are put in order.
    """
    if isinstance(value, str | bytes | Mapping) or not isinstance(value, Iterable):
        return None
    # An array without a dimension is a single value.
    if getattr(value, "ndim", 1) == 0:
        return None
    values = [item for item in value if not _is_missing(item)]
    if isinstance(value, set | frozenset):
        values.sort(key=lambda item: (str(type(item)), item))
    return tuple(values)


def texts(value: object, argument: str, of_what: str = "a text or several texts") -> list[str]:
    """Return a text, or several, as a list.

    Raises
    ------
    ArgumentError
        Something else, or something else among them.
    """
    values = (value,) if isinstance(value, str) else several(value)
    if values is None or not all(isinstance(item, str) for item in values):
        raise ArgumentError(f"{argument} takes {of_what}; got {value!r}.")
    return list(values)


def _is_missing(item: Any) -> bool:
    return item is None or (pd.api.types.is_scalar(item) and bool(pd.isna(item)))
