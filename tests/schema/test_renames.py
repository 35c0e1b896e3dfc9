"""Every published schema version by one vocabulary."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import synphys_frames as sf
from synphys_frames.database.database import release_of
from synphys_frames.errors import (
    ArgumentError,
    MissingRowsError,
    MissingRowsWarning,
    NotInVersionError,
    ReleaseFileError,
    StoredValueError,
    UnknownColumnError,
    UnknownCriterionError,
)
from synphys_frames.query.cells import cells_of
from synphys_frames.query.class_membership import class_members
from synphys_frames.schema.published import VERSIONS, published_schema
from synphys_frames.schema.renames import published_vocabulary, versions_of
from tests.support.release_builder import build, change, query

MODERN = [version for version in VERSIONS if version != "15"]
AP = (
    "upstroke_downstroke_ratio width upstroke downstroke threshold_v peak_deltav fast_trough_deltav"
)


def test_values_that_a_version_writes_otherwise(releases: dict[str, sf.SynphysDatabase]) -> None:
    db = releases["18"]
    newest = releases["22"].cortical_cell_location["cortical_layer"]
    pd.testing.assert_series_equal(db.cortical_cell_location["cortical_layer"], newest)
    own = db.table("cortical_cell_location", native=True)["layer"]
    assert set(own.dropna()) == {f"Layer{layer}" for layer in newest.dropna()}
    assert own.str.removeprefix("Layer").equals(newest.rename("layer"))
    # Everywhere that a value is compared, and under the file's own name, too.
    name = "cortical_cell_location"
    count = int((newest == "5").sum())
    assert count > 0
    for where in ("cortical_layer = '5'", "layer = '5'"):
        assert len(db.table(name, where=where)) == count
    assert len(db.table(name, where="layer = 'Layer5'", native=True)) == count
    assert db.table(name, columns=["layer"])["layer"].tolist() == newest.tolist()
    assert db.sql("SELECT count(*) AS n FROM cortical_cell_location WHERE cortical_layer = '5'")[
        "n"
    ].tolist() == [count]
    assert len(db.sql("SELECT id FROM release.cortical_cell_location WHERE layer = 'Layer5'"))
    pairs = db.pairs(pre_class=sf.CellClass(cortical_layer="5"), include="cell")
    assert set(pairs["pre_cortical_cell_location.cortical_layer"]) == {"5"}
    assert len(pairs) == len(releases["22"].pairs(pre_class=sf.CellClass(cortical_layer="5")))
    schema = db.schema.query("column == 'cortical_layer'").set_index("table")
    assert schema.native_name[name] == "layer"
    assert pd.isna(schema.native_name["morphology"])


@pytest.mark.parametrize("version", VERSIONS)
def test_the_sample_has_the_published_layout_of_every_version(
    releases: dict[str, sf.SynphysDatabase], version: str
) -> None:
    path = releases[version].path
    for table in published_schema(version):
        rows = query(path, f"PRAGMA table_info({table.name})")
        assert [(row[1], row[2]) for row in rows] == [
            (column.name, column.sqlite_type) for column in table.columns.values()
        ]
    assert query(path, "PRAGMA foreign_key_check") == []


@pytest.mark.filterwarnings("ignore::synphys_frames.errors.MissingRowsWarning")
@pytest.mark.parametrize("version", VERSIONS)
def test_every_table_opens_by_both_names(
    releases: dict[str, sf.SynphysDatabase], version: str
) -> None:
    db = releases[version]
    dtypes = db.schema.set_index(["table", "column"])["dtype"].to_dict()
    for table in published_schema(version):
        native = db.table(table.name, native=True)
        assert native.columns.tolist() == list(table.columns)
        stored = query(db.path, f"SELECT count(*) FROM {table.name}")[0][0]
        assert len(native) == len(db[table.name]) == stored
        frame = db[table.name]
        for name, dtype in frame.dtypes.items():
            assert dtypes.get((table.name, name), str(dtype)) == str(dtype)


@pytest.mark.parametrize("version", ["17", "18"])
def test_renamed_columns(releases: dict[str, sf.SynphysDatabase], version: str) -> None:
    db = releases[version]
    native = db.table("intrinsic", native=True)
    newest = db["intrinsic"]
    for name in AP.split():
        assert name not in newest
        pd.testing.assert_series_equal(newest[f"ap_{name}"], native[name], check_names=False)
    assert newest["ap_width"].notna().any()
    by_own = db.table("intrinsic", columns=["width"], where="width > 0.0008 AND intrinsic.id > 3")
    by_newest = db.table(
        "intrinsic", columns=["ap_width"], where="ap_width > 0.0008 AND intrinsic.id > 3"
    )
    assert by_own["width"].tolist() == by_newest["ap_width"].tolist() != []
    layer = db.table("cortical_cell_location", columns=["cortical_layer", "layer"])
    assert layer["cortical_layer"].fillna("").tolist() == layer["layer"].fillna("").tolist()
    with pytest.raises(UnknownColumnError, match="here it is 'ap_width'"):
        db.pairs(include="pre_intrinsic.width")


def test_names_that_do_not_mean_the_same_stay(
    medium: dict[str, sf.SynphysDatabase],
) -> None:
    for version in ("15", "17", "18"):
        assert "baseline_rms_noise" in medium[version]["patch_clamp_recording"]
        assert "baseline_noise_stdev" not in medium[version]["patch_clamp_recording"]
    with pytest.raises(NotInVersionError, match=r"first release with it is r2\.0"):
        medium["18"].table("patch_clamp_recording", columns="baseline_noise_stdev")


@pytest.mark.parametrize("version", ["15", "16"])
def test_a_layer_without_a_location_table(
    releases: dict[str, sf.SynphysDatabase], version: str
) -> None:
    db = releases[version]
    stored = query(
        db.path,
        "SELECT pair.id FROM pair JOIN morphology m ON m.cell_id = pre_cell_id "
        "WHERE m.cortical_layer = '5' ORDER BY 1",
    )
    expected = [row[0] for row in stored]
    frame = db.pairs(pre_class={"cortical_layer": "5"}, include="cell")
    assert frame["pair.id"].tolist() == expected != []
    assert set(frame["pre_cortical_cell_location.cortical_layer"]) == {"5"}
    found = db.pairs(where="pre_cortical_cell_location.cortical_layer = '5'")
    assert found["pair.id"].tolist() == expected
    locations = [name for name in frame if "cortical_cell_location" in name]
    assert [name.partition(".")[2] for name in locations] == ["cortical_layer"] * 2
    assert "cortical_layer" in db.table("morphology", native=True)
    tables = db.tables.set_index("table")
    assert tables.loc["cortical_cell_location"].tolist()[:2] == [len(db["morphology"]), 1]
    for call in (
        lambda: db.table("morphology", columns=["cortical_layer"]),
        lambda: db.pairs(include="pre_morphology.cortical_layer"),
        lambda: db.pairs(where="pre_morphology.cortical_layer = '4'"),
    ):
        with pytest.raises(NotInVersionError, match=r"cortical_cell_location\.cortical_layer by"):
            call()
    assert db.cell.synphys.join("cortical_cell_location").shape[0] == len(db.cell)
    assert len(db.cell.synphys.related("cortical_cell_location")) == len(db["morphology"])


def test_cell_class_of_schema_15(releases: dict[str, sf.SynphysDatabase]) -> None:
    db = releases["15"]
    flags = query(db.path, "SELECT is_excitatory FROM cell ORDER BY id")
    expected = [{1: "ex", 0: "in", None: None}[flag] for (flag,) in flags]
    assert set(expected) == {"ex", "in", None}
    found = db.cell["cell_class"]
    assert found.astype(object).where(found.notna(), None).tolist() == expected
    assert db.table("cell", native=True)["is_excitatory"].dtype == "boolean"
    assert len(db.pairs(pre_class={"cell_class": "in"})) > 0
    for where in ("is_excitatory", "NOT is_excitatory"):
        assert len(db.table("cell", where=where, native=True)) > 0
        with pytest.raises(NotInVersionError, match=r"is_excitatory is cell\.cell_class by"):
            db.table("cell", where=where)
    with pytest.raises(NotInVersionError, match=r"no cell.cell_class_nonsynaptic.*r2.0-pre1"):
        db.pairs(pre_class={"cell_class_nonsynaptic": "in"})


@pytest.mark.parametrize("version", ["15", "16", "17"])
def test_fits_keyed_by_pair_join_by_synapse(
    releases: dict[str, sf.SynphysDatabase], version: str, tmp_path: Path
) -> None:
    db = releases[version]
    frame = db.pairs(synapse=True, include="synapse")
    stored = query(
        db.path,
        "SELECT r.ic_amp FROM pair LEFT JOIN synapse s ON s.pair_id = pair.id "
        "LEFT JOIN resting_state_fit r ON r.pair_id = s.pair_id "
        "WHERE has_synapse ORDER BY pair.id",
    )
    expected = np.array([row[0] for row in stored], dtype=float)
    np.testing.assert_array_equal(frame["resting_state_fit.ic_amp"], expected)
    some = db.synapse.head(2).synphys.related("avg_response_fit")
    assert sorted(some["pair_id"].unique()) == sorted(db.synapse.head(2)["pair_id"])
    back = some.synphys.related("synapse")
    assert back["id"].tolist() == db.synapse.head(2)["id"].tolist()


def test_the_stimulus_name_is_where_the_newest_schema_has_it(
    medium: dict[str, sf.SynphysDatabase],
) -> None:
    expected = medium["22"]["recording"]["stim_name"]
    for version in ("15", "17", "18"):
        found = medium[version].table("recording", where="id > 0").sort_values("id")["stim_name"]
        assert found.fillna("").tolist() == expected.fillna("").tolist()
    assert expected.notna().any()


@pytest.mark.parametrize(
    ("version", "call", "what", "release"),
    [
        ("18", lambda db: db.pairs(include="synapse_model"), "synapse_model", "r2.0-pre4"),
        ("18", lambda db: db.pairs(include="pre_intrinsic.tau"), "intrinsic.tau", "r2.0-pre3"),
        ("18", lambda db: db.pairs(where="conductance.id > 1"), "conductance", "r2.0-pre5"),
        ("17", lambda db: db.pairs(where="lateral_distance < 1"), "pair.lateral_distance", "pre2"),
        ("16", lambda db: db["cortical_site"], "cortical_site", "r2.0-pre2"),
        ("15", lambda db: db.pairs(pre_class={"t_type": "x"}), "patch_seq", "r2.0-pre1"),
        ("15", lambda db: db.pairs(pre_class=sf.CellClass("tau < 1")), "intrinsic", "r2.0-pre1"),
        ("15", lambda db: db.cell.synphys.join("patch_seq"), "patch_seq", "r2.0-pre1"),
        ("15", lambda db: db.cell.synphys.related("patch_seq"), "patch_seq", "r2.0-pre1"),
        ("20", lambda db: db.table("test_pulse", where="access_resistance_lowpass > 0"),
         "test_pulse.access_resistance_lowpass", "r2.0-pre5"),
        ("19", lambda db: db.to_parquet("x", "synapse_model"), "synapse_model", "r2.0-pre4"),
        ("22", lambda db: db["intrinsic"] if False else db.table("intrinsic", "avg_firing_rate"),
         "intrinsic.avg_firing_rate", "r2.0-pre1"),
    ],
)  # fmt: skip
def test_what_a_version_does_not_have_is_said(
    releases: dict[str, sf.SynphysDatabase], version: str, call: Any, what: str, release: str
) -> None:
    message = rf"schema version {version}, which has no {what}\..*first release .*{release}"
    with pytest.raises(NotInVersionError, match=message):
        call(releases[version])


def test_groups_bring_what_there_is_and_note_what_is_not(
    releases: dict[str, sf.SynphysDatabase],
) -> None:
    lacks = releases["15"].pairs(include=["cell", "synapse"]).attrs["synphys"]["lacks"]
    assert {"patch_seq", "intrinsic", "synapse_model", "cell.cell_class_nonsynaptic"} <= set(lacks)
    assert "cortical_cell_location.distance_to_pia" in lacks
    assert "lacks" not in releases["22"].pairs(include=["cell", "synapse"]).attrs["synphys"]
    assert "lacks" not in releases["15"].pairs(include="experiment").attrs["synphys"]


FILTERS: list[dict[str, Any]] = [
    {},
    {"synapse": True},
    {"synapse": False, "species": "mouse"},
    {"synapse_type": "in"},
    {"synapse_probed": True, "species": "mouse"},
    {"synapse_probed": False},
    {"electrical": True},
    {"experiment_type": "standard multipatch", "synapse": True},
    {"project_name": "human coarse matrix"},
    {"acsf": "2mM Ca & Mg", "internal": ["PatchSeq", "Standard K-Gluc"]},
    {"age": (40, 60), "distance": (None, 1e-4)},
    {"pre_class": {"cre_type": ("sst", "pvalb")}, "synapse": True},
    {"pre_class": {"cell_class": "ex"}, "post_class": {"cell_class": "in"}},
    {"post_class": {"cortical_layer": "5", "dendrite_type": "spiny"}},
    {"where": "synapse.latency < 1.5e-3 AND slice.age > 50"},
    {"where": "pre_cortical_cell_location.cortical_layer = '4'"},
    {"where": "resting_state_fit.ic_amp > 1e-3"},
    {"where": "pre_morphology.pyramidal AND NOT post_morphology.pyramidal"},
]


@pytest.mark.parametrize("filters", FILTERS, ids=str)
def test_answers_are_the_same_in_all_versions(
    releases: dict[str, sf.SynphysDatabase], filters: dict[str, Any]
) -> None:
    groups = ["experiment", "cell", "synapse", "synapse_prediction"]
    expected = releases["22"].pairs(include=groups, **filters)
    assert len(expected) > 0
    for version in MODERN:
        found = releases[version].pairs(include=groups, **filters)
        shared = [name for name in expected if name in found]
        # Schema 17 and before have one fact of another kind: whether there was a nucleus.
        shared = [name for name in shared if not name.endswith("patch_seq.nucleus")]
        assert len(shared) > 190
        pd.testing.assert_frame_equal(found[shared], expected[shared], obj=f"schema {version}")
    # Of schema 15, all that does not go by a class that its flag can't tell.
    if not {"pre_class", "post_class", "synapse_probed"} & set(filters):
        old = releases["15"].pairs(**filters)
        assert old["pair.id"].tolist() == expected["pair.id"].tolist()


CRITERIA: dict[str, list[Any]] = {
    "cre_type": ["sst", "pvalb", "sst,pvalb", "unknown", "none"],
    "target_layer": ["2/3", "5"],
    "cell_class": ["ex", "in", "mixed"],
    "cell_class_nonsynaptic": ["ex", "in"],
    "dendrite_type": ["spiny", "aspiny"],
    "pyramidal": [True, False],
    "cortical_layer": ["4", "5"],
    "t_type": ["Sst Synthetic 1"],
    "ap_width": [0.0008],
}
NUMBERS = {"ap_width": [0.0006, 0.001], "depth": [5e-5, 7e-5], "fractional_depth": [0.3, 0.6]}


@st.composite
def simple_classes(draw: st.DrawFn) -> tuple[sf.CellClass, Any]:
    """A class, and the same as a function of one cell's values that returns True, False or None."""
    criteria: dict[str, Any] = {}
    for key in draw(st.lists(st.sampled_from(sorted(CRITERIA)), max_size=2, unique=True)):
        several = draw(st.lists(st.sampled_from(CRITERIA[key]), min_size=1, max_size=3))
        criteria[key] = tuple(several) if draw(st.booleans()) else several[0]
    column, limit = None, 0.0
    if draw(st.booleans()):
        column = draw(st.sampled_from(sorted(NUMBERS)))
        limit = draw(st.sampled_from(NUMBERS[column]))
    expressions = [] if column is None else [f"{column} < {limit}"]

    def by_hand(cell: dict[str, Any]) -> bool | None:
        results: list[bool | None] = []
        for key, wanted in criteria.items():
            options = wanted if isinstance(wanted, tuple) else (wanted,)
            results.append(None if cell[key] is None else cell[key] in options)
        if column is not None:
            results.append(None if cell[column] is None else cell[column] < limit)
        return False if False in results else None if None in results else True

    return sf.CellClass(*expressions, **criteria), by_hand


