"""Values of criteria: how they are checked and compared, and what they tell of a cell."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from ..errors import ArgumentError
from .arguments import several

if TYPE_CHECKING:
    from .._typing import Mask, Truth
    from ..schema import Column


# SQL's logic of three values, as numbers: "and" is the least of them, "or" the greatest.
FALSE, UNKNOWN, TRUE = 0, 1, 2

INHIBITORY_CRE_TYPES = frozenset(
    {"sst", "pvalb", "vip", "ndnf", "chat", "htr3a", "nos1", "chrna2", "mDlx", "3xcorehI56i"}
    | {"tac1"}
)
EXCITATORY_CRE_TYPES = frozenset(
    {"tlx3", "sim1", "fam84b", "rorb", "ntsr1", "rbp4", "ctgf", "glt25d2", "slc17a8", "cux2"}
    | {"nr5a1", "eHGT_078m", "3xHGT_073m(core)"}
)

# What a criterion tells of a class: excitatory, inhibitory, nothing, or both at once.
Verdict = Literal["ex", "in", "silent", "conflict"]

_EXCITATORY: dict[str, frozenset[str]] = {
    "cre_type": EXCITATORY_CRE_TYPES,
    "dendrite_type": frozenset({"spiny"}),
    "cell_class": frozenset({"ex"}),
    "cell_class_nonsynaptic": frozenset({"ex"}),
}
_INHIBITORY: dict[str, frozenset[str]] = {
    "cre_type": INHIBITORY_CRE_TYPES,
    "dendrite_type": frozenset({"aspiny", "sparsely spiny"}),
    "cell_class": frozenset({"in"}),
    "cell_class_nonsynaptic": frozenset({"in"}),
}
TELLING = tuple(_EXCITATORY)


def matches(values: pd.Series, wanted: Any) -> Truth:
    """Return for each value whether it is (one of) what is wanted; unknown where it is missing.

    Raises
    ------
    ArgumentError
        A text is wanted where the values are True and False, or one that is no time where they are
        times.
    """
    choices = list(wanted if isinstance(wanted, tuple | list) else (wanted,))
    texts = [choice for choice in choices if isinstance(choice, str)]
    if pd.api.types.is_bool_dtype(values.dtype):
        if texts:
            raise ArgumentError(
                f"{texts[0]!r} is a text, where this release has True and False (patch_seq.nucleus "
                "became a text with schema 18)."
            )
        choices = [bool(choice) for choice in choices]
    if pd.api.types.is_datetime64_any_dtype(values.dtype):
        choices = [_time(choice) for choice in choices]
    # A value of None matches nothing: NULL never matches.
    array: Any = values.array
    if isinstance(array, pd.Categorical):
        # Each of the few values is compared once; code -1 picks the entry at the end.
        of_each = np.where(_are_among(array.categories, choices), TRUE, FALSE)
        of_each = np.append(of_each, UNKNOWN).astype(np.int8)
        truth: Truth = of_each[array.codes]
        return truth
    found = values.isin(choices).to_numpy(dtype=bool, na_value=False)
    known = values.notna().to_numpy(dtype=bool)
    return np.where(known, np.where(found, TRUE, FALSE), UNKNOWN).astype(np.int8)


def _time(choice: object) -> pd.Timestamp:
    try:
        return pd.Timestamp(str(choice))
    except ValueError:
        raise ArgumentError(
            f"{choice!r} is no time, where this release has times; write '2020-01-31 12:00'."
        ) from None


def _are_among(categories: pd.Index, choices: list[Any]) -> Mask:
    if len(choices) != 1 or not isinstance(choices[0], str):
        return categories.isin(choices)
    among = np.zeros(len(categories), dtype=bool)
    # The index remembers where each value is.
    if choices[0] in categories:
        among[categories.get_loc(choices[0])] = True
    return among


def criterion_verdict(key: str, value: Any) -> Verdict:
    """Return what the value of one of the telling criteria says of a class."""
    values = [one for one in (value if isinstance(value, tuple | list) else (value,)) if one]
    excitatory = [one in _EXCITATORY[key] for one in values]
    inhibitory = [one in _INHIBITORY[key] for one in values]
    if any(excitatory) and any(inhibitory):
        return "conflict"
    if values and all(excitatory):
        return "ex"
    if values and all(inhibitory):
        return "in"
    # "mixed", or a dendrite that is neither: says that the class is neither.
    return "silent" if key == "cre_type" else "conflict"


def plain_value(value: Any) -> Any:
    """Return a criterion's value as it is kept: one, a tuple, or what shows as a list."""
    values = several(value)
    if values is None:
        return value
    return _FromList(values) if isinstance(value, list) else values


def require_known(key: str, value: Any) -> None:
    """Raise `ArgumentError` where a criterion's value is missing, to which nothing is equal."""
    if value is None or (pd.api.types.is_scalar(value) and bool(pd.isna(value))):
        raise ArgumentError(
            f"{key} can't be {value!r}: nothing is equal to a missing value. For cells of which it "
            f'is not known, write CellClass("{key} IS NULL").'
        )


def check_value(column: Column, key: str, value: Any) -> None:
    """Raise `ArgumentError` where a criterion's value, or one of several, is not of its column."""
    for one in value if isinstance(value, tuple) else (value,):
        _check_one(column, key, one)


class _FromList(tuple[Any, ...]):
    """The values of a list that can't be changed, and show as the list that was given."""

    __slots__ = ()

    def __repr__(self) -> str:
        return repr(list(self))


def _check_one(column: Column, key: str, value: Any) -> None:
    if key == "nucleus" and isinstance(value, bool | np.bool_):
        return  # until schema 17
    if not column.facts.accepts(value):
        hint = f" Write {key}={str(value)!r}." if column.facts.storage == "texts" else ""
        raise ArgumentError(
            f"{key} takes {column.facts.words}, or a tuple, list or set of that; "
            f"got {value!r}.{hint}"
        )
