"""Every filter of the list: the same by mask, by SQL and in plain Python; none lacks a part."""

from __future__ import annotations

import inspect
import math
import re
import tempfile
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import synphys_frames as sf
from synphys_frames.database.database import release_of
from synphys_frames.errors import (
    ArgumentError,
    JoinError,
    UnknownColumnError,
    UnknownValueError,
)
from synphys_frames.query import filters as filters_module
from synphys_frames.query.conditions import PairConditions
from synphys_frames.query.filter_base import ColumnFilter, Filter, Option
from synphys_frames.query.filter_kinds import Flag, Limits, OneOf
from synphys_frames.query.filters import FILTERS, PairArguments, require_whole
from synphys_frames.query.pair_sql import PairSql
from tests.support.release_builder import build

if TYPE_CHECKING:
    from collections.abc import Callable

    Row = dict[str, Any]

HAS_SYNAPSE = {"alias": "pair", "column": "has_synapse"}
PROJECTS = ("mouse V1 coarse matrix", "mouse V1 pre-production", "human coarse matrix", "other")
README = Path(__file__).parents[2] / "README.md"


class Case(NamedTuple):
    """Arguments of a filter, and whether a pair passes: `pair` has the row of each table, or {}."""

    arguments: st.SearchStrategy[Any]
    passes: Callable[[dict[str, Row], Any], bool]


def among(value: object, argument: str | list[str]) -> bool:
    return value is not None and value in ([argument] if isinstance(argument, str) else argument)


def within(value: float | None, limits: tuple[float | None, float | None]) -> bool:
    least, most = limits
    if least is most is None:
        return True
    above, below = (-math.inf if least is None else least), (math.inf if most is None else most)
    return value is not None and above <= value <= below


def probed(pair: dict[str, Row]) -> bool:
    ex, inh = ((pair["pair"][f"n_{kind}_test_spikes"] or 0) > 10 for kind in ("ex", "in"))
    return {"ex": ex, "in": inh}.get(pair["pre_cell"]["cell_class"], ex and inh)


def texts(*values: str) -> st.SearchStrategy[Any]:
    return st.one_of(st.sampled_from(values), st.lists(st.sampled_from(values)))


def limits(*values: float) -> st.SearchStrategy[Any]:
    ends = st.one_of(st.none(), st.sampled_from(values))
    return st.tuples(ends, ends).filter(lambda pair: None in pair or pair[0] <= pair[1])


CLASSES: list[tuple[Any, Callable[[Row, Row], bool]]] = [
    ({"cre_type": "sst"}, lambda cell, _: cell["cre_type"] == "sst"),
    (~sf.CellClass(cre_type="sst"), lambda cell, _: cell["cre_type"] not in ("sst", None)),
    (
        sf.CellClass("cre_type IS NULL", dendrite_type=("spiny", "aspiny")),
        lambda cell, form: cell["cre_type"] is None and form.get("dendrite_type") is not None,
    ),
    (sf.CellClass(), lambda *_: True),
]
EXPRESSIONS: dict[str, Callable[[dict[str, Row]], bool]] = {
    "synapse.latency < 2e-3": lambda pair: (pair["synapse"].get("latency") or 1) < 2e-3,
    "distance IS NULL": lambda pair: pair["pair"]["distance"] is None,
    "pre_morphology.dendrite_type = 'spiny' OR slice.age > 50": lambda pair: (
        pair["pre_morphology"].get("dendrite_type") == "spiny"
        or (pair["slice"].get("age") or 0) > 50
    ),
}


def of_class(side: str) -> Case:
    def passes(pair: dict[str, Row], number: int) -> bool:
        return CLASSES[number][1](pair[f"{side}_cell"], pair[f"{side}_morphology"])

    return Case(st.sampled_from(range(len(CLASSES))), passes)