def _negated(one: tuple[sf.CellClass, Any]) -> tuple[sf.CellClass, Any]:
    def by_hand(cell: dict[str, Any]) -> bool | None:
        inner = one[1](cell)
        return None if inner is None else not inner

    return ~one[0], by_hand


def _either(
    one: tuple[sf.CellClass, Any], two: tuple[sf.CellClass, Any]
) -> tuple[sf.CellClass, Any]:
    def by_hand(cell: dict[str, Any]) -> bool | None:
        results = [one[1](cell), two[1](cell)]
        return True if True in results else None if None in results else False

    return one[0] | two[0], by_hand


classes = st.recursive(
    simple_classes(),
    lambda inner: st.one_of(
        inner.map(_negated), st.tuples(inner, inner).map(lambda p: _either(*p))
    ),
    max_leaves=3,
)


@pytest.fixture(scope="session")
def cells_by_hand(releases: dict[str, sf.SynphysDatabase]) -> dict[str, list[dict[str, Any]]]:
    """Every cell's values read with plain SQLite, by the newest names."""
    found = {}
    for version, db in releases.items():
        layer = "l.cortical_layer" if int(version) > 18 else "replace(l.layer, 'Layer', '')"
        width = "i.ap_width" if int(version) > 18 else "i.width"
        location = "LEFT JOIN cortical_cell_location l ON l.cell_id = c.id"
        columns = {
            "id": "c.id", "cre_type": "c.cre_type", "target_layer": "c.target_layer",
            "cell_class": "c.cell_class", "cell_class_nonsynaptic": "c.cell_class_nonsynaptic",
            "depth": "c.depth", "dendrite_type": "m.dendrite_type", "pyramidal": "m.pyramidal",
            "cortical_layer": layer, "ap_width": width, "t_type": "p.t_type",
            "fractional_depth": "l.fractional_depth",
        }  # fmt: skip
        joins = (
            "LEFT JOIN patch_seq p ON p.cell_id = c.id LEFT JOIN intrinsic i ON i.cell_id = c.id"
        )
        if version in ("15", "16"):
            location = ""
            columns |= {"cortical_layer": "m.cortical_layer", "fractional_depth": "NULL"}
            columns["ap_width"] = "NULL"
        if version == "15":
            joins = ""
            flag = "CASE c.is_excitatory WHEN 1 THEN 'ex' WHEN 0 THEN 'in' END"
            columns |= {"cell_class": flag, "cell_class_nonsynaptic": "NULL", "t_type": "NULL"}
        rows = query(
            db.path,
            f"SELECT {', '.join(columns.values())} FROM cell c "
            f"LEFT JOIN morphology m ON m.cell_id = c.id {joins} {location} ORDER BY c.id",
        )
        found[version] = [dict(zip(columns, row, strict=True)) for row in rows]
    return found


