from __future__ import annotations

from typing import TYPE_CHECKING, Any

import duckdb
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from fsspec.callbacks import Callback

import synphys_frames as sf
from synphys_frames.errors import ExportError, UnknownTableError
from tests.support.release_builder import build, change

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.filterwarnings("ignore::synphys_frames.errors.MissingRowsWarning")
def test_every_table_comes_back_as_it_was(db: sf.SynphysDatabase, tmp_path: Path) -> None:
    files = db.to_parquet(tmp_path, progress=False)
    assert [file.name for file in files] == [f"{name}.parquet" for name in db.tables["table"]]
    for file in files:
        frame = db[file.stem]
        back = pd.read_parquet(file)
        pd.testing.assert_frame_equal(back, frame)
        assert back.equals(frame)
        assert back.attrs == frame.attrs
    assert sorted(tmp_path.iterdir()) == sorted(files)


def test_frames_of_every_verb_are_equal_to_what_pandas_reads_back(
    db: sf.SynphysDatabase, tmp_path: Path
) -> None:
    everything = db.pairs(include=["cell", "synapse", "experiment", "slice"])
    file = tmp_path / "frame.parquet"
    for frame in (
        everything,
        everything.iloc[:0],
        everything.synphys.classify({"sst": sf.CellClass(cre_type="sst")}),
        db.experiment.synphys.related("cell"),
        db.cell.synphys.join("experiment"),
        db.sql("SELECT species, genotype, count(*) AS n FROM slice GROUP BY ALL"),
        db.schema,
        db.tables,
        db.ways,
    ):
        frame.to_parquet(file)
        back = pd.read_parquet(file)
        pd.testing.assert_frame_equal(back, frame)
        assert back.equals(frame)


def test_texts_have_the_dtype_of_pandas_own(db: sf.SynphysDatabase) -> None:
    own = pd.DataFrame({"cre_type": ["sst", "pvalb"], "rank": [1, 2]})
    cells = db.cell
    assert cells["cre_type"].dtype == own["cre_type"].dtype
    assert cells.merge(own, on="cre_type")["cre_type"].dtype == own["cre_type"].dtype


def test_types_units_and_meanings_are_in_the_file(db: sf.SynphysDatabase, tmp_path: Path) -> None:
    [file] = db.to_parquet(tmp_path, "pair", progress=False)
    schema = pq.read_schema(file)
    assert schema.field("has_synapse").type == pa.bool_()
    assert schema.field("distance").metadata[b"unit"] == b"m"
    assert b"istance" in schema.field("distance").metadata[b"description"]
    assert b"unit" not in schema.field("id").metadata
    metadata = pq.read_metadata(file)
    assert metadata.row_group(0).column(0).compression == "ZSTD"
    [file] = db.to_parquet(tmp_path, ["experiment"], progress=False)
    assert pq.read_schema(file).field("date").type == pa.timestamp("us")
    # Columns without any value keep their type, too.
    [file] = db.to_parquet(tmp_path, ["pulse_response"], progress=False)
    assert pq.read_schema(file).field("ex_qc_pass").type == pa.bool_()


def test_other_tools_read_the_files(db: sf.SynphysDatabase, tmp_path: Path) -> None:
    db.to_parquet(tmp_path, ["pair"], progress=False)
    found = duckdb.sql(f"SELECT count(*) FROM '{tmp_path}/pair.parquet' WHERE has_synapse")
    assert found.fetchone() == (len(db.pairs(synapse=True)),)


class Count(Callback):
    rows = 0

    def relative_update(self, inc: int = 1) -> None:
        self.rows += inc


def test_what_is_complete_is_left_alone(tmp_path: Path) -> None:
    path = build(tmp_path / "r.sqlite")
    out = tmp_path / "out"
    first, again, changed = Count(), Count(), Count()
    with sf.load_sqlite(path) as db:
        db.to_parquet(out, ["pair", "cell"], progress=first)
        before = (out / "pair.parquet").stat().st_mtime_ns
        db.to_parquet(out, ["pair", "cell", "slice"], progress=again)
    assert (first.rows, first.size, again.rows) == (12, 12, 2)
    assert (out / "pair.parquet").stat().st_mtime_ns == before
    change(path, "DELETE FROM pair WHERE id = 3")
    with sf.load_sqlite(path) as db:
        db.to_parquet(out, "pair", progress=changed)
    assert changed.rows == 5
    assert len(pd.read_parquet(out / "pair.parquet")) == 5


