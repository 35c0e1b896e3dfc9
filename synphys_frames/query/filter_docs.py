"""Signatures and docstrings that are made of the list of filters."""

from __future__ import annotations

import inspect
import re
from textwrap import fill, indent
from typing import TYPE_CHECKING, Any, TypeVar

from .filters import FILTERS, PairArguments
from .wide_frame import GROUPS

if TYPE_CHECKING:
    from collections.abc import Callable

    Method = TypeVar("Method", bound=Callable[..., Any])


_WIDTH = 100

_RAISES = """\
ArgumentError
    There is no such argument, a value can't be used, or two contradict each other.
UnknownValueError
    No such project, synapse type or experiment type; the known ones are listed.
UnknownTableError, UnknownColumnError, UnknownCriterionError
    With the nearest names.
NotInVersionError
    The file's schema version does not have it; the message says which release does.
MissingRowsError
    A small file does not have the rows; the message says which file does.
JoinError
    No foreign key leads from pair to a table, or it has several rows for one pair.
ExpressionError
    `where` is not an expression over the tables beside pair."""


def with_filters(method: Method) -> Method:
    """Give a method that takes ``**filters`` the filters' names, types and documentation.

    Parameters
    ----------
    method
        Its signature gets a parameter for each filter. In its docstring, lines that hold only
        ``{filters}``, ``{include}`` or ``{refusals}`` become what is said of these.
    """
    own = inspect.signature(method)
    parameters = [one for one in own.parameters.values() if one.kind is not one.VAR_KEYWORD]
    before = [one for one in parameters if one.kind is not one.KEYWORD_ONLY]
    named = [
        inspect.Parameter(one.name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=kind)
        for one, kind in zip(FILTERS, _annotations(), strict=True)
    ]
    after = [one for one in parameters if one.kind is one.KEYWORD_ONLY]
    vars(method)["__signature__"] = own.replace(parameters=[*before, *named, *after])
    # With -OO there is no docstring.
    if method.__doc__ is not None:
        method.__doc__ = re.sub(r"^( *)\{(\w+)\}$", _said, method.__doc__, flags=re.MULTILINE)
    return method


def _annotations() -> list[str]:
    of_arguments = PairArguments.__annotations__.values()
    return [str(getattr(one, "__forward_arg__", one)) for one in of_arguments]


def _said(marker: re.Match[str]) -> str:
    width = _WIDTH - len(marker[1])
    texts = {"filters": _filters(width), "include": _include(width), "refusals": _RAISES}
    return indent(texts[marker[2]], marker[1])


def _filters(width: int) -> str:
    return "\n".join(
        _entry(one.name, f"Takes {one.takes}. Keeps the pairs {one.keeps}.", width)
        for one in FILTERS
    )


def _include(width: int) -> str:
    groups = ", ".join(
        f'"{name}" ({", ".join(tables)}{", of both cells" if name == "cell" else ""})'
        for name, tables in GROUPS.items()
    )
    return _entry(
        "include",
        f"What to put beside the pairs: the groups {groups}; any table with at most one row a pair "
        'or a cell; single columns ("pre_cell.cre_type").',
        width,
    )


def _entry(name: str, text: str, width: int) -> str:
    return f"{name}\n{fill(text, width, initial_indent='    ', subsequent_indent='    ')}"
