"""What an expression may be made of: everything that is not listed here is refused.

Expressions come from users of users: from files, command lines and forms. What is let in depends on
the row alone, reaches nothing else, and costs about as much as reading the row.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..errors import ExpressionError, did_you_mean, shown
from .sql_size import (
    MOST_CHARACTERS,
    MOST_COMMENTS,
    MOST_JSON,
    MOST_NESTED,
    MOST_OF_A_TEXT,
    MOST_TERMS,
    MOST_WORDS,
    terms_with_depths,
    words_when_read,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..errors import SynphysError

# By what they are for; the documentation lists them from here.
FUNCTIONS: dict[str, tuple[str, ...]] = {
    "numbers": (
        *("abs", "ceil", "ceiling", "floor", "round", "trunc", "sign", "mod", "fmod", "divide"),
        *("sqrt", "cbrt", "exp", "ln", "log", "log2", "log10", "pow", "power", "pi"),
        *("sin", "cos", "tan", "asin", "acos", "atan", "atan2", "degrees", "radians"),
        *("greatest", "least", "isnan", "isinf", "isfinite"),
    ),
    "texts": (
        *("lower", "upper", "trim", "ltrim", "rtrim", "length", "len", "strlen", "left", "right"),
        *("substring", "substr", "split_part", "contains", "starts_with", "ends_with", "prefix"),
        *("suffix", "position", "strpos", "instr"),
    ),
    "times": (
        *("year", "quarter", "month", "week", "day", "dayofweek", "isodow", "dayofyear"),
        *("hour", "minute", "second", "date_part", "datepart", "date_trunc", "datetrunc"),
        *("date_diff", "datediff", "epoch", "make_date", "to_years", "to_months", "to_weeks"),
        *("to_days", "to_hours", "to_minutes", "to_seconds"),
    ),
    "missing values": ("coalesce", "ifnull", "nullif", "if"),
}
_OPERATORS = frozenset(
    {"+", "-", "*", "/", "//", "%", "**", "^", "@", "~~", "!~~", "~~*", "!~~*", "^@"}
    | {"like_escape", "not_like_escape", "ilike_escape", "not_ilike_escape"}
)
_NAMES = frozenset(name for names in FUNCTIONS.values() for name in names)
TYPES = (
    *("BOOLEAN", "TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT"),
    *("UINTEGER", "UBIGINT", "FLOAT", "DOUBLE", "DECIMAL", "VARCHAR", "DATE", "TIME", "TIMESTAMP"),
    *("TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS", "INTERVAL"),
)
_COLLATIONS = ("nocase", "noaccent", "nfc", "binary")
_PARTS = frozenset(
    {"BETWEEN", "CASE", "CAST", "COLLATE", "COLUMN_REF", "COMPARISON", "CONJUNCTION", "CONSTANT"}
    | {"FUNCTION", "OPERATOR"}
)
_PLAIN_OPERATORS = frozenset(
    {"COMPARE_IN", "COMPARE_NOT_IN", "OPERATOR_NOT", "OPERATOR_IS_NULL", "OPERATOR_IS_NOT_NULL"}
    | {"OPERATOR_COALESCE", "OPERATOR_TRY"}
)
_REFUSED = {
    "SUBQUERY": "a subquery",
    "WINDOW": "a window function",
    "STAR": "a *",
    "PARAMETER": "a parameter",
    "LAMBDA": "a lambda",
    "POSITIONAL_REFERENCE": "a column number",
    "ARRAY_EXTRACT": "an index in brackets",
    "GROUPING_FUNCTION": "an aggregate",
}
# What other languages write, and what SQL does.
_INSTEAD = {
    "&": "Write AND for &: 'has_synapse AND distance < 1e-4'.",
    "&&": "Write AND for &&.",
    "|": "Write OR for |: 'has_synapse OR has_electrical'.",
    "||": "Write OR for ||; texts can't be put together here.",
    "~": "Write NOT for ~: 'NOT has_synapse'.",
    "!__postfix": "Write NOT for !: 'NOT has_synapse'.",
    "regexp_full_match": "LIKE and ILIKE take % for any text and _ for one character.",
    "regexp_matches": "LIKE and ILIKE take % for any text and _ for one character.",
    "~~~": "LIKE takes % for any text and _ for one character.",
}
# Those that give one value of bounded size, whatever the rows; then the rest.
AGGREGATES = frozenset(
    {"avg", "mean", "sum", "min", "max", "count", "count_star", "median", "mode", "stddev"}
    | {"stddev_samp", "stddev_pop", "variance", "var_samp", "var_pop", "quantile", "quantile_cont"}
    | {"quantile_disc", "first", "last", "any_value", "bool_and", "bool_or", "arg_min", "arg_max"}
    | {"corr", "covar_pop", "covar_samp", "regr_slope", "regr_intercept", "regr_r2", "skewness"}
    | {"kurtosis", "mad", "product", "entropy", "count_if", "sem"}
)
_GROWING = frozenset({"list", "array_agg", "string_agg", "group_concat", "listagg"}) | {
    "histogram",
    "std",
}
_CASELESS = {
    "~~*": "~~",
    "!~~*": "!~~",
    "ilike_escape": "like_escape",
    "not_ilike_escape": "not_like_escape",
}
_LOWER = {
    "class": "FUNCTION",
    "type": "FUNCTION",
    "alias": "",
    "function_name": "lower",
    "schema": "",
    "filter": None,
    "order_bys": {"type": "ORDER_MODIFIER", "orders": []},
    "distinct": False,
    "is_operator": False,
    "export_state": False,
    "catalog": "",
}


def nodes(part: Any) -> Iterator[dict[str, Any]]:
    """Yield every object of a parsed expression."""
    waiting = [part]
    while waiting:
        part = waiting.pop()
        if isinstance(part, dict):
            yield part
            waiting.extend(reversed(list(part.values())))
        elif isinstance(part, list):
            waiting.extend(reversed(part))


@dataclass(frozen=True, slots=True)
class Grammar:
    """What a text of SQL may hold.

    Attributes
    ----------
    what
        What such a text is called in messages.
    parts
        The classes of terms.
    operators
        The operators that DuckDB keeps apart from functions.
    functions
        The functions beside the operators.
    has_aggregates
        Whether aggregates are among them.
    otherwise
        What else there is for what it may not hold.
    error
        The class of the errors.
    """

    what: str
    parts: frozenset[str]
    operators: frozenset[str]
    functions: frozenset[str]
    has_aggregates: bool
    otherwise: str
    error: type[SynphysError]

    def refusal(self, text: str, said: str, instead: str = "") -> SynphysError:
        """Return the error for a text that holds something else, and what would do instead."""
        more = f" ({instead})" if instead else ""
        return self.error(f"The {self.what} {shown(text)} holds {said}{more}{self.otherwise}")

    def require_short(self, text: str) -> None:
        """Refuse a text that is longer than any that is written by hand, or that DuckDB makes so.

        Raises
        ------
        ExpressionError, QueryError
            With what there is too much of, or that the text is no Unicode.
        """
        if len(text) > MOST_CHARACTERS:
            raise self.error(
                f"The {self.what} has {len(text):,} characters; at most {MOST_CHARACTERS:,} are "
                "read. For many ids there is frame.synphys.pairs(...), or a merge."
            )
        try:
            text.encode()
        except UnicodeEncodeError as error:
            raise self.error(
                f"The {self.what} {text!r:.200} is no Unicode text: it has half of a character."
            ) from error
        if "\0" in text:  # DuckDB would read to there
            raise self.error(f"The {self.what} {shown(text)} holds a character 0.")
        # DuckDB reads what follows each of them to its end.
        if text.count("/*") > MOST_COMMENTS:
            raise self.error(
                f"The {self.what} {shown(text)} has more than {MOST_COMMENTS} comments."
            )
        if words_when_read(text) > MOST_WORDS:
            raise self.error(
                f"The {self.what} {shown(text)} has too many CASE x WHEN, of which each WHEN "
                "repeats x. Write CASE WHEN x = ... THEN ..., or x IN (...)."
            )

    def loaded(self, text: str, row: tuple[str] | None) -> dict[str, Any]:
        """Return what DuckDB reads of a text, which it gives as JSON."""
        if row is None:
            return {"error": True}
        if len(row[0]) > MOST_JSON:
            raise self.error(
                f"The {self.what} {shown(text)} has too many terms; at most {MOST_TERMS:,} are "
                "read."
            )
        try:
            parsed: dict[str, Any] = json.loads(row[0])
        except RecursionError:
            raise self.too_nested(text) from None
        return parsed

    def require_bounded(self, text: str, parsed: Any) -> None:
        """Refuse a parsed text with too many terms, too many inside each other, or too long ones.

        Raises
        ------
        ExpressionError, QueryError
            With what there is too much of.
        """
        terms = 0
        for part, depth, copies in terms_with_depths(parsed):
            terms += copies
            if depth > MOST_NESTED:
                raise self.too_nested(text)
            value = (part.get("value") or {}).get("value")
            if isinstance(value, str) and len(value) > MOST_OF_A_TEXT:
                raise self.error(
                    f"The {self.what} {shown(text)} has a text of {len(value):,} characters; at "
                    f"most {MOST_OF_A_TEXT:,} are read."
                )
        if terms > MOST_TERMS:
            raise self.error(
                f"The {self.what} {shown(text)} has {terms:,} terms; at most {MOST_TERMS:,} are "
                "read, those counted twice that BETWEEN, NULLIF and the like repeat."
            )

    def too_nested(self, text: str) -> SynphysError:
        """Return the error for a text with too many terms inside each other."""
        return self.error(
            f"The {self.what} {shown(text)} has more than {MOST_NESTED} terms inside each other."
        )

    def require_allowed(self, text: str, parsed: Any) -> None:
        """Refuse a parsed text that holds anything else than is listed.

        Raises
        ------
        ExpressionError, QueryError
            With what it holds, and what is nearest to it or would do instead.
        """
        for part in nodes(parsed):
            kind = part.get("class")
            if kind is None:
                continue
            if kind not in self.parts:
                raise self.refusal(text, _REFUSED.get(kind, kind.replace("_", " ").lower()))
            if part.get("export_state"):
                raise self.refusal(text, "EXPORT_STATE")
            if kind in ("FUNCTION", "WINDOW"):
                _require_function(text, part, self)
            elif kind == "OPERATOR" and part["type"] not in self.operators:
                said = _REFUSED.get(part["type"], part["type"].replace("_", " ").lower())
                raise self.refusal(text, said)
            elif kind == "CAST":
                _require_type(text, part["cast_type"], self)
            elif kind == "COLLATE" and part["collation"].casefold() not in _COLLATIONS:
                said = f"the collation {part['collation']!r}"
                raise self.refusal(text, said, ", ".join(_COLLATIONS))


FILTER = Grammar(
    "expression",
    _PARTS,
    _PLAIN_OPERATORS,
    _NAMES,
    False,
    "; only columns, values, and the listed operators and functions of one row can be used. "
    "db.sql(query) takes any query.",
    ExpressionError,
)


def _require_function(text: str, part: dict[str, Any], grammar: Grammar) -> None:
    name = part["function_name"].casefold()
    place = part.get("schema") or part.get("catalog")
    if place not in (None, "", "main"):
        raise grammar.refusal(text, f"{place}.{name}(...): write {name}({place})")
    is_aggregate = name in AGGREGATES | _GROWING or part.get("filter") or part.get("distinct")
    if is_aggregate and not grammar.has_aggregates:
        raise grammar.refusal(
            text,
            f"{name}(...), an aggregate over rows",
            "compute it first: latency = pairs['synapse.latency'].median()",
        )
    if name not in grammar.functions and name not in _OPERATORS:
        instead = _INSTEAD.get(name)
        near = did_you_mean(name, grammar.functions)
        if instead is None and not near.startswith("Did"):
            near = "The README lists the functions that can be used."
        raise grammar.refusal(text, f"{name}", instead or near)
    if "~~" in name or "like" in name:
        _require_pattern(text, part, grammar)


def _require_pattern(text: str, part: dict[str, Any], grammar: Grammar) -> None:
    pattern = part["children"][1] if len(part["children"]) > 1 else {}
    value = pattern.get("value", {}).get("value")
    if pattern.get("class") != "CONSTANT" or not isinstance(value, str):
        raise grammar.refusal(text, "a pattern that is no text", "LIKE 'sst%'")
    # DuckDB looks for the pieces between % one after the other, but with _ among them it tries
    # every place of each for every place of the one before.
    if ("_" in value or "escape" in part["function_name"]) and "%" in value.strip("%"):
        raise grammar.refusal(
            text,
            f"the pattern {shown(value)}, which has both _ and a % inside",
            "with _, % can only be at the ends; join two patterns by AND",
        )


def ignore_case_by_lower(expression: Any) -> None:
    """Make x ILIKE y what it is in DuckDB, lower(x) LIKE lower(y): its own way is not linear."""
    for part in nodes(expression):
        name = part.get("function_name")
        if name in _CASELESS and part.get("class") == "FUNCTION":
            part["function_name"] = _CASELESS[name]
            part["children"] = [
                *({**_LOWER, "children": [child]} for child in part["children"][:2]),
                *part["children"][2:],
            ]


def _require_type(text: str, cast_type: dict[str, Any], grammar: Grammar) -> None:
    if cast_type["id"] not in TYPES:
        name = (cast_type.get("type_info") or {}).get("name") or cast_type["id"]
        raise grammar.refusal(text, f"the type {name}", ", ".join(TYPES))
