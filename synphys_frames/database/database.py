"""A release file, opened: its tables as typed frames, SQL over it, what it says of itself."""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING, Any, Literal, Self, Unpack

import pandas as pd

from .._arguments import ANYTHING, checked
from ..errors import ArgumentError, ReadOnlyError
from ..query import with_filters
from .description import (
    summary,
    summary_html,
)
from .diff import ReleaseDiff, columns_diff, pairs_diff, rows_diff, tables_diff
from .parquet_export import export_release
from .published_check import published_check
from .release import Release, unpickled
from .table_access import TableAccess

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from ..backends import Storage
    from ..columns import DtypeBackend
    from ..query import PairArguments
    from ..releases import Progress, Size


MOUSE_PROJECTS = ("mouse V1 coarse matrix", "mouse V1 pre-production")
HUMAN_PROJECTS = ("human coarse matrix",)


class SynphysDatabase(TableAccess):
    """An opened release file.

    Tables are frames (``db["pair"]``, ``db.pair``; ``"pair" in db``, ``list(db)`` and ``len(db)``
    are of their names), `pairs` gives pairs of cells with all that is known of them, `sql` takes
    any query. The file is only ever read. A database can be pickled (where the file is open in the
    process that reads it back, that one is used), used from several threads, and goes on working in
    a forked child (`ForkedError` where the fork came amid a long query of another thread).

    Parameters
    ----------
    path
        The release file, or a folder that `to_parquet` wrote.
    errors
        What to do with a stored value that is not of its column's type: "raise" a
        `StoredValueError`, or "coerce" it to a missing value, with a warning.
    cache_path
        Cache folder; default ``config.cache_path``. Of a file in it, the columns that were read are
        kept beside it for the next process (see ``config.columnar_copy``); of any other, nothing is
        written anywhere.

    Raises
    ------
    ReleaseFileError
        There is no such file, or it is damaged, or it is no release.

    Examples
    --------
    >>> db.version_name
    'synphys_synthetic_sample_small.sqlite'
    >>> db.pair.shape
    (2058, 15)
    """

    @checked(path=ANYTHING)
    def __init__(
        self,
        path: str | os.PathLike[str] | Storage,
        *,
        errors: Literal["raise", "coerce"] = "raise",
        cache_path: str | os.PathLike[str] | None = None,
    ) -> None:
        self._release = Release(path, errors, cache_path).shared_by(self)

    def __getstate__(self) -> dict[str, Any]:
        release = self._release
        return {
            "storage": release.storage,
            "errors": release.errors,
            "cache_path": release.cache_path,
        }

    def __setstate__(self, state: dict[str, Any]) -> None:
        self._release = unpickled(**state).shared_by(self)

    def __enter__(self) -> Self:
        self._release.require_open()
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file and free its tables.

        Frames that were read stay; what would read the file raises `ClosedError`, also a query that
        another thread runs. Columns that are being written to the cache are written first.
        """
        self._release = self._release.leave(self)

    @property
    def is_closed(self) -> bool:
        """Whether `close` was called."""
        return self._release.is_closed

    @property
    def path(self) -> Path:
        """The release file."""
        return self._release.path

    @property
    def metadata(self) -> dict[str, Any]:
        """What the file says of itself: schema version, creation date, origin."""
        return deepcopy(dict(self._release.contents.metadata))

    @property
    def schema_version(self) -> str:
        """Schema version of the file, such as "22"."""
        return self._release.contents.schema_version

    @property
    def size(self) -> Size:
        """What the rows show the file to be: "small", "medium" or "full".

        Small: the recording-level tables are empty. Medium: they have rows, but no traces.
        """
        return self._release.contents.size

    @property
    def version_name(self) -> str:
        """Published name of the file; an alias is given as the name it stands for."""
        return self._release.contents.version_name

    @property
    def project_names(self) -> list[str]:
        """Names of the projects that the experiments belong to, sorted."""
        values = pd.Series(self._release.store.table("experiment").values("project_name"))
        return sorted(values.dropna().unique())

    @property
    def mouse_projects(self) -> list[str]:
        """The projects of the mouse matrix that this release has."""
        return [name for name in MOUSE_PROJECTS if name in self.project_names]

    @property
    def human_projects(self) -> list[str]:
        """The projects of the human matrix that this release has."""
        return [name for name in HUMAN_PROJECTS if name in self.project_names]

    @with_filters
    @checked()
    def pairs(
        self,
        *,
        include: str | Sequence[str] = (),
        dtype_backend: DtypeBackend = None,
        **filters: Unpack[PairArguments],
    ) -> pd.DataFrame:
        """Return pairs of cells, filtered, with what is known of them side by side.

        All filters must hold. Those that take True or False take the pairs for which it is true or
        false; where it is not known (NULL), neither does.

        Parameters
        ----------
        {filters}
        {include}
        dtype_backend
            "pyarrow" for Arrow types.

        Returns
        -------
        DataFrame
            A row a pair in order of pair id, columns ``pair.id``, ..., ``pre_cell.cre_type``, ...;
            JSON and arrays only where named. What a pair does not have is missing. SI units. What
            a group lacks in the file's schema version is listed in ``attrs["synphys"]["lacks"]``.

        Raises
        ------
        {refusals}

        Examples
        --------
        >>> inhibitory = sf.CellClass(cre_type=("pvalb", "sst", "vip"))
        >>> pairs = db.pairs(
        ...     species="mouse", synapse=True, post_class=inhibitory,
        ...     include=["pre_cell.cre_type", "synapse.latency"],
        ... )
        >>> pairs[["pair.id", "pre_cell.cre_type", "synapse.latency"]].head(2)
           pair.id pre_cell.cre_type  synapse.latency
        0       17           unknown              NaN
        1      157             pvalb              NaN
        """
        return self._release.pairs(None, include, dtype_backend, **filters)

    @checked()
    def to_parquet(
        self,
        folder: str | os.PathLike[str],
        tables: str | Sequence[str] | None = None,
        *,
        progress: Progress = True,
    ) -> list[Path]:
        """Write tables as Parquet files, one a table, typed and described.

        A file appears under its name when it is whole. Asked again, what is there and complete is
        left; a file made from another release is replaced, one that is not an export is an error.

        Parameters
        ----------
        folder
            Where to write; made where it is missing.
        tables
            Which tables; default all.
        progress
            True for a bar of rows, False, or an fsspec Callback.

        Returns
        -------
        list of Path
            The files, ``<table>.parquet``, in the order of the tables.

        Raises
        ------
        UnknownTableError
            With the nearest names.
        ExportError
            The folder or a file can't be written.

        Notes
        -----
        Compressed with zstd. Unit and description of a column are in the metadata of its Arrow
        field; ``pandas.read_parquet`` gives the dtypes and the attrs of the table frames. Arrays
        are the bytes of .npy files, JSON is text. The files note the release that they are of:
        `load_parquet` opens the folder as a database.

        Examples
        --------
        >>> files = db.to_parquet(folder, ["cell", "pair"], progress=False)
        >>> pd.read_parquet(files[1])["has_synapse"].dtype
        BooleanDtype
        """
        return export_release(self._release, folder, tables, progress=progress)

    @checked()
    def diff(self, other: SynphysDatabase) -> ReleaseDiff:
        """Return what changes from this release to another one.

        Parameters
        ----------
        other
            The other release, usually the newer one.

        Returns
        -------
        ReleaseDiff
            Four DataFrames: tables, columns, rows, and the pairs that appeared, vanished or changed
            their `has_synapse`, matched by the external ids of experiment and cells.

        Examples
        --------
        >>> len(db.diff(db).pairs)
        0
        """
        if not isinstance(other, SynphysDatabase):
            raise ArgumentError(f"diff takes a SynphysDatabase; got {type(other).__name__}.")
        return ReleaseDiff(
            self.version_name,
            other.version_name,
            tables_diff(self._release.contents, other._release.contents),
            columns_diff(self._release.contents, other._release.contents),
            rows_diff(self._release.contents, other._release.contents),
            *pairs_diff(self._release.store, other._release.store),
        )

    @checked()
    def check_published(self, release: str | None = None) -> pd.DataFrame:
        """Return what was printed about this release, beside what is found here.

        Figures that notebooks and users' results of real releases show: counts, probabilities with
        their limits, medians. They tell whether this library gives on a published file what others
        found in it.

        Parameters
        ----------
        release
            The release whose figures are meant, by version or file name: "r2.1", "r2.1 small",
            "synphys_r2.1_small.sqlite". Default: the one that the file is, which its published name
            together with its schema version tells. A file that was made up is none.

        Returns
        -------
        DataFrame
            A row a figure: what (str); published, here, difference (float64; here - published);
            source (str), who printed it; agrees (boolean), missing where this file lacks the
            columns or rows that it takes. Without a row where nothing was printed about the
            release, or the file is none of the published ones.

        Raises
        ------
        UnknownVersionError
            There is no such release; the message names the nearest.

        Notes
        -----
        Of r2.1 there are 708 figures; of r1.0 8, r2.0-pre1 10, r2.0-pre3 10 and r2.0-pre4 2. All
        were printed of small files; the medium and full ones have the same rows in the tables that
        they are of.

        A number that was printed rounded agrees to its last digit (37.50 % from 37.495 to 37.505);
        one that was printed as a full double, to 1e-9 of its size; a count has to be the same. A
        value that is missing here agrees only where it was printed as missing.

        Examples
        --------
        >>> checked = db.check_published()  # the sample is made up: nothing was printed about it
        >>> list(checked), len(checked)
        (['what', 'published', 'here', 'difference', 'source', 'agrees'], 0)
        >>> checked = db.check_published("r2.1")
        >>> checked.loc[checked.what == "rows of pair", ["published", "here", "agrees"]]
           published    here  agrees
        3   123506.0  2058.0   False
        """
        return published_check(self._release, release)

    def __setattr__(self, name: str, value: object) -> None:
        if not name.startswith("_"):
            raise ReadOnlyError(
                f"A database can't be changed, so db.{name} can't be set. Keep the frame under a "
                f"name of its own: {name} = ..."
            )
        super().__setattr__(name, value)

    def __setitem__(self, name: object, value: object) -> None:
        raise ReadOnlyError(
            f"A database can't be changed, so db[{name!r}] can't be set. Keep the frame under a "
            "name of its own."
        )

    def __dir__(self) -> Iterable[str]:
        names = (name for name in super().__dir__() if not name.startswith("_"))
        return [*names, *self._release.schema.tables]

    def __repr__(self) -> str:
        return f"<SynphysDatabase {self.version_name}: {summary(self._release.contents)}>"

    def _repr_html_(self) -> str:
        return summary_html(self._release.contents, self.version_name)


def release_of(db: SynphysDatabase) -> Release:
    """Return what modules need of a database."""
    return db._release  # noqa: SLF001 - the face of a database has only what users call
