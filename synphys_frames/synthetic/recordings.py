"""Recordings of the medium and full sizes: sweeps, pulses, spikes and responses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from .values import JSON_NULL, arrays, lognormal, shared_out, times, with_gaps

if TYPE_CHECKING:
    from .._typing import Floats, Integers, Mask, Objects
    from .cells import Cells
    from .experiments import Experiments
    from .pairs import Pairs
    from .synapses import Synapses
    from .table_maker import TableMaker


_PULSES = 4
_FIRST_ONSET = 0.1
_INTERVAL = 0.02
# 20 kHz, from 5 ms before a pulse until 15 ms after it.
_SAMPLE = 5e-5
_SAMPLES = 400
_BEFORE = 5e-3
_LOST = 0.06
_USUAL_LATENCY = 1.3e-3


@dataclass(frozen=True, slots=True)
class _Sweep:
    """One sweep of every experiment: a recording of each cell, but for the lost ones.

    Attributes
    ----------
    row
        For each cell the place of its recording in the table, -1 where there is none.
    """

    row: Integers
    is_ic: Mask


def add_recordings(
    maker: TableMaker,
    experiments: Experiments,
    cells: Cells,
    pairs: Pairs,
    synapses: Synapses,
    cell_ids: Integers,
    pair_ids: Integers,
    *,
    traces: bool,
) -> None:
    """Make the recording-level tables.

    Parameters
    ----------
    traces
        Whether `data` holds traces, as in full files; else it is NULL, and so is `meta` beside it.
    """
    random = maker.random("recordings")
    recordings, trains = _add_recordings(maker, experiments, cells)
    baselines = _add_baselines(maker, recordings, trains, traces=traces)
    stimulated = np.flatnonzero(trains.row >= 0)
    pulses = _add_pulses(maker, cell_ids, recordings, trains, stimulated, traces=traces)
    # A response: the pulse of one cell, in the recording of another of the same sweep.
    tested = np.flatnonzero((trains.row[pairs.pre] >= 0) & (trains.row[pairs.post] >= 0))
    pair = np.repeat(tested, _PULSES)
    place = np.full(len(cells.experiment), -1)
    place[stimulated] = np.arange(len(stimulated))
    pulse_number = np.tile(np.arange(_PULSES), len(tested))
    pulse = place[pairs.pre[pair]] * _PULSES + pulse_number
    count = len(pair)
    row = trains.row[pairs.post[pair]]
    data: Any = [None] * count
    if traces:
        data = _responses(random, pairs, synapses, pair, trains.is_ic[pairs.post[pair]])
    ids = maker.add(
        "pulse_response",
        count,
        recording_id=recordings[row],
        stim_pulse_id=pulses[pulse],
        pair_id=pair_ids[pair],
        baseline_id=baselines[row],
        data=data,
        data_start_time=_FIRST_ONSET + pulse_number * _INTERVAL - _BEFORE,
        ex_qc_pass=shared_out(random, {1: 0.7, 0: 0.3}, count),
        in_qc_pass=shared_out(random, {1: 0.5, 0: 0.5}, count),
        meta=JSON_NULL if traces else None,
    )
    fitted = np.flatnonzero(random.random(count) < 0.9)
    maker.add("pulse_response_fit", len(fitted), pulse_response_id=ids[fitted])
    maker.add("pulse_response_strength", count, pulse_response_id=ids, baseline_id=baselines[row])


def _add_recordings(
    maker: TableMaker, experiments: Experiments, cells: Cells
) -> tuple[Integers, _Sweep]:
    """Make sweeps and recordings; return all ids, and the sweep with pulse trains."""
    random = maker.random("sweeps")
    n_experiments, n_cells = len(experiments.ids), len(cells.experiment)
    sweeps = maker.add(
        "sync_rec",
        2 * n_experiments,
        experiment_id=np.repeat(experiments.ids, 2),
        ext_id=["0", "1"] * n_experiments,
        temperature=with_gaps(random, random.normal(33, 0.7, 2 * n_experiments), 0.1),
    )
    kept = random.random((n_cells, 2)) >= _LOST
    kept[0] = True
    cell, sweep = np.nonzero(kept)
    count = len(cell)
    electrodes = np.array(maker.tables["cell"]["electrode_id"])
    trains = sweep == 0
    other = shared_out(random, {"TargetV_-70": 0.8, "TargetV_-55": 0.1, None: 0.1}, count)
    ids = maker.add(
        "recording",
        count,
        sync_rec_id=sweeps[2 * cells.experiment[cell] + sweep],
        electrode_id=electrodes[cell],
        start_time=times(experiments.began[cells.experiment[cell]] + 600 + 30 * sweep),
        sample_rate=[None] * count,
        device_name=[None] * count,
        stim_name=np.where(trains, "PulseTrain_50Hz", other).astype(object),
    )
    is_ic = random.random(n_cells) < 0.6
    _add_patch_clamp(maker, ids, electrodes[cell], is_ic[cell], trains)
    row = np.full(n_cells, -1)
    row[cell[trains]] = np.flatnonzero(trains)
    return ids, _Sweep(row, is_ic)


def _add_patch_clamp(
    maker: TableMaker, recordings: Integers, electrodes: Integers, is_ic: Mask, trains: Mask
) -> None:
    random = maker.random("patch clamp")
    count = len(recordings)
    has_test = np.flatnonzero(random.random(count) < 0.7)
    tests = maker.add(
        "test_pulse",
        len(has_test),
        electrode_id=electrodes[has_test],
        recording_id=recordings[has_test],
        baseline_potential=random.normal(-0.07, 3e-3, len(has_test)),
        baseline_current=random.normal(-2e-11, 3e-11, len(has_test)),
    )
    nearest: Objects = np.full(count, None, dtype=object)
    nearest[has_test] = tests
    # Recordings of a cell follow one another: the nearest test pulse may be another one's.
    lacks = np.flatnonzero((nearest[1:] == None) & (electrodes[1:] == electrodes[:-1])) + 1  # noqa: E711
    nearest[lacks] = nearest[lacks - 1]
    ids = maker.add(
        "patch_clamp_recording",
        count,
        recording_id=recordings,
        clamp_mode=np.where(is_ic, "ic", "vc").astype(object),
        patch_mode=[None] * count,
        baseline_potential=random.normal(-0.068, 5e-3, count),
        baseline_current=random.normal(-2e-11, 4e-11, count),
        baseline_noise_stdev=lognormal(random, np.where(is_ic, 1e-4, 5e-12), count),
        nearest_test_pulse_id=nearest,
    )
    maker.add(
        "multi_patch_probe",
        int(trains.sum()),
        patch_clamp_recording_id=ids[trains],
        induction_frequency=50.0,
        recovery_delay=0.25,
        n_spikes_evoked=random.integers(0, _PULSES + 1, int(trains.sum())),
    )


def _add_baselines(
    maker: TableMaker, recordings: Integers, trains: _Sweep, *, traces: bool
) -> Integers:
    """Make the table baseline: a stretch without stimuli for each recording; return the ids."""
    random = maker.random("baselines")
    count = len(recordings)
    is_ic = np.ones(count, dtype=bool)
    is_ic[trains.row[trains.row >= 0]] = trains.is_ic[trains.row >= 0]
    rest = _rest(is_ic)
    return maker.add(
        "baseline",
        count,
        recording_id=recordings,
        data=_noise(random, is_ic) if traces else [None] * count,
        data_start_time=random.uniform(0.01, 0.05, count),
        mode=rest,
        ex_qc_pass=shared_out(random, {1: 0.7, 0: 0.3}, count),
        in_qc_pass=shared_out(random, {1: 0.5, 0: 0.5}, count),
        meta=JSON_NULL if traces else None,
    )


def _add_pulses(
    maker: TableMaker,
    cell_ids: Integers,
    recordings: Integers,
    trains: _Sweep,
    stimulated: Integers,
    *,
    traces: bool,
) -> Integers:
    """Make the tables stim_pulse and stim_spike; return the pulses' ids."""
    random = maker.random("pulses")
    cell = np.repeat(stimulated, _PULSES)
    number = np.tile(np.arange(_PULSES), len(stimulated))
    count = len(cell)
    onset = _FIRST_ONSET + number * _INTERVAL
    fired = random.random(count) < 0.93
    spike_time = onset + lognormal(random, 1.2e-3, count, 0.2)
    is_ic = trains.is_ic[cell]
    ids = maker.add(
        "stim_pulse",
        count,
        recording_id=recordings[trains.row[cell]],
        pulse_number=number + 1,
        cell_id=cell_ids[cell],
        onset_time=onset,
        amplitude=np.where(is_ic, 1.5e-9, 0.09),
        duration=2e-3,
        n_spikes=fired.astype(int),
        first_spike_time=np.where(fired, spike_time, np.nan),
        data=_noise(random, is_ic) if traces else [None] * count,
        data_start_time=onset - _BEFORE,
        position=JSON_NULL,
        qc_pass=shared_out(random, {1: 0.9, 0: 0.1}, count),
        previous_pulse_dt=np.where(number == 0, np.inf, _INTERVAL),
        meta=JSON_NULL if traces else None,
    )
    maker.add(
        "stim_spike",
        int(fired.sum()),
        stim_pulse_id=ids[fired],
        onset_time=spike_time[fired] - 2e-4,
        max_slope_time=spike_time[fired],
        max_slope=lognormal(random, 200.0, int(fired.sum())),
        peak_time=spike_time[fired] + 2e-4,
    )
    return ids


