"""Filter expressions in SQL: parsed by DuckDB, names resolved by us, evaluated on columns."""

from __future__ import annotations

import json
import math
import sys
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa

from .._apart import apart, import_whole
from ..errors import ArgumentError, ClosedError, ExpressionError
from .duckdb_engine import evaluating_connection, plain_connection
from .expression_rules import FILTER, ignore_case_by_lower, nodes
from .interruption import run_interruptible, was_stopped

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    import duckdb
    from pandas.api.extensions import ExtensionArray

    from .._typing import Mask

    Connection = Callable[[], duckdb.DuckDBPyConnection]


Name = tuple[str, ...]

# Where the operands of a comparison are.
_OPERANDS = ("left", "right", "input", "lower", "upper")
_AMONG = ("COMPARE_IN", "COMPARE_NOT_IN")


@dataclass(frozen=True, slots=True)
class Expression:
    """One SQL expression over named columns.

    Attributes
    ----------
    text
        The expression as it was given.
    names
        The columns that it refers to, each as its dotted parts, in order of appearance.
    numbered
        The expression as SQL over columns that are named by that order: column_0, column_1.
    compared
        Columns with the numbers that they are compared with as they are.
    """

    text: str
    names: tuple[Name, ...]
    numbered: str
    compared: tuple[tuple[Name, float], ...]
    _statement: str

    def sql(self, label: Callable[[Name], str], connection: duckdb.DuckDBPyConnection) -> str:
        """Return the expression as SQL with every column name replaced.

        Parameters
        ----------
        label
            Gives the new, unqualified column name for the parts of one that was written.
        connection
            Any DuckDB connection: DuckDB writes the SQL.
        """
        return apart(lambda: _written(json.loads(self._statement), label, connection))


def quoting_hint(name: Name, text: str) -> str:
    """Return what to say of an unknown column that was written in double quotes, or nothing."""
    written = ".".join(name)
    if f'"{written}"' not in text:
        return ""
    return f" A text goes in single quotes, {written!r}; in double quotes stand names of columns."


def _written(
    statement: Any, label: Callable[[Name], str], connection: duckdb.DuckDBPyConnection
) -> str:
    for node in nodes(statement):
        if node.get("class") == "COLUMN_REF":
            node["column_names"] = [label(tuple(node["column_names"]))]
    row = connection.execute("SELECT json_deserialize_sql(?)", [json.dumps(statement)]).fetchone()
    return str(row[0]).removeprefix("SELECT ") if row else ""


def _labels(names: Iterable[Name]) -> dict[Name, str]:
    return {name: f"column_{number}" for number, name in enumerate(names)}


def parse(text: str) -> Expression:
    """Return a filter expression, checked to be exactly one expression over columns.

    Parameters
    ----------
    text
        DuckDB SQL, for example ``"latency < 2e-3 AND NOT (amplitude IS NULL)"``.

    Raises
    ------
    ExpressionError
        It does not parse, or holds more than one plain expression (a subquery, a second
        statement, an aggregate over other rows).

    Examples
    --------
    >>> parse("synapse.latency < 2e-3 AND age > 50").names
    (('synapse', 'latency'), ('age',))
    """
    if not isinstance(text, str):
        raise ArgumentError(f"An expression is SQL as text; got {text!r}.")
    FILTER.require_short(text)
    return _parse(text)


@lru_cache(maxsize=512)
def _parse(text: str) -> Expression:
    parsed = FILTER.loaded(text, apart(lambda: _serialized(text)))
    if parsed["error"]:
        reason = parsed.get("error_message", "it can't be parsed")
        raise ExpressionError(f"The expression {text!r} is not valid SQL: {reason}.")
    node = parsed["statements"][0]["node"]
    if len(parsed["statements"]) != 1 or not _is_bare_select(node):
        raise ExpressionError(
            f"The expression {text!r} must be one SQL expression, such as "
            '"distance < 100e-6 AND has_synapse", and nothing after it.'
        )
    FILTER.require_bounded(text, node["select_list"])
    compared = tuple(_compared(node["select_list"]))
    _make_doubles(text, node["select_list"])
    FILTER.require_allowed(text, node["select_list"])
    ignore_case_by_lower(node["select_list"])
    names = [
        tuple(part["column_names"])
        for part in nodes(node["select_list"])
        if part.get("class") == "COLUMN_REF"
    ]
    statement = json.dumps(parsed)
    distinct = tuple(dict.fromkeys(names))
    numbered = apart(lambda: _numbered(parsed, distinct))
    return Expression(text, distinct, numbered, compared, statement)


def _serialized(text: str) -> tuple[str] | None:
    import duckdb

    with plain_connection() as connection:
        # The line break ends a comment, which would otherwise swallow the parenthesis.
        try:
            row: tuple[str] | None = connection.execute(
                "SELECT json_serialize_sql(?)", [f"SELECT ({text}\n)"]
            ).fetchone()
        except (duckdb.Error, RuntimeError) as error:
            raise ExpressionError(f"The expression {text!r} can't be read: {error}") from error
    return row


def _numbered(parsed: Any, names: tuple[Name, ...]) -> str:
    with plain_connection() as connection:
        return _written(parsed, _labels(names).__getitem__, connection)


def _compared(expressions: list[dict[str, Any]]) -> Iterator[tuple[Name, float]]:
    """Yield each column that is compared with a number, and the number."""
    for part in nodes(expressions):
        if part.get("class") not in ("COMPARISON", "BETWEEN") and part.get("type") not in _AMONG:
            continue
        operands = [part[name] for name in _OPERANDS if name in part] + part.get("children", [])
        columns = [one for one in operands if one.get("class") == "COLUMN_REF"]
        constants = [one["value"] for one in operands if one.get("class") == "CONSTANT"]
        for column in columns:
            for constant in constants:
                number = _double(constant)
                whole = constant.get("value")
                if number is None and isinstance(whole, int) and not isinstance(whole, bool):
                    number = float(whole)
                if number is not None:
                    yield tuple(column["column_names"]), number


