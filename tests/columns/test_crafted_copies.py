"""Files of a columnar copy that somebody wrote so that reading them goes wrong."""

from __future__ import annotations

import logging
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest

import synphys_frames as sf
from synphys_frames.database.database import release_of
from synphys_frames.errors import ReleaseFileError
from tests.support.crafted_block import MAGIC, CraftedBlock, padded, put_instead
from tests.support.release_builder import change

if TYPE_CHECKING:
    from collections.abc import Callable

    Craft = Callable[[CraftedBlock], object]

TABLES = ["pair", "cell", "experiment"]


@pytest.fixture
def cached(tiny_path: Path) -> Path:
    """A release in the cache folder, with a columnar copy of three tables beside it."""
    cache = sf.config.cache_path
    cache.mkdir(parents=True)
    path = Path(shutil.copy(tiny_path, cache / "tiny.sqlite"))
    values_in(path)
    return path


def values_in(path: Path) -> dict[str, pd.DataFrame]:
    """Return all kept columns of some tables."""
    with sf.load_sqlite(path) as db:
        store = release_of(db).store
        return {
            name: pd.DataFrame(
                {
                    column: store.table(name).values(column)
                    for column in store.schema.table(name).kept_columns
                }
            )
            for name in TABLES
        }


def folder_of(path: Path) -> Path:
    return path.with_name(f"{path.name}.columns")


def block_of(path: Path, table: str) -> Path:
    [block] = folder_of(path).glob(f"{table}-*.block")
    return block


def assert_same(frames: dict[str, pd.DataFrame], expected: dict[str, pd.DataFrame]) -> None:
    for name in TABLES:
        pd.testing.assert_frame_equal(frames[name], expected[name])


def in_buffer(name: str, number: int, values: dict[int, int], dtype: str = "<i4") -> Craft:
    """Return what sets numbers in one of a column's buffers."""

    def put(block: CraftedBlock) -> None:
        array = np.frombuffer(block.buffers[block.place(name) + number], dtype=dtype)
        for position, value in values.items():
            array[position] = value

    return put


def in_header(key: str, value: Any) -> Craft:
    return lambda block: block.header.__setitem__(key, value)


def length_of(number: int, change: Callable[[int], Any]) -> Craft:
    def put(block: CraftedBlock) -> None:
        lengths = block.header["buffers"]
        lengths[number] = change(lengths[number])

    return put


def described(change: Callable[[list[Any]], object]) -> Craft:
    return lambda block: change(block.header["description"]["columns"])


def without_row(block: CraftedBlock) -> None:
    block.header["rows"] -= 1


def longer_buffer(block: CraftedBlock) -> None:
    block.buffers[-1] += bytes(1)
    block.with_lengths()


def one_more_buffer(block: CraftedBlock) -> None:
    block.buffers.append(bytearray(8))
    block.with_lengths()


def one_buffer_less(block: CraftedBlock) -> None:
    block.buffers.pop()
    block.with_lengths()


def no_texts(block: CraftedBlock) -> None:
    """Texts without any offset."""
    place = block.place("cre_type")
    block.buffers[place + 2 : place + 4] = [bytearray(), bytearray()]
    block.with_lengths()


