from __future__ import annotations

import platform
import re
import subprocess
import sys
import tomllib
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import synphys_frames as sf
from synphys_frames.options import Config

PYPROJECT = Path(__file__).parent.parent / "pyproject.toml"
SETTINGS = {name for name, value in vars(Config).items() if isinstance(value, property)}


def test_versions_are_those_that_run() -> None:
    versions = sf.show_versions(as_dict=True)
    assert versions["synphys_frames"] == sf.__version__
    assert versions["python"] == platform.python_version()
    assert versions["pandas"] == pd.__version__
    assert versions["numpy"] == np.__version__
    # The two have to be of one version, which a report shows at a glance.
    assert versions["duckdb-extension-sqlite-scanner"] == versions["duckdb"] == version("duckdb")


def test_every_package_that_users_install_is_told() -> None:
    project = tomllib.loads(PYPROJECT.read_text(encoding="utf-8"))["project"]
    optional = project["optional-dependencies"]
    declared = [*project["dependencies"], *optional["plot"], *optional["s3"]]
    names = {re.match(r"[A-Za-z0-9-]+", line)[0] for line in declared}
    assert len(names) > 10
    assert names - set(sf.show_versions(as_dict=True)) == set()


def test_what_is_not_installed_is_none(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    (tmp_path / "s3fs-2024.6.0.dist-info").mkdir()
    (tmp_path / "s3fs-2024.6.0.dist-info" / "METADATA").write_text("Name: s3fs\nVersion: 2024.6.0")
    versions = sf.show_versions(as_dict=True)
    assert versions["s3fs"] == "2024.6.0"
    assert versions["matplotlib"] is None
    assert versions["synphys_frames"] == sf.__version__


def test_machine_and_settings_are_told(tmp_path: Path) -> None:
    sf.config.cache_path = tmp_path
    versions = sf.show_versions(as_dict=True)
    assert set(versions) >= SETTINGS
    assert versions["cache_path"] == str(tmp_path)
    assert versions["memory_budget"] == str(sf.config.memory_budget)
    assert 2**20 < versions["memory"] < 2**60
    assert versions["processors"] >= 1


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://example.org/list.json", "https://example.org/list.json"),
        ("https://me:pass@example.org:8443/list.json", "https://example.org:8443/list.json"),
        ("https://me:p?ss#@example.org/list.json", "https://example.org/list.json"),
        ("https://example.org/list.json?token=abc#part", "https://example.org/list.json"),
        ("simplecache::https://me:pass@example.org/l?sig=1", "simplecache::https://example.org/l"),
        ("file:///data/list.json", "file:///data/list.json"),
        ("http://[not-a-url", "http://[not-a-url"),
    ],
)
def test_no_secret_of_the_catalogue_is_told(url: str, shown: str) -> None:
    sf.config.catalogue_url = url
    assert sf.show_versions(as_dict=True)["catalogue_url"] == shown


def test_a_setting_that_cannot_be_used_is_told_by_its_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SYNPHYS_FRAMES_MEMORY_BUDGET", "2 GB")
    budget = sf.show_versions(as_dict=True)["memory_budget"]
    assert budget.startswith("can't be used: SYNPHYS_FRAMES_MEMORY_BUDGET takes a number of bytes")


def test_printed_is_what_the_dict_has(capsys: pytest.CaptureFixture[str]) -> None:
    assert sf.show_versions() is None
    printed = dict(line.split(maxsplit=1) for line in capsys.readouterr().out.splitlines())
    assert printed == {name: str(value) for name, value in sf.show_versions(as_dict=True).items()}


def test_no_package_is_imported_for_its_version() -> None:
    program = (
        "import sys, synphys_frames as sf; sf.show_versions(); "
        "heavy = {'duckdb', 'fsspec', 'urllib3', 'requests', 'scipy', 'matplotlib', 'tqdm'}; "
        "sys.exit(str(heavy & set(sys.modules)) if heavy & set(sys.modules) else 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=60
    )
    assert (done.returncode, done.stderr) == (0, "")