def _make_doubles(text: str, expressions: list[dict[str, Any]]) -> None:
    """Make every number with a point or an exponent the double that Python and SQLite make of it.

    DuckDB reads most of them as decimals, and loses the last bits where it compares these with
    doubles; written again, a number with an exponent becomes such a decimal, too.
    """
    constants = [part for part in nodes(expressions) if part.get("class") == "CONSTANT"]
    for part in constants:
        number = _double(part["value"])
        if number is None:
            continue
        if math.isinf(number):
            raise ExpressionError(
                f"The expression {text!r} holds a number that is larger than a double can be "
                f"(about {sys.float_info.max:.1e})."
            )
        written = {"type": {"id": "VARCHAR", "type_info": None}, "is_null": False}
        child = part | {"value": written | {"value": repr(number)}}
        cast = {"class": "CAST", "type": "OPERATOR_CAST", "child": child, "try_cast": False}
        del part["value"]
        part.update(cast, cast_type={"id": "DOUBLE", "type_info": None})


def _double(constant: dict[str, Any]) -> float | None:
    """Return the value of a constant that is no whole number, or None where it is one, or none."""
    kind = constant["type"]["id"]
    if constant["is_null"] or kind not in ("DECIMAL", "DOUBLE"):
        return None
    value = constant["value"]
    if kind == "DOUBLE":
        return float(value)
    if isinstance(value, dict):
        value = (value["upper"] << 64) + value["lower"]
    scale: int = constant["type"]["type_info"]["scale"]
    return float(Fraction(value, 10**scale))


def _is_bare_select(node: dict[str, Any]) -> bool:
    return (
        node["type"] == "SELECT_NODE"
        and len(node["select_list"]) == 1
        and node["from_table"]["type"] == "EMPTY"
        and not any(
            node[clause]
            for clause in (
                "modifiers",
                "where_clause",
                "group_expressions",
                "having",
                "qualify",
                "sample",
            )
        )
    )


def evaluate(
    expression: Expression,
    columns: Mapping[Name, pd.Series],
    length: int,
    connection: Connection | None = None,
) -> ExtensionArray:
    """Return for each row whether the expression is true, false or unknown.

    Parameters
    ----------
    expression
        What to evaluate.
    columns
        The values of each name of the expression, row by row; missing values count as NULL.
    length
        How many rows there are.
    connection
        Gives an open DuckDB connection that nothing else uses. Without it, DuckDB is started anew,
        which takes longer than most expressions.

    Returns
    -------
    pandas.arrays.BooleanArray
        True, False, or NA where SQL gives NULL.

    Raises
    ------
    ExpressionError
        The expression does not fit the columns' types, or is not true or false for a row.
    """
    # What is false, usually most, need not be handed over.
    result = _selected(
        expression, columns, length, connection, "matches IS DISTINCT FROM false", "matches"
    )
    rows = result.column("row_number").to_numpy()
    unknown = result.column("matches").is_null().to_numpy()
    true, missing = np.zeros(length, dtype=bool), np.zeros(length, dtype=bool)
    true[rows[~unknown]] = True
    missing[rows[unknown]] = True
    return pd.arrays.BooleanArray(true, missing)


def is_true(
    expression: Expression,
    columns: Mapping[Name, pd.Series],
    length: int,
    connection: Connection | None = None,
) -> Mask:
    """Return for each row whether the expression is true; the parameters are as of `evaluate`."""
    result = _selected(expression, columns, length, connection, "matches")
    true = np.zeros(length, dtype=bool)
    true[result.column("row_number").to_numpy()] = True
    return true


def _selected(
    expression: Expression,
    columns: Mapping[Name, pd.Series],
    length: int,
    connection: Connection | None,
    condition: str,
    *more: str,
) -> pa.Table:
    """Return the numbers, and more, of the rows for whose `matches` the condition is true."""
    import_whole("duckdb")
    import duckdb

    data = {"row_number": pa.array(np.arange(length, dtype=np.int64))}
    for name, label in _labels(expression.names).items():
        try:
            data[label] = pa.array(columns[name], from_pandas=True)
        except pa.ArrowException as error:
            raise ExpressionError(
                f"The expression {expression.text!r} can't be evaluated: the values of "
                f"{'.'.join(name)} are not of one type ({error})."
            ) from error
    # row_number beside it makes DuckDB refuse an aggregate.
    query = (
        f"SELECT {', '.join(('row_number', *more))} FROM (SELECT row_number, "
        f"CAST({expression.numbered} AS BOOLEAN) AS matches FROM rows) WHERE {condition}"
    )
    cursor = connection() if connection is not None else apart(evaluating_connection)

    def selected() -> pa.Table:
        cursor.register("rows", pa.table(data))
        result: pa.Table = cursor.execute(query).to_arrow_table()
        return result

    try:
        return run_interruptible(cursor, selected)
    except duckdb.Error as error:
        if was_stopped(error):
            raise ClosedError(
                f"The expression {expression.text!r} was stopped: the database was closed."
            ) from error
        raise refusal(expression, error) from error


def refusal(expression: Expression, error: duckdb.Error) -> ExpressionError:
    """Return the error for an expression that DuckDB could not evaluate."""
    reason = str(error).split("\n\n")[0].splitlines()[0]
    return ExpressionError(f"The expression {expression.text!r} can't be evaluated: {reason}")
