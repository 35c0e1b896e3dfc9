from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import beta, mannwhitneyu

import synphys_frames as sf
from synphys_frames.analysis.intervals import connection_interval
from synphys_frames.analysis.matrix import holm
from synphys_frames.analysis.pair_columns import PairFrame
from synphys_frames.errors import (
    ArgumentError,
    NotInVersionError,
    ProvenanceError,
    RepeatedPairsError,
    UnknownColumnError,
)
from tests.support.release_builder import build, change, query

if TYPE_CHECKING:
    from pathlib import Path

CellClass = sf.CellClass
COLUMNS = [
    "n_probed",
    "n_connected",
    "connection_probability",
    "ci_lower",
    "ci_upper",
    "n_probed_at_distance",
    "n_connected_at_distance",
    "adjusted_probability",
    "adjusted_ci_lower",
    "adjusted_ci_upper",
]
CLASSES = {
    # Cells belong to several of these at once.
    "Pvalb": CellClass(cre_type="pvalb"),
    "Sst": CellClass("cre_type LIKE '%sst%'"),
    "any pvalb": CellClass("cre_type LIKE '%pvalb%'"),
    "L5": CellClass(target_layer="5"),
    "spiny": CellClass(dendrite_type="spiny"),
    "not in": ~CellClass(cell_class="in"),
    "nobody": CellClass(cre_type="nobody"),
}
CONDITIONS = {
    "Pvalb": "{0}.cre_type = 'pvalb'",
    "Sst": "{0}.cre_type LIKE '%sst%'",
    "any pvalb": "{0}.cre_type LIKE '%pvalb%'",
    "L5": "{0}.target_layer = '5'",
    "spiny": "EXISTS (SELECT 1 FROM morphology m WHERE m.cell_id = {0}.id "
    "AND m.dendrite_type = 'spiny')",
    "not in": "{0}.cell_class != 'in'",
    "nobody": "0",
}
FROM = (
    "FROM pair JOIN cell AS pre ON pre.id = pre_cell_id JOIN cell AS post ON post.id = post_cell_id"
)
PROBED = """(CASE pre.cell_class_nonsynaptic WHEN 'ex' THEN n_ex_test_spikes > 10
  WHEN 'in' THEN n_in_test_spikes > 10 ELSE n_ex_test_spikes > 10 AND n_in_test_spikes > 10 END)"""


def pairs_by_sql(path: Path, pre: str, post: str) -> np.ndarray:
    """has_synapse (missing is 0) and distance of the probed pairs of two classes."""
    rows = query(
        path,
        f"SELECT coalesce(has_synapse, 0), distance {FROM} WHERE {PROBED} "
        f"AND ({CONDITIONS[pre].format('pre')}) AND ({CONDITIONS[post].format('post')})",
    )
    return np.array(rows, dtype=float).reshape(-1, 2)


@pytest.mark.parametrize("include", [(), "cell"])
def test_counts_and_intervals_agree_with_plain_sql(db: sf.SynphysDatabase, include: Any) -> None:
    found = db.pairs(include=include).synphys.connectivity(CLASSES)
    assert found.columns.tolist() == COLUMNS
    assert found.index.tolist() == [(a, b) for a in CLASSES for b in CLASSES]
    for (pre, post), row in found.iterrows():
        table = pairs_by_sql(db.path, pre, post)
        n, k = len(table), int(table[:, 0].sum())
        assert (row["n_probed"], row["n_connected"]) == (n, k), (pre, post)
        if n == 0:
            assert np.isnan(row["connection_probability"])
            assert (row["ci_lower"], row["ci_upper"]) == (0, 1)
            assert row[COLUMNS[7:]].isna().all()
            continue
        lower = beta.ppf(0.025, k, n - k + 1) if k else 0.0
        upper = beta.ppf(0.975, k + 1, n - k) if k < n else 1.0
        expected = [k / n, lower, upper]
        np.testing.assert_allclose(row[COLUMNS[2:5]].tolist(), expected, atol=1e-9)
        known = table[np.isfinite(table[:, 1])]
        mean = np.exp(-(known[:, 1] ** 2) / (2 * 100e-6**2)).mean()
        n, k = len(known), int(known[:, 0].sum())
        lower = beta.ppf(0.025, k, n - k + 1) if k else 0.0
        upper = beta.ppf(0.975, k + 1, n - k) if k < n else 1.0
        expected = [k / n / mean, min(lower / mean, 1), min(upper / mean, 1)]
        np.testing.assert_allclose(row[COLUMNS[7:]].tolist(), expected, atol=1e-9)


