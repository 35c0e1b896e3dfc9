"""Texts of SQL made at random give SQLite's rows, or an error that has a name.

``SYNPHYS_FUZZ_SECONDS`` says how long to try (default 4), ``SYNPHYS_FUZZ_SEED`` where to begin.
What is found gets a test of its own in tests/backends.
"""

from __future__ import annotations

import os
import random
import sqlite3
import time
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

import synphys_frames as sf
from synphys_frames.backends.expression_rules import FUNCTIONS, TYPES

if TYPE_CHECKING:
    from pathlib import Path

SECONDS = float(os.environ.get("SYNPHYS_FUZZ_SECONDS", "4"))
SEED = int(os.environ.get("SYNPHYS_FUZZ_SEED", "0"))
# Of a loaded machine; alone, no text takes a tenth of it.
PATIENCE = 30.0
pytestmark = pytest.mark.filterwarnings("ignore::synphys_frames.errors.UnitWarning")
SECRET = "the secret of another file"

NUMBERS = ("id", "experiment_id", "depth", "0", "1", "7", "-3", "2.5", "1e-4", "5.8e-05")
WHOLE = ("id", "experiment_id", "electrode_id", "5", "-7")
TEXTS = ("cre_type", "target_layer", "'sst'", "'pvalb'", "'2/3'", "''", "'é'")
PATTERNS = ("'%a%'", "'s_t'", "'PV%'", "'%'", "''", "'_%'", "'%b%l%'", "'2/3'")
COMPARED = ("=", "==", "<>", "!=", "<", "<=", ">", ">=", "IS DISTINCT FROM", "IS NOT DISTINCT FROM")

HOSTILE = (
    *("read_text('{secret}')", "(SELECT content FROM read_text('{secret}'))", "'{secret}'"),
    *("COPY (SELECT 1) TO '{folder}/out.csv'", "EXPORT DATABASE '{folder}/out'", "getenv('HOME')"),
    "json_serialize_plan('SELECT * FROM read_csv(''{secret}'')')",
    *("ATTACH '{folder}/other.db'", "INSTALL httpfs", "'127.0.0.1'::INET", "sleep_ms(100000)"),
    *("range(1000000000)", "repeat('a', 1000000000)", "regexp_matches(cre_type, '(a+)+b')"),
    *(
        "\0",
        "\ud800",
        "/*",
        "*/",
        "--",
        "\n",
        ";",
        "'",
        '"',
        "$$",
        "E'\\x00'",
        "X'41'",
        "1_000",
        "?",
    ),
    *("$a", "#1", "*", "COLUMNS(*)", "[1]", "{'a': 1}", "(SELECT", "EXISTS (FROM cell)", ")", "("),
    *("1e309", "9223372036854775807", "-9223372036854775808", "1" * 60, "0x10", "NULL", "TRUE"),
    *("DATE 'infinity'", "DATE '5000000-01-01'", "TIME '24:00:00'", "INTERVAL 9999999 YEAR"),
    *(
        "COLLATE nocase",
        "COLLATE de",
        "::DECIMAL(38, 38)",
        "::VARCHAR[]",
        "::MY_TYPE",
        "main.",
        ".",
    ),
    *("OVER ()", "FILTER (TRUE)", "UNION SELECT 1", "LIMIT 1", "USING SAMPLE 10", "EXPORT_STATE"),
    *("FROM cell", "GROUP BY CUBE (id, depth)", "WITH a AS (FROM a)", "current_date", "rowid"),
    *("AND", "NOT", "CASE", "WHEN", "END", "BETWEEN", "IN", "LIKE", "ESCAPE '%'", ",", "::", "x'"),
)
REPEATED = (
    *("nullif({}, 1)", "fmod({}, 7)", "({} BETWEEN 0 AND 1)::INT", "CASE {} WHEN 1 THEN 2 END"),
    *("abs({})", "({})", "NOT {}", "-{}", "split_part({}, 'a', 1)", "lower({})", "{} IS NULL"),
    *(
        "coalesce({0}, {0})",
        "({0} + {0})",
        "({0} AND NOT {0})",
        "(SELECT {})",
        "CAST({} AS DOUBLE)",
    ),
    *("{} OR {}", "date_trunc('year', {})", "round({}, 400)", "{} COLLATE nocase", "/*{}*/"),
)


