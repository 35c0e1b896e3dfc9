from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import synphys_frames as sf
from synphys_frames.errors import ArgumentError, UnknownColumnError

CRES = ("pvalb", "sst", "vip")
# Cells belong to several of these at once, and some to none.
CLASSES = {
    "pvalb": sf.CellClass(cre_type="pvalb"),
    "pvalb or sst": sf.CellClass(cre_type=("pvalb", "sst")),
    "nobody": sf.CellClass(cre_type="nobody"),
}
EDGES = [0.0, 50e-6, 100e-6, 250e-6]
ARGUMENTS: list[dict[str, Any]] = [
    {},
    {"sigma": None},
    {"kind": "electrical"},
    {"kind": "reciprocal"},
    {"kind": "reciprocal_either"},
    {"bins": EDGES},
    {"bins": EDGES, "classes": None},
]


def random_pairs(seed: int, n_experiments: int = 6, n_cells: int = 5) -> pd.DataFrame:
    """Pairs of the cells of some experiments, both ways, some of them not probed."""
    random = np.random.default_rng(seed)
    cells = np.arange(n_experiments * n_cells)
    pre, post = (side.ravel() for side in np.meshgrid(cells, cells, indexing="ij"))
    together = (pre // n_cells == post // n_cells) & (pre != post)
    pre, post = pre[together], post[together]
    cre, distance = random.choice(CRES, len(cells)), random.random(len(pre)) * 300e-6
    distance[random.random(len(pre)) < 0.1] = np.nan
    return pd.DataFrame(
        {
            "experiment": pre // n_cells,
            "pre_cell_id": pre,
            "post_cell_id": post,
            "has_synapse": random.random(len(pre)) < 0.4,
            "has_electrical": random.random(len(pre)) < 0.2,
            "n_ex_test_spikes": random.integers(5, 30, len(pre)),
            "n_in_test_spikes": 0,
            "distance": distance,
            "pre_cell.cell_class_nonsynaptic": "ex",
            "pre_cell.cre_type": cre[pre],
            "post_cell.cre_type": cre[post],
        }
    )


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 1000),
    part_of=st.lists(st.integers(0, 3), min_size=6, max_size=6),
    arguments=st.sampled_from(ARGUMENTS),
)
def test_tallies_of_parts_add_up(seed: int, part_of: list[int], arguments: dict[str, Any]) -> None:
    pairs = random_pairs(seed)
    call = {"classes": CLASSES} | arguments
    whole = sf.tally(pairs, **call)
    parts = [
        sf.tally(part, **call)
        for _, part in pairs.groupby(pairs["experiment"].map(dict(enumerate(part_of))))
    ]
    levels = list(range(whole.index.nlevels))
    together = pd.concat(parts).groupby(level=levels, sort=False, observed=False).sum()
    added = parts[0]
    for part in parts[1:]:
        added = added + part
    for found in (together, added):
        pd.testing.assert_frame_equal(found, whole, rtol=1e-12, check_index_type=False)
        counts = [name for name in whole if whole[name].dtype == np.int64]
        assert counts
        assert (found[counts].to_numpy() == whole[counts].to_numpy()).all()
        assert found.attrs == whole.attrs
        pd.testing.assert_frame_equal(
            sf.summarise(found), sf.summarise(whole), rtol=1e-12, check_index_type=False
        )


@given(seed=st.integers(0, 1000), part_of=st.lists(st.booleans(), min_size=120, max_size=120))
@settings(max_examples=10, deadline=None)
def test_any_partition_will_do_where_one_direction_counts(seed: int, part_of: list[bool]) -> None:
    pairs = random_pairs(seed)
    inside = np.array(part_of)
    parts = [sf.tally(pairs[rows], CLASSES) for rows in (inside, ~inside)]
    pd.testing.assert_frame_equal(parts[0] + parts[1], sf.tally(pairs, CLASSES), rtol=1e-12)


def test_a_tally_by_hand() -> None:
    pairs = random_pairs(7)
    found = pairs.synphys.tally(CLASSES, sigma=80e-6)
    probed = pairs[pairs["n_ex_test_spikes"] > 10]
    members = {"pvalb": ["pvalb"], "pvalb or sst": ["pvalb", "sst"], "nobody": []}
    for pre, post in found.index:
        rows = probed[
            probed["pre_cell.cre_type"].isin(members[pre])
            & probed["post_cell.cre_type"].isin(members[post])
        ]
        known = rows[rows["distance"].notna()]
        profile = np.exp(-(known["distance"] ** 2) / (2 * 80e-6**2)).sum()
        assert found.loc[(pre, post)].tolist() == pytest.approx(
            [len(rows), rows["has_synapse"].sum(), len(known), known["has_synapse"].sum(), profile]
        )
    assert found.dtypes.tolist() == [np.int64] * 4 + [np.float64]