TRUTH = st.booleans()
# A filter that is not here fails the first test.
CASES: dict[str, Case] = {
    "pre_class": of_class("pre"),
    "post_class": of_class("post"),
    "synapse": Case(TRUTH, lambda pair, value: pair["pair"]["has_synapse"] == value),
    "synapse_type": Case(
        st.sampled_from(["ex", "in", "mixed"]),
        lambda pair, value: pair["synapse"].get("synapse_type") == value,
    ),
    "synapse_probed": Case(TRUTH, lambda pair, value: probed(pair) == value),
    "electrical": Case(TRUTH, lambda pair, value: pair["pair"]["has_electrical"] == value),
    "experiment_type": Case(
        st.sampled_from(["standard multipatch", "standard_multipatch"]),
        lambda pair, _: pair["experiment"]["project_name"] in PROJECTS[:3],
    ),
    "project_name": Case(
        texts(*PROJECTS), lambda pair, value: among(pair["experiment"]["project_name"], value)
    ),
    "acsf": Case(texts("one", "two"), lambda pair, value: among(pair["experiment"]["acsf"], value)),
    "age": Case(limits(10, 50, 60), lambda pair, value: within(pair["slice"].get("age"), value)),
    "species": Case(
        texts("mouse", "human", "mole"),
        lambda pair, value: among(pair["slice"].get("species"), value),
    ),
    "distance": Case(
        limits(0, 5e-5, 1e-4), lambda pair, value: within(pair["pair"]["distance"], value)
    ),
    "internal": Case(
        texts("one", "two"), lambda pair, value: among(pair["experiment"]["internal"], value)
    ),
    "where": Case(
        st.sampled_from(sorted(EXPRESSIONS)), lambda pair, value: EXPRESSIONS[value](pair)
    ),
}


def given_to_library(name: str, argument: Any) -> Any:
    return CLASSES[argument][0] if name.endswith("_class") else argument


def test_every_filter_is_tried() -> None:
    assert set(CASES) == {one.name for one in FILTERS}


def some(*values: Any) -> st.SearchStrategy[Any]:
    return st.sampled_from([None, *values])


def rows_of(ids: st.SearchStrategy[int], most: int, **columns: Any) -> st.SearchStrategy[list[Row]]:
    """Rows with distinct ids, in any order and with gaps."""
    row = st.fixed_dictionaries({"id": ids, **columns})
    return st.lists(row, max_size=most, unique_by=lambda one: one["id"])


def rows_with(ids: list[int], **columns: Any) -> st.SearchStrategy[list[Row]]:
    """A row for each of these ids."""
    rows = [st.fixed_dictionaries({"id": st.just(one), **columns}) for one in ids]
    return st.tuples(*rows).map(list)


def keys(ids: list[int]) -> st.SearchStrategy[int | None]:
    """Most lead to a row."""
    return st.sampled_from([*ids, *ids, *ids, 1000, None])


SLICES, EXPERIMENTS, CELLS = [3, 5], [10, 12, 13, 40], [1, 2, 4, 90]


@st.composite
def releases(draw: st.DrawFn) -> dict[str, list[Row]]:
    solution, count = some("one", "two"), some(0, 10, 11, 500)
    rows: dict[str, list[Row]] = {
        "slice": draw(rows_with(SLICES, species=some("mouse", "human"), age=some(10, 50, 60))),
        "experiment": draw(
            rows_with(EXPERIMENTS, slice_id=keys(SLICES), acsf=solution, internal=solution)
        ),
        "cell": draw(
            rows_with(CELLS, cell_class=some("ex", "in", "mixed"), cre_type=some("sst", "vip"))
        ),
        "pair": draw(
            rows_of(
                st.integers(1, 60), 12, experiment_id=keys(EXPERIMENTS), pre_cell_id=keys(CELLS),
                post_cell_id=keys(CELLS), has_synapse=some(0, 1), has_electrical=some(0, 1),
                n_ex_test_spikes=count, n_in_test_spikes=count,
                distance=some(0.0, 5e-5, 1e-4, 2e-4),
            )
        ),
    }  # fmt: skip
    # A release has all that can be asked for; who asks for another is refused.
    for experiment, project in zip(rows["experiment"], PROJECTS, strict=True):
        experiment["project_name"] = project
    for table, parent, columns in (
        ("morphology", "cell", {"dendrite_type": some("spiny", "aspiny")}),
        ("synapse", "pair", {"synapse_type": some("ex", "in"), "latency": some(1e-3, 3e-3)}),
    ):
        chosen = draw(st.sets(st.sampled_from([one["id"] for one in rows[parent]] or [1])))
        rows[table] = [
            {"id": number, f"{parent}_id": key, **draw(st.fixed_dictionaries(columns))}
            for number, key in enumerate(chosen, 7)
        ]
    return {table: some_rows for table, some_rows in rows.items() if some_rows}