def _has(version: str, cell_class: sf.CellClass) -> bool:
    names = [*cell_class.criteria, *(text.split()[0] for text in cell_class.expressions)]
    schema = published_vocabulary(version)
    known = {
        name
        for table in ("cell", "morphology", "patch_seq", "intrinsic", "cortical_cell_location")
        if table in schema
        for name in schema.tables[table].columns
    }
    return set(names) <= known and all(_has(version, one) for one in cell_class.operands)


@pytest.mark.filterwarnings("ignore::synphys_frames.errors.UnknownValueWarning")
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(drawn=classes)
def test_a_class_is_the_same_in_database_frame_and_plain_python(
    releases: dict[str, sf.SynphysDatabase],
    cells_by_hand: dict[str, list[dict[str, Any]]],
    wide: dict[str, pd.DataFrame],
    drawn: tuple[sf.CellClass, Any],
) -> None:
    cell_class, by_hand = drawn
    for version, db in releases.items():
        if not _has(version, cell_class):
            continue
        expected = {cell["id"] for cell in cells_by_hand[version] if by_hand(cell) is True}
        mask = class_members(cell_class, cells_of(release_of(db).store))
        ids, _ = release_of(db).store.table("cell").keys("id")
        assert set(ids[mask]) == expected, version
        frame = wide[version]
        classified = frame.synphys.classify({"it": cell_class}, overlap="first")
        for side in ("pre", "post"):
            chosen = frame.loc[classified[f"{side}_class"].notna(), f"pair.{side}_cell_id"]
            assert set(chosen) == expected & set(frame[f"pair.{side}_cell_id"]), version


