from __future__ import annotations

import copy
import shutil
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest

import synphys_frames as sf
from synphys_frames.errors import ArgumentError, JoinError, ProvenanceError, UnknownTableError
from tests.support.release_builder import TINY, build, query

if TYPE_CHECKING:
    from pathlib import Path

CellClass = sf.CellClass


@pytest.mark.parametrize(
    ("table", "ids", "expected"),
    [
        ("slice", [1], [1, 2, 3, 4]),
        ("experiment", [20], [5, 6]),
        ("cell", [1, 3], [1, 2]),
        ("cell", [1, 2, 3, 4], [1, 2, 3, 4]),
        ("cell", [1], []),
        ("pair", [5, 2], [2, 5]),
        ("synapse", [7, 9], [1, 5]),
        ("morphology", [1, 2], [1, 2]),
        ("resting_state_fit", [2], [5]),
        # The first fit is that of the polysynapse of pair 6.
        ("resting_state_fit", [1, 2], [5, 6]),
        ("experiment", [], []),
    ],
)
def test_a_frame_narrows_the_pairs(
    tiny: sf.SynphysDatabase, table: str, ids: list[int], expected: list[int]
) -> None:
    frame = tiny[table]
    assert frame[frame["id"].isin(ids)].synphys.pairs()["pair.id"].tolist() == expected


def test_the_arguments_filter_what_the_frame_narrows(tiny: sf.SynphysDatabase) -> None:
    mouse = tiny.slice[tiny.slice["species"] == "mouse"]
    found = mouse.synphys.pairs(synapse=True, pre_class={"cre_type": "pvalb"}, include="slice.age")
    assert found["pair.id"].tolist() == [1]
    assert found["slice.age"].tolist() == [50]


def test_wide_frames_narrow_too(tiny: sf.SynphysDatabase) -> None:
    wide = tiny.pairs(include="cell", synapse=True)
    assert wide.synphys.pairs(species="mouse")["pair.id"].tolist() == [1, 4]
    again = wide.sample(frac=1, random_state=1).synphys.pairs(include="synapse.latency")
    assert again["pair.id"].tolist() == [1, 4, 5]


def test_unknown_filters_are_refused(tiny: sf.SynphysDatabase) -> None:
    with pytest.raises(ArgumentError, match="no filter preclass"):
        tiny.cell.synphys.pairs(preclass="x")
    with pytest.raises(JoinError, match="Pairs don't belong to rows of 'electrode'"):
        tiny.electrode.synphys.pairs()


@pytest.mark.parametrize(
    ("table", "ids", "other", "expected"),
    [
        ("experiment", [10], "cell", [1, 2, 3, 4]),
        ("experiment", [20], "slice", [2]),
        ("slice", [1], "experiment", [10]),
        ("slice", [2], "synapse", [9]),
        ("cell", [3], "experiment", [10]),
        ("cell", [1, 3, 5], "morphology", [1, 2, 3]),
        ("cell", [1, 3], "pair", [1, 2]),
        ("cell", [1, 3], "synapse", [7]),
        ("pair", [4, 5], "cell", [3, 4, 5, 6]),
        ("pair", [4, 5], "pre_cell", [4, 5]),
        ("pair", [1], "avg_response_fit", [1, 2]),
        ("pair", [1, 5], "resting_state_fit", [2]),
        ("pair", [5, 6], "resting_state_fit", [1, 2]),
        ("resting_state_fit", [1], "pair", [6]),
        ("poly_synapse", [1], "resting_state_fit", [1]),
        ("experiment", [20], "resting_state_fit", [1, 2]),
        ("synapse", [7], "morphology", [1, 2]),
        ("morphology", [2], "intrinsic", [1]),
        ("pair", [2], "synapse", []),
        ("cell", [1, 3], "cell", [1, 3]),
    ],
)
def test_related(
    tiny: sf.SynphysDatabase, table: str, ids: list[int], other: str, expected: list[int]
) -> None:
    frame = tiny[table]
    found = frame[frame["id"].isin(ids)].synphys.related(other)
    assert found["id"].tolist() == expected
    name = other.removeprefix("pre_")
    pd.testing.assert_series_equal(found.dtypes, tiny[name].dtypes)
    assert found.attrs["synphys"]["table"] == name