def test_a_class_for_every_cell(db: sf.SynphysDatabase) -> None:
    # More combinations of classes than are counted in one table.
    each = {str(cell): CellClass(id=cell) for cell in db.cell["id"].tolist()}
    pairs = db.pairs()
    found = pairs.synphys.connectivity(each | {"all": CellClass()})
    everyone = pairs.synphys.connectivity({"all": CellClass()}).iloc[0]
    for name in ("n_probed", "n_connected"):
        table = found[name].to_numpy().reshape(len(each) + 1, len(each) + 1)
        assert table[-1, -1] == table[:-1, :-1].sum() == everyone[name]


def test_the_published_interval() -> None:
    # L2/3 sst to L2/3 vip in a published notebook: 12 of 32, 21.10 to 56.31 %.
    assert [round(100 * float(end), 2) for end in connection_interval(12, 32)] == [21.10, 56.31]


@given(st.integers(0, 300), st.integers(0, 300), st.sampled_from([0.05, 0.32]))
def test_intervals_agree_with_the_beta_distribution(k: int, misses: int, alpha: float) -> None:
    lower, upper = connection_interval(k, k + misses, alpha)
    expected_lower = beta.ppf(alpha / 2, k, misses + 1) if k else 0.0
    expected_upper = beta.ppf(1 - alpha / 2, k + 1, misses) if misses else 1.0
    assert lower == pytest.approx(expected_lower, abs=1e-9)
    assert upper == pytest.approx(expected_upper, abs=1e-9)


def test_a_frame_alone_will_do(db: sf.SynphysDatabase) -> None:
    pairs = db.pairs(include="cell")
    expected = pairs.synphys.connectivity(CLASSES)
    alone = pd.DataFrame({name: pairs[name].tolist() for name in pairs})
    pd.testing.assert_frame_equal(sf.connectivity(alone, CLASSES), expected)
    plain = alone.rename(columns=lambda name: name.removeprefix("pair."))
    pd.testing.assert_frame_equal(sf.connectivity(plain, CLASSES), expected)
    arrow = db.pairs(include="cell", dtype_backend="pyarrow")
    pd.testing.assert_frame_equal(sf.connectivity(arrow, CLASSES), expected)


@pytest.mark.parametrize("dtype", ["category", object, "string", "string[pyarrow]"])
def test_texts_of_any_type_are_counted_the_same(db: sf.SynphysDatabase, dtype: Any) -> None:
    pairs = db.pairs(include="cell")
    expected = pairs.synphys.connectivity(CLASSES)
    texts = [name for name in pairs if pairs[name].dtype == "str"]
    changed = pairs.astype(dict.fromkeys(texts, dtype))
    pd.testing.assert_frame_equal(changed.synphys.connectivity(CLASSES), expected)
    changed = pairs.astype({"pre_cell.cre_type": dtype})
    pd.testing.assert_frame_equal(changed.synphys.connectivity(CLASSES), expected)


def test_classes_may_be_columns(db: sf.SynphysDatabase) -> None:
    named = {name: CLASSES[name] for name in ("Pvalb", "L5")}
    pairs = db.pairs().synphys.classify(named, overlap="first")
    found = sf.connectivity(pairs, "pre_class")
    # The first class counts: a pvalb cell in layer 5 is Pvalb only.
    alone = {
        "Pvalb": named["Pvalb"],
        "L5": named["L5"] & CellClass("cre_type != 'pvalb' OR cre_type IS NULL"),
    }
    expected = sf.connectivity(db.pairs(), alone)
    pd.testing.assert_frame_equal(found, expected)
    layers = db.pairs(include="cell.target_layer")
    by_text = sf.connectivity(layers, "pre_cell.target_layer", "post_cell.target_layer")
    layer = sorted(layers["pre_cell.target_layer"].dropna().unique())
    assert by_text.index.get_level_values(0).unique().tolist() == layer
    assert {"2/3", "4", "5", "6", "", "+"} <= set(layer)


