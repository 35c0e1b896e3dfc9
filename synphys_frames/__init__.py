"""The Allen Synaptic Physiology dataset as typed pandas DataFrames.

Name a version and get frames: any table, any query, and above all pairs of cells filtered by cell
class, with all that is known of both cells and their synapse side by side. Units are SI.

Examples
--------
>>> db = sf.load_sample()
>>> db.pairs(pre_class=sf.CellClass(cre_type="pvalb"), synapse=True, include="synapse").shape
(26, 133)
"""

from . import accessor as _accessor
from .cell_class import CellClass
from .config import config
from .counting import connectivity, connectivity_profile, fit_distance
from .database import SynphysDatabase, load_sqlite
from .distance_fit import DistanceFit, fit_probability
from .errors import SynphysError
from .sample import build_sample, load_sample
from .versions import (
    compare,
    fetch_version,
    list_current_versions,
    list_versions,
    load_current,
    load_version,
    schema_versions,
)

__version__ = "0.1.0"

__all__ = [
    "CellClass",
    "DistanceFit",
    "SynphysDatabase",
    "SynphysError",
    "build_sample",
    "compare",
    "config",
    "connectivity",
    "connectivity_profile",
    "fetch_version",
    "fit_distance",
    "fit_probability",
    "list_current_versions",
    "list_versions",
    "load_current",
    "load_sample",
    "load_sqlite",
    "load_version",
    "schema_versions",
]

SynphysAccessor = _accessor.SynphysAccessor
