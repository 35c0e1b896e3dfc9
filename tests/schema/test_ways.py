"""The ways between tables, held against a routing table written by hand."""

from __future__ import annotations

import re
import sqlite3
import warnings
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest

import synphys_frames as sf
from synphys_frames.errors import AmbiguousWayWarning, ArgumentError, JoinError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DETAILS = "morphology intrinsic patch_seq cortical_cell_location"
CELLS = f"cell {DETAILS} cortical_site"
FITS = "resting_state_fit avg_response_fit"
BESIDE_PAIR = "synapse poly_synapse dynamics synapse_model synapse_prediction gap_junction"
PAIRS = f"pair {BESIDE_PAIR} conductance {FITS}"
RESPONSES = "pulse_response pulse_response_fit pulse_response_strength"
PARTS = "patch_clamp_recording multi_patch_probe"
STIMULI = "stim_pulse stim_spike"
BASELINES = "baseline baseline_response_strength"
IN_RECORDING = f"{PARTS} test_pulse {STIMULI} {BASELINES}"
ABOVE = "experiment slice"
REST = "*"

# The next table on the way from a table to others. Two names: both are gone by.
ROUTES: dict[str, dict[str, str]] = {
    "slice": {"cortical_site": "cortical_site", REST: "experiment"},
    "experiment": {
        "slice": "slice", "cortical_site": "cortical_site", "electrode": "electrode",
        f"cell {DETAILS}": "cell", f"sync_rec recording {IN_RECORDING}": "sync_rec",
        f"{PAIRS} {RESPONSES}": "pair",
    },
    "cortical_site": {
        "slice": "slice", "experiment": "experiment", REST: "cortical_cell_location",
    },
    "electrode": {ABOVE: "experiment", f"{CELLS} {PAIRS}": "cell", REST: "recording"},
    "cell": {
        ABOVE: "experiment", "morphology": "morphology", "intrinsic": "intrinsic",
        "patch_seq": "patch_seq", "cortical_cell_location cortical_site": "cortical_cell_location",
        f"{PAIRS} {RESPONSES}": "pair", REST: "electrode",
    },
    "cortical_cell_location": {"cortical_site": "cortical_site", REST: "cell"},
    "sync_rec": {ABOVE: "experiment", REST: "recording"},
    "recording": {
        f"sync_rec {ABOVE}": "sync_rec", f"electrode {CELLS}": "electrode",
        f"{PAIRS} {RESPONSES}": "pulse_response", PARTS: "patch_clamp_recording",
        STIMULI: "stim_pulse", BASELINES: "baseline", "test_pulse": "test_pulse",
    },
    "patch_clamp_recording": {"multi_patch_probe": "multi_patch_probe", REST: "recording"},
    "stim_pulse": {
        "stim_spike": "stim_spike", f"{PAIRS} {RESPONSES}": "pulse_response", REST: "recording",
    },
    "baseline": {
        "baseline_response_strength": "baseline_response_strength",
        "pulse_response_strength": "pulse_response_strength",
        f"{PAIRS} {RESPONSES}": "pulse_response", REST: "recording",
    },
    "pulse_response": {
        f"{PAIRS} {CELLS} {ABOVE}": "pair", STIMULI: "stim_pulse", BASELINES: "baseline",
        "pulse_response_fit": "pulse_response_fit",
        "pulse_response_strength": "pulse_response_strength", REST: "recording",
    },
    "pulse_response_strength": {"baseline": "baseline", REST: "pulse_response"},
    "pair": {
        ABOVE: "experiment", f"{CELLS} electrode": "cell", "conductance": "synapse",
        FITS: "synapse poly_synapse", **{name: name for name in BESIDE_PAIR.split()},
        REST: "pulse_response",
    },
    "synapse": {**{name: name for name in (*FITS.split(), "conductance")}, REST: "pair"},
    "poly_synapse": {**{name: name for name in FITS.split()}, REST: "pair"},
    **{
        fit: {
            "synapse conductance": "synapse", "poly_synapse": "poly_synapse",
            REST: "synapse poly_synapse",
        }
        for fit in FITS.split()
    },
    "conductance": {REST: "synapse"},
    **{name: {REST: "pair"} for name in BESIDE_PAIR.split()[2:]},
    **{name: {REST: "cell"} for name in DETAILS.split()[:3]},
    "stim_spike": {REST: "stim_pulse"},
    "multi_patch_probe": {REST: "patch_clamp_recording"},
    "test_pulse": {REST: "recording"},
    "pulse_response_fit": {REST: "pulse_response"},
    "baseline_response_strength": {REST: "baseline"},
}  # fmt: skip
# Until schema 15 a response did not say which baseline it has, so the recording tells.
ROUTES_15 = {
    "baseline": {"baseline_response_strength": "baseline_response_strength", REST: "recording"},
    "pulse_response": ROUTES["pulse_response"] | {BASELINES: "recording"},
    "pulse_response_strength": {REST: "pulse_response"},
}
# In a medium file as it is made up, each side key leads where the way leads. Here none does.
TWISTS = (
    "UPDATE stim_pulse SET cell_id = CASE WHEN id % 2 THEN NULL ELSE cell_id % 5 + 1 END",
    "UPDATE patch_clamp_recording SET nearest_test_pulse_id = CASE WHEN id % 3 THEN id % 7 + 1 END",
    "UPDATE test_pulse SET electrode_id = CASE WHEN id % 3 THEN id % 5 + 1 END",
    "UPDATE pulse_response SET baseline_id = baseline_id % 6 + 1",
    "UPDATE pulse_response_strength SET baseline_id = baseline_id % 4 + 2",
    "UPDATE cortical_cell_location SET cortical_site_id = cortical_site_id % 2 + 1",
    "UPDATE resting_state_fit SET synapse_id = NULL, poly_synapse_id = 1 WHERE id % 3 = 0",
    "UPDATE avg_response_fit SET synapse_id = NULL, poly_synapse_id = 2 WHERE id % 4 = 0",
    "DELETE FROM pulse_response WHERE id % 3 = 0",
    (
        "INSERT INTO recording (id, sync_rec_id, electrode_id) SELECT id + 1000, sync_rec_id, "
        "electrode_id FROM recording WHERE id % 2"
    ),
    "INSERT INTO stim_pulse (id, recording_id) SELECT id + 5000, id FROM recording WHERE id > 1000",
)


