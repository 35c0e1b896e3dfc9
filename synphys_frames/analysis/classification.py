"""The class of each pair's two cells, as columns beside the pairs."""

from __future__ import annotations

from copy import deepcopy
from functools import partial
from typing import TYPE_CHECKING, Any

import pandas as pd

from ..query import class_codes, named_classes
from .pair_columns import SIDES, PairFrame

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ..database import SynphysDatabase
    from ..query import CellClass


def classify_pairs(
    frame: pd.DataFrame,
    classes: Mapping[str, CellClass | Mapping[str, Any]] | Sequence[CellClass],
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
        The classes' names are not distinct.
    NotInVersionError
        The release lacks a column that a class asks for.
    ProvenanceError
        This is no frame of pairs, or it lacks columns and a database.
    """
    named = named_classes(classes)
    members = list(named.values())
    kept = frame.drop(columns=["pre_class", "post_class"], errors="ignore")
    codes, cells_of = PairFrame(frame, db).on_cells(SIDES, members, partial(class_codes, members))
    names = pd.Index(list(named))
    added = {
        f"{side}_class": pd.Categorical.from_codes(codes[cells], categories=names)
        for side, cells in zip(SIDES, cells_of, strict=True)
    }
    result = kept.assign(**added)
    result.attrs = deepcopy(frame.attrs)
    return result
