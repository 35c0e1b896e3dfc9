"""Units of measure: which are known, how one becomes another, and which values can't be meant."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import UnitError, UnitWarning, warn

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .._typing import Floats
    from .model import Column

_PREFIXES = {"G": 9, "M": 6, "k": 3, "": 0, "m": -3, "µ": -6, "n": -9, "p": -12}
_BASES = ("m", "s", "V", "A", "ohm", "F", "S", "Hz")
# The micro sign is also written as the Greek letter, or as u.
_SPELLINGS = {"μ": "µ", "u": "µ"}
# Beyond these, in SI units, no value of the dataset lies: slices are millimetres wide, cells have
# tenths of volts, and an electrode passes nanoamperes.
_LARGEST = {"m": 1e-2, "V": 0.5, "A": 1e-6, "V or A": 0.5, "F": 1e-6, "S": 1e-4, "s": 1e5}
_SMALLEST = {"ohm": 1e4}
# What a synapse or a spike takes, as opposed to when it was, and how large it is.
_BRIEF = ("latency", "rise_time", "tau", "width", "xoffset", "sag_peak_t")
_SLIGHT = ("amp", "noise", "std", "crosstalk")
# The prefix of what users write instead, where it is not milli.
_WRITTEN_IN = {"m": -6, "A": -12, "F": -12, "S": -9}
_LARGEST_BRIEF, _LARGEST_SLIGHT = 1.0, 0.05


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit with one base: "mV" is the base V, times ten to the -3.

    Attributes
    ----------
    base
        The SI unit.
    exponent
        Of ten.
    """

    base: str
    exponent: int

    def __str__(self) -> str:
        [prefix] = [name for name, exponent in _PREFIXES.items() if exponent == self.exponent]
        return f"{prefix}{self.base}"


def as_unit(text: object) -> Unit:
    """Return the unit of a text such as "ms", "mV" or "µm" (also "um").

    Raises
    ------
    UnitError
        There is no such unit.
    """
    unit = unit_or_none(text)
    if unit is not None:
        return unit
    prefixes = ", ".join(prefix for prefix in _PREFIXES if prefix)
    raise UnitError(
        f"There is no unit {text!r} here. Known are {', '.join(_BASES)}, with the prefixes "
        f"{prefixes}: 'ms', 'mV', 'pA', 'µm', 'Mohm'."
    )


def unit_or_none(text: object) -> Unit | None:
    """Return the unit of a text, None where it is not one with one base."""
    if not isinstance(text, str):
        return None
    spelt = text.replace("Ω", "ohm").replace("Ohm", "ohm")
    for base in _BASES:
        prefix = spelt.removesuffix(base)
        exponent = _PREFIXES.get(_SPELLINGS.get(prefix, prefix))
        if spelt.endswith(base) and exponent is not None:
            return Unit(base, exponent)
    return None


def converted(values: Any, before: Unit, after: Unit) -> Any:
    """Return values of one unit in another of the same base.

    Notes
    -----
    Powers of ten that are whole numbers are exact: there and back is the same value but for a last
    bit now and then.
    """
    if before.base != after.base:
        raise UnitError(f"{before} can't become {after}.")
    exponent = before.exponent - after.exponent
    return values * 10.0**exponent if exponent >= 0 else values / 10.0**-exponent


def require_lengths(values: Any, name: str) -> None:
    """Refuse lengths, in metres, where one is longer than any slice; infinity is let pass.

    Raises
    ------
    UnitError
        With the value in metres that was probably meant.
    """
    sizes = _beyond_any_slice(values)
    if len(sizes):
        raise _no_metres(name, float(sizes.min()))


def require_metres(values: Any, name: str) -> None:
    """Refuse distances, in metres, where most are longer than any slice.

    Raises
    ------
    UnitError
        With the value in metres that was probably meant.
    """
    sizes = _beyond_any_slice(values)
    if len(sizes) > np.count_nonzero(np.isfinite(values)) / 2:
        raise _no_metres(name, float(sizes.min()))


def _beyond_any_slice(values: Any) -> Floats:
    metres = np.atleast_1d(np.asarray(values, dtype=np.float64))
    beyond = (metres > _LARGEST["m"]) | (metres < -_LARGEST["m"])
    sizes: Floats = np.abs(metres[beyond])
    return sizes[np.isfinite(sizes)]


def _no_metres(name: str, size: float) -> UnitError:
    return UnitError(
        f"{name} takes metres; {size:g} m is longer than any slice. {size:g} µm is {size / 1e6:g}."
    )


def require_plausible(values: Any, column: Column, label: str) -> None:
    """Refuse a column most of whose values, in SI units, can't be of its unit.

    Raises
    ------
    UnitError
        With one of them.
    """
    sizes = np.abs(np.asarray(values, dtype=np.float64))
    sizes = sizes[np.isfinite(sizes) & (sizes > 0)]
    unit = column.unit
    if not len(sizes) or unit is None:
        return
    middle = float(np.median(sizes))
    if middle > largest(column) or middle < _SMALLEST.get(unit, 0.0):
        raise UnitError(
            f"The values of {label!r}, {middle:g} in the middle, can't be {unit}, its unit in the "
            f"dataset. Where it was converted, let to_units do it, which notes the unit: "
            f"frame.synphys.to_units({{{label!r}: 'mV'}}), for one."
        )


def warn_of_sizes(compared: Iterable[tuple[Column, float]], text: str) -> None:
    """Warn of numbers that columns are compared with, and that none of their values can reach.

    Parameters
    ----------
    compared
        Columns, each with a number; of several numbers the nearest is told.
    text
        The expression.

    Warns
    -----
    UnitWarning
        With the number in SI units that was probably meant.
    """
    beyond: dict[str, tuple[Column, float]] = {}
    for column, number in sorted(compared, key=lambda pair: -abs(pair[1])):
        if largest(column) < abs(number) < np.inf:
            beyond[f"{column.table}.{column.name}"] = column, number
    for label, (column, number) in beyond.items():
        base = str(column.unit).partition(" ")[0]
        exponent = _WRITTEN_IN.get(base, -3)
        warn(
            f"{label} is in {column.unit}, and no value of it reaches {number:g} (in {text!r}). "
            f"{number:g} {Unit(base, exponent)} is {number / 10.0**-exponent:g}.",
            UnitWarning,
        )


def largest(column: Column) -> float:
    """Return what no value of a column is above, in SI units; infinity where it can't be told."""
    unit, name = str(column.unit), column.name
    if unit == "s" and any(part in name for part in _BRIEF):
        return _LARGEST_BRIEF
    if unit in ("V", "V or A") and any(part in name for part in _SLIGHT):
        return _LARGEST_SLIGHT
    return _LARGEST.get(unit, np.inf)
