"""How often cells of one class are connected to cells of another, with intervals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from ..columns import numbered
from ..errors import ArgumentError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .._typing import Floats, Mask, Rows


Kind = Literal["chemical", "electrical", "reciprocal"]

# Classes that are one number together.
_BITS = 48

# Beyond so many combinations of patterns, only those that occur are counted.
_MOST_COMBINATIONS = 100_000

COLUMNS = [
    "n_probed",
    "n_connected",
    "connection_probability",
    "ci_lower",
    "ci_upper",
    "adjusted_probability",
    "adjusted_ci_lower",
    "adjusted_ci_upper",
]


@dataclass(frozen=True, slots=True)
class Membership:
    """Which of some classes each row's cell belongs to; it may be several.

    Attributes
    ----------
    names
        The classes.
    patterns
        A row for each combination of classes that occurs, a column a class.
    codes
        For each row of the frame, its combination.
    """

    names: Sequence[str]
    patterns: Mask
    codes: np.ndarray[Any, np.dtype[np.intp]]

    @classmethod
    def of_matrix(
        cls, names: Sequence[str], matrix: Mask, rows: Sequence[np.ndarray[Any, Any]]
    ) -> list[Membership]:
        """Return the memberships of rows that each refer to a row of a matrix of cells x classes.

        Parameters
        ----------
        names
            The classes.
        matrix
            A row a cell, a column a class.
        rows
            Rows of the matrix, for each of the memberships.
        """
        if not matrix.size:
            nothing = np.zeros((1, len(names)), dtype=bool)
            return [cls(names, nothing, np.zeros(len(one), dtype=np.intp)) for one in rows]
        # Far fewer combinations occur than there are cells.
        codes = np.zeros(len(matrix), dtype=np.int64)
        for start in range(0, len(names), _BITS):
            bits = matrix[:, start : start + _BITS]
            # The product of whole numbers below 2**53 is exact as one of floats, and faster.
            number = (bits @ 2.0 ** np.arange(bits.shape[1])).astype(np.int64)
            number, distinct = numbered(number)
            codes, first = numbered(codes * len(distinct) + number)
        patterns = matrix[first]
        return [cls(names, patterns, codes[one]) for one in rows]

    @property
    def matrix(self) -> Mask:
        """A row a pair, a column a class: whether the cell belongs to it."""
        rows: Mask = self.patterns[self.codes]
        return rows

    def shared(self, other: np.ndarray[Any, np.dtype[np.intp]]) -> Membership:
        """Return the classes that each row's cell has in common with that of another row.

        Parameters
        ----------
        other
            The other row; where it is negative, any.
        """
        count = len(self.patterns)
        occurring, codes = np.unique(
            self.codes * count + self.codes[other] if len(other) else self.codes,
            return_inverse=True,
        )
        patterns = self.patterns[occurring // count] & self.patterns[occurring % count]
        return Membership(self.names, patterns, codes)


def combinations(pre: Membership, post: Membership) -> tuple[Rows, Rows, Rows]:
    """Return each row's combinations of a class of its cell before and one of its cell after.

    Returns
    -------
    rows, before, after
        Row, and places of the classes; in that order.
    """
    rows, before = np.nonzero(pre.matrix)
    after_rows, after = np.nonzero(post.matrix)
    begin = np.searchsorted(after_rows, np.arange(len(post.codes) + 1))
    # Each class before meets all classes after of its row.
    count = np.diff(begin)[rows]
    number = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
    return (
        np.repeat(rows, count),
        np.repeat(before, count),
        after[np.repeat(begin[rows], count) + number],
    )


def connection_interval(n_connected: Any, n_probed: Any, alpha: float = 0.05) -> tuple[Any, Any]:
    """Return the Clopper-Pearson interval of a connection probability.

    Parameters
    ----------
    n_connected, n_probed
        Counts; arrays give arrays.
    alpha
        0.05 for a 95 % interval.

    Returns
    -------
    lower, upper
        (0, 1) where nothing was probed.

    Notes
    -----
    Clopper and Pearson, Biometrika 26 (1934), from quantiles of the beta distribution. It covers at
    least 1 - alpha, more for small counts.

    Examples
    --------
    >>> lower, upper = connection_interval(12, 32)
    >>> float(lower.round(4)), float(upper.round(4))
    (0.211, 0.5631)
    """
    from scipy.special import betaincinv

    if not 0 < alpha < 1:
        raise ArgumentError(f"alpha takes a number between 0 and 1; got {alpha!r}.")
    hits, tries = np.asarray(n_connected, dtype=float), np.asarray(n_probed, dtype=float)
    misses = tries - hits
    # Where nothing or everything is connected, one of the limits is an end.
    lower = np.where(hits > 0, betaincinv(np.maximum(hits, 1), misses + 1, alpha / 2), 0.0)
    upper = np.where(misses > 0, betaincinv(hits + 1, np.maximum(misses, 1), 1 - alpha / 2), 1.0)
    return lower[()], upper[()]


def count_connectivity(
    pre: Membership,
    post: Membership,
    connected: Mask,
    distance: Floats | None,
    sigma: float | None,
    alpha: float,
) -> pd.DataFrame:
    """Return counts, probabilities and intervals for every combination of classes.

    Parameters
    ----------
    pre, post
        The classes of both cells of each pair that was probed.
    connected
        For each of these pairs.
    distance
        For the adjusted values; only finite ones count there.
    sigma
        Of the Gaussian profile, in metres; None leaves the adjusted values missing.
    alpha
        0.05 for 95 % intervals.
    """
    tested = Crossing(pre, post)
    n_probed, n_connected = tested.count(), tested.count(connected)
    lower, upper = connection_interval(n_connected, n_probed, alpha)
    with np.errstate(invalid="ignore", divide="ignore"):
        values = {
            "n_probed": n_probed.astype(np.int64),
            "n_connected": n_connected.astype(np.int64),
            "connection_probability": n_connected / n_probed,
            "ci_lower": lower,
            "ci_upper": upper,
        }
        missing = np.full(n_probed.shape, np.nan)
        adjusted = (missing, missing, missing)
        if sigma is not None and distance is not None:
            adjusted = _adjusted(tested, connected, distance, sigma, alpha)
    values |= dict(zip(COLUMNS[5:], adjusted, strict=True))
    index = _class_index(pre, post)
    return pd.DataFrame({name: table.ravel() for name, table in values.items()}, index=index)


def _class_index(pre: Membership, post: Membership) -> pd.MultiIndex:
    before, after = np.indices((len(pre.names), len(post.names)))
    return pd.MultiIndex(
        levels=[list(pre.names), list(post.names)],
        codes=[before.ravel().tolist(), after.ravel().tolist()],
        names=["pre_class", "post_class"],
    )


def _adjusted(
    tested: Crossing, hits: Mask, distance: Floats, sigma: float, alpha: float
) -> tuple[Floats, Floats, Floats]:
    # Probability and limits divided by the mean of the profile where it was looked at.
    known = np.isfinite(distance)
    profile = np.exp(-(np.where(known, distance, 0.0) ** 2) / (2 * sigma**2))
    n_probed = tested.count(known)
    n_connected = tested.count(known & hits)
    mean = tested.count(known, profile) / n_probed
    lower, upper = connection_interval(n_connected, n_probed, alpha)
    return n_connected / n_probed / mean, lower / mean, upper / mean


class Crossing:
    """Pairs by the classes of both their cells.

    Rows are counted by the combination of their cells' patterns, of which there are few; patterns
    are then counted for each of their classes. A cell of several classes counts in each.

    Parameters
    ----------
    pre, post
        The classes of both cells.
    rows
        The pairs that may count at all; default all.
    """

    def __init__(self, pre: Membership, post: Membership, rows: Mask | None = None) -> None:
        width = len(post.patterns)
        both = pre.codes * width + post.codes
        if rows is not None:
            both = both[rows]
        self._pre, self._post = pre.patterns.T.astype(float), post.patterns.astype(float)
        self._places = len(pre.patterns) * width
        self._are_all = self._places <= _MOST_COMBINATIONS
        if not self._are_all:
            occurring, both = np.unique(both, return_inverse=True)
            self._places = len(occurring)
            self._pre = self._pre[:, occurring // width]
            self._post = self._post[occurring % width]
        self._both = both

    def count(self, rows: Mask | None = None, weights: Floats | None = None) -> Floats:
        """Return the number, or the summed weight, of rows in each combination of classes.

        Parameters
        ----------
        rows
            Which of the pairs; default all.
        weights
            Of each of the pairs; default 1.
        """
        both = self._both if rows is None else self._both[rows]
        chosen = weights if weights is None or rows is None else weights[rows]
        counts = np.bincount(both, chosen, minlength=self._places).astype(np.float64)
        if self._are_all:
            by_pre: Floats = self._pre @ counts.reshape(self._pre.shape[1], len(self._post))
        else:
            by_pre = self._pre * counts
        product: Floats = by_pre @ self._post
        return product


def count_reciprocity(
    pre: Membership,
    post: Membership,
    probed: Mask,
    connected: Mask,
    partner: np.ndarray[Any, np.dtype[np.intp]],
) -> pd.DataFrame:
    """Return how often pairs tested both ways are connected not at all, one way, or both ways.

    Parameters
    ----------
    pre, post
        The classes of both cells.
    probed, connected
        For each ordered pair.
    partner
        The row of the pair the other way round, -1 where it is not there.

    Returns
    -------
    DataFrame
        By (pre_class, post_class): n_probed (pairs tested both ways, each once), n_none, n_one_way,
        n_both_ways, expected_both_ways (were both directions independent), ratio_to_chance.
    """
    both_there = probed & (partner >= 0)
    both_there[both_there] = probed[partner[both_there]]
    back = np.zeros(len(probed), dtype=bool)
    back[both_there] = connected[partner[both_there]]
    pre_turned, post_turned = (one.shared(partner) for one in (pre, post))

    one_way = Crossing(pre, post, both_there)
    whichever_way = Crossing(pre_turned, post_turned, both_there)

    def count(rows: Mask) -> Floats:
        chosen = rows[both_there]
        # A pair that is A to B whichever way it is read is met twice, once from each cell.
        return one_way.count(chosen) - whichever_way.count(chosen) / 2

    n_probed = count(both_there)
    forward, backward = count(both_there & connected), count(both_there & back)
    both = count(both_there & connected & back)
    with np.errstate(invalid="ignore", divide="ignore"):
        expected = forward * backward / n_probed
        values = {
            "n_probed": n_probed,
            "n_none": n_probed - forward - backward + both,
            "n_one_way": forward + backward - 2 * both,
            "n_both_ways": both,
            "expected_both_ways": expected,
            "ratio_to_chance": both / expected,
        }
    index = _class_index(pre, post)
    frame = pd.DataFrame({name: table.ravel() for name, table in values.items()}, index=index)
    counts = ["n_probed", "n_none", "n_one_way", "n_both_ways"]
    return frame.astype(dict.fromkeys(counts, np.int64))


def count_profile(
    groups: pd.DataFrame,
    edges: Floats,
    distance: Floats,
    connected: Mask,
    alpha: float,
) -> pd.DataFrame:
    """Return connection probability by distance, for each of some groups of pairs.

    Parameters
    ----------
    groups
        A row a pair, categorical columns that make the groups; without columns there is one.
    edges
        Of the bins, in metres; a bin has its lower edge, not its upper one.
    distance, connected
        For each pair.
    alpha
        0.05 for 95 % intervals.
    """
    place = np.searchsorted(edges, distance, side="right") - 1
    inside = np.isfinite(distance) & (place >= 0) & (place < len(edges) - 1)
    bins: Any = pd.IntervalIndex.from_breaks(edges, closed="left", name="distance")
    keys = [groups[name].array[inside] for name in groups]
    binned = pd.Categorical.from_codes(place[inside], categories=bins)
    counted = (
        pd.DataFrame({"n_probed": 1, "n_connected": connected[inside].astype(np.int64)})
        .groupby([*keys, binned], observed=False)
        .sum()
    )
    counted.index.names = [*groups.columns, "distance"]
    lower, upper = connection_interval(counted["n_connected"], counted["n_probed"], alpha)
    with np.errstate(invalid="ignore"):
        probability = counted["n_connected"] / counted["n_probed"]
    return counted.assign(connection_probability=probability, ci_lower=lower, ci_upper=upper)
