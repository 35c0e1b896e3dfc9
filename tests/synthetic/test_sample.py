from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
import pytest

import synphys_frames as sf
from synphys_frames.errors import ArgumentError, ExportError
from synphys_frames.schema.published import published_schema
from tests.support.release_builder import query

if TYPE_CHECKING:
    from pathlib import Path
from typing import Any


def test_the_sample_says_that_it_is_synthetic(db: sf.SynphysDatabase) -> None:
    assert db.metadata["synthetic"] is True
    assert "synthetic" in db.metadata["origin"]
    assert "synthetic" in db.version_name
    assert "synthetic" in db._repr_html_()


def test_the_sample_has_the_published_layout(db: sf.SynphysDatabase) -> None:
    schema = published_schema("22")
    for table in schema:
        rows = query(db.path, f"PRAGMA table_info({table.name})")
        assert [(row[1], row[2], bool(row[5])) for row in rows] == [
            (column.name, column.sqlite_type, column.primary_key)
            for column in table.columns.values()
        ]
    indexes = {
        row[0] for row in query(db.path, "SELECT name FROM sqlite_master WHERE sql LIKE '%INDEX%'")
    }
    assert {"ix_pair_has_synapse", "ix_morphology_cell_id"} <= indexes
    assert query(db.path, "PRAGMA foreign_key_check") == []
    assert query(db.path, "PRAGMA integrity_check") == [("ok",)]


def test_the_sample_has_what_real_data_have(db: sf.SynphysDatabase) -> None:
    counts = db.tables.set_index("table")["rows"]
    assert (counts["cell"], counts["pair"], counts["synapse"]) == (412, 2058, 55)
    for table in ("sync_rec", "recording", "pulse_response", "synapse_prediction", "pipeline"):
        assert counts[table] == 0
    assert set(db.project_names) >= {*db.mouse_projects, *db.human_projects}
    assert len(db.mouse_projects) == 2
    assert db.cell["cre_type"].str.contains(",", na=False).any()
    assert set(db.cell["cell_class"].dropna()) == {"ex", "in", "mixed"}
    assert db.pair["has_synapse"].isna().any()
    pairs = db.pair.set_index("id")
    back = pairs.loc[pairs["reciprocal_id"]]
    assert (back["pre_cell_id"].to_numpy() == pairs["post_cell_id"].to_numpy()).all()
    assert set(db.synapse["pair_id"]) == set(pairs.index[pairs["has_synapse"].fillna(False)])


def test_the_same_seed_gives_the_same_rows(tmp_path: Path) -> None:
    paths = [
        sf.build_sample(tmp_path / f"{n}.sqlite", scale=1 / 300, seed=seed)
        for n, seed in enumerate([1, 1, 2])
    ]
    first, same, other = (sf.load_sqlite(path).cell for path in paths)
    for frame in (first, same, other):
        frame.attrs.clear()
    pd.testing.assert_frame_equal(first, same)
    assert not first.equals(other)


def test_scale_and_size(tmp_path: Path) -> None:
    medium = sf.load_sqlite(
        sf.build_sample(tmp_path / "medium.sqlite", scale=1 / 120, size="medium")
    )
    counts = medium.tables.set_index("table")["rows"]
    assert counts["experiment"] == 42
    assert (counts.drop("pipeline") > 0).all()
    assert medium["pulse_response"]["data"].isna().all()
    assert query(medium.path, "PRAGMA foreign_key_check") == []


def test_loading_the_sample_twice_builds_it_once() -> None:
    first = sf.load_sample().path
    before = first.stat().st_mtime_ns
    assert sf.load_sample().path == first
    assert first.stat().st_mtime_ns == before


def test_a_damaged_sample_is_built_again() -> None:
    path = sf.load_sample().path
    whole = path.read_bytes()
    path.write_bytes(whole[:5000])
    assert len(sf.load_sample().pair) > 0
    assert path.read_bytes() == whole


@pytest.mark.parametrize(
    "arguments", [{"scale": float("nan")}, {"scale": float("inf")}, {"seed": -1}, {"seed": "x"}]
)
def test_values_that_are_none(tmp_path: Path, arguments: dict[str, Any]) -> None:
    with pytest.raises(ArgumentError, match="takes a"):
        sf.build_sample(tmp_path / "x.sqlite", **arguments)
    with pytest.raises(ArgumentError, match="cache_path takes a folder"):
        sf.load_sample(cache_path=5)


def test_wrong_arguments(tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match="scale takes a number above 0"):
        sf.build_sample(tmp_path / "x.sqlite", scale=0)
    with pytest.raises(ArgumentError, match="size takes 'small', 'medium', 'full'; got 'large'"):
        sf.build_sample(tmp_path / "x.sqlite", size="large")  # type: ignore[arg-type]
    (tmp_path / "x.sqlite").write_text("mine")
    with pytest.raises(ExportError, match="is there already"):
        sf.build_sample(tmp_path / "x.sqlite")
    assert (tmp_path / "x.sqlite").read_text() == "mine"
    with pytest.raises(ExportError, match="SYNPHYS_FRAMES_CACHE"):
        sf.load_sample(cache_path=tmp_path / "x.sqlite")
