"""How connection probability falls with distance, drawn."""

from __future__ import annotations

from itertools import cycle
from typing import TYPE_CHECKING, Any

import numpy as np

from .style import COLOURS, LINES, MARKERS

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from matplotlib.axes import Axes

    from .._typing import Floats
    from .series import Series


# The 95 % interval of 20 pairs is at most 0.46 wide: a bin of fewer says little.
ENOUGH_PAIRS = 20
# As many lines as still are told from one another.
MOST_LINES = 2000
_PALE = 0.3
_DODGE = 0.09
_DENSITY_BINS = 60
# In parts of the axes: how far markers at 0 reach below them, and where the pairs are shown.
_BELOW = 0.06
_STRIP = (0, 1.03, 1, 0.13)


def draw_distances(axes: Axes, series: Sequence[Series]) -> None:
    """Draw binned probabilities, curves, and where the pairs are.

    The ordinate ends where the curves and the intervals of bins with enough pairs do. What other
    bins have above that is cut off; they are pale.
    """
    looks: Any = zip(cycle(COLOURS), cycle(MARKERS), cycle(LINES), strict=False)
    strip = _pairs_axes(axes)
    as_lines = sum(len(one.metres) for one in series) <= MOST_LINES
    for place, (one, look) in enumerate(zip(series, looks, strict=False)):
        # Side by side within a bin, so that no interval hides another.
        shift = (place - (len(series) - 1) / 2) * _DODGE
        _draw_profile(axes, one, look, shift)
        if one.is_fitted:
            metres, probabilities = one.curve()
            axes.plot(metres * 1e6, probabilities, color=look[0], linestyle=look[2])
        if as_lines:
            _draw_lines(strip, one, look[0])
        else:
            _draw_densities(strip, one, look[0], fill=len(series) == 1)
    axes.set_xlim(*_reach(series))
    axes.set_ylim(0, _top(series))
    _explain(axes, series, as_lines=as_lines)


def _top(series: Sequence[Series]) -> float:
    """Return where the ordinate ends; where nothing is above 0, with the narrowest interval."""
    probed = [one.profile[one.profile["n_probed"] > 0] for one in series]
    sure = [profile.loc[_is_enough(profile), "ci_upper"] for profile in probed]
    if not any(map(len, sure)):
        sure = [profile["connection_probability"] for profile in probed]
    curves = [one.curve()[1] for one in series if one.is_fitted]
    reached = np.concatenate([*sure, *curves])
    top = reached[np.isfinite(reached)].max(initial=0.0)
    if top == 0:
        top = min((profile["ci_upper"].min() for profile in probed if len(profile)), default=1.0)
    # Room for half a marker at 1.
    return float(min(1.05 * top, 1.02))


def _is_enough(profile: pd.DataFrame) -> pd.Series:
    return profile["n_probed"] >= ENOUGH_PAIRS


def _reach(series: Sequence[Series]) -> tuple[float, float]:
    """Return the limits of the abscissa in µm; left of 0 only where a distance has a sign."""
    edges: list[float] = [
        edge for one in series for bin_ in one.profile.index for edge in (bin_.left, bin_.right)
    ]
    ends = [
        end for one in series if len(one.metres) for end in (one.metres.min(), one.metres.max())
    ]
    least, most = min([0.0, *edges, *ends]), max([*edges, *ends])
    return least * 1.02e6, most * 1.02e6


def _draw_profile(axes: Axes, one: Series, look: Any, shift: float) -> None:
    sure = _is_enough(one.profile)
    for chosen, alpha in ((sure, 1.0), (~sure & (one.profile["n_probed"] > 0), _PALE)):
        shown = one.profile[chosen]
        middles = np.array([bin_.mid + shift * bin_.length for bin_ in shown.index]) * 1e6
        value = shown["connection_probability"].to_numpy()
        error = np.abs(shown[["ci_lower", "ci_upper"]].to_numpy().T - value)
        bars = axes.errorbar(
            middles, value, error, color=look[0], marker=look[1], linestyle="none", alpha=alpha,
            capsize=2, markersize=5,
        )  # fmt: skip
        _clip_above_only(axes, bars[0])


def _clip_above_only(axes: Axes, markers: Any) -> None:
    """Let markers at 0 be whole, of which the axes would cut off the lower half."""
    from matplotlib.transforms import Bbox, TransformedBbox

    markers.set_clip_box(TransformedBbox(Bbox.from_extents(0, -_BELOW, 1, 1), axes.transAxes))


def _pairs_axes(axes: Axes) -> Axes:
    """Return axes above others, for where the pairs are; titles go above both."""
    strip = axes.inset_axes(_STRIP, sharex=axes)
    strip.set_axis_off()
    strip.set_ylim(0, 2.2)
    for row, text in enumerate(("not connected", "connected")):
        strip.text(
            1.01, 1.2 * row + 0.5, text, transform=strip.get_yaxis_transform(), va="center", size=7
        )
    return strip


def _rows(one: Series) -> list[tuple[float, Floats]]:
    """Return where each row of the strip begins, and the distances in µm that it shows."""
    return [(1.2, one.metres[one.connected] * 1e6), (0.0, one.metres[~one.connected] * 1e6)]


def _draw_lines(strip: Axes, one: Series, colour: str) -> None:
    for low, distances in _rows(one):
        strip.vlines(distances, low, low + 1, color=colour, lw=0.5, alpha=0.5)


def _draw_densities(strip: Axes, one: Series, colour: str, *, fill: bool) -> None:
    for low, distances in _rows(one):
        if len(distances):
            counts, edges = np.histogram(distances, bins=_DENSITY_BINS)
            heights = low + counts / counts.max()
            strip.stairs(heights, edges, baseline=low, color=colour, lw=0.7)
            if fill:
                strip.stairs(heights, edges, baseline=low, fill=True, color=colour, alpha=0.25)


def _explain(axes: Axes, series: Sequence[Series], *, as_lines: bool) -> None:
    from matplotlib.lines import Line2D

    looks: Any = zip(cycle(COLOURS), cycle(MARKERS), cycle(LINES), strict=False)
    handles = [
        Line2D(
            [], [], color=look[0], marker=look[1], markersize=5, label=one.name,
            linestyle=look[2] if one.is_fitted else "none",
        )
        for one, look in zip(series, looks, strict=False)
        if one.name is not None
    ]  # fmt: skip
    grey: Any = {"color": "dimgrey", "linestyle": "none"}
    handles.append(
        Line2D(
            [], [], marker="|", markersize=9, markeredgewidth=0.7, label="each line: a pair", **grey
        )
        if as_lines
        else Line2D([], [], marker="$◢$", markersize=6, label="density of pairs", **grey)
    )
    if any((one.profile["n_probed"].between(1, ENOUGH_PAIRS - 1)).any() for one in series):
        label = f"pale: under {ENOUGH_PAIRS} pairs"
        handles.append(Line2D([], [], marker="o", markersize=5, alpha=_PALE, label=label, **grey))
    axes.legend(handles=handles, loc="upper left", bbox_to_anchor=(1.01, 1))
