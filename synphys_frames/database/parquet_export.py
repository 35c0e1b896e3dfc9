"""Tables as Parquet files: typed, described, and only ever whole."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import pyarrow as pa

from .._apart import import_whole
from .._files import atomic_write, is_plain_name
from ..backends import ReleaseNote, reference_note
from ..errors import ArgumentError, ExportError, SynphysError, shown
from ..query import names_of
from ..releases import as_callback

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fsspec.callbacks import Callback

    from ..releases import Progress
    from ..schema import Table
    from .release import Release


FORMAT_VERSION = "2"
_SOURCE_KEY = b"synphys_frames.source"
ROWS_PER_BATCH = 65_536


def arrow_schema(table: Table, attributes: dict[str, str]) -> pa.Schema:
    """Return the Arrow schema of a table's Parquet file.

    Each field has its unit and description in its metadata; the schema's metadata lets pandas read
    the file back with the dtypes and attrs of the table frame.
    """
    fields = []
    for column in table.columns.values():
        described = {"unit": column.unit, "description": column.description or None}
        metadata = {key: value for key, value in described.items() if value}
        metadata |= reference_note(column.references)
        fields.append(pa.field(column.name, column.facts.arrow, metadata=metadata))
    empty = pd.DataFrame(
        {
            column.name: pd.Series(dtype=column.facts.pandas_dtype)
            for column in table.columns.values()
        }
    )
    pandas_metadata = json.loads(
        pa.Schema.from_pandas(empty, preserve_index=False).metadata[b"pandas"]
    )
    attrs = {"synphys": attributes}
    pandas_metadata["attributes"] = attrs
    return pa.schema(
        fields,
        metadata={
            b"pandas": json.dumps(pandas_metadata).encode(),
            b"PANDAS_ATTRS": json.dumps(attrs).encode(),
            b"description": table.description.encode(),
        },
    )


def is_complete(file: Path, source: dict[str, Any]) -> bool:
    """Return whether a Parquet file is there, whole, and made from this very source.

    Raises
    ------
    ExportError
        There is something else of that name, which is not to be overwritten.
    """
    if not file.exists():
        return False
    import_whole("pyarrow.parquet")
    from pyarrow import parquet

    try:
        metadata = parquet.read_metadata(file).metadata or {}
    except (pa.ArrowInvalid, OSError):
        metadata = {}
    if _SOURCE_KEY not in metadata:
        raise ExportError(
            f"{file} is there already and was not written by this export. Move it away, or name "
            "another folder."
        )
    return bool(json.loads(metadata[_SOURCE_KEY]) == source)


def export_release(
    release: Release,
    folder: str | os.PathLike[str],
    tables: object = None,
    *,
    progress: Progress,
) -> list[Path]:
    """Write tables of a release into a folder, one file each, leaving those that are complete.

    Parameters
    ----------
    release
        The release.
    folder
        The folder, made where it is missing.
    tables
        Names of tables; default all.
    progress
        True, False, or an fsspec Callback, told of every row written.
    """
    release.require_open()
    every = list(release.schema.tables)
    names = every if tables is None else names_of(tables, "tables")
    chosen = [release.schema.table(name) for name in dict.fromkeys(names)]
    place = prepare_folder(folder)
    if place.resolve() == release.path.resolve():
        raise ExportError(f"{place} is the dataset that is read. Name another folder.")
    drafts = [_Draft(release, table, place, every.index(table.name)) for table in chosen]
    todo = [draft for draft in drafts if not is_complete(draft.file, draft.source)]
    with as_callback(progress, desc="rows", unit=" rows", unit_scale=True) as callback:
        callback.set_size(sum(release.contents.row_count(draft.table) for draft in todo))
        for draft in todo:
            batches = release.queries.batches(draft.table, ROWS_PER_BATCH)
            write_table(batches, draft.schema, draft.file, callback)
    return [draft.file for draft in drafts]


class _Draft:
    """One file to be written: where, with which columns, and what it notes."""

    def __init__(self, release: Release, table: Table, folder: Path, place: int) -> None:
        if not is_plain_name(table.name):
            raise ExportError(
                f"The table {shown(table.name)} of {release.path.name} can't name a file. Leave it "
                "out: to_parquet(folder, tables=[...])."
            )
        self.table = table
        self.file = folder / f"{table.name}.parquet"
        states = release.storage.fingerprint().values()
        self.source: dict[str, Any] = {
            **release.provenance,
            "bytes": sum(state.size for state in states),
            "modified": max(state.modified for state in states),
            "errors": release.errors,
            "table": table.name,
            "format": FORMAT_VERSION,
        }
        contents = release.contents
        note = ReleaseNote(
            release=contents.version_name,
            metadata=contents.metadata,
            size=contents.size,
            table=table.name,
            place=place,
            is_keyed=contents.is_keyed(table),
            content=contents.content,
        )
        schema = arrow_schema(table, release.provenance | {"table": table.name})
        source = {_SOURCE_KEY: json.dumps(self.source, sort_keys=True).encode()}
        self.schema = schema.with_metadata({**schema.metadata, **source, **note.encoded()})


def write_table(
    batches: Iterable[pa.RecordBatch], schema: pa.Schema, file: Path, callback: Callback
) -> None:
    """Write a table's rows into a Parquet file that appears under its name when it is whole.

    Parameters
    ----------
    batches
        The rows.
    schema
        Their columns, with what the file notes.
    file
        The file; an older export of that name is replaced.
    callback
        Told of every row written.
    """
    import_whole("pyarrow.parquet")
    from pyarrow import parquet

    try:
        with (
            atomic_write(file) as draft,
            parquet.ParquetWriter(draft, schema, compression="zstd") as writer,
        ):
            for batch in batches:
                writer.write_batch(batch.cast(schema))
                callback.relative_update(batch.num_rows)
    except OSError as error:
        if isinstance(error, SynphysError):
            raise
        raise _unwritable(file, error) from error


def _unwritable(file: Path, error: OSError) -> ExportError:
    return ExportError(
        f"{file} can't be written: {error.strerror or error}. Name another folder, or make room."
    )


def prepare_folder(folder: str | os.PathLike[str]) -> Path:
    """Return the folder, made where it is missing.

    Raises
    ------
    ExportError
        It is a file, or can't be made.
    """
    if not isinstance(folder, str | os.PathLike):
        raise ArgumentError(f"folder takes a path; got {folder!r}.")
    path = Path(folder).expanduser()
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ExportError(
            f"The folder {path} can't be made: {error.strerror or error}. Name another one."
        ) from error
    return path
