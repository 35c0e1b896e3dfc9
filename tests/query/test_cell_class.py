from __future__ import annotations

import pickle
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import synphys_frames as sf
from synphys_frames.database.database import release_of
from synphys_frames.errors import (
    ArgumentError,
    ExpressionError,
    UnknownCriterionError,
    UnknownValueWarning,
)
from synphys_frames.query.cells import Cells, cells_of
from synphys_frames.query.class_membership import class_members, class_verdict
from synphys_frames.query.criterion_values import EXCITATORY_CRE_TYPES, INHIBITORY_CRE_TYPES
from tests.support.release_builder import change

CellClass = sf.CellClass


def members(db: sf.SynphysDatabase, cell_class: CellClass) -> set[int]:
    mask = class_members(cell_class, cells_of(release_of(db).store))
    return set(db.cell.loc[mask, "id"])


@pytest.mark.parametrize(
    ("cell_class", "expected"),
    [
        (CellClass(), {1, 2, 3, 4, 5, 6}),
        (CellClass(cre_type="pvalb"), {1}),
        (CellClass(cre_type=("pvalb", "unknown")), {1, 4, 5, 6}),
        (CellClass(cre_type=["pvalb"]), {1}),
        (CellClass(cre_type={"pvalb", "sst,pvalb"}), {1, 2}),
        (CellClass(cre_type=()), set()),
        (CellClass(cre_type=("pvalb", None)), {1}),
        (CellClass("cre_type LIKE '%pvalb%'"), {1, 2}),
        (CellClass("cre_type IS NULL"), {3}),
        (CellClass(pyramidal=True), {3}),
        (CellClass(pyramidal=0), {1}),
        (CellClass(dendrite_type="spiny", target_layer="5"), {3}),
        (CellClass(tau=0.02), {3}),
        (CellClass("tau < 1"), {3}),
        (CellClass("intrinsic.tau < 1", "Cell.Target_Layer = '5'"), {3}),
        (CellClass("fractional_layer_depth < 0.5"), {3}),
        (CellClass("fractional_layer_depth >= 0.5", cre_type="pvalb"), {1}),
        (CellClass(t_type="Sst Made Up"), {2}),
        (CellClass(id=(1, 6)), {1, 6}),
    ],
    ids=str,
)
def test_members(tiny: sf.SynphysDatabase, cell_class: CellClass, expected: set[int]) -> None:
    assert members(tiny, cell_class) == expected


@pytest.mark.parametrize(
    ("cell_class", "expected"),
    [
        # NULL is neither in a class nor in its complement.
        (~CellClass(cre_type="pvalb"), {2, 4, 5, 6}),
        (~CellClass(dendrite_type="spiny"), {1}),
        (~~CellClass(dendrite_type="spiny"), {3}),
        (CellClass(cell_class="in") & CellClass(target_layer="5"), {2}),
        (CellClass(cre_type="pvalb") | CellClass(target_layer="5"), {1, 2, 3}),
        # False and unknown is false, true or unknown is true.
        (~(CellClass(cre_type="unknown") & CellClass(dendrite_type="spiny")), {1, 2}),
        (CellClass(cre_type="unknown") | CellClass(dendrite_type="spiny"), {3, 4, 5, 6}),
        (CellClass(cell_class="ex") & ~CellClass("fractional_layer_depth > 0.5"), {3}),
    ],
    ids=str,
)
def test_combinations(tiny: sf.SynphysDatabase, cell_class: CellClass, expected: set[int]) -> None:
    assert members(tiny, cell_class) == expected


