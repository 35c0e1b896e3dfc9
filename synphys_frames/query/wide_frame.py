"""Wide frames of pairs: what to put beside a pair, in which order, and the frame itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..columns import JoinedRows, check_dtype_backend, to_arrow_backend
from ..errors import JoinError, UnknownTableError, did_you_mean
from ..schema import NEWEST, Schema, published_schema, require_in_version
from .arguments import texts

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import pandas as pd

    from .._typing import Rows
    from ..columns import ColumnStore, DtypeBackend
    from ..schema import Alias, Kind
    from .conditions import PairConditions

    Selection = list[tuple[Alias, Sequence[str]]]


GROUPS: dict[str, tuple[str, ...]] = {
    "experiment": ("experiment", "slice"),
    # pre_ and post_ of each: a bare table name means both sides.
    # As in the dataset's own frames, whatever else cells can be classified by.
    "cell": ("cell", "morphology", "patch_seq", "intrinsic", "cortical_cell_location"),
    "synapse": ("synapse", "resting_state_fit", "dynamics", "synapse_model"),
    "synapse_prediction": ("synapse_prediction",),
}


def names_of(value: object, argument: str) -> list[str]:
    """Return a text, or several, as a list."""
    return texts(value, argument, "a name or a list of names of groups, tables or columns")


def select(
    store: ColumnStore, source: str, wanted: Iterable[str], *, groups: bool, own: Sequence[str]
) -> Selection:
    """Return which columns of which tables to put beside a table's rows, in their order.

    Parameters
    ----------
    store
        The tables of the release.
    source
        The table that gives one row each.
    wanted
        Groups, tables, or columns with their table ("pre_cell.cre_type").
    groups
        Whether group names count.
    own
        Columns of the source table itself that are there anyway.

    Raises
    ------
    UnknownTableError, UnknownColumnError
        With the nearest names.
    """
    aliases = store.aliases(source)
    chosen: dict[str, set[str]] = {source: set(own)} if own else {}
    for name in wanted:
        if groups and name in GROUPS:
            # A release that lacks a table of a group has the others of it.
            tables = [table for table in GROUPS[name] if table in store.schema]
            parts: list[tuple[str, str | None]] = [(table, None) for table in tables]
        else:
            before, _, after = name.partition(".")
            parts = [(before, after or None)]
        for table, column in parts:
            for alias in _aliases(store, source, table, groups=groups):
                columns = store.schema.table(alias.table)
                names = columns.plain_columns if column is None else [columns.column(column).name]
                chosen.setdefault(alias.name, set()).update(names)
    return [
        (
            aliases[name],
            [key for key in store.schema.table(aliases[name].table).columns if key in chosen[name]],
        )
        for name in sorted(chosen, key=aliases.order)
    ]


def _aliases(store: ColumnStore, source: str, name: str, *, groups: bool) -> list[Alias]:
    aliases = store.aliases(source)
    try:
        return aliases.resolve(name)
    except JoinError:
        require_in_version(store.schema, name)
        if name in store.schema:
            raise
        known = [*(GROUPS if groups else ()), *(alias.name for alias in aliases)]
        raise UnknownTableError(
            f"There is nothing named {name!r} to put beside {source!r}. {did_you_mean(name, known)}"
        ) from None


def lacking(schema: Schema, include: Any) -> list[str]:
    """Return what the groups in `include` lack in a file's schema version.

    Tables, and plain columns as "table.column", that the newest schema version has.
    """
    newest = published_schema(NEWEST)
    wanted = [name for name in names_of(include, "include") if name in GROUPS]
    lacks = []
    for table in dict.fromkeys(table for name in wanted for table in GROUPS[name]):
        if table not in schema:
            lacks.append(table)
            continue
        here = schema.tables[table].columns
        lacks += [
            f"{table}.{name}" for name in newest.table(table).plain_columns if name not in here
        ]
    return lacks


def kinds_of(
    store: ColumnStore, source: str, selection: Selection, *, prefixed: bool
) -> dict[str, Kind]:
    """Return the kind of each column of a gathered frame."""
    return {
        (f"{alias.name}.{name}" if prefixed or alias.name != source else name): store.schema.table(
            alias.table
        )
        .column(name)
        .kind
        for alias, names in selection
        for name in names
    }


def pairs_frame(
    store: ColumnStore,
    conditions: PairConditions,
    ids: Rows | None = None,
    include: Any = (),
    dtype_backend: DtypeBackend = None,
) -> pd.DataFrame:
    """Return a frame of pairs, in order of pair id, with what is included beside them.

    Parameters
    ----------
    store
        The tables of the release.
    conditions
        Which pairs.
    ids
        Pairs that may pass at all; default all.
    include
        Groups, tables and columns.
    dtype_backend
        "pyarrow" for Arrow types.
    """
    check_dtype_backend(dtype_backend)
    plain = store.schema.table("pair").plain_columns
    selection = select(store, "pair", names_of(include, "include"), groups=True, own=plain)
    frame = _passing(store, conditions, ids).frame(selection)
    if dtype_backend == "pyarrow":
        return to_arrow_backend(frame, kinds_of(store, "pair", selection, prefixed=True))
    return frame


def _passing(store: ColumnStore, conditions: PairConditions, ids: Rows | None) -> JoinedRows:
    if not all(map(store.keeps, conditions.tables(store))):
        return JoinedRows(store, "pair", ids=conditions.passing_ids(store, ids))
    pair = store.table("pair")
    # In one pass: they all are in the frame.
    pair.require(store.schema.table("pair").plain_columns)
    pair_ids, _ = pair.keys("id")
    within = None if ids is None else np.isin(pair_ids, ids)
    rows = np.flatnonzero(conditions.mask(store, within))
    passing = pair_ids[rows]
    if (passing[1:] < passing[:-1]).any():
        rows = rows[np.argsort(passing, kind="stable")]
    return JoinedRows(store, "pair", rows)
