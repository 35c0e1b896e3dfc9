"""Tables and columns as values: their kinds, units, meanings and references."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ..errors import NotInVersionError, UnknownColumnError, UnknownTableError, did_you_mean
from .kinds import HEAVY_KINDS, KINDS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from .kinds import Kind, KindFacts


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table as the schema describes it.

    Attributes
    ----------
    kind
        What the values are: int, float, bool, str, datetime, json (text) or array (.npy bytes).
    references
        Table and column that the values point to, or None.
    unit
        Unit of a float column, mostly SI, "1" for a pure number, None where there is none.
    native_name
        The file's own name where it is another one, with its table where that is another one.
    expression
        DuckDB SQL over the file's own columns that gives the values; None: the column itself.
    is_respelt
        Whether the expression only writes the same values otherwise than the file does.
    is_internal
        Whether the column only serves to find rows; it is left out of wide frames.
    """

    table: str
    name: str
    kind: Kind
    sqlite_type: str
    references: tuple[str, str] | None = None
    unit: str | None = None
    description: str = ""
    primary_key: bool = False
    unique: bool = False
    index: bool = False
    native_name: str | None = None
    expression: str | None = None
    is_internal: bool = False
    is_respelt: bool = False

    @property
    def facts(self) -> KindFacts:
        """What the kind means in SQLite, DuckDB, Arrow and pandas."""
        return KINDS[self.kind]

    @property
    def is_heavy(self) -> bool:
        """Whether the column stays out of wide frames unless it is named (JSON and arrays)."""
        return self.kind in HEAVY_KINDS


@dataclass(frozen=True, slots=True)
class Table:
    """One table: its columns in the schema's order, and what a row is.

    Attributes
    ----------
    stored_in
        The file's own table that has the rows, where that has another name.
    elsewhere
        What to say of columns that other schema versions have.
    """

    name: str
    columns: dict[str, Column]
    description: str = ""
    stored_in: str | None = None
    elsewhere: Mapping[str, str] = field(default_factory=dict)

    @property
    def plain_columns(self) -> list[str]:
        """Names of the columns that wide frames take: all but JSON, arrays and internal keys."""
        return [name for name in self.kept_columns if not self.columns[name].is_internal]

    @property
    def kept_columns(self) -> list[str]:
        """Names of the columns that are kept in memory: all but JSON and arrays."""
        return [name for name, column in self.columns.items() if column.kind not in HEAVY_KINDS]

    @property
    def native_names(self) -> dict[str, str]:
        """From the file's own column names to those here, where they differ within the table."""
        return {
            column.native_name: column.name
            for column in self.columns.values()
            if column.native_name is not None
            and (column.is_respelt or column.expression == column.native_name)
        }

    def column(self, name: str) -> Column:
        """Return the column of that name, or raise with the nearest names."""
        try:
            return self.columns[name]
        except KeyError:
            if name in self.native_names:
                raise UnknownColumnError(
                    f"{self.name}.{name} is the file's own name; here it is "
                    f"{self.native_names[name]!r}, as in the newest schema. "
                    f"db.table({self.name!r}, native=True) gives the file's own names."
                ) from None
            if name in self.elsewhere:
                raise NotInVersionError(self.elsewhere[name]) from None
            raise UnknownColumnError(
                f"Table {self.name!r} has no column {name!r}. {did_you_mean(name, self.columns)}"
            ) from None


@dataclass(frozen=True, slots=True)
class Schema:
    """The tables of one schema version or of one file, in the schema's order.

    Attributes
    ----------
    elsewhere
        What to say of tables that other schema versions have.
    left_out
        Tables that the version has, and this copy of a release has not.
    """

    version: str
    tables: dict[str, Table] = field(default_factory=dict)
    elsewhere: Mapping[str, str] = field(default_factory=dict)
    left_out: frozenset[str] = frozenset()

    def __iter__(self) -> Iterator[Table]:
        return iter(self.tables.values())

    def __contains__(self, name: object) -> bool:
        return name in self.tables

    def table(self, name: str) -> Table:
        """Return the table of that name, or raise with the nearest names."""
        try:
            return self.tables[name]
        except (KeyError, TypeError):
            if isinstance(name, str) and name in self.left_out:
                raise UnknownTableError(
                    f"Table {name!r} was left out when this dataset was written; it has "
                    f"{', '.join(self.tables)}. db.to_parquet(folder) of the release writes all."
                ) from None
            if isinstance(name, str) and name in self.elsewhere:
                raise NotInVersionError(self.elsewhere[name]) from None
            raise UnknownTableError(
                f"There is no table {name!r} in schema version {self.version}. "
                f"{did_you_mean(name, self.tables)}"
            ) from None
