"""What the Parquet files of a dataset note of the release that they were written from."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pyarrow as pa

    from ..releases import Size

_RELEASE_KEY = b"synphys_frames.release"
_REFERENCES_KEY = b"references"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseNote:
    """What one file of a dataset notes.

    Attributes
    ----------
    release
        Name of the release.
    metadata
        What the release says of itself.
    size
        small, medium or full, whichever tables were written.
    table, place
        The table in the file, and its place among all tables.
    is_keyed
        Whether every row of it has an `id` of its own.
    content
        What tells the release's content from another; empty in files of an older synphys_frames.
    """

    release: str
    metadata: Mapping[str, Any]
    size: Size
    table: str
    place: int
    is_keyed: bool
    content: str = ""

    def encoded(self) -> dict[bytes, bytes]:
        """Return the note as an entry of a schema's metadata."""
        return {_RELEASE_KEY: json.dumps(asdict(self), sort_keys=True).encode()}

    @classmethod
    def of(cls, schema: pa.Schema) -> ReleaseNote | None:
        """Return the note in a schema's metadata, or None where it has none.

        Raises
        ------
        ValueError, TypeError
            It is of another form.
        """
        noted = (schema.metadata or {}).get(_RELEASE_KEY)
        return None if noted is None else cls(**json.loads(noted))


def reference_note(references: tuple[str, str] | None) -> dict[str, str]:
    """Return what a field notes of the column that its values point to."""
    return {} if references is None else {_REFERENCES_KEY.decode(): ".".join(references)}


def noted_reference(field: pa.Field) -> tuple[str, str] | None:
    """Return the table and column that a field's values point to, or None."""
    noted = (field.metadata or {}).get(_REFERENCES_KEY)
    if noted is None:
        return None
    table, _, column = noted.decode().partition(".")
    return table, column
