"""Made-up rows for a synthetic release: plausible in shape and size, measured by nobody."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from .values import listed, plausible_values, with_gaps

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..schema import Schema
    from .values import Rows, Values


PUBLISHED_EXPERIMENTS = 3600
RECORDING_TABLES = frozenset(
    [
        "pipeline",
        "sync_rec",
        "recording",
        "patch_clamp_recording",
        "multi_patch_probe",
        "test_pulse",
        "stim_pulse",
        "stim_spike",
        "baseline",
        "baseline_response_strength",
        "pulse_response",
        "pulse_response_fit",
        "pulse_response_strength",
        "synapse_prediction",
    ]
)

_MOUSE_CRE = ["sst", "pvalb", "vip", "ndnf", "tlx3", "sim1", "rorb", "ntsr1", "cux2", "nr5a1"]
_INHIBITORY = {"sst", "pvalb", "vip", "ndnf", "sst,pvalb"}
_LAYERS = ["1", "2/3", "4", "5", "6"]
_LAYER_DEPTH = {"1": 60e-6, "2/3": 220e-6, "4": 400e-6, "5": 580e-6, "6": 790e-6}
_SIGMA = 120e-6
_NOTHING: Any = None


class SampleRows:
    """All rows of a synthetic release, made from a seed.

    Parameters
    ----------
    schema
        The tables to fill.
    scale
        1 for as many experiments as the published release has.
    seed
        The same seed gives the same rows.
    recordings
        Whether the recording-level tables have rows, too.
    """

    def __init__(self, schema: Schema, scale: float, seed: int, *, recordings: bool) -> None:
        self._schema = schema
        self._random = np.random.default_rng(seed)
        self._recordings = recordings
        self.tables: dict[str, Rows] = {}
        self._make_experiments(max(3, round(PUBLISHED_EXPERIMENTS * scale)))
        self._make_cells()
        self._make_cell_details()
        self._make_pairs()
        self._make_synapses()
        if recordings:
            self._make_recordings()

    def _add(self, table: str, count: int, **columns: Any) -> Rows:
        """Make a table: what is given, and plausible values for the rest."""
        rows: Rows = {}
        given = {
            name: listed(values) if isinstance(values, list | np.ndarray) else [values] * count
            for name, values in columns.items()
        }
        for column in self._schema.table(table).columns.values():
            if column.name == "id":
                rows["id"] = list(range(1, count + 1))
            elif column.name in given:
                rows[column.name] = given[column.name]
            else:
                rows[column.name] = plausible_values(self._random, column, count)
        self.tables[table] = rows
        return rows

    def _with_gaps(self, values: Any, share: float) -> Values:
        return with_gaps(self._random, values, share)

    def _choice(self, options: Sequence[Any], count: int, chances: Sequence[float]) -> Any:
        pool = np.empty(len(options), dtype=object)
        pool[:] = options
        return pool[self._random.choice(len(options), count, p=np.array(chances) / sum(chances))]

    def _make_experiments(self, count: int) -> None:
        random = self._random
        slices = max(2, round(count * 0.9))
        is_mouse = random.random(slices) < 0.8
        is_mouse[:2] = True, False
        born = 1_500_000_000 + np.arange(slices) * 86_400 + random.integers(0, 36_000, slices)
        age = np.where(
            is_mouse, random.integers(38, 75, slices), random.integers(7000, 26_000, slices)
        )
        self._add(
            "slice",
            slices,
            ext_id=[f"{stamp}.{number % 1000:03d}" for number, stamp in enumerate(born)],
            acq_timestamp=born + (np.arange(slices) % 1000) / 1000,
            species=np.where(is_mouse, "mouse", "human"),
            date_of_birth=[
                _time(float(stamp - days * 86_400)) for stamp, days in zip(born, age, strict=True)
            ],
            age=self._with_gaps(age, 0.05),
            sex=self._choice(["M", "F", None], slices, [5, 5, 1]),
            genotype=np.where(is_mouse, "Synthetic-IRES-Cre/wt", _NOTHING),
            orientation="coronal",
            hemisphere=self._choice(["left", "right"], slices, [1, 1]),
            slice_time=[_time(float(stamp) + 0.000123) for stamp in born],
        )
        of_slice = np.sort(
            np.concatenate([np.arange(slices), random.integers(0, slices, count - slices)])
        )
        mouse = is_mouse[of_slice]
        projects = self._choice(
            ["mouse V1 coarse matrix", "mouse V1 pre-production", "mouse synthetic extra"],
            count, [6, 3, 1],
        )  # fmt: skip
        begun = 1_500_000_000 + np.arange(count) * 80_000
        self._add(
            "experiment",
            count,
            ext_id=[f"{stamp}.{number % 1000:03d}" for number, stamp in enumerate(begun)],
            slice_id=of_slice + 1,
            project_name=np.where(mouse, projects, "human coarse matrix"),
            date=[_time(float(stamp)) for stamp in begun],
            target_region=np.where(mouse, "V1", self._choice(["TCx", "FCx"], count, [2, 1])),
            internal=self._choice(["Standard K-Gluc", "PatchSeq", None], count, [6, 3, 1]),
            acsf=self._choice(["2mM Ca & Mg", "1.3mM Ca & 1mM Mg", None], count, [6, 3, 1]),
            target_temperature=34.0,
            rig_name="synthetic rig",
            operator_name="nobody",
            acq_timestamp=begun + (np.arange(count) % 1000) / 1000,
        )
        self._add(
            "cortical_site",
            count,
            slice_id=of_slice + 1,
            experiment_id=np.arange(count) + 1,
            pia_to_wm_distance=random.normal(9e-4, 5e-5, count),
            brain_region="V1",
        )
        self._mouse = mouse

    def _make_cells(self) -> None:
        random = self._random
        chances = [0.05, 0.1, 0.2, 0.25, 0.2, 0.1, 0.1]
        sizes = random.choice([2, 3, 4, 5, 6, 7, 8], len(self._mouse), p=chances)
        experiment = np.repeat(np.arange(len(sizes)), sizes)
        count = len(experiment)
        number = np.arange(count) - np.repeat(np.cumsum(sizes) - sizes, sizes)
        mouse = self._mouse[experiment]
        cre = np.where(
            mouse,
            self._choice([*_MOUSE_CRE, "unknown", "sst,pvalb", None], count, [4] * 10 + [6, 1, 1]),
            self._choice(["unknown", None], count, [4, 1]),
        )
        inhibitory = np.where(np.isin(cre, list(_INHIBITORY)), True, random.random(count) < 0.15)
        sure = random.random(count)
        told = np.where(inhibitory, "in", "ex").astype(object)
        unsure = np.where(sure < 0.95, "mixed", _NOTHING)
        layer = self._choice(_LAYERS, count, [1, 5, 3, 4, 2])
        self._add(
            "electrode",
            count,
            experiment_id=experiment + 1,
            ext_id=[str(value + 1) for value in number],
            patch_status="whole cell",
            device_id=number,
            start_time=_time(1_500_000_000),
            stop_time=_time(1_500_003_600),
        )
        # Cells of one experiment sit around a common centre, within reach of each other.
        place = random.normal(0, 70e-6, (count, 3)) * np.array([1.0, 0.6, 0.5])
        self._position = place
        self._inhibitory = inhibitory
        self._experiment = experiment
        self._layer = layer
        self._add(
            "cell",
            count,
            experiment_id=experiment + 1,
            ext_id=[str(value + 1) for value in number],
            electrode_id=np.arange(count) + 1,
            cre_type=cre,
            target_layer=np.where(random.random(count) < 0.05, _NOTHING, layer),
            position=[json.dumps([float(f"{axis:.4g}") for axis in point]) for point in place],
            depth=random.normal(6e-5, 1.5e-5, count),
            cell_class=np.where(sure < 0.9, told, unsure),
            cell_class_nonsynaptic=np.where(sure < 0.85, told, unsure),
        )

    def _some_cells(self, share: float) -> Any:
        chosen = np.flatnonzero(self._random.random(len(self._experiment)) < share)
        return chosen if len(chosen) else np.array([0])

    def _make_cell_details(self) -> None:
        random = self._random
        here = here_located = self._some_cells(0.85)
        measured = np.where(random.random(len(here)) < 0.9, self._layer[here], "5")
        depth = np.array([_LAYER_DEPTH[layer] for layer in measured]) + self._position[here, 1]
        self._add(
            "cortical_cell_location",
            len(here),
            cell_id=here + 1,
            cortical_site_id=self._experiment[here] + 1,
            cortical_layer=self._with_gaps(measured, 0.05),
            distance_to_pia=depth,
            distance_to_wm=9e-4 - depth,
            fractional_depth=np.clip(depth / 9e-4, 0, 1),
            fractional_layer_depth=self._with_gaps(random.random(len(here)), 0.05),
            position="[0.0, 0.0]",
        )
        here = self._some_cells(0.8)
        self._add("intrinsic", len(here), cell_id=here + 1)
        # Until schema 16 a layer is kept with the morphology: a cell with one has the other.
        here = np.union1d(here_located, self._some_cells(0.6))
        spiny = ~self._inhibitory[here]
        self._add(
            "morphology",
            len(here),
            cell_id=here + 1,
            pyramidal=self._with_gaps(spiny.astype(int), 0.15),
            qual_morpho_type=np.where(spiny, "pyramidal", "other"),
            dendrite_type=self._with_gaps(
                np.where(
                    spiny, "spiny", self._choice(["aspiny", "sparsely spiny"], len(here), [3, 1])
                ),
                0.1,
            ),
            apical_truncation=self._choice(["truncated", "intact", None], len(here), [1, 2, 1]),
            axon_origin=self._choice(["soma", "dendrite", None], len(here), [2, 1, 1]),
        )
        here = self._some_cells(0.15)
        inhibitory = self._inhibitory[here]
        self._add(
            "patch_seq",
            len(here),
            cell_id=here + 1,
            tube_id=[f"SYN-{cell + 1:06d}" for cell in here],
            nucleus=self._choice(["+", "-", None], len(here), [3, 2, 1]),
            t_type=np.where(inhibitory, "Sst Synthetic 1", "L5 IT Synthetic 1"),
            mapped_subclass=np.where(inhibitory, "Sst", "L5 IT"),
        )

    def _make_pairs(self) -> None:
        random = self._random
        sizes = np.bincount(self._experiment)
        first = np.cumsum(sizes) - sizes
        grids = [
            start + np.argwhere(~np.eye(size, dtype=bool))
            for start, size in zip(first, sizes, strict=True)
        ]
        pre, post = np.concatenate(grids).T
        count = len(pre)
        offset = self._position[pre] - self._position[post]
        distance = np.sqrt((offset**2).sum(axis=1))
        inhibitory = self._inhibitory[pre]
        tested = random.random(count) < 0.8
        spikes = np.where(tested, random.integers(11, 700, count), random.integers(0, 11, count))
        chance = np.where(inhibitory, 0.3, 0.15) * np.exp(-(distance**2) / (2 * _SIGMA**2))
        connected = (random.random(count) < chance) & tested
        order = {
            pair: row for row, pair in enumerate(zip(pre.tolist(), post.tolist(), strict=True))
        }
        reciprocal = np.array(
            [order[b, a] for a, b in zip(pre.tolist(), post.tolist(), strict=True)]
        )
        coupled = random.random(count) < 0.04
        coupled &= coupled[reciprocal] | (np.arange(count) < reciprocal)
        coupled |= coupled[reciprocal]
        known = tested | (random.random(count) < 0.3)
        self._connected = np.flatnonzero(connected)
        self._coupled = np.flatnonzero(coupled & inhibitory)
        self._pre, self._post = pre, post
        self._add(
            "pair",
            count,
            experiment_id=self._experiment[pre] + 1,
            pre_cell_id=pre + 1,
            post_cell_id=post + 1,
            has_synapse=np.where(known, connected.astype(int), _NOTHING),
            has_polysynapse=np.where(known, (random.random(count) < 0.02).astype(int), _NOTHING),
            has_electrical=np.where(known, (coupled & inhibitory).astype(int), _NOTHING),
            n_ex_test_spikes=np.where(inhibitory, spikes // 3, spikes),
            n_in_test_spikes=np.where(inhibitory, spikes, spikes // 2),
            distance=self._with_gaps(distance, 0.02),
            lateral_distance=self._with_gaps(np.hypot(offset[:, 0], offset[:, 2]), 0.05),
            vertical_distance=self._with_gaps(np.abs(offset[:, 1]), 0.05),
            reciprocal_id=reciprocal + 1,
        )

    def _make_synapses(self) -> None:
        random = self._random
        pair = self._connected
        inhibitory = self._inhibitory[self._pre[pair]]
        sign = np.where(inhibitory, -1.0, 1.0)
        count = len(pair)
        kind = np.where(random.random(count) < 0.01, "mixed", np.where(inhibitory, "in", "ex"))
        psp = sign * random.lognormal(np.log(5e-4), 0.7, count)
        psc = -sign * random.lognormal(np.log(1e-11), 0.7, count)
        self._add(
            "synapse",
            count,
            pair_id=pair + 1,
            synapse_type=kind,
            latency=self._with_gaps(random.lognormal(np.log(1.6e-3), 0.3, count), 0.1),
            psp_amplitude=self._with_gaps(psp, 0.15),
            psc_amplitude=self._with_gaps(psc, 0.15),
        )
        self._add(
            "resting_state_fit",
            count,
            synapse_id=np.arange(count) + 1,
            poly_synapse_id=[None] * count,
        )
        synapse = np.repeat(np.arange(count), 3)
        self._add(
            "avg_response_fit",
            len(synapse),
            synapse_id=synapse + 1,
            poly_synapse_id=[None] * len(synapse),
            clamp_mode=np.tile(["ic", "ic", "vc"], count),
            holding=np.tile([-0.07, -0.055, -0.07], count),
        )
        self._add("conductance", count, synapse_id=np.arange(count) + 1)
        self._add("dynamics", count, pair_id=pair + 1)
        modelled = pair[random.random(count) < 0.7]
        self._add("synapse_model", len(modelled), pair_id=modelled + 1)
        self._add("gap_junction", len(self._coupled), pair_id=self._coupled + 1)
        poly = np.flatnonzero(np.array(self.tables["pair"]["has_polysynapse"], dtype=object) == 1)
        self._add("poly_synapse", len(poly), pair_id=poly + 1, synapse_type="ex")
        if self._recordings:
            everything = np.arange(len(self._pre))
            self._add(
                "synapse_prediction", len(everything), pair_id=everything + 1, synapse_type="ex"
            )

    def _make_recordings(self) -> None:
        experiments = len(self._mouse)
        self._add("sync_rec", experiments, experiment_id=np.arange(experiments) + 1)
        cells = len(self._experiment)
        every = np.arange(cells) + 1
        self._add(
            "recording",
            cells,
            sync_rec_id=self._experiment + 1,
            electrode_id=every,
            stim_name=self._choice(["PulseTrain_50Hz", "TargetV_-70", None], cells, [5, 3, 1]),
            start_time=_time(1_500_000_100),
        )
        self._add("baseline", cells, recording_id=every, data=[None] * cells)
        self._add("test_pulse", cells, electrode_id=every, recording_id=every)
        self._add(
            "patch_clamp_recording", cells, recording_id=every, nearest_test_pulse_id=every,
            clamp_mode=self._choice(["ic", "vc"], cells, [2, 1]),
        )  # fmt: skip
        self._add("multi_patch_probe", cells, patch_clamp_recording_id=every)
        pulses = 4
        cell = np.repeat(np.arange(cells), pulses)
        self._add(
            "stim_pulse", len(cell), recording_id=cell + 1, cell_id=cell + 1,
            pulse_number=np.tile(np.arange(pulses) + 1, cells), data=[None] * len(cell),
        )  # fmt: skip
        self._add("stim_spike", len(cell), stim_pulse_id=np.arange(len(cell)) + 1)
        pair = np.repeat(np.arange(len(self._pre)), pulses)
        pulse = self._pre[pair] * pulses + np.tile(np.arange(pulses), len(self._pre))
        every = np.arange(len(pair)) + 1
        self._add(
            "pulse_response", len(pair), recording_id=self._post[pair] + 1, stim_pulse_id=pulse + 1,
            pair_id=pair + 1, baseline_id=self._post[pair] + 1, data=[None] * len(pair),
        )  # fmt: skip
        self._add("pulse_response_fit", len(pair), pulse_response_id=every)
        self._add(
            "pulse_response_strength", len(pair), pulse_response_id=every,
            baseline_id=self._post[pair] + 1,
        )  # fmt: skip


def _time(seconds: Any) -> str:
    moment = np.datetime64(round(float(seconds) * 1e6), "us")
    return str(moment).replace("T", " ")
