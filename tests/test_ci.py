"""CI tells a failure as a failure, and how many tests were skipped."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

RUN = Path(__file__).parent.parent / ".ci" / "run"
TESTS = """
import pytest

def test_passes():
    pass

@pytest.mark.skip(reason="no such machine")
def test_skipped():
    pass

def test_{result}():
    assert {result!r} == "right"
"""


@pytest.mark.parametrize(("result", "status"), [("right", 0), ("wrong", 1)])
def test_ci_counts_skipped_tests(tmp_path: Path, result: str, status: int) -> None:
    (tmp_path / ".ci").mkdir()
    shutil.copy(RUN, tmp_path / ".ci" / "run")
    (tmp_path / "pytest.ini").write_text("[pytest]\naddopts = -ra -p no:cacheprovider")
    (tmp_path / "test_it.py").write_text(TESTS.format(result=result))
    (tmp_path / "Makefile").write_text(
        "check:\n\t@echo Success: no issues found in 125 source files\n"
        "test test-slow:\n\t@echo\n"
        f"test-oldest:\n\t@{sys.executable} -m pytest\n\t@{sys.executable} -m pytest -q\n"
    )
    done = subprocess.run(
        [tmp_path / ".ci" / "run"], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == status
    lines = done.stdout.splitlines()
    assert any("SKIPPED [1]" in line and "no such machine" in line for line in lines)
    runs = 2 if result == "right" else 1
    assert lines[-1] == f"CI: {runs} runs of tests, {runs} tests skipped"
