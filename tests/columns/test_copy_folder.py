"""What lies where a columnar copy is expected, and is none of the package's own."""

from __future__ import annotations

import logging
import os
import shutil
import signal
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
import pytest

import synphys_frames as sf
from tests.support.crafted_block import CraftedBlock, put_instead

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="POSIX files and permissions")

LONGEST = 30


@pytest.fixture(autouse=True)
def _no_waiting() -> Iterator[None]:
    """A FIFO that is waited for is an error, not a test that does not end."""

    def late(*_: object) -> None:
        raise TimeoutError("it waited")

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(LONGEST)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.fixture
def release(tiny_path: Path) -> Path:
    """A release in the cache folder."""
    cache = sf.config.cache_path
    cache.mkdir(parents=True)
    cache.chmod(0o755)
    return Path(shutil.copy(tiny_path, cache / "tiny.sqlite"))


@pytest.fixture
def expected(tiny: sf.SynphysDatabase) -> pd.DataFrame:
    return tiny.pairs(include="cell")


def frame_of(path: Path) -> pd.DataFrame:
    with sf.load_sqlite(path) as db:
        return db.pairs(include="cell")


def folder_of(path: Path) -> Path:
    return path.with_name(f"{path.name}.columns")


def block_of(path: Path) -> Path:
    [block] = folder_of(path).glob("pair-*.block")
    return block


def content_of(folder: Path) -> dict[str, tuple[int, bytes | None]]:
    """Return all that is in a folder: kinds, permissions, contents."""
    return {
        path.name: (path.lstat().st_mode, path.read_bytes() if path.is_file() else None)
        for path in folder.iterdir()
    }


