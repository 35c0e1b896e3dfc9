"""Expressions hold nothing but what is listed, and a second wall stands behind the list."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pytest

import synphys_frames as sf
from synphys_frames.backends.duckdb_engine import (
    bundled_extension,
    evaluating_connection,
    plain_connection,
)
from synphys_frames.backends.expression import evaluate, parse
from synphys_frames.backends.expression_rules import FUNCTIONS, TYPES
from synphys_frames.backends.sql_size import MOST_CHARACTERS
from synphys_frames.database.database import release_of
from synphys_frames.errors import ExpressionError, UnknownColumnError, UnknownCriterionError

ROOT = Path(__file__).parents[2]
SECRET = "the secret of another file"

REFUSED = [
    "json_serialize_plan('SELECT * FROM read_csv(''{path}'')') IS NOT NULL",
    "json_execute_serialized_sql('x') IS NULL",
    "json_serialize_sql('SELECT 1') IS NULL",
    "sleep_ms(100000)",
    "pg_sleep(100) IS NULL",
    "levenshtein(repeat('a', 1000000), repeat('b', 1000000)) > 0",
    "len(range(1000000000)) > 0",
    "repeat('a', 1000000000) = cre_type",
    "lpad('a', 1000000000, 'b') = cre_type",
    "regexp_matches(cre_type, '(a+)+b')",
    "cre_type ~ 'a'",
    "cre_type SIMILAR TO 'a*'",
    "cre_type GLOB '*a*'",
    "stem(cre_type, 'english') = 'a'",
    "host('127.0.0.1'::INET) = 'a'",
    "CAST(cre_type AS INET) IS NULL",
    "CAST(cre_type AS JSON) IS NULL",
    "cre_type::MY_TYPE IS NULL",
    "cre_type::ENUM('a') IS NULL",
    "cre_type::VARCHAR[] IS NULL",
    "current_setting('home_directory') = 'x'",
    "getvariable('x') IS NULL",
    "write_log('x') IS NULL",
    "setseed(0.1) IS NULL",
    "unlist([1]) IS NULL",
    "unnest([1]) = 1",
    "read_text('{path}') IS NULL",
    "getenv('HOME') IS NULL",
    "(SELECT content FROM read_text('{path}')) IS NULL",
    "EXISTS (FROM read_csv('{path}'))",
    "depth IN (SELECT 1)",
    "[x FOR x IN [1, 2]] IS NULL",
    "list_transform([1], lambda x: x) IS NULL",
    "cre_type[1] = 'a'",
    "struct_pack(a := 1) IS NULL",
    "{{'a': 1}} IS NULL",
    "nextval('x') > 0",
    "random() > 0.5",
    "uuid() IS NULL",
    "now() > '2020-01-01'",
    "version() IS NULL",
    "cre_type COLLATE de = 'a'",
    "cre_type LIKE cre_type",
    "like_escape(cre_type)",
    "ilike_escape()",
    "cre_type LIKE '%a%a_%'",
    "cre_type ILIKE '%a_b%c'",
    "strftime(TIMESTAMP '2020-01-01', '%Y') = '2020'",
    "depth AT TIME ZONE 'UTC' IS NULL",
    "cre_type || 'a' = 'b'",
    "replace(cre_type, 'a', 'aa') = 'b'",
    "other.main.abs(depth) > 0",
    "system.main.current_setting('x') IS NULL",
    "sum(depth) > 1",
    "count(*) > 1",
    "avg(depth) FILTER (depth > 0) > 0",
    "row_number() OVER () > 1",
    "COLUMNS(*) > 0",
    "?",
    "$name = 1",
    "#1 = 1",
    "1; DROP TABLE cell",
    "1) UNION SELECT (1",
    "TRUE FROM read_csv('{path}'",
]


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    path = tmp_path / "secret.txt"
    path.write_text(SECRET)
    return path


@pytest.mark.parametrize("text", REFUSED)
def test_what_is_not_listed_is_refused_everywhere(
    db: sf.SynphysDatabase, secret: Path, text: str
) -> None:
    text = text.format(path=secret)
    began = time.monotonic()
    for ask in (
        lambda: db.pairs(where=text.replace("cre_type", "pre_cell.cre_type")),
        lambda: db.table("cell", where=text),
        lambda: db.pairs(pre_class=sf.CellClass(text)),
    ):
        with pytest.raises((ExpressionError, UnknownColumnError, UnknownCriterionError)) as caught:
            ask()
        assert SECRET not in str(caught.value)
    assert time.monotonic() - began < 5
    assert sorted(secret.parent.iterdir()) == [secret]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("has_synapse & distance < 1e-4", "Write AND for &"),
        ("has_synapse | has_electrical", r"Write OR for \|"),
        ("~has_synapse", "Write NOT for ~"),
        ("regexp_matches(a, 'x')", "LIKE and ILIKE take %"),
        ("lowr(a) = 'x'", "Did you mean 'lower'"),
        ("max(a) > 1", r"max\(\.\.\.\), an aggregate over rows"),
        ("a::INET IS NULL", "the type INET .*BOOLEAN"),
        ("frobnicate(a)", "README lists the functions"),
        ("a.lower() = 'x'", r"write lower\(a\)"),
    ],
)
def test_the_message_says_what_would_work(text: str, message: str) -> None:
    with pytest.raises(ExpressionError, match=message):
        parse(text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("NOT " * 200 + "a", "more than 100 terms inside each other"),
        ("- " * 300 + "a = 1", "inside each other"),
        ("abs(" * 150 + "a" + ")" * 150 + " > 0", "inside each other"),
        ("CASE WHEN a THEN " * 150 + "1" + " END" * 150, "inside each other"),
        (" + ".join(["a"] * 900) + " > 0", "inside each other"),
        (f"a IN ({', '.join('1' * 1 for _ in range(30_000))})", "terms; at most"),
        ("a = '" + "x" * MOST_CHARACTERS + "'", "characters; at most"),
        ("a = '" + "\u0301\u0323" * 20_000 + "' COLLATE nfc", "a text of 40,000 characters"),
        ("a > 0 " + "/*" * 45_000, "more than 100 comments"),
        ("a = '\0'", "character 0"),
        ("a = '\ud800'", "half of a character"),
        ("nullif(" * 30 + "a" + ", 1)" * 30 + " > 0", "terms; at most"),
        ("fmod(" * 20 + "a" + ", 7)" * 20 + " > 0", "terms; at most"),
        ("(" * 30 + "a" + " BETWEEN 0 AND 1)::INT" * 30 + " = 1", "terms; at most"),
        ("CASE " * 30 + "a" + " WHEN 1 THEN 2 WHEN 2 THEN 3 END" * 30 + " > 0", "CASE x WHEN"),
        (
            f"CASE {' + '.join(['a'] * 90)} {' '.join(['WHEN 1 THEN 2'] * 5_000)} END > 0",
            "CASE x WHEN",
        ),
    ],
)
def test_size_and_nesting_are_bounded_by_name(text: str, message: str) -> None:
    began = time.monotonic()
    with pytest.raises(ExpressionError, match=message):
        parse(text)
    assert time.monotonic() - began < 5


def test_some_terms_that_are_copied_are_let_in() -> None:
    cases = " ".join(f"WHEN {number} THEN {number + 1}" for number in range(50))
    text = f"nullif(CASE x {cases} END, 3) BETWEEN 2 AND 4"
    result = evaluate(parse(text), {("x",): pd.Series([1, 2, 3, 60])}, 4)
    assert [None if pd.isna(value) else value for value in result] == [True, None, True, None]


def test_many_ids_are_let_in() -> None:
    assert parse(f"id IN ({','.join(map(str, range(15_000)))})").names == (("id",),)


ARGUMENTS = {
    "numbers": ("x",),
    "texts": ("t",),
    "times": ("TIMESTAMP '2020-03-04'",),
    "missing values": ("x",),
}
CALLS = {
    **{name: f"{name}(x, 2.0)" for name in ("mod", "fmod", "divide", "pow", "power", "atan2")},
    **{name: f"{name}(t, 'a')" for name in ("contains", "starts_with", "ends_with", "prefix")},
    **{name: f"{name}(t, 'a')" for name in ("suffix", "strpos", "instr")},
    **{name: f"{name}(t, 2)" for name in ("left", "right", "substring", "substr")},
    **{name: f"{name}('year', TIMESTAMP '2020-03-04')" for name in ("date_part", "datepart")},
    **{name: f"{name}('year', TIMESTAMP '2020-03-04')" for name in ("date_trunc", "datetrunc")},
    **{
        name: f"{name}('day', DATE '2020-03-04', DATE '2020-03-09')"
        for name in ("date_diff", "datediff")
    },
    **{name: f"{name}(x, 1)" for name in ("coalesce", "ifnull")},
    **{
        name: f"{name}(3)"
        for name in (
            *("to_years", "to_months", "to_weeks", "to_days", "to_hours", "to_minutes"),
            "to_seconds",
        )
    },
    "position": "position('a' IN t)",
    "nullif": "nullif(x, 5)",
    "if": "if(x > 1, 1, 2)",
    "pi": "pi()",
    "split_part": "split_part(t, ',', 1)",
    "make_date": "make_date(2020, 3, 4)",
    "asin": "asin(x / 10)",
    "acos": "acos(x / 10)",
}


@pytest.mark.parametrize(
    ("group", "name"), [(group, name) for group, names in FUNCTIONS.items() for name in names]
)
def test_every_listed_function_is_one_of_duckdbs_and_runs(group: str, name: str) -> None:
    call = CALLS.get(name, f"{name}({ARGUMENTS[group][0]})")
    columns = {("x",): pd.Series([1.0, 2.0]), ("t",): pd.Series(["ab", "cd"])}
    expression = parse(f"({call}) IS NOT NULL")
    assert evaluate(expression, {key: columns[key] for key in expression.names}, 2).all()


def test_the_readme_lists_the_functions() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for group, names in FUNCTIONS.items():
        assert f"| {group} | {', '.join(f'`{name}`' for name in names)} |" in readme


@pytest.mark.parametrize("name", TYPES)
def test_every_listed_type_can_be_cast_to(name: str) -> None:
    value = "TIMESTAMP '2020-03-04 01:02:03'" if name.startswith(("DATE", "TIME")) else "'1'"
    assert evaluate(parse(f"CAST({value} AS {name}) IS NOT NULL"), {}, 2).all()


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("t LIKE '%a%b%c%'", [True, False, False, None]),
        ("t ILIKE '%A%b%C%'", [True, True, False, None]),
        ("t NOT ILIKE 'a_c'", [False, False, False, None]),
        ("t LIKE 'a!_c' ESCAPE '!'", [False, False, True, None]),
        ("t ILIKE 'A!_c' ESCAPE '!'", [False, False, True, None]),
    ],
)
def test_patterns(pattern: str, expected: list[bool | None]) -> None:
    texts = pd.Series(["abc", "ABC", "a_c", None])
    result = evaluate(parse(pattern), {("t",): texts}, 4)
    assert [None if pd.isna(value) else value for value in result] == expected


def test_patterns_of_long_texts_take_no_time() -> None:
    texts = pd.Series(["a" * 20_000] * 20)
    began = time.monotonic()
    for pattern in ("%a%a%a%a%a%a%b", "%A%a%a%a%a%a%a%b%"):
        assert not evaluate(parse(f"t ILIKE '{pattern}'"), {("t",): texts}, 20).any()
    assert time.monotonic() - began < 5


BEHIND = [
    "SELECT * FROM read_csv('{path}')",
    "SELECT content FROM read_text('{path}')",
    "COPY (SELECT 1) TO '{path}.csv'",
    "EXPORT DATABASE '{path}.folder'",
    "INSTALL icu",
    "LOAD '{unsigned}'",
    "INSTALL '{unsigned}'",
    "LOAD '{path}'",
    "SELECT * FROM glob('{path}*')",
    "SELECT '127.0.0.1'::INET",
    "SET enable_external_access = true",
    "SET autoload_known_extensions = true",
]


def wall(name: str, db: sf.SynphysDatabase) -> Any:
    attachment = release_of(db).attachment
    return {
        "alone": evaluating_connection,
        "evaluator": lambda: attachment.evaluator().cursor(),
        "reading": lambda: attachment.reading().cursor(),
    }[name]()


@pytest.mark.parametrize("query", BEHIND)
@pytest.mark.parametrize("name", ["alone", "evaluator", "reading"])
def test_the_connections_of_expressions_reach_nothing_by_themselves(
    db: sf.SynphysDatabase,
    secret: Path,
    tmp_path_factory: pytest.TempPathFactory,
    name: str,
    query: str,
) -> None:
    """The second wall, without the first: SQL that no expression could hold."""
    # An extension that is not loaded yet, since it has another name.
    unsigned = tmp_path_factory.mktemp("extensions") / "other.duckdb_extension"
    unsigned.symlink_to(str(bundled_extension()))
    asked = query.format(path=secret, unsigned=unsigned)
    with pytest.raises(duckdb.Error) as caught:
        wall(name, db).execute(asked).fetchall()
    assert SECRET not in str(caught.value)
    assert sorted(secret.parent.iterdir()) == [secret]


def test_no_connection_brings_extensions_by_itself() -> None:
    with plain_connection() as connection:
        [settings] = connection.execute(
            "SELECT current_setting('autoinstall_known_extensions'), "
            "current_setting('autoload_known_extensions')"
        ).fetchall()
    assert settings == (False, False)


def test_what_a_user_sets_changes_no_answer_of_the_library(sample_path: Path) -> None:
    with sf.load_sqlite(sample_path) as db:
        expected = db.table("pair", where="distance < 1e-4", limit=5)
        db.connection.execute("SET default_order = 'DESC'")
        db.connection.execute("SET default_null_order = 'NULLS_FIRST'")
        db.connection.execute("CREATE OR REPLACE VIEW pair AS SELECT 1 AS id")
        db.connection.execute("CREATE MACRO abs(x) AS 0")
        pd.testing.assert_frame_equal(db.table("pair", where="distance < 1e-4", limit=5), expected)
        assert len(db.table("cell", where="abs(depth) > 0")) > 0


def test_texts_in_double_quotes_and_names_without_their_table(db: sf.SynphysDatabase) -> None:
    quotes = "A text goes in single quotes, 'pvalb'"
    with pytest.raises(UnknownColumnError, match=quotes):
        db.pairs(where='pre_cell.cre_type == "pvalb"')
    with pytest.raises(UnknownColumnError, match=quotes):
        db.table("cell", where='cre_type = "pvalb"')
    with pytest.raises(UnknownCriterionError, match=quotes):
        db.pairs(pre_class=sf.CellClass('cre_type = "pvalb"'))
    for name, places in (
        ("latency", "Write synapse.latency or"),
        ("cre_type", "Write cell.cre_type or pre_cell.cre_type or post_cell"),
        ("species", r"Write slice\.species\."),
    ):
        with pytest.raises(UnknownColumnError, match=places):
            db.pairs(where=f"{name} IS NULL")