@pytest.fixture(scope="session")
def wide(releases: dict[str, sf.SynphysDatabase]) -> dict[str, pd.DataFrame]:
    frames = {}
    for version, db in releases.items():
        frame = db.pairs(include="cell")
        # Without its database: the columns alone must do.
        frame.attrs.clear()
        frames[version] = frame
    return frames


def test_sizes_are_told_by_the_rows(
    releases: dict[str, sf.SynphysDatabase], medium: dict[str, sf.SynphysDatabase], tmp_path: Path
) -> None:
    assert {db.size for db in releases.values()} == {"small"}
    assert {db.size for db in medium.values()} == {"medium"}
    path = tmp_path / "full.sqlite"
    path.write_bytes(medium["22"].path.read_bytes())
    change(path, "UPDATE pulse_response SET data = x'93'")
    assert sf.load_sqlite(path).size == "full"


@pytest.mark.parametrize(
    "call",
    [
        lambda db: db.pair.synphys.related("pulse_response"),
        lambda db: db.cell.synphys.related("recording"),
        lambda db: db.pairs(include="pulse_response"),
        lambda db: db.pairs(where="pulse_response.ex_qc_pass"),
        lambda db: db.experiment.synphys.join("sync_rec"),
    ],
)
def test_recording_level_rows_on_a_small_file(
    releases: dict[str, sf.SynphysDatabase], call: Any
) -> None:
    for version in ("15", "22"):
        with pytest.raises(MissingRowsError, match=r"small file: its table .* load_current"):
            call(releases[version])


