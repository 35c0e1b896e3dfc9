"""A process that reads release files, one a line of its input, and says of each what came.

"refused: ...": an error with a name. "read": the same rows as SQLite gives. Else what is wrong.
"""

from __future__ import annotations

import json
import sqlite3
import sys
import traceback
import warnings
from contextlib import closing
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

import synphys_frames as sf
from synphys_frames.errors import SynphysError

if TYPE_CHECKING:
    from collections.abc import Iterator

TABLES = ("pair", "cell", "synapse", "experiment", "morphology", "avg_response_fit")


def _frames(db: sf.SynphysDatabase, number: int) -> Iterator[tuple[str, pd.DataFrame]]:
    name = TABLES[number % len(TABLES)]
    column = str(list(db[name])[number % db[name].shape[1]])
    yield name, db.table(name, list(dict.fromkeys(["id", column])))
    yield name, db.table(name)
    yield name, db.sql(f"SELECT * FROM {name} ORDER BY id")
    yield "pair", db.pair
    db.pairs(include=["cell", "synapse"])


def _plain(value: Any) -> Any:
    """Return a value as both sides would have it; missing ones are None."""
    if isinstance(value, bytes):
        value = value.decode("utf-8", "backslashreplace")
    if isinstance(value, str):
        return None if value.strip(" \t\r\n") in ("", "null") else value
    if value is None or pd.isna(value):
        return None
    if isinstance(value, pd.Timestamp):
        return value.isoformat(" ")
    return float(value) if isinstance(value, float | np.floating) else int(value)


def _same(ours: Any, stored: Any) -> bool:
    first, second = _plain(ours), _plain(stored)
    if isinstance(ours, pd.Timestamp) and isinstance(second, str):
        return bool(pd.Timestamp(second) == ours)
    return bool(first == second)


def _difference(path: str, table: str, frame: pd.DataFrame) -> str | None:
    names = ", ".join(f'"{name}"' for name in frame)
    with closing(sqlite3.connect(f"file:{path}?mode=ro&immutable=1", uri=True)) as connection:
        connection.text_factory = bytes
        stored = connection.execute(
            f'SELECT {names} FROM "{table}" NOT INDEXED ORDER BY id'
        ).fetchall()
    if len(frame) != len(stored):
        return f"{len(frame)} rows of {table}, where SQLite has {len(stored)}"
    for place, name in enumerate(frame):
        for ours, row in zip(frame[name], stored, strict=True):
            if not _same(ours, row[place]):
                return f"{table}.{name}: {ours!r}, where SQLite has {row[place]!r}"
    return None


def outcome(path: str, number: int) -> str:
    """Return what reading a file leads to."""
    try:
        with sf.load_sqlite(path) as db:
            for table, frame in _frames(db, number):
                if difference := _difference(path, table, frame):
                    return difference
    except SynphysError as error:
        return f"refused: {type(error).__name__}: {error}"
    except BaseException:  # noqa: BLE001 - that is what is looked for
        return traceback.format_exc()
    return "read"


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    for line in sys.stdin:
        asked, order = json.loads(line)
        print(json.dumps(outcome(asked, order)), flush=True)
