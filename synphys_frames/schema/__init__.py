"""Tables, columns, kinds, names and ways of every published schema version."""

from .join_graph import Alias, Aliases, require_id, require_in_version
from .kinds import KINDS, STR, Kind, Storage, kind_of
from .model import Column, Schema, Table
from .published import (
    NEWEST,
    VERSIONS,
    published_names,
    published_schema,
    read_data,
    undeclared_column,
)
from .renames import (
    in_newest_names,
    newest_place,
    old_places,
    published_vocabulary,
    schema_changes,
    versions_of,
)
from .units import (
    Unit,
    as_unit,
    converted,
    require_lengths,
    require_metres,
    require_plausible,
    unit_or_none,
    warn_of_sizes,
)
from .ways import foreign_keys, other_ways

__all__ = [
    "KINDS",
    "NEWEST",
    "STR",
    "VERSIONS",
    "Alias",
    "Aliases",
    "Column",
    "Kind",
    "Schema",
    "Storage",
    "Table",
    "Unit",
    "as_unit",
    "converted",
    "foreign_keys",
    "in_newest_names",
    "kind_of",
    "newest_place",
    "old_places",
    "other_ways",
    "published_names",
    "published_schema",
    "published_vocabulary",
    "read_data",
    "require_id",
    "require_in_version",
    "require_lengths",
    "require_metres",
    "require_plausible",
    "schema_changes",
    "undeclared_column",
    "unit_or_none",
    "versions_of",
    "warn_of_sizes",
]
