"""The maximum of the likelihood of a distance model, and its profile-likelihood intervals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .._apart import import_whole
from .distance_models import probabilities

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from .._typing import Floats, Mask
    from .distance_models import DistanceModel

    Interval = tuple[float, float]

# Keeps the logarithm of a probability finite.
MARGIN = 1e-12
_GRID = 96
_BINS = 256
_REFINED = 4
# In how many steps of the grid the best value of the other parameter is looked for first.
_NEAR = 4
# Half the 95 % quantile of chi-square with one degree of freedom.
_DROP = 1.920729410347062


@dataclass(frozen=True, slots=True)
class Maximum:
    """The best values of a model's parameters.

    Attributes
    ----------
    log_likelihood
        At these values.
    pmax, size
        The values.
    pmax_interval, size_interval
        95 %; NaN for a value that was given.
    at_bound
        Whether one of them is an end of the range that was searched.
    n_fitted
        How many of the two were not given.
    """

    log_likelihood: float
    pmax: float
    size: float
    pmax_interval: Interval
    size_interval: Interval
    at_bound: bool
    n_fitted: int


class LikelihoodSearch:
    """A grid over all of the parameters' range, then the best points refined.

    Parameters
    ----------
    model
        The model.
    distance
        Of each pair, in metres, finite and not negative.
    connected
        For each pair.
    fixed_max, fixed_size
        A value that is not searched but given.
    """

    def __init__(
        self,
        model: DistanceModel,
        distance: Floats,
        connected: Mask,
        *,
        fixed_max: float | None,
        fixed_size: float | None,
    ) -> None:
        self._model = model
        self._distance, self._connected = distance, connected
        self._fixed = (fixed_max, fixed_size)
        self._bounds: tuple[Interval, Interval] = (
            model.pmax_bounds if fixed_max is None else (fixed_max, fixed_max),
            model.size_bounds if fixed_size is None else (fixed_size, fixed_size),
        )
        self._middles, self._n_connected, self._n_unconnected = _binned(distance, connected)

    def maximum(self) -> Maximum:
        """Return the best values."""
        axes = [np.unique(np.geomspace(*bounds, _GRID)) for bounds in self._bounds]
        best, pmax, size = max(
            self._refined(axes[0][row], axes[1][column])
            for row, column in _peaks(self._grid(*axes), _REFINED)
        )
        at_bound = [
            fixed is None and bool(np.isclose(value, bounds, rtol=1e-3).any())
            for value, bounds, fixed in zip((pmax, size), self._bounds, self._fixed, strict=True)
        ]
        pmax_interval, size_interval = self._intervals(pmax, size, best)
        n_fitted = sum(value is None for value in self._fixed)
        return Maximum(best, pmax, size, pmax_interval, size_interval, any(at_bound), n_fitted)

    def _grid(self, pmax: Floats, size: Floats) -> Floats:
        """Return the log-likelihood at every combination, from binned distances."""
        table = np.empty((len(pmax), len(size)))
        for column, value in enumerate(size):
            p = self._probabilities(self._middles[None, :], pmax[:, None], value)
            table[:, column] = np.log(p) @ self._n_connected + np.log1p(-p) @ self._n_unconnected
        return table

    def _log_likelihood(self, pmax: float, size: float) -> float:
        p = self._probabilities(self._distance, pmax, size)
        return sum_log(p, self._connected)

    def _probabilities(self, distance: Floats, pmax: Floats | float, size: float) -> Floats:
        return probabilities(self._model, distance, pmax, size, margin=MARGIN)

    def _refined(self, pmax: float, size: float) -> tuple[float, float, float]:
        """Return the log-likelihood, pmax and size of the maximum near a point of the grid."""
        import_whole("scipy.optimize")
        from scipy.optimize import minimize

        bounds = np.log(self._bounds)
        nearest = minimize(
            lambda logs: -self._log_likelihood(*np.exp(logs)),
            np.log([pmax, size]).clip(bounds[:, 0], bounds[:, 1]),
            method="Nelder-Mead",
            bounds=bounds.tolist(),
            options={"xatol": 1e-6, "fatol": 1e-8, "maxiter": 400},
        )
        best = np.exp(nearest.x)
        return -float(nearest.fun), float(best[0]), float(best[1])

    def _intervals(self, pmax: float, size: float, most: float) -> list[Interval]:
        """Return where the profile of each value falls below the maximum by the 95 % drop.

        A grid over binned distances says between which points; where, the pairs themselves.
        """
        best = (pmax, size)
        axes = [
            np.unique(np.append(np.geomspace(*ends, _GRID), value))
            for ends, value in zip(self._bounds, best, strict=True)
        ]
        table = self._grid(*axes)
        intervals: list[Interval] = []
        for which, (axis, fixed) in enumerate(zip(axes, self._fixed, strict=True)):
            if fixed is not None:
                intervals.append((float("nan"), float("nan")))
                continue
            near = table.T if which else table
            profile = ProfileLikelihood(self._log_likelihood, which, axes, near, most - _DROP)
            inside = np.flatnonzero(near.max(axis=1) >= table.max() - _DROP)
            # The end of the range is looked at, also where the grid says that it is inside.
            below, above = (
                axis[: max(inside[0], 1)][::-1],
                axis[min(inside[-1] + 1, len(axis) - 1) :],
            )
            intervals.append((profile.end(best[which], below), profile.end(best[which], above)))
        return intervals


class ProfileLikelihood:
    """The likelihood of one parameter, the other at its best, less what an interval may lack.

    Parameters
    ----------
    log_likelihood
        Of pmax and size.
    which
        0 for pmax, 1 for size.
    axes, table
        Values of both, and about how likely each combination is, by rows of this parameter.
    least
        The log-likelihood at the ends of the interval.
    """

    def __init__(
        self,
        log_likelihood: Callable[[float, float], float],
        which: int,
        axes: Sequence[Floats],
        table: Floats,
        least: float,
    ) -> None:
        self._log_likelihood, self._which, self._least = log_likelihood, which, least
        self._axis, self._other = np.log(axes[which]), np.log(axes[1 - which])
        self._best_other = table.argmax(axis=1)

    def end(self, best: float, outward: Floats) -> float:
        """Return the end of the interval on one side of the best value.

        Parameters
        ----------
        best
            The value at the maximum.
        outward
            Values that are probably outside, the nearest first; the last is the end of the range.
        """
        import_whole("scipy.optimize")
        from scipy.optimize import brentq

        inside = np.log(best)
        for outside in np.log(outward):
            if self._excess(outside) < 0:
                return float(np.exp(brentq(self._excess, inside, outside, xtol=1e-5)))
            inside = outside
        return float(outward[-1])

    def _excess(self, value: float) -> float:
        """Return how far the profile at the logarithm of a value is above the least."""
        import_whole("scipy.optimize")
        from scipy.optimize import minimize_scalar

        others = self._other
        if len(others) == 1:
            return self._at(value, others[0]) - self._least
        place = int(self._best_other[np.abs(self._axis - value).argmin()])
        last = len(others) - 1
        for steps in (_NEAR, last):
            ends = [max(place - steps, 0), min(place + steps, last)]
            nearest = minimize_scalar(
                lambda other: -self._at(value, other),
                bounds=others[ends],
                method="bounded",
                options={"xatol": 1e-4},
            )
            inner = [others[end] for end in ends if 0 < end < last]
            if not np.isclose(nearest.x, inner, rtol=0, atol=1e-3).any():
                break
        # The search comes near the ends of the range, but does not try them.
        limits = [self._at(value, others[end]) for end in ends if end in (0, last)]
        return max([-float(nearest.fun), *limits]) - self._least

    def _at(self, value: float, other: float) -> float:
        pair = (value, other) if self._which == 0 else (other, value)
        return self._log_likelihood(float(np.exp(pair[0])), float(np.exp(pair[1])))


def sum_log(p: Floats, connected: Mask) -> float:
    """Return the log-likelihood of pairs, given the probability that each is connected."""
    return float(np.log(p[connected]).sum() + np.log1p(-p[~connected]).sum())


def _binned(distance: Floats, connected: Mask) -> tuple[Floats, Floats, Floats]:
    """Return at most 256 distances, and how many pairs at each are connected and not."""
    order = np.argsort(distance)
    groups = np.array_split(order, min(len(distance), _BINS))
    middles = np.array([distance[group].mean() for group in groups])
    n_connected = np.array([connected[group].sum() for group in groups], dtype=np.float64)
    return middles, n_connected, np.array([len(group) for group in groups]) - n_connected


def _peaks(table: Floats, count: int) -> list[tuple[int, int]]:
    """Return the highest local maxima of a table, the highest point among them."""
    padded = np.pad(table, 1, constant_values=-np.inf)
    neighbours = [
        padded[1 + row : padded.shape[0] - 1 + row, 1 + column : padded.shape[1] - 1 + column]
        for row in (-1, 0, 1)
        for column in (-1, 0, 1)
    ]
    peaks = np.argwhere(table >= np.max(neighbours, axis=0))
    peaks = peaks[np.argsort(-table[tuple(peaks.T)], kind="stable")]
    return [(int(row), int(column)) for row, column in peaks[:count]]
