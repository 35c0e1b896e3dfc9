"""Which pairs: every filter is a mask over narrow columns, and their conjunction is the answer."""

from __future__ import annotations

import math
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from numbers import Real
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from ..backends import Name, is_true, parse
from ..columns import JoinedRows
from ..errors import ArgumentError, JoinError, UnknownColumnError, UnknownValueError, did_you_mean
from ..schema import require_in_version
from .cell_class import CellClass, Cells, as_cell_class
from .probed import probed

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from .._typing import Mask, Rows
    from ..columns import ColumnStore
    from ..schema import Alias, Column


SYNAPSE_TYPES = ("ex", "in", "mixed")
EXPERIMENT_TYPES = {
    "standard multipatch": (
        "mouse V1 coarse matrix",
        "mouse V1 pre-production",
        "human coarse matrix",
    )
}

Limits = tuple[float | None, float | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class PairFilter:
    """What must be true of a pair; None leaves a criterion out.

    The arguments are those of `SynphysDatabase.pairs`, which documents them. `from_arguments` takes
    them as a user gives them.
    """

    pre_class: CellClass | None = None
    post_class: CellClass | None = None
    synapse: bool | None = None
    synapse_type: str | None = None
    synapse_probed: bool | None = None
    electrical: bool | None = None
    project_name: tuple[str, ...] | None = None
    checked_projects: bool = True
    acsf: tuple[str, ...] | None = None
    age: Limits | None = None
    species: tuple[str, ...] | None = None
    distance: Limits | None = None
    internal: tuple[str, ...] | None = None
    where: str | None = None

    @classmethod
    def from_arguments(
        cls, *, experiment_type: object = None, project_name: object = None, **arguments: Any
    ) -> PairFilter:
        """Return the filter for arguments as a user gives them.

        Raises
        ------
        ArgumentError
            A value is of another type, or two contradict each other.
        UnknownValueError
            No such synapse type or experiment type.
        """
        if experiment_type is not None and project_name is not None:
            raise ArgumentError(
                "experiment_type and project_name contradict each other: an experiment type stands "
                "for its projects. Give one of them."
            )
        projects = _texts(project_name, "project_name")
        if experiment_type is not None:
            projects = _projects_of(experiment_type)
        return cls(
            pre_class=as_cell_class(arguments.pop("pre_class", None), "pre_class"),
            post_class=as_cell_class(arguments.pop("post_class", None), "post_class"),
            synapse_type=_synapse_type(arguments.pop("synapse_type", None)),
            project_name=projects,
            checked_projects=experiment_type is None,
            **{name: _NORMAL[name](arguments.pop(name, None), name) for name in _NORMAL},
            where=_expression(arguments.pop("where", None)),
        )

    def mask(self, store: ColumnStore, within: Mask | None = None) -> Mask:
        """Return for each row of the pair table whether it passes.

        Parameters
        ----------
        store
            The tables of the release.
        within
            Rows that may pass at all; default all.
        """
        mask = np.ones(len(store.table("pair")), dtype=bool) if within is None else within.copy()
        for check in self._checks(store):
            mask &= check
        if self.where is not None:
            rows = np.flatnonzero(mask)
            mask[rows] = self.expression_mask(store, JoinedRows(store, "pair", rows))
        return mask

    def expression_mask(self, store: ColumnStore, pairs: JoinedRows) -> Mask:
        """Return for each of some pairs whether `where` is true."""
        text = self.where or "true"
        expression = parse(text)
        values = {
            name: pairs.series(*resolve_column(store, name, text)) for name in expression.names
        }
        return is_true(expression, values, len(pairs), store.reader.evaluator)

    def tables(self) -> list[str]:
        """Return the tables that decide, but for those of the classes and of `where`."""
        tables = ["pair", "cell", "experiment"]
        if self.species is not None or self.age is not None:
            tables.append("slice")
        return [*tables, "synapse"] if self.synapse_type is not None else tables

    def _checks(self, store: ColumnStore) -> Iterable[Mask]:
        # A pair without its cells or its experiment is no pair in the dataset's own queries.
        for alias in ("pre_cell", "post_cell", "experiment"):
            yield _rows(store, alias) >= 0
        yield from self._pair_checks(store)
        yield from self._experiment_checks(store)
        for cell_class, alias in ((self.pre_class, "pre_cell"), (self.post_class, "post_cell")):
            if cell_class is not None:
                yield _through(store, alias, class_members(store, cell_class))

    def _pair_checks(self, store: ColumnStore) -> Iterable[Mask]:
        pair = store.table("pair")
        if self.synapse is not None:
            yield _is(pair.values("has_synapse"), self.synapse)
        if self.electrical is not None:
            yield _is(pair.values("has_electrical"), self.electrical)
        if self.distance is not None:
            yield _between(pair.values("distance"), self.distance)
        if self.synapse_type is not None:
            yield _among(store, "synapse", "synapse_type", (self.synapse_type,))
        if self.synapse_probed is not None:
            yield probed(store) == self.synapse_probed

    def _experiment_checks(self, store: ColumnStore) -> Iterable[Mask]:
        if self.project_name is not None and self.checked_projects:
            require_projects(store, self.project_name)
        for names, alias, column in (
            (self.project_name, "experiment", "project_name"),
            (self.acsf, "experiment", "acsf"),
            (self.internal, "experiment", "internal"),
            (self.species, "slice", "species"),
        ):
            if names is not None:
                yield _among(store, alias, column, names)
        if self.age is not None:
            yield _through(store, "slice", _between(store.table("slice").values("age"), self.age))


def cells_of(store: ColumnStore) -> Cells:
    """Return all rows of the cell table as cells to classify."""
    aliases = store.aliases("cell")

    def lookup(column: Column) -> pd.Series:
        store.schema.table(column.table).column(column.name)
        rows = store.rows(aliases[column.table], "cell")
        return store.table(column.table).series(column.name, rows)

    return Cells(len(store.table("cell")), lookup, store.reader.evaluator)


def class_members(store: ColumnStore, cell_class: CellClass) -> Mask:
    """Return for each row of the cell table whether it belongs to the class."""
    return cell_class.members(cells_of(store))


def resolve_column(store: ColumnStore, name: Name, text: str) -> tuple[Alias, str]:
    """Return the table beside pair, and its column, that a dotted name in an expression means."""
    aliases = store.aliases("pair")
    spelled = {alias.name.casefold(): alias.name for alias in aliases}
    *prefix, column = name
    if len(prefix) > 1:
        raise UnknownColumnError(
            f"{'.'.join(name)!r} (in where={text!r}) is no column; write table.column, such as "
            "synapse.latency."
        )
    table_name = prefix[0] if prefix else "pair"
    require_in_version(store.schema, table_name)
    found = aliases.resolve(spelled.get(table_name.casefold(), table_name))
    if len(found) > 1:
        raise JoinError(
            f"{'.'.join(name)!r} (in where={text!r}) is known of both cells; write "
            f"{' or '.join(f'{alias.name}.{column}' for alias in found)}."
        )
    table = store.schema.table(found[0].table)
    columns = {known.casefold(): known for known in table.columns}
    columns |= {old.casefold(): new for old, new in table.native_names.items()}
    if column in table.elsewhere:
        table.column(column)
    if column.casefold() not in columns:
        raise UnknownColumnError(
            f"There is no column {'.'.join(name)!r} (in where={text!r}). "
            f"{did_you_mean(column, table.columns)}"
        )
    return found[0], columns[column.casefold()]


def _rows(store: ColumnStore, alias: str) -> Rows:
    return store.rows(store.aliases("pair")[alias], "pair")


def _through(store: ColumnStore, alias: str, mask: Mask) -> Mask:
    # The entry at the end is what row -1 picks: no such row, not true.
    return np.append(mask, False)[_rows(store, alias)]


def _is(values: Any, wanted: bool) -> Mask:
    result: Mask = values.to_numpy(dtype=bool, na_value=not wanted) == wanted
    return result


def _among(store: ColumnStore, alias: str, column: str, wanted: Sequence[str]) -> Mask:
    values = store.table(alias).texts(column)
    # Each distinct text is compared once; code -1, a missing one, picks the entry at the end.
    found = np.append(values.categories.isin(list(wanted)), False)
    return _through(store, alias, found[values.codes])


def _between(values: Any, limits: Limits) -> Mask:
    numbers = (
        values
        if isinstance(values, np.ndarray)
        else values.to_numpy(dtype=np.float64, na_value=np.nan)
    )
    least, most = limits
    mask: Mask = np.ones(len(numbers), dtype=bool)
    if least is not None:
        mask &= numbers >= least
    if most is not None:
        mask &= numbers <= most
    return mask


def require_projects(store: ColumnStore, names: Sequence[str]) -> None:
    """Raise `UnknownValueError` where a release lacks a project."""
    known = sorted(pd.Series(store.table("experiment").values("project_name")).dropna().unique())
    for name in names:
        if name not in known:
            raise UnknownValueError(
                f"There is no project {name!r} in this release. Projects: "
                f"{', '.join(map(repr, known)) or 'none'}."
            )


def _projects_of(experiment_type: object) -> tuple[str, ...]:
    if isinstance(experiment_type, str):
        projects = EXPERIMENT_TYPES.get(experiment_type.replace("_", " "))
        if projects is not None:
            return projects
    raise UnknownValueError(
        f"There is no experiment type {experiment_type!r}. Known: "
        f"{', '.join(map(repr, EXPERIMENT_TYPES))}; project_name= takes single projects."
    )


def _synapse_type(value: object) -> str | None:
    if value is None:
        return None
    if isinstance(value, str) and value in SYNAPSE_TYPES:
        return value
    raise UnknownValueError(
        f"There is no synapse type {value!r}. Known: {', '.join(map(repr, SYNAPSE_TYPES))}."
    )


def _truth(value: object, argument: str) -> bool | None:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, np.bool_):
        return bool(value)
    raise ArgumentError(f"{argument} takes True, False or None (no filter); got {value!r}.")