@pytest.fixture(
    scope="module",
    params=[
        pytest.param("15", marks=pytest.mark.slow),
        pytest.param("17", marks=pytest.mark.slow),
        pytest.param("18", marks=pytest.mark.slow),
        "22",
    ],
)
def twisted(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[sf.SynphysDatabase]:
    version = request.param
    path = tmp_path_factory.mktemp("ways") / f"v{version}.sqlite"
    sf.build_sample(path, scale=1 / 600, size="medium", schema_version=version)
    twist(path)
    with sf.load_sqlite(path) as db:
        yield db


def twist(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        for statement in TWISTS:
            try:
                connection.execute(statement)
            except sqlite3.OperationalError as error:
                # An older schema version lacks the table or column.
                if not re.match("no such (table|column)", str(error)):
                    raise
        connection.commit()


class Reference:
    """Rows found step by step, by the routes above and pandas."""

    def __init__(self, db: sf.SynphysDatabase) -> None:
        self.frames: dict[str, pd.DataFrame] = {}
        self.steps: dict[tuple[str, frozenset[int], str], set[int]] = {}
        self.routes = ROUTES | (ROUTES_15 if db.schema_version == "15" else {})
        for name in db.tables["table"]:
            if name not in ("metadata", "pipeline"):
                self.frames[name] = db.table(name).filter(regex="^id$|_id$")

    def related(self, source: str, ids: set[int], target: str) -> set[int]:
        if source == target:
            return ids
        routes = self.routes[source]
        hops = next((to for names, to in routes.items() if target in names.split()), "")
        hops = hops or routes[REST]
        reached: set[int] = set()
        for hop in hops.split():
            if hop in self.frames:
                reached |= self.related(hop, self.step(source, ids, hop), target)
        return reached

    def step(self, source: str, ids: set[int], target: str) -> set[int]:
        key = (source, frozenset(ids), target)
        if key not in self.steps:
            self.steps[key] = self.rows_beside(source, ids, target)
        return self.steps[key]

    def rows_beside(self, source: str, ids: set[int], target: str) -> set[int]:
        here, there = self.frames[source], self.frames[target]
        mine = here[here["id"].isin(ids)]
        if (source, target) == ("pair", "cell"):
            return {*mine["pre_cell_id"], *mine["post_cell_id"]}
        if (source, target) == ("cell", "pair"):
            both = there["pre_cell_id"].isin(ids) & there["post_cell_id"].isin(ids)
            return set(there.loc[both, "id"])
        if {source, target} & set(FITS.split()) and "pair_id" in self.frames["avg_response_fit"]:
            # Until schema 17 fits belong to the pair of a synapse.
            return set(there.loc[there["pair_id"].isin(mine["pair_id"]), "id"])
        key = f"{target}_id"
        if key in here:
            return set(there.loc[there["id"].isin(mine[key].dropna()), "id"])
        return set(there.loc[there[f"{source}_id"].isin(ids), "id"])


@pytest.fixture(scope="module")
def reference(twisted: sf.SynphysDatabase) -> Reference:
    return Reference(twisted)


def half(db: sf.SynphysDatabase, table: str) -> pd.DataFrame:
    frame = db[table]
    return frame.iloc[: (len(frame) + 1) // 2]


def related_ids(frame: pd.DataFrame, target: str, **arguments: Any) -> set[int]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", AmbiguousWayWarning)
        return set(frame.synphys.related(target, **arguments)["id"])


@pytest.mark.slow
def test_every_way_leads_where_the_dataset_says(
    twisted: sf.SynphysDatabase, reference: Reference
) -> None:
    led, wrong = 0, []
    for source in reference.frames:
        frame = half(twisted, source)
        ids = set(frame["id"])
        for target in set(reference.frames) - {source}:
            expected = reference.related(source, ids, target)
            led += bool(expected)
            if related_ids(frame, target) != expected:
                wrong.append((source, target))
    assert wrong == []
    # Nothing would be shown by ways that lead to nothing.
    count = len(reference.frames)
    assert led > 0.9 * count * (count - 1)


def test_ways_lists_every_pair_of_tables(twisted: sf.SynphysDatabase, reference: Reference) -> None:
    ways = twisted.ways
    listed = set(zip(ways["source"], ways["target"], strict=True))
    tables = set(reference.frames)
    assert listed == {(one, other) for one in tables for other in tables if one != other}
    by_tables = ways.set_index(["source", "target"])["way"]
    assert by_tables["cell", "stim_spike"] == (
        "cell → electrode → recording → stim_pulse → stim_spike"
    )
    assert by_tables["pair", "cell"] == "pair → pre_cell and pair → post_cell"


def expected_by_key(reference: Reference, source: str, ids: set[int], target: str, via: str) -> Any:
    table, key = via.split(".")
    referred = key.removesuffix("_id").removeprefix("nearest_")
    frame = reference.frames[table]
    if target in (referred, *DETAILS.split()):  # followed upwards
        rows = reference.related(source, ids, table)
        keys = set(frame.loc[frame["id"].isin(rows), key].dropna())
        return reference.related(referred, keys, target)
    rows = set(frame.loc[frame[key].isin(reference.related(source, ids, referred)), "id"])
    return reference.related(table, rows, target)


@pytest.fixture(scope="module")
def newest(tmp_path_factory: pytest.TempPathFactory) -> Iterator[sf.SynphysDatabase]:
    path = tmp_path_factory.mktemp("ways") / "newest.sqlite"
    sf.build_sample(path, scale=1 / 600, size="medium")
    twist(path)
    with sf.load_sqlite(path) as db:
        yield db


def test_a_way_can_be_named(newest: sf.SynphysDatabase) -> None:
    reference = Reference(newest)
    # Every third: each kind of table is among them.
    ways = newest.ways.dropna(subset="other_ways")[::3]
    assert len(ways) > 50
    differing = 0
    for source, target, _, others in ways.itertuples(index=False):
        frame = half(newest, source).iloc[:2]
        ids = set(frame["id"])
        taken = related_ids(frame, target)
        for via in re.findall('via="(.*?)"', others):
            if "." in via:
                expected = expected_by_key(reference, source, ids, target, via)
            else:
                expected = reference.related(via, reference.related(source, ids, via), target)
            assert related_ids(frame, target, via=via) == expected, (source, target, via)
            differing += expected != taken
    assert differing > 0.7 * len(ways)


@pytest.mark.parametrize(
    ("source", "target", "others"),
    [
        ("pair", "recording", 'via="cell"'),
        ("synapse", "patch_clamp_recording", 'via="cell"'),
        ("recording", "synapse", 'via="cell"'),
        ("stim_pulse", "cell", 'via="stim_pulse.cell_id"'),
        ("stim_spike", "morphology", 'via="stim_pulse.cell_id"'),
        ("patch_clamp_recording", "test_pulse", "nearest_test_pulse_id"),
        ("test_pulse", "electrode", 'via="test_pulse.electrode_id"'),
        ("stim_pulse", "baseline", 'via="pulse_response"'),
        ("pulse_response", "electrode", 'via="stim_pulse"'),
        ("electrode", "pulse_response", 'via="stim_pulse" or via="cell"'),
    ],
)
def test_the_verb_names_the_other_ways(
    newest: sf.SynphysDatabase, source: str, target: str, others: str
) -> None:
    frame = half(newest, source)
    with pytest.warns(AmbiguousWayWarning) as caught:
        taken = frame.synphys.related(target)
    [said] = [str(one.message) for one in caught]
    assert others in said
    assert caught[0].filename == __file__
    # The way that the message calls the one that was taken is the one that was taken.
    [own] = re.findall('via="([a-z_]+)" says', said)
    pd.testing.assert_frame_equal(frame.synphys.related(target, via=own), taken)


@pytest.mark.parametrize(
    ("source", "target"),
    [
        ("cell", "recording"), ("cell", "pair"), ("cell", "pulse_response"), ("pair", "cell"),
        ("pulse_response", "recording"), ("recording", "pulse_response"), ("recording", "cell"),
        ("pair", "pre_recording"), ("slice", "stim_pulse"), ("pulse_response", "pair"),
    ],
)  # fmt: skip
def test_where_one_way_is_meant_nothing_is_said(
    newest: sf.SynphysDatabase, source: str, target: str
) -> None:
    assert len(half(newest, source).synphys.related(target)) > 0


def test_a_side_key_that_leads_to_the_same_rows_is_no_other_way(
    medium: dict[str, sf.SynphysDatabase],
) -> None:
    pulses = medium["22"].stim_pulse.head(40)
    found = pulses.synphys.related("cell")
    assert found["id"].tolist() == sorted(set(pulses["cell_id"]))
    assert pulses.synphys.join("cell.id")["cell.id"].tolist() == pulses["cell_id"].tolist()
    # One that the frame does not have can't be compared.
    with pytest.warns(AmbiguousWayWarning, match=r"stim_pulse\.cell_id"):
        pulses.drop(columns="cell_id").synphys.related("cell")


def test_join_takes_the_ways_too(newest: sf.SynphysDatabase) -> None:
    pulses = newest.stim_pulse
    with pytest.warns(AmbiguousWayWarning, match="cell_id"):
        joined = pulses.synphys.join("cell.id")
    recordings = newest.recording.set_index("id")["electrode_id"]
    cells = newest.cell.set_index("electrode_id")["id"]
    expected = pulses["recording_id"].map(recordings).map(cells)
    assert joined["cell.id"].tolist() == expected.tolist()
    aimed = pulses.synphys.join("cell.id", "experiment.id", via="stim_pulse.cell_id")
    assert aimed["cell.id"].fillna(-1).tolist() == pulses["cell_id"].fillna(-1).tolist()
    of_cell = newest.cell.set_index("id")["experiment_id"]
    assert aimed["experiment.id"].fillna(-1).tolist() == (
        pulses["cell_id"].map(of_cell).fillna(-1).tolist()
    )
    responses = newest.pulse_response.head(40)
    evoking = responses.synphys.join("electrode.id", via="stim_pulse")["electrode.id"]
    pre = newest.pair.set_index("id")["pre_cell_id"].map(newest.cell.set_index("id").electrode_id)
    assert evoking.tolist() == responses["pair_id"].map(pre).tolist()
    post = responses.synphys.join("electrode.id", via="recording")["electrode.id"]
    assert (post.to_numpy() != evoking.to_numpy()).all()


def test_join_by_a_key_that_leads_to_several_rows(newest: sf.SynphysDatabase) -> None:
    with pytest.raises(JoinError, match="several rows"):
        newest.cell.synphys.join("recording", via="stim_pulse.cell_id")
    with pytest.raises(JoinError, match="name 'pre_cell' or 'post_cell'"):
        newest.pair.synphys.join("electrode", via="cell")
    pre = newest.pair.synphys.join("electrode.id", via="pre_cell")["electrode.id"]
    electrodes = newest.cell.set_index("id")["electrode_id"]
    assert pre.tolist() == newest.pair["pre_cell_id"].map(electrodes).tolist()


@pytest.mark.parametrize(
    ("via", "error", "message"),
    [
        (3, ArgumentError, "via takes a table or a foreign key"),
        ("nowhere", JoinError, "leads from .stim_pulse. to .nowhere."),
        ("metadata", JoinError, "No foreign key leads from 'stim_pulse' to 'metadata'"),
        ("stim_pulse.onset_time", JoinError, "no foreign key.*stim_pulse.cell_id"),
        ("stim_pulse.cell", sf.errors.UnknownColumnError, "cell_id"),
    ],
)
def test_a_way_that_is_none(
    newest: sf.SynphysDatabase, via: Any, error: type[Exception], message: str
) -> None:
    for call in (newest.stim_pulse.synphys.related, newest.stim_pulse.synphys.join):
        with pytest.raises(error, match=message):
            call("cell", via=via)


def test_parquet_goes_the_same_ways(newest: sf.SynphysDatabase, tmp_path: Path) -> None:
    newest.to_parquet(tmp_path / "set", progress=False)
    with sf.load_parquet(tmp_path / "set") as dataset:
        pd.testing.assert_frame_equal(dataset.ways, newest.ways)
        found = dataset.cell.head(2).synphys.related("stim_pulse")["id"]
        expected = newest.cell.head(2).synphys.related("stim_pulse")["id"]
        assert found.tolist() == expected.tolist()
        assert len(found) > 0
