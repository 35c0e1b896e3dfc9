"""Probabilities and intervals from tallies of pairs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from .._arguments import checked
from ..errors import ArgumentError
from .intervals import connection_interval
from .tallies import BY_CLASS, BY_DISTANCE, RECIPROCAL, SUMS, Tally

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .._typing import Values

_ADDING = "Tallies of parts are added by pd.concat(tallies).groupby(level=..., sort=False).sum()"


@checked()
def summarise(tally: pd.DataFrame, alpha: float = 0.05) -> pd.DataFrame:
    """Return connection probabilities and intervals from a tally, or from a sum of tallies.

    Parameters
    ----------
    tally
        As from `tally`: a row for each combination of classes, or of classes and bins.
    alpha
        0.05 for 95 % intervals.

    Returns
    -------
    DataFrame
        The rows of the tally, with the columns of `connectivity`, or for one by distance those of
        `connectivity_profile`. ``attrs["synphys"]`` says how it was counted, where the tally does.

    Raises
    ------
    ArgumentError
        This is no tally, has rows several times or counts that are missing, or alpha is not between
        0 and 1.

    See Also
    --------
    tally : The counts, and how those of parts are added.

    Notes
    -----
    Intervals are Clopper-Pearson. Adjusted values divide probability and limits by the mean of
    exp(-x² / 2 sigma²) over the distances x that were probed, as in the dataset's paper.

    References
    ----------
    Clopper and Pearson, Biometrika 26, 404-413 (1934).
    Campagnola et al., Science 375, eabj5861 (2022).

    Examples
    --------
    >>> classes = {"ex": sf.CellClass(cell_class="ex"), "in": sf.CellClass(cell_class="in")}
    >>> tallies = [sf.tally(db.pairs(species=name), classes) for name in ("mouse", "human")]
    >>> together = pd.concat(tallies).groupby(level=[0, 1], sort=False).sum()
    >>> sf.summarise(together)[["n_connected", "n_probed", "connection_probability"]].head(2)
                          n_connected  n_probed  connection_probability
    pre_class post_class
    ex        ex                    7        61                0.114754
              in                    7        35                0.200000
    """
    columns = _checked(tally)
    return summary_of(Tally(columns, tally.index, tally.attrs.get("synphys", {})), alpha)


def summary_of(tally: Tally, alpha: float) -> pd.DataFrame:
    """Return connection probabilities and intervals from counts that are known to be right."""
    columns = tally.columns
    with np.errstate(invalid="ignore", divide="ignore"):
        if "n_both_ways" in columns:
            summary = _reciprocity(columns)
        else:
            summary = _probabilities(columns, alpha)
            if "profile_sum" in columns:
                summary |= _adjusted(columns, alpha)
    result = pd.DataFrame(summary, index=tally.index)
    result.attrs["synphys"] = {**tally.counting, "alpha": alpha}
    return result


def _checked(tally: pd.DataFrame) -> dict[str, Values]:
    """Return the columns of a tally, counts as whole numbers."""
    if not isinstance(tally, pd.DataFrame):
        raise ArgumentError(f"summarise takes a tally; got {type(tally).__name__}.")
    for names in (RECIPROCAL, BY_CLASS, BY_DISTANCE):
        if set(names) <= set(tally.columns):
            break
    else:
        raise ArgumentError(
            "summarise takes a tally, with the columns that tally(...) gives; got "
            f"{list(map(str, tally.columns))}."
        )
    if not tally.index.is_unique:
        raise ArgumentError(f"This tally has rows several times. {_ADDING}.")
    values = tally[names].to_numpy(dtype=np.float64, na_value=np.nan)
    columns = dict(zip(names, values.T, strict=True))
    for name, column in columns.items():
        if not np.isfinite(column).all() or (name not in SUMS and (column % 1).any()):
            raise ArgumentError(
                f"{name!r} of this tally has values that are no counts. {_ADDING}, or by "
                "first.add(second, fill_value=0)."
            )
    # Additions that fill in a 0 make floats of whole numbers.
    return {
        name: column if name in SUMS else column.astype(np.int64)
        for name, column in columns.items()
    }


def _probabilities(columns: Mapping[str, Values], alpha: float) -> dict[str, Values]:
    n_probed, n_connected = columns["n_probed"], columns["n_connected"]
    lower, upper = connection_interval(n_connected, n_probed, alpha)
    return {
        "n_probed": n_probed,
        "n_connected": n_connected,
        "connection_probability": n_connected / n_probed,
        "ci_lower": lower,
        "ci_upper": upper,
    }


def _adjusted(columns: Mapping[str, Values], alpha: float) -> dict[str, Values]:
    n_probed, n_connected = columns["n_probed_at_distance"], columns["n_connected_at_distance"]
    mean = columns["profile_sum"] / n_probed
    lower, upper = connection_interval(n_connected, n_probed, alpha)
    return {
        "n_probed_at_distance": n_probed,
        "n_connected_at_distance": n_connected,
        "adjusted_probability": n_connected / n_probed / mean,
        # No probability is above 1.
        "adjusted_ci_lower": np.minimum(lower / mean, 1.0),
        "adjusted_ci_upper": np.minimum(upper / mean, 1.0),
    }


def _reciprocity(columns: Mapping[str, Values]) -> dict[str, Values]:
    # As many as there would be, were the two directions of a pair independent.
    expected = columns["n_forward"] * columns["n_backward"] / columns["n_probed"]
    return {
        **{name: columns[name] for name in RECIPROCAL[:4]},
        "expected_both_ways": expected,
        "ratio_to_chance": columns["n_both_ways"] / expected,
    }
