"""Models of connection probability over distance, fitted to pairs by maximum likelihood."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, TypeVar

import numpy as np
import pandas as pd

from .._arguments import NUMBERS, checked
from ..errors import ArgumentError
from ..schema import require_lengths, require_metres
from .distance_models import DISTANCE_MODELS, DistanceModel, distance_model, probabilities
from .distance_search import LikelihoodSearch
from .intervals import connection_interval

if TYPE_CHECKING:
    from .._typing import Floats, Mask
    from .distance_models import Model

    T = TypeVar("T")

Status: TypeAlias = Literal[
    "fitted",
    "at a bound",
    "no pairs",
    "too few pairs",
    "none connected",
    "all connected",
    "one distance",
]

_LEAST_PAIRS = 10
_NAN = float("nan")


def _listing_models(documented: T) -> T:
    """Put what the built-in models are into a docstring, in place of the line {models}."""
    lines = []
    for line in (documented.__doc__ or "").split("\n"):
        indent = line.removesuffix("{models}")
        if indent == line:
            lines.append(line)
            continue
        lines += [
            textwrap.fill(
                model.description(),
                100,
                initial_indent=f"{indent}- ",
                subsequent_indent=f"{indent}  ",
            )
            for model in DISTANCE_MODELS.values()
        ]
    # There are no docstrings under python -OO.
    documented.__doc__ = "\n".join(lines) or None
    return documented


@_listing_models
@dataclass(frozen=True, slots=True)
class DistanceFit:
    """A model of connection probability over distance, fitted to pairs.

    Attributes
    ----------
    model
        The model's name. Built in are

        {models}
    status
        "fitted"; "at a bound" where the best value is an end of the range searched; else why there
        is no fit: "no pairs", "too few pairs" (under 10), "none connected", "all connected",
        "one distance" (all pairs are equally far, which does not tell how the probability falls).
    pmax
        Probability at distance 0; 0 where none are connected.
    size
        In metres; NaN where it can't be told.
    pmax_interval, size_interval
        95 % profile-likelihood intervals; an end of the range searched where the likelihood does
        not fall enough before it. NaN for a value that was given.
    log_likelihood, aic
        At the fitted values; AIC counts the values that were fitted.
    n_probed, n_connected
        Pairs with a finite distance.
    own_model
        The model, where it is not built in but a user's own, else None.
    """

    model: str
    status: Status
    pmax: float
    size: float
    pmax_interval: tuple[float, float]
    size_interval: tuple[float, float]
    log_likelihood: float
    aic: float
    n_probed: int
    n_connected: int
    own_model: DistanceModel | None = field(default=None, repr=False)

    @checked(distance=NUMBERS)
    def predict(self, distance: Any) -> Any:
        """Return the probability at distances in metres; NaN where there is no fit.

        Parameters
        ----------
        distance
            A number, an array or a Series; the sign does not matter.

        Returns
        -------
        float or array
            float64, of the same shape. 0 everywhere where none are connected.

        Examples
        --------
        >>> fit = sf.DistanceFit("gaussian", "fitted", 0.2, 1e-4, (0, 1), (0, 1), 0, 0, 9, 9)
        >>> float(fit.predict(1e-4).round(4))
        0.1213
        """
        metres = np.abs(_floats(distance))
        require_metres(metres, "predict")
        predicted = np.full(metres.shape, np.nan)
        known = ~np.isnan(metres)
        if self.status == "none connected":
            predicted[known] = 0.0
        elif not np.isnan(self.pmax + self.size):
            model = distance_model(self.model if self.own_model is None else self.own_model)
            pmax, size = np.float64(self.pmax), np.float64(self.size)
            predicted[known] = probabilities(model, metres[known], pmax, size)
        return predicted[()]


@_listing_models
@checked(distance=NUMBERS)
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
        The name of a model, or a `DistanceModel` of your own. With pmax the probability at distance
        0 and x the distance, p(x) is

        {models}
    fixed_size
        A size, in metres, that is not fitted but given; at most ten times what is searched.
    fixed_max
        A pmax that is not fitted but given; at most what is searched.

    Returns
    -------
    DistanceFit
        Data from which nothing can be fitted give a result whose `status` says so.

    Raises
    ------
    ArgumentError
        There is no such model, it gives something else than probabilities, the arrays differ in
        length, connected is neither true nor false, or a given value is out of range.

    See Also
    --------
    DistanceModel : How to write one.

    Notes
    -----
    The likelihood is that of independent yes-or-no trials. It can have several maxima, so all of
    the model's range of pmax and size is searched on a logarithmic grid, and the best points are
    refined on the pairs themselves. A floor keeps a connection beyond the model's reach from being
    impossible. The intervals are profile-likelihood intervals, their ends found on the pairs
    themselves, too; with few connections, size is often not bounded from above.

    References
    ----------
    Venzon and Moolgavkar, Applied Statistics 37, 87-94 (1988).

    Examples
    --------
    >>> distance = np.linspace(10e-6, 300e-6, 400)
    >>> connected = np.arange(400) % 5 == 0
    >>> connected &= distance < 150e-6
    >>> fit = sf.fit_probability(distance, connected)
    >>> fit.status, round(fit.pmax, 3)
    ('fitted', 0.282)
    """
    curve = distance_model(model)
    x, hit = np.abs(_floats(distance)), _truths(connected)
    if x.shape != hit.shape or x.ndim != 1:
        raise ArgumentError(
            f"distance and connected must be of one length; got {x.shape} and {hit.shape}."
        )
    require_metres(x, "distance")
    require_lengths([fixed_size or 0.0], "fixed_size")
    _check_fixed(fixed_size, "fixed_size", curve.size_bounds[1] * 10)
    _check_fixed(fixed_max, "fixed_max", curve.pmax_bounds[1])
    finite = np.isfinite(x)
    x, hit = x[finite], hit[finite]
    status = _unfit(hit)
    if status is None and _is_flat(x, fixed_size, fixed_max):
        status = "one distance"
    own_model = None if DISTANCE_MODELS.get(curve.name) == curve else curve
    if status is not None:
        return _no_fit(curve.name, status, hit, own_model)
    best = LikelihoodSearch(curve, x, hit, fixed_max=fixed_max, fixed_size=fixed_size).maximum()
    return DistanceFit(
        curve.name,
        "at a bound" if best.at_bound else "fitted",
        best.pmax,
        best.size,
        best.pmax_interval,
        best.size_interval,
        best.log_likelihood,
        2 * best.n_fitted - 2 * best.log_likelihood,
        len(hit),
        int(hit.sum()),
        own_model,
    )


