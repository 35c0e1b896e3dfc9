"""Pictures of pairs by class and distance; needs matplotlib (the extra `plot`)."""

from __future__ import annotations

from itertools import cycle, product
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from .counting import CountedPairs, connectivity, connectivity_profile, memberships
from .distance_fit import fit_distance
from .errors import ArgumentError, MissingLibraryError, UnknownColumnError, did_you_mean
from .pair_frame import numbers
from .provenance import single
from .value_matrix import unit_of, value_matrix

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractContextManager

    from matplotlib.axes import Axes

    from .connectivity import Floats, Kind, Membership
    from .counting import Classes
    from .database import SynphysDatabase
    from .distance_fit import Model

# The one style of all pictures. Colours are Okabe and Ito's, told apart by the colour-blind; lines
# and markers differ, too, and the colour map grows darker, so that grey prints can be read.
_STYLE = {
    "font.size": 9.0,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "figure.constrained_layout.use": True,
    "figure.constrained_layout.h_pad": 0.08,
    "figure.constrained_layout.w_pad": 0.08,
    "legend.frameon": False,
}
_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
_MARKERS = ("o", "s", "^", "D", "v", "P")
_LINES = ("-", "--", "-.", ":", (0, (5, 1)), (0, (1, 1)))
_MAP = "viridis_r"
_NEVER = "#E4E4E4"
_LEAST_PROBABILITY = 0.01
_FADED = 0.5
_LEAST_OPACITY = 0.3
_CELL_INCHES = 0.55
_DODGE = 0.09
_POINTS_PER_INCH = 72
_DARK = 0.55
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


def _pyplot() -> Any:
    try:
        from matplotlib import pyplot as plt
    except ImportError as error:
        raise MissingLibraryError(
            "Pictures need matplotlib, which is not installed: pip install 'synphys-frames[plot]'"
        ) from error
    return plt


def _style() -> AbstractContextManager[None]:
    context: AbstractContextManager[None] = _pyplot().rc_context(_STYLE)
    return context


def shown_unit(unit: str | None) -> tuple[str, float]:
    """Return the unit that values are shown in, and the factor from SI.

    Examples
    --------
    >>> shown_unit("V")
    ('mV', 1000.0)
    >>> shown_unit("1")
    ('', 1.0)
    """
    if unit in _SHOWN_UNITS:
        return _SHOWN_UNITS[unit]
    return ("" if unit in (None, "1") else str(unit), 1.0)


def _label(text: str, unit: str) -> str:
    return f"{text} ({unit})" if unit else text


