from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import textwrap
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
import pyarrow as pa
import pytest
from filelock import FileLock

import synphys_frames as sf
from synphys_frames.columns.disk_cache import content_digest
from synphys_frames.database.database import release_of
from synphys_frames.errors import ArgumentError, ClosedError, ReleaseFileError
from tests.support.release_builder import change

if TYPE_CHECKING:
    from collections.abc import Callable

QUERY = {"species": "mouse", "synapse": True, "include": ["cell", "synapse"]}

PROGRAM = """
import sys
import synphys_frames as sf
with sf.load_sqlite(sys.argv[1]) as db:
    frame = db.pairs(species="mouse", synapse=True, include=["cell", "synapse"])
    frame.to_pickle(sys.argv[2])
    print("duckdb" in sys.modules)
"""


@pytest.fixture
def cached(tmp_path: Path, tiny_path: Path, sample_path: Path) -> Path:
    """A release in the cache folder."""
    cache = sf.config.cache_path
    cache.mkdir(parents=True)
    return Path(shutil.copy(sample_path, cache / "synthetic_small.sqlite"))


def folder_of(path: Path) -> Path:
    return path.with_name(f"{path.name}.columns")


def frame_of(path: Path) -> pd.DataFrame:
    with sf.load_sqlite(path) as db:
        return db.pairs(**QUERY)


def parts_of(path: Path) -> list[str]:
    """Return the names without the checksums: what is stored where a value is missing is open."""
    return sorted(part.name.rpartition("-")[0] for part in folder_of(path).glob("*.block"))


def needs_duckdb(path: Path, frame: Path) -> bool:
    """Whether a new process, asked for the frame, has to read the release file by DuckDB."""
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(PROGRAM), str(path), str(frame)],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return done.stdout.strip() == "True"


def test_the_next_process_has_the_same_frame_without_reading_the_release(
    cached: Path, tmp_path: Path, db: sf.SynphysDatabase
) -> None:
    frames = [tmp_path / "first.pickle", tmp_path / "second.pickle"]
    assert [needs_duckdb(cached, frame) for frame in frames] == [True, False]
    expected = db.pairs(**QUERY)
    for frame in frames:
        pd.testing.assert_frame_equal(pd.read_pickle(frame), expected)
    assert {name.partition("-")[0] for name in parts_of(cached)} >= {"pair", "cell", "synapse"}
    assert [path.name for path in folder_of(cached).glob("*.tmp")] == []


def test_all_tables_are_the_same_from_the_copy(cached: Path, db: sf.SynphysDatabase) -> None:
    for _ in range(2):
        with sf.load_sqlite(cached) as opened:
            for table in release_of(opened).store.schema:
                for name in table.kept_columns:
                    found = pd.Series(release_of(opened).store.table(table.name).values(name))
                    expected = pd.Series(release_of(db).store.table(table.name).values(name))
                    pd.testing.assert_series_equal(found, expected, check_names=False)


def test_only_a_release_in_the_cache_has_a_copy(tmp_path: Path, sample_path: Path) -> None:
    brought = Path(shutil.copy(sample_path, tmp_path / "brought.sqlite"))
    before = brought.stat()
    frame_of(brought)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["brought.sqlite"]
    assert brought.stat() == before
    # The cache folder can be another one than that of the configuration.
    with sf.load_sqlite(brought, cache_path=tmp_path) as db:
        db.pairs(**QUERY)
    assert parts_of(brought)


