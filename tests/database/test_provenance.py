"""Frames and the releases that they are rows of."""

from __future__ import annotations

import copy
import gc
import io
import os
import pickle
import shutil
import sqlite3
import warnings
from contextlib import closing, suppress
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest

import synphys_frames as sf
from synphys_frames.database.database import release_of
from synphys_frames.errors import ClosedError, ProvenanceError, ReadOnlyError, RepeatedPairsError
from tests.support.release_builder import TINY, build, change

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

CLASSES = {"ex": sf.CellClass(cell_class_nonsynaptic="ex")}

VERBS: dict[str, Callable[[pd.DataFrame, Any], object]] = {
    "pairs": lambda frame, db: frame.synphys.pairs(db=db),
    "related": lambda frame, db: frame.synphys.related("experiment", db=db),
    "join": lambda frame, db: frame.synphys.join("experiment", db=db),
}
ON_PAIRS: dict[str, Callable[[pd.DataFrame, Any], object]] = {
    "classify": lambda frame, db: frame.synphys.classify(CLASSES, db=db),
    "connectivity": lambda frame, db: frame.synphys.connectivity(CLASSES, db=db),
}


def other_rows() -> dict[str, list[dict[str, Any]]]:
    """The same tables with as many rows, but each experiment's cells are the other's."""
    rows = copy.deepcopy(TINY)
    swapped = {10: 20, 20: 10}
    for table in ("cell", "pair"):
        for row in rows[table]:
            row["experiment_id"] = swapped[row["experiment_id"]]
    rows["experiment"][0]["ext_id"] = "1700.303"
    rows["slice"][0]["ext_id"] = "1700.003"
    return rows


@pytest.fixture
def other(tmp_path: Path) -> Iterator[sf.SynphysDatabase]:
    with sf.load_sqlite(build(tmp_path / "other.sqlite", other_rows())) as db:
        yield db


def without_note(frame: pd.DataFrame) -> pd.DataFrame:
    bare = frame.copy()
    bare.attrs = {"synphys": {"table": frame.attrs["synphys"]["table"]}}
    return bare


@pytest.mark.parametrize(
    ("table", "verb"),
    [(table, verb) for table in ("slice", "cell", "synapse") for verb in VERBS]
    + [(table, verb) for table in ("pair", "wide") for verb in VERBS | ON_PAIRS],
)
def test_a_frame_and_another_release(
    tiny: sf.SynphysDatabase, other: sf.SynphysDatabase, table: str, verb: str
) -> None:
    frame = tiny.pairs() if table == "wide" else tiny[table]
    with pytest.raises(
        ProvenanceError, match=r"tiny\.sqlite .*the database is other\.sqlite"
    ) as it:
        (VERBS | ON_PAIRS)[verb](frame, other)
    for db in (tiny, other):
        assert str(db.path) in str(it.value)
        assert db.cell.attrs["synphys"]["content"] in str(it.value)


DIFFERING = {
    "slice": "slice.ext_id differs in 1 rows (id 1: 1500.001 in the frame, 1700.003",
    "experiment": "experiment.ext_id differs in 1 rows",
    "cell": "cell.experiment_id differs in 6 rows (id 1: 10 in the frame, 20",
    "pair": "pair.experiment_id differs in 6 rows",
    "wide": "pair.experiment_id differs in 6 rows",
}


@pytest.mark.parametrize(
    ("table", "verb"),
    [(table, verb) for table in ("slice", "cell") for verb in VERBS]
    + [(table, verb) for table in ("pair", "wide") for verb in VERBS | ON_PAIRS]
    + [("experiment", "pairs")],
)
def test_without_a_note_the_keys_tell(
    tiny: sf.SynphysDatabase, other: sf.SynphysDatabase, table: str, verb: str
) -> None:
    frame = without_note(tiny.pairs() if table == "wide" else tiny[table])
    with pytest.raises(ProvenanceError, match=r"other\.sqlite") as it:
        (VERBS | ON_PAIRS)[verb](frame, other)
    assert DIFFERING[table] in str(it.value)
    (VERBS | ON_PAIRS)[verb](frame, tiny)


def test_keys_of_what_stands_beside_pairs(
    tiny: sf.SynphysDatabase, other: sf.SynphysDatabase
) -> None:
    wide = tiny.pairs(include=["slice.ext_id", "slice.id", "post_cell.ext_id"])
    frame = without_note(wide).drop(
        columns=["pair.experiment_id", "pair.pre_cell_id", "pair.post_cell_id"]
    )
    with pytest.raises(ProvenanceError, match=r"slice\.ext_id differs in 4 rows"):
        frame.synphys.join("synapse", db=other)
    assert len(frame.synphys.join("synapse", db=tiny)) == 6
    swapped = tiny.pairs(include="post_cell.ext_id")
    swapped["post_cell.ext_id"] = swapped["post_cell.ext_id"].to_numpy()[::-1]
    with pytest.raises(ProvenanceError, match=r"cell\.ext_id differs in \d rows"):
        swapped.synphys.related("synapse")


