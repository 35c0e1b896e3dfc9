"""A query from elsewhere reaches nothing but the release, and spends no more than it may."""

from __future__ import annotations

from typing import TYPE_CHECKING

import duckdb
import pytest
from pandas.testing import assert_frame_equal

import synphys_frames as sf
from synphys_frames.backends.expression_rules import AGGREGATES
from synphys_frames.backends.select_rules import SELECT, WINDOWS, require_select
from synphys_frames.database.database import release_of
from synphys_frames.errors import ArgumentError, MissingRowsWarning, QueryError, QueryTimeoutError

if TYPE_CHECKING:
    from pathlib import Path

SECRET = "the secret of another file"

ANSWERED = [
    "SELECT count(*) AS n FROM pair",
    "SELECT * FROM cell ORDER BY id LIMIT 3",
    "SELECT id FROM release.cell ORDER BY 1",
    "SELECT id FROM release.main.cell ORDER BY 1",
    "SELECT DISTINCT species FROM slice ORDER BY species DESC NULLS LAST",
    (
        "SELECT pre.cre_type, count(*) FILTER (WHERE has_synapse) AS n FROM pair "
        "JOIN cell pre ON pair.pre_cell_id = pre.id GROUP BY ALL HAVING n >= 0 ORDER BY ALL"
    ),
    (
        "WITH own AS (SELECT id, depth FROM cell), deep AS (SELECT * FROM own WHERE depth > 0) "
        "SELECT count(*) AS n, avg(depth) AS depth FROM deep"
    ),
    "SELECT id FROM cell WHERE id IN (SELECT pre_cell_id FROM pair) ORDER BY id",
    (
        "SELECT id, row_number() OVER (PARTITION BY experiment_id ORDER BY id) AS n FROM cell "
        "QUALIFY n = 1 ORDER BY id"
    ),
    "SELECT id FROM cell UNION SELECT id FROM pair ORDER BY id",
    (
        "SELECT upper(species) AS s, CAST(age AS BIGINT) AS age FROM slice WHERE species LIKE 'm%' "
        "ORDER BY id"
    ),
    "VALUES (1, 'a'), (2, 'b')",
    "FROM (SELECT id FROM experiment) AS inner_query ORDER BY id",
    "SELECT s.id FROM slice s WHERE EXISTS (FROM experiment e WHERE e.slice_id = s.id) ORDER BY 1",
    "SELECT id, cre_type, depth FROM cell WHERE FALSE",
    "SELECT NULL AS a, count(*) AS n, max(depth) AS b FROM cell WHERE depth IS NULL",
    "SELECT species FROM slice WHERE species ILIKE 'MOU%' ORDER BY id",
]
REFUSED = [
    ("SELECT * FROM read_csv('{path}')", "a table that a function makes"),
    ("SELECT * FROM read_text('{path}')", "a table that a function makes"),
    ("SELECT * FROM sqlite_scan('{path}', 'x')", "a table that a function makes"),
    ("SELECT * FROM sqlite_query('release', 'SELECT 1')", "a table that a function makes"),
    ("SELECT * FROM glob('/*')", "a table that a function makes"),
    ("SELECT * FROM duckdb_settings()", "a table that a function makes"),
    ("SELECT * FROM range(1000000000000)", "a table that a function makes"),
    ("SELECT * FROM query('SELECT 1')", "a table that a function makes"),
    ("SELECT * FROM query_table('pair')", "a table that a function makes"),
    ("SELECT * FROM '{path}'", "no table of the release"),
    ("SELECT * FROM 'https://example.org/x.parquet'", "no table of the release"),
    ("SELECT * FROM duckdb_tables", "no table of the release"),
    ("SELECT * FROM information_schema.tables", "no table of the release"),
    ("SELECT * FROM sqlite_master", "no table of the release"),
    ("SELECT * FROM release.sqlite_master", "no table of the release"),
    ("SELECT * FROM other.pair", "no table of the release"),
    ("SELECT * FROM pairs", "Did you mean 'pair'"),
    (
        (
            'SELECT * FROM "{path}" WHERE 1 IN '
            '(WITH "{path}" AS (SELECT 1 AS a) SELECT a FROM "{path}")'
        ),
        "no table of the release",
    ),
    ("WITH a AS (SELECT * FROM a) SELECT * FROM a", "no table of the release"),
    ("SELECT json_serialize_plan('SELECT * FROM read_csv(''{path}'')')", "json_serialize_plan"),
    ("SELECT json_execute_serialized_sql('x')", "json_execute_serialized_sql"),
    ("SELECT getenv('HOME')", "getenv"),
    ("SELECT current_setting('home_directory')", "current_setting"),
    ("SELECT sleep_ms(100000)", "sleep_ms"),
    ("SELECT repeat('a', 1000000000)", "repeat"),
    ("SELECT string_agg(species, '') FROM slice", "string_agg"),
    ("SELECT list(id) FROM pair a, pair b", "list"),
    ("SELECT median(a.id * b.id) FROM pair a, pair b", "median"),
    ("SELECT unnest([1, 2])", "unnest"),
    ("SELECT species[1] FROM slice", "index in brackets"),
    ("SELECT list_transform([1], lambda x: x)", "list_transform|lambda|list_value"),
    ("SELECT CAST(species AS INET) FROM slice", "the type INET"),
    ("SELECT species ILIKE '%a%b%' FROM slice", "lower"),
    ("SELECT species LIKE species FROM slice", "a pattern that is no text"),
    ("SELECT system.main.getenv('HOME')", "getenv"),
    ("SELECT * FROM slice ORDER BY getenv('HOME')", "getenv"),
    ("SELECT * FROM slice LIMIT (SELECT getenv('HOME'))", "getenv"),
    ("SELECT count(*) OVER (ORDER BY getenv('HOME')) FROM slice", "getenv"),
    ("SELECT * REPLACE (getenv('HOME') AS species) FROM slice", "getenv"),
    ("SELECT * FROM slice s JOIN cell c ON getenv('HOME') = c.cre_type", "getenv"),
    ("SELECT 1 GROUP BY getenv('HOME')", "getenv"),
    ("VALUES (getenv('HOME'))", "getenv"),
    ("FROM (DESCRIBE pair)", "description of tables"),
    ("SUMMARIZE pair", "description of tables|not one SELECT"),
    (
        "WITH RECURSIVE a AS (SELECT 1 AS x UNION ALL SELECT x + 1 FROM a) SELECT * FROM a",
        "WITH RECURSIVE",
    ),
    ("PIVOT pair ON has_synapse USING count(*)", "PIVOT|not one SELECT"),
    ("COPY pair TO '{path}'", "not one SELECT"),
    ("ATTACH '{path}' AS other (TYPE sqlite)", "not one SELECT"),
    ("INSTALL httpfs", "not one SELECT"),
    ("LOAD httpfs", "not one SELECT"),
    ("SET threads = 1", "not one SELECT"),
    ("PRAGMA database_list", "not one SELECT"),
    ("CALL pragma_version()", "not one SELECT"),
    ("CREATE TABLE x AS SELECT 1", "not one SELECT"),
    ("EXPORT DATABASE '{path}'", "not one SELECT"),
    ("EXPLAIN ANALYZE SELECT 1", "not one SELECT"),
    ("SELECT 1; SELECT 2", "2 statements"),
    ("SELECT 1; DROP TABLE pair", "not one SELECT"),
    ("", "0 statements|not one SELECT"),
    ("SELECT " + "abs(" * 150 + "1" + ")" * 150, "inside each other"),
    ("SELECT '" + "x" * 100_001 + "'", "characters; at most"),
    ("SELECT '" + "x" * 50_000 + "'", "a text of 50,000 characters; at most"),
    ("SELECT '\ud800'", "half of a character"),
    ("SELECT 1\0; DROP TABLE pair", "character 0"),
    ("SELECT avg(id) EXPORT_STATE FROM pair", "EXPORT_STATE"),
    ("SELECT 1 " + "/*" * 45_000, "more than 100 comments"),
    ("SELECT " + "(SELECT " * 30 + "1" + ")" * 30, "31 SELECTs inside each other"),
    ("SELECT " + ", ".join(["id"] * 5_000) + " FROM pair", "a table of 5,000 columns"),
    ("SELECT " + ", ".join(["p.*"] * 500) + " FROM pair p", "a table of 25,000 columns"),
    ("FROM " + "(SELECT *, * FROM " * 12 + "pair" + ")" * 12, "a table of 204,800 columns"),
    (
        "WITH a0 AS (FROM pair), "
        + ", ".join(f"a{n} AS (FROM a{n - 1} x, a{n - 1} y)" for n in range(1, 12))
        + " SELECT count(*) FROM a11",
        "a table of .* columns",
    ),
    ("VALUES (" + ", ".join(["1"] * 5_000) + ")", "a table of 5,000 columns"),
    (
        "SELECT id AS a, "
        + ", ".join(f"a{n or ''} + a{n or ''} AS a{n + 1}" for n in range(25))
        + " FROM pair",
        "names that stand for each other",
    ),
    (
        "WITH a AS NOT /**/ MATERIALIZED (SELECT 1 AS id) SELECT a.id, b.id FROM a, a b",
        "NOT MATERIALIZED",
    ),
    ("WITH " + ", ".join(f"a{n} AS (SELECT 1)" for n in range(200)) + " SELECT 1", "200 queries"),
    (
        "SELECT 1 GROUP BY GROUPING SETS (" + ", ".join(["()"] * 20_000) + ")",
        "20,000 grouping sets",
    ),
    ("SELECT DATE '5000000-01-01' AS d", "date32.* in 'd' that Python can't have"),
    ("SELECT TIME '24:00:00' AS t", "time64.* in 't' that Python can't have"),
    ("SELECT DATE 'infinity' AS d", r"CAST\(d AS VARCHAR\) gives it as text"),
]


