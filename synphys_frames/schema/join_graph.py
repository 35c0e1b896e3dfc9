"""Which tables foreign keys lead to from a table: the ways of the dataset, one for each name."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from ..errors import JoinError, did_you_mean
from .ways import DIRECT_KEYS, ENDS, PRECEDENCE, SIDE_KEYS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .model import Column, Schema, Table


# What both cells of a pair share is named without pre_ or post_.
_SHARED = frozenset({"slice", "experiment", "pair"})
# A fit has the key of one of these, never of both.
_EITHER = {"synapse", "poly_synapse"}
_SIDES = {"pre_cell_id": "pre_", "post_cell_id": "post_"}

# The order in which the dataset's own frames have their tables; others follow in schema order.
_LEADING = (
    "pair", "experiment", "slice",
    "pre_cell", "post_cell", "pre_morphology", "post_morphology", "pre_patch_seq",
    "post_patch_seq", "pre_intrinsic", "post_intrinsic", "pre_cortical_cell_location",
    "post_cortical_cell_location",
    "synapse", "resting_state_fit", "dynamics", "synapse_model", "synapse_prediction",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Alias:
    """A table under the name it has beside another one, and the last step of the way to it.

    Attributes
    ----------
    name
        Name in dotted columns: ``pre_cell`` for the table ``cell``.
    table
        The table itself.
    parent
        Name of the alias before it; None for the source table.
    key
        The foreign key of the last step.
    target_key
        What the foreign key holds: the id, or another key, of the table that it refers to.
    direction
        "up": `key` is a column of the parent's table; "down": a column of this table.
    prefix
        "pre_" or "post_" for what belongs to one cell of a pair.
    depth
        Number of steps.
    alternative
        Another last step, where a row goes by either of two keys: a fit belongs to a synapse or
        to a polysynapse.
    """

    name: str
    table: str
    parent: str | None = None
    key: str = ""
    target_key: str = "id"
    direction: Literal["source", "up", "down"] = "source"
    prefix: str = ""
    depth: int = 0
    alternative: Alias | None = None

    @property
    def found_by(self) -> str:
        """Column of this table by which its row is found."""
        return self.target_key if self.direction == "up" else self.key

    @property
    def found_from(self) -> str:
        """Column of the parent's table that has the same value."""
        return self.key if self.direction == "up" else self.target_key

    @property
    def ways(self) -> tuple[Alias, ...]:
        """The last steps that lead to a row; the first that leads to one counts."""
        # Downwards, what stands beside a pair is its synapse's fit, not its polysynapse's.
        if self.alternative is None or self.direction == "down":
            return (self,)
        return self, self.alternative


