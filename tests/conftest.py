"""Fixtures for all tests: no test sees the user's cache, home folder, or a network."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

import synphys_frames as sf
from synphys_frames.schema.published import VERSIONS
from tests.support.release_builder import build

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# A loaded machine is slow, not wrong.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")

# Nothing listens there: a connection is refused at once.
NOWHERE = "http://127.0.0.1:9/catalogue.json"


@pytest.fixture(autouse=True)
def _own_surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("SYNPHYS_FRAMES_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("SYNPHYS_FRAMES_CATALOGUE_URL", NOWHERE)
    monkeypatch.delenv("SYNPHYS_FRAMES_COLUMNAR_COPY", raising=False)
    monkeypatch.delenv("SYNPHYS_FRAMES_MEMORY_BUDGET", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("MPLBACKEND", "agg")
    # What the tests serve is on this machine, never behind a proxy.
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    yield
    sf.config.cache_path = None
    sf.config.catalogue_url = None
    sf.config.columnar_copy = None
    sf.config.memory_budget = None
    sf.config.query_timeout = None
    sf.config.patience = 180.0
    sf.config.least_rate = 16384.0
    sf.config.timeout = 20.0


@pytest.fixture(scope="session")
def sample_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sample")
    return sf.load_sample(cache_path=folder).path


@pytest.fixture(scope="session")
def db(sample_path: Path) -> Iterator[sf.SynphysDatabase]:
    """The synthetic sample, opened."""
    with sf.load_sqlite(sample_path) as opened:
        yield opened


@pytest.fixture(scope="session")
def tiny_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("tiny") / "tiny.sqlite")


@pytest.fixture(scope="session")
def tiny(tiny_path: Path) -> Iterator[sf.SynphysDatabase]:
    """The release whose every row is written out in tests/support/release_builder.py."""
    with sf.load_sqlite(tiny_path) as opened:
        yield opened


@pytest.fixture(scope="session")
def releases(tmp_path_factory: pytest.TempPathFactory) -> dict[str, sf.SynphysDatabase]:
    """The same made-up rows in the layout of every schema version."""
    folder = tmp_path_factory.mktemp("versions")
    return {
        version: sf.load_sqlite(
            sf.build_sample(folder / f"v{version}.sqlite", scale=1 / 60, schema_version=version)
        )
        for version in VERSIONS
    }


@pytest.fixture(scope="session")
def medium(tmp_path_factory: pytest.TempPathFactory) -> dict[str, sf.SynphysDatabase]:
    folder = tmp_path_factory.mktemp("medium")
    return {
        version: sf.load_sqlite(
            sf.build_sample(
                folder / f"v{version}.sqlite",
                scale=1 / 400,
                size="medium",
                schema_version=version,
            )
        )
        for version in ("15", "17", "18", "22")
    }
