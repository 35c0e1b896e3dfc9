"""What differs between the places in which a release can be stored, and nothing else."""

from __future__ import annotations

import hashlib
import json
import os
from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from ..errors import ArgumentError, ReleaseFileError, shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import duckdb

    from .._files import FileState
    from ..releases import Size
    from ..schema import Column, Table

# Where a storage puts its tables in DuckDB: `release.pair`.
CATALOGUE = "release"

_DIGEST_LENGTH = 16

Errors = Literal["raise", "coerce"]


@dataclass(frozen=True, slots=True)
class Misfit:
    """A stored value that is not of its column's kind, and the id of its row."""

    column: Column
    row: Any
    value: Any


class Facts(ABC):
    """What is stored, as the storage itself says it; each fact is read when it is asked for."""

    @property
    @abstractmethod
    def columns(self) -> Mapping[str, Mapping[str, str]]:
        """The declared type of every column of every table: ``{table: {column: type}}``."""

    @property
    @abstractmethod
    def references(self) -> Mapping[tuple[str, str], tuple[str, str]]:
        """The declared foreign keys: ``{(table, column): (table, column)}``."""

    @property
    @abstractmethod
    def metadata(self) -> Mapping[str, Any]:
        """What the release says of itself, with its "db_version"."""

    @property
    @abstractmethod
    def keyed_tables(self) -> frozenset[str]:
        """The tables of which every row has an `id` of its own."""

    @property
    @abstractmethod
    def row_counts(self) -> Mapping[str, int]:
        """The number of rows of each table."""

    @property
    def size(self) -> Size | None:
        """The size that was noted when the release was written; None: its rows tell."""
        return None

    @property
    def content(self) -> str:
        """A short text that tells this content from another, wherever it lies.

        Of what is found without reading the rows: what the release says of itself, its columns, and
        how many rows its tables have.
        """
        return digest(self._described())

    def _described(self) -> list[object]:
        rows = {name: self.rows_at_most(name) for name in self.columns}
        return [dict(self.metadata), self.columns, rows]

    @abstractmethod
    def rows_at_most(self, table: str) -> int:
        """Return a number that a table has no more rows than, 0 where it is empty or not there."""

    @abstractmethod
    def has_traces(self, table: str) -> bool:
        """Return whether the column `data` of a table holds recorded traces."""


class Storage(ABC):
    """A release in one kind of storage: where it is, what it says of itself, how DuckDB reads it.

    Everything above knows a release by this alone. What is not abstract here is for storages that
    hold values of other types than declared, or that are slow to read.

    Attributes
    ----------
    location
        The file or folder.
    names
        "native": tables and columns have the names of their schema version. "newest": those of the
        newest schema.
    loader
        The public function that opens it, for messages.
    how_to_mend
        What to do where it is not as it was written, for messages.
    """

    location: Path
    names: ClassVar[Literal["native", "newest"]]
    loader: ClassVar[str]
    how_to_mend: ClassVar[str]

    @property
    def version_name(self) -> str:
        """Name of the release, as far as the storage tells it."""
        return self.location.name

    @property
    def how_to_open(self) -> str:
        """The call that opens it again."""
        return f"{self.loader}({str(self.location)!r})"

    @abstractmethod
    def fingerprint(self) -> Mapping[str, FileState]:
        """Return the state of every file that the release is stored in.

        Raises
        ------
        OSError
            A file is gone, or can't be looked at.
        """

    @abstractmethod
    def facts(self) -> Facts:
        """Return what the storage says of itself."""

    @abstractmethod
    def attach(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Put the tables, as they are stored, into the catalogue `release` of a connection."""

    @abstractmethod
    def select(self, table: Table, errors: Errors) -> str:
        """Return a DuckDB query for a table's columns in the types of their kinds.

        Parameters
        ----------
        table
            The table, by the names that the storage has.
        errors
            "coerce": a value of another type is missing, with a warning.
        """

    def first_misfit(self, columns: Iterable[Column]) -> Misfit | None:  # noqa: ARG002
        """Return the first stored value that is not of its column's kind, if there is one."""
        return None

    def may_misread(self, column: Column) -> bool:  # noqa: ARG002
        """Return whether DuckDB might take values of other types for those of a column."""
        return False

    def misread_columns(self, columns: Iterable[Column]) -> list[Column]:  # noqa: ARG002
        """Return the columns of which DuckDB would take values of other types for their own."""
        return []

    def begin_check(self) -> None:
        """Begin, in the background, with what `require_sound` has to know."""
        return

    def require_sound(self, tables: Iterable[str]) -> None:  # noqa: ARG002
        """Raise `ReleaseFileError` where the rows of tables, as stored, can't be all read."""
        return

    def require_all_rows(self, table: str, rows: int) -> None:  # noqa: ARG002
        """Raise `ReleaseFileError` unless so many rows are all that a stored table has."""
        return

    @property
    def folder(self) -> Path | None:
        """The folder that queries read files of once the release is attached; None for none."""
        return None

    @property
    def copied_file(self) -> Path | None:
        """The file of which a columnar copy is worth keeping; None where it is columnar itself."""
        return None


def digest(described: object) -> str:
    """Return a short text that is another one for another description."""
    text = json.dumps(described, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:_DIGEST_LENGTH]


def unreadable(path: Path, reason: object) -> ReleaseFileError:
    """Return the error for a file that was there when it was opened and can't be read now."""
    if not path.exists():
        return ReleaseFileError(f"{path} is gone. Put it back, or load the version again.")
    said = str(reason).strip().splitlines()[0]
    return ReleaseFileError(
        f"{path} can't be read: {said}. If it is damaged, fetch it again with load_version(name)."
    )


def absolute_path(path: object) -> Path:
    """Return the absolute path that a user names, its ~ resolved."""
    if not isinstance(path, str | os.PathLike) or isinstance(os.fspath(path), bytes):
        raise ArgumentError(f"A release is named by a path; got {shown(path)}.")
    if "\0" in os.fspath(path):
        raise ArgumentError(f"A path has no character 0; got {shown(path)}.")
    try:
        location = Path(path).expanduser().absolute()
        str(location).encode()
        location.exists()
    except RuntimeError as error:
        raise ReleaseFileError(f"There is no file {path}: {error}.") from error
    except UnicodeEncodeError as error:
        raise ReleaseFileError(
            f"{_as_stored(os.fspath(path))} is no UTF-8 name, which DuckDB needs. Rename the file, "
            "or make a link of another name to it."
        ) from error
    except OSError as error:
        raise ReleaseFileError(f"There is no file {shown(str(path))}: {error.strerror}.") from error
    return location


def _as_stored(name: str) -> str:
    """Return the bytes of a file's name, as text."""
    try:
        return repr(os.fsencode(name))
    except UnicodeEncodeError:  # not even the file system could have it
        return repr(name)
