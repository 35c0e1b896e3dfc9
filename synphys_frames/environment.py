"""What a report of a problem needs to say: versions, machine, settings."""

from __future__ import annotations

import platform
import re
from typing import Literal, overload

from ._arguments import checked
from ._machine import machine_memory, processors
from ._version import __version__
from .errors import ArgumentError
from .options import config

_PACKAGES = (
    "duckdb",
    "duckdb-extension-sqlite-scanner",
    "filelock",
    "fsspec",
    "matplotlib",
    "numpy",
    "pandas",
    "platformdirs",
    "psutil",
    "pyarrow",
    "requests",
    "s3fs",
    "scipy",
    "tqdm",
    "urllib3",
)
_SETTINGS = (
    *("cache_path", "catalogue_url", "columnar_copy", "least_rate", "memory_budget", "patience"),
    *("query_timeout", "timeout"),
)


@overload
def show_versions(*, as_dict: Literal[False] = ...) -> None: ...
@overload
def show_versions(*, as_dict: Literal[True]) -> dict[str, str | int | None]: ...
@checked()
def show_versions(*, as_dict: bool = False) -> dict[str, str | int | None] | None:
    """Print the versions, the machine and the settings, for a report of a problem.

    Nothing is imported for it: the versions are those of the installed distributions. A package
    that is not installed has None; optional ones are matplotlib and s3fs, and psutil is for Windows
    alone. User name, password and query of the catalogue's URL are left out. A setting from the
    environment that can't be used is shown by its error.

    Parameters
    ----------
    as_dict
        Return the values instead of printing them.

    Returns
    -------
    dict or None
        With `as_dict`, by name: text, or int for `memory` (the bytes that this process may use)
        and `processors` (on how many it may run), or None. The settings of `config` are text.

    See Also
    --------
    config : The settings.

    Examples
    --------
    >>> versions = sf.show_versions(as_dict=True)
    >>> versions["synphys_frames"] == sf.__version__
    True
    >>> sf.show_versions()
    synphys_frames                  ...
    python                          3...
    platform                        ...
    """
    values: dict[str, str | int | None] = {
        "synphys_frames": __version__,
        "python": platform.python_version(),
        "platform": platform.platform(),
        **{package: _installed(package) for package in _PACKAGES},
        "memory": machine_memory(),
        "processors": processors(),
        **{setting: _setting(setting) for setting in _SETTINGS},
    }
    if as_dict:
        return values
    width = max(map(len, values))
    print("\n".join(f"{name:<{width}}  {value}" for name, value in values.items()))
    return None


def _installed(package: str) -> str | None:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _setting(name: str) -> str:
    try:
        text = str(getattr(config, name))
    except ArgumentError as error:
        return f"can't be used: {error}"
    return _without_secrets(text) if name == "catalogue_url" else text


def _without_secrets(url: str) -> str:
    # urllib takes URLs that fsspec chains ("simplecache::https://...") apart at the wrong place.
    return re.split(r"[?#]", re.sub(r"//[^/]*@", "//", url), maxsplit=1)[0]
