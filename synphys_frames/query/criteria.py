"""What cells can be classified by: from a name to a column of a cell's tables."""

from __future__ import annotations

from difflib import get_close_matches
from functools import cache
from typing import TYPE_CHECKING, TypeVar

from ..backends import quoting_hint
from ..errors import UnknownCriterionError, did_you_mean
from ..schema import VERSIONS, Column, newest_place, published_names, published_vocabulary

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from ..backends import Name
    from ..schema import Schema, Table


T = TypeVar("T")

# The published tables whose plain columns are criteria. A table more is an entry more; it needs a
# foreign key to or from cell, and at most one row a cell. A name that several tables have means the
# first of them, so what is added at the end changes no class that there is.
CELL_TABLES = ("cell", "morphology", "patch_seq", "intrinsic", "cortical_cell_location")

# How alike a name must be to a known one to be taken for a slip.
_SLIP = 0.8


def name_of(key: str) -> Name:
    """Return a criterion's name as its parts: that of its table, if it has one, and its own."""
    return tuple(key.split("."))


@cache
def criterion_columns() -> dict[str, Column]:
    """Return the columns of published schema versions that are criteria, by name.

    A name that several of the tables have means the first of `CELL_TABLES`. JSON and arrays are no
    criteria.
    """
    columns: dict[str, Column] = {}
    # The newest names first; behind them what only older versions have.
    for version in reversed(VERSIONS):
        schema = published_vocabulary(version)
        for table in CELL_TABLES:
            if table in schema:
                for name in schema.tables[table].plain_columns:
                    columns.setdefault(name, schema.tables[table].columns[name])
    return columns


@cache
def _by_name() -> dict[tuple[str, ...], Column]:
    """Return the published criteria by column, and by table and column, all in lower case."""
    columns: dict[tuple[str, ...], Column] = {
        (name.casefold(),): column for name, column in criterion_columns().items()
    }
    for version in reversed(VERSIONS):
        for table in published_vocabulary(version):
            if table.name in CELL_TABLES:
                for name in table.kept_columns:
                    columns.setdefault((table.name, name.casefold()), table.columns[name])
    return columns


def published_criterion(name: Name) -> Column | None:
    """Return the column of a published schema version that a criterion names, or None.

    Parameters
    ----------
    name
        The column's name, alone or after that of its table, in upper or lower case.
    """
    return _by_name().get(tuple(part.casefold() for part in name))


def criterion_column(name: Name, schema: Schema | None = None) -> Column:
    """Return the column that a criterion names.

    What any published schema version has means the same in every release. Other names are those of
    the release's own columns in `CELL_TABLES`, and, with their table, in tables of its own that a
    foreign key connects with cell.

    Parameters
    ----------
    name
        The column's name, alone or after that of its table.
    schema
        The tables of the release; default: none, only what is published counts.

    Raises
    ------
    UnknownCriterionError
        There is none; the message gives the nearest.
    """
    column = published_criterion(name)
    if column is None and schema is not None:
        column = _own_criterion(name, schema)
    if column is None:
        raise _unknown(name, schema)
    return column


def _own_criterion(name: Name, schema: Schema) -> Column | None:
    *table, column = (part.casefold() for part in name)
    for known in _own_columns(schema):
        places = [known.table.casefold()] if known.table not in CELL_TABLES or table else []
        if [*places, known.name.casefold()] == [*table, column]:
            return known
    return None


def _own_columns(schema: Schema) -> Iterable[Column]:
    """Return the columns of a cell that no published schema version has, in order of `CELL_TABLES`.

    Behind them are those of the release's own tables.
    """
    tables = [schema.tables[name] for name in CELL_TABLES if name in schema]
    cell = schema.table("cell")
    own = [table for table in schema if table.name not in published_names()]
    tables += [table for table in own if _refers(table, cell) or _refers(cell, table)]
    return [
        table.columns[column]
        for table in tables
        for column in table.plain_columns
        if published_criterion((table.name, column)) is None
    ]


def _refers(table: Table, other: Table) -> bool:
    targets = [column.references for column in table.columns.values()]
    return any(target is not None and target[0] == other.name for target in targets)


def require_possible(name: Name) -> None:
    """Raise where a criterion can't be one in any release.

    A class is made before its release is known, which may have columns of its own. What a published
    schema version has elsewhere, or what looks like a slip, is refused at once; the rest when the
    class is asked for. With its table, any name of an own column is taken.

    Raises
    ------
    UnknownCriterionError
        With the nearest names.
    """
    if published_criterion(name) is None and not _may_be_own(name):
        raise _unknown(name)


def in_expression(name: Name, text: str, criterion: Callable[[Name], T]) -> T:
    """Return what a name of an expression is; where it is unknown, the error shows that one.

    Raises
    ------
    UnknownCriterionError
        With the nearest names; it may be a text in wrong quotes.
    """
    try:
        return criterion(name)
    except UnknownCriterionError as error:
        hint = quoting_hint(name, text)
        raise UnknownCriterionError(f"{error.args[0]} (In {text!r}.){hint}") from None


def short_name(given: str) -> str:
    """Return a criterion's shortest name: the column's own where that means the same.

    Raises
    ------
    UnknownCriterionError
        It can't be a criterion in any release.
    """
    name = name_of(given)
    require_possible(name)
    column = published_criterion(name)
    if column is None:
        return given
    if len(name) == 1 and given != column.name:
        # In Python, names differ by their case.
        raise _unknown(name)
    is_first = criterion_columns()[column.name].table == column.table
    return column.name if is_first else f"{column.table}.{column.name}"


def _may_be_own(name: Name) -> bool:
    *table, column = (part.casefold() for part in name)
    published = published_names()
    if not table:
        elsewhere = any(column in names for names in published.values())
        return not elsewhere and not _is_slip(column, criterion_columns())
    if len(table) > 1:
        return False
    if table[0] in CELL_TABLES:
        return column not in published[table[0]]
    return table[0] not in published and not _is_slip(table[0], CELL_TABLES)


def _is_slip(name: str, known: Iterable[str]) -> bool:
    return bool(get_close_matches(name, [*known], n=1, cutoff=_SLIP))


def _unknown(name: Name, schema: Schema | None = None) -> UnknownCriterionError:
    said = f"Cells can't be classified by {'.'.join(name)!r}"
    for table in CELL_TABLES:
        if place := newest_place(table, name[-1]):
            return UnknownCriterionError(
                f"{said}; by the names of the newest schema, it is {place}."
            )
    return UnknownCriterionError(
        f"{said}. {_nearest(name, schema)} The criteria are the columns of "
        f"{', '.join(CELL_TABLES)}, without their JSON; a column of your own goes with its table "
        "('cell.my_score')."
    )


def _nearest(name: Name, schema: Schema | None) -> str:
    own = {
        column.name if column.table in CELL_TABLES else f"{column.table}.{column.name}": column
        for column in (_own_columns(schema) if schema is not None else ())
    }
    same = [label for label, known in own.items() if known.name.casefold() == name[-1].casefold()]
    if same:
        return f"Did you mean {' or '.join(map(repr, same))}?"
    asked = name if len(name) > 1 and name[0].casefold() not in CELL_TABLES else name[-1:]
    return did_you_mean(".".join(asked), [*own, *criterion_columns()])
