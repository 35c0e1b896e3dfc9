"""Everything above the seam works on any storage that has what the seam asks for."""

from __future__ import annotations

import pandas as pd
import pytest

import synphys_frames as sf
from synphys_frames.backends.base import Storage
from tests.support.memory_storage import MemoryStorage
from tests.support.release_builder import TINY


@pytest.fixture
def in_memory() -> sf.SynphysDatabase:
    return sf.SynphysDatabase(MemoryStorage(TINY | {"metadata": [{"id": 1, "meta": "{}"}]}))


@pytest.mark.parametrize("table", ["cell", "pair", "morphology", "resting_state_fit"])
def test_tables(in_memory: sf.SynphysDatabase, tiny: sf.SynphysDatabase, table: str) -> None:
    pd.testing.assert_frame_equal(in_memory[table], tiny[table])


def test_pairs_and_connectivity(in_memory: sf.SynphysDatabase, tiny: sf.SynphysDatabase) -> None:
    classes = {"in": sf.CellClass(cell_class="in"), "ex": sf.CellClass("cell_class = 'ex'")}
    ours, theirs = (
        one.pairs(species="mouse", where="pair.distance < 1e-2", include=["cell", "synapse"])
        for one in (in_memory, tiny)
    )
    pd.testing.assert_frame_equal(ours, theirs)
    assert len(ours) == 3
    pd.testing.assert_frame_equal(
        ours.synphys.connectivity(classes), theirs.synphys.connectivity(classes)
    )
    assert ours.synphys.related("cell")["id"].tolist() == [1, 3, 4]


def test_counts(in_memory: sf.SynphysDatabase, tiny: sf.SynphysDatabase) -> None:
    assert in_memory.size == "small"
    pd.testing.assert_frame_equal(in_memory.tables, tiny.tables)


def test_a_storage_without_one_of_its_parts_can_not_be_made() -> None:
    class Half(Storage):
        names = "native"
        loader = "half"

    with pytest.raises(TypeError, match=r"attach.*facts.*fingerprint.*select"):
        Half()  # type: ignore[abstract]
