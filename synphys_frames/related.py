"""From rows of one table to the rows of another that belong to them, along foreign keys."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .sqlite_file import quoted

if TYPE_CHECKING:
    from .joins import Alias, Aliases

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
    ways = [_ids(aliases, alias) for alias in aliases.resolve(table)]
    return " UNION ".join(ways)


def _ids(aliases: Aliases, alias: Alias) -> str:
    if alias.parent is None:
        return f"SELECT id FROM {WANTED}"
    parent = aliases[alias.parent]
    before = _ids(aliases, parent)
    if alias.direction == "up":
        return f"SELECT {quoted(alias.key)} FROM {quoted(parent.table)} WHERE id IN ({before})"
    keys = [alias.key]
    if alias.table == "pair" and parent.table == "cell":
        keys = ["pre_cell_id", "post_cell_id"]
    conditions = " AND ".join(f"{quoted(key)} IN ({before})" for key in keys)
    return f"SELECT id FROM {quoted(alias.table)} WHERE {conditions}"
