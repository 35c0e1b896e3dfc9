"""Attrs and lists of versions made up at random give an answer, or an error that has a name.

``SYNPHYS_FUZZ_SECONDS`` says how long to try (default 3), ``SYNPHYS_FUZZ_SEED`` where to begin.
What is found gets a test of its own in tests/database and tests/releases.
"""

from __future__ import annotations

import os
import random
import time
import warnings
from copy import deepcopy
from typing import TYPE_CHECKING, Any

import pytest

import synphys_frames as sf
from synphys_frames._files import is_plain_name
from synphys_frames.errors import CatalogueError, SynphysError
from synphys_frames.releases.catalogue import parse_catalogue
from tests.support.release_builder import build

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

SECONDS = float(os.environ.get("SYNPHYS_FUZZ_SECONDS", "3"))
SEED = int(os.environ.get("SYNPHYS_FUZZ_SEED", "0"))
LONGEST = 5_000
# Of a loaded machine; alone, nothing here takes a hundredth of it.
PATIENCE = 30.0

LEAVES: list[Any] = [
    None, True, False, 0, -1, 1, 22, 1e308, float("nan"), float("inf"), 10**400, 2**63, "", "x",
    "\0", "\ud800", "\x1b[2J", "x" * 100_000, "../x.sqlite", "/dev/zero", "/dev/stdin", "CON",
    "/etc/passwd", "file:///etc/passwd", "\\\\server\\share", "//server/share", "~", ".", "..",
    "https://user:secret@x/y", "simplecache::https://x/y", "s3://x/y", "pair", "cell", "ms", "um",
    "coerce", "raise", "a.sqlite", "synphys_r2.1_small.sqlite", "0" * 64, [], {}, [None], {"": 0},
]  # fmt: skip


def _value(chance: random.Random, depth: int = 0) -> Any:
    kind = chance.randrange(8) if depth < 4 else 7
    if kind == 0:
        return [_value(chance, depth + 1) for _ in range(chance.randrange(4))]
    if kind == 1:
        names = [str(chance.choice(LEAVES))[:20] for _ in range(chance.randrange(4))]
        return {name: _value(chance, depth + 1) for name in names}
    if kind == 2:
        return "".join(chr(chance.randrange(0x3000)) for _ in range(chance.randrange(40)))
    return deepcopy(chance.choice(LEAVES))


def _changed(document: Any, chance: random.Random) -> Any:
    """Return a document in which one thing is another, at any depth."""
    if isinstance(document, dict) and document and chance.random() < 0.9:
        name = chance.choice(list(document))
        if chance.random() < 0.1:
            return {key: value for key, value in document.items() if key != name}
        return document | {name: _changed(document[name], chance)}
    if isinstance(document, list) and document and chance.random() < 0.8:
        place = chance.randrange(len(document))
        return [*document[:place], _changed(document[place], chance), *document[place + 1 :]]
    return _value(chance)


def _numbers() -> Iterator[int]:
    number, end = SEED, time.monotonic() + SECONDS / 2
    while time.monotonic() < end:
        number += 1
        yield number


def _named(action: Callable[[], object], seed: str) -> None:
    begun = time.monotonic()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            action()
    except SynphysError as error:
        assert len(str(error)) < LONGEST, seed  # noqa: PT017
        assert "\x1b" not in str(error), seed  # noqa: PT017
    except Exception as error:
        error.add_note(seed)
        raise
    assert time.monotonic() - begun < PATIENCE, seed


@pytest.mark.parametrize("held", [True, False])
def test_attrs_made_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, held: bool) -> None:
    monkeypatch.chdir(tmp_path)
    path = build(tmp_path / "a.sqlite")
    classes = {"ex": sf.CellClass(cell_class_nonsynaptic="ex")}
    with sf.load_sqlite(path) as db:
        frames = [db.pairs(include="cell"), db.cell, db.pairs().synphys.to_units("um")]
    verbs: list[Callable[[Any], object]] = [
        lambda frame: frame.synphys.pairs(),
        lambda frame: frame.synphys.related("experiment"),
        lambda frame: frame.synphys.join("slice"),
        lambda frame: frame.synphys.to_units("mm"),
        lambda frame: frame.synphys.schema,
        lambda frame: frame.synphys.connectivity(classes),
        lambda frame: frame.synphys.matrix("pair.distance", classes),
    ]
    opened = sf.load_sqlite(path) if held else None
    for number in _numbers():
        chance = random.Random(number)
        frame = chance.choice(frames).copy()
        for _ in range(chance.choice([1, 1, 2])):
            frame.attrs = {"synphys": _changed(frame.attrs["synphys"], chance)}
        _named(lambda: chance.choice(verbs)(frame), f"seed {number}")  # noqa: B023
        assert list(tmp_path.iterdir()) == [path], f"seed {number}"
    if opened is not None:
        opened.close()


def test_catalogues_made_up(tmp_path: Path) -> None:
    entry = {"file": "a.sqlite", "schema_version": "22", "aliases": ["b.sqlite"], "bytes": 7}
    whole = {
        "default_url_path": "https://x",
        "databases": [entry | {"sha256": "0" * 64}, {"file": "c.sqlite", "schema_version": 22}],
    }
    for number in _numbers():
        chance = random.Random(number)
        document = whole
        for _ in range(chance.choice([1, 1, 2])):
            document = _changed(document, chance)
        try:
            releases = parse_catalogue(document, "x")
        except CatalogueError as error:
            assert len(str(error)) < LONGEST, f"seed {number}"  # noqa: PT017
            continue
        for release in releases:
            assert all(map(is_plain_name, (release.db_file, *release.aliases)))
            place = (tmp_path / release.db_file).resolve()
            assert place.parent == tmp_path.resolve(), f"seed {number}"
            assert release.url.partition("://")[0] in ("https", "s3"), f"seed {number}"
            assert "secret" not in release.url, f"seed {number}"
            assert release.bytes is None or 0 <= release.bytes < 1 << 63, f"seed {number}"
            assert release.sha256 is None or len(release.sha256) == 64, f"seed {number}"