def test_the_larger_files_of_a_release_are_named(tmp_path: Path) -> None:
    db = sf.load_sqlite(sf.build_sample(tmp_path / "synphys_r2.1_small.sqlite", scale=1 / 900))
    with pytest.raises(MissingRowsError, match=r"'synphys_r2.1_medium.sqlite'.*r2.1_full"):
        db.cell.synphys.related("recording")
    # The table itself is there, empty and typed, and says the same.
    with pytest.warns(MissingRowsWarning, match=r"'synphys_r2.1_medium.sqlite'.*r2.1_full") as said:
        assert db.recording.shape == (0, 9)
    assert said[0].filename == __file__
    for ask in (lambda: db["recording"], lambda: db.table("recording", ["id"], limit=3)):
        with pytest.warns(MissingRowsWarning, match="table recording has no rows") as said:
            assert len(ask()) == 0
        assert said[0].filename == __file__


def test_the_schema_frame_tells_names_and_versions(
    releases: dict[str, sf.SynphysDatabase],
) -> None:
    schema = releases["18"].schema.set_index(["table", "column"])
    assert schema["native_name"]["intrinsic", "ap_width"] == "width"
    assert schema.loc[("intrinsic", "ap_width"), "schema_versions"] == "17, 18, 19, 20, 21, 22"
    assert pd.isna(schema.loc[("intrinsic", "rheobase"), "native_name"])
    schema = releases["15"].schema.set_index(["table", "column"])
    location = schema.loc[("cortical_cell_location", "cortical_layer")]
    assert location.loc["native_name"] == "morphology.cortical_layer"
    assert schema.loc[("cell", "cell_class"), "native_name"] == "is_excitatory"
    assert ("cortical_cell_location", "cell_id") not in schema.index