def _floats(values: Any) -> Floats:
    """Return numbers of any shape as floats, NaN where they are missing."""
    if isinstance(values, pd.Series | pd.Index) or pd.api.types.is_extension_array_dtype(values):
        floats: Floats = pd.Series(values).to_numpy(dtype=np.float64, na_value=np.nan)
        return floats
    return np.asarray(values, dtype=np.float64)


def _truths(values: Any) -> Mask:
    if np.ndim(values) != 1:
        return np.asarray(values, dtype=bool)
    try:
        known: Any = pd.array(values, dtype="boolean")
    except (TypeError, ValueError) as error:
        raise ArgumentError("connected takes true or false for each pair, or 1 and 0.") from error
    truths: Mask = known.to_numpy(dtype=bool, na_value=False)
    return truths


def _check_fixed(value: float | None, name: str, most: float) -> None:
    if value is not None and not 0 < value <= most:
        raise ArgumentError(f"{name} takes a number above 0 and at most {most:g}; got {value!r}.")


def _unfit(connected: Mask) -> Status | None:
    """Return why nothing can be fitted to these pairs, whatever their distances, or None."""
    if not len(connected):
        return "no pairs"
    if len(connected) < _LEAST_PAIRS:
        return "too few pairs"
    if not connected.any():
        return "none connected"
    return "all connected" if connected.all() else None


def _is_flat(distance: Floats, fixed_size: float | None, fixed_max: float | None) -> bool:
    """Return whether all pairs are at one distance, which tells no value that is asked for.

    One distance tells one value, given the other; distance 0 tells pmax alone.
    """
    if not (distance == distance[0]).all():
        return False
    return fixed_size is None and (fixed_max is None or distance[0] == 0)


def _no_fit(
    model: str, status: Status, connected: Mask, own_model: DistanceModel | None
) -> DistanceFit:
    n_probed, n_connected = len(connected), int(connected.sum())
    lower, upper = connection_interval(n_connected, n_probed)
    return DistanceFit(
        model,
        status,
        {"none connected": 0.0, "all connected": 1.0}.get(status, _NAN),
        _NAN,
        (float(lower), float(upper)),
        (_NAN, _NAN),
        0.0 if status in ("none connected", "all connected") else _NAN,
        _NAN,
        n_probed,
        n_connected,
        own_model,
    )
