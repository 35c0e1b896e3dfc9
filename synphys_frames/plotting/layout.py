"""Room for everything that is drawn, in a figure of one's own or of the user's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes


# By which cells and their texts are found again, in whatever figure they are.
CELLS = "synphys_frames cells"
_POINTS_PER_INCH = 72
_FONT = 9.0
_LEAST_FONT = 4.5
_ROUNDS = 2


def lay_out(ax: Axes) -> None:
    """Make room for all labels in the figure of some axes, and fit texts into their cells.

    A figure from ``plt.subplots()`` has no layout engine, and cuts off whatever does not fit into
    its margins. It gets matplotlib's tight layout, which leaves ``plt.tight_layout()`` possible, as
    the constrained one does not. A figure that has an engine, or had one, keeps what it has.
    """
    figure: Any = ax.get_figure(root=True)
    if figure.get_layout_engine() is None and ax.get_subplotspec() is not None:
        figure.set_layout_engine("tight")
    # Those beside have got smaller, too.
    heat_maps = [
        (other, image)
        for other in figure.axes
        for image in other.images
        if image.get_gid() == CELLS
    ]
    for other, _ in heat_maps:
        other.tick_params(labelsize=_LEAST_FONT)
    # Labels that have grown with their cells leave those less room.
    for _ in range(_ROUNDS if heat_maps else 0):
        figure.draw_without_rendering()
        for other, image in heat_maps:
            _fit(other, *image.get_array().shape[:2])


def _fit(ax: Axes, rows: int, columns: int) -> None:
    """Write the texts, and all labels, as large as the cells are once everything has its place."""
    figure: Any = ax.get_figure(root=True)
    box = ax.get_window_extent()
    width, height = (
        pixels * _POINTS_PER_INCH / figure.dpi
        for pixels in (box.width / columns, box.height / rows)
    )
    for axis, room in ((ax.xaxis, width), (ax.yaxis, height)):
        axis.set_tick_params(labelsize=float(np.clip(room / 1.25, _LEAST_FONT, _FONT)))
    texts = [text for text in ax.texts if text.get_gid() == CELLS]
    longest = max((len(text.get_text()) for text in texts), default=1)
    # A digit is about 0.6 of its height wide.
    size = min(_FONT, 0.92 * width / (0.6 * max(longest, 1)), 0.8 * height)
    for text in texts:
        text.set(fontsize=max(size, _LEAST_FONT), visible=size >= _LEAST_FONT)
