"""Fits to the averaged responses of synapses and of polysynaptic responses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .cohorts import PUBLISHED_ROWS, scaled
from .synapses import PSC_AMPLITUDE
from .values import EMPTY_BLOB, arrays, id_arrays, lognormal, sampled, shared_out, with_gaps

if TYPE_CHECKING:
    from .._typing import Floats, Integers, Mask, Objects
    from .synapses import Synapses
    from .table_maker import TableMaker


# Published: fits that a person judged good, by clamp mode and holding potential in mV.
_FITS = {("ic", -70.0): 1270, ("vc", -55.0): 1993, ("ic", -55.0): 1462, ("vc", -70.0): 1685}
_FITS_OF_POLY = 268
_WITH_PULSE_IDS = 2318
_SAMPLES = 80


def add_fits(maker: TableMaker, synapses: Synapses, poly_ids: Integers) -> None:
    """Make the tables avg_response_fit and resting_state_fit."""
    _add_average_fits(maker, synapses, poly_ids)
    _add_resting_fits(maker, synapses, poly_ids)


def _owners(synapses: Synapses, poly_ids: Integers) -> tuple[Objects, Objects, Floats]:
    """Return the keys of fits to all synapses, then to all polysynaptic responses; and signs."""
    none = np.full(len(poly_ids), None, dtype=object)
    synapse = np.concatenate([synapses.ids.astype(object), none])
    none = np.full(len(synapses.ids), None, dtype=object)
    poly = np.concatenate([none, poly_ids.astype(object)])
    return synapse, poly, np.concatenate([synapses.sign, np.ones(len(poly_ids))])


def _add_average_fits(maker: TableMaker, synapses: Synapses, poly_ids: Integers) -> None:
    random = maker.random("average fits")
    synapse, poly, sign = _owners(synapses, poly_ids)
    modes = np.array(list(_FITS), dtype=object)
    # At most one fit for each owner, clamp mode and holding potential.
    weight = np.tile(np.array(list(_FITS.values()), dtype=float), (len(synapse), 1))
    of_poly = np.arange(len(synapse)) >= len(synapses.ids)
    n_poly = min(scaled(_FITS_OF_POLY, maker.scale, 1), 4 * len(poly_ids))
    n_rest = scaled(PUBLISHED_ROWS["avg_response_fit"], maker.scale, 1) - n_poly
    places = np.sort(
        np.concatenate(
            [
                sampled(random, (weight * owners[:, None]).ravel(), count)
                for owners, count in ((~of_poly, n_rest), (of_poly, n_poly))
            ]
        )
    )
    owner, mode = places // len(modes), places % len(modes)
    is_ic = modes[mode, 0] == "ic"
    good = np.concatenate(
        [
            random.permutation(here)[: scaled(count, maker.scale)]
            for place, count in enumerate(_FITS.values())
            for here in [np.flatnonzero(mode == place)]
        ]
    )
    passed = np.zeros(len(places), dtype=int)
    passed[good] = 1
    _add_average_rows(maker, synapse[owner], poly[owner], modes[mode], sign[owner], is_ic, passed)


def _add_average_rows(
    maker: TableMaker,
    synapse: Objects,
    poly: Objects,
    modes: Objects,
    sign: Floats,
    is_ic: Mask,
    passed: Integers,
) -> None:
    random = maker.random("average rows")
    count = len(synapse)
    amplitude = np.where(is_ic, 3e-4 * sign, -PSC_AMPLITUDE * sign) * random.lognormal(
        0, 0.8, count
    )
    exponential = lognormal(random, 2e-2, count, 0.6)
    # A baseline that does not drift is an exponential without end.
    exponential[random.permutation(count)[: max(1, count // 100)]] = np.inf
    maker.add(
        "avg_response_fit",
        count,
        synapse_id=synapse,
        poly_synapse_id=poly,
        clamp_mode=modes[:, 0],
        holding=modes[:, 1],
        laser_power_command=[None] * count,
        fit_xoffset=with_gaps(random, lognormal(random, 1.3e-3, count), 0.05),
        fit_yoffset=random.normal(0, 1, count) * np.where(is_ic, 1e-5, 1e-12),
        fit_amp=amplitude,
        fit_rise_time=lognormal(random, 2e-3, count),
        fit_rise_power=[None] * count,
        fit_decay_tau=lognormal(random, 1e-2, count, 0.6),
        fit_exp_amp=random.normal(0, 1, count) * np.where(is_ic, 3e-5, 1e-12),
        fit_exp_tau=exponential,
        nrmse=lognormal(random, 0.3, count),
        manual_qc_pass=passed,
        avg_data=_averages(random, amplitude),
        avg_data_start_time=-0.01,
        n_averaged_responses=random.integers(1, 300, count),
        avg_baseline_noise=lognormal(random, np.where(is_ic, 2e-5, 1e-12), count),
    )


def _averages(random: np.random.Generator, amplitude: Floats) -> list[Any]:
    """Return averaged responses: flat, then an event of that amplitude."""
    time = np.arange(_SAMPLES) * 5e-4 - 0.01
    event = np.where(time > 1e-3, (1 - np.exp(-time / 2e-3)) * np.exp(-time / 1.5e-2), 0.0)
    noise = random.normal(0, 0.05, (len(amplitude), _SAMPLES))
    return arrays(amplitude[:, None] * (event / event.max() + noise))


def _add_resting_fits(maker: TableMaker, synapses: Synapses, poly_ids: Integers) -> None:
    random = maker.random("resting fits")
    synapse, poly, sign = _owners(synapses, poly_ids)
    count = len(synapse)
    columns: dict[str, Any] = {}
    share = _WITH_PULSE_IDS / PUBLISHED_ROWS["resting_state_fit"]
    for mode, size, has_pulses in (
        ("ic", 3e-4 * sign, share),
        ("vc", -PSC_AMPLITUDE * sign, 0.72),
    ):
        present = shared_out(random, {True: has_pulses, False: 1 - has_pulses}, count).astype(bool)
        fitted = present & (random.random(count) < 0.9)
        amplitude = size * random.lognormal(0, 0.8, count)
        data = _averages(random, amplitude)
        numbers = {
            "amp": amplitude,
            "latency": lognormal(random, 1.3e-3, count),
            "rise_time": lognormal(random, 2e-3, count),
            "decay_tau": lognormal(random, 1e-2, count, 0.6),
            "exp_amp": random.normal(0, 0.1, count) * size,
            "exp_tau": lognormal(random, 2e-2, count, 0.6),
            "nrmse": lognormal(random, 0.3, count),
        }
        columns |= {
            f"{mode}_{name}": np.where(fitted, value, np.nan) for name, value in numbers.items()
        }
        columns[f"{mode}_avg_data_start_time"] = np.where(present, -0.01, np.nan)
        columns[f"{mode}_avg_data"] = [
            values if there else EMPTY_BLOB for values, there in zip(data, present, strict=True)
        ]
        columns[f"{mode}_pulse_ids"] = id_arrays(
            random, np.where(present, random.integers(1, 40, count), 0).tolist()
        )
    # Mostly the latency of the averaged response was taken instead of fitted.
    columns["ic_latency"] = with_gaps(random, columns["ic_latency"], 0.93)
    maker.add("resting_state_fit", count, synapse_id=synapse, poly_synapse_id=poly, **columns)