def test_ids_of_any_size_find_their_partner() -> None:
    ids = np.array([2**62 + 1, 2**62 + 3, 5])
    rows = [(0, 1), (1, 0), (0, 2), (2, 2)]
    frame = pd.DataFrame(
        {
            "pre_cell_id": pd.array([ids[a] for a, _ in rows] + [pd.NA], dtype="Int64"),
            "post_cell_id": pd.array([ids[b] for _, b in rows] + [ids[0]], dtype="Int64"),
        }
    )
    assert PairFrame(frame).partner().tolist() == [1, 0, -1, -1, -1]
    with pytest.raises(RepeatedPairsError, match="two cells that another row is of already"):
        PairFrame(pd.concat([frame, frame.iloc[:1]], ignore_index=True)).partner()
    assert PairFrame(frame.iloc[:0]).partner().tolist() == []


@pytest.mark.parametrize("count", [17, 40, 200])
def test_many_classes_in_columns(count: int) -> None:
    random = np.random.default_rng(count)
    cells = random.integers(0, count, (5000, 2))
    names = np.array([f"class {place:03}" for place in range(count)])
    frame = pd.DataFrame(
        {
            "pair.id": np.arange(5000),
            "pre": names[cells[:, 0]],
            "post": names[cells[:, 1]],
            "has_synapse": random.random(5000) < 0.3,
            "n_ex_test_spikes": 20,
            "n_in_test_spikes": 20,
            "pre_cell.cell_class_nonsynaptic": "ex",
        }
    )
    found = sf.connectivity(frame, ("pre", "post"), sigma=None)
    assert len(found) == count**2
    by_hand = frame.groupby(["pre", "post"])["has_synapse"].agg(["size", "sum"])
    here = found[found["n_probed"] > 0]
    assert here.index.tolist() == by_hand.index.tolist()
    assert here[["n_probed", "n_connected"]].to_numpy().tolist() == by_hand.to_numpy().tolist()


def test_one_column_stands_for_both_sides(db: sf.SynphysDatabase) -> None:
    layers = db.pairs(include="cell.target_layer")
    both = sf.connectivity(layers, "pre_cell.target_layer", "post_cell.target_layer")
    pd.testing.assert_frame_equal(sf.connectivity(layers, "pre_cell.target_layer"), both)
    named = ("pre_cell.target_layer", "post_cell.target_layer")
    pd.testing.assert_frame_equal(sf.connectivity(layers, named), both)
    layer = layers["pre_cell.target_layer"]
    with pytest.raises(ArgumentError, match="name both"):
        sf.connectivity(layers.assign(layer=layer), "layer")
    twice = layers.assign(one=layer.map({"1": 1, "5": "1"}), two="x")
    with pytest.raises(ArgumentError, match="no distinct names"):
        sf.connectivity(twice, ("one", "two"))


def test_other_post_classes(db: sf.SynphysDatabase) -> None:
    pre, post = {"L5": CLASSES["L5"]}, [CLASSES["Pvalb"], CellClass(cre_type="vip")]
    found = db.pairs().synphys.connectivity(pre, post, sigma=None)
    assert found.index.tolist() == [("L5", "pvalb"), ("L5", "vip")]
    assert found["adjusted_probability"].isna().all()


