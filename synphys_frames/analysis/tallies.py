"""Pairs counted by the classes of both cells: tables that add up over parts of the pairs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np
import pandas as pd

from .._arguments import checked
from ..errors import ArgumentError
from ..schema import require_lengths
from .class_arguments import both_sides, classes_of
from .docstrings import documented_by
from .membership import Crossing, Membership
from .probed_pairs import ProbedPairs

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .._typing import Floats, Mask, Values
    from ..database import SynphysDatabase
    from .class_arguments import Classes
    from .probed_pairs import Probed

    Counted: TypeAlias = tuple[dict[str, Values], pd.Index]

Kind: TypeAlias = Literal["chemical", "electrical", "reciprocal", "reciprocal_either"]

CLASS_LEVELS = ["pre_class", "post_class"]
_KINDS = ("chemical", "electrical", "reciprocal", "reciprocal_either")
BY_CLASS = [
    "n_probed",
    "n_connected",
    "n_probed_at_distance",
    "n_connected_at_distance",
    "profile_sum",
]
BY_DISTANCE = ["n_probed", "n_connected"]
RECIPROCAL = ["n_probed", "n_none", "n_one_way", "n_both_ways", "n_forward", "n_backward"]
# A pair of two cells of both classes counts half in each of its two readings.
SUMS = ("profile_sum", "n_forward", "n_backward")


@dataclass(frozen=True, slots=True)
class Tally:
    """Counts and sums of pairs, not yet as a frame.

    Attributes
    ----------
    columns
        By name; counts are whole numbers.
    index
        The classes, the bins or both.
    counting
        How it was counted, for the attrs of a frame.
    """

    columns: Mapping[str, Values]
    index: pd.Index
    counting: Mapping[str, Any]

    def to_frame(self) -> pd.DataFrame:
        """Return the tally as a frame, with how it was counted in its attrs."""
        frame = pd.DataFrame(dict(self.columns), index=self.index)
        frame.attrs["synphys"] = dict(self.counting)
        return frame


@checked()
def tally(
    pairs: pd.DataFrame,
    classes: Classes | None = None,
    post_classes: Classes | None = None,
    *,
    kind: Kind = "chemical",
    bins: int | Sequence[float] | None = None,
    distance: str = "distance",
    sigma: float | None = 100e-6,
    probed: Probed = "nonsynaptic",
    db: SynphysDatabase | None = None,
) -> pd.DataFrame:
    """Return counts and sums of pairs by class, which add up over parts of the pairs.

    `summarise` makes probabilities and intervals of them, now or after tallies of several files,
    experiments or processes have been added.

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
        counts in each. Default the columns pre_class and post_class where the frame is classified;
        with `bins`, else all cells together.
    post_classes
        Those of the postsynaptic cells, default the same; where `classes` names the column
        "pre_...", default "post_...".
    kind
        "chemical"; "electrical"; "reciprocal": pairs tested both ways, by how many of the two
        directions are connected; or "reciprocal_either": pairs tested one way count, too, with the
        other direction as not connected, which lowers what is both ways.
    bins
        Counts by distance, too, for `kind` "chemical": edges in metres, ascending, or a number of
        equal bins up to the largest probed distance, from 0 or, where it is less, from the least.
        A bin has its lower edge, not its upper one. Tallies add up where the edges are the same, so
        give edges, not a number. Default none.
    distance
        Column of pair: "distance", "lateral_distance" (as in published matrices),
        "vertical_distance".
    sigma
        Of the Gaussian profile of the adjusted values, in metres; None leaves them missing.
    probed
        Whether a pair was probed is decided by the presynaptic `cell_class_nonsynaptic`
        ("nonsynaptic"), or `cell_class` ("synaptic"), which uses synaptic currents.
    db
        The database, where the frame does not know it.

    Returns
    -------
    DataFrame
        By (pre_class, post_class), every combination.

        - chemical, electrical: n_probed, n_connected; n_probed_at_distance,
          n_connected_at_distance, those of them with a finite distance (int64); profile_sum, the
          sum of exp(-x² / 2 sigma²) over their distances x (float64). With ``sigma=None`` the last
          three are 0.
        - both reciprocal: n_probed (unordered pairs), n_none, n_one_way, n_both_ways (int64);
          n_forward, n_backward, connections along and against the direction of the row (float64: a
          pair both of whose readings belong to the row counts half in each).
        - with `bins`: n_probed, n_connected (int64), by (pre_class, post_class, distance), or by
          distance alone.

        ``attrs["synphys"]`` says how it was counted.

    Raises
    ------
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
    summarise : Probabilities and intervals from a tally.
    connectivity : Both in one step.

    Notes
    -----
    A pair is probed with more than 10 test spikes of the type that the presynaptic class calls for,
    of both types for any other or unknown class. A probed pair whose `has_synapse` is missing
    counts as not connected, as in the published figures. An electrical synapse was probed where
    both cells' electrodes have a recording whose stimulus name contains "TargetV"; small files have
    no recordings, and there the pairs with a known `has_electrical` count, which attrs says.

    Tallies of parts are added by ``pd.concat(tallies).groupby(level=[0, 1], sort=False).sum()``
    (or ``first.add(second, fill_value=0)``). The parts may be any as long as each pair is in one of
    them; reciprocal pairs need both directions in one part: keep the pairs of an experiment
    together.

    Examples
    --------
    >>> classes = {"ex": sf.CellClass(cell_class="ex"), "in": sf.CellClass(cell_class="in")}
    >>> mouse, human = (sf.tally(db.pairs(species=name), classes) for name in ("mouse", "human"))
    >>> (mouse + human)[["n_probed", "n_connected"]].head(2)
                          n_probed  n_connected
    pre_class post_class
    ex        ex                61            7
              in                35            7
    """
    return tally_of(
        pairs,
        classes,
        post_classes,
        kind=kind,
        bins=bins,
        distance=distance,
        sigma=sigma,
        probed=probed,
        db=db,
    ).to_frame()


@documented_by(tally, parameters_only=True)
def tally_of(
    pairs: pd.DataFrame,
    classes: Classes | None = None,
    post_classes: Classes | None = None,
    *,
    kind: Kind = "chemical",
    bins: int | Sequence[float] | None = None,
    distance: str = "distance",
    sigma: float | None = 100e-6,
    probed: Probed = "nonsynaptic",
    db: SynphysDatabase | None = None,
) -> Tally:
    """Return what `tally` gives, before it is a frame."""
    if kind not in _KINDS:
        raise ArgumentError(f"kind takes {', '.join(map(repr, _KINDS))}; got {kind!r}.")
    if sigma is not None and not sigma > 0:
        raise ArgumentError(f"sigma takes metres, above 0, or None; got {sigma!r}.")
    require_lengths([sigma or 0.0], "sigma")
    classes = classes_of(pairs, classes, post_classes)
    if bins is not None:
        if kind != "chemical":
            raise ArgumentError(f"bins goes with kind 'chemical' only; got {kind!r}.")
        counted = ProbedPairs.chemical(pairs, distance, probed, db)
        columns, index = _by_distance(counted, _edges(bins, counted), classes, post_classes)
        counting: dict[str, Any] = {"probed": probed, "distance": distance}
    elif kind in ("reciprocal", "reciprocal_either"):
        counted = ProbedPairs.chemical(pairs, distance, probed, db)
        columns, index = _reciprocal(counted, classes, post_classes, kind)
        counting = {"kind": kind, "probed": probed}
    else:
        counted = (
            ProbedPairs.electrical(pairs, distance, db)
            if kind == "electrical"
            else ProbedPairs.chemical(pairs, distance, probed, db)
        )
        columns, index = _by_class(counted, classes, post_classes, sigma)
        width = None if sigma is None else float(sigma)
        counting = {
            "kind": kind,
            "probed": counted.criterion,
            "distance": distance,
            "sigma": width,
        }
    return Tally(columns, index, counting)


def _by_class(
    counted: ProbedPairs, classes: Any, post_classes: Any, sigma: float | None
) -> Counted:
    rows = counted.rows
    pre, post = counted.pairs.memberships(*both_sides(classes, post_classes), rows)
    crossing, connected = Crossing(pre, post), counted.connected[rows]
    tables = {"n_probed": crossing.count(), "n_connected": crossing.count(connected)}
    if sigma is None:
        tables |= dict.fromkeys(BY_CLASS[2:], np.zeros_like(tables["n_probed"]))
    else:
        metres = counted.distance[rows]
        known = np.isfinite(metres)
        profile = np.exp(-(np.where(known, metres, 0.0) ** 2) / (2 * sigma**2))
        tables["n_probed_at_distance"] = crossing.count(known)
        tables["n_connected_at_distance"] = crossing.count(known & connected)
        tables["profile_sum"] = crossing.count(known, profile)
    return _counted(tables, _product_index([list(pre.names), list(post.names)], CLASS_LEVELS))


def _reciprocal(counted: ProbedPairs, classes: Any, post_classes: Any, kind: Kind) -> Counted:
    pre, post = counted.pairs.memberships(*both_sides(classes, post_classes))
    probed, partner = counted.probed, counted.pairs.partner()
    connected = counted.connected & probed
    tested = partner >= 0
    probed_back = probed[partner] & tested
    if kind == "reciprocal_either":
        _require_partners(probed & ~tested)
        tested &= probed | probed_back
    else:
        tested &= probed & probed_back
    connected_back = connected[partner] & tested
    along = Crossing(pre, post, tested)
    either_way = Crossing(pre.shared(partner), post.shared(partner), tested)

    def count(rows: Mask) -> Floats:
        chosen = rows[tested]
        # A pair that belongs here whichever way it is read is met twice, once from each cell.
        return along.count(chosen) - either_way.count(chosen) / 2

    n_probed, both_ways = count(tested), count(tested & connected & connected_back)
    forward, backward = count(tested & connected), count(tested & connected_back)
    tables = {
        "n_probed": n_probed,
        "n_none": n_probed - forward - backward + both_ways,
        "n_one_way": forward + backward - 2 * both_ways,
        "n_both_ways": both_ways,
        "n_forward": forward,
        "n_backward": backward,
    }
    return _counted(tables, _product_index([list(pre.names), list(post.names)], CLASS_LEVELS))


def _require_partners(alone: Mask) -> None:
    if alone.any():
        raise ArgumentError(
            f"kind 'reciprocal_either' takes a frame with both directions of each pair; "
            f"{np.count_nonzero(alone):,} probed pairs lack theirs. Leave out what chooses one "
            "direction, such as synapse_probed=True or pre_class=...: db.pairs(species='mouse')."
        )


def _by_distance(counted: ProbedPairs, edges: Floats, classes: Any, post_classes: Any) -> Counted:
    place = np.searchsorted(edges, counted.distance, side="right") - 1
    inside = np.isfinite(counted.distance) & (place >= 0) & (place < len(edges) - 1)
    rows = np.flatnonzero(counted.probed & inside)
    # Not a categorical of intervals, which Parquet can't hold.
    bins = pd.IntervalIndex.from_breaks(edges, closed="left", name="distance")
    index: pd.Index = bins
    if classes is None:
        pre = post = Membership.of_one_class(len(rows))
    else:
        pre, post = counted.pairs.memberships(*both_sides(classes, post_classes), rows)
        classes_of_sides = [
            pd.CategoricalIndex(side.names, list(side.names)) for side in (pre, post)
        ]
        index = _product_index([*classes_of_sides, bins], [*CLASS_LEVELS, "distance"])
    crossing, connected = Crossing(pre, post), counted.connected[rows]
    by_bin = np.argsort(place[rows], kind="stable")
    ends = np.cumsum(np.bincount(place[rows], minlength=len(bins)))
    in_bins = np.split(by_bin, ends[:-1])
    tables = {
        "n_probed": np.stack([crossing.count(bin_) for bin_ in in_bins], axis=-1),
        "n_connected": np.stack(
            [crossing.count(bin_[connected[bin_]]) for bin_ in in_bins], axis=-1
        ),
    }
    return _counted(tables, index)


def _edges(bins: int | Sequence[float], counted: ProbedPairs) -> Floats:
    if isinstance(bins, int | np.integer) and not isinstance(bins, bool):
        if bins < 1:
            raise ArgumentError(f"bins takes a number of bins, 1 or more; got {bins!r}.")
        metres = counted.distance[counted.probed]
        metres = metres[np.isfinite(metres)]
        least, most = float(metres.min(initial=0)), float(metres.max(initial=1e-6))
        # The largest distance belongs to the last bin.
        return np.linspace(least, np.nextafter(most, np.inf), int(bins) + 1)
    edges = np.asarray(bins, dtype=np.float64)
    if edges.ndim != 1 or len(edges) < 2 or not (np.diff(edges) > 0).all():
        raise ArgumentError(f"bins takes ascending edges in metres, at least two; got {bins!r}.")
    require_lengths(edges, "bins")
    return edges


def _product_index(levels: Sequence[Any], names: Sequence[str]) -> pd.MultiIndex:
    """Return every combination of the levels, as they are; pandas' from_product makes new ones."""
    codes = np.indices([len(level) for level in levels]).reshape(len(levels), -1)
    return pd.MultiIndex(levels=list(levels), codes=codes.tolist(), names=list(names))


def _counted(tables: Mapping[str, Floats], index: pd.Index) -> Counted:
    """Return tables by class as columns of whole numbers, those of sums as they are."""
    columns: dict[str, Values] = {
        name: table.ravel() if name in SUMS else table.ravel().astype(np.int64)
        for name, table in tables.items()
    }
    return columns, index
