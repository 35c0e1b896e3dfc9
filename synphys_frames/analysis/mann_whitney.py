"""Mann-Whitney tests between all pairs of some groups, without a pass over each pair.

`scipy.stats` has the test of one pair; importing it takes longer than all of these.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .._apart import import_whole

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .._typing import Floats


# As in scipy.stats.mannwhitneyu: exact where a group has no more values than this, without ties.
_FEW = 8


def rank_tests(groups: Sequence[Floats]) -> tuple[Floats, Floats]:
    """Return two-sided Mann-Whitney tests between all pairs of groups.

    Parameters
    ----------
    groups
        The values of each group, none missing, at least one in each.

    Returns
    -------
    statistic
        U of the row's group against the column's.
    p_value
        Exact where a group has at most 8 values and none is tied, else by the normal approximation
        with corrections for ties and continuity.

    Notes
    -----
    The distribution of U without ties follows Mann and Whitney's recurrence.

    References
    ----------
    Mann and Whitney, Annals of Mathematical Statistics 18, 50-60 (1947).

    Examples
    --------
    >>> statistic, p_value = rank_tests([np.array([1.0, 2.0, 3.0]), np.array([4.0, 5.0])])
    >>> float(statistic[0, 1]), float(p_value[0, 1].round(3))
    (0.0, 0.2)
    """
    sizes = np.array([len(group) for group in groups], dtype=np.float64)
    if not len(groups):
        return np.empty((0, 0)), np.empty((0, 0))
    statistic, ties = _statistics(groups)
    n, m = np.meshgrid(sizes, sizes, indexing="ij")
    greater = np.maximum(statistic, n * m - statistic)
    p_value = _approximate(greater, ties, n, m)
    exact = (np.minimum(n, m) <= _FEW) & (ties == 0)
    np.fill_diagonal(exact, val=False)
    p_value[exact] = _exact(greater[exact], n[exact], m[exact])
    return statistic, p_value


def _statistics(groups: Sequence[Floats]) -> tuple[Floats, Floats]:
    """Return U, and the sum of t³ - t over the tied values of both groups, for all pairs."""
    values = np.concatenate(groups)
    begins = np.cumsum([0, *(len(group) for group in groups[:-1])])
    sorted_groups = [np.sort(group) for group in groups]

    def counts(group: Floats) -> tuple[Floats, Floats]:
        before = np.searchsorted(group, values, "left")
        equal = np.searchsorted(group, values, "right") - before
        return before.astype(np.float64), equal.astype(np.float64)

    counted = [counts(group) for group in sorted_groups]
    stops = [*begins[1:], len(values)]
    own = np.concatenate(
        [
            equal[slice(*ends)]
            for ends, (_, equal) in zip(zip(begins, stops, strict=True), counted, strict=True)
        ]
    )
    shape = (len(groups), len(groups))
    statistic, shared = np.empty(shape), np.empty(shape)
    for column, (before, equal) in enumerate(counted):
        statistic[:, column] = np.add.reduceat(before + equal / 2, begins)
        # Of a value that occurs a and b times, (a + b)³ - (a + b) is (a³ - a) + (b³ - b) + this:
        # 3 a b (a + b), which is met a times.
        shared[:, column] = np.add.reduceat(3 * equal * (own + equal), begins)
    alone = np.add.reduceat(own**2 - 1, begins)
    return statistic, shared + alone[:, None] + alone[None, :]


def _approximate(greater: Floats, ties: Floats, n: Floats, m: Floats) -> Floats:
    import_whole("scipy.special")
    from scipy.special import ndtr

    total = n + m
    with np.errstate(divide="ignore", invalid="ignore"):
        spread = np.sqrt(n * m / 12 * (total + 1 - ties / (total * (total - 1))))
        distance = (greater - n * m / 2 - 0.5) / spread
    p_value: Floats = np.clip(2 * ndtr(-distance), 0.0, 1.0)
    return p_value


def _exact(greater: Floats, n: Floats, m: Floats) -> Floats:
    """Return twice the probability of at least this U, without ties."""
    few, many = np.minimum(n, m).astype(int), np.maximum(n, m).astype(int)
    p_value = np.empty(len(greater))
    # ways[k][u]: in how many orders k values and the larger group's have U = u.
    ways = [np.ones(1)] * (_FEW + 1)
    for larger in range(1, int(many.max(initial=0)) + 1):
        # The largest of all values is the larger group's, and adds nothing to U, or the smaller
        # group's, and adds the larger group's number.
        for smaller in range(1, _FEW + 1):
            longer = np.zeros(smaller * larger + 1)
            longer[: len(ways[smaller])] = ways[smaller]
            longer[larger:] += ways[smaller - 1]
            ways[smaller] = longer
        for smaller in np.unique(few[many == larger]):
            tests = (many == larger) & (few == smaller)
            at_least = np.cumsum(ways[smaller][::-1])[::-1]
            p_value[tests] = 2 * at_least[greater[tests].astype(int)] / at_least[0]
    return np.minimum(p_value, 1.0)
