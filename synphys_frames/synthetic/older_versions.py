"""Rows of the newest schema, put into the layout of an older one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..schema import published_schema, published_vocabulary
from .values import plausible_values

if TYPE_CHECKING:
    from ..schema import Column, Table
    from .values import Rows, Values

    Tables = dict[str, Rows]


_IS_EXCITATORY = {"ex": 1, "in": 0}
_HAS_NUCLEUS = {"+": 1, "-": 0}
# One version writes a measured layer as "Layer5", where those before and after it write "5".
_WORDED_LAYER = ("18", "cortical_cell_location", "layer")


def rows_in_version(newest: Tables, version: str, seed: int) -> Tables:
    """Return the same rows as a file of an older schema version has them.

    Parameters
    ----------
    newest
        ``{table: {column: values}}`` by the newest schema.
    version
        The older schema version.
    seed
        For columns that the newest schema does not have.

    Returns
    -------
    dict
        All tables of that version for which there are rows.
    """
    random = np.random.default_rng([seed, int(version)])
    tables: Tables = {}
    for table in published_schema(version):
        count = _row_count(newest, table.name)
        if count:
            tables[table.name] = {
                name: _values(newest, version, table, column, count, random)
                for name, column in table.columns.items()
            }
    return tables


def _row_count(newest: Tables, table: str) -> int:
    # One row of baseline_response_strength for each baseline, until they were folded together.
    source = "baseline" if table == "baseline_response_strength" else table
    return len(newest.get(source, {}).get("id", []))


def _values(
    newest: Tables,
    version: str,
    table: Table,
    column: Column,
    count: int,
    random: np.random.Generator,
) -> Values:
    rows = newest.get(table.name, {})
    if (version, table.name, column.name) == _WORDED_LAYER:
        return _worded_layer(newest)
    special = _SPECIAL.get((table.name, column.name))
    if special is not None and (column.name not in rows or column.kind == "bool"):
        return special(newest)
    vocabulary = published_vocabulary(version).tables.get(table.name)
    names = vocabulary.native_names if vocabulary is not None else {}
    values = rows.get(names.get(column.name, column.name))
    if values is not None:
        return values
    if column.primary_key or column.references:
        return list(range(1, count + 1))
    return plausible_values(random, column, count)


def _looked_up(newest: Tables, table: str, key: str, other: str, other_key: str, value: str) -> Any:
    """Return for each row of a table a value of another table's row with the same key."""
    value_of = dict(zip(newest[other][other_key], newest[other][value], strict=True))
    return [value_of.get(shared) for shared in newest[table][key]]


def _excitatory(newest: Tables) -> Values:
    return [_IS_EXCITATORY.get(cell_class) for cell_class in newest["cell"]["cell_class"]]


def _nucleus(newest: Tables) -> Values:
    return [_HAS_NUCLEUS.get(nucleus) for nucleus in newest["patch_seq"]["nucleus"]]


def _layer(newest: Tables) -> Values:
    return list(
        _looked_up(
            newest, "morphology", "cell_id", "cortical_cell_location", "cell_id", "cortical_layer"
        )
    )


def _stim_name(newest: Tables) -> Values:
    table = "patch_clamp_recording"
    return list(_looked_up(newest, table, "recording_id", "recording", "id", "stim_name"))


def _avg_fit_pair(newest: Tables) -> Values:
    return _pair_of_fit(newest, "avg_response_fit")


def _resting_fit_pair(newest: Tables) -> Values:
    return _pair_of_fit(newest, "resting_state_fit")


def _pair_of_fit(newest: Tables, table: str) -> Values:
    """Return the pair of each fit: that of its synapse, else of its polysynaptic response."""
    of_synapse = _looked_up(newest, table, "synapse_id", "synapse", "id", "pair_id")
    of_poly = _looked_up(newest, table, "poly_synapse_id", "poly_synapse", "id", "pair_id")
    return [poly if pair is None else pair for pair, poly in zip(of_synapse, of_poly, strict=True)]


def _baseline_id(newest: Tables) -> Values:
    return newest["baseline"]["id"]


def _worded_layer(newest: Tables) -> Values:
    layers = newest["cortical_cell_location"]["cortical_layer"]
    return [None if layer is None else f"Layer{layer}" for layer in layers]


_SPECIAL = {
    ("cell", "is_excitatory"): _excitatory,
    ("patch_seq", "nucleus"): _nucleus,
    ("morphology", "cortical_layer"): _layer,
    ("patch_clamp_recording", "stim_name"): _stim_name,
    ("avg_response_fit", "pair_id"): _avg_fit_pair,
    ("resting_state_fit", "pair_id"): _resting_fit_pair,
    ("baseline_response_strength", "id"): _baseline_id,
    ("baseline_response_strength", "baseline_id"): _baseline_id,
}
