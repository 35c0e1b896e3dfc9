"""Connectivity of a frame of pairs: by class, and by distance."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np
import pandas as pd

from ..database import database_of
from ..errors import ArgumentError, ProvenanceError
from ..query import probed_mask
from .counts import combinations, count_connectivity, count_profile, count_reciprocity
from .distance_models import DistanceFit, fit_probability
from .pair_columns import PairFrame, numbers, presynaptic_class, truths

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .._typing import Floats, Mask
    from ..database import SynphysDatabase
    from ..query import CellClass
    from .counts import Kind
    from .distance_models import Model

Classes: TypeAlias = (
    "Mapping[str, CellClass | Mapping[str, Any]] | Sequence[CellClass] | str | tuple[str, str]"
)


_KINDS = ("chemical", "electrical", "reciprocal")
_TARGET_STIMULUS = "%TargetV%"


class CountedPairs:
    """What counting needs of a frame of pairs.

    Parameters
    ----------
    frame
        The pairs.
    distance
        Column of pair, in metres.
    probed
        "nonsynaptic" or "synaptic".
    db
        The database, where the frame does not know it.
    """

    def __init__(
        self, frame: pd.DataFrame, distance: str, probed: str, db: SynphysDatabase | None
    ) -> None:
        self.pairs = PairFrame(frame, db)
        self._distance = distance
        self.connected: Mask = truths(self.pairs.values("has_synapse"))
        self.probed: Mask = probed_mask(
            presynaptic_class(self.pairs, probed),
            self.pairs.values("n_ex_test_spikes"),
            self.pairs.values("n_in_test_spikes"),
        )

    @cached_property
    def distance(self) -> Floats:
        """In metres; looked up only where it is needed."""
        return numbers(self.pairs.values(self._distance))


def connectivity(
    pairs: pd.DataFrame,
    classes: Classes,
    post_classes: Classes | None = None,
    *,
    kind: Kind = "chemical",
    distance: str = "distance",
    sigma: float | None = 100e-6,
    alpha: float = 0.05,
    probed: Literal["nonsynaptic", "synaptic"] = "nonsynaptic",
    db: SynphysDatabase | None = None,
) -> pd.DataFrame:
    """Return how often cells of one class are connected to cells of another.

    Parameters
    ----------
    pairs
        A frame of pairs, wide or plain. What it lacks comes from its database; a frame from
        anywhere else needs has_synapse, n_ex_test_spikes, n_in_test_spikes and the distance (with
        or without ``pair.``), ``pre_cell.cell_class_nonsynaptic``, and the columns of the classes'
        criteria.
    classes
        Classes by name, a list of classes, or the names of two columns of the frame that hold the
        classes: ("pre_class", "post_class"), or "pre_class" alone. A cell may belong to several and
        counts in each.
    post_classes
        Those of the postsynaptic cells, default the same; where `classes` names the column
        "pre_...", default "post_...".
    kind
        "chemical"; "electrical"; or "reciprocal": pairs tested both ways, by how many of the two
        directions are connected.
    distance
        Column of pair for the adjusted values: "distance", "lateral_distance" (as in published
        matrices), "vertical_distance".
    sigma
        Of the Gaussian profile of the adjusted values, in metres; None leaves them missing.
    alpha
        0.05 for 95 % intervals.
    probed
        Whether a pair was probed is decided by the presynaptic `cell_class_nonsynaptic`
        ("nonsynaptic"), or `cell_class` ("synaptic"), which uses synaptic currents.
    db
        The database, where the frame does not know it.

    Returns
    -------
    DataFrame
        By (pre_class, post_class), every combination. Chemical and electrical: n_probed,
        n_connected (int64), connection_probability (NaN where none was probed), ci_lower, ci_upper,
        adjusted_probability, adjusted_ci_lower, adjusted_ci_upper (float64). Reciprocal: n_probed
        (unordered pairs), n_none, n_one_way, n_both_ways (int64), expected_both_ways,
        ratio_to_chance (float64). ``attrs["synphys"]`` says how it was counted.

    Raises
    ------
    NotInVersionError
        The release lacks a column; on schema 15, ``probed="synaptic"`` is the only one there is.
    ProvenanceError
        The frame lacks a column, and its database can't be asked.

    Notes
    -----
    A pair is probed with more than 10 test spikes of the type that the presynaptic class calls for,
    of both types for any other or unknown class. A probed pair whose `has_synapse` is missing
    counts as not connected, as in the published figures. Intervals are Clopper-Pearson. Adjusted
    values divide probability and limits by the mean of exp(-x² / 2 sigma²) over the distances x
    that were probed, over pairs with a finite distance. An electrical synapse was probed where both
    cells' electrodes have a recording whose stimulus name contains "TargetV"; small files have no
    recordings, and there the pairs with a known `has_electrical` count, which attrs says.

    Examples
    --------
    >>> classes = {"ex": sf.CellClass(cell_class="ex"), "in": sf.CellClass(cell_class="in")}
    >>> counts = sf.connectivity(db.pairs(species="mouse"), classes)
    >>> counts.columns[:3].tolist()
    ['n_probed', 'n_connected', 'connection_probability']
    """
    if kind not in _KINDS:
        raise ArgumentError(f"kind takes {', '.join(map(repr, _KINDS))}; got {kind!r}.")
    if sigma is not None and not sigma > 0:
        raise ArgumentError(f"sigma takes metres, above 0, or None; got {sigma!r}.")
    frame = PairFrame(pairs, db)
    classes, post_classes = both_sides(classes, post_classes)
    how: dict[str, Any] = {"kind": kind, "alpha": alpha}
    if kind == "reciprocal":
        counted = CountedPairs(pairs, distance, probed, db)
        pre, post = frame.memberships(classes, post_classes)
        result = count_reciprocity(pre, post, counted.probed, counted.connected, frame.partner())
        how |= {"probed": probed}
    else:
        if kind == "electrical":
            here, told = _electrically_probed(frame, db)
            connected = truths(frame.values("has_electrical"))
            metres = None if sigma is None else numbers(frame.values(distance))
        else:
            counted = CountedPairs(pairs, distance, probed, db)
            here, told, connected = counted.probed, probed, counted.connected
            metres = None if sigma is None else counted.distance
        rows = np.flatnonzero(here)
        pre, post = frame.memberships(classes, post_classes, rows)
        metres = None if metres is None else metres[rows]
        result = count_connectivity(pre, post, connected[rows], metres, sigma, alpha)
        how |= {"probed": told, "distance": distance, "sigma": sigma}
    result.attrs["synphys"] = how
    return result


def both_sides(classes: Classes, post_classes: Classes | None) -> tuple[Classes, Classes]:
    """Return the classes of the presynaptic and of the postsynaptic cells.

    Raises
    ------
    ArgumentError
        A column was named for the presynaptic classes alone, and its name does not tell which one
        has the postsynaptic ones.
    """
    if isinstance(classes, tuple) and len(classes) == 2 and isinstance(classes[0], str):
        classes, post_classes = classes
    if post_classes is None:
        post_classes = classes
        if isinstance(classes, str):
            if not classes.startswith("pre_"):
                raise ArgumentError(
                    f"classes names one column, {classes!r}; the postsynaptic classes are in "
                    "another one: name both, as (pre, post)."
                )
            post_classes = "post_" + classes.removeprefix("pre_")
    return classes, post_classes


def classes_of(
    frame: PairFrame, classes: Classes | None, post_classes: Classes | None
) -> Classes | None:
    """Return the classes that were given, else the columns of a classified frame, else None.

    Raises
    ------
    ArgumentError
        Only the postsynaptic ones were given.
    """
    if classes is None and post_classes is not None:
        raise ArgumentError("post_classes needs classes, those of the presynaptic cells.")
    if classes is None and {"pre_class", "post_class"} <= set(frame.frame.columns):
        return "pre_class"
    return classes


def _electrically_probed(frame: PairFrame, db: SynphysDatabase | None) -> tuple[Mask, str]:
    known = frame.values("has_electrical").notna().to_numpy(dtype=bool)
    by_value = "pairs with a known has_electrical: there are no recordings to tell by"
    try:
        release = database_of(frame.frame, db)
    except ProvenanceError:
        return known, by_value
    if release.contents.size == "small":
        return known, by_value
    cells = release.queries.ids(
        "SELECT DISTINCT cell.id FROM cell JOIN recording USING (electrode_id) "
        "WHERE stim_name LIKE ?",
        [_TARGET_STIMULUS],
        {},
    )
    sides = [frame.values(f"{side}_cell_id").isin(cells) for side in ("pre", "post")]
    return (sides[0] & sides[1]).to_numpy(dtype=bool), "recordings with TargetV in stim_name"


def connectivity_profile(
    pairs: pd.DataFrame,
    bins: int | Sequence[float],
    *,
    distance: str = "distance",
    classes: Classes | None = None,
    post_classes: Classes | None = None,
    alpha: float = 0.05,
    probed: Literal["nonsynaptic", "synaptic"] = "nonsynaptic",
    db: SynphysDatabase | None = None,
) -> pd.DataFrame:
    """Return connection probability by distance.

    Parameters
    ----------
    pairs
        A frame of pairs, as for `connectivity`.
    bins
        Edges in metres, ascending, or a number of equal bins up to the largest probed distance,
        from 0 or, where it is less, from the least. A bin has its lower edge, not its upper one.
    distance, alpha, probed, db
        As for `connectivity`.
    classes, post_classes
        As for `connectivity`; default none, or the columns pre_class and post_class where the frame
        is classified. A cell counts for each class that it belongs to.

    Returns
    -------
    DataFrame
        By bin, or by (pre_class, post_class, bin): n_probed, n_connected (int64),
        connection_probability (NaN in empty bins), ci_lower, ci_upper (float64; 0 and 1 there).

    Examples
    --------
    >>> sf.connectivity_profile(db.pairs(species="mouse"), 4).index.name
    'distance'
    """
    counted = CountedPairs(pairs, distance, probed, db)
    classes = classes_of(counted.pairs, classes, post_classes)
    edges = _edges(bins, counted)
    here = counted.probed
    if classes is None:
        nothing = pd.DataFrame(index=range(int(here.sum())))
        profile = count_profile(
            nothing, edges, counted.distance[here], counted.connected[here], alpha
        )
    else:
        looked_at = np.flatnonzero(here)
        pre, post = counted.pairs.memberships(*both_sides(classes, post_classes), looked_at)
        # A row for each class that each cell is in.
        rows, before, after = combinations(pre, post)
        rows = looked_at[rows]
        groups = pd.DataFrame(
            {
                "pre_class": pd.Categorical.from_codes(before, categories=pd.Index(pre.names)),
                "post_class": pd.Categorical.from_codes(after, categories=pd.Index(post.names)),
            }
        )
        profile = count_profile(
            groups, edges, counted.distance[rows], counted.connected[rows], alpha
        )
    profile.attrs["synphys"] = {"distance": distance, "alpha": alpha, "probed": probed}
    return profile


def _edges(bins: int | Sequence[float], counted: CountedPairs) -> Floats:
    if isinstance(bins, int | np.integer) and not isinstance(bins, bool):
        if bins < 1:
            raise ArgumentError(f"bins takes a number of bins, 1 or more; got {bins!r}.")
        looked_at = counted.distance[counted.probed]
        looked_at = looked_at[np.isfinite(looked_at)]
        least, most = float(looked_at.min(initial=0)), float(looked_at.max(initial=1e-6))
        # The largest distance belongs to the last bin.
        return np.linspace(least, np.nextafter(most, np.inf), int(bins) + 1)
    edges = np.asarray(bins, dtype=np.float64)
    if edges.ndim != 1 or len(edges) < 2 or not (np.diff(edges) > 0).all():
        raise ArgumentError(f"bins takes ascending edges in metres, at least two; got {bins!r}.")
    return edges


def fit_distance(
    pairs: pd.DataFrame,
    model: Model = "gaussian",
    *,
    distance: str = "distance",
    fixed_size: float | None = None,
    fixed_max: float | None = None,
    probed: Literal["nonsynaptic", "synaptic"] = "nonsynaptic",
    db: SynphysDatabase | None = None,
) -> DistanceFit:
    """Fit how connection probability falls with distance, over the probed pairs of a frame.

    Parameters
    ----------
    pairs, distance, probed, db
        As for `connectivity`.
    model, fixed_size, fixed_max
        As for `fit_probability`, which has the formulas and their limits.

    Returns
    -------
    DistanceFit
        Values, intervals, likelihood, and ``predict(distance)``.

    Raises
    ------
    ArgumentError
        There is no such model, or this is no frame.

    Examples
    --------
    >>> sf.fit_distance(db.pairs(species="mouse"), "exponential").status
    'fitted'
    """
    if not isinstance(pairs, pd.DataFrame):
        raise ArgumentError(
            f"fit_distance takes a frame of pairs; got {type(pairs).__name__}. For arrays there is "
            "fit_probability(distance, connected)."
        )
    counted = CountedPairs(pairs, distance, probed, db)
    return fit_probability(
        counted.distance[counted.probed],
        counted.connected[counted.probed],
        model,
        fixed_size=fixed_size,
        fixed_max=fixed_max,
    )
