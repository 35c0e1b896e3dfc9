"""From the start of a new process to the Q1 frame: seconds, and the memory at its peak."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from .alternating import Comparison
from .by_hand import ALL, Q1

if TYPE_CHECKING:
    from collections.abc import Iterator

_ROOT = Path(__file__).parent.parent

_CLOCK = """
import json, os, sys, time
begun = time.perf_counter()
path, sql = sys.argv[1:3]
{work}
took = time.perf_counter() - begun
from benchmarks.new_process import peak_memory
peak = peak_memory()
print(json.dumps([took, peak, list(frame.shape)]))
"""
_OURS = """
import synphys_frames as sf
db = sf.load_sqlite(path)
frame = db.pairs(species="mouse", {filters} include=["cell", "synapse"])
"""
_DUCKDB = """
import duckdb, pandas
from duckdb_extension_sqlite_scanner import __file__ as wheel
connection = duckdb.connect()
folder = os.path.join(os.path.dirname(wheel), "extensions", "v" + duckdb.__version__)
connection.execute("LOAD '" + os.path.join(folder, "sqlite_scanner.duckdb_extension") + "'")
connection.execute("ATTACH '" + path + "' AS release (TYPE sqlite, READ_ONLY)")
frame = connection.execute(sql).df()
"""
_READ_SQL = """
import sqlite3, pandas
frame = pandas.read_sql(sql, sqlite3.connect(path))
"""


def peak_memory() -> int:
    """Return the most bytes of memory that this process had at a time."""
    try:
        status = Path("/proc/self/status").read_text(encoding="ascii")
    except OSError:
        import resource

        # Bytes on macOS. Elsewhere kilobytes, and at least what the parent had.
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak if sys.platform == "darwin" else peak * 1024
    [line] = [line for line in status.splitlines() if line.startswith("VmHWM:")]
    return int(line.split()[1]) * 1024


def _run(work: str, path: Path, sql: str, cache: Path, *, copy: bool) -> tuple[float, float]:
    environment = {
        "PATH": "/usr/bin:/bin",
        "SYNPHYS_FRAMES_CACHE": str(cache),
        "SYNPHYS_FRAMES_COLUMNAR_COPY": str(int(copy)),
    }
    program = _CLOCK.replace("{work}", work)
    done = subprocess.run(
        [sys.executable, "-c", program, str(path), sql],
        capture_output=True, text=True, check=True, env=environment, cwd=_ROOT,
    )  # fmt: skip
    # DuckDB draws its progress above it.
    took, peak, _ = json.loads(done.stdout.splitlines()[-1])
    return took, peak


def compare(path: Path, rounds: int) -> Iterator[Comparison]:
    """Yield the times and the peaks; the release is taken to be in the cache folder."""
    cache = path.parent
    for query, filters in ((Q1, "synapse=True,"), (ALL, "")):
        ours = _OURS.replace("{filters}", filters)
        attached, plain = query.sql("release."), query.sql()
        contenders = {
            "synphys_frames, columnar copy there": (ours, "", True),
            "synphys_frames, without one": (ours, "", False),
            "SQL by hand, DuckDB attached": (_DUCKDB, attached, False),
            "pandas.read_sql": (_READ_SQL, plain, False),
        }
        _run(ours, path, "", cache, copy=True)  # writes the copy
        found: dict[str, list[tuple[float, float]]] = {name: [] for name in contenders}
        for _ in range(rounds):
            for name, (work, sql, copy) in contenders.items():
                found[name].append(_run(work, path, sql, cache, copy=copy))
        if query is Q1:
            times = {name: [one[0] for one in runs] for name, runs in found.items()}
            yield Comparison(f"New process to the frame: {query.title}", times)
        peaks = {name: [one[1] for one in runs] for name, runs in found.items()}
        yield Comparison(f"Memory of the process at its peak: {query.title}", peaks, "MB")
