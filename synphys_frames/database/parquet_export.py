"""Tables as Parquet files: typed, described, and only ever whole."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import pyarrow as pa

from .._files import atomic_write
from ..errors import ArgumentError, ExportError, SynphysError
from ..releases import as_callback

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from fsspec.callbacks import Callback

    from ..releases import Progress
    from ..schema import Table


FORMAT_VERSION = "1"
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


def export_tables(
    tables: Sequence[tuple[Table, int]],
    folder: str | os.PathLike[str],
    batches: Callable[[Table, int], Iterable[pa.RecordBatch]],
    *,
    source: dict[str, Any],
    attributes: dict[str, str],
    progress: Progress,
) -> list[Path]:
    """Write tables into a folder, one file each, leaving those that are complete.

    Parameters
    ----------
    tables
        The tables, and how many rows each has.
    folder
        The folder, made where it is missing.
    batches
        Gives a table's rows, so many at a time.
    source
        What the rows come from.
    attributes
        What ``attrs["synphys"]`` says of the database.
    progress
        True, False, or an fsspec Callback, told of every row written.
    """
    place = prepare_folder(folder)
    files = [place / f"{table.name}.parquet" for table, _ in tables]
    sources = [source | {"table": table.name, "format": FORMAT_VERSION} for table, _ in tables]
    todo = [number for number, file in enumerate(files) if not is_complete(file, sources[number])]
    with as_callback(progress, desc="rows", unit=" rows", unit_scale=True) as callback:
        callback.set_size(sum(tables[number][1] for number in todo))
        for number in todo:
            table = tables[number][0]
            write_table(
                batches(table, ROWS_PER_BATCH),
                table,
                files[number],
                sources[number],
                attributes | {"table": table.name},
                callback,
            )
    return files


def write_table(
    batches: Iterable[pa.RecordBatch],
    table: Table,
    file: Path,
    source: dict[str, Any],
    attributes: dict[str, str],
    callback: Callback,
) -> None:
    """Write a table's rows into a Parquet file that appears under its name when it is whole.

    Parameters
    ----------
    batches
        The rows.
    table
        The table that they are of.
    file
        The file; an older export of that name is replaced.
    source
        What the rows come from; `is_complete` compares it.
    attributes
        ``attrs["synphys"]`` of the frame that reading the file gives.
    callback
        Told of every row written.
    """
    schema = arrow_schema(table, attributes)
    from pyarrow import parquet

    schema = schema.with_metadata(
        {**schema.metadata, _SOURCE_KEY: json.dumps(source, sort_keys=True).encode()}
    )
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