def test_frames_of_two_releases_in_one(tiny: sf.SynphysDatabase, other: sf.SynphysDatabase) -> None:
    both = pd.concat([tiny.pairs(), other.pairs()], ignore_index=True)
    assert "synphys" not in both.attrs
    with pytest.raises(ProvenanceError, match="ids mean something only within a release"):
        both.synphys.related("synapse")
    for db in (tiny, other):
        with pytest.raises(ProvenanceError, match="differs in 6 rows"):
            both.synphys.related("synapse", db=db)
    both.attrs = tiny.pairs().attrs
    with pytest.raises(RepeatedPairsError, match="6 rows"):
        both.synphys.connectivity(CLASSES)


def test_a_few_foreign_rows_among_many(db: sf.SynphysDatabase, other: sf.SynphysDatabase) -> None:
    many = pd.concat([db.pairs()] * 20)
    foreign = other.pairs().head(5)
    mixed = pd.concat([many, *[foreign] * 2], ignore_index=True)
    # Where nothing is noted every row counts, else some that are spread over the frame.
    mixed.attrs = {}
    with pytest.raises(ProvenanceError, match="experiment_id differs in 10 rows"):
        mixed.synphys.related("experiment", db=db)
    mixed.attrs = db.pairs().attrs
    with pytest.raises(ProvenanceError, match="experiment_id differs in at least 1 rows"):
        mixed.synphys.related("experiment")


def test_keys_that_went_through_csv(tiny: sf.SynphysDatabase, other: sf.SynphysDatabase) -> None:
    back = pd.read_csv(io.StringIO(tiny.experiment.to_csv(index=False)))
    assert back["ext_id"].dtype == "float64"
    assert back.synphys.related("cell", db=tiny)["id"].tolist() == [1, 2, 3, 4, 5, 6]
    with pytest.raises(ProvenanceError, match=r"experiment\.ext_id differs in 1 rows"):
        back.synphys.related("cell", db=other)


def test_ids_and_keys_that_are_missing_or_unknown_are_left_alone(tiny: sf.SynphysDatabase) -> None:
    cells = tiny.cell
    cells.loc[0, "experiment_id"] = pd.NA
    cells.loc[1, "ext_id"] = None
    cells.loc[2, "id"] = 999
    assert cells.synphys.related("experiment")["id"].tolist() == [10, 20]
    cells.loc[3, "ext_id"] = "7"
    with pytest.raises(ProvenanceError, match=r"differs in 1 rows \(id 4: 7 in the frame, 4 in"):
        cells.synphys.related("experiment")


@pytest.mark.parametrize("held", [True, False])
def test_a_file_that_was_replaced(tmp_path: Path, held: bool) -> None:
    path = build(tmp_path / "release.sqlite")
    db = sf.load_sqlite(path)
    frame = db.pairs()
    db.close()
    # The same rows in the same number; one value is another.
    change(path, "UPDATE pair SET has_synapse = 1 WHERE id = 2")
    again = sf.load_sqlite(path) if held else None
    with pytest.raises(ProvenanceError, match=r"another content.*pop\(.content.\)"):
        frame.synphys.related("cell")
    assert again is None or len(again.pairs().synphys.related("cell")) == 6
    frame.attrs["synphys"].pop("content")
    if not held:
        with pytest.raises(ProvenanceError, match="is not open, and does not note of what content"):
            frame.synphys.related("cell")
        again = sf.load_sqlite(path)
    assert len(frame.synphys.related("cell", db=again)) == 6


def test_the_content_is_the_same_in_every_place(
    tiny: sf.SynphysDatabase, other: sf.SynphysDatabase, tmp_path: Path
) -> None:
    def content(db: sf.SynphysDatabase) -> str:
        return str(db.slice.attrs["synphys"]["content"])

    copied = tmp_path / "elsewhere" / "copy.sqlite"
    copied.parent.mkdir()
    shutil.copyfile(tiny.path, copied)
    os.utime(copied, (1, 1))
    tiny.to_parquet(tmp_path / "set", progress=False)
    with sf.load_sqlite(copied) as moved, sf.load_parquet(tmp_path / "set") as dataset:
        assert content(moved) == content(dataset) == content(tiny) != content(other)
        assert len(tiny.cell.synphys.pairs(db=dataset)) == 6
        assert len(dataset.cell.synphys.pairs(db=moved)) == 6
        with pytest.raises(ProvenanceError, match="another content"):
            dataset.cell.synphys.pairs(db=other)