def test_the_measure_of_probed_can_be_chosen(tmp_path: Path) -> None:
    everyone = {"all": CellClass()}
    # The presynaptic cell is mixed by its synapses and ex without them.
    path = change(build(tmp_path / "r.sqlite"), "UPDATE pair SET n_in_test_spikes = 5 WHERE id = 5")
    pairs = sf.load_sqlite(path).pairs()
    found = [
        pairs.synphys.connectivity(everyone, probed=probed)["n_probed"].item()
        for probed in ("nonsynaptic", "synaptic")
    ]
    assert found == [2, 1]
    old = sf.load_sqlite(
        sf.build_sample(tmp_path / "15.sqlite", scale=1 / 300, schema_version="15")
    ).pairs()
    with pytest.raises(NotInVersionError, match="probed='synaptic'"):
        old.synphys.connectivity(everyone)
    assert old.synphys.connectivity(everyone, probed="synaptic")["n_probed"].item() > 0
    with pytest.raises(NotInVersionError, match="lateral_distance"):
        old.synphys.connectivity(everyone, probed="synaptic", distance="lateral_distance")


def test_electrical(db: sf.SynphysDatabase, tmp_path: Path) -> None:
    everyone = {"all": CellClass()}
    small = db.pairs().synphys.connectivity(everyone, kind="electrical")
    known = db.pair["has_electrical"].dropna()
    assert small[["n_probed", "n_connected"]].iloc[0].tolist() == [len(known), known.sum()]
    assert "no recordings" in small.attrs["synphys"]["probed"]
    medium = sf.load_sqlite(
        sf.build_sample(tmp_path / "medium.sqlite", scale=1 / 200, size="medium")
    )
    found = medium.pairs().synphys.connectivity(everyone, kind="electrical")
    held = "SELECT electrode_id FROM recording WHERE stim_name LIKE '%TargetV%'"
    [(n, k)] = query(
        medium.path,
        f"SELECT count(*), sum(coalesce(has_electrical, 0)) {FROM} "
        f"WHERE pre.electrode_id IN ({held}) AND post.electrode_id IN ({held})",
    )
    assert n > 0
    assert found[["n_probed", "n_connected"]].iloc[0].tolist() == [n, k]
    assert "TargetV" in found.attrs["synphys"]["probed"]


def test_reciprocal_by_hand() -> None:
    # Cells 1, 2 of class A, 3, 4 of class B; 1-2 both ways, 1-3 one way, 1-4 none, 2-3 untested
    # one way, 2-4 alone.
    rows = [
        (1, 2, True, 20), (2, 1, True, 20), (1, 3, True, 20), (3, 1, False, 20),
        (1, 4, False, 20), (4, 1, False, 20), (2, 3, True, 20), (3, 2, True, 5), (2, 4, True, 20),
    ]  # fmt: skip
    frame = pd.DataFrame(
        {
            "pre_cell_id": [row[0] for row in rows],
            "post_cell_id": [row[1] for row in rows],
            "has_synapse": [row[2] for row in rows],
            "n_ex_test_spikes": [row[3] for row in rows],
            "n_in_test_spikes": 0,
            "distance": 1e-4,
            "pre_cell.cell_class_nonsynaptic": "ex",
            "one": ["A" if row[0] < 3 else "B" for row in rows],
            "two": ["A" if row[1] < 3 else "B" for row in rows],
        }
    )
    found = sf.connectivity(frame, "one", "two", kind="reciprocal")
    counts = ["n_probed", "n_none", "n_one_way", "n_both_ways"]
    assert found.loc[("A", "A"), counts].tolist() == [1, 0, 0, 1]
    assert found.loc[("A", "B"), counts].tolist() == [2, 1, 1, 0]
    assert found.loc[("B", "A"), counts].tolist() == [2, 1, 1, 0]
    assert found.loc[("B", "B"), counts].tolist() == [0, 0, 0, 0]
    assert found.loc[("A", "A"), "expected_both_ways"] == 1
    assert found.loc[("A", "A"), "ratio_to_chance"] == 1
    assert np.isnan(found.loc[("B", "B"), "ratio_to_chance"])
    with pytest.raises(ArgumentError, match=r"both directions .*; 1 probed pairs lack"):
        sf.connectivity(frame, "one", "two", kind="reciprocal_either")
    either = sf.connectivity(frame.iloc[:-1], "one", "two", kind="reciprocal_either")
    assert either.loc[("A", "B"), counts].tolist() == [3, 1, 2, 0]
    assert either.loc[("B", "A"), counts].tolist() == [3, 1, 2, 0]
    assert either.loc[("A", "A"), counts].tolist() == [1, 0, 0, 1]
    # A connection in the direction that was not tested is none.
    frame.loc[7, "has_synapse"] = True
    frame.loc[6, "has_synapse"] = False
    again = sf.connectivity(frame.iloc[:-1], "one", "two", kind="reciprocal_either")
    assert again.loc[("A", "B"), counts].tolist() == [3, 2, 1, 0]


