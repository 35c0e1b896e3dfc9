"""The kinds of filters over a column: true or false, a text of several, a number in between."""

from __future__ import annotations

import math
from contextlib import suppress
from dataclasses import dataclass
from numbers import Real
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import ArgumentError, UnknownValueError, nearest_values
from ..schema import require_lengths
from .arguments import texts
from .filter_base import ColumnFilter, Option
from .pair_sql import pair_alias

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .._typing import Mask
    from ..columns import ColumnStore
    from ..schema import Schema
    from .filter_base import Places
    from .pair_sql import PairSql

    Bounds = tuple[float | None, float | None]


def of_pairs(store: ColumnStore, alias: str, mask: Mask) -> Mask:
    """Return for each pair what a mask says of its row in a table beside it; without one, False."""
    if alias == "pair":
        return mask
    # The entry at the end is what row -1 picks.
    return np.append(mask, False)[store.rows(pair_alias(store, alias), "pair")]


@dataclass(frozen=True, kw_only=True)
class OneColumnFilter(ColumnFilter):
    """A filter that looks at one column.

    Attributes
    ----------
    alias, column
        The column, and the name of its table beside pair.
    """

    alias: str
    column: str

    @property
    def columns(self) -> Places:
        """The column."""
        return ((self.alias, self.column),)

    def table(self, store: ColumnStore) -> str:
        """Return the name of the table itself."""
        return pair_alias(store, self.alias).table


@dataclass(frozen=True, kw_only=True)
class TruthFilter(ColumnFilter):
    """A filter that takes True or False."""

    @property
    def takes(self) -> str:
        """What the argument can be, in words."""
        return "`True` or `False`"

    @property
    def option(self) -> Option:
        """How the filter is given on the command line."""
        from argparse import BooleanOptionalAction

        return Option(
            flag=self.flag,
            arguments={"action": BooleanOptionalAction},
            says="",
            argument=lambda value, _: value,
        )

    def normalise(self, value: object) -> bool:
        """Return an argument as `mask` and `condition` take it."""
        if isinstance(value, bool | np.bool_):
            return bool(value)
        raise ArgumentError(f"{self.name} takes True, False or None (no filter); got {value!r}.")


@dataclass(frozen=True, kw_only=True)
class Flag(TruthFilter, OneColumnFilter):
    """A column that holds true or false must be one of them; not known is neither."""

    def mask(self, store: ColumnStore, value: bool) -> Mask:
        """Return for each pair whether the column has the value."""
        values = store.table(self.table(store)).values(self.column)
        equal: Mask = values.to_numpy(dtype=bool, na_value=not value) == value
        return of_pairs(store, self.alias, equal)

    def condition(self, sql: PairSql, value: bool) -> str:
        """Return the same as SQL."""
        return f"{sql.column(self.alias, self.column)} = {sql.value(value)}"


@dataclass(frozen=True, kw_only=True)
class OneOf(OneColumnFilter):
    """A column of texts must hold one of those that are given.

    Attributes
    ----------
    known
        What a value is called: "project"; default the filter's name.
    """

    known: str = ""

    @property
    def takes(self) -> str:
        """What the argument can be, in words."""
        return "a text or several"

    @property
    def option(self) -> Option:
        """How the filter is given on the command line."""
        return Option(
            flag=self.flag,
            arguments={"action": "append", "metavar": self.name.upper()},
            says="may be repeated",
            argument=lambda value, _: value,
        )

    def normalise(self, value: object) -> tuple[str, ...]:
        """Return an argument as `mask` and `condition` take it."""
        return tuple(texts(value, self.name, "a text or a list of texts"))

    def require(self, store: ColumnStore, value: tuple[str, ...]) -> None:
        """Raise where the release lacks the column, or a text that it should have.

        Raises
        ------
        UnknownValueError
            The message lists what it has.
        """
        super().require(store, value)
        stored = store.table(self.table(store)).texts(self.column).categories
        for text in value:
            if text not in stored:
                raise UnknownValueError(
                    f"There is no {self.known or self.name} {text!r} in this release. "
                    f"{nearest_values(text, stored)}"
                )

    def mask(self, store: ColumnStore, value: tuple[str, ...]) -> Mask:
        """Return for each pair whether the column has one of the texts."""
        texts = store.table(self.table(store)).texts(self.column)
        # Each distinct text is compared once; code -1, a missing one, picks the entry at the end.
        equal = np.append(texts.categories.isin(list(value)), False)
        return of_pairs(store, self.alias, equal[texts.codes])

    def condition(self, sql: PairSql, value: tuple[str, ...]) -> str:
        """Return the same as SQL."""
        among = ", ".join(map(sql.value, value)) or "NULL"
        return f"{sql.column(self.alias, self.column)} IN ({among})"