class Aliases:
    """All tables that foreign keys lead to from one table, by the names they have there.

    The shortest way along what a row belongs to counts: cell, electrode, recording; never along
    what it only refers to (see `ways`). Among ways of one length the order of `ways.PRECEDENCE`
    decides, then that of a table's foreign keys.
    """

    def __init__(self, schema: Schema, source: str) -> None:
        self.schema = schema
        self.source = source
        self._by_name: dict[str, Alias] = {}
        self._referring: dict[str, list[tuple[int, Column]]] = {}
        for table in schema:
            for rank, column in enumerate(table.columns.values()):
                if column.references is not None and _leads(column):
                    self._referring.setdefault(column.references[0], []).append((rank, column))
        self._find(schema.table(source).name)

    def __iter__(self) -> Iterator[Alias]:
        return iter(self._by_name.values())

    def __contains__(self, name: object) -> bool:
        return name in self._by_name

    def __getitem__(self, name: str) -> Alias:
        try:
            return self._by_name[name]
        except (KeyError, TypeError):
            raise JoinError(
                f"No foreign key leads from {self.source!r} to {name!r}. "
                f"{did_you_mean(name, self._by_name)}"
            ) from None

    def _find(self, source: str) -> None:
        self._by_name[source] = Alias(source, source)
        level = [self._by_name[source]]
        while level:
            steps: dict[str, list[tuple[tuple[int, int], Alias]]] = {}
            for parent in level:
                for rank, alias in self._steps(parent):
                    if alias.name not in self._by_name:
                        steps.setdefault(alias.name, []).append((rank, alias))
            level = [self._chosen(ways) for ways in steps.values()]
            self._by_name.update({alias.name: alias for alias in level})

    def _chosen(self, steps: list[tuple[tuple[int, int], Alias]]) -> Alias:
        first, *others = [alias for _, alias in sorted(steps, key=lambda step: step[0])]
        for other in others:
            if {self._by_name[str(alias.parent)].table for alias in (first, other)} == _EITHER:
                return replace(first, alternative=other)
        return first

    def _steps(self, parent: Alias) -> Iterator[tuple[tuple[int, int], Alias]]:
        if parent.parent is not None and (parent.table in ENDS or self.key(parent) in DIRECT_KEYS):
            return
        for rank, column in enumerate(self.schema.table(parent.table).columns.values()):
            if _leads(column):
                side = _SIDES.get(column.name, "") if parent.table == "pair" else ""
                yield from self._step(parent, column, "up", parent.prefix or side, rank)
        if parent.table in ("slice", "experiment") and parent.direction == "up":
            return  # from there back down are the other cells and pairs, never this row's own
        for rank, column in self._referring.get(parent.table, ()):
            yield from self._step(parent, column, "down", parent.prefix, rank)

    def _step(
        self,
        parent: Alias,
        column: Column,
        direction: Literal["up", "down"],
        prefix: str,
        rank: int,
    ) -> Iterator[tuple[tuple[int, int], Alias]]:
        target, target_key = column.references or ("", "")
        table = target if direction == "up" else column.table
        if table not in self.schema or (prefix and table in _SHARED):
            return
        if parent.parent is not None and (column.table, column.name) in DIRECT_KEYS:
            return
        place = (*PRECEDENCE, parent.table).index(parent.table)
        alias = Alias(
            prefix + table,
            table,
            parent.name,
            column.name,
            target_key,
            direction,
            prefix,
            parent.depth + 1,
        )
        yield (place, rank), alias

    def key(self, alias: Alias) -> tuple[str, str]:
        """Return the table that has the foreign key of the last step to an alias, and its name."""
        is_up = alias.direction == "up" and alias.parent is not None
        return (self[str(alias.parent)].table if is_up else alias.table), alias.key

    def order(self, name: str) -> tuple[int, int, str]:
        """Return the sort key that puts tables into the order of the dataset's own frames."""
        alias = self[name]
        leading = _LEADING.index(name) if name in _LEADING else len(_LEADING)
        if name == self.source:
            leading = -1
        # pre_ comes before post_ where the table is the same.
        side = "0" if alias.prefix == "pre_" else "1"
        return leading, list(self.schema.tables).index(alias.table), side

    def resolve(self, name: str) -> list[Alias]:
        """Return what a name means: an alias, or the nearest aliases of a table of that name.

        Beside a pair, a table of cells is as near on both sides, and both are meant; where one
        without a side is as near, that one.

        Raises
        ------
        JoinError
            No foreign key leads there; the message names the nearest that can be reached.
        """
        of_table = [alias for alias in self if alias.table == name]
        nearest = min((alias.depth for alias in of_table), default=0)
        aliases = [alias for alias in of_table if alias.depth == nearest]
        return [alias for alias in aliases if not alias.prefix] or aliases or [self[name]]

    def path(self, alias: Alias) -> list[Alias]:
        """Return the steps that lead to an alias, the source table first."""
        steps = [alias]
        while steps[-1].parent is not None:
            steps.append(self[steps[-1].parent])
        return steps[::-1]


def _leads(column: Column) -> bool:
    return (
        column.references is not None
        and column.references[0] != column.table
        and (column.table, column.name) not in SIDE_KEYS
    )


def require_in_version(schema: Schema, alias: str) -> None:
    """Raise `NotInVersionError` where a name is that of a table of another schema version."""
    for table in (alias, alias.removeprefix("pre_"), alias.removeprefix("post_")):
        if table in schema.left_out or table in schema.elsewhere:
            schema.table(table)


def require_id(table: Table) -> None:
    """Raise where a table has no ids, by which single rows are found."""
    if "id" not in table.columns:
        raise JoinError(
            f"Table {table.name!r} has no column 'id', by which its rows could be found. "
            "db.sql(query) can join it by any column."
        )
