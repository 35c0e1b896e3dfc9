"""Where a name is that DuckDB does not find in a release."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..schema import Schema


# What DuckDB says of a name that it does not find.
_NOT_FOUND = re.compile(
    r'[Cc]olumn (?:named )?"(?:\w+\.)*(?P<column>\w+)"'
    r"|Table with name (?P<table>\w+) does not exist"
)


def place_of_name(schema: Schema, error: Exception) -> str:
    """Return where a name is that a query does not find: in another schema version, or here."""
    missing = _NOT_FOUND.search(str(error))
    if missing is None:
        return ""
    name = (missing["column"] or missing["table"]).casefold()
    said = [table.elsewhere[name] for table in schema if name in table.elsewhere]
    said += [schema.elsewhere[name]] if name in schema.elsewhere else []
    said += [
        f"{table.name}.{native} is {table.name}.{table.native_names[native]} here."
        for table in schema
        for native in table.native_names
        if native.casefold() == name
    ]
    return f"{said[0]} " if said else ""