def forge(path: Path) -> None:
    """Have the copy say that all pairs lie nowhere: what nobody but its owner can do."""
    block = CraftedBlock.of(block_of(path))
    first = block.buffers[block.place("distance")]
    block.buffers[0][: len(first) // 2] = bytes(len(first) // 2)
    mode = block_of(path).stat().st_mode
    put_instead(block_of(path), block.content()).chmod(mode & 0o777)


def linked(path: Path) -> None:
    elsewhere = path.parent.parent / "elsewhere"
    path.rename(elsewhere)
    path.symlink_to(elsewhere)


def fifo(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def socket_at(path: Path) -> None:
    path.unlink()
    # The name of a socket can't be long.
    here = Path.cwd()
    os.chdir(path.parent)
    try:
        with socket.socket(socket.AF_UNIX) as listening:
            listening.bind(path.name)
    finally:
        os.chdir(here)


def unreadable(path: Path) -> None:
    path.chmod(0)


@pytest.mark.parametrize("name", ["pair-*.block", "release.json", "write.lock"])
@pytest.mark.parametrize("put", [linked, fifo, folder, socket_at, unreadable])
def test_what_is_no_file_is_neither_read_nor_touched(
    release: Path, expected: pd.DataFrame, name: str, put: Callable[[Path], None]
) -> None:
    frame_of(release)
    [path] = folder_of(release).glob(name)
    put(path)
    before = content_of(folder_of(release))
    pd.testing.assert_frame_equal(frame_of(release), expected)
    if put is not unreadable:
        assert content_of(folder_of(release)) == before


@pytest.mark.parametrize("forged", [False, True])
def test_a_link_to_a_folder_is_not_followed(
    release: Path, expected: pd.DataFrame, tmp_path: Path, forged: bool
) -> None:
    frame_of(release)
    if forged:
        forge(release)
        assert not frame_of(release)["pair.distance"].equals(expected["pair.distance"])
    else:
        (folder_of(release) / "write.lock").unlink()
        for path in folder_of(release).iterdir():
            path.unlink()
    linked(folder_of(release))
    elsewhere = folder_of(release).resolve()
    before = content_of(elsewhere)
    pd.testing.assert_frame_equal(frame_of(release), expected)
    assert content_of(elsewhere) == before


def test_a_cache_folder_may_be_a_link(release: Path, expected: pd.DataFrame) -> None:
    linked(release.parent)
    frame_of(release)
    forge(release)
    assert not frame_of(release)["pair.distance"].equals(expected["pair.distance"])


@pytest.mark.parametrize(
    "names",
    [
        ["thesis.tmp", "release.json"],
        ["pair-mine.arrow", "pair-0123456789abcdef-01234567.arrow"],
        ["release.json"],
        [".release.json.17-0123abcd.tmp"],
    ],
)
def test_a_folder_of_somebody_elses_files_is_left_as_it_is(
    release: Path, expected: pd.DataFrame, names: list[str]
) -> None:
    folder_of(release).mkdir()
    for name in names:
        (folder_of(release) / name).write_text("mine")
    before = content_of(folder_of(release))
    for _ in range(2):
        pd.testing.assert_frame_equal(frame_of(release), expected)
    assert content_of(folder_of(release)) == before


def test_somebody_elses_files_in_the_folder_stay(release: Path, expected: pd.DataFrame) -> None:
    frame_of(release)
    names = ["thesis.tmp", "pair-mine.arrow", ".DS_Store", ".release.json.mine.tmp"]
    for name in names:
        (folder_of(release) / name).write_text("mine")
    (folder_of(release) / "folder.tmp").mkdir()
    (folder_of(release) / "link.block").symlink_to(release)
    block_of(release).write_bytes(b"damaged")
    for _ in range(2):
        pd.testing.assert_frame_equal(frame_of(release), expected)
    assert block_of(release).stat().st_size > 100
    assert {(folder_of(release) / name).read_text() for name in names} == {"mine"}
    assert (folder_of(release) / "folder.tmp").is_dir()
    assert (folder_of(release) / "link.block").is_symlink()


def test_what_earlier_versions_left_makes_room(release: Path, expected: pd.DataFrame) -> None:
    folder_of(release).mkdir()
    names = ("pair-0123456789abcdef-01234567.arrow", "release.json", "write.lock")
    for name in names:
        (folder_of(release) / name).write_text("{}")
    pd.testing.assert_frame_equal(frame_of(release), expected)
    assert {path.suffix for path in folder_of(release).iterdir()} == {".block", ".json", ".lock"}
    forge(release)
    assert not frame_of(release)["pair.distance"].equals(expected["pair.distance"])


# Permissions of the folder around, the release, the copy's folder, its files, and whether the
# copy counts: where no more people can write it than can write the release.
PERMISSIONS = [
    (0o755, 0o644, 0o755, 0o644, True),
    (0o700, 0o600, 0o700, 0o600, True),
    (0o755, 0o644, 0o777, 0o644, False),
    (0o755, 0o644, 0o1777, 0o644, False),
    (0o755, 0o644, 0o775, 0o644, False),
    (0o755, 0o644, 0o755, 0o664, False),
    (0o755, 0o644, 0o755, 0o646, False),
    (0o775, 0o644, 0o775, 0o664, True),
    (0o775, 0o644, 0o775, 0o666, False),
    (0o755, 0o664, 0o775, 0o664, True),
    (0o777, 0o644, 0o777, 0o666, True),
    (0o1777, 0o644, 0o777, 0o644, False),
    (0o1777, 0o644, 0o755, 0o644, True),
]


@pytest.mark.parametrize(("around", "of_release", "of_folder", "of_files", "counts"), PERMISSIONS)
def test_a_copy_counts_where_only_those_can_write_it_who_can_write_the_release(
    release: Path,
    expected: pd.DataFrame,
    caplog: pytest.LogCaptureFixture,
    around: int,
    of_release: int,
    of_folder: int,
    of_files: int,
    counts: bool,
) -> None:
    release.chmod(of_release)
    frame_of(release)
    forge(release)
    for path in folder_of(release).iterdir():
        path.chmod(of_files)
    folder_of(release).chmod(of_folder)
    release.parent.chmod(around)
    before = content_of(folder_of(release))
    with caplog.at_level(logging.WARNING):
        assert frame_of(release)["pair.distance"].equals(expected["pair.distance"]) is not counts
    assert ("Somebody can write it who can not write the release" in caplog.text) is not counts
    if of_folder & ~around & 0o022:
        assert content_of(folder_of(release)) == before


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root gives files away"
)
@pytest.mark.parametrize("around", [0o755, 0o1777])
@pytest.mark.parametrize("part", ["folder", "files"])
def test_a_copy_of_another_user_does_not_count(
    release: Path, expected: pd.DataFrame, part: str, around: int
) -> None:
    frame_of(release)
    forge(release)
    release.parent.chmod(around)
    mine = [folder_of(release)] if part == "folder" else list(folder_of(release).iterdir())
    for path in mine:
        os.chown(path, 12_345, 12_345)
    # That of whoever owns the release does.
    os.chown(release, 12_345, 12_345)
    assert not frame_of(release)["pair.distance"].equals(expected["pair.distance"])
    os.chown(release, 0, 0)
    for path in mine:
        os.chown(path, 12_345, 12_345)
    pd.testing.assert_frame_equal(frame_of(release), expected)


def test_a_copy_is_not_writable_by_more_than_the_release(release: Path) -> None:
    before = os.umask(0)
    try:
        frame_of(release)
    finally:
        os.umask(before)
    # Nothing is read in the lock.
    read = [path for path in folder_of(release).iterdir() if path.name != "write.lock"]
    assert {path.stat().st_mode & 0o777 for path in read} == {0o644}
    assert folder_of(release).stat().st_mode & 0o777 == 0o755


def test_a_folder_that_can_not_be_written_is_read(release: Path, expected: pd.DataFrame) -> None:
    frame_of(release)
    forge(release)
    folder_of(release).chmod(0o555)
    try:
        assert not frame_of(release)["pair.distance"].equals(expected["pair.distance"])
    finally:
        folder_of(release).chmod(0o755)