class PairPlots:
    """Pictures of a frame of pairs: ``pairs.synphys.plot``.

    Each returns a matplotlib Axes, draws into `ax` where one is given, labels axes with units, and
    never shows a window. Presynaptic classes go down, postsynaptic across.
    """

    def __init__(self, frame: pd.DataFrame) -> None:
        self._frame = frame

    def connectivity(
        self,
        classes: Classes,
        post_classes: Classes | None = None,
        *,
        value: Literal["connection_probability", "adjusted_probability"] = "connection_probability",
        kind: Kind = "chemical",
        distance: str = "distance",
        sigma: float = 100e-6,
        probed: Literal["nonsynaptic", "synaptic"] = "nonsynaptic",
        ax: Axes | None = None,
        db: SynphysDatabase | None = None,
    ) -> Axes:
        """Draw the connectivity matrix: colour is probability, numbers are connected / probed.

        Parameters
        ----------
        classes, post_classes, kind, distance, sigma, probed, db
            As for `synphys_frames.connectivity`; kind "chemical" or "electrical".
        value
            What the colour shows, on a logarithmic scale from 1 %: "connection_probability" or
            "adjusted_probability".
        ax
            Where to draw; default a new figure that is large enough for the labels.

        Returns
        -------
        matplotlib.axes.Axes
            The wider the 95 % interval, the paler the colour. Combinations never probed are grey
            and crossed.

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
        if kind == "reciprocal":
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
        tables = {name: _table(counts[name]) for name in counts}
        texts = tables["n_connected"].astype(str) + "/" + tables["n_probed"].astype(str)
        width = (tables["ci_upper"] - tables["ci_lower"]).to_numpy(dtype=np.float64)
        opacity = 1 - (1 - _LEAST_OPACITY) * np.clip(width / _FADED, 0, 1)
        empty = (tables["n_probed"] == 0).to_numpy()
        with _style():
            from matplotlib.colors import LogNorm

            return _heat_map(
                tables[value].clip(lower=_LEAST_PROBABILITY),
                texts.mask(empty, ""),
                opacity,
                LogNorm(_LEAST_PROBABILITY, 1),
                value.replace("_", " "),
                ax,
                ticks=[0.01, 0.03, 0.1, 0.3, 1],
            )

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
        column, classes, post_classes, aggfunc, min_count, db
            As for `SynphysAccessor.matrix`.
        ax
            Where to draw; default a new figure.

        Returns
        -------
        matplotlib.axes.Axes
            Values in mV, pA, ms or µm, with the unit at the colour bar; grey and crossed where
            there are too few.

        Examples
        --------
        >>> classes = {"ex": sf.CellClass(cell_class="ex"), "in": sf.CellClass(cell_class="in")}
        >>> pairs = db.pairs(synapse=True, include="synapse")
        >>> axes = pairs.synphys.plot.matrix("synapse.latency", classes)
        >>> axes.figure.axes[-1].get_ylabel()
        'median synapse.latency (ms)'
        """
        values, _ = value_matrix(self._frame, column, classes, post_classes, aggfunc, min_count, db)
        told = values.attrs["synphys"]
        unit, factor = shown_unit(told["unit"] if told["aggfunc"] != "count" else None)
        shown = values * factor
        finite = shown.to_numpy()[np.isfinite(shown.to_numpy())]
        texts = shown.map(lambda one: "" if np.isnan(one) else f"{one:.3g}")
        with _style():
            from matplotlib.colors import Normalize

            norm = Normalize(*(np.min(finite), np.max(finite)) if len(finite) else (0, 1))
            label = _label(f"{told['aggfunc']} {column}", unit)
            return _heat_map(shown, texts, np.ones(shown.shape), norm, label, ax)

    def distance(
        self,
        classes: Classes | None = None,
        post_classes: Classes | None = None,
        *,
        model: Model | None = "gaussian",
        bins: int | Sequence[float] = 8,
        distance: str = "distance",
        probed: Literal["nonsynaptic", "synaptic"] = "nonsynaptic",
        ax: Axes | None = None,
        db: SynphysDatabase | None = None,
    ) -> Axes:
        """Draw how connection probability falls with distance.

        Parameters
        ----------
        classes, post_classes, bins, distance, probed, db
            As for `synphys_frames.connectivity_profile`; at most six combinations of classes.
        model
            The curve that is fitted: gaussian, exponential, linear, sphere; None for none.
        ax
            Where to draw; default a new figure.

        Returns
        -------
        matplotlib.axes.Axes
            Binned probability with 95 % intervals, the fitted curve, and a tick for each pair:
            above for connected ones, below for the others.

        Examples
        --------
        >>> db.pairs(species="mouse").synphys.plot.distance().get_xlabel()
        'distance (µm)'
        """
        counted = CountedPairs(self._frame, distance, probed, db)
        groups = _groups(counted, classes, post_classes)
        profile = connectivity_profile(
            self._frame,
            bins,
            distance=distance,
            classes=classes,
            post_classes=post_classes,
            probed=probed,
            db=db,
        )
        with _style():
            size = (5.2 if len(groups) == 1 else 6.8, 3.6)
            axes = ax if ax is not None else _pyplot().subplots(figsize=size)[1]
            looks = zip(cycle(_COLOURS), cycle(_MARKERS), cycle(_LINES), strict=False)
            for place, ((name, rows), look) in enumerate(zip(groups.items(), looks, strict=False)):
                chosen: Any = profile if name is None else profile.loc[name]
                label = None if name is None else f"{name[0]} to {name[1]}"
                x, hit = counted.distance[rows], counted.connected[rows]
                # Side by side within a bin, so that no interval hides another.
                shift = (place - (len(groups) - 1) / 2) * _DODGE
                _draw_profile(axes, chosen, look, label, shift)
                _draw_ticks(axes, x, hit, look[0])
                if model is not None:
                    fit = fit_distance(x, hit, model)
                    curve = np.linspace(0, np.nanmax(x, initial=1e-6), 200)
                    axes.plot(curve * 1e6, fit.predict(curve), color=look[0], linestyle=look[2])
            axes.set(xlabel=f"{distance.replace('_', ' ')} (µm)", ylabel="connection probability")
            axes.set_xlim(left=0)
            axes.set_ylim(-0.05, 1.05 * max(0.2, _top(profile)))
            if len(groups) > 1:
                axes.legend(loc="upper left", bbox_to_anchor=(1.01, 1))
            return axes

    def strip(self, column: str, by: str | Sequence[str], *, ax: Axes | None = None) -> Axes:
        """Draw every value of a column as a point, side by side by another column.

        Parameters
        ----------
        column
            A column of the frame that holds numbers.
        by
            The column, or columns, that make the groups, such as "pre_class".
        ax
            Where to draw; default a new figure.

        Returns
        -------
        matplotlib.axes.Axes
            Values in mV, pA, ms or µm; a line at each median, the number of values below each name.

        Examples
        --------
        >>> pairs = db.pairs(synapse=True, include=["synapse", "pre_cell.cell_class"])
        >>> pairs.synphys.plot.strip("synapse.latency", by="pre_cell.cell_class").get_ylabel()
        'synapse.latency (ms)'
        """
        names = [by] if isinstance(by, str) else list(by)
        for name in (column, *names):
            if name not in self._frame.columns:
                known = [str(one) for one in self._frame.columns]
                raise UnknownColumnError(
                    f"The frame has no column {name!r}. {did_you_mean(name, known)}"
                )
        if not pd.api.types.is_numeric_dtype(self._frame[column].dtype):
            raise ArgumentError(f"{column!r} holds no numbers, but {self._frame[column].dtype}.")
        unit, factor = shown_unit(unit_of(column))
        values = pd.Series(numbers(single(self._frame, column)) * factor)
        keys = [single(self._frame, name).reset_index(drop=True) for name in names]
        grouped = values[values.notna()].groupby(keys, observed=True)
        groups = {_joined(key): group.to_numpy() for key, group in grouped}
        with _style():
            size = (max(3.2, 0.8 * len(groups) + 1.2), 3.6)
            axes = ax if ax is not None else _pyplot().subplots(figsize=size)[1]
            # The same picture every time.
            random = np.random.default_rng(0)
            for place, group in enumerate(groups.values()):
                shift = random.uniform(-0.22, 0.22, len(group))
                axes.plot(place + shift, group, ".", color=_COLOURS[0], alpha=0.5, markersize=4)
                axes.hlines(np.median(group), place - 0.33, place + 0.33, color="black", lw=2)
            labels = [f"{name}\nn={len(group)}" for name, group in groups.items()]
            turn = 90 if max((len(name) for name in groups), default=0) > 10 else 0
            axes.set_xticks(range(len(groups)), labels, rotation=turn)
            axes.set(xlabel=", ".join(names), ylabel=_label(column, unit))
            return axes