def test_related_recordings(tmp_path: Path) -> None:
    path = sf.build_sample(tmp_path / "medium.sqlite", scale=1 / 600, size="medium")
    db = sf.load_sqlite(path)
    cells = db.cell.head(2)
    first, second = cells["id"].tolist()
    of_cells = f"JOIN cell c USING (electrode_id) WHERE c.id IN ({first}, {second}) ORDER BY 1"
    for table, sql in {
        "recording": f"SELECT r.id FROM recording r {of_cells}",
        "stim_spike": "SELECT s.id FROM stim_spike s JOIN stim_pulse p ON p.id = stim_pulse_id "
        f"JOIN recording r ON r.id = recording_id {of_cells}",
        "pulse_response": "SELECT r.id FROM pulse_response r JOIN pair p ON p.id = pair_id "
        f"WHERE pre_cell_id IN ({first}, {second}) AND post_cell_id IN ({first}, {second}) "
        "ORDER BY 1",
    }.items():
        expected = [row[0] for row in query(path, sql)]
        assert cells.synphys.related(table)["id"].tolist() == expected != []


def test_related_to_nothing(tiny: sf.SynphysDatabase) -> None:
    with pytest.raises(UnknownTableError, match="Did you mean 'cell'"):
        tiny.pair.synphys.related("cel")
    with pytest.raises(JoinError, match="No foreign key leads from 'pair' to 'metadata'"):
        tiny.pair.synphys.related("metadata")


def test_join_follows_keys_both_ways(tiny: sf.SynphysDatabase) -> None:
    cells = tiny.cell.synphys.join("morphology", "experiment", "slice.species")
    assert cells.columns[:11].tolist() == tiny.cell.columns.tolist()
    assert "morphology.meta" not in cells
    assert cells["slice.species"].tolist() == ["mouse"] * 4 + ["human"] * 2
    assert cells["morphology.dendrite_type"].fillna("-").tolist() == [
        "aspiny", "-", "spiny", "-", "-", "-",
    ]  # fmt: skip
    assert cells["morphology.id"].tolist() == [1, pd.NA, 2, pd.NA, 3, pd.NA]
    synapses = tiny.synapse.synphys.join("pre_cell.cre_type", "pair.distance")
    assert synapses["pair.distance"].tolist() == [100e-6, 0.0, 5e-5]
    assert synapses["pre_cell.cre_type"].tolist() == ["pvalb", "unknown", "unknown"]


def test_fits_are_beside_the_pair_of_either_synapse(tiny: sf.SynphysDatabase) -> None:
    joined = tiny["resting_state_fit"].synphys.join("pair.id", "experiment.id")
    assert joined["pair.id"].tolist() == [6, 5]
    assert joined["experiment.id"].tolist() == [20, 20]
    assert tiny.pairs(include="resting_state_fit.id")["resting_state_fit.id"].tolist()[5] is pd.NA


def test_rows_without_an_id_have_nothing_beside_them(tiny: sf.SynphysDatabase) -> None:
    frame = tiny.experiment.set_index("id").reindex([10, 99, 20]).reset_index()
    frame.attrs = tiny.experiment.attrs
    joined = frame.synphys.join("slice")
    assert joined["slice.species"].fillna("-").tolist() == ["mouse", "-", "human"]
    shifted = tiny.pair.set_index("id", drop=False).shift(1)
    shifted.attrs = tiny.pair.attrs
    assert shifted.synphys.join("pre_cell.id")["pre_cell.id"].tolist() == [pd.NA, 1, 3, 1, 4, 5]


def test_join_keeps_rows_index_and_frame(tiny: sf.SynphysDatabase) -> None:
    frame = tiny.experiment.iloc[[1, 0, 1]].assign(extra=[1, 2, 3]).set_axis(list("bab"))
    before = frame.copy(deep=True)
    joined = frame.synphys.join("slice")
    assert joined.index.tolist() == list("bab")
    assert joined["slice.species"].tolist() == ["human", "mouse", "human"]
    assert joined["extra"].tolist() == [1, 2, 3]
    pd.testing.assert_frame_equal(frame, before)
    assert frame.attrs == before.attrs == joined.attrs
    joined.attrs["synphys"]["table"] = "changed"
    assert frame.attrs["synphys"]["table"] == "experiment"


