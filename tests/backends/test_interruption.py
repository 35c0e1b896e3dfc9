"""Ctrl-C stops what runs, a time limit and closing do too, and the database works on afterwards."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
import pytest

import synphys_frames as sf
from synphys_frames.errors import (
    ArgumentError,
    ClosedError,
    ExpressionError,
    QueryError,
    QueryTimeoutError,
    SynphysError,
)
from tests.support import ctrl_c
from tests.support.programs import run_program

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ENDLESS = "SELECT count(*) FROM pair a, pair b, pair c WHERE a.distance * b.distance > 1e30 + c.id"
# Each goes on until it is stopped.
QUERIES = {
    "sql": f"db.sql({ENDLESS!r})",
    "pairs": "[db.pairs(where=f'sin(distance * {n}.5) > 0') for n in range(10**6)]",
    "table": "[db.table('pair', where=f'sin(distance * {n}.5) > 0') for n in range(10**6)]",
    "classes": "[db.pairs(pre_class=sf.CellClass(f'depth > 1e-{n}')) for n in range(10**6)]",
    "export": "[db.to_parquet(f'{folder}/{n}', progress=False) for n in range(10**6)]",
}


@pytest.mark.parametrize("name", QUERIES)
@pytest.mark.parametrize("delay", [0.31])
def test_ctrl_c_stops_a_query_and_the_database_works_on(
    sample_path: Path, tmp_path: Path, name: str, delay: float
) -> None:
    program = f"""
        import os, signal, threading, time, warnings
        import synphys_frames as sf
        signal.signal(signal.SIGINT, signal.default_int_handler)
        warnings.simplefilter("ignore")
        folder = {str(tmp_path)!r}
        db = sf.load_sqlite({str(sample_path)!r})
        db.sql("SELECT 1")
        # What is imported at first use is imported before: there DuckDB swallows interrupts.
        expected = len(db.pairs(where="distance > 0 OR TRUE", pre_class=sf.CellClass("id > 0")))
        db.table("pair", where="distance > 0", limit=1)
        db.to_parquet(folder + "/first", "slice", progress=False)
        threading.Timer({delay}, os.kill, (os.getpid(), signal.SIGINT)).start()
        began = time.monotonic()
        try:
            {QUERIES[name]}
        except KeyboardInterrupt:
            print("stopped", time.monotonic() - began < {delay} + 1.5)
        print(db.sql("SELECT 1").shape, len(db.pairs()) == expected)
        db.close()
        print("closed")
    """
    done = run_program(program, timeout=30)
    said = done.stdout.split("\n")
    assert done.returncode == 0, done.stderr
    assert said[0] == "stopped True"
    assert said[-2] == "closed"
    assert said[1] == "(1, 1) True"


@pytest.mark.parametrize(("seed", "count"), [(1, 8), pytest.param(2, 60, marks=pytest.mark.slow)])
def test_ctrl_c_at_any_moment_leaves_nothing_behind(
    sample_path: Path, tmp_path: Path, seed: int, count: int
) -> None:
    with sf.load_sqlite(sample_path) as db:
        pd.to_pickle(ctrl_c.answers(db), tmp_path / "answers.pickle")
    done = subprocess.run(
        [sys.executable, ctrl_c.__file__, sample_path, tmp_path, str(seed), str(count)],
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
        env=os.environ | {"PYTHONPATH": str(Path(sf.__file__).parents[1]), "MPLBACKEND": "Agg"},
    )
    assert (done.stdout, done.stderr, done.returncode) == (f"{count} heard\n", "", 0)


def test_ctrl_c_in_an_import_leaves_the_module_whole(sample_path: Path) -> None:
    # Where it comes while matplotlib imports a module of its own, no second import succeeds.
    program = f"""
        import os, signal, sys
        import synphys_frames as sf
        signal.signal(signal.SIGINT, signal.default_int_handler)
        def use():
            with sf.load_sqlite({str(sample_path)!r}) as db:
                classes = [sf.CellClass(cell_class=name, name=name) for name in ("ex", "in")]
                db.pairs(species="mouse").synphys.plot.connectivity(classes)
        sent = []
        def hook(event, arguments):
            if event == "import" and arguments[0] == "matplotlib.rcsetup" and not sent:
                sent.append(1)
                os.kill(os.getpid(), signal.SIGINT)
        sys.addaudithook(hook)
        try:
            use()
        except KeyboardInterrupt:
            print("heard")
        use()
        print("works")
    """
    done = run_program(program, timeout=60, MPLBACKEND="Agg")
    assert (done.stdout, done.stderr) == ("heard\nworks\n", "")


@pytest.mark.parametrize(
    "query",
    [
        lambda db: db.sql(ENDLESS),
        lambda db: [db.table("pair", where=f"sin(distance * {n}.5) > 0") for n in range(10**6)],
        lambda db: [db.pairs(where=f"sin(distance * {n}.5) > 0") for n in range(10**6)],
    ],
    ids=["sql", "table", "pairs"],
)
def test_closing_stops_the_queries_of_other_threads(
    sample_path: Path, query: Callable[[sf.SynphysDatabase], object]
) -> None:
    db = sf.load_sqlite(sample_path)
    expected = len(db.pair)
    errors: list[SynphysError] = []

    def work() -> None:
        try:
            query(db)
        except SynphysError as error:
            errors.append(error)

    threads = [threading.Thread(target=work, daemon=True) for _ in range(3)]
    for thread in threads:
        thread.start()
    time.sleep(0.3)
    db.close()
    for thread in threads:
        thread.join(timeout=20)
    assert [type(error) for error in errors] == [ClosedError] * 3
    assert all("closed" in str(error) for error in errors)
    with sf.load_sqlite(sample_path) as again:
        assert len(again.pair) == expected


def test_the_end_of_a_process_stops_its_daemon_threads(sample_path: Path) -> None:
    program = f"""
        import threading, time
        import synphys_frames as sf
        db = sf.load_sqlite({str(sample_path)!r})
        def endless():
            db.sql({ENDLESS!r})
        def many():
            while True:
                db.pairs(where=f"sin(distance * {{time.monotonic()}}) > 0")
                db.table("cell", where="id > 3")
        for work in (endless, many, many):
            threading.Thread(target=work, daemon=True).start()
        time.sleep(0.5)
        print("end")
    """
    done = run_program(program, timeout=30)
    assert (done.stdout, done.returncode) == ("end\n", 0), done.stderr


@pytest.fixture
def timeout() -> Iterator[float]:
    sf.config.query_timeout = 0.2
    yield 0.2
    sf.config.query_timeout = None


def test_a_query_ends_after_the_time_that_it_may_take(sample_path: Path, timeout: float) -> None:
    with sf.load_sqlite(sample_path) as db:
        db.sql("SELECT 1")
        began = time.monotonic()
        with pytest.raises(QueryTimeoutError, match=r"longer than 0\.2 seconds"):
            db.sql(ENDLESS)
        assert time.monotonic() - began < timeout + 2
        assert db.sql("SELECT 1").shape == (1, 1)
        assert len(db.pairs(where="sin(distance) > 0")) > 0


def test_the_time_limit_holds_in_every_thread(sample_path: Path, timeout: float) -> None:
    with sf.load_sqlite(sample_path) as db, ThreadPoolExecutor(3) as pool:
        db.sql("SELECT 1")
        for ended in [pool.submit(db.sql, ENDLESS) for _ in range(3)]:
            assert isinstance(ended.exception(timeout=20), QueryTimeoutError)
        assert pool.submit(db.sql, "SELECT 1 AS x").result()["x"].tolist() == [1]


@pytest.mark.parametrize("seconds", [0, -1, float("inf"), float("nan"), "1", True])
def test_a_time_that_is_none_is_refused(seconds: object) -> None:
    with pytest.raises(ArgumentError, match="query_timeout takes seconds above 0"):
        sf.config.query_timeout = seconds  # type: ignore[assignment]


def test_an_error_that_only_speaks_of_interrupting_is_none(sample_path: Path) -> None:
    with sf.load_sqlite(sample_path) as db, pytest.raises(ExpressionError):
        db.pairs(where="pre_cell.cre_type > 'interrupt' AND sqrt(-1) > 0")


def test_a_database_closes_after_its_user_closed_the_connection(sample_path: Path) -> None:
    db = sf.load_sqlite(sample_path)
    assert db.sql("SELECT 1").shape == (1, 1)
    db.connection.close()
    assert db.sql("SELECT 2 AS two")["two"].tolist() == [2]
    db.connection.close()
    with pytest.raises(QueryError, match="nowhere"):
        db.sql("SELECT * FROM nowhere")
    db.connection.close()
    db.close()
    assert db.is_closed