def _joined(key: Any) -> str:
    return " to ".join(map(str, key)) if isinstance(key, tuple) else str(key)


def _table(values: pd.Series) -> pd.DataFrame:
    pre, post = (values.index.get_level_values(level).unique() for level in (0, 1))
    return pd.DataFrame(values.to_numpy().reshape(len(pre), len(post)), index=pre, columns=post)


def _heat_map(
    values: pd.DataFrame,
    texts: pd.DataFrame,
    opacity: Floats,
    norm: Any,
    label: str,
    ax: Axes | None,
    ticks: list[float] | None = None,
) -> Axes:
    from matplotlib import colormaps
    from matplotlib.cm import ScalarMappable

    pyplot = _pyplot()
    rows, columns = values.shape
    if ax is None:
        size = (columns * _CELL_INCHES + 2.4, rows * _CELL_INCHES + 1.6)
        ax = pyplot.subplots(figsize=size)[1]
    numbers_there = values.to_numpy(dtype=np.float64)
    missing = ~np.isfinite(numbers_there)
    colours = colormaps[_MAP](norm(np.where(missing, norm.vmin, numbers_there)))
    colours[..., :3] = 1 - (1 - colours[..., :3]) * opacity[..., None]
    colours[missing] = pyplot.matplotlib.colors.to_rgba(_NEVER)
    ax.imshow(colours, aspect="equal")
    _annotate(ax, texts, colours)
    for row, column in np.argwhere(missing):
        ax.plot([column - 0.3, column + 0.3], [row - 0.3, row + 0.3], color="white", lw=1)
        ax.plot([column - 0.3, column + 0.3], [row + 0.3, row - 0.3], color="white", lw=1)
    ax.set_xticks(range(columns), [str(name) for name in values.columns], rotation=90)
    ax.set_yticks(range(rows), [str(name) for name in values.index])
    ax.xaxis.tick_top()
    ax.xaxis.set_label_position("top")
    ax.set(xlabel="postsynaptic", ylabel="presynaptic")
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    scale = ScalarMappable(norm, _MAP)
    bar = ax.figure.colorbar(scale, ax=ax, shrink=min(1.0, 4 / rows + 0.3), aspect=18)
    bar.set_label(label)
    if ticks is not None:
        bar.set_ticks(ticks, labels=[f"{tick:g}" for tick in ticks])
        bar.minorticks_off()
    return ax


