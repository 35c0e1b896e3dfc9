"""Printed figures beside those that an opened release gives."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ..schema import STR

if TYPE_CHECKING:
    from .figure_set import FigureSet


# What two ways of summing the same doubles may differ by; a count has to be the same.
_RELATIVE = 1e-9


def comparison(figures: FigureSet, answer: pd.Series) -> pd.DataFrame:
    """Return a row a figure: what, published, here, difference, source, agrees.

    Parameters
    ----------
    figures
        What was printed.
    answer
        What was found, by the same keys; it may have more of them. A key that it lacks could not
        be found; a missing value was found to be missing.
    """
    printed = figures.published
    published = printed["published"].to_numpy()
    here = answer.reindex(printed.index).to_numpy(dtype=np.float64, na_value=np.nan)
    tolerance = printed["tolerance"].to_numpy()
    # What lies between two roundings may be printed as either, and no double is just there.
    allowed = np.where(np.isnan(tolerance), np.abs(published), tolerance * (1 / _RELATIVE + 1))
    agrees = np.abs(here - published) <= allowed * _RELATIVE
    agrees |= np.isnan(here) & np.isnan(published)
    return pd.DataFrame(
        {
            "what": printed["what"].array,
            "published": published,
            "here": here,
            "difference": here - published,
            "source": printed["source"].array,
            "agrees": pd.arrays.BooleanArray(agrees, ~printed.index.isin(answer.index)),
        }
    )


def no_comparison() -> pd.DataFrame:
    """Return what `comparison` gives, without a row."""
    texts, numbers = pd.Series(dtype=STR), pd.Series(dtype=np.float64)
    return pd.DataFrame(
        {
            "what": texts,
            "published": numbers,
            "here": numbers,
            "difference": numbers,
            "source": texts,
            "agrees": pd.Series(dtype="boolean"),
        }
    )
