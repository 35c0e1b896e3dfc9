"""A column of a frame of pairs by the classes of both cells: as a matrix, and tested."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from .._arguments import checked
from ..errors import ArgumentError, UnknownColumnError, did_you_mean
from ..query import MOST_CLASSES, single, unit_in
from .class_arguments import both_sides
from .docstrings import documented_by
from .mann_whitney import rank_tests
from .measures import connectivity
from .pair_checks import require_distinct
from .pair_columns import PairFrame, numbers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from .._typing import Floats
    from ..database import SynphysDatabase
    from .class_arguments import Classes


COMPARED = ["pre_class_a", "post_class_a", "pre_class_b", "post_class_b"]
_SAME_UNIT = {"median", "mean", "min", "max", "std", "sem", "sum", "quantile"}
_COUNTS = {"count", "nunique", "size"}
_TESTED = ["n_a", "n_b", "median_a", "median_b", "statistic", "p_value", "p_adjusted"]


def require_numbers(values: pd.Series) -> None:
    """Refuse a column that holds neither numbers nor booleans."""
    numeric = pd.api.types.is_numeric_dtype(values.dtype)
    if not numeric and not pd.api.types.is_bool_dtype(values.dtype):
        raise ArgumentError(f"{values.name!r} holds no numbers, but {values.dtype}.")


def require_column(frame: pd.DataFrame, column: str) -> None:
    """Refuse a column that a frame does not have."""
    if column not in frame.columns:
        raise UnknownColumnError(
            f"The frame has no column {column!r}. "
            f"{did_you_mean(column, [str(name) for name in frame.columns])} include= puts columns "
            "of other tables there."
        )


def _values(frame: pd.DataFrame, column: str) -> Floats:
    require_column(frame, column)
    values = single(frame, column)
    require_numbers(values)
    return numbers(values)


def _groups(
    frame: pd.DataFrame,
    column: str,
    classes: Classes,
    post_classes: Classes | None,
    db: SynphysDatabase | None,
) -> tuple[list[str], list[str], Iterator[tuple[str, str, Floats]]]:
    """Return the classes of both sides, and the values of each combination of them."""
    require_distinct(frame)
    values = _values(frame, column)
    pre, post = PairFrame(frame, db).memberships(*both_sides(classes, post_classes))
    known = ~np.isnan(values)
    inside = post.matrix

    def groups() -> Iterator[tuple[str, str, Floats]]:
        for row, before in enumerate(pre.names):
            rows = np.flatnonzero(known & pre.members(row))
            for place, after in enumerate(post.names):
                yield before, after, values[rows[inside[rows, place]]]

    return list(pre.names), list(post.names), groups()


@documented_by(connectivity, parameters_only=True)
@checked()
def value_matrix(
    frame: pd.DataFrame,
    column: str,
    classes: Classes,
    post_classes: Classes | None = None,
    *,
    aggfunc: str | Callable[[pd.Series], Any] = "median",
    min_count: int = 1,
    db: SynphysDatabase | None = None,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return a column's value, and the number of values, for each combination of classes.

    Parameters
    ----------
    frame
        The pairs.
    column
        Any column of the frame that holds numbers or booleans.
    aggfunc
        As for pandas: "median", "mean", "std", "count", ..., or a function of a Series, which is
        taken to return the column's unit.
    min_count
        With fewer values the entry is missing.

    Returns
    -------
    values, counts
        pre x post, float64 and int64; ``attrs["synphys"]`` has the column, its unit and aggfunc.

    Raises
    ------
    UnknownColumnError
        The frame has no such column.
    ArgumentError
        It does not hold numbers, aggfunc is not known or gives something else than a number,
        min_count is below 1, or names of classes are not distinct.
    NotInVersionError
        The release lacks a column that a class asks for.
    ProvenanceError
        The frame lacks a column that a class asks for, and its database can't be asked.
    """
    name = aggfunc if isinstance(aggfunc, str) else getattr(aggfunc, "__name__", "function")
    pre, post, groups = _groups(frame, column, classes, post_classes, db)
    entries = np.full((len(pre), len(post)), np.nan)
    counts = np.zeros(entries.shape, dtype=np.int64)
    for place, (_, _, values) in enumerate(groups):
        counts.flat[place] = len(values)
        if len(values) >= min_count:
            entries.flat[place] = _aggregated(values, aggfunc, name)
    rows, columns = pd.Index(pre, name="pre_class"), pd.Index(post, name="post_class")
    matrices = [pd.DataFrame(table, index=rows, columns=columns) for table in (entries, counts)]
    unit = _aggregated_unit(unit_in(frame, column), aggfunc)
    matrices[0].attrs["synphys"] = {"column": column, "unit": unit, "aggfunc": name}
    matrices[1].attrs["synphys"] = {"column": column, "unit": "count", "aggfunc": "count"}
    return matrices[0], matrices[1]


