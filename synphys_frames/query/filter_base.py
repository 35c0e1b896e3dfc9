"""What a filter of pairs is: all its parts, without one of which it can't be made."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .pair_sql import pair_alias

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from .._typing import Mask
    from ..columns import ColumnStore, JoinedRows
    from ..schema import Schema
    from .pair_sql import PairSql

    Places = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """How a filter is given on the command line.

    Attributes
    ----------
    flag
        The option: ``--synapse-type``.
    arguments
        More for argparse's `add_argument`: nargs, action, metavar.
    says
        What the help says of the option beyond what the filter keeps.
    argument
        Makes the filter's argument of what argparse gives, for a release with these tables.
    """

    flag: str
    arguments: Mapping[str, Any]
    says: str
    argument: Callable[[Any, Schema], object]


@dataclass(frozen=True, kw_only=True)
class Filter(ABC):
    """A filter of pairs: one argument of `pairs`, and what it keeps.

    Its documentation is `takes` and `keeps`: docstrings, the command's help and the README's table
    are made of them, or compared with them.

    Attributes
    ----------
    name
        The argument's name.
    keeps
        Which pairs pass, to be read after "keeps the pairs": "of animals of this age".
    contradicts
        Filters that can't be given with it, and why.
    """

    name: str
    keeps: str
    contradicts: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.name.isidentifier() or not self.keeps or not self.takes:
            raise TypeError(f"{self!r} needs a name, and words for what it takes and keeps.")

    @property
    def flag(self) -> str:
        """The option on the command line."""
        return f"--{self.name.replace('_', '-')}"

    @property
    @abstractmethod
    def takes(self) -> str:
        """What the argument can be, in words."""

    @property
    @abstractmethod
    def option(self) -> Option:
        """How the filter is given on the command line."""

    @abstractmethod
    def normalise(self, value: object) -> Any:
        """Return an argument, other than None, as `mask` and `condition` take it; None: no filter.

        Raises
        ------
        ArgumentError
            It can't be used; the message says what can.
        """


class ColumnFilter(Filter):
    """A filter that looks at columns of pair, or of tables with at most one row a pair.

    It says twice which pairs pass: as a mask over columns in memory, and as SQL for releases whose
    tables are too large to be kept there. ``tests/query/test_filters.py`` holds both equal.
    """

    @property
    @abstractmethod
    def columns(self) -> Places:
        """The columns that decide, each with the name of its table beside pair (``pre_cell``)."""

    def require(self, store: ColumnStore, _value: Any) -> None:
        """Raise where a release can't be asked for a normal argument.

        Raises
        ------
        NotInVersionError, UnknownColumnError
            It does not have the columns that decide.
        """
        for alias, column in self.columns:
            store.schema.table(pair_alias(store, alias).table).column(column)

    @abstractmethod
    def mask(self, store: ColumnStore, value: Any) -> Mask:
        """Return for each row of the pair table whether it passes."""

    @abstractmethod
    def condition(self, sql: PairSql, value: Any) -> str:
        """Return an SQL condition that is true for the pairs that pass.

        Parameters
        ----------
        sql
            Gives the names of columns, and places for values and ids, in the query.
        value
            A normal argument.
        """


class RowFilter(Filter):
    """A filter that looks at single pairs, those that passed all filters over columns.

    What it needs of them is gathered, from memory or from the file: one way does for both.
    """

    @abstractmethod
    def passes(self, store: ColumnStore, pairs: JoinedRows, value: Any) -> Mask:
        """Return for each of some pairs whether it passes."""
