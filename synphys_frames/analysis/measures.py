"""Connectivity of a frame of pairs in one step: by class, by distance, and as a curve."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._arguments import FRAME, Rule, checked
from .distance_fits import fit_probability
from .docstrings import documented_by
from .probed_pairs import ProbedPairs
from .summaries import summary_of
from .tallies import tally, tally_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from ..database import SynphysDatabase
    from .class_arguments import Classes
    from .distance_fits import DistanceFit
    from .distance_models import Model
    from .probed_pairs import Probed
    from .tallies import Kind


@documented_by(tally, parameters_only=True)
@checked()
def connectivity(
    pairs: pd.DataFrame,
    classes: Classes,
    post_classes: Classes | None = None,
    *,
    kind: Kind = "chemical",
    distance: str = "distance",
    sigma: float | None = 100e-6,
    alpha: float = 0.05,
    probed: Probed = "nonsynaptic",
    db: SynphysDatabase | None = None,
) -> pd.DataFrame:
    """Return how often cells of one class are connected to cells of another.

    Parameters
    ----------
    classes
        Classes by name, a list of classes, or the names of two columns of the frame that hold the
        classes: ("pre_class", "post_class"), or "pre_class" alone. A cell may belong to several and
        counts in each.
    alpha
        0.05 for 95 % intervals.

    Returns
    -------
    DataFrame
        By (pre_class, post_class), every combination. Chemical and electrical: n_probed,
        n_connected (int64), connection_probability (NaN where none was probed), ci_lower, ci_upper
        (float64), n_probed_at_distance, n_connected_at_distance (int64), on which
        adjusted_probability, adjusted_ci_lower, adjusted_ci_upper (float64) rest, the last two not
        above 1. Both reciprocal: n_probed (unordered pairs), n_none, n_one_way, n_both_ways
        (int64), expected_both_ways, ratio_to_chance (float64). ``attrs["synphys"]`` says how it was
        counted.

    Raises
    ------
    RepeatedPairsError
        A pair is in several rows of the frame.
    ArgumentError
        An argument has a value that it does not take, or names of classes are not distinct.
    UnknownColumnError
        `classes` names a column that the frame does not have.
    NotInVersionError
        The release lacks a column; on schema 15, ``probed="synaptic"`` is the only one there is.
    ProvenanceError
        The frame lacks a column, and its database can't be asked.

    See Also
    --------
    connectivity_profile : By distance.
    tally, summarise : The same in two steps, for files or processes one by one.

    Notes
    -----
    A pair is probed with more than 10 test spikes of the type that the presynaptic class calls for,
    of both types for any other or unknown class. A probed pair whose `has_synapse` is missing
    counts as not connected, as in the published figures. Intervals are Clopper-Pearson. Adjusted
    values divide probability and limits by the mean of exp(-x² / 2 sigma²) over the distances x
    that were probed, over pairs with a finite distance. An electrical synapse was probed where both
    cells' electrodes have a recording whose stimulus name contains "TargetV"; small files have no
    recordings, and there the pairs with a known `has_electrical` count, which attrs says.

    References
    ----------
    Clopper and Pearson, Biometrika 26, 404-413 (1934).
    Campagnola et al., Science 375, eabj5861 (2022).

    Examples
    --------
    >>> classes = {"ex": sf.CellClass(cell_class="ex"), "in": sf.CellClass(cell_class="in")}
    >>> counts = sf.connectivity(db.pairs(species="mouse"), classes)
    >>> counts[["n_probed", "n_connected", "connection_probability"]].head(2)
                          n_probed  n_connected  connection_probability
    pre_class post_class
    ex        ex                48            6                  0.1250
              in                32            6                  0.1875
    """
    counts = tally_of(
        pairs,
        classes,
        post_classes,
        kind=kind,
        distance=distance,
        sigma=sigma,
        probed=probed,
        db=db,
    )
    return summary_of(counts, alpha)


@documented_by(connectivity, parameters_only=True)
@checked()
def connectivity_profile(
    pairs: pd.DataFrame,
    bins: int | Sequence[float],
    *,
    distance: str = "distance",
    classes: Classes | None = None,
    post_classes: Classes | None = None,
    alpha: float = 0.05,
    probed: Probed = "nonsynaptic",
    db: SynphysDatabase | None = None,
) -> pd.DataFrame:
    """Return connection probability by distance.

    Parameters
    ----------
    bins
        Edges in metres, ascending, or a number of equal bins up to the largest probed distance,
        from 0 or, where it is less, from the least. A bin has its lower edge, not its upper one.
    classes
        Classes by name, a list of classes, or the names of columns, as for `connectivity`; default
        the columns pre_class and post_class where the frame is classified, else all cells together.
        A cell counts for each class that it belongs to.

    Returns
    -------
    DataFrame
        By bin, or by (pre_class, post_class, bin): n_probed, n_connected (int64),
        connection_probability (NaN in empty bins), ci_lower, ci_upper (float64; 0 and 1 there).

    Raises
    ------
    ArgumentError
        An argument has a value that it does not take, post_classes stands alone, or names of
        classes are not distinct.
    UnknownColumnError
        `classes` names a column that the frame does not have.
    NotInVersionError
        The release lacks a column.
    ProvenanceError
        The frame lacks a column, and its database can't be asked.

    See Also
    --------
    fit_distance : A curve instead of bins.

    References
    ----------
    Clopper and Pearson, Biometrika 26, 404-413 (1934).

    Examples
    --------
    >>> sf.connectivity_profile(db.pairs(species="mouse"), [0, 1e-4, 2e-4]).iloc[:, :3]
                      n_probed  n_connected  connection_probability
    distance
    [0.0, 0.0001)          257           23                0.089494
    [0.0001, 0.0002)       201           12                0.059701
    """
    counts = tally_of(
        pairs, classes, post_classes, bins=bins, distance=distance, probed=probed, db=db
    )
    return summary_of(counts, alpha)


@documented_by(fit_probability, parameters_only=True)
@documented_by(connectivity, parameters_only=True)
@checked(
    pairs=Rule(
        "a frame of pairs (for arrays there is fit_probability(distance, connected))", FRAME.accepts
    )
)
def fit_distance(
    pairs: pd.DataFrame,
    model: Model = "gaussian",
    *,
    distance: str = "distance",
    fixed_size: float | None = None,
    fixed_max: float | None = None,
    probed: Probed = "nonsynaptic",
    db: SynphysDatabase | None = None,
) -> DistanceFit:
    """Fit how connection probability falls with distance, over the probed pairs of a frame.

    Returns
    -------
    DistanceFit
        Values, intervals, likelihood, and ``predict(distance)``. Data from which nothing can be
        fitted give a result whose `status` says so.

    Raises
    ------
    ArgumentError
        There is no such model, it gives no probabilities, a given value is out of range, or this is
        no frame.
    NotInVersionError
        The release lacks a column.
    ProvenanceError
        The frame lacks a column, and its database can't be asked.

    See Also
    --------
    fit_probability : The same for arrays; how the search goes.
    connectivity_profile : Bins instead of a curve.

    References
    ----------
    Venzon and Moolgavkar, Applied Statistics 37, 87-94 (1988).

    Examples
    --------
    >>> fit = sf.fit_distance(db.pairs(species="mouse"), "exponential")
    >>> fit.status, fit.n_probed
    ('fitted', 459)
    """
    counted = ProbedPairs.chemical(pairs, distance, probed, db)
    rows = counted.rows
    return fit_probability(
        counted.distance[rows],
        counted.connected[rows],
        model,
        fixed_size=fixed_size,
        fixed_max=fixed_max,
    )
