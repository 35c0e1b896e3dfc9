"""What the arguments of public functions may be, by name: one list, looked at in one place."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import wraps
from inspect import signature
from typing import Any, TypeVar

import numpy as np
import pandas as pd

from .errors import ArgumentError, SynphysError, shown

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
    if isinstance(value, int):
        return not isinstance(value, bool) and abs(value) <= sys.float_info.max
    return isinstance(value, float | np.integer | np.floating)


def is_whole(value: object) -> bool:
    """Return whether a value is one whole number."""
    return isinstance(value, int | np.integer) and not isinstance(value, bool)


def _is_path(value: Any) -> bool:
    text = os.fspath(value) if isinstance(value, os.PathLike) else value
    return isinstance(text, str) and text != "" and "\0" not in text and "://" not in text


def _is_place(value: Any) -> bool:
    """Return whether something can be made under that path on most systems."""
    if not _is_path(value):
        return False
    text = os.fspath(value)
    parts = [os.fsencode(part) for part in text.replace("\\", "/").split("/")]
    is_short = len(text) <= _LONGEST_PATH and all(len(part) <= _LONGEST_NAME for part in parts)
    # Of a name that is not UTF-8, most libraries can't write the path.
    return is_short and not any("\ud800" <= character <= "\udfff" for character in text)


def _is_progress(value: object) -> bool:
    if value is None or isinstance(value, bool):
        return True
    from fsspec.callbacks import Callback

    return isinstance(value, Callback)


def _depth(value: Any, levels: int = 0) -> int:
    """Return how many lists are inside each other, of which DuckDB bears only so many."""
    if levels > _DEEPEST or not isinstance(value, list | tuple | set | Mapping):
        return levels
    inner = value.values() if isinstance(value, Mapping) else value
    return max((_depth(item, levels + 1) for item in inner), default=levels + 1)


def _raises(value: Any) -> bool:
    """Return whether an object raises where any other can be shown, compared, and gone through."""
    try:
        repr(value)
        _ = value == value
        if isinstance(value, os.PathLike):
            os.fspath(value)
        if hasattr(type(value), "__iter__") and not hasattr(type(value), "__next__"):
            iter(value)
    except Exception:  # noqa: BLE001 - it may raise anything
        return True
    return False


def _is_one_of(value: object, *known: str) -> bool:
    return isinstance(value, str) and value in known


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
_LONGEST_PATH = 4096
_LONGEST_NAME = 255
_LARGEST_SCALE = 1000
_DEEPEST = 20
# What a function looks at itself; an object that raises is told of.
ANYTHING = Rule("anything", lambda _: True)
TEXT = Rule("a text", lambda value: isinstance(value, str))
FLAG = Rule("True or False", lambda value: isinstance(value, bool | np.bool_))
FRAME = Rule("a DataFrame, such as db.pairs() gives", lambda value: isinstance(value, pd.DataFrame))
PATH = Rule("a path, as text or pathlib.Path", _is_path)
PLACE = Rule("a path on this computer, as text or pathlib.Path", _is_place)
FOLDER = Rule("a folder, as text or pathlib.Path", _is_place)
NUMBERS = Rule("numbers", _are_numbers)
LENGTH = Rule("metres, above 0", lambda value: is_number(value) and bool(0 < value < np.inf))
VERSION = Rule("a file name as text, such as list_versions() shows", TEXT.accepts)
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
    "cache_path": FOLDER.or_none(),
    "column": Rule("the name of a column", TEXT.accepts),
    "connected": Rule(
        "true or false for each pair, or 1 and 0",
        lambda value: np.ndim(value) == 1 and not isinstance(value, str | bytes),
    ),
    "counts": FLAG,
    "distance": Rule("the name of a column of pair", TEXT.accepts),
    "dtype_backend": TEXT.or_none(),
    "errors": Rule("'raise' or 'coerce'", lambda value: _is_one_of(value, "raise", "coerce")),
    "fixed_max": Rule("a number above 0", is_number).or_none(),
    "fixed_size": LENGTH.or_none(),
    "folder": FOLDER,
    "force": FLAG,
    "frame": FRAME,
    "kind": TEXT,
    "min_count": Rule("a whole number, 1 or more", lambda value: is_whole(value) and value >= 1),
    "native": FLAG,
    "offline": FLAG,
    "only_supported": FLAG,
    "overlap": TEXT,
    "pairs": FRAME,
    "params": Rule(
        "a list or tuple of values for ?, or a dict of them for $name, not too deep",
        lambda value: isinstance(value, list | tuple | Mapping) and _depth(value) <= _DEEPEST,
    ).or_none(),
    "path": PATH,
    "probed": TEXT,
    "progress": Rule("True (a bar), False, or an fsspec Callback", _is_progress),
    "scale": Rule(
        f"a number above 0, at most {_LARGEST_SCALE:,}; 1 gives the published counts",
        lambda value: is_number(value) and bool(0 < value <= _LARGEST_SCALE),
    ),
    "seed": Rule("a whole number, 0 or more", lambda value: is_whole(value) and value >= 0),
    "sigma": LENGTH.or_none(),
    "size": Rule(
        "'small', 'medium', 'full'", lambda value: _is_one_of(value, "small", "medium", "full")
    ),
    "storage_options": Rule("a dict", lambda value: isinstance(value, Mapping)).or_none(),
    "tally": Rule("a tally", FRAME.accepts),
    "untrusted": FLAG,
    "value": TEXT,
    "verify": FLAG,
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
            given = [*zip(names, args, strict=False), *kwargs.items()]
            for name, value in given:
                rule = rules.get(name)
                if rule is not None and value is not defaults.get(name, rule):
                    _require(rule, name, value)
            try:
                return function(*args, **kwargs)
            except SynphysError:
                raise
            except Exception as error:
                _blame(given, error)
                raise

        return call  # type: ignore[return-value]

    return decorate


def _require(rule: Rule, name: str, value: object) -> None:
    try:
        is_accepted = bool(rule.accepts(value))
    except Exception:  # noqa: BLE001 - an object of somebody's may raise anything
        is_accepted = False
    if not is_accepted:
        raise rule.refusal(name, value)


def _blame(given: list[tuple[str, Any]], error: Exception) -> None:
    """Raise `ArgumentError` where an argument is of a class that raises whatever is done to it."""
    for name, value in given:
        if _raises(value):
            raise ArgumentError(
                f"{name} can't be used: its class {type(value).__name__} raises "
                f"{type(error).__name__}."
            ) from error
