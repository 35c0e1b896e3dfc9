"""Which file lies where: in the cache folder, and beside a release file in it."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from .._files import drafted_name
from ..options import as_folder, config

if TYPE_CHECKING:
    import os

CachePath: TypeAlias = "str | os.PathLike[str] | None"

_BLOCK_END = ".block"
# Blocks of earlier versions of the package ended in .arrow; drafts have no checksum yet.
_BLOCK = re.compile(r"([a-z0-9_]+)-[0-9a-f]{16}-([0-9a-f]{8})?\.(block|arrow)")


def cache_folder(cache_path: CachePath) -> Path:
    """Return the cache folder that an argument means."""
    return config.cache_path if cache_path is None else as_folder(cache_path)


def aisynphys_folder() -> Path | None:
    """Return where the aisynphys library keeps its downloads, which is never written here.

    None for a user without a home folder, as in some containers.
    """
    try:
        return Path.home() / "ai_synphys_cache" / "database"
    except RuntimeError:
        return None


def release_path(cache: Path, db_file: str) -> Path:
    """Return the file of a published release in the cache folder."""
    return cache / db_file


def catalogue_path(cache: Path, url: str) -> Path:
    """Return the kept copy of the catalogue behind a URL."""
    return (
        cache
        / f"catalogue-{hashlib.sha256(url.encode(errors='surrogatepass')).hexdigest()[:12]}.json"
    )


def sample_path(cache: Path, builder: str, name: str) -> Path:
    """Return the synthetic sample's file.

    A sample of an older builder lies in another folder, and is never taken for a new one.
    """
    return cache / f"sample-{builder}" / name


@dataclass(frozen=True, slots=True)
class ReleaseFiles:
    """A release file, and what lies beside it.

    Attributes
    ----------
    path
        The release file.
    """

    path: Path

    def _beside(self, end: str) -> Path:
        return self.path.with_name(f"{self.path.name}{end}")

    @property
    def partial(self) -> Path:
        """The bytes that have arrived of a download."""
        return self._beside(".part")

    @property
    def partial_state(self) -> Path:
        """The size and ETag that those bytes were begun with."""
        return self._beside(".part.json")

    @property
    def digest(self) -> Path:
        """The digest that it had when it arrived."""
        return self._beside(".sha256")

    @property
    def lock(self) -> Path:
        """The lock of the process that downloads it."""
        return self._beside(".lock")

    @property
    def columns(self) -> ColumnFiles:
        """Columns that were read from it."""
        return ColumnFiles(self._beside(".columns"))


@dataclass(frozen=True, slots=True)
class ColumnFiles:
    """The folder of columns that were read from a release file.

    Attributes
    ----------
    folder
        The folder.
    """

    folder: Path

    @property
    def release_state(self) -> Path:
        """What tells which content of the release file the columns are of."""
        return self.folder / "release.json"

    @property
    def lock(self) -> Path:
        """The lock of the process that writes there."""
        return self.folder / "write.lock"

    def can_hold(self, table: str) -> bool:
        """Return whether a table has a name that files can have anywhere."""
        return re.fullmatch("[a-z0-9_]+", table) is not None

    def block(self, table: str, description: str, checksum: str) -> Path:
        """Return the file of some columns of a table.

        Parameters
        ----------
        table
            The table.
        description
            Which columns these are, of which content: its digest is in the name.
        checksum
            Of the file's own content, "*" for any.
        """
        digest = hashlib.sha256(description.encode()).hexdigest()[:16]
        return self.folder / f"{table}-{digest}-{checksum}{_BLOCK_END}"

    def checksum_in(self, block: Path) -> str:
        """Return the checksum that the name of a file of columns has."""
        return block.stem.rpartition("-")[2]

    def is_own(self, name: str) -> bool:
        """Return whether a file in the folder has a name that the package gives one."""
        name = drafted_name(name) or name
        return name in (self.release_state.name, self.lock.name) or self.is_block(name)

    def is_block(self, name: str) -> bool:
        """Return whether a name is that of a file of columns, of any version of the package."""
        return _BLOCK.fullmatch(name) is not None

    def blocks(self, table: str | None = None) -> list[Path]:
        """Return the files of columns that are there, of one table or of all.

        Those of all tables include what earlier versions of the package wrote.

        Raises
        ------
        OSError
            There is no such folder, or it can't be read.
        """
        names = [path.name for path in self.folder.iterdir()]
        blocks = filter(None, map(_BLOCK.fullmatch, names))
        return sorted(
            self.folder / block[0]
            for block in blocks
            if table is None or (block[1] == table and block[0].endswith(_BLOCK_END))
        )