def test_it_can_be_switched_off(cached: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sf.config.columnar_copy = False
    frame_of(cached)
    sf.config.columnar_copy = None
    monkeypatch.setenv("SYNPHYS_FRAMES_COLUMNAR_COPY", "0")
    frame_of(cached)
    assert not folder_of(cached).exists()
    monkeypatch.setenv("SYNPHYS_FRAMES_COLUMNAR_COPY", "perhaps")
    with pytest.raises(ArgumentError, match="COLUMNAR_COPY takes 1 or 0; got 'perhaps'"):
        frame_of(cached)


def test_it_can_be_switched_off_at_any_time(cached: Path) -> None:
    with sf.load_sqlite(cached) as db:
        sf.config.columnar_copy = False
        db.pairs()
    assert not folder_of(cached).exists()
    with sf.load_sqlite(cached) as db:
        sf.config.columnar_copy = True
        db.pairs()
    assert [name.partition("-")[0] for name in parts_of(cached)] == ["cell", "experiment", "pair"]


def test_coerced_values_are_neither_written_nor_read(cached: Path) -> None:
    change(cached, "UPDATE pair SET distance = 'near' WHERE id = 3")
    with (
        pytest.warns(UserWarning, match="count as missing"),
        sf.load_sqlite(cached, errors="coerce") as db,
    ):
        assert db.pairs().loc[lambda pairs: pairs["pair.id"] == 3, "pair.distance"].isna().all()
    assert not folder_of(cached).exists()


def rewritten(path: Path) -> None:
    change(path, "UPDATE pair SET distance = 0.5 WHERE distance IS NOT NULL")


def rewritten_at_the_same_time(path: Path) -> None:
    """Another content of the same length, with the times of the first one."""
    before = path.stat()
    change(path, "UPDATE pair SET distance = 0.5 WHERE distance IS NOT NULL")
    assert path.stat().st_size == before.st_size
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def replaced_at_the_same_time(path: Path) -> None:
    other = Path(shutil.copy2(path, path.with_name("other")))
    rewritten_at_the_same_time(other)
    other.replace(path)


@pytest.mark.parametrize(
    "change_file", [rewritten, rewritten_at_the_same_time, replaced_at_the_same_time]
)
def test_another_content_is_read_anew(cached: Path, change_file: Callable[[Path], None]) -> None:
    frame_of(cached)
    change_file(cached)
    assert frame_of(cached)["pair.distance"].dropna().eq(0.5).all()
    # Of the first content, nothing is left.
    digest = json.loads((folder_of(cached) / "release.json").read_text())["sha256"]
    assert digest == content_digest(cached)
    assert len({name.partition("-")[0] for name in parts_of(cached)}) == len(parts_of(cached))
    assert frame_of(cached)["pair.distance"].dropna().eq(0.5).all()


def test_a_file_that_was_moved_keeps_its_copy(cached: Path, tmp_path: Path) -> None:
    expected = frame_of(cached)
    moved = cached.with_name("moved")
    moved.mkdir()
    for path in (cached, folder_of(cached)):
        shutil.move(path, moved)
    path = moved / cached.name
    path.chmod(0o600)
    assert not needs_duckdb(path, tmp_path / "frame.pickle")
    pd.testing.assert_frame_equal(pd.read_pickle(tmp_path / "frame.pickle"), expected)


def emptied(path: Path) -> None:
    path.write_bytes(b"")


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])


def made_a_text(path: Path) -> None:
    path.write_text("<html>not found</html>")


def nested(path: Path) -> None:
    path.write_text("[" * 200_000)


def made_another_table(path: Path) -> None:
    with pa.ipc.new_file(path, pa.schema([("id", pa.int64())])) as writer:
        writer.write_table(pa.table({"id": [1, 2, 3]}))


def deleted(path: Path) -> None:
    path.unlink()


def bits_flipped(*places: float) -> Callable[[Path], None]:
    def flip(path: Path) -> None:
        content = bytearray(path.read_bytes())
        for place in places:
            content[int(place * (len(content) - 1))] ^= 0x10
        path.write_bytes(content)

    return flip


@pytest.mark.parametrize(
    ("part", "damage"),
    [
        ("*.block", bits_flipped(0)),
        ("*.block", bits_flipped(0.3)),
        ("*.block", bits_flipped(0.5, 0.7)),
        ("*.block", bits_flipped(0.95)),
        ("*", emptied),
        ("*", made_a_text),
        ("*", deleted),
        ("*.block", cut),
        ("pair-*", made_another_table),
        ("cell-*", cut),
        ("release.json", emptied),
        ("release.json", deleted),
        ("release.json", nested),
    ],
)
def test_a_damaged_copy_is_made_anew(
    cached: Path, part: str, damage: Callable[[Path], None]
) -> None:
    expected = frame_of(cached)
    names = parts_of(cached)
    for path in list(folder_of(cached).glob(part)):
        damage(path)
    pd.testing.assert_frame_equal(frame_of(cached), expected)
    assert parts_of(cached) == names
    for path in folder_of(cached).glob("*.block"):
        assert zlib.crc32(path.read_bytes()) == int(path.stem.rpartition("-")[2], 16)
    pd.testing.assert_frame_equal(frame_of(cached), expected)


