"""Columns of a user's frame count as what they are in a release, or are refused by name."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pandas as pd
import pytest

import synphys_frames as sf
from synphys_frames.errors import FrameColumnError
from synphys_frames.query.frame_columns import as_kind

LAYERS = {f"L{layer}": sf.CellClass(target_layer=layer) for layer in ("4", "5", "6")}


def through_csv(frame: pd.DataFrame) -> pd.DataFrame:
    # Without the copy, each column is a block of its own, of which pandas warns.
    return pd.read_csv(io.StringIO(frame.to_csv(index=False)), low_memory=False).copy()


def test_layers_that_went_through_csv_are_layers(db: sf.SynphysDatabase) -> None:
    pairs = db.pairs(include="cell")
    whole = pairs[
        pairs["pre_cell.target_layer"].isin(list("456"))
        & pairs["post_cell.target_layer"].isin(list("456"))
    ]
    back = through_csv(whole)
    assert pd.api.types.is_numeric_dtype(back["pre_cell.target_layer"])
    expected = whole.synphys.connectivity(LAYERS)
    assert expected["n_probed"].sum() > 0
    pd.testing.assert_frame_equal(back.synphys.connectivity(LAYERS), expected)
    assert back.synphys.classify(LAYERS)["pre_class"].notna().all()


@pytest.mark.parametrize(
    ("values", "kind", "expected"),
    [
        ([5, 6], "str", ["5", "6"]),
        ([5.0, np.nan], "str", ["5", None]),
        (pd.array([5, None], dtype="Int64"), "str", ["5", None]),
        (pd.Categorical([5, 6]), "str", ["5", "6"]),
        (["5", None], "str", ["5", None]),
        (pd.Categorical(["5"]), "str", ["5"]),
        (pd.array(["5"], dtype="string[pyarrow]"), "str", ["5"]),
        (np.array([5, None], dtype=object), "str", ["5", None]),
        ([1, 0], "bool", [True, False]),
        ([1.0, np.nan], "bool", [True, None]),
        (np.array([True, None], dtype=object), "bool", [True, None]),
        (np.array([1, 2.5], dtype=object), "float", [1.0, 2.5]),
        ([7], "int", [7]),
    ],
)
def test_what_is_exact_is_converted(values: Any, kind: Any, expected: list[Any]) -> None:
    series = pd.Series(values)
    before = series.copy()
    converted = as_kind(series, kind, "x")
    assert [None if pd.isna(value) else value for value in converted] == expected
    pd.testing.assert_series_equal(series, before)


@pytest.mark.parametrize(
    ("values", "kind", "message"),
    [
        ([0.7, 1.0], "str", r"'x' .* text; it has float64, such as 0\.7.*astype"),
        ([True], "str", "text"),
        (pd.to_datetime(["2020-01-01"]), "str", "text"),
        ([1e300], "str", r"text; .* such as 1e\+300"),
        ([["5"], ["6"]], "str", r"text; .* such as \['5'\]"),
        ([[True]], "bool", "True and False"),
        ([{1.0}], "float", "numbers"),
        (["yes", "no"], "bool", "True and False.*'yes'.*map"),
        (["True", "False"], "bool", "'True'.*map"),
        ([0.7], "bool", r"0\.7"),
        ([2], "bool", "True and False"),
        (["0.0001"], "float", r"numbers.*to_numeric"),
        ([True], "float", "numbers"),
        (["11"], "int", "numbers"),
    ],
)
def test_what_could_mean_several_things_is_refused(values: Any, kind: Any, message: str) -> None:
    with pytest.raises(FrameColumnError, match=message):
        as_kind(pd.Series(values), kind, "x")


@pytest.mark.parametrize(
    ("column", "values"),
    [
        ("pair.has_synapse", "yes"),
        ("pair.has_synapse", "True"),
        ("pair.has_synapse", 0.7),
        ("pair.n_ex_test_spikes", "11"),
        ("pair.distance", "0.0001"),
        ("pre_cell.cell_class_nonsynaptic", 0.5),
        ("pre_cell.target_layer", 5.5),
    ],
)
def test_every_verb_refuses_by_the_name_of_the_column(
    db: sf.SynphysDatabase, column: str, values: Any
) -> None:
    pairs = db.pairs(include="cell").assign(**{column: values})
    with pytest.raises(FrameColumnError, match=column.replace(".", r"\.")):
        pairs.synphys.connectivity(LAYERS)