def reciprocal_by_loops(frame: pd.DataFrame, pre: CellClass, post: CellClass) -> list[int]:
    """Each unordered pair once, if one of its two readings goes from pre to post."""
    tested = {
        (a, b): (bool(hit), in_pre, in_post)
        for a, b, hit, n, in_pre, in_post in zip(
            frame["pre_cell_id"], frame["post_cell_id"], frame["has_synapse"],
            frame["n_ex_test_spikes"], frame["pre_cell.cre_type"].isin(pre),
            frame["post_cell.cre_type"].isin(post), strict=True,
        )
        if n > 10
    }  # fmt: skip
    totals = [
        tested[a, b][0] + tested[b, a][0]
        for a, b in tested
        if a < b and (b, a) in tested and (all(tested[a, b][1:]) or all(tested[b, a][1:]))
    ]
    return [len(totals), totals.count(0), totals.count(1), totals.count(2)]


def test_reciprocal_of_classes_that_overlap() -> None:
    random = np.random.default_rng(3)
    cre = np.array(["pvalb", "sst", "vip"])[random.integers(0, 3, 60)]
    ids = random.integers(0, 60, (1500, 2))
    frame = pd.DataFrame(
        {
            "pre_cell_id": ids[:, 0],
            "post_cell_id": ids[:, 1],
            "has_synapse": random.random(1500) < 0.4,
            "n_ex_test_spikes": random.integers(5, 30, 1500),
            "n_in_test_spikes": 0,
            "pre_cell.cell_class_nonsynaptic": "ex",
            "pre_cell.cre_type": cre[ids[:, 0]],
            "post_cell.cre_type": cre[ids[:, 1]],
        }
    ).drop_duplicates(["pre_cell_id", "post_cell_id"])
    members = {"a": ["pvalb", "sst"], "b": ["sst", "vip"], "sst": ["sst"], "also": ["sst"]}
    classes = {name: CellClass(cre_type=among) for name, among in members.items()}
    found = sf.connectivity(frame, classes, kind="reciprocal")
    for pre, post in found.index:
        expected = reciprocal_by_loops(frame, members[pre], members[post])
        row = found.loc[(pre, post)]
        assert row[["n_probed", "n_none", "n_one_way", "n_both_ways"]].tolist() == expected
        assert row.equals(found.loc[(post, pre)])
    assert found.loc[("a", "b"), "n_one_way"] > 0
    assert found.loc[("sst", "also")].equals(found.loc[("sst", "sst")])
    again = pd.concat([frame, frame.iloc[:400]], ignore_index=True)
    with pytest.raises(RepeatedPairsError, match="400 rows"):
        sf.connectivity(again, classes, kind="reciprocal")


def test_reciprocal_on_a_release(db: sf.SynphysDatabase) -> None:
    found = db.pairs().synphys.connectivity({"all": CellClass()}, kind="reciprocal").iloc[0]
    rows = query(
        db.path,
        f"SELECT coalesce(a.has_synapse, 0) + coalesce(b.has_synapse, 0) "
        f"FROM (SELECT pair.* {FROM} WHERE {PROBED}) a "
        f"JOIN (SELECT pair.* {FROM} WHERE {PROBED}) b "
        "ON a.reciprocal_id = b.id WHERE a.id < b.id",
    )
    totals = [row[0] for row in rows]
    assert found[["n_probed", "n_none", "n_one_way", "n_both_ways"]].tolist() == [
        len(totals), totals.count(0), totals.count(1), totals.count(2),
    ]  # fmt: skip


