"""A release as `to_parquet` writes it: one Parquet file a table, by the newest schema's names."""

from __future__ import annotations

import glob
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from .._apart import import_whole
from .._cached_property import cached_property
from .._files import FileState
from ..errors import ReleaseFileError
from ..schema import KINDS, kind_of, published_names
from .base import CATALOGUE, Facts, Storage, absolute_path
from .identifiers import quoted
from .parquet_notes import ReleaseNote, noted_reference

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping
    from pathlib import Path

    import duckdb

    from ..releases import Size
    from ..schema import Table
    from .base import Errors

ENDING = ".parquet"


@dataclass(frozen=True, slots=True)
class TableFile:
    """One file of a dataset, and what its footer says."""

    path: Path
    note: ReleaseNote
    schema: pa.Schema
    rows: int
    trace_rows: int


class ParquetFacts(Facts):
    """What the footers of a dataset's files say."""

    def __init__(self, files: Mapping[str, TableFile]) -> None:
        self._files = files

    @cached_property
    def columns(self) -> dict[str, dict[str, str]]:
        """The SQL type of every column of every table."""
        return {
            name: {field.name: _sql_type(field.type) for field in file.schema}
            for name, file in self._files.items()
        }

    @cached_property
    def references(self) -> dict[tuple[str, str], tuple[str, str]]:
        """The foreign keys that the fields note."""
        noted = {
            (name, field.name): noted_reference(field)
            for name, file in self._files.items()
            for field in file.schema
        }
        return {key: target for key, target in noted.items() if target is not None}

    @property
    def _note(self) -> ReleaseNote:
        return next(iter(self._files.values())).note

    @property
    def metadata(self) -> Mapping[str, Any]:
        """What the release said of itself."""
        return self._note.metadata

    @property
    def size(self) -> Size:
        """The size of the release, whichever of its tables were written."""
        return self._note.size

    @property
    def content(self) -> str:
        """That of the release, whichever of its tables were written; empty if none is noted."""
        return next((file.note.content for file in self._files.values() if file.note.content), "")

    @cached_property
    def keyed_tables(self) -> frozenset[str]:
        """The tables of which every row has an `id` of its own."""
        return frozenset(name for name, file in self._files.items() if file.note.is_keyed)

    @cached_property
    def row_counts(self) -> dict[str, int]:
        """Number of rows of each table."""
        return {name: file.rows for name, file in self._files.items()}

    def rows_at_most(self, table: str) -> int:
        """Return the number of rows of a table."""
        return self.row_counts.get(table, 0)

    def has_traces(self, table: str) -> bool:
        """Return whether any value of the column `data` is there."""
        return table in self._files and self._files[table].trace_rows > 0


