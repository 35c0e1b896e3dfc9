"""Docstrings of functions that take each other's arguments: each argument is told once."""

from __future__ import annotations

import inspect
import re
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

    F = TypeVar("F", bound=Callable[..., object])

_HEADING = re.compile(r"^(\S.*)\n-{3,}\n", re.MULTILINE)
_ORDER = [
    "Parameters",
    "Returns",
    "Raises",
    "See Also",
    "Notes",
    "References",
    "Examples",
]


def documented_by(
    source: Callable[..., object], *, parameters_only: bool = False
) -> Callable[[F], F]:
    """Return a decorator that adds to a function's docstring what that of another one says.

    Parameters
    ----------
    source
        The function that documents the same arguments, and does the same.
    parameters_only
        Whether to add no other sections.

    Returns
    -------
    Callable
        Gives the function back. To its docstring are added the parameters of its signature, and the
        sections, that it does not have itself; they stand in numpydoc's order.

    Examples
    --------
    >>> @documented_by(sf.connectivity)
    ... def smaller_half(frame, classes, *, alpha=0.05):
    ...     '''Return the classes that are connected less often than half of them.'''
    >>> "0.05 for 95 % intervals." in smaller_half.__doc__
    True
    """

    def decorate(function: F) -> F:
        # There are none under python -OO.
        if function.__doc__ and source.__doc__:
            own, other = _sections(function.__doc__), _sections(source.__doc__)
            sections = own if parameters_only else {**other, **own}
            parameters = {
                **_parameters(other.get("Parameters", "")),
                **_parameters(own.get("Parameters", "")),
            }
            entries = [parameters.get(name) for name in inspect.signature(function).parameters]
            sections["Parameters"] = "\n".join(dict.fromkeys(filter(None, entries)))
            function.__doc__ = _docstring(sections)
        return function

    return decorate


def _sections(docstring: str) -> dict[str, str]:
    """Return a docstring by heading; what stands before the first has the heading ""."""
    summary, *parts = _HEADING.split(inspect.cleandoc(docstring))
    bodies = map(str.rstrip, parts[1::2])
    return {"": summary.strip(), **dict(zip(parts[::2], bodies, strict=True))}


def _parameters(section: str) -> dict[str, str]:
    """Return the entries of a section of parameters by name; one entry may have several names."""
    entries = re.split(r"^(?=\S)", section, flags=re.MULTILINE)
    return {
        name.lstrip("*"): entry.rstrip()
        for entry in entries
        for name in entry.partition("\n")[0].split(", ")
        if name
    }


def _docstring(sections: dict[str, str]) -> str:
    titles = [title for title in _ORDER if sections.get(title)]
    parts = [f"{title}\n{'-' * len(title)}\n{sections[title]}" for title in titles]
    return "\n\n".join([sections[""], *parts])
