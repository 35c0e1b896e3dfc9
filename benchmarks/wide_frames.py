"""Wide frames of pairs: this library beside SQL written by hand, alternated in one process.

Prints medians, spreads and ratios. The file is synthetic, of the published scale.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import synphys_frames as sf
from benchmarks.alternating import alternate, show
from synphys_frames import engine
from synphys_frames.schema import published_schema

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd

CELL = ("cell", "morphology", "patch_seq", "intrinsic", "cortical_cell_location")
SYNAPSE = ("synapse", "resting_state_fit", "dynamics", "synapse_model")


def hand_written(groups: tuple[str, ...], condition: str, prefix: str) -> str:
    """Return the SQL that a user would write for the same frame."""
    tables = {"pair": "pair"}
    joins = []
    if "cell" in groups:
        for table in CELL:
            for side in ("pre", "post"):
                alias = f"{side}_{table}"
                tables[alias] = table
                on = (
                    f"{alias}.id = pair.{side}_cell_id"
                    if table == "cell"
                    else f"{alias}.cell_id = pair.{side}_cell_id"
                )
                joins.append(f"LEFT JOIN {prefix}{table} AS {alias} ON {on}")
    if "synapse" in groups:
        for table in SYNAPSE:
            tables[table] = table
            on = "synapse_id = synapse.id" if table == "resting_state_fit" else "pair_id = pair.id"
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
        f"WHERE slice.species = 'mouse' AND {condition} ORDER BY pair.id"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scale", type=float, default=1.0, help="1: the published scale")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = sf.build_sample(Path(folder) / "synthetic_small.sqlite", scale=options.scale)
        db = sf.load_sqlite(path)
        print(f"{db} (synthetic, {path.stat().st_size / 1e6:.0f} MB)")
        attached = engine.connect()
        attached.execute(f"ATTACH '{path}' AS release (TYPE sqlite, READ_ONLY)")
        both = ("cell", "synapse")
        queries: list[tuple[str, dict[str, Any], tuple[str, ...], str]] = [
            ("mouse synapses, cell and synapse groups", {"synapse": True}, both, "has_synapse = 1"),
            ("mouse pairs, cell group", {}, ("cell",), "true"),
            ("mouse pairs, cell and synapse groups", {}, both, "true"),
        ]
        for title, filters, groups, condition in queries:
            sql = hand_written(groups, condition, "release.")

            def ours(
                filters: dict[str, Any] = filters, groups: tuple[str, ...] = groups
            ) -> pd.DataFrame:
                return db.pairs(species="mouse", include=list(groups), **filters)

            def cold(
                filters: dict[str, Any] = filters, groups: tuple[str, ...] = groups
            ) -> pd.DataFrame:
                with sf.load_sqlite(path) as fresh:
                    return fresh.pairs(species="mouse", include=list(groups), **filters)

            def theirs(sql: str = sql) -> pd.DataFrame:
                return attached.execute(sql).df()

            if ours().shape != theirs().shape:
                raise SystemExit("the contenders do not give the same frame")
            contenders: dict[str, Callable[[], pd.DataFrame]] = {
                "synphys_frames, warm": ours,
                "synphys_frames, opened anew": cold,
                "SQL by hand, DuckDB attached": theirs,
            }
            rows, columns = ours().shape
            show(f"{title}: {rows:,} x {columns}", alternate(contenders, options.rounds))


if __name__ == "__main__":
    main()
