"""How connection probability falls with distance: models fitted by maximum likelihood."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from ..errors import ArgumentError

if TYPE_CHECKING:
    from collections.abc import Callable

    from .._typing import Floats, Mask


Model = Literal["gaussian", "exponential", "linear", "sphere"]
Status = Literal[
    "fitted",
    "at a bound",
    "no pairs",
    "too few pairs",
    "none connected",
    "all connected",
    "one distance",
]

_PMAX_BOUNDS = (1e-3, 1.0)
_SIZE_BOUNDS = (10e-6, 1e-3)
_FLOOR = 0.005
_LEAST_PAIRS = 10
_GRID = 96
_BINS = 256
_REFINED = 4
# Half the 95 % quantile of chi-square with one degree of freedom.
_DROP = 1.920729410347062
_TINY = 1e-12


def _gaussian(distance: Any, pmax: Any, size: Any) -> Any:
    return pmax * np.exp(-(distance**2) / (2 * size**2))


def _exponential(distance: Any, pmax: Any, size: Any) -> Any:
    return pmax * np.exp(-distance / size)


def _linear(distance: Any, pmax: Any, size: Any) -> Any:
    return np.clip(pmax * (size - distance) / size, _FLOOR, 1.0)


def _sphere(distance: Any, pmax: Any, size: Any) -> Any:
    # Share of a sphere's volume that it has in common with another at this distance.
    ratio = np.minimum(distance / size, 2)
    overlap = 1 - 0.75 * ratio + ratio**3 / 16
    # No synapse where a Poisson process in the overlap has no event.
    none = np.exp(overlap * np.log1p(-np.minimum(pmax, 1 - _TINY)))
    return np.clip(1 - none, _FLOOR, 1.0)


_MODELS: dict[Model, Callable[[Any, Any, Any], Any]] = {
    "gaussian": _gaussian,
    "exponential": _exponential,
    "linear": _linear,
    "sphere": _sphere,
}


@dataclass(frozen=True, slots=True)
class DistanceFit:
    """A model of connection probability over distance, fitted to pairs.

    Attributes
    ----------
    model
        gaussian, exponential, linear or sphere.
    status
        "fitted"; "at a bound" where the best value is an end of the range searched; else why there
        is no fit: "no pairs", "too few pairs" (under 10), "none connected", "all connected",
        "one distance" (all pairs are equally far, which does not tell how the probability falls).
    pmax
        Probability at distance 0; 0 where none are connected.
    size
        In metres: sigma of the Gaussian, tau of the exponential, distance at which the line is 0,
        radius of the sphere. NaN where it can't be told.
    pmax_interval, size_interval
        95 % profile-likelihood intervals; an end of the range searched where the likelihood does
        not fall enough before it. NaN for a value that was given.
    log_likelihood, aic
        At the fitted values; AIC counts the values that were fitted.
    n_probed, n_connected
        Pairs with a finite distance.
    """

    model: Model
    status: Status
    pmax: float
    size: float
    pmax_interval: tuple[float, float]
    size_interval: tuple[float, float]
    log_likelihood: float
    aic: float
    n_probed: int
    n_connected: int

    def predict(self, distance: Any) -> Any:
        """Return the probability at distances in metres; NaN where there is no fit.

        Examples
        --------
        >>> fit = DistanceFit("gaussian", "fitted", 0.2, 1e-4, (0, 1), (0, 1), 0, 0, 9, 9)
        >>> float(fit.predict(1e-4).round(4))
        0.1213
        """
        where = np.abs(_floats(distance))
        predicted = np.full(where.shape, np.nan)
        known = ~np.isnan(where)
        if self.status == "none connected":
            predicted[known] = 0.0
        elif not np.isnan(self.pmax + self.size):
            pmax, size = np.float64(self.pmax), np.float64(self.size)
            predicted[known] = _MODELS[self.model](where[known], pmax, size)
        return predicted[()]


def fit_probability(
    distance: Any,
    connected: Any,
    model: Model = "gaussian",
    *,
    fixed_size: float | None = None,
    fixed_max: float | None = None,
) -> DistanceFit:
    """Fit a model of connection probability over distance by maximum likelihood.

    Parameters
    ----------
    distance
        Of probed pairs, in metres, whatever its sign; pairs whose is not finite are left out.
    connected
        Whether each pair is; a missing value is not.
    model
        With pmax the probability at distance 0 and x the distance, p(x) is

        - gaussian: pmax exp(-x² / 2 size²)
        - exponential: pmax exp(-x / size)
        - linear: pmax (1 - x / size), not below 0.005
        - sphere: 1 - (1 - pmax)^v, v the share of a sphere of radius size that it has in common
          with another at distance x, 1 - 3x/4size + x³/16size³; not below 0.005
    fixed_size, fixed_max
        A value that is not fitted but given.

    Returns
    -------
    DistanceFit
        Data from which nothing can be fitted give a result whose `status` says so.

    Raises
    ------
    ArgumentError
        There is no such model, the arrays differ in length, or connected is neither true nor false.

    Notes
    -----
    The likelihood is that of independent yes-or-no trials. It can have several maxima, so all of
    pmax in [0.001, 1] and size in [10 µm, 1 mm] is searched on a logarithmic grid, and the best
    points are refined on the pairs themselves. The floor of the linear and sphere models keeps a
    connection beyond the model's reach from being impossible. The intervals are profile-likelihood
    intervals (Venzon and Moolgavkar, Applied Statistics 37, 1988); with few connections, size is
    often not bounded from above.

    Examples
    --------
    >>> distance = np.linspace(10e-6, 300e-6, 400)
    >>> connected = np.arange(400) % 5 == 0
    >>> connected &= distance < 150e-6
    >>> fit_probability(distance, connected).status
    'fitted'
    """
    if model not in _MODELS:
        raise ArgumentError(f"model takes {', '.join(map(repr, _MODELS))}; got {model!r}.")
    x, hit = np.abs(_floats(distance)), _truths(connected)
    if x.shape != hit.shape or x.ndim != 1:
        raise ArgumentError(
            f"distance and connected must be of one length; got {x.shape} and {hit.shape}."
        )
    _check_fixed(fixed_size, "fixed_size", _SIZE_BOUNDS[1] * 10)
    _check_fixed(fixed_max, "fixed_max", 1.0)
    finite = np.isfinite(x)
    x, hit = x[finite], hit[finite]
    # Pairs at one distance tell one value, given the other; at no distance, only the maximum.
    alike = len(x) > 0 and bool((x == x[0]).all())
    told = fixed_size is not None or (fixed_max is not None and len(x) > 0 and x[0] > 0)
    status = _unfit(hit) or ("one distance" if alike and not told else None)
    if status is not None:
        return _no_fit(model, status, hit)
    return _Search(model, x, hit, fixed_size, fixed_max).result()


def _floats(values: Any) -> Floats:
    """Return numbers of any shape as floats, NaN where they are missing."""
    if isinstance(values, pd.Series | pd.Index) or pd.api.types.is_extension_array_dtype(values):
        found: Floats = pd.Series(values).to_numpy(dtype=np.float64, na_value=np.nan)
        return found
    return np.asarray(values, dtype=np.float64)


def _truths(values: Any) -> Mask:
    if np.ndim(values) != 1:
        return np.asarray(values, dtype=bool)
    try:
        known: Any = pd.array(values, dtype="boolean")
    except (TypeError, ValueError) as error:
        raise ArgumentError("connected takes true or false for each pair, or 1 and 0.") from error
    found: Mask = known.to_numpy(dtype=bool, na_value=False)
    return found


def _check_fixed(value: float | None, name: str, most: float) -> None:
    if value is not None and not 0 < value <= most:
        raise ArgumentError(f"{name} takes a number above 0 and at most {most:g}; got {value!r}.")


def _unfit(hit: Mask) -> Status | None:
    if not len(hit):
        return "no pairs"
    if len(hit) < _LEAST_PAIRS:
        return "too few pairs"
    if not hit.any():
        return "none connected"
    return "all connected" if hit.all() else None


def _no_fit(model: Model, status: Status, hit: Mask) -> DistanceFit:
    from .counts import connection_interval

    nothing = (float("nan"), float("nan"))
    interval = connection_interval(hit.sum(), len(hit)) if len(hit) else (0.0, 1.0)
    pmax = {"none connected": 0.0, "all connected": 1.0}.get(status, float("nan"))
    likelihood = 0.0 if status in ("none connected", "all connected") else float("nan")
    return DistanceFit(
        model,
        status,
        pmax,
        float("nan"),
        (float(interval[0]), float(interval[1])),
        nothing,
        likelihood,
        float("nan"),
        len(hit),
        int(hit.sum()),
    )


class _Search:
    """One fit: a grid over everything, then the best points refined."""

    def __init__(
        self, model: Model, x: Floats, hit: Mask, size: float | None, pmax: float | None
    ) -> None:
        self._model = model
        self._x, self._hit = x, hit
        self._fixed = (pmax, size)
        self._where, self._hits, self._misses = _binned(x, hit)

    def _bounds(self, position: int) -> tuple[float, float]:
        fixed = self._fixed[position]
        return (fixed, fixed) if fixed is not None else (_PMAX_BOUNDS, _SIZE_BOUNDS)[position]

    def _likelihood(self, pmax: float, size: float) -> float:
        p = _MODELS[self._model](self._x, np.float64(pmax), np.float64(size))
        return _sum_log(p, self._hit)

    def _grid(self, pmax: Floats, size: Floats) -> Floats:
        """Return the log-likelihood at every combination, from binned distances."""
        table = np.empty((len(pmax), len(size)))
        for column, one in enumerate(size):
            p = _MODELS[self._model](self._where[None, :], pmax[:, None], np.float64(one))
            p = np.clip(p, _TINY, 1 - _TINY)
            table[:, column] = np.log(p) @ self._hits + np.log1p(-p) @ self._misses
        return table

    def result(self) -> DistanceFit:
        """Return the fit."""
        axes = [np.unique(np.geomspace(*self._bounds(position), _GRID)) for position in (0, 1)]
        table = self._grid(*axes)
        best, pmax, size = max(
            self._refined(axes[0][row], axes[1][column])
            for row, column in _highest(table, _REFINED)
        )
        fitted = sum(value is None for value in self._fixed)
        ends = [
            self._fixed[position] is None
            and bool(np.isclose(value, self._bounds(position), rtol=1e-3).any())
            for position, value in enumerate((pmax, size))
        ]
        intervals = self._intervals(pmax, size)
        return DistanceFit(
            self._model,
            "at a bound" if any(ends) else "fitted",
            pmax,
            size,
            intervals[0],
            intervals[1],
            best,
            2 * fitted - 2 * best,
            len(self._hit),
            int(self._hit.sum()),
        )

    def _refined(self, pmax: float, size: float) -> tuple[float, float, float]:
        from scipy.optimize import minimize

        bounds = np.log([self._bounds(position) for position in (0, 1)])
        found = minimize(
            lambda at: -self._likelihood(*np.exp(at)),
            np.log([pmax, size]).clip(bounds[:, 0], bounds[:, 1]),
            method="Nelder-Mead",
            bounds=bounds.tolist(),
            options={"xatol": 1e-6, "fatol": 1e-8, "maxiter": 400},
        )
        best = np.exp(found.x)
        return -float(found.fun), float(best[0]), float(best[1])

    def _intervals(self, pmax: float, size: float) -> list[tuple[float, float]]:
        """Return where the profile of each value falls below the maximum by the 95 % drop."""
        ends = [self._bounds(position) for position in (0, 1)]
        found: list[tuple[float, float]] = []
        # Twice: over everything, then over what is near the maximum, more finely.
        for _ in range(2):
            axes = [
                np.unique(np.append(np.geomspace(*end, _GRID), best))
                for end, best in zip(ends, (pmax, size), strict=True)
            ]
            table = self._grid(*axes)
            profiles = [table.max(axis=1), table.max(axis=0)]
            found = [
                _crossings(axis, profile - table.max(), _DROP)
                for axis, profile in zip(axes, profiles, strict=True)
            ]
            ends = [
                _widened(axis, profile - table.max())
                for axis, profile in zip(axes, profiles, strict=True)
            ]
        nothing = (float("nan"), float("nan"))
        return [
            interval if fixed is None else nothing
            for interval, fixed in zip(found, self._fixed, strict=True)
        ]


def _sum_log(p: Floats, hit: Mask) -> float:
    p = np.clip(p, _TINY, 1 - _TINY)
    return float(np.log(p[hit]).sum() + np.log1p(-p[~hit]).sum())


def _binned(x: Floats, hit: Mask) -> tuple[Floats, Floats, Floats]:
    """Return at most 256 distances, and how many pairs at each are connected and not."""
    order = np.argsort(x)
    groups = np.array_split(order, min(len(x), _BINS))
    where = np.array([x[group].mean() for group in groups])
    hits = np.array([hit[group].sum() for group in groups], dtype=np.float64)
    return where, hits, np.array([len(group) for group in groups]) - hits


def _highest(table: Floats, count: int) -> list[tuple[int, int]]:
    """Return the highest local maxima of a table, the highest point among them."""
    padded = np.pad(table, 1, constant_values=-np.inf)
    around = [
        padded[1 + row : padded.shape[0] - 1 + row, 1 + column : padded.shape[1] - 1 + column]
        for row in (-1, 0, 1)
        for column in (-1, 0, 1)
    ]
    peaks = np.argwhere(table >= np.max(around, axis=0))
    peaks = peaks[np.argsort(-table[tuple(peaks.T)], kind="stable")]
    return [(int(row), int(column)) for row, column in peaks[:count]]


def _crossings(axis: Floats, profile: Floats, drop: float) -> tuple[float, float]:
    """Return where a profile, 0 at its best, last and first is above -drop, interpolated."""
    above = np.flatnonzero(profile >= -drop)
    first, last = int(above[0]), int(above[-1])
    limits = []
    for inner, outer in ((first, first - 1), (last, last + 1)):
        if not 0 <= outer < len(axis):
            limits.append(float(axis[inner]))
            continue
        share = (profile[inner] + drop) / (profile[inner] - profile[outer])
        logs = np.log(axis[[inner, outer]])
        limits.append(float(np.exp(logs[0] + share * (logs[1] - logs[0]))))
    return limits[0], limits[1]


def _widened(axis: Floats, profile: Floats) -> tuple[float, float]:
    near = np.flatnonzero(profile >= -2 * _DROP)
    first, last = max(int(near[0]) - 1, 0), min(int(near[-1]) + 1, len(axis) - 1)
    return float(axis[first]), float(axis[last])