def _texts(value: object, argument: str) -> tuple[str, ...] | None:
    if value is None:
        return None
    if isinstance(value, str):
        return (value,)
    if isinstance(value, Iterable):
        texts = tuple(value)
        if all(isinstance(text, str) for text in texts):
            return texts
    raise ArgumentError(f"{argument} takes a text or a list of texts; got {value!r}.")


def _limits(value: object, argument: str) -> Limits | None:
    if value is None:
        return None
    if isinstance(value, tuple | list | np.ndarray) and len(value) == 2:
        least, most = (_limit(limit, argument) for limit in value)
        if least is not None and most is not None and least > most:
            raise ArgumentError(
                f"{argument} takes (min, max); got {value!r}, whose min is above its max."
            )
        return None if least is None and most is None else (least, most)
    raise ArgumentError(f"{argument} takes (min, max), either of which may be None; got {value!r}.")


def _limit(value: object, argument: str) -> float | None:
    if value is None:
        return None
    limit = math.nan
    if not isinstance(value, bool) and isinstance(value, Real):
        with suppress(OverflowError):
            limit = float(value)
    if not math.isnan(limit):
        return limit
    raise ArgumentError(f"{argument} takes numbers, or None for no limit; got {value!r}.")


def _expression(value: object) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str):
        raise ArgumentError(
            'where takes an SQL expression as text, such as "synapse.latency < 2e-3"; '
            f"got {value!r}."
        )
    return parse(value).text


_NORMAL: dict[str, Callable[[object, str], Any]] = {
    "synapse": _truth,
    "synapse_probed": _truth,
    "electrical": _truth,
    "acsf": _texts,
    "species": _texts,
    "internal": _texts,
    "age": _limits,
    "distance": _limits,
}
