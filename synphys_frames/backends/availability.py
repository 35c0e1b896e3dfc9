"""What a release file lacks and other schema versions have, and how to say so."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import cache, partial

from .._cached_property import cached_property
from ..releases import first_release
from ..schema import VERSIONS, Schema, old_places, published_vocabulary, versions_of


class Absences(Mapping[str, str]):
    """What to say of each name that is not there.

    Parameters
    ----------
    find
        Gives it. It is called when the first name is looked up: to compare all schema versions
        takes longer than to open a file.
    """

    def __init__(self, find: Callable[[], Mapping[str, str]]) -> None:
        self._find = find

    @cached_property
    def _said(self) -> Mapping[str, str]:
        return self._find()

    def __getitem__(self, name: str) -> str:
        return self._said[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._said)

    def __len__(self) -> int:
        return len(self._said)


def told_of_others(schema: Schema, file: str) -> Schema:
    """Return a schema that can say which versions have what it lacks.

    Parameters
    ----------
    schema
        The tables of a file, by the newest names.
    file
        The file's name, for the messages.
    """

    @cache
    def lacking() -> dict[str, dict[str, str]]:
        return _lacking_columns(schema, file)

    def of_table(name: str) -> dict[str, str]:
        return lacking().get(name, {})

    told = {
        name: replace(table, elsewhere=Absences(partial(of_table, name)))
        for name, table in schema.tables.items()
    }
    elsewhere = Absences(partial(_lacking_tables, schema, file))
    return replace(schema, tables=told, elsewhere=elsewhere)


def _lacking_tables(schema: Schema, file: str) -> dict[str, str]:
    published = [table.name for version in VERSIONS for table in published_vocabulary(version)]
    return {name: _absence(schema, file, name) for name in published if name not in schema}


def _lacking_columns(schema: Schema, file: str) -> dict[str, dict[str, str]]:
    messages: dict[str, dict[str, str]] = {name: {} for name in schema.tables}
    for version in VERSIONS:
        for table in published_vocabulary(version):
            if table.name not in schema:
                continue
            said = messages[table.name]
            for name in table.columns.keys() - schema.tables[table.name].columns.keys():
                if name not in said:
                    said[name] = _absence(schema, file, table.name, name)
    for (table_name, old), newest in old_places().items():
        if table_name in schema and old not in schema.tables[table_name].columns:
            messages[table_name][old] = (
                f"{table_name}.{old} is {newest} by the names of the newest schema, which "
                "work on files of every version. A file's own names: "
                f"db.table({table_name!r}, native=True)."
            )
    return messages


def _absence(schema: Schema, file: str, table: str, column: str | None = None) -> str:
    name = table if column is None else f"{table}.{column}"
    versions = versions_of(table, column)
    return (
        f"{file} has schema version {schema.version}, which has no {name}. It is in schema version "
        f"{', '.join(versions)}; the first release with it is {first_release(versions)}."
    )
