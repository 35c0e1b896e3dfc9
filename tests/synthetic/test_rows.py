"""The sample against what was published of the real r2.1 small release."""

from __future__ import annotations

import io
import json
import re
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import synphys_frames as sf
from synphys_frames.schema.published import VERSIONS, published_schema
from synphys_frames.synthetic.cohorts import apportioned
from tests.support.release_builder import query

if TYPE_CHECKING:
    from pathlib import Path

PUBLISHED = {
    "SELECT count(*) FROM slice": 4276,
    "SELECT count(*) FROM experiment": 5058,
    "SELECT count(*) FROM cell": 24_739,
    "SELECT count(*) FROM pair": 123_506,
    "SELECT count(*) FROM synapse": 3297,
    "SELECT count(*) FROM intrinsic": 17_940,
    "SELECT count(*) FROM avg_response_fit": 9139,
    "SELECT count(*) FROM resting_state_fit": 3384,
    "SELECT count(*) FROM dynamics": 3287,
    "SELECT count(*) FROM cortical_cell_location": 12_451,
    "SELECT count(DISTINCT cell_id) FROM cortical_cell_location": 12_451,
    "SELECT count(*) FROM cell WHERE cell_class_nonsynaptic = 'in'": 6679,
    "SELECT count(*) FROM cell WHERE cell_class_nonsynaptic = 'ex'": 4410,
    "SELECT count(*) FROM cell WHERE cell_class_nonsynaptic = 'mixed'": 166,
    "SELECT count(*) FROM cell WHERE cell_class_nonsynaptic IS NULL": 13_484,
    "SELECT count(*) FROM pair WHERE has_synapse IS NULL": 41_564,
    "SELECT count(*) FROM pair WHERE has_synapse": 3297,
    "SELECT count(*) FROM avg_response_fit WHERE synapse_id IS NULL AND poly_synapse_id > 0": 268,
    "SELECT count(*) FROM avg_response_fit WHERE manual_qc_pass AND clamp_mode = 'ic' "
    "AND holding = -70": 1270,
    "SELECT count(*) FROM avg_response_fit WHERE manual_qc_pass AND clamp_mode = 'vc' "
    "AND holding = -55": 1993,
    "SELECT count(*) FROM resting_state_fit WHERE length(ic_pulse_ids) > 0": 2318,
    "SELECT count(*) FROM dynamics WHERE stp_all_stimuli NOT IN ('null', '[]')": 2126,
}
BY_SPECIES = {
    "SELECT species, count(*) FROM cell JOIN experiment e ON e.id = experiment_id "
    "JOIN slice s ON s.id = slice_id GROUP BY 1": [("human", 3306), ("mouse", 21_433)],
    "SELECT species, synapse_type, count(*) FROM synapse JOIN pair p ON p.id = pair_id "
    "JOIN experiment e ON e.id = experiment_id JOIN slice s ON s.id = slice_id GROUP BY 1, 2": [
        ("human", "ex", 376),
        ("human", "in", 111),
        ("mouse", "ex", 1106),
        ("mouse", "in", 1704),
    ],
}
STANDARD: dict[str, Any] = {"experiment_type": "standard multipatch", "species": "mouse"}
# Vocabularies with more words than the test names.
_OPEN = ("cell.cre_type", "cell.target_layer", "cortical_cell_location.cortical_layer")
NEVER_FILLED = {
    "slice": "weight",
    "avg_response_fit": "fit_rise_power",
    "synapse_model": "marginal_distributions confidence_intervals ml_strength_ci "
    "ml_quanta_per_spike_ci ml_sites_pr_ratio_ci",
}


@pytest.mark.slow
def test_a_release_of_scale_1_has_the_published_counts(tmp_path: Path) -> None:
    path = sf.build_sample(tmp_path / "r.sqlite", scale=1)
    assert {sql: query(path, sql)[0][0] for sql in PUBLISHED} == PUBLISHED
    assert {sql: query(path, sql) for sql in BY_SPECIES} == BY_SPECIES
    with sf.load_sqlite(path) as db:
        assert len(db.pairs(**STANDARD)) == 83_552
        assert len(db.pairs(**STANDARD, synapse=True)) == 1805
        assert len(db.pairs(**STANDARD, synapse_probed=True)) == 23_320


@pytest.mark.slow
def test_a_release_of_scale_10_has_distinct_experiments(tmp_path: Path) -> None:
    path = sf.build_sample(tmp_path / "synthetic.sqlite", scale=10)
    assert query(path, "SELECT count(*), count(DISTINCT ext_id) FROM experiment") == [
        (50_580, 50_580)
    ]
    assert query(path, "SELECT count(*) - count(DISTINCT ext_id) FROM slice") == [(0,)]


