"""A file of which SQLite can't read all rows is refused by name, whoever asks for which rows."""

from __future__ import annotations

import shutil
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import synphys_frames as sf
from synphys_frames.backends import soundness
from synphys_frames.errors import ReleaseFileError, SynphysError
from tests.support.release_builder import change, query
from tests.support.sqlite_pages import LEAF, Pages

if TYPE_CHECKING:
    from collections.abc import Callable


def _leaf(pages: Pages) -> int:
    return pages.children(pages.root("pair"))[3]


def _blank(pages: Pages) -> None:
    pages.replace(_leaf(pages), bytes(pages.size))


def _fewer_cells(pages: Pages) -> None:
    pages.replace(_leaf(pages), bytes([LEAF, 0, 0, 0, 2]))


def _skipped_child(pages: Pages) -> None:
    root = pages.root("pair")
    pages.point(pages.pointers(root)[3], pages.children(root)[4])


def _to_itself(pages: Pages) -> None:
    root = pages.root("pair")
    pages.point(pages.pointers(root)[3], root)


def _rows_of_another_table(pages: Pages) -> None:
    pages.point(pages.pointers(pages.root("pair"))[-1], pages.root("cell"))


def _page_of_another_table(pages: Pages) -> None:
    pages.replace(_leaf(pages), pages.page(pages.children(pages.root("cell"))[0]))


def _bomb(pages: Pages) -> None:
    """Have eight levels of pages that each lead to the next by all of their pointers."""
    root = pages.root("pair")
    levels = [root, *pages.children(root)[:8]]
    for upper, lower in pairwise(levels):
        pages.replace(upper, pages.page(root))
        for pointer in pages.pointers(upper):
            pages.point(pointer, lower)


def _circular_catalogue(pages: Pages) -> None:
    for pointer in pages.pointers(1):
        pages.point(pointer, pages.children(1)[0])


def _lost_index_entries(pages: Pages) -> None:
    for table in ("ix_pair_pre_cell_id", "ix_pair_post_cell_id"):
        root = pages.root(table)
        pages.replace(root, pages.page(root)[:3] + b"\0\1")


DAMAGES = [
    _blank,
    _fewer_cells,
    _skipped_child,
    _to_itself,
    _rows_of_another_table,
    _page_of_another_table,
    _bomb,
    _circular_catalogue,
    _lost_index_entries,
]
WAYS: dict[str, Callable[[sf.SynphysDatabase, Path], Any]] = {
    "table": lambda db, _: db["pair"],
    "column": lambda db, _: db.table("pair", ["pre_cell_id"]),
    "first rows": lambda db, _: db.table("pair", limit=3),
    "where": lambda db, _: db.table("pair", where="distance > 0"),
    "pairs": lambda db, _: db.pairs(),
    "pairs where": lambda db, _: db.pairs(where="distance > 0"),
    "sql": lambda db, _: db.sql("SELECT count(*) AS n FROM pair"),
    "raw sql": lambda db, _: db.sql('SELECT id FROM release."PAIR"'),
    "connection": lambda db, _: db.connection.execute("SELECT * FROM release.pair"),
    "related": lambda db, _: db.table("experiment").synphys.related("pair"),
    "export": lambda db, folder: db.to_parquet(folder, ["pair"], progress=False),
    "counts": lambda db, _: repr(db),
    "diff": lambda db, _: db.diff(db),
}


def damaged(path: Path, folder: Path, damage: Callable[[Pages], None]) -> Path:
    pages = Pages(Path(shutil.copy(path, folder / "damaged.sqlite")))
    damage(pages)
    return pages.write()


@pytest.mark.parametrize("damage", DAMAGES)
def test_damage_is_named(
    sample_path: Path, tmp_path: Path, damage: Callable[[Pages], None]
) -> None:
    path = damaged(sample_path, tmp_path, damage)
    with pytest.raises(ReleaseFileError, match=r"damaged\.sqlite .*[Ff]etch it"):
        _ = sf.load_sqlite(path)["pair"]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("errors", ["raise", pytest.param("coerce", marks=pytest.mark.slow)])
def test_whoever_asks(sample_path: Path, tmp_path: Path, way: str, errors: Any) -> None:
    # Without a check, these rows would not come to an end.
    path = damaged(sample_path, tmp_path, _bomb)
    folder = tmp_path / "dataset"
    with (
        sf.load_sqlite(path, errors=errors) as db,
        pytest.raises(ReleaseFileError, match=r"damaged\.sqlite is damaged; SQLite says"),
    ):
        WAYS[way](db, folder)
    assert not folder.exists() or not list(folder.iterdir())


@pytest.mark.parametrize("damage", [_skipped_child, _bomb])
def test_of_a_large_file_the_tables_that_are_read_are_checked(
    sample_path: Path,
    tmp_path: Path,
    damage: Callable[[Pages], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(soundness, "_WHOLE", 1000)
    with sf.load_sqlite(damaged(sample_path, tmp_path, damage)) as db:
        expected = query(sample_path, "SELECT id FROM slice ORDER BY id")
        assert db["slice"]["id"].tolist() == [row for (row,) in expected]
        for read in (lambda: db["pair"], lambda: db.sql("SELECT count(*) FROM pair")):
            with pytest.raises(ReleaseFileError, match="is damaged; SQLite says"):
                read()


def test_a_copy_is_never_made_of_damaged_rows(sample_path: Path, tmp_path: Path) -> None:
    path = damaged(sample_path, tmp_path, _skipped_child)
    for _ in range(2):
        with (
            sf.load_sqlite(path, cache_path=tmp_path) as db,
            pytest.raises(ReleaseFileError, match="SQLite says"),
        ):
            db.pairs()


def test_a_forked_or_pickled_database_checks_too(sample_path: Path, tmp_path: Path) -> None:
    import pickle

    path = damaged(sample_path, tmp_path, _skipped_child)
    content = pickle.dumps(sf.load_sqlite(path))
    with pickle.loads(content) as db, pytest.raises(SynphysError, match="SQLite says"):
        db.pairs()


def test_values_of_other_types_are_no_damage(tiny_path: Path, tmp_path: Path) -> None:
    path = change(
        Path(shutil.copy(tiny_path, tmp_path / "copy.sqlite")),
        "UPDATE pair SET distance = 'far' WHERE id = 6",
        "CREATE TABLE own (id INTEGER PRIMARY KEY, a INT CHECK (a > 0), b INT)",
        "INSERT INTO own VALUES (1, 1, 1)",
        "PRAGMA ignore_check_constraints = true",
        "UPDATE own SET a = -1",
    )
    with sf.load_sqlite(path) as db:
        assert db.table("pair", ["id"])["id"].tolist() == [1, 2, 3, 4, 5, 6]
        assert db["own"]["a"].tolist() == [-1]


def test_row_numbers_of_any_size_are_read(tiny_path: Path, tmp_path: Path) -> None:
    path = change(
        Path(shutil.copy(tiny_path, tmp_path / "copy.sqlite")),
        "CREATE TABLE own (id INTEGER PRIMARY KEY, a INT)",
        f"INSERT INTO own VALUES ({-(2**63)}, 1), (-5, 2), (0, 3), ({2**40}, 4), ({2**63 - 1}, 5)",
    )
    with sf.load_sqlite(path) as db:
        assert db["own"]["a"].tolist() == [1, 2, 3, 4, 5]
        assert db.sql("SELECT sum(a) AS n FROM own")["n"].item() == 15
