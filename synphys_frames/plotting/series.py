"""What a distance picture draws of each combination of classes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..analysis import ProbedPairs, both_sides, classes_of, fit_probability
from ..errors import ArgumentError
from .style import COLOURS, joined

if TYPE_CHECKING:
    import pandas as pd

    from .._typing import Floats, Mask, Rows
    from ..analysis import Classes, Model


_CURVE_POINTS = 200


@dataclass(frozen=True, slots=True)
class Series:
    """What is drawn of one combination of classes.

    Attributes
    ----------
    name
        For the legend; None where there is no other.
    profile
        As `connectivity_profile` gives it, by bin.
    metres, connected
        Of each probed pair whose distance is known.
    fit
        The fitted curve; None for none.
    """

    name: str | None
    profile: pd.DataFrame
    metres: Floats
    connected: Mask
    fit: Any

    @property
    def is_fitted(self) -> bool:
        """Whether there is a curve to draw."""
        return self.fit is not None and bool(np.isfinite(self.curve()[1]).any())

    def curve(self) -> tuple[Floats, Floats]:
        """Return distances in metres, as far as there are pairs, and the curve there."""
        least, most = self.metres.min(initial=0.0), self.metres.max(initial=1e-6)
        metres = np.linspace(least, most, _CURVE_POINTS)
        return metres, self.fit.predict(metres)


def groups_of(
    counted: ProbedPairs, classes: Classes | None, post_classes: Classes | None
) -> dict[tuple[str, str] | None, Rows]:
    """Return the probed rows of each combination of classes; without classes, of all."""
    classes = classes_of(counted.pairs.frame, classes, post_classes)
    if classes is None:
        return {None: counted.rows}
    pre, post = counted.pairs.memberships(*both_sides(classes, post_classes))
    if len(pre.names) * len(post.names) > len(COLOURS):
        raise ArgumentError(
            f"{len(pre.names)} x {len(post.names)} combinations of classes can't be told apart in "
            f"one picture; at most {len(COLOURS)}. Draw one after the other with ax=."
        )
    return {
        (before, after): np.flatnonzero(counted.probed & pre.members(row) & post.members(column))
        for row, before in enumerate(pre.names)
        for column, after in enumerate(post.names)
    }


def series_of(
    counted: ProbedPairs,
    rows: Rows,
    name: tuple[str, str] | None,
    profile: pd.DataFrame,
    model: Model | None,
) -> Series:
    """Return what is drawn of one combination of classes, of which these are the probed rows."""
    rows = rows[np.isfinite(counted.distance[rows])]
    metres, connected = counted.distance[rows], counted.connected[rows]
    fit = None if model is None else fit_probability(metres, connected, model)
    if name is None:
        return Series(None, profile, metres, connected, fit)
    chosen: Any = profile.loc[name]
    return Series(joined(name), chosen, metres, connected, fit)