def test_join_on_a_wide_frame_adds_what_is_not_there(tiny: sf.SynphysDatabase) -> None:
    wide = tiny.pairs(include="pre_cell.cre_type")
    wide["pre_cell.cre_type"] = "changed"
    joined = wide.synphys.join("cell", "synapse")
    assert joined["pre_cell.cre_type"].tolist() == ["changed"] * 6
    assert joined["post_cell.cre_type"].fillna("-").tolist()[:2] == ["-", "pvalb"]
    assert joined["synapse.latency"].notna().sum() == 2
    assert not joined.columns.duplicated().any()


@pytest.mark.parametrize(
    ("table", "names", "message"),
    [
        ("experiment", ("cell",), "several rows for one row of 'experiment'"),
        ("synapse", ("avg_response_fit",), r"related\('avg_response_fit'\)"),
        ("experiment", ("experiment",), "rows of 'experiment' already"),
        ("cell", ("metadata",), "No foreign key"),
    ],
)
def test_join_with_several_rows(
    tiny: sf.SynphysDatabase, table: str, names: tuple[str, ...], message: str
) -> None:
    with pytest.raises(JoinError, match=message):
        tiny[table].synphys.join(*names)


CLASSES = {
    "spiny": CellClass(dendrite_type="spiny"),
    "layer 5": CellClass(target_layer="5"),
    "inhibitory": CellClass(cell_class="in"),
}


@pytest.mark.parametrize("include", [(), "cell"])
def test_classify(tiny: sf.SynphysDatabase, include: Any) -> None:
    pairs = tiny.pairs(include=include)
    classified = pairs.synphys.classify(CLASSES, overlap="first")
    # Cell 3 is spiny and in layer 5: the first class counts. Cell 2 is in layer 5 and inhibitory.
    pre, post = classified["pre_class"], classified["post_class"]
    assert pre.astype(object).where(pre.notna(), None).tolist() == [
        "inhibitory", "spiny", "inhibitory", None, None, None,
    ]  # fmt: skip
    assert post.astype(object).where(post.notna(), None).tolist() == [
        "spiny", "inhibitory", "layer 5", "spiny", None, None,
    ]  # fmt: skip
    assert pre.cat.categories.tolist() == list(CLASSES)
    assert "pre_class" not in pairs
    assert classified.columns[:-2].tolist() == pairs.columns.tolist()


def test_classify_on_any_index(tiny: sf.SynphysDatabase) -> None:
    pairs = tiny.pairs(include="cell").iloc[[3, 0, 0]].set_axis([("x", 1), ("y", 1), ("y", 1)])
    before = pairs.copy(deep=True)
    classified = pairs.synphys.classify(CLASSES, overlap="first")
    assert classified["post_class"].tolist() == ["spiny"] * 3
    assert classified.index.equals(pairs.index)
    pd.testing.assert_frame_equal(pairs, before)
    empty = pairs.iloc[:0].synphys.classify(CLASSES, overlap="first")
    assert empty["pre_class"].cat.categories.tolist() == list(CLASSES)


def test_classify_goes_by_the_frame_where_it_has_the_columns(tiny: sf.SynphysDatabase) -> None:
    pairs = tiny.pairs(include=["pre_cell.cre_type", "post_cell.cre_type"])
    pairs["pre_cell.cre_type"] = "vip"
    classified = pairs.synphys.classify([CellClass(cre_type="vip"), CellClass(cre_type="pvalb")])
    assert classified["pre_class"].tolist() == ["vip"] * 6
    assert classified["post_class"].tolist()[1] == "pvalb"
    # Without attrs and without ids, the columns alone decide.
    bare = pd.DataFrame(pairs[["pre_cell.cre_type", "post_cell.cre_type"]].to_dict("list"))
    alone = bare.synphys.classify([CellClass(cre_type="pvalb")])
    assert alone["post_class"].isna().tolist() == [True, False, True, True, True, True]


