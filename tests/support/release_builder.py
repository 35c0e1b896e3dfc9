"""A tiny release whose every row is written out, and helpers to break files."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

from synphys_frames.schema.published import published_schema
from synphys_frames.synthetic.sqlite_writer import write_release

if TYPE_CHECKING:
    from pathlib import Path

# One dict a row. Two experiments: a mouse one with four cells, a human one with two. Written out
# so that what a filter must give can be seen by reading.
TINY: dict[str, list[dict[str, Any]]] = {
    "slice": [
        {"id": 1, "ext_id": "1500.001", "species": "mouse", "age": 50,
         "date_of_birth": "2019-01-02 00:00:00.000000"},
        {"id": 2, "ext_id": "1600.002", "species": "human", "age": None},
    ],
    "experiment": [
        {"id": 10, "ext_id": "1500.101", "slice_id": 1, "project_name": "mouse V1 coarse matrix",
         "acsf": "2mM Ca & Mg", "internal": "Standard K-Gluc", "acq_timestamp": 1500.101,
         "date": "2019-03-04 05:06:07.000089"},
        {"id": 20, "ext_id": "1600.202", "slice_id": 2, "project_name": "human coarse matrix",
         "acsf": "1.3mM Ca & 1mM Mg", "internal": None, "acq_timestamp": 1600.202},
    ],
    "cell": [
        {"id": 1, "experiment_id": 10, "ext_id": "1", "cre_type": "pvalb", "target_layer": "2/3",
         "cell_class": "in", "cell_class_nonsynaptic": "in", "position": "[1.0, Infinity, null]"},
        {"id": 2, "experiment_id": 10, "ext_id": "2", "cre_type": "sst,pvalb", "target_layer": "5",
         "cell_class": "in", "cell_class_nonsynaptic": None},
        {"id": 3, "experiment_id": 10, "ext_id": "3", "cre_type": None, "target_layer": "5",
         "cell_class": "ex", "cell_class_nonsynaptic": "ex"},
        {"id": 4, "experiment_id": 10, "ext_id": "4", "cre_type": "unknown", "target_layer": None,
         "cell_class": None, "cell_class_nonsynaptic": None},
        {"id": 5, "experiment_id": 20, "ext_id": "1", "cre_type": "unknown", "target_layer": "3",
         "cell_class": "mixed", "cell_class_nonsynaptic": "ex"},
        {"id": 6, "experiment_id": 20, "ext_id": "2", "cre_type": "unknown", "target_layer": "3",
         "cell_class": "ex", "cell_class_nonsynaptic": "ex"},
    ],
    "morphology": [
        {"id": 1, "cell_id": 1, "pyramidal": 0, "dendrite_type": "aspiny"},
        {"id": 2, "cell_id": 3, "pyramidal": 1, "dendrite_type": "spiny"},
        {"id": 3, "cell_id": 5, "pyramidal": None, "dendrite_type": None},
    ],
    "intrinsic": [{"id": 1, "cell_id": 3, "tau": 0.02}, {"id": 2, "cell_id": 1, "tau": None}],
    "cortical_cell_location": [
        {"id": 1, "cell_id": 3, "cortical_layer": "5", "fractional_layer_depth": 0.25},
        {"id": 2, "cell_id": 1, "cortical_layer": None, "fractional_layer_depth": 0.75},
    ],
    "patch_seq": [{"id": 1, "cell_id": 2, "t_type": "Sst Made Up"}],
    "pair": [
        {"id": 1, "experiment_id": 10, "pre_cell_id": 1, "post_cell_id": 3, "has_synapse": 1,
         "has_electrical": 0, "n_ex_test_spikes": 0, "n_in_test_spikes": 11, "distance": 100e-6,
         "reciprocal_id": 2},
        {"id": 2, "experiment_id": 10, "pre_cell_id": 3, "post_cell_id": 1, "has_synapse": 0,
         "has_electrical": 0, "n_ex_test_spikes": 10, "n_in_test_spikes": 500, "distance": 100e-6,
         "reciprocal_id": 1},
        {"id": 3, "experiment_id": 10, "pre_cell_id": 1, "post_cell_id": 2, "has_synapse": None,
         "has_electrical": 1, "n_ex_test_spikes": 0, "n_in_test_spikes": 0, "distance": None},
        {"id": 4, "experiment_id": 10, "pre_cell_id": 4, "post_cell_id": 3, "has_synapse": 1,
         "has_electrical": None, "n_ex_test_spikes": 300, "n_in_test_spikes": 10, "distance": 0.0},
        {"id": 5, "experiment_id": 20, "pre_cell_id": 5, "post_cell_id": 6, "has_synapse": 1,
         "has_electrical": 0, "n_ex_test_spikes": 30, "n_in_test_spikes": 30, "distance": 5e-5},
        {"id": 6, "experiment_id": 20, "pre_cell_id": 6, "post_cell_id": 5, "has_synapse": 0,
         "has_electrical": 0, "n_ex_test_spikes": None, "n_in_test_spikes": 30, "distance": 5e-5},
    ],
    "synapse": [
        {"id": 7, "pair_id": 1, "synapse_type": "in", "latency": 1e-3, "psp_amplitude": -5e-4},
        {"id": 8, "pair_id": 4, "synapse_type": "ex", "latency": None, "psp_amplitude": 2e-4},
        {"id": 9, "pair_id": 5, "synapse_type": "mixed", "latency": 3e-3, "psp_amplitude": 1e-4},
    ],
    "resting_state_fit": [
        {"id": 1, "synapse_id": None, "poly_synapse_id": 1, "ic_amp": 9.0},
        {"id": 2, "synapse_id": 9, "poly_synapse_id": None, "ic_amp": 1.5e-4},
    ],
    "poly_synapse": [{"id": 1, "pair_id": 6, "synapse_type": "ex"}],
    "dynamics": [{"id": 1, "pair_id": 4, "qc_pass": 1, "stp_induction_50hz": -0.25}],
    "avg_response_fit": [
        {"id": 1, "synapse_id": 7, "clamp_mode": "ic", "holding": -0.07},
        {"id": 2, "synapse_id": 7, "clamp_mode": "vc", "holding": -0.07},
    ],
}  # fmt: skip


def build(path: Path, rows: dict[str, list[dict[str, Any]]] | None = None, **metadata: Any) -> Path:
    """Write a release of schema 22 with these rows (default: the tiny one)."""
    schema = published_schema("22")
    content = dict(TINY if rows is None else rows)
    about = {"db_version": "22", "creation_date": "2021-12-21", "origin": "synthetic", **metadata}
    content["metadata"] = [{"id": 1, "meta": json.dumps(about)}]
    columns = {
        table: {
            column.name: [row.get(column.name) for row in content[table]]
            for column in schema.table(table).columns.values()
        }
        for table in content
        if content[table]
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    write_release(path, schema, columns)
    return path


def change(path: Path, *statements: str) -> Path:
    """Change a release in place, with plain SQLite."""
    with closing(sqlite3.connect(path)) as connection:
        for statement in statements:
            connection.execute(statement)
        connection.commit()
    return path


def query(path: Path, sql: str, parameters: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Ask the file with plain SQLite: what a test compares with."""
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
        return connection.execute(sql, parameters).fetchall()
