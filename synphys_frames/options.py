"""What a user can set: where the catalogue is, where files are kept, how much memory to take."""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import Any

from ._machine import machine_memory
from .errors import ArgumentError

CATALOGUE_VARIABLE = "SYNPHYS_FRAMES_CATALOGUE_URL"
CACHE_VARIABLE = "SYNPHYS_FRAMES_CACHE"
COPY_VARIABLE = "SYNPHYS_FRAMES_COLUMNAR_COPY"
MEMORY_VARIABLE = "SYNPHYS_FRAMES_MEMORY_BUDGET"

_SHARE_OF_MEMORY = 4
_SWITCHES = {"1": True, "true": True, "yes": True, "on": True} | {
    "0": False, "false": False, "no": False, "off": False,
}  # fmt: skip


def as_folder(path: object) -> Path:
    """Return the folder that a user names, its ~ resolved.

    Raises
    ------
    ArgumentError
        It is no path, or an empty one, or of a user that there is not.
    """
    if not isinstance(path, str | os.PathLike) or not os.fspath(path):
        raise ArgumentError(f"cache_path takes a folder; got {path!r}.")
    try:
        return Path(os.fsdecode(path)).expanduser()
    except RuntimeError as error:
        raise ArgumentError(f"cache_path takes a folder; got {path!r}: {error}") from error


def _above_zero(name: str, unit: str, value: Any) -> float:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not 0 < value < math.inf:
        raise ArgumentError(f"{name} takes {unit} above 0; got {value!r}.")
    return float(value)