def test_versions_of() -> None:
    assert versions_of("synapse_model") == ("20", "21", "22")
    assert versions_of("cortical_cell_location", "cortical_layer") == VERSIONS
    assert versions_of("intrinsic", "avg_firing_rate") == ("16", "18")
    assert versions_of("nothing") == ()


def test_exports_of_old_versions_go_by_the_newest_names(
    releases: dict[str, sf.SynphysDatabase], tmp_path: Path
) -> None:
    files = releases["16"].to_parquet(tmp_path, progress=False)
    names = {file.stem for file in files}
    assert {"intrinsic", "cortical_cell_location", "resting_state_fit"} <= names
    layer = pd.read_parquet(tmp_path / "cortical_cell_location.parquet")["cortical_layer"]
    stored = query(releases["16"].path, "SELECT cortical_layer FROM morphology ORDER BY id")
    assert layer.fillna("").tolist() == [row[0] or "" for row in stored]


@pytest.mark.parametrize("version", VERSIONS)
def test_the_script_of_the_readme_runs_on_every_version(
    releases: dict[str, sf.SynphysDatabase], version: str
) -> None:
    text = (Path(__file__).parents[2] / "README.md").read_text()
    [script] = re.findall(r"(?ms)^```python\n(def excitatory_in_layer_5.*?)^```", text)
    names: dict[str, Any] = {"sf": sf, "db": releases[version]}
    exec(compile(script, "README.md", "exec"), names)
    found = names["excitatory_in_layer_5"](releases[version])
    assert found.index.tolist() == ["5"]
    if version != "15":
        assert found.tolist() == names["excitatory_in_layer_5"](releases["22"]).tolist()


