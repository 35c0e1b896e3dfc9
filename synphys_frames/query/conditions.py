"""Which pairs: the filters that were given, asked of a release in memory or by SQL."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..columns import JoinedRows
from ..errors import ArgumentError, did_you_mean
from .filter_base import ColumnFilter, RowFilter
from .filters import FILTERS
from .pair_sql import PARTS_OF_A_PAIR, PairSql, on_the_way, pair_alias

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .._typing import Mask, Rows
    from ..columns import ColumnStore

# Arguments of the existing library, and what they are here.
_FORMER = {
    "preload": "Here it is include=, with the same names and with those of tables and columns.",
    "filter_exprs": 'Here it is where=, an expression in SQL: where="synapse.latency < 2e-3".',
    "filter_cell_exprs": "Here it is pre_class= or post_class=, a CellClass.",
    "session": "No session is needed here.",
    "columns": "Here it is include=, with the names of columns.",
}


@dataclass(frozen=True, slots=True)
class PairConditions:
    """What must be true of a pair: all the filters that were given.

    Attributes
    ----------
    arguments
        The filters' normal arguments by name, in the order of the list.
    """

    arguments: Mapping[str, Any]

    @classmethod
    def from_arguments(cls, **arguments: Any) -> PairConditions:
        """Return the conditions for arguments as a user gives them; None is no filter.

        Raises
        ------
        ArgumentError
            There is no such filter, a value can't be used, or two contradict each other.
        UnknownValueError
            No such synapse type or experiment type.
        """
        names = [one.name for one in FILTERS]
        for name in arguments:
            if name not in names:
                known = [*names, "include", "dtype_backend"]
                near = _FORMER.get(name) or did_you_mean(name, known)
                raise ArgumentError(
                    f"pairs() has no filter {name}. {near} The filters: {', '.join(names)}."
                )
        given = {name: value for name, value in arguments.items() if value is not None}
        chosen = [one for one in FILTERS if one.name in given]
        for one in chosen:
            for other in one.contradicts.keys() & given.keys():
                raise ArgumentError(
                    f"{one.name} and {other} contradict each other: {one.contradicts[other]}. "
                    "Give one of them."
                )
        normal = {one.name: one.normalise(given[one.name]) for one in chosen}
        return cls({name: value for name, value in normal.items() if value is not None})

    @property
    def column_filters(self) -> list[tuple[ColumnFilter, Any]]:
        """The filters over columns that were given, with their arguments."""
        return [
            (one, self.arguments[one.name])
            for one in FILTERS
            if isinstance(one, ColumnFilter) and one.name in self.arguments
        ]

    @property
    def row_filters(self) -> list[tuple[RowFilter, Any]]:
        """The filters that look at single pairs, likewise."""
        return [
            (one, self.arguments[one.name])
            for one in FILTERS
            if isinstance(one, RowFilter) and one.name in self.arguments
        ]

    def tables(self, store: ColumnStore) -> set[str]:
        """Return the tables that decide, but for those that classes and expressions ask for."""
        names = [*PARTS_OF_A_PAIR]
        names += [alias for one, _ in self.column_filters for alias, _ in one.columns]
        return {"pair"} | {alias.table for name in names for alias in on_the_way(store, name)}

    def mask(self, store: ColumnStore, within: Mask | None = None) -> Mask:
        """Return for each row of the pair table whether it passes.

        Parameters
        ----------
        store
            The tables of the release.
        within
            Rows that may pass at all; default all.
        """
        mask = np.ones(len(store.table("pair")), dtype=bool) if within is None else within.copy()
        for name in PARTS_OF_A_PAIR:
            mask &= store.rows(pair_alias(store, name), "pair") >= 0
        for one, value in self.column_filters:
            one.require(store, value)
            mask &= one.mask(store, value)
        for other, value in self.row_filters:
            rows = np.flatnonzero(mask)
            mask[rows] = other.passes(store, JoinedRows(store, "pair", rows), value)
        return mask

    def passing_ids(self, store: ColumnStore, within: Rows | None = None) -> Rows:
        """Return the ids, ascending, of the pairs that pass, by SQL.

        Parameters
        ----------
        store
            The release.
        within
            Ids of the pairs that may pass at all; default all.
        """
        sql = PairSql(store)
        if within is not None:
            sql.require(f"{sql.column('pair', 'id')} IN {sql.ids(within)}")
        for one, value in self.column_filters:
            one.require(store, value)
            sql.require(one.condition(sql, value))
        ids = sql.passing_ids()
        for other, value in self.row_filters:
            ids = ids[other.passes(store, JoinedRows(store, "pair", ids=ids), value)]
        return ids