def test_a_pair_within_one_class_counts_half_in_each_direction() -> None:
    pairs = random_pairs(0, n_experiments=1, n_cells=2).assign(
        has_synapse=[True, False], n_ex_test_spikes=20
    )
    everyone = {"all": sf.CellClass()}
    [row] = sf.tally(pairs, everyone, kind="reciprocal").to_dict("records")
    assert row == {
        "n_probed": 1, "n_none": 0, "n_one_way": 1, "n_both_ways": 0, "n_forward": 0.5,
        "n_backward": 0.5,
    }  # fmt: skip
    summary = sf.summarise(sf.tally(pairs, everyone, kind="reciprocal"))
    assert summary["expected_both_ways"].tolist() == [0.25]


@pytest.mark.parametrize("arguments", ARGUMENTS)
def test_attrs_of_tallies_are_json(arguments: dict[str, Any]) -> None:
    table = sf.tally(random_pairs(1), **({"classes": CLASSES} | arguments))
    told = table.attrs["synphys"]
    assert json.loads(json.dumps(told)) == told
    summary = sf.summarise(table, alpha=0.1)
    assert summary.attrs["synphys"] == told | {"alpha": 0.1}
    assert table.attrs["synphys"] == told


def test_summaries_are_those_of_the_measures(db: sf.SynphysDatabase) -> None:
    pairs = db.pairs()
    for arguments in ({}, {"sigma": None}, {"kind": "electrical"}, {"kind": "reciprocal"}):
        table: pd.DataFrame = sf.tally(pairs, CLASSES, **arguments)  # type: ignore[arg-type]
        expected: pd.DataFrame = sf.connectivity(pairs, CLASSES, alpha=0.2, **arguments)  # type: ignore[arg-type]
        pd.testing.assert_frame_equal(sf.summarise(table, 0.2), expected)
        assert sf.summarise(table, 0.2).attrs == expected.attrs
    by_distance = sf.summarise(sf.tally(pairs, CLASSES, bins=EDGES))
    pd.testing.assert_frame_equal(
        by_distance, sf.connectivity_profile(pairs, EDGES, classes=CLASSES)
    )
    classified = pairs.synphys.classify(CLASSES, overlap="first")
    pd.testing.assert_frame_equal(
        sf.summarise(classified.synphys.tally()), sf.connectivity(classified, "pre_class")
    )


def test_a_tally_survives_a_file(db: sf.SynphysDatabase, tmp_path: Any) -> None:
    table = sf.tally(db.pairs(), CLASSES)
    table.to_parquet(tmp_path / "tally.parquet")
    table.to_csv(tmp_path / "tally.csv")
    expected = sf.summarise(table)
    back = sf.summarise(pd.read_parquet(tmp_path / "tally.parquet"))
    pd.testing.assert_frame_equal(back, expected)
    assert back.attrs == expected.attrs
    plain = sf.summarise(pd.read_csv(tmp_path / "tally.csv", index_col=[0, 1]))
    pd.testing.assert_frame_equal(plain, expected)
    arrow = pd.read_parquet(tmp_path / "tally.parquet", dtype_backend="pyarrow")
    pd.testing.assert_frame_equal(sf.summarise(arrow), expected, check_index_type=False)


def test_tallies_with_other_classes_are_added_with_a_fill_value() -> None:
    pairs = random_pairs(2)
    first = sf.tally(pairs[pairs["experiment"] < 3], {"pvalb": CLASSES["pvalb"]})
    second = sf.tally(pairs[pairs["experiment"] >= 3], {"any": sf.CellClass()})
    summary = sf.summarise(first.add(second, fill_value=0))
    assert summary["n_probed"].dtype == np.int64
    assert summary["n_probed"].sum() == first["n_probed"].sum() + second["n_probed"].sum()
    with pytest.raises(ArgumentError, match=r"'n_probed' .* no counts.*fill_value=0"):
        sf.summarise(first + second)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda table: table.drop(columns="n_connected"), "columns that tally"),
        (lambda table: table / 7, "no counts"),
        (lambda table: pd.concat([table, table]), "rows several times"),
        (lambda table: table["n_probed"], "takes a tally; got Series"),
    ],
)
def test_what_is_no_tally_is_refused(change: Any, message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        sf.summarise(change(sf.tally(random_pairs(3), CLASSES)))


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"classes": CLASSES, "bins": EDGES, "kind": "reciprocal"}, ArgumentError, "kind 'chemi"),
        ({"classes": None}, ArgumentError, "classes takes a dict"),
        ({"classes": "pre_layer"}, UnknownColumnError, "no column 'pre_layer'"),
        ({"classes": None, "bins": [1e-4]}, ArgumentError, "ascending edges"),
    ],
)
def test_wrong_arguments(arguments: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        sf.tally(random_pairs(4), **arguments)
