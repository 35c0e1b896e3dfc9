"""The published schema versions, from the data files of the package, read on first use."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, cast

from ..errors import UnknownVersionError
from .kinds import KINDS, declared_kind
from .model import Column, Schema, Table

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable


NEWEST = "22"
VERSIONS = tuple(str(number) for number in range(15, 23))


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
    content: dict[str, dict[str, list[dict[str, Any]]]] = read_data(f"v{version}.json")
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
    if kind not in KINDS:
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
    return Column(table, name, declared_kind(sqlite_type), sqlite_type)
