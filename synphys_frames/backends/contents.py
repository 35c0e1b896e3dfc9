"""What a release has: its schema version, its tables by both vocabularies, its rows and size."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from .._cached_property import cached_property
from ..errors import MissingRowsError, ReleaseFileError, shown, warn
from ..releases import canonical_name, larger_names
from ..schema import (
    NEWEST,
    VERSIONS,
    Column,
    Schema,
    Table,
    in_newest_names,
    published_names,
    published_schema,
    published_vocabulary,
    undeclared_column,
)
from .availability import told_of_others
from .base import unreadable

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ..releases import Size
    from .base import Storage

# What small files leave out. synapse_prediction is empty there, too, but stands beside pairs.
RECORDING_TABLES = frozenset(
    {"sync_rec", "recording", "patch_clamp_recording", "multi_patch_probe", "test_pulse"}
    | {"stim_pulse", "stim_spike", "baseline", "pulse_response", "pulse_response_fit"}
    | {"pulse_response_strength", "baseline_response_strength"}
)
_TRACED = ("pulse_response", "stim_pulse", "baseline")
_REQUIRED_TABLES = ("metadata", "slice", "experiment", "cell", "pair")
_SHOWN_MISFITS = 8
_MOST_DIGITS = 9


class Contents:
    """What a release has, whatever it is stored in.

    Parameters
    ----------
    storage
        Where it is stored.

    Attributes
    ----------
    schema_version
        Such as "22".
    native_schema
        The tables by the names that the storage has.
    schema
        The tables by the newest schema's names.

    Raises
    ------
    ReleaseFileError
        It is no Synaptic Physiology release, or not as it was published.
    """

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._facts = storage.facts()
        self.path = storage.location
        self.name = storage.version_name
        self.fingerprint = storage.fingerprint()
        if storage.names == "native":
            self._require_tables()
        self.metadata = self._facts.metadata
        self.schema_version = str(self.metadata["db_version"])
        self.native_schema = self._read_schema()
        newest = self.native_schema
        if storage.names == "native":
            newest = in_newest_names(self.native_schema)
        self.schema = told_of_others(newest, self.name)

    def _require_tables(self) -> None:
        declared = self._facts.columns
        missing = [name for name in _REQUIRED_TABLES if name not in declared]
        if missing:
            names = ", ".join(list(declared)[:8]) or "none"
            raise ReleaseFileError(
                f"{self.path} is an SQLite file, but not a Synaptic Physiology release: it has no "
                f"table {', '.join(missing)} (tables found: {names}). list_versions() shows the "
                "published files."
            )

    def _read_schema(self) -> Schema:
        published = self._published()
        declared = self._facts.columns
        names = [table.name for table in published if table.name in declared]
        names += [name for name in declared if name not in published]
        return Schema(
            self.schema_version,
            {name: self._read_table(name, published) for name in names},
            left_out=frozenset(published.tables.keys() - declared.keys()),
        )

    def _published(self) -> Schema:
        """Return the published schema that the release should have."""
        of_version = published_schema if self._storage.names == "native" else _stored_newest
        if self.schema_version in VERSIONS:
            published = of_version(self.schema_version)
            self._require_fitting_tables(published)
            return published
        if _is_newer(self.schema_version):
            warn(
                f"{self.path.name} has schema version {self.schema_version}, which is newer than "
                f"the newest that is known here ({NEWEST}). What is known works; other tables and "
                "columns come as they are. A newer synphys_frames may know it.",
                UserWarning,
            )
            return of_version(NEWEST)
        raise ReleaseFileError(
            f"{self.path} says it has schema version {shown(self.schema_version)}; known are "
            f"{', '.join(VERSIONS)}."
        )

    def _read_table(self, name: str, published: Schema) -> Table:
        declared = self._facts.columns[name]
        if name not in published:
            columns = {
                column: self._undeclared(name, column, sqlite_type)
                for column, sqlite_type in declared.items()
            }
            return Table(name, columns)
        table = published.table(name)
        columns = {key: column for key, column in table.columns.items() if key in declared}
        columns |= {
            column: self._undeclared(name, column, sqlite_type)
            for column, sqlite_type in declared.items()
            if column not in table.columns
        }
        return Table(name, columns, table.description)

    def _undeclared(self, table: str, column: str, sqlite_type: str) -> Column:
        described = undeclared_column(table, column, sqlite_type)
        return replace(described, references=self._facts.references.get((table, column)))

    def _require_fitting_tables(self, published: Schema) -> None:
        is_native = self._storage.names == "native"
        if (
            is_native
            and self._facts.columns.keys() == published.tables.keys()
            and all(
                columns.keys() == published.tables[name].columns.keys()
                for name, columns in self._facts.columns.items()
            )
        ):
            return
        misfits = []
        known = published_names()
        for table in published:
            declared = self._facts.columns.get(table.name, {})
            missing = [name for name in table.columns if name not in declared]
            foreign = [
                name for name in declared if name not in table.columns and name in known[table.name]
            ]
            if foreign:
                misfits.append(f"{table.name} has {', '.join(foreign)} of another schema version")
            if not declared and self._storage.names == "newest":
                continue  # a dataset may have been written of some of the tables
            misfits += self._mistyped(table, declared)
            if not declared:
                misfits.append(f"table {table.name} is missing")
            elif missing:
                misfits.append(f"{table.name} lacks {', '.join(missing)}")
        misfits += [
            f"table {name} is of another schema version"
            for name in self._facts.columns
            if name in known and name not in published
        ]
        if misfits:
            said = "; ".join(misfits[:_SHOWN_MISFITS])
            left = len(misfits) - _SHOWN_MISFITS
            more = f" (and {left} more)" if left > 0 else ""
            raise ReleaseFileError(
                f"{self.path} says that it has schema version {self.schema_version}, but does not "
                f"fit it: {said}{more}. {self._storage.how_to_mend}"
            )

    def _mistyped(self, table: Table, declared: Mapping[str, str]) -> list[str]:
        """Return what is declared in other types than the kinds have."""
        if self._storage.names == "native":
            return []  # SQLite holds values of any type, whatever it declares
        return [
            f"{table.name}.{name} is {declared[name]}, not {column.facts.duckdb}"
            for name, column in table.columns.items()
            if declared.get(name, column.facts.duckdb) != column.facts.duckdb
        ]

    @cached_property
    def renamed_tables(self) -> list[str]:
        """The file's own tables of which some column has another name or place here."""
        return [
            table.name
            for table in self.native_schema
            if table.name not in self.schema
            or list(self.schema.tables[table.name].columns) != list(table.columns)
            or any(column.is_respelt for column in self.schema.tables[table.name].columns.values())
        ]

    def require_unchanged(self) -> None:
        """Raise `ReleaseFileError` where a file is another one than when it was opened."""
        try:
            now = self._storage.fingerprint()
        except OSError as error:
            raise unreadable(self.path, error) from error
        if now.keys() != self.fingerprint.keys() or not all(
            state.has_same_content(self.fingerprint[name]) for name, state in now.items()
        ):
            raise ReleaseFileError(
                f"{self.path} was changed or replaced since it was opened. Open it again with "
                f"{self._storage.how_to_open}."
            )

    @property
    def content(self) -> str:
        """A short text that tells this content from another; empty where it is not known."""
        return self._facts.content

    def is_keyed(self, table: Table) -> bool:
        """Return whether every row of a table has an `id` of its own."""
        return (table.stored_in or table.name) in self._facts.keyed_tables

    @cached_property
    def size(self) -> Size:
        """The size that was noted, or that the rows show: small, medium or full."""
        if self._facts.size is not None:
            return self._facts.size
        if not any(map(self.rows_at_most, RECORDING_TABLES)):
            return "small"
        return "full" if any(map(self._facts.has_traces, _TRACED)) else "medium"

    def require_rows(self, tables: Iterable[str]) -> None:
        """Raise `MissingRowsError` where a table is empty for the release's size.

        Parameters
        ----------
        tables
            The tables whose rows a query needs.
        """
        for name in tables:
            if name in RECORDING_TABLES and self.size == "small" and not self.rows_at_most(name):
                raise MissingRowsError(
                    f"{self.path.name} is a small file: its table {name} has no rows. The medium "
                    f"and full files have them: {larger_names(self.name)}."
                )

    @property
    def version_name(self) -> str:
        """Published name of the release; an alias is given as the name it stands for."""
        return canonical_name(self.name)

    def row_count(self, table: Table) -> int:
        """Return the number of rows of a table."""
        return self._facts.row_counts[table.stored_in or table.name]

    @property
    def row_counts(self) -> dict[str, int]:
        """Number of rows of each table as it is stored."""
        return dict(self._facts.row_counts)

    def rows_at_most(self, table: str) -> int:
        """Return a number that a stored table has no more rows than; 0 where it is empty.

        Counting takes a pass over the table, while its first and last row are found at once.
        """
        return self._facts.rows_at_most(table)


def _is_newer(version: str) -> bool:
    is_number = version.isascii() and version.isdecimal() and len(version) <= _MOST_DIGITS
    return is_number and int(version) > int(NEWEST)


def _stored_newest(version: str) -> Schema:
    """Return a version's tables by the newest names, as a storage that has just these."""
    return Schema(
        version, {table.name: _as_stored(table) for table in published_vocabulary(version)}
    )


def _as_stored(table: Table) -> Table:
    columns = {
        name: replace(column, native_name=None, expression=None, is_respelt=False)
        for name, column in table.columns.items()
    }
    return replace(table, columns=columns, stored_in=None)
