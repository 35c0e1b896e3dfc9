"""Nothing that is drawn reaches out of the figure, whoever made it."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib import pyplot as plt
from matplotlib.layout_engine import ConstrainedLayoutEngine, TightLayoutEngine

import synphys_frames as sf
from tests.support.probed_frames import probed_frame

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd
    from matplotlib.axes import Axes

COLUMNS = ("pre_class", "post_class")


@pytest.fixture(autouse=True)
def _close() -> Iterator[None]:
    yield
    plt.close("all")


def frame_of(count: int, pairs: int) -> pd.DataFrame:
    """Return pairs between so many classes, about so many; some combinations have none."""
    random = np.random.default_rng(count + pairs)
    names = [f"L{place % 6 + 1} class {place}" for place in range(count)]
    shares = random.dirichlet(np.full(count * count, 0.5)) * pairs
    numbers = np.maximum(np.round(shares), np.arange(count * count) % 7 == 0).astype(int)
    counts = {
        (names[place // count], names[place % count]): (random.binomial(number, 0.1), number)
        for place, number in enumerate(numbers)
    }
    # Each class is there once at least, to be a row and a column.
    for name in names:
        counts[name, name] = (1, max(counts[name, name][1], 2))
    frame = probed_frame(counts)
    return frame.assign(
        distance=random.gamma(4, 3e-5, len(frame)), amplitude=random.normal(0, 1, len(frame))
    )


def draw(frame: pd.DataFrame, kind: str, ax: Axes | None) -> Axes:
    plot = frame.synphys.plot
    drawn: Axes
    if kind == "connectivity":
        drawn = plot.connectivity(COLUMNS, ax=ax)
    elif kind == "matrix":
        drawn = plot.matrix("amplitude", COLUMNS, ax=ax)
    elif kind == "distance":
        drawn = plot.distance(
            {"ex": sf.CellClass(cell_class_nonsynaptic="ex")}, {"any cell": sf.CellClass()}, ax=ax
        )
    else:
        drawn = plot.strip("amplitude", "pre_class", ax=ax)
    return drawn


def assert_whole(figure: Any) -> None:
    """All artists lie within the figure, half a pixel of a line's width aside."""
    figure.canvas.draw()
    renderer = figure.canvas.get_renderer()
    for axes in figure.axes:
        artists = [axes, axes.xaxis, axes.yaxis, axes.title, *axes.texts, *axes.child_axes]
        artists += [axes.get_legend()] if axes.get_legend() is not None else []
        for artist in artists:
            box = artist.get_tightbbox(renderer)
            if box is None or not artist.get_visible():
                continue
            assert box.x0 >= -1, artist
            assert box.y0 >= -1, artist
            assert box.x1 <= figure.bbox.width + 1, artist
            assert box.y1 <= figure.bbox.height + 1, artist


def assert_texts_fit(ax: Axes) -> None:
    """A text is within its cell, or is left out."""
    rows, columns = ax.images[0].get_array().shape[:2]
    box = ax.get_window_extent()
    for text in ax.texts:
        if text.get_visible() and text.get_text():
            extent = text.get_window_extent()
            assert extent.width <= box.width / columns + 1
            assert extent.height <= 1.1 * box.height / rows + 1


@pytest.mark.parametrize("pairs", [30, 20_000])
@pytest.mark.parametrize("count", [4, 17, 40])
@pytest.mark.parametrize("kind", ["connectivity", "matrix"])
def test_a_matrix_in_ones_own_subplots(kind: str, count: int, pairs: int) -> None:
    figure, ax = plt.subplots()
    draw(frame_of(count, pairs), kind, ax)
    assert_whole(figure)
    assert_texts_fit(ax)
    if count != 17:
        assert any(text.get_visible() for text in ax.texts) == (count == 4)
    assert figure.get_size_inches().tolist() == [6.4, 4.8]


@pytest.mark.parametrize("kind", ["distance", "strip"])
@pytest.mark.parametrize("pairs", [30, 20_000])
def test_other_pictures_in_ones_own_subplots(kind: str, pairs: int) -> None:
    figure, ax = plt.subplots()
    draw(frame_of(17, pairs), kind, ax)
    ax.set_title("mine")
    assert_whole(figure)


@pytest.mark.parametrize("width", [3, 6, 12])
def test_names_of_a_strip_stand_beside_one_another(width: float) -> None:
    figure, ax = plt.subplots(figsize=(width, 4))
    draw(frame_of(5, 300), "strip", ax)
    assert_whole(figure)
    found = [label.get_window_extent() for label in ax.get_xticklabels()]
    assert len(found) == 5
    for before, after in pairwise(found):
        assert before.x1 <= after.x0


@pytest.mark.parametrize("layout", [None, "tight", "constrained"])
def test_pictures_side_by_side(layout: Any) -> None:
    figure, axes = plt.subplots(2, 2, figsize=(10, 9), layout=layout)
    frame = frame_of(9, 2000)
    for kind, ax in zip(("connectivity", "matrix", "distance", "strip"), axes.ravel(), strict=True):
        draw(frame, kind, ax)
        ax.set_title(kind)
    assert_whole(figure)
    for ax in axes[0]:
        assert_texts_fit(ax)


@pytest.mark.parametrize("kind", ["connectivity", "distance", "strip"])
def test_a_layout_that_the_user_chose_stays(kind: str) -> None:
    frame = frame_of(4, 100)
    constrained, ax = plt.subplots(layout="constrained")
    draw(frame, kind, ax)
    assert isinstance(constrained.get_layout_engine(), ConstrainedLayoutEngine)
    none, ax = plt.subplots()
    draw(frame, kind, ax)
    assert isinstance(none.get_layout_engine(), TightLayoutEngine)
    # What users write by habit works as ever.
    none.tight_layout()
    assert_whole(none)
    adjusted, ax = plt.subplots(layout="constrained")
    adjusted.set_layout_engine("none")
    chosen = adjusted.get_layout_engine()
    draw(frame, kind, ax)
    assert adjusted.get_layout_engine() is chosen
    placed = plt.figure()
    draw(frame, kind, placed.add_axes((0.3, 0.3, 0.4, 0.4)))
    assert placed.get_layout_engine() is None


def test_settings_stay_as_they_were() -> None:
    before = dict(mpl.rcParams)
    draw(frame_of(4, 100), "connectivity", plt.subplots()[1])
    assert dict(mpl.rcParams) == before