class ParquetStorage(Storage):
    """A release in a folder of Parquet files, as `SynphysDatabase.to_parquet` writes it.

    Parameters
    ----------
    folder
        The folder. Files in it that note no release are left alone.

    Raises
    ------
    ReleaseFileError
        No such folder, no dataset in it, files of several releases, or one that can't be read.
    """

    names = "newest"
    loader = "load_parquet"
    how_to_mend = "The dataset is not as it was written; write it again with db.to_parquet(folder)."

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self.location = absolute_path(folder)
        files = [_table_file(path) for path in self._paths()]
        noted = sorted(
            (file for file in files if file is not None), key=lambda file: file.note.place
        )
        self._files = {file.note.table: file for file in noted}
        self._facts = ParquetFacts(self._files)
        self._require_one_release()

    def __reduce__(self) -> tuple[type[ParquetStorage], tuple[Path]]:
        return ParquetStorage, (self.location,)

    def _paths(self) -> list[Path]:
        try:
            paths = sorted(self.location.iterdir())
        except FileNotFoundError as error:
            raise ReleaseFileError(
                f"There is no folder {self.location}. db.to_parquet(folder) writes a dataset."
            ) from error
        except OSError as error:
            raise ReleaseFileError(
                f"{self.location} is no folder that can be read: {error.strerror or error}. "
                "load_sqlite(path) opens a release file."
            ) from error
        return [path for path in paths if path.name.endswith(ENDING) and path.name[0] != "."]

    def _require_one_release(self) -> None:
        if not self._files:
            raise ReleaseFileError(
                f"{self.location} holds no dataset that db.to_parquet(folder) wrote: no Parquet "
                "file in it notes a release. One of an older synphys_frames has to be written anew."
            )
        releases = {
            (
                file.note.release,
                str(file.note.metadata),
                file.note.size,
                file.note.content or self._facts.content,
            ): name
            for name, file in self._files.items()
        }
        if len(releases) > 1:
            said = "; ".join(
                f"{name} is of {release} (content {content or 'not noted'})"
                for (release, _, _, content), name in releases.items()
            )
            raise ReleaseFileError(
                f"{self.location} holds files of several releases: {said}. Write each into a "
                "folder of its own."
            )

    @property
    def version_name(self) -> str:
        """Name of the release that the dataset was written from."""
        return next(iter(self._files.values())).note.release

    def fingerprint(self) -> dict[str, FileState]:
        """Return the state of every file."""
        return {name: FileState.of(file.path) for name, file in self._files.items()}

    def facts(self) -> ParquetFacts:
        """Return what the footers say."""
        return self._facts

    @property
    def folder(self) -> Path:
        """The folder that queries read files of once the release is attached."""
        return self.location

    def attach(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Make a view over each file."""
        connection.execute(f"CREATE SCHEMA {CATALOGUE}")
        for name, file in self._files.items():
            # The path is one file, whatever characters and equal signs it has.
            location = glob.escape(str(file.path)).replace("'", "''")
            connection.execute(
                f"CREATE VIEW {CATALOGUE}.{quoted(name)} AS SELECT * FROM "
                f"read_parquet('{location}', hive_partitioning=false)"
            )

    def select(self, table: Table, errors: Errors) -> str:  # noqa: ARG002
        """Return a query for the columns: Parquet holds no values of other types."""
        columns = ", ".join(map(quoted, table.columns))
        return f"SELECT {columns} FROM {CATALOGUE}.{quoted(table.name)}"


def _table_file(path: Path) -> TableFile | None:
    """Return a file of a dataset, or None where it notes no release."""
    import_whole("pyarrow.parquet")
    from pyarrow import parquet

    try:
        footer = parquet.read_metadata(path)
        schema = footer.schema.to_arrow_schema()
        note = ReleaseNote.of(schema)
    except (pa.ArrowException, OSError, ValueError, TypeError) as error:
        raise ReleaseFileError(
            f"{path} can't be read as a Parquet file of a release: {error}. Write it again with "
            "db.to_parquet(folder)."
        ) from error
    table = path.name.removesuffix(ENDING)
    if note is None and table not in published_names():
        return None
    if note is None or note.table != table:
        raise ReleaseFileError(
            f"{path} is not the table {table!r} as db.to_parquet(folder) writes it. Move it away, "
            "or write the table again."
        )
    return TableFile(path, note, schema, footer.num_rows, _known_values(footer, "data"))


def _known_values(footer: Any, column: str) -> int:
    """Return how many values of a column are not missing, as far as the footer tells."""
    names = [footer.schema.column(place).path for place in range(footer.num_columns)]
    if column not in names:
        return 0
    place = names.index(column)
    known = 0
    for number in range(footer.num_row_groups):
        chunk = footer.row_group(number).column(place)
        known += chunk.num_values - (chunk.statistics.null_count if chunk.statistics else 0)
    return known


def _sql_type(arrow_type: pa.DataType) -> str:
    kind = kind_of(arrow_type)
    return KINDS[kind].duckdb if kind is not None else str(arrow_type).upper()
