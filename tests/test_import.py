from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from importlib import resources
from typing import TYPE_CHECKING

import synphys_frames as sf

if TYPE_CHECKING:
    from pathlib import Path

WATCH = """
import sys
import pandas, pyarrow
seen = []
def hook(event, arguments):
    if event.startswith("socket."):
        seen.append((event, str(arguments)))
    elif event == "open" and isinstance(arguments[0], str):
        mode = arguments[1] or "r"
        if "synphys" in arguments[0] and "/synphys_frames/" not in arguments[0]:
            seen.append((event, arguments[0]))
        if any(letter in mode for letter in "wax+") and "__pycache__" not in arguments[0]:
            seen.append((event, arguments[0]))
sys.addaudithook(hook)
before = set(sys.modules)
import synphys_frames
heavy = {"asyncio", "duckdb", "fsspec", "requests", "urllib3", "tqdm", "filelock", "matplotlib"}
heavy |= {"http.server", "platformdirs", "psutil", "pyarrow.parquet", "scipy"}
print(seen, sorted(heavy & (set(sys.modules) - before)))
"""


def run(program: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)],
        capture_output=True,
        text=True,
        env=os.environ | environment,
        check=False,
        timeout=60,
    )


def test_import_touches_no_network_no_file_and_nothing_heavy() -> None:
    done = run(WATCH)
    assert (done.stdout.strip(), done.stderr) == ("[] []", "")


def test_analyses_do_without_scipy_stats(sample_path: Path) -> None:
    done = run(
        f"""
        import sys
        import synphys_frames as sf
        db = sf.load_sqlite({str(sample_path)!r})
        pairs = db.pairs(species="mouse", include="cell")
        classes = {{"ex": sf.CellClass(cell_class="ex"), "in": sf.CellClass(cell_class="in")}}
        pairs.synphys.connectivity(classes)
        pairs.synphys.connectivity(classes, kind="reciprocal")
        pairs.synphys.connectivity_profile(4)
        pairs.synphys.compare("pair.distance", classes)
        print(len(pairs), "scipy.special" in sys.modules, "scipy.stats" in sys.modules)
        """
    )
    assert done.stdout.split()[1:] == ["True", "False"], done.stderr


def test_import_does_not_need_a_home_folder() -> None:
    done = run("import synphys_frames; print(synphys_frames.__version__)", HOME="/nonexistent")
    assert done.stdout.strip() == sf.__version__


def test_public_names_are_sorted_and_there() -> None:
    assert sf.__all__ == sorted(sf.__all__)
    for name in sf.__all__:
        assert getattr(sf, name) is not None


def test_type_checkers_are_told_that_there_are_types() -> None:
    assert resources.files(sf).joinpath("py.typed").is_file()


def test_the_extension_is_loaded_from_its_wheel_and_not_copied(
    tmp_path: Path, sample_path: Path
) -> None:
    program = f"import synphys_frames as sf; print(len(sf.load_sqlite({str(sample_path)!r}).pair))"
    done = run(program, HOME=str(tmp_path))
    assert int(done.stdout) > 1000
    assert list(tmp_path.rglob("*.duckdb_extension*")) == []
    assert not (tmp_path / ".duckdb").exists()


def test_without_the_wheel_the_error_gives_the_command(sample_path: Path) -> None:
    program = f"""
    import sys
    sys.modules["duckdb_extension_sqlite_scanner"] = None
    import synphys_frames as sf
    from synphys_frames.errors import ExtensionError
    try:
        sf.load_sqlite({str(sample_path)!r}).pair
    except ExtensionError as error:
        print(error)
    """
    # Without a home folder, DuckDB's own install fails whether there is a network or not.
    done = run(program, HOME="/nonexistent")
    assert "pip install duckdb-extension-sqlite-scanner==1.5.5" in done.stdout, done.stderr
