"""The filter that takes an SQL expression over the columns beside a pair."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..backends import is_true, parse, quoting_hint
from ..errors import ArgumentError, JoinError, UnknownColumnError, did_you_mean
from ..schema import require_in_version, warn_of_sizes
from .filter_base import Option, RowFilter

if TYPE_CHECKING:
    from .._typing import Mask
    from ..backends import Name
    from ..columns import ColumnStore, JoinedRows
    from ..schema import Alias

_MOST_PLACES = 3


@dataclass(frozen=True, kw_only=True)
class ExpressionFilter(RowFilter):
    """An SQL expression over dotted names must be true of a pair."""

    @property
    def takes(self) -> str:
        """What the argument can be, in words."""
        return 'an SQL expression over dotted names, such as `"synapse.latency < 2e-3"`'

    @property
    def option(self) -> Option:
        """How the filter is given on the command line."""
        return Option(
            flag=self.flag,
            arguments={"metavar": "EXPRESSION"},
            says="SQL over dotted names",
            argument=lambda value, _: value,
        )

    def normalise(self, value: object) -> str:
        """Return an argument as `passes` takes it."""
        if not isinstance(value, str):
            raise ArgumentError(
                f"{self.name} takes an SQL expression as text, such as "
                f'"synapse.latency < 2e-3"; got {value!r}.'
            )
        return parse(value).text

    def passes(self, store: ColumnStore, pairs: JoinedRows, value: str) -> Mask:
        """Return for each of some pairs whether the expression is true."""
        expression = parse(value)
        places = {name: self._column(store, name, value) for name in expression.names}
        described = {
            name: store.schema.table(alias.table).column(column)
            for name, (alias, column) in places.items()
        }
        compared = [(described[name], number) for name, number in expression.compared]
        warn_of_sizes(compared, value)
        columns = {name: pairs.series(*place) for name, place in places.items()}
        return is_true(expression, columns, len(pairs), store.reader.evaluator)

    def _column(self, store: ColumnStore, name: Name, text: str) -> tuple[Alias, str]:
        """Return the table beside pair, and its column, that a dotted name means."""
        said = f"{'.'.join(name)!r} (in {self.name}={text!r})"
        *prefix, column = name
        if len(prefix) > 1:
            raise UnknownColumnError(
                f"{said} is no column; write table.column, such as synapse.latency."
            )
        alias = _alias(store, prefix[0] if prefix else "pair", column, said)
        table = store.schema.table(alias.table)
        columns = {known.casefold(): known for known in table.columns}
        columns |= {old.casefold(): new for old, new in table.native_names.items()}
        if column in table.elsewhere:
            table.column(column)
        if column.casefold() not in columns:
            raise UnknownColumnError(
                f"There is no column {said}."
                + (quoting_hint(name, text) or _elsewhere(store, name))
                + f" {did_you_mean(column, table.columns)}"
            )
        return alias, columns[column.casefold()]


def _elsewhere(store: ColumnStore, name: Name) -> str:
    """Return where beside pair a name without its table is, or nothing."""
    if len(name) > 1:
        return ""
    places = [
        f"{alias.name}.{column}"
        for alias in store.aliases("pair")
        for column in store.schema.table(alias.table).columns
        if column.casefold() == name[0].casefold()
    ]
    nearest = sorted(places, key=len)[:_MOST_PLACES]
    return f" Write {' or '.join(nearest)}." if nearest else ""


def _alias(store: ColumnStore, name: str, column: str, said: str) -> Alias:
    aliases = store.aliases("pair")
    spelled = {alias.name.casefold(): alias.name for alias in aliases}
    require_in_version(store.schema, name)
    meant = aliases.resolve(spelled.get(name.casefold(), name))
    if len(meant) > 1:
        raise JoinError(
            f"{said} is known of both cells; write "
            f"{' or '.join(f'{alias.name}.{column}' for alias in meant)}."
        )
    return meant[0]
