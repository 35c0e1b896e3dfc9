"""Files lie where earlier versions of the package put them: users have hundreds of GB there."""

from __future__ import annotations

from pathlib import Path

import pytest

import synphys_frames as sf
from synphys_frames.releases.cache_layout import (
    ReleaseFiles,
    aisynphys_folder,
    cache_folder,
    catalogue_path,
    release_path,
    sample_path,
)

CACHE = Path("/cache")
RELEASE = ReleaseFiles(release_path(CACHE, "synphys_r2.1_small.sqlite"))


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (RELEASE.path, "/cache/synphys_r2.1_small.sqlite"),
        (RELEASE.partial, "/cache/synphys_r2.1_small.sqlite.part"),
        (RELEASE.partial_state, "/cache/synphys_r2.1_small.sqlite.part.json"),
        (RELEASE.lock, "/cache/synphys_r2.1_small.sqlite.lock"),
        (RELEASE.columns.folder, "/cache/synphys_r2.1_small.sqlite.columns"),
        (RELEASE.columns.lock, "/cache/synphys_r2.1_small.sqlite.columns/write.lock"),
        (RELEASE.columns.release_state, "/cache/synphys_r2.1_small.sqlite.columns/release.json"),
        # The digests are those of sha256sum.
        (catalogue_path(CACHE, "http://a/b"), "/cache/catalogue-1972c518da8e.json"),
        (
            RELEASE.columns.block("pair", "{}", "01234567"),
            "/cache/synphys_r2.1_small.sqlite.columns/pair-44136fa355b3678a-01234567.block",
        ),
        (sample_path(CACHE, "2", "s.sqlite"), "/cache/sample-2/s.sqlite"),
    ],
)
def test_files_lie_where_they_always_did(path: Path, expected: str) -> None:
    assert path == Path(expected)


def test_blocks_are_told_by_their_table(tmp_path: Path) -> None:
    files = ReleaseFiles(tmp_path / "r.sqlite").columns
    with pytest.raises(FileNotFoundError):
        files.blocks()
    files.folder.mkdir()
    pair, cell = (files.block(table, "{}", "89abcdef") for table in ("pair", "cell"))
    for path in (
        pair,
        cell,
        files.lock,
        files.folder / ".pair-0123456789abcdef-.block.99-0123abcd.tmp",
    ):
        path.touch()
    assert files.blocks() == [cell, pair]
    assert files.blocks("pair") == [pair]
    assert files.checksum_in(pair) == "89abcdef"
    assert list(files.folder.glob(files.block("pair", "{}", "*").name)) == [pair]


@pytest.mark.parametrize(
    ("name", "is_own"),
    [
        ("release.json", True),
        ("write.lock", True),
        ("pair-0123456789abcdef-01234567.block", True),
        ("pair-0123456789abcdef-01234567.arrow", True),
        (".pair-0123456789abcdef-.block.17-0123abcd.tmp", True),
        (".release.json.17-0123abcd.tmp", True),
        (".thesis.tex.17-0123abcd.tmp", False),
        ("release.json.17-0123abcd.tmp", False),
        ("pair-mine.block", False),
        ("pair-0123456789abcdef-01234567.block.bak", False),
        ("../pair-0123456789abcdef-01234567.block", False),
        ("notes.txt", False),
    ],
)
def test_its_own_files_are_told_by_their_names(name: str, is_own: bool) -> None:
    assert RELEASE.columns.is_own(name) is is_own


@pytest.mark.parametrize("table", ["../pair", "a b", "Pair", "", "pair-1", "con:", "µ"])
def test_a_table_of_any_other_name_has_no_file(table: str) -> None:
    assert not RELEASE.columns.can_hold(table)
    assert RELEASE.columns.can_hold("pair_2")


def test_the_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert aisynphys_folder() == tmp_path / "ai_synphys_cache" / "database"
    assert cache_folder(None) == sf.config.cache_path
    assert cache_folder("~/mine") == tmp_path / "mine"