@pytest.mark.parametrize("query", ANSWERED)
def test_a_select_over_the_release_gives_what_the_users_own_gives(
    db: sf.SynphysDatabase, query: str
) -> None:
    assert_frame_equal(db.sql(query, untrusted=True), db.sql(query))


def test_parameters_are_values(db: sf.SynphysDatabase) -> None:
    query = "SELECT count(*) AS n FROM slice WHERE species = ?"
    assert db.sql(query, ["mouse"], untrusted=True).n.item() == db.sql(query, ["mouse"]).n.item()
    assert db.sql(query, ["x' OR 1 = 1 --"], untrusted=True).n.item() == 0


@pytest.mark.parametrize(("query", "message"), REFUSED)
def test_anything_else_is_refused_and_leaves_nothing(
    db: sf.SynphysDatabase, tmp_path: Path, query: str, message: str
) -> None:
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    (folder / "secret.csv").write_text(SECRET)
    text = query.replace("{path}", str(folder / "secret.csv"))
    with pytest.raises(QueryError, match=message) as caught:
        db.sql(text, untrusted=True)
    assert SECRET not in str(caught.value)
    assert [path.name for path in folder.iterdir()] == ["secret.csv"]
    assert (folder / "secret.csv").read_text() == SECRET


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT * FROM read_csv('{path}')",
        "SELECT * FROM '{path}'",
        "SELECT json_serialize_plan('SELECT * FROM read_csv(''{path}'')', skip_null := true)",
        "COPY (SELECT 1) TO '{path}.out'",
        "EXPORT DATABASE '{path}.out'",
        "ATTACH '{path}.duckdb' AS other",
        "INSTALL httpfs",
        "SET enable_external_access = true",
        "SET memory_limit = '100 GB'",
        "SET temp_directory = '/tmp'",
    ],
)
def test_the_second_wall_stands_without_the_first(
    db: sf.SynphysDatabase, tmp_path: Path, statement: str
) -> None:
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    path = folder / "secret.csv"
    path.write_text(SECRET)
    connection = release_of(db).queries._attachment.untrusted()
    text = statement.replace("{path}", str(path))
    try:
        said = str(connection.execute(text).fetchall())
        # A plan that could not be made is an answer that says so.
        assert '"error":true' in said
    except duckdb.Error as error:
        said = str(error)
    assert SECRET not in said
    assert [entry.name for entry in folder.iterdir()] == ["secret.csv"]


