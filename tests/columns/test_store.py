from __future__ import annotations

import json
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

import synphys_frames as sf
from synphys_frames.columns.dtypes import masked_array, masked_values, pandas_array
from synphys_frames.columns.factorize import KeyIndex
from synphys_frames.columns.gather import frame_of, take_all
from synphys_frames.database.database import release_of
from synphys_frames.errors import JoinError, UnknownColumnError
from synphys_frames.schema.kinds import KINDS
from tests.support.release_builder import build, change

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from synphys_frames.schema.kinds import Kind

keys = st.one_of(st.integers(-5, 40), st.integers(-(10**12), 10**12))


def arrays(values: list[int | None]) -> tuple[np.ndarray, np.ndarray]:
    numbers = np.array([-1 if value is None else value for value in values], dtype=np.int64)
    return numbers, np.array([value is None for value in values], dtype=bool)


@given(
    stored=st.lists(st.one_of(st.none(), keys), max_size=30),
    asked=st.lists(st.one_of(st.none(), keys), max_size=30),
)
def test_a_key_index_agrees_with_a_dict(stored: list[int | None], asked: list[int | None]) -> None:
    index = KeyIndex(*arrays(stored))
    present = [value for value in stored if value is not None]
    repeated = [value for value in present if present.count(value) > 1]
    assert index.is_unique == (repeated == [])
    assert index.repeated == min(repeated, default=None)
    # Of several rows with one key, the last.
    places = {value: row for row, value in enumerate(stored) if value is not None}
    expected = [-1 if value is None else places.get(value, -1) for value in asked]
    assert index.rows(*arrays(asked)).tolist() == expected


@pytest.mark.parametrize("least", [-(2**63), 1 - 2**63, -5, 0, 2**53 - 3, 2**63 - 31])
@pytest.mark.parametrize("step", [1, 2])
def test_a_key_index_of_any_integers(least: int, step: int) -> None:
    stored = np.array([least + number for number in range(0, 31, step)], dtype=np.int64)
    others = [-(2**63), 2 - 2**63, -6, -5, 0, 1, 2, 2**53, 2**53 + 1, 2**63 - 2, 2**63 - 31]
    asked = np.array([*others, 2**63 - 1, *stored], dtype=np.int64)
    places = {int(key): row for row, key in enumerate(stored)}
    rows = KeyIndex(stored, np.zeros(len(stored), dtype=bool)).rows(asked)
    assert rows.tolist() == [places.get(int(key), -1) for key in asked]


@pytest.mark.parametrize("count", [2, 10_000])
@pytest.mark.parametrize("absent", [[], [0]])
def test_a_key_index_knows_from_the_beginning_what_it_takes(count: int, absent: list[int]) -> None:
    missing = np.isin(np.arange(count), absent)
    index = KeyIndex(np.arange(count), missing)
    size = index.nbytes
    # Keys, and a table of hashes, which has more places than keys.
    assert size > 24 * (count - missing.sum())
    assert index.rows(np.arange(-3, count)).tolist() == [-1] * 3 + [
        -1 if gone else row for row, gone in enumerate(missing)
    ]
    assert index.nbytes == size


@given(
    numbers=st.lists(st.one_of(st.none(), st.integers(-(2**63), 2**63 - 1)), max_size=30),
    chunks=st.integers(1, 3),
    offset=st.integers(0, 12),
    kind=st.sampled_from(["int", "bool"]),
)
def test_columns_over_the_memory_of_arrow_are_those_that_are_copied(
    numbers: list[int | None], chunks: int, offset: int, kind: Kind
) -> None:
    types = {"int": (int, pa.int64()), "bool": (lambda value: value > 0, pa.bool_())}
    python, arrow = types[kind]
    values = [None if one is None else python(one) for one in numbers]
    column = pa.chunked_array([pa.array(values, arrow)] * chunks).slice(offset)
    shared = masked_array(*masked_values(column, kind), KINDS[kind].pandas_dtype)
    copied = pandas_array(column, kind)
    pd.testing.assert_extension_array_equal(shared, copied)


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
    table = release_of(db).store.table("pair")
    with pytest.raises(UnknownColumnError, match="Did you mean 'distance'"):
        table.values("distanc")
    assert len(table.values("distance")) == len(table) == len(db.pair)
    assert np.isnan(table.take("distance", np.array([-1]))[0])
    assert table.take("has_synapse", np.array([-1]))[0] is pd.NA
    assert table.nbytes > 8 * len(table)


