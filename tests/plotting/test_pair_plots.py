from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot as plt
from matplotlib.container import ErrorbarContainer

import synphys_frames as sf
from synphys_frames.errors import ArgumentError, UnknownColumnError
from synphys_frames.plotting.style import shown_unit

if TYPE_CHECKING:
    from collections.abc import Iterator

    from matplotlib.axes import Axes

CellClass = sf.CellClass
CRES = ["pvalb", "sst", "vip", "rorb", "ntsr1", "tlx3", "sim1", "cux2"]
LAYERS = ["1", "2/3", "4", "5", "6"]
TWO = {"Pvalb": CellClass(cre_type="pvalb"), "nobody": CellClass(cre_type="nobody")}


def classes(count: int) -> dict[str, CellClass]:
    every = {
        f"L{layer} {cre}": CellClass(target_layer=layer, cre_type=cre)
        for layer in LAYERS
        for cre in CRES
    }
    return dict(list(every.items())[:count])


@pytest.fixture(autouse=True)
def _close() -> Iterator[None]:
    before = dict(mpl.rcParams)
    yield
    plt.close("all")
    assert dict(mpl.rcParams) == before


@pytest.fixture(scope="module")
def pairs(db: sf.SynphysDatabase) -> pd.DataFrame:
    return db.pairs(include=["cell", "synapse"])


def texts(ax: Axes) -> list[str]:
    return [text.get_text() for text in ax.texts]


def boxes(ax: Axes, artists: Any) -> list[Any]:
    ax.figure.canvas.draw()
    return [artist.get_window_extent() for artist in artists if artist.get_text()]


def assert_readable(ax: Axes) -> None:
    """No label is cut off, none of a kind overlap, none is too small to read."""
    figure = ax.figure
    figure.canvas.draw()
    labels = []
    for other in figure.axes:
        for axis in (other.xaxis, other.yaxis):
            # Ticks beyond the ends of an axis have labels that are not drawn.
            least, most = sorted(axis.get_view_interval())
            labels += [axis.label] + [
                tick.label1 if tick.label1.get_visible() else tick.label2
                for tick in axis.get_major_ticks()
                if least <= tick.get_loc() <= most
            ]
    for box in boxes(ax, labels):
        assert box.x0 >= -1
        assert box.y0 >= -1
        assert box.x1 <= figure.bbox.width + 1
        assert box.y1 <= figure.bbox.height + 1
    for kind in (ax.get_xticklabels(), ax.get_yticklabels(), ax.texts):
        found = boxes(ax, kind)
        for place, box in enumerate(found):
            assert not any(
                box.x0 < other.x1 - 1 and other.x0 < box.x1 - 1
                and box.y0 < other.y1 - 1 and other.y0 < box.y1 - 1
                for other in found[place + 1 : place + 60]
            )  # fmt: skip
        assert all(text.get_fontsize() >= 5 for text in kind)


def test_the_connectivity_picture_shows_the_counts(pairs: pd.DataFrame) -> None:
    ax = pairs.synphys.plot.connectivity(TWO)
    counts = pairs.synphys.connectivity(TWO)
    row = counts.loc[("Pvalb", "Pvalb")]
    assert texts(ax) == [f"{row['n_connected']:.0f}/{row['n_probed']:.0f}", "", "", ""]
    assert [label.get_text() for label in ax.get_yticklabels()] == ["Pvalb", "nobody"]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("postsynaptic", "presynaptic")
    assert ax.figure.axes[-1].get_ylabel() == "connection probability"
    # Never probed: no face.
    alphas = np.asarray(ax.images[0].get_array())[..., 3]
    assert (alphas > 0).tolist() == [[True, False], [False, False]]


@pytest.mark.parametrize("size", [(3, 3), (6, 6)])
def test_small_axes_keep_their_labels_apart(pairs: pd.DataFrame, size: tuple[int, int]) -> None:
    figure, ax = plt.subplots(figsize=size, layout="constrained")
    pairs.synphys.plot.connectivity(classes(17), ax=ax)
    figure.canvas.draw()
    cell = ax.get_window_extent().width / 17
    for box in boxes(ax, ax.texts):
        assert box.width <= cell
    for label in ax.get_yticklabels():
        assert label.get_fontsize() * figure.dpi / 72 <= max(cell, 4.5 * figure.dpi / 72)


def test_long_names_are_not_cut_off(pairs: pd.DataFrame) -> None:
    long = {
        f"excitatory cells of layer {layer}, all of them, spiny": CellClass(target_layer=layer)
        for layer in LAYERS[:2]
    }
    assert_readable(pairs.synphys.plot.connectivity(long))
    ax = pairs.synphys.plot.distance(long)
    assert_readable(ax)
    assert ax.get_legend().get_window_extent().x1 <= ax.figure.bbox.width
    assert ax.get_window_extent().width >= 3 * ax.figure.dpi
    classified = pairs.synphys.classify(long)
    assert_readable(classified.synphys.plot.strip("pair.distance", ["pre_class", "post_class"]))


