"""Small releases that hold just what was printed about real ones."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import pandas as pd

from synphys_frames.schema.published import published_schema
from synphys_frames.synthetic.sqlite_writer import write_release

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

MOUSE, HUMAN = "mouse V1 coarse matrix", "human coarse matrix"
SIGMA = 100e-6
# A cell of each class, and one more, so that no pair is of a cell with itself.
CELLS = {"pyr": (1, 2), "pvalb": (3, 4), "sst": (5, 6), "vip": (7, 8)}
# Probed, and connected, pairs with a distance. They were not printed, but follow from the printed
# limits: no other counts have limits in these proportions to the probability.
AT_DISTANCE = {
    ("pyr", "pyr"): (5737, 271), ("pyr", "pvalb"): (718, 109),
    ("pyr", "sst"): (851, 96), ("pyr", "vip"): (668, 25),
    ("pvalb", "pyr"): (667, 141), ("pvalb", "pvalb"): (1228, 326),
    ("pvalb", "sst"): (529, 23), ("pvalb", "vip"): (499, 14),
    ("sst", "pyr"): (780, 85), ("sst", "pvalb"): (516, 73),
    ("sst", "sst"): (1574, 56), ("sst", "vip"): (471, 70),
    ("vip", "pyr"): (593, 4), ("vip", "pvalb"): (484, 10),
    ("vip", "sst"): (481, 43), ("vip", "vip"): (1058, 21),
}  # fmt: skip
# Pairs of each two classes that were not probed, and are connected all the same.
NOT_PROBED = 200

Columns: TypeAlias = dict[str, dict[str, Any]]


def printed(table: str) -> pd.DataFrame:
    """Return one of the tables of printed figures."""
    path = files("synphys_frames.figures").joinpath("data", f"{table}.csv")
    with path.open(encoding="utf-8") as file:
        texts = pd.read_csv(file, dtype="str")
    of = ("column", "type", "pre", "post")
    kinds: dict[Any, Any] = {
        name: "int64" if name == "n" or name.startswith("n_") else "float64"
        for name in texts.columns
        if name not in of
    }
    return texts.astype(kinds)


def write(path: Path, version: str, tables: Mapping[str, Mapping[str, Any]], **about: Any) -> Path:
    """Write columns of arrays as a release of a schema version."""
    meta = {"db_version": version, "creation_date": "2021-12-21", "origin": "a test", **about}
    rows = {
        table: {name: _plain(values) for name, values in columns.items()}
        for table, columns in tables.items()
    }
    rows["metadata"] = {"id": [1], "meta": [json.dumps(meta)]}
    path.parent.mkdir(parents=True, exist_ok=True)
    write_release(path, published_schema(version), rows)
    return path


def _plain(values: Any) -> list[Any]:
    array = pd.Series(values).astype(object)
    return array.where(array.notna(), None).tolist()


def experiments() -> Columns:
    """Return a mouse and a human experiment, 1 and 2."""
    return {
        "slice": {"id": [1, 2], "ext_id": ["1.1", "2.2"], "species": ["mouse", "human"]},
        "experiment": {
            "id": [1, 2],
            "ext_id": ["1.1", "2.2"],
            "slice_id": [1, 2],
            "project_name": [MOUSE, HUMAN],
        },
    }


def pairs_of(
    pre: int, post: int, spikes: str, n_probed: int, n_connected: int, at: Sequence[int], x: float
) -> pd.DataFrame:
    """Return so many probed and connected pairs of two cells, and some that were not probed.

    Parameters
    ----------
    spikes
        The column of test spikes that decides.
    at, x
        How many of the probed and of the connected ones have a distance, and which.
    """
    n_near, n_connected_near = at
    place = np.arange(n_probed + NOT_PROBED)
    probed, connected = place < n_probed, place < n_connected
    far = n_probed - n_near - (n_connected - n_connected_near)
    away = connected & (place >= n_connected_near)
    away |= probed & (place >= n_probed - far)
    # A pair of which it is not known whether it has a synapse counts as not connected.
    without = np.where(place % 2, 0.0, np.nan)
    return pd.DataFrame(
        {
            "pre_cell_id": pre,
            "post_cell_id": post,
            "experiment_id": 1,
            "has_synapse": np.where(connected | ~probed, 1.0, without),
            spikes: np.where(probed, 11, 10),
            "lateral_distance": np.where(away, np.nan, x),
        }
    )


def distance_for(profile: float) -> float:
    """Return the distance at which the Gaussian profile has this value."""
    return float(np.sqrt(-2 * SIGMA**2 * np.log(profile)))


def matrix_pairs() -> pd.DataFrame:
    """Return pairs with the counts, and the mean profile, of the printed matrix of r2.1."""
    parts = []
    for row in printed("r2.1_connectivity").itertuples():
        n_near, n_connected_near = AT_DISTANCE[row.pre, row.post]
        x = distance_for(n_connected_near / n_near / row.adjusted_probability)
        spikes = f"n_{'ex' if row.pre == 'pyr' else 'in'}_test_spikes"
        pre, post = CELLS[row.pre][0], CELLS[row.post][1]
        at = AT_DISTANCE[row.pre, row.post]
        part = pairs_of(pre, post, spikes, row.n_probed, row.n_connected, at, x)
        parts.append(part.assign(pre=row.pre, post=row.post))
    pairs = pd.concat(parts, ignore_index=True)
    return pairs.assign(id=np.arange(1, len(pairs) + 1))


def values_with(median: float, n: int, mean: float | None = None) -> np.ndarray[Any, Any]:
    """Return numbers that have this median, and, where it is given, this mean."""
    values = np.full(n, median)
    half = (n - 1) // 2
    shift = abs(median) if mean is None else n * abs(mean - median) / max(half, 1)
    if mean is None or mean < median:
        values[:half] -= shift
    if mean is None or mean > median:
        values[n - half :] += shift
    return values


def value_tables(pairs: pd.DataFrame) -> Columns:
    """Return rows beside the pairs with a synapse, with the printed medians and means of r2.1."""
    connected = pairs[pairs["has_synapse"] == 1]
    rows_of = connected.groupby(["pre", "post"]).indices
    medians, means = printed("r2.1_medians"), printed("r2.1_stp_induction")
    mean_of = means.set_index(["column", "pre", "post"])["mean"]
    tables: Columns = {
        table: {"id": connected["id"], "pair_id": connected["id"]}
        for table in ("synapse", "dynamics", "synapse_model")
    }
    for label, part in medians.groupby("column"):
        column = np.full(len(connected), np.nan)
        for row in part.itertuples():
            rows = rows_of[row.pre, row.post][: row.n]
            assert len(rows) == row.n
            median = 1.0 if np.isnan(row.median) else row.median
            column[rows] = values_with(median, row.n, mean_of.get((label, row.pre, row.post)))
        table, _, name = str(label).partition(".")
        tables[table][name] = column
    return tables


def intrinsic_tables(first: int) -> Columns:
    """Return human cells, from an id on, with the printed medians of intrinsic of r2.1."""
    parts = []
    for kind, part in printed("r2.1_intrinsic").groupby("type", sort=False):
        cells = pd.DataFrame(index=range(int(part["n"].max())))
        for row in part.itertuples():
            name = row.column.partition(".")[2]
            cells.loc[: row.n - 1, name] = values_with(row.median, row.n)
        # One of the excitatory cells has a cre type as well, which does not count there.
        cells["cre_type"] = "unknown" if kind == "pyr" else kind
        cells.loc[0, "cre_type"] = "sst" if kind == "pyr" else kind
        cells["cell_class"] = "ex" if kind == "pyr" else "in"
        parts.append(cells)
    cells = pd.concat(parts, ignore_index=True)
    ids = np.arange(first, first + len(cells))
    kinds = cells[["cre_type", "cell_class"]].assign(id=ids, experiment_id=2)
    values = cells.drop(columns=["cre_type", "cell_class"]).assign(id=ids, cell_id=ids)
    return {"cell": dict(kinds.items()), "intrinsic": dict(values.items())}


def one_entry(
    path: Path, version: str, n_probed: int, n_connected: int, profile: float, distance: str
) -> Path:
    """Write a release with pairs of an sst and a vip cell of layer 2/3 only."""
    pairs = pairs_of(
        1, 2, "n_in_test_spikes", n_probed, n_connected, (n_probed, n_connected),
        distance_for(profile),
    )  # fmt: skip
    pairs = pairs.rename(columns={"lateral_distance": distance})
    table = "morphology" if version == "16" else "cortical_cell_location"
    tables = experiments() | {
        "cell": {
            "id": [1, 2],
            "experiment_id": [1, 1],
            "cre_type": ["sst", "vip"],
            "cell_class_nonsynaptic": ["in", "in"],
        },
        table: {"id": [1, 2], "cell_id": [1, 2], "cortical_layer": ["2/3", "2/3"]},
        "pair": dict(pairs.assign(id=np.arange(1, len(pairs) + 1)).items()),
    }
    return write(path, version, tables)


def counted_pairs(path: Path, version: str, pairs: pd.DataFrame) -> Path:
    """Write a release with these pairs, all of two cells, whose synapses stand beside them."""
    ids = np.arange(1, len(pairs) + 1)
    cells = {"id": [1, 2, 3, 4], "experiment_id": [1, 1, 2, 2]}
    first = pairs["experiment_id"] * 2 - 1
    pairs = pairs.assign(id=ids, pre_cell_id=first, post_cell_id=first + 1)
    tables = experiments() | {"cell": cells, "pair": dict(pairs.drop(columns="kind").items())}
    kinds = pairs.loc[pairs["has_synapse"] == 1, ["id", "kind"]]
    tables["synapse"] = {"id": kinds["id"], "pair_id": kinds["id"], "synapse_type": kinds["kind"]}
    return write(path, version, tables)


def printed_release(path: Path) -> Path:
    """Write a release that has every printed matrix of r2.1: connectivity, medians, means."""
    pairs = matrix_pairs()
    beside = intrinsic_tables(first=9)
    of_pairs = pd.DataFrame(
        [(cell, kind) for kind, cells in CELLS.items() for cell in cells], columns=["id", "type"]
    )
    is_pyr = of_pairs["type"] == "pyr"
    own = {
        "id": of_pairs["id"],
        "experiment_id": 1,
        "cre_type": of_pairs["type"].mask(is_pyr, "unknown"),
        "cell_class": np.where(is_pyr, "ex", "in"),
        "cell_class_nonsynaptic": np.where(is_pyr, "ex", "in"),
    }
    cells = pd.concat([pd.DataFrame(own), pd.DataFrame(beside["cell"])], ignore_index=True)
    tables = experiments() | value_tables(pairs) | {"intrinsic": beside["intrinsic"]}
    tables["cell"] = dict(cells.items())
    tables["pair"] = dict(pairs.drop(columns=["pre", "post"]).items())
    return write(path, "22", tables)
