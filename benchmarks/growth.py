"""How time and memory grow with the rows."""

from __future__ import annotations

import tracemalloc
from functools import partial
from typing import TYPE_CHECKING

import synphys_frames as sf
from synphys_frames.database.database import release_of

from .alternating import Comparison, alternate
from .by_hand import ALL, Q1
from .connectivity import CLASSES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    import pandas as pd


def _peak(db: sf.SynphysDatabase) -> tuple[int, int]:
    """Return the bytes of the frame of all mouse pairs, and how many it takes to make it."""
    size = int(ALL.frame(db).memory_usage(index=False).sum())
    tracemalloc.start()
    ALL.frame(db)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return size, peak


def _connectivity(db: sf.SynphysDatabase) -> pd.DataFrame:
    counts: pd.DataFrame = db.pairs(species="mouse").synphys.connectivity(CLASSES)
    return counts


def compare(paths: dict[float, Path], rounds: int) -> Iterator[Comparison]:
    """Yield a comparison of the scales for each query, smallest first."""
    databases = {scale: sf.load_sqlite(path) for scale, path in paths.items()}
    names = {
        scale: f"scale {scale:g}: {len(db.pairs()):,} pairs" for scale, db in databases.items()
    }
    for query in (Q1, ALL):
        contenders: dict[str, Callable[[], object]] = {}
        for scale, db in databases.items():
            frame = query.frame(db)
            contenders[names[scale]] = partial(query.frame, db)
            # Most of the time that a large frame takes is that of fresh memory: so does its copy.
            contenders[f"{names[scale]}: floor, a copy of the frame"] = frame.copy
        yield alternate(f"Growth: {query.title}", contenders, rounds)
        contenders.clear()
    yield alternate(
        "Growth: 17 x 17 connectivity, from the query on",
        {names[scale]: partial(_connectivity, db) for scale, db in databases.items()},
        rounds,
    )
    memory: dict[str, list[float]] = {}
    for scale, db in databases.items():
        size, peak = _peak(db)
        memory |= {
            f"{names[scale]}: the frame": [size],
            f"{names[scale]}: peak while it is made": [peak],
            f"{names[scale]}: kept tables": [release_of(db).store.nbytes],
        }
    yield Comparison("Growth: memory for all mouse pairs", memory, "MB")
