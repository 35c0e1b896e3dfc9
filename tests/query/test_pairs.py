from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings

import synphys_frames as sf
from synphys_frames.errors import (
    ArgumentError,
    ExpressionError,
    JoinError,
    UnknownColumnError,
    UnknownTableError,
    UnknownValueError,
)
from synphys_frames.schema.published import published_schema
from tests.support.queries import EXPRESSIONS, HUMAN, MOUSE, filter_sets
from tests.support.reference import column_sums, conditions, pair_ids
from tests.support.release_builder import TINY, build, change, query

FILTERS: list[tuple[dict[str, Any], list[int]]] = [
    ({}, [1, 2, 3, 4, 5, 6]),
    ({"synapse": True}, [1, 4, 5]),
    ({"synapse": False}, [2, 6]),
    ({"electrical": True}, [3]),
    ({"electrical": False}, [1, 2, 5, 6]),
    # in 11, ex 10 of 10, in 0, unknown 300 and 10, mixed 30 and 30, ex unknown
    ({"synapse_probed": True}, [1, 5]),
    ({"synapse_probed": False}, [2, 3, 4, 6]),
    ({"synapse_type": "in"}, [1]),
    ({"synapse_type": "mixed"}, [5]),
    ({"experiment_type": "standard multipatch"}, [1, 2, 3, 4, 5, 6]),
    ({"experiment_type": "standard_multipatch", "synapse": True}, [1, 4, 5]),
    ({"project_name": MOUSE}, [1, 2, 3, 4]),
    ({"project_name": [MOUSE, HUMAN]}, [1, 2, 3, 4, 5, 6]),
    ({"project_name": []}, []),
    ({"acsf": "2mM Ca & Mg"}, [1, 2, 3, 4]),
    ({"acsf": ("2mM Ca & Mg",)}, [1, 2, 3, 4]),
    ({"internal": "Standard K-Gluc"}, [1, 2, 3, 4]),
    ({"species": "human"}, [5, 6]),
    ({"age": (50, 50)}, [1, 2, 3, 4]),
    ({"age": (51, None)}, []),
    ({"age": (None, None)}, [1, 2, 3, 4, 5, 6]),
    ({"distance": (None, 100e-6)}, [1, 2, 4, 5, 6]),
    ({"distance": (5e-5, 100e-6)}, [1, 2, 5, 6]),
    ({"distance": (0, 0.0)}, [4]),
    ({"pre_class": sf.CellClass(cre_type="pvalb")}, [1, 3]),
    ({"pre_class": {"cre_type": "pvalb"}, "post_class": {"dendrite_type": "spiny"}}, [1]),
    ({"post_class": ~sf.CellClass(cre_type="pvalb")}, [3, 5, 6]),
    ({"where": "synapse.latency < 2e-3 AND slice.age > 40"}, [1]),
    ({"where": "distance IS NULL"}, [3]),
    ({"where": "pair.has_synapse"}, [1, 4, 5]),
    ({"where": "has_synapse = 1 AND pre_cell.cre_type = 'unknown'"}, [4, 5]),
    ({"where": "resting_state_fit.ic_amp > 0"}, [5]),
    ({"where": "POLY_SYNAPSE.synapse_type = 'ex'"}, [6]),
    ({"where": "pre_intrinsic.tau > post_intrinsic.tau"}, []),
    ({"where": "pre_cell.position LIKE '[1.0%' AND synapse.id = 7 OR id = 6"}, [1, 6]),
    ({"where": "1 = 1 -- all"}, [1, 2, 3, 4, 5, 6]),
    ({"where": "experiment.date > TIMESTAMP '2019-01-01'"}, [1, 2, 3, 4]),
]


@pytest.mark.parametrize(("filters", "expected"), FILTERS, ids=str)
def test_filters(tiny: sf.SynphysDatabase, filters: dict[str, Any], expected: list[int]) -> None:
    assert tiny.pairs(**filters)["pair.id"].tolist() == expected


@pytest.mark.parametrize(("filters", "expected"), FILTERS, ids=str)
def test_filters_by_sql(
    tiny: sf.SynphysDatabase, filters: dict[str, Any], expected: list[int]
) -> None:
    sf.config.memory_budget = 0
    assert tiny.pairs(**filters)["pair.id"].tolist() == expected


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(filters=filter_sets)
def test_any_filters_agree_with_sqlite(db: sf.SynphysDatabase, filters: dict[str, Any]) -> None:
    where, values = conditions(**filters)
    arguments = dict(filters)
    classes = {
        "pre_class": sf.CellClass(**arguments.pop("pre")),
        "post_class": sf.CellClass(**arguments.pop("post")),
    }
    found = db.pairs(**classes, **arguments)
    assert found["pair.id"].tolist() == pair_ids(db.path, where, values)