def test_every_listed_function_exists_in_duckdb() -> None:
    # Window functions of their own are no entries of that catalogue.
    known = {
        row[0]
        for row in duckdb.connect()
        .execute("SELECT DISTINCT function_name FROM duckdb_functions()")
        .fetchall()
    }
    grammatical = {"coalesce", "ifnull", "if", "position", "nullif", "count_star"}
    assert SELECT.functions - WINDOWS - grammatical - known == set()
    assert AGGREGATES - known - grammatical <= {"quantile_disc"}


def test_a_query_ends_after_its_time(db: sf.SynphysDatabase) -> None:
    sf.config.query_timeout = 0.3
    endless = "SELECT count(*) FROM " + ", ".join(f"pair p{number}" for number in range(12))
    endless += " WHERE p0.id + p1.id + p2.id + p3.id + p4.id + p5.id < 0"
    with pytest.raises(QueryTimeoutError, match=r"0\.3 seconds"):
        db.sql(endless, untrusted=True)
    sf.config.query_timeout = None
    assert db.sql("SELECT count(*) AS n FROM pair", untrusted=True).n.item() > 0


def test_a_result_has_no_more_bytes_than_the_budget(db: sf.SynphysDatabase) -> None:
    query = "SELECT a.id FROM pair a, pair b, pair c, pair d, pair e"
    sf.config.memory_budget = 30_000_000
    with pytest.raises(QueryError, match=r"more than 30,000,000 bytes|[Mm]emory"):
        db.sql(query, untrusted=True)


