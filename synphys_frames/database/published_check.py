"""What was printed about a release, asked of the opened one.

Connectivity and matrices are asked as a user asks them, by ``pairs.synphys``: what a frame of pairs
can do stands on a higher floor, and is found through pandas, not imported.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from ..errors import (
    MissingRowsError,
    QueryError,
    UnknownColumnError,
    UnknownTableError,
    UnknownValueError,
    UnknownValueWarning,
)
from ..figures import (
    by_key,
    comparison,
    figure_sets,
    known_version,
    no_comparison,
    version_named,
)
from ..query import cells_of, class_codes, named_classes

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ..figures import FigureSet
    from .release import Release

    Question = Callable[[Release, FigureSet], pd.Series]

# Why a figure can't be found: this release has no such table, column, rows or value.
_LACKING = (
    UnknownTableError,
    UnknownColumnError,
    UnknownValueError,
    MissingRowsError,
    QueryError,
)


def published_check(release: Release, name: str | None) -> pd.DataFrame:
    """Return the printed figures of a release beside those of the opened one.

    Parameters
    ----------
    release
        The opened one.
    name
        The one that the figures were printed of; default the one that the opened file is.
    """
    release.require_open()
    version = own_version(release) if name is None else version_named(name)
    sets = [] if version is None else figure_sets(version)
    with warnings.catch_warnings():
        # A class that no cell belongs to shows in its figures.
        warnings.simplefilter("ignore", UnknownValueWarning)
        parts = [comparison(figures, _answer(release, figures)) for figures in sets]
    checked = pd.concat(parts, ignore_index=True) if parts else no_comparison()
    return release.with_provenance(checked, None)


def own_version(release: Release) -> str | None:
    """Return the published version that a file says it is; None for one that was made up."""
    contents = release.contents
    if contents.metadata.get("synthetic"):
        return None
    return known_version(contents.version_name, contents.schema_version)


def _answer(release: Release, figures: FigureSet) -> pd.Series:
    """Return what a release answers; nothing where it has no such columns or rows."""
    try:
        return _QUESTIONS[figures.question](release, figures)
    except _LACKING:
        return pd.Series(index=figures.published.index[:0], dtype=np.float64)


def _pairs(release: Release, filters: Mapping[str, Any], *include: str) -> Any:
    """Return pairs; of the projects that are named, those count which the release has."""
    chosen = dict(filters)
    if "project_name" in chosen:
        known = set(release.store.table("experiment").values("project_name"))
        chosen["project_name"] = [name for name in chosen["project_name"] if name in known]
    return release.pairs(None, include, None, **chosen)


def _single(figures: FigureSet, value: float | None) -> pd.Series:
    return pd.Series([value], index=figures.published.index, dtype=np.float64)


def _rows(release: Release, figures: FigureSet) -> pd.Series:
    counts = {
        name: release.contents.row_count(release.schema.table(name))
        for name in figures.published.index
        if name in release.schema
    }
    return pd.Series(counts, dtype=np.float64)


def _by_sql(release: Release, figures: FigureSet) -> pd.Series:
    found = release.queries.run(figures.settings["sql"]).column(0).to_pylist()
    return _single(figures, found[0] if found else None)


def _number_of_pairs(release: Release, figures: FigureSet) -> pd.Series:
    try:
        found = len(_pairs(release, figures.settings["pairs"]))
    except UnknownValueError:
        found = 0
    return _single(figures, found)


def _connectivity(release: Release, figures: FigureSet) -> pd.Series:
    asked = figures.settings
    counted: pd.DataFrame = _pairs(release, asked["pairs"]).synphys.connectivity(
        asked["classes"], distance=asked["distance"], sigma=asked["sigma"]
    )
    return by_key(counted.rename_axis(["pre", "post"]))


def _values(release: Release, figures: FigureSet) -> pd.Series:
    asked = figures.settings
    pairs = _pairs(release, asked["pairs"], asked["column"])
    classes: Any = asked["classes"]
    if asked["each_cell"] == "in the first of its classes":
        pairs = pairs.synphys.classify(classes, overlap="first")
        classes = "pre_class"
    values, counts = pairs.synphys.matrix(
        asked["column"],
        classes,
        aggfunc=asked["aggfunc"],
        min_count=asked["min_count"],
        counts=True,
    )
    found = {asked["aggfunc"]: values.to_numpy().ravel(), "n": counts.to_numpy().ravel()}
    places = [[asked["column"]], values.index, values.columns]
    index = pd.MultiIndex.from_product(places, names=["column", "pre", "post"])
    return by_key(pd.DataFrame(found, index=index))


def _values_of_cells(release: Release, figures: FigureSet) -> pd.Series:
    asked = figures.settings
    table, _, name = asked["column"].partition(".")
    cells = cells_of(release.store)
    values = cells.lookup(release.schema.table(table).column(name))
    classes = named_classes(asked["classes"])
    codes = class_codes(classes.values(), cells)[:, 0]
    of_class = pd.CategoricalIndex(pd.Categorical.from_codes(codes, pd.Index(list(classes))))
    numbers = pd.Series(values.to_numpy(dtype=np.float64, na_value=np.nan))
    grouped = numbers.groupby(of_class, observed=False)
    found = pd.DataFrame({asked["aggfunc"]: grouped.agg(asked["aggfunc"]), "n": grouped.count()})
    index = pd.MultiIndex.from_product([[asked["column"]], list(classes)], names=["column", "type"])
    return by_key(found.set_axis(index))


_QUESTIONS: dict[str, Question] = {
    "rows": _rows,
    "sql": _by_sql,
    "pairs": _number_of_pairs,
    "connectivity": _connectivity,
    "values": _values,
    "cells": _values_of_cells,
}
