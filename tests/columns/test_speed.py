"""Guards against slow-down that no noise can trip: they count, and measure no time."""

from __future__ import annotations

import _thread
import subprocess
import sys
import textwrap
import threading
import tracemalloc
from collections import Counter
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest

import synphys_frames as sf
from synphys_frames.database.database import release_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from types import FrameType

WIDE: dict[str, Any] = {"species": "mouse", "include": ["cell", "synapse"]}
CLASSES = {
    "pvalb": sf.CellClass(cre_type="pvalb"),
    "deep": sf.CellClass(cortical_layer=("5", "6")),
    "spiny": sf.CellClass(dendrite_type="spiny"),
}


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Iterator[sf.SynphysDatabase]:
    """Ten times as many pairs as the sample has."""
    path = tmp_path_factory.mktemp("large") / "synthetic_small.sqlite"
    with sf.load_sqlite(sf.build_sample(path, scale=1 / 6)) as opened:
        yield opened


def calls(work: Callable[[], object]) -> Counter[str]:
    """Count the calls of Python functions and, by name, of those of DuckDB."""
    counted: Counter[str] = Counter()

    def profile(_frame: FrameType, event: str, argument: object) -> None:
        if event == "call":
            counted["python"] += 1
        elif event == "c_call":
            counted["any"] += 1
            if "duckdb" in str(getattr(argument, "__module__", "")):
                counted[f"duckdb.{argument.__name__}"] += 1  # type: ignore[attr-defined]

    def start(function: Callable[..., object], arguments: tuple[object, ...]) -> int:
        # Queries run in threads that `threading` does not know.
        def profiled() -> None:
            sys.setprofile(profile)
            function(*arguments)

        return original(profiled, ())

    original = _thread.start_new_thread
    sys.setprofile(profile)
    threading.setprofile(profile)
    _thread.start_new_thread = start  # type: ignore[assignment]
    try:
        work()
    finally:
        _thread.start_new_thread = original
        sys.setprofile(None)
        threading.setprofile(None)
    return counted


WORK: list[tuple[str, Callable[[sf.SynphysDatabase], object], int]] = [
    ("filter", lambda db: db.pairs(species="mouse", pre_class=CLASSES["deep"]), 3000),
    ("expression", lambda db: db.pairs(where="synapse.latency < 2e-3"), 3000),
    ("wide", lambda db: db.pairs(**WIDE), 18000),
    ("classify", lambda db: db.pairs().synphys.classify(CLASSES, overlap="first"), 7000),
    ("connectivity", lambda db: db.pairs().synphys.connectivity(CLASSES), 8000),
    ("join", lambda db: db.pair.synphys.join("pre_cell"), 5000),
]


@pytest.mark.parametrize(
    ("work", "most"), [case[1:] for case in WORK], ids=[one[0] for one in WORK]
)
def test_calls_do_not_grow_with_the_rows(
    db: sf.SynphysDatabase,
    large: sf.SynphysDatabase,
    work: Callable[[sf.SynphysDatabase], object],
    most: int,
) -> None:
    counts = []
    for database in (db, large):
        work(database)
        counts.append(calls(lambda database=database: work(database)))
    few, many = counts
    assert many["python"] <= most
    assert many["python"] <= few["python"] * 1.1 + 20
    assert many["any"] <= few["any"] * 1.1 + 20


def test_what_is_in_memory_is_not_queried(large: sf.SynphysDatabase) -> None:
    def work() -> object:
        return large.pairs(synapse_probed=True, **WIDE).synphys.connectivity(CLASSES)

    work()
    assert [name for name in calls(work) if name.startswith("duckdb")] == []


def test_each_table_is_read_once(large: sf.SynphysDatabase) -> None:
    release_of(large).store.forget()
    first = calls(lambda: large.pairs(**WIDE))
    # pair, experiment, slice, five tables of cells, four of synapses
    assert first["duckdb.to_arrow_table"] == len(release_of(large).store.loaded) == 12


def test_a_release_is_opened_by_its_own_schema_version_alone(sample_path: Path) -> None:
    program = f"""
    import synphys_frames as sf
    from synphys_frames.schema.published import published_schema
    sf.load_sqlite({str(sample_path)!r}).close()
    print(published_schema.cache_info().currsize)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert done.stdout.strip() == "1"


def test_a_wide_frame_takes_hardly_more_memory_than_it_has(large: sf.SynphysDatabase) -> None:
    frame = large.pairs(**WIDE)
    size = int(frame.memory_usage(index=False).sum())
    assert size > 10_000_000
    tracemalloc.start()
    try:
        frame = large.pairs(**WIDE)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 1.3 * size


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_a_frame_that_threads_gather_is_the_same(
    db: sf.SynphysDatabase, monkeypatch: pytest.MonkeyPatch, threads: int
) -> None:
    query: dict[str, Any] = {"include": ["cell", "synapse", "experiment", "cell.position"]}
    expected = db.pairs(**query)
    started: list[str] = []

    def start(thread: threading.Thread) -> None:
        started.append(thread.name)
        original(thread)

    original = threading.Thread.start
    monkeypatch.setattr(threading.Thread, "start", start)
    monkeypatch.setattr("synphys_frames.columns.gather._MANY_VALUES", 1)
    monkeypatch.setattr("synphys_frames.columns.gather.processors", lambda: threads)
    monkeypatch.setattr("synphys_frames.columns.gather._MOST_THREADS", 5)
    pd.testing.assert_frame_equal(db.pairs(**query), expected)
    assert (started != []) == (threads > 1)


def test_only_the_columns_that_are_wanted_are_copied(large: sf.SynphysDatabase) -> None:
    query: dict[str, Any] = {"species": "mouse", "include": ["pre_intrinsic.tau"]}
    size = int(large.pairs(**query).memory_usage(index=False).sum())
    tracemalloc.start()
    try:
        large.pairs(**query)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 2 * size
