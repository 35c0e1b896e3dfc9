"""Short-term plasticity of synapses, measured and by a model of release."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from .cohorts import PUBLISHED_ROWS, scaled
from .values import JSON_NULL, arrays, lognormal, shared_out, with_gaps

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .._typing import Floats, Integers
    from .synapses import Synapses
    from .table_maker import TableMaker


# Published medians by presynaptic group (rows) and postsynaptic one, with one for all others.
_INDUCTION = np.array(
    [
        [-0.31, -0.18, 0.12, 0.05, -0.05],
        [-0.52, -0.50, -0.34, -0.32, -0.45],
        [-0.13, -0.14, -0.12, 0.33, -0.05],
        [-0.16, -0.13, 0.08, 0.04, -0.03],
        [-0.2, -0.2, -0.1, 0.0, -0.15],
    ]
)
_RECOVERY = 0.3
_WITH_ALL_STIMULI = 2126
_MODEL_SHARE = 0.75
_PULSES = 12
_MEASURES = ("initial_50hz", "induction_50hz", "recovery_250ms", "recovery_single_250ms")
_AMPLITUDES = ("first_50hz", *(f"stp_{name}" for name in _MEASURES))
_STIMULI = (("ic", 50.0, 0.25), ("ic", 20.0, 0.25), ("ic", 50.0, 0.5), ("vc", 50.0, None))
_VARIABILITIES = (
    "resting_state", "second_pulse_50hz", "stp_induced_state_50hz", "change_initial_50hz",
    "change_induction_50hz",
)  # fmt: skip
# The values that the model was tried with.
_TAUS = [0.01, 0.0220818, 0.0487605, 0.107672, 0.237759, 0.525015, 1.15932, 2.56]
_SPACE = {
    "n_release_sites": [1.0, 2.0, 4.0, 8.0, 12.0, 16.0, 24.0, 32.0],
    "base_release_probability": [0.0125, 0.0387468, 0.0873326, 0.196842, 0.443669, 1.0],
    "mini_amplitude_cv": [0.1, 0.2, 0.4, 0.8],
    "depression_amount": [-1.0, -0.75, -0.375, 0.0, 0.125, 0.25, 0.375, 0.625, 1.0],
    "depression_tau": _TAUS,
    "facilitation_amount": [0.0, 0.125, 0.25, 0.375, 0.5, 0.625, 0.75, 1.0],
    "facilitation_tau": _TAUS,
}


def add_dynamics(maker: TableMaker, synapses: Synapses, pair_ids: Integers) -> None:
    """Make the table dynamics: all connected pairs but a few."""
    random = maker.random("dynamics")
    count = min(scaled(PUBLISHED_ROWS["dynamics"], maker.scale, 1), len(synapses.pair))
    here = np.sort(random.permutation(len(synapses.pair))[:count])
    amplitude = synapses.amplitude[here] * random.lognormal(0.3, 0.2, count)
    induction = _INDUCTION[synapses.pre_group[here], synapses.post_group[here]]
    maker.add(
        "dynamics",
        count,
        pair_id=pair_ids[synapses.pair[here]],
        qc_pass=shared_out(random, {1: 0.62, 0: 0.38}, count),
        n_source_events=random.integers(0, 1500, count),
        stp_all_stimuli=_all_stimuli(random, amplitude, induction, maker.scale),
        **_plasticity(random, amplitude, induction),
        **_amplitudes(random, amplitude),
    )


def _amplitudes(random: np.random.Generator, amplitude: Floats) -> dict[str, Any]:
    columns: dict[str, Any] = {}
    missing = random.random(len(amplitude)) < 0.2
    for name in _AMPLITUDES:
        values = amplitude * random.lognormal(-0.2, 0.3, len(amplitude))
        number = np.where(missing, np.nan, random.integers(1, 40, len(amplitude)))
        columns[f"pulse_amp_{name}"] = np.where(missing, np.nan, values)
        columns[f"pulse_amp_{name}_n"] = number
        columns[f"pulse_amp_{name}_std"] = np.where(missing, np.nan, 0.3 * np.abs(values))
    return columns


def _plasticity(
    random: np.random.Generator, amplitude: Floats, induction: Floats, prefix: str = ""
) -> dict[str, Any]:
    """Return the columns that dynamics and the model of release both have."""
    count = len(amplitude)
    missing = random.random(count) < 0.18
    columns: dict[str, Any] = {}
    for name, part in zip(_MEASURES, (0.5, 1.0, _RECOVERY, 0.6 * _RECOVERY), strict=True):
        values = part * induction + random.normal(0, 0.15, count)
        less = missing | (random.random(count) < 0.03)
        columns[f"stp_{name}"] = np.where(less, np.nan, np.clip(values, -1, 1))
        columns[f"stp_{name}_n"] = np.where(less, np.nan, random.integers(1, 40, count))
        columns[f"stp_{name}_std"] = np.where(less, np.nan, lognormal(random, 0.3, count))
    columns["paired_pulse_ratio_50hz"] = with_gaps(
        random, np.exp(0.6 * induction + random.normal(0, 0.2, count)), 0.25
    )
    for name in _VARIABILITIES:
        columns[f"variability_{name}"] = with_gaps(random, random.normal(-0.3, 0.8, count), 0.4)
    for name in ("1_2", "2_4", "4_8"):
        correlation = random.normal(0, 0.2, count)
        columns[f"paired_event_correlation_{name}_r"] = with_gaps(random, correlation, 0.45)
        columns[f"paired_event_correlation_{name}_p"] = with_gaps(
            random, random.random(count), 0.45
        )
    columns["pulse_amp_90th_percentile"] = np.where(missing, np.nan, 1.4 * amplitude)
    noise = np.where(missing, np.nan, lognormal(random, 1.2e-4, count))
    columns |= {"noise_amp_90th_percentile": noise, "noise_std": 0.7 * noise}
    return {f"{prefix}{name}": values for name, values in columns.items()}


def _all_stimuli(
    random: np.random.Generator, amplitude: Floats, induction: Floats, scale: float
) -> list[str]:
    """Return for each synapse its plasticity by stimulus: a list, an empty list, or null."""
    count = len(amplitude)
    texts = list(shared_out(random, {JSON_NULL: 0.7, "[]": 0.3}, count))
    full = np.sort(random.permutation(count)[: scaled(_WITH_ALL_STIMULI, scale, 1)])
    n_stimuli = random.integers(1, len(_STIMULI) + 1, count)
    measures = random.normal(induction[:, None, None], 0.15, (count, len(_STIMULI), len(_MEASURES)))
    pulses = np.arange(_PULSES)
    course = np.where(pulses < 8, 1 - np.exp(-pulses / 3), _RECOVERY)
    means = amplitude[:, None] * (1 + induction[:, None] * course)
    numbers = random.integers(1, 30, (count, len(_STIMULI)))
    last = random.integers(8, _PULSES + 1, count)
    for place in full.tolist():
        rows = zip(
            _STIMULI[: n_stimuli[place]],
            measures[place].round(6).tolist(),
            numbers[place].tolist(),
            strict=False,
        )
        amplitudes = means[place].tolist()
        texts[place] = json.dumps([_stimulus(*row, amplitudes, int(last[place])) for row in rows])
    return texts


def _stimulus(
    stimulus: Sequence[Any], measures: Sequence[float], n: int, means: Sequence[float], last: int
) -> list[Any]:
    names = ("stp_initial", "stp_induction", "stp_recovery", "stp_recovery_single")
    results: dict[str, Any] = {
        name: [value, 0.3, n] for name, value in zip(names, measures, strict=True)
    }
    # A pulse without a good response has NaN in the place of mean, deviation and number.
    results["pulse_amplitudes"] = [
        [mean, 0.3 * abs(mean), n] if place < last else float("nan")
        for place, mean in enumerate(means)
    ]
    return [list(stimulus), results]


def add_models(
    maker: TableMaker,
    synapses: Synapses,
    pair_ids: Integers,
    pair_names: Sequence[str],
) -> None:
    """Make the table synapse_model: a model of release, fitted to three synapses in four.

    Parameters
    ----------
    pair_names
        Of the synapses' pairs: the experiment's ext_id and both cells'.
    """
    random = maker.random("models")
    total = len(synapses.pair)
    count = max(1, round(_MODEL_SHARE * total))
    here = np.sort(random.permutation(total)[:count])
    amplitude = synapses.amplitude[here]
    induction = _INDUCTION[synapses.pre_group[here], synapses.post_group[here]]
    best = {name: random.choice(values, count) for name, values in _SPACE.items()}
    quanta = best["n_release_sites"] * best["base_release_probability"]
    # Where the model gives a result no chance at all.
    likelihood = random.uniform(1, 9, count)
    likelihood[random.permutation(count)[: max(1, count // 200)]] = -np.inf
    names = [json.dumps({"pair_ext_id": pair_names[place]}) for place in here]
    space = json.dumps([[name, values] for name, values in _SPACE.items()])
    maker.add(
        "synapse_model",
        count,
        pair_id=pair_ids[synapses.pair[here]],
        n_source_events=random.integers(20, 1500, count),
        parameter_space=space,
        marginal_distributions=JSON_NULL,
        confidence_intervals=JSON_NULL,
        sparse_pca_vector=arrays(random.normal(0, 1, (count, 5))),
        max_likelihood=likelihood,
        **{f"ml_{name}": values for name, values in best.items()},
        ml_mini_amplitude=amplitude / np.maximum(quanta, 0.5),
        ml_measurement_stdev=lognormal(random, 1e-4, count),
        ml_strength=amplitude,
        ml_strength_ci=JSON_NULL,
        ml_quanta_per_spike=quanta,
        ml_quanta_per_spike_ci=JSON_NULL,
        ml_sites_pr_ratio=best["n_release_sites"] / best["base_release_probability"],
        ml_sites_pr_ratio_ci=JSON_NULL,
        ml_release_dependence_ratio=random.lognormal(0, 0.3, count),
        ml_stp_all_stimuli=_all_stimuli(random, amplitude, induction, maker.scale * _MODEL_SHARE),
        meta=_with_nulls(random, names),
        **_plasticity(random, amplitude, induction, "ml_"),
    )


def _with_nulls(random: np.random.Generator, texts: Sequence[str]) -> list[str]:
    """Return JSON of which a small share is null."""
    null = random.random(len(texts)) < 0.05
    return [JSON_NULL if gone else text for text, gone in zip(texts, null, strict=True)]
