"""A 17 x 17 connectivity matrix: this library beside SQL and a pandas groupby written by hand.

The groupby takes only classes of which a cell has one, and the counts alone, without intervals: it
is given the easier task. The file is synthetic, of the published scale.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

import synphys_frames as sf
from benchmarks.alternating import alternate, show
from synphys_frames import engine

if TYPE_CHECKING:
    import pandas as pd

CRE_TYPES = ("pvalb", "sst", "vip", "ndnf", "tlx3", "sim1", "rorb", "ntsr1", "cux2", "nr5a1")
LAYERS = ("1", "2/3", "4", "5", "6")
CLASSES = {cre: sf.CellClass(cre_type=cre) for cre in CRE_TYPES} | {
    f"L{layer} other": sf.CellClass(target_layer=layer, cre_type=("unknown", "sst,pvalb"))
    for layer in LAYERS
}
CLASSES |= {kind: sf.CellClass(cre_type="unknown", cell_class=kind) for kind in ("mixed", "none")}


def by_hand(pairs: pd.DataFrame) -> pd.DataFrame:
    """Return probed and connected counts by the class columns of a wide frame."""
    kinds = pairs["pre_cell.cell_class_nonsynaptic"]
    ex = pairs["pair.n_ex_test_spikes"].to_numpy(float, na_value=np.nan) > 10
    inh = pairs["pair.n_in_test_spikes"].to_numpy(float, na_value=np.nan) > 10
    probed = np.where(kinds == "ex", ex, np.where(kinds == "in", inh, ex & inh))
    tested = pairs[probed]
    connected = tested["pair.has_synapse"].fillna(False).astype(int)
    groups = connected.groupby([tested["pre_cell.cre_type"], tested["post_cell.cre_type"]])
    return groups.agg(["size", "sum"])


def main() -> None:
    """Print the ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scale", type=float, default=1.0, help="1: the published scale")
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = sf.build_sample(Path(folder) / "synthetic_small.sqlite", scale=options.scale)
        db = sf.load_sqlite(path)
        print(f"{db} (synthetic)")
        attached = engine.connect()
        attached.execute(f"ATTACH '{path}' AS release (TYPE sqlite, READ_ONLY)")
        columns = ["cell.cre_type", "pre_cell.cell_class_nonsynaptic"]
        wide = db.pairs(species="mouse", include=columns)
        counts_by_sql = (
            "SELECT pre.cre_type, post.cre_type, count(*), sum(coalesce(has_synapse, 0)) "
            "FROM release.pair JOIN release.cell pre ON pre.id = pre_cell_id "
            "JOIN release.cell post ON post.id = post_cell_id "
            "JOIN release.experiment e ON e.id = pair.experiment_id "
            "JOIN release.slice s ON s.id = e.slice_id WHERE species = 'mouse' "
            "AND CASE pre.cell_class_nonsynaptic WHEN 'ex' THEN n_ex_test_spikes > 10 "
            "WHEN 'in' THEN n_in_test_spikes > 10 "
            "ELSE n_ex_test_spikes > 10 AND n_in_test_spikes > 10 END GROUP BY ALL"
        )
        ours = db.pairs(species="mouse").synphys.connectivity(CLASSES)
        checked: Any = by_hand(wide).loc[("pvalb", "sst")]
        found: Any = ours.loc[("pvalb", "sst"), ["n_probed", "n_connected"]]
        if list(found) != list(checked):
            raise SystemExit("the contenders do not count the same")
        show(
            f"17 x 17 classes, {len(wide):,} mouse pairs",
            alternate(
                {
                    "from the opened database": lambda: db.pairs(
                        species="mouse"
                    ).synphys.connectivity(CLASSES),
                    "on a wide frame": lambda: wide.synphys.connectivity(CLASSES),
                    "groupby by hand on the frame": lambda: by_hand(wide),
                    "SQL by hand, counts only": lambda: attached.execute(counts_by_sql).df(),
                },
                options.rounds,
            ),
        )


if __name__ == "__main__":
    main()
