"""A dataset that to_parquet wrote is the release that it was written from."""

from __future__ import annotations

import pickle
import shutil
from typing import TYPE_CHECKING, Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import synphys_frames as sf
from synphys_frames.errors import (
    ArgumentError,
    ExportError,
    MissingRowsError,
    NotInVersionError,
    ReleaseFileError,
    UnknownColumnError,
    UnknownTableError,
)
from synphys_frames.schema.published import VERSIONS
from tests.support.queries import EXPRESSIONS, filter_sets
from tests.support.release_builder import build, change

if TYPE_CHECKING:
    from pathlib import Path

INCLUDES = [
    "experiment",
    "cell",
    "synapse",
    "conductance",
    "post_cell.position",
    "pre_intrinsic.tau",
]
CLASSES = {
    "Pvalb": sf.CellClass(cre_type="pvalb"),
    "L5": sf.CellClass(target_layer="5"),
    "ex": sf.CellClass("cell_class = 'ex'"),
}


def written(db: sf.SynphysDatabase, folder: Path) -> sf.SynphysDatabase:
    db.to_parquet(folder, progress=False)
    return sf.load_parquet(folder)


@pytest.fixture(scope="session")
def dataset(db: sf.SynphysDatabase, tmp_path_factory: pytest.TempPathFactory) -> sf.SynphysDatabase:
    return written(db, tmp_path_factory.mktemp("dataset"))


@pytest.fixture(scope="session")
def datasets(
    releases: dict[str, sf.SynphysDatabase], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, sf.SynphysDatabase]:
    folder = tmp_path_factory.mktemp("datasets")
    return {version: written(db, folder / version) for version, db in releases.items()}


def same(ours: pd.DataFrame, theirs: pd.DataFrame) -> None:
    pd.testing.assert_frame_equal(ours, theirs)
    assert {key: value for key, value in ours.attrs["synphys"].items() if key != "file"} == {
        key: value for key, value in theirs.attrs["synphys"].items() if key != "file"
    }


@pytest.mark.filterwarnings("ignore::synphys_frames.errors.MissingRowsWarning")
@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("dtype_backend", [None, pytest.param("pyarrow", marks=pytest.mark.slow)])
def test_every_table_of_every_version(
    releases: dict[str, sf.SynphysDatabase],
    datasets: dict[str, sf.SynphysDatabase],
    version: str,
    dtype_backend: Any,
) -> None:
    db, dataset = releases[version], datasets[version]
    assert list(dataset.tables["table"]) == list(db.tables["table"])
    pd.testing.assert_frame_equal(dataset.tables, db.tables)
    for name in db.tables["table"]:
        ours = dataset.table(name, dtype_backend=dtype_backend)
        same(ours, db.table(name, dtype_backend=dtype_backend))


@pytest.mark.parametrize("version", ["15", "17", "18", "22"])
def test_recordings_come_along(
    medium: dict[str, sf.SynphysDatabase], tmp_path: Path, version: str
) -> None:
    db = medium[version]
    dataset = written(db, tmp_path)
    assert dataset.size == db.size == "medium"
    for name in ("recording", "patch_clamp_recording", "pulse_response", "stim_pulse"):
        same(dataset[name], db[name])
    cells = db.cell.head(3).synphys.related("recording")
    same(dataset.cell.head(3).synphys.related("recording"), cells)
    pairs, theirs = dataset.pairs(), db.pairs()
    probed = "synaptic" if version == "15" else "nonsynaptic"
    for kind in ("electrical", "chemical"):
        pd.testing.assert_frame_equal(
            pairs.synphys.connectivity(CLASSES, kind=kind, probed=probed),
            theirs.synphys.connectivity(CLASSES, kind=kind, probed=probed),
        )


def test_what_a_release_says_of_itself(db: sf.SynphysDatabase, dataset: sf.SynphysDatabase) -> None:
    for name in ("metadata", "schema_version", "size", "version_name", "project_names"):
        assert getattr(dataset, name) == getattr(db, name)
    schema = dataset.schema
    pd.testing.assert_frame_equal(schema, db.schema)
    assert repr(dataset) == repr(db)