def test_nothing_is_written_where_memory_does_not_suffice(
    db: sf.SynphysDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "working"
    folder.mkdir()
    monkeypatch.chdir(folder)
    sf.config.memory_budget = 20_000_000
    sf.config.query_timeout = 10
    query = (
        "SELECT count(*) FROM (SELECT a.id, b.id, c.id, d.id, e.id FROM pair a, pair b, pair c, "
        "pair d, pair e ORDER BY sin(a.id * b.id + c.id * d.id - e.id))"
        " WHERE 1 = (SELECT count(DISTINCT sin(a.id + b.id * c.id - d.id / e.id)) "
        "FROM pair a, pair b, pair c, pair d, pair e)"
    )
    with pytest.raises(QueryError):
        db.sql(query, untrusted=True)
    assert list(folder.iterdir()) == []


def test_settings_of_the_users_connection_change_no_answer_of_ours(db: sf.SynphysDatabase) -> None:
    query = "SELECT id, species FROM slice ORDER BY species, id"
    with sf.load_sqlite(db.path) as own:
        before = own.sql(query, untrusted=True)
        rows = own.table("slice", where="age > 0")
        own.connection.execute("SET default_order = 'DESC'")
        own.connection.execute("SET default_null_order = 'NULLS FIRST'")
        own.connection.execute("CREATE TEMP TABLE slice AS SELECT 1 AS id, 'x' AS species")
        assert_frame_equal(own.sql(query, untrusted=True), before)
        assert_frame_equal(own.table("slice", where="age > 0"), rows)


def test_it_takes_true_or_false_only(db: sf.SynphysDatabase) -> None:
    with pytest.raises(ArgumentError, match="untrusted takes True or False; got 'yes'"):
        db.sql("SELECT 1", untrusted="yes")  # type: ignore[arg-type]


def test_a_table_without_rows_is_told_of(db: sf.SynphysDatabase) -> None:
    with pytest.warns(MissingRowsWarning, match="pulse_response"):
        db.sql("SELECT count(*) AS n FROM pulse_response", untrusted=True)


def test_the_asked_tables_are_named_in_the_releases_case() -> None:
    with duckdb.connect() as connection:
        asked = require_select("SELECT * FROM PAIR, Cell c", connection, ["pair", "cell"])
    assert sorted(asked) == ["cell", "pair"]
