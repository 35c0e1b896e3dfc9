"""The class of each pair's two cells, as columns beside the pairs."""

from __future__ import annotations

from copy import deepcopy
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, get_args

import pandas as pd

from .._arguments import checked
from ..errors import ArgumentError, OverlappingClassesError, OverlappingClassesWarning, warn
from ..query import class_codes, id_column, named_classes, single
from .pair_columns import SIDES, PairFrame

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .._typing import Mask
    from ..database import SynphysDatabase
    from ..query import CellClass

Overlap: TypeAlias = Literal["warn", "first", "raise"]


@checked()
def classify_pairs(
    frame: pd.DataFrame,
    classes: Mapping[str, CellClass | Mapping[str, Any]] | Sequence[CellClass],
    overlap: Overlap = "warn",
    db: SynphysDatabase | None = None,
) -> pd.DataFrame:
    """Return a frame of pairs with the classes of both cells.

    Parameters
    ----------
    frame
        The pairs.
    classes
        Name and class; or classes, which then go by their own names. A cell gets the first class
        that it belongs to.
    overlap
        What to do with cells of several of the classes: "warn" and take the first, "first" to take
        it in silence, or "raise".
    db
        The database, where the frame does not know it. It is asked only for criteria whose columns
        the frame does not have.

    Returns
    -------
    DataFrame
        The same rows and index, and the columns pre_class and post_class: categorical, in the order
        given, missing for cells of none of the classes. They take the place of columns of these
        names.

    Raises
    ------
    ArgumentError
        The classes' names are not distinct, or overlap has another value.
    OverlappingClassesError
        Cells belong to several of the classes, with ``overlap="raise"``.
    NotInVersionError
        The release lacks a column that a class asks for.
    ProvenanceError
        This is no frame of pairs, or it lacks columns and a database.
    """
    if overlap not in get_args(Overlap):
        choices = ", ".join(map(repr, get_args(Overlap)))
        raise ArgumentError(f"overlap takes {choices}; got {overlap!r}.")
    named = named_classes(classes)
    members = list(named.values())
    kept = frame.drop(columns=["pre_class", "post_class"], errors="ignore")
    decided, cells_of = PairFrame(frame, db).on_cells(SIDES, members, partial(class_codes, members))
    codes, counts = decided.T
    if overlap != "first":
        _tell_of_overlap(frame, [counts[cells] > 1 for cells in cells_of], overlap)
    names = pd.Index(list(named))
    added = {
        f"{side}_class": pd.Categorical.from_codes(codes[cells], categories=names)
        for side, cells in zip(SIDES, cells_of, strict=True)
    }
    result = kept.assign(**added)
    result.attrs = deepcopy(frame.attrs)
    return result


def _tell_of_overlap(frame: pd.DataFrame, in_several: Sequence[Mask], overlap: Overlap) -> None:
    """Warn of cells that belong to several classes, or refuse them."""
    if not any(rows.any() for rows in in_several):
        return
    labels = [id_column(frame.columns, side) for side in SIDES]
    ids = [
        single(frame, label)[rows]
        for label, rows in zip(labels, in_several, strict=True)
        if label is not None
    ]
    rows = int(sum(rows.sum() for rows in in_several))
    count = f"{pd.concat(ids).nunique()} cells" if len(ids) == len(SIDES) else f"{rows} entries"
    message = f"{count} of this frame belong to several of the classes"
    if overlap == "raise":
        raise OverlappingClassesError(
            f"{message}. Make the classes exclude each other by & ~, or take the first: "
            'overlap="first".'
        )
    warn(
        f"{message}, and get the first of them: counted by these columns, they are missing in the "
        'others. connectivity(classes) counts a cell in each of its classes; overlap="first" says '
        "that the first is meant.",
        OverlappingClassesWarning,
    )