def test_old_names_are_the_newest_in_a_dataset(datasets: dict[str, sf.SynphysDatabase]) -> None:
    old = datasets["15"]
    assert old.schema["native_name"].isna().all()
    same(old.table("cell", native=True), old["cell"])
    with pytest.raises(NotInVersionError, match=r"synapse_model.*r2\.0-pre4"):
        old["synapse_model"]
    with pytest.raises(UnknownColumnError, match=r"cell\.cell_class"):
        old.table("cell", ["is_excitatory"])


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    filters=filter_sets,
    include=st.lists(st.sampled_from(INCLUDES), max_size=3, unique=True),
    where=st.one_of(st.none(), st.sampled_from(EXPRESSIONS)),
    budget=st.sampled_from([None, 0, 100_000]),
)
def test_any_query_gives_the_same_pairs(
    db: sf.SynphysDatabase,
    dataset: sf.SynphysDatabase,
    filters: dict[str, Any],
    include: list[str],
    where: str | None,
    budget: int | None,
) -> None:
    asked = dict(filters)
    asked |= {"pre_class": asked.pop("pre"), "post_class": asked.pop("post"), "where": where}
    theirs = db.pairs(**asked, include=include)
    sf.config.memory_budget = budget
    try:
        same(dataset.pairs(**asked, include=include), theirs)
    finally:
        sf.config.memory_budget = None


@pytest.mark.parametrize("version", ["16", "18", "22"])
def test_verbs_on_frames(
    releases: dict[str, sf.SynphysDatabase], datasets: dict[str, sf.SynphysDatabase], version: str
) -> None:
    ours, theirs = (
        one[version].pairs(species="mouse", include="cell") for one in (datasets, releases)
    )
    for kind in ("chemical", "reciprocal"):
        pd.testing.assert_frame_equal(
            ours.synphys.connectivity(CLASSES, kind=kind),
            theirs.synphys.connectivity(CLASSES, kind=kind),
        )
    classified = (one.synphys.classify(CLASSES, overlap="first") for one in (ours, theirs))
    same(*classified)
    ours, theirs = (one[version].experiment.head(2) for one in (datasets, releases))
    same(ours.synphys.join("slice"), theirs.synphys.join("slice"))
    same(ours.synphys.related("cell"), theirs.synphys.related("cell"))
    same(ours.synphys.pairs(synapse=True), theirs.synphys.pairs(synapse=True))


@pytest.mark.parametrize(
    "query",
    [
        "SELECT species, count(*) AS n, avg(age) AS age FROM slice GROUP BY 1 ORDER BY 1",
        "SELECT count(*) AS n FROM release.pair WHERE has_synapse",
        "SELECT position FROM cell ORDER BY id LIMIT 3",
        "SELECT ic_avg_data FROM resting_state_fit ORDER BY id LIMIT 3",
    ],
)
def test_sql(db: sf.SynphysDatabase, dataset: sf.SynphysDatabase, query: str) -> None:
    same(dataset.sql(query), db.sql(query))


def test_parts_of_tables(db: sf.SynphysDatabase, dataset: sf.SynphysDatabase) -> None:
    asked = {"columns": ["distance", "id"], "where": "distance < 1e-4", "limit": 5}
    same(dataset.table("pair", **asked), db.table("pair", **asked))
    assert dataset.relation("pair").count("*").fetchone() == (len(db.pair),)


def test_a_frame_finds_its_dataset_again(dataset: sf.SynphysDatabase) -> None:
    slices = dataset["slice"]
    again = pickle.loads(pickle.dumps(dataset))
    same(again["slice"], slices)
    assert again.path == dataset.path
    copied = pickle.loads(pickle.dumps(slices.head(1)))
    assert copied.attrs["synphys"]["file"] == str(dataset.path)
    assert len(copied.synphys.related("experiment")) == len(
        slices.head(1).synphys.related("experiment")
    )
    assert len(sf.SynphysDatabase(dataset.path)["slice"]) == len(slices)


