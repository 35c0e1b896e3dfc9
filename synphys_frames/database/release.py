"""What modules need of an opened release: its storage, schema, columns in memory and queries."""

from __future__ import annotations

from copy import copy
from typing import TYPE_CHECKING, Any
from weakref import WeakSet, WeakValueDictionary

from ..backends import Attachment, Contents, Queries, Storage, quoted, storage_at
from ..columns import ColumnStore, DiskCache, frame_from_arrow
from ..errors import ArgumentError, ReleaseFileError
from ..options import as_folder, config
from ..query import PairConditions, lacking, pairs_frame

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    import pandas as pd

    from .._typing import Rows
    from ..backends import Errors
    from ..columns import DtypeBackend
    from ..schema import Schema


# Filters that keep only pairs with a synapse: of such pairs, no share is connected.
_SELECTING = ("synapse", "synapse_type", "electrical")


class Release:
    """One opened release. `SynphysDatabase` shows it to users.

    Parameters
    ----------
    storage
        Where the release is stored, or the path of that.
    errors, cache_path
        As for `SynphysDatabase`.

    Attributes
    ----------
    storage, contents
        Where it is stored, and what it has.
    attachment, queries
        DuckDB over it, and what is asked of it.
    store
        The typed columns that are kept in memory.
    """

    def __init__(
        self,
        storage: Storage | str | os.PathLike[str],
        errors: Errors = "raise",
        cache_path: str | os.PathLike[str] | None = None,
    ) -> None:
        if errors not in ("raise", "coerce"):
            raise ArgumentError(f"errors takes 'raise' or 'coerce'; got {errors!r}.")
        self.storage = storage if isinstance(storage, Storage) else storage_at(storage)
        self.errors = errors
        self.cache_path = None if cache_path is None else as_folder(cache_path)
        self.contents = Contents(self.storage)
        self.attachment = Attachment(self.storage, self.contents, errors)
        self.queries = Queries(self.storage, self.contents, self.attachment)
        self._copy = self._disk_cache()
        self.store = ColumnStore(self.schema, self.queries, self._copy)
        # Who goes by it: a database that was pickled and is read again shares the open one.
        self._users: WeakSet[object] = WeakSet()
        _opened[str(self.path), errors] = self

    def _disk_cache(self) -> DiskCache | None:
        file = self.storage.copied_file
        # Coerced values are another content than that of the file.
        if file is None or self.errors != "raise":
            return None
        cache = (self.cache_path or config.cache_path).resolve()
        if not file.parent.resolve().is_relative_to(cache):
            return None
        [state] = self.contents.fingerprint.values()
        return DiskCache(file, state)

    @property
    def path(self) -> Path:
        """The file or folder."""
        return self.storage.location

    @property
    def schema(self) -> Schema:
        """The tables by the newest schema's names."""
        return self.contents.schema

    @property
    def is_closed(self) -> bool:
        """Whether `close` was called."""
        return self.attachment.is_closed

    @property
    def is_unchanged(self) -> bool:
        """Whether the files are still those that were opened."""
        try:
            self.contents.require_unchanged()
        except ReleaseFileError:
            return False
        return True

    def require_open(self) -> None:
        """Raise `ClosedError` where the release was closed."""
        self.attachment.require_open()

    def shared_by(self, user: object) -> Release:
        """Note somebody who goes by this release, and may `leave` it."""
        self._users.add(user)
        return self

    def leave(self, user: object) -> Release:
        """Return a closed release for somebody who closed this one.

        The files are closed with the last user; until then it stays as it is for the others.
        """
        self._users.discard(user)
        if not self._users:
            self.close()
            return self
        closed = copy(self)
        closed.attachment = Attachment(self.storage, self.contents, self.errors)
        closed.attachment.close()
        closed.queries = Queries(self.storage, self.contents, closed.attachment)
        closed.store = ColumnStore(self.schema, closed.queries)
        return closed

    def close(self) -> None:
        """Close the files and free the columns; what is being written to the cache comes first."""
        self.attachment.close()
        self.store.forget()
        if self._copy is not None:
            self._copy.finish()

    @property
    def provenance(self) -> dict[str, str]:
        """What a frame's ``attrs["synphys"]`` says of the release that it came from."""
        noted = {
            "file": str(self.path),
            "release": self.contents.version_name,
            "schema_version": self.contents.schema_version,
        }
        if self.contents.content:
            noted["content"] = self.contents.content
        return noted if self.errors == "raise" else noted | {"errors": self.errors}

    def with_provenance(self, frame: pd.DataFrame, table: str | None) -> pd.DataFrame:
        """Return the frame, marked as rows of a table of this release."""
        frame.attrs["synphys"] = self.provenance | ({"table": table} if table else {})
        return frame

    def pairs(
        self,
        within: Rows | None,
        include: str | Sequence[str],
        dtype_backend: DtypeBackend,
        **filters: Any,
    ) -> pd.DataFrame:
        """Return the wide frame of the pairs among these ids (None: all) that pass the filters."""
        self.require_open()
        conditions = PairConditions.from_arguments(**filters)
        frame = pairs_frame(self.store, conditions, within, include, dtype_backend)
        frame = self.with_provenance(frame, "pair")
        if lacks := lacking(self.schema, include):
            frame.attrs["synphys"]["lacks"] = lacks
        if selecting := [name for name in _SELECTING if filters.get(name)]:
            frame.attrs["synphys"]["selected_by"] = selecting
        if "synapse_prediction" in include and not self.contents.rows_at_most("synapse_prediction"):
            frame.attrs["synphys"]["empty"] = ["synapse_prediction"]
        return frame

    def require_rows(self, tables: Iterable[str]) -> None:
        """Raise `MissingRowsError` where a table is empty because the release is a small one."""
        self.contents.require_rows(tables)

    def related_ids(self, ids_query: str, ids: Rows) -> Rows:
        """Return the ids that a query gives; its table `wanted` holds the ids it starts from."""
        return self.queries.ids(ids_query, (), {"wanted": ids})

    def rows_with_ids(
        self, table: str, ids_query: str, ids: Rows, dtype_backend: DtypeBackend = None
    ) -> pd.DataFrame:
        """Return the rows of a table whose id a query gives, which starts from other ids."""
        described = self.schema.table(table)
        columns = ", ".join(map(quoted, described.columns))
        data = self.queries.run(
            f"SELECT {columns} FROM {quoted(table)} WHERE id IN ({ids_query}) ORDER BY id",
            ids={"wanted": ids},
        )
        kinds = {column.name: column.kind for column in described.columns.values()}
        return self.with_provenance(frame_from_arrow(data, kinds, dtype_backend), table)


# How a frame finds the release it came from while somebody holds it: weakly, so that nothing is
# kept open by a frame.
_opened: WeakValueDictionary[tuple[str, str], Release] = WeakValueDictionary()


def opened(path: str, errors: Errors = "raise") -> Release | None:
    """Return the release of that path which somebody holds open, or None."""
    release = _opened.get((path, errors))
    return None if release is None or release.is_closed else release


def unpickled(
    storage: Storage, errors: Errors, cache_path: str | os.PathLike[str] | None
) -> Release:
    """Return the open release of the same files, opened in the same way, or else open them."""
    release = opened(str(storage.location), errors)
    if release is not None and release.cache_path == cache_path and release.is_unchanged:
        return release
    return Release(storage, errors, cache_path)
