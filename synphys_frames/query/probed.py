"""Which pairs were probed for a synapse: as a mask, and as SQL."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ..columns import factorized
from .filter_kinds import TruthFilter

if TYPE_CHECKING:
    from .._typing import Mask
    from ..columns import ColumnStore
    from .filter_base import Places
    from .pair_sql import PairSql


PROBED_TEST_SPIKES = 10


def probed_mask(cell_class: pd.Series, n_ex: pd.Series, n_in: pd.Series) -> Mask:
    """Return for each pair whether it was probed, by the class of its presynaptic cell.

    Parameters
    ----------
    cell_class
        "ex", "in", or anything else, of the presynaptic cell.
    n_ex, n_in
        Test spikes. More than 10 of the type that the class calls for make a pair probed, of both
        types for any other or unknown class. A missing count is no test.
    """
    tested_ex = _above(n_ex, PROBED_TEST_SPIKES)
    tested_in = _above(n_in, PROBED_TEST_SPIKES)
    # Each of the few texts is compared once.
    codes, kinds = factorized([cell_class])
    is_ex, is_in = (
        np.array([isinstance(one, str) and one == kind for one in kinds], dtype=bool)[codes]
        for kind in ("ex", "in")
    )
    return np.where(is_ex, tested_ex, np.where(is_in, tested_in, tested_ex & tested_in))


def probed_sql(cell_class: str, n_ex: str, n_in: str) -> str:
    """Return the same as SQL, which is true or false, over columns of these names."""
    tested_ex, tested_in = (f"{count} > {PROBED_TEST_SPIKES}" for count in (n_ex, n_in))
    return (
        f"coalesce(CASE {cell_class} WHEN 'ex' THEN {tested_ex} WHEN 'in' THEN {tested_in} "
        f"ELSE {tested_ex} AND {tested_in} END, false)"
    )


def _above(values: pd.Series, limit: float) -> Mask:
    above: Mask = values.to_numpy(dtype=np.float64, na_value=np.nan) > limit
    return above


@dataclass(frozen=True, kw_only=True)
class ProbedFilter(TruthFilter):
    """Pairs must have been probed for the synapse that the presynaptic cell would make, or not."""

    @property
    def columns(self) -> Places:
        """The class of the presynaptic cell, and the numbers of test spikes."""
        return (
            ("pre_cell", "cell_class"),
            ("pair", "n_ex_test_spikes"),
            ("pair", "n_in_test_spikes"),
        )

    def mask(self, store: ColumnStore, value: bool) -> Mask:
        """Return for each pair whether it was probed, or was not."""
        pair = store.table("pair")
        cells = store.rows(store.aliases("pair")["pre_cell"], "pair")
        cell_class = pd.Series(store.table("cell").texts("cell_class", cells))
        counts = [pd.Series(pair.values(name)) for _, name in self.columns[1:]]
        probed = probed_mask(cell_class, *counts)
        return probed if value else ~probed

    def condition(self, sql: PairSql, value: bool) -> str:
        """Return the same as SQL."""
        names = (sql.column(alias, column) for alias, column in self.columns)
        return f"{probed_sql(*names)} = {sql.value(value)}"
