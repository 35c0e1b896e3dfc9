"""The units of a frame's columns: those of the dataset, or what the frame notes."""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING, Any

import pandas as pd

from ..errors import UnitError, UnknownColumnError, did_you_mean
from ..schema import (
    NEWEST,
    STR,
    Unit,
    as_unit,
    converted,
    published_schema,
    require_plausible,
    unit_or_none,
)
from .frame_ids import noted_in, single

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..schema import Column, Schema

_SHOWN = ("column", "table", "dtype", "unit", "description")


def described_column(frame: pd.DataFrame, label: object, schema: Schema) -> Column | None:
    """Return what a column of a frame is in a release, None where it is of none."""
    alias, _, name = str(label).rpartition(".")
    table = alias or str(noted_in(frame).get("table", "pair"))
    for known in (table, table.removeprefix("pre_"), table.removeprefix("post_")):
        if known in schema and name in schema.tables[known].columns:
            return schema.tables[known].columns[name]
    return None


def unit_in(frame: pd.DataFrame, label: str) -> str | None:
    """Return the unit of a frame's column: what the frame notes, else that of the dataset.

    Examples
    --------
    >>> unit_in(db.pairs(include="synapse"), "synapse.latency")
    's'
    """
    noted = _noted_units(frame).get(label)
    if noted is not None:
        return noted
    column = described_column(frame, label, published_schema(NEWEST))
    return None if column is None else column.unit


def in_dataset_unit(frame: pd.DataFrame, label: str) -> pd.Series:
    """Return a column of a frame in the unit that the dataset has it in."""
    values = single(frame, label)
    noted = _noted_units(frame).get(label)
    if noted is None:
        return values
    column = described_column(frame, label, published_schema(NEWEST))
    if column is None:
        return values
    return converted(values, as_unit(noted), as_unit(column.unit))  # type: ignore[no-any-return]


def plausible_unit(frame: pd.DataFrame, label: str) -> str | None:
    """Return the unit of a frame's column, whose values can be of it.

    Raises
    ------
    UnitError
        Most of them can't: they were converted, and the frame does not note it.
    """
    column = described_column(frame, label, published_schema(NEWEST))
    values = in_dataset_unit(frame, label)
    if column is not None and pd.api.types.is_float_dtype(values.dtype):
        require_plausible(values.to_numpy(dtype="float64", na_value=float("nan")), column, label)
    return unit_in(frame, label)


def to_units(
    frame: pd.DataFrame, units: tuple[str | Mapping[str, str], ...], schema: Schema
) -> pd.DataFrame:
    """Return a frame with columns in other units, which its attrs note."""
    asked = _asked(frame, units, schema)
    arrays: dict[str, Any] = {}
    noted = dict(_noted_units(frame))
    for label, after in asked.items():
        column = described_column(frame, label, schema)
        stored = None if column is None else unit_or_none(column.unit)
        before = as_unit(noted[label]) if label in noted else stored
        if before is None or stored is None:
            raise UnitError(_unconvertible(label, column))
        arrays[label] = converted(single(frame, label), before, after)
        if after == stored:
            noted.pop(label, None)
        else:
            noted[label] = str(after)
    result = frame.assign(**arrays)
    result.attrs = deepcopy(frame.attrs)
    note = {**noted_in(frame), "units": noted}
    result.attrs["synphys"] = note if noted else {k: v for k, v in note.items() if k != "units"}
    return result


def schema_of(frame: pd.DataFrame, schema: Schema) -> pd.DataFrame:
    """Return what the columns of a frame mean, a row a column."""
    rows: list[tuple[str | None, ...]] = []
    for label, dtype in zip(frame.columns, frame.dtypes, strict=True):
        column = described_column(frame, label, schema)
        if column is None:
            rows.append((str(label), None, str(dtype), None, None))
            continue
        unit = _noted_units(frame).get(str(label), column.unit)
        rows.append((str(label), column.table, str(dtype), unit, column.description or None))
    return pd.DataFrame(rows, columns=list(_SHOWN)).astype(dict.fromkeys(_SHOWN, STR))


def _noted_units(frame: pd.DataFrame) -> dict[str, str]:
    noted = noted_in(frame).get("units")
    return noted if isinstance(noted, dict) else {}


def _asked(
    frame: pd.DataFrame, units: tuple[str | Mapping[str, str], ...], schema: Schema
) -> dict[str, Unit]:
    """Return the unit that each of some columns is to have."""
    asked: dict[str, Unit] = {}
    for given in units:
        if isinstance(given, str):
            after = as_unit(given)
            asked |= {
                str(label): after
                for label in frame.columns
                if _base(described_column(frame, label, schema)) == after.base
            }
        elif isinstance(given, dict):
            for label, text in given.items():
                if label not in frame.columns:
                    raise UnknownColumnError(
                        f"The frame has no column {label!r}. "
                        f"{did_you_mean(str(label), [str(name) for name in frame.columns])}"
                    )
                asked[label] = as_unit(text)
        else:
            raise UnitError(
                "to_units takes units ('ms', 'mV'), or a dict of columns and their units; "
                f"got {given!r}."
            )
    return asked


def _base(column: Column | None) -> str | None:
    unit = None if column is None else unit_or_none(column.unit)
    return None if unit is None else unit.base


def _unconvertible(label: str, column: Column | None) -> str:
    if column is None:
        return f"{label!r} is no column of the dataset, and has no known unit."
    if column.unit in ("V or A", "A or V"):
        return (
            f"{label!r} is in volts in current clamp, and in amperes in voltage clamp. Take the "
            "rows of one clamp mode, and multiply them."
        )
    unit = "none" if column.unit in (None, "1", "count") else column.unit
    return f"The unit of {label!r} is {unit}, which can't be converted."
