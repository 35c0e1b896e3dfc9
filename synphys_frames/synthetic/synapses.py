"""Synapses, polysynaptic responses and gap junctions, and the fits to their averaged responses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from .cohorts import scaled
from .values import lognormal, with_gaps

if TYPE_CHECKING:
    from .._typing import Floats, Integers, Mask
    from .cells import Cells
    from .pairs import Pairs
    from .table_maker import TableMaker


# Published medians by presynaptic group (rows) and postsynaptic one: pyr, pvalb, sst, vip. What
# is not in them has the last row or column.
_GROUPS = {"pyr": 0, "pvalb": 1, "sst": 2, "vip": 3, "other": 4}
_PSP = np.array(
    [
        [2.1e-4, 4.4e-4, 7.3e-5, 4.7e-4, 3e-4],
        [4.6e-4, 4.6e-4, 4.4e-4, 2.5e-4, 4e-4],
        [1.7e-4, 1.6e-4, 1.5e-4, 1.6e-4, 1.6e-4],
        [6.1e-5, 1.3e-4, 1.6e-4, 9.7e-5, 1.2e-4],
        [2e-4, 2e-4, 2e-4, 2e-4, 2e-4],
    ]
)
_LATENCY = np.array(
    [
        [1.68e-3, 1.22e-3, 1.42e-3, 1.59e-3, 1.5e-3],
        [0.94e-3, 1.0e-3, 1.06e-3, 0.97e-3, 1.0e-3],
        [1.18e-3, 1.19e-3, 1.4e-3, 1.34e-3, 1.3e-3],
        [1.84e-3, 1.36e-3, 1.39e-3, 1.37e-3, 1.4e-3],
        [1.3e-3] * 5,
    ]
)
_PSC_DECAY = np.array(
    [
        [3.9e-3, 1.5e-3, 3.0e-3, 3.2e-3, 3e-3],
        [6.0e-3, 2.4e-3, 3.8e-3, 5.6e-3, 4e-3],
        [7.5e-3, 3.8e-3, 6.2e-3, 4.9e-3, 6e-3],
        [9.8e-3, 2.1e-3, 9.1e-3, 3.4e-3, 6e-3],
        [5e-3] * 5,
    ]
)
PSC_AMPLITUDE = 1.2e-11
_SHORTEST_LATENCY = -4.4e-5


@dataclass(frozen=True, slots=True)
class Synapses:
    """What the other tables need to know of each synapse, in the order of the pairs.

    Attributes
    ----------
    pair
        Place of its pair.
    amplitude
        Of the potential, also where none is stored.
    latency
        NaN where none is stored.
    """

    ids: Integers
    pair: Integers
    pre_group: Integers
    post_group: Integers
    is_inhibitory: Mask
    sign: Floats
    amplitude: Floats
    latency: Floats


def add_synapses(maker: TableMaker, cells: Cells, pairs: Pairs, pair_ids: Integers) -> Synapses:
    """Make the table synapse."""
    random = maker.random("synapses")
    here = pairs.connected
    count = len(here)
    pre, post = pairs.pre[here], pairs.post[here]
    pre_group, post_group = (
        np.array([_GROUPS[name] for name in cells.group[side]], dtype=np.int64)
        for side in (pre, post)
    )
    inhibitory = cells.is_inhibitory[pre]
    sign = np.where(inhibitory, -1.0, 1.0)
    psp = sign * lognormal(random, _PSP[pre_group, post_group], count, 0.8)
    latency = lognormal(random, _LATENCY[pre_group, post_group], count, 0.3)
    latency[random.random(count) < 0.13] = np.nan
    measured = random.permutation(np.flatnonzero(~np.isnan(latency)))
    early = measured[: scaled(12, maker.scale, 1)]
    latency[early] = np.linspace(_SHORTEST_LATENCY, 3e-4, len(early))
    psc = -sign * lognormal(random, PSC_AMPLITUDE, count, 0.8)
    decay = lognormal(random, _PSC_DECAY[pre_group, post_group], count, 0.5)
    columns = _kinetics(random, psp, psc, decay)
    # A fit that found nothing leaves an amplitude that is as good as none.
    measured = random.permutation(np.flatnonzero(~np.isnan(columns["psc_amplitude"])))
    columns["psc_amplitude"][measured[: scaled(16, maker.scale, 1)]] *= 1e-14
    ids = maker.add(
        "synapse",
        count,
        pair_id=pair_ids[here],
        synapse_type=np.where(inhibitory, "in", "ex").astype(object),
        latency=latency,
        **columns,
    )
    return Synapses(ids, here, pre_group, post_group, inhibitory, sign, psp, latency)


def _kinetics(
    random: np.random.Generator, psp: Floats, psc: Floats, decay: Floats
) -> dict[str, Any]:
    """Return amplitude, rise and decay in both clamp modes; a mode is missing as a whole."""
    count = len(psp)
    potential, current = (random.random(count) < share for share in (0.22, 0.16))
    times = {
        "psp_rise_time": lognormal(random, 4e-3, count),
        "psp_decay_tau": lognormal(random, 2.5e-2, count, 0.6),
        "psc_rise_time": lognormal(random, 1.5e-3, count),
    }
    columns = {"psp_amplitude": psp, "psc_amplitude": psc, "psc_decay_tau": decay} | times
    return {
        name: np.where(potential if name.startswith("psp") else current, np.nan, values)
        for name, values in columns.items()
    }


def add_poly_synapses(
    maker: TableMaker, cells: Cells, pairs: Pairs, pair_ids: Integers
) -> Integers:
    """Make the table poly_synapse; return the ids."""
    random = maker.random("poly")
    here = pairs.poly
    count = len(here)
    inhibitory = cells.is_inhibitory[pairs.post[here]]
    sign = np.where(inhibitory, -1.0, 1.0)
    return maker.add(
        "poly_synapse",
        count,
        pair_id=pair_ids[here],
        synapse_type=np.where(inhibitory, "in", "ex").astype(object),
        latency=with_gaps(random, lognormal(random, 4.5e-3, count, 0.3), 0.1),
        **_kinetics(
            random,
            sign * lognormal(random, 2e-4, count, 0.8),
            -sign * lognormal(random, PSC_AMPLITUDE, count, 0.8),
            lognormal(random, 5e-3, count),
        ),
    )


def add_conductance(maker: TableMaker, synapses: Synapses) -> None:
    """Make the table conductance: how a potential is reckoned at one holding potential."""
    random = maker.random("conductance")
    here = np.flatnonzero(random.random(len(synapses.ids)) < 0.8)
    count = len(here)
    inhibitory = synapses.is_inhibitory[here]
    reversal = np.where(inhibitory, -0.07, 0.0)
    ideal = np.where(inhibitory, -0.055, -0.07)
    baseline = ideal + random.normal(0, 4e-3, count)
    # A ratio of voltages; its sign turns where a cell was held beyond the reversal potential.
    ratio = synapses.amplitude[here] / (reversal - baseline)
    unknown = random.random(count) < 0.08
    maker.add(
        "conductance",
        count,
        synapse_id=synapses.ids[here],
        effective_conductance=np.where(unknown, np.nan, ratio),
        adj_psp_amplitude=np.where(unknown, np.nan, ratio * (reversal - ideal)),
        reversal_potential=reversal,
        ideal_holding_potential=ideal,
        avg_baseline_potential=np.where(unknown, np.nan, baseline),
    )


def add_gap_junctions(maker: TableMaker, pairs: Pairs, pair_ids: Integers) -> None:
    """Make the table gap_junction."""
    random = maker.random("gap junctions")
    count = len(pairs.coupled)

    def measured(median: float, missing: float) -> Any:
        return with_gaps(random, lognormal(random, median, count, 0.6), missing)

    maker.add(
        "gap_junction",
        count,
        pair_id=pair_ids[pairs.coupled],
        corr_coeff_pulse=with_gaps(random, random.uniform(0.3, 1, count), 0.1),
        corr_coeff_noise=with_gaps(random, random.uniform(-0.1, 0.4, count), 0.3),
        p_val_pulse=with_gaps(random, 10.0 ** -random.uniform(1, 40, count), 0.1),
        p_val_noise=with_gaps(random, random.random(count), 0.3),
        coupling_coeff_pulse=measured(0.03, 0.15),
        coupling_coeff_noise=measured(0.02, 0.35),
        junctional_conductance=measured(2.5e-10, 0.15),
    )
