"""What the cells of a matrix look like, by the colours that are drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from matplotlib import pyplot as plt
from matplotlib.collections import LineCollection, PatchCollection
from matplotlib.colors import to_rgb

import synphys_frames as sf
from tests.support.probed_frames import probed_frame

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd
    from matplotlib.axes import Axes

    from synphys_frames._typing import Floats


@pytest.fixture(autouse=True)
def _close() -> Iterator[None]:
    yield
    plt.close("all")


def faces(ax: Axes) -> Floats:
    """Return red, green, blue and alpha of the cells."""
    return np.asarray(ax.images[0].get_array(), dtype=np.float64)


def seen(ax: Axes, background: Any = (1, 1, 1)) -> Floats:
    """Return red, green and blue as the eye meets them."""
    colours, behind = faces(ax), np.asarray(background, dtype=np.float64)
    return colours[..., :3] * colours[..., 3:] + (1 - colours[..., 3:]) * behind


def luminance(colours: Any) -> Floats:
    channels = np.asarray(colours)[..., :3]
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    return np.asarray(linear @ [0.2126, 0.7152, 0.0722], dtype=np.float64)


def lightness(colours: Floats) -> Floats:
    """Return L* of CIELAB, which is as the eye tells light from dark."""
    shares = luminance(colours)
    return np.where(shares > 0.008856, 116 * np.cbrt(shares) - 16, 903.3 * shares)


def contrast(first: Any, second: Any) -> float:
    dark, light = sorted([float(luminance(first)), float(luminance(second))])
    return (light + 0.05) / (dark + 0.05)


def outlined(ax: Axes, margin: float) -> set[tuple[int, int]]:
    """Return row and column of the cells with an outline so far inside them."""
    found = set()
    for one in ax.collections:
        if isinstance(one, PatchCollection):
            for path in one.get_paths():
                low, high = path.vertices.min(axis=0), path.vertices.max(axis=0)
                if high - low == pytest.approx(1 - 2 * margin):
                    column, row = (low + high) / 2
                    found.add((round(row), round(column)))
    return found


def notes(ax: Axes) -> list[str]:
    legend = ax.get_legend()
    return [] if legend is None else [text.get_text().strip() for text in legend.get_texts()]


def test_low_is_pale_and_high_is_dark() -> None:
    shares = {
        ("a", str(place)): (100 * share, 10_000) for place, share in enumerate((1, 3, 9, 27, 81))
    }
    frame = probed_frame(shares)
    drawn = lightness(seen(frame.synphys.plot.connectivity(("pre_class", "post_class"))))[0]
    assert (np.diff(drawn) < -5).all()
    assert drawn[0] > 90
    assert drawn[-1] < 30


@pytest.mark.parametrize("many", [12, 100, 5000])
def test_none_found_is_told_from_one_per_cent_and_from_never_probed(many: int) -> None:
    frame = probed_frame(
        {("a", "x"): (0, many), ("a", "y"): (many // 100 or 1, many), ("b", "x"): (5, 9)}
    )
    ax = frame.synphys.plot.connectivity(("pre_class", "post_class"))
    alphas = faces(ax)[..., 3]
    assert alphas[0, 0] == 0
    assert alphas[0, 1] > 0.5
    assert outlined(ax, 0.1) == {(0, 0)}
    # A hairline is around whatever was probed, none around what was not.
    assert outlined(ax, 0.0) == {(0, 0), (0, 1), (1, 0)}
    assert alphas[1, 1] == 0
    assert [text.get_text() for text in ax.texts] == [
        f"0/{many}",
        f"{many // 100 or 1}/{many}",
        "5/9",
        "",
    ]
    assert notes(ax)[4:6] == ["0 of n: none found", "empty: never probed"]


def test_more_zeros_are_outlined_more_strongly() -> None:
    frame = probed_frame({("a", "x"): (0, 2), ("a", "y"): (0, 20), ("a", "z"): (0, 2000)})
    ax = frame.synphys.plot.connectivity(("pre_class", "post_class"))
    [lines] = [
        np.asarray(one.get_edgecolor())
        for one in ax.collections
        if isinstance(one, PatchCollection) and len(np.asarray(one.get_edgecolor())) == 3
    ]
    assert (np.diff(lines[:, 3]) > 0.05).all()


def test_a_wide_interval_fades_a_cell_towards_the_background() -> None:
    frame = probed_frame({("a", "x"): (100, 400), ("b", "x"): (5, 20), ("c", "x"): (1, 4)})
    counts = sf.connectivity(frame, ("pre_class", "post_class"))
    assert counts["connection_probability"].tolist() == [0.25] * 3
    width = (counts["ci_upper"] - counts["ci_lower"]).to_numpy()
    ax = frame.synphys.plot.connectivity(("pre_class", "post_class"))
    colours = faces(ax)[:, 0]
    assert (colours[:, :3] == colours[0, :3]).all()
    np.testing.assert_allclose(colours[:, 3], 1 - 0.85 * width)
    away = np.abs(seen(ax)[:, 0] - 1).sum(axis=1)
    assert (np.diff(away) < -0.1).all()
    patches = ax.get_legend().get_patches()
    assert notes(ax)[:4] == [f"95 % CI {shown} wide" for shown in ("0", "0.25", "0.5", "1")]
    shown = [patch.get_facecolor()[3] for patch in patches[:4]]
    np.testing.assert_allclose(shown, [1, 0.7875, 0.575, 0.15])
    assert not any(patch.get_hatch() for patch in [*patches, *ax.patches, *ax.collections])


def test_adjusted_cells_fade_by_the_interval_of_the_adjusted_value() -> None:
    frame = probed_frame({("a", "x"): (10, 50), ("b", "x"): (0, 50)}).assign(distance=2e-4)
    counts = sf.connectivity(frame, ("pre_class", "post_class"), sigma=1e-4)
    width = (counts["adjusted_ci_upper"] - counts["adjusted_ci_lower"]).to_numpy()
    assert counts["adjusted_probability"].iloc[0] > 1
    ax = frame.synphys.plot.connectivity(
        ("pre_class", "post_class"), value="adjusted_probability", sigma=1e-4
    )
    assert faces(ax)[0, 0, 3] == pytest.approx(1 - 0.85 * width[0])
    assert outlined(ax, 0.1) == {(1, 0)}
    ticks = [label.get_text() for label in ax.figure.axes[-1].get_yticklabels()]
    assert ticks == ["≤0.01", "0.03", "0.1", "0.3", "≥1"]


def test_not_known_is_crossed_and_never_probed_is_empty() -> None:
    frame = probed_frame({("a", "x"): (1, 3), ("b", "y"): (1, 3)})
    frame.loc[frame["has_synapse"] & (frame["pre_class"] == "a"), "distance"] = np.nan
    ax = frame.synphys.plot.connectivity(("pre_class", "post_class"), value="adjusted_probability")
    colours = faces(ax)
    np.testing.assert_allclose(colours[0, 0], [*to_rgb("#E4E4E4"), 1])
    assert colours[0, 1, 3] == colours[1, 0, 3] == 0
    [cross] = [one for one in ax.collections if isinstance(one, LineCollection)]
    assert np.mean(cross.get_segments(), axis=(0, 1)).tolist() == pytest.approx([0, 0])
    assert notes(ax)[4:6] == ["crossed: not known", "empty: never probed"]


@pytest.mark.parametrize("background", ["white", "#EAEAF2", "black"])
def test_numbers_are_read_on_the_colour_that_is_painted(background: str) -> None:
    counts = {
        (str(place), str(n)): (max(round(share * n), 1), n)
        for place, share in enumerate((0.01, 0.05, 0.1, 0.2, 0.4, 0.7, 1.0))
        for n in (1, 3, 10, 40, 400)
    }
    _, ax = plt.subplots(facecolor=background, figsize=(9, 9))
    ax.set_facecolor(background)
    probed_frame(counts).synphys.plot.connectivity(("pre_class", "post_class"), ax=ax)
    painted = seen(ax, to_rgb(background)).reshape(-1, 3)
    worst = min(
        contrast(to_rgb(text.get_color()), colour)
        for text, colour in zip(ax.texts, painted, strict=True)
    )
    assert worst >= 4.5


def amplitudes(*values: float) -> pd.DataFrame:
    """Return a pair of each value, from a class of its own."""
    names = [f"c{place}" for place in range(len(values))]
    return probed_frame({(name, "x"): (1, 1) for name in names}).assign(amplitude=values)


def matrix(*values: float) -> Axes:
    axes: Axes = amplitudes(*values).synphys.plot.matrix("amplitude", ("pre_class", "post_class"))
    return axes


def bar_limits(ax: Axes) -> tuple[float, float]:
    low, high = ax.figure.axes[-1].get_ylim()
    return float(low), float(high)


@pytest.mark.parametrize("values", [(-0.5, -0.1, 0.0, 0.1, 0.2), (-0.01, 3.0, 0.0), (-8.0, 1e-3)])
def test_signed_values_diverge_from_0(values: tuple[float, ...]) -> None:
    ax = matrix(*values)
    reach = max(map(abs, values))
    assert bar_limits(ax) == pytest.approx((-reach, reach))
    drawn = seen(ax)[:, 0]
    order = np.argsort(np.abs(values), kind="stable")
    # A map has 256 steps: values nearer than one of them look alike.
    assert (np.diff(lightness(drawn)[order]) < 0.1).all()
    for value, (red, _, blue) in zip(values, drawn, strict=True):
        if abs(value) > 0.1 * reach:
            assert (blue > red) == (value < 0)


@pytest.mark.parametrize(
    "values", [(-0.5, -0.1, -0.3), (0.2, 0.7, 0.3), (-70.0, -60.0), (0.0, 2.0), (-2.0, 0.0)]
)
def test_values_of_one_sign_are_darkest_farthest_from_0(values: tuple[float, ...]) -> None:
    ax = matrix(*values)
    assert bar_limits(ax) == pytest.approx((min(values), max(values)))
    drawn = lightness(seen(ax)[:, 0])
    order = np.argsort(np.abs(values))
    assert (np.diff(drawn[order]) < -5).all()
    assert drawn.min() < 30 < 90 < drawn.max()


@pytest.mark.parametrize(
    ("values", "limits"),
    [
        ((np.inf, 1.0, 2.0), (1, 2)),
        ((-np.inf, 1.0, 2.0), (-2, 2)),
        ((-np.inf, np.inf), (-1, 1)),
        ((np.inf,), (0, 1)),
        ((3.0,), (0, 3)),
        ((-3.0,), (-3, 0)),
        ((0.0, 0.0), (0, 1)),
        ((np.nan, 1.0, -4.0), (-4, 4)),
    ],
)
def test_a_scale_is_of_finite_values(
    values: tuple[float, ...], limits: tuple[float, float]
) -> None:
    ax = matrix(*values)
    assert bar_limits(ax) == limits
    known = [not np.isnan(value) for value in values]
    assert (faces(ax)[:, 0, 3] > 0).tolist() == known
    assert [text.get_text() for text in ax.texts] == [
        f"{value:.3g}" if there else "" for value, there in zip(values, known, strict=True)
    ]
    strongest = lightness(seen(ax)[:, 0])[np.isinf(values)]
    assert (strongest < 30).all()
    assert notes(ax) == ([] if all(known) else ["empty: too few values"])
