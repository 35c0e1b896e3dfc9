"""The cells of a matrix of connection probability."""

from __future__ import annotations

import numpy as np
import pandas as pd

from .heatmap import Cells


def probability_cells(counts: pd.DataFrame, value: str) -> Cells:
    """Return the cells of a matrix of connection probability, plain or adjusted."""
    tables = {name: _table(counts[name]) for name in counts}
    shown, n_probed, n_connected = (tables[name] for name in (value, "n_probed", "n_connected"))
    adjusted = value == "adjusted_probability"
    limits = ("adjusted_ci_lower", "adjusted_ci_upper") if adjusted else ("ci_lower", "ci_upper")
    lower, upper = (tables[name].to_numpy(dtype=np.float64) for name in limits)
    empty, none = ((table == 0).to_numpy(dtype=bool) for table in (n_probed, n_connected))
    not_known = ~np.isfinite(shown.to_numpy(dtype=np.float64))
    if adjusted:
        # A 0 that rests on no connected pair of which the distance is known says nothing.
        not_known |= (tables["n_connected_at_distance"] == 0).to_numpy(dtype=bool) & ~none
    texts = n_connected.astype(str) + "/" + n_probed.astype(str)
    return Cells(
        shown,
        texts.mask(empty, ""),
        empty,
        "never probed",
        widths=upper - lower,
        none_found=none & ~not_known,
        not_known=not_known,
    )


def _table(values: pd.Series) -> pd.DataFrame:
    pre, post = (values.index.get_level_values(level).unique() for level in (0, 1))
    return pd.DataFrame(values.to_numpy().reshape(len(pre), len(post)), index=pre, columns=post)
