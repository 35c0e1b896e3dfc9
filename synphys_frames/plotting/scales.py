"""Which colour a value has, and how a colour looks on what lies behind it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matplotlib.axes import Axes

    from .._typing import Floats, Mask


# Both grow darker away from little, so that grey prints can be read. Hues of the first change, too:
# a pale yellow is a low value, a pale blue a high one that is faded.
_SEQUENTIAL = "YlGnBu"
_DIVERGING = "RdBu_r"
_LEAST_PROBABILITY = 0.01
_FADED = 0.85
_INKS = ("black", "white")


@dataclass(frozen=True, slots=True)
class Scale:
    """From values to colours.

    Attributes
    ----------
    colours
        The name of matplotlib's map.
    norm
        From values to 0 .. 1.
    ticks
        Of the colour bar, with what is written there; none for those that matplotlib finds good.
    """

    colours: str
    norm: Any
    ticks: Mapping[float, str] = field(default_factory=dict)

    def paint(self, values: Floats) -> Floats:
        """Return red, green, blue and alpha of values; those beyond an end as that end."""
        from matplotlib import colormaps

        norm = self.norm
        inside = np.clip(np.where(np.isnan(values), norm.vmin, values), norm.vmin, norm.vmax)
        painted: Floats = colormaps[self.colours](norm(inside))
        return painted

    def strong(self) -> Floats:
        """Return the colour of a high value, not so dark that fading can't be seen."""
        from matplotlib import colormaps

        return np.array(colormaps[self.colours](0.8))


def probability_scale(values: Floats) -> Scale:
    """Return the logarithmic scale of probabilities, from 1 % to 1: pale is low."""
    from matplotlib.colors import LogNorm

    # Adjusted ones can be above 1.
    most = "≥1" if (values > 1).any() else "1"
    ticks = {0.01: "≤0.01", 0.03: "0.03", 0.1: "0.1", 0.3: "0.3", 1.0: most}
    return Scale(_SEQUENTIAL, LogNorm(_LEAST_PROBABILITY, 1), ticks)


def value_scale(values: Floats) -> Scale:
    """Return a linear scale on which what is farther from 0 is more intense.

    Values of both signs diverge from a pale 0 in the middle; values of one sign go from the one
    nearest to 0, the palest, to the one farthest from it.
    """
    from matplotlib.colors import Normalize

    finite = values[np.isfinite(values)]
    least, most = finite.min(initial=np.inf), finite.max(initial=-np.inf)
    if (values < 0).any() and (values > 0).any():
        reach = np.abs(finite).max(initial=0) or 1.0
        return Scale(_DIVERGING, Normalize(-reach, reach))
    if not len(finite):
        least, most = 0.0, 1.0
    elif least == most:
        # A value alone is as far from 0 as any.
        least, most = (min(least, 0.0), max(most, 0.0)) if least else (0.0, 1.0)
    map_ = f"{_SEQUENTIAL}_r" if (values < 0).any() else _SEQUENTIAL
    return Scale(map_, Normalize(least, most))


def fade(width: Any) -> Any:
    """Return the alpha of a probability whose interval is so wide; 1 where it is known for sure.

    Examples
    --------
    >>> [round(float(fade(width)), 2) for width in (0, 0.5, 1)]
    [1.0, 0.57, 0.15]
    """
    return 1 - _FADED * np.clip(width, 0, 1)


def background(ax: Axes) -> Floats:
    """Return red, green and blue of what lies behind the cells."""
    from matplotlib.colors import to_rgba

    figure: Any = ax.get_figure(root=True)
    behind = np.ones(3)
    for patch in (figure.patch, ax.patch):
        if patch.get_visible():
            behind = over(np.array(to_rgba(patch.get_facecolor())), behind)
    return behind


def over(colours: Floats, behind: Floats) -> Floats:
    """Return red, green and blue of colours with alpha, painted over others."""
    alpha = colours[..., 3:]
    blended: Floats = alpha * colours[..., :3] + (1 - alpha) * behind
    return blended


def light(colours: Floats) -> Mask:
    """Return whether black is read better than white on colours.

    Notes
    -----
    The contrast is that of the Web Content Accessibility Guidelines, (L1 + 0.05) / (L2 + 0.05) of
    the relative luminances L.

    Examples
    --------
    >>> light(np.array([[1.0, 1.0, 1.0], [0.0, 0.0, 0.4], [0.6, 0.6, 0.6]])).tolist()
    [True, False, True]
    """
    channels = colours[..., :3]
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    luminance = linear @ [0.2126, 0.7152, 0.0722]
    readable: Mask = (luminance + 0.05) ** 2 > 1.05 * 0.05
    return readable


def ink(colours: Floats) -> Any:
    """Return "black" or "white", whichever is read better on each of the colours."""
    return np.where(light(colours), *_INKS)