def test_a_foreign_file_is_not_overwritten(tiny: sf.SynphysDatabase, tmp_path: Path) -> None:
    pd.DataFrame({"mine": [1]}).to_parquet(tmp_path / "pair.parquet")
    (tmp_path / "cell.parquet").write_text("no Parquet at all")
    for table in ("pair", "cell"):
        before = (tmp_path / f"{table}.parquet").read_bytes()
        with pytest.raises(ExportError, match="was not written by this export"):
            tiny.to_parquet(tmp_path, table, progress=False)
        assert (tmp_path / f"{table}.parquet").read_bytes() == before


@pytest.mark.parametrize(
    "name",
    [
        "../outside",
        "{folder}/absolute",
        "a/b",
        "a\\b",
        "..",
        ".hidden",
        "~",
        "a\nb",
        "C:x",
        "x" * 300,
    ],
)
def test_a_table_writes_no_file_outside_the_folder(tmp_path: Path, name: str) -> None:
    name = name.format(folder=tmp_path)
    path = build(tmp_path / "in" / "r.sqlite")
    change(path, f'CREATE TABLE "{name}" (id INTEGER PRIMARY KEY, x FLOAT)')
    change(path, f'INSERT INTO "{name}" VALUES (1, 2.0)')
    out = tmp_path / "deep" / "out"
    before = sorted(tmp_path.rglob("*"))
    with sf.load_sqlite(path) as db:
        assert db[name]["x"].tolist() == [2.0]
        for tables in (None, [name]):
            with pytest.raises(ExportError, match=r"can't name a file\. .*tables="):
                db.to_parquet(out, tables, progress=False)
            assert [file for file in sorted(tmp_path.rglob("*")) if file.is_file()] == [
                file for file in before if file.is_file()
            ]
        assert db.to_parquet(out, ["pair"], progress=False) == [out / "pair.parquet"]


def test_an_interrupted_export_leaves_finished_files_only(
    db: sf.SynphysDatabase, tmp_path: Path
) -> None:
    class Stop(Callback):
        def relative_update(self, inc: int = 1) -> None:
            super().relative_update(inc)
            if self.value > 300:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        db.to_parquet(tmp_path, ["cell", "pair"], progress=Stop())
    assert [file.name for file in tmp_path.iterdir()] == []
    with pytest.raises(KeyboardInterrupt):
        db.to_parquet(tmp_path, ["experiment", "cell", "pair"], progress=Stop())
    assert [file.name for file in tmp_path.iterdir()] == ["experiment.parquet"]
    assert len(db.to_parquet(tmp_path, ["experiment", "cell", "pair"], progress=False)) == 3


@pytest.mark.parametrize(
    ("folder", "tables", "error", "message"),
    [
        ("out", "pairs", UnknownTableError, "Did you mean 'pair'"),
        ("out", 5, ValueError, "tables takes a name or a list"),
        ("file/out", "pair", ExportError, "can't be made"),
    ],
)
def test_wrong_targets(
    tiny: sf.SynphysDatabase,
    tmp_path: Path,
    folder: str,
    tables: Any,
    error: type[Exception],
    message: str,
) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(error, match=message):
        tiny.to_parquet(tmp_path / folder, tables, progress=False)


def test_a_folder_that_can_not_be_written(tiny: sf.SynphysDatabase, tmp_path: Path) -> None:
    # Even root can't make files there.
    with pytest.raises(ExportError, match="can't be written"):
        tiny.to_parquet("/proc/self", "pair", progress=False)


def test_exports_can_be_read_by_others(tiny: sf.SynphysDatabase, tmp_path: Path) -> None:
    [file] = tiny.to_parquet(tmp_path, "pair", progress=False)
    (tmp_path / "plain").touch()
    assert file.stat().st_mode == (tmp_path / "plain").stat().st_mode
