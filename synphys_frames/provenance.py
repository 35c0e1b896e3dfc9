"""Where a frame comes from: its database, its table, and which rows its rows are."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .config import config
from .database import SynphysDatabase, reopened
from .errors import ArgumentError, ProvenanceError
from .releases import find_release, shipped_catalogue
from .versions import find_file

if TYPE_CHECKING:
    import pandas as pd

    from .columns import Rows
    from .schema import Schema

_LEAST_SHARED_COLUMNS = 2


def _noted(frame: pd.DataFrame) -> dict[str, Any]:
    noted = frame.attrs.get("synphys")
    return noted if isinstance(noted, dict) else {}


def database_of(frame: pd.DataFrame, db: SynphysDatabase | None = None) -> SynphysDatabase:
    """Return the database that a frame belongs to.

    Parameters
    ----------
    frame
        A frame with ``attrs["synphys"]``.
    db
        The database, where it is known; counts before the attrs.

    Raises
    ------
    ProvenanceError
        The frame does not say where it comes from, or that file is not there any more.
    """
    if db is not None:
        if not isinstance(db, SynphysDatabase):
            raise ArgumentError(f"db takes a SynphysDatabase; got {type(db).__name__}.")
        return db
    noted = _noted(frame)
    if "file" not in noted:
        raise ProvenanceError(
            "This frame does not say which release it comes from: its attrs were lost on the way "
            "(pandas.concat and merge keep them only where all frames agree). Give the database: "
            "db=load_sqlite(path)."
        )
    path = Path(str(noted["file"]))
    if not path.exists():
        path = _moved(str(noted.get("release", "")), path)
    return reopened(str(path))


def _moved(release: str, path: Path) -> Path:
    for known in shipped_catalogue():
        if known.db_file == release:
            found = find_file(find_release(release, shipped_catalogue()), config.cache_path)
            if found is not None:
                return found
    raise ProvenanceError(
        f"This frame comes from {path}, which is not there any more. Give the database: "
        "db=load_sqlite(path)."
    )


def table_of(frame: pd.DataFrame, schema: Schema) -> str:
    """Return the table that a frame's rows are rows of.

    Parameters
    ----------
    frame
        A frame with ``attrs["synphys"]``, or with enough of a table's columns to be told by them.
    schema
        The tables of the release.

    Raises
    ------
    ProvenanceError
        It can't be told.
    """
    noted = _noted(frame).get("table")
    if noted in schema:
        return str(noted)
    if "pair.id" in frame.columns:
        return "pair"
    shared = sorted(
        ((len(frame.columns.intersection(list(table.columns))), table.name) for table in schema),
        reverse=True,
    )
    if (
        "id" in frame.columns
        and shared[0][0] >= _LEAST_SHARED_COLUMNS
        and shared[0][0] > shared[1][0]
    ):
        return shared[0][1]
    raise ProvenanceError(
        "It can't be told which table the rows of this frame are of. Start from a table frame "
        '(db.experiment, db.cell, ...), or set frame.attrs["synphys"] = {"table": "experiment"}.'
    )


def ids_of(frame: pd.DataFrame, table: str) -> tuple[Rows, np.ndarray[Any, np.dtype[np.bool_]]]:
    """Return the id of each row's row in a table, and where it is missing.

    Raises
    ------
    ProvenanceError
        The frame has no column with the ids, or one that holds something else.
    """
    for name in (f"{table}.id", "id"):
        if name in frame.columns:
            return integers(frame[name], name)
    raise ProvenanceError(
        f"This frame of {table} rows has lost its ids: it needs the column '{table}.id' or 'id'."
    )


def integers(values: pd.Series, name: str) -> tuple[Rows, np.ndarray[Any, np.dtype[np.bool_]]]:
    """Return a column of ids as plain integers, and where they are missing."""
    missing = values.isna().to_numpy(dtype=bool)
    try:
        ids = values.to_numpy(dtype=np.float64, na_value=np.nan)
        whole = np.where(missing, -1.0, ids)
        result = whole.astype(np.int64)
    except (TypeError, ValueError):
        raise ProvenanceError(f"Column {name!r} should hold ids, whole numbers.") from None
    if (result != whole).any():
        raise ProvenanceError(f"Column {name!r} should hold ids, whole numbers.")
    return result, missing
