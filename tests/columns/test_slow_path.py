"""Tables that are kept in memory and tables that are asked by SQL give the same frames."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import synphys_frames as sf
from synphys_frames.database.database import release_of
from synphys_frames.errors import JoinError, MissingRowsError, UnknownValueError
from tests.support.queries import EXPRESSIONS, filter_sets

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

INCLUDES = [
    "experiment",
    "cell",
    "synapse",
    "synapse_prediction",
    "gap_junction",
    "poly_synapse",
    "conductance",
    "pre_cell.cre_type",
    "post_cell.position",
    "slice.species",
    "pre_intrinsic.tau",
    "resting_state_fit.ic_avg_data",
    "synapse_model.ml_strength",
]
COLUMNS = ["experiment.ext_id", "pre_cell.cre_type", "post_morphology.dendrite_type", "synapse.id"]


@pytest.fixture(scope="module")
def medium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[sf.SynphysDatabase]:
    path = tmp_path_factory.mktemp("medium") / "synthetic_medium.sqlite"
    with sf.load_sqlite(sf.build_sample(path, scale=1 / 300, size="medium")) as db:
        yield db


@pytest.fixture(scope="module")
def again(sample_path: Path) -> Iterator[sf.SynphysDatabase]:
    """The sample, opened a second time."""
    with sf.load_sqlite(sample_path) as opened:
        yield opened


@contextmanager
def budget(size: int | None) -> Iterator[None]:
    before = sf.config.memory_budget
    sf.config.memory_budget = size
    try:
        yield
    finally:
        sf.config.memory_budget = before


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    filters=filter_sets,
    include=st.lists(st.sampled_from(INCLUDES), max_size=3, unique=True),
    where=st.one_of(st.none(), st.sampled_from(EXPRESSIONS)),
    size=st.sampled_from([0, 20_000, 100_000]),
    dtype_backend=st.sampled_from([None, None, None, "pyarrow"]),
)
def test_any_query_gives_the_same_frame_either_way(
    db: sf.SynphysDatabase,
    again: sf.SynphysDatabase,
    filters: dict[str, Any],
    include: list[str],
    where: str | None,
    size: int,
    dtype_backend: Any,
) -> None:
    arguments = dict(filters)
    arguments["pre_class"] = sf.CellClass(**arguments.pop("pre"))
    arguments["post_class"] = sf.CellClass(**arguments.pop("post"))
    arguments |= {"include": include, "where": where, "dtype_backend": dtype_backend}
    kept = db.pairs(**arguments)
    with budget(size):
        release_of(again).store.forget()
        asked = again.pairs(**arguments)
        assert release_of(again).store.nbytes <= size
    pd.testing.assert_frame_equal(kept, asked)
    assert kept.attrs == asked.attrs


@pytest.mark.parametrize(
    ("table", "joined"),
    [
        ("pulse_response", ["pair", "recording.stim_name", "stim_pulse", "baseline.mode"]),
        ("pulse_response_fit", ["pulse_response", "slice"]),
        ("stim_pulse", ["recording", "cell"]),
        ("resting_state_fit", ["synapse", "pair.distance", "pre_cell"]),
        ("avg_response_fit", ["poly_synapse", "pair"]),
        ("cell", ["morphology", "experiment", "slice.species"]),
        ("experiment", ["slice"]),
    ],
)
def test_joins_are_the_same_either_way(
    medium: sf.SynphysDatabase, table: str, joined: list[str]
) -> None:
    rows = medium.table(table)
    # In no order, some twice, one of them nowhere.
    frame = pd.concat([rows.sample(frac=0.7, random_state=1), rows.head(3)])
    frame.attrs = rows.attrs
    frame.iloc[0, frame.columns.get_loc("id")] = 10**9
    expected = frame.synphys.join(*joined)
    with budget(0), sf.load_sqlite(medium.path) as opened:
        pd.testing.assert_frame_equal(frame.synphys.join(*joined, db=opened), expected)


def test_pairs_of_some_rows_are_the_same_either_way(db: sf.SynphysDatabase) -> None:
    cells = db.cell.sample(frac=0.5, random_state=2)
    expected = cells.synphys.pairs(synapse=True, include="synapse")
    assert len(expected)
    with budget(0), sf.load_sqlite(db.path) as opened:
        found = cells.synphys.pairs(synapse=True, include="synapse", db=opened)
    pd.testing.assert_frame_equal(found, expected)


def test_the_analyses_are_the_same_either_way(db: sf.SynphysDatabase) -> None:
    classes = {"in": sf.CellClass(cre_type=("sst", "pvalb")), "deep": sf.CellClass("tau > 0.005")}
    plain = db.pairs(species="mouse")
    expected = plain.synphys.connectivity(classes)
    assert expected["n_probed"].gt(0).all()
    with budget(0), sf.load_sqlite(db.path) as opened:
        found = opened.pairs(species="mouse").synphys.connectivity(classes, db=opened)
        assert opened.project_names == db.project_names
        assert len(opened.diff(db).pairs) == 0
    pd.testing.assert_frame_equal(found, expected)


def test_the_errors_are_the_same_either_way(db: sf.SynphysDatabase) -> None:
    with budget(0), sf.load_sqlite(db.path) as opened:
        with pytest.raises(UnknownValueError, match="no project 'nowhere'"):
            opened.pairs(project_name="nowhere")
        with pytest.raises(JoinError, match=r"related\('avg_response_fit'\)"):
            opened.pairs(include="avg_response_fit")
        with pytest.raises(MissingRowsError, match="no rows"):
            opened.pairs(include="pulse_response")


def test_pairs_are_found_by_sql_in_the_order_of_their_ids(tmp_path: Path) -> None:
    path = sf.build_sample(tmp_path / "small.sqlite", scale=1 / 600)
    sf.config.memory_budget = 0
    with sf.load_sqlite(path) as db:
        ids = db.pairs()["pair.id"]
        assert ids.is_monotonic_increasing
        assert len(ids) == db.tables.set_index("table").loc["pair", "rows"]
        assert release_of(db).store.loaded == {}