def test_it_can_be_deleted_while_it_is_used(cached: Path) -> None:
    expected = frame_of(cached)
    with sf.load_sqlite(cached) as db:
        db.pairs()
        shutil.rmtree(folder_of(cached))
        pd.testing.assert_frame_equal(db.pairs(**QUERY), expected)


def test_something_in_the_way_does_not_matter(cached: Path) -> None:
    folder_of(cached).write_text("a file")
    assert len(frame_of(cached))
    assert folder_of(cached).read_text() == "a file"


def test_several_processes_at_once(cached: Path, tmp_path: Path, db: sf.SynphysDatabase) -> None:
    frames = [tmp_path / f"{number}.pickle" for number in range(5)]
    with ThreadPoolExecutor(5) as pool:
        list(pool.map(lambda frame: needs_duckdb(cached, frame), frames))
    for frame in frames:
        pd.testing.assert_frame_equal(pd.read_pickle(frame), db.pairs(**QUERY))
    names = parts_of(cached)
    assert len({name.partition("-")[0] for name in names}) == len(names)
    assert not needs_duckdb(cached, frames[0])


def test_what_a_killed_process_left_is_cleared_away(cached: Path) -> None:
    folder_of(cached).mkdir()
    (folder_of(cached) / "write.lock").touch()
    block = ".pair-0123456789abcdef-.block.99999-0123abcd.tmp"
    names = (
        block,
        ".pair-0123456789abcdef-.arrow.99999-0123abcd.tmp",
        ".release.json.9-01234567.tmp",
    )
    left = [folder_of(cached) / name for name in names]
    for path in left:
        path.write_bytes(b"half of it")
    frame_of(cached)
    assert not any(path.exists() for path in left)


def test_what_another_process_is_writing_is_left_alone_by_those_that_read(cached: Path) -> None:
    frame_of(cached)
    written = folder_of(cached) / ".pair-0123456789abcdef-.block.99999-0123abcd.tmp"
    written.write_bytes(b"half of it")
    frame_of(cached)
    assert written.read_bytes() == b"half of it"


def test_nobody_waits_long_for_another_process_that_writes(cached: Path) -> None:
    folder_of(cached).mkdir()
    program = """
    import sys, synphys_frames as sf
    with sf.load_sqlite(sys.argv[1]) as db:
        print(len(db.pairs()))
    db = sf.load_sqlite(sys.argv[1])
    print(len(db.pairs()), flush=True)
    """
    with FileLock(folder_of(cached) / "write.lock"):
        # It may take a minute to write a copy, but not to close a database, nor to end.
        done = subprocess.run(
            [sys.executable, "-c", textwrap.dedent(program), str(cached)],
            capture_output=True, text=True, check=True, timeout=30,
        )  # fmt: skip
        assert parts_of(cached) == []
    assert len(set(done.stdout.split())) == 1
    frame_of(cached)
    assert parts_of(cached)


def test_a_closed_database_stays_closed(cached: Path) -> None:
    frame_of(cached)
    db = sf.load_sqlite(cached)
    db.close()
    with pytest.raises(ClosedError, match="was closed"):
        db.pairs()


def test_a_large_file_is_told_by_samples(tmp_path: Path) -> None:
    path = tmp_path / "large"
    with path.open("wb") as file:
        file.truncate((1 << 30) + 5)
    empty = content_digest(path)
    with path.open("r+b") as file:
        file.seek((1 << 30) + 4)
        file.write(b"!")
    assert content_digest(path) != empty


def test_a_file_that_was_replaced_is_not_mixed_with_the_one_before(
    cached: Path, tmp_path: Path
) -> None:
    with sf.load_sqlite(cached) as db:
        db.pairs()
    new = Path(shutil.copy(cached, tmp_path / "new.sqlite"))
    change(new, "UPDATE synapse SET latency = 1.0", "UPDATE pair SET distance = 0.5")
    with sf.load_sqlite(cached) as db, sf.load_sqlite(cached) as loaded:
        loaded.pairs()
        new.replace(cached)
        changed = pytest.raises(ReleaseFileError, match=r"was changed or replaced.*Open it again")
        for opened in (db, loaded):
            with changed:
                opened.pairs(synapse=True, include="synapse")
        # All that is needed is in the copy, or in tables that are in memory.
        with changed:
            db.pairs()
        with changed:
            loaded.pairs(include="pre_cell.position")
    found = frame_of(cached)
    assert set(found["pair.distance"].dropna()) == {0.5}
    assert set(found["synapse.latency"]) == {1.0}