def test_profile_agrees_with_plain_sql(db: sf.SynphysDatabase) -> None:
    edges = [0, 50e-6, 100e-6, 150e-6, 400e-6]
    pairs = db.pairs()
    profile = pairs.synphys.connectivity_profile(edges)
    rows = np.array(
        query(db.path, f"SELECT coalesce(has_synapse, 0), distance {FROM} WHERE {PROBED}"),
        dtype=float,
    )
    for place, interval in enumerate(profile.index):
        here = (rows[:, 1] >= edges[place]) & (rows[:, 1] < edges[place + 1])
        assert (interval.left, interval.right) == (edges[place], edges[place + 1])
        n, k = int(here.sum()), int(rows[here, 0].sum())
        assert profile.iloc[place][["n_probed", "n_connected"]].tolist() == [n, k]
        lower, upper = connection_interval(k, n)
        assert profile.iloc[place][["ci_lower", "ci_upper"]].tolist() == [lower, upper]
    by_class = pairs.synphys.connectivity_profile(edges, classes=CLASSES)
    assert by_class.index.names == ["pre_class", "post_class", "distance"]
    assert len(by_class) == 49 * 4
    # A cell of several classes counts in each.
    for pre, post in ((a, b) for a in CLASSES for b in CLASSES):
        table = pairs_by_sql(db.path, pre, post)
        of_classes = by_class.loc[(pre, post)]
        n_probed, n_connected = (
            np.histogram(values, edges)[0] for values in (table[:, 1], table[table[:, 0] > 0, 1])
        )
        assert of_classes["n_probed"].tolist() == n_probed.tolist()
        assert of_classes["n_connected"].tolist() == n_connected.tolist()
    classified = pairs.synphys.classify({"L5": CLASSES["L5"]})
    named = classified.synphys.connectivity_profile(3)
    assert named.loc[("L5", "L5")].index.closed == "left"
    empty = pairs.iloc[:0].synphys.connectivity_profile(2)
    assert empty["n_probed"].tolist() == [0, 0]
    assert empty["connection_probability"].isna().all()


def test_matrix_agrees_with_pandas(db: sf.SynphysDatabase) -> None:
    pairs = db.pairs(synapse=True, include=["cell", "synapse"])
    layers = {name: CellClass(target_layer=name) for name in ("2/3", "4", "5", "6")}
    values, counts = pairs.synphys.matrix("synapse.latency", layers, counts=True, min_count=2)
    expected = pairs.pivot_table(
        "synapse.latency", "pre_cell.target_layer", "post_cell.target_layer", ["median", "count"]
    )
    for pre in layers:
        for post in layers:
            n = expected["count"].get(post, pd.Series()).get(pre, 0)
            n = 0 if np.isnan(n) else int(n)
            assert counts.loc[pre, post] == n
            if n >= 2:
                assert values.loc[pre, post] == expected.loc[pre, ("median", post)]
            else:
                assert np.isnan(values.loc[pre, post])
    assert values.attrs["synphys"] == {
        "column": "synapse.latency", "unit": "s", "aggfunc": "median",
    }  # fmt: skip
    assert (values.index.name, values.columns.name) == ("pre_class", "post_class")
    spread = pairs.synphys.matrix("synapse.latency", layers, aggfunc=lambda s: s.max() - s.min())
    assert spread.loc["5", "5"] >= 0
    connected = pairs.synphys.matrix("pair.has_synapse", layers, aggfunc="count")
    assert connected.attrs["synphys"]["unit"] == "count"


