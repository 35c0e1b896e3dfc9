from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from synphys_frames.columns import KeyIndex
from synphys_frames.errors import JoinError, UnknownColumnError

if TYPE_CHECKING:
    import synphys_frames as sf

keys = st.one_of(st.integers(-5, 40), st.integers(-(10**12), 10**12))


@given(
    stored=st.lists(st.one_of(st.none(), keys), max_size=30),
    asked=st.lists(st.one_of(st.none(), keys), max_size=30),
)
def test_a_key_index_agrees_with_a_dict(stored: list[int | None], asked: list[int | None]) -> None:
    def arrays(values: list[int | None]) -> tuple[np.ndarray, np.ndarray]:
        numbers = np.array([-1 if value is None else value for value in values], dtype=np.int64)
        return numbers, np.array([value is None for value in values], dtype=bool)

    index = KeyIndex(*arrays(stored))
    present = [value for value in stored if value is not None]
    assert index.is_unique == (len(present) == len(set(present)))
    places = {value: row for row, value in enumerate(stored) if value is not None}
    found = index.rows(*arrays(asked))
    if index.is_unique:
        expected = [-1 if value is None else places.get(value, -1) for value in asked]
        assert found.tolist() == expected


def test_gathered_frames_agree_with_pandas_merges(db: sf.SynphysDatabase) -> None:
    frame = db.pairs(include=["cell", "synapse"])
    expected = db.pair.add_prefix("pair.")
    for side in ("pre", "post"):
        expected = expected.merge(
            db.cell.add_prefix(f"{side}_cell."),
            left_on=f"pair.{side}_cell_id", right_on=f"{side}_cell.id", how="left",
        )  # fmt: skip
        for table in ("morphology", "patch_seq", "intrinsic", "cortical_cell_location"):
            expected = expected.merge(
                db[table].add_prefix(f"{side}_{table}."),
                left_on=f"{side}_cell.id", right_on=f"{side}_{table}.cell_id", how="left",
            )  # fmt: skip
    for table in ("synapse", "dynamics", "synapse_model"):
        expected = expected.merge(
            db[table].add_prefix(f"{table}."),
            left_on="pair.id", right_on=f"{table}.pair_id", how="left",
        )  # fmt: skip
    fits = db["resting_state_fit"].dropna(subset="synapse_id").add_prefix("resting_state_fit.")
    expected = expected.merge(
        fits, left_on="synapse.id", right_on="resting_state_fit.synapse_id", how="left"
    )
    expected = expected.sort_values("pair.id", ignore_index=True)[frame.columns]
    pd.testing.assert_frame_equal(frame, expected)


def test_columns_know_their_names(db: sf.SynphysDatabase) -> None:
    table = db.store.table("pair")
    with pytest.raises(UnknownColumnError, match="Did you mean 'distance'"):
        table.values("distanc")
    assert len(table.values("distance")) == len(table) == len(db.pair)
    assert np.isnan(table.take("distance", np.array([-1]))[0])
    assert table.take("has_synapse", np.array([-1]))[0] is pd.NA
    assert table.nbytes > 8 * len(table)


def test_two_rows_where_one_is_expected(db: sf.SynphysDatabase) -> None:
    alias = db.store.aliases("pair")["avg_response_fit"]
    with pytest.raises(JoinError, match=r"related\('avg_response_fit'\)"):
        db.store.rows(alias, "pair")
