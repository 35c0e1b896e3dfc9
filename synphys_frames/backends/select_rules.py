"""What a SELECT from elsewhere may be made of: the release's tables, and terms of bounded cost."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from ..errors import QueryError, did_you_mean, shown
from .expression_rules import AGGREGATES, FILTER, Grammar, nodes
from .sql_size import (
    MOST_COLUMNS,
    MOST_GROUPINGS,
    MOST_NAMED,
    MOST_SELECTS_NESTED,
    MOST_TERMS,
    columns,
    most_selects_nested,
    terms_of_aliases,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    import duckdb

# They keep every value in memory that no limit of DuckDB counts; a join can make them any number.
_KEEPING = frozenset(
    {"median", "mode", "quantile", "quantile_cont", "quantile_disc", "mad", "entropy"}
)
WINDOWS = frozenset(
    {"row_number", "rank", "dense_rank", "percent_rank", "cume_dist", "ntile", "lag", "lead"}
    | {"first_value", "last_value", "nth_value"}
)
SELECT = Grammar(
    "query",
    FILTER.parts | {"STAR", "SUBQUERY", "WINDOW", "PARAMETER"},
    FILTER.operators,
    FILTER.functions | WINDOWS | (AGGREGATES - _KEEPING),
    True,
    ". A query from elsewhere can hold SELECT, joins and subqueries over the release's tables, and "
    "the listed functions. Your own can hold anything: leave untrusted= out.",
    QueryError,
)
# What DuckDB calls the parts of a query that are no terms.
_KINDS = frozenset(
    {"SELECT_NODE", "SET_OPERATION_NODE", "CTE_NODE", "BASE_TABLE", "EMPTY", "JOIN", "SUBQUERY"}
    | {"EXPRESSION_LIST", "ORDER_MODIFIER", "LIMIT_MODIFIER", "LIMIT_PERCENT_MODIFIER"}
    | {"DISTINCT_MODIFIER", "ORDER_DEFAULT", "ASCENDING", "DESCENDING"}
)
_SAID = {
    "TABLE_FUNCTION": "a table that a function makes",
    "SHOW_REF": "a description of tables",
    "RECURSIVE_CTE_NODE": "WITH RECURSIVE",
    "PIVOT": "PIVOT",
}
_QUERIES = ("SELECT_NODE", "SET_OPERATION_NODE")
# DuckDB does not say of it what it was, and plans such a query once for each place that names it.
_NOT_KEPT = re.compile(r"not\b.*?\bmaterialized", re.IGNORECASE | re.DOTALL)
_SCHEMAS = frozenset({"", "main", "native", "release"})


def require_select(
    query: str, connection: duckdb.DuckDBPyConnection, tables: Collection[str]
) -> list[str]:
    """Return the tables that a query asks for; refuse what is not one harmless SELECT.

    Parameters
    ----------
    query
        SQL from elsewhere.
    connection
        Any DuckDB connection: DuckDB reads the SQL.
    tables
        The names of tables that it may ask for.

    Raises
    ------
    QueryError
        With what it holds, and what it may.
    """
    SELECT.require_short(query)
    row = connection.execute("SELECT json_serialize_sql(?)", [query]).fetchone()
    parsed = SELECT.loaded(query, row)
    if parsed["error"]:
        reason = parsed.get("error_message", "it can't be parsed")
        raise QueryError(f"The query {shown(query)} is not one SELECT: {reason}.")
    statements = parsed["statements"]
    if len(statements) != 1:
        raise QueryError(
            f"The query {shown(query)} holds {len(statements)} statements; one SELECT is taken."
        )
    SELECT.require_bounded(query, statements)
    _require_kinds(query, statements)
    _require_small(query, statements)
    SELECT.require_allowed(query, statements)
    _require_cheap_patterns(query, statements)
    return _asked(query, statements, tables)


def _require_kinds(query: str, parsed: Any) -> None:
    for part in nodes(parsed):
        kind = part.get("type")
        # The type of a value is an object; a term has a class, and was looked at.
        if isinstance(kind, str) and "class" not in part and kind not in _KINDS:
            if kind.endswith("_TYPE_INFO"):
                continue
            raise SELECT.refusal(query, _SAID.get(kind, kind.replace("_", " ").lower()))


def _require_small(query: str, statements: Any) -> None:
    """Refuse what DuckDB would need more time or memory to plan than to run."""
    nested = most_selects_nested(statements)
    if nested > MOST_SELECTS_NESTED:
        said = f"{nested} SELECTs inside each other"
        raise SELECT.refusal(query, said, f"at most {MOST_SELECTS_NESTED}")
    if _NOT_KEPT.search(query) and any("cte_map" in part for part in nodes(statements)):
        raise SELECT.refusal(query, "NOT MATERIALIZED", "WITH a AS (SELECT ...)")
    for part in nodes(statements):
        named = len(part.get("cte_map", {}).get("map", []))
        if named > MOST_NAMED:
            said = f"{named:,} queries named by WITH"
            raise SELECT.refusal(query, said, f"at most {MOST_NAMED}")
        groupings = len(part.get("group_sets") or [])
        if groupings > MOST_GROUPINGS:
            said = f"{groupings:,} grouping sets"
            raise SELECT.refusal(query, said, f"at most {MOST_GROUPINGS:,}")
        if terms_of_aliases(part.get("select_list") or [], nodes) > MOST_TERMS:
            raise SELECT.refusal(query, "names that stand for each other too often")
        if part.get("type") in _QUERIES and (width := columns(part, {})) > MOST_COLUMNS:
            said = f"a table of {width:,} columns"
            raise SELECT.refusal(query, said, f"at most {MOST_COLUMNS:,}")


def _require_cheap_patterns(query: str, parsed: Any) -> None:
    """Refuse a % inside a pattern that ignores case, for which DuckDB tries every place."""
    for part in nodes(parsed):
        if part.get("function_name") not in ("~~*", "!~~*", "ilike_escape", "not_ilike_escape"):
            continue
        pattern = part["children"][1]["value"]["value"]
        if "%" in pattern.strip("%"):
            raise SELECT.refusal(query, f"the pattern {shown(pattern)}", "lower(x) LIKE 'a%b'")


def _asked(query: str, parsed: Any, tables: Collection[str]) -> list[str]:
    known = {name.casefold(): name for name in tables}
    asked = []
    for part, common in _base_tables(parsed):
        name = part["table_name"]
        place = {part["schema_name"].casefold(), part["catalog_name"].casefold()}
        if place == {""} and name.casefold() in common:
            continue
        if not place <= _SCHEMAS or name.casefold() not in known:
            written = ".".join(filter(None, (part["catalog_name"], part["schema_name"], name)))
            raise QueryError(
                f"The query {shown(query)} asks for {shown(written)}, which is no table of the "
                f"release. {did_you_mean(name, tables)}"
            )
        asked.append(known[name.casefold()])
    return asked


def _base_tables(parsed: Any) -> Iterator[tuple[dict[str, Any], frozenset[str]]]:
    """Yield what is read by name, with the names that WITH gives where it stands."""
    waiting: list[tuple[Any, frozenset[str]]] = [(parsed, frozenset())]
    while waiting:
        part, common = waiting.pop()
        if isinstance(part, list):
            waiting.extend((value, common) for value in part)
        elif isinstance(part, dict):
            # Each sees those before it, the rest of its query all of them.
            for entry in part.get("cte_map", {}).get("map", []):
                waiting.append((entry["value"], common))
                common |= {entry["key"].casefold()}
            waiting.extend((value, common) for key, value in part.items() if key != "cte_map")
            if part.get("type") == "BASE_TABLE":
                yield part, common
