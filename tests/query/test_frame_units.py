"""Frames in other units count as before, and what can't be metres is refused."""

from __future__ import annotations

import copy
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot as plt
from matplotlib.text import Text

import synphys_frames as sf
from synphys_frames.errors import ArgumentError, UnitError, UnitWarning, UnknownColumnError
from synphys_frames.query import unit_in
from synphys_frames.schema import published_schema
from synphys_frames.schema.units import as_unit, largest

if TYPE_CHECKING:
    from collections.abc import Callable

CLASSES = {"deep": sf.CellClass("depth > 70e-6"), "all": sf.CellClass("depth IS NOT NULL")}


@pytest.mark.parametrize(
    ("text", "shown"),
    [("ms", "ms"), ("um", "µm"), ("μm", "µm"), ("MΩ", "Mohm"), ("m", "m"), ("kHz", "kHz")],
)
def test_units_are_read_in_their_spellings(text: str, shown: str) -> None:
    assert str(as_unit(text)) == shown


@pytest.mark.parametrize("text", ["", "mm2", "furlong", "m ", None, 3, "daV"])
def test_what_is_no_unit_is_refused(text: Any) -> None:
    with pytest.raises(UnitError, match=r"no unit .* Known are m, s, V, A"):
        as_unit(text)


def test_a_unit_is_for_all_columns_of_its_base(db: sf.SynphysDatabase) -> None:
    frame = db.pairs(include=["cell", "synapse"])
    before = frame.copy()
    attrs = copy.deepcopy(frame.attrs)
    result = frame.synphys.to_units("ms", "mV", "um")
    units = result.attrs["synphys"]["units"]
    assert units["synapse.latency"] == "ms"
    assert units["synapse.psp_amplitude"] == "mV"
    assert units["pair.distance"] == units["pre_cell.depth"] == "µm"
    assert "synapse.psc_amplitude" not in units
    for label, factor in (("synapse.latency", 1e3), ("pre_cell.depth", 1e6)):
        np.testing.assert_array_equal(result[label], before[label] * factor)
    pd.testing.assert_frame_equal(frame, before)
    assert frame.attrs == attrs
    assert result.dtypes.equals(frame.dtypes)
    back = result.synphys.to_units("s", "V", "m")
    assert back.attrs == frame.attrs
    pd.testing.assert_frame_equal(back, frame, rtol=1e-15)


def test_a_table_frame_is_converted_from_what_it_notes(db: sf.SynphysDatabase) -> None:
    cells = db.cell
    micrometres = cells.synphys.to_units({"depth": "µm"})
    nanometres = micrometres.synphys.to_units({"depth": "nm"})
    np.testing.assert_allclose(nanometres["depth"], cells["depth"] * 1e9, rtol=1e-14)
    fits = db.avg_response_fit
    # It is stored in millivolts.
    assert fits.synphys.to_units("mV").attrs["synphys"].get("units", {}).get("holding") is None
    volts = fits.synphys.to_units({"holding": "V"})
    np.testing.assert_allclose(volts["holding"], fits["holding"] / 1e3)


@pytest.mark.parametrize(
    ("units", "error", "message"),
    [
        ({"pair.distance": "mV"}, UnitError, "m can't become mV"),
        ({"pair.id": "ms"}, UnitError, "unit of 'pair.id' is none"),
        ({"synapse.latenc": "ms"}, UnknownColumnError, "Did you mean 'synapse.latency'"),
        ({"mine": "ms"}, UnitError, "'mine' is no column of the dataset"),
        (7, UnitError, "to_units takes units"),
    ],
)
def test_what_can_not_be_converted_is_refused(
    db: sf.SynphysDatabase, units: Any, error: type[Exception], message: str
) -> None:
    frame = db.pairs(include="synapse").assign(mine=1.0)
    with pytest.raises(error, match=message):
        frame.synphys.to_units(units)


def test_volts_or_amperes_are_not_converted_together(db: sf.SynphysDatabase) -> None:
    with pytest.raises(UnitError, match="volts in current clamp, and in amperes in voltage"):
        db.avg_response_fit.synphys.to_units({"fit_amp": "mV"})


VERBS: list[Callable[[pd.DataFrame], Any]] = [
    lambda f: f.synphys.connectivity(CLASSES),
    lambda f: f.synphys.connectivity_profile([0, 5e-5, 1e-4], classes=CLASSES),
    lambda f: f.synphys.tally(CLASSES, bins=[0, 1e-4]),
    lambda f: f.synphys.classify(CLASSES, overlap="first")["pre_class"].astype(str).to_frame(),
]


@pytest.mark.parametrize("verb", VERBS)
def test_verbs_count_a_converted_frame_as_before(
    db: sf.SynphysDatabase, verb: Callable[[pd.DataFrame], Any]
) -> None:
    frame = db.pairs(species="mouse", include="cell")
    converted = frame.synphys.to_units("um", "ms")
    assert converted["pre_cell.depth"].median() > 1
    expected, result = verb(frame), verb(converted)
    if isinstance(expected, pd.DataFrame):
        assert len(expected.dropna()) > 0
        pd.testing.assert_frame_equal(result, expected, rtol=1e-12)