@pytest.mark.parametrize(
    ("criteria", "expected"),
    [
        ({"cre_type": "sst"}, "in"),
        ({"cre_type": "sim1"}, "ex"),
        ({"cre_type": ("sst", "pvalb")}, "in"),
        ({"cre_type": ["sst", "tlx3"]}, None),
        ({"cre_type": ["sst", "tlx3"], "dendrite_type": "spiny"}, None),
        ({"cre_type": "unknown"}, None),
        ({"cre_type": "unknown", "dendrite_type": "spiny"}, "ex"),
        ({"cre_type": ("sst", "unknown")}, None),
        ({"cre_type": ["sst"], "dendrite_type": "spiny"}, None),
        ({"cre_type": "rorb", "dendrite_type": "spiny"}, "ex"),
        ({"cre_type": "rorb", "dendrite_type": "sparsely spiny"}, None),
        ({"dendrite_type": ("aspiny", "sparsely spiny")}, "in"),
        ({"dendrite_type": ("aspiny", "spiny")}, None),
        ({"cell_class": "in"}, "in"),
        ({"cell_class_nonsynaptic": "ex"}, "ex"),
        ({"cell_class": "in", "cell_class_nonsynaptic": "ex"}, None),
        ({"cell_class": "mixed"}, None),
        ({"cell_class": "mixed", "cre_type": "sst"}, None),
        ({"target_layer": "2/3"}, None),
        ({"target_layer": "2/3", "cell_class": "ex"}, "ex"),
        ({}, None),
        *[({"cre_type": cre}, "in") for cre in sorted(INHIBITORY_CRE_TYPES)],
        *[({"cre_type": cre}, "ex") for cre in sorted(EXCITATORY_CRE_TYPES)],
    ],
    ids=str,
)
def test_output_synapse_type(criteria: dict[str, Any], expected: str | None) -> None:
    cell_class = CellClass(**criteria)
    assert cell_class.output_synapse_type == expected
    assert cell_class.is_excitatory is {"ex": True, "in": False, None: None}[expected]


def test_output_synapse_type_of_combinations() -> None:
    sst, spiny, layer = (
        CellClass(cre_type="sst"),
        CellClass(dendrite_type="spiny"),
        CellClass(target_layer="5"),
    )
    assert (sst & layer).output_synapse_type == "in"
    assert (sst & spiny).output_synapse_type is None
    assert (sst | CellClass(cre_type="vip")).output_synapse_type == "in"
    assert (sst | layer).output_synapse_type is None
    assert (~sst).output_synapse_type is None
    # A class that says nothing contradicts nothing.
    either = CellClass(cre_type="tlx3") | layer
    assert (either & CellClass(cell_class="ex")).output_synapse_type == "ex"
    assert (either | sst).output_synapse_type is None
    assert ((sst | spiny) & CellClass(cell_class="ex")).output_synapse_type is None


@pytest.mark.parametrize(
    ("cell_class", "as_tuple", "name"),
    [
        (CellClass(cre_type="sst"), ("sst",), "sst"),
        (
            CellClass(
                t_type="Sst 1",
                cre_type="sst",
                pyramidal=False,
                dendrite_type="aspiny",
                target_layer="2/3",
                cortical_layer="5",
            ),
            ("L2/3", "aspiny", "nonpyr", "sst", "Sst 1"),
            "L2/3 aspiny nonpyr sst Sst 1",
        ),
        (CellClass(cortical_layer="5", pyramidal=True), ("L5", "pyr"), "L5 pyr"),
        (CellClass(cre_type=("sst", "vip")), ("('sst', 'vip')",), "('sst', 'vip')"),
        (CellClass(cell_class="ex", name="excitatory"), (), "excitatory"),
        (CellClass(cell_class="ex"), (), ""),
    ],
)
def test_names(cell_class: CellClass, as_tuple: tuple[str, ...], name: str) -> None:
    assert cell_class.as_tuple == as_tuple
    assert cell_class.name == name


def test_names_of_combinations() -> None:
    sst = CellClass(cre_type="sst")
    deep = CellClass("fractional_depth > 0.5", name="deep")
    assert (sst & deep).name == "sst and deep"
    assert (~(sst | deep)).name == "not (sst or deep)"
    assert (sst & deep).renamed("deep sst").name == "deep sst"
    assert (sst & deep).name == "sst and deep"


