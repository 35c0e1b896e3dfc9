"""What was printed about real releases, and how it is compared with an opened one."""

from .agreement import comparison, no_comparison
from .figure_set import FigureSet, by_key
from .published import figure_sets
from .versions import known_version, version_named

__all__ = [
    "FigureSet",
    "by_key",
    "comparison",
    "figure_sets",
    "known_version",
    "no_comparison",
    "version_named",
]
