"""A table by presynaptic and postsynaptic class, drawn as coloured cells."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import ArgumentError
from .layout import CELLS, lay_out
from .scales import background, fade, ink, over
from .style import label_inches, new_axes

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.patches import Patch

    from .._typing import Floats, Mask
    from .scales import Scale


_NOT_KNOWN = "#E4E4E4"
_CROSS = "#8C8C8C"
_SHOWN_WIDTHS = (0, 0.25, 0.5, 1)
_CELL_INCHES = 0.55
_LINE_INCHES = 0.17
_TWO_COLUMNS_INCHES = 2.4
# Of a cell: what an outline within it, and a cross, leave free on each side.
_OUTLINE_MARGIN = 0.1
_CROSS_MARGIN = 0.2


@dataclass(frozen=True, slots=True)
class Cells:
    """What is drawn in each cell.

    Attributes
    ----------
    shown, texts
        What the colour shows, and what is written.
    empty, empty_meaning
        Which cells have nothing to show, and what that says.
    widths
        Of the 95 % intervals, by which cells fade; None where there are none.
    none_found
        Which are outlined: among those looked for, nothing was found.
    not_known
        Which are grey and crossed.
    """

    shown: pd.DataFrame
    texts: pd.DataFrame
    empty: Mask
    empty_meaning: str
    widths: Floats | None = None
    none_found: Mask | None = None
    not_known: Mask | None = None

    def painted(self, scale: Scale) -> Floats:
        """Return red, green, blue and alpha of each cell's face; an alpha of 0 is no face."""
        from matplotlib.colors import to_rgba

        colours = scale.paint(self.shown.to_numpy(dtype=np.float64))
        colours[..., 3] = self.strength()
        colours[self.empty | self.where(self.none_found), 3] = 0
        colours[self.where(self.not_known)] = to_rgba(_NOT_KNOWN)
        return colours

    def strength(self) -> Floats:
        """Return the alpha of each cell, by the width of its interval."""
        if self.widths is None:
            return np.ones(self.shown.shape)
        faded: Floats = fade(np.where(np.isnan(self.widths), 1.0, self.widths))
        return faded

    def where(self, mask: Mask | None) -> Mask:
        """Return a mask of the cells that have something to show."""
        none = np.zeros(self.shown.shape, dtype=bool)
        return none if mask is None else mask & ~self.empty


def draw_heat_map(cells: Cells, scale: Scale, label: str, ax: Axes | None) -> Axes:
    """Draw a table as coloured cells, rows down.

    Parameters
    ----------
    cells
        What is drawn.
    scale
        From values to colours.
    label
        Of the colour bar.
    ax
        Where to draw; None for a new figure.
    """
    if not cells.shown.size:
        raise ArgumentError("There are no classes to draw: the column that holds them is empty.")
    if ax is None:
        ax = _fitting_axes(cells)
    colours = cells.painted(scale)
    ax.imshow(colours, aspect="equal").set_gid(CELLS)
    behind = background(ax)
    _outline(ax, cells, str(ink(behind)))
    _cross(ax, cells.where(cells.not_known))
    _name_axes(ax, cells.shown)
    _colour_bar(ax, scale, label, len(cells.shown))
    _explain(ax, cells, scale)
    _annotate(ax, cells.texts, ink(over(colours, behind)))
    lay_out(ax)
    return ax


def _fitting_axes(cells: Cells) -> Axes:
    rows, columns = cells.shown.shape
    notes = len(_SHOWN_WIDTHS) if cells.widths is not None else 1
    width = columns * _CELL_INCHES + label_inches(cells.shown.index) + 1.9
    height = rows * _CELL_INCHES + label_inches(cells.shown.columns) + notes * _LINE_INCHES + 0.8
    return new_axes(max(width, 4.0), height)


def _outline(ax: Axes, cells: Cells, colour: str) -> None:
    """Draw a hairline around each cell that shows something, a line within those without any."""
    none_found = cells.where(cells.none_found)
    strength = cells.strength()[none_found]
    _add_squares(ax, ~cells.empty, 0.0, color=(colour, 0.2), linewidth=0.4)
    lines = [(colour, alpha) for alpha in strength * 0.7]
    _add_squares(ax, none_found, _OUTLINE_MARGIN, color=lines, linewidth=0.8)