@pytest.mark.parametrize("where", EXPRESSIONS)
def test_where_agrees_with_sqlite(db: sf.SynphysDatabase, where: str) -> None:
    expected = pair_ids(db.path, where)
    assert expected
    assert db.pairs(where=where)["pair.id"].tolist() == expected


def expected_columns(*groups: str) -> list[str]:
    """The names and order of the dataset's own frames, written out independently."""
    aliases = [("pair", "pair")]
    if "experiment" in groups:
        aliases += [("experiment", "experiment"), ("slice", "slice")]
    if "cell" in groups:
        for table in ("cell", "morphology", "patch_seq", "intrinsic", "cortical_cell_location"):
            aliases += [(f"pre_{table}", table), (f"post_{table}", table)]
    if "synapse" in groups:
        names = ("synapse", "resting_state_fit", "dynamics", "synapse_model")
        aliases += [(name, name) for name in names]
    if "synapse_prediction" in groups:
        aliases.append(("synapse_prediction", "synapse_prediction"))
    schema = published_schema("22")
    return [
        f"{alias}.{column.name}"
        for alias, table in aliases
        for column in schema.tables[table].columns.values()
        if column.kind not in ("json", "array")
    ]


@pytest.mark.parametrize(
    "groups",
    [
        (),
        ("experiment",),
        ("cell",),
        ("synapse",),
        ("synapse_prediction",),
        ("synapse", "cell", "experiment", "synapse_prediction"),
    ],
)
def test_columns_of_groups(tiny: sf.SynphysDatabase, groups: tuple[str, ...]) -> None:
    columns = expected_columns(*groups)
    assert tiny.pairs(include=list(groups)).columns.tolist() == columns
    # An empty result has the same columns and dtypes as a full one.
    empty, full = (
        tiny.pairs(include=list(groups), where=where)
        for where in ("false", "slice.species = 'mouse'")
    )
    assert len(empty) == 0
    pd.testing.assert_series_equal(empty.dtypes, full.dtypes)


def test_sums_of_a_wide_frame_agree_with_sqlite(db: sf.SynphysDatabase) -> None:
    frame = db.pairs(include=["experiment", "cell", "synapse"], synapse=True)
    numbers = [name for name in frame if pd.api.types.is_numeric_dtype(frame[name].dtype)]
    assert len(numbers) > 200
    expected = column_sums(db.path, numbers, "pair.has_synapse = 1")
    for name, total in zip(numbers, expected, strict=True):
        found = frame[name].sum(min_count=1)
        if total is None:
            assert pd.isna(found), name
        else:
            assert float(found) == pytest.approx(total, rel=1e-12), name


def test_texts_and_missing_values_of_a_wide_frame(tiny: sf.SynphysDatabase) -> None:
    frame = tiny.pairs(include=["cell", "synapse", "experiment"]).set_index("pair.id")
    assert frame.loc[1, "pre_cell.cre_type"] == "pvalb"
    assert frame.loc[1, "post_morphology.dendrite_type"] == "spiny"
    assert pd.isna(frame.loc[4, "pre_morphology.id"])
    assert frame.loc[1, "pre_morphology.pyramidal"] is np.False_
    assert frame.loc[5, "resting_state_fit.ic_amp"] == 1.5e-4
    assert pd.isna(frame.loc[1, "resting_state_fit.ic_amp"])
    assert pd.isna(frame.loc[6, "synapse.synapse_type"])
    assert frame.loc[1, "experiment.date"] == pd.Timestamp("2019-03-04 05:06:07.000089")
    assert frame.loc[3, "pair.has_synapse"] is pd.NA


@pytest.mark.parametrize(
    ("include", "expected"),
    [
        ("pre_cell.cre_type", ["pre_cell.cre_type"]),
        ("cell.cre_type", ["pre_cell.cre_type", "post_cell.cre_type"]),
        (
            ["synapse.latency", "slice.species", "synapse.id"],
            ["slice.species", "synapse.id", "synapse.latency"],
        ),
        ("pre_intrinsic.tau", ["pre_intrinsic.tau"]),
        (
            ["poly_synapse.synapse_type", "gap_junction.id", "conductance.id"],
            ["gap_junction.id", "poly_synapse.synapse_type", "conductance.id"],
        ),
        ("electrode.ext_id", ["pre_electrode.ext_id", "post_electrode.ext_id"]),
        ("cortical_site.id", ["pre_cortical_site.id", "post_cortical_site.id"]),
        ("pre_cell.position", ["pre_cell.position"]),
        ("synapse_model.sparse_pca_vector", ["synapse_model.sparse_pca_vector"]),
    ],
)
def test_single_columns(
    tiny: sf.SynphysDatabase, include: str | list[str], expected: list[str]
) -> None:
    frame = tiny.pairs(include=include)
    assert frame.columns.tolist()[:14] == expected_columns()
    assert frame.columns.tolist()[14:] == expected