def test_a_dataset_of_two_contents(tiny: sf.SynphysDatabase, tmp_path: Path) -> None:
    build(tmp_path / "tiny.sqlite", other_rows())
    tiny.to_parquet(tmp_path / "set", ["pair"], progress=False)
    with sf.load_sqlite(tmp_path / "tiny.sqlite") as same_name:
        same_name.to_parquet(tmp_path / "set", ["cell"], progress=False)
    with pytest.raises(sf.errors.ReleaseFileError, match="several releases"):
        sf.load_parquet(tmp_path / "set")


@pytest.mark.parametrize("index", ["pair.id", ["pair.experiment_id", "pair.id"]])
def test_ids_in_the_index_are_known(tiny: sf.SynphysDatabase, index: Any) -> None:
    pairs = tiny.pairs()
    frame = pairs.set_index(index)
    assert frame.synphys.related("synapse")["id"].tolist() == [7, 8, 9]
    joined = frame.synphys.join("synapse.latency")
    assert joined.index.equals(frame.index)
    expected = pairs.synphys.join("synapse.latency")["synapse.latency"]
    assert joined["synapse.latency"].tolist() == pytest.approx(expected.tolist(), nan_ok=True)
    assert frame.synphys.pairs(synapse=True)["pair.id"].tolist() == [1, 4, 5]
    classified = frame.synphys.classify(CLASSES)
    assert classified.index.equals(frame.index)
    # Without attrs, too.
    bare = frame.copy()
    bare.attrs = {}
    assert bare.synphys.related("synapse", db=tiny)["id"].tolist() == [7, 8, 9]


def test_ids_in_the_index_of_a_table(tiny: sf.SynphysDatabase, other: sf.SynphysDatabase) -> None:
    cells = tiny.cell.set_index("id")
    assert cells.synphys.related("morphology")["id"].tolist() == [1, 2, 3]
    bare = cells.copy()
    bare.attrs = {}
    assert bare.synphys.related("morphology", db=tiny)["id"].tolist() == [1, 2, 3]
    with pytest.raises(ProvenanceError, match="experiment_id differs in 6 rows"):
        bare.synphys.related("morphology", db=other)


def test_a_pickle_read_back_shares_the_open_release(tiny_path: Path) -> None:
    first = sf.load_sqlite(tiny_path)
    kept = pickle.dumps(first)
    second, third = pickle.loads(kept), pickle.loads(kept)
    assert release_of(second) is release_of(third) is release_of(first)
    first.close()
    assert first.is_closed
    with pytest.raises(ClosedError):
        first.pair  # noqa: B018
    with pytest.raises(ClosedError):
        first.pairs()
    assert len(second.pairs()) == len(third.pair) == 6
    # A frame finds the one that is open.
    frame = second.cell
    del third
    gc.collect()
    shared = release_of(second)
    second.close()
    assert shared.is_closed
    assert second.is_closed
    assert len(frame.synphys.pairs()) == 6
    fresh = pickle.loads(kept)
    assert release_of(fresh) is not shared
    assert len(fresh.pair) == 6
    fresh.close()


def test_a_pickle_of_another_kind_of_opening_shares_nothing(tmp_path: Path) -> None:
    path = build(tmp_path / "release.sqlite")
    with sf.load_sqlite(path) as strict, sf.load_sqlite(path, errors="coerce") as coercing:
        kept = pickle.dumps(coercing)
        with pickle.loads(kept) as read:
            assert release_of(read) is release_of(coercing)
        strict_again = pickle.loads(pickle.dumps(strict))
        assert release_of(strict_again) is release_of(strict)
        assert not coercing.is_closed
        assert not strict.is_closed
    # Nor one whose file is another one by now.
    with sf.load_sqlite(path) as old:
        kept = pickle.dumps(old)
        change(path, "UPDATE pair SET distance = 1e-6 WHERE id = 1")
        with pickle.loads(kept) as new:
            assert release_of(new) is not release_of(old)
            assert new.pair.loc[0, "distance"] == 1e-6


@pytest.mark.parametrize("name", ["cell", "pair", "tables", "ways", "path", "anything"])
def test_nothing_of_a_database_can_be_set(tiny: sf.SynphysDatabase, name: str) -> None:
    with pytest.raises(ReadOnlyError, match=f"db.{name} can't be set"):
        setattr(tiny, name, pd.DataFrame())
    with pytest.raises(ReadOnlyError, match="can't be set"):
        tiny[name] = pd.DataFrame()
    assert len(tiny.cell) == 6