def test_old_names_on_newer_files_are_explained(
    releases: dict[str, sf.SynphysDatabase],
) -> None:
    for name, place in (
        ("intrinsic.width", "intrinsic.ap_width"),
        ("cell.is_excitatory", "cell.cell_class"),
        ("patch_clamp_recording.stim_name", "recording.stim_name"),
        ("morphology.cortical_layer", "cortical_cell_location.cortical_layer"),
    ):
        table, _, column = name.partition(".")
        with pytest.raises(NotInVersionError, match=f"{name} is {place} by the names"):
            releases["22"].table(table, columns=column)
    for column in ("layer", "is_excitatory", "width"):
        with pytest.raises(UnknownCriterionError, match="by the names of the newest schema, it is"):
            sf.CellClass(**{column: "x"})
    old_only = sf.CellClass("avg_firing_rate > 0.5")
    assert len(releases["18"].pairs(pre_class=old_only)) > 0
    with pytest.raises(NotInVersionError, match="avg_firing_rate"):
        releases["22"].pairs(pre_class=old_only)


def test_a_criterion_that_changed_its_type(releases: dict[str, sf.SynphysDatabase]) -> None:
    with pytest.raises(ArgumentError, match="this release has True and False"):
        releases["17"].pairs(pre_class={"nucleus": "+"})
    with_nucleus = releases["17"].pairs(pre_class={"nucleus": True})
    expected = releases["18"].pairs(pre_class={"nucleus": "+"})
    assert with_nucleus["pair.id"].tolist() == expected["pair.id"].tolist() != []


@pytest.mark.parametrize(
    ("version", "statement", "message"),
    [
        ("18", "ALTER TABLE intrinsic ADD COLUMN ap_width FLOAT", "intrinsic has ap_width of"),
        ("15", "ALTER TABLE cell ADD COLUMN cell_class VARCHAR", "cell has cell_class of"),
    ],
)
def test_columns_of_another_version_do_not_fit(
    releases: dict[str, sf.SynphysDatabase],
    tmp_path: Path,
    version: str,
    statement: str,
    message: str,
) -> None:
    path = tmp_path / "r.sqlite"
    path.write_bytes(releases[version].path.read_bytes())
    change(path, statement)
    with pytest.raises(ReleaseFileError, match=message):
        sf.load_sqlite(path)


def test_undecodable_text_in_a_moved_column(
    releases: dict[str, sf.SynphysDatabase], tmp_path: Path
) -> None:
    path = tmp_path / "r.sqlite"
    path.write_bytes(releases["16"].path.read_bytes())
    change(path, "UPDATE morphology SET cortical_layer = x'ff00' WHERE id = 3")
    with pytest.raises(StoredValueError, match=r"morphology\.cortical_layer holds"):
        sf.load_sqlite(path).pairs(include="cell")


def test_unknown_tables_of_a_newer_version_keep_their_references(tmp_path: Path) -> None:
    path = change(
        build(tmp_path / "new.sqlite", db_version="23"),
        "CREATE TABLE thing (id INTEGER PRIMARY KEY, cell_id INTEGER REFERENCES cell(id), x FLOAT)",
        "INSERT INTO thing VALUES (1, 3, 0.5), (2, 5, 0.25)",
    )
    with pytest.warns(UserWarning, match="newer"):
        db = sf.load_sqlite(path)
    assert db.cell.synphys.join("thing")["thing.x"].notna().sum() == 2
    assert db.thing.synphys.join("cell.cre_type")["cell.cre_type"].isna().tolist() == [True, False]
    assert db.pairs(where="pre_thing.x > 0.3")["pair.id"].tolist() == [2]


def test_queries_on_a_small_file_say_that_rows_are_missing(
    releases: dict[str, sf.SynphysDatabase],
) -> None:
    with pytest.raises(MissingRowsError, match="small file"):
        releases["22"].table("recording", where="stim_name LIKE '%TargetV%'")
    with pytest.warns(UserWarning, match="small file: its table recording has no rows"):
        releases["22"].sql("SELECT count(*) FROM recording")
    groups = releases["22"].pairs(include="synapse_prediction")
    assert groups.attrs["synphys"]["empty"] == ["synapse_prediction"]