CRAFTED: dict[str, tuple[str, Craft, str]] = {
    "an offset outside": ("cell", in_buffer("cre_type", 2, {-1: 1 << 30}), "(?i)offset"),
    "a falling offset": ("cell", in_buffer("cre_type", 2, {1: 30}), "(?i)offset|UTF8"),
    "a negative offset": ("cell", in_buffer("cre_type", 2, {0: -4}), "(?i)offset"),
    "a place outside": ("cell", in_buffer("cre_type", 1, {0: 99}), "(?i)index 99|out of bounds"),
    "a negative place": ("cell", in_buffer("cre_type", 1, {0: -2}), "(?i)index -2|out of bounds"),
    "a text of no UTF-8": ("cell", in_buffer("cre_type", 3, {0: 0xFF}, "u1"), "(?i)utf8"),
    "texts without offsets": ("cell", no_texts, "offsets of texts are cut off"),
    "a text twice": ("cell", in_buffer("cre_type", 2, {1: 0, 2: 0}), "there twice"),
    "a last row": ("cell", in_buffer("cre_type", 0, {0: 0xFF}, "u1"), "last row of cre_type"),
    "a last number": ("pair", in_buffer("distance", 0, {-1: 0}, "<i8"), "last row is not"),
    "a far time": ("experiment", in_buffer("date", 1, {0: 1 << 62}, "<i8"), "no year"),
    "one row less": ("pair", without_row, "a buffer has"),
    "no rows": ("pair", in_header("rows", 0), "no row of missing values"),
    "-1 rows": ("pair", in_header("rows", -1), "'-1' is no number"),
    "many rows": ("pair", in_header("rows", 10**18), "a buffer has"),
    "endless rows": ("pair", in_header("rows", float("inf")), "'inf' is no number"),
    "true rows": ("pair", in_header("rows", True), "'True' is no number"),
    "rows as text": ("pair", in_header("rows", "7"), "'7' is no number"),
    "lengths as a number": ("pair", in_header("buffers", 7), "not iterable"),
    "a huge length": ("pair", length_of(0, lambda length: 10**18), "its header says otherwise"),
    "a shorter length": ("pair", length_of(0, lambda length: length - 8), "a buffer has"),
    "a negative length": ("pair", length_of(0, lambda length: -length), "is no number of rows"),
    "a longer buffer": ("pair", longer_buffer, "a buffer has"),
    "a buffer more": ("pair", one_more_buffer, "more buffers"),
    "a buffer less": ("pair", one_buffer_less, "fewer buffers"),
    "another column": ("pair", described(lambda of: of[0].update(name="../id")), r"\.\./id"),
    "names of no text": ("pair", described(lambda of: of[0].update(name=[1])), "unhashable"),
    "no columns": ("pair", described(list.clear), "no columns, or the same twice"),
    "a column twice": ("pair", described(lambda of: of.append(of[0])), "the same twice"),
    "no description": ("pair", in_header("description", [1]), "is damaged"),
}  # fmt: skip


