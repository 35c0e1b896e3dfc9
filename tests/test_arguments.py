"""A wrong value of any argument is refused by the argument's name, never by Python or a library."""

from __future__ import annotations

import datetime as dt
import decimal
import fractions
import os
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest

import synphys_frames as sf
from synphys_frames._arguments import RULES, checked
from synphys_frames.errors import ArgumentError, SynphysError, shown

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

CLASSES = {"ex": sf.CellClass(cell_class="ex"), "in": sf.CellClass(cell_class="in")}
WRONG: list[Any] = [
    None, True, False, 0, -1, 7, 10**30, 1.5, float("nan"), float("inf"), -float("inf"), 1j,
    decimal.Decimal("1.5"), fractions.Fraction(1, 3), "", "x", "a\0b", "\ud800", "x" * 100_000,
    "1e-4", b"x", bytearray(b"x"), [], [None], [1], ["x"], [[1]], (), (1,), (None, None),
    ("a", "b"), {1}, {}, {"a": 1}, {1: 2}, np.array(3), np.array([1.0, 2.0]), np.zeros((2, 2)),
    np.array([object()]), np.datetime64("2020"), pd.Series([1, 2]), pd.Series(["a"]),
    pd.Index([1]), pd.DataFrame({"a": [1]}), pd.DataFrame(), pd.NA, pd.NaT,
    pd.Timestamp("2020"), dt.date(2020, 1, 1), lambda x: x, int, object, range(3), ...,
    slice(None), pd.Categorical(["a"]), CLASSES["ex"],
]  # fmt: skip

MOST_CHARACTERS = 5_000
Call = tuple["Callable[..., Any]", dict[str, Any]]


def calls(db: sf.SynphysDatabase) -> dict[str, Call]:
    pairs = db.pairs(species="mouse", include=["cell", "synapse"])
    fit = sf.fit_distance(pairs)
    verbs = pairs.synphys
    arrays = {"distance": np.linspace(0, 1e-4, 40), "connected": np.arange(40) % 2 == 0}
    counting = {"classes": CLASSES, "post_classes": CLASSES, "db": db}
    return {
        "connectivity": (sf.connectivity, {
            "pairs": pairs, **counting, "kind": "chemical", "distance": "distance",
            "sigma": 1e-4, "alpha": 0.05, "probed": "nonsynaptic",
        }),
        "profile": (verbs.connectivity_profile, {"bins": [0, 1e-4], **counting, "alpha": 0.1}),
        "tally": (sf.tally, {"pairs": pairs, "bins": None, **counting}),
        "summarise": (sf.summarise, {"tally": sf.tally(pairs, CLASSES), "alpha": 0.05}),
        "fit_distance": (verbs.fit_distance, {
            "model": "gaussian", "distance": "distance", "fixed_size": None, "fixed_max": None,
        }),
        "fit_probability": (sf.fit_probability, {**arrays, "model": "gaussian"}),
        "predict": (fit.predict, {"distance": 1e-4}),
        "classify": (verbs.classify, {"classes": CLASSES, "overlap": "first", "db": db}),
        "matrix": (verbs.matrix, {
            "column": "synapse.latency", **counting, "aggfunc": "median", "min_count": 1,
            "counts": False,
        }),
        "compare": (verbs.compare, {"column": "synapse.latency", **counting, "min_count": 1}),
        "related": (db.cell.synphys.related, {
            "table": "pair", "via": None, "dtype_backend": None, "db": db,
        }),
        "join": (lambda tables, **others: db.cell.synphys.join(tables, **others), {
            "tables": "experiment", "via": None, "dtype_backend": None, "db": db,
        }),
        "to_units": (lambda units: verbs.to_units(units), {"units": "ms"}),
        "pairs": (db.pairs, dict.fromkeys((
            "pre_class", "post_class", "synapse", "synapse_type", "synapse_probed", "electrical",
            "experiment_type", "project_name", "acsf", "age", "species", "distance", "internal",
            "where", "dtype_backend",
        )) | {"include": ()}),
        "table": (db.table, {
            "name": "cell", "columns": None, "where": None, "limit": None, "native": False,
            "dtype_backend": None,
        }),
        "sql": (db.sql, {"query": "SELECT 1", "params": None, "dtype_backend": None}),
        "relation": (db.relation, {"name": "cell"}),
        "getitem": (db.__getitem__, {"name": "cell"}),
        "diff": (db.diff, {"other": db}),
        "compare_releases": (sf.compare, {"a": db, "b": db}),
        "load_sqlite": (sf.load_sqlite, {"path": db.path, "errors": "raise"}),
        "show_versions": (sf.show_versions, {"as_dict": True}),
        "CellClass": (sf.CellClass, {"name": None, "cre_type": "sst", "depth": 1e-5}),
        "expression": (lambda text: sf.CellClass(text), {"text": "depth > 1e-5"}),
    }  # fmt: skip


