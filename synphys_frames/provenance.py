"""Where a frame comes from: its database, its table, and which rows its rows are."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from .config import config
from .database import SynphysDatabase, opened
from .errors import ArgumentError, ProvenanceError
from .releases import find_release, shipped_catalogue
from .versions import find_file

if TYPE_CHECKING:
    from .schema import Schema, Table
    from .table_columns import Rows

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
    found = open_database_of(frame)
    if found is not None:
        return found
    if "file" not in noted:
        raise ProvenanceError(
            "This frame does not say which release it comes from: its attrs were lost on the way "
            "(pandas.concat and merge keep them only where all frames agree). Give the database: "
            "db=load_sqlite(path)."
        )
    path = Path(str(noted["file"]))
    if not path.exists():
        path = _moved(str(noted.get("release", "")), path)
    return opened(str(path), _errors(noted)) or SynphysDatabase(path, errors=_errors(noted))


def open_database_of(
    frame: pd.DataFrame, db: SynphysDatabase | None = None
) -> SynphysDatabase | None:
    """Return the database that a frame belongs to if it is open, else None."""
    if isinstance(db, SynphysDatabase):
        return None if db.is_closed else db
    noted = _noted(frame)
    return opened(str(noted["file"]), _errors(noted)) if "file" in noted else None


def _errors(noted: dict[str, Any]) -> Literal["raise", "coerce"]:
    return "coerce" if noted.get("errors") == "coerce" else "raise"


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
    noted = _noted(frame)
    if noted.get("table") in schema:
        return str(noted["table"])
    if "pair.id" in frame.columns:
        return "pair"
    # A frame whose attrs were lost is known by all columns of its table; that of a query never is.
    whole = [] if "file" in noted else [_whole(frame, table) for table in schema]
    most = max((count for count, _ in whole), default=0)
    found = [name for count, name in whole if count == most]
    if most > _LEAST_SHARED_COLUMNS and len(found) == 1:
        return found[0]
    raise ProvenanceError(
        "It can't be told which table the rows of this frame are of. Start from a table frame "
        '(db.experiment, db.cell, ...), or set frame.attrs["synphys"] = {"table": "experiment"}.'
    )


def _whole(frame: pd.DataFrame, table: Table) -> tuple[int, str]:
    """Return how many columns of a table a frame has, 0 unless it has all but JSON and arrays."""
    columns = table.plain_columns
    return (len(columns) if set(columns) <= set(frame.columns) else 0), table.name


def single(frame: pd.DataFrame, name: str) -> pd.Series:
    """Return a column of a frame, of which there must be one."""
    values: pd.Series | pd.DataFrame = frame[name]
    if isinstance(values, pd.DataFrame):
        raise ProvenanceError(
            f"This frame has {values.shape[1]} columns named {name!r}; keep one of them."
        )
    return values


def ids_of(frame: pd.DataFrame, table: str) -> tuple[Rows, np.ndarray[Any, np.dtype[np.bool_]]]:
    """Return the id of each row's row in a table, and where it is missing.

    Raises
    ------
    ProvenanceError
        The frame has no column with the ids, or one that holds something else.
    """
    for name in (f"{table}.id", "id"):
        if name in frame.columns:
            return integers(single(frame, name), name)
    raise ProvenanceError(
        f"This frame of {table} rows has lost its ids: it needs the column '{table}.id' or 'id'."
    )


def integers(values: pd.Series, name: str) -> tuple[Rows, np.ndarray[Any, np.dtype[np.bool_]]]:
    """Return a column of ids as plain integers, and where they are missing."""
    missing = values.isna().to_numpy(dtype=bool)
    if pd.api.types.is_signed_integer_dtype(values.dtype):
        # Floats would make one of two ids beyond 2**53.
        return values.to_numpy(dtype=np.int64, na_value=-1), missing
    ids = np.full(len(values), -1, dtype=np.int64)
    try:
        if pd.api.types.is_datetime64_any_dtype(values.dtype):
            raise TypeError
        numbers = pd.to_numeric(values.to_numpy(dtype=object)[~missing])
        # Beyond that, a float stands for several whole numbers.
        if numbers.dtype.kind == "f" and not (np.abs(numbers) <= 2.0**53).all():
            raise ValueError
        ids[~missing] = numbers.astype(np.int64)
        whole = bool((ids[~missing] == numbers).all())
    except (OverflowError, TypeError, ValueError):
        whole = False
    if not whole:
        raise ProvenanceError(
            f"Column {name!r} should hold ids, whole numbers (as floats up to 2**53)."
        )
    return ids, missing
