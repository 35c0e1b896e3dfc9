"""What a kind of column means, in one table: for SQLite, DuckDB, Arrow, pandas and messages."""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Real
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
import pandas as pd
import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Callable

Kind = Literal["int", "float", "bool", "str", "datetime", "json", "array"]
Storage = Literal["floats", "masked", "times", "texts", "bytes"]

# What pandas' own readers give, so that frames of both are equal.
STR = pd.StringDtype("pyarrow", na_value=np.nan)

_DAY = "[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]"
_TIME = "[0-9][0-9]:[0-9][0-9]:[0-9][0-9]"
# SQLite takes February 30, 'now' and times of other zones, too: what it makes of them has another
# text, or another form.
_NO_TIME = (
    "{0} IS NOT NULL AND (typeof({0}) != 'text' OR length({0}) > 26 OR "
    "strftime('%Y-%m-%d', {0}, '+0 days') IS NOT substr({0}, 1, 10) OR "
    f"NOT ({{0}} GLOB '{_DAY}' OR ("
    "strftime('%H:%M:%S', {0}, '+0 days') IS substr({0}, 12, 8) AND ("
    f"{{0}} GLOB '{_DAY}[ T]{_TIME}' OR ({{0}} GLOB '{_DAY}[ T]{_TIME}.[0-9]*' AND "
    "substr({0}, 21) NOT GLOB '*[^0-9]*')))))"
)
# By way of its bytes: text that is not UTF-8 becomes NULL.
_TEXT_AS_TEXT = "hex(CAST({0} AS BLOB))"
_TEXT_FROM_TEXT = "TRY(decode(unhex({0})))"

_SWITCHES = {"true": True, "1": True, "false": False, "0": False}


def _is_number(value: object) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool)


def _is_truth(value: object) -> bool:
    return isinstance(value, bool | np.bool_) or (
        isinstance(value, Real) and float(value) in (0.0, 1.0)
    )


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _truth(text: str) -> bool:
    return _SWITCHES[text.casefold()]


@dataclass(frozen=True, slots=True)
class KindFacts:
    """All that the package knows of one kind of column.

    Attributes
    ----------
    dtype
        Name of the pandas dtype that frames have.
    arrow, duckdb
        The types in Arrow and in DuckDB.
    misfit
        SQLite condition that holds for a stored value of another type; ``{0}`` is the column.
    value
        DuckDB SQL for the value: of column ``{0}``, as it comes from SQLite, in type ``{1}``. What
        stands for a missing value is NULL.
    is_misread
        Whether DuckDB takes values of other types without complaint, so that SQLite is asked.
    storage
        How columns are held in memory: "floats" side by side in blocks, "masked" with a mask of
        what is missing, "times", "texts" as places among the distinct ones, "bytes" as objects.
    words
        How messages call a value.
    accepts
        Whether a value of Python's can be compared with stored ones.
    parse
        Makes a value of a text; KeyError or ValueError where it is none.
    declared
        Parts of declared SQLite types that tell the kind of a column that no schema describes.
    is_heavy
        Whether columns stay out of memory and of wide frames unless they are named.
    as_text, from_text
        SQL that hands a value over from SQLite as text, and makes of it in DuckDB what `value`
        takes.
    """

    dtype: str
    arrow: pa.DataType
    duckdb: str
    misfit: str
    storage: Storage
    words: str
    accepts: Callable[[object], bool]
    parse: Callable[[str], Any] = str
    declared: tuple[str, ...] = ()
    is_heavy: bool = False
    value: str = "CAST({0} AS {1})"
    is_misread: bool = False
    as_text: str = "{0}"
    from_text: str = "CAST({0} AS {1})"

    @property
    def pandas_dtype(self) -> Any:
        """The pandas dtype itself."""
        return STR if self.storage == "texts" else pd.api.types.pandas_dtype(self.dtype)