def test_the_sample_has_the_published_counts_at_its_scale(sample_path: Path) -> None:
    counts = {sql: query(sample_path, sql)[0][0] for sql in PUBLISHED}
    assert counts == pytest.approx({sql: count / 60 for sql, count in PUBLISHED.items()}, abs=1.5)
    for sql, published in BY_SPECIES.items():
        assert [row[-1] for row in query(sample_path, sql)] == pytest.approx(
            [row[-1] / 60 for row in published], abs=1.5
        )


def test_the_pairs_of_the_sample_as_published(db: sf.SynphysDatabase) -> None:
    for filters, published in (({}, 83_552), ({"synapse": True}, 1805)):
        assert len(db.pairs(**STANDARD, **filters)) == pytest.approx(published / 60, abs=1.5)
    probed = db.pairs(**STANDARD, synapse_probed=True)
    assert len(probed) == pytest.approx(23_320 / 60, abs=1.5)
    # Some probed pairs have no answer, and some connected ones were not probed enough.
    assert probed["pair.has_synapse"].isna().any()
    assert 0 < probed["pair.has_synapse"].sum() < len(db.pairs(**STANDARD, synapse=True))


@pytest.mark.parametrize(
    ("column", "values"),
    [
        ("cell.cre_type", {"sst", "pvalb", "vip", "tlx3", "unknown", "sst,pvalb", None}),
        ("cell.target_layer", {"1", "2/3", "3", "4", "5", "5a", "6", "+", "", None}),
        ("cell.cell_class", {"ex", "in", "mixed", None}),
        ("cell.ext_id", set("12345678")),
        ("cortical_cell_location.cortical_layer", {"2/3", "4", "5", "6", "6a", "6b", None}),
        ("morphology.dendrite_type", {"spiny", "aspiny", "sparsely spiny", "NEI", None}),
        ("experiment.target_region",
         {"VisP", "TEa", "ALM", "FCx", "PCx", "OCx", "TCx", "", None}),
        ("experiment.acsf", {"2mM Ca & Mg", "1.3mM Ca & 1mM Mg", None}),
        ("experiment.project_name",
         {"mouse V1 coarse matrix", "mouse V1 pre-production", "human coarse matrix",
          "mouse synthetic extra", "human synthetic extra", None}),
        ("synapse.synapse_type", {"ex", "in"}),
        ("pair.has_synapse", {0, 1, None}),
        ("pair.has_electrical", {0, 1, None}),
        ("avg_response_fit.holding", {-70.0, -55.0}),
    ],
)  # fmt: skip
def test_vocabularies(sample_path: Path, column: str, values: set[Any]) -> None:
    table, _, name = column.partition(".")
    stored = {row[0] for row in query(sample_path, f"SELECT DISTINCT {name} FROM {table}")}
    assert values <= stored
    if column not in _OPEN:
        assert values == stored


def test_columns_that_were_never_filled(sample_path: Path) -> None:
    for table, names in NEVER_FILLED.items():
        for name in names.split():
            kind = published_schema("22").table(table).columns[name].kind
            # JSON has its own word for it.
            missing = "null" if kind == "json" else None
            assert query(sample_path, f"SELECT DISTINCT {name} FROM {table}") == [(missing,)]


def test_missing_arrays_are_empty_blobs_and_the_others_npy(sample_path: Path) -> None:
    stored = [row[0] for row in query(sample_path, "SELECT ic_pulse_ids FROM resting_state_fit")]
    assert b"" in stored
    assert None not in stored
    shapes = set()
    for blob in filter(None, stored):
        ids = np.load(io.BytesIO(blob), allow_pickle=False)
        assert ids.ndim == 2
        assert ids.dtype.kind == "i"
        shapes.add(ids.shape[0])
    assert shapes == {1}
    for (blob,) in query(sample_path, "SELECT avg_data FROM avg_response_fit"):
        assert np.isfinite(np.load(io.BytesIO(blob), allow_pickle=False)).all()


def test_json_has_its_documented_shapes(sample_path: Path) -> None:
    texts = [row[0] for row in query(sample_path, "SELECT stp_all_stimuli FROM dynamics")]
    assert {"null", "[]"} < set(texts)
    [pulses] = {
        len(results["pulse_amplitudes"])
        for text in texts
        for (mode, frequency, _), results in json.loads(text) or []
        if mode in ("ic", "vc") and frequency > 0 and len(results["stp_induction"]) == 3
    }
    assert pulses == 12
    for (text,) in query(sample_path, "SELECT parameter_space FROM synapse_model"):
        assert all(isinstance(name, str) and values for name, values in json.loads(text))
    names = query(
        sample_path,
        "SELECT m.meta, e.ext_id, a.ext_id, b.ext_id FROM synapse_model m "
        "JOIN pair p ON p.id = m.pair_id JOIN experiment e ON e.id = p.experiment_id "
        "JOIN cell a ON a.id = pre_cell_id JOIN cell b ON b.id = post_cell_id "
        "WHERE m.meta != 'null'",
    )
    assert names
    for meta, *ids in names:
        assert json.loads(meta) == {"pair_ext_id": " ".join(ids)}
        assert re.fullmatch(r"\d{10}\.\d{3}", ids[0])
    places = query(sample_path, "SELECT position, distance_to_pia FROM cortical_cell_location")
    for place, depth in places:
        # Metres, or pixels where there is no depth.
        assert len(json.loads(place)) == 2
        assert (max(map(abs, json.loads(place))) > 1) == (depth is None)