def test_a_fit_of_a_converted_frame_is_in_metres(db: sf.SynphysDatabase) -> None:
    frame = db.pairs(species="mouse")
    fit = frame.synphys.to_units("µm").synphys.fit_distance()
    assert fit.size == pytest.approx(frame.synphys.fit_distance().size, rel=1e-4)


def test_matrices_are_in_the_unit_of_the_frame(db: sf.SynphysDatabase) -> None:
    frame = db.pairs(include=["cell", "synapse"], synapse=True)
    converted = frame.synphys.to_units("ms")
    volts = frame.synphys.matrix("synapse.latency", CLASSES)
    result = converted.synphys.matrix("synapse.latency", CLASSES)
    np.testing.assert_allclose(result, volts * 1e3)
    assert (volts.attrs["synphys"]["unit"], result.attrs["synphys"]["unit"]) == ("s", "ms")


@pytest.mark.parametrize(
    ("call", "meant"),
    [
        (lambda db: db.pairs(distance=(0, 100)), "100 µm is 0.0001"),
        (lambda db: db.pairs(distance=(25.0, None)), "25 µm is 2.5e-05"),
        (lambda db: db.cell.synphys.pairs(distance=(None, 50)), "50 µm is 5e-05"),
        (lambda db: db.pairs().synphys.connectivity(CLASSES, sigma=100), "sigma .* 0.0001"),
        (lambda db: db.pairs().synphys.tally(CLASSES, sigma=70), "sigma .* 7e-05"),
        (lambda db: db.pairs().synphys.connectivity_profile([0, 50, 100]), "bins .* 50 µm is"),
        (lambda db: db.pairs().synphys.tally(bins=[0, 1e-4, 0.2]), "bins .* 0.2 m is longer"),
        (lambda db: db.pairs().synphys.fit_distance(fixed_size=150), "fixed_size .* 0.00015"),
        (lambda db: db.pairs().synphys.fit_distance().predict([50]), "predict .* 5e-05"),
        (lambda db: db.pairs().synphys.fit_distance().predict(120), "predict .* 0.00012"),
        (lambda _: sf.fit_probability(np.arange(1.0, 40), np.arange(39) % 2), "distance takes me"),
    ],
)
def test_lengths_that_no_slice_has_are_refused(
    db: sf.SynphysDatabase, call: Callable[[sf.SynphysDatabase], Any], meant: str
) -> None:
    with pytest.raises(UnitError, match=meant):
        call(db)


@pytest.mark.parametrize(
    ("where", "meant"),
    [
        ("pair.distance < 100", "in m, .* 100 µm is 0.0001"),
        ("100 > lateral_distance", "100 µm is 0.0001"),
        ("distance BETWEEN 10 AND 5e1", "10 µm is 1e-05"),
        ("synapse.latency IN (1.5, 2)", "in s, .* 1.5 ms is 0.0015"),
        ("synapse.psp_amplitude > 0.2 OR TRUE", "0.2 mV is 0.0002"),
        ("NOT synapse.psc_amplitude < -20", "in A, .* -20 pA is -2e-11"),
        ("pre_cell.depth = 55.5", "55.5 µm is 5.55e-05"),
    ],
)
def test_numbers_that_a_column_can_not_reach_are_told(
    db: sf.SynphysDatabase, where: str, meant: str
) -> None:
    with pytest.warns(UnitWarning, match=meant):
        db.pairs(where=where)


def test_classes_and_tables_tell_of_such_numbers_too(db: sf.SynphysDatabase) -> None:
    with pytest.warns(UnitWarning, match="80 µm is 8e-05"):
        db.pairs(pre_class=sf.CellClass("depth > 80"))
    with pytest.warns(UnitWarning, match=r"20 ms is 0\.02"):
        db.pairs(include="cell").synphys.connectivity({"slow": sf.CellClass("tau > 20")})
    with pytest.warns(UnitWarning, match=r"depth is in m, .* 80 µm is 8e-05"):
        db.table("cell", where="depth > 80")