def joined(rows: dict[str, list[Row]]) -> list[dict[str, Row]]:
    """The pairs that have both cells and an experiment, in order, with what stands beside them."""

    def row(table: str, key: Any, column: str = "id") -> Row:
        matching = [one for one in rows.get(table, []) if key is not None and one[column] == key]
        return matching[0] if matching else {}

    pairs = []
    for pair in sorted(rows.get("pair", []), key=lambda one: one["id"]):
        beside = {"pair": pair, "experiment": row("experiment", pair["experiment_id"])}
        beside["slice"] = row("slice", beside["experiment"].get("slice_id"))
        beside["synapse"] = row("synapse", pair["id"], "pair_id")
        for side in ("pre", "post"):
            beside[f"{side}_cell"] = row("cell", pair[f"{side}_cell_id"])
            beside[f"{side}_morphology"] = row("morphology", pair[f"{side}_cell_id"], "cell_id")
        if all(beside[name] for name in ("pre_cell", "post_cell", "experiment")):
            pairs.append(beside)
    return pairs


def require_named_columns(store: Any, one: Filter, argument: Any) -> None:
    """What decides is told by the columns that a filter names: its SQL goes by no others."""
    conditions = PairConditions.from_arguments(**{one.name: argument})
    if isinstance(one, ColumnFilter) and conditions.arguments:
        sql = PairSql(store)
        one.condition(sql, conditions.arguments[one.name])
        tables = {store.aliases("pair")[name].table for name in sql.joined}
        assert tables <= conditions.tables(store), one.name
        assert {name for name, _ in one.columns} <= {"pair", *sql.joined}, one.name


def is_unknown(rows: dict[str, list[Row]], name: str, argument: Any) -> bool:
    """Whether a filter by texts asks for one that no row has."""
    [pair_filter] = (one for one in FILTERS if one.name == name)
    if type(pair_filter) is not OneOf:
        return False
    stored = {row.get(pair_filter.column) for row in rows.get(pair_filter.alias, [])}
    return not {argument} <= stored if isinstance(argument, str) else not set(argument) <= stored


@pytest.mark.filterwarnings("ignore::synphys_frames.errors.UnknownValueWarning")
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    rows=releases(),
    arguments=st.fixed_dictionaries({name: case.arguments for name, case in CASES.items()}),
)
def test_every_filter_is_the_same_by_mask_by_sql_and_in_plain_python(
    rows: dict[str, list[Row]], arguments: dict[str, Any]
) -> None:
    pairs = joined(rows)
    passing = {
        name: [one["pair"]["id"] for one in pairs if CASES[name].passes(one, argument)]
        for name, argument in arguments.items()
    }
    library = {name: given_to_library(name, value) for name, value in arguments.items()}
    refused = {name for name in library if is_unknown(rows, name, library[name])}
    with tempfile.TemporaryDirectory() as folder:
        path = build(Path(folder) / "random.sqlite", rows)
        with sf.load_sqlite(path) as db:
            for one in FILTERS:
                require_named_columns(release_of(db).store, one, library[one.name])
            for budget in (None, 0):
                sf.config.memory_budget = budget
                for name, argument in library.items():
                    if name in refused:
                        with pytest.raises(UnknownValueError, match="in this release"):
                            db.pairs(**{name: argument})
                        continue
                    ids = db.pairs(**{name: argument})["pair.id"].tolist()
                    assert ids == passing[name], (name, argument, f"budget {budget}")
                together = {
                    key: one
                    for key, one in library.items()
                    if key not in refused | {"experiment_type"}
                }
                ids = db.pairs(**together)["pair.id"].tolist()
                assert ids == sorted(set.intersection(*(set(passing[name]) for name in together)))
        sf.config.memory_budget = None