def test_numbers_have_their_published_signs_and_sizes(sample_path: Path) -> None:
    rows = query(
        sample_path,
        "SELECT synapse_type, min(sign(psp_amplitude)), max(sign(psp_amplitude)), "
        "min(sign(psc_amplitude)), max(sign(psc_amplitude)) FROM synapse GROUP BY 1",
    )
    assert rows == [("ex", 1.0, 1.0, -1.0, -1.0), ("in", -1.0, -1.0, 1.0, 1.0)]
    shortest, faintest = query(
        sample_path, "SELECT min(latency), min(abs(psc_amplitude)) FROM synapse"
    )[0]
    assert shortest == -4.4e-5
    assert 0 < faintest < 1e-24
    slopes = query(sample_path, "SELECT fi_slope FROM intrinsic WHERE fi_slope > 0")
    assert 5e-14 < np.median(slopes) < 1e-12
    ratios = query(sample_path, "SELECT max(abs(effective_conductance)) FROM conductance")
    assert 0 < ratios[0][0] < 1
    [(endless,)] = query(
        sample_path, "SELECT count(*) FROM avg_response_fit WHERE fit_exp_tau = 9e999"
    )
    assert endless > 0
    assert query(sample_path, "SELECT sum(ic_latency IS NULL) * 1.0 / count(*) "
                 "FROM resting_state_fit")[0][0] > 0.8  # fmt: skip


def test_pairs_are_both_ways_and_within_an_experiment(sample_path: Path) -> None:
    [(pairs, back, within)] = query(
        sample_path,
        "SELECT count(*), sum(r.reciprocal_id = p.id AND r.pre_cell_id = p.post_cell_id "
        "AND r.post_cell_id = p.pre_cell_id AND r.distance IS p.distance), "
        "sum(a.experiment_id = p.experiment_id AND b.experiment_id = p.experiment_id) "
        "FROM pair p JOIN pair r ON r.id = p.reciprocal_id "
        "JOIN cell a ON a.id = p.pre_cell_id JOIN cell b ON b.id = p.post_cell_id",
    )
    assert pairs == back == within == query(sample_path, "SELECT count(*) FROM pair")[0][0]
    sizes = [
        row[0] for row in query(sample_path, "SELECT count(*) FROM cell GROUP BY experiment_id")
    ]
    assert (min(sizes), max(sizes)) == (1, 8)
    assert sum(size * (size - 1) for size in sizes) == pairs
    # A synapse is a row of a pair that is said to have one, and the other way round.
    synapses = query(sample_path, "SELECT pair_id FROM synapse ORDER BY 1")
    assert synapses == query(sample_path, "SELECT id FROM pair WHERE has_synapse ORDER BY 1")


def test_ids_have_gaps(sample_path: Path) -> None:
    for table in ("slice", "cell", "pair", "electrode", "intrinsic"):
        [(rows, largest)] = query(sample_path, f"SELECT count(*), max(id) FROM {table}")
        assert largest > rows, table


def test_lengths_are_missing_each_for_its_own_reason(sample_path: Path) -> None:
    [(pairs, neither, lateral)] = query(
        sample_path,
        "SELECT count(*), sum(distance IS NULL), "
        "sum(lateral_distance IS NULL AND distance IS NOT NULL) FROM pair",
    )
    assert 0 < neither < 0.1 * pairs
    assert 0 < lateral < 0.4 * pairs


def test_connection_probability_falls_with_distance(tmp_path: Path) -> None:
    path = sf.build_sample(tmp_path / "r.sqlite", scale=1 / 5)
    rows = np.array(
        query(
            path,
            "SELECT lateral_distance, ifnull(has_synapse, 0) FROM pair WHERE "
            "n_ex_test_spikes > 10 AND n_in_test_spikes > 10 AND lateral_distance IS NOT NULL",
        )
    )
    near, far = rows[rows[:, 0] < 5e-5, 1].mean(), rows[rows[:, 0] > 1e-4, 1].mean()
    assert near > 1.3 * far > 0