def test_two_rows_where_one_is_expected(db: sf.SynphysDatabase) -> None:
    alias = release_of(db).store.aliases("pair")["avg_response_fit"]
    with pytest.raises(JoinError, match=r"related\('avg_response_fit'\)"):
        release_of(db).store.rows(alias, "pair")


@pytest.fixture
def fresh(sample_path: Path) -> Iterator[sf.SynphysDatabase]:
    """The sample with nothing in memory."""
    with sf.load_sqlite(sample_path) as opened:
        yield opened


def test_only_what_is_asked_for_is_read(fresh: sf.SynphysDatabase) -> None:
    assert release_of(fresh).store.loaded == {}
    fresh.pairs(synapse=True)
    assert set(release_of(fresh).store.loaded) == {"pair", "cell", "experiment"}
    fresh.pairs(species="mouse", include="pre_morphology.pyramidal")
    assert set(release_of(fresh).store.loaded) == {
        "pair",
        "cell",
        "experiment",
        "slice",
        "morphology",
    }
    assert "distance" in release_of(fresh).store.loaded["pair"]


def test_of_a_large_table_only_the_columns_that_are_asked_for(
    fresh: sf.SynphysDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("synphys_frames.columns.store._FEW_VALUES", 1000)
    expected = fresh["intrinsic"]
    fresh.pairs(include="pre_intrinsic.tau")
    assert release_of(fresh).store.loaded["intrinsic"] == ["tau", "id", "cell_id"]
    both = fresh.pairs(include=["pre_intrinsic.rheobase", "pre_intrinsic.tau", "pre_cell.id"])
    assert release_of(fresh).store.loaded["intrinsic"] == ["tau", "id", "cell_id", "rheobase"]
    merged = both.merge(expected, left_on="pre_cell.id", right_on="cell_id", how="left")
    for name in ("tau", "rheobase"):
        assert merged[name].notna().any()
        pd.testing.assert_series_equal(
            merged[f"pre_intrinsic.{name}"], merged[name], check_names=False
        )
    whole = release_of(fresh).store.table("intrinsic")
    expected = expected[whole.table.kept_columns]
    rows = np.array([3, -1, 0])
    names = list(expected.columns)
    gather = whole.gather(names, rows)
    take_all([gather])
    frame = frame_of(gather.runs(), names, len(rows))
    pd.testing.assert_frame_equal(
        frame.iloc[[0, 2]].reset_index(drop=True), expected.iloc[[3, 0]].reset_index(drop=True)
    )
    assert frame.iloc[1].isna().all()


def test_the_tables_not_used_for_longest_are_dropped(fresh: sf.SynphysDatabase) -> None:
    store = release_of(fresh).store
    store.table("morphology").values("id")
    size = store.nbytes
    store.forget()
    for name in ("synapse", "dynamics", "synapse_model"):
        store.table(name).values("id")
    assert list(store.loaded) == ["synapse", "dynamics", "synapse_model"]
    store.table("synapse")
    sf.config.memory_budget = store.nbytes + size // 2
    store.table("morphology").values("id")
    # It needs the room of one of them: of the one that was used before the others.
    assert list(store.loaded) == ["synapse_model", "synapse", "morphology"]
    assert store.nbytes <= sf.config.memory_budget
    expected = fresh["dynamics"]["id"]
    ids = pd.Series(store.table("dynamics").values("id"), name="id")
    pd.testing.assert_series_equal(ids, expected)


def test_what_is_dropped_takes_no_memory(fresh: sf.SynphysDatabase) -> None:
    expected = fresh.pairs(species="mouse", include=["cell", "synapse"])
    everything = release_of(fresh).store.nbytes
    sf.config.memory_budget = everything // 2
    assert everything > 500_000
    for _ in range(2):
        found = fresh.pairs(species="mouse", include=["cell", "synapse", "experiment"])
        assert release_of(fresh).store.nbytes <= everything // 2
    pd.testing.assert_frame_equal(found[expected.columns], expected)


def test_what_is_compared_is_within_the_budget(fresh: sf.SynphysDatabase) -> None:
    pairs = fresh.pairs()
    classes = [sf.CellClass(cre_type="sst"), sf.CellClass(dendrite_type="spiny")]
    expected = pairs.synphys.classify(classes)
    release_of(fresh).store.forget()
    # The same tables, but none of their texts.
    pairs.synphys.classify({"a": sf.CellClass(depth=0), "b": sf.CellClass(pyramidal=True)})
    sf.config.memory_budget = release_of(fresh).store.nbytes + 10
    pd.testing.assert_frame_equal(pairs.synphys.classify(classes), expected)
    assert 0 < release_of(fresh).store.nbytes <= sf.config.memory_budget


def test_what_is_in_memory_is_counted_the_same_by_threads(fresh: sf.SynphysDatabase) -> None:
    query = partial(fresh.pairs, include=["cell", "synapse"], where="pre_cell.cre_type = 'sst'")
    query()
    expected = release_of(fresh).store.nbytes
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for _ in range(3):
            release_of(fresh).store.forget()
            with ThreadPoolExecutor(4) as pool:
                for future in [pool.submit(query) for _ in range(4)]:
                    future.result()
            assert release_of(fresh).store.nbytes == expected
    finally:
        sys.setswitchinterval(interval)


@pytest.mark.parametrize(
    ("kind", "values"),
    [("VARCHAR", ["x", None]), ("INTEGER", [3, None]), ("BOOLEAN", [1, 0]), ("FLOAT", [0.5, 1])],
)
@pytest.mark.parametrize("budget", [None, 0])
def test_a_column_may_have_any_name(
    tmp_path: Path, kind: str, values: list[Any], budget: int | None
) -> None:
    path = build(sf.config.cache_path / "odd.sqlite")
    rows = [f"UPDATE pair SET floats = {json.dumps(one)} WHERE id = {number}"
            for number, one in enumerate(values, 1)]  # fmt: skip
    change(path, f"ALTER TABLE pair ADD COLUMN floats {kind}", *rows)
    sf.config.memory_budget = budget
    for _ in range(2):  # the second time from the copy
        with sf.load_sqlite(path) as db:
            found = db.pairs(where="pair.floats IS NOT NULL")["pair.floats"]
            assert found.tolist() == [one for one in values if one is not None]


def test_a_table_that_is_too_large_is_not_kept(fresh: sf.SynphysDatabase) -> None:
    assert release_of(fresh).store.keeps("pair")
    sf.config.memory_budget = 1000 * 9 * 14
    assert not release_of(fresh).store.keeps("pair")
    assert release_of(fresh).store.keeps("slice")
    assert len(fresh.pairs()) == len(fresh.pair)
    assert "pair" not in release_of(fresh).store.loaded


def test_threads_share_what_is_read(fresh: sf.SynphysDatabase) -> None:
    query = partial(fresh.pairs, species="mouse", include=["cell", "synapse"])
    with ThreadPoolExecutor(4) as pool:
        frames = [future.result() for future in [pool.submit(query) for _ in range(8)]]
    for frame in frames[1:]:
        pd.testing.assert_frame_equal(frame, frames[0])
    for names in release_of(fresh).store.loaded.values():
        assert len(set(names)) == len(names)
