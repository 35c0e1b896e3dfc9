"""A 17 x 17 connectivity matrix beside SQL and a pandas groupby written by hand.

By hand there are the counts alone, without intervals: the easier task. First with classes of which
a cell has one, then with classes that overlap.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import synphys_frames as sf

from .alternating import Comparison, alternate
from .by_hand import COUNTS, attached, grouped, overlapping_counts

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CRE_TYPES = ("pvalb", "sst", "vip", "ndnf", "tlx3", "sim1", "rorb", "ntsr1", "cux2", "nr5a1")
LAYERS = ("1", "2/3", "4", "5", "6")
CLASSES = {cre: sf.CellClass(cre_type=cre) for cre in CRE_TYPES} | {
    f"L{layer} other": sf.CellClass(target_layer=layer, cre_type=("unknown", "sst,pvalb"))
    for layer in LAYERS
}
CLASSES |= {kind: sf.CellClass(cre_type="unknown", cell_class=kind) for kind in ("mixed", "none")}

OVERLAPPING = (
    {cre: ("cre_type", cre) for cre in CRE_TYPES}
    | {f"L{layer}": ("target_layer", layer) for layer in LAYERS}
    | {kind: ("dendrite_type", kind) for kind in ("spiny", "aspiny")}
)


def compare(db: sf.SynphysDatabase, path: Path, rounds: int) -> Iterator[Comparison]:
    """Yield the comparison."""
    duck = attached(path)
    counts = COUNTS.format(prefix="release.")
    narrow, wide = db.pairs(species="mouse"), db.pairs(species="mouse", include="cell")
    ours: Any = narrow.synphys.connectivity(CLASSES)
    by_pandas: Any = grouped(wide)
    by_sql = {(pre, post): (n, hits) for pre, post, n, hits in duck.execute(counts).fetchall()}
    for pair in ((pre, post) for pre in CRE_TYPES for post in CRE_TYPES):
        expected = by_sql.get(pair, (0, 0))
        found = tuple(ours.loc[pair, ["n_probed", "n_connected"]])
        grouped_here = tuple(by_pandas.loc[pair]) if pair in by_pandas.index else (0, 0)
        if not found == expected == grouped_here:
            raise SystemExit(f"{pair}: the contenders do not count the same")
    yield alternate(
        f"Q5: 17 x 17 classes, {len(wide):,} mouse pairs",
        {
            "synphys_frames, on a frame of pairs": lambda: narrow.synphys.connectivity(CLASSES),
            "the same, on a frame with the cell group": lambda: wide.synphys.connectivity(CLASSES),
            "the same, and the pairs by a query": lambda: db.pairs(
                species="mouse"
            ).synphys.connectivity(CLASSES),
            "SQL by hand, DuckDB attached (counts only)": lambda: duck.execute(counts).df(),
            "pandas groupby by hand (counts only)": lambda: grouped(wide),
        },
        rounds,
    )
    overlapping = {
        name: sf.CellClass(**{column: value}) for name, (column, value) in OVERLAPPING.items()
    }
    counts_of_overlapping = overlapping_counts(OVERLAPPING)
    ours = narrow.synphys.connectivity(overlapping)[["n_probed", "n_connected"]]
    by_hand = duck.execute(counts_of_overlapping).df().set_index(["pre_class", "post_class"])
    if not ours.equals(by_hand.reindex(ours.index, fill_value=0).astype(ours.dtypes)):
        raise SystemExit("overlapping classes: the contenders do not count the same")
    yield alternate(
        f"Q5 with classes that overlap, {len(wide):,} mouse pairs",
        {
            "synphys_frames, on a frame of pairs": lambda: narrow.synphys.connectivity(overlapping),
            "the same, on a frame with the cell group": lambda: wide.synphys.connectivity(
                overlapping
            ),
            "SQL by hand, DuckDB attached (counts only)": lambda: duck.execute(
                counts_of_overlapping
            ).df(),
        },
        rounds,
    )