def test_an_empty_column_of_classes_is_refused_before_a_figure(pairs: pd.DataFrame) -> None:
    nothing = pairs.assign(pre_class=None, post_class=None)
    with pytest.raises(ArgumentError, match="no classes to draw"):
        nothing.synphys.plot.connectivity("pre_class")
    assert plt.get_fignums() == []


@pytest.mark.parametrize("count", [4, 17, pytest.param(40, marks=pytest.mark.slow)])
@pytest.mark.parametrize("kind", ["connectivity", "matrix"])
def test_labels_can_be_read(pairs: pd.DataFrame, count: int, kind: str) -> None:
    plot = pairs.synphys.plot
    ax = (
        plot.connectivity(classes(count))
        if kind == "connectivity"
        else plot.matrix("synapse.psp_amplitude", classes(count))
    )
    assert len(ax.get_yticklabels()) == count
    assert_readable(ax)


def test_the_matrix_picture_is_in_readable_units(pairs: pd.DataFrame) -> None:
    named = {"ex": CellClass(cell_class="ex"), "in": CellClass(cell_class="in")}
    ax = pairs.synphys.plot.matrix("synapse.psp_amplitude", named)
    values = pairs.synphys.matrix("synapse.psp_amplitude", named)
    assert texts(ax) == [f"{1e3 * value:.3g}" for value in values.to_numpy().ravel()]
    assert ax.figure.axes[-1].get_ylabel() == "median synapse.psp_amplitude (mV)"
    counted = pairs.synphys.plot.matrix("synapse.latency", named, aggfunc="count")
    assert counted.figure.axes[-1].get_ylabel() == "count synapse.latency"
    different = pairs.synphys.plot.matrix("synapse.latency", named, aggfunc="nunique")
    assert different.figure.axes[-1].get_ylabel() == "nunique synapse.latency"
    nothing = pairs.iloc[:0].synphys.plot.matrix("synapse.latency", named)
    assert texts(nothing) == [""] * 4


def test_the_distance_picture(pairs: pd.DataFrame) -> None:
    edges = [0, 1e-4, 2e-4]
    ax = pairs.synphys.plot.distance(bins=edges)
    profile = pairs.synphys.connectivity_profile(edges)
    assert (profile["n_probed"] >= 20).all()
    # The second holds the bins of fewer pairs, of which there are none.
    bars, few = [one for one in ax.containers if isinstance(one, ErrorbarContainer)]
    assert bars.lines[0].get_xdata().tolist() == [50.0, 150.0]
    assert few.lines[0].get_xdata().tolist() == []
    np.testing.assert_allclose(bars.lines[0].get_ydata(), profile["connection_probability"])
    fit = pairs.synphys.fit_distance()
    curve = ax.lines[-1]
    np.testing.assert_allclose(curve.get_ydata(), fit.predict(curve.get_xdata() * 1e-6))
    [strip] = ax.child_axes
    lines = [len(one.get_segments()) for one in strip.collections]
    assert lines == [fit.n_connected, fit.n_probed - fit.n_connected]
    assert ax.get_xlabel() == "distance (µm)"
    assert_readable(ax)


def test_the_distance_picture_by_class(pairs: pd.DataFrame) -> None:
    ax = pairs.synphys.plot.distance(
        {"ex": CellClass(cell_class="ex"), "in": CellClass(cell_class="in")}, model=None
    )
    legend = ax.get_legend()
    assert legend is not None
    assert [text.get_text() for text in legend.get_texts()] == [
        "ex to ex", "ex to in", "in to ex", "in to in", "each line: a pair",
        "pale: under 20 pairs",
    ]  # fmt: skip
    ax.figure.canvas.draw()
    box = legend.get_window_extent()
    assert box.x0 >= ax.get_window_extent().x1
    assert box.x1 <= ax.figure.bbox.width
    with pytest.raises(ArgumentError, match="can't be told apart"):
        pairs.synphys.plot.distance(classes(4))


def test_the_strip_picture(pairs: pd.DataFrame) -> None:
    draw = pairs.synphys.plot.strip
    ax = draw("synapse.latency", by="pre_cell.cell_class")
    groups = pairs.groupby("pre_cell.cell_class")["synapse.latency"]
    labels = [label.get_text() for label in ax.get_xticklabels()]
    # A group without any value has no place.
    counts = groups.count()
    assert labels == [f"{name}\nn={count}" for name, count in counts[counts > 0].items()]
    medians = [one.get_segments()[0][0][1] for one in ax.collections]
    np.testing.assert_allclose(medians, groups.median().dropna() * 1e3)
    drawn = np.sort(np.concatenate([line.get_ydata() for line in ax.lines]))
    known = pairs.dropna(subset="pre_cell.cell_class")["synapse.latency"].dropna()
    np.testing.assert_allclose(drawn, np.sort(known * 1e3))
    assert ax.get_ylabel() == "synapse.latency (ms)"
    assert_readable(draw("pair.distance", by=["pre_cell.cell_class"]))
    both = draw("pair.distance", by=["pre_cell.cell_class", "post_cell.cell_class"])
    assert both.get_xticklabels()[1].get_text().startswith("ex to in")
    assert_readable(both)