def test_compare_agrees_with_scipy(db: sf.SynphysDatabase) -> None:
    pairs = db.pairs(synapse=True, include=["cell", "synapse"])
    classes = {"ex": CellClass(cell_class="ex"), "in": CellClass(cell_class="in")}
    accessor: Any = pairs.synphys
    found = accessor.compare("synapse.psp_amplitude", classes)
    assert len(found) == 6
    row = found.query("pre_class_a == 'ex' and post_class_a == 'ex' and pre_class_b == 'in'").iloc[
        0
    ]
    groups = []
    for pre, post in (
        (row["pre_class_a"], row["post_class_a"]),
        (row["pre_class_b"], row["post_class_b"]),
    ):
        here = (pairs["pre_cell.cell_class"] == pre) & (pairs["post_cell.cell_class"] == post)
        groups.append(pairs.loc[here, "synapse.psp_amplitude"].dropna())
    expected = mannwhitneyu(*groups)
    assert row["p_value"] == expected.pvalue
    assert row["statistic"] == expected.statistic
    assert (row["n_a"], row["n_b"]) == tuple(map(len, groups))
    assert row["median_a"] == groups[0].median()
    assert found["p_adjusted"].tolist() == holm(found["p_value"].to_numpy()).tolist()
    accessor = pairs.iloc[:0].synphys
    nothing = accessor.compare("synapse.psp_amplitude", classes)
    pd.testing.assert_series_equal(nothing.dtypes, found.dtypes)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_holm_step_by_step(p_values: list[float]) -> None:
    order = sorted(range(len(p_values)), key=lambda place: p_values[place])
    expected, least = {}, 0.0
    for done, place in enumerate(order):
        least = max(least, p_values[place] * (len(p_values) - done))
        expected[place] = min(least, 1.0)
    found = holm(np.array(p_values))
    np.testing.assert_allclose(found, [expected[place] for place in range(len(p_values))])


@pytest.mark.parametrize(
    ("aggfunc", "unit"),
    [
        ("median", "m"), ("std", "m"), ("var", "m²"), ("count", "count"), ("nunique", "count"),
        ("skew", None), (np.median, "m"),
    ],
)  # fmt: skip
def test_units_of_what_is_aggregated(db: sf.SynphysDatabase, aggfunc: Any, unit: Any) -> None:
    found = db.pairs().synphys.matrix("pair.distance", {"all": CellClass()}, aggfunc=aggfunc)
    assert found.attrs["synphys"]["unit"] == unit
    expected = db.pairs()["pair.distance"].dropna().agg(aggfunc)
    assert found.iloc[0, 0] == pytest.approx(expected)


