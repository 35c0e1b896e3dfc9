from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
import pytest

import synphys_frames as sf
from synphys_frames.errors import ArgumentError
from tests.support.release_builder import build, change

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def changed(tmp_path: Path) -> tuple[sf.SynphysDatabase, sf.SynphysDatabase]:
    before = build(tmp_path / "before.sqlite")
    after = change(
        build(tmp_path / "after.sqlite"),
        # Row ids may be quite other ones in a new release; external ids are not.
        "UPDATE pair SET id = id + 100",
        "UPDATE pair SET has_synapse = 1 WHERE id = 102",
        "UPDATE pair SET has_synapse = NULL WHERE id = 106",
        "UPDATE pair SET has_synapse = 0 WHERE id = 103",
        "DELETE FROM pair WHERE id = 104",
        "INSERT INTO pair (id, experiment_id, pre_cell_id, post_cell_id, has_synapse) "
        "VALUES (200, 10, 2, 4, 1)",
        "DELETE FROM synapse WHERE id = 9",
    )
    return sf.load_sqlite(before), sf.load_sqlite(after)


def test_pairs_that_changed(changed: tuple[sf.SynphysDatabase, sf.SynphysDatabase]) -> None:
    pairs = changed[0].diff(changed[1]).pairs
    assert pairs.dtypes.astype(str).tolist() == [*["str"] * 4, *["boolean"] * 2, *["Int64"] * 2]
    assert pairs.astype(object).where(pairs.notna(), None).to_numpy().tolist() == [
        ["1500.101", "1", "2", "has_synapse", None, False, 3, 103],
        ["1500.101", "2", "4", "appeared", None, True, None, 200],
        ["1500.101", "3", "1", "has_synapse", False, True, 2, 102],
        ["1500.101", "4", "3", "vanished", True, None, 4, None],
        ["1600.202", "2", "1", "has_synapse", False, None, 6, 106],
    ]


def test_row_counts(changed: tuple[sf.SynphysDatabase, sf.SynphysDatabase]) -> None:
    rows = sf.compare(*changed).rows.set_index("table")
    assert rows.loc["synapse"].tolist() == [3, 2, -1]
    assert rows.loc["pair", "change"] == 0
    assert len(rows) == 32


def test_the_summary(changed: tuple[sf.SynphysDatabase, sf.SynphysDatabase]) -> None:
    assert repr(changed[0].diff(changed[1])) == (
        "<ReleaseDiff before.sqlite -> after.sqlite: 0 tables, 0 columns; "
        "1 pairs appeared, 1 vanished, 3 changed has_synapse>"
    )


def test_across_schema_versions(tmp_path: Path) -> None:
    paths = [
        sf.build_sample(tmp_path / f"{version}.sqlite", scale=1 / 300, schema_version=version)
        for version in ("17", "22")
    ]
    diff = sf.compare(*paths)
    assert diff.tables.set_index("table")["change"].to_dict() == {
        "poly_synapse": "added",
        "synapse_model": "added",
        "conductance": "added",
    }
    columns = diff.columns.set_index(["table", "column"])
    assert columns.loc[("intrinsic", "ap_width")].tolist() == ["renamed", "width", "ap_width"]
    assert columns.loc[("pair", "lateral_distance"), "change"] == "added"
    assert columns.loc[("morphology", "cortical_layer"), "change"] == "removed"
    assert len(diff.pairs) == 0
    assert pd.isna(diff.rows.set_index("table").loc["conductance", "before"])


def test_what_can_be_compared(tiny: sf.SynphysDatabase, tiny_path: Path) -> None:
    for other in (tiny, tiny_path, str(tiny_path)):
        assert len(sf.compare(tiny, other).pairs) == 0
    with pytest.raises(ArgumentError, match="diff takes a SynphysDatabase"):
        tiny.diff("tiny.sqlite")


def test_pairs_that_can_not_be_matched_are_told(tmp_path: Path) -> None:
    path = build(tmp_path / "a.sqlite")
    twice = change(build(tmp_path / "b.sqlite"), "UPDATE cell SET ext_id = '1' WHERE id IN (1, 3)")
    nameless = change(build(tmp_path / "c.sqlite"), "UPDATE experiment SET ext_id = NULL")
    same = sf.compare(twice, twice)
    assert len(same.pairs) == 0
    # 1 to 3 and 3 to 1 now have one key; 4 to 3 and 1 to 2 keep theirs.
    assert same.unmatched == (2, 2)
    lost = sf.compare(path, nameless)
    assert lost.unmatched == (0, 6)
    assert "0 and 6 can't be matched" in repr(lost)