def _add_squares(ax: Axes, cells: Mask, margin: float, *, color: Any, linewidth: float) -> None:
    from matplotlib.collections import PatchCollection
    from matplotlib.patches import Rectangle

    side = 1 - 2 * margin
    squares = [
        Rectangle((column - side / 2, row - side / 2), side, side)
        for row, column in np.argwhere(cells)
    ]
    if squares:
        ax.add_collection(
            PatchCollection(squares, facecolor="none", edgecolor=color, linewidth=linewidth)
        )


def _cross(ax: Axes, cells: Mask) -> None:
    from matplotlib.collections import LineCollection

    reach = 0.5 - _CROSS_MARGIN
    lines = [
        [(column - reach, row - slope * reach), (column + reach, row + slope * reach)]
        for row, column in np.argwhere(cells)
        for slope in (1, -1)
    ]
    if lines:
        ax.add_collection(LineCollection(lines, colors=_CROSS, linewidths=0.8))


def _name_axes(ax: Axes, values: pd.DataFrame) -> None:
    ax.set_xticks(range(values.shape[1]), [str(name) for name in values.columns], rotation=90)
    ax.set_yticks(range(values.shape[0]), [str(name) for name in values.index])
    ax.xaxis.tick_top()
    ax.xaxis.set_label_position("top")
    ax.set(xlabel="postsynaptic", ylabel="presynaptic")
    ax.tick_params(length=0)
    ax.grid(visible=False)
    # Without a frame, a matrix of empty cells would be nothing at all.
    ax.spines[:].set(visible=True, linewidth=0.4, edgecolor=(str(ink(background(ax))), 0.4))


def _colour_bar(ax: Axes, scale: Scale, label: str, rows: int) -> None:
    from matplotlib.cm import ScalarMappable

    bar = ax.figure.colorbar(
        ScalarMappable(scale.norm, scale.colours), ax=ax, shrink=min(1.0, 4 / rows + 0.3), aspect=18
    )
    bar.set_label(label)
    if scale.ticks:
        bar.set_ticks(list(scale.ticks), labels=list(scale.ticks.values()))
        bar.minorticks_off()


def _explain(ax: Axes, cells: Cells, scale: Scale) -> None:
    from matplotlib.patches import Patch

    line = str(ink(background(ax)))
    hairline: Any = {"edgecolor": (line, 0.2), "linewidth": 0.4}
    patches: list[Patch] = []
    if cells.widths is not None:
        patches += [
            Patch(
                facecolor=(*scale.strong()[:3], fade(width)),
                label=f"95 % CI {width:g} wide",
                **hairline,
            )
            for width in _SHOWN_WIDTHS
        ]
    if cells.where(cells.none_found).any():
        label = "0 of n: none found"
        patches.append(Patch(facecolor="none", edgecolor=(line, 0.7), linewidth=0.8, label=label))
    if cells.where(cells.not_known).any():
        patches.append(Patch(facecolor=_NOT_KNOWN, label="crossed: not known", **hairline))
    if cells.empty.any():
        label = f"empty: {cells.empty_meaning}"
        patches.append(Patch(facecolor="none", edgecolor="none", label=label))
    _add_legend(ax, patches)


def _add_legend(ax: Axes, patches: list[Patch]) -> None:
    from matplotlib.patches import Patch

    figure: Any = ax.get_figure(root=True)
    in_two = ax.get_window_extent().width > _TWO_COLUMNS_INCHES * figure.dpi
    if in_two and len(patches) > len(_SHOWN_WIDTHS):
        # A legend is filled column by column: the widths stand in one of their own.
        nothing = Patch(facecolor="none", edgecolor="none", label=" ")
        patches = [*patches, *[nothing] * (2 * len(_SHOWN_WIDTHS) - 1 - len(patches))]
    if patches:
        ax.legend(
            handles=patches,
            loc="upper right",
            bbox_to_anchor=(1, 0),
            borderpad=0.2,
            fontsize=7.5,
            ncols=2 if in_two and len(patches) > len(_SHOWN_WIDTHS) else 1,
            columnspacing=1.2,
        )


def _annotate(ax: Axes, texts: pd.DataFrame, inks: Any) -> None:
    labels = texts.to_numpy()
    for row, column in np.ndindex(labels.shape):
        text = ax.text(
            column,
            row,
            str(labels[row, column]),
            ha="center",
            va="center",
            color=str(inks[row, column]),
            gid=CELLS,
        )
        # It is as large as its cell, which must not be as large as it.
        text.set_in_layout(False)
