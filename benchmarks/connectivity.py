"""A 17 x 17 connectivity matrix beside SQL and a pandas groupby written by hand.

By hand, there are only classes of which a cell has one, and the counts alone, without intervals:
the easier task.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import synphys_frames as sf

from .alternating import Comparison, alternate
from .by_hand import COUNTS, attached, grouped

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
