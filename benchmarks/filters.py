"""Filters without anything included, and what a class decides: the narrow queries."""

from __future__ import annotations

from typing import TYPE_CHECKING

import synphys_frames as sf

from .alternating import Comparison, alternate
from .by_hand import attached
from .connectivity import CLASSES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def compare(db: sf.SynphysDatabase, path: Path, rounds: int) -> Iterator[Comparison]:
    """Yield comparisons of filters, then of classification."""
    duck = attached(path)
    # The limit that ten pairs are below, and two conditions for a little more work.
    limit = float(db.pair["distance"].nsmallest(10).iloc[-1])
    plain = (
        "SELECT pair.* FROM release.pair JOIN release.experiment AS e ON e.id = experiment_id "
        "JOIN release.cell AS pre ON pre.id = pre_cell_id "
        "JOIN release.cell AS post ON post.id = post_cell_id "
        "JOIN release.slice AS s ON s.id = e.slice_id WHERE "
    )
    pvalb = sf.CellClass(cre_type="pvalb")
    count = len(db.pairs(distance=(None, limit)))
    yield alternate(
        f"Filters, nothing included: {count} of {len(db.pairs()):,} pairs",
        {
            "distance=(None, limit)": lambda: db.pairs(distance=(None, limit)),
            "where='distance <= ...'": lambda: db.pairs(where=f"distance <= {limit!r}"),
            "species, synapse, pre_class": lambda: db.pairs(
                species="mouse", synapse=True, pre_class=pvalb
            ),
            "SQL by hand, distance": lambda: duck.execute(f"{plain} distance <= {limit!r}").df(),
            "SQL by hand, species, synapse, cre_type": lambda: duck.execute(
                f"{plain} species = 'mouse' AND has_synapse = 1 AND pre.cre_type = 'pvalb'"
            ).df(),
        },
        rounds,
    )
    wide, narrow = db.pairs(include="cell"), db.pairs()
    yield alternate(
        f"Classification of both cells of {len(wide):,} pairs, {len(CLASSES)} classes",
        {
            "by the cells' columns in a wide frame": lambda: wide.synphys.classify(
                CLASSES, overlap="first"
            ),
            "by the cells' ids, from the database": lambda: narrow.synphys.classify(
                CLASSES, overlap="first"
            ),
        },
        rounds,
    )
