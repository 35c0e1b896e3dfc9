"""Pictures of frames of pairs; needs matplotlib."""

from .pair_plots import PairPlots

__all__ = [
    "PairPlots",
]
