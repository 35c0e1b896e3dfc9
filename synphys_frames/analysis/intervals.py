"""Confidence intervals of a connection probability."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._apart import import_whole
from ..errors import ArgumentError


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
        float64; (0, 1) where nothing was probed.

    Raises
    ------
    ArgumentError
        alpha is not between 0 and 1.

    Notes
    -----
    The limits are quantiles of the beta distribution. The interval covers the true probability in
    at least 1 - alpha of all experiments, in more where counts are small.

    References
    ----------
    Clopper and Pearson, Biometrika 26, 404-413 (1934).

    Examples
    --------
    >>> lower, upper = connection_interval(12, 32)
    >>> float(lower.round(4)), float(upper.round(4))
    (0.211, 0.5631)
    """
    import_whole("scipy.special")
    from scipy.special import betaincinv

    if not 0 < alpha < 1:
        raise ArgumentError(f"alpha takes a number between 0 and 1; got {alpha!r}.")
    successes, trials = np.asarray(n_connected, dtype=float), np.asarray(n_probed, dtype=float)
    failures = trials - successes
    # The beta distribution has no quantile where nothing, or everything, is connected.
    lower = np.where(
        successes > 0, betaincinv(np.maximum(successes, 1), failures + 1, alpha / 2), 0.0
    )
    upper = np.where(
        failures > 0, betaincinv(successes + 1, np.maximum(failures, 1), 1 - alpha / 2), 1.0
    )
    return lower[()], upper[()]
