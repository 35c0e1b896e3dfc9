"""What a frame of pairs can be asked: the analyses as methods, for `df.synphys`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .._arguments import checked
from .classification import Overlap, classify_pairs
from .docstrings import documented_by
from .matrix import compare_values, value_matrix
from .measures import connectivity, connectivity_profile, fit_distance
from .tallies import tally

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import pandas as pd

    from ..database import SynphysDatabase
    from ..query import CellClass
    from .class_arguments import Classes
    from .distance_fits import DistanceFit
    from .distance_models import Model
    from .probed_pairs import Probed
    from .tallies import Kind


class PairVerbs:
    """The analyses of a frame of pairs, each as a method.

    Parameters
    ----------
    frame
        The pairs. No method changes it.
    """

    def __init__(self, frame: pd.DataFrame) -> None:
        self._frame = frame

    @documented_by(classify_pairs)
    def classify(
        self,
        classes: Mapping[str, CellClass | Mapping[str, Any]] | Sequence[CellClass],
        *,
        overlap: Overlap = "warn",
        db: SynphysDatabase | None = None,
    ) -> pd.DataFrame:
        """Return this frame of pairs with the classes of both cells.

        Examples
        --------
        >>> pairs = db.pairs(include="cell").synphys.classify(
        ...     {"Pvalb": sf.CellClass(cre_type="pvalb"), "Sst": sf.CellClass(cre_type="sst")}
        ... )
        >>> pairs[["pair.id", "pre_class", "post_class"]].dropna().head(2)
            pair.id pre_class post_class
        23       24       Sst        Sst
        24       25       Sst        Sst
        """
        return classify_pairs(self._frame, classes, overlap, db)

    @documented_by(tally)
    def tally(
        self,
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

        Examples
        --------
        >>> classes = {"Pvalb": sf.CellClass(cre_type="pvalb"), "Sst": sf.CellClass(cre_type="sst")}
        >>> db.pairs(species="mouse").synphys.tally(classes)[["n_probed", "n_connected"]].head(2)
                              n_probed  n_connected
        pre_class post_class
        Pvalb     Pvalb             33            9
                  Sst                3            0
        """
        return tally(
            self._frame,
            classes,
            post_classes,
            kind=kind,
            bins=bins,
            distance=distance,
            sigma=sigma,
            probed=probed,
            db=db,
        )

    @documented_by(connectivity)
    def connectivity(
        self,
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

        Examples
        --------
        >>> classes = {"Pvalb": sf.CellClass(cre_type="pvalb"), "Sst": sf.CellClass(cre_type="sst")}
        >>> counts = db.pairs(species="mouse").synphys.connectivity(classes)
        >>> counts[["n_probed", "n_connected", "connection_probability"]].head(2)
                              n_probed  n_connected  connection_probability
        pre_class post_class
        Pvalb     Pvalb             33            9                0.272727
                  Sst                3            0                0.000000
        """
        return connectivity(
            self._frame,
            classes,
            post_classes,
            kind=kind,
            distance=distance,
            sigma=sigma,
            alpha=alpha,
            probed=probed,
            db=db,
        )

    @documented_by(connectivity_profile)
    def connectivity_profile(
        self,
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

        Examples
        --------
        >>> profile = db.pairs(species="mouse").synphys.connectivity_profile([0, 1e-4, 2e-4])
        >>> profile[["n_probed", "n_connected", "connection_probability"]]
                          n_probed  n_connected  connection_probability
        distance
        [0.0, 0.0001)          257           23                0.089494
        [0.0001, 0.0002)       201           12                0.059701
        """
        return connectivity_profile(
            self._frame,
            bins,
            distance=distance,
            classes=classes,
            post_classes=post_classes,
            alpha=alpha,
            probed=probed,
            db=db,
        )

    @documented_by(fit_distance)
    def fit_distance(
        self,
        model: Model = "gaussian",
        *,
        distance: str = "distance",
        fixed_size: float | None = None,
        fixed_max: float | None = None,
        probed: Probed = "nonsynaptic",
        db: SynphysDatabase | None = None,
    ) -> DistanceFit:
        """Fit how connection probability falls with distance, over the probed pairs.

        Examples
        --------
        >>> fit = db.pairs(species="mouse").synphys.fit_distance()
        >>> fit.status, fit.n_probed, fit.n_connected
        ('fitted', 459, 35)
        """
        return fit_distance(
            self._frame,
            model,
            distance=distance,
            fixed_size=fixed_size,
            fixed_max=fixed_max,
            probed=probed,
            db=db,
        )

    @documented_by(value_matrix)
    @checked()
    def matrix(
        self,
        column: str,
        classes: Classes,
        post_classes: Classes | None = None,
        *,
        aggfunc: str | Callable[[pd.Series], Any] = "median",
        min_count: int = 1,
        counts: bool = False,
        db: SynphysDatabase | None = None,
    ) -> Any:
        """Return a column's value for each combination of classes, presynaptic down.

        Parameters
        ----------
        counts
            Whether to return the numbers of values, too.

        Returns
        -------
        DataFrame, or two of them
            pre x post, float64; its ``attrs["synphys"]`` has the column, its unit and aggfunc. With
            ``counts=True`` the numbers of values behind each entry (int64) as a second frame.

        Examples
        --------
        >>> classes = {"ex": sf.CellClass(cell_class="ex"), "in": sf.CellClass(cell_class="in")}
        >>> pairs = db.pairs(synapse=True, include="synapse")
        >>> pairs.synphys.matrix("synapse.latency", classes)
        post_class        ex        in
        pre_class
        ex          0.001445  0.001220
        in          0.001255  0.001141
        """
        values, counted = value_matrix(
            self._frame,
            column,
            classes,
            post_classes,
            aggfunc=aggfunc,
            min_count=min_count,
            db=db,
        )
        return (values, counted) if counts else values

    @documented_by(compare_values)
    def compare(
        self,
        column: str,
        classes: Classes,
        post_classes: Classes | None = None,
        *,
        min_count: int = 3,
        db: SynphysDatabase | None = None,
    ) -> pd.DataFrame:
        """Test whether a column differs between combinations of classes.

        Examples
        --------
        >>> classes = {"ex": sf.CellClass(cell_class="ex"), "in": sf.CellClass(cell_class="in")}
        >>> pairs = db.pairs(synapse=True, include="synapse")
        >>> tests = pairs.synphys.compare("synapse.psp_amplitude", classes)
        >>> tests[["pre_class_a", "post_class_a", "pre_class_b", "post_class_b", "n_a"]].head(2)
          pre_class_a post_class_a pre_class_b post_class_b  n_a
        0          ex           ex          ex           in    6
        1          ex           ex          in           ex    6
        """
        return compare_values(
            self._frame, column, classes, post_classes, min_count=min_count, db=db
        )
