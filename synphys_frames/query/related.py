"""From rows of one table to the rows of another that belong to them, along foreign keys."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ..backends import quoted
from ..schema import require_id

if TYPE_CHECKING:
    from ..schema import Alias, Aliases


WANTED = "wanted"


def related_ids_query(aliases: Aliases, table: str) -> str:
    """Return SQL for the ids of a table's rows that belong to the source rows in `wanted`.

    Upwards, the row that a row belongs to; downwards, the rows that belong to it. Of cells, the
    pairs are those with both cells among them; of pairs, the cells are both of each.

    Parameters
    ----------
    aliases
        The tables that foreign keys lead to from the source table.
    table
        The other table, or one side's (``pre_cell``).

    Raises
    ------
    JoinError
        No foreign key leads there.
    """
    found = aliases.resolve(table)
    for alias in found:
        require_id(aliases.schema.table(alias.table))
    ways = [_ids(aliases, alias) for alias in found]
    return " UNION ".join(ways)


def tables_on_the_way(aliases: Aliases, table: str) -> list[str]:
    """Return the tables that lead from the source table to another, that one included."""
    passed: list[str] = []
    for alias in aliases.resolve(table):
        step = alias
        while step.parent is not None:
            passed.append(step.table)
            step = aliases[step.parent]
    return passed


def _ids(aliases: Aliases, alias: Alias) -> str:
    if alias.parent is None:
        return f"SELECT id FROM {WANTED}"
    if alias.alternative is not None:
        one, other = replace(alias, alternative=None), alias.alternative
        return f"{_ids(aliases, one)} UNION {_ids(aliases, other)}"
    parent = aliases[alias.parent]
    before = _ids(aliases, parent)
    if alias.direction == "up":
        keys = _values(parent.table, alias.key, before)
        return f"SELECT id FROM {quoted(alias.table)} WHERE {quoted(alias.target_key)} IN ({keys})"
    columns = [alias.key]
    if alias.table == "pair" and parent.table == "cell":
        columns = ["pre_cell_id", "post_cell_id"]
    keys = before if alias.target_key == "id" else _values(parent.table, alias.target_key, before)
    conditions = " AND ".join(f"{quoted(column)} IN ({keys})" for column in columns)
    return f"SELECT id FROM {quoted(alias.table)} WHERE {conditions}"


def _values(table: str, column: str, ids: str) -> str:
    return f"SELECT {quoted(column)} FROM {quoted(table)} WHERE id IN ({ids})"
