"""Whether the rows of a frame are the rows of a release that have their ids."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from ..columns import JoinedRows
from ..errors import ProvenanceError
from ..schema import STR
from .frame_ids import array_of, integers, known_table, names_in

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pandas.api.extensions import ExtensionArray

    from .._typing import Mask, Rows
    from ..columns import ColumnStore
    from ..schema import Table

    # A table, where its ids may be, and what its columns' names may begin with.
    _Place = tuple[str, tuple[str, ...], tuple[str, ...]]

_SAMPLED = 1024
# What can stand beside the rows of a frame, and where its ids may be.
_BESIDE = {
    "pre_cell": ("cell", ("pre_cell.id", "pair.pre_cell_id", "pre_cell_id")),
    "post_cell": ("cell", ("post_cell.id", "pair.post_cell_id", "post_cell_id")),
    "cell": ("cell", ("cell.id",)),
    "experiment": ("experiment", ("experiment.id", "pair.experiment_id", "experiment_id")),
    "slice": ("slice", ("slice.id", "experiment.slice_id", "slice_id")),
}


@dataclass(frozen=True, slots=True)
class KeyMismatch:
    """Rows of a frame whose own keys are not those of the release's rows with their ids.

    Attributes
    ----------
    table, column
        The table of the rows, and the key.
    rows, is_sampled
        How many rows, and whether only some were looked at.
    id, in_frame, in_release
        One of them: its id, its key in the frame and in the release.
    """

    table: str
    column: str
    rows: int
    id: int
    in_frame: object
    in_release: object
    is_sampled: bool

    def __str__(self) -> str:
        least = "at least " if self.is_sampled else ""
        return (
            f"{self.table}.{self.column} differs in {least}{self.rows:,} rows (id {self.id}: "
            f"{self.in_frame} in the frame, {self.in_release} in the database)"
        )


@dataclass(frozen=True, slots=True)
class _Entity:
    """Rows of a table that are in a frame: where their ids are, and their keys by column."""

    table: Table
    ids: ExtensionArray
    keys: dict[str, ExtensionArray]


def key_mismatch(
    frame: pd.DataFrame, store: ColumnStore, *, is_noted: bool = False
) -> KeyMismatch | None:
    """Return where a frame's own keys are not those of the rows of a release with its ids.

    Keys are what a row refers to, and the name that it has outside the release (`ext_id`), as far
    as the frame has them, its own and those of the cells, experiment and slice beside it. Ids that
    the release does not have, and missing values, are left alone.

    Parameters
    ----------
    frame, store
        The frame, and the tables of the release.
    is_noted
        Whether the frame says that it is of this very content. Then, as for tables that are too
        large to be kept in memory, about a thousand rows spread over the frame are looked at.
    """
    for entity in _entities(frame, store):
        mismatch = _mismatch(store, entity, is_noted=is_noted)
        if mismatch is not None:
            return mismatch
    return None


def _entities(frame: pd.DataFrame, store: ColumnStore) -> Iterator[_Entity]:
    names = names_in(frame)
    own = known_table(frame, store.schema)
    places: dict[str, _Place] = {alias: (*at, (f"{alias}.",)) for alias, at in _BESIDE.items()}
    if own is not None:
        places[own] = (own, (f"{own}.id", "id"), (f"{own}.", ""))
    for table, ids, prefixes in places.values():
        if table not in store.schema:
            continue
        described = store.schema.tables[table]
        keys = {}
        for key in _key_columns(described):
            labels = [f"{prefix}{key}" for prefix in prefixes if f"{prefix}{key}" in names]
            values = array_of(frame, labels[0]) if labels else None
            if values is not None:
                keys[key] = values
        label = next((name for name in ids if name in names), None)
        numbers = array_of(frame, label) if keys and label and "id" in described.columns else None
        if numbers is not None:
            yield _Entity(described, numbers, keys)


def _key_columns(table: Table) -> list[str]:
    return [
        name
        for name, column in table.columns.items()
        if (column.references is not None and column.references[0] != table.name)
        or (name == "ext_id" and not column.is_heavy)
    ]


def _mismatch(store: ColumnStore, entity: _Entity, *, is_noted: bool) -> KeyMismatch | None:
    name, count = entity.table.name, len(entity.ids)
    is_kept = store.keeps(name)
    is_sampled = count > _SAMPLED and (is_noted or not is_kept)
    step = -(-count // _SAMPLED) if is_sampled else 1
    ids = _whole_numbers(entity.ids[::step])
    if ids is None:
        return None
    if is_kept:
        index = store.index(name, "id")
        if not index.is_unique:
            return None
        rows = index.rows(*ids)
        table = store.table(name)
        table.require(entity.keys)
        stored = {key: table.take(key, rows) for key in entity.keys}
    else:
        gathering = JoinedRows(store, name, ids=ids[0], missing=ids[1])
        read = gathering.frame([(store.aliases(name)[name], ["id", *entity.keys])])
        rows = np.where(read.iloc[:, 0].isna(), -1, 0)
        stored = {key: read[f"{name}.{key}"].array for key in entity.keys}
    for key, values in entity.keys.items():
        shown = values[::step]
        differing = np.flatnonzero((rows >= 0) & _differing(shown, stored[key]))
        if len(differing):
            first = int(differing[0])
            here, there = shown[first], stored[key][first]
            example = int(ids[0][first])
            return KeyMismatch(name, key, len(differing), example, here, there, is_sampled)
    return None


def _whole_numbers(values: ExtensionArray) -> tuple[Rows, Mask] | None:
    try:
        return integers(values, "id")
    except ProvenanceError:
        return None  # the verb that goes by them says so; one that does not, need not


def _differing(values: ExtensionArray, stored: Any) -> Mask:
    """Return where a value is there and is not the stored one."""
    if pd.api.types.is_integer_dtype(stored.dtype):
        mine = _whole_numbers(values)
        if mine is None:
            return ~np.asarray(values.isna(), dtype=bool)
        numbers, missing = mine
        return np.asarray(~missing & (stored.to_numpy(dtype=np.int64, na_value=-1) != numbers))
    theirs = pd.Series(stored, copy=False)
    if pd.api.types.is_numeric_dtype(values.dtype):
        # What is text in a release comes back from CSV as numbers.
        theirs = pd.to_numeric(theirs, errors="coerce").astype("float64")
        given = values.to_numpy(dtype=np.float64, na_value=np.nan)
        return np.asarray(~np.isnan(given) & (given != theirs.to_numpy()))
    texts = pd.Series(values, copy=False).astype(STR)
    return np.asarray((texts != theirs.astype(STR)) & texts.notna(), dtype=bool)