def test_classify_decides_by_the_values_of_each_row(tiny: sf.SynphysDatabase) -> None:
    # The same cell ids, other cells: pairs of two releases in one frame.
    first = tiny.pairs(include=["cell.cre_type"])
    second = first.assign(**{"pre_cell.cre_type": ["sst", "vip"] * 3})
    both = pd.concat([first, second], ignore_index=True)
    classified = both.synphys.classify(
        [CellClass(cre_type="sst"), CellClass(cre_type="vip"), CellClass(cre_type="pvalb")]
    )
    found = classified["pre_class"].astype(object)
    assert found.where(found.notna(), None).tolist() == [
        "pvalb", None, "pvalb", None, None, None, "sst", "vip", "sst", "vip", "sst", "vip",
    ]  # fmt: skip
    # Criteria that the frame lacks come from the database, cell by cell.
    mixed = both.synphys.classify({"it": CellClass(cre_type="sst", dendrite_type="aspiny")})
    assert mixed["pre_class"].notna().tolist() == [False] * 6 + [True, False, True] + [False] * 3


def test_classify_on_arrow_types(tiny: sf.SynphysDatabase) -> None:
    plain = tiny.pairs(include="cell").synphys.classify(CLASSES, overlap="first")
    arrow = tiny.pairs(include="cell", dtype_backend="pyarrow").synphys.classify(
        CLASSES, overlap="first"
    )
    pd.testing.assert_series_equal(plain["pre_class"], arrow["pre_class"])