@dataclass(frozen=True, kw_only=True)
class Choice(OneOf):
    """A column of texts must hold what one of a few choices stands for.

    Attributes
    ----------
    choices
        Each choice, and the texts in the column that it stands for.
    called
        What a choice is called: "synapse type".
    hint
        What else a message says of one that there is not.
    """

    choices: Mapping[str, tuple[str, ...]]
    called: str
    hint: str = ""

    @property
    def takes(self) -> str:
        """What the argument can be, in words."""
        return ", ".join(f'`"{choice}"`' for choice in self.choices)

    def require(self, store: ColumnStore, value: tuple[str, ...]) -> None:
        """Raise where the release lacks the column; it need not have every choice."""
        OneColumnFilter.require(self, store, value)

    @property
    def option(self) -> Option:
        """How the filter is given on the command line."""
        return Option(
            flag=self.flag,
            arguments={"metavar": self.name.upper()},
            says=", ".join(map(repr, self.choices)),
            argument=lambda value, _: value,
        )

    def normalise(self, value: object) -> tuple[str, ...]:
        """Return an argument as `mask` and `condition` take it."""
        if isinstance(value, str) and value.replace("_", " ") in self.choices:
            return self.choices[value.replace("_", " ")]
        raise UnknownValueError(
            f"There is no {self.called} {value!r}. Known: {', '.join(map(repr, self.choices))}"
            f"{self.hint}."
        )


@dataclass(frozen=True, kw_only=True)
class Limits(OneColumnFilter):
    """A column of numbers must be within limits, both included.

    Attributes
    ----------
    unit
        Unit of the limits, as words: "days".
    """

    unit: str

    @property
    def takes(self) -> str:
        """What the argument can be, in words."""
        return f"`(min, max)` in {self.unit}, either may be `None`"

    @property
    def option(self) -> Option:
        """How the filter is given on the command line."""
        return Option(
            flag=self.flag,
            arguments={"nargs": 2, "metavar": ("MIN", "MAX")},
            says=f"in {self.unit}; - for no limit",
            argument=self._of_texts,
        )

    def _of_texts(self, texts: list[str], _: Schema) -> Bounds:
        try:
            least, most = (None if text == "-" else float(text) for text in texts)
        except ValueError:
            raise ArgumentError(
                f"{self.flag} takes two numbers, or - for no limit; got {texts}."
            ) from None
        return least, most

    def normalise(self, value: object) -> Bounds | None:
        """Return an argument as `mask` and `condition` take it; None where nothing is limited."""
        if (isinstance(value, tuple | list) and len(value) == 2) or (
            isinstance(value, np.ndarray) and value.shape == (2,)
        ):
            least, most = (self._limit(limit) for limit in value)
            if self.unit == "metres":
                require_lengths([limit for limit in (least, most) if limit is not None], self.name)
            if least is not None and most is not None and least > most:
                raise ArgumentError(
                    f"{self.name} takes (min, max); got {value!r}, whose min is above its max."
                )
            return None if least is None and most is None else (least, most)
        raise ArgumentError(
            f"{self.name} takes (min, max), either of which may be None; got {value!r}."
        )

    def _limit(self, value: object) -> float | None:
        if value is None:
            return None
        limit = math.nan
        if not isinstance(value, bool) and isinstance(value, Real):
            with suppress(OverflowError):
                limit = float(value)
        if not math.isnan(limit):
            return limit
        raise ArgumentError(f"{self.name} takes numbers, or None for no limit; got {value!r}.")

    def mask(self, store: ColumnStore, value: Bounds) -> Mask:
        """Return for each pair whether the column is within the limits."""
        values: Any = store.table(self.table(store)).values(self.column)
        if not isinstance(values, np.ndarray):
            values = values.to_numpy(dtype=np.float64, na_value=np.nan)
        least, most = value
        within: Mask = np.ones(len(values), dtype=bool)
        if least is not None:
            within &= values >= least
        if most is not None:
            within &= values <= most
        return of_pairs(store, self.alias, within)

    def condition(self, sql: PairSql, value: Bounds) -> str:
        """Return the same as SQL."""
        column = sql.column(self.alias, self.column)
        limits = zip(value, (">=", "<="), strict=True)
        return " AND ".join(
            f"{column} {operator} {sql.value(limit)}"
            for limit, operator in limits
            if limit is not None
        )
