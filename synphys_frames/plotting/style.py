"""What all pictures have in common: their look, and the units that values are shown in."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from .._apart import import_whole
from .._arguments import Rule
from ..errors import MissingLibraryError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from matplotlib.axes import Axes


# The one style of all pictures. Colours are Okabe and Ito's, told apart by the colour-blind; lines
# and markers differ, too, so that grey prints can be read.
_STYLE = {
    "font.size": 9.0,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "figure.constrained_layout.use": True,
    "figure.constrained_layout.h_pad": 0.08,
    "figure.constrained_layout.w_pad": 0.08,
    "legend.frameon": False,
}
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
MARKERS = ("o", "s", "^", "D", "v", "P")
LINES = ("-", "--", "-.", ":", (0, (5, 1)), (0, (1, 1)))
# Of a character of a label, on average.
_CHARACTER_INCHES = 0.078
# What a value in SI units is shown in, and by how much it is multiplied for that.
_SHOWN_UNITS = {
    "V": ("mV", 1e3),
    "A": ("pA", 1e12),
    "s": ("ms", 1e3),
    "m": ("µm", 1e6),
    "ohm": ("MΩ", 1e-6),
    "F": ("pF", 1e12),
    "S": ("nS", 1e9),
}


def _is_axes(value: object) -> bool:
    from matplotlib.axes import Axes

    return isinstance(value, Axes)


AXES = Rule("one matplotlib Axes, such as plt.subplots()[1] or axes[0, 1]", _is_axes).or_none()


def pyplot() -> Any:
    """Return matplotlib's pyplot.

    Raises
    ------
    MissingLibraryError
        It is not installed.
    """
    try:
        import_whole("matplotlib.pyplot")
        from matplotlib import pyplot as plt
    except ImportError as error:
        raise MissingLibraryError(
            "Pictures need matplotlib, which is not installed: pip install 'synphys-frames[plot]'"
        ) from error
    return plt


@contextmanager
def style() -> Iterator[None]:
    """Have pictures in the one style, and then the user's own settings again.

    Only the settings of the style are put back: a notebook sets others when the first picture is
    drawn, which may be this one, and without them shows no later picture, whoever draws it.
    """
    pyplot()
    from matplotlib import rcParams

    settings: Any = rcParams
    before = {name: settings[name] for name in _STYLE}
    settings.update(_STYLE)
    try:
        yield
    finally:
        settings.update(before)


def new_axes(width: float, height: float) -> Axes:
    """Return axes in a new figure of a size in inches."""
    axes: Axes = pyplot().subplots(figsize=(width, height))[1]
    return axes


def label_inches(labels: Iterable[object]) -> float:
    """Return how long the longest of some labels is, about."""
    lines = (line for label in labels for line in str(label).splitlines())
    return _CHARACTER_INCHES * max(map(len, lines), default=0)


def shown_unit(unit: str | None) -> tuple[str, float]:
    """Return the unit that values are shown in, and the factor from SI.

    Examples
    --------
    >>> shown_unit("V"), shown_unit("V²")
    (('mV', 1000.0), ('mV²', 1000000.0))
    >>> shown_unit("1")
    ('', 1.0)
    """
    if unit is not None and unit.endswith("²"):
        name, factor = shown_unit(unit.removesuffix("²"))
        return f"{name}²", factor**2
    if unit in _SHOWN_UNITS:
        return _SHOWN_UNITS[unit]
    return ("" if unit in (None, "1") else str(unit), 1.0)


def labelled(text: str, unit: str) -> str:
    """Return the label of an axis, with its unit where there is one."""
    return f"{text} ({unit})" if unit else text


def joined(key: Any) -> str:
    """Return the name of a combination of classes, or of one class."""
    return " to ".join(map(str, key)) if isinstance(key, tuple) else str(key)