class Config:
    """Settings of the whole package; `synphys_frames.config` is the only one there is.

    A value that was set here counts before the environment, and that before the default. Setting
    None goes back to the environment or the default. Nothing is read before it is needed.

    Attributes
    ----------
    catalogue_url
        Where the list of published versions is. Environment: SYNPHYS_FRAMES_CATALOGUE_URL.
    cache_path
        The folder for release files and the catalogue. Environment: SYNPHYS_FRAMES_CACHE.
        Default: the user's cache folder.
    columnar_copy
        Whether the columns of a release in the cache folder that were read are written beside it,
        so that the next process need not read them from SQLite. They can be deleted at any time,
        and count only where nobody can write them who can't write the release.
        Environment: SYNPHYS_FRAMES_COLUMNAR_COPY (1 or 0). Default: True.
    memory_budget
        Bytes of memory for the tables that each open database keeps. Environment:
        SYNPHYS_FRAMES_MEMORY_BUDGET. Default: a quarter of the machine's memory.
    patience, least_rate
        A download that for so many seconds brings fewer bytes a second is given up, and can be
        continued; by default 180 s and 16,384 bytes a second.
    query_timeout
        Seconds that one query may take; default None, for no limit.
    timeout
        Seconds to wait for a server's answer before it counts as failed.

    Examples
    --------
    >>> config = Config()
    >>> config.cache_path = "path/to/cache"
    >>> config.cache_path
    PosixPath('path/to/cache')
    """

    # A mistyped setting is an error.
    __slots__ = (
        "_cache_path",
        "_catalogue_url",
        "_columnar_copy",
        "_least_rate",
        "_memory_budget",
        "_patience",
        "_query_timeout",
        "_timeout",
    )

    def __init__(self) -> None:
        self._catalogue_url: str | None = None
        self._cache_path: Path | None = None
        self._columnar_copy: bool | None = None
        self._memory_budget: int | None = None
        self._query_timeout: float | None = None
        self._timeout = 20.0
        self._patience = 180.0
        self._least_rate = 16384.0

    @property
    def catalogue_url(self) -> str:
        """URL of the list of published versions."""
        if self._catalogue_url is not None:
            return self._catalogue_url
        from .schema import read_data

        return os.environ.get(CATALOGUE_VARIABLE) or str(
            read_data("releases.json")["catalogue_url"]
        )

    @catalogue_url.setter
    def catalogue_url(self, url: str | None) -> None:
        if url is not None and not isinstance(url, str):
            raise ArgumentError(f"catalogue_url takes a URL as text, or None; got {url!r}.")
        self._catalogue_url = url

    @property
    def cache_path(self) -> Path:
        """Folder in which release files and the catalogue are kept."""
        if self._cache_path is not None:
            return self._cache_path
        if from_environment := os.environ.get(CACHE_VARIABLE):
            return as_folder(from_environment)
        from platformdirs import user_cache_path

        return user_cache_path("synphys_frames", appauthor=False)

    @cache_path.setter
    def cache_path(self, path: str | os.PathLike[str] | None) -> None:
        self._cache_path = None if path is None else as_folder(path)

    @property
    def columnar_copy(self) -> bool:
        """Whether columns that were read are written beside a release in the cache folder."""
        if self._columnar_copy is not None:
            return self._columnar_copy
        text = os.environ.get(COPY_VARIABLE)
        if not text:
            return True
        if text.casefold() not in _SWITCHES:
            raise ArgumentError(f"{COPY_VARIABLE} takes 1 or 0; got {text!r}.")
        return _SWITCHES[text.casefold()]

    @columnar_copy.setter
    def columnar_copy(self, switch: bool | None) -> None:
        if switch is not None and not isinstance(switch, bool):
            raise ArgumentError(f"columnar_copy takes True, False or None; got {switch!r}.")
        self._columnar_copy = switch

    @property
    def memory_budget(self) -> int:
        """Bytes of memory for the tables that each open database keeps."""
        if self._memory_budget is not None:
            return self._memory_budget
        text = os.environ.get(MEMORY_VARIABLE)
        if not text:
            return machine_memory() // _SHARE_OF_MEMORY
        if not (text.isascii() and text.isdecimal()):
            raise ArgumentError(f"{MEMORY_VARIABLE} takes a number of bytes; got {text!r}.")
        return int(text)

    @memory_budget.setter
    def memory_budget(self, size: float | None) -> None:
        if size is not None and (
            isinstance(size, bool) or not isinstance(size, int | float) or not 0 <= size < math.inf
        ):
            raise ArgumentError(f"memory_budget takes a number of bytes or None; got {size!r}.")
        self._memory_budget = None if size is None else int(size)

    @property
    def timeout(self) -> float:
        """Seconds to wait for a server's answer."""
        return self._timeout

    @timeout.setter
    def timeout(self, seconds: float) -> None:
        self._timeout = _above_zero("timeout", "seconds", seconds)

    @property
    def patience(self) -> float:
        """Seconds that a download goes on for without enough bytes."""
        return self._patience

    @patience.setter
    def patience(self, seconds: float) -> None:
        self._patience = _above_zero("patience", "seconds", seconds)

    @property
    def least_rate(self) -> float:
        """Bytes a second that are enough for a download."""
        return self._least_rate

    @least_rate.setter
    def least_rate(self, rate: float) -> None:
        self._least_rate = _above_zero("least_rate", "bytes a second", rate)

    @property
    def query_timeout(self) -> float | None:
        """Seconds that one query may take; None for no limit."""
        return self._query_timeout

    @query_timeout.setter
    def query_timeout(self, seconds: float | None) -> None:
        if seconds is not None and (
            isinstance(seconds, bool)
            or not isinstance(seconds, int | float)
            or not (0 < seconds < float("inf"))
        ):
            raise ArgumentError(
                f"query_timeout takes seconds above 0, or None for no limit; got {seconds!r}."
            )
        self._query_timeout = None if seconds is None else float(seconds)

    def __repr__(self) -> str:
        return (
            f"Config(catalogue_url={self.catalogue_url!r}, cache_path={str(self.cache_path)!r}, "
            f"columnar_copy={self.columnar_copy!r}, memory_budget={self.memory_budget!r}, "
            f"patience={self.patience!r}, least_rate={self.least_rate!r}, "
            f"query_timeout={self.query_timeout!r}, timeout={self.timeout!r})"
        )


config = Config()
