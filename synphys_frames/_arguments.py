"""What the arguments of public functions may be, by name: one list, looked at in one place."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import wraps
from inspect import signature
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import pandas as pd

from .errors import ArgumentError, shown

if TYPE_CHECKING:
    from .errors import SynphysError

Function = TypeVar("Function", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Rule:
    """What an argument may be.

    Attributes
    ----------
    takes
        In words.
    accepts
        Whether a value is that.
    """

    takes: str
    accepts: Callable[[Any], bool]

    def or_none(self) -> Rule:
        """Return the rule that lets None pass, too."""
        return Rule(f"{self.takes}, or None", lambda value: value is None or self.accepts(value))

    def refusal(self, name: str, value: object) -> SynphysError:
        """Return the error for a value that is something else."""
        return ArgumentError(f"{name} takes {self.takes}; got {shown(value)}.")


def is_number(value: object) -> bool:
    """Return whether a value is one real number; True and False are none, and NaN is."""
    return isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool)


def is_whole(value: object) -> bool:
    """Return whether a value is one whole number."""
    return isinstance(value, int | np.integer) and not isinstance(value, bool)


def _is_path(value: Any) -> bool:
    if not isinstance(value, str | os.PathLike):
        return False
    text = os.fspath(value)
    return isinstance(text, str) and text != "" and "\0" not in text


def _are_edges(value: Any) -> bool:
    if is_whole(value):
        return bool(1 <= value <= _MOST_BINS)
    return _are_numbers(value) and np.ndim(value) == 1


def _are_numbers(value: Any) -> bool:
    if isinstance(value, str | bytes | bytearray) or value is None:
        return False
    try:
        if pd.api.types.is_extension_array_dtype(value):
            return bool(pd.api.types.is_numeric_dtype(value.dtype))
        array = np.asarray(value)
        if array.dtype.kind == "O" and not any(isinstance(one, str) for one in array.flat):
            array = array.astype(np.float64)  # None among them is missing
    except (TypeError, ValueError, OverflowError):
        return False
    return array.dtype.kind in "iuf"


_MOST_BINS = 100_000
TEXT = Rule("a text", lambda value: isinstance(value, str))
FLAG = Rule("True or False", lambda value: isinstance(value, bool | np.bool_))
FRAME = Rule("a DataFrame, such as db.pairs() gives", lambda value: isinstance(value, pd.DataFrame))
PATH = Rule("a path, as text or pathlib.Path", _is_path)
NUMBERS = Rule("numbers", _are_numbers)
LENGTH = Rule("metres, above 0", lambda value: is_number(value) and bool(0 < value < np.inf))
RULES: dict[str, Rule] = {
    "aggfunc": Rule(
        "the name of a pandas aggregation, or a function, to one number",
        lambda value: isinstance(value, str) or (callable(value) and not isinstance(value, type)),
    ),
    "alpha": Rule(
        "a number between 0 and 1, such as 0.05",
        lambda value: is_number(value) and bool(0 < value < 1),
    ),
    "as_dict": FLAG,
    "bins": Rule(
        "ascending edges in metres, at least two, or a number of bins, 1 or more "
        f"(at most {_MOST_BINS:,})",
        _are_edges,
    ),
    "cache_path": PATH.or_none(),
    "column": Rule("the name of a column", TEXT.accepts),
    "connected": Rule(
        "true or false for each pair, or 1 and 0",
        lambda value: np.ndim(value) == 1 and not isinstance(value, str | bytes),
    ),
    "counts": FLAG,
    "distance": Rule("the name of a column of pair", TEXT.accepts),
    "dtype_backend": TEXT.or_none(),
    "errors": TEXT,
    "fixed_max": Rule("a number above 0", is_number).or_none(),
    "fixed_size": LENGTH.or_none(),
    "frame": FRAME,
    "kind": TEXT,
    "min_count": Rule("a whole number, 1 or more", lambda value: is_whole(value) and value >= 1),
    "native": FLAG,
    "force": FLAG,
    "offline": FLAG,
    "only_supported": FLAG,
    "untrusted": FLAG,
    "verify": FLAG,
    "overlap": TEXT,
    "pairs": FRAME,
    "params": Rule(
        "a list or tuple of values for ?, or a dict of them for $name",
        lambda value: isinstance(value, list | tuple | Mapping),
    ).or_none(),
    "probed": TEXT,
    "sigma": LENGTH.or_none(),
    "storage_options": Rule("a dict", lambda value: isinstance(value, Mapping)).or_none(),
    "tally": Rule("a tally", FRAME.accepts),
    "value": TEXT,
}


def checked(**others: Rule) -> Callable[[Function], Function]:
    """Have the arguments of a function looked at before it runs, by their names.

    Parameters
    ----------
    **others
        Rules for parameters that mean something else here than in `RULES`.
    """

    def decorate(function: Function) -> Function:
        names = list(signature(function).parameters)
        parameters = signature(function).parameters
        rules = {name: rule for name, rule in (RULES | others).items() if name in parameters}
        defaults = {
            name: parameters[name].default
            for name in rules
            if parameters[name].default is not parameters[name].empty
        }

        @wraps(function)
        def call(*args: Any, **kwargs: Any) -> Any:
            for name, value in (*zip(names, args, strict=False), *kwargs.items()):
                rule = rules.get(name)
                if (
                    rule is not None
                    and value is not defaults.get(name, rule)
                    and not rule.accepts(value)
                ):
                    raise rule.refusal(name, value)
            return function(*args, **kwargs)

        return call  # type: ignore[return-value]

    return decorate
