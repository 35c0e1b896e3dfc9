"""What can't be counted as it stands is refused, or told."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

import synphys_frames as sf
from synphys_frames.errors import (
    ArgumentError,
    OverlappingClassesError,
    OverlappingClassesWarning,
    RepeatedPairsError,
    SelectedPairsWarning,
    UncheckedPairsWarning,
)

CLASSES = {"in": sf.CellClass(cell_class="in"), "ex": sf.CellClass(cell_class="ex")}
VERBS = {
    "connectivity": lambda frame: frame.synphys.connectivity(CLASSES),
    "electrical": lambda frame: frame.synphys.connectivity(CLASSES, kind="electrical"),
    "reciprocal": lambda frame: frame.synphys.connectivity(CLASSES, kind="reciprocal"),
    "tally": lambda frame: frame.synphys.tally(CLASSES),
    "profile": lambda frame: frame.synphys.connectivity_profile(3),
    "fit": lambda frame: frame.synphys.fit_distance(),
    "matrix": lambda frame: frame.synphys.matrix("pair.distance", CLASSES),
    "compare": lambda frame: frame.synphys.compare("pair.distance", CLASSES),
    "picture": lambda frame: frame.synphys.plot.connectivity(CLASSES),
    "curve": lambda frame: frame.synphys.plot.distance(),
}


@pytest.mark.parametrize("verb", VERBS)
def test_a_pair_in_two_rows_is_refused(db: sf.SynphysDatabase, verb: str) -> None:
    pairs = db.pairs(include="cell")
    example = pairs["pair.id"].iloc[3]
    twice = pd.concat([pairs, pairs.iloc[3:5]])
    with pytest.raises(RepeatedPairsError, match=f"2 rows.*pair.id {example}.*drop_duplicates"):
        VERBS[verb](twice)
    # The line of the message mends it.
    VERBS[verb](twice.drop_duplicates("pair.id"))


@pytest.mark.parametrize("verb", ["connectivity", "matrix"])
def test_a_merge_with_several_rows_a_pair_is_refused(db: sf.SynphysDatabase, verb: str) -> None:
    pairs = db.pairs(include="cell")
    fits = db.avg_response_fit.merge(
        db.synapse[["id", "pair_id"]], left_on="synapse_id", right_on="id", suffixes=("", "_")
    )
    merged = pairs.merge(fits[["pair_id", "clamp_mode"]], left_on="pair.id", right_on="pair_id")
    merged.attrs = pairs.attrs
    with pytest.raises(RepeatedPairsError, match="aggregated before it is merged"):
        VERBS[verb](merged)


def test_pairs_are_told_by_their_cells_where_they_have_no_ids(db: sf.SynphysDatabase) -> None:
    bare = db.pairs(include="cell").drop(columns="pair.id")
    bare.synphys.connectivity(CLASSES)
    twice = pd.concat([bare, bare.iloc[:1]])
    with pytest.raises(RepeatedPairsError, match=r"1 rows.*pair\.pre_cell_id"):
        twice.synphys.connectivity(CLASSES)


def test_two_releases_are_not_counted_together(db: sf.SynphysDatabase, tmp_path: Any) -> None:
    with sf.load_sqlite(sf.build_sample(tmp_path / "other.sqlite", seed=7)) as other:
        both = pd.concat([one.pairs(include="cell") for one in (db, other)], ignore_index=True)
    with pytest.raises(RepeatedPairsError, match=r"only within one release.*summarise"):
        sf.connectivity(both, CLASSES, db=db)


def test_a_frame_without_ids_says_that_it_can_not_be_checked() -> None:
    frame = pd.DataFrame(
        {
            "has_synapse": [True, False],
            "n_ex_test_spikes": 20,
            "n_in_test_spikes": 20,
            "pre_cell.cell_class_nonsynaptic": "ex",
            "one": "a",
            "two": "b",
        }
    )
    with pytest.warns(UncheckedPairsWarning, match="no pair ids"):
        counts = sf.connectivity(frame, ("one", "two"), sigma=None)
    assert counts["n_probed"].tolist() == [2]


@pytest.mark.parametrize(
    "filters", [{"synapse": True}, {"synapse_type": "ex"}], ids=lambda filters: next(iter(filters))
)
def test_pairs_that_were_chosen_by_their_synapse_are_told(
    db: sf.SynphysDatabase, filters: dict[str, Any]
) -> None:
    chosen = db.pairs(**filters, include="cell")
    [name] = filters
    with pytest.warns(SelectedPairsWarning, match=f"chosen by {name}="):
        chosen.synphys.connectivity(CLASSES)
    # What does not count shares is not concerned.
    chosen.synphys.matrix("pair.distance", CLASSES)


def test_pairs_that_are_all_connected_are_told(db: sf.SynphysDatabase) -> None:
    pairs = db.pairs(include="cell")
    probed = pairs[pairs["pair.has_synapse"].fillna(False)]
    assert len(probed) >= 40
    with pytest.warns(SelectedPairsWarning, match="all connected"):
        probed.synphys.fit_distance()
    # A few may well be.
    probed.head(10).synphys.connectivity(CLASSES)


def test_cells_of_several_classes(db: sf.SynphysDatabase) -> None:
    pairs = db.pairs(include="cell")
    classes = {"ex": sf.CellClass(cell_class="ex"), "L5": sf.CellClass(target_layer="5")}
    cells = db.cell
    both = set(cells.loc[(cells["cell_class"] == "ex") & (cells["target_layer"] == "5"), "id"])
    count = len(both & set(pairs["pair.pre_cell_id"]) | both & set(pairs["pair.post_cell_id"]))
    with pytest.warns(OverlappingClassesWarning, match=f"^{count} cells of this frame"):
        classified = pairs.synphys.classify(classes)
    pd.testing.assert_frame_equal(classified, pairs.synphys.classify(classes, overlap="first"))
    with pytest.raises(OverlappingClassesError, match=f"^{count} cells"):
        pairs.synphys.classify(classes, overlap="raise")
    apart = classes | {"L5": classes["L5"] & ~classes["ex"]}
    pairs.synphys.classify(apart, overlap="raise")
    with pytest.raises(ArgumentError, match="overlap takes 'warn', 'first', 'raise'"):
        pairs.synphys.classify(classes, overlap="last")


def test_infinite_values_are_values(db: sf.SynphysDatabase) -> None:
    pairs = db.pairs(include="cell")
    values = pairs["pair.distance"].fillna(1e-4)
    pairs["x"] = np.where(np.arange(len(pairs)) % 2 == 0, np.inf, values)
    classified = pairs.synphys.classify(CLASSES)
    ours = classified.synphys.matrix("x", "pre_class", "post_class", aggfunc="max")
    grouped = classified.groupby(["pre_class", "post_class"], observed=False)["x"]
    assert ours.to_numpy().ravel().tolist() == grouped.max().tolist()
    assert np.isinf(ours.to_numpy()).all()
    means = classified.synphys.matrix("x", "pre_class", "post_class", aggfunc="mean")
    assert means.to_numpy().ravel().tolist() == grouped.mean().tolist()


def test_limits_end_at_1_and_the_counts_behind_adjusted_values_are_shown() -> None:
    frame = pd.DataFrame(
        {
            "pair.id": range(6),
            "has_synapse": [True, False, False, False, False, True],
            "n_ex_test_spikes": 20,
            "n_in_test_spikes": 20,
            "pre_cell.cell_class_nonsynaptic": "ex",
            "distance": [np.nan, 2e-4, 2e-4, 2e-4, 2e-4, 2e-4],
            "one": ["a"] * 3 + ["b"] * 3,
            "two": "x",
        }
    )
    counts = sf.connectivity(frame, ("one", "two"))
    assert counts["n_connected"].tolist() == [1, 1]
    assert counts["n_probed_at_distance"].tolist() == [2, 3]
    assert counts["n_connected_at_distance"].tolist() == [0, 1]
    mean = np.exp(-(2e-4**2) / (2 * 1e-4**2))
    assert counts["adjusted_probability"].tolist() == pytest.approx([0, 1 / 3 / mean])
    assert counts["adjusted_ci_upper"].tolist() == [1, 1]


@pytest.mark.parametrize("bins", [[0, 1e-4], [0, 5e-5, 1e-4], 1, 3])
@pytest.mark.parametrize("classes", [None, CLASSES])
def test_a_profile_of_any_size(db: sf.SynphysDatabase, bins: Any, classes: Any) -> None:
    pairs = db.pairs(include="cell")
    profile = pairs.synphys.connectivity_profile(bins, classes=classes)
    number = bins if isinstance(bins, int) else len(bins) - 1
    assert len(profile) == number * (1 if classes is None else 4)
    assert profile["n_probed"].sum() > 0
