"""Which pairs of a frame were probed, and which of them are connected."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np
import pandas as pd

from .._cached_property import cached_property
from ..database import database_of
from ..errors import ArgumentError, NotInVersionError, ProvenanceError
from ..query import probed_mask
from ..schema import NEWEST, published_schema, require_metres
from .pair_checks import require_distinct, warn_of_selection
from .pair_columns import SIDES, PairFrame, numbers, truths

if TYPE_CHECKING:
    from .._typing import Floats, Mask, Rows
    from ..database import SynphysDatabase

Probed: TypeAlias = Literal["nonsynaptic", "synaptic"]

_TARGET_STIMULUS = "%TargetV%"
_CLASS_COLUMNS = {"nonsynaptic": "cell_class_nonsynaptic", "synaptic": "cell_class"}

_DISTANCES = ("distance", "lateral_distance", "vertical_distance")


class ProbedPairs:
    """Pairs of a frame, whether each was probed and is connected, and how far apart it is.

    Parameters
    ----------
    pairs
        The frame.
    probed, connected
        For each of its rows.
    criterion
        What decided whether a pair was probed, for the attrs of results.
    distance
        Column of pair, in metres.
    """

    def __init__(
        self, pairs: PairFrame, probed: Mask, connected: Mask, criterion: str, distance: str
    ) -> None:
        self.pairs = pairs
        self.probed = probed
        self.connected = connected
        self.criterion = criterion
        self._distance = distance

    @classmethod
    def chemical(
        cls, frame: pd.DataFrame, distance: str, probed: Probed, db: SynphysDatabase | None
    ) -> ProbedPairs:
        """Return the pairs with those probed for a chemical synapse.

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
        require_distinct(frame)
        pairs = PairFrame(frame, db)
        connected = truths(pairs.values("has_synapse"))
        was_probed = probed_mask(
            _presynaptic_class(pairs, probed),
            pairs.values("n_ex_test_spikes"),
            pairs.values("n_in_test_spikes"),
        )
        warn_of_selection(frame, np.flatnonzero(was_probed), connected, "chemical")
        return cls(pairs, was_probed, connected, probed, distance)

    @classmethod
    def electrical(
        cls, frame: pd.DataFrame, distance: str, db: SynphysDatabase | None
    ) -> ProbedPairs:
        """Return the pairs with those probed for an electrical synapse.

        Parameters
        ----------
        frame
            The pairs.
        distance
            Column of pair, in metres.
        db
            The database, where the frame does not know it.
        """
        require_distinct(frame)
        pairs = PairFrame(frame, db)
        was_probed, criterion = _electrically_probed(pairs, db)
        connected = truths(pairs.values("has_electrical"))
        warn_of_selection(frame, np.flatnonzero(was_probed), connected, "electrical")
        return cls(pairs, was_probed, connected, criterion, distance)

    @cached_property
    def distance(self) -> Floats:
        """In metres; looked up only where it is needed."""
        values = self.pairs.values(self._distance)
        described = published_schema(NEWEST).table("pair").columns.get(self._distance)
        is_number = pd.api.types.is_numeric_dtype(values.dtype)
        is_other = described is not None and described.unit != "m"
        if is_other or not is_number or pd.api.types.is_bool_dtype(values.dtype):
            raise ArgumentError(
                f"distance takes a column with metres: {', '.join(map(repr, _DISTANCES))}; got "
                f"{self._distance!r}."
            )
        metres = numbers(values)
        require_metres(metres, f"The column {self._distance!r}")
        return metres

    @property
    def rows(self) -> Rows:
        """The rows of the pairs that were probed."""
        return np.flatnonzero(self.probed)


def _presynaptic_class(pairs: PairFrame, probed: Probed) -> pd.Series:
    """Return the class of the presynaptic cells that decides whether a pair was probed."""
    if probed not in _CLASS_COLUMNS:
        raise ArgumentError(f"probed takes 'nonsynaptic' or 'synaptic'; got {probed!r}.")
    try:
        return pairs.cell_values("pre", _CLASS_COLUMNS[probed])
    except NotInVersionError as error:
        raise NotInVersionError(
            f"{error} probed='synaptic' goes by cell_class, which the file has."
        ) from error


def _electrically_probed(pairs: PairFrame, db: SynphysDatabase | None) -> tuple[Mask, str]:
    """Return which pairs were probed for an electrical synapse, and what decided that."""
    known = pairs.values("has_electrical").notna().to_numpy(dtype=bool)
    by_value = "pairs with a known has_electrical: there are no recordings to tell by"
    try:
        release = database_of(pairs.frame, db)
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
    pre, post = (pairs.values(f"{side}_cell_id").isin(cells) for side in SIDES)
    return (pre & post).to_numpy(dtype=bool), "recordings with TargetV in stim_name"
