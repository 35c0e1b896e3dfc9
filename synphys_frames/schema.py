"""Tables, columns, kinds, units and meanings of the published schema versions.

The facts are data files of the package, read once and on first use.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Literal, cast, get_args

from .errors import (
    NotInVersionError,
    UnknownColumnError,
    UnknownTableError,
    UnknownVersionError,
    did_you_mean,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from importlib.resources.abc import Traversable

Kind = Literal["int", "float", "bool", "str", "datetime", "json", "array"]
NEWEST = "22"
VERSIONS = tuple(str(number) for number in range(15, 23))

_HEAVY_KINDS = ("json", "array")
_KINDS = frozenset(get_args(Kind))


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
        SI unit of a float column, "1" for a pure number, None where there is none.
    native_name
        The file's own name where it is another one, with its table where that is another one.
    expression
        DuckDB SQL over the file's own columns that gives the values; None: the column itself.
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

    @property
    def is_heavy(self) -> bool:
        """Whether the column stays out of wide frames unless it is named (JSON and arrays)."""
        return self.kind in _HEAVY_KINDS


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
        return [column.name for column in self.columns.values() if not column.is_heavy]

    @property
    def native_names(self) -> dict[str, str]:
        """From the file's own column names to those here, where they differ within the table."""
        return {
            column.native_name: column.name
            for column in self.columns.values()
            if column.native_name is not None and column.expression == column.native_name
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
    """

    version: str
    tables: dict[str, Table] = field(default_factory=dict)
    elsewhere: Mapping[str, str] = field(default_factory=dict)

    def __iter__(self) -> Iterator[Table]:
        return iter(self.tables.values())

    def __contains__(self, name: object) -> bool:
        return name in self.tables

    def table(self, name: str) -> Table:
        """Return the table of that name, or raise with the nearest names."""
        try:
            return self.tables[name]
        except (KeyError, TypeError):
            if isinstance(name, str) and name in self.elsewhere:
                raise NotInVersionError(self.elsewhere[name]) from None
            raise UnknownTableError(
                f"There is no table {name!r} in schema version {self.version}. "
                f"{did_you_mean(name, self.tables)}"
            ) from None


def read_data(name: str) -> Any:
    """Return the content of one of the package's JSON data files."""
    return json.loads(_data().joinpath(name).read_text(encoding="utf-8"))


@cache
def _data() -> Traversable:
    return files(__package__).joinpath("data")


@cache
def published_schema(version: str) -> Schema:
    """Return the tables of one published schema version.

    Parameters
    ----------
    version
        "15" to "22"; `VERSIONS` lists them.

    Raises
    ------
    UnknownVersionError
        The version is not one of them.

    Examples
    --------
    >>> published_schema("22").tables["pair"].columns["distance"].unit
    'm'
    """
    if version not in VERSIONS:
        raise UnknownVersionError(
            f"There is no schema version {version!r}. Known: {', '.join(VERSIONS)}."
        )
    tables = _published_tables(version)
    return Schema(version, {name: _table(name, columns) for name, columns in tables.items()})


def _published_tables(version: str) -> dict[str, list[dict[str, Any]]]:
    content: dict[str, dict[str, list[dict[str, Any]]]] = read_data(f"schema/v{version}.json")
    return content["tables"]


@cache
def published_names() -> dict[str, set[str]]:
    """Return the columns that any published schema version has, by table."""
    names: dict[str, set[str]] = {}
    for version in VERSIONS:
        for table, columns in _published_tables(version).items():
            names.setdefault(table, set()).update(column["name"] for column in columns)
    return names


@cache
def _units() -> dict[str, str]:
    return cast("dict[str, str]", read_data("units.json"))


@cache
def _descriptions() -> dict[str, dict[str, str]]:
    return cast("dict[str, dict[str, str]]", read_data("descriptions.json"))


def _table(name: str, columns: list[dict[str, Any]]) -> Table:
    return Table(
        name,
        {column["name"]: _column(name, column) for column in columns},
        _descriptions()["tables"].get(name, ""),
    )


def _column(table: str, facts: dict[str, Any]) -> Column:
    key = f"{table}.{facts['name']}"
    target, _, target_column = facts.get("references", "").partition(".")
    kind: Any = "int" if facts["kind"] == "bigint" else facts["kind"]
    if kind not in _KINDS:
        raise ValueError(f"{key} has the unknown kind {kind!r}")
    return Column(
        table=table,
        name=facts["name"],
        kind=kind,
        sqlite_type=facts["sqlite"],
        references=(target, target_column) if target else None,
        unit=_units().get(key),
        description=_descriptions()["columns"].get(key, ""),
        primary_key=facts.get("primary_key", False),
        unique=facts.get("unique", False),
        index=facts.get("index", False),
    )


def undeclared_column(table: str, name: str, sqlite_type: str) -> Column:
    """Return a column that no published schema describes, its kind told by its declared type."""
    declared = sqlite_type.upper()
    kinds: list[tuple[tuple[str, ...], Kind]] = [
        (("BOOL",), "bool"),
        (("INT",), "int"),
        (("FLOAT", "REAL", "DOUBLE", "NUMERIC", "DECIMAL"), "float"),
        (("DATE", "TIMESTAMP"), "datetime"),
        (("BLOB",), "array"),
    ]
    for beginnings, kind in kinds:
        if any(beginning in declared for beginning in beginnings):
            return Column(table, name, kind, sqlite_type)
    return Column(table, name, "str", sqlite_type)