KINDS: dict[Kind, KindFacts] = {
    # In the order in which the declared type of an undescribed column is compared.
    "bool": KindFacts(
        dtype="boolean",
        arrow=pa.bool_(),
        duckdb="BOOLEAN",
        misfit="typeof({0}) NOT IN ('integer', 'null') OR {0} NOT IN (0, 1)",
        storage="masked",
        words="True or False",
        accepts=_is_truth,
        parse=_truth,
        declared=("BOOL",),
        value="CASE WHEN {0} IN (0, 1) THEN CAST({0} AS {1}) "
        "WHEN {0} IS NOT NULL THEN error('Mismatch Type Error: neither 0 nor 1') END",
        from_text="CAST({0} AS BIGINT)",
    ),
    "int": KindFacts(
        dtype="Int64",
        arrow=pa.int64(),
        duckdb="BIGINT",
        misfit="typeof({0}) NOT IN ('integer', 'null')",
        storage="masked",
        words="a number",
        accepts=_is_number,
        parse=float,
        declared=("INT",),
    ),
    "float": KindFacts(
        dtype="float64",
        arrow=pa.float64(),
        duckdb="DOUBLE",
        misfit="typeof({0}) NOT IN ('real', 'integer', 'null')",
        storage="floats",
        words="a number",
        accepts=_is_number,
        parse=float,
        declared=("FLOAT", "REAL", "DOUBLE", "NUMERIC", "DECIMAL"),
        # All 17 digits.
        as_text="printf('%!.17g', {0})",
    ),
    "datetime": KindFacts(
        dtype="datetime64[us]",
        arrow=pa.timestamp("us"),
        duckdb="TIMESTAMP",
        misfit=_NO_TIME,
        storage="times",
        words="a time",
        accepts=_is_text,
        declared=("DATE", "TIMESTAMP"),
        is_misread=True,
    ),
    "array": KindFacts(
        dtype="object",
        arrow=pa.binary(),
        duckdb="BLOB",
        # An empty text is no array, as an empty blob is none.
        misfit="typeof({0}) NOT IN ('blob', 'null') AND {0} IS NOT ''",
        storage="bytes",
        words="the bytes of a .npy file",
        accepts=lambda value: isinstance(value, bytes),
        declared=("BLOB",),
        is_heavy=True,
        # None is stored as an empty one.
        value="nullif(CAST({0} AS {1}), ''::BLOB)",
        as_text="hex({0})",
        from_text="unhex({0})",
    ),
    "json": KindFacts(
        dtype="str",
        arrow=pa.string(),
        duckdb="VARCHAR",
        misfit="typeof({0}) NOT IN ('text', 'null')",
        storage="texts",
        words="JSON as text",
        accepts=_is_text,
        is_heavy=True,
        # None is stored as the JSON of it.
        value="CASE WHEN trim({0}, e' \\t\\n\\r') != 'null' THEN CAST({0} AS {1}) END",
        as_text=_TEXT_AS_TEXT,
        from_text=_TEXT_FROM_TEXT,
    ),
    "str": KindFacts(
        dtype="str",
        arrow=pa.string(),
        duckdb="VARCHAR",
        misfit="typeof({0}) NOT IN ('text', 'null')",
        storage="texts",
        words="text",
        accepts=_is_text,
        as_text=_TEXT_AS_TEXT,
        from_text=_TEXT_FROM_TEXT,
    ),
}
if KINDS.keys() != set(get_args(Kind)):
    raise TypeError(f"KINDS has {sorted(KINDS)}, where Kind names {sorted(get_args(Kind))}.")


def declared_kind(sqlite_type: str) -> Kind:
    """Return the kind that a declared SQLite type tells; text where it tells none.

    Examples
    --------
    >>> declared_kind("BIGINT"), declared_kind("VARCHAR(20)")
    ('int', 'str')
    """
    declared = sqlite_type.upper()
    for kind, facts in KINDS.items():
        if any(part in declared for part in facts.declared):
            return kind
    return "str"


def kind_of(arrow_type: pa.DataType) -> Kind | None:
    """Return the kind of a query's result column, or None for types that no kind stands for."""
    checks: list[tuple[Any, Kind]] = [
        (pa.types.is_boolean, "bool"),
        (_fits_int64, "int"),
        (pa.types.is_floating, "float"),
        (pa.types.is_decimal, "float"),
        (pa.types.is_string, "str"),
        (pa.types.is_large_string, "str"),
        (pa.types.is_binary, "array"),
        (pa.types.is_large_binary, "array"),
    ]
    for check, kind in checks:
        if check(arrow_type):
            return kind
    if pa.types.is_timestamp(arrow_type) and arrow_type.tz is None and arrow_type.unit != "ns":
        return "datetime"
    return None


def _fits_int64(arrow_type: pa.DataType) -> bool:
    return bool(pa.types.is_integer(arrow_type)) and arrow_type != pa.uint64()


# Kinds that stay out of wide frames; looking here is cheaper than asking each column.
HEAVY_KINDS = frozenset(kind for kind, facts in KINDS.items() if facts.is_heavy)
