"""Whether the rows of a frame can be counted: each pair once, and not chosen by outcome."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from ..errors import (
    ProvenanceError,
    RepeatedPairsError,
    SelectedPairsWarning,
    UncheckedPairsWarning,
    warn,
)
from ..query import id_column, ids_of, integers, noted_in, single

if TYPE_CHECKING:
    from .._typing import Mask, Rows

# All probed pairs of fewer may well be connected.
_FEW = 20


def require_distinct(frame: pd.DataFrame) -> None:
    """Raise where a pair is in several rows of a frame, which would count it several times.

    Pairs are told by their ids, else by the ids of both cells.

    Raises
    ------
    RepeatedPairsError
        With the number of such rows, an example, and what mends it.

    Warns
    -----
    UncheckedPairsWarning
        The frame has no ids to tell by.
    """
    try:
        ids, missing = ids_of(frame, "pair")
        label: Any = next((name for name in ("pair.id", "id") if name in frame.columns), "pair.id")
        keys = pd.Index(ids[~missing] if missing.any() else ids)
    except ProvenanceError:
        labels = [id_column(frame.columns, side) for side in ("pre", "post")]
        if None in labels:
            warn(
                "This frame has no pair ids, nor those of both cells: whether a pair is in several "
                "of its rows, and so counted several times, can't be told.",
                UncheckedPairsWarning,
            )
            return
        columns = [integers(single(frame, str(name)).array, str(name)) for name in labels]
        known = ~(columns[0][1] | columns[1][1])
        keys = pd.MultiIndex.from_arrays([values[known] for values, _ in columns])
        label = [str(name) for name in labels]
    if keys.is_unique:
        return
    repeated = keys.duplicated()
    example = tuple(map(int, np.atleast_1d(keys[repeated][0])))
    shown = example[0] if len(example) == 1 else example
    raise RepeatedPairsError(
        f"{int(repeated.sum())} rows of this frame are pairs that it has already, and would count "
        f"again ({label} {shown}, for one). {_mend(frame, label, keys, repeated)}"
    )


def _mend(frame: pd.DataFrame, label: Any, keys: pd.Index, repeated: Mask) -> str:
    """Return what to do, by whether the rows of a repeated pair are of one pair or of two."""
    others = [
        name
        for name in ("pair.pre_cell_id", "pre_cell_id", "pre_cell.id", "experiment.ext_id")
        if name in frame.columns
    ]
    if len(keys) == len(frame):
        again = keys.isin(keys[repeated])
        for name in others:
            values = single(frame, name)[again]
            if values.groupby(keys[again].to_flat_index()).nunique().max() > 1:
                return (
                    "They differ in their cells: ids mean something only within one release. Count "
                    "each release by itself: sf.summarise(sf.tally(a, classes) + sf.tally(b, "
                    "classes))."
                )
    return (
        f"Keep each once: frame.drop_duplicates({label!r}); a table with several rows a pair "
        "can be aggregated before it is merged."
    )


def warn_of_selection(frame: pd.DataFrame, rows: Rows, connected: Mask, kind: str) -> None:
    """Warn where the pairs to be counted were chosen by having a synapse.

    Warns
    -----
    SelectedPairsWarning
        All probed pairs are connected, or the frame notes a filter that asked for a synapse.
    """
    chosen = noted_in(frame).get("selected_by", [])
    by = [name for name in chosen if isinstance(name, str)] if isinstance(chosen, list) else []
    fitting = {"electrical": ["electrical"]}.get(kind, ["synapse", "synapse_type"])
    by = [name for name in by if name in fitting]
    if not by and (len(rows) < _FEW or not bool(np.all(connected[rows]))):
        return
    how = f"were chosen by {by[0]}=" if by else "are all connected, as if they were chosen so"
    warn(
        f"The pairs of this frame {how}, and a share of connected ones among them says nothing. "
        "Count all pairs that were probed: db.pairs(...) without that filter.",
        SelectedPairsWarning,
    )