@pytest.mark.parametrize("size", ["medium", "full"])
def test_recordings(tmp_path: Path, size: Any) -> None:
    path = sf.build_sample(tmp_path / "r.sqlite", scale=1 / 300, size=size)
    assert query(path, "PRAGMA foreign_key_check") == []
    with sf.load_sqlite(path) as db:
        assert db.size == size
    for table in ("recording.sample_rate", "recording.device_name",
                  "patch_clamp_recording.patch_mode"):  # fmt: skip
        name, _, column = table.partition(".")
        assert query(path, f"SELECT DISTINCT {column} FROM {name}") == [(None,)]
    for table in ("pulse_response", "baseline", "stim_pulse"):
        if size == "medium":
            assert query(path, f"SELECT DISTINCT data, meta FROM {table}") == [(None, None)]
        else:
            for (blob,) in query(path, f"SELECT data FROM {table} LIMIT 20"):
                trace = np.load(io.BytesIO(blob), allow_pickle=False)
                assert (trace.shape, trace.dtype) == ((400,), np.float64)
    # A response is of the cells of its pair: its pulse in one, its recording in the other.
    [(responses, agree)] = query(
        path,
        "SELECT count(*), sum(s.cell_id = p.pre_cell_id AND c.id = p.post_cell_id) "
        "FROM pulse_response r JOIN pair p ON p.id = r.pair_id "
        "JOIN stim_pulse s ON s.id = r.stim_pulse_id JOIN recording o ON o.id = r.recording_id "
        "JOIN cell c ON c.electrode_id = o.electrode_id",
    )
    assert responses == agree > 0


def test_a_trace_shows_the_event_of_its_synapse(tmp_path: Path) -> None:
    path = sf.build_sample(tmp_path / "r.sqlite", scale=1 / 60, size="full")
    rows = query(
        path,
        "SELECT s.synapse_type, r.data FROM pulse_response r JOIN synapse s USING (pair_id) "
        "JOIN patch_clamp_recording c USING (recording_id) WHERE clamp_mode = 'ic'",
    )
    for kind, sign in (("ex", 1), ("in", -1)):
        traces = np.array(
            [np.load(io.BytesIO(data)) for of_kind, data in rows if of_kind == kind]
        ).mean(axis=0)
        # 5 ms before the pulse there is nothing; an event has its peak about 4 ms after it.
        assert sign * (traces[160:220].mean() - traces[:100].mean()) > 5e-5


def test_small_rows_are_the_same_in_larger_sizes(tmp_path: Path) -> None:
    small, medium = (
        sf.build_sample(tmp_path / f"{size}.sqlite", scale=1 / 300, size=size)
        for size in ("small", "medium")
    )
    for table in ("cell", "pair", "synapse", "dynamics", "resting_state_fit"):
        sql = f"SELECT * FROM {table}"
        assert query(small, sql) == query(medium, sql) != []


@pytest.mark.parametrize("version", VERSIONS)
def test_one_version_writes_layers_in_words(
    releases: dict[str, sf.SynphysDatabase], version: str
) -> None:
    table = "morphology" if version < "17" else "cortical_cell_location"
    column = "layer" if version in ("17", "18") else "cortical_layer"
    path = releases[version].path
    stored = [row[0] for row in query(path, f"SELECT {column} FROM {table} WHERE {column} > ''")]
    prefix = "Layer" if version == "18" else ""
    assert {f"{prefix}{layer}" for layer in ("2/3", "5", "6a")} <= set(stored)
    assert all(layer.startswith("Layer") == bool(prefix) for layer in stored)


@pytest.mark.parametrize("version", VERSIONS)
def test_every_version_is_sound_in_medium_size(tmp_path: Path, version: str) -> None:
    path = sf.build_sample(
        tmp_path / "r.sqlite", scale=1 / 400, size="medium", schema_version=version
    )
    assert query(path, "PRAGMA foreign_key_check") == []
    for table in published_schema(version):
        if table.name != "pipeline":
            assert query(path, f"SELECT count(*) FROM {table.name}")[0][0] > 0, table.name


@pytest.mark.parametrize("scale", [1e-9, 1 / 900, 1 / 100, 0.031])
def test_any_scale_can_be_built(tmp_path: Path, scale: float) -> None:
    path = sf.build_sample(tmp_path / "r.sqlite", scale=scale, seed=7)
    assert query(path, "PRAGMA foreign_key_check") == []
    [(synapses,)] = query(path, "SELECT count(*) FROM synapse")
    assert synapses == max(4, round(3297 * scale))


@pytest.mark.parametrize(
    ("total", "weights", "least", "parts"),
    [
        (10, [2, 1, 1], 0, [5, 3, 2]),
        (4, [100, 1, 1], 1, [2, 1, 1]),
        (7, [1, 1], 0, [4, 3]),
        (2, [5, 1, 1], 1, [1, 1, 1]),
    ],
)
def test_apportioned(total: int, weights: list[int], least: int, parts: list[int]) -> None:
    assert apportioned(total, weights, least) == parts