@pytest.mark.parametrize(
    ("classes", "message"),
    [
        ([CellClass(cell_class="ex")], "distinct names"),
        ([CellClass(cre_type="sst"), CellClass(cre_type="sst")], "distinct names"),
        ("sst", "classes takes a dict"),
        ({"sst": "sst"}, "takes a CellClass"),
        (7, "classes takes a dict"),
        ([None, CellClass(cre_type="sst")], "distinct names"),
        ({1: CellClass(cre_type="sst")}, "distinct names"),
    ],
)
def test_classes_need_names(tiny: sf.SynphysDatabase, classes: Any, message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        tiny.pairs().synphys.classify(classes)


def test_the_accessor_shows_what_users_call(tiny: sf.SynphysDatabase) -> None:
    shown = [name for name in dir(tiny.pair.synphys) if not name.startswith("_")]
    assert shown == [
        "classify", "compare", "connectivity", "connectivity_profile", "fit_distance", "join",
        "matrix", "pairs", "plot", "related", "schema", "tally", "to_units",
    ]  # fmt: skip


def test_a_frame_without_provenance(tiny: sf.SynphysDatabase) -> None:
    lost = pd.DataFrame(tiny.experiment.to_dict("list"))
    for call in (
        lambda: lost.synphys.pairs(),
        lambda: lost.synphys.related("cell"),
        lambda: lost.synphys.join("slice"),
    ):
        with pytest.raises(ProvenanceError, match="db=load_sqlite"):
            call()
    assert len(lost.synphys.pairs(db=tiny)) == 6
    assert lost.synphys.join("slice", db=tiny)["slice.species"].tolist() == ["mouse", "human"]
    wide = pd.DataFrame(tiny.pairs().to_dict("list"))
    assert len(wide.synphys.related("cell", db=tiny)) == 6
    # A part of a table, or a query's result, could be of any.
    query = tiny.sql("SELECT experiment.id, species, age FROM experiment JOIN slice USING (id)")
    with pytest.raises(ProvenanceError, match="which table"):
        query.synphys.related("experiment")
    unclear = pd.DataFrame({"id": [1, 2], "species": ["mouse", "mouse"], "age": [3, 4]})
    with pytest.raises(ProvenanceError, match="which table"):
        unclear.synphys.pairs(db=tiny)
    with pytest.raises(ArgumentError, match="db takes a SynphysDatabase"):
        lost.synphys.pairs(db="tiny.sqlite")
    with pytest.raises(ProvenanceError, match=r"has no column 'pre_cell.cre_type', nor the ids"):
        pd.DataFrame({"x": [1]}).synphys.classify([CellClass(cre_type="sst")])


def test_a_frame_that_lost_its_ids(tiny: sf.SynphysDatabase) -> None:
    with pytest.raises(ProvenanceError, match="lost its ids"):
        tiny.cell.drop(columns="id").synphys.related("experiment")
    with pytest.raises(ProvenanceError, match="should hold ids"):
        tiny.cell.assign(id=1.5).synphys.related("experiment")
    for odd in (float("inf"), pd.Timestamp("2020-01-01"), 2.0**60, Decimal(2**60), 2**63, 10**30):
        with pytest.raises(ProvenanceError, match="should hold ids"):
            tiny.cell.assign(id=odd).synphys.join("experiment")
    with pytest.raises(ProvenanceError, match="should hold ids"):
        tiny.cell.assign(id="a").synphys.related("experiment")
    some = tiny.cell.assign(id=[1.0, np.nan, 3.0, np.nan, np.nan, np.nan])
    assert some.synphys.related("morphology")["id"].tolist() == [1, 2]
    assert some.synphys.join("morphology")["morphology.id"].tolist()[:3] == [1, pd.NA, 2]


def test_columns_of_one_name(tiny: sf.SynphysDatabase) -> None:
    pairs = tiny.pairs()
    twice = pd.concat([pairs, pairs[["pair.id", "pair.pre_cell_id"]]], axis=1)
    twice.attrs = pairs.attrs
    with pytest.raises(ProvenanceError, match=r"2 columns named 'pair\.pre_cell_id'"):
        twice.synphys.classify([CellClass(cre_type="sst")])
    with pytest.raises(ProvenanceError, match=r"2 columns named 'pair\.id'"):
        twice.synphys.join("synapse")


def test_related_takes_one_name_and_arrow_types(tiny: sf.SynphysDatabase) -> None:
    with pytest.raises(ArgumentError, match="name of one table"):
        tiny.cell.synphys.related(["experiment"])
    arrow = tiny.experiment.synphys.related("cell", dtype_backend="pyarrow")
    assert all(isinstance(dtype, pd.ArrowDtype) for dtype in arrow.dtypes)


def test_provenance_survives_pandas_and_parquet(tiny: sf.SynphysDatabase, tmp_path: Path) -> None:
    frame = tiny.pairs(include="cell").query("`pair.has_synapse` == True").sort_values("pair.id")
    frame.to_parquet(tmp_path / "frame.parquet")
    back = pd.read_parquet(tmp_path / "frame.parquet")
    assert back.attrs == frame.attrs
    assert back.synphys.pairs()["pair.id"].tolist() == [1, 4, 5]
    pd.testing.assert_series_equal(back.dtypes.astype(str), frame.dtypes.astype(str))


def test_a_frame_outlives_its_database(tmp_path: Path) -> None:
    path = build(tmp_path / "r.sqlite")
    frame = sf.load_sqlite(path).cell
    assert len(frame.synphys.pairs()) == 6
    path.unlink()
    with pytest.raises(ProvenanceError, match="not there any more"):
        frame.synphys.pairs()


def test_a_release_that_moved_into_the_cache_is_found(tmp_path: Path) -> None:
    path = build(tmp_path / "here" / "synphys_r2.0_small.sqlite")
    frame = sf.load_sqlite(path).cell
    sf.config.cache_path = tmp_path / "there"
    sf.config.cache_path.mkdir()
    shutil.move(path, sf.config.cache_path / path.name)
    assert len(frame.synphys.pairs()) == 6


@pytest.mark.parametrize(
    "dtype", [object, "Int64", "uint64", "UInt64", "str", "category", "uint64[pyarrow]"]
)
def test_ids_of_any_size_and_type_find_their_rows(tmp_path: Path, dtype: Any) -> None:
    large = 2**53
    rows = copy.deepcopy(TINY)
    for row in rows["pair"]:
        row["id"] += large
    for table in ("synapse", "poly_synapse", "dynamics"):
        for row in rows[table]:
            row["pair_id"] += large
    with sf.load_sqlite(build(tmp_path / "large.sqlite", rows)) as db:
        pairs = db.pairs().astype({"pair.id": dtype})
        found = pairs.synphys.join("synapse")["synapse.id"]
        assert found.fillna(0).tolist() == [7, 0, 0, 8, 9, 0]
