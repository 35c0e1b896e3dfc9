from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from synphys_frames.errors import ArgumentError
from synphys_frames.options import Config


def test_what_is_set_counts_before_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    config = Config()
    monkeypatch.setenv("SYNPHYS_FRAMES_CACHE", "~/somewhere")
    monkeypatch.setenv("SYNPHYS_FRAMES_CATALOGUE_URL", "https://example.org/list.json")
    assert config.cache_path == Path.home() / "somewhere"
    assert config.catalogue_url == "https://example.org/list.json"
    config.cache_path = "other"
    config.catalogue_url = "https://example.org/other.json"
    assert config.cache_path == Path("other")
    assert config.catalogue_url == "https://example.org/other.json"
    config.cache_path = None
    config.catalogue_url = None
    monkeypatch.delenv("SYNPHYS_FRAMES_CACHE")
    monkeypatch.delenv("SYNPHYS_FRAMES_CATALOGUE_URL")
    assert config.cache_path.name == "synphys_frames"
    assert config.catalogue_url.endswith("/aisynphys/download_urls/download_urls.json")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("cache_path", 5),
        ("cache_path", ""),
        ("cache_path", "~nobody-of-that-name/x"),
        ("catalogue_url", 5),
        ("timeout", 0),
        ("timeout", "5"),
        ("timeout", True),
        ("timeout", float("nan")),
        ("timeout", float("inf")),
    ],
)
def test_values_are_checked(name: str, value: Any) -> None:
    with pytest.raises(ArgumentError, match=name):
        setattr(Config(), name, value)


def test_a_mistyped_setting_is_an_error() -> None:
    with pytest.raises(AttributeError):
        Config().cache_pth = "x"  # type: ignore[attr-defined]


def test_repr_shows_what_counts() -> None:
    config = Config()
    config.cache_path = "here"
    assert "cache_path='here'" in repr(config)
