"""What changed between two releases: tables, columns, row counts, pairs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from ..schema import STR

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..backends import Contents
    from ..columns import ColumnStore


KEYS = ["experiment_ext_id", "pre_cell_ext_id", "post_cell_ext_id"]


@dataclass(frozen=True, slots=True, repr=False)
class ReleaseDiff:
    """What changed from one release to another, each part a DataFrame.

    Attributes
    ----------
    tables
        Tables that only one of them has: table, change ("added", "removed").
    columns
        Columns, by the newest schema's names, that only one of them has, or that have another name
        or type in the file: table, column, change ("added", "removed", "renamed", "retyped"),
        before, after (the file's own names, or the types).
    rows
        Row counts of the tables that either has: table, before, after, change (Int64, missing where
        a release does not have the table).
    pairs
        Pairs that appeared, vanished, or changed their `has_synapse`, matched by the external ids
        of their experiment and cells: experiment_ext_id, pre_cell_ext_id, post_cell_ext_id, change
        ("appeared", "vanished", "has_synapse"), has_synapse_before, has_synapse_after (boolean),
        pair_id_before, pair_id_after (Int64).
    unmatched
        Numbers of pairs of either release that can't be found again: without external ids, or with
        ids that several pairs of a release have. They are in none of the counts.
    """

    before: str
    after: str
    tables: pd.DataFrame
    columns: pd.DataFrame
    rows: pd.DataFrame
    pairs: pd.DataFrame
    unmatched: tuple[int, int]

    def __repr__(self) -> str:
        counts = self.pairs["change"].value_counts()
        pairs = ", ".join(
            f"{counts.get(change, 0):,} {words}"
            for change, words in (
                ("appeared", "pairs appeared"),
                ("vanished", "vanished"),
                ("has_synapse", "changed has_synapse"),
            )
        )
        if any(self.unmatched):
            pairs += ", {:,} and {:,} can't be matched".format(*self.unmatched)
        return (
            f"<ReleaseDiff {self.before} -> {self.after}: {len(self.tables)} tables, "
            f"{len(self.columns)} columns; {pairs}>"
        )


def tables_diff(before: Contents, after: Contents) -> pd.DataFrame:
    """Return the tables that only one of two files has."""
    old, new = before.schema.tables, after.schema.tables
    changes = [(name, "removed") for name in old if name not in new]
    changes += [(name, "added") for name in new if name not in old]
    return _texts(["table", "change"], changes)


def columns_diff(before: Contents, after: Contents) -> pd.DataFrame:
    """Return the columns that only one of two files has, and those that were renamed."""
    old, new = _named(before), _named(after)
    changes: list[tuple[str | None, ...]] = []
    for key in dict.fromkeys([*old, *new]):
        if key not in new:
            changes.append((*key, "removed", old[key][0], None))
        elif key not in old:
            changes.append((*key, "added", None, new[key][0]))
        elif old[key][0] != new[key][0]:
            changes.append((*key, "renamed", old[key][0], new[key][0]))
        elif old[key][1] != new[key][1]:
            changes.append((*key, "retyped", old[key][1], new[key][1]))
    return _texts(["table", "column", "change", "before", "after"], changes)


def _named(contents: Contents) -> dict[tuple[str, str], tuple[str, str]]:
    """Return the file's own name and the kind of each column."""
    return {
        (table.name, column.name): (column.native_name or column.name, column.kind)
        for table in contents.schema
        for column in table.columns.values()
        if not column.is_internal
    }


def rows_diff(before: Contents, after: Contents) -> pd.DataFrame:
    """Return the row counts of all tables of two files."""
    tables = list(dict.fromkeys([*after.row_counts, *before.row_counts]))
    frame = pd.DataFrame(
        {
            "table": pd.array(tables, dtype=STR),
            "before": pd.array([before.row_counts.get(name) for name in tables], dtype="Int64"),
            "after": pd.array([after.row_counts.get(name) for name in tables], dtype="Int64"),
        }
    )
    return frame.assign(change=frame["after"] - frame["before"])


def pairs_diff(before: ColumnStore, after: ColumnStore) -> tuple[pd.DataFrame, tuple[int, int]]:
    """Return the pairs that changed, and how many of either release can't be matched."""
    old_pairs, new_pairs = _keyed_pairs(before), _keyed_pairs(after)
    totals = len(before.table("pair")), len(after.table("pair"))
    # What is not one pair in one release can't be one in the other, either.
    repeated = pd.concat(
        [pairs.loc[pairs.duplicated(KEYS), KEYS] for pairs in (old_pairs, new_pairs)]
    ).drop_duplicates()
    old_pairs, new_pairs = _without(old_pairs, repeated), _without(new_pairs, repeated)
    unmatched = totals[0] - len(old_pairs), totals[1] - len(new_pairs)
    merged = old_pairs.merge(
        new_pairs, on=KEYS, how="outer", suffixes=("_before", "_after"), indicator=True
    )
    change = merged["_merge"].map(
        {"left_only": "vanished", "right_only": "appeared", "both": "has_synapse"}
    )
    old, new = merged["has_synapse_before"], merged["has_synapse_after"]
    # Not known and not known is the same; not known and False is not.
    same = (old == new).fillna(False) | (old.isna() & new.isna())
    differs = (merged["_merge"] != "both") | ~same.astype(bool)
    result = merged.assign(change=change.astype(STR)).loc[
        differs,
        [
            *KEYS,
            "change",
            "has_synapse_before",
            "has_synapse_after",
            "pair_id_before",
            "pair_id_after",
        ],
    ]
    return result.sort_values(KEYS, ignore_index=True), unmatched


def _without(pairs: pd.DataFrame, keys: pd.DataFrame) -> pd.DataFrame:
    known = pairs.merge(keys, on=KEYS, how="left", indicator="_found")["_found"]
    return pairs[(known == "left_only").to_numpy()]


def _keyed_pairs(store: ColumnStore) -> pd.DataFrame:
    aliases = store.aliases("pair")
    labels = {
        "experiment": "experiment_ext_id",
        "pre_cell": "pre_cell_ext_id",
        "post_cell": "post_cell_ext_id",
    }
    pair = store.table("pair")
    texts = {
        label: store.table(aliases[alias].table).take("ext_id", store.rows(aliases[alias], "pair"))
        for alias, label in labels.items()
    }
    frame = pd.DataFrame(
        {**texts, "pair_id": pair.values("id"), "has_synapse": pair.values("has_synapse")}
    )
    # A pair without external ids can't be found again.
    return frame.dropna(subset=KEYS)


def _texts(columns: list[str], rows: Sequence[tuple[str | None, ...]]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            name: pd.array([row[place] for row in rows], dtype=STR)
            for place, name in enumerate(columns)
        }
    )
