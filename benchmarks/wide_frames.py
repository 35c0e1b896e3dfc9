"""Wide frames of pairs, warm: beside SQL in DuckDB, pandas.read_sql, and a copy of the bytes."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from functools import partial
from typing import TYPE_CHECKING

import pandas as pd

from .alternating import Comparison, alternate
from .by_hand import FRAMES, attached, require_same

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import duckdb

    import synphys_frames as sf


def _executed(connection: duckdb.DuckDBPyConnection, sql: str) -> pd.DataFrame:
    return connection.execute(sql).df()


def compare(db: sf.SynphysDatabase, path: Path, rounds: int) -> Iterator[Comparison]:
    """Yield a comparison for each of the frames."""
    duck = attached(path)
    with closing(sqlite3.connect(path)) as lite:
        for query in FRAMES:
            ours = query.frame(db)
            theirs, read = query.sql("release."), query.sql()
            require_same(query.title, ours, duck.execute(theirs).df(), pd.read_sql(read, lite))
            yield alternate(
                f"{query.title}, {len(ours):,} x {ours.shape[1]}",
                {
                    "synphys_frames, warm": partial(query.frame, db),
                    "SQL by hand, DuckDB attached": partial(_executed, duck, theirs),
                    "pandas.read_sql": partial(pd.read_sql, read, lite),
                    "floor: a copy of the frame": ours.copy,
                },
                rounds,
            )
