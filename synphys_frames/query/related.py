"""From rows of one table to the rows of another that belong to them, along foreign keys."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import inf
from typing import TYPE_CHECKING

import numpy as np

from ..backends import quoted
from ..columns import JoinedRows
from ..errors import AmbiguousWayWarning, ArgumentError, JoinError, did_you_mean, warn
from ..schema import foreign_keys, other_ways, require_id
from .frame_ids import integers, labelled

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd

    from .._typing import Mask, Rows
    from ..columns import ColumnStore
    from ..schema import Alias, Aliases, Schema

    AliasesOf = Callable[[str], Aliases]


WANTED = "wanted"
# Every way that another could be meant for goes through one of these.
_MARKS = ("recording", "pulse_response")
_START = f"SELECT id FROM {WANTED}"


@dataclass(frozen=True, slots=True)
class RelatedRows:
    """How to find the rows of a table that belong to rows of another.

    Attributes
    ----------
    table
        The table.
    ids_query
        SQL for the ids of its rows; the source rows are in the table `wanted`.
    passed
        The tables that the way leads to, the last one included.
    """

    table: str
    ids_query: str
    passed: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Key:
    """A foreign key that was named, in the direction in which it is followed."""

    table: str
    column: str
    target: str
    target_key: str
    direction: str

    @property
    def before(self) -> str:
        return self.table if self.direction == "up" else self.target

    @property
    def after(self) -> str:
        return self.target if self.direction == "up" else self.table

    def ids_query(self, before: str) -> str:
        table, target = quoted(self.table), quoted(self.target)
        column, key = quoted(self.column), quoted(self.target_key)
        if self.direction == "up":
            keys = f"SELECT {column} FROM {table} WHERE id IN ({before})"
            return f"SELECT id FROM {target} WHERE {key} IN ({keys})"
        keys = f"SELECT {key} FROM {target} WHERE id IN ({before})"
        return f"SELECT id FROM {table} WHERE {column} IN ({keys})"


def related_rows(
    aliases_of: AliasesOf, source: str, table: str, via: str | None = None
) -> RelatedRows:
    """Return how to find the rows of a table that belong to rows of another.

    Upwards, the row that a row belongs to; downwards, the rows that belong to it. Of cells, the
    pairs are those with both cells among them; of pairs, the cells are both of each.

    Parameters
    ----------
    aliases_of
        Gives the tables that foreign keys lead to from a table.
    source
        The table of the rows.
    table
        The other table, or one side's (``pre_cell``).
    via
        A table that the way goes through, or a foreign key that it follows ("stim_pulse.cell_id");
        default the documented way.

    Raises
    ------
    JoinError
        No foreign key leads there.
    """
    if via is None:
        return _leg(aliases_of(source), table, RelatedRows(source, _START, ()))
    schema = aliases_of(source).schema
    start = RelatedRows(source, _START, ())
    if "." not in via:
        before = _leg(aliases_of(source), via, start)
        return _leg(aliases_of(before.table), table, before)
    key = _named_key(aliases_of, schema, source, table, via)
    before = _leg(aliases_of(source), key.before, start)
    for name in (key.before, key.after):
        require_id(schema.table(name))
    step = RelatedRows(key.after, key.ids_query(before.ids_query), (*before.passed, key.after))
    return _leg(aliases_of(key.after), table, step)


def warn_of_other_ways(
    aliases: Aliases,
    table: str,
    frame: pd.DataFrame,
    reached: Callable[[], pd.Series],
    *,
    by_row: bool,
) -> None:
    """Warn where another way leads to other rows than the one that is taken.

    A foreign key between the two tables themselves is no choice, unless it is only a side key. One
    that the frame has itself is compared with what was reached.

    Parameters
    ----------
    aliases
        The tables that foreign keys lead to from the source table.
    table
        The other table.
    frame
        The rows of the source table.
    reached
        Gives the ids that were reached.
    by_row
        Whether they are those of the frame's rows one by one, or each once in any order.
    """
    source, target = aliases.source, aliases.resolve(table)
    # One side's table ("pre_recording") was named: so was the way.
    others = other_ways(aliases.schema, source, target[0].table, only_told=True)
    if table != target[0].table or target[0].depth <= 1 or not others:
        return
    side_key = _side_key(aliases.schema, source, target[0].table, others[0])
    values = None if side_key is None else labelled(frame, (f"{source}.{side_key}", side_key))
    if values is not None and _are_same(values, reached(), by_row=by_row):
        return
    ways = " or ".join(f'via="{other}"' for other in others)
    own = next(step.name for step in aliases.path(target[0])[1:] if step.name in _MARKS)
    warn(
        f"From {source!r} to {table!r} several ways lead to different rows. Taken is "
        f"{way_text(aliases, table)}; {ways} takes another one, and "
        f'via="{own}" says that this one is meant. db.ways lists them all.',
        AmbiguousWayWarning,
    )


def _side_key(schema: Schema, source: str, target: str, via: str) -> str | None:
    """Return the foreign key that is named, where it leads from one table straight to the other."""
    if not via.startswith(f"{source}."):
        return None
    _, column, referred, key = _reference(schema, via)
    return column if (referred, key) == (target, "id") else None


def _are_same(keys: pd.Series, reached: pd.Series, *, by_row: bool) -> bool:
    given, given_missing = integers(keys.array, str(keys.name))
    found, found_missing = integers(reached.array, str(reached.name))
    if by_row:
        # A row that is not in the release leads nowhere, whatever the frame says of it.
        return bool(((~given_missing & (given == found)) | found_missing).all())
    return np.array_equal(np.unique(given[~given_missing]), np.unique(found[~found_missing]))


def way_text(aliases: Aliases, table: str) -> str:
    """Return the way from the source table to another: "cell → electrode → recording"."""
    return " and ".join(_path_text(aliases, alias) for alias in aliases.resolve(table))


def _path_text(aliases: Aliases, alias: Alias) -> str:
    if alias.parent is None:
        return alias.name
    before = _path_text(aliases, aliases[alias.parent])
    if alias.alternative is not None:
        head, _, last = before.rpartition(" → ")
        before = f"{head} → ({last} or {alias.alternative.parent})"
    return f"{before} → {alias.name}"


def _leg(aliases: Aliases, table: str, start: RelatedRows) -> RelatedRows:
    steps = aliases.resolve(table)
    for alias in steps:
        require_id(aliases.schema.table(alias.table))
    queries = [_ids(aliases, alias, start.ids_query) for alias in steps]
    passed = [step.table for alias in steps for step in aliases.path(alias)[1:]]
    return RelatedRows(steps[0].table, " UNION ".join(queries), (*start.passed, *passed))


def _ids(aliases: Aliases, alias: Alias, start: str) -> str:
    if alias.parent is None:
        return start
    if alias.alternative is not None:
        first, second = replace(alias, alternative=None), alias.alternative
        return f"{_ids(aliases, first, start)} UNION {_ids(aliases, second, start)}"
    parent = aliases[alias.parent]
    before = _ids(aliases, parent, start)
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


def _named_key(aliases_of: AliasesOf, schema: Schema, source: str, table: str, via: str) -> _Key:
    """Return a foreign key in the direction in which the way through it is the shorter one."""
    holder, column, target, target_key = _reference(schema, via)
    keys = [_Key(holder, column, target, target_key, way) for way in ("up", "down")]

    def steps(key: _Key) -> float:
        return _depth(aliases_of(source), key.before) + _depth(aliases_of(key.after), table)

    shortest = min(keys, key=steps)
    if steps(shortest) == inf:
        raise JoinError(f"No way from {source!r} to {table!r} goes by the foreign key {via!r}.")
    return shortest


def _depth(aliases: Aliases, table: str) -> float:
    try:
        return aliases.resolve(table)[0].depth
    except JoinError:
        return inf


def _reference(schema: Schema, via: str) -> tuple[str, str, str, str]:
    holder, _, name = via.partition(".")
    column = schema.table(holder).column(name)
    if column.references is None or column.references[0] not in schema:
        raise JoinError(
            f"{via!r} is no foreign key. {did_you_mean(via, foreign_keys(schema, holder))}"
        )
    return holder, column.name, *column.references


def ids_via(
    store: ColumnStore, source: str, ids: Rows, missing: Mask, via: str
) -> tuple[str, Rows, Mask]:
    """Return the table that a way goes through, and beside each row the id of its row there.

    Parameters
    ----------
    store
        The tables of the release.
    source, ids, missing
        The table of the rows, their ids, and where they are missing.
    via
        A table with at most one row beside each, or a foreign key ("stim_pulse.cell_id").

    Raises
    ------
    JoinError
        A row has several rows there, or no foreign key leads there.
    """
    name, _, column = via.partition(".")
    aliases = store.aliases(source)
    found = aliases.resolve(name)
    if len(found) > 1:
        sides = " or ".join(repr(alias.name) for alias in found)
        raise JoinError(f"via={via!r} has several rows for one of {source!r}; name {sides}.")
    table, key = found[0].table, "id"
    if column:
        _, key, table, target_key = _reference(store.schema, f"{table}.{column}")
        if target_key != "id":
            raise JoinError(f"{via!r} holds no ids; join follows foreign keys to ids only.")
    beside = JoinedRows(store, source, ids=ids, missing=missing).frame([(found[0], [key])])
    return table, *integers(beside.iloc[:, 0].array, via)


def require_via(via: object) -> None:
    """Raise unless `via` is None or a text."""
    if via is not None and not isinstance(via, str):
        raise ArgumentError(
            f'via takes a table or a foreign key, such as "recording" or "stim_pulse.cell_id"; '
            f"got {via!r}."
        )
