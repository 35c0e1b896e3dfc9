"""Where the axes of a distance picture end, what is pale there, and how the pairs are shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot as plt
from matplotlib.collections import LineCollection
from matplotlib.container import ErrorbarContainer
from matplotlib.patches import StepPatch

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from matplotlib.axes import Axes

EDGES = [0, 1e-4, 2e-4, 3e-4]


@pytest.fixture(autouse=True)
def _close() -> Iterator[None]:
    yield
    plt.close("all")


def pairs_by_bin(counts: Sequence[tuple[int, int]], **columns: Any) -> pd.DataFrame:
    """Return pairs spread over bins of 100 µm; of each bin, connected and probed ones."""
    rows = [
        {"distance": (bin_ + (place + 0.5) / probed) * 1e-4, "has_synapse": place < connected}
        for bin_, (connected, probed) in enumerate(counts)
        for place in range(probed)
    ]
    return pd.DataFrame(rows).assign(
        n_ex_test_spikes=20, n_in_test_spikes=20,
        **{"pre_cell.cell_class_nonsynaptic": "ex", "pair.id": range(len(rows)), **columns},
    )  # fmt: skip


def points(ax: Axes) -> dict[float, list[float]]:
    """Return the places of points in µm by their alpha."""
    return {
        float(one.lines[0].get_alpha()): one.lines[0].get_xdata().tolist()
        for one in ax.containers
        if isinstance(one, ErrorbarContainer)
    }


def notes(ax: Axes) -> list[str]:
    return [text.get_text() for text in ax.get_legend().get_texts()]


def test_the_ordinate_follows_bins_with_enough_pairs() -> None:
    # One connection in one pair, far away, has an interval up to 1.
    frame = pairs_by_bin([(20, 200), (5, 200), (1, 1)])
    ax = frame.synphys.plot.distance(bins=EDGES, model=None)
    profile = frame.synphys.connectivity_profile(EDGES)
    bottom, top = ax.get_ylim()
    assert bottom == 0
    assert top == pytest.approx(1.05 * profile["ci_upper"].iloc[:2].max())
    assert top < 0.2
    assert points(ax) == {1.0: [50, 150], 0.3: [250]}
    assert "pale: under 20 pairs" in notes(ax)


def test_the_ordinate_follows_the_curve() -> None:
    frame = pairs_by_bin([(9, 10), (1, 40), (0, 200)])
    ax = frame.synphys.plot.distance(bins=EDGES)
    curve = frame.synphys.fit_distance().predict(0.0)
    assert curve > frame.synphys.connectivity_profile(EDGES)["ci_upper"].iloc[1:].max()
    assert ax.get_ylim()[1] == pytest.approx(min(1.05 * curve, 1.02))


@pytest.mark.parametrize(("probed", "alpha"), [(19, 0.3), (20, 1.0)])
def test_twenty_pairs_are_enough(probed: int, alpha: float) -> None:
    ax = pairs_by_bin([(20, 200), (1, probed)]).synphys.plot.distance(bins=EDGES, model=None)
    assert 150 in points(ax)[alpha]
    assert ("pale: under 20 pairs" in notes(ax)) == (probed < 20)


@pytest.mark.parametrize("model", [None, "gaussian"])
def test_few_pairs_end_with_their_points(model: str | None) -> None:
    frame = pairs_by_bin([(3, 10), (1, 10), (1, 10)])
    ax = frame.synphys.plot.distance(bins=EDGES, model=model)
    assert points(ax) == {1.0: [], 0.3: [50, 150, 250]}
    curve = 0 if model is None else frame.synphys.fit_distance(model).predict(0.0)
    assert ax.get_ylim() == (0, pytest.approx(1.05 * max(0.3, curve)))


def test_without_any_connection_the_ordinate_ends_with_an_interval() -> None:
    frame = pairs_by_bin([(0, 3), (0, 9), (0, 5)])
    ax = frame.synphys.plot.distance(bins=EDGES)
    upper = frame.synphys.connectivity_profile(EDGES)["ci_upper"].min()
    assert ax.get_ylim() == (0, pytest.approx(1.05 * upper))


def test_without_any_pair_there_is_a_picture() -> None:
    frame = pairs_by_bin([(0, 3)]).iloc[:0]
    ax = frame.synphys.plot.distance(bins=EDGES)
    assert ax.get_ylim() == (0, 1.02)


@pytest.mark.parametrize(
    "counts", [[(3, 10)] * 3, [(0, 30)] * 3, [(29, 30)] * 3, [(400, 3000)] * 3]
)
def test_no_tick_is_negative(counts: list[tuple[int, int]]) -> None:
    ax = pairs_by_bin(counts).synphys.plot.distance(bins=EDGES)
    ax.figure.canvas.draw()
    assert min(ax.get_xticks()) >= 0
    assert min(ax.get_yticks()) >= 0
    assert (ax.get_xlim()[0], ax.get_ylim()[0]) == (0, 0)


def test_markers_at_0_are_whole_and_none_is_above_the_axes() -> None:
    ax = pairs_by_bin([(20, 200), (0, 200), (1, 1)]).synphys.plot.distance(bins=EDGES, model=None)
    ax.figure.canvas.draw()
    inside = ax.get_window_extent()
    for one in ax.containers:
        clip = one.lines[0].clipbox
        assert clip.y0 < inside.y0 - 5
        assert clip.y1 == pytest.approx(inside.y1)


def test_distances_with_a_sign_are_all_shown() -> None:
    frame = pairs_by_bin([(20, 200), (5, 200), (0, 200)])
    frame["vertical_distance"] = frame["distance"] - 1.5e-4
    ax = frame.synphys.plot.distance(distance="vertical_distance")
    left, right = ax.get_xlim()
    assert left < 1e6 * frame["vertical_distance"].min()
    assert right > 1e6 * frame["vertical_distance"].max()
    curve = ax.lines[-1].get_xdata()
    assert curve[0] == pytest.approx(1e6 * frame["vertical_distance"].min())


@pytest.mark.parametrize("many", [10, 666, 667, 33_000])
def test_many_pairs_are_a_density(many: int) -> None:
    frame = pairs_by_bin([(many // 10, many), (many // 20, many), (0, many)])
    ax = frame.synphys.plot.distance(bins=EDGES)
    [strip] = ax.child_axes
    lines = [one for one in strip.collections if isinstance(one, LineCollection)]
    densities = [one for one in strip.patches if isinstance(one, StepPatch) and not one.get_fill()]
    assert [text.get_text() for text in strip.texts] == ["not connected", "connected"]
    connected = int(frame["has_synapse"].sum())
    if len(frame) <= 2000:
        drawn = [len(one.get_segments()) for one in lines]
        assert drawn == [connected, len(frame) - connected]
        assert (densities, notes(ax)[0]) == ([], "each line: a pair")
    else:
        assert lines == []
        assert notes(ax)[0] == "density of pairs"
        for density, rows in zip(densities, (True, False), strict=True):
            values, edges, low = density.get_data()
            chosen = frame.loc[frame["has_synapse"] == rows, "distance"] * 1e6
            counts = np.histogram(chosen, bins=edges)[0]
            np.testing.assert_allclose(values - low, counts / counts.max(), atol=0.02)


def test_what_shows_the_pairs_moves_with_the_axes() -> None:
    ax = pairs_by_bin([(20, 200), (5, 200)]).synphys.plot.distance(bins=EDGES)
    [strip] = ax.child_axes
    ax.set_xlim(0, 55)
    assert strip.get_xlim() == (0, 55)
    ax.set_title("mine")
    ax.figure.canvas.draw()
    assert ax.title.get_window_extent().y0 >= strip.get_window_extent().y1


def test_a_class_without_a_curve_has_none_in_the_legend() -> None:
    frame = pairs_by_bin([(20, 200), (5, 200), (0, 9)], pre_class="many", post_class="x")
    frame.loc[frame["distance"] > 2e-4, "pre_class"] = "few"
    ax = frame.synphys.plot.distance(bins=EDGES)
    styles = {one.get_label(): one.get_linestyle() for one in ax.get_legend().get_lines()}
    assert styles["many to x"] != "None"
    assert styles["few to x"] == "None"
