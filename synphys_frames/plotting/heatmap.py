"""A table by presynaptic and postsynaptic class, drawn as coloured cells."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import ArgumentError
from .style import label_inches, new_axes

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from matplotlib.axes import Axes

    from .._typing import Floats, Mask


# Grows darker, so that grey prints can be read.
_MAP = "viridis_r"
_NEVER = "#E4E4E4"
_CELL_INCHES = 0.55
_LINE_INCHES = 0.2
_POINTS_PER_INCH = 72
_DARK = 0.55
_FONT = 9.0
_LEAST_FONT = 4.5


@dataclass(frozen=True, slots=True)
class Hatching:
    """Cells to be hatched, and what that says.

    Attributes
    ----------
    pattern
        As matplotlib has them.
    cells
        Which.
    meaning
        For the legend.
    """

    pattern: str
    cells: Mask
    meaning: str


def draw_heat_map(
    values: pd.DataFrame,
    texts: pd.DataFrame,
    norm: Any,
    label: str,
    ax: Axes | None,
    *,
    hatchings: Sequence[Hatching] = (),
    missing: str,
    ticks: list[float] | None = None,
) -> Axes:
    """Draw a table as coloured cells, rows down.

    Parameters
    ----------
    values, texts
        What the colour shows, and what is written in each cell.
    norm
        From values to 0 .. 1.
    label
        Of the colour bar.
    ax
        Where to draw; None for a new figure.
    hatchings
        Which cells are hatched.
    missing
        What it means that a value is missing.
    ticks
        Of the colour bar; default what matplotlib finds good.
    """
    if not values.size:
        raise ArgumentError("There are no classes to draw: the column that holds them is empty.")
    from matplotlib import colormaps

    numbers = values.to_numpy(dtype=np.float64)
    unknown = ~np.isfinite(numbers)
    shown = [hatching for hatching in hatchings if hatching.cells.any()]
    if ax is None:
        ax = _fitting_axes(values, len(shown) + bool(unknown.any()))
    colours = colormaps[_MAP](norm(np.where(unknown, norm.vmin, numbers)))
    colours[unknown] = _rgba(_NEVER)
    dark = colours[..., :3] @ [0.299, 0.587, 0.114] < _DARK
    ax.imshow(colours, aspect="equal")
    for row, column in np.argwhere(unknown):
        ax.plot([column - 0.3, column + 0.3], [row - 0.3, row + 0.3], color="white", lw=1)
        ax.plot([column - 0.3, column + 0.3], [row + 0.3, row - 0.3], color="white", lw=1)
    for hatching in shown:
        _hatch(ax, hatching, dark)
    _name_axes(ax, values)
    _colour_bar(ax, norm, label, len(values), ticks)
    _explain(ax, shown, missing if unknown.any() else None)
    _annotate(ax, texts, colours, dark)
    return ax


def _rgba(colour: str) -> tuple[float, float, float, float]:
    from matplotlib.colors import to_rgba

    return to_rgba(colour)


def _fitting_axes(values: pd.DataFrame, notes: int) -> Axes:
    rows, columns = values.shape
    width = columns * _CELL_INCHES + label_inches(values.index) + 1.9
    height = rows * _CELL_INCHES + label_inches(values.columns) + notes * _LINE_INCHES + 0.8
    return new_axes(max(width, 4.0 if notes else 0.0), height)


def _name_axes(ax: Axes, values: pd.DataFrame) -> None:
    ax.set_xticks(range(values.shape[1]), [str(name) for name in values.columns], rotation=90)
    ax.set_yticks(range(values.shape[0]), [str(name) for name in values.index])
    ax.xaxis.tick_top()
    ax.xaxis.set_label_position("top")
    ax.set(xlabel="postsynaptic", ylabel="presynaptic")
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)


def _colour_bar(ax: Axes, norm: Any, label: str, rows: int, ticks: list[float] | None) -> None:
    from matplotlib.cm import ScalarMappable

    scale = ScalarMappable(norm, _MAP)
    bar = ax.figure.colorbar(scale, ax=ax, shrink=min(1.0, 4 / rows + 0.3), aspect=18)
    bar.set_label(label)
    if ticks is not None:
        bar.set_ticks(ticks, labels=[f"{tick:g}" for tick in ticks])
        bar.minorticks_off()


def _hatch(ax: Axes, hatching: Hatching, dark: Mask) -> None:
    from matplotlib.collections import PatchCollection
    from matplotlib.patches import Rectangle

    for cells, colour in (
        (hatching.cells & dark, "#FFFFFF99"),
        (hatching.cells & ~dark, "#00000099"),
    ):
        squares = [Rectangle((x - 0.5, y - 0.5), 1, 1) for y, x in np.argwhere(cells)]
        if squares:
            ax.add_collection(
                PatchCollection(
                    squares,
                    facecolor="none",
                    edgecolor=colour,
                    linewidth=0,
                    hatch=hatching.pattern,
                )
            )


def _explain(ax: Axes, hatchings: Sequence[Hatching], missing: str | None) -> None:
    from matplotlib.patches import Patch

    patches = [
        Patch(
            facecolor="white",
            edgecolor="black",
            linewidth=0.5,
            hatch=hatching.pattern,
            label=hatching.meaning,
        )
        for hatching in hatchings
    ]
    if missing is not None:
        patches.append(Patch(facecolor=_NEVER, label=missing))
    if patches:
        ax.legend(
            handles=patches, loc="upper right", bbox_to_anchor=(1, 0), borderpad=0.2, fontsize=7.5
        )


def _annotate(ax: Axes, texts: pd.DataFrame, colours: Floats, dark: Mask) -> None:
    """Write the texts, and all labels, as large as the cells are once everything has its place."""
    from matplotlib.patheffects import withStroke

    figure: Any = ax.get_figure(root=True)
    figure.draw_without_rendering()
    box = ax.get_window_extent()
    rows, columns = texts.shape
    width, height = (
        inches * _POINTS_PER_INCH / figure.dpi
        for inches in (box.width / columns, box.height / rows)
    )
    for axis, room in ((ax.xaxis, width), (ax.yaxis, height)):
        axis.set_tick_params(labelsize=float(np.clip(room / 1.25, _LEAST_FONT, _FONT)))
    labels = texts.to_numpy()
    longest = max((len(text) for text in labels.ravel()), default=1)
    # A digit is about 0.6 of its height wide.
    size = min(_FONT, 0.92 * width / (0.6 * max(longest, 1)), 0.8 * height)
    if size < _LEAST_FONT:
        return
    for row, column in product(range(rows), range(columns)):
        ax.text(
            column,
            row,
            str(labels[row, column]),
            ha="center",
            va="center",
            fontsize=size,
            color="white" if dark[row, column] else "black",
            # Keeps the hatching off the digits.
            path_effects=[withStroke(linewidth=2, foreground=colours[row, column])],
        )
