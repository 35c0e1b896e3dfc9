"""Figures that one question gives, and what they and its answer are known by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class FigureSet:
    """Figures that the answer to one question has.

    Attributes
    ----------
    question
        What kind of question it is; `database` has a way to ask each.
    settings
        With what it is asked.
    published
        A row a figure, by the keys that the answer has, too: what, published, tolerance, source.
    """

    question: str
    settings: Mapping[str, Any]
    published: pd.DataFrame


def by_key(table: pd.DataFrame) -> pd.Series:
    """Return the numbers of a table, each by its row's index and the name of its column."""
    # Row by row, as a reader goes; melt would go column by column.
    numbers: Any = table.rename_axis(columns="statistic").stack()  # noqa: PD013
    return pd.Series(numbers)