def test_a_dataset_can_be_written_again(dataset: sf.SynphysDatabase, tmp_path: Path) -> None:
    again = written(dataset, tmp_path / "again")
    for name in ("pair", "cell", "synapse", "resting_state_fit", "metadata"):
        same(again[name], dataset[name])
    with pytest.raises(ExportError, match="is the dataset that is read"):
        dataset.to_parquet(dataset.path, progress=False)


def test_users_own_tables_and_columns_come_along(tiny_path: Path, tmp_path: Path) -> None:
    path = shutil.copy(tiny_path, tmp_path / "own.sqlite")
    change(
        path,
        "CREATE TABLE score (id INTEGER PRIMARY KEY, cell_id INTEGER REFERENCES cell (id), "
        "value REAL, good BOOLEAN, note VARCHAR)",
        "INSERT INTO score VALUES (1, 2, 0.5, 1, 'x'), (2, 3, NULL, NULL, NULL)",
        "ALTER TABLE cell ADD COLUMN mark INTEGER",
        "UPDATE cell SET mark = id * 3",
    )
    with sf.load_sqlite(path) as db, written(db, tmp_path / "own") as dataset:
        same(dataset["score"], db["score"])
        assert dataset.cell["mark"].tolist() == [3, 6, 9, 12, 15, 18]
        joined = dataset.cell.synphys.join("score")
        assert joined["score.value"].tolist()[1] == 0.5
        same(joined, db.cell.synphys.join("score"))


@pytest.mark.parametrize(
    "name", ["x=1", "a [b] c", "what?", "star*", "it's", "ü ñ", "{a,b}", "~x", "$HOME"]
)
def test_folders_of_any_name(tiny: sf.SynphysDatabase, tmp_path: Path, name: str) -> None:
    same(written(tiny, tmp_path / name)["pair"], tiny["pair"])


def test_some_of_the_tables(tiny: sf.SynphysDatabase, tmp_path: Path) -> None:
    tiny.to_parquet(tmp_path, ["pair", "cell", "experiment"], progress=False)
    dataset = sf.load_parquet(tmp_path)
    assert list(dataset.tables["table"]) == ["experiment", "cell", "pair"]
    assert dataset.size == "small"
    assert dataset.pairs(synapse=True)["pair.id"].tolist() == [1, 4, 5]
    with pytest.raises(UnknownTableError, match=r"'synapse' was left out.*experiment, cell, pair"):
        dataset["synapse"]
    with pytest.raises(UnknownTableError, match=r"'slice' was left out"):
        dataset.pairs(species="mouse")
    # What small files lack anyway is said as of the file.
    with pytest.raises(UnknownTableError, match="recording"):
        dataset.cell.synphys.related("recording")


def test_a_medium_release_stays_medium_without_its_recordings(
    medium: dict[str, sf.SynphysDatabase], tmp_path: Path
) -> None:
    medium["22"].to_parquet(tmp_path, ["pair"], progress=False)
    assert sf.load_parquet(tmp_path).size == "medium"


def test_recordings_of_a_small_release(dataset: sf.SynphysDatabase) -> None:
    with pytest.raises(MissingRowsError, match="recording"):
        dataset.cell.head(1).synphys.related("recording")


def test_files_of_two_releases(tiny: sf.SynphysDatabase, tmp_path: Path) -> None:
    other = build(tmp_path / "other.sqlite", creation_date="2020-01-01")
    tiny.to_parquet(tmp_path / "mixed", ["pair"], progress=False)
    with sf.load_sqlite(other) as db:
        db.to_parquet(tmp_path / "mixed", ["cell"], progress=False)
    with pytest.raises(ReleaseFileError, match=r"several releases.*other\.sqlite.*tiny\.sqlite"):
        sf.load_parquet(tmp_path / "mixed")


def test_files_that_note_no_release(tiny: sf.SynphysDatabase, tmp_path: Path) -> None:
    tiny.to_parquet(tmp_path, ["pair"], progress=False)
    tiny.pairs().to_parquet(tmp_path / "mine.parquet")
    (tmp_path / ".hidden.parquet").write_bytes(b"half")
    (tmp_path / "notes.txt").write_text("of somebody")
    assert list(sf.load_parquet(tmp_path).tables["table"]) == ["pair"]
    tiny.cell.to_parquet(tmp_path / "cell.parquet")
    with pytest.raises(ReleaseFileError, match=r"cell\.parquet is not the table 'cell'"):
        sf.load_parquet(tmp_path)


