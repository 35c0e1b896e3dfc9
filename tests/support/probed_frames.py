"""Frames of probed pairs by how many of them are connected, for pictures and counts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Mapping


def probed_frame(counts: Mapping[tuple[str, str], tuple[int, int]]) -> pd.DataFrame:
    """Return pairs with classes in pre_class and post_class, 100 µm apart.

    Parameters
    ----------
    counts
        Connected and probed pairs of each combination of classes.
    """
    rows = [
        {"pre_class": pre, "post_class": post, "has_synapse": place < connected}
        for (pre, post), (connected, probed) in counts.items()
        for place in range(probed)
    ]
    return pd.DataFrame(rows).assign(
        n_ex_test_spikes=20, n_in_test_spikes=20, distance=1e-4,
        **{"pre_cell.cell_class_nonsynaptic": "ex", "pair.id": range(len(rows))},
    )  # fmt: skip