@pytest.mark.parametrize("name", CRAFTED)
def test_what_is_not_as_the_schema_says_is_not_used(
    cached: Path, tiny_path: Path, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    table, craft, message = CRAFTED[name]
    expected = values_in(tiny_path)
    block = CraftedBlock.of(block_of(cached, table))
    craft(block)
    with caplog.at_level(logging.WARNING):
        path = put_instead(block_of(cached, table), block.content())
        assert_same(values_in(cached), expected)
    [told] = [text for text in caplog.messages if path.name in text]
    assert re.search(message, told), told
    # It was replaced by what the release says.
    assert path not in path.parent.iterdir()
    assert_same(values_in(cached), expected)


def test_a_header_that_is_longer_than_the_file(cached: Path, tiny_path: Path) -> None:
    for length in (2**64 - 1, 1 << 40, 0):
        block = block_of(cached, "cell")
        content = block.read_bytes()
        put_instead(block, content[:8] + length.to_bytes(8, "little") + content[16:])
        assert_same(values_in(cached), values_in(tiny_path))


@pytest.mark.parametrize("head", [b"[" * 200_000, b"9" * 10_000, b"\xff{}", b"null", b""])
def test_a_header_that_is_none(cached: Path, tiny_path: Path, head: bytes) -> None:
    content = MAGIC + len(head).to_bytes(8, "little") + head
    put_instead(block_of(cached, "cell"), padded(content))
    assert_same(values_in(cached), values_in(tiny_path))


def test_a_file_of_columns_that_takes_more_than_the_memory_is_not_read(
    cached: Path, tiny_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    block = block_of(cached, "cell")
    with block.open("r+b") as file:
        file.truncate(1 << 40)  # sparse: it takes no place on the disk
    with caplog.at_level(logging.WARNING):
        assert_same(values_in(cached), values_in(tiny_path))
    assert f"More than {sf.config.memory_budget:,} bytes" in caplog.text
    assert block.stat().st_size == 1 << 40


def test_a_file_of_another_table_or_release_is_not_taken(
    cached: Path, tiny_path: Path, tmp_path: Path
) -> None:
    other = Path(shutil.copy(tiny_path, sf.config.cache_path / "other.sqlite"))
    change(other, "UPDATE pair SET distance = 0.5", "UPDATE cell SET cre_type = 'sst'")
    values_in(other)
    expected = values_in(tiny_path)
    put_instead(block_of(cached, "pair"), block_of(cached, "cell").read_bytes())
    assert_same(values_in(cached), expected)
    put_instead(block_of(cached, "pair"), block_of(other, "pair").read_bytes())
    assert_same(values_in(cached), expected)
    # Nor a whole folder.
    shutil.rmtree(folder_of(cached))
    shutil.copytree(folder_of(other), folder_of(cached))
    assert_same(values_in(cached), expected)


def ids_alone(path: Path, ids: list[int]) -> bytes:
    """Return what a copy of pair's ids would be, of other pairs than there are."""
    described = CraftedBlock.of(block_of(path, "pair")).header["description"]
    described["columns"] = [column for column in described["columns"] if column["name"] == "id"]
    valid = np.packbits(np.arange(len(ids) + 1) < len(ids), bitorder="little")
    buffers = [bytearray(valid), bytearray(np.array([*ids, 0], dtype="<i8"))]
    header = {"description": described, "rows": len(ids) + 1}
    return CraftedBlock(header, buffers).with_lengths().content()


def test_files_of_different_rows_are_not_mixed(
    cached: Path, tiny_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    other = folder_of(cached) / "pair-0123456789abcdef-00000000.block"
    put_instead(other, ids_alone(cached, [1, 3]))
    with caplog.at_level(logging.WARNING):
        assert_same(values_in(cached), values_in(tiny_path))
    assert "blocks of pair have other rows" in caplog.text


def test_more_rows_than_the_release_has_are_not_taken(cached: Path, tiny_path: Path) -> None:
    put_instead(block_of(cached, "pair"), ids_alone(cached, list(range(1, 10_001))))
    assert_same(values_in(cached), values_in(tiny_path))


def test_fewer_rows_than_the_release_has_are_told(cached: Path) -> None:
    put_instead(block_of(cached, "pair"), ids_alone(cached, [1, 3]))
    with (
        sf.load_sqlite(cached) as db,
        pytest.raises(ReleaseFileError, match=r"pair has 6 rows now, and had 2.*ends in \.columns"),
    ):
        db.pairs()


USED_WHILE_CUT = """
import os, sys
from pathlib import Path
import pandas as pd
import synphys_frames as sf
path = Path(sys.argv[1])
with sf.load_sqlite(path) as db:
    before = db.pairs(include=["cell", "synapse"])
    blocks = list(Path(f"{path}.columns").glob("*.block"))
    for block in blocks:
        os.truncate(block, 100)
    for block in blocks:
        block.write_bytes(bytes(1 << 20))
    pd.testing.assert_frame_equal(db.pairs(include=["cell", "synapse"]), before)
    with open("/proc/self/maps") as maps:
        assert ".block" not in maps.read()
print(len(blocks), "duckdb" in sys.modules)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="/proc tells what is mapped")
def test_a_copy_can_be_cut_while_it_is_used(cached: Path) -> None:
    with sf.load_sqlite(cached) as db:
        db.pairs(include=["cell", "synapse"])
    done = subprocess.run(
        [sys.executable, "-c", USED_WHILE_CUT, str(cached)],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    blocks, reads_the_release = done.stdout.split()
    assert int(blocks) > 3
    assert reads_the_release == "False"