def test_classes_are_values() -> None:
    one = CellClass("tau > 1", cre_type=("sst", "vip"), name="x")
    same = CellClass("tau > 1", cre_type=("sst", "vip"), name="x")
    assert one == same
    assert hash(one) == hash(same)
    assert one != CellClass("tau > 2", cre_type=("sst", "vip"), name="x")
    combined = ~one | CellClass(cre_type="sst")
    assert pickle.loads(pickle.dumps(combined)) == combined
    with pytest.raises(AttributeError):
        one.given_name = "y"  # type: ignore[misc]
    listed = CellClass(cre_type=["sst", "vip"])
    assert listed.name == "['sst', 'vip']"
    assert not hasattr(listed.criteria["cre_type"], "append")
    assert pickle.loads(pickle.dumps(listed)).name == listed.name
    with pytest.raises(TypeError):
        one.criteria["cre_type"] = "sst"  # type: ignore[index]


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: CellClass(cretype="sst"), UnknownCriterionError, "Did you mean 'cre_type'"),
        (lambda: CellClass(CRE_TYPE="sst"), UnknownCriterionError, "Did you mean 'cre_type'"),
        (lambda: CellClass("unnest([cre_type]) = 'x'"), ExpressionError, "unnest"),
        (lambda: CellClass(meta="x"), UnknownCriterionError, "without their JSON"),
        (lambda: CellClass("distance < 1"), UnknownCriterionError, "'distance'"),
        (lambda: CellClass("synapse.latency < 1"), UnknownCriterionError, "synapse.latency"),
        (lambda: CellClass("cre_type = "), ExpressionError, "not valid SQL"),
        (lambda: CellClass([]), ArgumentError, "SQL as text"),  # type: ignore[arg-type]
        (lambda: CellClass(name=1), ArgumentError, "name takes text"),  # type: ignore[arg-type]
        (lambda: CellClass(cortical_layer=5), ArgumentError, "Write cortical_layer='5'"),
        (lambda: CellClass(tau="long"), ArgumentError, "tau takes a number"),
        (lambda: CellClass(pyramidal="yes"), ArgumentError, "takes True or False"),
    ],
)
def test_what_is_no_class_is_refused(make: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        make()


def test_combining_with_something_else_is_a_type_error() -> None:
    with pytest.raises(TypeError):
        CellClass(cre_type="sst") & "vip"  # type: ignore[operator]


@pytest.mark.parametrize("dtype", ["object", "str", "category", "string[pyarrow]"])
def test_any_text_dtype_gives_the_same_members(dtype: str) -> None:
    values = pd.Series(["sst", None, "vip"], dtype=dtype)
    for cell_class in (CellClass(cre_type="sst"), CellClass("cre_type = 'sst'")):
        found = class_verdict(cell_class, Cells(3, lambda _: values))
        assert found[0] is True or found[0] == True  # noqa: E712
        assert found[1] is pd.NA
        assert not found[2]


@pytest.mark.parametrize(
    ("criteria", "message"),
    [
        ({"cre_type": "Pvalb"}, "cre_type 'Pvalb'. Did you mean 'pvalb'"),
        ({"target_layer": "L5"}, "target_layer 'L5'. .*'2/3', '3', '5'"),
        ({"cell_class": "excitatory"}, "cell_class 'excitatory'. .*'ex', 'in', 'mixed'"),
        ({"dendrite_type": "Spiny"}, "Did you mean 'spiny'"),
        ({"cre_type": ("pvalb", "Pvalb")}, "'Pvalb'"),
        ({"cre_type": "sst"}, "ILIKE '%sst%'.*'sst,pvalb'"),
        ({"cortical_layer": "Layer5"}, "'Layer5'. .*'5'"),
    ],
)
def test_a_value_that_no_cell_has_is_told_once(
    tiny_path: Path, criteria: dict[str, Any], message: str
) -> None:
    with sf.load_sqlite(tiny_path) as db:
        with pytest.warns(UnknownValueWarning, match=message) as caught:
            db.pairs(pre_class=CellClass(**criteria))
        assert len(caught) == 1
        # At the user's own line.
        assert caught[0].filename == __file__
        # Once a value: with warnings as errors, a second one would be seen.
        db.pairs(post_class=CellClass(**criteria))
        db.pairs().synphys.classify({"it": CellClass(**criteria)})


def test_where_there_are_many_values_their_number_is_told(tiny_path: Path, tmp_path: Path) -> None:
    path = Path(shutil.copy(tiny_path, tmp_path / "many.sqlite"))
    change(
        path,
        "WITH RECURSIVE n(i) AS (SELECT 100 UNION ALL SELECT i + 1 FROM n WHERE i < 160) "
        "INSERT INTO cell (id, experiment_id, cre_type) SELECT i, 10, 'driver ' || i FROM n",
    )
    with (
        sf.load_sqlite(path) as db,
        pytest.warns(UnknownValueWarning, match=r"'zzz'\. It has 64 others"),
    ):
        db.pairs(pre_class=CellClass(cre_type="zzz"))


def test_what_is_asked_for_rightly_is_not_warned_of(tiny: sf.SynphysDatabase) -> None:
    # Of several values, some may well be missing in a release.
    tiny.pairs(pre_class=CellClass(cre_type=("pvalb", "vip", "ndnf")))
    tiny.pairs(pre_class=CellClass(pyramidal=True, tau=0.5))
    human = tiny.pairs(species="human", include="cell")
    human.attrs.clear()
    human.synphys.classify({"Pvalb": CellClass(cre_type="pvalb")})


@pytest.mark.parametrize(
    "combine",
    [
        lambda one, two: one and two,
        lambda one, two: one or two,
        lambda one, _: not one,
        lambda one, _: [1] if one else [2],
    ],
)
def test_a_class_is_neither_true_nor_false(combine: Any) -> None:
    with pytest.raises(ValueError, match=r"&, \| and ~"):
        combine(CellClass(cre_type="pvalb"), CellClass(cre_type="sst"))


@pytest.mark.parametrize("missing", [None, np.nan, pd.NA, pd.NaT, float("nan")])
def test_a_missing_value_is_no_criterion(missing: Any) -> None:
    with pytest.raises(ArgumentError, match="dendrite_type IS NULL"):
        CellClass(dendrite_type=missing)


@pytest.mark.parametrize(
    "several",
    [
        ["pvalb", "sst,pvalb", None],
        ("pvalb", np.nan, "sst,pvalb"),
        {"pvalb", "sst,pvalb"},
        np.array(["pvalb", "sst,pvalb"]),
        np.array(["pvalb", None, "sst,pvalb"], dtype=object),
        pd.Series(["pvalb", "sst,pvalb", None]),
        pd.Series(["pvalb", "sst,pvalb"], dtype="category"),
        pd.Series(["pvalb", None, "sst,pvalb"]).unique(),
        pd.array(["pvalb", "sst,pvalb", pd.NA], dtype="string"),
        pd.Index(["pvalb", "sst,pvalb"]),
        pd.Series(["pvalb", "sst,pvalb"], dtype="string[pyarrow]"),
        dict.fromkeys(["pvalb", "sst,pvalb"]).keys(),
        (name for name in ["pvalb", "sst,pvalb"]),
    ],
    ids=lambda value: type(value).__name__,
)
def test_several_values_as_pandas_gives_them(tiny: sf.SynphysDatabase, several: Any) -> None:
    cell_class = CellClass(cre_type=several)
    assert tiny.pairs(pre_class=cell_class)["pair.id"].tolist() == [1, 3]
    assert set(cell_class.criteria["cre_type"]) == {"pvalb", "sst,pvalb"}


@pytest.mark.parametrize(
    "projects",
    [
        np.array(["human coarse matrix"]),
        pd.Series(["human coarse matrix", None]).unique(),
        {"human coarse matrix"},
        pd.Index(["human coarse matrix"]),
        pd.Categorical(["human coarse matrix"]),
    ],
    ids=lambda value: type(value).__name__,
)
def test_several_values_of_a_filter(tiny: sf.SynphysDatabase, projects: Any) -> None:
    assert tiny.pairs(project_name=projects)["pair.id"].tolist() == [5, 6]
    columns = pd.Series(["pair.id", "pair.distance"]).str.removeprefix("pair.")
    assert tiny.table("pair", columns=columns).columns.tolist() == ["id", "distance"]
    assert "slice.age" in tiny.pairs(include=pd.Index(["slice.age"]))


def test_a_set_of_classes_is_refused(tiny: sf.SynphysDatabase) -> None:
    with pytest.raises(ArgumentError, match="no order"):
        tiny.pairs().synphys.connectivity({CellClass(cre_type="pvalb")})


def test_dir_shows_what_users_call() -> None:
    public = {name for name in dir(CellClass) if not name.startswith("_")}
    assert public == {
        "as_tuple", "criteria", "expressions", "given_name", "is_excitatory", "name", "operands",
        "operator", "output_synapse_type", "renamed",
    }  # fmt: skip
