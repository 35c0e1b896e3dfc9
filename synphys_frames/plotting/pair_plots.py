"""Pictures of pairs by class and distance; needs matplotlib (the extra `plot`)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from .._arguments import checked
from ..analysis import (
    ProbedPairs,
    connectivity,
    connectivity_profile,
    documented_by,
    fit_distance,
    numbers,
    require_column,
    require_numbers,
    value_matrix,
)
from ..errors import ArgumentError
from ..query import plausible_unit, single
from .distance_picture import draw_distances
from .heatmap import Cells, draw_heat_map
from .layout import lay_out
from .probability_cells import probability_cells
from .scales import probability_scale, value_scale
from .series import groups_of, series_of
from .style import AXES, COLOURS, joined, label_inches, labelled, new_axes, shown_unit, style

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from matplotlib.axes import Axes

    from ..analysis import Classes, Kind, Model, Probed
    from ..database import SynphysDatabase


class PairPlots:
    """Pictures of a frame of pairs: ``pairs.synphys.plot``.

    Each returns a matplotlib Axes, draws into `ax` where one is given, labels axes with units, and
    never shows a window. Presynaptic classes go down, postsynaptic across.
    """

    def __init__(self, frame: pd.DataFrame) -> None:
        self._frame = frame

    @documented_by(connectivity, parameters_only=True)
    @checked(ax=AXES)
    def connectivity(
        self,
        classes: Classes,
        post_classes: Classes | None = None,
        *,
        value: Literal["connection_probability", "adjusted_probability"] = "connection_probability",
        kind: Kind = "chemical",
        distance: str = "distance",
        sigma: float = 100e-6,
        probed: Probed = "nonsynaptic",
        ax: Axes | None = None,
        db: SynphysDatabase | None = None,
    ) -> Axes:
        """Draw the connectivity matrix: colour is probability, numbers are connected / probed.

        Parameters
        ----------
        kind
            "chemical" or "electrical".
        value
            What the colour shows, on a logarithmic scale from 1 %: "connection_probability" or
            "adjusted_probability".
        ax
            Where to draw; default a new figure that is large enough for the labels. Numbers that
            would be too small to read are left out. A figure without a layout engine gets
            matplotlib's "tight", so that nothing is cut off.

        Returns
        -------
        matplotlib.axes.Axes
            Pale is low. A cell fades towards the background by the width of the 95 % interval of
            its value. Where no connection was found, it is outlined, without a face; where the
            adjusted value is not known, grey and crossed; where no pair was probed, empty. A legend
            below says so.

        Raises
        ------
        ArgumentError
            An argument has a value that it does not take, or there are no classes to draw.
        UnknownColumnError
            `classes` names a column that the frame does not have.
        NotInVersionError
            The release lacks a column.
        ProvenanceError
            The frame lacks a column, and its database can't be asked.
        MissingLibraryError
            matplotlib is not installed.

        See Also
        --------
        SynphysAccessor.connectivity : The numbers.

        Examples
        --------
        >>> classes = {"Pvalb": sf.CellClass(cre_type="pvalb"), "Sst": sf.CellClass(cre_type="sst")}
        >>> db.pairs(species="mouse").synphys.plot.connectivity(classes).get_xlabel()
        'postsynaptic'
        """
        if value not in ("connection_probability", "adjusted_probability"):
            raise ArgumentError(
                f"value takes 'connection_probability' or 'adjusted_probability'; got {value!r}."
            )
        if kind not in ("chemical", "electrical"):
            raise ArgumentError("kind takes 'chemical' or 'electrical' for a picture.")
        counts = connectivity(
            self._frame,
            classes,
            post_classes,
            kind=kind,
            distance=distance,
            sigma=sigma,
            probed=probed,
            db=db,
        )
        with style():
            cells = probability_cells(counts, value)
            scale = probability_scale(cells.shown.to_numpy())
            return draw_heat_map(cells, scale, value.replace("_", " "), ax)

    @documented_by(value_matrix, parameters_only=True)
    @checked(ax=AXES)
    def matrix(
        self,
        column: str,
        classes: Classes,
        post_classes: Classes | None = None,
        *,
        aggfunc: str | Callable[[pd.Series], Any] = "median",
        min_count: int = 1,
        ax: Axes | None = None,
        db: SynphysDatabase | None = None,
    ) -> Axes:
        """Draw a column's value for each combination of classes.

        Parameters
        ----------
        ax
            Where to draw; default a new figure. A figure without a layout engine gets
            matplotlib's "tight", so that nothing is cut off.

        Returns
        -------
        matplotlib.axes.Axes
            Values in mV, pA, ms or µm, with the unit at the colour bar; the farther from 0, the
            darker. Values of both signs are blue below 0, red above it and pale about it. Empty
            where there are too few.

        Raises
        ------
        UnknownColumnError
            The frame has no such column.
        ArgumentError
            It does not hold numbers, aggfunc is not known, or names of classes are not distinct.
        NotInVersionError
            The release lacks a column that a class asks for.
        ProvenanceError
            The frame lacks a column that a class asks for, and its database can't be asked.
        MissingLibraryError
            matplotlib is not installed.

        See Also
        --------
        SynphysAccessor.matrix : The numbers.

        Examples
        --------
        >>> classes = {"ex": sf.CellClass(cell_class="ex"), "in": sf.CellClass(cell_class="in")}
        >>> pairs = db.pairs(synapse=True, include="synapse")
        >>> axes = pairs.synphys.plot.matrix("synapse.latency", classes)
        >>> axes.figure.axes[-1].get_ylabel()
        'median synapse.latency (ms)'
        """
        values, _ = value_matrix(
            self._frame,
            column,
            classes,
            post_classes,
            aggfunc=aggfunc,
            min_count=min_count,
            db=db,
        )
        noted = values.attrs["synphys"]
        plausible_unit(self._frame, column)
        unit, factor = shown_unit(None if noted["unit"] == "count" else noted["unit"])
        shown = values * factor
        texts = shown.map(lambda value: "" if np.isnan(value) else f"{value:.3g}")
        with style():
            cells = Cells(shown, texts, shown.isna().to_numpy(), "too few values")
            label = labelled(f"{noted['aggfunc']} {column}", unit)
            return draw_heat_map(cells, value_scale(shown.to_numpy()), label, ax)

    @documented_by(fit_distance, parameters_only=True)
    @documented_by(connectivity_profile, parameters_only=True)
    @checked(ax=AXES)
    def distance(
        self,
        classes: Classes | None = None,
        post_classes: Classes | None = None,
        *,
        model: Model | None = "gaussian",
        bins: int | Sequence[float] = 8,
        distance: str = "distance",
        probed: Probed = "nonsynaptic",
        ax: Axes | None = None,
        db: SynphysDatabase | None = None,
    ) -> Axes:
        """Draw how connection probability falls with distance.

        Parameters
        ----------
        classes
            Classes by name, a list of classes, or the names of columns that hold them; default the
            columns pre_class and post_class where the frame is classified, else all cells together.
            At most six combinations of classes can be told apart.
        model
            The curve that is fitted: a model's name, a `DistanceModel` of your own, or None for no
            curve.
        ax
            Where to draw; default a new figure. A figure without a layout engine gets
            matplotlib's "tight", so that nothing is cut off.

        Returns
        -------
        matplotlib.axes.Axes
            Binned probability with 95 % intervals, and the fitted curve. The ordinate ends where
            the curve and the intervals of bins with at least 20 pairs do; other bins are pale, and
            their intervals cut off there. Where no bin has so many, it ends with the curve and the
            points. Above is where the pairs are, connected ones and others: a line for each, or, of
            more than 2,000, how densely they lie, by class and row relative to the maximum.

        Raises
        ------
        ArgumentError
            An argument has a value that it does not take, or there are too many classes.
        UnknownColumnError
            `classes` names a column that the frame does not have.
        NotInVersionError
            The release lacks a column.
        ProvenanceError
            The frame lacks a column, and its database can't be asked.
        MissingLibraryError
            matplotlib is not installed.

        See Also
        --------
        SynphysAccessor.connectivity_profile, SynphysAccessor.fit_distance : The numbers.

        Examples
        --------
        >>> db.pairs(species="mouse").synphys.plot.distance().get_xlabel()
        'distance (µm)'
        """
        counted = ProbedPairs.chemical(self._frame, distance, probed, db)
        groups = groups_of(counted, classes, post_classes)
        profile = connectivity_profile(
            self._frame,
            bins,
            distance=distance,
            classes=classes,
            post_classes=post_classes,
            probed=probed,
            db=db,
        )
        with style():
            series = [
                series_of(counted, rows, name, profile, model) for name, rows in groups.items()
            ]
            names = [one.name or "density of pairs" for one in series]
            width = 5.2 + max(label_inches(names), 1.4) + 0.6
            axes = ax if ax is not None else new_axes(width, 3.9)
            draw_distances(axes, series)
            axes.set(xlabel=f"{distance.replace('_', ' ')} (µm)", ylabel="connection probability")
            lay_out(axes)
            return axes

    @checked(ax=AXES)
    def strip(self, column: str, by: str | Sequence[str], *, ax: Axes | None = None) -> Axes:
        """Draw every value of a column as a point, side by side by another column.

        Parameters
        ----------
        column
            A column of the frame that holds numbers.
        by
            The column, or columns, that make the groups, such as "pre_class".
        ax
            Where to draw; default a new figure. A figure without a layout engine gets
            matplotlib's "tight", so that nothing is cut off.

        Returns
        -------
        matplotlib.axes.Axes
            Values in mV, pA, ms or µm; a line at each median, the number of values below each name.

        Raises
        ------
        UnknownColumnError
            The frame lacks one of the columns.
        ArgumentError
            `column` does not hold numbers.
        MissingLibraryError
            matplotlib is not installed.

        Examples
        --------
        >>> pairs = db.pairs(synapse=True, include=["synapse", "pre_cell.cell_class"])
        >>> pairs.synphys.plot.strip("synapse.latency", by="pre_cell.cell_class").get_ylabel()
        'synapse.latency (ms)'
        """
        names = [by] if isinstance(by, str) else list(by)
        for name in (column, *names):
            require_column(self._frame, name)
        require_numbers(single(self._frame, column))
        unit, factor = shown_unit(plausible_unit(self._frame, column))
        values = pd.Series(numbers(single(self._frame, column)) * factor)
        keys = [single(self._frame, name).reset_index(drop=True) for name in names]
        grouped = values[values.notna()].groupby(keys, observed=True)
        groups = {joined(key): group.to_numpy() for key, group in grouped}
        with style():
            turned = max(map(len, groups), default=0) > 10
            below = label_inches(groups) if turned else 0.3
            wide = 0.5 if turned else 0.8
            axes = ax if ax is not None else new_axes(max(3.2, wide * len(groups) + 1.2), 3 + below)
            figure: Any = axes.get_figure(root=True)
            room = axes.get_window_extent().width / figure.dpi / max(len(groups), 1)
            turned |= 1.1 * label_inches(groups) > room
            # The same picture every time.
            random = np.random.default_rng(0)
            for place, group in enumerate(groups.values()):
                shift = random.uniform(-0.22, 0.22, len(group))
                axes.plot(place + shift, group, ".", color=COLOURS[0], alpha=0.5, markersize=4)
                axes.hlines(np.median(group), place - 0.33, place + 0.33, color="black", lw=2)
            labels = [f"{name}\nn={len(group)}" for name, group in groups.items()]
            axes.set_xticks(range(len(groups)), labels, rotation=90 if turned else 0)
            axes.set_xlim(-0.6, max(len(groups), 1) - 0.4)
            axes.set(xlabel=", ".join(names), ylabel=labelled(column, unit))
            lay_out(axes)
            return axes
