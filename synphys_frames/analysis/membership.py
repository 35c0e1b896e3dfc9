"""Which classes the cells of pairs belong to, and pairs counted by the classes of both cells."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..columns import numbered

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .._typing import Floats, Mask, Rows


# So many truths are packed into one whole number, which a float still holds exactly.
_BITS = 48

# Above this, a table of all combinations of two patterns would be mostly zeros.
_LARGEST_TABLE = 100_000


@dataclass(frozen=True, slots=True)
class Membership:
    """Which of some classes each row's cell belongs to; it may be several.

    Attributes
    ----------
    names
        The classes.
    patterns
        The sets of classes that occur: a row a set, a column a class.
    codes
        For each row of the frame, the row of `patterns` that its cell has.
    """

    names: Sequence[str]
    patterns: Mask
    codes: Rows

    @classmethod
    def of_matrix(
        cls, names: Sequence[str], matrix: Mask, cells_of: Sequence[Rows]
    ) -> list[Membership]:
        """Return memberships of rows that each refer to a row of a matrix of cells x classes.

        Parameters
        ----------
        names
            The classes.
        matrix
            A row a cell, a column a class.
        cells_of
            For each of the memberships, its rows' cells, as rows of the matrix.
        """
        if not matrix.size:
            no_class = np.zeros((1, len(names)), dtype=bool)
            return [cls(names, no_class, np.zeros(len(cells), dtype=np.intp)) for cells in cells_of]
        # There are far fewer patterns than cells.
        codes = np.zeros(len(matrix), dtype=np.int64)
        for start in range(0, len(names), _BITS):
            bits = matrix[:, start : start + _BITS]
            # A product of floats runs in BLAS, one of integers does not.
            packed, distinct = numbered((bits @ 2.0 ** np.arange(bits.shape[1])).astype(np.int64))
            codes, first = numbered(codes * len(distinct) + packed)
        patterns = matrix[first]
        return [cls(names, patterns, codes[cells]) for cells in cells_of]

    @classmethod
    def of_one_class(cls, count: int) -> Membership:
        """Return that of rows whose cells all are in one and the same class."""
        return cls(["all"], np.ones((1, 1), dtype=bool), np.zeros(count, dtype=np.intp))

    @property
    def matrix(self) -> Mask:
        """A row a pair, a column a class: whether the cell belongs to it."""
        rows: Mask = self.patterns[self.codes]
        return rows

    def members(self, place: int) -> Mask:
        """Return whether each row's cell belongs to the class at this place."""
        column: Mask = self.patterns[:, place][self.codes]
        return column

    def shared(self, other: Rows) -> Membership:
        """Return the classes that each row's cell has in common with that of another row.

        Parameters
        ----------
        other
            The other row; where it is negative, the result is that of any row.
        """
        width = len(self.patterns)
        occurring, codes = np.unique(
            self.codes * width + self.codes[other] if len(other) else self.codes,
            return_inverse=True,
        )
        patterns = self.patterns[occurring // width] & self.patterns[occurring % width]
        return Membership(self.names, patterns, codes)


class Crossing:
    """Pairs by the classes of both their cells.

    Rows are counted by their cells' patterns, of which there are few, and the patterns then by
    their classes. A cell of several classes counts in each.

    Parameters
    ----------
    pre, post
        The classes of both cells.
    rows
        The pairs that may count at all; default all.
    """

    def __init__(self, pre: Membership, post: Membership, rows: Mask | None = None) -> None:
        width = len(post.patterns)
        codes = pre.codes * width + post.codes
        if rows is not None:
            codes = codes[rows]
        self._pre, self._post = pre.patterns.T.astype(float), post.patterns.astype(float)
        self._places = len(pre.patterns) * width
        self._is_table = self._places <= _LARGEST_TABLE
        if not self._is_table:
            occurring, codes = np.unique(codes, return_inverse=True)
            self._places = len(occurring)
            self._pre = self._pre[:, occurring // width]
            self._post = self._post[occurring % width]
        self._codes = codes

    def count(self, rows: Mask | Rows | None = None, weights: Floats | None = None) -> Floats:
        """Return the number, or the summed weight, of rows in each combination of classes.

        Parameters
        ----------
        rows
            Which of the pairs; default all.
        weights
            Of each of the pairs; default 1.

        Returns
        -------
        Floats
            Presynaptic classes down, postsynaptic across. Numbers are whole.
        """
        codes = self._codes if rows is None else self._codes[rows]
        chosen = weights if weights is None or rows is None else weights[rows]
        sums = np.bincount(codes, chosen, minlength=self._places).astype(np.float64)
        if self._is_table:
            by_pre: Floats = self._pre @ sums.reshape(self._pre.shape[1], len(self._post))
        else:
            by_pre = self._pre * sums
        product: Floats = by_pre @ self._post
        return product