def test_columns_of_booleans_and_infinite_distances(db: sf.SynphysDatabase) -> None:
    pairs = db.pairs()
    share = pairs["pair.has_synapse"].dropna().astype(float).mean()
    arrow = pairs.astype({"pair.has_synapse": "bool[pyarrow]"})
    for frame in (pairs, arrow):
        found = frame.synphys.matrix("pair.has_synapse", {"all": CellClass()}, aggfunc="mean")
        assert found.iloc[0, 0] == pytest.approx(share)
    distance = pairs["pair.distance"].copy()
    most = distance[distance.index[1:]].max()
    distance.iloc[0] = np.inf
    profile = sf.connectivity_profile(pairs.assign(**{"pair.distance": distance}), 3)
    assert profile.index[-1].right <= most * 1.0000001


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda f: f.connectivity({}), ArgumentError, "at least one class"),
        (lambda f: f.plot.connectivity({}), ArgumentError, "at least one class"),
        (lambda f: f.matrix("pair.distance", CLASSES, aggfunc="mdian"), ArgumentError, "not known"),
        (
            lambda f: f.matrix("pair.distance", CLASSES, aggfunc="describe"),
            ArgumentError,
            "gave Series",
        ),
        (
            lambda f: f.matrix("pair.distance", CLASSES, aggfunc=lambda _: "x"),
            ArgumentError,
            "gave 'x'",
        ),
        (lambda f: f.connectivity(CLASSES, kind="both"), ArgumentError, "kind takes"),
        (lambda f: f.connectivity(CLASSES, sigma=0), ArgumentError, "sigma takes"),
        (lambda f: f.connectivity(CLASSES, alpha=2), ArgumentError, "alpha takes"),
        (lambda f: f.connectivity(CLASSES, probed="x"), ArgumentError, "probed takes"),
        (lambda f: f.connectivity(CLASSES, distance="far"), UnknownColumnError, "'far'"),
        (lambda f: f.connectivity("pre_cell"), UnknownColumnError, "no column 'pre_cell'"),
        (lambda f: f.connectivity_profile([1, 0]), ArgumentError, "ascending edges"),
        (
            lambda f: f.connectivity_profile(2, post_classes=CLASSES),
            ArgumentError,
            "post_classes needs classes",
        ),
        (
            lambda f: f.plot.distance(post_classes=CLASSES),
            ArgumentError,
            "post_classes needs classes",
        ),
        (lambda f: f.connectivity_profile(0), ArgumentError, "1 or more"),
        (lambda f: f.fit_distance("cubic"), ArgumentError, "model takes"),
        (lambda f: f.fit_distance(fixed_size=-1), ArgumentError, "fixed_size takes"),
        (lambda f: f.matrix("pair.distanc", CLASSES), UnknownColumnError, "Did you mean"),
        (lambda f: f.matrix("pair.distance", CLASSES, min_count=0), ArgumentError, "min_count"),
        (lambda f: f.compare("pre_cell.cre_type", CLASSES), ArgumentError, "holds no numbers"),
    ],
)
def test_wrong_arguments(
    db: sf.SynphysDatabase, call: Any, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        call(db.pairs(include="pre_cell.cre_type").synphys)


def test_a_frame_that_lacks_columns_and_a_database() -> None:
    with pytest.raises(ProvenanceError, match=r"no column 'pair.has_synapse'"):
        sf.connectivity(pd.DataFrame({"pair.id": [1]}), {"all": CellClass()})


@pytest.mark.parametrize(
    "select",
    [lambda pairs: pairs[::-1], lambda pairs: pairs.iloc[::3], lambda pairs: pairs.iloc[5:40]],
)
def test_views_of_a_frame_are_counted_as_their_copies(db: sf.SynphysDatabase, select: Any) -> None:
    pairs = select(db.pairs(include="cell"))
    for work in (
        lambda frame: frame.synphys.connectivity(CLASSES),
        lambda frame: frame.synphys.connectivity(CLASSES, kind="reciprocal"),
        lambda frame: frame.synphys.connectivity_profile(3, classes=CLASSES),
        lambda frame: frame.synphys.matrix("pair.distance", CLASSES, {"any": CellClass()}),
        lambda frame: frame.synphys.classify({"L5": CLASSES["L5"]}),
    ):
        pd.testing.assert_frame_equal(work(pairs), work(pairs.copy()))


@pytest.mark.parametrize("values", [np.nan, None, pd.Series(dtype="category")])
def test_a_column_without_any_text_tells_nothing(db: sf.SynphysDatabase, values: Any) -> None:
    pairs = db.pairs(include="cell").assign(**{"pre_cell.cre_type": values})
    for cell_class in (CLASSES["Pvalb"], CLASSES["Sst"], ~CLASSES["Sst"]):
        counts = pairs.synphys.connectivity({"pre": cell_class}, {"post": CellClass()})
        assert counts["n_probed"].tolist() == [0]


def test_categories_that_come_back_as_arrow_are_counted_the_same(
    db: sf.SynphysDatabase, tmp_path: Path
) -> None:
    pairs = db.pairs(include="cell")
    expected = pairs.synphys.connectivity(CLASSES)
    texts = [name for name in pairs if pairs[name].dtype == "str"]
    pairs.astype(dict.fromkeys(texts, "category")).to_parquet(tmp_path / "pairs.parquet")
    back = pd.read_parquet(tmp_path / "pairs.parquet", dtype_backend="pyarrow")
    pd.testing.assert_frame_equal(back.synphys.connectivity(CLASSES), expected)


def test_results_come_back_from_parquet(db: sf.SynphysDatabase, tmp_path: Path) -> None:
    pairs = db.pairs(species="mouse")
    file = tmp_path / "result.parquet"
    for result in (
        pairs.synphys.connectivity(CLASSES),
        pairs.synphys.connectivity(CLASSES, kind="reciprocal"),
        pairs.synphys.connectivity_profile([0, 5e-5, 1e-4]),
        pairs.synphys.connectivity_profile([0, 5e-5, 1e-4], classes=CLASSES),
        pairs.synphys.tally(CLASSES, bins=[0, 5e-5, 1e-4]),
        pairs.synphys.matrix("pair.distance", CLASSES),
    ):
        result.to_parquet(file)
        back = pd.read_parquet(file)
        pd.testing.assert_frame_equal(back, result)
        assert back.attrs == result.attrs