def _aggregated(values: Floats, aggfunc: str | Callable[[pd.Series], Any], name: str) -> float:
    expected = (
        f"aggfunc takes the name of a pandas aggregation, or a function, to one number; {name!r}"
    )
    try:
        entry: Any = pd.Series(values).agg(aggfunc)
    except AttributeError as error:
        raise ArgumentError(f"{expected} is not known.") from error
    if not pd.api.types.is_scalar(entry):
        raise ArgumentError(f"{expected} gave {type(entry).__name__}.")
    if pd.isna(entry):
        return float("nan")
    try:
        return float(entry)
    except (TypeError, ValueError) as error:
        raise ArgumentError(f"{expected} gave {entry!r}.") from error


def _aggregated_unit(unit: str | None, aggfunc: str | Callable[[pd.Series], Any]) -> str | None:
    if not isinstance(aggfunc, str) or aggfunc in _SAME_UNIT:
        return unit
    if aggfunc in _COUNTS:
        return "count"
    if aggfunc == "var" and unit is not None:
        return unit if unit == "1" else f"{unit}²"
    return None


@documented_by(value_matrix, parameters_only=True)
@checked()
def compare_values(
    frame: pd.DataFrame,
    column: str,
    classes: Classes,
    post_classes: Classes | None = None,
    *,
    min_count: int = 3,
    db: SynphysDatabase | None = None,
) -> pd.DataFrame:
    """Test whether a column differs between combinations of classes.

    Parameters
    ----------
    min_count
        Combinations with fewer values are left out.

    Returns
    -------
    DataFrame
        A row for each two combinations: pre_class_a, post_class_a, pre_class_b, post_class_b
        (text), n_a, n_b (int64), median_a, median_b in the column's unit, statistic (Mann-Whitney U
        of a), p_value (two-sided), p_adjusted (Holm, over all rows; float64).

    Raises
    ------
    UnknownColumnError
        The frame has no such column.
    ArgumentError
        It does not hold numbers, or names of classes are not distinct.
    NotInVersionError
        The release lacks a column that a class asks for.
    ProvenanceError
        The frame lacks a column that a class asks for, and its database can't be asked.

    Notes
    -----
    The p value is exact where a group has at most 8 values and none is tied, else by the normal
    approximation with corrections for ties and continuity, as in `scipy.stats.mannwhitneyu`.

    References
    ----------
    Mann and Whitney, Annals of Mathematical Statistics 18, 50-60 (1947).
    Holm, Scandinavian Journal of Statistics 6, 65-70 (1979).
    """
    groups = [
        group
        for group in _groups(frame, column, classes, post_classes, db)[2]
        if len(group[2]) >= max(min_count, 1)
    ]
    if len(groups) > MOST_CLASSES:
        raise ArgumentError(
            f"There are {len(groups):,} combinations of classes with {min_count} values or more; "
            f"at most {MOST_CLASSES:,} can be tested against each other. Give fewer classes, or a "
            "larger min_count."
        )
    statistic, p_value = rank_tests([values for _, _, values in groups])
    a, b = np.triu_indices(len(groups), 1)
    pre, post = (pd.Series([group[side] for group in groups], dtype="str") for side in (0, 1))
    sizes = np.array([len(values) for _, _, values in groups], dtype=np.int64)
    medians = np.array([np.median(values) for _, _, values in groups], dtype=np.float64)
    columns = [pre.array[a], post.array[a], pre.array[b], post.array[b]]
    tested = [sizes[a], sizes[b], medians[a], medians[b], statistic[a, b], p_value[a, b]]
    tested.append(holm(p_value[a, b]))
    result = pd.DataFrame(dict(zip([*COMPARED, *_TESTED], [*columns, *tested], strict=True)))
    result.attrs["synphys"] = {"column": column, "unit": unit_in(frame, column)}
    return result


def holm(p_values: Floats) -> Floats:
    """Return p values corrected for their number by Holm's step-down method.

    Notes
    -----
    The smallest is multiplied by their number, the next by one less, and so on, none below the one
    before it.

    References
    ----------
    Holm, Scandinavian Journal of Statistics 6, 65-70 (1979).

    Examples
    --------
    >>> holm(np.array([0.01, 0.04, 0.03])).round(3).tolist()
    [0.03, 0.06, 0.06]
    """
    order = np.argsort(p_values, kind="stable")
    steps = np.arange(len(p_values), 0, -1)
    adjusted = np.empty(len(p_values))
    adjusted[order] = np.minimum(np.maximum.accumulate(p_values[order] * steps), 1.0)
    return adjusted
