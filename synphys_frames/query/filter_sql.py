"""A pair filter as one SQL query, for releases whose tables are too large to be kept in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..backends import quoted
from ..columns import several_rows
from .filters import class_members, require_projects
from .probed import PROBED_TEST_SPIKES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .._typing import Rows
    from ..columns import ColumnStore
    from .filters import Limits, PairFilter


_WITHIN = "wanted"


def passing_ids(store: ColumnStore, pair_filter: PairFilter, ids: Rows | None = None) -> Rows:
    """Return the ids, ascending, of the pairs that pass all of a filter but its `where`.

    Parameters
    ----------
    store
        The release.
    pair_filter
        The filter; its classes are decided on the cells, as everywhere.
    ids
        Pairs that may pass at all; default all.
    """
    conditions = _Conditions(store)
    conditions.add_all(pair_filter)
    known: dict[str, Rows] = {}
    if ids is not None:
        known[_WITHIN] = ids
        conditions.texts.append(f"pair.id IN (SELECT id FROM {_WITHIN})")
    sides = (("pre", pair_filter.pre_class), ("post", pair_filter.post_class))
    for side, cell_class in sides:
        if cell_class is not None:
            cell_ids, _ = store.table("cell").keys("id")
            known[f"{side}_members"] = cell_ids[class_members(store, cell_class)]
            conditions.texts.append(f"{side}_cell.id IN (SELECT id FROM {side}_members)")
    query = f"SELECT pair.id FROM pair {_joins(store, conditions.aliases)}"
    if conditions.texts:
        query += f" WHERE {' AND '.join(conditions.texts)}"
    return store.reader.ids(f"{query} ORDER BY pair.id", conditions.values, known)


class _Conditions:
    """SQL conditions with their values, and the tables beside pair that they are about."""

    def __init__(self, store: ColumnStore) -> None:
        self._schema = store.schema
        self._store = store
        # A pair without its cells or its experiment is no pair in the dataset's own queries.
        self.aliases: dict[str, str] = dict.fromkeys(("pre_cell", "post_cell", "experiment"), "")
        self.texts: list[str] = []
        self.values: list[object] = []

    def add_all(self, pair_filter: PairFilter) -> None:
        for column, wanted in (
            ("has_synapse", pair_filter.synapse),
            ("has_electrical", pair_filter.electrical),
        ):
            if wanted is not None:
                self._add("pair", column, "= ?", wanted)
        if pair_filter.synapse_probed is not None:
            self._add_probed(wanted=pair_filter.synapse_probed)
        if pair_filter.project_name is not None and pair_filter.checked_projects:
            require_projects(self._store, pair_filter.project_name)
        synapse_type = pair_filter.synapse_type
        for alias, column, names in (
            ("synapse", "synapse_type", None if synapse_type is None else (synapse_type,)),
            ("experiment", "project_name", pair_filter.project_name),
            ("experiment", "acsf", pair_filter.acsf),
            ("experiment", "internal", pair_filter.internal),
            ("slice", "species", pair_filter.species),
        ):
            if names is not None:
                marks = ", ".join("?" * len(names))
                self._add(alias, column, f"IN ({marks})" if names else "IN (NULL)", *names)
        self._add_limits("slice", "age", pair_filter.age)
        self._add_limits("pair", "distance", pair_filter.distance)

    def _column(self, alias: str, column: str) -> str:
        table = "cell" if alias == "pre_cell" else alias
        if alias != "pair":
            self.aliases.setdefault(alias, "")
        return f"{alias}.{quoted(self._schema.table(table).column(column).name)}"

    def _add(self, alias: str, column: str, condition: str, *values: object) -> None:
        self.texts.append(f"{self._column(alias, column)} {condition}")
        self.values += values

    def _add_limits(self, alias: str, column: str, limits: Limits | None) -> None:
        for limit, operator in zip(limits or (), (">=", "<="), strict=False):
            if limit is not None:
                self._add(alias, column, f"{operator} ?", limit)

    def _add_probed(self, *, wanted: bool) -> None:
        ex, inh = (
            f"{self._column('pair', f'n_{kind}_test_spikes')} > {PROBED_TEST_SPIKES}"
            for kind in ("ex", "in")
        )
        kind = self._column("pre_cell", "cell_class")
        tested = f"CASE {kind} WHEN 'ex' THEN {ex} WHEN 'in' THEN {inh} ELSE {ex} AND {inh} END"
        self.texts.append(f"coalesce({tested}, false) = ?")
        self.values.append(wanted)


def _joins(store: ColumnStore, names: Sequence[str] | dict[str, Any]) -> str:
    aliases = store.aliases("pair")
    steps = []
    for name in sorted(names, key=lambda name: aliases[name].depth):
        alias = aliases[name]
        table = store.schema.table(alias.table)
        if alias.found_by != "id":
            repeated = store.reader.repeated_key(table, alias.found_by)
            if repeated is not None:
                raise several_rows(alias, str(alias.parent), repeated)
        # Only what is on the way to a condition is joined, and a condition needs its row.
        steps.append(
            f"JOIN {quoted(alias.table)} AS {quoted(name)} ON {quoted(name)}."
            f"{quoted(alias.found_by)} = {quoted(str(alias.parent))}.{quoted(alias.found_from)}"
        )
    return " ".join(steps)
