"""The Allen Synaptic Physiology dataset as typed pandas DataFrames.

Name a version and get frames: any table, any query, and above all pairs of cells filtered by cell
class, with all that is known of both cells and their synapse side by side. Units are SI.

Examples
--------
>>> db = sf.load_sample()
>>> db.pairs(pre_class=sf.CellClass(cre_type="pvalb"), synapse=True, include="synapse").shape
(17, 133)
"""

# First: from here on, Ctrl-C ends the command in one line.
from ._command import PROGRAM as PROGRAM
from ._version import __version__ as __version__
from .accessor import SynphysAccessor
from .analysis import (
    DistanceFit,
    DistanceModel,
    connectivity,
    connectivity_profile,
    fit_distance,
    fit_probability,
    summarise,
    tally,
)
from .database import (
    SynphysDatabase,
    compare,
    load_current,
    load_parquet,
    load_sqlite,
    load_version,
)
from .environment import show_versions
from .errors import SynphysError
from .options import config
from .query import CellClass
from .releases import fetch_version, list_current_versions, list_versions, schema_versions
from .synthetic import build_sample, load_sample

__all__ = [
    "CellClass",
    "DistanceFit",
    "DistanceModel",
    "SynphysAccessor",
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
    "load_parquet",
    "load_sample",
    "load_sqlite",
    "load_version",
    "schema_versions",
    "show_versions",
    "summarise",
    "tally",
]


def __dir__() -> list[str]:
    return __all__
