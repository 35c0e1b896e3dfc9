"""Run all benchmarks on synthetic files and write RESULTS.md: ``make bench``."""

from __future__ import annotations

import argparse
import datetime as dt
import os
import platform
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import synphys_frames as sf
from synphys_frames._machine import machine_memory

from . import connectivity, filters, growth, new_process, wide_frames

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .alternating import Comparison

RESULTS = Path(__file__).with_name("RESULTS.md")

_PACKAGES = ("synphys-frames", "pandas", "numpy", "pyarrow", "duckdb", "scipy")

_INTRODUCTION = """# What was measured

Written by `make bench`. The files are synthetic: made by the sample builder in the published
layout, the same rows for the same seed. Within a table, all contenders ran in turn in one process
(new processes in turn where it says so), and were checked first to give the same rows. The ratio is
to the first line. Times on a shared machine move by half from minute to minute; ratios do so less.
Frames of hundreds of MB take their memory from the system, which some machines hand over in a tenth
of a second and some in seconds: the spread shows it, and the least time is the library's own.
"""

_EXISTING = """## The existing library

Not a dependency, and not measured here. Measured once, before this library was written, with its
own queries from ORM objects to a frame, on a file of made-up rows in the published layout (101,490
pairs, 21,189 cells, 3,494 synapses, 229 MB), on 2 cores. Beside it what SQL by hand and read_sql
took on that file and machine: ratios to those carry over, seconds do not.

| | existing library | SQL by hand, DuckDB attached | pandas.read_sql |
|---|---:|---:|---:|
| Q1 (s) | 4.4 to 6.8 | 0.754 | 0.422 |
| Q3 (s) | 15.7 to 23.9 | 1.233 | 2.922 |
| Q5, 17 x 17 classes (s) | 36 to 43 | 0.079 (counts only) | |
| new process to the Q1 frame (s) | at least 6.3 | 1.8 | 1.1 |
"""


def surroundings() -> str:
    """Return versions and machine as a list."""
    packages = ", ".join(f"{name} {version(name)}" for name in _PACKAGES)
    return (
        f"- {dt.datetime.now(dt.UTC):%Y-%m-%d}, Python {platform.python_version()}, "
        f"{packages}\n"
        f"- {platform.system()} {platform.machine()}, {os.cpu_count()} cores, "
        f"{machine_memory() / 2**30:.0f} GiB of memory\n"
    )


def comparisons(folder: Path, options: argparse.Namespace) -> Iterator[Comparison]:
    """Yield all comparisons."""
    path = sf.build_sample(folder / "synthetic_small.sqlite", scale=options.scale)
    rounds: int = options.rounds
    yield from new_process.compare(path, rounds)
    sf.config.columnar_copy = False
    with sf.load_sqlite(path) as db:
        yield from wide_frames.compare(db, path, rounds)
        yield from filters.compare(db, path, rounds * 3)
        yield from connectivity.compare(db, path, rounds * 3)
    paths = {
        scale: sf.build_sample(folder / f"synthetic_{scale:g}.sqlite", scale=scale)
        for scale in sorted(options.growth)
    }
    if paths:
        yield from growth.compare(paths, rounds)


def main() -> None:
    """Print the ratios and write them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scale", type=float, default=1.0, help="1: the published scale")
    parser.add_argument("--growth", type=float, nargs="*", default=[0.1, 1.0, 10.0])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--out", type=Path, default=RESULTS)
    options = parser.parse_args()
    tables = []
    with tempfile.TemporaryDirectory() as folder:
        for comparison in comparisons(Path(folder), options):
            print(comparison.text(), flush=True)
            tables.append(comparison.markdown())
    parts = [_INTRODUCTION, surroundings(), "\n\n".join(tables) + "\n", _EXISTING]
    options.out.write_text("\n".join(parts), encoding="utf-8")


if __name__ == "__main__":
    main()
