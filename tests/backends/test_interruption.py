"""Ctrl-C stops what runs, a time limit does too, and the database works on afterwards."""

from __future__ import annotations

import subprocess
import sys
import textwrap
import time
from typing import TYPE_CHECKING

import pytest

import synphys_frames as sf
from synphys_frames.errors import ArgumentError, ExpressionError, QueryTimeoutError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

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
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    said = done.stdout.split("\n")
    assert done.returncode == 0, done.stderr
    assert said[0] == "stopped True"
    assert said[-2] == "closed"
    assert said[1] == "(1, 1) True"


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
    db.close()
    assert db.is_closed
