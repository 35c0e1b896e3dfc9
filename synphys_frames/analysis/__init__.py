"""What follows from a frame of pairs: connectivity, distance, matrices."""

from .counts import Kind, Membership
from .distance_models import DistanceFit, Model, fit_probability
from .matrix import compare_values, require_numbers, unit_of, value_matrix
from .measures import (
    Classes,
    CountedPairs,
    both_sides,
    classes_of,
    connectivity,
    connectivity_profile,
    fit_distance,
)
from .pair_columns import SIDES, PairFrame, numbers

__all__ = [
    "SIDES",
    "Classes",
    "CountedPairs",
    "DistanceFit",
    "Kind",
    "Membership",
    "Model",
    "PairFrame",
    "both_sides",
    "classes_of",
    "compare_values",
    "connectivity",
    "connectivity_profile",
    "fit_distance",
    "fit_probability",
    "numbers",
    "require_numbers",
    "unit_of",
    "value_matrix",
]
