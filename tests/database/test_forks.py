"""A child that is forked while other threads query works, or says at once that it can't."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system can't fork")

PROGRAM = """
import multiprocessing, os, sys, threading, time, warnings
from collections import Counter
import synphys_frames as sf
from synphys_frames.errors import ForkedError

path = {path!r}
db = sf.load_sqlite(path)
warnings.simplefilter("ignore", DeprecationWarning)

def answers():
    with sf.load_sqlite(path) as another:
        cells = len(another.cell)
    near = db.pairs(where=f"distance < 1e-4 AND pair.id > -{{os.getpid()}}")
    return len(db.pair), len(db.pairs(synapse=True)), near["pair.id"].sum(), cells

expected = answers()
is_over = threading.Event()

def work(query):
    number = 0
    while not is_over.is_set():
        number += 1
        query(number)

def child():
    try:
        os._exit(0 if answers() == expected else 3)
    except ForkedError:
        try:
            sf.load_sqlite(path)
        except ForkedError:
            os._exit(4)
    finally:
        os._exit(5)

queries = {queries}
threads = [threading.Thread(target=work, args=(query,), daemon=True) for query in queries]
for thread in threads:
    thread.start()
ended = Counter()
time.sleep({wait})
for number in range({count}):
    time.sleep(number % 7 * 0.01)
    if number % 2:
        process = multiprocessing.get_context("fork").Process(target=child)
        process.start()
        process.join(timeout=20)
        ended[process.exitcode] += 1
        process.kill()
        continue
    process = os.fork()
    if process == 0:
        child()
    ended[os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])] += 1
print(dict(ended), answers() == expected)
is_over.set()
db.close()
"""
SHORT = """[
    lambda n: db.sql("SELECT count(*) FROM pair JOIN cell ON pair.pre_cell_id = cell.id"),
    lambda n: (db.pairs(where=f"distance < {n}e-6"), sf.load_sqlite(path).close()),
    lambda n: db.table("cell", where=f"id > {n}"),
]"""
ENDLESS = """[
    lambda n: db.sql("SELECT count(*) FROM pair a, pair b, pair c WHERE a.id * b.id * c.id < 0"),
]"""


def run(path: Path, queries: str, count: int, wait: float = 0.0) -> str:
    program = PROGRAM.format(
        path=str(path), queries=textwrap.dedent(queries), count=count, wait=wait
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize("count", [12, pytest.param(60, marks=pytest.mark.slow)])
def test_a_child_works_that_is_forked_between_queries(sample_path: Path, count: int) -> None:
    assert run(sample_path, SHORT, count) == f"{{0: {count}}} True"


def test_a_child_that_is_forked_amid_a_query_says_that_it_cant(sample_path: Path) -> None:
    # The query has begun by then.
    assert run(sample_path, ENDLESS, 1, wait=2.0) == "{4: 1} True"