class Texts:
    """Makes texts of SQL; the same ones for the same number."""

    def __init__(self, number: int) -> None:
        self.chance = random.Random(number)

    def number(self, depth: int) -> str:
        """Return a number of a row."""
        pick = self.chance.choice
        if depth <= 0 or self.chance.random() < 0.3:
            return pick(NUMBERS)
        return pick(
            [
                lambda: f"({self.number(depth - 1)} {pick('+-*')} {self.number(depth - 1)})",
                lambda: f"abs({self.number(depth - 1)})",
                lambda: f"-({self.number(depth - 1)})",
                lambda: f"({pick(WHOLE)} % {pick(['2', '3', '-3', '0'])})",
                lambda: f"coalesce({self.number(depth - 1)}, {self.number(depth - 1)})",
                lambda: f"nullif({self.number(depth - 1)}, {self.number(depth - 1)})",
                lambda: (
                    f"CASE WHEN {self.truth(depth - 1)} THEN {self.number(depth - 1)} "
                    f"ELSE {self.number(depth - 1)} END"
                ),
            ]
        )()

    def text(self, depth: int) -> str:
        """Return a text of a row."""
        pick = self.chance.choice
        if depth <= 0 or self.chance.random() < 0.5:
            return pick(TEXTS)
        form = pick(["trim({})", "substr({}, 2)", "substr({}, 1, 2)", "coalesce({}, 'x')", "({})"])
        return form.format(self.text(depth - 1))

    def truth(self, depth: int) -> str:
        """Return what is true, false or unknown of a row."""
        pick = self.chance.choice
        some = [lambda: self.number(depth - 1), lambda: self.text(depth - 1)]
        if depth > 0 and self.chance.random() < 0.5:
            first, second = self.truth(depth - 1), self.truth(depth - 1)
            return pick([f"({first} AND {second})", f"({first} OR {second})", f"(NOT {first})"])
        value = pick(some)
        no = pick(["", "NOT "])
        return pick(
            [
                lambda: f"({value()} {pick(COMPARED)} {value()})",
                lambda: f"({value()} {no}BETWEEN {value()} AND {value()})",
                lambda: f"({value()} {no}IN ({value()}, {pick([value(), 'NULL'])}))",
                lambda: f"({value()} IS {no}NULL)",
                lambda: f"({self.text(depth - 1)} {no}LIKE {pick(PATTERNS)})",
            ]
        )()

    def hostile(self) -> str:
        """Return something with pieces that do harm, or do not fit."""
        pick = self.chance.choice
        functions = [name for names in FUNCTIONS.values() for name in names]
        words = self.truth(2).split(" ")
        for _ in range(self.chance.randrange(1, 5)):
            piece = pick(
                [
                    pick(HOSTILE),
                    f"{pick(functions)}({', '.join(pick([*NUMBERS, *TEXTS]) for _ in range(3))})",
                    f"{pick(functions)}({pick(HOSTILE)}, {pick(HOSTILE)})",
                    f"CAST({pick([*NUMBERS, *TEXTS])} AS {pick(TYPES)}) IS NULL",
                ]
            )
            place = self.chance.randrange(len(words))
            words[place : place + self.chance.randrange(2)] = [piece]
        text = " ".join(words)
        if self.chance.random() < 0.2:
            form = pick(REPEATED)
            for _ in range(pick([5, 15, 40, 90])):
                if len(text) > 50_000:
                    break
                text = form.format(text, text)
        return text


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return sf.build_sample(tmp_path_factory.mktemp("release") / "release.sqlite", scale=1 / 10)


def test_plain_expressions_give_the_rows_of_sqlite(path: Path) -> None:
    number = SEED
    rows = 0
    with sf.load_sqlite(path) as db, closing(sqlite3.connect(path)) as connection:
        # SQLite's own LIKE takes no notice of case, which DuckDB's does.
        connection.execute("PRAGMA case_sensitive_like = ON")
        end = time.monotonic() + SECONDS / 2
        while time.monotonic() < end:
            number += 1
            text = Texts(number).truth(3)
            asked = f"SELECT id FROM cell WHERE {text} ORDER BY id"
            expected = [row[0] for row in connection.execute(asked)]
            assert db.table("cell", where=text).id.tolist() == expected, f"seed {number}: {text}"
            own = db.sql(asked, untrusted=True)
            assert own.id.tolist() == expected, f"seed {number}: {text}"
            rows += len(expected)
    assert rows > 0


def test_hostile_texts_reach_nothing(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "working"
    folder.mkdir()
    monkeypatch.chdir(folder)
    secret = tmp_path / "secret.csv"
    secret.write_text(SECRET)
    sf.config.query_timeout = PATIENCE
    number, refused = SEED, 0
    with sf.load_sqlite(path) as db:
        doors = (
            lambda text: db.table("cell", where=text),
            lambda text: db.pairs(pre_class=sf.CellClass(text)),
            lambda text: db.sql(f"SELECT id FROM cell WHERE {text}", untrusted=True),
            lambda text: db.sql(f"SELECT {text} FROM cell", untrusted=True),
        )
        end = time.monotonic() + SECONDS / 2
        while time.monotonic() < end:
            number += 1
            made = Texts(number).hostile()
            text = made.replace("{secret}", str(secret)).replace("{folder}", str(folder))
            began = time.monotonic()
            try:
                result = doors[number % len(doors)](text)
                said = str(result.to_dict())
            except sf.errors.SynphysError as error:
                said = str(error)
                refused += 1
            except BaseException as error:
                raise AssertionError(f"seed {number}: {text!r}: {error!r}") from error
            assert time.monotonic() - began < PATIENCE, f"seed {number}: {text!r}"
            assert SECRET not in said, f"seed {number}: {text!r}"
            assert not list(folder.iterdir()), f"seed {number}: {text!r}"
    assert refused > 0
    assert secret.read_text() == SECRET
