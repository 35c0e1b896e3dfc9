"""Which cells and pairs are meant, and the frames of them."""

from .cell_class import CellClass
from .cells import Cells, cells_of
from .class_membership import class_columns, class_members
from .classify import (
    MOST_CLASSES,
    Lookup,
    Side,
    class_codes,
    frame_criteria,
    id_column,
    label_of,
    named_classes,
    require_few,
    store_lookup,
)
from .conditions import PairConditions
from .filter_docs import with_filters
from .filters import FILTERS, PairArguments
from .frame_columns import frame_column
from .frame_ids import ids_of, integers, noted_in, single, table_of
from .frame_keys import key_mismatch
from .frame_units import plausible_unit, schema_of, to_units, unit_in
from .probed import probed_mask
from .related import ids_via, related_rows, require_via, warn_of_other_ways, way_text
from .wide_frame import kinds_of, lacking, names_of, pairs_frame, select

__all__ = [
    "FILTERS",
    "MOST_CLASSES",
    "CellClass",
    "Cells",
    "Lookup",
    "PairArguments",
    "PairConditions",
    "Side",
    "cells_of",
    "class_codes",
    "class_columns",
    "class_members",
    "frame_column",
    "frame_criteria",
    "id_column",
    "ids_of",
    "ids_via",
    "integers",
    "key_mismatch",
    "kinds_of",
    "label_of",
    "lacking",
    "named_classes",
    "names_of",
    "noted_in",
    "pairs_frame",
    "plausible_unit",
    "probed_mask",
    "related_rows",
    "require_few",
    "require_via",
    "schema_of",
    "select",
    "single",
    "store_lookup",
    "table_of",
    "to_units",
    "unit_in",
    "warn_of_other_ways",
    "way_text",
    "with_filters",
]