def _annotate(ax: Axes, texts: pd.DataFrame, colours: Floats) -> None:
    longest = max((len(text) for text in texts.to_numpy().ravel()), default=1)
    width = ax.get_window_extent().width / ax.figure.dpi * _POINTS_PER_INCH / texts.shape[1]
    # A digit is about 0.6 of its height wide.
    size = min(9.0, 0.92 * min(width, _CELL_INCHES * _POINTS_PER_INCH) / (0.6 * max(longest, 1)))
    luminance = colours[..., :3] @ [0.299, 0.587, 0.114]
    labels = texts.to_numpy()
    for row, column in product(*map(range, texts.shape)):
        shade = "white" if luminance[row, column] < _DARK else "black"
        text = str(labels[row, column])
        ax.text(column, row, text, ha="center", va="center", fontsize=size, color=shade)


def _groups(
    counted: CountedPairs, classes: Classes | None, post_classes: Classes | None
) -> dict[tuple[str, str] | None, Any]:
    """Return the probed rows of each combination of classes; without classes, of all."""
    columns = counted.pairs.frame.columns
    if classes is None and {"pre_class", "post_class"} <= set(columns):
        classes, post_classes = "pre_class", "post_class"
    if classes is None:
        return {None: np.flatnonzero(counted.probed)}
    pre, post = memberships(counted.pairs, classes, post_classes)
    if len(pre.names) * len(post.names) > len(_COLOURS):
        raise ArgumentError(
            f"{len(pre.names)} x {len(post.names)} combinations of classes can't be told apart in "
            f"one picture; at most {len(_COLOURS)}. Draw one after the other with ax=."
        )
    return {
        (before, after): np.flatnonzero(counted.probed & _both(pre, post, row, column))
        for row, before in enumerate(pre.names)
        for column, after in enumerate(post.names)
    }


def _both(pre: Membership, post: Membership, row: int, column: int) -> Any:
    return pre.patterns[pre.codes, row] & post.patterns[post.codes, column]


def _draw_profile(
    axes: Axes, profile: pd.DataFrame, look: Any, label: str | None, shift: float
) -> None:
    here = profile[profile["n_probed"] > 0]
    middles = np.array([one.mid + shift * one.length for one in here.index]) * 1e6
    value = here["connection_probability"].to_numpy()
    error = np.abs(here[["ci_lower", "ci_upper"]].to_numpy().T - value)
    axes.errorbar(
        middles, value, error, color=look[0], marker=look[1], linestyle="none", label=label,
        capsize=2, markersize=5,
    )  # fmt: skip


def _draw_ticks(axes: Axes, x: Floats, hit: Any, colour: str) -> None:
    transform = axes.get_xaxis_transform()
    known = np.isfinite(x)
    for rows, low, high in ((known & hit, 0.97, 1.0), (known & ~hit, 0.0, 0.03)):
        axes.vlines(
            x[rows] * 1e6, low, high, transform=transform, color=colour, lw=0.4, alpha=0.35,
            rasterized=True,
        )  # fmt: skip


def _top(profile: pd.DataFrame) -> float:
    shown = profile.loc[profile["n_probed"] > 0, "ci_upper"]
    return float(min(shown.max(), 1.0)) if len(shown) else 1.0