WORDS = {"name": "added", "keeps": "that pass"}


@pytest.mark.parametrize(
    ("one", "argument", "expected"),
    [
        # Over tables that no filter of the list looks at, and over those on the way to them.
        (
            Limits(alias="resting_state_fit", column="ic_amp", unit="volts", **WORDS),
            (0, None),
            [5],
        ),
        (Limits(alias="pre_intrinsic", column="tau", unit="s", **WORDS), (None, 0.02), [2]),
        (Flag(alias="pre_morphology", column="pyramidal", **WORDS), True, [2]),
        (Flag(alias="pre_morphology", column="pyramidal", **WORDS), False, [1, 3]),
        (OneOf(alias="post_cortical_cell_location", column="cortical_layer", **WORDS), "5", [1, 4]),
        (OneOf(alias="poly_synapse", column="synapse_type", **WORDS), ["ex"], [6]),
    ],
    ids=lambda value: getattr(value, "column", str(value)),
)
def test_a_filter_can_look_at_any_table_beside_pair(
    tiny: sf.SynphysDatabase, one: ColumnFilter, argument: Any, expected: list[int]
) -> None:
    value = one.normalise(argument)
    one.require(release_of(tiny).store, value)
    assert tiny.pair.loc[one.mask(release_of(tiny).store, value), "id"].tolist() == expected
    sql = PairSql(release_of(tiny).store)
    sql.require(one.condition(sql, value))
    assert sql.passing_ids().tolist() == expected


def test_a_filter_over_what_a_release_lacks_is_refused(tiny: sf.SynphysDatabase) -> None:
    for lacking, error in (
        (Flag(alias="synapse", column="is_odd", **WORDS), UnknownColumnError),
        (Flag(alias="metadata", column="id", **WORDS), JoinError),
    ):
        with pytest.raises(error):
            lacking.require(release_of(tiny).store, True)


def required(one: Filter) -> list[str]:
    defaults = inspect.signature(type(one)).parameters
    return [part.name for part in fields(one) if defaults[part.name].default is inspect._empty]


@pytest.mark.parametrize(
    ("one", "part"),
    [(one, part) for one in FILTERS for part in required(one)],
    ids=lambda value: getattr(value, "name", value),
)
def test_a_filter_that_lacks_a_part_can_not_be_made(one: Filter, part: str) -> None:
    parts = {field.name: getattr(one, field.name) for field in fields(one)}
    assert type(one)(**parts).name == one.name
    with pytest.raises(TypeError, match=part):
        type(one)(**{name: value for name, value in parts.items() if name != part})


@pytest.mark.parametrize(
    "part", ["takes", "option", "normalise", "columns", "mask", "condition", None]
)
def test_a_kind_that_lacks_a_part_can_not_be_made(part: str | None) -> None:
    names = ("takes", "option", "normalise", "columns", "mask", "condition")
    members = {name: inspect.getattr_static(Flag, name) for name in names if name != part}
    kind = type("Kind", (ColumnFilter,), members)
    if part is None:
        assert kind(name="flagged", keeps="with a flag").takes == "`True` or `False`"
        return
    with pytest.raises(TypeError, match=part):
        kind(name="flagged", keeps="with a flag")


@pytest.mark.parametrize("parts", [{"keeps": ""}, {"name": ""}, {"name": "no name"}])
def test_a_filter_needs_words(parts: dict[str, str]) -> None:
    with pytest.raises(TypeError, match="needs a name, and words"):
        Flag(**({"name": "flagged", **HAS_SYNAPSE, "keeps": "with a flag"} | parts))


