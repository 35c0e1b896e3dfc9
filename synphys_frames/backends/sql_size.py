"""How large a text of SQL becomes: DuckDB copies what some words stand beside."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

MOST_CHARACTERS = 100_000
MOST_TERMS = 25_000
MOST_NESTED = 100
# In one constant: to compare long ones where accents count alike takes the square of their length.
MOST_OF_A_TEXT = 10_000
# DuckDB's plan takes twice the time with each SELECT inside another.
MOST_SELECTS_NESTED = 15
MOST_COLUMNS = 2_000
MOST_GROUPINGS = 1_000
MOST_NAMED = 100
MOST_COMMENTS = 100
MOST_WORDS = 300_000
MOST_JSON = 20_000_000
# Of a table of the release, for * over it.
_COLUMNS_OF_A_TABLE = 50

_SIMPLE_CASE = re.compile(r"(?<![a-z_])case(?![a-z0-9_]|\s+when\b)", re.IGNORECASE)
_WHEN = re.compile(r"when", re.IGNORECASE)
# DuckDB writes these out as macros that name an argument more than once.
_COPYING = {"nullif": 2, "fmod": 2, "split_part": 2}


def words_when_read(text: str) -> int:
    """Return a number that a text has no more words than once its CASE x WHEN are written out.

    DuckDB's parser makes ``CASE x WHEN 1 ... WHEN 2 ...`` to ``CASE WHEN x = 1 ... WHEN x = 2 ...``
    at once, and so on for an x that has one itself.
    """
    cases = len(_SIMPLE_CASE.findall(text))
    if not cases:
        return len(text)
    each = max(3.0, len(_WHEN.findall(text)) / cases)
    # Each word is two characters at least.
    return int(len(text) / 2 * each ** min(cases, 100))


def terms_with_depths(parsed: Any) -> Iterator[tuple[dict[str, Any], int, int]]:
    """Yield each term of parsed SQL, with how often DuckDB writes it, and its depth."""
    waiting = [(parsed, 0, 1)]
    while waiting:
        part, depth, copies = waiting.pop()
        if isinstance(part, list):
            waiting.extend((value, depth, copies) for value in part)
        elif isinstance(part, dict):
            if "class" in part:
                depth += 1
                yield part, depth, copies
            name = str(part.get("function_name", "")).casefold()
            inside = copies * _COPYING.get(name, 1)
            for key, value in part.items():
                is_copied = key == "input" and part.get("class") == "BETWEEN"
                waiting.append((value, depth, inside * 2 if is_copied else inside))


def most_selects_nested(parsed: Any) -> int:
    """Return how many SELECTs of parsed SQL are inside each other at most."""
    most, waiting = 0, [(parsed, 0)]
    while waiting:
        part, depth = waiting.pop()
        if isinstance(part, list):
            waiting.extend((value, depth) for value in part)
        elif isinstance(part, dict):
            depth += part.get("type") == "SELECT_NODE"
            most = max(most, depth)
            waiting.extend((value, depth) for value in part.values())
    return most


def terms_of_aliases(items: list[Any], terms: Any) -> int:
    """Return how many terms a list of columns has once their names are written out in each other.

    Parameters
    ----------
    items
        What follows SELECT, parsed.
    terms
        Gives the terms of one of them.
    """
    sizes: dict[str, int] = {}
    total = 0
    for item in items:
        size = 0
        for part in terms(item):
            names = part.get("column_names")
            size += sizes.get(names[-1].casefold(), 1) if names else "class" in part
        total += size
        if item.get("alias"):
            sizes[item["alias"].casefold()] = size
    return total


def columns(node: Any, known: dict[str, int]) -> int:
    """Return a number that a parsed query has no more columns than, nor any query inside its FROM.

    Parameters
    ----------
    node
        The query, or what stands in its FROM.
    known
        The columns of those that WITH names.
    """
    known = dict(known)
    most = 0
    for entry in node.get("cte_map", {}).get("map", []):
        known[entry["key"].casefold()] = columns(entry["value"]["query"]["node"], known)
        most = max(most, known[entry["key"].casefold()])
    kind = node.get("type")
    if kind == "SELECT_NODE":
        beside = columns(node["from_table"], known)
        own = sum(beside if _is_many(item) else 1 for item in node["select_list"])
        return max(most, beside, own)
    if kind == "JOIN":
        return columns(node["left"], known) + columns(node["right"], known)
    if kind == "SUBQUERY":
        return columns(node["subquery"]["node"], known)
    if kind == "SET_OPERATION_NODE":
        return max([most, *(columns(child, known) for child in _operands(node))])
    if kind == "EXPRESSION_LIST":
        return max([0, *map(len, node["values"])])
    if kind == "BASE_TABLE":
        return known.get(node["table_name"].casefold(), _COLUMNS_OF_A_TABLE)
    return most


def _operands(node: dict[str, Any]) -> list[Any]:
    """Return what a UNION is of."""
    return [*node.get("children", []), *(node[side] for side in ("left", "right") if side in node)]


def _is_many(item: Any) -> bool:
    """Return whether a term stands for one column each of all that there are."""
    waiting = [item]
    while waiting:
        part = waiting.pop()
        if isinstance(part, list):
            waiting.extend(part)
        elif isinstance(part, dict):
            if part.get("class") == "STAR":
                return True
            waiting.extend(part.values())
    return False
