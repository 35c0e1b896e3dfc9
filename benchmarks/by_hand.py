"""What a user would write without this library: SQL for the wide frames and the counts."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from synphys_frames.backends.duckdb_engine import load_sqlite_extension, plain_connection
from synphys_frames.schema.published import published_schema

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import duckdb
    import pandas as pd

    import synphys_frames as sf

CELL = ("cell", "morphology", "patch_seq", "intrinsic", "cortical_cell_location")
SYNAPSE = ("synapse", "resting_state_fit", "dynamics", "synapse_model")
_PROBED = (
    "CASE pre_cell.{kind} WHEN 'ex' THEN n_ex_test_spikes > 10 WHEN 'in' THEN "
    "n_in_test_spikes > 10 ELSE n_ex_test_spikes > 10 AND n_in_test_spikes > 10 END"
)


@dataclass(frozen=True, slots=True)
class Query:
    """One frame, by this library's arguments and by an SQL condition.

    Attributes
    ----------
    title
        What it is.
    filters
        Arguments of `SynphysDatabase.pairs`.
    groups
        What is included.
    condition
        The same filters in SQL.
    """

    title: str
    filters: dict[str, Any] = field(default_factory=dict)
    groups: tuple[str, ...] = ()
    condition: str = "true"

    def frame(self, db: sf.SynphysDatabase) -> pd.DataFrame:
        """Return the frame by this library."""
        return db.pairs(species="mouse", include=list(self.groups), **self.filters)

    def sql(self, prefix: str = "") -> str:
        """Return the SQL that gives the same rows and columns."""
        tables = {"pair": "pair"}
        joins = []
        cells = ("cell",) if "cell" not in self.groups else CELL
        for table in cells:
            for side in ("pre", "post"):
                alias = f"{side}_{table}"
                if "cell" in self.groups:
                    tables[alias] = table
                key = "id" if table == "cell" else "cell_id"
                joins.append(
                    f"LEFT JOIN {prefix}{table} AS {alias} ON {alias}.{key} = pair.{side}_cell_id"
                )
        if "synapse" in self.groups:
            for table in SYNAPSE:
                tables[table] = table
                on = (
                    "synapse_id = synapse.id"
                    if table == "resting_state_fit"
                    else "pair_id = pair.id"
                )
                joins.append(f"LEFT JOIN {prefix}{table} AS {table} ON {table}.{on}")
        schema = published_schema("22")
        columns = ", ".join(
            f'{alias}."{name}" AS "{alias}.{name}"'
            for alias, table in tables.items()
            for name in schema.table(table).plain_columns
        )
        return (
            f"SELECT {columns} FROM {prefix}pair AS pair "
            f"JOIN {prefix}experiment AS experiment ON experiment.id = pair.experiment_id "
            f"JOIN {prefix}slice AS slice ON slice.id = experiment.slice_id {' '.join(joins)} "
            f"WHERE slice.species = 'mouse' AND {self.condition} ORDER BY pair.id"
        )


Q1 = Query(
    "Q1: mouse synapses with the cell and synapse groups",
    {"synapse": True}, ("cell", "synapse"), "has_synapse = 1",
)  # fmt: skip
Q3 = Query(
    "Q3: probed mouse pairs with the cell group",
    {"synapse_probed": True}, ("cell",), _PROBED.format(kind="cell_class"),
)  # fmt: skip
ALL = Query("All mouse pairs with the cell and synapse groups", {}, ("cell", "synapse"))
FRAMES = (Q1, Q3, ALL)

COUNTS = (
    "SELECT pre_cell.cre_type, post_cell.cre_type, count(*), sum(coalesce(has_synapse, 0)) "
    "FROM {prefix}pair JOIN {prefix}cell AS pre_cell ON pre_cell.id = pre_cell_id "
    "JOIN {prefix}cell AS post_cell ON post_cell.id = post_cell_id "
    "JOIN {prefix}experiment AS e ON e.id = pair.experiment_id "
    "JOIN {prefix}slice AS s ON s.id = e.slice_id WHERE species = 'mouse' "
    f"AND {_PROBED.format(kind='cell_class_nonsynaptic')} GROUP BY 1, 2"
)


def overlapping_counts(classes: Mapping[str, tuple[str, str]]) -> str:
    """Return SQL that counts pairs by classes which overlap, each by a column and its value."""
    members = " UNION ALL ".join(
        f"SELECT id, '{name}' AS class FROM cells WHERE {column} = '{value}'"
        for name, (column, value) in classes.items()
    )
    return (
        "WITH cells AS MATERIALIZED (SELECT cell.id, cre_type, target_layer, dendrite_type "
        "FROM release.cell LEFT JOIN release.morphology ON morphology.cell_id = cell.id), "
        f"members AS MATERIALIZED ({members}), "
        "probed AS MATERIALIZED (SELECT pre_cell_id, post_cell_id, coalesce(has_synapse, 0) AS hit "
        "FROM release.pair JOIN release.cell AS pre_cell ON pre_cell.id = pre_cell_id "
        "JOIN release.experiment AS e ON e.id = pair.experiment_id "
        "JOIN release.slice AS s ON s.id = e.slice_id WHERE species = 'mouse' "
        f"AND {_PROBED.format(kind='cell_class_nonsynaptic')}) "
        "SELECT pre.class AS pre_class, post.class AS post_class, count(*) AS n_probed, "
        "sum(hit) AS n_connected FROM probed JOIN members AS pre ON pre.id = pre_cell_id "
        "JOIN members AS post ON post.id = post_cell_id GROUP BY 1, 2"
    )


def attached(path: Path) -> duckdb.DuckDBPyConnection:
    """Return DuckDB with a release attached, as a user attaches it."""
    connection = plain_connection()
    load_sqlite_extension(connection)
    connection.execute(f"ATTACH '{path}' AS release (TYPE sqlite, READ_ONLY)")
    return connection


def grouped(pairs: pd.DataFrame) -> pd.DataFrame:
    """Return probed and connected counts by the class columns of a wide frame."""
    kinds = pairs["pre_cell.cell_class_nonsynaptic"]
    ex = pairs["pair.n_ex_test_spikes"].to_numpy(float, na_value=np.nan) > 10
    inh = pairs["pair.n_in_test_spikes"].to_numpy(float, na_value=np.nan) > 10
    probed = np.where(kinds == "ex", ex, np.where(kinds == "in", inh, ex & inh))
    tested = pairs[probed]
    connected = tested["pair.has_synapse"].fillna(False).astype(int)
    groups = connected.groupby([tested["pre_cell.cre_type"], tested["post_cell.cre_type"]])
    return groups.agg(["size", "sum"])


def require_same(title: str, *frames: pd.DataFrame) -> None:
    """End the run where contenders do not give the same rows and columns."""
    first = frames[0]
    for frame in frames[1:]:
        same = list(frame.columns) == list(first.columns) and (
            frame["pair.id"].tolist() == first["pair.id"].tolist()
        )
        if not same:
            raise SystemExit(f"{title}: the contenders do not give the same frame")