def test_a_file_under_the_name_of_another(tiny: sf.SynphysDatabase, tmp_path: Path) -> None:
    [pair] = tiny.to_parquet(tmp_path, ["pair"], progress=False)
    pair.rename(tmp_path / "cell.parquet")
    with pytest.raises(ReleaseFileError, match="is not the table 'cell'"):
        sf.load_parquet(tmp_path)


@pytest.mark.parametrize("damage", ["truncated", "empty", "text"])
def test_a_damaged_file(tiny: sf.SynphysDatabase, tmp_path: Path, damage: str) -> None:
    tiny.to_parquet(tmp_path, ["pair", "cell"], progress=False)
    file = tmp_path / "pair.parquet"
    content = file.read_bytes()
    file.write_bytes({"truncated": content[:-20], "empty": b"", "text": b"PAR1 no"}[damage])
    with pytest.raises(ReleaseFileError, match=r"pair\.parquet can't be read"):
        sf.load_parquet(tmp_path)


def test_a_spoilt_note(tiny: sf.SynphysDatabase, tmp_path: Path) -> None:
    [file] = tiny.to_parquet(tmp_path, ["pair"], progress=False)
    table = pq.read_table(file)
    for note in (b"no JSON", b'{"release": 1}', b"[]"):
        spoilt = table.replace_schema_metadata({b"synphys_frames.release": note})
        pq.write_table(spoilt, file)
        with pytest.raises(ReleaseFileError, match=r"pair\.parquet can't be read"):
            sf.load_parquet(tmp_path)


def test_a_file_that_lacks_a_column(tiny: sf.SynphysDatabase, tmp_path: Path) -> None:
    [file] = tiny.to_parquet(tmp_path, ["pair"], progress=False)
    table = pq.read_table(file)
    pq.write_table(table.drop_columns("distance"), file)
    with pytest.raises(ReleaseFileError, match="pair lacks distance"):
        sf.load_parquet(tmp_path)


def test_a_column_of_another_type(tiny: sf.SynphysDatabase, tmp_path: Path) -> None:
    [file] = tiny.to_parquet(tmp_path, ["pair"], progress=False)
    table = pq.read_table(file)
    place = table.column_names.index("distance")
    texts = table.column("distance").cast(pa.string())
    pq.write_table(table.set_column(place, table.field(place).with_type(pa.string()), texts), file)
    with pytest.raises(ReleaseFileError, match=r"pair\.distance is VARCHAR, not DOUBLE"):
        sf.load_parquet(tmp_path)


def test_no_dataset(tmp_path: Path, tiny_path: Path) -> None:
    with pytest.raises(ReleaseFileError, match="There is no folder"):
        sf.load_parquet(tmp_path / "missing")
    with pytest.raises(ReleaseFileError, match=r"load_sqlite\(path\)"):
        sf.load_parquet(tiny_path)
    with pytest.raises(ReleaseFileError, match="holds no dataset"):
        sf.load_parquet(tmp_path)
    with pytest.raises(ReleaseFileError, match="is a folder"):
        sf.load_sqlite(tmp_path)
    with pytest.raises(ArgumentError, match="folder takes a folder"):
        sf.load_parquet(None)


def test_a_file_that_was_written_anew(tiny: sf.SynphysDatabase, tmp_path: Path) -> None:
    dataset = written(tiny, tmp_path)
    file = tmp_path / "pair.parquet"
    pq.write_table(pq.read_table(file).slice(0, 2), file)
    with pytest.raises(ReleaseFileError, match=r"changed or replaced.*load_parquet"):
        dataset.pairs()


def test_closing(tiny: sf.SynphysDatabase, tmp_path: Path) -> None:
    dataset = written(tiny, tmp_path)
    with dataset:
        assert len(dataset["pair"]) == 6
    with pytest.raises(sf.SynphysError, match="load_parquet"):
        dataset["pair"]
