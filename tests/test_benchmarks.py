"""The benchmarks run as they are written, on small files; how fast is no matter here."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.mark.slow
def test_all_benchmarks_give_the_same_rows_and_write_their_tables(tmp_path: Path) -> None:
    results = tmp_path / "results.md"
    arguments = ["--scale", "0.02", "--growth", "0.02", "--rounds", "1", "--out", str(results)]
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    titles = re.findall(r"^### (.+)$", results.read_text(encoding="utf-8"), re.MULTILINE)
    for part in ("Q1", "Q3", "All", "17 x 17", "New process", "Memory", "Filters", "Growth"):
        assert any(part in title for title in titles), (part, titles)
