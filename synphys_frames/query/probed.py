"""Which pairs were probed for a synapse."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ..columns import factorized

if TYPE_CHECKING:
    from .._typing import Mask
    from ..columns import ColumnStore


def probed(store: ColumnStore) -> Mask:
    """Return for each pair whether it was probed for the synapse its presynaptic cell would make.

    More than 10 test spikes of the type that the presynaptic `cell_class` calls for: excitatory for
    ex, inhibitory for in, both for any other or unknown class. A missing count is no test.
    """
    pair = store.table("pair")
    cells = store.rows(store.aliases("pair")["pre_cell"], "pair")
    cell_class = pd.Series(store.table("cell").texts("cell_class", cells))
    counts = [pd.Series(pair.values(f"n_{kind}_test_spikes")) for kind in ("ex", "in")]
    return probed_mask(cell_class, *counts)


PROBED_TEST_SPIKES = 10


def probed_mask(cell_class: pd.Series, n_ex: pd.Series, n_in: pd.Series) -> Mask:
    """Return for each pair whether it was probed, by the class of its presynaptic cell.

    Parameters
    ----------
    cell_class
        "ex", "in", or anything else, of the presynaptic cell.
    n_ex, n_in
        Test spikes. More than 10 of the type that the class calls for make a pair probed, of both
        types for any other or unknown class. A missing count is no test.
    """
    tested_ex = _above(n_ex, PROBED_TEST_SPIKES)
    tested_in = _above(n_in, PROBED_TEST_SPIKES)
    # Each of the few texts is compared once.
    codes, kinds = factorized([cell_class])
    is_ex, is_in = (
        np.array([isinstance(one, str) and one == kind for one in kinds], dtype=bool)[codes]
        for kind in ("ex", "in")
    )
    return np.where(is_ex, tested_ex, np.where(is_in, tested_in, tested_ex & tested_in))


def _above(values: pd.Series, limit: float) -> Mask:
    above: Mask = values.to_numpy(dtype=np.float64, na_value=np.nan) > limit
    return above