def test_json_and_arrays_come_when_named(db: sf.SynphysDatabase) -> None:
    names = ["pair.meta", "pre_cell.position", "resting_state_fit.ic_avg_data"]
    frame = db.pairs(include=names, synapse=True)
    stored = query(
        db.path,
        "SELECT position, ic_avg_data FROM pair JOIN cell ON cell.id = pre_cell_id "
        "JOIN synapse ON pair_id = pair.id JOIN resting_state_fit ON synapse_id = synapse.id "
        "WHERE has_synapse ORDER BY pair.id",
    )
    # A JSON null and an empty array are missing.
    positions = [None if row[0] in ("null", None) else row[0] for row in stored]
    position = frame["pre_cell.position"]
    assert [None if pd.isna(text) else text for text in position] == positions
    assert None in positions
    assert frame["resting_state_fit.ic_avg_data"].tolist() == [row[1] or None for row in stored]
    assert frame.columns.tolist()[14] == "pair.meta"


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"include": "synaps"}, UnknownTableError, "Did you mean 'synapse'"),
        ({"include": "pre_cell.cretype"}, UnknownColumnError, "Did you mean 'cre_type'"),
        ({"include": "avg_response_fit"}, JoinError, "several rows for one row of 'synapse'"),
        ({"include": "metadata"}, JoinError, "No foreign key leads from 'pair' to 'metadata'"),
        ({"include": 5}, ArgumentError, "include takes"),
        ({"project_name": "mouse V1"}, UnknownValueError, "mouse V1 coarse matrix"),
        ({"project_name": 3}, ArgumentError, "project_name takes"),
        ({"synapse_type": "exc"}, UnknownValueError, "Known: 'ex', 'in', 'mixed'"),
        ({"experiment_type": "multipatch"}, UnknownValueError, "Known: 'standard multipatch'"),
        (
            {"experiment_type": "standard multipatch", "project_name": MOUSE},
            ArgumentError,
            "contradict",
        ),
        ({"synapse_type": np.array(["ex", "in"])}, UnknownValueError, "no synapse type"),
        ({"synapse_type": pd.NA}, UnknownValueError, "no synapse type"),
        ({"pre_class": {1: 2}}, ArgumentError, "pre_class takes a CellClass"),
        ({"age": (float("nan"), 60)}, ArgumentError, "age takes numbers"),
        ({"distance": (False, True)}, ArgumentError, "distance takes numbers"),
        ({"distance": (None, 10**400)}, ArgumentError, "distance takes numbers"),
        ({"where": "unnest([true, false])"}, ExpressionError, "unnest"),
        ({"where": "#1 < 5"}, ExpressionError, "a column number"),
        ({"synapse": "yes"}, ArgumentError, "synapse takes True, False or None"),
        ({"age": 50}, ArgumentError, r"age takes \(min, max\)"),
        ({"age": (60, 50)}, ArgumentError, "min is above its max"),
        ({"distance": ("a", "b")}, ArgumentError, "distance takes"),
        ({"pre_class": "pvalb"}, ArgumentError, "pre_class takes a CellClass"),
        ({"where": "synapse.latncy < 1"}, UnknownColumnError, "Did you mean 'latency'"),
        ({"where": "synaps.latency < 1"}, JoinError, "Did you mean 'synapse'"),
        ({"where": "cell.cre_type = 'sst'"}, JoinError, "pre_cell.cre_type or post_cell.cre_type"),
        ({"where": "a.b.c = 1"}, UnknownColumnError, "write table.column"),
        ({"where": "distance <"}, ExpressionError, "not valid SQL"),
        ({"where": "max(distance) > 1"}, ExpressionError, "an aggregate over rows"),
        ({"where": "distance IN (SELECT 1)"}, ExpressionError, "subquery"),
        ({"where": "pre_cell.cre_type"}, ExpressionError, "can't be evaluated"),
        ({"where": "true), (true"}, ExpressionError, "one SQL expression"),
        ({"where": "true) FROM pair WHERE (true"}, ExpressionError, "one SQL expression"),
        ({"where": 5}, ArgumentError, "where takes an SQL expression"),
        ({"dtype_backend": "numpy"}, ArgumentError, "dtype_backend takes"),
    ],
    ids=lambda value: str(value)[:60],
)
def test_what_can_not_be_asked_is_refused(
    tiny: sf.SynphysDatabase, arguments: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        tiny.pairs(**arguments)


def test_arrow_types(tiny: sf.SynphysDatabase) -> None:
    plain = tiny.pairs(include=["cell", "synapse"])
    arrow = tiny.pairs(include=["cell", "synapse"], dtype_backend="pyarrow")
    assert all(isinstance(dtype, pd.ArrowDtype) for dtype in arrow.dtypes)
    assert arrow["pair.has_synapse"].isna().sum() == 1
    assert arrow["synapse.latency"].isna().sum() == plain["synapse.latency"].isna().sum()
    assert arrow["pre_cell.cre_type"].fillna("-").tolist() == (
        plain["pre_cell.cre_type"].fillna("-").tolist()
    )


def test_rows_are_in_order_of_pair_id_whatever_the_file_has(tmp_path: Any) -> None:
    path = build(tmp_path / "shuffled.sqlite")
    # Without an integer primary key, the rows lie in the order of their insertion.
    change(
        path,
        "ALTER TABLE pair RENAME TO old",
        "CREATE TABLE pair AS SELECT * FROM old ORDER BY id DESC",
        "DROP TABLE old",
    )
    assert sf.load_sqlite(path).pairs()["pair.id"].tolist() == [1, 2, 3, 4, 5, 6]


def test_no_limits_are_no_filter(tmp_path: Any) -> None:
    path = change(
        build(tmp_path / "r.sqlite"),
        "UPDATE experiment SET slice_id = NULL WHERE id = 10",
        "UPDATE pair SET distance = NULL WHERE id = 5",
    )
    db = sf.load_sqlite(path)
    every = [1, 2, 3, 4, 5, 6]
    assert db.pairs(age=(None, None), distance=(None, None))["pair.id"].tolist() == every
    assert db.pairs(age=np.array([0, 99]))["pair.id"].tolist() == []


def test_pairs_without_a_cell_are_no_pairs(tmp_path: Any) -> None:
    path = change(build(tmp_path / "orphan.sqlite"), "DELETE FROM cell WHERE id = 6")
    found = sf.load_sqlite(path).pairs()["pair.id"].tolist()
    assert found == pair_ids(path) == [1, 2, 3, 4]


def test_the_result_belongs_to_the_caller(tiny: sf.SynphysDatabase) -> None:
    first = tiny.pairs(include="cell")
    first.iloc[0, first.columns.get_loc("pair.distance")] = 17.0
    first["pre_cell.cre_type"] = "changed"
    again = tiny.pairs(include="cell")
    assert again.loc[0, "pair.distance"] == 100e-6
    assert again.loc[0, "pre_cell.cre_type"] == "pvalb"


def test_provenance_is_small_and_plain(tiny: sf.SynphysDatabase) -> None:
    assert tiny.pairs().attrs == {
        "synphys": {
            "file": str(tiny.path),
            "release": "tiny.sqlite",
            "schema_version": "22",
            "content": tiny.cell.attrs["synphys"]["content"],
            "table": "pair",
        }
    }


def test_tiny_is_what_this_file_thinks_it_is(tiny: sf.SynphysDatabase) -> None:
    assert len(TINY["pair"]) == len(tiny.pair) == 6


@pytest.mark.parametrize(
    ("filters", "message"),
    [
        ({"species": "Mouse"}, "no species 'Mouse' in this release. Did you mean 'mouse'"),
        ({"acsf": ["2mM Ca & Mg", "2mM Ca and Mg"]}, "acsf '2mM Ca and Mg'.*'2mM Ca & Mg'"),
        ({"internal": "nothing"}, "internal 'nothing'.*'Standard K-Gluc'"),
        ({"project_name": "mouse"}, "project 'mouse'"),
    ],
)
@pytest.mark.parametrize("budget", [None, 0])
def test_a_value_that_the_release_does_not_have_is_refused(
    tiny: sf.SynphysDatabase, filters: dict[str, Any], message: str, budget: int | None
) -> None:
    sf.config.memory_budget = budget
    with pytest.raises(UnknownValueError, match=message):
        tiny.pairs(**filters)
    with pytest.raises(UnknownValueError, match=message):
        tiny.experiment.synphys.pairs(**filters)
