"""What follows from a frame of pairs: connectivity, distance, matrices."""

from .class_arguments import Classes, both_sides, classes_of
from .distance_fits import DistanceFit, fit_probability
from .distance_models import DistanceModel, Model
from .docstrings import documented_by
from .matrix import require_column, require_numbers, value_matrix
from .measures import connectivity, connectivity_profile, fit_distance
from .pair_columns import numbers
from .pair_verbs import PairVerbs
from .probed_pairs import Probed, ProbedPairs
from .summaries import summarise
from .tallies import Kind, tally

__all__ = [
    "Classes",
    "DistanceFit",
    "DistanceModel",
    "Kind",
    "Model",
    "PairVerbs",
    "Probed",
    "ProbedPairs",
    "both_sides",
    "classes_of",
    "connectivity",
    "connectivity_profile",
    "documented_by",
    "fit_distance",
    "fit_probability",
    "numbers",
    "require_column",
    "require_numbers",
    "summarise",
    "tally",
    "value_matrix",
]
