"""The filter by the class of one of a pair's cells."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..errors import ArgumentError
from .cell_class import CellClass, as_cell_class
from .cells import cells_of
from .class_membership import class_members
from .criteria import criterion_column, name_of
from .filter_base import ColumnFilter, Option
from .filter_kinds import of_pairs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .._typing import Mask
    from ..columns import ColumnStore
    from ..schema import Column, Schema
    from .classify import Side
    from .filter_base import Places
    from .pair_sql import PairSql


# column=value; what has quotes, operators or several conditions is SQL.
_SIMPLE = re.compile(
    r"(?P<name>[A-Za-z_]\w*(\.\w+)?)=(?P<value>(?:(?! (?i:and|or|is|in) )[^'\"<>=])+)"
)


@dataclass(frozen=True, kw_only=True)
class ClassFilter(ColumnFilter):
    """The cell of one side must belong to a class.

    Attributes
    ----------
    side
        "pre" or "post".
    """

    side: Side

    @property
    def takes(self) -> str:
        """What the argument can be, in words."""
        return "a `CellClass`, or its criteria as a dict"

    @property
    def columns(self) -> Places:
        """The cell's id; what else decides is asked of the class."""
        return ((f"{self.side}_cell", "id"),)

    @property
    def option(self) -> Option:
        """How the filter is given on the command line."""
        return Option(
            flag=f"--{self.side}",
            arguments={"action": "append", "metavar": "CRITERION"},
            says="column=value[,value...] or an SQL expression; may be repeated",
            argument=class_of_texts,
        )

    def normalise(self, value: object) -> CellClass | None:
        """Return an argument as `mask` and `condition` take it."""
        return as_cell_class(value, self.name)

    def mask(self, store: ColumnStore, value: CellClass) -> Mask:
        """Return for each pair whether its cell belongs to the class."""
        return of_pairs(store, f"{self.side}_cell", class_members(value, cells_of(store)))

    def condition(self, sql: PairSql, value: CellClass) -> str:
        """Return the same as SQL: which cells belong is decided as everywhere."""
        [column] = (sql.column(alias, name) for alias, name in self.columns)
        ids, _ = sql.store.table("cell").keys("id")
        return f"{column} IN {sql.ids(ids[class_members(value, cells_of(sql.store))])}"


def class_of_texts(texts: Sequence[str], schema: Schema) -> CellClass:
    """Return a class from what the command line has.

    Parameters
    ----------
    texts
        Each ``column=value``, ``column=value,value`` or an SQL expression.
    schema
        The tables of the release, which tell the types of its columns.

    Raises
    ------
    UnknownCriterionError
        With the nearest names.
    ArgumentError
        A value is not of its column's type.
    """
    expressions: list[str] = []
    criteria: dict[str, Any] = {}
    for text in texts:
        simple = _SIMPLE.fullmatch(text)
        if simple is None:
            expressions.append(text)
            continue
        key = simple["name"]
        if key in criteria:
            raise ArgumentError(
                f"{key} is given twice. Several values: {key}=a,b; a condition on it: an SQL "
                f"expression, such as \"{key} ILIKE '%a%'\"."
            )
        column = criterion_column(name_of(key), schema)
        values = tuple(_value(text.strip(), column) for text in simple["value"].split(","))
        criteria[key] = values if len(values) > 1 else values[0]
    return CellClass(*expressions, **criteria)


def _value(text: str, column: Column) -> Any:
    try:
        return column.facts.parse(text)
    except (KeyError, ValueError):
        raise ArgumentError(f"{column.name} takes {column.facts.words}; got {text!r}.") from None