NAMES = (
    *(
        "connectivity",
        "profile",
        "tally",
        "summarise",
        "fit_distance",
        "fit_probability",
        "predict",
    ),
    *("classify", "matrix", "compare", "related", "join", "to_units", "pairs", "table", "sql"),
    *("relation", "getitem", "diff", "compare_releases", "load_sqlite", "show_versions"),
    *("CellClass", "expression"),
)


def raw_errors(of: Call, values: list[Any]) -> list[tuple[str, str, str]]:
    """Return each value of a parameter that ends in another error, or in too long a message."""
    call, arguments = of
    raw = []
    for parameter in arguments:
        for value in values:
            try:
                call(**arguments | {parameter: value})
            except SynphysError as error:
                if len(str(error)) > MOST_CHARACTERS:
                    raw.append((parameter, shown(value, most=40), "a long message"))
            except Exception as error:  # noqa: BLE001 - whatever it is, it is the finding
                raw.append((parameter, shown(value, most=40), repr(error)[:80]))
    return raw


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.filterwarnings("ignore")
def test_no_wrong_value_ends_in_an_error_of_python(db: sf.SynphysDatabase, name: str) -> None:
    assert raw_errors(calls(db)[name], WRONG) == []


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("alpha", None, r"alpha takes a number between 0 and 1, such as 0\.05; got None"),
        ("alpha", 5, "alpha takes"),
        ("sigma", "100um", "sigma takes metres, above 0, or None; got '100um'"),
        ("pairs", "db", "pairs takes a DataFrame, such as"),
        ("kind", ["chemical"], "kind takes a text"),
        ("distance", "has_synapse", "takes a column with metres: 'distance', 'lateral_distance'"),
        ("distance", "id", "takes a column with metres"),
        ("classes", "pre_cell.depth", "1,000 can be told apart"),
    ],
)
def test_the_message_says_what_the_argument_takes(
    db: sf.SynphysDatabase, name: str, value: Any, message: str
) -> None:
    pairs = db.pairs(include="cell")
    if name == "classes":
        pairs["pre_cell.depth"] = np.arange(len(pairs)) * 1e-9
        pairs["post_cell.depth"] = pairs["pre_cell.depth"]
    arguments: dict[str, Any] = {"pairs": pairs, "classes": CLASSES, name: value}
    with pytest.raises(ArgumentError, match=message):
        sf.connectivity(**arguments)


def test_a_database_in_the_place_of_a_frame_is_refused(db: sf.SynphysDatabase) -> None:
    for verb in (sf.connectivity, sf.tally, sf.fit_distance):
        with pytest.raises(ArgumentError, match=r"pairs takes a .*; got <SynphysDatabase"):
            verb(db, CLASSES)  # type: ignore[operator]


def test_sql_takes_parameters_in_a_list(db: sf.SynphysDatabase) -> None:
    with pytest.raises(ArgumentError, match=r"params takes a list or tuple .*; got 1"):
        db.sql("SELECT 1", 1)  # type: ignore[arg-type]


