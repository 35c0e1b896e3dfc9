"""A frame of pairs, asked for columns and classes that it may have itself or in its database."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ..backends import evaluating_connection
from ..columns import distinct_rows, factorized, stacked, values_at
from ..database import database_of, open_database_of
from ..errors import ArgumentError, ProvenanceError, RepeatedPairsError, UnknownColumnError
from ..query import (
    Cells,
    class_columns,
    class_members,
    frame_column,
    frame_criteria,
    id_column,
    ids_of,
    integers,
    label_of,
    named_classes,
    require_few,
    single,
    store_lookup,
)
from ..schema import NEWEST, Column, published_schema
from .membership import Membership

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import duckdb

    from .._typing import Floats, Mask, Rows, Values
    from ..database import Release, SynphysDatabase
    from ..query import CellClass, Lookup, Side


SIDES: tuple[Side, Side] = ("pre", "post")


class PairFrame:
    """A frame whose rows are pairs.

    Parameters
    ----------
    frame
        Wide or plain, from a release or from anywhere.
    db
        Its database, where the frame does not know it. It is asked only for what the frame does not
        have.
    """

    def __init__(self, frame: pd.DataFrame, db: SynphysDatabase | None = None) -> None:
        self.frame = frame
        self._db = db
        self._release: Release | None = None

    def __len__(self) -> int:
        return len(self.frame)

    def values(self, name: str) -> pd.Series:
        """Return a column of pair, row by row, from the frame or by pair id from the database."""
        published = published_schema(NEWEST).table("pair").columns.get(name)
        for label in (f"pair.{name}", name):
            if label in self.frame.columns:
                if published is None:
                    return single(self.frame, label)
                return frame_column(self.frame, label, published)
        store = self._database(f"pair.{name}").store
        store.schema.table("pair").column(name)
        rows = store.index("pair", "id").rows(*ids_of(self.frame, "pair"))
        return pd.Series(store.table("pair").take(name, rows), index=self.frame.index)

    def partner(self) -> Rows:
        """Return the row of each pair the other way round.

        -1 where it is not in the frame, and for the pair of a cell with itself.

        Raises
        ------
        RepeatedPairsError
            Two rows are of the same two cells: their ids may be those of two releases.
        """
        ids = [integers(self.values(f"{side}_cell_id").array, f"{side}_cell_id") for side in SIDES]
        # Ids may be too large to multiply; their codes are not.
        codes, cells = pd.factorize(np.concatenate([values for values, _ in ids]))
        pre, post = codes[: len(self)], codes[len(self) :]
        forward, backward = pre * len(cells) + post, post * len(cells) + pre
        usable = ~(ids[0][1] | ids[1][1]) & (pre != post)
        rows = np.flatnonzero(usable)
        partner = np.full(len(self), -1, dtype=np.intp)
        there = pd.Index(forward[rows])
        if not there.is_unique:
            row = rows[there.duplicated()][0]
            raise RepeatedPairsError(
                f"{int(there.duplicated().sum())} rows of this frame are of two cells that another "
                f"row is of already (cells {ids[0][0][row]} and {ids[1][0][row]}, for one). Ids "
                "mean something only within one release: count each release by itself."
            )
        # -1, for a pair that is not there, picks the -1 at the end.
        positions = there.get_indexer(backward[rows])
        partner[rows] = np.append(rows, -1)[positions]
        return partner

    def cell_values(self, side: Side, name: str) -> pd.Series:
        """Return a column of one side's cells, from the frame or from the database."""
        column = published_schema(NEWEST).table("cell").columns[name]
        label = label_of(column, side)
        if label in self.frame.columns:
            return frame_column(self.frame, label, column)
        lookup = self._elsewhere(self._cell_ids([side], column), label)
        return lookup(column).set_axis(self.frame.index)

    def on_cells(
        self,
        sides: Sequence[Side],
        classes: Sequence[CellClass],
        decide: Callable[[Cells], Values],
        rows: Rows | None = None,
    ) -> tuple[Values, list[Rows]]:
        """Return what is decided of the distinct cells, and which of them each side's rows have.

        Parameters
        ----------
        sides
            Which of the two cells; both together where the frame has the same columns of both.
        classes
            What the cells are asked for.
        decide
            Gives a value, or a row of them, for each cell.
        rows
            The rows that are asked for; default all.
        """
        criteria = frame_criteria(
            self.frame, sides, lambda label: self._database(label).store.schema
        )
        needed = {
            column for cell_class in classes for column in class_columns(cell_class, criteria)
        }
        in_frame = [
            {column for column in needed if label_of(column, side) in self.frame.columns}
            for side in sides
        ]
        if in_frame[0] != in_frame[-1]:
            pre, [pre_cells] = self.on_cells(sides[:1], classes, decide, rows)
            post, [post_cells] = self.on_cells(sides[1:], classes, decide, rows)
            return np.concatenate([pre, post]), [pre_cells, post_cells + len(pre)]
        coded = {
            column: factorized([self._criterion(column, side) for side in sides], rows)
            for column in in_frame[0]
        }
        deciding = list(coded.values())
        lacking = needed - in_frame[0]
        ids = self._cell_ids(sides, next(iter(lacking)), rows) if lacking else None
        if ids is not None:
            deciding.append(factorized([ids]))
        count = len(self) if rows is None else len(rows)
        first, inverse = distinct_rows(
            [(codes, len(distinct)) for codes, distinct in deciding], count * len(sides)
        )
        elsewhere = None
        if ids is not None:
            label = label_of(next(iter(lacking)), sides[0])
            elsewhere = self._elsewhere(ids.iloc[first], label)

        @cache
        def lookup(column: Column) -> pd.Series:
            if column in coded:
                codes, distinct = coded[column]
                return values_at(codes[first], distinct, is_text=column.facts.storage == "texts")
            if elsewhere is None:
                raise UnknownColumnError(f"There is no column {label_of(column, sides[0])!r}.")
            return elsewhere(column)

        release = open_database_of(self.frame, self._db)
        told = set() if release is None else release.store.told
        cells = Cells(len(first), lookup, self._evaluator(), criteria, told)
        decided = decide(cells)
        if elsewhere is not None:
            # Comparing texts of the database has made Python objects of them, which take memory.
            self._database(label).store.make_room()
        return decided, np.split(inverse, len(sides))

    def _criterion(self, column: Column, side: Side) -> pd.Series:
        label = label_of(column, side)
        return frame_column(self.frame, label, column)

    def _evaluator(self) -> Callable[[], duckdb.DuckDBPyConnection]:
        """Return what gives a DuckDB connection: to start DuckDB takes longer than most classes."""
        database = open_database_of(self.frame, self._db)
        if database is None:
            return cache(evaluating_connection)
        return database.store.reader.evaluator

    def memberships(
        self, pre: object, post: object, rows: Rows | None = None
    ) -> tuple[Membership, Membership]:
        """Return which classes the cells of each row belong to, on both sides.

        Parameters
        ----------
        pre, post
            Classes by name, a list of classes, or a column of the frame that holds their names.
        rows
            The rows that are asked for; default all.
        """
        if pre is post and not isinstance(pre, str):
            first, second = self._of_classes(SIDES, pre, rows)
            return first, second
        return self._membership("pre", pre, rows), self._membership("post", post, rows)

    def _membership(self, side: Side, classes: object, rows: Rows | None) -> Membership:
        if isinstance(classes, str):
            return self._of_column(classes, rows)
        [membership] = self._of_classes([side], classes, rows)
        return membership

    def _of_classes(
        self, sides: Sequence[Side], classes: object, rows: Rows | None
    ) -> list[Membership]:
        named = named_classes(classes)
        if not named:
            raise ArgumentError("classes takes at least one class; got none.")
        members = list(named.values())

        def decide(cells: Cells) -> Values:
            return np.column_stack([class_members(cell_class, cells) for cell_class in members])

        matrix, cells_of = self.on_cells(sides, members, decide, rows)
        return Membership.of_matrix(list(named), matrix, cells_of)

    def _of_column(self, name: str, rows: Rows | None) -> Membership:
        if name not in self.frame.columns:
            raise UnknownColumnError(
                f"The frame has no column {name!r} with classes; classes takes the name of one, "
                "or classes by name."
            )
        values = single(self.frame, name)
        if not isinstance(values.dtype, pd.CategoricalDtype):
            values = values.astype("category")
        # Codes are multiplied by each other later: pandas' int8 would overflow.
        codes = values.cat.codes.to_numpy().astype(np.intp)
        codes = codes if rows is None else codes[rows]
        names = [str(category) for category in values.cat.categories]
        if len(set(names)) < len(names):
            raise ArgumentError(f"The classes in column {name!r} have no distinct names: {names}.")
        require_few(len(names), f"The column {name!r}")
        # A row of False at the end is the pattern of cells without a class, code -1.
        patterns = np.eye(len(names) + 1, len(names), dtype=bool)
        return Membership(names, patterns, np.where(codes < 0, len(names), codes))

    def _database(self, label: str) -> Release:
        # Whether the frame's rows are those of the release is looked at once.
        if self._release is not None:
            return self._release
        try:
            self._release = database_of(self.frame, self._db)
        except ProvenanceError as error:
            raise ProvenanceError(
                f"The frame has no column {label!r}, and its database can't be asked: {error}"
            ) from error
        return self._release

    def _cell_ids(
        self, sides: Sequence[Side], lacking: Column, rows: Rows | None = None
    ) -> pd.Series:
        id_columns = [id_column(self.frame.columns, side) for side in sides]
        labels = [label for label in id_columns if label is not None]
        if len(labels) < len(sides):
            raise ProvenanceError(
                f"The frame has no column {label_of(lacking, sides[0])!r}, nor the ids of the "
                'cells to look it up by. include="cell" puts the columns there.'
            )
        return stacked([single(self.frame, label) for label in labels], rows)

    def _elsewhere(self, ids: pd.Series, label: str) -> Lookup:
        """Return what gives the columns of the cells with these ids from the database."""
        return store_lookup(self._database(label).store, *integers(ids.array, str(ids.name)))


def numbers(values: pd.Series) -> Floats:
    """Return a column as floats, NaN where it is missing."""
    return values.to_numpy(dtype=np.float64, na_value=np.nan)


def truths(values: pd.Series) -> Mask:
    """Return whether each value is true; missing is not."""
    is_nullable = isinstance(values.dtype, pd.BooleanDtype)
    array = values.array if is_nullable else values.astype("boolean").array
    return array.to_numpy(dtype=bool, na_value=False)
