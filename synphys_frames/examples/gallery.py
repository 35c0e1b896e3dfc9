"""Draw the pictures that the README shows, from the synthetic sample."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import synphys_frames as sf
from synphys_frames.plotting import PairPlots

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

LAYERS = ("2/3", "4", "5", "6")
PICTURES = Path(__file__).parent / "pictures"
_DOTS_PER_INCH = 90


def layer_classes() -> dict[str, sf.CellClass]:
    """Return excitatory and inhibitory cells by layer."""
    return {
        f"L{layer} {kind}": sf.CellClass(target_layer=layer, cell_class_nonsynaptic=kind)
        for layer in LAYERS
        for kind in ("ex", "in")
    }


def draw(pairs: pd.DataFrame) -> dict[str, Axes]:
    """Return the pictures by name.

    Parameters
    ----------
    pairs
        Pairs with the cell and synapse groups.
    """
    kinds = {kind: sf.CellClass(cell_class_nonsynaptic=kind) for kind in ("ex", "in")}
    plot = PairPlots(pairs)
    classified = pairs.synphys.classify(kinds)
    return {
        "connectivity": plot.connectivity(layer_classes()),
        "matrix": plot.matrix("synapse.psp_amplitude", layer_classes()),
        "distance": plot.distance(kinds, {"any cell": sf.CellClass()}, bins=6),
        "strip": PairPlots(classified).strip("synapse.latency", ["pre_class", "post_class"]),
    }


def main(folder: Path = PICTURES) -> None:
    """Draw the pictures into a folder."""
    from matplotlib import use

    use("agg")
    pairs = sf.load_sample().pairs(include=["cell", "synapse"])
    for name, axes in draw(pairs).items():
        # Without the version of matplotlib in it, the same picture is the same file.
        figure: Any = axes.figure
        figure.savefig(folder / f"{name}.png", dpi=_DOTS_PER_INCH, metadata={"Software": None})


if __name__ == "__main__":
    main()