@pytest.mark.parametrize(
    "where",
    [
        "pair.distance * 1e6 < 100",
        "pair.distance < 'inf'::DOUBLE",
        "pair.distance < 1e-2 AND synapse.latency < 1",
        "pair.id < 1000 AND pair.n_ex_test_spikes > 500",
        "experiment.acq_timestamp > 1e6",
    ],
)
def test_other_comparisons_are_let_pass(db: sf.SynphysDatabase, where: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        db.pairs(where=where)


@pytest.mark.parametrize("column", ["distance", "lateral_distance"])
def test_a_column_of_micrometres_that_says_nothing_is_refused(
    db: sf.SynphysDatabase, column: str
) -> None:
    frame = db.pairs(species="mouse")
    frame[f"pair.{column}"] = frame[f"pair.{column}"] * 1e6
    for verb in (
        lambda: frame.synphys.connectivity(CLASSES, distance=column),
        lambda: frame.synphys.connectivity_profile(5, distance=column),
        lambda: frame.synphys.fit_distance(distance=column),
    ):
        with pytest.raises(UnitError, match=f"The column '{column}' takes metres"):
            verb()


def test_infinite_and_single_far_distances_are_let_pass(db: sf.SynphysDatabase) -> None:
    pairs = db.pairs(species="mouse")
    whole = pairs.synphys.connectivity_profile([0, 1e-4, np.inf])
    assert whole["n_probed"].sum() > 0
    pairs.loc[0, "pair.distance"] = 3.0
    pairs.loc[1, "pair.distance"] = np.inf
    assert pairs.synphys.connectivity(CLASSES)["n_probed"].sum() > 0
    assert db.pairs(distance=(0, np.inf)).shape[0] > 0


def test_the_schema_of_a_frame_tells_of_its_columns(db: sf.SynphysDatabase) -> None:
    frame = db.pairs(include=["cell", "synapse"]).assign(mine=1).synphys.to_units("ms")
    schema = frame.synphys.schema
    assert list(schema) == ["column", "table", "dtype", "unit", "description"]
    assert (schema.dtypes == "str").all()
    assert schema["column"].tolist() == list(frame)
    rows = schema.set_index("column")
    assert rows.loc["synapse.latency", ["table", "unit"]].tolist() == ["synapse", "ms"]
    assert rows.loc["pre_cell.depth", ["table", "unit", "dtype"]].tolist() == [
        "cell", "m", "float64",
    ]  # fmt: skip
    assert rows.loc["mine", ["table", "unit", "description"]].isna().all()
    assert "onset of the response" in rows.loc["synapse.latency", "description"]
    own = db.cell.synphys.schema.set_index("column")
    assert own.loc["depth", ["table", "unit"]].tolist() == ["cell", "m"]
    assert db.pairs().iloc[:0, :0].synphys.schema.shape == (0, 5)


def test_the_largest_values_are_above_all_that_the_dataset_has(db: sf.SynphysDatabase) -> None:
    """What is refused as too large is never in a release."""
    schema = published_schema("22")
    for table in ("pair", "cell", "synapse", "intrinsic", "resting_state_fit", "dynamics"):
        frame = db[table]
        for column in schema.tables[table].columns.values():
            if column.kind == "float":
                assert not (frame[column.name].abs() > largest(column)).any(), column


@pytest.mark.parametrize(
    ("column", "unit"),
    [
        ("synapse.psp_amplitude", "V"),
        ("pair.distance", "m"),
        ("distance", "m"),
        ("post_cortical_cell_location.distance_to_pia", "m"),
        ("slice.species", None),
        ("nothing.at_all", None),
    ],
)
def test_units_of_columns(column: str, unit: str | None) -> None:
    assert unit_in(pd.DataFrame({column: [1.0]}), column) == unit


PICTURES: dict[str, Callable[[Any, str], Any]] = {
    "matrix": lambda f, column: f.synphys.plot.matrix(column, CLASSES),
    "strip": lambda f, column: f.synphys.plot.strip(column, "pre_cell.cell_class"),
}


@pytest.mark.parametrize("picture", PICTURES)
@pytest.mark.parametrize(
    ("column", "unit", "factor"),
    [
        ("synapse.latency", "µs", 1e6),
        ("synapse.psp_amplitude", "µV", 1e6),
        ("synapse.psc_amplitude", "pA", 1e12),
        ("pair.distance", "µm", 1e6),
    ],
)
def test_pictures_show_the_unit_that_is_noted_and_refuse_what_can_not_be(
    db: sf.SynphysDatabase, picture: str, column: str, unit: str, factor: float
) -> None:
    frame = db.pairs(include=["cell", "synapse"], synapse=True)
    noted = frame.synphys.to_units({column: unit})
    axes = PICTURES[picture](noted, column)
    texts = [text.get_text() for text in axes.figure.findobj(Text)]
    assert any(f"({unit})" in text for text in texts)
    silent = frame.copy()
    silent[column] = silent[column] * factor
    with pytest.raises(UnitError, match=f"The values of '{column}', .* can't be"):
        PICTURES[picture](silent, column)
    plt.close("all")


@pytest.mark.parametrize("ax", ["array", "figure", 3, "axes"])
def test_an_ax_that_is_none_is_refused_by_name(db: sf.SynphysDatabase, ax: Any) -> None:
    pairs = db.pairs(include=["cell", "synapse"])
    given = {"array": lambda: plt.subplots(2)[1], "figure": plt.figure}.get(ax, lambda: ax)()
    plots = pairs.synphys.plot
    for draw in (
        lambda: plots.connectivity(CLASSES, ax=given),
        lambda: plots.matrix("synapse.latency", CLASSES, ax=given),
        lambda: plots.distance(ax=given),
        lambda: plots.strip("synapse.latency", "pre_cell.cell_class", ax=given),
    ):
        with pytest.raises(ArgumentError, match=r"ax takes one matplotlib Axes, .* or None; got"):
            draw()
    plt.close("all")