class Raising:
    """An object of somebody's, of which every use raises."""

    def __init__(self, method: str) -> None:
        self.method = method

    def __repr__(self) -> str:
        return self.use("repr")

    def __eq__(self, other: object) -> bool:
        return bool(self.use("eq"))

    __hash__ = object.__hash__

    def __iter__(self) -> Any:
        return iter(self.use("iter"))

    def __fspath__(self) -> str:
        return self.use("fspath")

    def use(self, method: str) -> str:
        if method == self.method:
            raise RuntimeError(method)
        return "x"


def openers(db: sf.SynphysDatabase, folder: Path) -> dict[str, Call]:
    """What opens, fetches and writes, each with one right value of every parameter."""
    path, more = str(folder / "x.sqlite"), {"cache_path": str(folder), "progress": False}
    fetching = more | {"storage_options": {}, "force": False, "offline": True, "verify": False}
    return {
        "build_sample": (
            sf.build_sample,
            {"path": path, "scale": 1 / 600, "size": "small", "seed": 0},
        ),
        "load_sample": (sf.load_sample, {"cache_path": str(folder)}),
        "load_sqlite": (
            sf.load_sqlite,
            {"path": path, "errors": "raise", "cache_path": str(folder)},
        ),
        "load_parquet": (sf.load_parquet, {"folder": str(folder)}),
        "load_version": (sf.load_version, {"name": "x", "errors": "raise"} | fetching),
        "fetch_version": (sf.fetch_version, {"name": "x"} | fetching),
        "load_current": (sf.load_current, {"size": "small", "errors": "raise"} | more),
        "list_versions": (sf.list_versions, {"only_supported": False, "cache_path": str(folder)}),
        "list_current_versions": (sf.list_current_versions, {"cache_path": str(folder)}),
        "compare": (sf.compare, {"a": db, "b": db}),
        "SynphysDatabase": (sf.SynphysDatabase, {"path": path, "errors": "raise"}),
        "to_parquet": (db.to_parquet, {"folder": path, "tables": ["pair"], "progress": False}),
        "diff": (db.diff, {"other": db}),
        "relation": (db.relation, {"name": "pair"}),
        "check_published": (db.check_published, {"release": None}),
        "sql": (db.sql, {"query": "SELECT 1", "params": [], "untrusted": False}),
        "CellClass": (sf.CellClass, {"name": "x", "cre_type": "pvalb"}),
    }


OPENERS = (
    *("build_sample", "load_sample", "load_sqlite", "load_parquet", "load_version"),
    *("fetch_version", "load_current", "list_versions", "list_current_versions", "compare"),
    *("SynphysDatabase", "to_parquet", "diff", "relation", "check_published", "sql", "CellClass"),
)


@pytest.mark.parametrize("name", OPENERS)
def test_no_wrong_value_of_what_opens_and_writes_ends_in_an_error_of_python(
    db: sf.SynphysDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    sf.config.timeout = 0.2
    sf.config.patience = 0.2
    os.mkfifo(tmp_path / "fifo")
    deep: list[Any] = []
    deep.append(deep)
    more = [10**400, deep, tmp_path / "fifo", "/dev/zero", "http://127.0.0.1:9/x", iter([])]
    raising = [Raising(method) for method in ("repr", "eq", "iter", "fspath")]
    assert raw_errors(openers(db, tmp_path / "place")[name], [*WRONG, *more, *raising]) == []


def test_rules_are_for_the_parameters_of_a_function_only() -> None:
    @checked()
    def verb(alpha: float = 2.0, other: Any = None) -> tuple[float, Any]:
        return alpha, other

    assert verb() == (2.0, None)
    assert verb(0.5, "anything") == (0.5, "anything")
    with pytest.raises(ArgumentError, match="alpha takes"):
        verb(alpha=3)
    with pytest.raises(ArgumentError, match="alpha takes"):
        verb(3)
    with pytest.raises(TypeError, match="nothing"):
        verb(nothing=1)  # type: ignore[call-arg]


@pytest.mark.parametrize("name", RULES)
def test_every_rule_refuses_something_and_says_what_it_takes(name: str) -> None:
    rule = RULES[name]
    assert not all(rule.accepts(value) for value in WRONG)
    assert str(rule.refusal(name, 7)).startswith(f"{name} takes {rule.takes}; got ")