def _rest(is_ic: Mask) -> Floats:
    return np.where(is_ic, -0.068, -2e-11)


def _noise(random: np.random.Generator, is_ic: Mask) -> list[Any]:
    noise = random.normal(0, 1, (len(is_ic), _SAMPLES)) * np.where(is_ic, 5e-5, 4e-12)[:, None]
    return arrays(_rest(is_ic)[:, None] + noise)


def _responses(
    random: np.random.Generator, pairs: Pairs, synapses: Synapses, pair: Integers, is_ic: Mask
) -> list[Any]:
    """Return traces: noise, and an event of the synapse's size and latency where there is one."""
    amplitude = np.zeros(len(pairs.pre))
    latency = np.zeros(len(pairs.pre))
    amplitude[synapses.pair] = synapses.amplitude
    latency[synapses.pair] = np.nan_to_num(np.maximum(synapses.latency, 0), nan=_USUAL_LATENCY)
    # Inward current is negative where the potential rises.
    size = np.where(is_ic, amplitude[pair], -4e-8 * amplitude[pair]) * random.lognormal(
        0, 0.3, len(pair)
    )
    time = np.arange(_SAMPLES) * _SAMPLE - _BEFORE - latency[pair][:, None]
    after = np.maximum(time, 0)
    event = (1 - np.exp(-after / 1e-3)) * np.exp(-after / 1e-2)
    noise = random.normal(0, 1, event.shape) * np.where(is_ic, 5e-5, 4e-12)[:, None]
    return arrays(_rest(is_ic)[:, None] + size[:, None] * event / 0.7 + noise)
