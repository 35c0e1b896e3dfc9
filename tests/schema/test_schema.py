from __future__ import annotations

from pathlib import Path

import pytest

from synphys_frames.errors import UnknownColumnError, UnknownTableError, UnknownVersionError
from synphys_frames.schema.join_graph import Aliases
from synphys_frames.schema.published import VERSIONS, published_schema, undeclared_column

TABLES = {"15": 26, "16": 27, "17": 29, "18": 30, "19": 30, "20": 31, "21": 32, "22": 32}


@pytest.mark.parametrize("version", VERSIONS)
def test_every_version_is_whole(version: str) -> None:
    schema = published_schema(version)
    assert len(schema.tables) == TABLES[version]
    for table in schema:
        assert table.description, table.name
        assert table.columns["id"].primary_key
        for column in table.columns.values():
            assert column.description, column
            # What this one column of schema 15 was measured in is published nowhere.
            if column.kind == "float" and (table.name, column.name) != ("gap_junction", "strength"):
                assert column.unit, column
            if column.references:
                target, key = column.references
                assert schema.tables[target].columns[key].kind == "int"


SI_UNITS = frozenset(
    {"1", "count", "m", "s", "Hz", "V", "A", "V or A", "A or V", "V/s", "V/s or A/s"}
    | {"ohm", "S", "F", "rad*Hz"}
)
NOT_SI = {
    "avg_response_fit.holding": "mV",
    "avg_response_fit.laser_power_command": "command value",
    "experiment.acq_timestamp": "s since 1970-01-01 UTC",
    "experiment.target_temperature": "degC",
    "intrinsic.fi_slope": "Hz/pA × 1e-12",
    "patch_seq.picogreen_yield": "pg/uL",
    "slice.acq_timestamp": "s since 1970-01-01 UTC",
    "sync_rec.temperature": "degC",
}


def test_the_columns_that_are_not_in_si_units_are_these() -> None:
    units = {
        f"{column.table}.{column.name}": column.unit
        for version in VERSIONS
        for table in published_schema(version)
        for column in table.columns.values()
        if column.unit is not None
    }
    assert {name: unit for name, unit in units.items() if unit not in SI_UNITS} == NOT_SI
    assert units["conductance.effective_conductance"] == "1"
    readme = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    limits = readme.partition("## Limits")[2]
    assert [name for name in NOT_SI if name.partition(".")[2] not in limits] == []


def test_wrong_names() -> None:
    with pytest.raises(UnknownVersionError, match="Known: 15, 16"):
        published_schema("14")
    schema = published_schema("22")
    with pytest.raises(UnknownTableError, match="Did you mean 'synapse'"):
        schema.table("synapses")
    with pytest.raises(UnknownColumnError, match="Did you mean 'distance'"):
        schema.table("pair").column("dist")


@pytest.mark.parametrize(
    ("declared", "kind"),
    [
        ("BOOLEAN", "bool"),
        ("BIGINT", "int"),
        ("double precision", "float"),
        ("DATETIME", "datetime"),
        ("BLOB", "array"),
        ("VARCHAR", "str"),
        ("", "str"),
    ],
)
def test_undeclared_columns_go_by_their_type(declared: str, kind: str) -> None:
    assert undeclared_column("t", "c", declared).kind == kind


@pytest.mark.parametrize(
    ("source", "name", "expected"),
    [
        ("pair", "cell", ["pre_cell", "post_cell"]),
        ("pair", "pre_cell", ["pre_cell"]),
        ("pair", "morphology", ["pre_morphology", "post_morphology"]),
        ("pair", "slice", ["slice"]),
        ("pair", "recording", ["recording"]),
        ("cell", "cortical_site", ["cortical_site"]),
        ("synapse", "cell", ["pre_cell", "post_cell"]),
        ("experiment", "cell", ["cell"]),
    ],
)
@pytest.mark.parametrize("version", ["18", "22"])
def test_names_of_joined_tables(version: str, source: str, name: str, expected: list[str]) -> None:
    aliases = Aliases(published_schema(version), source)
    assert [alias.name for alias in aliases.resolve(name)] == expected


@pytest.mark.parametrize(("version", "key"), [("15", "pair_id"), ("22", "synapse_id")])
def test_fits_are_joined_by_the_key_that_the_version_has(version: str, key: str) -> None:
    assert Aliases(published_schema(version), "pair")["resting_state_fit"].key == key
