"""One SQL query for the ids of pairs, for releases whose tables are too large for memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..backends import quoted
from ..columns import several_rows
from ..schema import require_in_version

if TYPE_CHECKING:
    from .._typing import Rows
    from ..columns import ColumnStore
    from ..schema import Alias


# A pair without its cells or its experiment is no pair in the dataset's own queries.
PARTS_OF_A_PAIR = ("pre_cell", "post_cell", "experiment")


def pair_alias(store: ColumnStore, name: str) -> Alias:
    """Return a table beside pair.

    Raises
    ------
    NotInVersionError
        Only other schema versions have it.
    JoinError
        No foreign key leads there.
    """
    aliases = store.aliases("pair")
    if name not in aliases:
        require_in_version(store.schema, name)
    return aliases[name]


def on_the_way(store: ColumnStore, name: str) -> list[Alias]:
    """Return the tables that lead from pair to one beside it, that one last, pair left out."""
    alias = pair_alias(store, name)
    if alias.parent is None:
        return []
    return [*on_the_way(store, alias.parent), alias]


class PairSql:
    """A query for ids of pairs: conditions, their values, and the tables that they are about.

    Parameters
    ----------
    store
        The release.
    """

    def __init__(self, store: ColumnStore) -> None:
        self.store = store
        self._joined: dict[str, Alias] = {}
        self._conditions: list[str] = []
        self._values: list[object] = []
        self._ids: dict[str, Rows] = {}
        for name in PARTS_OF_A_PAIR:
            self._join(name)

    @property
    def joined(self) -> list[str]:
        """Names of the tables beside pair that the conditions are about."""
        return list(self._joined)

    def column(self, alias: str, column: str) -> str:
        """Return SQL for a column of a table beside pair, which is joined.

        Raises
        ------
        UnknownColumnError
            With the nearest names.
        """
        described = self.store.schema.table(pair_alias(self.store, alias).table).column(column)
        self._join(alias)
        return f"{quoted(alias)}.{quoted(described.name)}"

    def value(self, value: object) -> str:
        """Return the place of a value in the query."""
        self._values.append(value)
        return f"${len(self._values)}"

    def ids(self, ids: Rows) -> str:
        """Return SQL for a list of ids, to stand behind IN."""
        name = f"ids_{len(self._ids)}"
        self._ids[name] = ids
        return f"(SELECT id FROM {name})"

    def require(self, condition: str) -> None:
        """Add a condition that must be true of each pair."""
        self._conditions.append(f"({condition})")

    def passing_ids(self) -> Rows:
        """Return the ids, ascending, of the pairs for which all conditions are true."""
        joins = " ".join(map(self._joined_by, self._joined.values()))
        query = f"SELECT pair.id FROM pair {joins}"
        if self._conditions:
            query += f" WHERE {' AND '.join(self._conditions)}"
        return self.store.reader.ids(f"{query} ORDER BY pair.id", self._values, self._ids)

    def _join(self, name: str) -> None:
        for alias in on_the_way(self.store, name):
            self._joined.setdefault(alias.name, alias)

    def _joined_by(self, alias: Alias) -> str:
        table = self.store.schema.table(alias.table)
        if alias.found_by != "id":
            repeated = self.store.reader.repeated_key(table, alias.found_by)
            if repeated is not None:
                raise several_rows(alias, str(alias.parent), repeated)
        # A pair without a row in another table has missing values there, as in memory.
        kind = "JOIN" if alias.name in PARTS_OF_A_PAIR else "LEFT JOIN"
        return (
            f"{kind} {quoted(alias.table)} AS {quoted(alias.name)} ON {quoted(alias.name)}."
            f"{quoted(alias.found_by)} = {quoted(str(alias.parent))}.{quoted(alias.found_from)}"
        )