@pytest.mark.parametrize(
    ("filters", "arguments", "message"),
    [
        (FILTERS[1:], [*PairArguments.__annotations__], "'pre_class'"),
        (FILTERS, [*PairArguments.__annotations__][:-1], "'where'"),
        (FILTERS[::-1], [*PairArguments.__annotations__], "order"),
        ([FILTERS[0], FILTERS[0]], ["pre_class", "pre_class"], "once each"),
    ],
)
def test_list_and_typed_arguments_name_the_same(
    filters: list[Filter], arguments: list[str], message: str
) -> None:
    with pytest.raises(TypeError, match=message):
        require_whole(filters, arguments)


@pytest.mark.parametrize("line", ["    species: str | Sequence[str] | None\n", None])
def test_a_list_without_a_typed_argument_can_not_be_imported(line: str | None) -> None:
    source = Path(str(filters_module.__file__)).read_text()
    names = {"__name__": filters_module.__name__, "__package__": filters_module.__package__}
    if line is None:
        exec(compile(source, "filters.py", "exec"), dict(names))
        return
    assert source.count(line) == 1
    with pytest.raises(TypeError, match="they differ in \\['species'\\]"):
        exec(compile(source.replace(line, ""), "filters.py", "exec"), dict(names))


def test_two_filters_can_not_have_one_option() -> None:
    class SameOption(Flag):
        @property
        def option(self) -> Option:
            return FILTERS[0].option

    same = SameOption(name="other", **HAS_SYNAPSE, keeps="with a synapse")
    with pytest.raises(TypeError, match="same option"):
        require_whole([FILTERS[0], same], ["pre_class", "other"])


PAIRS = {
    "db.pairs": sf.SynphysDatabase.pairs,
    "frame.synphys.pairs": pd.DataFrame.synphys.pairs,  # type: ignore[attr-defined]
}


@pytest.mark.parametrize("method", PAIRS.values(), ids=PAIRS.keys())
def test_help_shows_every_filter(method: Any) -> None:
    parameters = inspect.signature(method).parameters
    assert list(parameters)[: len(FILTERS) + 1] == ["self", *(one.name for one in FILTERS)]
    assert {"include", "dtype_backend"} < parameters.keys()
    assert "filters" not in parameters
    for one in FILTERS:
        assert parameters[one.name].default is None
        assert parameters[one.name].kind is inspect.Parameter.KEYWORD_ONLY
        assert str(parameters[one.name].annotation).endswith("| None")
    told = " ".join(method.__doc__.split())
    for one in FILTERS:
        assert f"{one.name} Takes {one.takes}. Keeps the pairs {one.keeps}." in told
    assert 'groups "experiment" (experiment, slice), "cell" (cell, morphology,' in told
    assert "ExpressionError" in told
    assert "{" not in told
    assert re.search(r"\bSee `|As for", told) is None
    assert max(map(len, method.__doc__.splitlines())) <= 100


def test_the_readme_shows_every_filter() -> None:
    section = README.read_text().partition("\n## Pairs\n")[2].partition("\n## ")[0]
    table = re.findall(r"^\| `(\w+)` \| (.+) \| (.+) \|$", section, re.MULTILINE)
    assert table[:-1] == [(one.name, one.takes, one.keeps) for one in FILTERS]
    assert table[-1][0] == "include"


@pytest.mark.parametrize("verb", ["database", "accessor"])
def test_what_is_no_filter_is_refused(tiny: sf.SynphysDatabase, verb: str) -> None:
    pairs = tiny.pairs if verb == "database" else tiny.cell.synphys.pairs
    for wrong, message in (
        ({"synaps": True}, "no filter synaps. Did you mean 'synapse'"),
        ({"includes": "cell"}, "no filter includes. Did you mean 'include'"),
    ):
        with pytest.raises(ArgumentError, match=message):
            pairs(**wrong)