def test_pictures_go_where_they_are_told(pairs: pd.DataFrame) -> None:
    figure, axes = plt.subplots(2, 2, figsize=(9, 9))
    plot = pairs.synphys.plot
    assert plot.connectivity(TWO, ax=axes[0, 0]) is axes[0, 0]
    assert plot.matrix("synapse.latency", TWO, ax=axes[0, 1]) is axes[0, 1]
    assert plot.distance(ax=axes[1, 0]) is axes[1, 0]
    assert plot.strip("pair.distance", "pair.has_synapse", ax=axes[1, 1]) is axes[1, 1]
    assert plt.get_fignums() == [figure.number]


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda p: p.connectivity(TWO, value="x"), ArgumentError, "value takes"),
        (lambda p: p.connectivity(TWO, kind="reciprocal"), ArgumentError, "kind takes"),
        (lambda p: p.strip("synapse.latncy", "pair.id"), UnknownColumnError, "Did you mean"),
        (lambda p: p.strip("pre_cell.cre_type", "pair.id"), ArgumentError, "holds no numbers"),
    ],
)
def test_wrong_arguments(
    pairs: pd.DataFrame, call: Any, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        call(pairs.synphys.plot)


@pytest.mark.parametrize(
    ("unit", "expected"),
    [
        ("V", ("mV", 1e3)),
        ("m", ("µm", 1e6)),
        ("s²", ("ms²", 1e6)),
        ("Hz", ("Hz", 1.0)),
        ("mV", ("mV", 1.0)),
        ("degC", ("degC", 1.0)),
        ("Hz/pA × 1e-12", ("Hz/pA × 1e-12", 1.0)),
        (None, ("", 1.0)),
    ],
)
def test_units_for_reading(unit: str | None, expected: tuple[str, float]) -> None:
    assert shown_unit(unit) == expected


def test_without_matplotlib_the_error_gives_the_command() -> None:
    program = (
        "import sys; sys.modules['matplotlib'] = None\n"
        "import pandas as pd, synphys_frames\n"
        "try: pd.DataFrame({'a': [1.0], 'b': [1]}).synphys.plot.strip('a', 'b')\n"
        "except synphys_frames.SynphysError as error: print(error)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert "pip install 'synphys-frames[plot]'" in done.stdout, done.stderr


def test_settings_that_the_first_picture_makes_stay(pairs: pd.DataFrame) -> None:
    # As a notebook does: the first figure switches on what shows the later ones.
    program = """
import os, sys
os.environ["MPLBACKEND"] = "agg"
import matplotlib
import pandas as pd
import synphys_frames as sf
from matplotlib import pyplot as plt

db = sf.load_sqlite(sys.argv[1])
real = plt.figure

def first_figure(*arguments, **options):
    matplotlib.interactive(True)
    matplotlib.rcParams["figure.dpi"] = 77
    return real(*arguments, **options)

plt.figure = first_figure
matplotlib.rcParams["font.size"] = 13
classes = {"ex": sf.CellClass(cell_class="ex"), "in": sf.CellClass(cell_class="in")}
pairs = db.pairs(include=["cell", "synapse"])
pairs.synphys.plot.connectivity(classes)
settings = matplotlib.rcParams
print(settings["interactive"], settings["figure.dpi"], settings["font.size"])
"""
    path = pairs.attrs["synphys"]["file"]
    done = subprocess.run(
        [sys.executable, "-c", program, path], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["True", "77.0", "13.0"]


def test_what_adjusted_values_do_not_rest_on_is_not_known() -> None:
    frame = pd.DataFrame(
        {
            "pair.id": range(6),
            "has_synapse": [True, False, False, True, False, False],
            "n_ex_test_spikes": 20,
            "n_in_test_spikes": 20,
            "pre_cell.cell_class_nonsynaptic": "ex",
            "distance": [np.nan, 1e-4, 1e-4, 1e-4, 1e-4, 1e-4],
            "one": ["a"] * 3 + ["b"] * 3,
            "two": "x",
        }
    )
    ax = frame.synphys.plot.connectivity(("one", "two"), value="adjusted_probability")
    not_known, known = np.asarray(ax.images[0].get_array()).reshape(2, -1)
    grey = mpl.colors.to_rgba("#E4E4E4")
    assert not_known.tolist() == pytest.approx(list(grey))
    assert known.tolist() != pytest.approx(list(grey))