def test_a_database_is_a_collection_of_tables(tiny: sf.SynphysDatabase) -> None:
    assert list(tiny) == tiny.tables["table"].tolist()
    assert len(tiny) == len(tiny.tables) == 32
    assert "cell" in tiny
    assert "cells" not in tiny
    assert 3 not in tiny
    assert {name: len(tiny[name]) for name in tiny if name in ("cell", "slice")} == {
        "cell": 6,
        "slice": 2,
    }


SECRET = "the secret of another file"


def foreign_files(folder: Path, tiny: Path) -> dict[str, object]:
    """What somebody else may have noted as the file that a frame comes from."""
    (folder / "text").write_text(SECRET)
    with closing(sqlite3.connect(folder / "cookies")) as connection:
        connection.execute(f'CREATE TABLE "{SECRET}" (id INTEGER PRIMARY KEY, "{SECRET}" TEXT)')
        connection.execute(f'INSERT INTO "{SECRET}" VALUES (1, ?)', [SECRET])
        connection.commit()
    (folder / "folder").mkdir()
    os.mkfifo(folder / "fifo")
    (folder / "link").symlink_to(folder / "fifo")
    build(folder / "other.sqlite", other_rows())
    paths = {name: str(folder / name) for name in ("text", "cookies", "folder", "fifo", "link")}
    return {
        **paths,
        "other": str(folder / "other.sqlite"),
        "device": "/dev/zero",
        "standard input": "/dev/stdin",
        "nul": "/tmp/a\0b",
        "long": "/" + "x" * 100_000,
        "url": "http://127.0.0.1:9/x.sqlite",
        "share": "\\\\host\\share\\x.sqlite",
        "relative": tiny.name,
        "number": 0,
        "list": [str(tiny)],
        "none": None,
        "empty": "",
        "surrogate": "/tmp/\udcff",
    }


@pytest.mark.parametrize("content", ["own", "none", "number", "of the file"])
def test_a_foreign_note_shows_and_opens_no_file(
    tmp_path: Path, content: str, other: sf.SynphysDatabase
) -> None:
    path = build(tmp_path / "release.sqlite")
    with sf.load_sqlite(path) as db:
        frame = db.pairs()
    notes: dict[str, Any] = {"own": frame.attrs["synphys"]["content"], "number": 5}
    notes["of the file"] = other.slice.attrs["synphys"]["content"]
    folder = tmp_path / "foreign"
    folder.mkdir()
    for name, file in foreign_files(folder, path).items():
        note = frame.attrs["synphys"] | {"file": file}
        note.pop("content", None)
        if content in notes:
            note["content"] = notes[content]
        frame.attrs["synphys"] = note
        for verb in (*VERBS.values(), *ON_PAIRS.values()):
            if name == "other" and content == "of the file" and verb in VERBS.values():
                # Its own keys tell that its rows are others.
                match = "another content by now|differs in"
            else:
                match = "no path|can't be opened|is not open|another content|not there any more"
            if verb is ON_PAIRS["connectivity"] or verb is ON_PAIRS["classify"]:
                match += "|differs in"
            with pytest.raises(ProvenanceError, match=match) as caught:
                verb(frame, None)
            assert SECRET not in str(caught.value)
            assert len(str(caught.value)) < 3000


@pytest.mark.parametrize(
    "note",
    [
        5, None, "x", [], {}, {"table": 5}, {"table": ["pair"]}, {"errors": {}}, {"release": {}},
        {"schema_version": []}, {"units": 5}, {"units": {"pair.distance": 5}},
        {"units": {"pair.distance": "parsec"}}, {"selected_by": 5}, {"selected_by": {"a": 1}},
        {"lacks": 5}, {"empty": 5}, {"lacks": {"a": []}},
    ],
    ids=str,
)  # fmt: skip
def test_a_foreign_note_of_any_form_is_refused_or_passed_over(
    tiny: sf.SynphysDatabase, note: Any
) -> None:
    frame = tiny.pairs()
    frame.attrs["synphys"] = frame.attrs["synphys"] | note if isinstance(note, dict) else note
    for verb in (*VERBS.values(), *ON_PAIRS.values()):
        with suppress(sf.errors.SynphysError), warnings.catch_warnings():
            warnings.simplefilter("ignore", sf.errors.SynphysWarning)
            verb(frame, tiny)
    with suppress(sf.errors.SynphysError), warnings.catch_warnings():
        warnings.simplefilter("ignore", sf.errors.SynphysWarning)
        assert isinstance(frame.synphys.schema, pd.DataFrame)
        frame.synphys.to_units("µm")
